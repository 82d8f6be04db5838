//! Conversions between the SQL types, strict: a value that does not fit is an error of its batch (dialect 10.1, the
//! table of CAST). Nothing becomes NULL silently. Numbers are narrowed as Java does it, since that is what ksqlDB's queries
//! mean: whole numbers keep their low bits, doubles stop at the ends of the range.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, ListArray, PrimitiveArray,
    PrimitiveBuilder, StringArray, StructArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Field, Fields, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};
use arrow::util::display::FormatOptions;
use base64::Engine;

use super::decimal;
use super::text;
use crate::formats;
use crate::sql::{SqlType, StructField};

const DAY_MS: i64 = 86_400_000;

/// Whether CAST knows a way from one type to the other.
pub fn castable(from: SqlType, to: SqlType) -> bool {
    use SqlType::*;
    match (from, to) {
        (Decimal { .. }, Decimal { .. }) => true,
        (from, to) if from == to => true,
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (Boolean | Int | BigInt | Double | Decimal { .. } | Timestamp | Date | Time, String) => true,
        (String, to) => !to.is_nested(),
        (Timestamp, Time | Date) | (Date, Timestamp) => true,
        (Array(from), Array(to)) => castable(*from, *to),
        (Map(from), Map(to)) => castable(from.key, to.key) && castable(from.value, to.value),
        (Struct(from), Struct(to)) => {
            let same = |name: &str| to.iter().find(|field| field.name == name);
            from.iter().all(|f| same(&f.name).is_none_or(|to| castable(f.ty.clone(), to.ty.clone())))
        }
        (Array(_) | Map(_) | Struct(_), String) => true,
        _ => false,
    }
}

