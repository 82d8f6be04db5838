//! Columns to the keys and values of records: the last step of every query.

use arrow::array::{Array, ArrayRef, Int64Array};

use super::delimited::DelimitedWriter;
use super::json::{Cells, write_cell, write_text};
use super::protobuf::MessageWriter;
use super::{ByteColumn, check_format, kafka};
use crate::catalog::{Column, Format};
use crate::sql::{SqlError, SqlType};

/// Encodes the keys or the values of rows.
///
/// - JSON values are objects with all value columns, nulls included, in the order of the catalog. A JSON key of one
///   column is that value alone, of several columns an object.
/// - A key whose columns are all null is a null key. So is the value of a KAFKA column that is null, and every key or
///   value of the format NONE. A JSON value is never null: whoever writes a tombstone leaves it out.
/// - A windowed key ends in its window's start, 8 bytes big endian.
///
/// Keys decide where rows live, so the same values always give the same bytes.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    types: Vec<SqlType>,
    shape: Shape,
    windowed: bool,
    null_if_all_null: bool,
}

#[derive(Debug, Clone)]
enum Shape {
    /// What stands before each column: `{"A":`, then `,"B":` and so on.
    Object(Vec<Box<[u8]>>),
    /// A bare JSON value.
    Scalar,
    Kafka,
    Delimited(DelimitedWriter),
    Protobuf(MessageWriter),
    Nothing,
}

impl RowEncoder {
    /// An encoder of keys. Errors: the columns are nothing that the format can carry.
    pub fn key(columns: &[Column], format: Format, windowed: bool) -> Result<Self, SqlError> {
        Self::new(columns, format, windowed, true)
    }

    /// An encoder of values. Errors: the columns are nothing that the format can carry.
    pub fn value(columns: &[Column], format: Format) -> Result<Self, SqlError> {
        Self::new(columns, format, false, false)
    }

    /// Whether a key of several columns that are all null is a null key, as it is unless told otherwise, or an object
    /// of nulls: ksqlDB's PARTITION BY makes the latter.
    pub fn with_null_keys(mut self, null_keys: bool) -> Self {
        self.null_if_all_null &= null_keys || self.types.len() == 1;
        self
    }

    fn new(columns: &[Column], format: Format, windowed: bool, key: bool) -> Result<Self, SqlError> {
        check_format(columns, format)?;
        let shape = match (format, columns.len()) {
            (Format::None, _) => Shape::Nothing,
            (_, 0) if key => Shape::Nothing,
            (Format::Kafka, 0) => Shape::Nothing,
            (Format::Kafka, _) => Shape::Kafka,
            (Format::Json, 1) if key => Shape::Scalar,
            (Format::JsonUnwrapped, 1) => Shape::Scalar,
            (Format::Delimited(delimiter), _) => Shape::Delimited(DelimitedWriter::new(delimiter)),
            (Format::ProtobufNosr(nulls), _) => Shape::Protobuf(MessageWriter::new(nulls)),
            (Format::DebeziumJson, _) => {
                return Err(SqlError::not_supported("writing the format DEBEZIUM_JSON")
                    .hint("write another format, such as JSON"));
            }
            (Format::Json | Format::JsonUnwrapped, _) => Shape::Object(prefixes(columns)),
        };
        Ok(Self {
            types: columns.iter().map(|c| c.ty.clone()).collect(),
            shape,
            windowed,
            null_if_all_null: key,
        })
    }

    /// Appends one entry a row to `out`. `columns` are those the encoder was made for, in order; `window_start` is
    /// needed where keys are windowed, ms, and not looked at elsewhere. An encoder without columns cannot see how many
    /// rows there are and appends nothing; [`ByteColumn::get`] then gives None for each, which is what it would hold.
    ///
    /// Errors are internal ones: columns of other types or lengths than announced. Nothing is appended then.
    pub fn encode(
        &self,
        columns: &[ArrayRef],
        window_start: Option<&Int64Array>,
        out: &mut ByteColumn,
    ) -> Result<(), SqlError> {
        let rows = columns.first().map(|c| c.len()).or(window_start.map(|w| w.len())).unwrap_or(0);
        if columns.len() != self.types.len() || columns.iter().any(|column| column.len() != rows) {
            return Err(SqlError::internal("columns to be encoded do not match their declaration"));
        }
        let cells = columns
            .iter()
            .zip(&self.types)
            .map(|(array, ty)| Cells::new(array, ty.clone()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| SqlError::internal("a column to be encoded has another type than declared"))?;
        let starts = match (self.windowed, window_start) {
            (false, _) => None,
            (true, Some(starts)) if starts.len() == rows => Some(starts),
            (true, _) => return Err(SqlError::internal("a windowed key needs its window's start")),
        };
        for row in 0..rows {
            if self.write_row(&cells, row, out.buffer()) {
                if let Some(starts) = starts {
                    out.buffer().extend_from_slice(&starts.value(row).to_be_bytes());
                }
                out.finish_entry();
            } else {
                out.push_null();
            }
        }
        Ok(())
    }

    /// Appends the bytes of a row, or nothing and false where it is null.
    #[inline(always)]
    fn write_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) -> bool {
        match &self.shape {
            _ if self.null_if_all_null && cells.iter().all(|c| c.is_null(row)) => false,
            Shape::Object(prefixes) => {
                for (prefix, cells) in prefixes.iter().zip(cells) {
                    out.extend_from_slice(prefix);
                    write_cell(cells, row, out);
                }
                out.extend_from_slice(if cells.is_empty() { b"{}" } else { b"}" });
                true
            }
            Shape::Scalar | Shape::Kafka => match cells.first() {
                Some(cells) if !cells.is_null(row) => {
                    if matches!(self.shape, Shape::Kafka) {
                        kafka::write(cells, row, out);
                    } else {
                        write_cell(cells, row, out);
                    }
                    true
                }
                _ => false,
            },
            Shape::Delimited(writer) => {
                writer.write(cells, row, out);
                true
            }
            Shape::Protobuf(writer) => {
                writer.write(cells, row, out);
                true
            }
            Shape::Nothing => false,
        }
    }
}

fn prefixes(columns: &[Column]) -> Vec<Box<[u8]>> {
    let prefix = |(at, column): (usize, &Column)| {
        let mut text = vec![if at == 0 { b'{' } else { b',' }];
        write_text(column.name.as_bytes(), &mut text);
        text.push(b':');
        text.into()
    };
    columns.iter().enumerate().map(prefix).collect()
}

#[cfg(test)]
mod tests;
