//! EXPLAIN of a statement or of a running query.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, SchemaRef};

use super::SqlServer;
use super::rows::{rows, schema as schema_of};
use crate::planner::explain::explain;
use crate::planner::{Context, QueryPlan, SourcePlan, plan_create, plan_persistent, plan_push};
use crate::server::session::{Outcome, SessionState};
use crate::sql::ast::{Explain, Name, SourceKind, Statement, StatementKind};
use crate::sql::{SqlError, sqlstate};

pub fn schema() -> SchemaRef {
    schema_of(&[("QUERY PLAN", DataType::Utf8)])
}

impl SqlServer {
    pub(super) async fn explain(&self, session: &SessionState, what: &Explain) -> Result<Outcome, SqlError> {
        let lines = match what {
            Explain::Query(name) => self.explain_query(name)?,
            Explain::Statement(statement) => self.explain_statement(session, statement).await?,
        };
        rows(schema(), vec![Arc::new(StringArray::from(lines))], "EXPLAIN")
    }

    fn explain_query(&self, name: &Name) -> Result<Vec<String>, SqlError> {
        let runtime = self.runtime()?;
        let query = runtime.query(&name.value).ok_or_else(|| {
            SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("query \"{}\" does not exist", name.value))
                .hint("SHOW QUERIES lists them")
                .at(Some(name.position))
        })?;
        let mut lines = vec![format!("Query {} ({})", query.def.id, query.stats.state.name().to_uppercase())];
        lines.extend(runtime.explain(&query.def)?);
        Ok(lines)
    }

    async fn explain_statement(
        &self,
        session: &SessionState,
        statement: &Statement,
    ) -> Result<Vec<String>, SqlError> {
        let runtime = self.runtime()?.clone();
        let catalog = self.catalog(session)?;
        let config = self.session_config(session)?;
        let (coalesce, defaults) = (config.cache_bytes > 0, &config.defaults);
        let mut names: Vec<String> = catalog.sources().map(|s| s.topic.clone()).collect();
        if let StatementKind::CreateAsSelect(create) = &statement.kind {
            names.push(format!("{}{}", defaults.topic_prefix, create.name.value));
        }
        let topics = self.partitions_of(&runtime, names).await?;
        let partitions = |topic: &str| topics.get(topic).copied().flatten();
        let context = Context { catalog: &catalog, partitions: &partitions, coalesce, defaults };
        let plan: QueryPlan = match &statement.kind {
            StatementKind::Push(query) => plan_push(query, &context)?,
            StatementKind::AdHoc(query) => return self.explain_adhoc(session, query).await,
            StatementKind::CreateSource(create) => {
                return Ok(declaration(&plan_create(create, &statement.text, &context)?));
            }
            other => {
                let persistent = plan_persistent(other, &statement.text, &context);
                persistent.unwrap_or_else(|| {
                    Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, "EXPLAIN is for queries")
                        .hint("explain a SELECT, a CREATE … AS SELECT or the id of a query")
                        .at(Some(statement.position)))
                })?
            }
        };
        let tasks = partitions(&plan.reads.topic);
        Ok(explain(&plan, tasks))
    }
}

/// A declaration runs nothing: what it would mean.
fn declaration(plan: &SourcePlan) -> Vec<String> {
    let (source, topic) = (&plan.source, &plan.topic);
    let title = if source.kind == SourceKind::Stream { "Stream" } else { "Table" };
    let made = match topic.partitions {
        Some(1) => ", made with 1 partition where it does not exist".to_owned(),
        Some(n) => format!(", made with {n} partitions where it does not exist"),
        None => ", which must exist".to_owned(),
    };
    let mut lines = vec![
        format!("{title} {}", source.name),
        format!("  Topic {}{made}", topic.name),
        format!("  Key {}, value {}", source.key_format, source.value_format),
    ];
    for row in super::describe::columns(source) {
        lines.push(format!("  Column {}", row.join(" ").trim_end()));
    }
    lines
}
