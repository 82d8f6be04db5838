//! INSERT INTO … SELECT: one more query that writes a stream.

use super::ddl::{applied, holding, not_when_planning};
use super::{SqlServer, blocking};
use crate::planner::{Context, plan_insert_select};
use crate::server::apply::Outcome as Applied;
use crate::server::session::{Notice, Outcome, SessionState};
use crate::sql::SqlError;
use crate::sql::ast::{InsertSelect, Statement};

impl SqlServer {
    pub(super) async fn insert_select(
        &self,
        session: &mut SessionState,
        insert: &InsertSelect,
        statement: &Statement,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let catalog = self.catalog(session)?;
        let config = self.session_config(session)?;
        let names = catalog.sources().map(|s| s.topic.clone()).collect();
        let mut topics = self.partitions_of(&runtime, names).await?;
        if let Some(dry_run) = &session.dry_run {
            topics.extend(dry_run.topics.iter().map(|(name, partitions)| (name.clone(), Some(*partitions))));
        }
        let partitions = |topic: &str| topics.get(topic).copied().flatten();
        let coalesce = config.cache_bytes > 0;
        let defaults = &config.defaults;
        let context = Context { catalog: &catalog, partitions: &partitions, coalesce, defaults };
        let plan = plan_insert_select(insert, &context)?;
        let here = Some(insert.name.position);
        if session.dry_run.is_some() {
            return Err(not_when_planning("INSERT INTO … SELECT").at(here));
        }
        // To apply a script again changes nothing.
        let known = catalog.writers_of(&insert.name.value).any(|query| query.sql == statement.text);
        if session.apply && known {
            return Ok(applied("INSERT".to_owned(), Applied::Unchanged));
        }
        let properties = self.properties_of_query(session);
        let sql = statement.text.clone();
        let create = move || runtime.create_query(plan, &sql, properties, None);
        let id = blocking(holding(one_at_a_time, create)).await.map_err(|e| e.at(here))?;
        if session.apply {
            return Ok(applied("INSERT".to_owned(), Applied::Created));
        }
        let notices = vec![Notice::notice(format!("created query {id}"))];
        Ok(Outcome::Command { tag: "INSERT 0 0".to_owned(), notices })
    }
}
