//! PROTOBUF_NOSR: proto3 messages on the wire, without a schema registry and without its header.
//!
//! The schema follows from the columns: each is a field with its name, numbered by its position from 1 on.
//!
//! | column | field |
//! |---|---|
//! | BOOLEAN, INT, BIGINT, DOUBLE, STRING, BYTES | `bool`, `int32`, `int64`, `double`, `string`, `bytes` |
//! | DECIMAL | `message { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`, the value big endian |
//! | DATE | `google.type.Date` |
//! | TIME | `google.type.TimeOfDay` |
//! | TIMESTAMP | `google.protobuf.Timestamp` |
//! | ARRAY | `repeated` |
//! | MAP | `map`: repeated entries of a key (1) and a value (2) |
//! | STRUCT | a nested message, its fields numbered the same way |
//!
//! Proto3 has no NULL. What is not on the wire is zero, false or empty for the types of the first line, an empty array
//! or map, and NULL for what is a message. Two other representations of ksqlDB keep NULLs of the first line:
//! `OPTIONAL` fields, and `WRAPPER` messages. NULLs within arrays and maps are lost in all of them.

mod read;
mod wire;
mod write;

pub(super) use read::MessageReader;
pub(super) use write::MessageWriter;

use crate::catalog::Column;
use crate::sql::{SqlError, SqlType, sqlstate};

/// Refuses columns that no field can hold: arrays and maps within arrays and maps have no form in a message.
pub(super) fn check(columns: &[Column]) -> Result<(), SqlError> {
    match columns.iter().find(|column| !fits(&column.ty)) {
        None => Ok(()),
        Some(column) => Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("the PROTOBUF_NOSR format does not support type {} of column {}", column.ty, column.name),
        )
        .detail("an array or map cannot directly hold arrays or maps")),
    }
}

fn fits(ty: &SqlType) -> bool {
    let element = |ty: &SqlType| !matches!(ty, SqlType::Array(_) | SqlType::Map(_)) && fits(ty);
    match ty {
        SqlType::Array(item) => element(item),
        SqlType::Map(map) => !map.key.is_nested() && element(&map.value),
        SqlType::Struct(fields) => fields.iter().all(|field| fits(&field.ty)),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
