//! What is greatest and least among arguments and in lists, and lists in order. NULL has no place in the order of values:
//! it is left out, or comes last.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{interleave, take};

use super::args::Argument;
use super::nested::Gather;
use super::order::comparator;
use super::{Args, Overload, ScalarFunction};
use crate::functions::cast::cast;
use crate::functions::types::{common, sql_type};
use crate::sql::SqlType;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "ARRAY_MAX",
        summary: "The greatest element that is not NULL",
        overloads: &[Overload::new("(input ARRAY<T>) -> T", |a| of_list(a, Ordering::Greater))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_MIN",
        summary: "The least element that is not NULL",
        overloads: &[Overload::new("(input ARRAY<T>) -> T", |a| of_list(a, Ordering::Less))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_SORT",
        summary: "The elements in order, 'ASC' or 'DESC', NULLs last",
        overloads: &[
            Overload::new("(input ARRAY<T>) -> ARRAY<T>", sort),
            Overload::new("(input ARRAY<T>, direction STRING) -> ARRAY<T>", sort),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "GREATEST",
        summary: "The greatest of the values that are not NULL",
        overloads: &[
            Overload::new("(val INT, vals INT...) -> INT", greatest),
            Overload::new("(val BIGINT, vals BIGINT...) -> BIGINT", greatest),
            Overload::returning("(val DECIMAL, vals DECIMAL...) -> DECIMAL", common_decimal, greatest),
            Overload::new("(val DOUBLE, vals DOUBLE...) -> DOUBLE", greatest),
            Overload::new("(val STRING, vals STRING...) -> STRING", greatest),
            Overload::new("(val BYTES, vals BYTES...) -> BYTES", greatest),
            Overload::new("(val DATE, vals DATE...) -> DATE", greatest),
            Overload::new("(val TIME, vals TIME...) -> TIME", greatest),
            Overload::new("(val TIMESTAMP, vals TIMESTAMP...) -> TIMESTAMP", greatest),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LEAST",
        summary: "The least of the values that are not NULL",
        overloads: &[
            Overload::new("(val INT, vals INT...) -> INT", least),
            Overload::new("(val BIGINT, vals BIGINT...) -> BIGINT", least),
            Overload::returning("(val DECIMAL, vals DECIMAL...) -> DECIMAL", common_decimal, least),
            Overload::new("(val DOUBLE, vals DOUBLE...) -> DOUBLE", least),
            Overload::new("(val STRING, vals STRING...) -> STRING", least),
            Overload::new("(val BYTES, vals BYTES...) -> BYTES", least),
            Overload::new("(val DATE, vals DATE...) -> DATE", least),
            Overload::new("(val TIME, vals TIME...) -> TIME", least),
            Overload::new("(val TIMESTAMP, vals TIMESTAMP...) -> TIMESTAMP", least),
        ],
        takes_failures: false,
    },
];

fn of_list(args: &Args, wanted: Ordering) -> Result<ArrayRef, String> {
    let lists = args.lists(0)?;
    let order = comparator(&lists.items, &lists.items)?;
    let best = |row| {
        let present = lists.get(row)?.filter(|i| lists.items.is_valid(*i));
        let best = present.reduce(|best, i| if order(i, best) == wanted { i } else { best })?;
        u32::try_from(best).ok()
    };
    let positions: UInt32Array = (0..args.rows).map(best).collect();
    take(&lists.items, &positions, None).map_err(|e| e.to_string())
}

/// NULL where the direction is no direction.
fn sort(args: &Args) -> Result<ArrayRef, String> {
    let lists = args.lists(0)?;
    let directions = (args.columns.len() > 1).then(|| args.texts(1)).transpose()?;
    let order = comparator(&lists.items, &lists.items)?;
    let mut gather = Gather::new(args.rows);
    let mut sorted: Vec<usize> = Vec::new();
    for row in 0..args.rows {
        let descending = match &directions {
            None => Some(false),
            Some(directions) => directions.get(row).and_then(descending),
        };
        let (Some(list), Some(descending)) = (lists.get(row), descending) else {
            gather.end_null()?;
            continue;
        };
        sorted.clear();
        sorted.extend(list.clone().filter(|i| lists.items.is_valid(*i)));
        sorted.sort_by(|a, b| if descending { order(*b, *a) } else { order(*a, *b) });
        let nulls = list.len() - sorted.len();
        sorted.iter().for_each(|i| gather.push(Some(*i)));
        (0..nulls).for_each(|_| gather.push(None));
        gather.end()?;
    }
    gather.lists(&lists.items)
}

fn descending(direction: &str) -> Option<bool> {
    let is = |name| direction.eq_ignore_ascii_case(name);
    if is("ASC") || is("ASCENDING") {
        Some(false)
    } else if is("DESC") || is("DESCENDING") {
        Some(true)
    } else {
        None
    }
}

fn greatest(args: &Args) -> Result<ArrayRef, String> {
    among(args, Ordering::Greater)
}

fn least(args: &Args) -> Result<ArrayRef, String> {
    among(args, Ordering::Less)
}

/// The arguments have one type, but for decimals, which have their own precisions and scales.
fn among(args: &Args, wanted: Ordering) -> Result<ArrayRef, String> {
    let (first, others) = args.columns.split_first().ok_or("argument 1 is missing")?;
    let types = args.columns.iter().map(|c| sql_type(c.array.data_type())).collect::<Option<Vec<_>>>();
    let types = types.ok_or("values of this type have no order")?;
    let ty = if matches!(types.as_slice(), [SqlType::Decimal { .. }, ..]) {
        Some(common_decimal(&types))
    } else {
        None
    };
    let convert = |column: &Argument, from: &SqlType| match &ty {
        Some(to) => cast(&column.array, from.clone(), to.clone()),
        None => Ok(column.array.clone()),
    };
    let mut best = convert(first, types.first().unwrap_or(&SqlType::Int))?;
    let mut constant = first.constant;
    for (column, from) in others.iter().zip(types.iter().skip(1)) {
        let other = convert(column, from)?;
        let order = comparator(&other, &best)?;
        let better = |row: usize| {
            let (i, j) = (if column.constant { 0 } else { row }, if constant { 0 } else { row });
            let wins = other.is_valid(i) && (best.is_null(j) || order(i, j) == wanted);
            if wins { (1, i) } else { (0, j) }
        };
        let chosen: Vec<_> = (0..args.rows).map(better).collect();
        best = interleave(&[best.as_ref(), other.as_ref()], &chosen).map_err(|e| e.to_string())?;
        constant = false;
    }
    if constant && args.rows != 1 {
        best = take(&best, &UInt32Array::from(vec![0; args.rows]), None).map_err(|e| e.to_string())?;
    }
    Ok(best)
}

/// The type that holds all of the decimals.
fn common_decimal(types: &[SqlType]) -> SqlType {
    let wider = |all: SqlType, ty: &SqlType| common(&all, ty).unwrap_or(all);
    types.iter().fold(SqlType::Decimal { precision: 1, scale: 0 }, wider)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn lists() {
        check(
            &[
                "ARRAY_MAX(ARRAY<BOOLEAN> [false, null, true])",
                "ARRAY_MIN(ARRAY<DOUBLE> [0.1, -12345.678, null])",
                "ARRAY_MIN(ARRAY<STRING> [\"foo\", null, \"F\", \"\u{1f600}\", \"\u{ffff}\"])",
                "ARRAY_MAX(ARRAY<STRING> [\"foo\", null, \"F\", \"\u{1f600}\", \"\u{e000}\"])",
                "ARRAY_MAX(ARRAY<DECIMAL(2, 1)> [1.0, -9.9, 9.0])",
                "ARRAY_MAX(ARRAY<DATE> [\"2020-01-01\", \"2021-01-01\"])",
                "ARRAY_MAX(ARRAY<INT> [null])",
                "ARRAY_MAX(ARRAY<INT> [])",
                "ARRAY_MAX(ARRAY<INT> null)",
                "ARRAY_MAX(ARRAY<ARRAY<INT>> [[1]])",
                "ARRAY_SORT(ARRAY<INT> [3, null, 1, 2])",
                "ARRAY_SORT(ARRAY<STRING> [\"foo\", null, \"F\", \"fo\"], 'desc')",
                "ARRAY_SORT(ARRAY<INT> [3, 1], 'Ascending')",
                "ARRAY_SORT(ARRAY<INT> [3, 1], 'up')",
                "ARRAY_SORT(ARRAY<INT> [3, 1], NULL)",
                "ARRAY_SORT(ARRAY<INT> null)",
                "ARRAY_SORT(ARRAY<BOOLEAN> [])",
            ],
            expect![[r#"
                ARRAY_MAX(ARRAY<BOOLEAN> [false, null, true]) -> true
                ARRAY_MIN(ARRAY<DOUBLE> [0.1, -12345.678, null]) -> -12345.678
                ARRAY_MIN(ARRAY<STRING> ["foo", null, "F", "😀", "￿"]) -> F
                ARRAY_MAX(ARRAY<STRING> ["foo", null, "F", "😀", ""]) -> 
                ARRAY_MAX(ARRAY<DECIMAL(2, 1)> [1.0, -9.9, 9.0]) -> 9.0
                ARRAY_MAX(ARRAY<DATE> ["2020-01-01", "2021-01-01"]) -> 2021-01-01
                ARRAY_MAX(ARRAY<INT> [null]) -> NULL
                ARRAY_MAX(ARRAY<INT> []) -> NULL
                ARRAY_MAX(ARRAY<INT> null) -> NULL
                ARRAY_MAX(ARRAY<ARRAY<INT>> [[1]]) -> error: arrays, maps and structs have no order
                ARRAY_SORT(ARRAY<INT> [3, null, 1, 2]) -> [1, 2, 3, NULL]
                ARRAY_SORT(ARRAY<STRING> ["foo", null, "F", "fo"], 'desc') -> [foo, fo, F, NULL]
                ARRAY_SORT(ARRAY<INT> [3, 1], 'Ascending') -> [1, 3]
                ARRAY_SORT(ARRAY<INT> [3, 1], 'up') -> NULL
                ARRAY_SORT(ARRAY<INT> [3, 1], NULL) -> NULL
                ARRAY_SORT(ARRAY<INT> null) -> NULL
                ARRAY_SORT(ARRAY<BOOLEAN> []) -> []"#]],
        );
    }

    #[test]
    fn arguments() {
        check(
            &[
                "GREATEST(1, NULL, 3, 2)",
                "LEAST(1, NULL, BIGINT 3)",
                "GREATEST(1, 2.5)",
                "GREATEST(DECIMAL(9, 2) 1234567.89, DECIMAL(7, 6) 0.123456)",
                "LEAST(DECIMAL(9, 2) 1234567.89, DECIMAL(7, 6) 0.123456, 7)",
                "LEAST(DECIMAL(9, 2) 1.5, 0.5)",
                "LEAST(NULL, DECIMAL(9, 2) 1.5, NULL)",
                "LEAST(DATE \"2020-01-02\", NULL, '2020-01-01')",
                "GREATEST('apple', NULL, 'banana', 'aardvark')",
                "LEAST('!', 'Zebra')",
                "LEAST(BYTES \"b\", BYTES \"a\", NULL)",
                "GREATEST(TIME \"09:00\", TIME \"10:00\")",
                "LEAST(INT null, INT null)",
                "LEAST(NULL, NULL)",
                "LEAST()",
                "LEAST(TRUE, FALSE)",
            ],
            expect![[r#"
                GREATEST(1, NULL, 3, 2) -> 3
                LEAST(1, NULL, BIGINT 3) -> 1
                GREATEST(1, 2.5) -> 2.5
                GREATEST(DECIMAL(9, 2) 1234567.89, DECIMAL(7, 6) 0.123456) -> 1234567.890000
                LEAST(DECIMAL(9, 2) 1234567.89, DECIMAL(7, 6) 0.123456, 7) -> 0.123456
                LEAST(DECIMAL(9, 2) 1.5, 0.5) -> 0.5
                LEAST(NULL, DECIMAL(9, 2) 1.5, NULL) -> 1.50
                LEAST(DATE "2020-01-02", NULL, '2020-01-01') -> 2020-01-01
                GREATEST('apple', NULL, 'banana', 'aardvark') -> banana
                LEAST('!', 'Zebra') -> !
                LEAST(BYTES "b", BYTES "a", NULL) -> 61
                GREATEST(TIME "09:00", TIME "10:00") -> 10:00:00
                LEAST(INT null, INT null) -> NULL
                LEAST(NULL, NULL) -> error: function LEAST(NULL, NULL) is not unique
                LEAST() -> error: function LEAST() does not exist
                LEAST(TRUE, FALSE) -> error: function LEAST(BOOLEAN, BOOLEAN) does not exist"#]],
        );
    }
}
