//! What a format can carry: asked when a source is made, before any record is read or written.

use crate::catalog::{Column, Format, TimestampColumn};
use crate::formats::java_time::DateTimePattern;
use crate::sql::{SqlError, SqlType, sqlstate};

/// Refuses key or value columns that a format cannot carry. The rules are ksqlDB's: KAFKA holds one column of a type
/// that Kafka's own serialisers know, NONE holds no column, JSON holds anything.
pub fn check_format(columns: &[Column], format: Format) -> Result<(), SqlError> {
    match (format, columns) {
        (Format::Json | Format::JsonUnwrapped, _) => {
            match columns.iter().find_map(|column| foreign_map(&column.ty).map(|ty| (column, ty))) {
                None => Ok(()),
                Some((column, ty)) => Err(SqlError::new(
                    sqlstate::INVALID_DEFINITION,
                    format!(
                        "the JSON format supports maps with keys of type STRING only, and column {} holds {ty}",
                        column.name
                    ),
                )),
            }
        }
        (Format::DebeziumJson, _) => Ok(()),
        (Format::None, []) | (Format::Kafka, []) => Ok(()),
        (Format::Delimited(_), _) => match columns.iter().find(|column| column.ty.is_nested()) {
            None => Ok(()),
            Some(column) => Err(SqlError::new(
                sqlstate::INVALID_DEFINITION,
                format!("the DELIMITED format does not support type {} of column {}", column.ty, column.name),
            )
            .hint("use the format JSON")),
        },
        (Format::ProtobufNosr(_), _) => super::protobuf::check(columns),
        (Format::None, [column, ..]) => Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("the NONE format cannot hold column {}", column.name),
        )
        .hint("use the format KAFKA or JSON, or leave the column out")),
        (Format::Kafka, [column]) => match &column.ty {
            SqlType::Int | SqlType::BigInt | SqlType::Double | SqlType::String | SqlType::Bytes => Ok(()),
            ty => Err(SqlError::new(
                sqlstate::INVALID_DEFINITION,
                format!("the KAFKA format does not support type {ty} of column {}", column.name),
            )
            .hint("use INTEGER, BIGINT, DOUBLE, STRING or BYTES, or the format JSON")),
        },
        (Format::Kafka, [_, second, ..]) => {
            Err(SqlError::new(sqlstate::INVALID_DEFINITION, "the KAFKA format supports only a single column")
                .detail(format!("column {} is one too many", second.name))
                .hint("use the format JSON"))
        }
    }
}

/// A map within a type whose keys are no text, which the names of a JSON object cannot be.
fn foreign_map(ty: &SqlType) -> Option<&SqlType> {
    match ty {
        SqlType::Map(map) if map.key != SqlType::String => Some(ty),
        SqlType::Map(map) => foreign_map(&map.value),
        SqlType::Array(element) => foreign_map(element),
        SqlType::Struct(fields) => fields.iter().find_map(|field| foreign_map(&field.ty)),
        _ => None,
    }
}

/// Refuses keys with maps in them: the order of a map's entries means nothing, and the same key would have many bytes.
pub fn check_keys(columns: &[Column]) -> Result<(), SqlError> {
    match columns.iter().find(|column| holds_map(&column.ty)) {
        None => Ok(()),
        Some(column) => Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("key column {} cannot be of type {}: keys cannot hold maps", column.name, column.ty),
        )),
    }
}

fn holds_map(ty: &SqlType) -> bool {
    match ty {
        SqlType::Map(_) => true,
        SqlType::Array(element) => holds_map(element),
        SqlType::Struct(fields) => fields.iter().any(|field| holds_map(&field.ty)),
        _ => false,
    }
}

/// Refuses a TIMESTAMP column of a wrong type, or a TIMESTAMP_FORMAT that is none or has no use.
pub fn check_timestamp(columns: &[Column], timestamp: &TimestampColumn) -> Result<(), SqlError> {
    let Some(column) = columns.iter().find(|column| column.name == timestamp.column) else {
        return Err(SqlError::new(
            sqlstate::UNDEFINED_COLUMN,
            format!("the timestamp column {} does not exist", timestamp.column),
        ));
    };
    let refuse = |message: String| Err(SqlError::new(sqlstate::INVALID_DEFINITION, message));
    match (&column.ty, &timestamp.format) {
        (SqlType::BigInt | SqlType::Timestamp, None) => Ok(()),
        (SqlType::String, Some(pattern)) => DateTimePattern::parse(pattern)
            .map(|_| ())
            .map_err(|error| SqlError::new(sqlstate::INVALID_PARAMETER, error.to_string())),
        (SqlType::String, None) => {
            refuse(format!("the timestamp column {} is a STRING and needs a TIMESTAMP_FORMAT", column.name))
        }
        (SqlType::BigInt | SqlType::Timestamp, Some(_)) => refuse(format!(
            "TIMESTAMP_FORMAT is for timestamp columns of type STRING, and {} is {}",
            column.name, column.ty
        )),
        (ty, _) => refuse(format!(
            "the timestamp column {} is {ty}; it must be BIGINT, TIMESTAMP, or STRING with a TIMESTAMP_FORMAT",
            column.name
        )),
    }
}
