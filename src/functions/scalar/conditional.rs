//! Choice: NULL and what replaces it, the value at a place and the place of a value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array, StringArray, new_null_array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_null, nullif};
use arrow::datatypes::Int32Type;

use super::order::keys;
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "AS_VALUE",
        summary: "A copy of a key column for the value",
        overloads: &[Overload::new("(keyColumn T) -> T", |a| a.array(0))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "COALESCE",
        summary: "The first value that is not NULL",
        overloads: &[Overload::new("(first T, others T...) -> T", first_present)],
        takes_failures: true,
    },
    ScalarFunction {
        name: "ELT",
        summary: "The n-th of the texts behind n, 1 being the first; NULL where there is none",
        overloads: &[Overload::new("(n INT, args STRING...) -> STRING", elt)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FIELD",
        summary: "The position of the first text among the others, 1 being the first; 0 where it is not there",
        overloads: &[Overload::new("(str STRING, args STRING...) -> INT", field)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "IFNULL",
        summary: "The first value, or the second where the first is NULL",
        overloads: &[Overload::new("(expression T, altValue T) -> T", first_present)],
        takes_failures: true,
    },
    ScalarFunction {
        name: "NULLIF",
        summary: "NULL where both values are equal, else the first",
        overloads: &[Overload::new("(expr1 T, expr2 T) -> T", null_if)],
        takes_failures: false,
    },
];

fn first_present(args: &Args) -> Result<ArrayRef, String> {
    let mut result = args.array(0)?;
    for i in 1..args.columns.len() {
        if result.null_count() == 0 {
            break;
        }
        let missing = is_null(&result).map_err(|e| e.to_string())?;
        result = zip(&missing, &args.array(i)?, &result).map_err(|e| e.to_string())?;
    }
    Ok(result)
}

fn null_if(args: &Args) -> Result<ArrayRef, String> {
    let (value, other) = (args.array(0)?, args.array(1)?);
    let equal: BooleanArray = if value.data_type().is_nested() {
        let [left, right] = keys([&value, &other])?;
        (0..value.len()).map(|row| Some(left.row(row) == right.row(row))).collect()
    } else {
        not_distinct(&value, &other).map_err(|e| e.to_string())?
    };
    if equal.true_count() == equal.len() {
        return Ok(new_null_array(value.data_type(), value.len()));
    }
    nullif(&value, &equal).map_err(|e| e.to_string())
}

fn elt(args: &Args) -> Result<ArrayRef, String> {
    let places = args.numbers::<Int32Type>(0)?;
    let texts = (1..args.columns.len()).map(|i| args.texts(i)).collect::<Result<Vec<_>, _>>()?;
    let one = |row| {
        let place = usize::try_from(places.get(row)?).ok()?.checked_sub(1)?;
        texts.get(place)?.get(row)
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<StringArray>()))
}

/// NULL is nowhere.
fn field(args: &Args) -> Result<ArrayRef, String> {
    let wanted = args.texts(0)?;
    let texts = (1..args.columns.len()).map(|i| args.texts(i)).collect::<Result<Vec<_>, _>>()?;
    let place = |row| {
        let wanted = wanted.get(row)?;
        let place = texts.iter().position(|text| text.get(row) == Some(wanted))?;
        i32::try_from(place + 1).ok()
    };
    Ok(Arc::new((0..args.rows).map(|row| Some(place(row).unwrap_or(0))).collect::<Int32Array>()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn null() {
        check(
            &[
                "COALESCE(NULL, ARRAY<INT> null, ARRAY<INT> [1])",
                "COALESCE(MAP<STRING, INT> {\"a\": 1}, NULL)",
                "COALESCE(STRUCT<A INT> null, STRUCT<A INT> {\"A\": 1})",
                "COALESCE(1, BIGINT 2)",
                "COALESCE()",
                "IFNULL(ARRAY<STRING> null, ARRAY<STRING> [\"x\", null])",
                "IFNULL(NULL, 'x')",
                "NULLIF(ARRAY<INT> [1, 2], ARRAY<INT> [1, 2])",
                "NULLIF(ARRAY<INT> [1, 2], ARRAY<INT> [1, null])",
                "NULLIF(ARRAY<INT> null, ARRAY<INT> null)",
                "NULLIF(STRUCT<A INT> {\"A\": 1}, STRUCT<A INT> {\"A\": 1})",
                "NULLIF(MAP<STRING, INT> {\"a\": 1}, MAP<STRING, INT> {\"a\": 2})",
                "NULLIF('x', 'X')",
                "NULLIF(10, 10)",
            ],
            expect![[r#"
                COALESCE(NULL, ARRAY<INT> null, ARRAY<INT> [1]) -> [1]
                COALESCE(MAP<STRING, INT> {"a": 1}, NULL) -> {a: 1}
                COALESCE(STRUCT<A INT> null, STRUCT<A INT> {"A": 1}) -> {A: 1}
                COALESCE(1, BIGINT 2) -> 1
                COALESCE() -> error: function COALESCE() does not exist
                IFNULL(ARRAY<STRING> null, ARRAY<STRING> ["x", null]) -> [x, NULL]
                IFNULL(NULL, 'x') -> x
                NULLIF(ARRAY<INT> [1, 2], ARRAY<INT> [1, 2]) -> NULL
                NULLIF(ARRAY<INT> [1, 2], ARRAY<INT> [1, null]) -> [1, 2]
                NULLIF(ARRAY<INT> null, ARRAY<INT> null) -> NULL
                NULLIF(STRUCT<A INT> {"A": 1}, STRUCT<A INT> {"A": 1}) -> NULL
                NULLIF(MAP<STRING, INT> {"a": 1}, MAP<STRING, INT> {"a": 2}) -> {a: 1}
                NULLIF('x', 'X') -> x
                NULLIF(10, 10) -> NULL"#]],
        );
    }

    #[test]
    fn places() {
        check(
            &[
                "ELT(2, 'a', 'b')",
                "ELT(1, NULL, 'b')",
                "ELT(0, 'a')",
                "ELT(3, 'a', 'b')",
                "ELT(NULL, 'a')",
                "FIELD('b', 'a', NULL, 'b', 'b')",
                "FIELD('c', 'a', NULL)",
                "FIELD(NULL, 'a', NULL)",
                "FIELD('a')",
            ],
            expect![[r#"
                ELT(2, 'a', 'b') -> b
                ELT(1, NULL, 'b') -> NULL
                ELT(0, 'a') -> NULL
                ELT(3, 'a', 'b') -> NULL
                ELT(NULL, 'a') -> NULL
                FIELD('b', 'a', NULL, 'b', 'b') -> 3
                FIELD('c', 'a', NULL) -> 0
                FIELD(NULL, 'a', NULL) -> 0
                FIELD('a') -> 0"#]],
        );
    }
}
