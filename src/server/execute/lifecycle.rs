//! TERMINATE, PAUSE and RESUME of queries.

use super::ddl::{holding, not_when_planning};
use super::{SqlServer, blocking};
use crate::server::session::{Outcome, SessionState};
use crate::sql::SqlError;
use crate::sql::ast::Name;

impl SqlServer {
    /// Ends a query, or all of them.
    pub(super) async fn terminate(
        &self,
        session: &SessionState,
        query: Option<&Name>,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        if session.dry_run.is_some() {
            return Err(not_when_planning("TERMINATE"));
        }
        let (ids, here) = (self.ids(query)?, query.map(|n| n.position));
        blocking(holding(one_at_a_time, move || ids.iter().try_for_each(|id| runtime.terminate(id))))
            .await
            .map_err(|e| e.at(here))?;
        Ok(Outcome::command("TERMINATE"))
    }

    /// Makes a query, or all of them, read nothing until they are resumed, also after a restart.
    pub(super) async fn set_paused(
        &self,
        session: &SessionState,
        query: Option<&Name>,
        paused: bool,
    ) -> Result<Outcome, SqlError> {
        let tag = if paused { "PAUSE" } else { "RESUME" };
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        if session.dry_run.is_some() {
            return Err(not_when_planning(tag));
        }
        let (ids, here) = (self.ids(query)?, query.map(|n| n.position));
        blocking(holding(one_at_a_time, move || runtime.set_paused(&ids, paused)))
            .await
            .map_err(|e| e.at(here))?;
        Ok(Outcome::command(tag))
    }

    fn ids(&self, query: Option<&Name>) -> Result<Vec<String>, SqlError> {
        Ok(match query {
            Some(name) => vec![name.value.clone()],
            None => self.runtime()?.catalog().queries().iter().map(|q| q.id.clone()).collect(),
        })
    }
}
