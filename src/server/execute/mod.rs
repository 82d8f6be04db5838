//! Statement execution: what each statement does to the runtime, and what it answers.

mod adhoc;
mod assert;
mod change;
mod copy;
mod ddl;
mod describe;
mod dry_run;
mod explain;
mod insert;
mod insert_select;
mod lifecycle;
mod print;
mod push;
mod rows;
mod show;
mod status;

pub use dry_run::DryRun;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::common::ScalarValue;

use super::adhoc::AdHoc;
use super::session::{CopySink, Description, Executor, Notice, Outcome, Plan, SessionState};
use super::settings::{Fate, Origin, SettingError, Settings, foreign, strip_prefixes};
use crate::catalog::Catalog;
use crate::planner::insert_params;
use crate::runtime::{QueryConfig, Runtime, RuntimeConfig};
use crate::sql::ast::{Name, Statement, StatementKind};
use crate::sql::{SqlError, sqlstate};

/// What all ad-hoc queries together may hold in joins, sorts and groups.
const ADHOC_BYTES_MAX: usize = 256 << 20;

/// Executes statements against a runtime, as soon as there is one.
pub struct SqlServer {
    settings: Settings,
    runtime: OnceLock<Arc<Runtime>>,
    /// Why there is no runtime yet.
    waiting_for: parking_lot::Mutex<String>,
    adhoc: AdHoc,
}

impl SqlServer {
    pub fn new(settings: Settings) -> Result<Arc<SqlServer>, SqlError> {
        Ok(Arc::new(SqlServer {
            settings,
            runtime: OnceLock::new(),
            waiting_for: parking_lot::Mutex::new("starting".into()),
            adhoc: AdHoc::new(ADHOC_BYTES_MAX)?,
        }))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// From now on statements are executed. Once.
    pub fn ready(&self, runtime: Arc<Runtime>) {
        let _ = self.runtime.set(runtime);
    }

    /// Tells clients why they must wait.
    pub fn waiting_for(&self, reason: String) {
        *self.waiting_for.lock() = reason;
    }

    /// The runtime. Errors: 57P03 while the server starts.
    pub fn runtime(&self) -> Result<&Arc<Runtime>, SqlError> {
        self.runtime.get().ok_or_else(|| {
            SqlError::new("57P03", "the server is not ready yet")
                .detail(self.waiting_for.lock().clone())
                .hint("it retries by itself; try again in a moment")
        })
    }

    /// What the settings say about the runtime.
    pub fn runtime_config(&self) -> Result<RuntimeConfig, SqlError> {
        use std::time::Duration;
        let settings = &self.settings;
        let mut config = RuntimeConfig {
            service_id: settings.service_id().to_owned(),
            query: self.query_config(settings)?,
            epoch_bytes_max: settings.epoch_bytes_max() as usize,
            query_memory_bytes_max: settings.query_memory_max_bytes() as usize,
            retry_initial: Duration::from_millis(settings.query_retry_backoff_initial_ms()),
            retry_max: Duration::from_millis(settings.query_retry_backoff_max_ms()),
            queries_max: settings.queries_max(),
            push_buffer_bytes_max: settings.push_buffer_bytes_max(),
            internal_replicas: Some(settings.internal_topic_replicas()),
            ..RuntimeConfig::default()
        };
        if settings.worker_threads() > 0 {
            config.workers = settings.worker_threads();
        }
        Ok(config)
    }

    fn query_config(&self, settings: &Settings) -> Result<QueryConfig, SqlError> {
        let properties = crate::runtime::query_properties()
            .filter_map(|name| Some((name.to_owned(), settings.get(name)?)))
            .collect::<BTreeMap<_, _>>();
        QueryConfig::default().with(&properties)
    }

    /// The settings of the queries that a session starts.
    fn session_config(&self, session: &SessionState) -> Result<QueryConfig, SqlError> {
        self.runtime()?.config().query.with(&session.properties)
    }

    /// The catalog that a session's statements are planned against.
    fn catalog(&self, session: &SessionState) -> Result<Arc<Catalog>, SqlError> {
        match &session.dry_run {
            Some(dry_run) => Ok(dry_run.catalog.clone()),
            None => Ok(self.runtime()?.catalog()),
        }
    }

    /// The server's settings with the session's over them.
    fn session_settings(&self, session: &SessionState) -> Settings {
        let mut settings = self.settings.clone();
        for (name, value) in &session.properties {
            // They were checked when they were set.
            let _ = settings.set(name, value, Origin::Session);
        }
        settings
    }

    /// `SET 'name' = 'value'`.
    pub(super) fn set(
        &self,
        session: &mut SessionState,
        name: &Name,
        value: &str,
    ) -> Result<Outcome, SqlError> {
        if name.value.eq_ignore_ascii_case(super::apply::SETTING) {
            dry_run::set_apply(self, session, value)?;
            return Ok(Outcome::command("SET"));
        }
        if let Some(fate) = foreign(&strip_prefixes(&name.value)) {
            return set_foreign(name, value, fate);
        }
        let mut settings = self.settings.clone();
        settings.set(&name.value, value, Origin::Session).map_err(|e| setting_error(&e, name))?;
        let normal = strip_prefixes(&name.value);
        let value = settings.get(&normal).unwrap_or_else(|| value.to_owned());
        let alone = BTreeMap::from([(normal.clone(), value.clone())]);
        QueryConfig::default().with(&alone).map_err(|e| e.at(Some(name.position)))?;
        session.properties.insert(normal, value);
        Ok(Outcome::command("SET"))
    }

    fn unset(&self, session: &mut SessionState, name: &Name) -> Result<Outcome, SqlError> {
        if foreign(&strip_prefixes(&name.value)).is_some() {
            return Ok(Outcome::command("UNSET"));
        }
        let mut settings = self.settings.clone();
        settings.unset(&name.value, &self.settings).map_err(|e| setting_error(&e, name))?;
        session.properties.remove(&strip_prefixes(&name.value));
        Ok(Outcome::command("UNSET"))
    }
}

#[async_trait]
impl Executor for SqlServer {
    async fn describe(
        &self,
        session: &SessionState,
        statement: &Statement,
        params: &[Option<DataType>],
    ) -> Result<Description, SqlError> {
        match &statement.kind {
            StatementKind::AdHoc(query) => self.describe_adhoc(session, query, params).await,
            StatementKind::Push(query) => self.describe_push(session, query),
            StatementKind::Show(show) => Ok(rows::description(show::schema(show))),
            StatementKind::Describe(what) => Ok(rows::description(describe::schema(what))),
            StatementKind::Explain(_) => Ok(rows::description(explain::schema())),
            StatementKind::Print(_) => Ok(rows::description(print::schema())),
            StatementKind::InsertValues(insert) => {
                let params = insert_params(insert, &*self.catalog(session)?, params)?;
                Ok(Description { params, ..Description::default() })
            }
            _ => Ok(Description::default()),
        }
    }

