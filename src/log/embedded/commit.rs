//! How transactions become durable: one batch of the store, one sync of the disk, for all that wait.
//!
//! A writer that commits puts its transaction in a queue. Whoever finds nobody at work takes all that wait,
//! checks each, gives their blocks offsets, and writes them as one batch: it holds the blocks, the ends of the
//! partitions and the positions of the groups, and the store applies it whole or not at all. While one group
//! is being synced, the next gathers. A transaction that fails its check leaves the others untouched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::super::{LogError, Result};
use super::block::{HEAD_BYTES, SealedBlock};
use super::keys::{PartitionEntry, block_key, partition_key, position_key};
use super::store::{Store, store_error};
use super::topic::Place;

/// What a transactional id stands for: the writer that has it now. A newer one sets the flag of the older.
pub(super) struct Session {
    pub transactional_id: String,
    pub fenced: AtomicBool,
}

impl Session {
    pub(super) fn check(&self) -> Result<()> {
        match self.fenced.load(Ordering::Acquire) {
            true => Err(LogError::Fenced(self.transactional_id.clone())),
            false => Ok(()),
        }
    }
}

/// A transaction that is ready to be written.
#[derive(Default)]
pub(super) struct Transaction {
    /// None for at-least-once writers, which nobody fences.
    pub session: Option<Arc<Session>>,
    pub blocks: Vec<PartitionBlocks>,
    pub group: String,
    pub positions: Vec<(Place, i64)>,
}

/// The blocks of one partition, each with its first offset counted from the transaction's first one there.
pub(super) struct PartitionBlocks {
    pub place: Place,
    pub blocks: Vec<(u32, SealedBlock)>,
    pub records: u32,
}

impl Transaction {
    fn check(&self) -> Result<()> {
        self.session.as_ref().map_or(Ok(()), |session| session.check())?;
        let appended = self.blocks.iter().map(|part| &part.place);
        let committed = self.positions.iter().map(|(place, _)| place);
        appended.chain(committed).try_for_each(|place| place.bounds().map(drop))
    }
}

/// The queue. Its length is bounded by the number of writers, as each waits for its own transaction.
#[derive(Default)]
pub(super) struct Committer {
    queue: Mutex<Queue>,
    turn: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Ticket>,
    busy: bool,
}

struct Ticket {
    transaction: Transaction,
    result: Arc<Mutex<Option<Result<()>>>>,
}

impl Committer {
    /// Writes a transaction and returns once it is on disk, or is not and never will be.
    /// `write_lock` is held while writing: whoever holds it sees no topic change and no transaction pass.
    pub(super) fn commit(
        &self,
        store: &Store,
        write_lock: &Mutex<()>,
        transaction: Transaction,
    ) -> Result<()> {
        let result = Arc::new(Mutex::new(None));
        let mut queue = self.queue.lock();
        queue.waiting.push(Ticket { transaction, result: result.clone() });
        loop {
            if let Some(result) = result.lock().take() {
                return result;
            }
            if queue.busy {
                self.turn.wait(&mut queue);
                continue;
            }
            let group = std::mem::take(&mut queue.waiting);
            if !group.iter().any(|ticket| Arc::ptr_eq(&ticket.result, &result)) {
                queue.waiting = group;
                return Err(LogError::Other("a commit was broken off".into()));
            }
            queue.busy = true;
            drop(queue);
            let turn = Turn(self);
            write_group(store, write_lock, group);
            drop(turn);
            queue = self.queue.lock();
        }
    }
}

/// Gives the turn back, even out of a panic.
struct Turn<'a>(&'a Committer);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().busy = false;
        self.0.turn.notify_all();
    }
}

fn write_group(store: &Store, write_lock: &Mutex<()>, group: Vec<Ticket>) {
    let mut batch = store.batch();
    // Keyed, because the store wants each key once in a batch, and two transactions may touch the same.
    let mut ends: BTreeMap<(u64, u32), (Place, PartitionEntry)> = BTreeMap::new();
    let mut positions: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let mut written = Vec::with_capacity(group.len());
    let lock = write_lock.lock();
    for Ticket { transaction, result } in group {
        if let Err(error) = transaction.check() {
            *result.lock() = Some(Err(error));
            continue;
        }
        for PartitionBlocks { place, blocks, records } in transaction.blocks {
            let id = place.topic.entry.id;
            let Ok(entry) = place.bounds().map(|bounds| bounds.entry()) else { continue };
            let (place, entry) = ends.entry((id, place.partition)).or_insert((place, entry));
            for (first, block) in blocks {
                let first = entry.end + i64::from(first);
                let key = block_key(id, place.partition, first);
                let block = block.place(first, None);
                batch.insert(&store.index, key, block.get(..HEAD_BYTES).unwrap_or_default());
                batch.insert(&store.blocks, key, block);
            }
            entry.end += i64::from(records);
        }
        for (place, offset) in transaction.positions {
            positions.insert(position_key(place.topic.entry.id, place.partition, &transaction.group), offset);
        }
        written.push(result);
    }
    for (&(id, partition), (_, entry)) in &ends {
        batch.insert(&store.meta, partition_key(id, partition), entry.encode());
    }
    for (key, offset) in positions {
        batch.insert(&store.meta, key, offset.to_le_bytes());
    }
    let outcome = batch.commit().map_err(store_error);
    if outcome.is_ok() {
        for (place, entry) in ends.values() {
            if let Ok(bounds) = place.bounds() {
                bounds.set(*entry);
            }
        }
    }
    drop(lock);
    for result in written {
        *result.lock() = Some(outcome.clone());
    }
    if outcome.is_ok() {
        let mut last = None;
        for ((id, _), (place, _)) in &ends {
            if last.replace(*id) != Some(*id) {
                place.topic.wake();
            }
        }
    }
}
