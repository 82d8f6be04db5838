//! AVG over INT, BIGINT and DOUBLE: a sum in double precision, divided by the count. (The sum of integers is exact
//! up to 2^53.)

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::slots::{bytes_of, column, fill, for_each_valid, gather, scatter};
use super::{Accumulator, AggregateFunction, Built, Factory, Overload};

#[derive(Debug)]
pub struct Avg;

impl AggregateFunction for Avg {
    fn name(&self) -> &'static str {
        "AVG"
    }

    fn summary(&self) -> &'static str {
        "Average of the values that are not null; 0.0 where there is none"
    }

    fn signatures(&self) -> &'static [&'static str] {
        &["(value INT) -> DOUBLE", "(value BIGINT) -> DOUBLE", "(value DOUBLE) -> DOUBLE"]
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        Ok(Built { returns: call.returns.clone(), make: Factory::new(Averages::default) })
    }
}

#[derive(Debug, Clone, Default)]
struct Averages {
    sums: Vec<f64>,
    counts: Vec<i64>,
}

impl Averages {
    #[inline(always)]
    fn each(&mut self, slots: &[u32], args: &[ArrayRef], step: impl Fn(&mut f64, &mut i64, f64)) {
        let Some(arg) = args.first() else { return };
        let (sums, counts) = (self.sums.as_mut_slice(), self.counts.as_mut_slice());
        let mut take = |slot: usize, value: f64| {
            if let (Some(sum), Some(count)) = (sums.get_mut(slot), counts.get_mut(slot)) {
                step(sum, count, value);
            }
        };
        macro_rules! take_all {
            ($type:ty) => {{
                let values = arg.as_primitive::<$type>().values();
                for_each_valid(slots, arg.as_ref(), |slot, row| {
                    if let Some(value) = values.get(row) {
                        take(slot, *value as f64);
                    }
                });
            }};
        }
        match arg.data_type() {
            DataType::Int32 => take_all!(Int32Type),
            DataType::Int64 => take_all!(Int64Type),
            DataType::Float64 => take_all!(Float64Type),
            other => debug_assert!(false, "AVG of {other}"),
        }
    }
}

impl Accumulator for Averages {
    fn resize(&mut self, slots: usize) {
        if slots > self.sums.len() {
            self.sums.resize(slots, 0.0);
            self.counts.resize(slots, 0);
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        fill(&mut self.sums, slots, 0.0);
        fill(&mut self.counts, slots, 0);
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, |sum, count, value| {
            *sum += value;
            *count += 1;
        });
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, |sum, count, value| {
            *sum -= value;
            *count -= 1;
            if *count == 0 {
                *sum = 0.0;
            }
        });
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        if let Some(other) = other {
            scatter(&mut self.sums, to, gather(&other.sums, from).into_iter());
            scatter(&mut self.counts, to, gather(&other.counts, from).into_iter());
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        vec![
            Arc::new(Float64Array::from(gather(&self.sums, slots))),
            Arc::new(Int64Array::from(gather(&self.counts, slots))),
        ]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let sums = column::<Float64Array>(state, 0, slots.len())?;
        let counts = column::<Int64Array>(state, 1, slots.len())?;
        scatter(&mut self.sums, slots, sums.values().iter().copied());
        scatter(&mut self.counts, slots, counts.values().iter().copied());
        Ok(())
    }

    fn state_columns(&self) -> usize {
        2
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let sums = gather(&self.sums, slots);
        let averages = sums
            .into_iter()
            .zip(gather(&self.counts, slots))
            .map(|(sum, count)| if count == 0 { 0.0 } else { sum / count as f64 });
        Arc::new(Float64Array::from_iter_values(averages))
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.sums) + bytes_of(&self.counts)
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
