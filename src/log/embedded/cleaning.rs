//! What makes the log smaller: deleted topics, deleted records, compaction.
//!
//! All of it goes in small batches, each of which leaves the log whole, so a crash in the middle loses nothing.
//!
//! Compaction keeps the last record of every key. It runs as in Kafka: the keys of the part that is new since
//! the last time are gathered with their last offsets, then every block up to there is rewritten without the
//! records that a later one replaces. The records that stay keep their offsets, and a block keeps its key and
//! the offsets it covers. Blocks are rewritten from front to back, so a tombstone is dropped after what it deletes.
//! It is dropped once every group that committed a position in the partition has read past it: a group that starts
//! later needs it no more, as the values before it are gone.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::{NewRecord, Result};
use super::Inner;
use super::block::{Block, BlockBuilder, HEAD_BYTES, Head};
use super::keys::{
    DELETED_PREFIX, PARTITION_PREFIX, POSITION_PREFIX, block_key, deleted_key, first_offset, partition_key,
    position_key, prefixed_topic,
};
use super::store::store_error;
use super::topic::{Place, Topic};

/// How many blocks or entries are removed in a batch.
const BATCH_KEYS: usize = 1000;
/// How many bytes of rewritten blocks are written in a batch.
const BATCH_BYTES: usize = 4 << 20;
/// The most memory for the keys of one round of compaction; more rounds follow where it does not do.
const ROUND_BYTES: usize = 64 << 20;
/// What a key costs beside its own bytes.
const KEY_BYTES: usize = 64;

/// Keys and the offset of the last record of each.
type LastOffsets = HashMap<Box<[u8]>, i64>;

impl Inner {
    /// Removes what is left of topics that were being deleted when the process ended.
    pub(super) fn finish_deletions(&self) -> Result<()> {
        let mut ids = Vec::new();
        for found in self.store.meta.prefix([DELETED_PREFIX]) {
            let key = found.key().map_err(store_error)?;
            ids.extend(key.get(1..).and_then(|id| id.first_chunk()).map(|id| u64::from_be_bytes(*id)));
        }
        ids.into_iter().try_for_each(|id| self.remove_remains(id))
    }

    /// Removes everything of a topic whose name is already gone.
    pub(super) fn remove_remains(&self, id: u64) -> Result<()> {
        let store = &self.store;
        let remains = [
            (&store.blocks, id.to_be_bytes().to_vec()),
            (&store.index, id.to_be_bytes().to_vec()),
            (&store.meta, prefixed_topic(PARTITION_PREFIX, id)),
            (&store.meta, prefixed_topic(POSITION_PREFIX, id)),
            (&store.meta, deleted_key(id)),
        ];
        for (keyspace, prefix) in remains {
            let mut found = keyspace.prefix(prefix);
            loop {
                let mut batch = store.batch();
                for found in found.by_ref().take(BATCH_KEYS) {
                    batch.remove(keyspace, found.key().map_err(store_error)?);
                }
                if batch.is_empty() {
                    break;
                }
                batch.commit().map_err(store_error)?;
            }
        }
        Ok(())
    }

    /// Moves the start of a partition to `before`, or to its end where that is -1, and removes the blocks below it.
    pub(super) fn delete_records(&self, place: &Place, before: i64) -> Result<()> {
        let (id, partition) = (place.topic.entry.id, place.partition);
        let bounds = place.bounds()?;
        let before = if before == -1 { bounds.end() } else { before };
        if before < 0 || before > bounds.end() {
            return Err(place.topic.out_of_range(partition as i32, before));
        }
        if before <= bounds.start() {
            return Ok(());
        }
        let from = self.scan_from(place, bounds.start())?;
        let mut found =
            self.store.index.range(block_key(id, partition, from)..block_key(id, partition, before));
        loop {
            let _lock = self.write_lock.lock();
            let bounds = place.bounds()?;
            let mut entry = bounds.entry();
            let mut batch = self.store.batch();
            let mut removed = 0;
            let mut start = before;
            for found in found.by_ref() {
                let (key, head) = found.into_inner().map_err(store_error)?;
                let head = Head::decode(&head)?;
                if head.last >= before {
                    break;
                }
                batch.remove(&self.store.index, key.clone());
                batch.remove(&self.store.blocks, key);
                removed += 1;
                if removed == BATCH_KEYS {
                    start = head.last + 1;
                    break;
                }
            }
            entry.start = entry.start.max(start);
            batch.insert(&self.store.meta, partition_key(id, partition), entry.encode());
            batch.commit().map_err(store_error)?;
            bounds.set(entry);
            if removed < BATCH_KEYS {
                return Ok(());
            }
        }
    }

    /// Compacts the topics that want it, as far as there is enough that is new.
    pub(super) fn compact(&self) -> Result<()> {
        let topics: Vec<Arc<Topic>> =
            self.topics.read().values().filter(|t| t.is_compacted()).cloned().collect();
        for topic in topics {
            for partition in 0..topic.entry.partitions {
                let place = Place { topic: topic.clone(), partition };
                if self.is_dirty(&place)? {
                    while self.compact_round(&place)? {}
                }
            }
        }
        Ok(())
    }

