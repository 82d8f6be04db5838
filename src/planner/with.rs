//! The WITH clause: names and values checked, nothing ignored (dialect section 9, "WITH properties").

use super::with_format::FormatProperties;
use super::with_window::{DeclaredWindow, WindowProperties};
use crate::catalog::{Format, ProtobufNulls, TimestampColumn};
use crate::functions::suggest::nearest;
use crate::sql::ast::{Property, PropertyValue};
use crate::sql::{SqlError, sqlstate};

/// The properties of a CREATE or CREATE … AS SELECT, each None where it was not given.
#[derive(Debug, Default)]
pub struct WithClause {
    pub topic: Option<String>,
    pub partitions: Option<i32>,
    pub replicas: Option<i16>,
    pub key_format: Option<Format>,
    pub value_format: Option<Format>,
    pub timestamp: Option<TimestampColumn>,
    /// Below zero: for ever.
    pub retention_ms: Option<i64>,
    /// WINDOW_TYPE and WINDOW_SIZE of a declaration.
    pub window: Option<DeclaredWindow>,
    pub formats: FormatProperties,
}

/// The statement that a WITH clause belongs to: some properties are of one only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// CREATE with columns.
    Create,
    /// CREATE … AS SELECT.
    CreateAs,
}

/// Those that mean something with a schema registry only.
const OF_THE_REGISTRY: &[&str] = &[
    "KEY_SCHEMA_FULL_NAME",
    "KEY_SCHEMA_ID",
    "VALUE_AVRO_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_ID",
];

/// Those that Kafka Connect writes.
const OF_CONNECTORS: &[&str] = &["SOURCED_BY_CONNECTOR", "SOURCE_CONNECTOR"];

/// Properties that mean something, for hints.
const KNOWN: &[&str] = &[
    "KAFKA_TOPIC",
    "PARTITIONS",
    "REPLICAS",
    "RETENTION_MS",
    "FORMAT",
    "KEY_FORMAT",
    "VALUE_FORMAT",
    "KEY_DELIMITER",
    "VALUE_DELIMITER",
    "WRAP_SINGLE_VALUE",
    "TIMESTAMP",
    "TIMESTAMP_FORMAT",
];

/// The same of CREATE with columns alone.
const KNOWN_OF_CREATE: &[&str] = &["WINDOW_TYPE", "WINDOW_SIZE"];

impl WithClause {
    /// Errors: 42601 for a property given twice, 22023 for one that is unknown, does not belong to the clause or has a
    /// wrong value, 0A000 for what is not built.
    pub fn parse(properties: &[Property], clause: Clause) -> Result<Self, SqlError> {
        let mut with = WithClause::default();
        let mut format = None;
        let mut timestamp_format = None;
        let mut window = WindowProperties::default();
        for (i, property) in properties.iter().enumerate() {
            let name = property.name.value.as_str();
            if properties[..i].iter().any(|p| p.name.value == name) {
                return Err(SqlError::new(sqlstate::SYNTAX_ERROR, format!("property {name} is given twice"))
                    .at(Some(property.name.position)));
            }
            match name {
                "KAFKA_TOPIC" => with.topic = Some(text(property)?),
                "PARTITIONS" => with.partitions = Some(count(property, 10_000)? as i32),
                "REPLICAS" => with.replicas = Some(count(property, i64::from(i16::MAX))? as i16),
                "RETENTION_MS" => with.retention_ms = Some(retention(property)?),
                "FORMAT" => format = Some((parse_format(property)?, property)),
                "KEY_FORMAT" => with.key_format = Some(parse_format(property)?),
                "VALUE_FORMAT" => with.value_format = Some(parse_format(property)?),
                "TIMESTAMP" => {
                    with.timestamp = Some(TimestampColumn { column: fold(&text(property)?), format: None });
                }
                "TIMESTAMP_FORMAT" => timestamp_format = Some((text(property)?, property)),
                "WINDOW_TYPE" if clause == Clause::Create => window.kind = Some((text(property)?, property)),
                "WINDOW_SIZE" if clause == Clause::Create => window.size = Some((text(property)?, property)),
                _ if with.formats.set(property)? => {}
                _ => return Err(refused(property, clause)),
            }
        }
        with.window = window.read()?;
        if let Some((format, property)) = format {
            if with.key_format.is_some() || with.value_format.is_some() {
                return Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    "FORMAT cannot be given together with KEY_FORMAT or VALUE_FORMAT",
                )
                .at(Some(property.name.position)));
            }
            with.key_format = Some(format);
            with.value_format = Some(format);
        }
        if let Some((pattern, property)) = timestamp_format {
            match &mut with.timestamp {
                Some(timestamp) => timestamp.format = Some(pattern),
                None => {
                    return Err(SqlError::new(
                        sqlstate::INVALID_PARAMETER,
                        "TIMESTAMP_FORMAT needs TIMESTAMP to name a column",
                    )
                    .at(Some(property.name.position)));
                }
            }
        }
        Ok(with)
    }
}

