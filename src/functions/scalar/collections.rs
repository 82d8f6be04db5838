//! Lists: membership, and sets. Parts and series are in `parts`, order is in `extremes`.
//!
//! Elements are compared as Java's `equals` does ([`super::order`]); NULL equals NULL.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array};
use arrow::row::Row;

use super::nested::{Gather, joined};
use super::order::keys;
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "ARRAY_CONCAT",
        summary: "The elements of both arrays; an array that is NULL counts as empty, but not both",
        overloads: &[Overload::new("(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", array_concat)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_CONTAINS",
        summary: "Whether the array has an element that equals the value",
        overloads: &[Overload::new("(array ARRAY<T>, val T) -> BOOLEAN", contains)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_DISTINCT",
        summary: "The elements without those that came before",
        overloads: &[Overload::new("(input ARRAY<T>) -> ARRAY<T>", distinct)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_EXCEPT",
        summary: "The distinct elements of the first array that the second has not",
        overloads: &[Overload::new("(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", |a| among(a, false))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_INTERSECT",
        summary: "The distinct elements of the first array that the second has, too",
        overloads: &[Overload::new("(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", |a| among(a, true))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_LENGTH",
        summary: "The number of elements",
        overloads: &[Overload::new("(array ARRAY<T>) -> INT", |a| {
            let lists = a.lists(0)?;
            // Offsets have 31 bits.
            let length = |row| lists.get(row).map(|items| items.len() as i32);
            Ok(Arc::new((0..a.rows).map(length).collect::<Int32Array>()))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_REMOVE",
        summary: "The elements that do not equal the value",
        overloads: &[Overload::new("(array ARRAY<T>, victim T) -> ARRAY<T>", remove)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ARRAY_UNION",
        summary: "The distinct elements of both arrays",
        overloads: &[Overload::new("(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", union)],
        takes_failures: false,
    },
];

fn array_concat(args: &Args) -> Result<ArrayRef, String> {
    let (left, right) = (args.lists(0)?, args.lists(1)?);
    let behind = left.items.len();
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        match (left.get(row), right.get(row)) {
            (None, None) => gather.end_null()?,
            (left, right) => {
                gather.extend(left.unwrap_or_default());
                let right = right.unwrap_or_default();
                gather.extend(right.start + behind..right.end + behind);
                gather.end()?;
            }
        }
    }
    gather.lists(&joined(&left.items, &right.items)?)
}

/// False for an array that is NULL, as in ksqlDB.
fn contains(args: &Args) -> Result<ArrayRef, String> {
    let (lists, wanted) = (args.lists(0)?, args.argument(1)?);
    let [items, values] = keys([&lists.items, &wanted.array])?;
    let found = |row| {
        let value = values.row(if wanted.constant { 0 } else { row });
        lists.get(row).is_some_and(|mut list| list.any(|i| items.row(i) == value))
    };
    Ok(Arc::new((0..args.rows).map(found).map(Some).collect::<BooleanArray>()))
}

fn distinct(args: &Args) -> Result<ArrayRef, String> {
    let lists = args.lists(0)?;
    let [items] = keys([&lists.items])?;
    let mut seen = HashSet::new();
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(list) = lists.get(row) else {
            gather.end_null()?;
            continue;
        };
        seen.clear();
        list.filter(|i| seen.insert(items.row(*i))).for_each(|i| gather.push(Some(i)));
        gather.end()?;
    }
    gather.lists(&lists.items)
}

/// The distinct elements of the first list that are in the second, or are not.
fn among(args: &Args, wanted: bool) -> Result<ArrayRef, String> {
    let (left, right) = (args.lists(0)?, args.lists(1)?);
    let [items, others] = keys([&left.items, &right.items])?;
    let (mut seen, mut other): (HashSet<Row<'_>>, HashSet<Row<'_>>) = (HashSet::new(), HashSet::new());
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let (Some(list), Some(among)) = (left.get(row), right.get(row)) else {
            gather.end_null()?;
            continue;
        };
        seen.clear();
        other.clear();
        other.extend(among.map(|i| others.row(i)));
        let keep = |i: &usize| other.contains(&items.row(*i)) == wanted && seen.insert(items.row(*i));
        list.filter(keep).for_each(|i| gather.push(Some(i)));
        gather.end()?;
    }
    gather.lists(&left.items)
}

fn union(args: &Args) -> Result<ArrayRef, String> {
    let (left, right) = (args.lists(0)?, args.lists(1)?);
    let [items, others] = keys([&left.items, &right.items])?;
    let behind = left.items.len();
    let mut seen: HashSet<Row<'_>> = HashSet::new();
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let (Some(first), Some(second)) = (left.get(row), right.get(row)) else {
            gather.end_null()?;
            continue;
        };
        seen.clear();
        first.filter(|i| seen.insert(items.row(*i))).for_each(|i| gather.push(Some(i)));
        second.filter(|i| seen.insert(others.row(*i))).for_each(|i| gather.push(Some(i + behind)));
        gather.end()?;
    }
    gather.lists(&joined(&left.items, &right.items)?)
}

fn remove(args: &Args) -> Result<ArrayRef, String> {
    let (lists, victims) = (args.lists(0)?, args.argument(1)?);
    let [items, values] = keys([&lists.items, &victims.array])?;
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(list) = lists.get(row) else {
            gather.end_null()?;
            continue;
        };
        let victim = values.row(if victims.constant { 0 } else { row });
        list.filter(|i| items.row(*i) != victim).for_each(|i| gather.push(Some(i)));
        gather.end()?;
    }
    gather.lists(&lists.items)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn membership() {
        check(
            &[
                "ARRAY_CONTAINS(ARRAY<STRING> [\"a\", null], 'a')",
                "ARRAY_CONTAINS(ARRAY<STRING> [\"a\", null], 'b')",
                "ARRAY_CONTAINS(ARRAY<STRING> [\"a\", null], NULL)",
                "ARRAY_CONTAINS(ARRAY<STRING> null, 'a')",
                "ARRAY_CONTAINS(ARRAY<BIGINT> [1, 2], 2)",
                "ARRAY_CONTAINS(ARRAY<MAP<STRING, INT>> [{\"a\": 1, \"b\": 2}], MAP<STRING, INT> {\"b\": 2, \"a\": 1})",
                "ARRAY_REMOVE(ARRAY<INT> [0, null, 1, 0], 0)",
                "ARRAY_REMOVE(ARRAY<INT> [0, null, 1, 0], NULL)",
                "ARRAY_REMOVE(ARRAY<DOUBLE> [0.2, 0.0], 0.2)",
                "ARRAY_REMOVE(ARRAY<DECIMAL(2, 1)> [1.0, -0.2], DECIMAL(2, 1) 1.0)",
                "ARRAY_REMOVE(ARRAY<ARRAY<STRING>> [[\"a\"], null, [\"a\", \"b\"]], ARRAY<STRING> [\"a\"])",
                "ARRAY_REMOVE(ARRAY<INT> null, 1)",
                "ARRAY_LENGTH(ARRAY<STRUCT<A INT>> [{}, null])",
                "ARRAY_LENGTH(ARRAY<INT> null)",
                "ARRAY_LENGTH(1)",
            ],
            expect![[r#"
                ARRAY_CONTAINS(ARRAY<STRING> ["a", null], 'a') -> true
                ARRAY_CONTAINS(ARRAY<STRING> ["a", null], 'b') -> false
                ARRAY_CONTAINS(ARRAY<STRING> ["a", null], NULL) -> true
                ARRAY_CONTAINS(ARRAY<STRING> null, 'a') -> false
                ARRAY_CONTAINS(ARRAY<BIGINT> [1, 2], 2) -> true
                ARRAY_CONTAINS(ARRAY<MAP<STRING, INT>> [{"a": 1, "b": 2}], MAP<STRING, INT> {"b": 2, "a": 1}) -> true
                ARRAY_REMOVE(ARRAY<INT> [0, null, 1, 0], 0) -> [NULL, 1]
                ARRAY_REMOVE(ARRAY<INT> [0, null, 1, 0], NULL) -> [0, 1, 0]
                ARRAY_REMOVE(ARRAY<DOUBLE> [0.2, 0.0], 0.2) -> [0.0]
                ARRAY_REMOVE(ARRAY<DECIMAL(2, 1)> [1.0, -0.2], DECIMAL(2, 1) 1.0) -> [-0.2]
                ARRAY_REMOVE(ARRAY<ARRAY<STRING>> [["a"], null, ["a", "b"]], ARRAY<STRING> ["a"]) -> [NULL, [a, b]]
                ARRAY_REMOVE(ARRAY<INT> null, 1) -> NULL
                ARRAY_LENGTH(ARRAY<STRUCT<A INT>> [{}, null]) -> 2
                ARRAY_LENGTH(ARRAY<INT> null) -> NULL
                ARRAY_LENGTH(1) -> error: function ARRAY_LENGTH(INTEGER) does not exist"#]],
        );
    }

    #[test]
    fn sets() {
        check(
            &[
                "ARRAY_DISTINCT(ARRAY<STRING> [\"foo\", null, \"bar\", \"foo\", null])",
                "ARRAY_DISTINCT(ARRAY<MAP<STRING, INT>> [{\"a\": 1, \"b\": null}, {\"b\": null, \"a\": 1}, {\"a\": 1}, null])",
                "ARRAY_DISTINCT(ARRAY<STRUCT<A INT, B ARRAY<INT>>> [{\"A\": 1, \"B\": [1]}, {\"A\": 1}, {\"A\": 1, \"B\": [1]}])",
                "ARRAY_DISTINCT(ARRAY<INT> null)",
                "ARRAY_EXCEPT(ARRAY<INT> [0, 0, 1, 0, -1], ARRAY<INT> [1, -2])",
                "ARRAY_EXCEPT(ARRAY<INT> [0], ARRAY<INT> null)",
                "ARRAY_INTERSECT(ARRAY<INT> [0, 0, 1, null], ARRAY<INT> [1, null, 0])",
                "ARRAY_INTERSECT(ARRAY<INT> null, ARRAY<INT> [1])",
                "ARRAY_UNION(ARRAY<INT> [0, 0, 1], ARRAY<BIGINT> [2, 1, null, 2])",
                "ARRAY_UNION(ARRAY<INT> [0], ARRAY<INT> null)",
                "ARRAY_CONCAT(ARRAY<STRING> [\"a\"], ARRAY<STRING> [\"a\", null])",
                "ARRAY_CONCAT(ARRAY<INT> [1], ARRAY<INT> null)",
                "ARRAY_CONCAT(ARRAY<INT> null, ARRAY<INT> [])",
                "ARRAY_CONCAT(ARRAY<INT> null, ARRAY<INT> null)",
            ],
            expect![[r#"
                ARRAY_DISTINCT(ARRAY<STRING> ["foo", null, "bar", "foo", null]) -> [foo, NULL, bar]
                ARRAY_DISTINCT(ARRAY<MAP<STRING, INT>> [{"a": 1, "b": null}, {"b": null, "a": 1}, {"a": 1}, null]) -> [{a: 1, b: NULL}, {a: 1}, NULL]
                ARRAY_DISTINCT(ARRAY<STRUCT<A INT, B ARRAY<INT>>> [{"A": 1, "B": [1]}, {"A": 1}, {"A": 1, "B": [1]}]) -> [{A: 1, B: [1]}, {A: 1, B: NULL}]
                ARRAY_DISTINCT(ARRAY<INT> null) -> NULL
                ARRAY_EXCEPT(ARRAY<INT> [0, 0, 1, 0, -1], ARRAY<INT> [1, -2]) -> [0, -1]
                ARRAY_EXCEPT(ARRAY<INT> [0], ARRAY<INT> null) -> NULL
                ARRAY_INTERSECT(ARRAY<INT> [0, 0, 1, null], ARRAY<INT> [1, null, 0]) -> [0, 1, NULL]
                ARRAY_INTERSECT(ARRAY<INT> null, ARRAY<INT> [1]) -> NULL
                ARRAY_UNION(ARRAY<INT> [0, 0, 1], ARRAY<BIGINT> [2, 1, null, 2]) -> [0, 1, 2, NULL]
                ARRAY_UNION(ARRAY<INT> [0], ARRAY<INT> null) -> NULL
                ARRAY_CONCAT(ARRAY<STRING> ["a"], ARRAY<STRING> ["a", null]) -> [a, a, NULL]
                ARRAY_CONCAT(ARRAY<INT> [1], ARRAY<INT> null) -> [1]
                ARRAY_CONCAT(ARRAY<INT> null, ARRAY<INT> []) -> []
                ARRAY_CONCAT(ARRAY<INT> null, ARRAY<INT> null) -> NULL"#]],
        );
    }
}
