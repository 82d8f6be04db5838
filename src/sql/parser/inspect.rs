//! Statements that look: SHOW, LIST, DESCRIBE, EXPLAIN, PRINT; and TERMINATE.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{STATEMENTS, nested};
use crate::sql::SqlError;
use crate::sql::ast::{Explain, Name, Print, Show, StatementKind};

pub(super) fn show(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    let list = cursor.accept_any(&["SHOW", "LIST"]) == Some("LIST");
    let known = [
        ("STREAMS", Show::Streams),
        ("TABLES", Show::Tables),
        ("QUERIES", Show::Queries),
        ("TOPICS", Show::Topics),
        ("FUNCTIONS", Show::Functions),
        ("PROPERTIES", Show::Properties),
        ("VARIABLES", Show::Variables),
    ];
    let what = "STREAMS, TABLES, QUERIES, TOPICS, FUNCTIONS, PROPERTIES, VARIABLES";
    if let Some((_, show)) = known.into_iter().find(|(word, _)| cursor.is(word)) {
        cursor.at += 1;
        if cursor.is("EXTENDED") {
            return Err(cursor.not_supported("SHOW … EXTENDED"));
        }
        cursor.finish()?;
        return Ok(StatementKind::Show(show));
    }
    if cursor.is("ALL") && cursor.nth_is(1, "TOPICS") {
        return Err(cursor.not_supported("SHOW ALL TOPICS"));
    }
    if cursor.is_any(&["CONNECTORS", "CONNECTOR", "TYPES"])
        || (cursor.is_any(&["SOURCE", "SINK"]) && cursor.nth_is(1, "CONNECTORS"))
    {
        let word = if cursor.is("TYPES") { "SHOW TYPES" } else { "SHOW CONNECTORS" };
        return Err(cursor.not_supported(word));
    }
    if list {
        return Err(cursor.expected(what));
    }
    let many = [&["TRANSACTION", "ISOLATION", "LEVEL"][..], &["TIME", "ZONE"], &["SESSION", "AUTHORIZATION"]];
    let parameter = match many.into_iter().find(|words| cursor.accept(words)) {
        Some(words) => words.join(" ").to_lowercase(),
        None => parameter(&mut cursor, &format!("{what} or a run-time parameter"))?.value,
    };
    cursor.finish()?;
    Ok(StatementKind::Show(Show::Parameter(parameter)))
}

/// The name of a run-time parameter of Postgres, in lower case; it may have dots.
pub(super) fn parameter(cursor: &mut Cursor, what: &str) -> Result<Name, SqlError> {
    let position = cursor.position();
    let mut value = cursor.word(what)?.value.to_lowercase();
    while cursor.accept_token(&Token::Period) {
        value = format!("{value}.{}", cursor.word(what)?.value.to_lowercase());
    }
    Ok(Name { value, position })
}

pub(super) fn describe(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("DESCRIBE")?;
    let followed =
        matches!(cursor.nth(1).map(|t| &t.token), Some(Token::Word(_) | Token::SingleQuotedString(_)));
    for (word, what) in [("FUNCTION", "DESCRIBE FUNCTION"), ("CONNECTOR", "DESCRIBE CONNECTOR")] {
        if cursor.is(word) && followed && !cursor.nth_is(1, "EXTENDED") {
            return Err(cursor.not_supported(what));
        }
    }
    if cursor.is_any(&["STREAMS", "TABLES"]) {
        return Err(cursor.not_supported("DESCRIBE of all streams or tables"));
    }
    let mut extended = followed && cursor.accept(&["EXTENDED"]);
    let name = cursor.name("the name of a stream or table")?;
    extended |= !extended && cursor.accept(&["EXTENDED"]);
    cursor.finish()?;
    Ok(StatementKind::Describe { name, extended })
}

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

pub(super) fn terminate(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("TERMINATE")?;
    if cursor.nth(1).is_some() {
        cursor.accept(&["QUERY"]);
    }
    let query = if cursor.accept(&["ALL"]) { None } else { Some(cursor.name("the id of a query or ALL")?) };
    cursor.finish()?;
    Ok(StatementKind::Terminate { query })
}
