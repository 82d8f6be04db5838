//! Columns as messages.

use chrono::{Datelike, NaiveDate};

use super::wire::{write_bytes, write_message, write_tag, write_varint};
use crate::catalog::ProtobufNulls;
use crate::formats::decimal::to_big_endian;
use crate::formats::json::{CellValues, Cells, IntKind};

/// Writes messages.
#[derive(Debug, Clone)]
pub struct MessageWriter {
    nulls: ProtobufNulls,
}

impl MessageWriter {
    pub fn new(nulls: ProtobufNulls) -> Self {
        Self { nulls }
    }

    /// Appends a message with the columns of a row.
    pub fn write(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        for (number, cells) in (1..).zip(cells) {
            self.write_field(number, cells, row, out);
        }
    }

    fn write_field(&self, number: u64, cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
        if cells.is_null(row) {
            return;
        }
        match &cells.values {
            CellValues::List(list) if is_packed(&list.items) => {
                if !list.range(row).is_empty() {
                    write_message(number, out, |out| {
                        list.range(row).for_each(|at| packed(&list.items, at, out))
                    });
                }
            }
            CellValues::List(list) => {
                for at in list.range(row) {
                    // NULL has no form here: it becomes the type's default value.
                    self.write_value(number, &list.items, at, true, out);
                }
            }
            CellValues::Map(map) => {
                for at in map.range(row) {
                    write_message(number, out, |out| {
                        self.write_value(1, &map.keys, at, false, out);
                        if !map.values.is_null(at) {
                            self.write_value(2, &map.values, at, false, out);
                        }
                    });
                }
            }
            _ if self.nulls == ProtobufNulls::Wrapper && is_scalar(cells) => {
                write_message(number, out, |out| self.write_value(1, cells, row, false, out));
            }
            _ => self.write_value(number, cells, row, self.nulls == ProtobufNulls::Optional, out),
        }
    }

    /// Appends a field with a value that is no array or map. Default values are left out unless `present`.
    #[inline]
    fn write_value(&self, number: u64, cells: &Cells<'_>, row: usize, present: bool, out: &mut Vec<u8>) {
        match &cells.values {
            CellValues::Boolean(values) => varint(number, u64::from(values.value(row)), present, out),
            CellValues::Int(values) => {
                let value = values.get(row).copied().unwrap_or_default();
                match cells.int_kind() {
                    // Negative ones take ten bytes, as proto3 says.
                    IntKind::Int => varint(number, i64::from(value) as u64, present, out),
                    IntKind::Date => write_message(number, out, |out| date(value, out)),
                    IntKind::Time => write_message(number, out, |out| time(value, out)),
                }
            }
            CellValues::Long(values) => {
                let value = values.get(row).copied().unwrap_or_default();
                match cells.int_kind() {
                    IntKind::Time => write_message(number, out, |out| timestamp(value, out)),
                    _ => varint(number, value as u64, present, out),
                }
            }
            CellValues::Double(values) => {
                let value = values.get(row).copied().unwrap_or_default();
                // Minus zero is not the default.
                if present || value.to_bits() != 0 {
                    write_tag(number, 1, out);
                    out.extend_from_slice(&value.to_le_bytes());
                }
            }
            CellValues::String(values) => bytes(number, values.value(row).as_bytes(), present, out),
            CellValues::Bytes(values) => bytes(number, values.value(row), present, out),
            CellValues::Decimal(values, scale) => {
                let units = values.get(row).copied().unwrap_or_default();
                write_message(number, out, |out| decimal(units, *scale, out));
            }
            CellValues::Struct(values) => write_message(number, out, |out| {
                if !cells.is_null(row) {
                    for (number, (_, field)) in (1..).zip(&values.fields) {
                        self.write_field(number, field, row, out);
                    }
                }
            }),
            // Refused when the writer was made.
            CellValues::List(_) | CellValues::Map(_) => {}
        }
    }
}

fn is_scalar(cells: &Cells<'_>) -> bool {
    match &cells.values {
        CellValues::Int(_) | CellValues::Long(_) => cells.int_kind() == IntKind::Int,
        CellValues::Boolean(_) | CellValues::Double(_) | CellValues::String(_) | CellValues::Bytes(_) => true,
        _ => false,
    }
}

/// Numbers of an array stand behind one another in one field.
fn is_packed(items: &Cells<'_>) -> bool {
    is_scalar(items) && !matches!(items.values, CellValues::String(_) | CellValues::Bytes(_))
}

/// Appends an element without a tag; zero for NULL.
fn packed(items: &Cells<'_>, at: usize, out: &mut Vec<u8>) {
    let valid = !items.is_null(at);
    match &items.values {
        CellValues::Boolean(values) => write_varint(u64::from(valid && values.value(at)), out),
        CellValues::Int(values) => {
            write_varint(
                i64::from(values.get(at).copied().filter(|_| valid).unwrap_or_default()) as u64,
                out,
            );
        }
        CellValues::Long(values) => {
            write_varint(values.get(at).copied().filter(|_| valid).unwrap_or_default() as u64, out);
        }
        CellValues::Double(values) => {
            let value = values.get(at).copied().filter(|_| valid).unwrap_or_default();
            out.extend_from_slice(&value.to_le_bytes());
        }
        _ => {}
    }
}

#[inline]
fn varint(number: u64, value: u64, present: bool, out: &mut Vec<u8>) {
    if present || value != 0 {
        write_tag(number, 0, out);
        write_varint(value, out);
    }
}

#[inline]
fn bytes(number: u64, bytes: &[u8], present: bool, out: &mut Vec<u8>) {
    if present || !bytes.is_empty() {
        write_bytes(number, bytes, out);
    }
}

fn number(at: u64, value: i64, out: &mut Vec<u8>) {
    varint(at, value as u64, false, out);
}

fn date(days: i32, out: &mut Vec<u8>) {
    let Some(date) = NaiveDate::from_epoch_days(days) else { return };
    number(1, i64::from(date.year()), out);
    number(2, i64::from(date.month()), out);
    number(3, i64::from(date.day()), out);
}

fn time(ms: i32, out: &mut Vec<u8>) {
    let (ms, nanos) = (i64::from(ms), i64::from(ms % 1000) * 1_000_000);
    number(1, ms / 3_600_000, out);
    number(2, ms / 60_000 % 60, out);
    number(3, ms / 1000 % 60, out);
    number(4, nanos, out);
}

fn timestamp(ms: i64, out: &mut Vec<u8>) {
    number(1, ms.div_euclid(1000), out);
    number(2, ms.rem_euclid(1000) * 1_000_000, out);
}

fn decimal(units: i128, scale: u8, out: &mut Vec<u8>) {
    to_big_endian(units, |digits| write_bytes(1, digits, out));
    let precision = units.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    number(2, i64::from(precision), out);
    number(3, i64::from(scale), out);
}
