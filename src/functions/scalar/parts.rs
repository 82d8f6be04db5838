//! Parts of lists, their text, and lists of numbers.

use std::sync::Arc;

use arrow::array::builder::{NullBufferBuilder, StringBuilder};
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{Int32Type, Int64Type};

use super::args::append_text;
use super::nested::{Gather, list_of, too_large};
use super::{Args, Overload, ScalarFunction};
use crate::functions::cast::cast;
use crate::functions::types::sql_type;
use crate::sql::SqlType;

/// More elements than this is no list that anybody reads, and a few such rows would take all memory.
const SERIES_MAX: i64 = 1_000_000;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "ARRAY_JOIN",
        summary: "The texts of the elements with a delimiter between them, a comma by default",
        overloads: &[
            Overload::new("(array ARRAY<T>) -> STRING", join),
            Overload::new("(array ARRAY<T>, delimiter STRING) -> STRING", join),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "GENERATE_SERIES",
        summary: "The numbers from the first to the second, by steps of 1, -1 or the third",
        overloads: &[
            Overload::new("(start INT, end INT) -> ARRAY<INT>", series::<Int32Type>),
            Overload::new("(start INT, end INT, step INT) -> ARRAY<INT>", series::<Int32Type>),
            Overload::new("(start BIGINT, end BIGINT) -> ARRAY<BIGINT>", series::<Int64Type>),
            Overload::new("(start BIGINT, end BIGINT, step INT) -> ARRAY<BIGINT>", series::<Int64Type>),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SLICE",
        summary: "The elements from one position to another, 1 being the first; NULL where there are not so many",
        overloads: &[Overload::new("(in ARRAY<T>, from INT, to INT) -> ARRAY<T>", slice)],
        takes_failures: false,
    },
];

/// NULL elements are written `null`; a delimiter that is NULL is empty.
fn join(args: &Args) -> Result<ArrayRef, String> {
    let lists = args.lists(0)?;
    let delimiters = (args.columns.len() > 1).then(|| args.texts(1)).transpose()?;
    let ty = sql_type(lists.items.data_type()).filter(|ty| !ty.is_nested() && *ty != SqlType::Bytes);
    let ty = ty.ok_or("arrays of arrays, maps, structs and bytes cannot be joined")?;
    let texts = cast(&lists.items, ty, SqlType::String)?;
    let texts = texts.as_string_opt::<i32>().ok_or("the elements have no text")?;
    let mut joined = StringBuilder::new();
    let mut text = String::new();
    for row in 0..args.rows {
        let Some(list) = lists.get(row) else {
            joined.append_null();
            continue;
        };
        let delimiter = match &delimiters {
            None => ",",
            Some(delimiters) => delimiters.get(row).unwrap_or_default(),
        };
        text.clear();
        let start = list.start;
        for i in list {
            text.push_str(if i > start { delimiter } else { "" });
            text.push_str(if texts.is_valid(i) { texts.value(i) } else { "null" });
        }
        append_text(&mut joined, &text)?;
    }
    Ok(Arc::new(joined.finish()))
}

/// A bound that is NULL is that of the list.
fn slice(args: &Args) -> Result<ArrayRef, String> {
    let (lists, from, to) = (args.lists(0)?, args.numbers::<Int32Type>(1)?, args.numbers::<Int32Type>(2)?);
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let part = lists.get(row).and_then(|list| {
            let start = usize::try_from(i64::from(from.get(row).unwrap_or(1)) - 1).ok()?;
            let end = to.get(row).map_or(Some(list.len()), |to| usize::try_from(to).ok())?;
            (start <= end && end <= list.len()).then(|| list.start + start..list.start + end)
        });
        match part {
            Some(part) => {
                gather.extend(part);
                gather.end()?;
            }
            None => gather.end_null()?,
        }
    }
    gather.lists(&lists.items)
}

/// NULL where an argument is.
fn series<P: ArrowPrimitiveType>(args: &Args) -> Result<ArrayRef, String>
where
    P::Native: Into<i64> + TryFrom<i64>,
{
    let (start, end) = (args.numbers::<P>(0)?, args.numbers::<P>(1)?);
    let step = (args.columns.len() > 2).then(|| args.numbers::<Int32Type>(2)).transpose()?;
    let mut items: Vec<P::Native> = Vec::new();
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(args.rows));
    for row in 0..args.rows {
        let one = |from: i64, to: i64| if from <= to { 1 } else { -1 };
        let bounds = start.get(row).zip(end.get(row)).map(|(start, end)| (start.into(), end.into()));
        let step = match (&step, bounds) {
            (Some(step), _) => step.get(row).map(i64::from),
            (None, Some((from, to))) => Some(one(from, to)),
            (None, None) => None,
        };
        if let (Some((from, to)), Some(step)) = (bounds, step) {
            for value in numbers(from, to, step)? {
                items.push(P::Native::try_from(value).map_err(|_| too_large())?);
            }
            nulls.append_non_null();
        } else {
            nulls.append_null();
        }
        offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
    }
    let items = PrimitiveArray::<P>::from_iter_values(items);
    list_of(Arc::new(items), offsets, nulls)
}

