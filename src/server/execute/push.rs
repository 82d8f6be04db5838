//! SELECT … EMIT CHANGES: rows to the client as they are committed.

use arrow::datatypes::SchemaRef;
use futures::StreamExt;

use super::{SqlServer, blocking};
use crate::catalog::Catalog;
use crate::engine::topology::StageOutput;
use crate::planner::{Context, QueryPlan, plan_push};
use crate::runtime::{QueryConfig, query_error};
use crate::server::session::{Description, Outcome, RowStream, RowTag, SessionState};
use crate::sql::SqlError;
use crate::sql::ast::Query;

impl SqlServer {
    pub(super) fn describe_push(
        &self,
        session: &SessionState,
        query: &Query,
    ) -> Result<Description, SqlError> {
        let (_, schema) = plan(query, &*self.catalog(session)?, &self.session_config(session)?)?;
        Ok(super::rows::description(schema))
    }

    pub(super) async fn push(&self, session: &SessionState, query: &Query) -> Result<Outcome, SqlError> {
        let config = self.session_config(session)?;
        let (plan, schema) = plan(query, &*self.catalog(session)?, &config)?;
        let (runtime, of_work) = (self.runtime()?.clone(), schema.clone());
        let rows =
            blocking(move || runtime.push(&plan, of_work, &config).map_err(|e| query_error(&e))).await?;
        let batches = rows.map(|batch| batch.map_err(|e| query_error(&e))).boxed();
        Ok(Outcome::Rows(RowStream { schema, batches, live: true, tag: RowTag::Counted("SELECT") }))
    }
}

fn plan(query: &Query, catalog: &Catalog, config: &QueryConfig) -> Result<(QueryPlan, SchemaRef), SqlError> {
    // A push query makes no topic, so it asks for none.
    let coalesce = config.cache_bytes > 0;
    let context = Context { catalog, partitions: &|_| None, coalesce, defaults: &config.defaults };
    let plan = plan_push(query, &context)?;
    let schema = match plan.topology.stages.last().map(|s| &s.output) {
        Some(StageOutput::Rows { schema }) => schema.clone(),
        _ => return Err(SqlError::internal("a push query without rows")),
    };
    Ok((plan, schema))
}
