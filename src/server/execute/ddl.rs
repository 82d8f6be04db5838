//! CREATE, DROP and TERMINATE: statements that change the catalog, one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::{SqlServer, blocking};
use crate::catalog::{Catalog, Command, Source};
use crate::planner::explain::explain;
use crate::planner::{Context, QueryPlan, check_replace, plan_create, plan_create_as, unknown_source};
use crate::runtime::{QUERY_PROPERTIES, Runtime};
use crate::server::apply::Outcome as Applied;
use crate::server::session::{Notice, Outcome, SessionState};
use crate::sql::ast::{CreateAsSelect, CreateSource, DropSource, Name, SourceKind, Statement};
use crate::sql::{SqlError, sqlstate};

/// What a CREATE finds under its name.
enum Existing {
    Nothing,
    /// IF NOT EXISTS: there is one, whatever it looks like.
    Skip,
    Replace(Arc<Source>),
}

impl SqlServer {
    pub(super) async fn create_source(
        &self,
        session: &mut SessionState,
        create: &CreateSource,
        statement: &Statement,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let catalog = self.catalog(session)?;
        let plan = plan_create(create, &statement.text, &|_| None)?;
        let tag = tag("CREATE", create.kind);
        // The result of a query is something else than a declaration of its columns.
        let unchanged = |there: &Source| there.query.is_none() && same_source(there, &plan.source);
        let found = existing(
            &catalog,
            &create.name,
            create.or_replace,
            create.if_not_exists,
            session.apply,
            &unchanged,
        )?;
        let replaced = matches!(found, Existing::Replace(_));
        match found {
            Existing::Nothing => {}
            Existing::Skip => return Ok(skipped(session, create.kind, &create.name, &tag)),
            Existing::Replace(there) => {
                if unchanged(&there) {
                    return Ok(skipped(session, create.kind, &create.name, &tag));
                }
                check_declared_replace(&there, &plan.source, &catalog)
                    .map_err(|e| e.at(Some(create.name.position)))?;
            }
        }
        if let Some(dry_run) = &mut session.dry_run {
            let mut catalog = dry_run.catalog.as_ref().clone();
            let asked = plan.topic.partitions;
            match self.topic_partitions(&runtime, &plan.topic.name).await?.or(asked) {
                Some(partitions) => dry_run.topics.insert(plan.topic.name.clone(), partitions),
                None => return Err(runtime_no_topic(&plan.topic.name)),
            };
            catalog.apply(Command::PutSource(plan.source));
            dry_run.catalog = Arc::new(catalog);
            return Ok(applied(tag, if replaced { Applied::WouldReplace } else { Applied::WouldCreate }));
        }
        let of_work = runtime.clone();
        blocking(holding(one_at_a_time, move || of_work.create_source(plan)))
            .await
            .map_err(|e| e.at(Some(create.name.position)))?;
        Ok(made(session, tag, replaced))
    }