/// Why a property is none of the clause's.
fn refused(property: &Property, clause: Clause) -> SqlError {
    let name = property.name.value.as_str();
    let wrong = |message: String| SqlError::new(sqlstate::INVALID_PARAMETER, message);
    let error = match name {
        "CLEANUP_POLICY" => wrong("property CLEANUP_POLICY cannot be set".into()).hint(
            "it follows from what is made: a stream's topic deletes old records, a table's keeps the last of each key",
        ),
        "WINDOW_TYPE" | "WINDOW_SIZE" => {
            wrong(format!("property {name} does not belong to CREATE … AS SELECT"))
                .hint("the WINDOW clause of the query says it")
        }
        "QUERY_ID" => wrong("property QUERY_ID belongs to INSERT INTO … SELECT".into()),
        _ if OF_THE_REGISTRY.contains(&name) => {
            SqlError::not_supported(format!("property {name}, which waits for the schema registry"))
        }
        _ if OF_CONNECTORS.contains(&name) => {
            SqlError::not_supported(format!("property {name}, which belongs to connectors"))
        }
        _ => {
            let of_create = if clause == Clause::Create { KNOWN_OF_CREATE } else { &[] };
            let known: Vec<&str> = KNOWN.iter().chain(of_create).copied().collect();
            let error = wrong(format!("unknown property {name}"));
            match nearest(name, known.iter().copied()) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(format!("the properties are {}", known.join(", "))),
            }
        }
    };
    error.at(Some(property.name.position))
}

/// A column named in a string: upper case unless it is quoted, as an identifier would be.
fn fold(name: &str) -> String {
    for quote in ['`', '"'] {
        if let Some(inner) = name.strip_prefix(quote).and_then(|n| n.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    name.to_uppercase()
}

pub(super) fn wrong(property: &Property, expected: &str) -> SqlError {
    SqlError::new(sqlstate::INVALID_PARAMETER, format!("property {} must be {expected}", property.name.value))
        .at(Some(property.value_position))
}

fn text(property: &Property) -> Result<String, SqlError> {
    match &property.value {
        PropertyValue::String(value) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
        _ => Err(wrong(property, "a string that is not empty")),
    }
}

fn count(property: &Property, max: i64) -> Result<i64, SqlError> {
    let number = match &property.value {
        PropertyValue::Number(value) | PropertyValue::String(value) => value.trim().parse::<i64>().ok(),
        PropertyValue::Boolean(_) => None,
    };
    number
        .filter(|n| (1..=max).contains(n))
        .ok_or_else(|| wrong(property, &format!("a number from 1 to {max}")))
}

fn retention(property: &Property) -> Result<i64, SqlError> {
    let number = match &property.value {
        PropertyValue::Number(value) | PropertyValue::String(value) => value.trim().parse::<i64>().ok(),
        PropertyValue::Boolean(_) => None,
    };
    number.filter(|n| *n >= -1).ok_or_else(|| wrong(property, "a number of milliseconds, or -1 for ever"))
}

fn parse_format(property: &Property) -> Result<Format, SqlError> {
    format_named(&text(property)?, property.name.value != "VALUE_FORMAT")
        .map_err(|e| e.at(Some(property.value_position)))
}

/// The format of this name, in either case.
pub(super) fn format_named(name: &str, is_key: bool) -> Result<Format, SqlError> {
    match name.to_uppercase().as_str() {
        "JSON" => Ok(Format::Json),
        "KAFKA" => Ok(Format::Kafka),
        // Which refuses columns, and so fits keys only.
        "NONE" => Ok(Format::None),
        "DELIMITED" => Ok(Format::Delimited(Format::DELIMITER)),
        "PROTOBUF_NOSR" => Ok(Format::ProtobufNosr(ProtobufNulls::Default)),
        "DEBEZIUM_JSON" if !is_key => Ok(Format::DebeziumJson),
        "DEBEZIUM_JSON" => {
            Err(SqlError::new(sqlstate::INVALID_PARAMETER, "DEBEZIUM_JSON is a format of values")
                .hint("Debezium's keys are read with KEY_FORMAT = 'JSON'"))
        }
        other @ ("AVRO" | "PROTOBUF" | "JSON_SR") => Err(SqlError::not_supported(format!("format {other}"))
            .detail("it needs a schema registry")
            .hint("use JSON, DELIMITED or PROTOBUF_NOSR")),
        other => Err(SqlError::new(sqlstate::INVALID_PARAMETER, format!("unknown format {other}")).hint(
            "the formats are JSON, DELIMITED, KAFKA, NONE, PROTOBUF_NOSR and, for values, DEBEZIUM_JSON",
        )),
    }
}
