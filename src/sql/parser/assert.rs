//! ASSERT TOPIC. The other ASSERTs are for tests of SQL, or need a schema registry.

use sqlparser::tokenizer::Token;

use super::create::with_clause;
use super::cursor::Cursor;
use super::window::duration_ms;
use crate::sql::SqlError;
use crate::sql::ast::{AssertTopic, Name, StatementKind};

/// `ASSERT [NOT EXISTS] TOPIC name [WITH (…)] [TIMEOUT n unit]`
pub(super) fn assert(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("ASSERT")?;
    let exists = !cursor.accept(&["NOT", "EXISTS"]);
    if cursor.is("SCHEMA") {
        return Err(cursor
            .not_supported("ASSERT SCHEMA")
            .hint("there is no schema registry yet; ASSERT TOPIC waits for a topic"));
    }
    if !cursor.accept(&["TOPIC"]) {
        return Err(cursor.expected(if exists { "TOPIC, SCHEMA or NOT EXISTS" } else { "TOPIC or SCHEMA" }));
    }
    let position = cursor.position();
    let value = match cursor.peek() {
        Some(Token::SingleQuotedString(text)) if !text.is_empty() => {
            cursor.at += 1;
            text.clone()
        }
        _ => cursor.word("the name of a topic")?.value.clone(),
    };
    let with = with_clause(&mut cursor)?;
    let timeout_ms = if cursor.accept(&["TIMEOUT"]) { Some(duration_ms(&mut cursor)?) } else { None };
    if !cursor.done() {
        return Err(cursor.expected(
            "WITH (…), TIMEOUT or the end of the statement; quote names with other characters: `a-b`",
        ));
    }
    Ok(StatementKind::AssertTopic(AssertTopic { topic: Name { value, position }, exists, with, timeout_ms }))
}
