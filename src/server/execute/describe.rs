//! DESCRIBE: a stream or table, all of them, or a function.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, SchemaRef};

use super::SqlServer;
use super::rows::{rows, schema as schema_of};
use crate::catalog::{Catalog, Column, Source};
use crate::functions::suggest::nearest;
use crate::planner::explain::window_text;
use crate::planner::unknown_source;
use crate::server::session::{Outcome, SessionState};
use crate::sql::ast::{Describe, Name, SourceKind};
use crate::sql::{SqlError, sqlstate};

/// A row a column, with EXTENDED a row a property; of all streams or tables with the name in front.
pub fn schema(what: &Describe) -> SchemaRef {
    const TEXT: DataType = DataType::Utf8;
    match what {
        Describe::Source { extended: false, .. } => {
            schema_of(&[("column", TEXT), ("type", TEXT), ("role", TEXT)])
        }
        Describe::All { extended: false, .. } => {
            schema_of(&[("name", TEXT), ("column", TEXT), ("type", TEXT), ("role", TEXT)])
        }
        Describe::All { extended: true, .. } => {
            schema_of(&[("name", TEXT), ("property", TEXT), ("value", TEXT)])
        }
        Describe::Source { extended: true, .. } | Describe::Function(_) => {
            schema_of(&[("property", TEXT), ("value", TEXT)])
        }
    }
}

impl SqlServer {
    pub(super) fn describe_what(&self, session: &SessionState, what: &Describe) -> Result<Outcome, SqlError> {
        let catalog = self.catalog(session)?;
        let table = match what {
            Describe::Source { name, extended } => {
                let source = catalog.source(&name.value).ok_or_else(|| {
                    unknown_source(&name.value, catalog.sources().map(|s| s.name.as_str()))
                        .at(Some(name.position))
                })?;
                self.source_rows(source, &catalog, *extended)
            }
            Describe::All { kind, extended } => {
                let mut table = Vec::new();
                for source in catalog.sources().filter(|s| s.kind == *kind) {
                    for row in self.source_rows(source, &catalog, *extended) {
                        table.push(std::iter::once(source.name.clone()).chain(row).collect());
                    }
                }
                table
            }
            Describe::Function(name) => function(name)?,
        };
        let schema = schema(what);
        let arrays = (0..schema.fields().len())
            .map(|i| {
                let cells = table.iter().map(|row| row.get(i).map(String::as_str));
                Arc::new(StringArray::from_iter(cells)) as _
            })
            .collect();
        rows(schema, arrays, "DESCRIBE")
    }

    fn source_rows(&self, source: &Source, catalog: &Catalog, extended: bool) -> Vec<Vec<String>> {
        if extended { self.extended(source, catalog) } else { columns(source) }
    }

    fn extended(&self, source: &Source, catalog: &Catalog) -> Vec<Vec<String>> {
        let mut list: Vec<(String, String)> = vec![
            ("name".into(), source.name.clone()),
            ("kind".into(), source.kind.to_string()),
            ("topic".into(), source.topic.clone()),
            ("key format".into(), source.key_format.to_string()),
            ("value format".into(), source.value_format.to_string()),
        ];
        if source.read_only {
            list.push(("source".into(), "true: it can be read only".into()));
        }
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
        let inserts: Vec<_> = catalog
            .writers_of(&source.name)
            .filter(|q| source.query.as_deref() != Some(q.id.as_str()))
            .map(|q| q.id.clone())
            .collect();
        if !inserts.is_empty() {
            list.push(("inserted into by".into(), inserts.join(", ")));
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

/// A row a property of a function, one for each of its signatures.
fn function(name: &Name) -> Result<Vec<Vec<String>>, SqlError> {
    let all = crate::functions::list();
    let Some(found) = all.iter().find(|f| f.name == name.value) else {
        let error =
            SqlError::new(sqlstate::UNDEFINED_FUNCTION, format!("function {} does not exist", name.value));
        let hint = match nearest(&name.value, all.iter().map(|f| f.name)) {
            Some(near) => format!("did you mean {near}?"),
            None => "SHOW FUNCTIONS lists what there is".to_owned(),
        };
        return Err(error.hint(hint).at(Some(name.position)));
    };
    let mut table = vec![
        vec!["name".to_owned(), found.name.to_owned()],
        vec!["kind".to_owned(), found.kind.to_string()],
        vec!["summary".to_owned(), found.summary.to_owned()],
    ];
    table.extend(found.signatures.iter().map(|s| vec!["signature".to_owned(), s.clone()]));
    Ok(table)
}

pub(super) fn columns(source: &Source) -> Vec<Vec<String>> {
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
