//! A persistent query that runs: reads, computes, commits, and comes back after failures.
//!
//! The query is a [`Job`](super::pool::Job) of the pool. What blocks (opening, reading state back, committing) runs
//! on the runtime's blocking threads and wakes the job when it is done. While one epoch commits, the next one
//! computes; no third one begins before the first is settled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex, RwLock};

use super::config::{Names, QueryConfig, RuntimeConfig};
use super::epoch::{Committer, Epoch};
use super::pipeline::Pipeline;
use super::pool::{Job, Next, Pool};
use super::processing_log;
use super::read::raw;
use super::recovery::{Opened, open};
use super::stats::{QueryStats, StatusCell};
use super::status::QueryState;
use crate::catalog::QueryDef;
use crate::engine::topology::{OperatorSpec, Topology};
use crate::engine::{EngineError, Table, TaskCounters};
use crate::log::{Log, LogError, Reader, TopicPartition};

/// Records that one step reads at most.
const POLL_RECORDS: usize = 8192;

/// How long an epoch may grow while the one before it commits.
const EPOCH_MAX: Duration = Duration::from_secs(1);

/// Why a query had to stop. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("{0}")]
    Log(#[from] LogError),
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("the query holds {held} bytes of state, more than the {limit} it may")]
    Memory { held: usize, limit: usize },
    #[error("internal error: {0}")]
    Panic(String),
}

/// What a query needs of the house around it.
pub struct Environment {
    pub log: Arc<dyn Log>,
    pub names: Names,
    pub config: RuntimeConfig,
    pub blocking: tokio::runtime::Handle,
    /// For queries without transactions.
    pub processing_log: processing_log::Writing,
}

/// A handle on a running query.
pub struct PersistentQuery {
    core: Arc<Core>,
    job: Arc<Job>,
}

struct Core {
    def: Arc<QueryDef>,
    topology: Topology,
    config: QueryConfig,
    environment: Arc<Environment>,
    status: StatusCell,
    phase: Mutex<Phase>,
    stopping: AtomicBool,
    /// Nothing is read; what was read is committed.
    paused: AtomicBool,
    stopped: Condvar,
    /// Failures since the last epoch that was committed.
    failures: AtomicU32,
    /// The table of the running incarnation; None while its state is read back.
    table: RwLock<Option<Arc<Table>>>,
}

enum Phase {
    /// Nothing is open; `open` is to be called.
    Closed,
    /// A blocking thread opens it.
    Opening,
    Running(Box<Running>),
    /// To be opened again at this moment.
    Backoff(Instant),
    Stopped,
}

/// The open query.
struct Running {
    pipeline: Pipeline,
    reader: Box<dyn Reader>,
    inputs: Vec<TopicPartition>,
    /// None while it commits.
    committer: Option<Committer>,
    in_flight: Option<InFlight>,
    /// The offset of the next record to be processed, an input partition each.
    next: Vec<i64>,
    committed: Vec<i64>,
    epoch_began: Option<Instant>,
    /// Set after a rolled back epoch: nothing is done until then.
    resume_at: Option<Instant>,
    /// Counters of the incarnations before this one.
    before: TaskCounters,
}

struct InFlight {
    positions: Vec<i64>,
    result: Arc<Mutex<Option<CommitResult>>>,
}

struct CommitResult {
    committer: Committer,
    outcome: Result<(), LogError>,
    took: Duration,
}

impl PersistentQuery {
    pub fn start(
        pool: &Pool,
        environment: Arc<Environment>,
        def: Arc<QueryDef>,
        topology: Topology,
        config: QueryConfig,
    ) -> PersistentQuery {
        let core = Arc::new(Core {
            paused: AtomicBool::new(def.paused),
            def,
            topology,
            config,
            environment,
            status: StatusCell::default(),
            phase: Mutex::new(Phase::Closed),
            stopping: AtomicBool::new(false),
            stopped: Condvar::new(),
            failures: AtomicU32::new(0),
            table: RwLock::new(None),
        });
        let slot: Arc<std::sync::OnceLock<std::sync::Weak<Job>>> = Arc::default();
        let (of_step, of_wake) = (core.clone(), slot.clone());
        let wake: Wake = Arc::new(move || {
            if let Some(job) = of_wake.get().and_then(std::sync::Weak::upgrade) {
                job.wake();
            }
        });
        let job = pool.spawn(move || of_step.step(&wake));
        let _ = slot.set(Arc::downgrade(&job));
        job.wake();
        PersistentQuery { core, job }
    }

