//! SELECT without EMIT: what [`AdHoc`](crate::server::adhoc::AdHoc) reads, found in the catalog.

mod tables;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use sqlparser::ast as sp;

use self::tables::CatalogTables;
use super::SqlServer;
use crate::catalog::Catalog;
use crate::runtime::Runtime;
use crate::runtime::status::QueryState;
use crate::server::adhoc::{Facts, Prepared};
use crate::server::session::{Description, Outcome, Plan, SessionState};
use crate::sql::{SqlError, sqlstate};

/// How long a query waits for a table whose state is being read back.
const RECOVERY_WAIT: Duration = Duration::from_secs(60);

/// A prepared query, with the catalog that it was planned against.
struct CatalogPlan {
    prepared: Prepared,
    catalog: Arc<Catalog>,
}

impl SqlServer {
    pub(super) async fn describe_adhoc(
        &self,
        session: &SessionState,
        query: &sp::Query,
        params: &[Option<DataType>],
    ) -> Result<Description, SqlError> {
        let plan = self.prepare(session, query, params, false)?;
        let (types, schema) = (plan.prepared.params.clone(), plan.prepared.schema.clone());
        let reusable = plan.prepared.reusable;
        let plan: Plan = Arc::new(plan);
        Ok(Description { params: types, columns: Some(schema), plan: reusable.then_some(plan) })
    }

    pub(super) async fn select(
        &self,
        session: &SessionState,
        query: &sp::Query,
        params: &[ScalarValue],
        plan: Option<&Plan>,
    ) -> Result<Outcome, SqlError> {
        if let Some(runtime) = self.runtime.get() {
            wait_for_tables(runtime, query).await?;
        }
        let described = plan.and_then(|p| p.downcast_ref::<CatalogPlan>());
        let rows = match described {
            Some(plan) if self.is_current(plan) => self.adhoc.run(&plan.prepared, params).await?,
            _ => {
                let types: Vec<_> = params.iter().map(|p| Some(p.data_type())).collect();
                let plan = self.prepare(session, query, &types, true)?;
                self.adhoc.run(&plan.prepared, params).await?
            }
        };
        Ok(Outcome::Rows(rows))
    }

    pub(super) async fn explain_adhoc(
        &self,
        session: &SessionState,
        query: &sp::Query,
    ) -> Result<Vec<String>, SqlError> {
        let plan = self.prepare(session, query, &[], false)?;
        self.adhoc.explain(&plan.prepared).await
    }

    fn is_current(&self, plan: &CatalogPlan) -> bool {
        self.runtime.get().is_some_and(|runtime| Arc::ptr_eq(&runtime.catalog(), &plan.catalog))
    }

    fn prepare(
        &self,
        session: &SessionState,
        query: &sp::Query,
        params: &[Option<DataType>],
        may_set: bool,
    ) -> Result<CatalogPlan, SqlError> {
        let facts = Facts {
            id: session.id,
            user: &session.user,
            database: &session.database,
            parameters: &session.parameters,
            may_set,
        };
        // Drivers ask about the session before the server is ready: that needs no table.
        let runtime = match self.runtime() {
            Ok(runtime) => Some(runtime.clone()),
            Err(error) if !relations(query).is_empty() => return Err(error),
            Err(_) => None,
        };
        let catalog = runtime.as_ref().map(|r| r.catalog()).unwrap_or_default();
        let tables =
            CatalogTables { runtime, catalog: catalog.clone(), pseudo: tables::pseudo_columns(query) };
        let prepared = self.adhoc.prepare(query, &facts, &tables, params)?;
        Ok(CatalogPlan { prepared, catalog })
    }
}

/// Waits until the state of each table in the query is there. Errors: 55000 where it is not in time, or its query failed.
async fn wait_for_tables(runtime: &Arc<Runtime>, query: &sp::Query) -> Result<(), SqlError> {
    let catalog = runtime.catalog();
    let deadline = Instant::now() + RECOVERY_WAIT;
    for name in relations(query) {
        let Some(id) = catalog.source(&name).and_then(|s| s.query.clone()) else { continue };
        if catalog.source(&name).is_some_and(|s| s.kind == crate::sql::ast::SourceKind::Stream) {
            continue;
        }
        // A query without GROUP BY has its table in the topic.
        while runtime.keeps_table(&id) && runtime.table(&id).is_none() {
            let Some(info) = runtime.query(&id) else { break };
            let failed = matches!(info.stats.state, QueryState::Retrying | QueryState::Failed);
            if failed || Instant::now() > deadline {
                let error = SqlError::new("55000", format!("the state of table \"{name}\" is not available"))
                    .hint("SHOW QUERIES tells how its query stands");
                return Err(match info.stats.last_error {
                    Some(reason) => error.detail(reason),
                    None => error.detail(format!("its query is {}", info.stats.state)),
                });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

/// The names of all relations in a query.
fn relations(query: &sp::Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _ = sp::visit_relations(query, |name| {
        names.extend(name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()));
        ControlFlow::<()>::Continue(())
    });
    names
}

/// No statement may be refused for want of a code.
pub(super) fn gone(name: &str) -> SqlError {
    SqlError::new(
        sqlstate::UNDEFINED_TABLE,
        format!("table \"{name}\" was dropped or its state is being read back"),
    )
}
