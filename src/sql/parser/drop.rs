//! DROP.

use super::create::source_kind;
use super::create_type;
use super::cursor::Cursor;
use crate::sql::SqlError;
use crate::sql::ast::{DropSource, StatementKind};

pub(super) fn drop(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("DROP")?;
    if cursor.is("TYPE") {
        return create_type::drop_type(cursor);
    }
    if cursor.is("CONNECTOR") {
        return Err(cursor.not_supported("DROP CONNECTOR"));
    }
    let kind = source_kind(&mut cursor)?;
    let if_exists = cursor.accept(&["IF", "EXISTS"]);
    let name = cursor.name(&format!("the name of the {kind}"))?;
    let delete_topic = cursor.accept(&["DELETE", "TOPIC"]);
    if !cursor.done() {
        return Err(cursor.expected("DELETE TOPIC or the end of the statement"));
    }
    Ok(StatementKind::DropSource(DropSource { kind, if_exists, name, delete_topic }))
}
