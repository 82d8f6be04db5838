//! ALTER STREAM and ALTER TABLE: columns at the end of a declaration (dialect 10.8).

use super::check_formats;
use super::create::check_column_name;
use super::drop::check_kind;
use super::relation::unknown_source;
use crate::catalog::{Catalog, Column, Source};
use crate::sql::ast::AlterSource;
use crate::sql::{SqlError, sqlstate};

/// The source as it will be. `sql` is the statement's text. Queries that read the source are not planned anew: their `*`
/// is that of their time.
///
/// Errors: 42P01 for an unknown name, 42809 for what ALTER is not for, 42701 for a column that is there.
pub fn plan_alter(alter: &AlterSource, sql: &str, catalog: &Catalog) -> Result<Source, SqlError> {
    let here = Some(alter.name.position);
    let there = catalog.source(&alter.name.value).ok_or_else(|| {
        unknown_source(&alter.name.value, catalog.sources().map(|s| s.name.as_str())).at(here)
    })?;
    check_kind(there, alter.kind, "ALTER").map_err(|e| e.at(here))?;
    let refuse = |why: &str| {
        SqlError::new(sqlstate::WRONG_OBJECT_TYPE, format!("cannot alter \"{}\": {why}", there.name)).at(here)
    };
    if there.internal {
        return Err(refuse("it is the server's own"));
    }
    if there.read_only {
        return Err(refuse("it was declared with SOURCE, and can be read only"));
    }
    if there.query.is_some() {
        return Err(refuse("it is the result of a query").hint("use CREATE OR REPLACE … AS SELECT"));
    }
    let mut source = there.as_ref().clone();
    for column in &alter.columns {
        check_column_name(&column.name, &source.columns)?;
        let ty = column.ty.resolve(&|name| catalog.custom_type(name).cloned())?;
        source.columns.push(Column { name: column.name.value.clone(), ty, key: false });
    }
    check_formats(&source.columns, source.key_format, source.value_format).map_err(|e| e.at(here))?;
    // The statements that make it: run in turn they give the same.
    source.sql = format!("{};\n{sql}", there.sql);
    Ok(source)
}
