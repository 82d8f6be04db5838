//! Some groups: a hash table of keys, and their states as columns.

use arrow::array::{Array, ArrayRef, Int64Array};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Layout;
use crate::engine::EngineError;
use crate::functions::aggregate::Accumulator;

/// Groups by slot: 0 to `len`, in the order in which they came.
#[derive(Debug)]
pub struct Segment {
    index: HashTable<u32>,
    hashes: Vec<u64>,
    /// Where each key ends in `keys`.
    key_ends: Vec<usize>,
    keys: Vec<u8>,
    /// The largest row time of each group; [`NO_ROW`] before its first row.
    pub times: Vec<i64>,
    pub accumulators: Vec<Box<dyn Accumulator>>,
}

/// The time of a group that no row has reached.
pub const NO_ROW: i64 = i64::MIN;

impl Segment {
    pub fn new(layout: &Layout) -> Self {
        Self {
            index: HashTable::new(),
            hashes: Vec::new(),
            key_ends: Vec::new(),
            keys: Vec::new(),
            times: Vec::new(),
            accumulators: layout.accumulators(),
        }
    }

    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn hash(&self, slot: u32) -> u64 {
        self.hashes[slot as usize]
    }

    pub fn key(&self, slot: u32) -> &[u8] {
        key_at(&self.keys, &self.key_ends, slot)
    }

