//! Calls of scalar functions in tests: the text of a call in, the text of its result out.
//!
//! A call is written `NAME(argument, ...)`. An argument is another call, or a value:
//!
//! - `NULL`, `TRUE`, `7` (INT), `7.5` (DOUBLE), `'text'` (STRING; a quote in it is doubled);
//! - a type and JSON, such as `ARRAY<INT> [1, null]`, `BIGINT 7`, `DECIMAL(4, 2) 1.5`, `STRUCT<A INT> {"A": 1}`,
//!   `TIMESTAMP "2020-01-01"`, or `BYTES "text"`, which are the bytes of the text.
//!
//! Every call is evaluated three times: on constants, on columns, and on columns that begin within their buffers and have
//! other rows around. All must give the same.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, ListArray, MapArray, NullArray, StringArray, StructArray,
    UInt32Array, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use expect_test::Expect;
use serde_json::Value;

use super::args::{Args, Argument};
use super::signature::{self, Bindings};
use crate::functions::cast::cast;
use crate::sql::SqlType;

/// Checks calls, one line each: `call -> result`. A call that fails gives `error: ` and its text.
pub fn check(calls: &[&str], expected: Expect) {
    let lines: Vec<_> = calls.iter().map(|call| format!("{call} -> {}", evaluate(call))).collect();
    expected.assert_eq(&lines.join("\n"));
}

/// The text of a call's result.
pub fn evaluate(call: &str) -> String {
    let mut reader = Reader { rest: call };
    let result = reader.expression().and_then(|value| {
        if reader.rest.trim().is_empty() { Ok(value) } else { Err(format!("unread: {}", reader.rest)) }
    });
    match result {
        Ok(value) => text(&value.array, 0),
        Err(error) => format!("error: {error}"),
    }
}

/// One row; no type is the literal NULL.
struct Typed {
    ty: Option<SqlType>,
    array: ArrayRef,
}

fn apply(name: &str, args: &[Typed]) -> Result<Typed, String> {
    let types: Vec<_> = args.iter().map(|arg| arg.ty.clone()).collect();
    let resolved = super::resolve(name, &types).map_err(|e| e.message.clone())?;
    let kernel = super::kernel(name, &resolved.params)
        .ok_or_else(|| format!("no kernel takes what {name} was resolved to"))?;
    let mut columns = Vec::new();
    for (arg, to) in args.iter().zip(&resolved.params) {
        columns.push(match &arg.ty {
            None => new_null_array(&to.arrow(), 1),
            Some(from) => cast(&arg.array, from.clone(), to.clone())?,
        });
    }
    let run = |columns: Vec<Argument>, rows| {
        let result = kernel(&Args { columns, lambdas: Vec::new(), rows })?;
        assert_eq!(result.len(), rows, "{name}: rows of the result");
        assert_eq!(result.data_type(), &resolved.returns.arrow(), "{name}: type of the result");
        Ok::<_, String>(result)
    };
    let constant = columns.iter().map(|array| Argument { array: array.clone(), constant: true });
    let result = run(constant.collect(), 1)?;
    if !columns.is_empty() {
        // Rows 1 and 3 hold the values; behind them stand NULLs, which the column's offset cuts off at the front.
        let rows = UInt32Array::from(vec![None, Some(0), None, Some(0)]);
        let spread = |array: &ArrayRef| take(array, &rows, None).map(|array| array.slice(1, 3));
        let spread: Vec<ArrayRef> =
            columns.iter().map(spread).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let all = spread.iter().map(|array| Argument { array: array.clone(), constant: false });
        let by_column = run(all.collect(), 3)?;
        let mixed = spread.iter().zip(&columns).enumerate().map(|(i, (column, constant))| match i {
            0 => Argument { array: column.clone(), constant: false },
            _ => Argument { array: constant.clone(), constant: true },
        });
        let mixed = run(mixed.collect(), 3)?;
        for (what, other) in [("columns", by_column), ("a column and constants", mixed)] {
            for row in [0, 2] {
                assert_eq!(text(&result, 0), text(&other, row), "{name}: constants and {what}");
            }
        }
    }
    Ok(Typed { ty: Some(resolved.returns), array: result })
}

