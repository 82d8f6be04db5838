//! SUM_LIST: the sum of all elements of all arrays. Each array is summed up first, then taken in as SUM takes a value in.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int32Type, Int64Type};

use super::call::{Built, Factory, Overload};
use super::{Accumulator, AggregateFunction, sum};

#[derive(Debug)]
pub struct SumList;

impl AggregateFunction for SumList {
    fn name(&self) -> &'static str {
        "SUM_LIST"
    }

    fn summary(&self) -> &'static str {
        "Sum of all elements of the arrays that are not null; 0 where there is none"
    }

    fn signatures(&self) -> &'static [&'static str] {
        &["(value ARRAY<INT>) -> INT", "(value ARRAY<BIGINT>) -> BIGINT", "(value ARRAY<DOUBLE>) -> DOUBLE"]
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let ty = call.returns.clone();
        let make = Factory::new(move || ListSums { sums: sum::accumulator(ty.clone()) });
        Ok(Built { returns: call.returns.clone(), make })
    }
}

#[derive(Debug)]
struct ListSums {
    sums: Box<dyn Accumulator>,
}

impl Accumulator for ListSums {
    fn resize(&mut self, slots: usize) {
        self.sums.resize(slots);
    }

    fn reset(&mut self, slots: &[u32]) {
        self.sums.reset(slots);
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        if let Some(sums) = row_sums(args, failed) {
            self.sums.update(slots, &[sums], failed);
        }
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        if let Some(sums) = row_sums(args, failed) {
            self.sums.retract(slots, &[sums], failed);
        }
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        if let Some(other) = other.as_any().downcast_ref::<Self>() {
            self.sums.copy_from(to, other.sums.as_ref(), from);
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        self.sums.state(slots)
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        self.sums.load(slots, state)
    }

    fn state_columns(&self) -> usize {
        self.sums.state_columns()
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        self.sums.evaluate(slots)
    }

    fn bytes(&self) -> usize {
        self.sums.bytes()
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        Box::new(Self { sums: self.sums.clone_box() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The sum of each row's array; null where the array is, and where the sum is out of range.
fn row_sums(args: &[ArrayRef], failed: &mut Vec<(usize, String)>) -> Option<ArrayRef> {
    let lists = args.first()?.as_list_opt::<i32>()?;
    let mut sums = |add: &mut dyn FnMut(usize, ArrayRef) -> bool| {
        for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
            if !add(row, lists.value(row)) {
                failed.push((row, "the sum of the array's elements is out of range".to_owned()));
            }
        }
    };
    Some(match lists.values().data_type() {
        DataType::Int32 => {
            let mut made = vec![None; lists.len()];
            sums(&mut |row, list| set(&mut made, row, total::<Int32Type>(&list, i32::checked_add)));
            Arc::new(Int32Array::from(made))
        }
        DataType::Int64 => {
            let mut made = vec![None; lists.len()];
            sums(&mut |row, list| set(&mut made, row, total::<Int64Type>(&list, i64::checked_add)));
            Arc::new(Int64Array::from(made))
        }
        _ => {
            let mut made = vec![None; lists.len()];
            sums(&mut |row, list| set(&mut made, row, total::<Float64Type>(&list, |a, b| Some(a + b))));
            Arc::new(Float64Array::from(made))
        }
    })
}

fn total<P: ArrowPrimitiveType>(
    list: &ArrayRef,
    add: impl Fn(P::Native, P::Native) -> Option<P::Native>,
) -> Option<P::Native> {
    let values = list.as_primitive_opt::<P>()?;
    values.iter().flatten().try_fold(P::Native::default(), add)
}

/// Whether there is a sum.
fn set<T>(sums: &mut [Option<T>], row: usize, sum: Option<T>) -> bool {
    let is_some = sum.is_some();
    if let Some(place) = sums.get_mut(row) {
        *place = sum;
    }
    is_some
}