    pub fn slots(&self) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }

    pub fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let same = |slot: &u32| {
            self.hashes[*slot as usize] == hash && key_at(&self.keys, &self.key_ends, *slot) == key
        };
        self.index.find(hash, same).copied()
    }

    /// The slot of a key, made where there is none. Its states exist after the next [`Segment::make_states`].
    pub fn intern(&mut self, hash: u64, key: &[u8]) -> u32 {
        let Self { index, hashes, key_ends, keys, times, .. } = self;
        let same = |slot: &u32| hashes[*slot as usize] == hash && key_at(keys, key_ends, *slot) == key;
        match index.entry(hash, same, |slot| hashes[*slot as usize]) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(vacant) => {
                let slot = hashes.len() as u32;
                vacant.insert(slot);
                hashes.push(hash);
                keys.extend_from_slice(key);
                key_ends.push(keys.len());
                times.push(NO_ROW);
                slot
            }
        }
    }

    /// Makes the states of interned keys exist.
    pub fn make_states(&mut self) {
        let slots = self.len();
        self.accumulators.iter_mut().for_each(|a| a.resize(slots));
    }

    /// Copies whole states: `from[i]` of `other` to `to[i]` here.
    pub fn copy_from(&mut self, to: &[u32], other: &Segment, from: &[u32]) {
        for (to, from) in to.iter().zip(from) {
            self.times[*to as usize] = other.times[*from as usize];
        }
        copy_states(&mut self.accumulators, to, other, from);
    }

    /// Takes over keys of another segment with their states.
    pub fn upsert(&mut self, other: &Segment, from: &[u32]) {
        let to: Vec<u32> = from.iter().map(|slot| self.intern(other.hash(*slot), other.key(*slot))).collect();
        self.make_states();
        self.copy_from(&to, other, from);
    }

    /// Takes rows in: row i goes to `slots[i]`. `args` gives the columns of each aggregate.
    pub fn update(
        &mut self,
        slots: &[u32],
        times: impl Iterator<Item = i64>,
        args: &[Vec<ArrayRef>],
        failed: &mut Vec<(usize, String)>,
    ) {
        self.advance(slots, times);
        for (accumulator, args) in self.accumulators.iter_mut().zip(args) {
            accumulator.update(slots, args, failed);
        }
    }

    /// Takes rows out again: the inverse of `update`, but for the groups' times, which go on.
    pub fn retract(
        &mut self,
        slots: &[u32],
        times: impl Iterator<Item = i64>,
        args: &[Vec<ArrayRef>],
        failed: &mut Vec<(usize, String)>,
    ) {
        self.advance(slots, times);
        for (accumulator, args) in self.accumulators.iter_mut().zip(args) {
            accumulator.retract(slots, args, failed);
        }
    }

    /// A group's time is the largest of its rows'.
    fn advance(&mut self, slots: &[u32], times: impl Iterator<Item = i64>) {
        for (slot, time) in slots.iter().zip(times) {
            let largest = &mut self.times[*slot as usize];
            *largest = time.max(*largest);
        }
    }

    pub fn group_columns(&self, layout: &Layout, slots: &[u32]) -> Result<Vec<ArrayRef>, EngineError> {
        layout.group_columns(slots.iter().map(|slot| self.key(*slot)))
    }

    /// The columns of a changelog block.
    pub fn block_columns(&self, layout: &Layout, slots: &[u32]) -> Result<Vec<ArrayRef>, EngineError> {
        Ok(self.block_columns_of(self.group_columns(layout, slots)?, slots))
    }

    /// As `block_columns`, with the grouping columns of these slots.
    pub fn block_columns_of(&self, group: Vec<ArrayRef>, slots: &[u32]) -> Vec<ArrayRef> {
        let mut columns = group;
        let times = slots.iter().map(|slot| self.times[*slot as usize]);
        columns.push(std::sync::Arc::new(Int64Array::from_iter_values(times)));
        columns.extend(self.accumulators.iter().flat_map(|a| a.state(slots)));
        columns
    }

    /// The inverse of `block_columns`. Keys that come twice end as the last.
    pub fn from_block(layout: &Layout, columns: &[ArrayRef]) -> Result<Self, EngineError> {
        let wrong = || EngineError::Changelog("it has other columns than the query".into());
        let (group, rest) = columns.split_at_checked(layout.spec.group).ok_or_else(wrong)?;
        let (times, mut states) = rest.split_first().ok_or_else(wrong)?;
        let times = times.as_any().downcast_ref::<Int64Array>().ok_or_else(wrong)?;
        let keys = layout.keys(group)?;
        let mut segment = Segment::new(layout);
        let slots: Vec<u32> = (0..times.len() as u32)
            .map(|row| {
                let (hash, key) = keys.get(row);
                segment.intern(hash, key)
            })
            .collect();
        segment.make_states();
        for (slot, time) in slots.iter().zip(times.values()) {
            segment.times[*slot as usize] = *time;
        }
        for (accumulator, width) in segment.accumulators.iter_mut().zip(&layout.state_widths) {
            let (state, rest) = states.split_at_checked(*width).ok_or_else(wrong)?;
            accumulator.load(&slots, state).map_err(EngineError::Changelog)?;
            states = rest;
        }
        Ok(segment)
    }

    /// Memory held, in bytes, roughly.
    pub fn bytes(&self) -> usize {
        let of_keys = self.keys.capacity() + self.key_ends.capacity() * size_of::<usize>();
        let of_index = self.index.capacity() * (size_of::<u32>() + 1) + self.hashes.capacity() * 8;
        let of_states: usize = self.accumulators.iter().map(|a| a.bytes()).sum();
        size_of::<Self>() + of_keys + of_index + self.times.capacity() * 8 + of_states
    }
}

impl Clone for Segment {
    fn clone(&self) -> Self {
        Self {
            index: self.index.clone(),
            hashes: self.hashes.clone(),
            key_ends: self.key_ends.clone(),
            keys: self.keys.clone(),
            times: self.times.clone(),
            accumulators: self.accumulators.iter().map(|a| a.clone_box()).collect(),
        }
    }
}

/// Copies states alone, to accumulators that may stand without a segment.
pub fn copy_states(states: &mut [Box<dyn Accumulator>], to: &[u32], other: &Segment, from: &[u32]) {
    for (state, other) in states.iter_mut().zip(&other.accumulators) {
        state.copy_from(to, other.as_ref(), from);
    }
}

fn key_at<'a>(keys: &'a [u8], ends: &[usize], slot: u32) -> &'a [u8] {
    let slot = slot as usize;
    let start = if slot == 0 { 0 } else { ends[slot - 1] };
    &keys[start..ends[slot]]
}
