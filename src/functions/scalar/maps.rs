//! Maps with keys of text. The entries of a result keep the order of the arguments.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::builder::{NullBufferBuilder, StringBuilder, UInt32Builder};
use arrow::array::{Array, ArrayBuilder, ArrayRef, AsArray, StructArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Fields};

use super::nested::{Gather, joined, list_of, map_of, too_large};
use super::order::compare_texts;
use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "AS_MAP",
        summary: "The map of keys and of the values at the same positions; NULL where there is none",
        overloads: &[Overload::new("(keys ARRAY<STRING>, values ARRAY<T>) -> MAP<STRING, T>", as_map)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ENTRIES",
        summary: "The entries of the map, in order of their keys if the second argument is true",
        overloads: &[Overload::new(
            "(map MAP<STRING, V>, sorted BOOLEAN) -> ARRAY<STRUCT<K STRING, V V>>",
            entries,
        )],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MAP_KEYS",
        summary: "The keys of the map",
        overloads: &[Overload::new("(input MAP<STRING, T>) -> ARRAY<STRING>", |a| {
            let maps = a.maps(0)?;
            all(a, |row| maps.get(row), &(Arc::new(maps.keys.clone()) as ArrayRef))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MAP_UNION",
        summary: "The entries of both maps, of the second where both have a key; a map that is NULL counts as empty",
        overloads: &[Overload::new(
            "(map1 MAP<STRING, T>, map2 MAP<STRING, T>) -> MAP<STRING, T>",
            map_union,
        )],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MAP_VALUES",
        summary: "The values of the map",
        overloads: &[Overload::new("(input MAP<STRING, T>) -> ARRAY<T>", |a| {
            let maps = a.maps(0)?;
            all(a, |row| maps.get(row), &maps.values)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SPLIT_TO_MAP",
        summary: "The map of a text's entries: what separates them, and what separates key and value",
        overloads: &[Overload::new(
            "(input STRING, entryDelimiter STRING, kvDelimiter STRING) -> MAP<STRING, STRING>",
            split_to_map,
        )],
        takes_failures: false,
    },
];

/// Lists of one part of the entries of each row.
fn all(
    args: &Args,
    range: impl Fn(usize) -> Option<std::ops::Range<usize>>,
    items: &ArrayRef,
) -> Result<ArrayRef, String> {
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        match range(row) {
            Some(range) => {
                gather.extend(range);
                gather.end()?;
            }
            None => gather.end_null()?,
        }
    }
    gather.lists(items)
}

/// The entries of the map that is being made; of several with one key the last one counts, at the place of the first.
#[derive(Default)]
struct Entries<'a> {
    /// Positions of key and value.
    entries: Vec<(usize, Option<usize>)>,
    by_key: HashMap<&'a str, usize>,
}

impl<'a> Entries<'a> {
    fn put(&mut self, name: &'a str, key: usize, value: Option<usize>) {
        let next = self.entries.len();
        match self.entries.get_mut(*self.by_key.entry(name).or_insert(next)) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
    }

    fn end(&mut self, gather: &mut Gather, values: &mut UInt32Builder) -> Result<(), String> {
        for (key, value) in self.entries.drain(..) {
            gather.push(Some(key));
            values.append_option(value.and_then(|value| u32::try_from(value).ok()));
        }
        self.by_key.clear();
        gather.end()
    }
}

fn as_map(args: &Args) -> Result<ArrayRef, String> {
    let (keys, values) = (args.lists(0)?, args.lists(1)?);
    let names = keys.items.as_string::<i32>();
    let (mut gather, mut positions) = (Gather::new(args.rows), UInt32Builder::new());
    let mut entries = Entries::default();
    for row in 0..args.rows {
        let (Some(keys), Some(mut values)) = (keys.get(row), values.get(row)) else {
            gather.end_null()?;
            continue;
        };
        for key in keys {
            if names.is_null(key) {
                return Err("a map's key must not be NULL".to_owned());
            }
            entries.put(names.value(key), key, values.next());
        }
        entries.end(&mut gather, &mut positions)?;
    }
    gather.maps(names, &positions.finish(), &values.items)
}

fn map_union(args: &Args) -> Result<ArrayRef, String> {
    let (left, right) = (args.maps(0)?, args.maps(1)?);
    let behind = left.keys.len();
    let names =
        joined(&(Arc::new(left.keys.clone()) as ArrayRef), &(Arc::new(right.keys.clone()) as ArrayRef))?;
    let names = names.as_string::<i32>();
    let (mut gather, mut positions) = (Gather::new(args.rows), UInt32Builder::new());
    let mut entries = Entries::default();
    for row in 0..args.rows {
        let (first, second) = (left.get(row), right.get(row));
        if first.is_none() && second.is_none() {
            gather.end_null()?;
            continue;
        }
        let second = second.unwrap_or_default();
        for entry in first.unwrap_or_default().chain(second.start + behind..second.end + behind) {
            entries.put(names.value(entry), entry, Some(entry));
        }
        entries.end(&mut gather, &mut positions)?;
    }
    gather.maps(names, &positions.finish(), &joined(&left.values, &right.values)?)
}

fn entries(args: &Args) -> Result<ArrayRef, String> {
    let (maps, sorted) = (args.maps(0)?, args.booleans(1)?);
    let mut positions: Vec<u32> = Vec::new();
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(args.rows));
    for row in 0..args.rows {
        if let (Some(map), Some(sorted)) = (maps.get(row), sorted.get(row)) {
            let start = positions.len();
            positions.extend(map.filter_map(|entry| u32::try_from(entry).ok()));
            if sorted && let Some(entries) = positions.get_mut(start..) {
                let key = |entry: &u32| maps.keys.value(*entry as usize);
                entries.sort_by(|a, b| compare_texts(key(a), key(b)));
            }
            nulls.append_non_null();
        } else {
            nulls.append_null();
        }
        offsets.push(i32::try_from(positions.len()).map_err(|_| too_large())?);
    }
    let positions = UInt32Array::from(positions);
    let keys = take(&maps.keys, &positions, None).map_err(|e| e.to_string())?;
    let values = take(&maps.values, &positions, None).map_err(|e| e.to_string())?;
    let fields = Fields::from(vec![
        Field::new("K", DataType::Utf8, true),
        Field::new("V", values.data_type().clone(), true),
    ]);
    let entries = StructArray::try_new(fields, vec![keys, values], None).map_err(|e| e.to_string())?;
    list_of(Arc::new(entries), offsets, nulls)
}

/// NULL where a separator is empty or both are the same. Entries without a value are left out, and what follows another
/// separator of key and value is, too.
fn split_to_map(args: &Args) -> Result<ArrayRef, String> {
    let (texts, between, inside) = (args.texts(0)?, args.texts(1)?, args.texts(2)?);
    let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(args.rows));
    let (mut entries, mut by_key): (Vec<(&str, &str)>, HashMap<&str, usize>) = Default::default();
    for row in 0..args.rows {
        match (texts.get(row), between.get(row), inside.get(row)) {
            (Some(text), Some(between), Some(inside))
                if !between.is_empty() && !inside.is_empty() && between != inside =>
            {
                entries.clear();
                by_key.clear();
                for entry in text.split(between) {
                    let mut parts = entry.split(inside);
                    let (Some(key), Some(value)) = (parts.next(), parts.next()) else { continue };
                    let next = entries.len();
                    match entries.get_mut(*by_key.entry(key).or_insert(next)) {
                        Some(entry) => entry.1 = value,
                        None => entries.push((key, value)),
                    }
                }
                for (key, value) in &entries {
                    keys.append_value(key);
                    values.append_value(value);
                }
                nulls.append_non_null();
            }
            _ => nulls.append_null(),
        }
        offsets.push(i32::try_from(keys.len()).map_err(|_| too_large())?);
    }
    map_of(Arc::new(keys.finish()), Arc::new(values.finish()), offsets, nulls)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn parts() {
        check(
            &[
                "MAP_KEYS(MAP<STRING, INT> {\"foo\": 10, \"bar\": null})",
                "MAP_KEYS(MAP<STRING, ARRAY<INT>> {})",
                "MAP_KEYS(MAP<STRING, INT> null)",
                "MAP_VALUES(MAP<STRING, INT> {\"foo\": 10, \"bar\": null})",
                "MAP_VALUES(MAP<STRING, STRUCT<A INT>> {\"foo\": {\"A\": 1}})",
                "MAP_VALUES(MAP<STRING, INT> null)",
                "ENTRIES(MAP<STRING, INT> {\"k2\": 2, \"k1\": null}, TRUE)",
                "ENTRIES(MAP<STRING, STRING> {\"k2\": \"b\", \"k1\": \"a\"}, FALSE)",
                "ENTRIES(MAP<STRING, STRING> null, TRUE)",
                "ENTRIES(MAP<STRING, STRING> {}, NULL)",
            ],
            expect![[r#"
                MAP_KEYS(MAP<STRING, INT> {"foo": 10, "bar": null}) -> [foo, bar]
                MAP_KEYS(MAP<STRING, ARRAY<INT>> {}) -> []
                MAP_KEYS(MAP<STRING, INT> null) -> NULL
                MAP_VALUES(MAP<STRING, INT> {"foo": 10, "bar": null}) -> [10, NULL]
                MAP_VALUES(MAP<STRING, STRUCT<A INT>> {"foo": {"A": 1}}) -> [{A: 1}]
                MAP_VALUES(MAP<STRING, INT> null) -> NULL
                ENTRIES(MAP<STRING, INT> {"k2": 2, "k1": null}, TRUE) -> [{K: k1, V: NULL}, {K: k2, V: 2}]
                ENTRIES(MAP<STRING, STRING> {"k2": "b", "k1": "a"}, FALSE) -> [{K: k2, V: b}, {K: k1, V: a}]
                ENTRIES(MAP<STRING, STRING> null, TRUE) -> NULL
                ENTRIES(MAP<STRING, STRING> {}, NULL) -> NULL"#]],
        );
    }

    #[test]
    fn made() {
        check(
            &[
                "AS_MAP(ARRAY<STRING> [\"a\", \"b\", \"c\"], ARRAY<INT> [1, null])",
                "AS_MAP(ARRAY<STRING> [\"a\", \"b\", \"a\"], ARRAY<ARRAY<INT>> [[1], [2], [3]])",
                "AS_MAP(ARRAY<STRING> [], ARRAY<INT> [1])",
                "AS_MAP(ARRAY<STRING> [null], ARRAY<INT> [1])",
                "AS_MAP(NULL, ARRAY<INT> [1])",
                "MAP_UNION(MAP<STRING, INT> {\"a\": 1, \"b\": 2}, MAP<STRING, INT> {\"a\": 9, \"c\": null})",
                "MAP_UNION(MAP<STRING, INT> {\"a\": 1}, MAP<STRING, INT> {\"a\": null})",
                "MAP_UNION(MAP<STRING, INT> {\"a\": 1}, MAP<STRING, INT> null)",
                "MAP_UNION(NULL, MAP<STRING, INT> null)",
                "SPLIT_TO_MAP('a=1;b=2;;c;a=3;d=4=5', ';', '=')",
                "SPLIT_TO_MAP('', ';', '=')",
                "SPLIT_TO_MAP('a', ';', '')",
                "SPLIT_TO_MAP('a', '=', '=')",
                "SPLIT_TO_MAP('a', NULL, '=')",
            ],
            expect![[r#"
                AS_MAP(ARRAY<STRING> ["a", "b", "c"], ARRAY<INT> [1, null]) -> {a: 1, b: NULL, c: NULL}
                AS_MAP(ARRAY<STRING> ["a", "b", "a"], ARRAY<ARRAY<INT>> [[1], [2], [3]]) -> {a: [3], b: [2]}
                AS_MAP(ARRAY<STRING> [], ARRAY<INT> [1]) -> {}
                AS_MAP(ARRAY<STRING> [null], ARRAY<INT> [1]) -> error: a map's key must not be NULL
                AS_MAP(NULL, ARRAY<INT> [1]) -> NULL
                MAP_UNION(MAP<STRING, INT> {"a": 1, "b": 2}, MAP<STRING, INT> {"a": 9, "c": null}) -> {a: 9, b: 2, c: NULL}
                MAP_UNION(MAP<STRING, INT> {"a": 1}, MAP<STRING, INT> {"a": null}) -> {a: NULL}
                MAP_UNION(MAP<STRING, INT> {"a": 1}, MAP<STRING, INT> null) -> {a: 1}
                MAP_UNION(NULL, MAP<STRING, INT> null) -> NULL
                SPLIT_TO_MAP('a=1;b=2;;c;a=3;d=4=5', ';', '=') -> {a: 3, b: 2, d: 4}
                SPLIT_TO_MAP('', ';', '=') -> {}
                SPLIT_TO_MAP('a', ';', '') -> NULL
                SPLIT_TO_MAP('a', '=', '=') -> NULL
                SPLIT_TO_MAP('a', NULL, '=') -> NULL"#]],
        );
    }
}
