//! Topics as they are in memory: where each partition begins and ends, and who waits for more.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering, fence};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::super::{LogError, Result, TopicPartition, TopicSpec, Waker};
use super::keys::{PartitionEntry, TopicEntry};

/// The most partitions of a topic.
const PARTITIONS_MAX: i32 = 10_000;
/// The longest topic name, as in Kafka.
const NAME_BYTES_MAX: usize = 249;

/// A topic that exists, or existed: readers and writers keep it, and see from `deleted` that it is gone. A new
/// topic of the same name is another one, with another id.
pub(super) struct Topic {
    pub name: Arc<str>,
    pub entry: TopicEntry,
    pub partitions: Vec<Partition>,
    deleted: AtomicBool,
    /// Readers of this topic. Those that are gone are taken out whenever the list has doubled.
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    slots: Vec<Weak<WakerSlot>>,
    clean_at: usize,
}

/// The bounds of a partition. Only who holds the log's write lock changes them, and only after the store has it.
#[derive(Default)]
pub(super) struct Partition {
    start: AtomicI64,
    end: AtomicI64,
    compacted: AtomicI64,
}

impl Partition {
    pub(super) fn start(&self) -> i64 {
        self.start.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) -> i64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn entry(&self) -> PartitionEntry {
        PartitionEntry {
            start: self.start(),
            end: self.end(),
            compacted: self.compacted.load(Ordering::Acquire),
        }
    }

    pub(super) fn set(&self, entry: PartitionEntry) {
        self.compacted.store(entry.compacted, Ordering::Release);
        self.end.store(entry.end, Ordering::Release);
        self.start.store(entry.start, Ordering::Release);
    }
}

impl Topic {
    pub(super) fn new(name: &str, entry: TopicEntry) -> Self {
        Self {
            name: name.into(),
            partitions: (0..entry.partitions).map(|_| Partition::default()).collect(),
            entry,
            deleted: AtomicBool::new(false),
            waiting: Mutex::default(),
        }
    }

    /// The partition of that number. Errors: the topic is gone, or never had it.
    pub(super) fn partition(&self, partition: i32) -> Result<&Partition> {
        if self.deleted.load(Ordering::Acquire) {
            return Err(LogError::UnknownTopic(self.name.to_string()));
        }
        let known = usize::try_from(partition).ok().and_then(|number| self.partitions.get(number));
        known.ok_or_else(|| LogError::UnknownPartition { topic: self.name.to_string(), partition })
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    pub(super) fn set_deleted(&self) {
        self.deleted.store(true, Ordering::Release);
    }

    pub(super) fn is_compacted(&self) -> bool {
        let policy = self.entry.config.iter().rev().find(|(name, _)| name == "cleanup.policy");
        policy.is_some_and(|(_, policy)| policy.split(',').any(|p| p.trim() == "compact"))
    }

    pub(super) fn out_of_range(&self, partition: i32, offset: i64) -> LogError {
        LogError::OffsetOutOfRange { topic: self.name.to_string(), partition, offset }
    }

    /// Has the slot's waker called from now on, as long as the slot lives.
    pub(super) fn register(&self, slot: &Arc<WakerSlot>) {
        let mut waiting = self.waiting.lock();
        if waiting.slots.len() >= waiting.clean_at {
            waiting.slots.retain(|slot| slot.strong_count() > 0);
            waiting.clean_at = 2 * waiting.slots.len() + 16;
        }
        waiting.slots.push(Arc::downgrade(slot));
    }

    #[cfg(test)]
    pub(super) fn waiting_count(&self) -> usize {
        self.waiting.lock().slots.len()
    }

    /// Wakes the readers that had nothing more to give. No lock is held while a waker runs.
    pub(super) fn wake(&self) {
        let slots: Vec<_> = self.waiting.lock().slots.iter().filter_map(Weak::upgrade).collect();
        for slot in slots {
            slot.wake();
        }
    }
}

/// A reader's waker, and whether the reader waits for it.
pub(super) struct WakerSlot {
    armed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl WakerSlot {
    pub(super) fn new() -> Self {
        Self { armed: AtomicBool::new(true), waker: Mutex::new(None) }
    }

    /// The reader found nothing. It must look once more after this: what came before is not told.
    pub(super) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
        // With the fence in `wake`: either the reader, looking again, sees the new end, or the writer sees this.
        fence(Ordering::SeqCst);
    }

    pub(super) fn set(&self, waker: Waker) {
        *self.waker.lock() = Some(waker);
    }

    /// Calls the waker, once for each time that the reader armed it. A slot without a waker stays armed.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if !self.armed.load(Ordering::SeqCst) {
            return;
        }
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker
            && self.armed.swap(false, Ordering::SeqCst)
        {
            waker();
        }
    }
}

/// Checks what a topic is to be, by Kafka's rules.
pub(super) fn check_spec(spec: &TopicSpec) -> Result<u32> {
    let name = &spec.name;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty()
        || name.len() > NAME_BYTES_MAX
        || !name.chars().all(legal)
        || matches!(name.as_str(), "." | "..")
    {
        return Err(LogError::Invalid(format!(
            "invalid topic name \"{}\": 1 to {NAME_BYTES_MAX} of the characters a-z, A-Z, 0-9, \".\", \"_\" and \"-\"",
            name.escape_debug()
        )));
    }
    match u32::try_from(spec.partitions) {
        Ok(partitions @ 1..) if spec.partitions <= PARTITIONS_MAX => Ok(partitions),
        _ => Err(LogError::Invalid(format!(
            "invalid number of partitions {} for topic \"{name}\": 1 to {PARTITIONS_MAX}",
            spec.partitions
        ))),
    }
}

/// A partition of a topic, looked up.
#[derive(Clone)]
pub(super) struct Place {
    pub topic: Arc<Topic>,
    pub partition: u32,
}

impl Place {
    pub(super) fn new(topic: Arc<Topic>, at: &TopicPartition) -> Result<Self> {
        topic.partition(at.partition)?;
        Ok(Self { topic, partition: at.partition.unsigned_abs() })
    }

    pub(super) fn is(&self, at: &TopicPartition) -> bool {
        i64::from(self.partition) == i64::from(at.partition) && *self.topic.name == *at.topic
    }

    pub(super) fn bounds(&self) -> Result<&Partition> {
        self.topic.partition(self.partition as i32)
    }
}
