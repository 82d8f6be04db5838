//! Whether a JSON array has an element that equals a value.
//!
//! Kinds are told apart as in ksqlDB: whole numbers equal INT and BIGINT, numbers with a fraction or an exponent equal
//! DOUBLE and DECIMAL, texts STRING; NULL equals `null`. Values of other types equal nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};

use super::Args;
use super::json_text::{as_string, parts, value};
use crate::functions::decimal::{Decimal, rescale};

/// A value to look for.
enum Wanted<'a> {
    Null,
    Boolean(bool),
    Whole(i64),
    Double(f64),
    Decimal(Decimal),
    Text(&'a str),
    Nothing,
}

/// False where the text is no JSON array.
pub fn contains(args: &Args) -> Result<ArrayRef, String> {
    let (texts, needles) = (args.texts(0)?, args.argument(1)?);
    let found = |row| {
        let array = value(texts.get(row)?).ok().flatten().filter(|value| value.starts_with(b"["));
        let wanted = wanted(&needles.array, if needles.constant { 0 } else { row });
        Some(
            array.and_then(parts).is_some_and(|mut parts| parts.any(|(_, element)| equals(&wanted, element))),
        )
    };
    Ok(Arc::new((0..args.rows).map(found).collect::<BooleanArray>()))
}

fn wanted(array: &ArrayRef, row: usize) -> Wanted<'_> {
    if array.is_null(row) {
        return Wanted::Null;
    }
    match array.data_type() {
        DataType::Boolean => Wanted::Boolean(array.as_boolean().value(row)),
        DataType::Int32 => Wanted::Whole(i64::from(array.as_primitive::<Int32Type>().value(row))),
        DataType::Int64 => Wanted::Whole(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Wanted::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Wanted::Text(array.as_string::<i32>().value(row)),
        DataType::Decimal128(_, scale) => {
            let unscaled = array.as_primitive::<Decimal128Type>().value(row);
            Wanted::Decimal(Decimal { unscaled, scale: i32::from(*scale) })
        }
        _ => Wanted::Nothing,
    }
}

fn equals(wanted: &Wanted<'_>, element: &[u8]) -> bool {
    let number = || std::str::from_utf8(element).ok();
    let whole = || element.iter().all(|b| b.is_ascii_digit() || *b == b'-');
    match wanted {
        Wanted::Null => element == b"null",
        Wanted::Boolean(value) => element == (if *value { &b"true"[..] } else { b"false" }),
        Wanted::Whole(value) => whole() && number().and_then(|n| n.parse().ok()) == Some(*value),
        Wanted::Double(value) => !whole() && number().and_then(|n| n.parse().ok()) == Some(*value),
        Wanted::Decimal(value) => number().and_then(Decimal::parse).is_some_and(|n| same(n, *value)),
        Wanted::Text(value) => matches!(as_string(element), Ok(Some(text)) if text == *value),
        Wanted::Nothing => false,
    }
}

fn same(a: Decimal, b: Decimal) -> bool {
    // To the larger scale, so nothing is rounded.
    let scale = a.scale.max(b.scale);
    let (a, b) = (rescale(a.unscaled, a.scale, scale), rescale(b.unscaled, b.scale, scale));
    a.is_some() && a == b
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn contains() {
        check(
            &[
                r#"JSON_ARRAY_CONTAINS('["Red", "Pi\u006ek"]', 'Pink')"#,
                r#"JSON_ARRAY_CONTAINS('[["Pink"]]', 'Pink')"#,
                r#"JSON_ARRAY_CONTAINS('[1, 2.0]', 1)"#,
                r#"JSON_ARRAY_CONTAINS('[1, 2.0]', 2)"#,
                r#"JSON_ARRAY_CONTAINS('[1, 2.0]', 2.0)"#,
                r#"JSON_ARRAY_CONTAINS('[1, 2.0]', 1.0)"#,
                r#"JSON_ARRAY_CONTAINS('[1, 2.50]', DECIMAL(4, 1) 2.5)"#,
                r#"JSON_ARRAY_CONTAINS('[2.54]', DECIMAL(4, 1) 2.5)"#,
                r#"JSON_ARRAY_CONTAINS('[true]', TRUE)"#,
                r#"JSON_ARRAY_CONTAINS('[true]', FALSE)"#,
                r#"JSON_ARRAY_CONTAINS('[null]', STRING null)"#,
                r#"JSON_ARRAY_CONTAINS('{"a": 1}', 1)"#,
                r#"JSON_ARRAY_CONTAINS('[', 1)"#,
                r#"JSON_ARRAY_CONTAINS(NULL, 1)"#,
                r#"JSON_ARRAY_CONTAINS('[1]', ARRAY<INT> [1])"#,
            ],
            expect![[r#"
                JSON_ARRAY_CONTAINS('["Red", "Pi\u006ek"]', 'Pink') -> true
                JSON_ARRAY_CONTAINS('[["Pink"]]', 'Pink') -> false
                JSON_ARRAY_CONTAINS('[1, 2.0]', 1) -> true
                JSON_ARRAY_CONTAINS('[1, 2.0]', 2) -> false
                JSON_ARRAY_CONTAINS('[1, 2.0]', 2.0) -> true
                JSON_ARRAY_CONTAINS('[1, 2.0]', 1.0) -> false
                JSON_ARRAY_CONTAINS('[1, 2.50]', DECIMAL(4, 1) 2.5) -> true
                JSON_ARRAY_CONTAINS('[2.54]', DECIMAL(4, 1) 2.5) -> false
                JSON_ARRAY_CONTAINS('[true]', TRUE) -> true
                JSON_ARRAY_CONTAINS('[true]', FALSE) -> false
                JSON_ARRAY_CONTAINS('[null]', STRING null) -> true
                JSON_ARRAY_CONTAINS('{"a": 1}', 1) -> false
                JSON_ARRAY_CONTAINS('[', 1) -> false
                JSON_ARRAY_CONTAINS(NULL, 1) -> NULL
                JSON_ARRAY_CONTAINS('[1]', ARRAY<INT> [1]) -> false"#]],
        );
    }
}