    /// Whether at least half of the records are new since the last compaction.
    fn is_dirty(&self, place: &Place) -> Result<bool> {
        let entry = place.bounds()?.entry();
        if entry.compacted >= entry.end {
            return Ok(false);
        }
        let (id, partition) = (place.topic.entry.id, place.partition);
        let (mut old, mut new) = (0u64, 0u64);
        for found in self.store.index.range(block_key(id, partition, 0)..block_key(id, partition, entry.end))
        {
            let head = Head::decode(&found.value().map_err(store_error)?)?;
            *(if head.first < entry.compacted { &mut old } else { &mut new }) += u64::from(head.count);
        }
        Ok(new > 0 && new >= old)
    }

    /// Compacts up to where the memory for keys reaches. Returns whether there is more.
    fn compact_round(&self, place: &Place) -> Result<bool> {
        let _lock = self.write_lock.lock();
        let (id, partition) = (place.topic.entry.id, place.partition);
        let key = |offset| block_key(id, partition, offset);
        let bounds = place.bounds()?;
        let mut entry = bounds.entry();
        let (last_offsets, limit) = self.last_offsets(place, entry.compacted, entry.end)?;
        let all_read = self.smallest_position(place)?;

        let mut batch = self.store.batch();
        let mut batch_bytes = 0;
        let mut scratch = Vec::new();
        for found in self.store.blocks.range(key(0)..key(limit)) {
            let (block_key, value) = found.into_inner().map_err(store_error)?;
            let block = Block::open(value, scratch)?;
            let mut kept = BlockBuilder::default();
            block.for_each(&mut |record| {
                let replaced =
                    record.key.and_then(|key| last_offsets.get(key)).is_some_and(|&o| o > record.offset);
                let forgotten = record.key.is_some() && record.value.is_none() && record.offset < all_read;
                if !replaced && !forgotten {
                    let delta = u32::try_from(record.offset - block.head.first).unwrap_or(u32::MAX);
                    let (timestamp, headers) = (record.timestamp, record.headers);
                    kept.push(delta, &NewRecord { key: record.key, value: record.value, timestamp, headers });
                }
                true
            })?;
            let head = block.head;
            scratch = block.into_scratch();
            if kept.count() == head.count {
                continue;
            }
            if kept.is_empty() {
                batch.remove(&self.store.index, block_key.clone());
                batch.remove(&self.store.blocks, block_key);
            } else {
                let first = first_offset(&block_key).unwrap_or(head.first);
                let block = kept.seal().place(first, Some(head.last));
                batch_bytes += block.len();
                batch.insert(
                    &self.store.index,
                    block_key.clone(),
                    block.get(..HEAD_BYTES).unwrap_or_default(),
                );
                batch.insert(&self.store.blocks, block_key, block);
            }
            if batch_bytes >= BATCH_BYTES || batch.len() >= BATCH_KEYS {
                std::mem::replace(&mut batch, self.store.batch()).commit().map_err(store_error)?;
                batch_bytes = 0;
            }
        }
        entry.compacted = limit;
        batch.insert(&self.store.meta, partition_key(id, partition), entry.encode());
        batch.commit().map_err(store_error)?;
        bounds.set(entry);
        Ok(limit < entry.end)
    }

    /// The last offset of every key in the blocks from `from`, and how far this goes: to `end` unless memory ends before.
    fn last_offsets(&self, place: &Place, from: i64, end: i64) -> Result<(LastOffsets, i64)> {
        let key = |offset| block_key(place.topic.entry.id, place.partition, offset);
        let mut offsets = LastOffsets::new();
        let mut bytes = 0;
        let mut scratch = Vec::new();
        for found in self.store.blocks.range(key(from)..key(end)) {
            let block = Block::open(found.value().map_err(store_error)?, scratch)?;
            block.for_each(&mut |record| {
                match record.key.map(|key| (key, offsets.get_mut(key))) {
                    Some((_, Some(offset))) => *offset = record.offset,
                    Some((key, None)) => {
                        bytes += key.len() + KEY_BYTES;
                        offsets.insert(key.into(), record.offset);
                    }
                    None => {}
                }
                true
            })?;
            if bytes > ROUND_BYTES {
                return Ok((offsets, block.head.last + 1));
            }
            scratch = block.into_scratch();
        }
        Ok((offsets, end))
    }

    /// The smallest position that a group committed in the partition.
    fn smallest_position(&self, place: &Place) -> Result<i64> {
        let mut smallest = i64::MAX;
        for found in self.store.meta.prefix(position_key(place.topic.entry.id, place.partition, "")) {
            let value = found.value().map_err(store_error)?;
            smallest = smallest.min(value.first_chunk().map_or(0, |offset| i64::from_le_bytes(*offset)));
        }
        Ok(smallest)
    }
}