fn text(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default().with_null("NULL");
    ArrayFormatter::try_new(array, &options).map_or_else(|e| e.to_string(), |f| f.value(row).to_string())
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn expression(&mut self) -> Result<Typed, String> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('\'') {
            return self.string();
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let number = self.number();
            let ty = if number.contains(['.', 'e', 'E']) { SqlType::Double } else { SqlType::Int };
            let text: ArrayRef = Arc::new(StringArray::from(vec![number]));
            return Ok(Typed { array: cast(&text, SqlType::String, ty.clone())?, ty: Some(ty) });
        }
        let word = self.word();
        match word {
            "NULL" => return Ok(Typed { ty: None, array: Arc::new(NullArray::new(1)) }),
            "TRUE" | "FALSE" => {
                let array = Arc::new(BooleanArray::from(vec![word == "TRUE"]));
                return Ok(Typed { ty: Some(SqlType::Boolean), array });
            }
            _ => {}
        }
        if let Some(ty) = self.type_from(word) {
            let value = self.json()?;
            return Ok(Typed { array: column(&ty, &[&value])?, ty: Some(ty) });
        }
        self.expect("(")?;
        let mut args = Vec::new();
        while !self.accept(")") {
            if !args.is_empty() {
                self.expect(",")?;
            }
            args.push(self.expression()?);
        }
        apply(word, &args)
    }

    fn json(&mut self) -> Result<Value, String> {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let number = self.number();
            return serde_json::from_str(number).map_err(|e| format!("{e}: {number}"));
        }
        if self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let word = self.word();
            return serde_json::from_str(word).map_err(|e| format!("{e}: {word}"));
        }
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = values.next().ok_or("a value is missing")?.map_err(|e| format!("{e}: {}", self.rest))?;
        self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
        Ok(value)
    }

    fn number(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        number
    }

    fn string(&mut self) -> Result<Typed, String> {
        let mut value = String::new();
        let mut rest = self.rest.get(1..).unwrap_or_default();
        loop {
            let (part, behind) = rest.split_once('\'').ok_or("a quote is missing")?;
            value.push_str(part);
            match behind.strip_prefix('\'') {
                Some(more) => {
                    value.push('\'');
                    rest = more;
                }
                None => {
                    self.rest = behind;
                    break;
                }
            }
        }
        Ok(Typed { ty: Some(SqlType::String), array: Arc::new(StringArray::from(vec![value])) })
    }

    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// The type that begins with a word, which has been read.
    fn type_from(&mut self, word: &str) -> Option<SqlType> {
        Some(match word {
            "DECIMAL" => {
                let (parts, rest) = self.rest.strip_prefix('(')?.split_once(')')?;
                let (precision, scale) = parts.split_once(',')?;
                self.rest = rest;
                SqlType::Decimal {
                    precision: precision.trim().parse().ok()?,
                    scale: scale.trim().parse().ok()?,
                }
            }
            "ARRAY" => {
                self.expect("<").ok()?;
                let element = self.type_next()?;
                self.expect(">").ok()?;
                SqlType::array(element)
            }
            "MAP" => {
                self.expect("<").ok()?;
                let key = self.type_next()?;
                self.expect(",").ok()?;
                let value = self.type_next()?;
                self.expect(">").ok()?;
                SqlType::map(key, value)
            }
            "STRUCT" => {
                self.expect("<").ok()?;
                let mut fields = Vec::new();
                while !self.accept(">") {
                    if !fields.is_empty() {
                        self.expect(",").ok()?;
                    }
                    fields.push((self.word().to_owned(), self.type_next()?));
                }
                SqlType::structure(fields)
            }
            word => {
                let parsed = signature::parse(&format!("() -> {word}")).ok()?;
                parsed.returns.resolve(&Bindings::default())?
            }
        })
    }

    fn type_next(&mut self) -> Option<SqlType> {
        let word = self.word();
        self.type_from(word)
    }

    fn accept(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) { Ok(()) } else { Err(format!("{token} was expected at {}", self.rest)) }
    }
}

