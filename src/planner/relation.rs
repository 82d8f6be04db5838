//! FROM: the stream or table that a query reads, and the names it brings.

use std::sync::Arc;

use sqlparser::ast::{Select, TableFactor};

use super::Context;
use super::expr::{Scope, ScopeColumn};
use super::items::StarItem;
use crate::catalog::Source;
use crate::formats::SourceColumn;
use crate::functions::suggest::nearest;
use crate::sql::ast::Query;
use crate::sql::{SqlError, SqlType, sqlstate};

/// What a query reads. The scope's columns and `fields` go side by side: the source's own, then the pseudo columns.
pub struct Relation {
    pub source: Arc<Source>,
    pub scope: Scope,
    pub fields: Vec<SourceColumn>,
    /// The name that columns may be qualified with.
    pub alias: String,
}

impl Relation {
    /// Errors: 42P01 for an unknown name, 0A000 for anything but one stream or table.
    pub fn resolve(query: &Query, context: &Context<'_>) -> Result<Relation, SqlError> {
        let (name, alias) = single_table(&query.select).map_err(|e| e.at(Some(query.position)))?;
        let source = context.catalog.source(&name).cloned().ok_or_else(|| {
            unknown_source(&name, context.catalog.sources().map(|s| s.name.as_str())).at(Some(query.position))
        })?;
        let alias = alias.unwrap_or(name);
        let mut columns = Vec::new();
        let mut fields = Vec::new();
        let mut add = |name: &str, ty: SqlType, key: bool, field: SourceColumn| {
            columns.push(ScopeColumn { qualifier: Some(alias.clone()), name: name.to_owned(), ty, key });
            fields.push(field);
        };
        for (i, column) in source.columns.iter().enumerate() {
            add(&column.name, column.ty.clone(), column.key, SourceColumn::Column(i));
        }
        for (i, header) in source.headers.iter().enumerate() {
            add(&header.name, header.ty(), false, SourceColumn::Header(i));
        }
        add("ROWTIME", SqlType::BigInt, false, SourceColumn::RowTime);
        add("ROWPARTITION", SqlType::Int, false, SourceColumn::RowPartition);
        add("ROWOFFSET", SqlType::BigInt, false, SourceColumn::RowOffset);
        if source.window.is_some() {
            add("WINDOWSTART", SqlType::BigInt, true, SourceColumn::WindowStart);
            add("WINDOWEND", SqlType::BigInt, true, SourceColumn::WindowEnd);
        }
        Ok(Relation {
            scope: Scope { columns, types: context.catalog.custom_types().clone() },
            fields,
            alias,
            source,
        })
    }

    /// The scope's indices that `*` stands for: the source's columns, and the window of a windowed one.
    pub fn star(&self) -> impl Iterator<Item = usize> + '_ {
        self.fields.iter().enumerate().filter_map(|(i, field)| match field {
            SourceColumn::Column(_) | SourceColumn::Header(_) => Some(i),
            SourceColumn::WindowStart | SourceColumn::WindowEnd => Some(i),
            _ => None,
        })
    }

    /// The scope's indices of what a windowed key ends in: a window of a fixed size needs its start alone, a session
    /// both.
    pub fn window_bounds(&self) -> Vec<(&'static str, usize)> {
        let place = |field: SourceColumn| self.fields.iter().position(|f| *f == field);
        let start = place(SourceColumn::WindowStart).map(|index| ("WINDOWSTART", index));
        let session = self.source.window.is_some_and(|window| window.session);
        let end = place(SourceColumn::WindowEnd).filter(|_| session).map(|index| ("WINDOWEND", index));
        start.into_iter().chain(end).collect()
    }

    pub fn is_window_bound(&self, item: &StarItem) -> bool {
        match item {
            StarItem::Column(index) => {
                matches!(self.fields.get(*index), Some(SourceColumn::WindowStart | SourceColumn::WindowEnd))
            }
            StarItem::Key { .. } => false,
        }
    }
}

/// The error of a name that is no stream or table, with the nearest name that is.
pub fn unknown_source<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> SqlError {
    let error =
        SqlError::new(sqlstate::UNDEFINED_TABLE, format!("stream or table \"{name}\" does not exist"));
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error.hint("SHOW STREAMS and SHOW TABLES list what there is"),
    }
}

fn single_table(select: &Select) -> Result<(String, Option<String>), SqlError> {
    let [from] = select.from.as_slice() else {
        return Err(if select.from.is_empty() {
            SqlError::new(sqlstate::SYNTAX_ERROR, "a continuous query needs FROM")
        } else {
            SqlError::not_supported("several streams or tables in FROM")
        });
    };
    if !from.joins.is_empty() {
        return Err(SqlError::not_supported("JOIN"));
    }
    match &from.relation {
        TableFactor::Table { name, alias, args: None, .. } => {
            let parts: Vec<_> = name.0.iter().filter_map(|p| p.as_ident()).collect();
            // One schema, `public`: its name may be written.
            let ident = match parts.as_slice() {
                [ident] => ident,
                [schema, ident] if schema.value.eq_ignore_ascii_case("public") => ident,
                _ => {
                    return Err(SqlError::new(
                        sqlstate::UNDEFINED_TABLE,
                        format!("\"{name}\" does not exist"),
                    ));
                }
            };
            Ok((ident.value.clone(), alias.as_ref().map(|a| a.name.value.clone())))
        }
        _ => Err(SqlError::not_supported("anything but a stream or table in FROM of a continuous query")),
    }
}
