//! DROP, ALTER, CREATE TYPE and DROP TYPE: changes of the catalog that start no query.

use std::sync::Arc;

use super::ddl::{applied, holding, not_when_planning, tag};
use super::{SqlServer, blocking};
use crate::catalog::Command;
use crate::planner::{plan_alter, plan_create_type, plan_drop, plan_drop_type};
use crate::server::apply::Outcome as Applied;
use crate::server::session::{Notice, Outcome, SessionState};
use crate::sql::ast::{AlterSource, CreateType, DropSource, Name, Statement};
use crate::sql::{SqlError, sqlstate};

impl SqlServer {
    pub(super) async fn drop_source(
        &self,
        session: &SessionState,
        drop: &DropSource,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let (here, tag) = (Some(drop.name.position), tag("DROP", drop.kind));
        let Some(source) = plan_drop(drop, &*self.catalog(session)?)? else {
            let text = format!("{} \"{}\" does not exist, skipping", drop.kind, drop.name.value);
            return Ok(Outcome::Command { tag, notices: vec![Notice::notice(text)] });
        };
        let delete_topic = drop.delete_topic;
        if delete_topic && runtime.names().is_internal(&source.topic) {
            return Err(SqlError::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("topic \"{}\" is the server's own and cannot be deleted", source.topic),
            )
            .at(here));
        }
        if session.dry_run.is_some() {
            return Err(not_when_planning("DROP"));
        }
        let of_work = runtime.clone();
        blocking(holding(one_at_a_time, move || of_work.drop_source(&source, delete_topic)))
            .await
            .map_err(|e| e.at(here))?;
        Ok(Outcome::command(tag))
    }

    pub(super) async fn alter_source(
        &self,
        session: &SessionState,
        alter: &AlterSource,
        statement: &Statement,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let source = plan_alter(alter, &statement.text, &*self.catalog(session)?)?;
        if session.dry_run.is_some() {
            return Err(not_when_planning("ALTER"));
        }
        let of_work = runtime.clone();
        blocking(holding(one_at_a_time, move || of_work.change(Command::PutSource(source)))).await?;
        Ok(Outcome::command(tag("ALTER", alter.kind)))
    }

    pub(super) async fn create_type(
        &self,
        session: &mut SessionState,
        create: &CreateType,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let catalog = self.catalog(session)?;
        if session.apply && self.is_same_type(create, &catalog) {
            return Ok(applied("CREATE TYPE".into(), Applied::Unchanged));
        }
        let Some(command) = plan_create_type(create, &catalog)? else {
            let text = format!("type \"{}\" already exists, skipping", create.name.value);
            let notices = match session.apply {
                true => return Ok(applied("CREATE TYPE".into(), Applied::Unchanged)),
                false => vec![Notice::notice(text)],
            };
            return Ok(Outcome::Command { tag: "CREATE TYPE".into(), notices });
        };
        if let Some(dry_run) = &mut session.dry_run {
            let mut catalog = dry_run.catalog.as_ref().clone();
            catalog.apply(command);
            dry_run.catalog = Arc::new(catalog);
            return Ok(applied("CREATE TYPE".into(), Applied::WouldCreate));
        }
        let of_work = runtime.clone();
        blocking(holding(one_at_a_time, move || of_work.change(command))).await?;
        Ok(match session.apply {
            true => applied("CREATE TYPE".into(), Applied::Created),
            false => Outcome::command("CREATE TYPE"),
        })
    }

    pub(super) async fn drop_type(
        &self,
        session: &SessionState,
        name: &Name,
        if_exists: bool,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let Some(command) = plan_drop_type(name, if_exists, &*self.catalog(session)?)? else {
            let notice = Notice::notice(format!("type \"{}\" does not exist, skipping", name.value));
            return Ok(Outcome::Command { tag: "DROP TYPE".into(), notices: vec![notice] });
        };
        if session.dry_run.is_some() {
            return Err(not_when_planning("DROP TYPE"));
        }
        let of_work = runtime.clone();
        blocking(holding(one_at_a_time, move || of_work.change(command))).await?;
        Ok(Outcome::command("DROP TYPE"))
    }

    fn is_same_type(&self, create: &CreateType, catalog: &crate::catalog::Catalog) -> bool {
        let ty = create.ty.resolve(&|name| catalog.custom_type(name).cloned());
        catalog.custom_type(&create.name.value).is_some_and(|there| ty.is_ok_and(|ty| *there == ty))
    }
}