    pub(super) async fn create_as_select(
        &self,
        session: &mut SessionState,
        create: &CreateAsSelect,
        statement: &Statement,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let catalog = self.catalog(session)?;
        let config = self.session_config(session)?;
        let topics = self.topics_of(&runtime, session, &catalog, create).await?;
        let partitions = |topic: &str| topics.get(topic).copied().flatten();
        let coalesce = config.cache_bytes > 0;
        let context = Context { catalog: &catalog, partitions: &partitions, coalesce };
        let plan = plan_create_as(create, &statement.text, &context)?;
        let tag = tag("CREATE", create.kind);
        let same = |there: &Source| self.same_query(&runtime, &catalog, there, &plan);
        let existing =
            existing(&catalog, &create.name, create.or_replace, create.if_not_exists, session.apply, &same)?;
        let replaces = match existing {
            Existing::Nothing => None,
            Existing::Skip => return Ok(skipped(session, create.kind, &create.name, &tag)),
            Existing::Replace(there) if same(&there) => {
                return Ok(skipped(session, create.kind, &create.name, &tag));
            }
            Existing::Replace(there) => {
                let here = Some(create.name.position);
                let id = there.query.as_deref().ok_or_else(|| replaces_declared(&there).at(here))?;
                let def =
                    catalog.query(id).cloned().ok_or_else(|| SqlError::internal("a sink without a query"))?;
                let old = runtime.plan_of(&def, &config)?;
                check_replace(&old, &plan).map_err(|e| e.at(here))?;
                Some(def)
            }
        };
        if let Some(dry_run) = &mut session.dry_run {
            let mut catalog = dry_run.catalog.as_ref().clone();
            if let Some(sink) = plan.sink {
                dry_run.topics.insert(sink.topic.name.clone(), sink.partitions);
                catalog.apply(Command::PutSource(sink.source));
            }
            dry_run.catalog = Arc::new(catalog);
            let replaced = replaces.is_some();
            return Ok(applied(tag, if replaced { Applied::WouldReplace } else { Applied::WouldCreate }));
        }
        let replaced = replaces.is_some();
        let properties: BTreeMap<String, String> = session
            .properties
            .iter()
            .filter(|(name, _)| QUERY_PROPERTIES.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let (of_work, sql) = (runtime.clone(), statement.text.clone());
        let id =
            blocking(holding(one_at_a_time, move || of_work.create_query(plan, &sql, properties, replaces)))
                .await
                .map_err(|e| e.at(Some(create.name.position)))?;
        if session.apply {
            return Ok(made(session, tag, replaced));
        }
        let verb = if replaced { "replaced" } else { "created" };
        Ok(Outcome::Command { tag, notices: vec![Notice::notice(format!("{verb} query {id}"))] })
    }

    pub(super) async fn drop_source(
        &self,
        session: &SessionState,
        drop: &DropSource,
    ) -> Result<Outcome, SqlError> {
        let runtime = self.runtime()?.clone();
        let one_at_a_time = runtime.ddl().clone().lock_owned().await;
        let catalog = self.catalog(session)?;
        let (here, tag) = (Some(drop.name.position), tag("DROP", drop.kind));
        let Some(source) = catalog.source(&drop.name.value).cloned() else {
            if drop.if_exists {
                let text = format!("{} \"{}\" does not exist, skipping", drop.kind, drop.name.value);
                return Ok(Outcome::Command { tag, notices: vec![Notice::notice(text)] });
            }
            return Err(unknown_source(&drop.name.value, catalog.sources().map(|s| s.name.as_str())).at(here));
        };
        if source.kind != drop.kind {
            return Err(SqlError::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("\"{}\" is a {}, not a {}", source.name, source.kind, drop.kind),
            )
            .hint(format!("use DROP {}", source.kind.to_string().to_uppercase()))
            .at(here));
        }
        if source.internal {
            return Err(SqlError::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("\"{}\" is the server's own", source.name),
            )
            .at(here));
        }
        let readers: Vec<_> = catalog.readers_of(&source.name).map(|q| q.id.clone()).collect();
        if !readers.is_empty() {
            return Err(SqlError::new(
                sqlstate::DEPENDENT_OBJECTS,
                format!("cannot drop \"{}\" because queries read it", source.name),
            )
            .detail(format!("read by {}", readers.join(", ")))
            .hint("TERMINATE them or drop what they write first")
            .at(here));
        }
        let others: Vec<_> = catalog
            .sources()
            .filter(|s| drop.delete_topic && s.topic == source.topic && s.name != source.name)
            .map(|s| s.name.clone())
            .collect();
        if !others.is_empty() {
            return Err(SqlError::new(
                sqlstate::DEPENDENT_OBJECTS,
                format!("cannot delete topic \"{}\" because others are declared over it", source.topic),
            )
            .detail(format!("used by {}", others.join(", ")))
            .hint("leave DELETE TOPIC out, or drop the others first")
            .at(here));
        }
        if session.dry_run.is_some() {
            return Err(not_when_planning("DROP"));
        }
        let delete_topic = drop.delete_topic;
        let of_work = runtime.clone();
        blocking(holding(one_at_a_time, move || of_work.drop_source(&source, delete_topic)))
            .await
            .map_err(|e| e.at(here))?;
        Ok(Outcome::command(tag))
    }

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
        let ids: Vec<String> = match query {
            Some(name) => vec![name.value.clone()],
            None => runtime.catalog().queries().iter().map(|q| q.id.clone()).collect(),
        };
        let (of_work, here) = (runtime.clone(), query.map(|n| n.position));
        blocking(holding(one_at_a_time, move || ids.iter().try_for_each(|id| of_work.terminate(id))))
            .await
            .map_err(|e| e.at(here))?;
        Ok(Outcome::command("TERMINATE"))
    }

    /// The partitions of the topics that a query may meet: of every source, and of its sink.
    async fn topics_of(
        &self,
        runtime: &Arc<Runtime>,
        session: &SessionState,
        catalog: &Catalog,
        create: &CreateAsSelect,
    ) -> Result<BTreeMap<String, Option<i32>>, SqlError> {
        let mut names: Vec<String> = catalog.sources().map(|s| s.topic.clone()).collect();
        names.push(create.name.value.clone());
        names.extend(create.with.iter().filter(|p| p.name.value == "KAFKA_TOPIC").filter_map(|p| {
            match &p.value {
                crate::sql::ast::PropertyValue::String(topic) => Some(topic.trim().to_owned()),
                _ => None,
            }
        }));
        let mut topics = self.partitions_of(runtime, names).await?;
        if let Some(dry_run) = &session.dry_run {
            topics.extend(dry_run.topics.iter().map(|(name, partitions)| (name.clone(), Some(*partitions))));
        }
        Ok(topics)
    }

    /// The partitions of topics, None for those that do not exist. One look at the log for all of them.
    pub(super) async fn partitions_of(
        &self,
        runtime: &Arc<Runtime>,
        names: Vec<String>,
    ) -> Result<BTreeMap<String, Option<i32>>, SqlError> {
        let runtime = runtime.clone();
        blocking(move || {
            let topics = runtime.log().topics().map_err(|e| crate::runtime::log_error(&e))?;
            let there: BTreeMap<String, i32> = topics.into_iter().map(|t| (t.name, t.partitions)).collect();
            Ok(names.into_iter().map(|name| (name.clone(), there.get(&name).copied())).collect())
        })
        .await
    }

    async fn topic_partitions(&self, runtime: &Arc<Runtime>, topic: &str) -> Result<Option<i32>, SqlError> {
        let topics = self.partitions_of(runtime, vec![topic.to_owned()]).await?;
        Ok(topics.get(topic).copied().flatten())
    }

    /// Whether the query that writes a stream or table is this one.
    fn same_query(&self, runtime: &Runtime, catalog: &Catalog, there: &Source, plan: &QueryPlan) -> bool {
        let Some(sink) = &plan.sink else { return false };
        let def = there.query.as_ref().and_then(|id| catalog.query(id));
        let Some(def) = def else { return false };
        let old =
            runtime.config().query.with(&def.properties).and_then(|config| runtime.plan_of(def, &config));
        old.is_ok_and(|old| same_source(there, &sink.source) && explain(&old, None) == explain(plan, None))
    }
}