    pub fn def(&self) -> &Arc<QueryDef> {
        &self.core.def
    }

    pub fn status(&self) -> QueryStats {
        let mut stats = self.core.status.get();
        if self.core.paused.load(Ordering::Acquire) && stats.state == QueryState::Running {
            stats.state = QueryState::Paused;
        }
        stats
    }

    /// Makes the query read nothing more, or read on. What it has read so far is committed. Waits for the step that is
    /// under way, so that nothing written after this call is read.
    pub fn set_paused(&self, paused: bool) {
        let phase = self.core.phase.lock();
        self.core.paused.store(paused, Ordering::Release);
        drop(phase);
        self.job.wake();
    }

    /// Whether it keeps what it writes as a table in its state, rather than in the topic alone.
    pub fn keeps_table(&self) -> bool {
        let last = self.core.topology.stages.last();
        last.is_some_and(|stage| stage.operators.iter().any(|o| matches!(o, OperatorSpec::Aggregate(_))))
    }

    /// The committed table, or None while it is being read back.
    pub fn table(&self) -> Option<Arc<Table>> {
        self.core.table.read().clone()
    }

    /// Asks the query to stop; what is in flight is finished first.
    pub fn stop(&self) {
        self.core.stopping.store(true, Ordering::Release);
        self.job.wake();
    }

    /// Waits until it writes nothing any more. Blocks; false where it took longer than `limit`.
    pub fn wait_stopped(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut phase = self.core.phase.lock();
        while !matches!(*phase, Phase::Stopped) {
            if self.core.stopped.wait_until(&mut phase, deadline).timed_out() {
                return matches!(*phase, Phase::Stopped);
            }
        }
        true
    }
}

type Wake = Arc<dyn Fn() + Send + Sync>;

impl Core {
    fn step(self: &Arc<Self>, wake: &Wake) -> Next {
        let mut phase = self.phase.lock();
        if self.stopping.load(Ordering::Acquire) && self.can_stop(&mut phase) {
            *phase = Phase::Stopped;
            *self.table.write() = None;
            self.status.update(|s| s.state = QueryState::Stopped);
            self.stopped.notify_all();
            return Next::Done;
        }
        match &mut *phase {
            Phase::Stopped => Next::Done,
            Phase::Opening => Next::Wait,
            Phase::Backoff(until) if Instant::now() < *until => Next::At(*until),
            Phase::Closed | Phase::Backoff(_) => {
                *phase = Phase::Opening;
                drop(phase);
                self.open(wake.clone());
                Next::Wait
            }
            Phase::Running(running) => {
                let stepped = catch_unwind(AssertUnwindSafe(|| self.run(running, wake)));
                let error = match stepped {
                    Ok(Ok(next)) => return next,
                    Ok(Err(error)) => error,
                    Err(panic) => QueryError::Panic(panic_text(panic.as_ref())),
                };
                let next = self.fail(&error);
                *phase = Phase::Backoff(next);
                Next::At(next)
            }
        }
    }

    /// A query can stop at once unless a thread still opens it or commits for it.
    fn can_stop(&self, phase: &mut Phase) -> bool {
        match phase {
            Phase::Opening => false,
            Phase::Running(running) => {
                running.in_flight.as_ref().is_none_or(|in_flight| in_flight.result.lock().is_some())
            }
            _ => true,
        }
    }

    /// Opens the query on a blocking thread.
    fn open(self: &Arc<Self>, wake: Wake) {
        let core = self.clone();
        core.status.update(|s| {
            if s.state != QueryState::Retrying {
                s.state = QueryState::Recovering;
            }
        });
        self.environment.blocking.spawn_blocking(move || {
            let go_on = || !core.stopping.load(Ordering::Acquire);
            let opened = catch_unwind(AssertUnwindSafe(|| {
                open(&core.environment, &core.def, &core.topology, &core.config, &go_on)
            }))
            .unwrap_or_else(|panic| Err(QueryError::Panic(panic_text(panic.as_ref()))));
            let phase = match opened {
                Ok(opened) => Phase::Running(Box::new(core.opened(opened, &wake))),
                Err(error) => Phase::Backoff(core.fail(&error)),
            };
            *core.phase.lock() = phase;
            wake();
        });
    }

