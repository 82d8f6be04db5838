//! The WITH clause: names and values checked, nothing ignored (dialect section 9, "WITH properties").

use crate::catalog::{Format, TimestampColumn};
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
}

/// Properties that ksqlDB has and this build does not.
const LATER: &[&str] = &[
    "CLEANUP_POLICY",
    "KEY_DELIMITER",
    "KEY_PROTOBUF_NULLABLE_REPRESENTATION",
    "KEY_SCHEMA_FULL_NAME",
    "KEY_SCHEMA_ID",
    "RETENTION_MS",
    "SOURCED_BY_CONNECTOR",
    "SOURCE_CONNECTOR",
    "VALUE_AVRO_SCHEMA_FULL_NAME",
    "VALUE_DELIMITER",
    "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
    "VALUE_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_ID",
    "WINDOW_SIZE",
    "WINDOW_TYPE",
    "WRAP_SINGLE_VALUE",
];

const KNOWN: &str =
    "KAFKA_TOPIC, PARTITIONS, REPLICAS, FORMAT, KEY_FORMAT, VALUE_FORMAT, TIMESTAMP, TIMESTAMP_FORMAT";

impl WithClause {
    pub fn parse(properties: &[Property]) -> Result<Self, SqlError> {
        let mut with = WithClause::default();
        let mut format = None;
        let mut timestamp_format = None;
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
                "FORMAT" => format = Some((parse_format(property)?, property)),
                "KEY_FORMAT" => with.key_format = Some(parse_format(property)?),
                "VALUE_FORMAT" => with.value_format = Some(parse_format(property)?),
                "TIMESTAMP" => {
                    with.timestamp = Some(TimestampColumn { column: fold(&text(property)?), format: None });
                }
                "TIMESTAMP_FORMAT" => timestamp_format = Some((text(property)?, property)),
                _ if LATER.contains(&name) => {
                    return Err(
                        SqlError::not_supported(format!("property {name}")).at(Some(property.name.position))
                    );
                }
                _ => {
                    return Err(SqlError::new(
                        sqlstate::INVALID_PARAMETER,
                        format!("unknown property {name}"),
                    )
                    .hint(format!("the properties are {KNOWN}"))
                    .at(Some(property.name.position)));
                }
            }
        }
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

/// A column named in a string: upper case unless it is quoted, as an identifier would be.
fn fold(name: &str) -> String {
    for quote in ['`', '"'] {
        if let Some(inner) = name.strip_prefix(quote).and_then(|n| n.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    name.to_uppercase()
}

fn wrong(property: &Property, expected: &str) -> SqlError {
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

fn parse_format(property: &Property) -> Result<Format, SqlError> {
    format_named(&text(property)?, property.name.value == "KEY_FORMAT")
        .map_err(|e| e.at(Some(property.value_position)))
}

/// The format of this name, in either case; NONE is one of keys.
pub(super) fn format_named(name: &str, is_key: bool) -> Result<Format, SqlError> {
    match name.to_uppercase().as_str() {
        "JSON" => Ok(Format::Json),
        "KAFKA" => Ok(Format::Kafka),
        "NONE" if is_key => Ok(Format::None),
        other @ ("AVRO" | "PROTOBUF" | "PROTOBUF_NOSR" | "JSON_SR" | "DELIMITED") => {
            Err(SqlError::not_supported(format!("format {other}")))
        }
        other => Err(SqlError::new(sqlstate::INVALID_PARAMETER, format!("unknown format {other}"))
            .hint("the formats are JSON and KAFKA, and NONE for keys")),
    }
}
