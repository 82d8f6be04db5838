//! Values that clients send: parameters in text or binary, fields of COPY in text.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalMonthDayNano, TimeUnit};
use datafusion::common::ScalarValue;
use pgwire::api::Type;

use super::calendar::{self, DAY_US, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US};
use super::numeric;
use super::types::{arrow_type, item_of, null_of};
use crate::sql::{SqlError, sqlstate};

/// A value in text form as an Arrow type. Refuses what is not one with 22P02, what does not fit with 22003.
pub fn from_text(text: &str, ty: &DataType) -> Result<ScalarValue, SqlError> {
    let trimmed = text.trim();
    let invalid = || invalid_text(ty, text);
    macro_rules! integer {
        ($variant:ident, $int:ty) => {
            match trimmed.parse::<$int>() {
                Ok(n) => ScalarValue::$variant(Some(n)),
                Err(e) => return Err(integer_error(&e, ty, text)),
            }
        };
    }
    Ok(match ty {
        ty if super::json::is_json(ty) => super::json::read(text, ty)?,
        DataType::Boolean => ScalarValue::Boolean(Some(boolean(trimmed).ok_or_else(invalid)?)),
        DataType::Int8 => integer!(Int8, i8),
        DataType::Int16 => integer!(Int16, i16),
        DataType::Int32 => integer!(Int32, i32),
        DataType::Int64 => integer!(Int64, i64),
        DataType::UInt8 => integer!(UInt8, u8),
        DataType::UInt16 => integer!(UInt16, u16),
        DataType::UInt32 => integer!(UInt32, u32),
        DataType::UInt64 => integer!(UInt64, u64),
        DataType::Float32 => ScalarValue::Float32(Some(float(trimmed).ok_or_else(invalid)? as f32)),
        DataType::Float64 => ScalarValue::Float64(Some(float(trimmed).ok_or_else(invalid)?)),
        DataType::Decimal128(p, s) => decimal(trimmed, *p, *s, ty)?,
        DataType::Utf8 => ScalarValue::Utf8(Some(text.to_owned())),
        DataType::LargeUtf8 => ScalarValue::LargeUtf8(Some(text.to_owned())),
        DataType::Utf8View => ScalarValue::Utf8View(Some(text.to_owned())),
        DataType::Binary => ScalarValue::Binary(Some(bytea(text).ok_or_else(invalid)?)),
        DataType::LargeBinary => ScalarValue::LargeBinary(Some(bytea(text).ok_or_else(invalid)?)),
        DataType::BinaryView => ScalarValue::BinaryView(Some(bytea(text).ok_or_else(invalid)?)),
        DataType::Date32 => {
            let us = calendar::read_timestamp(trimmed, false).ok_or_else(invalid)?;
            let days = i32::try_from(us.div_euclid(DAY_US)).map_err(|_| invalid())?;
            ScalarValue::Date32(Some(days))
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let (us, rest) = calendar::read_time(trimmed).ok_or_else(invalid)?;
            if !rest.is_empty() || us >= DAY_US {
                return Err(invalid());
            }
            time(us, ty)
        }
        DataType::Timestamp(unit, zone) => {
            let us = calendar::read_timestamp(trimmed, zone.is_some()).ok_or_else(invalid)?;
            timestamp(us, *unit, zone.clone())
        }
        DataType::List(item) => {
            let items = array_items(text).ok_or_else(invalid)?;
            let values = items
                .into_iter()
                .map(|i| match i {
                    Some(text) => from_text(&text, item.data_type()),
                    None => Ok(null_of(item.data_type())),
                })
                .collect::<Result<Vec<_>, _>>()?;
            ScalarValue::List(ScalarValue::new_list_nullable(&values, item.data_type()))
        }
        DataType::Null => ScalarValue::Utf8(Some(text.to_owned())),
        other => {
            return ScalarValue::Utf8(Some(text.to_owned())).cast_to(other).map_err(|_| invalid());
        }
    })
}

