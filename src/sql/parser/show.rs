//! SHOW, LIST and DESCRIBE.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::sql::SqlError;
use crate::sql::ast::{Describe, Name, Show, SourceKind, StatementKind};

const KNOWN: &str = "STREAMS, TABLES, QUERIES, TOPICS, FUNCTIONS, TYPES, PROPERTIES, VARIABLES";

pub(super) fn show(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    let list = cursor.accept_any(&["SHOW", "LIST"]) == Some("LIST");
    if let Some(show) = list_of(&mut cursor) {
        cursor.finish()?;
        return Ok(StatementKind::Show(show));
    }
    let of_kind = cursor.is_any(&["SOURCE", "SINK"]) && cursor.nth_is(1, "CONNECTORS");
    if of_kind || cursor.is("CONNECTORS") {
        return Err(cursor.not_supported("SHOW CONNECTORS"));
    }
    if cursor.is("CONNECTOR") && cursor.nth_is(1, "PLUGINS") {
        return Err(cursor.not_supported("SHOW CONNECTOR PLUGINS"));
    }
    if list {
        return Err(cursor.expected(KNOWN));
    }
    let many = [&["TRANSACTION", "ISOLATION", "LEVEL"][..], &["TIME", "ZONE"], &["SESSION", "AUTHORIZATION"]];
    let parameter = match many.into_iter().find(|words| cursor.accept(words)) {
        Some(words) => words.join(" ").to_lowercase(),
        None => parameter(&mut cursor, &format!("{KNOWN} or a run-time parameter"))?.value,
    };
    cursor.finish()?;
    Ok(StatementKind::Show(Show::Parameter(parameter)))
}

fn list_of(cursor: &mut Cursor) -> Option<Show> {
    if cursor.accept(&["ALL", "TOPICS"]) {
        return Some(Show::Topics { all: true, extended: cursor.accept(&["EXTENDED"]) });
    }
    let words = ["STREAMS", "TABLES", "QUERIES", "TOPICS", "FUNCTIONS", "TYPES", "PROPERTIES", "VARIABLES"];
    let word = cursor.accept_any(&words)?;
    let mut extended = || cursor.accept(&["EXTENDED"]);
    Some(match word {
        "STREAMS" => Show::Streams { extended: extended() },
        "TABLES" => Show::Tables { extended: extended() },
        "QUERIES" => Show::Queries { extended: extended() },
        "TOPICS" => Show::Topics { all: false, extended: extended() },
        "FUNCTIONS" => Show::Functions,
        "TYPES" => Show::Types,
        "PROPERTIES" => Show::Properties,
        _ => Show::Variables,
    })
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

/// `DESCRIBE [EXTENDED] name`, `DESCRIBE name [EXTENDED]`, of all STREAMS or TABLES, of a FUNCTION. Each of these words
/// can be the name of a stream, too, where nothing else follows.
pub(super) fn describe(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("DESCRIBE")?;
    let followed =
        matches!(cursor.nth(1).map(|t| &t.token), Some(Token::Word(_) | Token::SingleQuotedString(_)));
    let named = followed && !cursor.nth_is(1, "EXTENDED");
    if cursor.is("CONNECTOR") && named {
        return Err(cursor.not_supported("DESCRIBE CONNECTOR"));
    }
    if cursor.is("FUNCTION") && named {
        cursor.expect("FUNCTION")?;
        return function(cursor);
    }
    if let Some(word) = cursor.accept_any(&["STREAMS", "TABLES"]) {
        let kind = if word == "STREAMS" { SourceKind::Stream } else { SourceKind::Table };
        let extended = cursor.accept(&["EXTENDED"]);
        cursor.finish()?;
        return Ok(StatementKind::Describe(Describe::All { kind, extended }));
    }
    let mut extended = followed && cursor.accept(&["EXTENDED"]);
    let name = cursor.name("the name of a stream or table")?;
    extended |= !extended && cursor.accept(&["EXTENDED"]);
    cursor.finish()?;
    Ok(StatementKind::Describe(Describe::Source { name, extended }))
}

/// A function's name as a word, whatever word, or as a string.
fn function(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    let position = cursor.position();
    let value = match cursor.peek() {
        Some(Token::SingleQuotedString(text)) => {
            cursor.at += 1;
            text.to_uppercase()
        }
        _ => cursor.word("the name of a function")?.value.to_uppercase(),
    };
    cursor.finish()?;
    Ok(StatementKind::Describe(Describe::Function(Name { value, position })))
}