/// Converts a column of type `from` to `to`.
///
/// Errors: the text of the first value that cannot be converted.
pub fn cast(array: &ArrayRef, from: SqlType, to: SqlType) -> Result<ArrayRef, String> {
    use SqlType::*;
    if from == to {
        return Ok(array.clone());
    }
    match (from.clone(), to.clone()) {
        (String, _) => from_string(array.as_string::<i32>(), to),
        (Double, String) => Ok(Arc::new(text_of::<Float64Type>(array, |v| Some(java_double(v)))?)),
        (Timestamp, String) => {
            Ok(Arc::new(text_of::<TimestampMillisecondType>(array, text::format_timestamp)?))
        }
        (Date, String) => Ok(Arc::new(text_of::<Date32Type>(array, text::format_date)?)),
        (Time, String) => Ok(Arc::new(text_of::<Time32MillisecondType>(array, text::format_time)?)),
        (Decimal { scale, .. }, String) => {
            Ok(Arc::new(text_of::<Decimal128Type>(array, |v| Some(decimal::format(v, scale)))?))
        }
        (Decimal { precision: p, scale: s }, Decimal { precision, scale })
            if scale >= s && precision - scale >= p - s =>
        {
            let factor = decimal::pow10(u32::from(scale - s));
            let values = array.as_primitive::<Decimal128Type>();
            typed_decimal(values.unary(|v| v.wrapping_mul(factor)), to)
        }
        (Decimal { scale: s, .. }, Decimal { precision, scale }) => {
            let rescaled = convert::<Decimal128Type, Decimal128Type>(array, to.clone(), |v| {
                decimal::Decimal { unscaled: v, scale: i32::from(s) }.rescale(precision, scale)
            });
            typed_decimal(rescaled?, to)
        }
        (Double, Decimal { precision, scale }) => {
            let read = convert::<Float64Type, Decimal128Type>(array, to.clone(), |v| {
                decimal::Decimal::from_f64(v)?.rescale(precision, scale)
            });
            typed_decimal(read?, to)
        }
        (Int | BigInt, Decimal { precision, scale }) => {
            let wide = arrow_cast(array, BigInt)?;
            let values = wide.as_primitive::<Int64Type>();
            let (factor, limit) = (decimal::pow10(u32::from(scale)), decimal::limit(precision));
            let digits = if from == Int { 10 } else { 19 };
            if precision >= digits + scale {
                // Every value fits: this is on the way of `price * 0.89`.
                return typed_decimal(values.unary(|v| i128::from(v) * factor), to);
            }
            let scaled = convert::<Int64Type, Decimal128Type>(&wide, to.clone(), |v| {
                i128::from(v).checked_mul(factor).filter(|v| -limit < *v && *v < limit)
            });
            typed_decimal(scaled?, to)
        }
        (Decimal { scale, .. }, Double) => {
            let values = array.as_primitive::<Decimal128Type>();
            Ok(Arc::new(values.unary::<_, Float64Type>(|v| decimal::to_f64(v, scale))))
        }
        (Decimal { scale, .. }, Int) => {
            let divisor = decimal::pow10(u32::from(scale));
            Ok(Arc::new(
                array.as_primitive::<Decimal128Type>().unary::<_, Int32Type>(|v| (v / divisor) as i32),
            ))
        }
        (Decimal { scale, .. }, BigInt) => {
            let divisor = decimal::pow10(u32::from(scale));
            Ok(Arc::new(
                array.as_primitive::<Decimal128Type>().unary::<_, Int64Type>(|v| (v / divisor) as i64),
            ))
        }
        (BigInt, Int) => {
            let values = array.as_primitive::<Int64Type>();
            Ok(Arc::new(values.unary::<_, Int32Type>(|v| v as i32)))
        }
        (Double, Int) => {
            Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Int32Type>(|v| v as i32)))
        }
        (Double, BigInt) => {
            Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Int64Type>(|v| v as i64)))
        }
        (Timestamp, Date) => {
            let days = convert::<TimestampMillisecondType, Date32Type>(array, to, |v| {
                i32::try_from(v.div_euclid(DAY_MS)).ok()
            });
            Ok(Arc::new(days?))
        }
        (Timestamp, Time) => {
            let times = array.as_primitive::<TimestampMillisecondType>();
            Ok(Arc::new(times.unary::<_, Time32MillisecondType>(|v| v.rem_euclid(DAY_MS) as i32)))
        }
        (Date, Timestamp) => {
            let dates = array.as_primitive::<Date32Type>();
            Ok(Arc::new(dates.unary::<_, TimestampMillisecondType>(|v| i64::from(v) * DAY_MS)))
        }
        (from, String) if from.is_nested() => {
            Ok(Arc::new(StringArray::from(super::nested::texts(array, &from)?)))
        }
        (Array(from), Array(to)) => {
            let lists = array.as_list_opt::<i32>().ok_or("no ARRAY")?;
            let values = cast(lists.values(), *from, (*to).clone())?;
            let field = Arc::new(Field::new("item", to.arrow(), true));
            let lists = ListArray::try_new(field, lists.offsets().clone(), values, lists.nulls().cloned());
            Ok(Arc::new(lists.map_err(|e| e.to_string())?))
        }
        (Map(from), Map(to)) => {
            let maps = array.as_map_opt().ok_or("no MAP")?;
            let keys = cast(maps.keys(), from.key, to.key)?;
            let values = cast(maps.values(), from.value, to.value)?;
            super::nested::map_of(keys, values, maps.offsets().clone(), maps.nulls().cloned())
        }
        (Struct(from), Struct(to)) => cast_struct(array, &from, &to),
        (from, to) if castable(from.clone(), to.clone()) => arrow_cast(array, to),
        (from, to) => Err(format!("cannot cast {from} to {to}")),
    }
}

/// By the names of fields: those that the result has not are dropped, those that it has more are NULL.
fn cast_struct(array: &ArrayRef, from: &[StructField], to: &[StructField]) -> Result<ArrayRef, String> {
    let structs = array.as_struct_opt().ok_or("no STRUCT")?;
    if to.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(array.len(), structs.nulls().cloned())));
    }
    let mut columns = Vec::with_capacity(to.len());
    for field in to {
        let found = from.iter().zip(structs.columns()).find(|(f, _)| f.name == field.name);
        columns.push(match found {
            Some((f, column)) => cast(column, f.ty.clone(), field.ty.clone())?,
            None => new_null_array(&field.ty.arrow(), array.len()),
        });
    }
    let fields: Fields = to.iter().map(|f| Field::new(&f.name, f.ty.arrow(), true)).collect();
    let structs = StructArray::try_new(fields, columns, structs.nulls().cloned());
    Ok(Arc::new(structs.map_err(|e| e.to_string())?))
}