    fn opened(&self, opened: Opened, wake: &Wake) -> Running {
        let Opened { pipeline, mut reader, committer, inputs, positions, fresh } = opened;
        reader.set_waker(wake.clone());
        *self.table.write() = pipeline.table().cloned();
        let mut before = TaskCounters::default();
        self.status.update(|s| {
            s.state = QueryState::Running;
            before = s.counters;
            before.state_rows = 0;
            before.state_bytes = 0;
        });
        tracing::info!(query = %self.def.id, partitions = inputs.len(), "query runs");
        Running {
            pipeline,
            reader,
            inputs,
            committer: Some(committer),
            in_flight: None,
            next: positions.clone(),
            committed: positions,
            // The first positions are committed at once: where a query began must not be forgotten.
            epoch_began: fresh.then(|| Instant::now() - self.config.commit_interval),
            resume_at: None,
            before,
        }
    }

    /// Notes a failure; returns when to try again.
    fn fail(&self, error: &QueryError) -> Instant {
        *self.table.write() = None;
        let wait = self.backoff(self.environment.config.retry_initial);
        self.status.update(|s| {
            s.state = QueryState::Retrying;
            s.last_error = Some(error.to_string());
            s.restarts += 1;
        });
        tracing::warn!(query = %self.def.id, %error, retry_ms = wait.as_millis() as u64, "query failed, will be tried again");
        Instant::now() + wait
    }

    /// The wait after one more failure in a row: twice the one before.
    fn backoff(&self, initial: Duration) -> Duration {
        let attempt = self.failures.fetch_add(1, Ordering::Relaxed).min(16);
        initial.saturating_mul(1 << attempt).min(self.environment.config.retry_max)
    }

    fn run(self: &Arc<Self>, running: &mut Running, wake: &Wake) -> Result<Next, QueryError> {
        self.settle(running)?;
        if let Some(at) = running.resume_at {
            if Instant::now() < at {
                return Ok(Next::At(at));
            }
            running.resume_at = None;
        }
        let bytes_max = self.environment.config.epoch_bytes_max;
        let mut read = 0;
        // While a commit hangs, the next epoch grows only so long.
        let may_grow = running.in_flight.is_none()
            || running
                .epoch_began
                .is_none_or(|began| began.elapsed() < self.config.commit_interval.max(EPOCH_MAX));
        let paused = self.paused.load(Ordering::Acquire);
        if running.pipeline.made().bytes < bytes_max && may_grow && !paused {
            read = running.read()?;
            self.check_memory(running)?;
        }
        let now = Instant::now();
        if read > 0 && running.epoch_began.is_none() {
            running.epoch_began = Some(now);
        }
        let Some(began) = running.epoch_began else {
            // Nothing to do: a good moment to look how far the ends are away.
            let lag = running.lag();
            self.status.update(|s| s.lag = lag);
            return Ok(Next::Wait);
        };
        let due = began + self.config.commit_interval;
        if (now >= due || running.pipeline.made().bytes >= bytes_max) && running.in_flight.is_none() {
            self.begin_commit(running, wake)?;
        }
        Ok(match (read, &running.epoch_began, &running.in_flight) {
            (1.., _, _) => Next::Again,
            (0, Some(_), None) => Next::At(due),
            // The end of the commit wakes it.
            _ => Next::Wait,
        })
    }

    fn check_memory(&self, running: &Running) -> Result<(), QueryError> {
        let held = running.pipeline.counters().state_bytes;
        let limit = self.environment.config.query_memory_bytes_max;
        if held > limit { Err(QueryError::Memory { held, limit }) } else { Ok(()) }
    }

