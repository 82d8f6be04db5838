//! States that are sets of values, with how often each came.

use std::any::Any;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, MapArray, StructArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};
use hashbrown::HashTable;

use super::Accumulator;
use super::codec::{Codec, Packed};
use super::slots::column_at;
use crate::sql::SqlType;

/// What a set is as a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Its values, in the order in which they came.
    List,
    /// How many values there are.
    Count,
    /// The only value, NULL where there are several.
    Single,
    /// Each value and how often it came.
    Map,
}

/// How the sets of a call are kept.
#[derive(Debug)]
pub struct Plan {
    pub codec: Arc<Codec>,
    pub shape: Shape,
    /// Rows whose argument is null count.
    pub nulls: bool,
    /// How many values a set keeps; those that come later are left out.
    pub max: usize,
}

#[derive(Debug, Clone)]
pub struct Tallies {
    plan: Arc<Plan>,
    tallies: Vec<Tally>,
    /// Memory that the tallies hold.
    held: usize,
}

/// The values of one group, in the order in which they came.
#[derive(Debug, Clone, Default)]
struct Tally {
    values: Packed,
    counts: Vec<i64>,
    /// By hash, once there are more than [`SCANNED_MAX`] values.
    index: HashTable<u32>,
}

/// So many values are looked through one by one.
const SCANNED_MAX: usize = 16;

/// For tables in memory only.
const HASHER: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0x7461_6c6c);

fn hash(value: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(value);
    hasher.finish()
}

impl Tally {
    fn find(&self, value: &[u8]) -> Option<usize> {
        if self.values.len() <= SCANNED_MAX {
            return self.values.iter().position(|other| other == value);
        }
        let same = |place: &u32| self.values.get(*place as usize) == value;
        self.index.find(hash(value), same).map(|place| *place as usize)
    }

    fn add(&mut self, value: &[u8], times: i64, max: usize) {
        if let Some(place) = self.find(value) {
            if let Some(count) = self.counts.get_mut(place) {
                *count = count.saturating_add(times);
            }
        } else if self.values.len() < max.min(u32::MAX as usize) {
            self.values.push(value);
            self.counts.push(times);
            if self.values.len() == SCANNED_MAX + 1 {
                self.build_index();
            } else if self.values.len() > SCANNED_MAX {
                let (values, last) = (&self.values, self.values.len() as u32 - 1);
                self.index.insert_unique(hash(value), last, |place| hash(values.get(*place as usize)));
            }
        }
    }

    fn remove(&mut self, value: &[u8]) {
        let Some(place) = self.find(value) else { return };
        if let Some(count) = self.counts.get_mut(place) {
            *count -= 1;
            if *count <= 0 {
                self.counts.remove(place);
                self.values.remove(place);
                self.build_index();
            }
        }
    }

    fn build_index(&mut self) {
        self.index.clear();
        if self.values.len() > SCANNED_MAX {
            let values = &self.values;
            for (place, value) in values.iter().enumerate() {
                self.index
                    .insert_unique(hash(value), place as u32, |other| hash(values.get(*other as usize)));
            }
        }
    }

    fn clear(&mut self) {
        self.values.clear();
        self.counts.clear();
        self.index.clear();
    }

    fn held(&self) -> usize {
        self.values.held() + self.counts.capacity() * 8 + self.index.capacity() * (size_of::<u32>() + 1)
    }
}

impl Tallies {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, tallies: Vec::new(), held: 0 }
    }

    fn change(&mut self, slot: u32, change: impl FnOnce(&mut Tally)) {
        let Some(tally) = self.tallies.get_mut(slot as usize) else {
            debug_assert!(false, "slot {slot}");
            return;
        };
        self.held -= tally.held();
        change(tally);
        self.held += tally.held();
    }

    fn of<'a>(&'a self, slots: &'a [u32]) -> impl Iterator<Item = &'a Tally> + Clone {
        let found = slots.iter().map(|slot| self.tallies.get(*slot as usize));
        debug_assert!(found.clone().all(|tally| tally.is_some()));
        found.flatten()
    }

    fn each(
        &mut self,
        slots: &[u32],
        args: &[ArrayRef],
        failed: &mut Vec<(usize, String)>,
        take: impl Fn(&mut Tally, &[u8]),
    ) {
        let Some(first) = args.first() else { return };
        let rows = match self.plan.codec.encode(args) {
            Ok(rows) => rows,
            Err(error) => {
                failed.extend((0..slots.len()).map(|row| (row, error.to_string())));
                return;
            }
        };
        let nulls = if self.plan.nulls { None } else { first.logical_nulls() };
        for (row, slot) in slots.iter().enumerate().take(rows.num_rows()) {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                self.change(*slot, |tally| take(tally, rows.row(row).data()));
            }
        }
    }

    fn counts(&self, slots: &[u32]) -> Int64Array {
        self.of(slots).flat_map(|tally| tally.counts.iter().copied()).collect()
    }

    fn offsets(&self, slots: &[u32]) -> OffsetBuffer<i32> {
        OffsetBuffer::from_lengths(self.of(slots).map(|tally| tally.values.len()))
    }
}

