//! SHOW and LIST.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, SchemaRef};

use super::rows::{rows, schema as schema_of};
use super::{SqlServer, blocking};
use crate::catalog::{Catalog, Source};
use crate::runtime::{QueryInfo, log_error};
use crate::server::session::{Outcome, SessionState};
use crate::server::settings::Origin;
use crate::sql::SqlError;
use crate::sql::ast::{Show, SourceKind};

const TEXT: DataType = DataType::Utf8;

/// The columns of each SHOW.
pub fn schema(show: &Show) -> SchemaRef {
    match show {
        Show::Streams => schema_of(&[
            ("name", TEXT),
            ("topic", TEXT),
            ("key_format", TEXT),
            ("value_format", TEXT),
            ("query", TEXT),
        ]),
        Show::Tables => schema_of(&[
            ("name", TEXT),
            ("topic", TEXT),
            ("key_format", TEXT),
            ("value_format", TEXT),
            ("windowed", DataType::Boolean),
            ("query", TEXT),
        ]),
        Show::Queries => schema_of(&[
            ("id", TEXT),
            ("state", TEXT),
            ("reads", TEXT),
            ("sink", TEXT),
            ("rows_in", DataType::Int64),
            ("rows_out", DataType::Int64),
            ("lag", DataType::Int64),
            ("errors", DataType::Int64),
            ("late_rows", DataType::Int64),
            ("restarts", DataType::Int64),
            ("last_error", TEXT),
            ("sql", TEXT),
        ]),
        Show::Topics => {
            schema_of(&[("name", TEXT), ("partitions", DataType::Int32), ("replicas", DataType::Int32)])
        }
        Show::Functions => {
            schema_of(&[("name", TEXT), ("kind", TEXT), ("signatures", TEXT), ("summary", TEXT)])
        }
        Show::Properties => schema_of(&[("name", TEXT), ("value", TEXT), ("source", TEXT), ("scope", TEXT)]),
        Show::Variables => schema_of(&[("name", TEXT), ("value", TEXT)]),
        Show::Parameter(name) => schema_of(&[(name, TEXT)]),
    }
}

impl SqlServer {
    pub(super) async fn show(&self, session: &SessionState, show: &Show) -> Result<Outcome, SqlError> {
        let columns = match show {
            Show::Streams => sources(&*self.catalog(session)?, SourceKind::Stream),
            Show::Tables => sources(&*self.catalog(session)?, SourceKind::Table),
            Show::Queries => queries(&self.runtime()?.queries()),
            Show::Topics => self.topics().await?,
            Show::Functions => functions(),
            Show::Properties => self.properties(session)?,
            Show::Variables => {
                vec![text(session.variables.iter().map(|v| v.0)), text(session.variables.iter().map(|v| v.1))]
            }
            Show::Parameter(_) => return Err(SqlError::internal("the front answers SHOW of a parameter")),
        };
        rows(schema(show), columns, "SHOW")
    }

    async fn topics(&self) -> Result<Vec<ArrayRef>, SqlError> {
        let runtime = self.runtime()?.clone();
        let topics = blocking(move || {
            let topics = runtime.log().topics().map_err(|e| log_error(&e))?;
            let names = runtime.names();
            // Kafka's own and those of this server are not the user's.
            Ok(topics
                .into_iter()
                .filter(|t| !names.is_internal(&t.name) && !t.name.starts_with("__"))
                .collect::<Vec<_>>())
        })
        .await?;
        Ok(vec![
            text(topics.iter().map(|t| &t.name)),
            Arc::new(Int32Array::from_iter_values(topics.iter().map(|t| t.partitions))),
            Arc::new(Int32Array::from_iter_values(topics.iter().map(|t| i32::from(t.replicas)))),
        ])
    }

    fn properties(&self, session: &SessionState) -> Result<Vec<ArrayRef>, SqlError> {
        let mut settings = self.settings().clone();
        for (name, value) in &session.properties {
            // They were checked when they were set.
            let _ = settings.set(name, value, Origin::Session);
        }
        let all = settings.rows();
        Ok(vec![
            text(all.iter().map(|r| &r.name)),
            text(all.iter().map(|r| &r.value)),
            text(all.iter().map(|r| r.source)),
            text(all.iter().map(|r| r.scope)),
        ])
    }
}

fn text<S: AsRef<str>>(values: impl Iterator<Item = S>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn sources(catalog: &Catalog, kind: SourceKind) -> Vec<ArrayRef> {
    let list: Vec<&Arc<Source>> = catalog.sources().filter(|s| s.kind == kind).collect();
    let mut columns = vec![
        text(list.iter().map(|s| &s.name)),
        text(list.iter().map(|s| &s.topic)),
        text(list.iter().map(|s| s.key_format.to_string())),
        text(list.iter().map(|s| s.value_format.to_string())),
    ];
    if kind == SourceKind::Table {
        let windowed = list.iter().map(|s| Some(s.window.is_some()));
        columns.push(Arc::new(arrow::array::BooleanArray::from_iter(windowed)));
    }
    columns.push(Arc::new(StringArray::from_iter(list.iter().map(|s| s.query.as_deref()))));
    columns
}

fn queries(list: &[QueryInfo]) -> Vec<ArrayRef> {
    let number = |f: fn(&QueryInfo) -> Option<i64>| -> ArrayRef {
        Arc::new(Int64Array::from_iter(list.iter().map(f)))
    };
    vec![
        text(list.iter().map(|q| &q.def.id)),
        text(list.iter().map(|q| q.stats.state.name().to_uppercase())),
        text(list.iter().map(|q| &q.def.reads)),
        text(list.iter().map(|q| &q.def.sink)),
        number(|q| Some(q.stats.counters.rows_in as i64)),
        number(|q| Some(q.stats.counters.rows_out as i64)),
        number(|q| q.stats.lag.iter().copied().sum::<Option<i64>>().filter(|_| !q.stats.lag.is_empty())),
        number(|q| Some(q.stats.counters.errors as i64)),
        number(|q| Some(q.stats.counters.late_rows as i64)),
        number(|q| Some(q.stats.restarts as i64)),
        Arc::new(StringArray::from_iter(list.iter().map(|q| q.stats.last_error.as_deref()))),
        text(list.iter().map(|q| &q.def.sql)),
    ]
}

fn functions() -> Vec<ArrayRef> {
    let list = crate::functions::list();
    vec![
        text(list.iter().map(|f| f.name)),
        text(list.iter().map(|f| f.kind.to_string())),
        text(list.iter().map(|f| f.signatures.join(", "))),
        text(list.iter().map(|f| f.summary)),
    ]
}
