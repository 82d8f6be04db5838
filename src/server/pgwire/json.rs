//! Values that Postgres has no type for, as `json`: maps, structs, and arrays of anything but scalars.
//!
//! Numbers and booleans are JSON's own; everything else is text in the form that it has outside of JSON, so that a date in
//! a struct looks as a date in a column does.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StringArray, StringBuilder, StructArray, new_empty_array,
    new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;
use bytes::BytesMut;
use datafusion::common::ScalarValue;
use serde_json::Value as Json;

use super::encode::Column;
use crate::functions::nested::map_of;
use crate::functions::types::sql_type;
use crate::sql::{SqlError, quote_ident, sqlstate};

/// Whether values of a type are sent as JSON.
pub fn is_json(ty: &DataType) -> bool {
    match ty {
        DataType::Struct(_) | DataType::Map(..) => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_nested(item.data_type())
        }
        _ => false,
    }
}

fn is_nested(ty: &DataType) -> bool {
    matches!(ty, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)) || is_json(ty)
}

/// The text of each value, NULL for NULL.
pub fn texts(array: &ArrayRef) -> Result<StringArray, SqlError> {
    let mut writer = Writer::new(array)?;
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 32);
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
        } else {
            text.clear();
            writer.write(row, &mut text);
            texts.append_value(&text);
        }
    }
    Ok(texts.finish())
}

/// Writes the values of one column.
struct Writer {
    array: ArrayRef,
    kind: Kind,
}

enum Kind {
    /// Numbers and booleans.
    Bare(Box<Column>),
    /// Whatever is a string in JSON.
    Quoted(Box<Column>),
    List(Box<Writer>, Vec<(usize, usize)>),
    /// Keys, values.
    Map(Box<(Writer, Writer)>, Vec<(usize, usize)>),
    Struct(Vec<(String, Writer)>),
}

impl Writer {
    fn new(array: &ArrayRef) -> Result<Writer, SqlError> {
        let kind = match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Kind::List(Box::new(Writer::new(list.values())?), bounds(list.value_offsets()))
            }
            DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                let list = cast(array, &DataType::List(item.clone())).map_err(SqlError::internal)?;
                return Writer::new(&list);
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let entries = (Writer::new(map.keys())?, Writer::new(map.values())?);
                Kind::Map(Box::new(entries), bounds(map.value_offsets()))
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let field = |(field, column): (&arrow::datatypes::FieldRef, &ArrayRef)| {
                    Ok((quoted(field.name()), Writer::new(column)?))
                };
                Kind::Struct(columns.map(field).collect::<Result<_, SqlError>>()?)
            }
            ty if ty.is_numeric() || *ty == DataType::Boolean => Kind::Bare(Box::new(Column::new(array)?)),
            _ => Kind::Quoted(Box::new(Column::new(array)?)),
        };
        Ok(Writer { array: array.clone(), kind })
    }

    fn write(&mut self, row: usize, out: &mut String) {
        if self.array.is_null(row) {
            out.push_str("null");
            return;
        }
        match &mut self.kind {
            Kind::Bare(column) => match scalar(column, row).as_str() {
                "t" => out.push_str("true"),
                "f" => out.push_str("false"),
                // JSON has no such numbers.
                text @ ("NaN" | "Infinity" | "-Infinity") => out.push_str(&quoted(text)),
                text => out.push_str(text),
            },
            Kind::Quoted(column) => out.push_str(&quoted(&scalar(column, row))),
            Kind::List(values, bounds) => {
                let (start, end) = bounds.get(row).copied().unwrap_or_default();
                out.push('[');
                for at in start..end {
                    out.push_str(if at > start { "," } else { "" });
                    values.write(at, out);
                }
                out.push(']');
            }
            Kind::Map(entries, bounds) => {
                let (start, end) = bounds.get(row).copied().unwrap_or_default();
                let (keys, values) = entries.as_mut();
                out.push('{');
                for at in start..end {
                    out.push_str(if at > start { "," } else { "" });
                    let mut key = String::new();
                    keys.write(at, &mut key);
                    // A key is a string in JSON, whatever it is in SQL.
                    out.push_str(&if key.starts_with('"') { key } else { quoted(&key) });
                    out.push(':');
                    values.write(at, out);
                }
                out.push('}');
            }
            Kind::Struct(fields) => {
                out.push('{');
                for (i, (name, values)) in fields.iter_mut().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    out.push_str(name);
                    out.push(':');
                    values.write(row, out);
                }
                out.push('}');
            }
        }
    }
}

