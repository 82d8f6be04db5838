//! Queries that run: workers, epochs, recovery, supervision. The only floor that joins engine and log.
//!
//! A [`Runtime`] owns the catalog, as it stands in the command log, and the queries in it. Its calls block and
//! are meant for blocking threads, but for those that only look. Statements that change the catalog are planned and
//! applied one at a time: hold [`Runtime::ddl`] from the look at the catalog to the change.

mod command_log;
mod config;
mod epoch;
mod errors;
mod insert;
mod persistent;
mod pipeline;
mod pool;
mod processing_log;
mod read;
mod recovery;
mod replan;
mod scan;
mod stats;
pub mod status;
mod transient;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use parking_lot::RwLock;

use crate::catalog::{Catalog, Command, QueryDef, Source};
use crate::engine::Table;
use crate::engine::topology::Topology;
use crate::formats::{RECORD_BYTES_MAX, SourceColumn};
use crate::log::{Log, LogError, TopicSpec};
use crate::planner::{self, QueryPlan, SourcePlan, TopicPlan};
use crate::sql::ast::SourceKind;
use crate::sql::{SqlError, sqlstate};

pub use command_log::CommandLogError;
pub use config::{Names, QueryConfig, RuntimeConfig, query_properties};
pub use errors::{log_error, query_error};
pub use insert::{InsertError, InsertRows};
pub use persistent::QueryError;
pub use pipeline::{Made, Pipeline};
pub use processing_log::PROCESSING_LOG;
pub use read::read_to_end;
pub use scan::ScanRows;
pub use stats::QueryStats;
pub use transient::PushRows;

use status::{PartitionLag, QueryState, QueryStatus};

use command_log::CommandLog;
use errors::{command_error, no_query, no_topic};
use insert::Inserter;
use persistent::{Environment, PersistentQuery};
use pool::Pool;
use replan::{catalog_of, custom_types};

