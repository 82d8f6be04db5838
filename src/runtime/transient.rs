//! Push queries: a continuous query whose rows go to one client until it leaves.
//!
//! Nothing of it is kept: no transaction, no changelog, state in memory only. It reads what is committed, so
//! its rows are committed facts. A client that does not take its rows holds a bounded number of bytes, and the query
//! stops reading until the client goes on; nobody else notices.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use futures::Stream;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::config::QueryConfig;
use super::persistent::{Environment, QueryError};
use super::pipeline::Pipeline;
use super::pool::{Job, Next, Pool};
use super::processing_log;
use super::read::raw;
use crate::engine::topology::Topology;
use crate::engine::{Batch, RowError};
use crate::log::{LogError, OffsetAt, Reader, TopicPartition};

/// Records that one step reads at most.
const POLL_RECORDS: usize = 4096;

/// How long the query waits after the log failed.
const RETRY: Duration = Duration::from_millis(500);

/// The rows of a push query, as they come. Dropping it ends the query.
pub struct PushRows {
    pub schema: SchemaRef,
    receiver: mpsc::UnboundedReceiver<Result<RecordBatch, QueryError>>,
    shared: Arc<Shared>,
    job: Arc<Job>,
}

#[derive(Default)]
struct Shared {
    /// Bytes sent and not yet taken. The sender stops at the bound.
    waiting: AtomicUsize,
    closed: AtomicBool,
}

impl PushRows {
    /// Bytes of rows that wait to be taken: about `push_buffer_bytes_max` at most, and one step's rows beyond it.
    pub fn waiting_bytes(&self) -> usize {
        self.shared.waiting.load(Ordering::Acquire)
    }
}

impl Stream for PushRows {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.receiver.poll_recv(context);
        if let Poll::Ready(Some(Ok(batch))) = &next {
            self.shared.waiting.fetch_sub(batch.get_array_memory_size(), Ordering::AcqRel);
            self.job.wake();
        }
        next
    }
}

impl Drop for PushRows {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.job.wake();
    }
}

struct Transient {
    pipeline: Pipeline,
    reader: Box<dyn Reader>,
    sender: mpsc::UnboundedSender<Result<RecordBatch, QueryError>>,
    shared: Arc<Shared>,
    /// Rows that may still be sent.
    left: Option<u64>,
    commit_interval: Duration,
    buffer_bytes_max: usize,
    memory_bytes_max: usize,
    epoch_began: Option<Instant>,
    environment: Arc<Environment>,
    /// Names the query in the processing log.
    id: String,
    topic: String,
}

/// The number of the next push query.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Opens a push query and starts it. Blocks while it opens.
pub fn start(
    pool: &Pool,
    environment: &Arc<Environment>,
    topology: &Topology,
    schema: SchemaRef,
    limit: Option<u64>,
    config: &QueryConfig,
) -> Result<PushRows, QueryError> {
    let log = &environment.log;
    let topic = topology.source.source.topic.as_str();
    let info = log.topic(topic)?.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?;
    let start = if config.from_earliest { OffsetAt::Earliest } else { OffsetAt::Latest };
    let mut from = Vec::with_capacity(info.partitions as usize);
    for partition in 0..info.partitions {
        let at = TopicPartition::new(topic, partition);
        let offset = log.offset(&at, start)?;
        from.push((at, offset));
    }
    let mut reader = log.reader(&environment.names.group("transient"), &from)?;
    let shared = Arc::new(Shared::default());
    #[allow(clippy::disallowed_methods, reason = "bounded in bytes, by Shared::waiting")]
    let (sender, receiver) = mpsc::unbounded_channel();
    let slot: Arc<std::sync::OnceLock<std::sync::Weak<Job>>> = Arc::default();
    let of_waker = slot.clone();
    reader.set_waker(Arc::new(move || {
        if let Some(job) = of_waker.get().and_then(std::sync::Weak::upgrade) {
            job.wake();
        }
    }));
    let transient = Mutex::new(Some(Transient {
        pipeline: Pipeline::new(topology, info.partitions)?,
        reader,
        sender,
        shared: shared.clone(),
        left: limit,
        commit_interval: config.commit_interval,
        buffer_bytes_max: environment.config.push_buffer_bytes_max,
        memory_bytes_max: environment.config.query_memory_bytes_max,
        environment: environment.clone(),
        id: format!("transient_{}_{}", topology.source.source.name, NEXT.fetch_add(1, Ordering::Relaxed)),
        topic: topic.to_owned(),
        epoch_began: None,
    }));
    let job = pool.spawn(move || {
        let mut slot = transient.lock();
        let Some(query) = slot.as_mut() else { return Next::Done };
        let stepped = catch_unwind(AssertUnwindSafe(|| query.step()))
            .unwrap_or_else(|_| Err(QueryError::Panic("a step of a push query".into())));
        let next = stepped.unwrap_or_else(|error| {
            let _ = query.sender.send(Err(error));
            Next::Done
        });
        if next == Next::Done {
            // Closes the channel: the client sees the end.
            *slot = None;
        }
        next
    });
    let _ = slot.set(Arc::downgrade(&job));
    job.wake();
    Ok(PushRows { schema, receiver, shared, job })
}

