//! CREATE STREAM and CREATE TABLE. Statements that change the catalog run one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::{SqlServer, blocking};
use crate::catalog::{Catalog, Command, Source};
use crate::planner::explain::explain;
use crate::planner::{
    Context, Defaults, Existing, QueryPlan, check_replace, check_replace_declared, existing, plan_create,
    plan_create_as, replaced_query,
};
use crate::runtime::{Runtime, query_properties};
use crate::server::apply::Outcome as Applied;
use crate::server::session::{Notice, Outcome, SessionState};
use crate::server::settings::Settings;
use crate::sql::ast::{CreateAsSelect, CreateSource, Name, SourceKind, Statement};
use crate::sql::{SqlError, sqlstate};

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
        let config = self.session_config(session)?;
        let partitions = |_: &str| None;
        let context = Context {
            catalog: &catalog,
            partitions: &partitions,
            coalesce: true,
            defaults: &config.defaults,
        };
        let plan = plan_create(create, &statement.text, &context)?;
        let tag = tag("CREATE", create.kind);
        // The result of a query is something else than a declaration of its columns.
        let unchanged = |there: &Source| there.query.is_none() && same_source(there, &plan.source);
        let asked = (&create.name, create.or_replace, create.if_not_exists);
        let found = meets(session, &catalog, asked, &unchanged)?;
        let replaced = matches!(found, Existing::Replace(_));
        match found {
            Existing::Nothing => {}
            Existing::Skip => return Ok(skipped(session, create.kind, &create.name, &tag)),
            Existing::Replace(there) => {
                if unchanged(&there) {
                    return Ok(skipped(session, create.kind, &create.name, &tag));
                }
                check_replace_declared(&there, &plan.source).map_err(|e| e.at(Some(create.name.position)))?;
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
        let defaults = &config.defaults;
        let context = Context { catalog: &catalog, partitions: &partitions, coalesce, defaults };
        let plan = plan_create_as(create, &statement.text, &context)?;
        let tag = tag("CREATE", create.kind);
        let same = |there: &Source| self.same_query(&runtime, &catalog, there, &plan);
        let asked = (&create.name, create.or_replace, create.if_not_exists);
        let replaces = match meets(session, &catalog, asked, &same)? {
            Existing::Nothing => None,
            Existing::Skip => return Ok(skipped(session, create.kind, &create.name, &tag)),
            Existing::Replace(there) if same(&there) => {
                return Ok(skipped(session, create.kind, &create.name, &tag));
            }
            Existing::Replace(there) => {
                let here = Some(create.name.position);
                let def = replaced_query(&there, &catalog).map_err(|e| e.at(here))?;
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
        let properties = self.properties_of_query(session);
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

    /// What is kept with a query: the session's settings of queries, and the server's as far as they decide what its
    /// statement means.
    pub(super) fn properties_of_query(&self, session: &SessionState) -> BTreeMap<String, String> {
        let unset = Settings::default();
        let defaults = Defaults::PROPERTIES.iter().filter_map(|name| {
            let value = self.settings().get(name).filter(|value| unset.get(name).as_ref() != Some(value))?;
            Some(((*name).to_owned(), value))
        });
        let own = query_properties()
            .filter_map(|name| Some((name.to_owned(), session.properties.get(name)?.clone())));
        defaults.chain(own).collect()
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
        let prefix = self.session_config(session)?.defaults.topic_prefix;
        names.push(format!("{prefix}{}", create.name.value));
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

/// What a CREATE meets, as `rivermill apply` sees it too: to it, what is there and the same already is as good as made.
fn meets(
    session: &SessionState,
    catalog: &Catalog,
    (name, or_replace, if_not_exists): (&Name, bool, bool),
    unchanged: &dyn Fn(&Source) -> bool,
) -> Result<Existing, SqlError> {
    let there = catalog.source(&name.value).filter(|_| session.apply);
    if there.is_some_and(|there| unchanged(there)) {
        return Ok(Existing::Skip);
    }
    existing(catalog, name, or_replace, if_not_exists).map_err(|mut error| {
        if session.apply && error.sqlstate == sqlstate::DUPLICATE_TABLE {
            error.message += " and differs from this statement";
        }
        error
    })
}

/// Work that keeps the lock on the catalog until it is done, also where the client does not wait for it.
pub(super) fn holding<T>(
    lock: OwnedMutexGuard<()>,
    work: impl FnOnce() -> T + Send,
) -> impl FnOnce() -> T + Send {
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
pub(super) fn applied(tag: String, outcome: Applied) -> Outcome {
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

pub(super) fn tag(verb: &str, kind: SourceKind) -> String {
    format!("{verb} {}", kind.to_string().to_uppercase())
}

/// Whether two definitions mean the same, whatever their statements look like.
fn same_source(a: &Source, b: &Source) -> bool {
    let plain = |s: &Source| Source { sql: String::new(), query: None, ..s.clone() };
    plain(a) == plain(b)
}

fn runtime_no_topic(topic: &str) -> SqlError {
    SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("topic \"{topic}\" does not exist"))
        .hint("create it, or add PARTITIONS = n to have it created")
}
