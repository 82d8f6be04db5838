//! DESCRIBE a stream or table.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, SchemaRef};

use super::SqlServer;
use super::rows::{rows, schema as schema_of};
use crate::catalog::{Column, Source};
use crate::planner::explain::window_text;
use crate::planner::unknown_source;
use crate::server::session::{Outcome, SessionState};
use crate::sql::SqlError;
use crate::sql::ast::{Name, SourceKind};

/// A row a column; EXTENDED has a row a property in front of them.
pub fn schema(extended: bool) -> SchemaRef {
    const TEXT: DataType = DataType::Utf8;
    if extended {
        schema_of(&[("property", TEXT), ("value", TEXT)])
    } else {
        schema_of(&[("column", TEXT), ("type", TEXT), ("role", TEXT)])
    }
}

impl SqlServer {
    pub(super) fn describe_source(
        &self,
        session: &SessionState,
        name: &Name,
        extended: bool,
    ) -> Result<Outcome, SqlError> {
        let catalog = self.catalog(session)?;
        let source = catalog.source(&name.value).ok_or_else(|| {
            unknown_source(&name.value, catalog.sources().map(|s| s.name.as_str())).at(Some(name.position))
        })?;
        let table: Vec<Vec<String>> =
            if extended { self.extended(source, &catalog) } else { columns(source) };
        let width = if extended { 2 } else { 3 };
        let arrays = (0..width)
            .map(|i| {
                let cells = table.iter().map(|row| row.get(i).map(String::as_str));
                Arc::new(StringArray::from_iter(cells)) as _
            })
            .collect();
        rows(schema(extended), arrays, "DESCRIBE")
    }

    fn extended(&self, source: &Source, catalog: &crate::catalog::Catalog) -> Vec<Vec<String>> {
        let mut list: Vec<(String, String)> = vec![
            ("name".into(), source.name.clone()),
            ("kind".into(), source.kind.to_string()),
            ("topic".into(), source.topic.clone()),
            ("key format".into(), source.key_format.to_string()),
            ("value format".into(), source.value_format.to_string()),
        ];
        if let Some(timestamp) = &source.timestamp {
            let format = timestamp.format.as_ref().map(|f| format!(" as {f}")).unwrap_or_default();
            list.push(("timestamp".into(), format!("{}{format}", timestamp.column)));
        }
        if let Some(window) = &source.window {
            list.push(("window".into(), window_text(window)));
        }
        if let Some(id) = &source.query {
            list.push(("written by".into(), id.clone()));
            if let Ok(runtime) = self.runtime()
                && let Some(query) = runtime.query(id)
            {
                let counters = &query.stats.counters;
                list.push(("query state".into(), query.stats.state.name().to_uppercase()));
                list.push(("rows in".into(), counters.rows_in.to_string()));
                list.push(("rows out".into(), counters.rows_out.to_string()));
                list.push(("state rows".into(), counters.state_rows.to_string()));
                list.push(("state bytes".into(), counters.state_bytes.to_string()));
                list.push(("late rows".into(), counters.late_rows.to_string()));
                list.push(("errors".into(), counters.errors.to_string()));
                list.extend(query.stats.last_error.clone().map(|e| ("last error".into(), e)));
            }
        }
        let readers: Vec<_> = catalog.readers_of(&source.name).map(|q| q.id.clone()).collect();
        if !readers.is_empty() {
            list.push(("read by".into(), readers.join(", ")));
        }
        if !source.sql.is_empty() {
            list.push(("statement".into(), source.sql.clone()));
        }
        for row in columns(source) {
            let role = row.get(2).filter(|r| !r.is_empty()).map(|r| format!(" {r}")).unwrap_or_default();
            if let [name, ty, ..] = row.as_slice() {
                list.push((format!("column {name}"), format!("{ty}{role}")));
            }
        }
        list.into_iter().map(|(name, value)| vec![name, value]).collect()
    }
}

fn columns(source: &Source) -> Vec<Vec<String>> {
    let role = |column: &Column| match (column.key, source.kind) {
        (false, _) => "",
        (true, SourceKind::Stream) => "KEY",
        (true, SourceKind::Table) => "PRIMARY KEY",
    };
    let mut table: Vec<Vec<String>> =
        source.columns.iter().map(|c| vec![c.name.clone(), c.ty.to_string(), role(c).into()]).collect();
    if source.window.is_some() {
        for name in ["WINDOWSTART", "WINDOWEND"] {
            table.push(vec![name.into(), "BIGINT".into(), "WINDOW".into()]);
        }
    }
    table
}
