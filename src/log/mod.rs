//! A partitioned, replayable, transactional log: one trait, two implementations.
//!
//! [`Log`] is what Rivermill keeps everything in: input and output topics, changelogs, the command log and
//! the positions of its queries. `kafka` is the real thing; `embedded` is a durable local log for a first
//! try, development and tests. Both pass the same test suite. This floor knows bytes, not SQL.
//!
//! All calls block and are meant for worker threads; readers never block, but call a waker when there is more.

use std::sync::Arc;

pub mod embedded;
mod error;
pub mod kafka;

pub use error::{LogError, Result};

/// What topic, and which of its partitions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

/// A topic to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    /// 1 to 10,000.
    pub partitions: i32,
    /// None leaves it to the broker's default. The embedded log keeps one copy whatever is asked.
    pub replicas: Option<i16>,
    /// Topic settings by Kafka's names, such as `cleanup.policy`; the embedded log keeps them all and heeds that one.
    pub config: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    pub name: String,
    pub partitions: i32,
    pub replicas: i16,
}

/// A place in a partition to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetAt {
    /// The first record still there.
    Earliest,
    /// Behind the last record that a `read_committed` reader may see.
    Latest,
    /// The first record with at least this timestamp (ms); the end where there is none.
    Timestamp(i64),
}

/// A record as it is read. Borrowed from the log's own buffers.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    /// None is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// The headers of a record, in order; names may repeat.
pub type Headers<'a> = &'a [(&'a str, Option<&'a [u8]>)];

/// A record to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub timestamp: i64,
    pub headers: Headers<'a>,
}

/// How a writer writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guarantee {
    /// Transactions under this id. Opening a second writer with the same id fences the first, and rolls back
    /// what it left open: the first one's next call fails with [`LogError::Fenced`].
    ExactlyOnce { transactional_id: String },
    /// Idempotent appends, no transactions: `begin` and `commit` only flush.
    AtLeastOnce,
}

/// The log. Cheap to clone behind an `Arc`; every call may come from any thread.
pub trait Log: Send + Sync {
    /// Creates a topic. Errors: [`LogError::TopicExists`], [`LogError::Invalid`], connection errors.
    fn create_topic(&self, topic: &TopicSpec) -> Result<()>;

    /// Deletes a topic and its records. Errors: [`LogError::UnknownTopic`].
    fn delete_topic(&self, name: &str) -> Result<()>;

    /// One topic, or None where there is no such topic.
    fn topic(&self, name: &str) -> Result<Option<TopicInfo>>;

    /// All topics in the order of their names, internal ones too.
    fn topics(&self) -> Result<Vec<TopicInfo>>;

    /// Looks a place up. Errors: [`LogError::UnknownTopic`].
    fn offset(&self, at: &TopicPartition, offset: OffsetAt) -> Result<i64>;

    /// Removes the records of a partition below `before`, as Kafka's DeleteRecords; what is gone already may be
    /// removed again. Errors: [`LogError::UnknownTopic`], [`LogError::OffsetOutOfRange`] beyond the end.
    fn delete_records(&self, at: &TopicPartition, before: i64) -> Result<()>;

    /// The positions that `group` committed, None where it committed none or there is no such partition, in the
    /// order asked.
    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<i64>>>;

    /// Opens a reader at the given places. It sees committed records only.
    /// `group` names the positions that a writer commits for what this reader reads.
    /// Errors, from here or from `poll`: [`LogError::UnknownTopic`], [`LogError::UnknownPartition`].
    fn reader(&self, group: &str, from: &[(TopicPartition, i64)]) -> Result<Box<dyn Reader>>;

    /// Opens a writer; see [`Guarantee`].
    fn writer(&self, guarantee: &Guarantee) -> Result<Box<dyn Writer>>;
}

/// Called when a reader that had nothing more to give has something again. Must not block.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What `Reader::poll` hands over: the index of the partition in the list that the reader was opened with, and
/// records of that partition in the order of their offsets.
pub type OnRecords<'a> = dyn FnMut(usize, &[Record<'_>]) + 'a;

/// A reader of some partitions, not shared between threads.
pub trait Reader: Send {
    /// Hands over what is there, at most `max` records, without waiting; returns how many. Large records come
    /// fewer at a time: 0 alone says that there is no more. A partition's records may come in several runs. Errors are transient unless [`LogError::is_fatal`]: the position
    /// stays, and the next call goes on. [`LogError::OffsetOutOfRange`] stays until `seek` moves the partition, and
    /// [`LogError::UnknownTopic`] says that the topic was deleted: open a new reader if there is one of its name again.
    fn poll(&mut self, max: usize, on_records: &mut OnRecords<'_>) -> Result<usize>;

    /// Sets who is told when a poll that found nothing would find something.
    fn set_waker(&mut self, waker: Waker);

    /// Moves one partition, by its index, to an offset; drops what was fetched ahead.
    fn seek(&mut self, partition: usize, offset: i64) -> Result<()>;

    /// The offset of the next record of each partition, in the order the reader was opened with. Runs past
    /// control records and aborted ones, so that a reader that has read all stands at `OffsetAt::Latest`.
    fn positions(&self) -> Result<Vec<i64>>;

    /// The end of each partition as far as this reader knows, without asking a broker; None where not known yet.
    fn ends(&self) -> Vec<Option<i64>>;
}

/// A writer, not shared between threads. Under exactly-once the calls go `begin`, `append`…, `commit` or `abort`.
pub trait Writer: Send {
    /// Begins a transaction. Errors: [`LogError::Fenced`]; [`LogError::Invalid`] where one is open.
    fn begin(&mut self) -> Result<()>;

    /// Appends records to a partition, in order. Takes what it needs from the records before it returns.
    /// Errors: [`LogError::UnknownTopic`], [`LogError::UnknownPartition`], [`LogError::Invalid`] for a record that the
    /// log does not take, [`LogError::Fenced`]; where the broker is asked later they come from `commit`. After any
    /// of them the transaction can only be rolled back.
    fn append(&mut self, to: &TopicPartition, records: &mut dyn Iterator<Item = NewRecord<'_>>)
    -> Result<()>;

    /// Ends the transaction: all that was appended and the positions of `group` become visible together, durably,
    /// or an error says that they will not. After [`LogError::Abortable`] call `abort`, then begin again;
    /// after a fatal error open a new writer.
    fn commit(&mut self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<()>;

    /// Rolls the transaction back: nothing of it is ever seen. Nothing happens where none is open.
    fn abort(&mut self) -> Result<()>;
}
