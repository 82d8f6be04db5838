//! SUM over INT, BIGINT, DOUBLE and DECIMAL. The result has the argument's type; a sum that leaves its range refuses
//! the row and keeps the sum as it was.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};

use super::slots::{bytes_of, column, fill, for_each_valid, gather, scatter};
use super::{Accumulator, AggregateFunction, Built, Factory, Overload};
use crate::functions::decimal::limit;
use crate::sql::SqlType;

#[derive(Debug)]
pub struct Sum;

impl AggregateFunction for Sum {
    fn name(&self) -> &'static str {
        "SUM"
    }

    fn summary(&self) -> &'static str {
        "Sum of the values that are not null; 0 where there is none"
    }

    fn signatures(&self) -> &'static [&'static str] {
        &[
            "(value INT) -> INT",
            "(value BIGINT) -> BIGINT",
            "(value DOUBLE) -> DOUBLE",
            "(value DECIMAL) -> DECIMAL",
        ]
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let ty = call.returns.clone();
        Ok(Built { returns: ty.clone(), make: Factory::boxed(move || accumulator(ty.clone())) })
    }
}

/// Sums of values of this type.
pub fn accumulator(ty: SqlType) -> Box<dyn Accumulator> {
    match ty {
        SqlType::Int => Box::new(Sums::<Int32Type, _>::new(ty, |a: i32, b| a.checked_add(b))),
        SqlType::Double => Box::new(Sums::<Float64Type, _>::new(ty, |a: f64, b| Some(a + b))),
        SqlType::Decimal { precision, .. } => {
            let limit = limit(precision);
            let add = move |a: i128, b| a.checked_add(b).filter(|sum| -limit < *sum && *sum < limit);
            Box::new(Sums::<Decimal128Type, _>::new(ty, add))
        }
        _ => Box::new(Sums::<Int64Type, _>::new(SqlType::BigInt, |a: i64, b| a.checked_add(b))),
    }
}

/// `add` gives None where the sum leaves the type's range.
struct Sums<P: ArrowPrimitiveType, F> {
    sums: Vec<P::Native>,
    ty: SqlType,
    arrow: DataType,
    add: F,
}

// Not derived: the marker types of Arrow are not Clone.
impl<P: ArrowPrimitiveType, F: Clone> Clone for Sums<P, F> {
    fn clone(&self) -> Self {
        Self {
            sums: self.sums.clone(),
            ty: self.ty.clone(),
            arrow: self.arrow.clone(),
            add: self.add.clone(),
        }
    }
}

impl<P: ArrowPrimitiveType, F> Debug for Sums<P, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sums({}, {} slots)", self.ty, self.sums.len())
    }
}

impl<P: ArrowPrimitiveType, F> Sums<P, F> {
    fn new(ty: SqlType, add: F) -> Self {
        Self { sums: Vec::new(), arrow: ty.arrow(), ty, add }
    }
}

impl<P, F> Accumulator for Sums<P, F>
where
    P: ArrowPrimitiveType,
    F: Fn(P::Native, P::Native) -> Option<P::Native> + Clone + Send + Sync + 'static,
{
    fn resize(&mut self, slots: usize) {
        if slots > self.sums.len() {
            self.sums.resize(slots, P::Native::default());
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        fill(&mut self.sums, slots, P::Native::default());
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        let values = args.first().and_then(|arg| arg.as_any().downcast_ref::<PrimitiveArray<P>>());
        debug_assert!(values.is_some(), "the argument of {self:?} is another type");
        let Some(array) = values else { return };
        let (values, sums, add) = (array.values().as_ref(), self.sums.as_mut_slice(), &self.add);
        for_each_valid(slots, array, |slot, row| {
            if let (Some(sum), Some(value)) = (sums.get_mut(slot), values.get(row)) {
                match add(*sum, *value) {
                    Some(new) => *sum = new,
                    None => failed.push((row, format!("the sum is out of range for {}", self.ty))),
                }
            }
        });
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>) {
        let array = args.first().and_then(|arg| arg.as_any().downcast_ref::<PrimitiveArray<P>>());
        let Some(array) = array else { return };
        for ((row, slot), value) in slots.iter().enumerate().zip(array) {
            if let (Some(sum), Some(value)) = (self.sums.get_mut(*slot as usize), value) {
                let minus = P::Native::default().sub_checked(value).ok();
                match minus.and_then(|minus| (self.add)(*sum, minus)) {
                    Some(new) => *sum = new,
                    None => failed.push((row, format!("the sum is out of range for {}", self.ty))),
                }
            }
        }
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        if let Some(other) = other {
            scatter(&mut self.sums, to, gather(&other.sums, from).into_iter());
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        vec![self.evaluate(slots)]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let sums = column::<PrimitiveArray<P>>(state, 0, slots.len())?;
        if sums.data_type() != &self.arrow {
            return Err(format!("state column 0 has type {} instead of {}", sums.data_type(), self.arrow));
        }
        scatter(&mut self.sums, slots, sums.values().iter().copied());
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let sums = PrimitiveArray::<P>::from_iter_values(gather(&self.sums, slots));
        Arc::new(sums.with_data_type(self.arrow.clone()))
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.sums)
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
