//! COPY … FROM STDIN and COPY … TO STDOUT.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{nested, query_follows, select_from};
use crate::sql::SqlError;
use crate::sql::ast::{Copy, CopyFormat, CopyOptions, StatementKind};

pub(super) fn copy(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("COPY")?;
    if cursor.peek() == Some(&Token::LParen) {
        let after = cursor.after_brackets();
        let inner = cursor.part(cursor.at + 1, after.saturating_sub(1));
        if !query_follows(&inner) {
            return Err(inner.expected("a query"));
        }
        let query = Box::new(nested(inner)?);
        cursor.at = after;
        cursor.expect("TO")?;
        return to_stdout(cursor, query);
    }
    let name = cursor.name("a stream, a table or a query in parentheses")?;
    let columns = match cursor.peek() {
        Some(Token::LParen) => cursor.names("the name of a column")?,
        _ => Vec::new(),
    };
    match cursor.accept_any(&["FROM", "TO"]) {
        Some("FROM") => {
            endpoint(&mut cursor, "STDIN")?;
            let options = options(&mut cursor)?;
            Ok(StatementKind::Copy(Copy::From { name, columns, options }))
        }
        Some(_) => {
            let query = Box::new(select_from(&name, &columns)?);
            to_stdout(cursor, query)
        }
        None => Err(cursor.expected("FROM or TO")),
    }
}

fn to_stdout(mut cursor: Cursor, query: Box<crate::sql::ast::Statement>) -> Result<StatementKind, SqlError> {
    endpoint(&mut cursor, "STDOUT")?;
    let options = options(&mut cursor)?;
    Ok(StatementKind::Copy(Copy::To { query, options }))
}

fn endpoint(cursor: &mut Cursor, word: &str) -> Result<(), SqlError> {
    if cursor.is("PROGRAM") || matches!(cursor.peek(), Some(Token::SingleQuotedString(_))) {
        let hint = format!("use {word}; psql's \\copy reads and writes files of the client");
        return Err(cursor.not_supported("COPY with files and programs").hint(hint));
    }
    cursor.expect(word)
}

/// `[WITH] (NAME value, …)`, or the words without parentheses of older clients.
fn options(cursor: &mut Cursor) -> Result<CopyOptions, SqlError> {
    let mut options = CopyOptions {
        format: CopyFormat::Text,
        delimiter: None,
        null: None,
        header: false,
        quote: None,
        escape: None,
    };
    cursor.accept(&["WITH"]);
    let list = cursor.accept_token(&Token::LParen);
    while !cursor.done() {
        option(cursor, &mut options, list)?;
        if !list {
            continue;
        }
        if cursor.accept_token(&Token::RParen) {
            cursor.finish()?;
            return Ok(options);
        }
        if !cursor.accept_token(&Token::Comma) {
            return Err(cursor.expected("\",\" or \")\""));
        }
    }
    if list { Err(cursor.expected("an option of COPY")) } else { Ok(options) }
}

fn option(cursor: &mut Cursor, options: &mut CopyOptions, list: bool) -> Result<(), SqlError> {
    let start = *cursor;
    let words = ["FORMAT", "CSV", "BINARY", "DELIMITER", "NULL", "HEADER", "QUOTE", "ESCAPE", "ENCODING"];
    let unknown = "FORMAT, DELIMITER, NULL, HEADER, QUOTE, ESCAPE or ENCODING";
    let Some(word) = cursor.accept_any(&words) else {
        let forced = [
            "FORCE_QUOTE",
            "FORCE_NOT_NULL",
            "FORCE_NULL",
            "FORCE",
            "FREEZE",
            "ON_ERROR",
            "DEFAULT",
            "WHERE",
        ];
        if let Some(word) = forced.iter().find(|word| cursor.is(word)) {
            return Err(cursor.not_supported(&format!("option {word} of COPY")));
        }
        return Err(cursor.expected(unknown));
    };
    if list && matches!(word, "CSV" | "BINARY") || !list && word == "FORMAT" {
        return Err(start.expected(unknown));
    }
    if !list {
        cursor.accept(&["AS"]);
    }
    match word {
        "CSV" => options.format = CopyFormat::Csv,
        "BINARY" => options.format = CopyFormat::Binary,
        "FORMAT" => {
            let place = *cursor;
            let format = match cursor.peek_word() {
                Some(word) => {
                    cursor.at += 1;
                    word.value.to_lowercase()
                }
                None => cursor.string("text, csv or binary")?.to_lowercase(),
            };
            options.format = match format.as_str() {
                "text" => CopyFormat::Text,
                "csv" => CopyFormat::Csv,
                "binary" => CopyFormat::Binary,
                _ => return Err(place.expected("text, csv or binary")),
            };
        }
        "HEADER" => {
            if cursor.is("MATCH") {
                return Err(cursor.not_supported("HEADER MATCH"));
            }
            options.header = list && cursor.accept_any(&["FALSE", "OFF"]).is_none();
            if list {
                cursor.accept_any(&["TRUE", "ON"]);
            } else {
                options.header = true;
            }
        }
        "NULL" => options.null = Some(cursor.string("a string")?),
        "ENCODING" => {
            let place = *cursor;
            let encoding = cursor.string("the name of an encoding as a string")?.to_lowercase();
            if !matches!(encoding.as_str(), "utf8" | "utf-8" | "unicode") {
                return Err(place.not_supported(&format!("encoding {encoding}")).hint("use UTF8"));
            }
        }
        "DELIMITER" => options.delimiter = Some(character(cursor)?),
        "QUOTE" => options.quote = Some(character(cursor)?),
        _ => options.escape = Some(character(cursor)?),
    }
    Ok(())
}

fn character(cursor: &mut Cursor) -> Result<char, SqlError> {
    let place = *cursor;
    let text = cursor.string("one character as a string")?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(ch), None) if ch.is_ascii() && !matches!(ch, '\n' | '\r' | '\0') => Ok(ch),
        _ => Err(place.expected("one character of one byte as a string")),
    }
}
