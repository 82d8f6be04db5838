//! Nested values as text, in the forms that ksqlDB's users see: `[1, null]`, `{a=1, b=2}`, `Struct{A=1,B=2}`.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};

use crate::functions::cast::cast;
use crate::sql::SqlType;

/// The text of each value, None for NULL. A field that is NULL is left out of its struct.
pub fn texts(array: &ArrayRef, ty: &SqlType) -> Result<Vec<Option<String>>, String> {
    match ty {
        SqlType::Array(element) => {
            let lists = array.as_list_opt::<i32>().ok_or("no ARRAY")?;
            let values = texts(lists.values(), element)?;
            let shown = |row| {
                let parts: Vec<_> = range(lists.value_offsets(), row).map(|i| text_at(&values, i)).collect();
                format!("[{}]", parts.join(", "))
            };
            Ok(rows(array, shown))
        }
        SqlType::Map(map) => {
            let maps = array.as_map_opt().ok_or("no MAP")?;
            let (keys, values) = (texts(maps.keys(), &map.key)?, texts(maps.values(), &map.value)?);
            let shown = |row| {
                let entry = |i| format!("{}={}", text_at(&keys, i), text_at(&values, i));
                let parts: Vec<_> = range(maps.value_offsets(), row).map(entry).collect();
                format!("{{{}}}", parts.join(", "))
            };
            Ok(rows(array, shown))
        }
        SqlType::Struct(fields) => {
            let structs = array.as_struct_opt().ok_or("no STRUCT")?;
            let columns: Vec<_> = structs
                .columns()
                .iter()
                .zip(fields)
                .map(|(column, field)| Ok((field.name.as_str(), texts(column, &field.ty)?)))
                .collect::<Result<_, String>>()?;
            let shown = |row: usize| {
                let part = |(name, values): &(&str, Vec<Option<String>>)| {
                    Some(format!("{name}={}", values.get(row)?.as_ref()?))
                };
                let parts: Vec<_> = columns.iter().filter_map(part).collect();
                format!("Struct{{{}}}", parts.join(","))
            };
            Ok(rows(array, shown))
        }
        SqlType::Bytes => {
            use base64::Engine;
            let bytes = array.as_binary_opt::<i32>().ok_or("no BYTES")?;
            let encode = |value| base64::engine::general_purpose::STANDARD.encode(value);
            Ok(bytes.iter().map(|value| value.map(encode)).collect())
        }
        other => {
            let cast = cast(array, other.clone(), SqlType::String)?;
            let cast: &StringArray = cast.as_string_opt::<i32>().ok_or("no STRING")?;
            Ok(cast.iter().map(|text| text.map(str::to_owned)).collect())
        }
    }
}

fn rows(array: &ArrayRef, shown: impl Fn(usize) -> String) -> Vec<Option<String>> {
    (0..array.len()).map(|row| array.is_valid(row).then(|| shown(row))).collect()
}

fn text_at(texts: &[Option<String>], at: usize) -> &str {
    texts.get(at).and_then(Option::as_deref).unwrap_or("null")
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |n: usize| offsets.get(n).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    at(row)..at(row + 1)
}