/// How long a query may take to finish its last commit when it is dropped.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A runtime that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("{0}")]
    Log(#[from] LogError),
    #[error("{0}")]
    CommandLog(#[from] CommandLogError),
    #[error("cannot start worker threads: {0}")]
    Threads(#[from] std::io::Error),
}

pub struct Runtime {
    environment: Arc<Environment>,
    pool: Pool,
    command_log: CommandLog,
    catalog: RwLock<Arc<Catalog>>,
    queries: RwLock<BTreeMap<String, Entry>>,
    inserter: Inserter,
    ddl: Arc<tokio::sync::Mutex<()>>,
}

/// A query of the catalog.
enum Entry {
    Running(PersistentQuery),
    /// This build cannot plan it any more.
    Broken {
        def: Arc<QueryDef>,
        error: SqlError,
    },
}

/// A query as SHOW QUERIES lists it.
pub struct QueryInfo {
    pub def: Arc<QueryDef>,
    pub stats: QueryStats,
}

impl QueryInfo {
    /// As the metrics show it. `topic` is what the query reads.
    pub fn status(&self, topic: &str) -> QueryStatus {
        let (topic, stats): (Arc<str>, _) = (topic.into(), &self.stats);
        let lag = stats.lag.iter().enumerate().map(|(partition, records)| PartitionLag {
            topic: topic.clone(),
            partition: partition as i32,
            records: records.map(|n| n.max(0) as u64),
        });
        QueryStatus {
            id: self.def.id.as_str().into(),
            sink: self.def.sink.as_str().into(),
            state: stats.state,
            last_error: stats.last_error.clone(),
            rows_in: stats.counters.rows_in,
            rows_out: stats.counters.rows_out,
            lag: lag.collect(),
            epochs: stats.epochs,
            epochs_failed: stats.rollbacks,
            commit_time: stats.commit_time_sum,
            commit_time_max: stats.commit_time_max,
            state_rows: stats.counters.state_rows as u64,
            state_bytes: stats.counters.state_bytes as u64,
            late_rows: stats.counters.late_rows,
            errors: stats.counters.errors,
            restarts: stats.restarts,
        }
    }
}

impl Runtime {
    /// Reads the command log and starts the queries in it. Blocks.
    pub fn open(
        log: Arc<dyn Log>,
        config: RuntimeConfig,
        blocking: tokio::runtime::Handle,
    ) -> Result<Arc<Runtime>, RuntimeError> {
        let names = Names::new(&config.service_id);
        recovery::ensure_topic(
            log.as_ref(),
            &TopicSpec {
                name: names.processing_log_topic(),
                partitions: 1,
                replicas: config.internal_replicas,
                config: Vec::new(),
            },
        )?;
        let (command_log, mut catalog) = CommandLog::open(log.clone(), &names, config.internal_replicas)?;
        catalog.apply(Command::PutSource(processing_log::processing_log_source(&names)));
        let runtime = Runtime {
            pool: Pool::new(config.workers)?,
            command_log,
            inserter: Inserter::new(log.clone(), &names),
            environment: Arc::new(Environment {
                processing_log: processing_log::Writing::new(log.clone(), &names),
                log,
                names,
                config,
                blocking,
            }),
            catalog: RwLock::new(Arc::new(catalog)),
            queries: RwLock::default(),
            ddl: Arc::default(),
        };
        for def in runtime.catalog().queries() {
            let entry = runtime.start(def.clone()).unwrap_or_else(|error| {
                tracing::error!(query = %def.id, %error, "a query of the command log cannot be planned");
                Entry::Broken { def: def.clone(), error }
            });
            runtime.queries.write().insert(def.id.clone(), entry);
        }
        Ok(Arc::new(runtime))
    }

    /// The catalog as it is now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().clone()
    }

    pub fn log(&self) -> &Arc<dyn Log> {
        &self.environment.log
    }

    pub fn names(&self) -> &Names {
        &self.environment.names
    }

    pub fn config(&self) -> &RuntimeConfig {
        &self.environment.config
    }

    /// To be held by whoever changes the catalog.
    pub fn ddl(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.ddl
    }

    /// All persistent queries in the order of their numbers.
    pub fn queries(&self) -> Vec<QueryInfo> {
        let mut queries: Vec<QueryInfo> = self.queries.read().values().map(Entry::info).collect();
        queries.sort_by_key(|q| q.def.number);
        queries
    }

    pub fn query(&self, id: &str) -> Option<QueryInfo> {
        self.queries.read().get(id).map(Entry::info)
    }

    /// Whether a query keeps its table in its state: one without GROUP BY has it in its topic alone.
    pub fn keeps_table(&self, query: &str) -> bool {
        match self.queries.read().get(query) {
            Some(Entry::Running(query)) => query.keeps_table(),
            _ => true,
        }
    }

    /// The committed state behind a table that a query maintains. None: the table has no query, or its state is
    /// being read back ([`Runtime::query`] tells which).
    pub fn table(&self, query: &str) -> Option<Arc<Table>> {
        match self.queries.read().get(query) {
            Some(Entry::Running(query)) => query.table(),
            _ => None,
        }
    }

    /// Creates a declared stream or table, and its topic where the statement says how. Replaces one of that name.
    pub fn create_source(&self, plan: SourcePlan) -> Result<(), SqlError> {
        self.ensure_topic(&plan.topic)?;
        self.apply(vec![Command::PutSource(plan.source)])
    }

    /// Creates a stream or table with the query that writes it, and starts the query. `replaces` is the query that
    /// is to go on with a new statement and its old state and positions.
    pub fn create_query(
        &self,
        plan: QueryPlan,
        sql: &str,
        properties: BTreeMap<String, String>,
        replaces: Option<Arc<QueryDef>>,
    ) -> Result<String, SqlError> {
        let catalog = self.catalog();
        let sink = plan.sink.ok_or_else(|| SqlError::internal("a persistent query without a sink"))?;
        let limit = self.config().queries_max;
        if replaces.is_none() && self.queries.read().len() >= limit {
            return Err(SqlError::new(
                sqlstate::LIMIT_EXCEEDED,
                format!("there are {limit} queries already"),
            )
            .hint("TERMINATE one, or raise queries.max"));
        }
        self.check_writable(&sink.topic.name)?;
        if sink.created {
            self.ensure_topic(&sink.topic)?;
        }
        let partitions = self.partitions(&plan.reads.topic)?;
        let reads_columns = Some(plan.reads.columns.len());
        let sink_columns = (!sink.created).then_some(sink.source.columns.len());
        let def = match &replaces {
            Some(old) => QueryDef {
                sql: sql.to_owned(),
                reads_columns,
                properties,
                types: custom_types(sql, &catalog),
                ..old.as_ref().clone()
            },
            None => {
                let number = catalog.next_query();
                let id = match (&sink.query_id, sink.created, sink.source.kind) {
                    (Some(id), ..) if catalog.query(id).is_some() => {
                        return Err(SqlError::new(
                            sqlstate::DUPLICATE_TABLE,
                            format!("query \"{id}\" exists already"),
                        ));
                    }
                    (Some(id), ..) => id.clone(),
                    (None, false, _) => format!("INSERTQUERY_{number}"),
                    (None, true, SourceKind::Stream) => format!("CSAS_{}_{number}", sink.source.name),
                    (None, true, SourceKind::Table) => format!("CTAS_{}_{number}", sink.source.name),
                };
                QueryDef {
                    id,
                    number,
                    sql: sql.to_owned(),
                    sink: sink.source.name.clone(),
                    reads: plan.reads.name.clone(),
                    reads_columns,
                    sink_columns,
                    partitions,
                    sink_partitions: sink.partitions,
                    properties,
                    types: custom_types(sql, &catalog),
                    paused: false,
                }
            }
        };
        let id = def.id.clone();
        if replaces.is_some() {
            self.stop(&id)?;
        }
        let next = Command::NextQuery(catalog.next_query().max(def.number + 1));
        let mut commands = vec![Command::PutQuery(def), next];
        if sink.created {
            commands.insert(0, Command::PutSource(Source { query: Some(id.clone()), ..sink.source }));
        }
        self.apply_to_stopped(replaces.is_some().then_some(id.as_str()), commands)?;
        let def = self
            .catalog()
            .query(&id)
            .cloned()
            .ok_or_else(|| SqlError::internal("the new query is not there"))?;
        let entry = self.start(def)?;
        self.queries.write().insert(id.clone(), entry);
        Ok(id)
    }

    /// Drops a stream or table with the query that writes it. The caller has checked that nothing reads it.
    pub fn drop_source(&self, source: &Source, delete_topic: bool) -> Result<(), SqlError> {
        let mut commands = vec![Command::DropSource(source.name.clone())];
        if let Some(id) = &source.query {
            self.stop(id)?;
            commands.push(Command::DropQuery(id.clone()));
        }
        self.apply_to_stopped(source.query.as_deref(), commands)?;
        if let Some(id) = &source.query {
            self.forget(id);
        }
        if delete_topic {
            match self.log().delete_topic(&source.topic) {
                Ok(()) | Err(LogError::UnknownTopic(_)) => {}
                Err(error) => return Err(log_error(&error)),
            }
        }
        Ok(())
    }

    /// Ends a query. What it wrote stays: its stream or table is then a declared one.
    pub fn terminate(&self, id: &str) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let def = catalog.query(id).ok_or_else(|| no_query(id))?;
        self.stop(id)?;
        let mut commands = vec![Command::DropQuery(id.to_owned())];
        // A query that INSERTs INTO a stream leaves it to the one that made it.
        if let Some(sink) = catalog.source(&def.sink).filter(|s| s.query.as_deref() == Some(id)) {
            commands.push(Command::PutSource(Source { query: None, ..sink.as_ref().clone() }));
        }
        self.apply_to_stopped(Some(id), commands)?;
        self.forget(id);
        Ok(())
    }

    /// Makes queries read nothing more, or read on. What they have read is committed; their tables can be asked.
    /// Those that stand that way already stay as they are.
    ///
    /// Errors: 42704 for an unknown query; what the log says.
    pub fn set_paused(&self, ids: &[String], paused: bool) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let mut commands = Vec::with_capacity(ids.len());
        for id in ids {
            let def = catalog.query(id).ok_or_else(|| no_query(id))?;
            if def.paused != paused {
                commands.push(Command::PutQuery(QueryDef { paused, ..def.as_ref().clone() }));
            }
        }
        if !commands.is_empty() {
            self.apply(commands)?;
        }
        let queries = self.queries.read();
        for id in ids {
            if let Some(Entry::Running(query)) = queries.get(id) {
                query.set_paused(paused);
            }
        }
        Ok(())
    }

    /// Changes what is no query: types, and declared streams and tables.
    pub fn change(&self, command: Command) -> Result<(), SqlError> {
        self.apply(vec![command])
    }

    /// Starts a push query. Blocks while it opens.
    pub fn push(
        &self,
        plan: &QueryPlan,
        schema: SchemaRef,
        config: &QueryConfig,
    ) -> Result<PushRows, QueryError> {
        transient::start(&self.pool, &self.environment, &plan.topology, schema, plan.limit, config)
    }

    /// Reads a stream or table from its beginning to its end.
    pub fn scan(&self, source: Arc<Source>, columns: Vec<SourceColumn>) -> ScanRows {
        scan::scan(&self.environment, source, columns)
    }

    /// Writes rows, all or none.
    pub fn insert(&self, source: &Source, rows: &[InsertRows]) -> Result<u64, InsertError> {
        self.check_writable(&source.topic)?;
        self.inserter.insert(source, rows)
    }

    /// The number of partitions of a topic. Errors: it does not exist, or the log does not answer.
    pub fn partitions(&self, topic: &str) -> Result<i32, SqlError> {
        match self.log().topic(topic).map_err(|e| log_error(&e))? {
            Some(info) => Ok(info.partitions),
            None => Err(no_topic(topic)),
        }
    }

    /// Refuses a topic that the server keeps for itself: rows in it could be commands.
    fn check_writable(&self, topic: &str) -> Result<(), SqlError> {
        if !self.names().is_internal(topic) {
            return Ok(());
        }
        let message = format!("topic \"{topic}\" is the server's own and cannot be written");
        Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message))
    }

    /// Stops all queries, each after its last commit. Blocks.
    pub fn shut_down(&self) {
        let queries = self.queries.read();
        let running = || {
            queries.values().filter_map(|e| match e {
                Entry::Running(query) => Some(query),
                Entry::Broken { .. } => None,
            })
        };
        running().for_each(PersistentQuery::stop);
        for query in running() {
            if !query.wait_stopped(STOP_LIMIT) {
                tracing::warn!(query = %query.def().id, "query did not stop in time");
            }
        }
    }

    /// Plans a query of the catalog anew, and starts it.
    fn start(&self, def: Arc<QueryDef>) -> Result<Entry, SqlError> {
        let config = self.config().query.with(&def.properties)?;
        let topology = self.plan(&def, &config)?;
        Ok(Entry::Running(PersistentQuery::start(
            &self.pool,
            self.environment.clone(),
            def,
            topology,
            config,
        )))
    }

    fn plan(&self, def: &QueryDef, config: &QueryConfig) -> Result<Topology, SqlError> {
        let plan = self.plan_of(def, config)?;
        Ok(plan.topology)
    }

    /// The plan of a persistent query, against the catalog of now; but for columns that what it reads has got since.
    pub fn plan_of(&self, def: &QueryDef, config: &QueryConfig) -> Result<QueryPlan, SqlError> {
        let catalog = catalog_of(self.catalog(), def);
        let statement = crate::sql::parse_stored(&def.sql)?;
        let reads = catalog.source(&def.reads).map(|s| s.topic.clone());
        let partitions = |topic: &str| {
            if reads.as_deref() == Some(topic) { Some(def.partitions) } else { Some(def.sink_partitions) }
        };
        let coalesce = config.cache_bytes > 0;
        let defaults = &config.defaults;
        let context = planner::Context { catalog: &catalog, partitions: &partitions, coalesce, defaults };
        planner::plan_persistent(&statement.kind, &def.sql, &context)
            .unwrap_or_else(|| Err(SqlError::internal("a query whose statement makes none")))
    }

    /// What EXPLAIN says of a persistent query.
    pub fn explain(&self, def: &QueryDef) -> Result<Vec<String>, SqlError> {
        let config = self.config().query.with(&def.properties)?;
        let plan = self.plan_of(def, &config)?;
        Ok(planner::explain::explain(&plan, Some(def.partitions)))
    }

    /// Makes commands durable, then true.
    fn apply(&self, commands: Vec<Command>) -> Result<(), SqlError> {
        self.try_apply(commands).map_err(|error| command_error(&error))
    }

    /// The same for commands about a query that was stopped for them: it goes on as before where they fail.
    fn apply_to_stopped(&self, query: Option<&str>, commands: Vec<Command>) -> Result<(), SqlError> {
        let Err(error) = self.try_apply(commands) else { return Ok(()) };
        // A server that another one has replaced would only fence that one's query.
        let is_fenced = matches!(error, CommandLogError::Log(LogError::Fenced(_)));
        if let Some(def) = query.and_then(|id| self.catalog().query(id).cloned())
            && !is_fenced
        {
            let id = def.id.clone();
            let entry = self.start(def.clone()).unwrap_or_else(|error| Entry::Broken { def, error });
            self.queries.write().insert(id, entry);
        }
        Err(command_error(&error))
    }

    fn try_apply(&self, commands: Vec<Command>) -> Result<(), CommandLogError> {
        self.command_log.append(&commands)?;
        let mut catalog = self.catalog.write();
        let mut changed = catalog.as_ref().clone();
        commands.into_iter().for_each(|command| changed.apply(command));
        *catalog = Arc::new(changed);
        Ok(())
    }

    fn stop(&self, id: &str) -> Result<(), SqlError> {
        let queries = self.queries.read();
        let Some(Entry::Running(query)) = queries.get(id) else { return Ok(()) };
        query.stop();
        if query.wait_stopped(STOP_LIMIT) {
            return Ok(());
        }
        Err(SqlError::new(sqlstate::OBJECT_IN_USE, format!("query \"{id}\" is still committing"))
            .hint("try again in a moment"))
    }

    /// Removes what a query kept.
    fn forget(&self, id: &str) {
        self.queries.write().remove(id);
        let changelog = self.names().changelog_topic(id);
        match self.log().delete_topic(&changelog) {
            Ok(()) | Err(LogError::UnknownTopic(_)) => {}
            Err(error) => tracing::warn!(topic = %changelog, %error, "cannot delete the changelog"),
        }
    }

    /// Creates a topic that a statement needs, or checks the one that is there.
    fn ensure_topic(&self, plan: &TopicPlan) -> Result<(), SqlError> {
        match (self.log().topic(&plan.name).map_err(|e| log_error(&e))?, plan.partitions) {
            (Some(there), Some(asked)) if there.partitions != asked => Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("topic \"{}\" exists with {} partitions, not {asked}", plan.name, there.partitions),
            )
            .hint("leave PARTITIONS out to use the topic as it is")),
            (Some(there), _) if plan.replicas.is_some_and(|asked| asked != there.replicas) => {
                Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    format!(
                        "topic \"{}\" exists with {} replicas, not {}",
                        plan.name,
                        there.replicas,
                        plan.replicas.unwrap_or_default()
                    ),
                )
                .hint("leave REPLICAS out to use the topic as it is"))
            }
            (Some(_), _) => Ok(()),
            (None, None) => Err(no_topic(&plan.name)),
            (None, Some(partitions)) => {
                let policy = if plan.compact { "compact" } else { "delete" };
                let retention = plan.retention_ms.map(|ms| ("retention.ms".to_owned(), ms.to_string()));
                let spec = TopicSpec {
                    name: plan.name.clone(),
                    partitions,
                    replicas: plan.replicas,
                    // A record that could be read can be written too.
                    config: [
                        ("cleanup.policy".to_owned(), policy.to_owned()),
                        ("max.message.bytes".to_owned(), (2 * RECORD_BYTES_MAX).to_string()),
                    ]
                    .into_iter()
                    .chain(retention)
                    .collect(),
                };
                self.log().create_topic(&spec).map_err(|e| log_error(&e))
            }
        }
    }
}

impl Entry {
    fn info(&self) -> QueryInfo {
        match self {
            Entry::Running(query) => QueryInfo { def: query.def().clone(), stats: query.status() },
            Entry::Broken { def, error } => {
                let last_error = Some(error.to_string());
                let stats = QueryStats { state: QueryState::Failed, last_error, ..QueryStats::default() };
                QueryInfo { def: def.clone(), stats }
            }
        }
    }
}