/// A column of JSON values.
pub fn column(ty: &SqlType, values: &[&Value]) -> Result<ArrayRef, String> {
    let nulls = || NullBuffer::from(values.iter().map(|value| !value.is_null()).collect::<Vec<_>>());
    Ok(match (ty, ty.arrow()) {
        (SqlType::Array(element), DataType::List(field)) => {
            let lists = values.iter().map(|value| value.as_array().map_or(&[][..], Vec::as_slice));
            let offsets = OffsetBuffer::from_lengths(lists.clone().map(<[_]>::len));
            let items = column(element, &lists.flatten().collect::<Vec<_>>())?;
            Arc::new(ListArray::new(field, offsets, items, Some(nulls())))
        }
        (SqlType::Map(map), DataType::Map(field, _)) => {
            let maps = values.iter().map(|value| value.as_object());
            let offsets = OffsetBuffer::from_lengths(maps.clone().map(|map| map.map_or(0, |map| map.len())));
            let keys: Vec<Value> =
                maps.clone().flatten().flat_map(|map| map.keys().cloned().map(Value::from)).collect();
            let items: Vec<_> = maps.flatten().flat_map(|map| map.values()).collect();
            let columns =
                vec![column(&map.key, &keys.iter().collect::<Vec<_>>())?, column(&map.value, &items)?];
            let DataType::Struct(fields) = field.data_type() else { return Err("no entries".to_owned()) };
            let entries = StructArray::new(fields.clone(), columns, None);
            Arc::new(MapArray::new(field, offsets, entries, Some(nulls()), false))
        }
        (SqlType::Struct(fields), _) => {
            let column = |field: &crate::sql::StructField| {
                let values: Vec<_> =
                    values.iter().map(|v| v.get(&field.name).unwrap_or(&Value::Null)).collect();
                Ok((Arc::new(Field::new(&field.name, field.ty.arrow(), true)), column(&field.ty, &values)?))
            };
            let (fields, columns): (Vec<_>, Vec<_>) =
                fields.iter().map(column).collect::<Result<Vec<_>, String>>()?.into_iter().unzip();
            Arc::new(StructArray::new(fields.into(), columns, Some(nulls())))
        }
        _ => {
            let text = |value: &&Value| match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            let texts = values.iter().map(text);
            if *ty == SqlType::Bytes {
                return Ok(Arc::new(texts.map(|text| text.map(String::into_bytes)).collect::<BinaryArray>()));
            }
            let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
            cast(&texts, SqlType::String, ty.clone())?
        }
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn values_and_calls() {
        check(
            &[
                "UCASE('it''s')",
                "LEN(UCASE(NULL))",
                "ABS(DECIMAL(4, 2) -1.5)",
                "COALESCE(NULL, ARRAY<MAP<STRING, INT>> [{\"a\": 1, \"b\": null}, null])",
                "AS_VALUE(STRUCT<A INT, B BYTES> {\"A\": 1, \"B\": \"ab\"})",
                "AS_VALUE(TIMESTAMP \"2020-01-02\")",
                "NOTHING(1)",
                "LN(0, 1)",
                "UCASE('a') b",
            ],
            expect![[r#"
                UCASE('it''s') -> IT'S
                LEN(UCASE(NULL)) -> NULL
                ABS(DECIMAL(4, 2) -1.5) -> 1.50
                COALESCE(NULL, ARRAY<MAP<STRING, INT>> [{"a": 1, "b": null}, null]) -> [{a: 1, b: NULL}, NULL]
                AS_VALUE(STRUCT<A INT, B BYTES> {"A": 1, "B": "ab"}) -> {A: 1, B: 6162}
                AS_VALUE(TIMESTAMP "2020-01-02") -> 2020-01-02T00:00:00
                NOTHING(1) -> error: function NOTHING does not exist
                LN(0, 1) -> error: function LN(INTEGER, INTEGER) does not exist
                UCASE('a') b -> error: unread:  b"#]],
        );
    }
}
