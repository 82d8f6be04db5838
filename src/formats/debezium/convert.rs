//! One value of a row, where it is written in a way of Debezium's own.

use std::collections::HashMap;

use base64::Engine;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};
use serde_json::Value;

use super::read::members;
use crate::formats::columns::{ColumnBuilder, Values};
use crate::formats::decimal::{from_big_endian, parse_truncated, write_decimal};
use crate::formats::json::{BASE64, Cursor, Fault, RawText, read_cell, unescape};
use crate::sql::SqlType;

const DAY_MS: i64 = 86_400_000;
const EPOCH_FROM_CE: i32 = 719_163;

/// How a field's values are written, as its schema names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// So many a millisecond.
    Fractions(i64),
    /// The digits of a decimal in base64, big endian, with this scale.
    Digits { scale: i32 },
    /// The same with the scale beside them.
    ScaledDigits,
}

/// What a schema says of the fields of a struct; fields that are as JSON has them are left out.
pub fn written_fields(schema: &Value) -> HashMap<Box<[u8]>, Written> {
    let fields = schema.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let written = |field: &Value| {
        let written = match field.get("name")?.as_str()? {
            "io.debezium.time.MicroTimestamp" | "io.debezium.time.MicroTime" => Written::Fractions(1000),
            "io.debezium.time.NanoTimestamp" | "io.debezium.time.NanoTime" => Written::Fractions(1_000_000),
            "org.apache.kafka.connect.data.Decimal" => {
                let scale = field.get("parameters")?.get("scale")?;
                let scale = scale.as_str().and_then(|s| s.parse().ok()).or_else(|| scale.as_i64());
                Written::Digits { scale: i32::try_from(scale?).ok()? }
            }
            "io.debezium.data.VariableScaleDecimal" => Written::ScaledDigits,
            _ => return None,
        };
        Some((field.get("field")?.as_str()?.as_bytes().into(), written))
    };
    fields.iter().filter_map(written).collect()
}

/// Reads the value at the cursor as the column's next row.
pub fn read_value(
    cursor: &mut Cursor<'_>,
    column: &mut ColumnBuilder,
    index: usize,
    written: Option<Written>,
) -> Result<(), Fault> {
    let start = cursor.pos;
    let number = matches!(cursor.peek(), b'-' | b'0'..=b'9');
    let text = cursor.peek() == b'"';
    let read = match (&mut column.values, &column.ty, written) {
        (Values::Long(values), SqlType::Timestamp, Some(Written::Fractions(n))) if number => {
            parse_truncated(cursor.number()?).map(|value| values.push(value.div_euclid(n)))
        }
        (Values::Int(values), SqlType::Time, Some(Written::Fractions(n))) if number => {
            let ms = parse_truncated(cursor.number()?).map(|value| value.div_euclid(n));
            let ms = ms.filter(|ms| (0..DAY_MS).contains(ms)).and_then(|ms| i32::try_from(ms).ok());
            ms.map(|ms| values.push(ms))
        }
        (Values::Long(values), SqlType::Timestamp, _) if text => {
            let ms = |text: &str| match DateTime::parse_from_rfc3339(text) {
                Ok(time) => Some(time.timestamp_millis()),
                Err(_) => text.parse().ok(),
            };
            plain(cursor.string()?).as_deref().and_then(ms).map(|ms| values.push(ms))
        }
        (Values::Int(values), SqlType::Time, _) if text => {
            plain(cursor.string()?).as_deref().and_then(time_of_day).map(|ms| values.push(ms))
        }
        (Values::Int(values), SqlType::Date, _) if text => {
            let days = |text: &str| match text.parse::<NaiveDate>() {
                Ok(date) => Some(date.num_days_from_ce() - EPOCH_FROM_CE),
                Err(_) => text.parse().ok(),
            };
            plain(cursor.string()?).as_deref().and_then(days).map(|days| values.push(days))
        }
        (Values::Boolean(values), _, _) if number => match cursor.number()? {
            b"0" => {
                values.push(false);
                Some(())
            }
            b"1" => {
                values.push(true);
                Some(())
            }
            _ => None,
        },
        (_, _, Some(Written::Digits { scale })) if text => {
            let digits = plain(cursor.string()?);
            digits.and_then(|digits| push_digits(&digits, scale, column))
        }
        (_, _, Some(Written::ScaledDigits)) if cursor.peek() == b'{' => {
            let [scale, value] = members(cursor, ["scale", "value"])?;
            let end = cursor.pos;
            let part = |range: Option<std::ops::Range<usize>>| {
                range.and_then(|range| cursor.bytes.get(range)).unwrap_or_default()
            };
            let scale = parse_truncated(part(scale)).and_then(|scale| i32::try_from(scale).ok());
            let mut inside = Cursor::new(part(value));
            let digits = if inside.peek() == b'"' { plain(inside.string()?) } else { None };
            cursor.pos = end;
            scale.zip(digits).and_then(|(scale, digits)| push_digits(&digits, scale, column))
        }
        _ => return read_cell(cursor, column, index),
    };
    read.ok_or(Fault::Unreadable { column: index, start, end: cursor.pos })
}

/// Appends a decimal to a DECIMAL, STRING or DOUBLE column; None where it does not fit.
fn push_digits(digits: &str, scale: i32, column: &mut ColumnBuilder) -> Option<()> {
    let digits = BASE64.decode(digits).ok()?;
    match (&mut column.values, &column.ty) {
        (Values::Decimal(values), SqlType::Decimal { precision, scale: wanted }) => {
            values.push(from_big_endian(&digits, scale, *precision, *wanted)?);
        }
        (Values::Bytes(rows), SqlType::String) => {
            rows.push(&decimal_text(&digits, scale)?).ok()?;
        }
        (Values::Double(values), _) => {
            values.push(std::str::from_utf8(&decimal_text(&digits, scale)?).ok()?.parse().ok()?);
        }
        _ => return None,
    }
    Some(())
}

fn decimal_text(digits: &[u8], scale: i32) -> Option<Vec<u8>> {
    // A negative scale counts zeros behind the digits.
    let shown = u8::try_from(scale.max(0)).ok()?;
    let mut text = Vec::new();
    write_decimal(from_big_endian(digits, scale, 38, shown)?, shown, &mut text);
    Some(text)
}

/// `10:11:12.5Z`: Debezium writes times of day in UTC.
fn time_of_day(text: &str) -> Option<i32> {
    if let Ok(ms) = text.parse::<i32>() {
        return (0..DAY_MS).contains(&i64::from(ms)).then_some(ms);
    }
    let time: NaiveTime = text.strip_suffix('Z').unwrap_or(text).parse().ok()?;
    let ms = i64::from(time.num_seconds_from_midnight()) * 1000 + i64::from(time.nanosecond() / 1_000_000);
    i32::try_from(ms).ok().filter(|_| ms < DAY_MS)
}

/// A text without its escapes; None where it holds half a character.
fn plain(text: RawText<'_>) -> Option<String> {
    let mut plain = Vec::new();
    unescape(text.raw, &mut plain).ok()?;
    String::from_utf8(plain).ok()
}