    fn begin_commit(self: &Arc<Self>, running: &mut Running, wake: &Wake) -> Result<(), QueryError> {
        let Some(mut committer) = running.committer.take() else { return Ok(()) };
        running.epoch_began = None;
        running.pipeline.end_epoch()?;
        let made = running.pipeline.take_made();
        let topic = &self.topology.source.source.topic;
        let positions = running.next.clone();
        let epoch = Epoch {
            sink: made.sink,
            changelog: running.pipeline.seal()?,
            errors: processing_log::entries(&self.def.id, topic, &made.errors, &self.environment.names),
            positions: running.inputs.iter().cloned().zip(positions.iter().copied()).collect(),
            now_ms: now_ms(),
        };
        let result = Arc::new(Mutex::new(None));
        running.in_flight = Some(InFlight { positions, result: result.clone() });
        let wake = wake.clone();
        self.environment.blocking.spawn_blocking(move || {
            let began = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| committer.commit(&epoch)))
                .unwrap_or_else(|panic| Err(LogError::Other(panic_text(panic.as_ref()))));
            *result.lock() = Some(CommitResult { committer, outcome, took: began.elapsed() });
            wake();
        });
        Ok(())
    }

    /// Takes the result of a commit, if there is one.
    fn settle(&self, running: &mut Running) -> Result<(), QueryError> {
        let Some(in_flight) = &running.in_flight else { return Ok(()) };
        let Some(result) = in_flight.result.lock().take() else { return Ok(()) };
        let positions = running.in_flight.take().map(|f| f.positions).unwrap_or_default();
        running.committer = Some(result.committer);
        match result.outcome {
            Ok(()) => {
                running.pipeline.commit();
                running.committed = positions;
                self.failures.store(0, Ordering::Relaxed);
                let (counters, lag) = (running.counters(), running.lag());
                self.status.update(|s| {
                    s.state = QueryState::Running;
                    s.epochs += 1;
                    s.commit_time_sum += result.took;
                    s.commit_time_max = s.commit_time_max.max(result.took);
                    s.counters = counters;
                    s.lag = lag;
                });
                Ok(())
            }
            Err(error) if error.is_fatal() => Err(error.into()),
            Err(error) => {
                running.rewind()?;
                let wait = self.backoff(Duration::from_millis(100));
                tracing::warn!(query = %self.def.id, %error, retry_ms = wait.as_millis() as u64, "an epoch was rolled back");
                self.status.update(|s| {
                    s.state = QueryState::Retrying;
                    s.rollbacks += 1;
                    s.last_error = Some(error.to_string());
                });
                // Begin an epoch at once, so that the commit is tried again even if nothing new comes.
                let resume_at = Instant::now() + wait;
                running.epoch_began = Some(resume_at);
                running.resume_at = Some(resume_at);
                Ok(())
            }
        }
    }
}

impl Running {
    /// Reads what is there and runs it through the pipeline.
    fn read(&mut self) -> Result<usize, QueryError> {
        let (pipeline, next) = (&mut self.pipeline, &mut self.next);
        let mut failed = None;
        let read = self.reader.poll(POLL_RECORDS, &mut |partition, records| {
            if failed.is_some() {
                return;
            }
            let raw = raw(records);
            if let Err(error) = pipeline.push_records(partition, &raw) {
                failed = Some(error);
            } else if let (Some(position), Some(last)) = (next.get_mut(partition), records.last()) {
                *position = last.offset + 1;
            }
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(read),
        }
    }

    /// Goes back to the last commit.
    fn rewind(&mut self) -> Result<(), QueryError> {
        self.pipeline.rollback();
        for (partition, offset) in self.committed.iter().enumerate() {
            self.reader.seek(partition, *offset)?;
        }
        self.next = self.committed.clone();
        Ok(())
    }

    fn counters(&self) -> TaskCounters {
        let now = self.pipeline.counters();
        TaskCounters {
            rows_in: self.before.rows_in + now.rows_in,
            rows_out: self.before.rows_out + now.rows_out,
            late_rows: self.before.late_rows + now.late_rows,
            errors: self.before.errors + now.errors,
            ..now
        }
    }

    fn lag(&self) -> Vec<Option<i64>> {
        let positions = self.reader.positions().unwrap_or_else(|_| self.next.clone());
        let ends = self.reader.ends();
        positions.iter().zip(ends).map(|(position, end)| end.map(|end| (end - position).max(0))).collect()
    }
}

pub(super) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".into())
}
