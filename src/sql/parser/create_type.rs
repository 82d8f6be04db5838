//! CREATE TYPE and DROP TYPE.

use super::cursor::Cursor;
use super::datatypes;
use crate::sql::SqlError;
use crate::sql::ast::{CreateType, StatementKind};

/// What follows CREATE: `TYPE [IF NOT EXISTS] name AS type`
pub(super) fn create_type(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("TYPE")?;
    let if_not_exists = cursor.accept(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name("the name of the type")?;
    cursor.expect("AS")?;
    let ty = datatypes::data_type(&mut cursor)?;
    cursor.finish()?;
    Ok(StatementKind::CreateType(CreateType { name, if_not_exists, ty }))
}

/// What follows DROP: `TYPE [IF EXISTS] name`
pub(super) fn drop_type(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("TYPE")?;
    let if_exists = cursor.accept(&["IF", "EXISTS"]);
    let name = cursor.name("the name of the type")?;
    cursor.finish()?;
    Ok(StatementKind::DropType { name, if_exists })
}