/// A double as Java prints it.
fn java_double(value: f64) -> std::string::String {
    let mut text = Vec::with_capacity(24);
    formats::java_double(value, &mut text);
    // It is ASCII.
    std::string::String::from_utf8_lossy(&text).into_owned()
}

fn from_string(array: &StringArray, to: SqlType) -> Result<ArrayRef, String> {
    use SqlType::*;
    Ok(match to {
        String => Arc::new(array.clone()),
        Boolean => {
            let values: Result<BooleanArray, _> = array
                .iter()
                .map(|text| {
                    text.map(|t| text::parse_boolean(t).ok_or_else(|| invalid(t, to.clone()))).transpose()
                })
                .collect();
            Arc::new(values?)
        }
        Bytes => {
            let engine = base64::engine::general_purpose::STANDARD;
            let values: Result<BinaryArray, _> =
                collect_bytes(array.iter().map(|text| {
                    text.map(|t| engine.decode(t).map_err(|_| invalid(t, to.clone()))).transpose()
                }));
            Arc::new(values?)
        }
        Int => Arc::new(parse::<Int32Type>(array, to, |t| t.trim().parse().ok())?),
        BigInt => Arc::new(parse::<Int64Type>(array, to, |t| t.trim().parse().ok())?),
        Double => Arc::new(parse::<Float64Type>(array, to, text::parse_double)?),
        Decimal { precision, scale } => {
            let read = |t: &str| decimal::Decimal::parse(t.trim())?.rescale(precision, scale);
            typed_decimal(parse::<Decimal128Type>(array, to.clone(), read)?, to)?
        }
        Date => Arc::new(parse::<Date32Type>(array, to, text::parse_date)?),
        Time => Arc::new(parse::<Time32MillisecondType>(array, to, text::parse_time)?),
        Timestamp => Arc::new(parse::<TimestampMillisecondType>(array, to, text::parse_timestamp)?),
        Array(_) | Map(_) | Struct(_) => return Err(format!("cannot cast STRING to {to}")),
    })
}

fn collect_bytes(
    values: impl Iterator<Item = Result<Option<Vec<u8>>, String>>,
) -> Result<BinaryArray, String> {
    values.collect::<Result<Vec<_>, _>>().map(|values| values.into_iter().collect())
}

fn arrow_cast(array: &ArrayRef, to: SqlType) -> Result<ArrayRef, String> {
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    cast_with_options(array, &to.arrow(), &strict).map_err(|e| match e {
        arrow::error::ArrowError::CastError(text) => text,
        other => other.to_string(),
    })
}

fn parse<P: ArrowPrimitiveType>(
    array: &StringArray,
    to: SqlType,
    read: impl Fn(&str) -> Option<P::Native>,
) -> Result<PrimitiveArray<P>, String> {
    let mut values = PrimitiveBuilder::<P>::with_capacity(array.len());
    for text in array {
        values.append_option(text.map(|t| read(t).ok_or_else(|| invalid(t, to.clone()))).transpose()?);
    }
    Ok(values.finish())
}

fn convert<A: ArrowPrimitiveType, B: ArrowPrimitiveType>(
    array: &ArrayRef,
    to: SqlType,
    read: impl Fn(A::Native) -> Option<B::Native>,
) -> Result<PrimitiveArray<B>, String> {
    array
        .as_primitive::<A>()
        .try_unary(|value| read(value).ok_or_else(|| format!("value {value:?} is out of range for {to}")))
}

fn text_of<A: ArrowPrimitiveType>(
    array: &ArrayRef,
    format: impl Fn(A::Native) -> Option<String>,
) -> Result<StringArray, String> {
    let format = |value| format(value).ok_or_else(|| format!("value {value:?} has no text"));
    array.as_primitive::<A>().iter().map(|value| value.map(format).transpose()).collect()
}

fn typed_decimal(array: PrimitiveArray<Decimal128Type>, to: SqlType) -> Result<ArrayRef, String> {
    match to {
        SqlType::Decimal { precision, scale } => array
            .with_precision_and_scale(precision, scale as i8)
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|e| e.to_string()),
        other => Err(format!("{other} is no DECIMAL")),
    }
}