    async fn execute(
        &self,
        session: &mut SessionState,
        statement: &Statement,
        params: &[ScalarValue],
        plan: Option<&Plan>,
    ) -> Result<Outcome, SqlError> {
        match &statement.kind {
            StatementKind::AdHoc(query) => self.select(session, query, params, plan).await,
            StatementKind::Push(query) => self.push(session, query).await,
            StatementKind::CreateSource(create) => self.create_source(session, create, statement).await,
            StatementKind::CreateAsSelect(create) => self.create_as_select(session, create, statement).await,
            StatementKind::DropSource(drop) => self.drop_source(session, drop).await,
            StatementKind::AlterSource(alter) => self.alter_source(session, alter, statement).await,
            StatementKind::CreateType(create) => self.create_type(session, create).await,
            StatementKind::DropType { name, if_exists } => self.drop_type(session, name, *if_exists).await,
            StatementKind::Terminate { query } => self.terminate(session, query.as_ref()).await,
            StatementKind::Pause { query } => self.set_paused(session, query.as_ref(), true).await,
            StatementKind::Resume { query } => self.set_paused(session, query.as_ref(), false).await,
            StatementKind::AssertTopic(assert) => self.assert_topic(session, assert).await,
            StatementKind::InsertSelect(insert) => self.insert_select(session, insert, statement).await,
            StatementKind::InsertValues(insert) => self.insert_values(session, insert, params).await,
            StatementKind::Show(show) => self.show(session, show).await,
            StatementKind::Describe(what) => self.describe_what(session, what),
            StatementKind::Explain(explain) => self.explain(session, explain).await,
            StatementKind::Print(print) => self.print(print).await,
            StatementKind::Set { name, value, .. } => self.set(session, name, value),
            StatementKind::Unset { name: Some(name) } => self.unset(session, name),
            StatementKind::Unset { name: None } => {
                session.properties.clear();
                Ok(Outcome::command("RESET"))
            }
            // The front answers these by itself.
            StatementKind::Define { .. }
            | StatementKind::Undefine { .. }
            | StatementKind::Copy(_)
            | StatementKind::Session(_) => {
                Err(SqlError::internal("a statement of the session reached the executor"))
            }
        }
    }

    async fn copy_in(
        &self,
        session: &mut SessionState,
        target: &Name,
        columns: &[Name],
    ) -> Result<Box<dyn CopySink>, SqlError> {
        self.open_copy(session, target, columns)
    }
}

/// Runs what blocks on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SqlError> + Send + 'static,
) -> Result<T, SqlError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(SqlError::internal(error)))
}

/// `SET` of a setting that ksqlDB has and this house has not.
fn set_foreign(name: &Name, value: &str, fate: Fate) -> Result<Outcome, SqlError> {
    let reason = match fate {
        Fate::Only(only, _) if value.trim().eq_ignore_ascii_case(only) => {
            return Ok(Outcome::command("SET"));
        }
        Fate::Ignored(reason) => {
            let text = format!("setting \"{}\" has no effect here: {reason}", name.value);
            return Ok(Outcome::Command { tag: "SET".into(), notices: vec![Notice::notice(text)] });
        }
        Fate::Only(_, reason) | Fate::Refused(reason) => reason,
    };
    Err(SqlError::new(
        sqlstate::INVALID_PARAMETER,
        format!("setting \"{}\" cannot be {value} here: {reason}", name.value),
    )
    .at(Some(name.position)))
}

fn setting_error(error: &SettingError, name: &Name) -> SqlError {
    let code = match error {
        SettingError::Unknown { .. } => sqlstate::UNDEFINED_OBJECT,
        SettingError::ServerOnly { .. } => "55P02",
        _ => sqlstate::INVALID_PARAMETER,
    };
    let sql = SqlError::new(code, error.to_string()).at(Some(name.position));
    match error.hint() {
        Some(hint) => sql.hint(hint),
        None => sql,
    }
}
