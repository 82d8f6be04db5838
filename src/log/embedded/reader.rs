//! Readers: they unpack one block at a time and hand out records that lie in it.
//!
//! A reader holds one block, and goes round its partitions a block (or [`VISIT_BLOCKS`] small ones) at a time, so its
//! memory does not grow with the number of its partitions and none of them starves. It reads what lies below
//! a partition's end; the end moves only after the store has all of a transaction, so nothing else is ever seen.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::{OnRecords, Reader, Result, Waker};
use super::Inner;
use super::block::{Block, Cursor};
use super::keys::block_key;
use super::store::store_error;
use super::topic::{Place, WakerSlot};

/// How many blocks of a partition are read before it is the next one's turn, and how many records, at most.
const VISIT_BLOCKS: usize = 64;
const VISIT_RECORDS: usize = 16 << 10;
/// What a poll unpacks at most, and a block beyond it: a caller that asks for thousands of records means small ones.
const POLL_BYTES: usize = 8 << 20;

pub(super) struct EmbeddedReader {
    log: Arc<Inner>,
    parts: Vec<Part>,
    /// Whose turn it is.
    turn: usize,
    /// The block that the partition whose turn it is has read in part.
    open: Option<(Block, Cursor)>,
    scratch: Vec<u8>,
    /// What the running poll has unpacked.
    unpacked: usize,
    slot: Arc<WakerSlot>,
}

struct Part {
    place: Place,
    position: i64,
    /// Whether no block reaches over the position: true once a block was read to its end.
    between_blocks: bool,
}

impl EmbeddedReader {
    pub(super) fn new(log: Arc<Inner>, from: Vec<(Place, i64)>) -> Self {
        let slot = Arc::new(WakerSlot::new());
        // Many partitions of few topics: each topic once.
        let mut topics: Vec<_> = from.iter().map(|(place, _)| &place.topic).collect();
        topics.sort_by_key(|topic| topic.entry.id);
        topics.dedup_by_key(|topic| topic.entry.id);
        topics.iter().for_each(|topic| topic.register(&slot));
        let parts = from.into_iter().map(|(place, position)| Part { place, position, between_blocks: false });
        Self { log, parts: parts.collect(), turn: 0, open: None, scratch: Vec::new(), unpacked: 0, slot }
    }

    /// Whether some partition has more, or an error to tell.
    fn has_more(&self) -> bool {
        self.parts.iter().any(|part| part.place.bounds().map_or(true, |bounds| part.position != bounds.end()))
    }

    fn close_block(&mut self) {
        if let Some((block, _)) = self.open.take() {
            self.scratch = block.into_scratch();
        }
    }

    fn next_turn(&mut self) {
        self.close_block();
        self.turn = (self.turn + 1) % self.parts.len().max(1);
    }

    /// Reads on in the partition whose turn it is; returns how many records it gave.
    fn visit(&mut self, max: usize, on_records: &mut OnRecords<'_>) -> Result<usize> {
        let Some(part) = self.parts.get_mut(self.turn) else { return Ok(0) };
        let bounds = part.place.bounds()?;
        let (start, end) = (bounds.start(), bounds.end());
        if part.position < start || part.position > end {
            return Err(part.place.topic.out_of_range(part.place.partition as i32, part.position));
        }
        let (topic, partition) = (part.place.topic.entry.id, part.place.partition);
        let key = |offset| block_key(topic, partition, offset);
        let mut visit = Visit { part, index: self.turn, given: 0, max, on_records };
        if let Some((block, mut cursor)) = self.open.take() {
            let flow = visit.give(&block, &mut cursor)?;
            match flow {
                ControlFlow::Break(()) => {
                    self.open = Some((block, cursor));
                    return Ok(visit.given);
                }
                ControlFlow::Continue(()) => self.scratch = block.into_scratch(),
            }
        }
        if visit.part.position == end {
            return Ok(visit.given);
        }
        // After a seek the position may be in the middle of a block, which begins before it.
        if !visit.part.between_blocks {
            let position = visit.part.position;
            if let Some(found) = self.log.store.blocks.range(key(0)..=key(position)).next_back() {
                let block =
                    Block::open(found.value().map_err(store_error)?, std::mem::take(&mut self.scratch))?;
                self.unpacked += block.head.body_bytes as usize;
                let mut cursor = Cursor::default();
                if block.head.last >= position && visit.give(&block, &mut cursor)?.is_break() {
                    self.open = Some((block, cursor));
                    return Ok(visit.given);
                }
                self.scratch = block.into_scratch();
            }
            visit.part.between_blocks = true;
        }
        let mut blocks = self.log.store.blocks.range(key(visit.part.position)..key(end));
        for _ in 0..VISIT_BLOCKS {
            let Some(found) = blocks.next() else {
                // Nothing is left before the end: compaction took it, or it was all read.
                visit.part.position = end;
                break;
            };
            let block = Block::open(found.value().map_err(store_error)?, std::mem::take(&mut self.scratch))?;
            self.unpacked += block.head.body_bytes as usize;
            let mut cursor = Cursor::default();
            if visit.give(&block, &mut cursor)?.is_break() {
                self.open = Some((block, cursor));
                break;
            }
            self.scratch = block.into_scratch();
            if visit.given >= VISIT_RECORDS || (visit.given > 0 && self.unpacked >= POLL_BYTES) {
                break;
            }
        }
        Ok(visit.given)
    }
}

