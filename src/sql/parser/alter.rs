//! ALTER STREAM and ALTER TABLE.

use sqlparser::tokenizer::Token;

use super::create::source_kind;
use super::cursor::Cursor;
use super::datatypes;
use crate::sql::SqlError;
use crate::sql::ast::{AlterSource, ColumnDef, ColumnRole, StatementKind};

/// `ALTER STREAM|TABLE name ADD [COLUMN] name type [, ADD [COLUMN] name type …]`; the later ADDs may be left out.
pub(super) fn alter(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    let start = cursor;
    cursor.expect("ALTER")?;
    if cursor.is("SYSTEM") {
        return Err(start
            .not_supported("ALTER SYSTEM")
            .hint("settings of the server are in its file; SET changes those of the session"));
    }
    let kind = source_kind(&mut cursor)?;
    let name = cursor.name(&format!("the name of the {kind}"))?;
    let mut columns = Vec::new();
    loop {
        // A column may be named ADD or COLUMN: then its type follows.
        let adds = cursor.is("ADD") && (columns.is_empty() || cursor.nth(2).is_some_and(is_word));
        if adds {
            cursor.expect("ADD")?;
        } else if columns.is_empty() {
            return Err(cursor.expected("ADD"));
        }
        if cursor.is("COLUMN") && cursor.nth(2).is_some_and(is_word) {
            cursor.expect("COLUMN")?;
        }
        let column = cursor.name("the name of a column")?;
        let ty = datatypes::data_type(&mut cursor)?;
        columns.push(ColumnDef { name: column, ty, role: ColumnRole::Value });
        if cursor.done() {
            return Ok(StatementKind::AlterSource(AlterSource { kind, name, columns }));
        }
        if cursor.is_any(&["KEY", "PRIMARY", "HEADERS", "HEADER"]) {
            return Err(cursor.unexpected().hint("only value columns can be added"));
        }
        if !cursor.accept_token(&Token::Comma) {
            return Err(cursor.expected("\",\" or the end of the statement"));
        }
    }
}

fn is_word(token: &sqlparser::tokenizer::TokenWithSpan) -> bool {
    matches!(token.token, Token::Word(_))
}
