//! COUNT(*) counts rows, COUNT(x) those where x is not null. Also written COUNT().

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use super::slots::{bytes_of, column, fill, for_each_valid, gather, scatter};
use super::{Accumulator, AggregateFunction, Built, Factory, Overload};

#[derive(Debug)]
pub struct Count;

impl AggregateFunction for Count {
    fn name(&self) -> &'static str {
        "COUNT"
    }

    fn summary(&self) -> &'static str {
        "Number of rows, or of rows where the argument is not null"
    }

    fn signatures(&self) -> &'static [&'static str] {
        &["() -> BIGINT", "(value T) -> BIGINT"]
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        Ok(Built { returns: call.returns.clone(), make: Factory::new(Counts::default) })
    }
}

#[derive(Debug, Clone, Default)]
struct Counts {
    counts: Vec<i64>,
}

impl Counts {
    #[inline(always)]
    fn add<const N: i64>(&mut self, slots: &[u32], args: &[ArrayRef]) {
        let counts = self.counts.as_mut_slice();
        // No overflow: 2^63 rows are not to be had.
        let mut add = |slot: usize| {
            if let Some(count) = counts.get_mut(slot) {
                *count += N;
            }
        };
        match args.first() {
            None => slots.iter().for_each(|&slot| add(slot as usize)),
            Some(arg) => for_each_valid(slots, arg.as_ref(), |slot, _| add(slot)),
        }
    }
}

impl Accumulator for Counts {
    fn resize(&mut self, slots: usize) {
        if slots > self.counts.len() {
            self.counts.resize(slots, 0);
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        fill(&mut self.counts, slots, 0);
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.add::<1>(slots, args);
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.add::<-1>(slots, args);
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        if let Some(other) = other {
            scatter(&mut self.counts, to, gather(&other.counts, from).into_iter());
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        vec![self.evaluate(slots)]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let counts = column::<Int64Array>(state, 0, slots.len())?;
        scatter(&mut self.counts, slots, counts.values().iter().copied());
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        Arc::new(Int64Array::from(gather(&self.counts, slots)))
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.counts)
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
