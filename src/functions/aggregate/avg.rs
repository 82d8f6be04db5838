//! AVG over INT, BIGINT and DOUBLE: a sum in double precision, divided by the count. (The sum of integers is exact
//! up to 2^53.)

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::slots::{bytes_of, column, fill, for_each_valid, gather, scatter};
use super::{Accumulator, AggregateFunction};
use crate::sql::SqlType;

#[derive(Debug)]
pub struct Avg;

impl AggregateFunction for Avg {
    fn name(&self) -> &'static str {
        "AVG"
    }

    fn summary(&self) -> &'static str {
        "Average of the values that are not null; 0.0 where there is none"
    }

    fn return_type(&self, args: &[SqlType]) -> Option<SqlType> {
        match args {
            [SqlType::Int | SqlType::BigInt | SqlType::Double] => Some(SqlType::Double),
            _ => None,
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        &["AVG(INTEGER)", "AVG(BIGINT)", "AVG(DOUBLE)"]
    }

    fn accumulator(&self, _args: &[SqlType]) -> Box<dyn Accumulator> {
        Box::new(Averages::default())
    }
}

#[derive(Debug, Clone, Default)]
struct Averages {
    sums: Vec<f64>,
    counts: Vec<i64>,
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
        let Some(arg) = args.first() else { return };
        let (sums, counts) = (self.sums.as_mut_slice(), self.counts.as_mut_slice());
        let mut add = |slot: usize, value: f64| {
            if let (Some(sum), Some(count)) = (sums.get_mut(slot), counts.get_mut(slot)) {
                *sum += value;
                *count += 1;
            }
        };
        macro_rules! add_all {
            ($type:ty) => {{
                let values = arg.as_primitive::<$type>().values();
                for_each_valid(slots, arg.as_ref(), |slot, row| {
                    if let Some(value) = values.get(row) {
                        add(slot, *value as f64);
                    }
                });
            }};
        }
        match arg.data_type() {
            DataType::Int32 => add_all!(Int32Type),
            DataType::Int64 => add_all!(Int64Type),
            DataType::Float64 => add_all!(Float64Type),
            other => debug_assert!(false, "AVG of {other}"),
        }
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
