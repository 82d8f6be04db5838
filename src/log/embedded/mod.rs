//! The embedded log: a durable log in a directory, for a first try, for development and for tests.
//!
//! It keeps what Kafka promises and Rivermill relies on: partitions in order, transactions over several topics
//! and positions that become visible whole or not at all, fencing by transactional id, compaction. It is made
//! for one process: the directory is locked while it is open. Below it lies fjall, a key-value store with atomic
//! batches; what this module adds is small and in parts:
//!
//! - [`block`]: records lie in the store in blocks, not one by one; the durable format;
//! - [`commit`]: transactions gather in memory, and all that are ready together share one write and one sync;
//! - [`writer`], [`reader`]: what the rest of the house sees of them;
//! - [`topic`]: the bounds of partitions in memory, and the wakers of those who wait;
//! - [`cleaning`]: deleting, and compaction, which runs when the log is opened;
//! - [`store`], [`keys`]: the store, its settings and what lies where in it.
//!
//! A transaction has no offsets before it is committed, so an aborted one leaves no gap, and nothing of it on
//! disk: after a crash there is nothing to repair. All topics and the bounds of their partitions are in memory.

mod block;
mod cleaning;
mod commit;
mod keys;
mod reader;
mod store;
mod topic;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use super::{
    Guarantee, Log, LogError, OffsetAt, Reader, Result, TopicInfo, TopicPartition, TopicSpec, Writer,
};
use block::{Block, Head};
use commit::{Committer, Session, Transaction};
use keys::{
    NEXT_TOPIC_ID_KEY, PARTITION_PREFIX, PartitionEntry, TOPIC_PREFIX, TopicEntry, block_key, deleted_key,
    position_key, topic_and_partition, topic_key,
};
use store::{Store, store_error};
use topic::{Place, Topic, check_spec};

/// The most topics, and the most partitions of all topics together, as all of them are in memory.
const TOPICS_MAX: usize = 10_000;
const PARTITIONS_MAX: usize = 1_000_000;

/// A log in a directory of the file system. Clones are handles to the same log; the directory is
/// free again when the last of them and all readers and writers are dropped.
#[derive(Clone)]
pub struct EmbeddedLog {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// Held by whoever changes topics, bounds of partitions or sessions, and while transactions are written.
    write_lock: Mutex<()>,
    topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    /// The newest writer of each transactional id, as long as it lives.
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    committer: Committer,
}

impl EmbeddedLog {
    /// Opens the log in a directory, and creates both where they do not exist. Finishes deletions that a crash broke
    /// off, and compacts the topics whose `cleanup.policy` contains `compact`.
    ///
    /// Errors: [`LogError::Unavailable`] if another process has it open, or the disk fails;
    /// [`LogError::Corrupt`] if it is damaged or of a version that this build does not read.
    pub fn open(path: &Path) -> Result<Self> {
        let store = Store::open(path)?;
        let topics = RwLock::new(load_topics(&store)?);
        let inner = Inner {
            store,
            write_lock: Mutex::new(()),
            topics,
            sessions: Mutex::default(),
            committer: Committer::default(),
        };
        inner.finish_deletions()?;
        inner.compact()?;
        Ok(Self { inner: Arc::new(inner) })
    }
}

fn load_topics(store: &Store) -> Result<BTreeMap<String, Arc<Topic>>> {
    let damaged = |what: &str| LogError::Corrupt(format!("{what} of the embedded log cannot be read"));
    let mut topics = BTreeMap::new();
    let mut by_id = HashMap::new();
    for found in store.meta.prefix([TOPIC_PREFIX]) {
        let (key, value) = found.into_inner().map_err(store_error)?;
        let name = key.get(1..).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or_else(|| damaged("the name of a topic"))?;
        let entry = TopicEntry::decode(&value).ok_or_else(|| damaged("a topic"))?;
        let topic = Arc::new(Topic::new(name, entry));
        by_id.insert(topic.entry.id, topic.clone());
        topics.insert(name.to_string(), topic);
    }
    for found in store.meta.prefix([PARTITION_PREFIX]) {
        let (key, value) = found.into_inner().map_err(store_error)?;
        let at = key.get(1..).and_then(topic_and_partition).ok_or_else(|| damaged("a partition"))?;
        let entry = PartitionEntry::decode(&value).ok_or_else(|| damaged("a partition"))?;
        // A topic that is not there is about to be deleted.
        let Some(topic) = by_id.get(&at.0) else { continue };
        topic.partition(i32::try_from(at.1).unwrap_or(-1))?.set(entry);
    }
    Ok(topics)
}