fn invalid(value: &str, to: SqlType) -> String {
    // A long value would make a long log line.
    let shown: String = value.chars().take(100).collect();
    format!("invalid input syntax for type {to}: \"{shown}\"")
}

#[cfg(test)]
mod tests {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    use expect_test::{Expect, expect};

    use super::*;

    fn check(values: &[&str], types: &[SqlType], expected: Expect) {
        let lines: Vec<_> = values
            .iter()
            .map(|value| {
                let mut array: ArrayRef = Arc::new(StringArray::from(vec![*value]));
                let mut from = SqlType::String;
                for to in types {
                    match cast(&array, from, to.clone()) {
                        Ok(result) => array = result,
                        Err(error) => return format!("{value}: {error}"),
                    }
                    from = to.clone();
                }
                let shown = ArrayFormatter::try_new(&array, &FormatOptions::default()).unwrap();
                format!("{value} -> {}", shown.value(0))
            })
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    const DECIMAL: SqlType = SqlType::Decimal { precision: 3, scale: 1 };

    #[test]
    fn from_text() {
        check(
            &[" 12 ", "1.5", "2147483648", ""],
            &[SqlType::Int],
            expect![[r#"
                 12  -> 12
                1.5: invalid input syntax for type INTEGER: "1.5"
                2147483648: invalid input syntax for type INTEGER: "2147483648"
                : invalid input syntax for type INTEGER: """#]],
        );
        check(
            &["1.25", "-0.05", "99.94", "99.95", "1e1", "x"],
            &[DECIMAL],
            expect![[r#"
                1.25 -> 1.3
                -0.05 -> -0.1
                99.94 -> 99.9
                99.95: invalid input syntax for type DECIMAL(3, 1): "99.95"
                1e1 -> 10.0
                x: invalid input syntax for type DECIMAL(3, 1): "x""#]],
        );
        check(
            &["YWJj", "*"],
            &[SqlType::Bytes],
            expect![[r#"
                YWJj -> 616263
                *: invalid input syntax for type BYTES: "*""#]],
        );
    }

    #[test]
    fn among_numbers() {
        check(
            &["1.05", "0.05", "-1.25", "1e9", "NaN"],
            &[SqlType::Double, DECIMAL, SqlType::String],
            expect![[r#"
                1.05 -> 1.1
                0.05 -> 0.1
                -1.25 -> -1.3
                1e9: value 1000000000.0 is out of range for DECIMAL(3, 1)
                NaN: value NaN is out of range for DECIMAL(3, 1)"#]],
        );
        check(
            &["9.9", "-9.9"],
            &[DECIMAL, SqlType::Int],
            expect![[r#"
                9.9 -> 9
                -9.9 -> -9"#]],
        );
        check(
            &["3000000000", "7"],
            &[SqlType::BigInt, SqlType::Int],
            expect![[r#"
                3000000000 -> -1294967296
                7 -> 7"#]],
        );
        check(
            &["10.01"],
            &[SqlType::Decimal { precision: 4, scale: 2 }, SqlType::Double],
            expect!["10.01 -> 10.01"],
        );
    }

    #[test]
    fn doubles_print_as_in_java() {
        check(
            &["1", "0.001", "1e7", "123456789.5", "4.9E-324", "-0.0", "1e-4"],
            &[SqlType::Double, SqlType::String],
            expect![[r#"
                1 -> 1.0
                0.001 -> 0.001
                1e7 -> 1.0E7
                123456789.5 -> 1.234567895E8
                4.9E-324 -> 4.9E-324
                -0.0 -> -0.0
                1e-4 -> 1.0E-4"#]],
        );
    }

    #[test]
    fn dates() {
        check(
            &["1969-12-31T23:59:59.999", "2020-01-02T03:04:05.678Z"],
            &[SqlType::Timestamp, SqlType::Date, SqlType::Timestamp, SqlType::String],
            expect![[r#"
                1969-12-31T23:59:59.999 -> 1969-12-31T00:00:00.000
                2020-01-02T03:04:05.678Z -> 2020-01-02T00:00:00.000"#]],
        );
        check(
            &["1969-12-31T23:59:59.999"],
            &[SqlType::Timestamp, SqlType::Time, SqlType::String],
            expect!["1969-12-31T23:59:59.999 -> 23:59:59.999"],
        );
    }
}
