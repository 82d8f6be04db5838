//! INSERT INTO … VALUES.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::expr;
use crate::sql::SqlError;
use crate::sql::ast::{InsertValues, StatementKind};

pub(super) fn insert(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("INSERT")?;
    cursor.expect("INTO")?;
    let name = cursor.name("the name of a stream or table")?;
    let columns = match cursor.peek() {
        Some(Token::LParen) if !cursor.nth_is(1, "SELECT") => cursor.names("the name of a column")?,
        _ => Vec::new(),
    };
    if cursor.is_any(&["SELECT", "WITH"]) || cursor.peek() == Some(&Token::LParen) {
        return Err(cursor.not_supported("INSERT INTO … SELECT"));
    }
    cursor.expect("VALUES")?;
    for at in cursor.at..cursor.end {
        let here = cursor.part(at, cursor.end);
        if here.is("SELECT") {
            return Err(here.not_supported("a subquery in VALUES"));
        }
        if here.is("RETURNING") || (here.is("ON") && here.nth_is(1, "CONFLICT")) {
            let word = if here.is("ON") { "ON CONFLICT" } else { "RETURNING" };
            return Err(here.not_supported(word));
        }
    }
    let rows = expr::rows(&cursor)?;
    Ok(StatementKind::InsertValues(InsertValues { name, columns, rows }))
}