impl Transient {
    fn step(&mut self) -> Result<Next, QueryError> {
        if self.shared.closed.load(Ordering::Acquire) || self.left == Some(0) {
            return Ok(Next::Done);
        }
        if self.shared.waiting.load(Ordering::Acquire) >= self.buffer_bytes_max {
            // The client wakes it when it has taken a batch.
            return Ok(Next::Wait);
        }
        let read = match self.read() {
            Ok(read) => read,
            Err(QueryError::Log(error)) if !error.is_fatal() => {
                tracing::debug!(%error, "a push query waits for the log");
                return Ok(Next::At(Instant::now() + RETRY));
            }
            Err(error) => return Err(error),
        };
        let now = Instant::now();
        if read > 0 && self.epoch_began.is_none() {
            self.epoch_began = Some(now);
        }
        let stateful = self.pipeline.table().is_some();
        if let Some(began) = self.epoch_began
            && (!stateful || now >= began + self.commit_interval)
        {
            self.end_epoch()?;
        }
        Ok(match (self.left, read, self.epoch_began) {
            (Some(0), ..) => Next::Done,
            (_, 1.., _) => Next::Again,
            (_, _, Some(began)) => Next::At(began + self.commit_interval),
            _ => Next::Wait,
        })
    }

    fn read(&mut self) -> Result<usize, QueryError> {
        let pipeline = &mut self.pipeline;
        let mut failed = None;
        let read = self.reader.poll(POLL_RECORDS, &mut |partition, records| {
            let raw = raw(records);
            if failed.is_none() {
                failed = pipeline.push_records(partition, &raw).err();
            }
        })?;
        failed.map_or(Ok(read), |error| Err(error.into()))
    }

    fn end_epoch(&mut self) -> Result<(), QueryError> {
        self.epoch_began = None;
        self.pipeline.end_epoch()?;
        let made = self.pipeline.take_made();
        // Nobody keeps the changelog of a push query.
        self.pipeline.seal()?;
        self.pipeline.commit();
        if self.pipeline.table().is_some() {
            let held = self.pipeline.counters().state_bytes;
            if held > self.memory_bytes_max {
                return Err(QueryError::Memory { held, limit: self.memory_bytes_max });
            }
        }
        self.log_errors(&made.errors);
        for batch in made.rows {
            self.send(batch)?;
        }
        Ok(())
    }

    /// Has the processing log written, by a thread that may block.
    fn log_errors(&self, errors: &[RowError]) {
        let entries = processing_log::entries(&self.id, &self.topic, errors, &self.environment.names);
        if entries.is_empty() {
            return;
        }
        let environment = self.environment.clone();
        self.environment.blocking.spawn_blocking(move || {
            if let Err(error) = environment.processing_log.append(&entries) {
                tracing::warn!(%error, entries = entries.len(), "cannot write the processing log");
            }
        });
    }

    fn send(&mut self, batch: Batch) -> Result<(), QueryError> {
        let mut rows = match &batch.tombstones {
            // A deletion has no row to show.
            Some(tombstones) => {
                let kept = arrow::array::BooleanArray::new(!tombstones, None);
                filter_record_batch(&batch.columns, &kept).map_err(crate::engine::EngineError::from)?
            }
            None => batch.columns,
        };
        if let Some(left) = &mut self.left {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            rows = rows.slice(0, rows.num_rows().min(most));
            *left -= rows.num_rows() as u64;
        }
        if rows.num_rows() > 0 {
            self.shared.waiting.fetch_add(rows.get_array_memory_size(), Ordering::AcqRel);
            // A client that has left is seen at the next step.
            let _ = self.sender.send(Ok(rows));
        }
        Ok(())
    }
}
