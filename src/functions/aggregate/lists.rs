//! States that are lists of values: the first, the last, the largest ones of a group.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};

use super::Accumulator;
use super::codec::{Codec, Packed};
use super::slots::column_at;

/// Which values stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The first so many.
    First(usize),
    /// The last so many.
    Last(usize),
    /// The largest so many, largest first; of equal ones the first come first.
    Largest(usize),
    /// The largest so many that differ.
    LargestDistinct(usize),
}

/// What a list is as a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    List,
    /// Its only value, or NULL.
    Single,
    /// Texts with a separator between them; NULL where there is none.
    Joined(String),
}

/// How the lists of a call are kept.
#[derive(Debug)]
pub struct Plan {
    pub codec: Arc<Codec>,
    /// What the values are ordered by where that is not the whole value: the first column.
    pub order: Option<Arc<Codec>>,
    pub keep: Keep,
    /// Rows whose first argument is null count.
    pub nulls: bool,
    pub shape: Shape,
}

#[derive(Debug, Clone)]
pub struct Lists {
    plan: Arc<Plan>,
    lists: Vec<Packed>,
    /// Memory that the lists hold.
    held: usize,
}

impl Lists {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, lists: Vec::new(), held: 0 }
    }

    fn change(&mut self, slot: u32, change: impl FnOnce(&mut Packed)) {
        let Some(list) = self.lists.get_mut(slot as usize) else {
            debug_assert!(false, "slot {slot}");
            return;
        };
        self.held -= list.held();
        change(list);
        self.held += list.held();
    }

    fn of<'a>(&'a self, slots: &'a [u32]) -> impl Iterator<Item = &'a Packed> + Clone {
        static EMPTY: Packed = Packed::EMPTY;
        slots.iter().map(|slot| self.lists.get(*slot as usize).unwrap_or(&EMPTY))
    }

    /// Runs `take(list, value, length of what it is ordered by)` for every row that counts.
    fn each(
        &mut self,
        slots: &[u32],
        args: &[ArrayRef],
        failed: &mut Vec<(usize, String)>,
        take: impl Fn(&mut Packed, &[u8], usize),
    ) {
        let plan = self.plan.clone();
        let Some(first) = args.first() else { return };
        let order = plan.order.as_ref().map(|order| order.encode(args)).transpose();
        let (rows, order) = match (plan.codec.encode(args), order) {
            (Ok(rows), Ok(order)) => (rows, order),
            (Err(error), _) | (_, Err(error)) => {
                failed.extend((0..slots.len()).map(|row| (row, error.to_string())));
                return;
            }
        };
        let nulls = if plan.nulls { None } else { first.logical_nulls() };
        for (row, slot) in slots.iter().enumerate().take(rows.num_rows()) {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                let value = rows.row(row);
                let length = order.as_ref().map_or(value.data().len(), |order| order.row_len(row));
                self.change(*slot, |list| take(list, value.data(), length));
            }
        }
    }
}

impl Keep {
    /// Takes a value in, which is ordered by its first `length` bytes.
    #[inline]
    fn add(self, list: &mut Packed, value: &[u8], length: usize) {
        match self {
            Keep::First(n) if list.len() < n => list.push(value),
            Keep::First(_) => {}
            Keep::Last(1) => {
                list.clear();
                list.push(value);
            }
            Keep::Last(n) => {
                list.push(value);
                if list.len() > n {
                    list.remove(0);
                }
            }
            Keep::Largest(n) | Keep::LargestDistinct(n) => {
                let order = value.get(..length).unwrap_or(value);
                // Encodings end themselves, so no one is the start of another: comparing as far as the new one goes will do.
                let of = |other: &'_ [u8]| other.get(..length).unwrap_or(other).cmp(order);
                let at = partition(list.len(), |i| of(list.get(i)).is_ge());
                let known = self == Keep::LargestDistinct(n)
                    && at.checked_sub(1).is_some_and(|before| of(list.get(before)).is_eq());
                if at < n && !known {
                    list.insert(at, value);
                    list.truncate(n);
                }
            }
        }
    }
}

/// The first index for which `holds` does not hold; it holds for all before it.
fn partition(len: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

impl Accumulator for Lists {
    fn resize(&mut self, slots: usize) {
        if slots > self.lists.len() {
            self.lists.resize(slots, Packed::default());
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.change(*slot, Packed::clear));
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        let keep = self.plan.keep;
        self.each(slots, args, failed, |list, value, length| keep.add(list, value, length));
    }

    /// The last of the equal values goes. One that is not there came when the list was full.
    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, failed, |list, value, _| {
            let last = list.iter().rposition(|other| other == value);
            if let Some(last) = last {
                list.remove(last);
            }
        });
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        for (to, list) in to.iter().zip(other.into_iter().flat_map(|other| other.of(from))) {
            self.change(*to, |mine| mine.clone_from(list));
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        vec![self.plan.codec.decode_lists(self.of(slots))]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let lists = self.plan.codec.encode_lists(column_at(state, 0, slots.len())?)?;
        for (slot, list) in slots.iter().zip(lists) {
            self.change(*slot, |mine| *mine = list);
        }
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let codec = &self.plan.codec;
        match &self.plan.shape {
            Shape::List => codec.decode_lists(self.of(slots)),
            Shape::Single => {
                let none = codec.encode(&[arrow::array::new_null_array(&codec.ty.arrow(), 1)]);
                debug_assert!(none.is_ok());
                let none = none.as_ref().map_or(&[][..], |none| none.row(0).data());
                codec.decode(self.of(slots).map(|list| if list.len() > 0 { list.get(0) } else { none }))
            }
            Shape::Joined(separator) => {
                let texts = codec.decode(self.of(slots).flat_map(Packed::iter));
                let texts = texts.as_any().downcast_ref::<StringArray>();
                debug_assert!(texts.is_some(), "joined values are texts");
                let mut texts = texts.into_iter().flatten();
                let joined = self.of(slots).map(|list| {
                    let texts: Vec<&str> = texts.by_ref().take(list.len()).flatten().collect();
                    (!texts.is_empty()).then(|| texts.join(separator))
                });
                Arc::new(joined.collect::<StringArray>())
            }
        }
    }

    fn bytes(&self) -> usize {
        self.lists.capacity() * size_of::<Packed>() + self.held
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        // Capacities of a clone may be smaller than those counted; count again.
        let mut clone = self.clone();
        clone.held = clone.lists.iter().map(Packed::held).sum();
        Box::new(clone)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
