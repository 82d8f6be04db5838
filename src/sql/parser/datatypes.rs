//! Names of types, in column lists and in CASTs (dialect section 7, "Types").

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::sql::ast::TypeName;
use crate::sql::lexer::{Lexed, folded_name};
use crate::sql::variables::RawStatement;
use crate::sql::{SqlError, SqlType, sqlstate};

/// Deepest nesting of types.
const DEPTH_MAX: usize = 48;

/// Reads a type.
pub(super) fn data_type(cursor: &mut Cursor) -> Result<TypeName, SqlError> {
    let mut reader = Reader { cursor: *cursor, half: false };
    let ty = reader.data_type(0)?;
    if reader.half {
        return Err(reader.cursor.part(reader.cursor.at - 1, reader.cursor.end).unexpected());
    }
    *cursor = reader.cursor;
    Ok(ty)
}

/// The type in a text that is nothing but a type.
pub(super) fn parse(text: &str) -> Result<TypeName, SqlError> {
    let map = crate::sql::source_map::SourceMap::default();
    let lexed = Lexed::new(RawStatement { text: text.to_owned(), map })?;
    let mut cursor = Cursor::new(&lexed);
    let ty = data_type(&mut cursor)?;
    cursor.finish()?;
    Ok(ty)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    /// The tokeniser reads `>>` as one: its first half is taken.
    half: bool,
}

impl Reader<'_> {
    fn data_type(&mut self, depth: usize) -> Result<TypeName, SqlError> {
        if depth >= DEPTH_MAX {
            return Err(crate::sql::limits::too_deep().at(Some(self.cursor.position())));
        }
        let mut ty = self.prefix(depth)?;
        let mut arrays = 0;
        while !self.half && self.cursor.accept(&["ARRAY"]) {
            arrays += 1;
            if depth + arrays >= DEPTH_MAX {
                return Err(crate::sql::limits::too_deep().at(Some(self.cursor.position())));
            }
            ty = TypeName::Array(Box::new(ty));
        }
        Ok(ty)
    }

    fn prefix(&mut self, depth: usize) -> Result<TypeName, SqlError> {
        let position = self.cursor.position();
        let word = self.cursor.word("a type")?;
        let name = folded_name(word);
        if word.quote_style.is_some() {
            return Ok(TypeName::Custom(crate::sql::ast::Name { value: name, position }));
        }
        let next = self.cursor.peek();
        Ok(TypeName::Known(match name.as_str() {
            "BOOLEAN" => SqlType::Boolean,
            "INT" | "INTEGER" => SqlType::Int,
            "BIGINT" => SqlType::BigInt,
            "DOUBLE" => {
                self.cursor.accept(&["PRECISION"]);
                SqlType::Double
            }
            "DECIMAL" | "DEC" | "NUMERIC" => decimal(&mut self.cursor)?,
            "STRING" | "VARCHAR" | "TEXT" => {
                if self.cursor.accept_token(&Token::LParen) {
                    if !self.cursor.accept(&["STRING"]) {
                        let error = self.cursor.not_supported("lengths of VARCHAR");
                        return Err(error.hint("write VARCHAR or STRING"));
                    }
                    self.cursor.expect_token(&Token::RParen)?;
                }
                SqlType::String
            }
            "BYTES" | "BYTEA" => SqlType::Bytes,
            "DATE" => SqlType::Date,
            "TIME" => SqlType::Time,
            "TIMESTAMP" => SqlType::Timestamp,
            "ARRAY" if next == Some(&Token::Lt) => {
                self.cursor.at += 1;
                let element = self.data_type(depth + 1)?;
                self.close()?;
                return Ok(TypeName::Array(Box::new(element)));
            }
            "MAP" if next == Some(&Token::Lt) => {
                self.cursor.at += 1;
                let key = self.data_type(depth + 1)?;
                self.expect_comma()?;
                let value = self.data_type(depth + 1)?;
                self.close()?;
                return Ok(TypeName::Map(Box::new((key, value))));
            }
            "STRUCT" if next == Some(&Token::Neq) => {
                self.cursor.at += 1;
                return Ok(TypeName::Struct(Vec::new()));
            }
            "STRUCT" if next == Some(&Token::Lt) => {
                self.cursor.at += 1;
                return self.fields(depth);
            }
            "ARRAY" | "MAP" | "STRUCT" => return Err(self.cursor.expected("\"<\"")),
            _ => return Ok(TypeName::Custom(crate::sql::ast::Name { value: name, position })),
        }))
    }

    fn fields(&mut self, depth: usize) -> Result<TypeName, SqlError> {
        let mut fields = Vec::new();
        if self.cursor.accept_token(&Token::Gt) {
            return Ok(TypeName::Struct(fields));
        }
        loop {
            // Any word can name a field, reserved or not.
            let position = self.cursor.position();
            let name = folded_name(self.cursor.word("the name of a field")?);
            if fields.iter().any(|(other, _)| *other == name) {
                let message = format!("field \"{name}\" specified more than once");
                return Err(SqlError::new(sqlstate::DUPLICATE_COLUMN, message).at(Some(position)));
            }
            fields.push((name, self.data_type(depth + 1)?));
            if self.half || self.cursor.peek() != Some(&Token::Comma) {
                break;
            }
            self.cursor.at += 1;
        }
        self.close()?;
        Ok(TypeName::Struct(fields))
    }

    fn expect_comma(&mut self) -> Result<(), SqlError> {
        if self.half {
            return Err(self.cursor.part(self.cursor.at - 1, self.cursor.end).expected("\",\""));
        }
        self.cursor.expect_token(&Token::Comma)
    }

    /// `>`, or half of `>>`.
    fn close(&mut self) -> Result<(), SqlError> {
        if self.half {
            self.half = false;
        } else if self.cursor.accept_token(&Token::ShiftRight) {
            self.half = true;
        } else {
            self.cursor.expect_token(&Token::Gt)?;
        }
        Ok(())
    }
}

fn decimal(cursor: &mut Cursor) -> Result<SqlType, SqlError> {
    cursor.expect_token(&Token::LParen)?;
    let place = cursor.position();
    let precision = cursor.integer("a precision from 1 to 38")?;
    let scale = if cursor.accept_token(&Token::Comma) { cursor.integer("a scale")? } else { 0 };
    cursor.expect_token(&Token::RParen)?;
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
            Ok(SqlType::Decimal { precision, scale })
        }
        _ => Err(SqlError::new(
            sqlstate::INVALID_PARAMETER,
            format!("invalid type DECIMAL({precision}, {scale})"),
        )
        .hint("the precision is 1 to 38, the scale 0 to the precision")
        .at(Some(place))),
    }
}