impl Inner {
    fn topic(&self, name: &str) -> Result<Arc<Topic>> {
        self.topics.read().get(name).cloned().ok_or_else(|| LogError::UnknownTopic(name.into()))
    }

    fn place(&self, at: &TopicPartition) -> Result<Place> {
        Place::new(self.topic(&at.topic)?, at)
    }

    fn commit(&self, transaction: Transaction) -> Result<()> {
        self.committer.commit(&self.store, &self.write_lock, transaction)
    }

    fn create_topic(&self, spec: &TopicSpec) -> Result<()> {
        let partitions = check_spec(spec)?;
        let _lock = self.write_lock.lock();
        let (topics, all_partitions) = {
            let topics = self.topics.read();
            if topics.contains_key(&spec.name) {
                return Err(LogError::TopicExists(spec.name.clone()));
            }
            (topics.len(), topics.values().map(|topic| topic.partitions.len()).sum::<usize>())
        };
        if topics >= TOPICS_MAX || all_partitions + partitions as usize > PARTITIONS_MAX {
            return Err(LogError::Invalid(format!(
                "topic \"{}\" is one too many: the embedded log holds at most {TOPICS_MAX} topics and {PARTITIONS_MAX} partitions",
                spec.name
            )));
        }
        let next = self.store.meta.get(NEXT_TOPIC_ID_KEY).map_err(store_error)?;
        let id = next.and_then(|id| id.first_chunk().copied()).map_or(1, u64::from_le_bytes);
        let entry = TopicEntry { id, partitions, config: spec.config.clone() };
        let mut batch = self.store.batch();
        batch.insert(&self.store.meta, NEXT_TOPIC_ID_KEY, (id + 1).to_le_bytes());
        batch.insert(&self.store.meta, topic_key(&spec.name), entry.encode());
        batch.commit().map_err(store_error)?;
        self.topics.write().insert(spec.name.clone(), Arc::new(Topic::new(&spec.name, entry)));
        Ok(())
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        let topic = {
            let _lock = self.write_lock.lock();
            let topic = self.topic(name)?;
            // From here on it is deleted, whatever happens; what it leaves behind is removed in small steps.
            let mut batch = self.store.batch();
            batch.remove(&self.store.meta, topic_key(name));
            batch.insert(&self.store.meta, deleted_key(topic.entry.id), []);
            batch.commit().map_err(store_error)?;
            self.topics.write().remove(name);
            topic.set_deleted();
            topic
        };
        topic.wake();
        self.remove_remains(topic.entry.id)
    }

    /// The first offset of the block that reaches over an offset, or of the next one: where to begin a scan.
    fn scan_from(&self, place: &Place, offset: i64) -> Result<i64> {
        let key = |offset| block_key(place.topic.entry.id, place.partition, offset);
        let found = self.store.index.range(key(0)..=key(offset)).next_back();
        let Some(found) = found else { return Ok(offset) };
        Ok(keys::first_offset(&found.key().map_err(store_error)?).unwrap_or(offset))
    }

    fn offset_at_timestamp(&self, place: &Place, timestamp: i64) -> Result<i64> {
        let bounds = place.bounds()?;
        let (start, end) = (bounds.start(), bounds.end());
        let key = |offset| block_key(place.topic.entry.id, place.partition, offset);
        let mut scratch = Vec::new();
        for found in self.store.index.range(key(self.scan_from(place, start)?)..key(end)) {
            let (key, head) = found.into_inner().map_err(store_error)?;
            if Head::decode(&head)?.max_timestamp < timestamp {
                continue;
            }
            // Gone since: then it was below the start, or compaction emptied it.
            let Some(value) = self.store.blocks.get(&key).map_err(store_error)? else { continue };
            let block = Block::open(value, scratch)?;
            let mut first = None;
            block.for_each(&mut |record| {
                if record.offset >= start && record.timestamp >= timestamp {
                    first = Some(record.offset);
                }
                first.is_none()
            })?;
            if let Some(first) = first {
                return Ok(first);
            }
            scratch = block.into_scratch();
        }
        Ok(end)
    }

