//! JSON values joined, by the rules of Postgres' `||`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::array::builder::StringBuilder;

use super::Args;
use super::args::append_text;
use super::json_text::{merged, parts, value, write_canonical};
use crate::formats::json::write_text;

/// Objects alone make an object, everything else an array. NULL where a text is NULL or empty.
pub fn concat(args: &Args) -> Result<ArrayRef, String> {
    let texts = (0..args.columns.len()).map(|i| args.texts(i)).collect::<Result<Vec<_>, _>>()?;
    let mut result = StringBuilder::new();
    let mut out = Vec::new();
    for row in 0..args.rows {
        let values: Result<Option<Vec<&[u8]>>, String> =
            texts.iter().map(|text| text.get(row).map_or(Ok(None), value)).collect();
        match values?.as_deref() {
            None | Some([]) => {
                result.append_null();
                continue;
            }
            Some([one]) => {
                out.clear();
                write_canonical(one, &mut out)?;
            }
            Some(values) => {
                out.clear();
                if values.iter().all(|value| value.starts_with(b"{")) {
                    merge(values, &mut out)?;
                } else {
                    append(values, &mut out)?;
                }
            }
        }
        append_text(&mut result, std::str::from_utf8(&out).map_err(|e| e.to_string())?)?;
    }
    Ok(Arc::new(result.finish()))
}

fn merge(objects: &[&[u8]], out: &mut Vec<u8>) -> Result<(), String> {
    let all = merged(objects.iter().copied())?;
    for (i, (name, value)) in all.iter().enumerate() {
        out.push(if i == 0 { b'{' } else { b',' });
        write_text(name.as_bytes(), out);
        out.push(b':');
        write_canonical(value, out)?;
    }
    out.extend_from_slice(if all.is_empty() { b"{}" } else { b"}" });
    Ok(())
}

fn append(values: &[&[u8]], out: &mut Vec<u8>) -> Result<(), String> {
    out.push(b'[');
    let mut element = |value: &[u8]| {
        if out.len() > 1 {
            out.push(b',');
        }
        write_canonical(value, out)
    };
    for value in values {
        match parts(value).filter(|_| value.starts_with(b"[")) {
            Some(mut parts) => parts.try_for_each(|(_, value)| element(value))?,
            None => element(value)?,
        }
    }
    out.push(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn concat() {
        check(
            &[
                r#"JSON_CONCAT('{"a": 1}', '{"b": 2}', '{"a": {"c" : null}}')"#,
                r#"JSON_CONCAT('{}', '{}')"#,
                r#"JSON_CONCAT('[1, 2]', '{"a": 1}', '4', '[]', '[[3]]')"#,
                r#"JSON_CONCAT('null', 'null')"#,
                r#"JSON_CONCAT(' [1, "\u00e9\n"] ')"#,
                r#"JSON_CONCAT('1', '')"#,
                r#"JSON_CONCAT('1', NULL)"#,
                r#"JSON_CONCAT('1', 'x')"#,
                r#"JSON_CONCAT()"#,
            ],
            expect![[r#"
                JSON_CONCAT('{"a": 1}', '{"b": 2}', '{"a": {"c" : null}}') -> {"a":{"c":null},"b":2}
                JSON_CONCAT('{}', '{}') -> {}
                JSON_CONCAT('[1, 2]', '{"a": 1}', '4', '[]', '[[3]]') -> [1,2,{"a":1},4,[3]]
                JSON_CONCAT('null', 'null') -> [null,null]
                JSON_CONCAT(' [1, "\u00e9\n"] ') -> [1,"é\n"]
                JSON_CONCAT('1', '') -> NULL
                JSON_CONCAT('1', NULL) -> NULL
                JSON_CONCAT('1', 'x') -> error: invalid JSON: a value was expected at byte 1
                JSON_CONCAT() -> NULL"#]],
        );
    }
}