impl Accumulator for Tallies {
    fn resize(&mut self, slots: usize) {
        if slots > self.tallies.len() {
            self.tallies.resize(slots, Tally::default());
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.change(*slot, Tally::clear));
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        let max = self.plan.max;
        self.each(slots, args, failed, |tally, value| tally.add(value, 1, max));
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, failed, Tally::remove);
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        for (to, tally) in to.iter().zip(other.into_iter().flat_map(|other| other.of(from))) {
            self.change(*to, |mine| mine.clone_from(tally));
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        let values = self.plan.codec.decode_lists(self.of(slots).map(|tally| &tally.values));
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        let counts = ListArray::new(item, self.offsets(slots), Arc::new(self.counts(slots)), None);
        vec![values, Arc::new(counts)]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let values = self.plan.codec.encode_lists(column_at(state, 0, slots.len())?)?;
        let counts =
            column_at(state, 1, slots.len())?.as_list_opt::<i32>().ok_or("state column 1 is no list")?;
        for (row, (slot, values)) in slots.iter().zip(values).enumerate() {
            let counts = counts.value(row);
            let counts = counts.as_primitive_opt::<Int64Type>().ok_or("state column 1 holds no counts")?;
            if counts.len() != values.len() {
                return Err(format!("{} values with {} counts", values.len(), counts.len()));
            }
            self.change(*slot, |tally| {
                *tally = Tally { values, counts: counts.values().to_vec(), index: HashTable::new() };
                tally.build_index();
            });
        }
        Ok(())
    }

    fn state_columns(&self) -> usize {
        2
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let codec = &self.plan.codec;
        match self.plan.shape {
            Shape::List => codec.decode_lists(self.of(slots).map(|tally| &tally.values)),
            Shape::Count => {
                Arc::new(Int64Array::from_iter_values(self.of(slots).map(|tally| tally.values.len() as i64)))
            }
            Shape::Single => {
                let none = codec.encode(&[new_null_array(&codec.ty.arrow(), 1)]);
                debug_assert!(none.is_ok());
                let none = none.as_ref().map_or(&[][..], |none| none.row(0).data());
                let value = |tally: &'_ Tally| tally.values.len() == 1;
                codec.decode(self.of(slots).map(|t| if value(t) { t.values.get(0) } else { none }))
            }
            Shape::Map => self.maps(slots),
        }
    }

    fn bytes(&self) -> usize {
        self.tallies.capacity() * size_of::<Tally>() + self.held
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        // Capacities of a clone may be smaller than those counted; count again.
        let mut clone = self.clone();
        clone.held = clone.tallies.iter().map(Tally::held).sum();
        Box::new(clone)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Tallies {
    fn maps(&self, slots: &[u32]) -> ArrayRef {
        let codec = &self.plan.codec;
        let ty = SqlType::map(codec.ty.clone(), SqlType::BigInt).arrow();
        let keys = codec.decode(self.of(slots).flat_map(|tally| tally.values.iter()));
        let made = match &ty {
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => {
                    StructArray::try_new(fields.clone(), vec![keys, Arc::new(self.counts(slots))], None)
                        .and_then(|e| MapArray::try_new(entries.clone(), self.offsets(slots), e, None, false))
                        .ok()
                }
                _ => None,
            },
            _ => None,
        };
        debug_assert!(made.is_some(), "{ty}");
        made.map_or_else(|| new_null_array(&ty, slots.len()), |made| Arc::new(made) as ArrayRef)
    }
}