/// One partition's turn in a poll.
struct Visit<'a, 'b> {
    part: &'a mut Part,
    index: usize,
    given: usize,
    max: usize,
    on_records: &'a mut OnRecords<'b>,
}

impl Visit<'_, '_> {
    /// Hands over what is left of a block, as far as there is room: breaks where there is more in the block.
    fn give(&mut self, block: &Block, cursor: &mut Cursor) -> Result<ControlFlow<()>> {
        self.part.between_blocks = false;
        while self.given < self.max {
            let mut next = self.part.position;
            let (index, on_records) = (self.index, &mut *self.on_records);
            let count =
                block.next_run(cursor, self.part.position, self.max - self.given, &mut |records| {
                    next = records.last().map_or(next, |record| record.offset + 1);
                    on_records(index, records);
                })?;
            self.part.position = next;
            self.given += count;
            if count == 0 {
                self.part.position = next.max(block.head.last + 1);
                self.part.between_blocks = true;
                return Ok(ControlFlow::Continue(()));
            }
        }
        Ok(ControlFlow::Break(()))
    }
}

impl Reader for EmbeddedReader {
    fn poll(&mut self, max: usize, on_records: &mut OnRecords<'_>) -> Result<usize> {
        let mut given = 0;
        let mut idle = 0;
        self.unpacked = 0;
        // Who gets something asks again; who gets nothing sleeps until it is woken.
        while given < max && (given == 0 || self.unpacked < POLL_BYTES) {
            if idle >= self.parts.len() {
                // All read. What comes now calls the waker, what came meanwhile is looked for once more.
                self.slot.arm();
                if !self.has_more() {
                    break;
                }
                idle = 0;
            }
            match self.visit(max - given, on_records) {
                Ok(0) => {
                    idle += 1;
                    self.next_turn();
                }
                Ok(count) => {
                    idle = 0;
                    given += count;
                    if self.open.is_none() {
                        self.next_turn();
                    }
                }
                // The error comes again with the next poll, which has not got anything yet.
                Err(_) if given > 0 => break,
                Err(error) => {
                    self.next_turn();
                    return Err(error);
                }
            }
        }
        Ok(given)
    }

    fn set_waker(&mut self, waker: Waker) {
        self.slot.set(waker);
        if self.has_more() {
            self.slot.wake();
        }
    }

    fn seek(&mut self, partition: usize, offset: i64) -> Result<()> {
        if partition == self.turn {
            self.close_block();
        }
        match self.parts.get_mut(partition) {
            Some(part) => {
                part.position = offset;
                part.between_blocks = false;
                Ok(())
            }
            None => Err(super::super::LogError::Invalid(format!("the reader has no partition {partition}"))),
        }
    }

    fn positions(&self) -> Result<Vec<i64>> {
        Ok(self.parts.iter().map(|part| part.position).collect())
    }

    fn ends(&self) -> Vec<Option<i64>> {
        self.parts.iter().map(|part| part.place.bounds().ok().map(|bounds| bounds.end())).collect()
    }
}
