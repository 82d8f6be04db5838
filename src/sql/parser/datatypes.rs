//! Names of types in column lists.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::sql::{SqlError, SqlType, sqlstate};

/// Reads a type (dialect section 7, "Types").
pub(super) fn data_type(cursor: &mut Cursor) -> Result<SqlType, SqlError> {
    let start = *cursor;
    let word = cursor.word("a type")?;
    let name = word.value.to_uppercase();
    let ty = match name.as_str() {
        _ if word.quote_style.is_some() => {
            return Err(start.not_supported(&format!("custom type {}", word.value)));
        }
        "BOOLEAN" => SqlType::Boolean,
        "INT" | "INTEGER" => SqlType::Int,
        "BIGINT" => SqlType::BigInt,
        "DOUBLE" => SqlType::Double,
        "DECIMAL" => decimal(cursor)?,
        "STRING" => SqlType::String,
        "VARCHAR" => {
            if cursor.accept_token(&Token::LParen) {
                if !cursor.accept(&["STRING"]) {
                    return Err(cursor.not_supported("lengths of VARCHAR").hint("write VARCHAR or STRING"));
                }
                cursor.expect_token(&Token::RParen)?;
            }
            SqlType::String
        }
        "BYTES" => SqlType::Bytes,
        "DATE" => SqlType::Date,
        "TIME" => SqlType::Time,
        "TIMESTAMP" => SqlType::Timestamp,
        "ARRAY" | "MAP" | "STRUCT" => return Err(start.not_supported(&format!("type {name}"))),
        _ => {
            return Err(start.not_supported(&format!("type {name}")).hint(
                "types are BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME and TIMESTAMP",
            ));
        }
    };
    if cursor.is("ARRAY") {
        return Err(cursor.not_supported("type ARRAY"));
    }
    Ok(ty)
}

fn decimal(cursor: &mut Cursor) -> Result<SqlType, SqlError> {
    cursor.expect_token(&Token::LParen)?;
    let place = cursor.position();
    let precision = cursor.integer("a precision from 1 to 38")?;
    cursor.expect_token(&Token::Comma)?;
    let scale = cursor.integer("a scale")?;
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
