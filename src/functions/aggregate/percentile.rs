//! MEDIAN and PERCENTILE_CONT: exact, from all values of a group, which are kept in order.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::ScalarValue;

use super::call::{Built, Factory, Overload};
use super::slots::column;
use super::{Accumulator, AggregateFunction};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentile {
    Median,
    Cont,
}

impl AggregateFunction for Percentile {
    fn name(&self) -> &'static str {
        match self {
            Percentile::Median => "MEDIAN",
            Percentile::Cont => "PERCENTILE_CONT",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Percentile::Median => {
                "The value in the middle, or the mean of the two there; NULL where there is none"
            }
            Percentile::Cont => {
                "The value below which this fraction lies, interpolated; also PERCENTILE_CONT(f) WITHIN GROUP (ORDER BY value)"
            }
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        match self {
            Percentile::Median => &["(value DOUBLE) -> DOUBLE"],
            Percentile::Cont => &["(value DOUBLE, fraction DOUBLE) -> DOUBLE"],
        }
    }

    fn constants(&self, _overload: usize) -> usize {
        usize::from(*self == Percentile::Cont)
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let fraction = match call.constants.first() {
            None => 0.5,
            Some(ScalarValue::Float64(Some(fraction))) if (0.0..=1.0).contains(fraction) => *fraction,
            Some(other) => return Err(format!("the fraction must lie between 0 and 1, not be {other}")),
        };
        let make = Factory::new(move || Sorted { fraction, values: Vec::new(), held: 0 });
        Ok(Built { returns: call.returns.clone(), make })
    }
}

#[derive(Debug, Clone)]
struct Sorted {
    fraction: f64,
    /// In the order of `total_cmp`.
    values: Vec<Vec<f64>>,
    /// Memory that the values hold.
    held: usize,
}

impl Sorted {
    fn change(&mut self, slot: u32, change: impl FnOnce(&mut Vec<f64>)) {
        let Some(values) = self.values.get_mut(slot as usize) else {
            debug_assert!(false, "slot {slot}");
            return;
        };
        self.held -= values.capacity() * 8;
        change(values);
        self.held += values.capacity() * 8;
    }

    fn each(&mut self, slots: &[u32], args: &[ArrayRef], take: impl Fn(&mut Vec<f64>, f64)) {
        let values = args.first().and_then(|arg| arg.as_primitive_opt::<Float64Type>());
        debug_assert!(values.is_some(), "the argument is another type");
        for (slot, value) in slots.iter().zip(values.into_iter().flatten()) {
            if let Some(value) = value {
                self.change(*slot, |values| take(values, value));
            }
        }
    }

    fn of<'a>(&'a self, slots: &'a [u32]) -> impl Iterator<Item = &'a Vec<f64>> + Clone {
        slots.iter().filter_map(|slot| self.values.get(*slot as usize))
    }
}

/// As the SQL standard says: between the two values around the place that the fraction falls on.
fn percentile(values: &[f64], fraction: f64) -> Option<f64> {
    let place = fraction * values.len().checked_sub(1)? as f64;
    let below = *values.get(place.floor() as usize)?;
    let above = *values.get(place.ceil() as usize)?;
    Some(if below == above { below } else { below + (above - below) * place.fract() })
}

impl Accumulator for Sorted {
    fn resize(&mut self, slots: usize) {
        if slots > self.values.len() {
            self.values.resize(slots, Vec::new());
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.change(*slot, Vec::clear));
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, |values, value| {
            let place = values.partition_point(|other| other.total_cmp(&value).is_le());
            values.insert(place, value);
        });
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, |values, value| {
            if let Ok(place) = values.binary_search_by(|other| other.total_cmp(&value)) {
                values.remove(place);
            }
        });
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        for (to, values) in to.iter().zip(other.into_iter().flat_map(|other| other.of(from))) {
            self.change(*to, |mine| mine.clone_from(values));
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        let values: Float64Array = self.of(slots).flatten().copied().map(Some).collect();
        let offsets = OffsetBuffer::from_lengths(self.of(slots).map(Vec::len));
        let item = Arc::new(Field::new("item", DataType::Float64, true));
        vec![Arc::new(ListArray::new(item, offsets, Arc::new(values), None))]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let lists = column::<ListArray>(state, 0, slots.len())?;
        for (row, slot) in slots.iter().enumerate() {
            let list = lists.value(row);
            let list = list.as_primitive_opt::<Float64Type>().ok_or("state column 0 holds no numbers")?;
            self.change(*slot, |values| *values = list.values().to_vec());
        }
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let fraction = self.fraction;
        Arc::new(self.of(slots).map(|values| percentile(values, fraction)).collect::<Float64Array>())
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<Vec<f64>>() + self.held
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        // Capacities of a clone may be smaller than those counted; count again.
        let mut clone = self.clone();
        clone.held = clone.values.iter().map(|values| values.capacity() * 8).sum();
        Box::new(clone)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
