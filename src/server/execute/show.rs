//! SHOW and LIST.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, SchemaRef};

use super::rows::{rows, schema as schema_of};
use super::{SqlServer, blocking, describe};
use crate::catalog::{Catalog, Source};
use crate::runtime::{QueryInfo, log_error};
use crate::server::session::{Outcome, SessionState};
use crate::sql::SqlError;
use crate::sql::ast::{Show, SourceKind};

const TEXT: DataType = DataType::Utf8;

/// The columns of each SHOW.
pub fn schema(show: &Show) -> SchemaRef {
    let mut columns: Vec<(&str, DataType)> = match show {
        Show::Streams { .. } => {
            vec![
                ("name", TEXT),
                ("topic", TEXT),
                ("key_format", TEXT),
                ("value_format", TEXT),
                ("query", TEXT),
            ]
        }
        Show::Tables { .. } => vec![
            ("name", TEXT),
            ("topic", TEXT),
            ("key_format", TEXT),
            ("value_format", TEXT),
            ("windowed", DataType::Boolean),
            ("query", TEXT),
        ],
        Show::Queries { .. } => vec![
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
        ],
        Show::Topics { .. } => {
            vec![("name", TEXT), ("partitions", DataType::Int32), ("replicas", DataType::Int32)]
        }
        Show::Functions => {
            vec![("name", TEXT), ("kind", TEXT), ("signatures", TEXT), ("summary", TEXT)]
        }
        Show::Types => vec![("name", TEXT), ("type", TEXT)],
        Show::Properties => vec![("name", TEXT), ("value", TEXT), ("source", TEXT), ("scope", TEXT)],
        Show::Variables => vec![("name", TEXT), ("value", TEXT)],
        Show::Parameter(name) => vec![(name, TEXT)],
    };
    columns.extend_from_slice(match show {
        Show::Streams { extended: true } | Show::Tables { extended: true } => {
            &[("columns", TEXT), ("read_by", TEXT), ("sql", TEXT)][..]
        }
        Show::Queries { extended: true } => &[
            ("partitions", DataType::Int32),
            ("epochs", DataType::Int64),
            ("rollbacks", DataType::Int64),
            ("state_rows", DataType::Int64),
            ("state_bytes", DataType::Int64),
            ("properties", TEXT),
            ("plan", TEXT),
        ],
        Show::Topics { extended: true, .. } => &[("sources", TEXT), ("written_by", TEXT), ("read_by", TEXT)],
        _ => &[],
    });
    schema_of(&columns)
}

impl SqlServer {
    pub(super) async fn show(&self, session: &SessionState, show: &Show) -> Result<Outcome, SqlError> {
        let columns = match show {
            Show::Streams { extended } => sources(&*self.catalog(session)?, SourceKind::Stream, *extended),
            Show::Tables { extended } => sources(&*self.catalog(session)?, SourceKind::Table, *extended),
            Show::Queries { extended } => self.queries(*extended)?,
            Show::Topics { all, extended } => self.topics(session, *all, *extended).await?,
            Show::Functions => functions(),
            Show::Types => {
                let catalog = self.catalog(session)?;
                vec![
                    text(catalog.custom_types().keys()),
                    text(catalog.custom_types().values().map(ToString::to_string)),
                ]
            }
            Show::Properties => self.properties(session)?,
            Show::Variables => {
                vec![text(session.variables.iter().map(|v| v.0)), text(session.variables.iter().map(|v| v.1))]
            }
            Show::Parameter(_) => return Err(SqlError::internal("the front answers SHOW of a parameter")),
        };
        rows(schema(show), columns, "SHOW")
    }

    async fn topics(
        &self,
        session: &SessionState,
        all: bool,
        extended: bool,
    ) -> Result<Vec<ArrayRef>, SqlError> {
        let runtime = self.runtime()?.clone();
        let topics = blocking(move || {
            let topics = runtime.log().topics().map_err(|e| log_error(&e))?;
            let names = runtime.names();
            // Kafka's own and those of this server are not the user's.
            Ok(topics
                .into_iter()
                .filter(|t| all || (!names.is_internal(&t.name) && !t.name.starts_with("__")))
                .collect::<Vec<_>>())
        })
        .await?;
        let mut columns = vec![
            text(topics.iter().map(|t| &t.name)),
            Arc::new(Int32Array::from_iter_values(topics.iter().map(|t| t.partitions))) as ArrayRef,
            Arc::new(Int32Array::from_iter_values(topics.iter().map(|t| i32::from(t.replicas)))),
        ];
        if extended {
            let catalog = self.catalog(session)?;
            let over = |topic: &str| -> Vec<&Arc<Source>> {
                catalog.sources().filter(|s| s.topic == topic).collect()
            };
            columns
                .push(names(topics.iter().map(|t| over(&t.name).iter().map(|s| s.name.clone()).collect())));
            columns.push(names(topics.iter().map(|t| {
                let writers = over(&t.name).into_iter().flat_map(|s| catalog.writers_of(&s.name));
                writers.map(|q| q.id.clone()).collect()
            })));
            columns.push(names(topics.iter().map(|t| {
                let readers = over(&t.name).into_iter().flat_map(|s| catalog.readers_of(&s.name));
                readers.map(|q| q.id.clone()).collect()
            })));
        }
        Ok(columns)
    }

    fn queries(&self, extended: bool) -> Result<Vec<ArrayRef>, SqlError> {
        let runtime = self.runtime()?;
        let list = runtime.queries();
        let mut columns = queries(&list);
        if extended {
            let number = |f: &dyn Fn(&QueryInfo) -> u64| -> ArrayRef {
                Arc::new(Int64Array::from_iter_values(list.iter().map(|q| f(q) as i64)))
            };
            columns.push(Arc::new(Int32Array::from_iter_values(list.iter().map(|q| q.def.partitions))));
            columns.push(number(&|q| q.stats.epochs));
            columns.push(number(&|q| q.stats.rollbacks));
            columns.push(number(&|q| q.stats.counters.state_rows as u64));
            columns.push(number(&|q| q.stats.counters.state_bytes as u64));
            columns.push(names(list.iter().map(|q| {
                q.def.properties.iter().map(|(name, value)| format!("{name} = {value}")).collect()
            })));
            columns.push(text(list.iter().map(|q| match runtime.explain(&q.def) {
                Ok(lines) => lines.join("\n"),
                Err(error) => error.to_string(),
            })));
        }
        Ok(columns)
    }

    fn properties(&self, session: &SessionState) -> Result<Vec<ArrayRef>, SqlError> {
        let all = self.session_settings(session).rows();
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

/// Lists of names, NULL where there is none.
fn names(lists: impl Iterator<Item = Vec<String>>) -> ArrayRef {
    let joined = lists.map(|mut list| {
        list.sort();
        (!list.is_empty()).then(|| list.join(", "))
    });
    Arc::new(joined.collect::<StringArray>())
}

fn sources(catalog: &Catalog, kind: SourceKind, extended: bool) -> Vec<ArrayRef> {
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
    if extended {
        columns.push(text(list.iter().map(|s| {
            let columns: Vec<_> =
                describe::columns(s).iter().map(|row| row.join(" ").trim_end().to_owned()).collect();
            columns.join(", ")
        })));
        let readers = |s: &Source| catalog.readers_of(&s.name).map(|q| q.id.clone()).collect();
        columns.push(names(list.iter().map(|s| readers(s))));
        columns.push(text(list.iter().map(|s| &s.sql)));
    }
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
