//! INSERT INTO … VALUES.

use datafusion::common::ScalarValue;

use super::ddl::not_when_planning;
use super::{SqlServer, blocking};
use crate::planner::plan_insert;
use crate::runtime::{InsertError, InsertRows, log_error};
use crate::server::session::{Outcome, SessionState};
use crate::sql::SqlError;
use crate::sql::ast::InsertValues;

impl SqlServer {
    pub(super) async fn insert_values(
        &self,
        session: &SessionState,
        insert: &InsertValues,
        params: &[ScalarValue],
    ) -> Result<Outcome, SqlError> {
        let plan = plan_insert(insert, &*self.catalog(session)?, params)?;
        if session.dry_run.is_some() {
            return Err(not_when_planning("INSERT"));
        }
        let runtime = self.runtime()?.clone();
        let count = blocking(move || {
            let rows = [InsertRows { rows: plan.rows, times: plan.times }];
            runtime.insert(&plan.source, &rows).map_err(|e| insert_error(&e))
        })
        .await?;
        Ok(Outcome::command(format!("INSERT 0 {count}")))
    }
}

pub(super) fn insert_error(error: &InsertError) -> SqlError {
    match error {
        InsertError::Log(error) => log_error(error),
        InsertError::Sql(error) => error.clone(),
    }
}