/// A value in binary form of the Postgres type `oid`, as that type's Arrow type (a decimal with its own scale).
pub fn from_binary(bytes: &[u8], oid: u32) -> Result<ScalarValue, SqlError> {
    let ty = Type::from_oid(oid).unwrap_or(Type::TEXT);
    let invalid = || {
        SqlError::new("22P03", format!("incorrect binary data format for type {ty}"))
            .detail(format!("{} bytes were sent", bytes.len()))
    };
    macro_rules! number {
        ($ty:ty) => {
            <$ty>::from_be_bytes(bytes.try_into().map_err(|_| invalid())?)
        };
    }
    Ok(match ty {
        Type::BOOL => match bytes {
            [b] => ScalarValue::Boolean(Some(*b != 0)),
            _ => return Err(invalid()),
        },
        Type::INT2 => ScalarValue::Int16(Some(number!(i16))),
        Type::INT4 => ScalarValue::Int32(Some(number!(i32))),
        Type::INT8 => ScalarValue::Int64(Some(number!(i64))),
        Type::OID => ScalarValue::Int64(Some(i64::from(number!(u32)))),
        Type::FLOAT4 => ScalarValue::Float32(Some(number!(f32))),
        Type::FLOAT8 => ScalarValue::Float64(Some(number!(f64))),
        Type::NUMERIC => {
            let text = numeric::read_binary(bytes).ok_or_else(invalid)?;
            natural_decimal(&text).ok_or_else(|| invalid_text(&DataType::Decimal128(38, 10), &text))?
        }
        Type::BYTEA => ScalarValue::Binary(Some(bytes.to_vec())),
        Type::DATE => ScalarValue::Date32(Some(number!(i32).saturating_add(POSTGRES_EPOCH_DAYS))),
        Type::TIME => {
            let us = number!(i64);
            if !(0..DAY_US).contains(&us) {
                return Err(invalid());
            }
            ScalarValue::Time64Microsecond(Some(us))
        }
        Type::TIMESTAMP => ScalarValue::TimestampMicrosecond(
            Some(number!(i64).checked_add(POSTGRES_EPOCH_US).ok_or_else(invalid)?),
            None,
        ),
        Type::TIMESTAMPTZ => ScalarValue::TimestampMicrosecond(
            Some(number!(i64).checked_add(POSTGRES_EPOCH_US).ok_or_else(invalid)?),
            Some("+00:00".into()),
        ),
        Type::INTERVAL => {
            let (us, rest) = bytes.split_first_chunk::<8>().ok_or_else(invalid)?;
            let (days, rest) = rest.split_first_chunk::<4>().ok_or_else(invalid)?;
            let months: &[u8; 4] = rest.try_into().map_err(|_| invalid())?;
            let nanos = i64::from_be_bytes(*us).checked_mul(1_000).ok_or_else(invalid)?;
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(
                i32::from_be_bytes(*months),
                i32::from_be_bytes(*days),
                nanos,
            )))
        }
        Type::UUID => {
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            let part = |range| hex.get(range).ok_or_else(invalid);
            ScalarValue::Utf8(Some(format!(
                "{}-{}-{}-{}-{}",
                part(0..8)?,
                part(8..12)?,
                part(12..16)?,
                part(16..20)?,
                part(20..32)?
            )))
        }
        // Binary jsonb is its text behind a version byte.
        Type::JSONB => match bytes.split_first() {
            Some((1, text)) => ScalarValue::Utf8(Some(utf8(text)?.to_owned())),
            _ => return Err(invalid()),
        },
        ref array => match item_of(array) {
            Some(item) => list(bytes, &item).ok_or_else(invalid)??,
            None => ScalarValue::Utf8(Some(utf8(bytes)?.to_owned())),
        },
    })
}