fn scalar(column: &mut Column, row: usize) -> String {
    let mut text = BytesMut::new();
    column.write_text(row, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn bounds(offsets: &[i32]) -> Vec<(usize, usize)> {
    let at = |offset: &i32| usize::try_from(*offset).unwrap_or(0);
    offsets.iter().zip(offsets.iter().skip(1)).map(|(start, end)| (at(start), at(end))).collect()
}

/// Reads JSON as a value of a nested type. Fields that a struct has not are refused, those that the text has not are NULL;
/// scalars are read from JSON's numbers, booleans and texts as they are from the text of a field.
pub fn read(text: &str, ty: &DataType) -> Result<ScalarValue, SqlError> {
    let json = serde_json::from_str(text).map_err(|e| {
        SqlError::new(sqlstate::INVALID_TEXT, "invalid input syntax for type json").detail(e.to_string())
    })?;
    let array = value(&json, ty)?;
    ScalarValue::try_from_array(&array, 0).map_err(SqlError::internal)
}

/// One row.
fn value(json: &Json, ty: &DataType) -> Result<ArrayRef, SqlError> {
    let wrong = || {
        let shown: String = json.to_string().chars().take(100).collect();
        SqlError::new(
            sqlstate::INVALID_TEXT,
            format!("invalid input syntax for type {}: {shown}", from_arrow(ty)),
        )
    };
    match (json, ty) {
        (Json::Null, ty) => Ok(new_null_array(ty, 1)),
        (Json::Array(items), DataType::List(item)) => {
            let values = rows(items.iter(), item.data_type())?;
            let offsets = OffsetBuffer::from_lengths([items.len()]);
            Ok(Arc::new(ListArray::try_new(item.clone(), offsets, values, None).map_err(SqlError::internal)?))
        }
        (Json::Object(entries), DataType::Map(entry, _)) => {
            let DataType::Struct(fields) = entry.data_type() else { return Err(wrong()) };
            let [key, of] = fields.as_ref() else { return Err(wrong()) };
            let names: Vec<Json> = entries.keys().map(|name| Json::from(name.as_str())).collect();
            let (keys, values) =
                (rows(names.iter(), key.data_type())?, rows(entries.values(), of.data_type())?);
            let offsets = OffsetBuffer::from_lengths([entries.len()]);
            map_of(keys, values, offsets, None).map_err(SqlError::internal)
        }
        (Json::Object(entries), DataType::Struct(fields)) => {
            if let Some(unknown) = entries.keys().find(|name| fields.find(name).is_none()) {
                return Err(wrong().detail(format!("there is no field {}", quote_ident(unknown))));
            }
            let columns =
                fields.iter().map(|f| value(entries.get(f.name()).unwrap_or(&Json::Null), f.data_type()));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            if columns.is_empty() {
                return Ok(Arc::new(StructArray::new_empty_fields(1, None)));
            }
            Ok(Arc::new(StructArray::try_new(fields.clone(), columns, None).map_err(SqlError::internal)?))
        }
        (Json::Array(_) | Json::Object(_), _) => Err(wrong()),
        (Json::String(text), ty) if !is_nested(ty) => scalar_row(text, ty),
        (scalar, ty) if !is_nested(ty) => scalar_row(&scalar.to_string(), ty),
        _ => Err(wrong()),
    }
}

fn scalar_row(text: &str, ty: &DataType) -> Result<ArrayRef, SqlError> {
    super::decode::from_text(text, ty)?.to_array().map_err(SqlError::internal)
}

fn rows<'a>(items: impl Iterator<Item = &'a Json>, ty: &DataType) -> Result<ArrayRef, SqlError> {
    let rows = items.map(|item| value(item, ty)).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(new_empty_array(ty));
    }
    let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
    concat(&rows).map_err(SqlError::internal)
}

/// A type in SQL's words.
fn from_arrow(ty: &DataType) -> String {
    sql_type(ty).map_or_else(|| ty.to_string(), |ty| ty.to_string())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// What is read, written again.
    fn check(ty: &str, texts: &[&str], expected: Expect) {
        let ty = crate::sql::parse_type(ty).unwrap().resolve(&|_| None).unwrap().arrow();
        let shown = |text: &&str| match super::super::decode::from_text(text, &ty) {
            Ok(value) => texts_of(&value),
            Err(e) => format!("{} {e}; {}", e.sqlstate, e.detail.clone().unwrap_or_default()),
        };
        expected.assert_eq(&texts.iter().map(shown).collect::<Vec<_>>().join("\n"));
    }

    fn texts_of(value: &ScalarValue) -> String {
        super::texts(&value.to_array().unwrap()).unwrap().value(0).to_owned()
    }

    #[test]
    fn json_is_read_as_it_is_written() {
        check(
            "STRUCT<a INT, b ARRAY<DECIMAL(4, 2)>, c MAP<STRING, DATE>>",
            &[
                r#"{"A": 1, "B": [1.5, null], "C": {"x": "2020-01-02"}}"#,
                r#"{"A": "7"}"#,
                "{}",
                r#"{"X": 1}"#,
                r#"{"A": [1]}"#,
                r#"{"A": 99999999999}"#,
                "[1]",
                "{",
            ],
            expect![[r#"
                {"A":1,"B":[1.50,null],"C":{"x":"2020-01-02"}}
                {"A":7,"B":null,"C":null}
                {"A":null,"B":null,"C":null}
                22P02 invalid input syntax for type STRUCT<A INTEGER, B ARRAY<DECIMAL(4, 2)>, C MAP<STRING, DATE>>: {"X":1}; there is no field X
                22P02 invalid input syntax for type INTEGER: [1]; 
                22003 value "99999999999" is out of range for type integer; 
                22P02 invalid input syntax for type STRUCT<A INTEGER, B ARRAY<DECIMAL(4, 2)>, C MAP<STRING, DATE>>: [1]; 
                22P02 invalid input syntax for type json; EOF while parsing an object at line 1 column 1"#]],
        );
        check(
            "ARRAY<ARRAY<INT>>",
            &["[[1, 2], [], null]", "{}"],
            expect![[r#"
            [[1,2],[],null]
            22P02 invalid input syntax for type ARRAY<ARRAY<INTEGER>>: {}; "#]],
        );
    }
}
