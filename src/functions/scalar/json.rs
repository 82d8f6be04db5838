//! Text that is JSON.
//!
//! What is not JSON is an error of its row, but in the functions that ask. An empty text is no value: NULL.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::builder::{NullBufferBuilder, StringBuilder};
use arrow::array::{ArrayBuilder, ArrayRef, BooleanArray, Int32Array, StringArray};

use super::args::append_text;
use super::json_text::{as_string, canonical, members, parts, value};
use super::nested::{list_of, map_of, too_large};
use super::{Args, Overload, ScalarFunction, json_concat, json_contains, json_path, json_write};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "EXTRACTJSONFIELD",
        summary: "The value at a path such as '$.a.b[0]' in a JSON text: a text, or the JSON of other values",
        overloads: &[Overload::new("(input STRING, path STRING) -> STRING", extract)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "IS_JSON_STRING",
        summary: "Whether the text is JSON",
        overloads: &[Overload::new("(input STRING) -> BOOLEAN", |a| {
            let texts = a.texts(0)?;
            let is_json = |row| Some(texts.get(row).is_some_and(|text| matches!(value(text), Ok(Some(_)))));
            Ok(Arc::new((0..a.rows).map(is_json).collect::<BooleanArray>()))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "JSON_ARRAY_CONTAINS",
        summary: "Whether the JSON array has an element that equals the value",
        overloads: &[Overload::new("(jsonArray STRING, val T) -> BOOLEAN", json_contains::contains)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "JSON_ARRAY_LENGTH",
        summary: "The number of elements of the JSON array; NULL for other values",
        overloads: &[Overload::new("(jsonArray STRING) -> INT", |a| {
            let texts = a.texts(0)?;
            let length = |row| {
                let array = present(texts.get(row))?.filter(|value| value.starts_with(b"["));
                Ok(array.and_then(parts).and_then(|parts| i32::try_from(parts.count()).ok()))
            };
            Ok(Arc::new((0..a.rows).map(length).collect::<Result<Int32Array, String>>()?))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "JSON_CONCAT",
        summary: "The JSON values joined: the members of objects, or the elements of arrays and other values",
        overloads: &[Overload::new("(jsonStrings STRING...) -> STRING", json_concat::concat)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "JSON_ITEMS",
        summary: "The elements of the JSON array, each as JSON",
        overloads: &[Overload::new("(jsonItems STRING) -> ARRAY<STRING>", items)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "JSON_KEYS",
        summary: "The names of the JSON object; NULL for other values",
        overloads: &[Overload::new("(jsonObj STRING) -> ARRAY<STRING>", object_keys)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "JSON_RECORDS",
        summary: "The members of the JSON object: texts, and the JSON of other values; NULL for other values",
        overloads: &[Overload::new("(jsonObj STRING) -> MAP<STRING, STRING>", records)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TO_JSON_STRING",
        summary: "The value as JSON; dates and times as ISO text",
        overloads: &[Overload::new("(input T) -> STRING", json_write::to_json)],
        takes_failures: false,
    },
];

/// The value of a text; None for NULL and for no value.
fn present(text: Option<&str>) -> Result<Option<&[u8]>, String> {
    text.map_or(Ok(None), value)
}

/// A text as it is, other values as JSON.
fn plain(value: &[u8]) -> Result<Cow<'_, str>, String> {
    match as_string(value)? {
        Some(text) => Ok(text),
        None => canonical(value).map(Cow::Owned),
    }
}

fn extract(args: &Args) -> Result<ArrayRef, String> {
    let (texts, paths) = (args.texts(0)?, args.texts(1)?);
    let mut steps = Vec::new();
    let mut parsed = None;
    let mut one = |row| {
        let (Some(text), Some(path)) = (texts.get(row), paths.get(row)) else { return Ok(None) };
        if parsed != Some(path) {
            steps = json_path::parse(path)?;
            parsed = Some(path);
        }
        let Some(value) = value(text)? else { return Ok(None) };
        json_path::find(value, &steps)?.map(plain).transpose()
    };
    Ok(Arc::new((0..args.rows).map(&mut one).collect::<Result<StringArray, String>>()?))
}

fn items(args: &Args) -> Result<ArrayRef, String> {
    let texts = args.texts(0)?;
    lists(args.rows, |row, result| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        let value = value(text)?.filter(|value| value.starts_with(b"["));
        for (_, item) in value.and_then(parts).ok_or("the JSON is no array")? {
            append_text(result, &canonical(item)?)?;
        }
        Ok(true)
    })
}

fn object_keys(args: &Args) -> Result<ArrayRef, String> {
    let texts = args.texts(0)?;
    lists(args.rows, |row, result| {
        let Some(value) = present(texts.get(row))? else { return Ok(false) };
        let Some(members) = members(value)? else { return Ok(false) };
        members.iter().try_for_each(|(name, _)| append_text(result, name))?;
        Ok(true)
    })
}

/// Lists of texts; `row` appends those of a row and says whether it is a list, or NULL.
fn lists(
    rows: usize,
    mut row: impl FnMut(usize, &mut StringBuilder) -> Result<bool, String>,
) -> Result<ArrayRef, String> {
    let mut items = StringBuilder::new();
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(rows));
    for i in 0..rows {
        nulls.append(row(i, &mut items)?);
        offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
    }
    list_of(Arc::new(items.finish()), offsets, nulls)
}

fn records(args: &Args) -> Result<ArrayRef, String> {
    let texts = args.texts(0)?;
    let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
    let (mut offsets, mut nulls) = (vec![0], NullBufferBuilder::new(args.rows));
    for row in 0..args.rows {
        let members = present(texts.get(row))?.map_or(Ok(None), members)?;
        nulls.append(members.is_some());
        for (name, value) in members.unwrap_or_default() {
            append_text(&mut keys, &name)?;
            append_text(&mut values, &plain(value)?)?;
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
    fn extract() {
        check(
            &[
                r#"EXTRACTJSONFIELD('{"a": {"b": [1, {"c": "x\u0041"}]}}', '$.a.b[1].c')"#,
                r#"EXTRACTJSONFIELD('{"a": {"b": [1, {"c": "x"}]}}', '$.a')"#,
                r#"EXTRACTJSONFIELD('{"a": 1.2340, "a": 5}}', '$.a')"#,
                r#"EXTRACTJSONFIELD('{"a b": true}', '$["a b"]')"#,
                r#"EXTRACTJSONFIELD('[1.23450]', '$[0]')"#,
                r#"EXTRACTJSONFIELD('[1]', '$[-1]')"#,
                r#"EXTRACTJSONFIELD('[1]', '$.a')"#,
                r#"EXTRACTJSONFIELD('{"a": null}', '$.a')"#,
                r#"EXTRACTJSONFIELD('{"a": null}', '$.a.b')"#,
                r#"EXTRACTJSONFIELD('', '$.a')"#,
                r#"EXTRACTJSONFIELD('{"a":', '$.a')"#,
                r#"EXTRACTJSONFIELD('{}', 'a')"#,
                r#"EXTRACTJSONFIELD(NULL, '$.a')"#,
                r#"EXTRACTJSONFIELD('{}', NULL)"#,
            ],
            expect![[r#"
                EXTRACTJSONFIELD('{"a": {"b": [1, {"c": "x\u0041"}]}}', '$.a.b[1].c') -> xA
                EXTRACTJSONFIELD('{"a": {"b": [1, {"c": "x"}]}}', '$.a') -> {"b":[1,{"c":"x"}]}
                EXTRACTJSONFIELD('{"a": 1.2340, "a": 5}}', '$.a') -> 5
                EXTRACTJSONFIELD('{"a b": true}', '$["a b"]') -> true
                EXTRACTJSONFIELD('[1.23450]', '$[0]') -> 1.23450
                EXTRACTJSONFIELD('[1]', '$[-1]') -> NULL
                EXTRACTJSONFIELD('[1]', '$.a') -> NULL
                EXTRACTJSONFIELD('{"a": null}', '$.a') -> null
                EXTRACTJSONFIELD('{"a": null}', '$.a.b') -> NULL
                EXTRACTJSONFIELD('', '$.a') -> NULL
                EXTRACTJSONFIELD('{"a":', '$.a') -> error: invalid JSON: a value was expected at byte 6
                EXTRACTJSONFIELD('{}', 'a') -> error: invalid JSON path 'a' at byte 1
                EXTRACTJSONFIELD(NULL, '$.a') -> NULL
                EXTRACTJSONFIELD('{}', NULL) -> NULL"#]],
        );
    }

    #[test]
    fn questions() {
        check(
            &[
                "IS_JSON_STRING('[1, 2]')",
                "IS_JSON_STRING('abc')",
                "IS_JSON_STRING('\"abc\"')",
                "IS_JSON_STRING(' ')",
                "IS_JSON_STRING(NULL)",
                "JSON_ARRAY_LENGTH('[1, [2, 3], {}]')",
                "JSON_ARRAY_LENGTH('[]')",
                "JSON_ARRAY_LENGTH('{}')",
                "JSON_ARRAY_LENGTH('')",
                "JSON_ARRAY_LENGTH('[')",
                "JSON_ARRAY_LENGTH(NULL)",
            ],
            expect![[r#"
                IS_JSON_STRING('[1, 2]') -> true
                IS_JSON_STRING('abc') -> false
                IS_JSON_STRING('"abc"') -> true
                IS_JSON_STRING(' ') -> false
                IS_JSON_STRING(NULL) -> false
                JSON_ARRAY_LENGTH('[1, [2, 3], {}]') -> 3
                JSON_ARRAY_LENGTH('[]') -> 0
                JSON_ARRAY_LENGTH('{}') -> NULL
                JSON_ARRAY_LENGTH('') -> NULL
                JSON_ARRAY_LENGTH('[') -> error: invalid JSON: a value was expected at byte 2
                JSON_ARRAY_LENGTH(NULL) -> NULL"#]],
        );
    }

    #[test]
    fn parts() {
        check(
            &[
                r#"JSON_ITEMS('[{"a": "x"}, "b", null, 1e2]')"#,
                r#"JSON_ITEMS('[]')"#,
                r#"JSON_ITEMS('{}')"#,
                r#"JSON_ITEMS(NULL)"#,
                r#"JSON_KEYS('{"a": 1, "b": 2, "a": 3}')"#,
                r#"JSON_KEYS('[]')"#,
                r#"JSON_KEYS('')"#,
                r#"JSON_RECORDS('{"a": "x", "b": [1, 2], "c": null, "a": {"d" : 1}}')"#,
                r#"JSON_RECORDS('{}')"#,
                r#"JSON_RECORDS('1')"#,
                r#"JSON_RECORDS(NULL)"#,
            ],
            expect![[r#"
                JSON_ITEMS('[{"a": "x"}, "b", null, 1e2]') -> [{"a":"x"}, "b", null, 1E+2]
                JSON_ITEMS('[]') -> []
                JSON_ITEMS('{}') -> error: the JSON is no array
                JSON_ITEMS(NULL) -> NULL
                JSON_KEYS('{"a": 1, "b": 2, "a": 3}') -> [a, b]
                JSON_KEYS('[]') -> NULL
                JSON_KEYS('') -> NULL
                JSON_RECORDS('{"a": "x", "b": [1, 2], "c": null, "a": {"d" : 1}}') -> {a: {"d":1}, b: [1,2], c: null}
                JSON_RECORDS('{}') -> {}
                JSON_RECORDS('1') -> NULL
                JSON_RECORDS(NULL) -> NULL"#]],
        );
    }
}
