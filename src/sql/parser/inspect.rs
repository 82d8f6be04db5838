//! EXPLAIN and PRINT, and what is done with a query by its id: TERMINATE, PAUSE, RESUME.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{STATEMENTS, nested};
use crate::sql::SqlError;
use crate::sql::ast::{Explain, Name, Print, StatementKind};

pub(super) fn explain(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("EXPLAIN")?;
    if cursor.is_any(&["ANALYZE", "ANALYSE", "VERBOSE"]) && cursor.nth(1).is_some() {
        return Err(cursor.not_supported("options of EXPLAIN"));
    }
    let statement = cursor.nth(1).is_some() || STATEMENTS.iter().any(|word| cursor.is(word));
    if !statement {
        let name = cursor.name("a statement or the id of a query")?;
        return Ok(StatementKind::Explain(Explain::Query(name)));
    }
    if cursor.peek() == Some(&Token::LParen) && !cursor.nth_is(1, "SELECT") && !cursor.nth_is(1, "WITH") {
        return Err(cursor.not_supported("options of EXPLAIN"));
    }
    if cursor.is("EXPLAIN") {
        return Err(cursor.expected("a statement other than EXPLAIN"));
    }
    Ok(StatementKind::Explain(Explain::Statement(Box::new(nested(cursor)?))))
}

pub(super) fn print(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("PRINT")?;
    let position = cursor.position();
    // A topic's name keeps its case, quoted or not.
    let value = match cursor.peek() {
        Some(Token::SingleQuotedString(text)) => {
            cursor.at += 1;
            text.clone()
        }
        _ => cursor.word("the name of a topic")?.value.clone(),
    };
    let from_beginning = cursor.accept(&["FROM", "BEGINNING"]);
    let interval = match cursor.accept_any(&["INTERVAL", "SAMPLE"]) {
        Some(_) => {
            let place = cursor;
            Some(
                cursor
                    .integer("a number of records")
                    .ok()
                    .filter(|&n| n > 0)
                    .ok_or_else(|| place.expected("a number of records above zero"))?,
            )
        }
        None => None,
    };
    let limit = if cursor.accept(&["LIMIT"]) { Some(cursor.integer("a number of records")?) } else { None };
    if !cursor.done() {
        return Err(cursor.expected(
            "FROM BEGINNING, INTERVAL, LIMIT or the end of the statement; quote names with other characters: `a-b`",
        ));
    }
    Ok(StatementKind::Print(Print { topic: Name { value, position }, from_beginning, limit, interval }))
}

/// `TERMINATE|PAUSE|RESUME id|ALL`.
pub(super) fn of_query(
    mut cursor: Cursor,
    statement: fn(Option<Name>) -> StatementKind,
) -> Result<StatementKind, SqlError> {
    cursor.word("a statement")?;
    if cursor.nth(1).is_some() {
        cursor.accept(&["QUERY"]);
    }
    let query = if cursor.accept(&["ALL"]) { None } else { Some(cursor.name("the id of a query or ALL")?) };
    cursor.finish()?;
    Ok(statement(query))
}