/// Bytes as text; 22021 where they are not UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str, SqlError> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let at = bytes.get(e.valid_up_to()..).unwrap_or_default();
        let shown: Vec<String> = at.iter().take(3).map(|b| format!("0x{b:02x}")).collect();
        SqlError::new("22021", format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")))
    })?;
    if text.contains('\0') {
        return Err(SqlError::new("22021", "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    Ok(text)
}

/// A decimal with the scale of its text.
pub fn natural_decimal(text: &str) -> Option<ScalarValue> {
    let (value, scale) = numeric::read_decimal(text)?;
    Some(ScalarValue::Decimal128(Some(value), 38, scale))
}

/// How a type is called in messages.
pub fn type_name(ty: &DataType) -> String {
    match super::types::pg_type(ty) {
        Type::BOOL => "boolean".to_owned(),
        Type::INT2 => "smallint".to_owned(),
        Type::INT4 => "integer".to_owned(),
        Type::INT8 => "bigint".to_owned(),
        Type::FLOAT4 => "real".to_owned(),
        Type::FLOAT8 => "double precision".to_owned(),
        other => other.name().to_owned(),
    }
}

fn invalid_text(ty: &DataType, text: &str) -> SqlError {
    let shown: String = text.chars().take(100).collect();
    SqlError::new(
        sqlstate::INVALID_TEXT,
        format!("invalid input syntax for type {}: \"{shown}\"", type_name(ty)),
    )
}

fn integer_error(error: &std::num::ParseIntError, ty: &DataType, text: &str) -> SqlError {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match error.kind() {
        PosOverflow | NegOverflow => SqlError::new(
            sqlstate::NUMERIC_OUT_OF_RANGE,
            format!(
                "value \"{}\" is out of range for type {}",
                text.chars().take(100).collect::<String>(),
                type_name(ty)
            ),
        ),
        _ => invalid_text(ty, text),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn float(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "infinity" | "inf" | "+infinity" => Some(f64::INFINITY),
        "-infinity" | "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => text.parse().ok(),
    }
}

/// Rounds half away from zero to the scale of the type, as Postgres does.
fn decimal(text: &str, precision: u8, scale: i8, ty: &DataType) -> Result<ScalarValue, SqlError> {
    let (mut value, own) = numeric::read_decimal(text).ok_or_else(|| invalid_text(ty, text))?;
    let overflow = || {
        SqlError::new(sqlstate::NUMERIC_OUT_OF_RANGE, "numeric field overflow")
            .detail(format!("a value of NUMERIC({precision}, {scale}) cannot hold {text}"))
    };
    let shift = i32::from(scale) - i32::from(own);
    if shift >= 0 {
        let factor = 10i128.checked_pow(shift as u32).ok_or_else(overflow)?;
        value = value.checked_mul(factor).ok_or_else(overflow)?;
    } else {
        let factor = 10i128.checked_pow(shift.unsigned_abs()).unwrap_or(i128::MAX);
        let half = if value < 0 { -(factor / 2) } else { factor / 2 };
        value = value.checked_add(half).ok_or_else(overflow)? / factor;
    }
    if value.unsigned_abs() >= 10u128.pow(u32::from(precision.min(38))) {
        return Err(overflow());
    }
    Ok(ScalarValue::Decimal128(Some(value), precision, scale))
}

fn time(us: i64, ty: &DataType) -> ScalarValue {
    match ty {
        DataType::Time32(TimeUnit::Second) => ScalarValue::Time32Second(Some((us / 1_000_000) as i32)),
        DataType::Time32(_) => ScalarValue::Time32Millisecond(Some((us / 1_000) as i32)),
        DataType::Time64(TimeUnit::Nanosecond) => ScalarValue::Time64Nanosecond(Some(us * 1_000)),
        _ => ScalarValue::Time64Microsecond(Some(us)),
    }
}

fn timestamp(us: i64, unit: TimeUnit, zone: Option<Arc<str>>) -> ScalarValue {
    match unit {
        TimeUnit::Second => ScalarValue::TimestampSecond(Some(us.div_euclid(1_000_000)), zone),
        TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(us.div_euclid(1_000)), zone),
        TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(us), zone),
        TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(us.checked_mul(1_000), zone),
    }
}

/// `\x00ff`, or the escape form: plain text with `\\` and `\ooo`.
fn bytea(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if let Some(hex) = bytes.strip_prefix(b"\\x") {
        if hex.len() % 2 != 0 {
            return None;
        }
        let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        return hex.chunks_exact(2).map(|p| Some(digit(*p.first()?)? << 4 | digit(*p.get(1)?)?)).collect();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((b, after)) = rest.split_first() {
        rest = after;
        if *b != b'\\' {
            out.push(*b);
        } else if let Some(after) = rest.strip_prefix(b"\\") {
            out.push(b'\\');
            rest = after;
        } else {
            let (octal, after) = rest.split_first_chunk::<3>()?;
            let value = octal
                .iter()
                .try_fold(0u32, |n, b| matches!(b, b'0'..=b'7').then(|| n * 8 + u32::from(b - b'0')))?;
            out.push(u8::try_from(value).ok()?);
            rest = after;
        }
    }
    Some(out)
}

/// The items of `{a,"b c",NULL}`, one dimension.
fn array_items(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut items = Vec::new();
    if inner.trim().is_empty() {
        return Some(items);
    }
    let mut chars = inner.chars().peekable();
    loop {
        let (mut item, mut quoted) = (String::new(), false);
        loop {
            match chars.peek() {
                None | Some(',') => break,
                Some('{' | '}') => return None,
                Some('"') => {
                    quoted = true;
                    chars.next();
                    loop {
                        match chars.next()? {
                            '"' => break,
                            '\\' => item.push(chars.next()?),
                            c => item.push(c),
                        }
                    }
                }
                Some('\\') => {
                    chars.next();
                    item.push(chars.next()?);
                }
                Some(_) => item.extend(chars.next()),
            }
        }
        items.push(if quoted {
            Some(item)
        } else {
            let item = item.trim();
            if item.is_empty() {
                return None;
            }
            (!item.eq_ignore_ascii_case("null")).then(|| item.to_owned())
        });
        if chars.next().is_none() {
            return Some(items);
        }
    }
}

/// An array of one dimension in binary form. The outer None: not one.
fn list(bytes: &[u8], item: &Type) -> Option<Result<ScalarValue, SqlError>> {
    let ty = arrow_type(item.oid())?;
    let mut rest = bytes;
    let mut int = || {
        let (head, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        Some(i32::from_be_bytes(*head))
    };
    let dimensions = int()?;
    let (_flags, oid) = (int()?, int()? as u32);
    let mut values = Vec::new();
    if dimensions == 1 {
        let (count, _lower) = (int()?, int()?);
        for _ in 0..count {
            let len = i32::from_be_bytes(*rest.first_chunk::<4>()?);
            rest = rest.get(4..)?;
            if len < 0 {
                values.push(null_of(&ty));
                continue;
            }
            let (value, after) = rest.split_at_checked(len as usize)?;
            rest = after;
            match from_binary(value, oid).and_then(|v| v.cast_to(&ty).map_err(SqlError::internal)) {
                Ok(value) => values.push(value),
                Err(e) => return Some(Err(e)),
            }
        }
    } else if dimensions != 0 {
        return None;
    }
    Some(Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &ty))))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(ty: DataType, texts: &[&str], expected: Expect) {
        let mut out = String::new();
        for text in texts {
            match from_text(text, &ty) {
                Ok(v) => out += &format!("{text}: {v:?}\n"),
                Err(e) => out += &format!("{text}: {} {}\n", e.sqlstate, e.message),
            }
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn texts() {
        check(
            DataType::Int32,
            &["1", " -7 ", "3000000000", "1.5", ""],
            expect![[r#"
            1: Int32(1)
             -7 : Int32(-7)
            3000000000: 22003 value "3000000000" is out of range for type integer
            1.5: 22P02 invalid input syntax for type integer: "1.5"
            : 22P02 invalid input syntax for type integer: ""
        "#]],
        );
        check(
            DataType::Boolean,
            &["t", "OFF", "2"],
            expect![[r#"
            t: Boolean(true)
            OFF: Boolean(false)
            2: 22P02 invalid input syntax for type boolean: "2"
        "#]],
        );
        check(
            DataType::Decimal128(5, 2),
            &["1.005", "-1.005", "999.99", "1000", "x"],
            expect![[r#"
            1.005: Decimal128(1.01,5,2)
            -1.005: Decimal128(-1.01,5,2)
            999.99: Decimal128(999.99,5,2)
            1000: 22003 numeric field overflow
            x: 22P02 invalid input syntax for type numeric: "x"
        "#]],
        );
        check(
            DataType::Binary,
            &["\\x00fF", "a\\\\b\\001", "\\x0", "\\9"],
            expect![[r#"
            \x00fF: Binary("0,255")
            a\\b\001: Binary("97,92,98,1")
            \x0: 22P02 invalid input syntax for type bytea: "\x0"
            \9: 22P02 invalid input syntax for type bytea: "\9"
        "#]],
        );
        check(
            DataType::Date32,
            &["2026-01-31", "2026-02-30"],
            expect![[r#"
            2026-01-31: Date32("2026-01-31")
            2026-02-30: 22P02 invalid input syntax for type date: "2026-02-30"
        "#]],
        );
        check(
            DataType::Time32(TimeUnit::Millisecond),
            &["10:20", "24:00"],
            expect![[r#"
            10:20: Time32Millisecond("37200000")
            24:00: 22P02 invalid input syntax for type time: "24:00"
        "#]],
        );
        check(
            DataType::List(Arc::new(arrow::datatypes::Field::new_list_field(DataType::Int32, true))),
            &["{}", "{1,NULL, 2}", "{1", "{a}"],
            expect![[r#"
                {}: List([])
                {1,NULL, 2}: List([1, , 2])
                {1: 22P02 invalid input syntax for type _int4: "{1"
                {a}: 22P02 invalid input syntax for type integer: "a"
            "#]],
        );
    }

    #[test]
    fn binary_of_the_wrong_length_is_refused() {
        for oid in [16, 20, 21, 23, 700, 701, 1082, 1083, 1114, 1184, 1186, 1700, 2950, 1007, 3802] {
            for bytes in [&[][..], &[9; 3], &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 255, 255]] {
                if let Err(e) = from_binary(bytes, oid) {
                    assert!(["22P03", "22P02", "22021"].contains(&e.sqlstate), "{e}");
                }
            }
        }
        assert_eq!(from_binary(&7i64.to_be_bytes(), 20).unwrap(), ScalarValue::Int64(Some(7)));
    }
}