    /// Makes a new writer the one that has the transactional id. When this returns, the older one, if any,
    /// has committed what it was about to commit, and will commit nothing more.
    fn open_session(&self, transactional_id: &str) -> Arc<Session> {
        let session =
            Arc::new(Session { transactional_id: transactional_id.into(), fenced: AtomicBool::new(false) });
        let _lock = self.write_lock.lock();
        if let Some(older) = self.sessions.lock().insert(transactional_id.into(), session.clone()) {
            older.fenced.store(true, Ordering::Release);
        }
        session
    }

    fn close_session(&self, session: &Arc<Session>) {
        let mut sessions = self.sessions.lock();
        if sessions.get(&session.transactional_id).is_some_and(|newest| Arc::ptr_eq(newest, session)) {
            sessions.remove(&session.transactional_id);
        }
    }
}

impl Log for EmbeddedLog {
    fn create_topic(&self, topic: &TopicSpec) -> Result<()> {
        self.inner.create_topic(topic)
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        self.inner.delete_topic(name)
    }

    fn topic(&self, name: &str) -> Result<Option<TopicInfo>> {
        Ok(self.inner.topics.read().get(name).map(|topic| topic_info(topic)))
    }

    fn topics(&self) -> Result<Vec<TopicInfo>> {
        Ok(self.inner.topics.read().values().map(|topic| topic_info(topic)).collect())
    }

    fn offset(&self, at: &TopicPartition, offset: OffsetAt) -> Result<i64> {
        let place = self.inner.place(at)?;
        match offset {
            OffsetAt::Earliest => Ok(place.bounds()?.start()),
            OffsetAt::Latest => Ok(place.bounds()?.end()),
            OffsetAt::Timestamp(timestamp) => self.inner.offset_at_timestamp(&place, timestamp),
        }
    }

    fn delete_records(&self, at: &TopicPartition, before: i64) -> Result<()> {
        self.inner.delete_records(&self.inner.place(at)?, before)
    }

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<i64>>> {
        let position = |at: &TopicPartition| {
            let Ok(place) = self.inner.place(at) else { return Ok(None) };
            let key = position_key(place.topic.entry.id, place.partition, group);
            let value = self.inner.store.meta.get(key).map_err(store_error)?;
            Ok(value.and_then(|value| value.first_chunk().copied()).map(i64::from_le_bytes))
        };
        partitions.iter().map(position).collect()
    }

    fn reader(&self, _group: &str, from: &[(TopicPartition, i64)]) -> Result<Box<dyn Reader>> {
        let place = |(at, offset): &(TopicPartition, i64)| Ok((self.inner.place(at)?, *offset));
        let from = from.iter().map(place).collect::<Result<Vec<_>>>()?;
        Ok(Box::new(reader::EmbeddedReader::new(self.inner.clone(), from)))
    }

    fn writer(&self, guarantee: &Guarantee) -> Result<Box<dyn Writer>> {
        let session = match guarantee {
            Guarantee::ExactlyOnce { transactional_id } if transactional_id.is_empty() => {
                return Err(LogError::Invalid("the transactional id is empty".into()));
            }
            Guarantee::ExactlyOnce { transactional_id } => Some(self.inner.open_session(transactional_id)),
            Guarantee::AtLeastOnce => None,
        };
        Ok(Box::new(writer::EmbeddedWriter::new(self.inner.clone(), session)))
    }
}

fn topic_info(topic: &Topic) -> TopicInfo {
    TopicInfo { name: topic.name.to_string(), partitions: topic.entry.partitions as i32, replicas: 1 }
}

#[cfg(test)]
mod tests;
