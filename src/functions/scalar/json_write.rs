//! Values as JSON texts, by the writer of the JSON format. But dates and times, which that writes as numbers, are written
//! as ISO texts, at every depth.

use std::sync::Arc;

use arrow::array::builder::StringBuilder;
use arrow::array::{Array, ArrayRef, AsArray};

use super::Args;
use super::args::append_text;
use super::nested::{list_of_parts, map_of_parts};
use crate::formats::json::{Cells, write_cell};
use crate::functions::cast::cast;
use crate::functions::types::sql_type;
use crate::sql::SqlType;

/// NULL is `null`, too.
pub fn to_json(args: &Args) -> Result<ArrayRef, String> {
    let argument = args.argument(0)?;
    let unknown = || format!("values of the type {} have no JSON", argument.array.data_type());
    let ty = sql_type(argument.array.data_type()).ok_or_else(unknown)?;
    let (array, ty) = with_texts(&argument.array, &ty)?;
    let cells = Cells::new(&array, ty).ok_or_else(unknown)?;
    let mut result = StringBuilder::new();
    let mut out = Vec::new();
    for row in 0..args.rows {
        out.clear();
        write_cell(&cells, if argument.constant { 0 } else { row }, &mut out);
        append_text(&mut result, std::str::from_utf8(&out).map_err(|e| e.to_string())?)?;
    }
    Ok(Arc::new(result.finish()))
}

/// The same values with texts in place of dates and times, and their type.
fn with_texts(array: &ArrayRef, ty: &SqlType) -> Result<(ArrayRef, SqlType), String> {
    let other = || format!("{ty} was expected, not {}", array.data_type());
    Ok(match ty {
        SqlType::Date | SqlType::Time | SqlType::Timestamp => {
            (cast(array, ty.clone(), SqlType::String)?, SqlType::String)
        }
        SqlType::Array(element) => {
            let list = array.as_list_opt::<i32>().ok_or_else(other)?;
            let (items, element) = with_texts(list.values(), element)?;
            (list_of_parts(items, list.offsets().clone(), list.nulls().cloned())?, SqlType::array(element))
        }
        SqlType::Map(map) => {
            let entries = array.as_map_opt().ok_or_else(other)?;
            let (values, value) = with_texts(entries.values(), &map.value)?;
            let (offsets, nulls) = (entries.offsets().clone(), entries.nulls().cloned());
            let maps = map_of_parts(entries.keys().clone(), values, offsets, nulls)?;
            (maps, SqlType::map(map.key.clone(), value))
        }
        SqlType::Struct(fields) => {
            let parts = array.as_struct_opt().ok_or_else(other)?;
            let columns =
                parts.columns().iter().zip(fields).map(|(column, field)| with_texts(column, &field.ty));
            let (columns, types): (Vec<_>, Vec<_>) =
                columns.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
            let names = fields.iter().map(|field| field.name.clone());
            let ty = SqlType::structure(names.zip(types));
            let arrow::datatypes::DataType::Struct(arrow) = ty.arrow() else { return Err(other()) };
            let nulls = parts.nulls().cloned();
            let structs = arrow::array::StructArray::try_new_with_length(arrow, columns, nulls, parts.len());
            (Arc::new(structs.map_err(|e| e.to_string())?), ty)
        }
        _ => (array.clone(), ty.clone()),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn to_json() {
        check(
            &[
                "TO_JSON_STRING(7)",
                "TO_JSON_STRING(INT null)",
                "TO_JSON_STRING('a\"é')",
                "TO_JSON_STRING(TRUE)",
                "TO_JSON_STRING(123.456)",
                "TO_JSON_STRING(DECIMAL(6, 3) 1.5)",
                "TO_JSON_STRING(BYTES \"abc\")",
                "TO_JSON_STRING(DATE \"2020-01-02\")",
                "TO_JSON_STRING(TIME \"09:16:01\")",
                "TO_JSON_STRING(TIMESTAMP \"1971-11-28T23:46:40\")",
                "TO_JSON_STRING(ARRAY<DATE> [\"2020-01-02\", null])",
                "TO_JSON_STRING(STRUCT<ID INT, D STRUCT<T TIMESTAMP>> {\"ID\": 1, \"D\": {\"T\": \"2020-01-02\"}})",
                "TO_JSON_STRING(MAP<STRING, ARRAY<TIME>> {\"id\": [\"10:00\"], \"x\": null})",
                "TO_JSON_STRING(ARRAY<STRUCT<A INT, B STRING>> [{\"A\": 1}, null, {}])",
            ],
            expect![[r#"
                TO_JSON_STRING(7) -> 7
                TO_JSON_STRING(INT null) -> null
                TO_JSON_STRING('a"é') -> "a\"é"
                TO_JSON_STRING(TRUE) -> true
                TO_JSON_STRING(123.456) -> 123.456
                TO_JSON_STRING(DECIMAL(6, 3) 1.5) -> 1.500
                TO_JSON_STRING(BYTES "abc") -> "YWJj"
                TO_JSON_STRING(DATE "2020-01-02") -> "2020-01-02"
                TO_JSON_STRING(TIME "09:16:01") -> "09:16:01"
                TO_JSON_STRING(TIMESTAMP "1971-11-28T23:46:40") -> "1971-11-28T23:46:40.000"
                TO_JSON_STRING(ARRAY<DATE> ["2020-01-02", null]) -> ["2020-01-02",null]
                TO_JSON_STRING(STRUCT<ID INT, D STRUCT<T TIMESTAMP>> {"ID": 1, "D": {"T": "2020-01-02"}}) -> {"ID":1,"D":{"T":"2020-01-02T00:00:00.000"}}
                TO_JSON_STRING(MAP<STRING, ARRAY<TIME>> {"id": ["10:00"], "x": null}) -> {"id":["10:00:00"],"x":null}
                TO_JSON_STRING(ARRAY<STRUCT<A INT, B STRING>> [{"A": 1}, null, {}]) -> [{"A":1,"B":null},null,{"A":null,"B":null}]"#]],
        );
    }
}
