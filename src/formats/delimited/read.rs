//! Rows of text into columns.

use crate::formats::columns::{ColumnBuilder, Values};
use crate::formats::decimal::parse_decimal;
use crate::formats::json::{BASE64, parse_double};
use crate::sql::SqlType;
use base64::Engine;

const DAY_MS: i32 = 86_400_000;

/// Reads rows into the columns it was made for.
pub struct DelimitedReader {
    delimiter: Box<[u8]>,
    /// For each field of a row, the index of its column where that is wanted.
    fields: Vec<Option<usize>>,
    /// A field without its quotes.
    plain: Vec<u8>,
}

impl DelimitedReader {
    pub fn new(delimiter: char, fields: Vec<Option<usize>>) -> Self {
        let delimiter = delimiter.encode_utf8(&mut [0; 4]).as_bytes().into();
        Self { delimiter, fields, plain: Vec::new() }
    }

    /// Appends a row to the columns, whole: the text must be UTF-8. On an error some have the row and some not.
    pub fn read(&mut self, text: &[u8], columns: &mut [ColumnBuilder]) -> Result<(), String> {
        let mut rest = text;
        while let [b'\n' | b'\r', tail @ ..] = rest {
            rest = tail;
        }
        if rest.is_empty() {
            return Err("the row has no fields".to_owned());
        }
        let mut count = 0;
        loop {
            let (field, behind) = self.field(rest)?;
            let value = match field {
                Field::Plain(text) => text,
                Field::Quoted => &self.plain,
            };
            if let Some(column) = self.fields.get(count).copied().flatten().and_then(|at| columns.get_mut(at))
            {
                read_text(value, column)?;
            }
            count += 1;
            match behind {
                Some(behind) => rest = behind,
                None => break,
            }
        }
        if count != self.fields.len() {
            return Err(format!("the row has {count} fields, not {}", self.fields.len()));
        }
        Ok(())
    }

    /// The field at the start of a text, and what stands behind its delimiter; None at the end of the row.
    #[inline]
    fn field<'a>(&mut self, text: &'a [u8]) -> Result<(Field<'a>, Option<&'a [u8]>), String> {
        if text.first() != Some(&b'"') {
            let end = self.end_of_field(text);
            let (field, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
            return Ok((Field::Plain(field), rest.strip_prefix(&*self.delimiter)));
        }
        self.plain.clear();
        let mut rest = text.get(1..).unwrap_or_default();
        loop {
            let Some(quote) = memchr::memchr(b'"', rest) else {
                return Err("a quoted field does not end".to_owned());
            };
            let (inside, behind) = rest.split_at_checked(quote).unwrap_or((rest, &[]));
            self.plain.extend_from_slice(inside);
            rest = behind.get(1..).unwrap_or_default();
            match rest {
                [b'"', behind @ ..] => {
                    self.plain.push(b'"');
                    rest = behind;
                }
                _ => break,
            }
        }
        loop {
            if let Some(behind) = rest.strip_prefix(&*self.delimiter) {
                return Ok((Field::Quoted, Some(behind)));
            }
            match rest {
                [] | [b'\n' | b'\r', ..] => return Ok((Field::Quoted, None)),
                [space, behind @ ..] if space.is_ascii_whitespace() => rest = behind,
                _ => return Err("there is text between a quoted field and its delimiter".to_owned()),
            }
        }
    }

    #[inline]
    fn end_of_field(&self, text: &[u8]) -> usize {
        match *self.delimiter {
            [delimiter] => memchr::memchr3(delimiter, b'\n', b'\r', text).unwrap_or(text.len()),
            _ => (0..text.len())
                .find(|at| {
                    let rest = text.get(*at..).unwrap_or_default();
                    rest.starts_with(&self.delimiter) || matches!(rest.first(), Some(b'\n' | b'\r'))
                })
                .unwrap_or(text.len()),
        }
    }
}

enum Field<'a> {
    Plain(&'a [u8]),
    /// In the reader's buffer.
    Quoted,
}

/// Appends the value that a text stands for; NULL for an empty one.
#[inline]
fn read_text(text: &[u8], column: &mut ColumnBuilder) -> Result<(), String> {
    if text.is_empty() {
        column.push_null();
        return Ok(());
    }
    let utf8 = || std::str::from_utf8(text).ok();
    let read = match &mut column.values {
        Values::Bytes(rows) if column.ty == SqlType::String => {
            return rows
                .push(text)
                .map_err(|_| format!("column {}: too much text for one batch", column.name));
        }
        Values::Bytes(rows) => match BASE64.decode_vec(text, &mut rows.data) {
            Ok(()) => {
                return rows
                    .finish_row()
                    .map_err(|_| format!("column {}: too much text for one batch", column.name));
            }
            Err(_) => {
                rows.drop_open_row();
                None
            }
        },
        Values::Long(values) => utf8().and_then(|t| t.parse().ok()).map(|value| values.push(value)),
        Values::Int(values) => {
            let fits = |value: &i32| column.ty != SqlType::Time || (0..DAY_MS).contains(value);
            utf8().and_then(|t| t.parse().ok()).filter(fits).map(|value| values.push(value))
        }
        Values::Double(values) => parse_double(text).map(|value| values.push(value)),
        Values::Boolean(values) => {
            values.push(text.eq_ignore_ascii_case(b"true"));
            Some(())
        }
        Values::Decimal(values) => match column.ty {
            SqlType::Decimal { precision, scale } => {
                parse_decimal(text, precision, scale).map(|value| values.push(value))
            }
            _ => None,
        },
        Values::List(_) | Values::Map(_) | Values::Struct(_) => None,
    };
    read.ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(text).chars().take(80).collect();
        format!("column {}: cannot read \"{shown}\" as {}", column.name, column.ty)
    })
}