fn numbers(from: i64, to: i64, step: i64) -> Result<impl Iterator<Item = i64>, String> {
    let distance = i128::from(to) - i128::from(from);
    match step.signum() {
        0 => return Err("the step of a series must not be 0".to_owned()),
        sign if i128::from(sign) * distance < 0 => {
            return Err(format!("a step of {step} does not lead from {from} to {to}"));
        }
        _ => {}
    }
    match i64::try_from(distance / i128::from(step)) {
        Ok(steps) if steps < SERIES_MAX => Ok((0..=steps).map(move |i| from + i * step)),
        _ => Err(format!("a series from {from} to {to} has more than {SERIES_MAX} elements")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn parts_texts_and_series() {
        check(
            &[
                "ARRAY_JOIN(ARRAY<BOOLEAN> [true, null, false])",
                "ARRAY_JOIN(ARRAY<DOUBLE> [1.23, 0.0, 1e10], '')",
                "ARRAY_JOIN(ARRAY<DECIMAL(5, 2)> [123.45, -1], NULL)",
                "ARRAY_JOIN(ARRAY<STRING> [\"a\", \"\", \"b\"], ' ; ')",
                "ARRAY_JOIN(ARRAY<DATE> [\"2020-01-02\"])",
                "ARRAY_JOIN(ARRAY<INT> [])",
                "ARRAY_JOIN(ARRAY<INT> null)",
                "ARRAY_JOIN(ARRAY<ARRAY<INT>> [[1]])",
                "SLICE(ARRAY<STRING> [\"a\", \"b\", \"c\", \"d\"], 2, 3)",
                "SLICE(ARRAY<INT> [1, 2, 3], NULL, 2)",
                "SLICE(ARRAY<INT> [1, 2, 3], 2, NULL)",
                "SLICE(ARRAY<INT> [1, 2, 3], 2, 4)",
                "SLICE(ARRAY<INT> [1, 2, 3], 0, 1)",
                "SLICE(ARRAY<INT> [1, 2, 3], 3, 2)",
                "SLICE(ARRAY<INT> [1, 2, 3], 4, 2)",
                "SLICE(ARRAY<INT> null, 1, 1)",
                "GENERATE_SERIES(0, 3)",
                "GENERATE_SERIES(4, 2)",
                "GENERATE_SERIES(1, 1)",
                "GENERATE_SERIES(0, 9, 4)",
                "GENERATE_SERIES(1, -2, -2)",
                "GENERATE_SERIES(BIGINT 9223372036854775806, BIGINT 9223372036854775807)",
                "GENERATE_SERIES(BIGINT -9223372036854775808, BIGINT 9223372036854775807)",
                "GENERATE_SERIES(0, 9, 0)",
                "GENERATE_SERIES(0, 9, -1)",
                "GENERATE_SERIES(NULL, 9)",
                "GENERATE_SERIES(0, 9, NULL)",
            ],
            expect![[r#"
                ARRAY_JOIN(ARRAY<BOOLEAN> [true, null, false]) -> true,null,false
                ARRAY_JOIN(ARRAY<DOUBLE> [1.23, 0.0, 1e10], '') -> 1.230.01.0E10
                ARRAY_JOIN(ARRAY<DECIMAL(5, 2)> [123.45, -1], NULL) -> 123.45-1.00
                ARRAY_JOIN(ARRAY<STRING> ["a", "", "b"], ' ; ') -> a ;  ; b
                ARRAY_JOIN(ARRAY<DATE> ["2020-01-02"]) -> 2020-01-02
                ARRAY_JOIN(ARRAY<INT> []) -> 
                ARRAY_JOIN(ARRAY<INT> null) -> NULL
                ARRAY_JOIN(ARRAY<ARRAY<INT>> [[1]]) -> error: arrays of arrays, maps, structs and bytes cannot be joined
                SLICE(ARRAY<STRING> ["a", "b", "c", "d"], 2, 3) -> [b, c]
                SLICE(ARRAY<INT> [1, 2, 3], NULL, 2) -> [1, 2]
                SLICE(ARRAY<INT> [1, 2, 3], 2, NULL) -> [2, 3]
                SLICE(ARRAY<INT> [1, 2, 3], 2, 4) -> NULL
                SLICE(ARRAY<INT> [1, 2, 3], 0, 1) -> NULL
                SLICE(ARRAY<INT> [1, 2, 3], 3, 2) -> []
                SLICE(ARRAY<INT> [1, 2, 3], 4, 2) -> NULL
                SLICE(ARRAY<INT> null, 1, 1) -> NULL
                GENERATE_SERIES(0, 3) -> [0, 1, 2, 3]
                GENERATE_SERIES(4, 2) -> [4, 3, 2]
                GENERATE_SERIES(1, 1) -> [1]
                GENERATE_SERIES(0, 9, 4) -> [0, 4, 8]
                GENERATE_SERIES(1, -2, -2) -> [1, -1]
                GENERATE_SERIES(BIGINT 9223372036854775806, BIGINT 9223372036854775807) -> [9223372036854775806, 9223372036854775807]
                GENERATE_SERIES(BIGINT -9223372036854775808, BIGINT 9223372036854775807) -> error: a series from -9223372036854775808 to 9223372036854775807 has more than 1000000 elements
                GENERATE_SERIES(0, 9, 0) -> error: the step of a series must not be 0
                GENERATE_SERIES(0, 9, -1) -> error: a step of -1 does not lead from 0 to 9
                GENERATE_SERIES(NULL, 9) -> NULL
                GENERATE_SERIES(0, 9, NULL) -> NULL"#]],
        );
    }
}