fn existing(
    catalog: &Catalog,
    name: &Name,
    or_replace: bool,
    if_not_exists: bool,
    apply: bool,
    unchanged: &dyn Fn(&Source) -> bool,
) -> Result<Existing, SqlError> {
    let Some(there) = catalog.source(&name.value) else { return Ok(Existing::Nothing) };
    if if_not_exists || (apply && unchanged(there)) {
        return Ok(Existing::Skip);
    }
    if or_replace && !there.internal {
        return Ok(Existing::Replace(there.clone()));
    }
    let error = SqlError::new(
        sqlstate::DUPLICATE_TABLE,
        if apply {
            format!("{} \"{}\" already exists and differs from this statement", there.kind, there.name)
        } else {
            format!("{} \"{}\" already exists", there.kind, there.name)
        },
    );
    Err(error.hint("use CREATE OR REPLACE to change it, or DROP it first").at(Some(name.position)))
}

/// Work that keeps the lock on the catalog until it is done, also where the client does not wait for it.
fn holding<T>(lock: OwnedMutexGuard<()>, work: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    move || {
        let _one_at_a_time = lock;
        work()
    }
}

/// The answer where nothing is to be done.
fn skipped(session: &SessionState, kind: SourceKind, name: &Name, tag: &str) -> Outcome {
    if session.apply {
        return applied(tag.to_owned(), Applied::Unchanged);
    }
    let text = format!("{kind} \"{}\" already exists, skipping", name.value);
    Outcome::Command { tag: tag.to_owned(), notices: vec![Notice::notice(text)] }
}

/// The answer to `rivermill apply`.
fn applied(tag: String, outcome: Applied) -> Outcome {
    Outcome::Command { tag, notices: vec![Notice::notice(outcome.notice())] }
}

fn made(session: &SessionState, tag: String, replaced: bool) -> Outcome {
    match (session.apply, replaced) {
        (false, _) => Outcome::command(tag),
        (true, true) => applied(tag, Applied::Replaced),
        (true, false) => applied(tag, Applied::Created),
    }
}

pub(super) fn not_when_planning(what: &str) -> SqlError {
    SqlError::new(sqlstate::WRONG_OBJECT_TYPE, format!("{what} cannot be planned"))
        .hint("only CREATE statements can be run with --dry-run")
}

fn tag(verb: &str, kind: SourceKind) -> String {
    format!("{verb} {}", kind.to_string().to_uppercase())
}

/// Whether two definitions mean the same, whatever their statements look like.
fn same_source(a: &Source, b: &Source) -> bool {
    let plain = |s: &Source| Source { sql: String::new(), query: None, ..s.clone() };
    plain(a) == plain(b)
}

fn replaces_declared(there: &Source) -> SqlError {
    SqlError::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{}\" is not the result of a query", there.name))
        .hint("DROP it first")
}

/// CREATE OR REPLACE of a declared source may add columns at the end (dialect 10.8).
fn check_declared_replace(there: &Source, new: &Source, catalog: &Catalog) -> Result<(), SqlError> {
    let refuse =
        |message: String| Err(SqlError::new(sqlstate::INVALID_DEFINITION, message).hint("DROP it first"));
    if there.query.is_some() {
        return refuse(format!(
            "\"{}\" is the result of a query and cannot be replaced by a declaration",
            there.name
        ));
    }
    if catalog.readers_of(&there.name).next().is_none() && there.kind == new.kind {
        return Ok(());
    }
    let values = |s: &Source| s.value_columns().cloned().collect::<Vec<_>>();
    let keys = |s: &Source| s.key_columns().cloned().collect::<Vec<_>>();
    let same_rest = Source { columns: Vec::new(), ..there.clone() }
        == Source { columns: Vec::new(), sql: there.sql.clone(), ..new.clone() };
    if !same_rest || keys(there) != keys(new) || !values(new).starts_with(&values(there)) {
        return refuse(format!(
            "\"{}\" is read by queries: only columns at the end can be added",
            there.name
        ));
    }
    Ok(())
}

fn runtime_no_topic(topic: &str) -> SqlError {
    SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("topic \"{topic}\" does not exist"))
        .hint("create it, or add PARTITIONS = n to have it created")
}
