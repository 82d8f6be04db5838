//! One value into one column; the table in the module's documentation says what is taken.

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::nested::{read_array, read_map, read_struct};
use super::scan::{Cursor, Fault, RawText, Top};
use super::text::{unescape, write_compact};
use crate::formats::columns::{ByteRows, ColumnBuilder, Values};
use crate::formats::decimal::{parse_decimal, parse_truncated};
use crate::sql::SqlType;

const DAY_MS: i32 = 86_400_000;

/// Reads a text that is one value, such as the key of one column, into a column.
pub fn read_scalar(bytes: &[u8], columns: &mut [ColumnBuilder], index: usize) -> Result<Top, Fault> {
    let mut cursor = Cursor::new(bytes);
    cursor.skip_space();
    let top = if cursor.peek() == b'n' { Top::Null } else { Top::Value };
    match columns.get_mut(index) {
        Some(column) => read_cell(&mut cursor, column, index)?,
        None => cursor.skip_value()?,
    }
    cursor.end()?;
    Ok(top)
}

/// Reads the value at the cursor as the column's next row. `index` is the column's, for the fault.
#[inline]
pub fn read_cell(cursor: &mut Cursor<'_>, column: &mut ColumnBuilder, index: usize) -> Result<(), Fault> {
    if cursor.peek() == b'n' {
        cursor.word("null")?;
        column.push_null();
        return Ok(());
    }
    let start = cursor.pos;
    let read = match &mut column.values {
        Values::Long(values) => read_long(cursor)?.map(|value| values.push(value)),
        Values::Int(values) => {
            // A time of day outside of a day would trip whoever shows it.
            let fits = |value: &i32| column.ty != SqlType::Time || (0..DAY_MS).contains(value);
            let value = read_long(cursor)?.and_then(|value| i32::try_from(value).ok()).filter(fits);
            value.map(|value| values.push(value))
        }
        Values::Bytes(rows) if column.ty == SqlType::String => return read_string(cursor, rows, index),
        Values::Bytes(rows) => return read_base64(cursor, rows, index),
        Values::Double(values) => read_double(cursor)?.map(|value| values.push(value)),
        Values::Decimal(values) => {
            let SqlType::Decimal { precision, scale } = column.ty else {
                return Err(Fault::Unreadable { column: index, start, end: start });
            };
            read_numeric(cursor, |text| parse_decimal(text, precision, scale))?
                .map(|value| values.push(value))
        }
        Values::Boolean(values) => read_boolean(cursor)?.map(|value| values.push(value)),
        Values::List(rows) => return read_array(cursor, rows, index),
        Values::Map(rows) => return read_map(cursor, rows, index),
        Values::Struct(rows) => return read_struct(cursor, rows, index),
    };
    read.ok_or(Fault::Unreadable { column: index, start, end: cursor.pos })
}

/// Up to 18 digits are read on the spot; everything rarer takes the long way.
#[inline(always)]
fn read_long(cursor: &mut Cursor<'_>) -> Result<Option<i64>, Fault> {
    let rest = cursor.rest();
    let negative = rest.first() == Some(&b'-');
    let digits = if negative { rest.get(1..).unwrap_or_default() } else { rest };
    let mut value = 0i64;
    let mut count = 0;
    for byte in digits.iter().take(19) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        count += 1;
    }
    let plain = !matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
    let leading_zero = count > 1 && digits.first() == Some(&b'0');
    if plain && (1..=18).contains(&count) && !leading_zero {
        cursor.pos += count + usize::from(negative);
        return Ok(Some(if negative { -value } else { value }));
    }
    read_rare_long(cursor)
}

#[cold]
fn read_rare_long(cursor: &mut Cursor<'_>) -> Result<Option<i64>, Fault> {
    if cursor.peek() == b'"' {
        // As Long.parseLong: digits with a sign, nothing else.
        return read_numeric(cursor, |text| std::str::from_utf8(text).ok()?.parse().ok());
    }
    read_numeric(cursor, parse_truncated)
}

fn read_double(cursor: &mut Cursor<'_>) -> Result<Option<f64>, Fault> {
    read_numeric(cursor, parse_double)
}

/// A text as `Double.parseDouble` takes it, but for its hexadecimal numbers and suffixes.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust also takes other spellings of these, Java does not.
        _ if text.bytes().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E')) => None,
        _ => text.parse().ok(),
    }
}

/// A number, or a text with one in it, through `parse`; None for other values and for what it does not take.
fn read_numeric<T>(
    cursor: &mut Cursor<'_>,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>, Fault> {
    match cursor.peek() {
        b'"' => {
            let text = cursor.string()?;
            Ok(with_meaning(text, parse))
        }
        b'-' | b'0'..=b'9' => Ok(parse(cursor.number()?)),
        _ => cursor.skip_value().map(|()| None),
    }
}

fn read_boolean(cursor: &mut Cursor<'_>) -> Result<Option<bool>, Fault> {
    match cursor.peek() {
        b't' => cursor.word("true").map(|()| Some(true)),
        b'f' => cursor.word("false").map(|()| Some(false)),
        b'"' => Ok(with_meaning(cursor.string()?, |text| {
            match (text.eq_ignore_ascii_case(b"true"), text.eq_ignore_ascii_case(b"false")) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            }
        })),
        _ => cursor.skip_value().map(|()| None),
    }
}

#[inline(always)]
fn read_string(cursor: &mut Cursor<'_>, rows: &mut ByteRows, index: usize) -> Result<(), Fault> {
    let start = cursor.pos;
    if cursor.peek() == b'"' {
        let text = cursor.string()?;
        if !text.escaped {
            return rows.push(text.raw).map_err(|_| Fault::TooLarge { column: index });
        }
        if unescape(text.raw, &mut rows.data).is_err() {
            rows.drop_open_row();
            return Err(Fault::Unreadable { column: index, start, end: cursor.pos });
        }
    } else {
        cursor.skip_value()?;
        let value = cursor.since(start);
        if !matches!(value.first(), Some(b'{' | b'[')) {
            rows.data.extend_from_slice(value);
        } else if write_compact(value, &mut rows.data).is_err() {
            rows.drop_open_row();
            return Err(Fault::Unreadable { column: index, start, end: cursor.pos });
        }
    }
    rows.finish_row().map_err(|_| Fault::TooLarge { column: index })
}

/// Base64 with or without its padding.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn read_base64(cursor: &mut Cursor<'_>, rows: &mut ByteRows, index: usize) -> Result<(), Fault> {
    let start = cursor.pos;
    let decoded = if cursor.peek() == b'"' {
        with_meaning(cursor.string()?, |text| BASE64.decode_vec(text, &mut rows.data).ok())
    } else {
        cursor.skip_value()?;
        None
    };
    if decoded.is_none() {
        rows.drop_open_row();
        return Err(Fault::Unreadable { column: index, start, end: cursor.pos });
    }
    rows.finish_row().map_err(|_| Fault::TooLarge { column: index })
}

/// Gives `parse` the text without its escapes.
fn with_meaning<T>(text: RawText<'_>, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    if !text.escaped {
        return parse(text.raw);
    }
    let mut plain = Vec::with_capacity(text.raw.len());
    unescape(text.raw, &mut plain).ok()?;
    parse(&plain)
}
