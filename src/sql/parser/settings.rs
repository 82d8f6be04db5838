//! SET, UNSET and RESET of settings; DEFINE and UNDEFINE of variables.
//!
//! `SET 'name' = 'value'` is ksqlDB's and keeps the name as it is; `SET name TO value` is Postgres' and its
//! names are lower case.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::show::parameter;
use crate::sql::SqlError;
use crate::sql::ast::{Name, SessionStatement, StatementKind};

pub(super) fn set(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("SET")?;
    let position = cursor.position();
    if let Some(Token::SingleQuotedString(name)) = cursor.peek() {
        cursor.at += 1;
        cursor.expect_token(&Token::Eq)?;
        let value = cursor.string("a string")?;
        cursor.finish()?;
        return Ok(StatementKind::Set { name: Name { value: name.clone(), position }, value, quoted: true });
    }
    if cursor.accept(&["TRANSACTION"]) || cursor.accept(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"])
    {
        super::session::transaction_modes(&mut cursor)?;
        return Ok(StatementKind::Session(SessionStatement::SetTransaction));
    }
    if !cursor.nth_is(1, "AUTHORIZATION") && !matches!(cursor.nth(1).map(|t| &t.token), Some(Token::Eq)) {
        cursor.accept_any(&["SESSION", "LOCAL"]);
    }
    let short = [
        (&["TIME", "ZONE"][..], "timezone"),
        (&["SESSION", "AUTHORIZATION"], "session_authorization"),
        (&["NAMES"], "client_encoding"),
        (&["ROLE"], "role"),
    ];
    let assigned = matches!(cursor.nth(1).map(|t| &t.token), Some(Token::Eq)) || cursor.nth_is(1, "TO");
    let found = short.into_iter().find(|(words, _)| !assigned && cursor.accept(words));
    let name = match found {
        Some((_, name)) => Name { value: name.to_owned(), position },
        None => {
            let name = parameter(&mut cursor, "a setting")?;
            if !cursor.accept(&["TO"]) && !cursor.accept_token(&Token::Eq) {
                return Err(cursor.expected("TO or \"=\""));
            }
            name
        }
    };
    if cursor.accept(&["DEFAULT"]) {
        cursor.finish()?;
        return Ok(StatementKind::Unset { name: Some(name) });
    }
    let mut value = setting(&mut cursor)?;
    while cursor.accept_token(&Token::Comma) {
        value = format!("{value}, {}", setting(&mut cursor)?);
    }
    cursor.finish()?;
    Ok(StatementKind::Set { name, value, quoted: false })
}

/// A string, a number, or a word as written.
fn setting(cursor: &mut Cursor) -> Result<String, SqlError> {
    let start = cursor.at;
    let sign = match () {
        () if cursor.accept_token(&Token::Minus) => "-",
        () => {
            cursor.accept_token(&Token::Plus);
            ""
        }
    };
    if let Some(Token::Number(text, false)) = cursor.peek() {
        cursor.at += 1;
        return Ok(format!("{sign}{text}"));
    }
    cursor.at = start;
    match cursor.peek_word() {
        Some(word) => {
            cursor.at += 1;
            Ok(word.value.clone())
        }
        None => cursor.string("a value"),
    }
}

pub(super) fn unset(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("UNSET")?;
    let position = cursor.position();
    let value = cursor.string("the name of a setting as a string")?;
    cursor.finish()?;
    Ok(StatementKind::Unset { name: Some(Name { value, position }) })
}

pub(super) fn reset(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("RESET")?;
    let position = cursor.position();
    let name = match () {
        () if cursor.accept(&["ALL"]) => None,
        () if cursor.accept(&["TIME", "ZONE"]) => Some(Name { value: "timezone".into(), position }),
        () if cursor.accept(&["SESSION", "AUTHORIZATION"]) => {
            Some(Name { value: "session_authorization".into(), position })
        }
        () => Some(parameter(&mut cursor, "a setting or ALL")?),
    };
    cursor.finish()?;
    Ok(StatementKind::Unset { name })
}

pub(super) fn define(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("DEFINE")?;
    let name = variable(&mut cursor)?;
    cursor.expect_token(&Token::Eq)?;
    let value = cursor.string("the text of the variable as a string")?;
    cursor.finish()?;
    Ok(StatementKind::Define { name, value })
}

pub(super) fn undefine(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("UNDEFINE")?;
    let name = variable(&mut cursor)?;
    cursor.finish()?;
    Ok(StatementKind::Undefine { name })
}

/// The name of a variable, as it can stand in `${…}`.
fn variable(cursor: &mut Cursor) -> Result<String, SqlError> {
    let what = "the name of a variable: letters, digits and _";
    let word = cursor.peek_word().filter(|word| {
        word.quote_style.is_none()
            && word.value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !word.value.starts_with(|ch: char| ch.is_ascii_digit())
    });
    let word = word.ok_or_else(|| cursor.expected(what))?;
    cursor.at += 1;
    Ok(word.value.clone())
}
