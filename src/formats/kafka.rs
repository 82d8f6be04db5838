//! The KAFKA format: one column in the bytes of Kafka's own serialisers.
//!
//! INT is 4 bytes and BIGINT 8, big endian; DOUBLE is the 8 bytes of its IEEE form, big endian; STRING is its UTF-8;
//! BYTES are themselves. A null key or value is NULL.

use super::columns::{ColumnBuilder, Values};
use super::json::Cells;
use crate::sql::SqlType;

/// Reads a key or value as the column's next row. The error says why not.
pub(super) fn read(bytes: &[u8], column: &mut ColumnBuilder) -> Result<(), String> {
    let (name, ty) = (&column.name, column.ty.clone());
    let wrong_length =
        |wanted: usize| format!("column {name}: {ty} takes {wanted} bytes, these are {}", bytes.len());
    match &mut column.values {
        Values::Int(values) => {
            values.push(i32::from_be_bytes(bytes.try_into().map_err(|_| wrong_length(4))?));
        }
        Values::Long(values) => {
            values.push(i64::from_be_bytes(bytes.try_into().map_err(|_| wrong_length(8))?));
        }
        Values::Double(values) => {
            values.push(f64::from_be_bytes(bytes.try_into().map_err(|_| wrong_length(8))?));
        }
        Values::Bytes(rows) => {
            if ty == SqlType::String && std::str::from_utf8(bytes).is_err() {
                return Err(format!("column {name}: the text is not UTF-8"));
            }
            rows.push(bytes).map_err(|_| format!("column {name}: too much text for one batch"))?;
        }
        _ => {
            return Err(format!("column {name}: the KAFKA format does not support type {ty}"));
        }
    }
    Ok(())
}

/// Appends the value of a row, which must not be null.
pub(super) fn write(cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
    use super::json::CellValues;
    match &cells.values {
        CellValues::Int(values) => {
            out.extend_from_slice(&values.get(row).copied().unwrap_or_default().to_be_bytes());
        }
        CellValues::Long(values) => {
            out.extend_from_slice(&values.get(row).copied().unwrap_or_default().to_be_bytes());
        }
        CellValues::Double(values) => {
            out.extend_from_slice(&values.get(row).copied().unwrap_or_default().to_be_bytes());
        }
        CellValues::String(values) => out.extend_from_slice(values.value(row).as_bytes()),
        CellValues::Bytes(values) => out.extend_from_slice(values.value(row)),
        // Refused when the encoder was made.
        _ => {}
    }
}
