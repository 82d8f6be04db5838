//! STDDEV_SAMPLE, its standard name STDDEV_SAMP, VARIANCE's kin, and CORRELATION: a few sums in double precision.
//!
//! ksqlDB's STDDEV_SAMP gives the variance; here it is what its name says (docs/ksqldb-differences.md).

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;

use super::call::{Built, Factory, Overload};
use super::slots::{bytes_of, column, fill, gather, scatter};
use super::{Accumulator, AggregateFunction};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    StddevSample,
    StddevSamp,
    VarSamp,
    Correlation,
}

impl AggregateFunction for Moment {
    fn name(&self) -> &'static str {
        match self {
            Moment::StddevSample => "STDDEV_SAMPLE",
            Moment::StddevSamp => "STDDEV_SAMP",
            Moment::VarSamp => "VAR_SAMP",
            Moment::Correlation => "CORRELATION",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Moment::StddevSample | Moment::StddevSamp => {
                "Sample standard deviation of the values that are not null; 0.0 where there are fewer than two"
            }
            Moment::VarSamp => {
                "Sample variance of the values that are not null; 0.0 where there are fewer than two"
            }
            Moment::Correlation => {
                "Pearson's correlation of the rows where both are not null; NaN where there is none"
            }
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        match self {
            Moment::Correlation => &["(x DOUBLE, y DOUBLE) -> DOUBLE"],
            _ => &["(value DOUBLE) -> DOUBLE"],
        }
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let make = match self {
            Moment::Correlation => Factory::new(|| Moments::<6>::new(correlate, correlation)),
            Moment::VarSamp => Factory::new(|| Moments::<3>::new(spread, variance)),
            _ => Factory::new(|| Moments::<3>::new(spread, |state| variance(state).sqrt())),
        };
        Ok(Built { returns: call.returns.clone(), make })
    }
}

/// Count, sum, and sum of squared differences from the mean, by Youngs and Cramer.
fn spread([count, sum, squares]: &mut [f64; 3], x: f64, _y: f64, sign: f64) {
    // Taking out is the same step backwards: from what is there with the value.
    if sign > 0.0 {
        *count += 1.0;
        *sum += x;
    }
    if *count > 1.0 {
        let off = *count * x - *sum;
        *squares += sign * (off * off / (*count * (*count - 1.0)));
    }
    if sign < 0.0 {
        *count -= 1.0;
        *sum -= x;
        if *count < 1.0 {
            (*sum, *squares) = (0.0, 0.0);
        }
    }
}

fn variance([count, _, squares]: &[f64; 3]) -> f64 {
    if *count < 2.0 { 0.0 } else { squares.max(0.0) / (count - 1.0) }
}

fn correlate([count, x_sum, y_sum, xx, xy, yy]: &mut [f64; 6], x: f64, y: f64, sign: f64) {
    *count += sign;
    *x_sum += sign * x;
    *y_sum += sign * y;
    *xx += sign * (x * x);
    *xy += sign * (x * y);
    *yy += sign * (y * y);
}

fn correlation([count, x, y, xx, xy, yy]: &[f64; 6]) -> f64 {
    if *count < 1.0 {
        return f64::NAN;
    }
    (count * xy - x * y) / ((count * xx - x * x) * (count * yy - y * y)).sqrt()
}

type Take<const N: usize> = fn(&mut [f64; N], x: f64, y: f64, sign: f64);

/// N sums a group. `take` adds a row (sign 1) or takes it out (sign -1).
#[derive(Debug, Clone)]
struct Moments<const N: usize> {
    sums: Vec<[f64; N]>,
    take: Take<N>,
    result: fn(&[f64; N]) -> f64,
}

impl<const N: usize> Moments<N> {
    fn new(take: Take<N>, result: fn(&[f64; N]) -> f64) -> Self {
        Self { sums: Vec::new(), take, result }
    }

    fn each(&mut self, slots: &[u32], args: &[ArrayRef], sign: f64) {
        let xs = args.first().and_then(|x| x.as_primitive_opt::<Float64Type>());
        debug_assert!(xs.is_some(), "the argument is another type");
        let Some(xs) = xs else { return };
        let ys = args.get(1).and_then(|y| y.as_primitive_opt::<Float64Type>()).unwrap_or(xs);
        let (sums, take) = (self.sums.as_mut_slice(), self.take);
        for ((slot, x), y) in slots.iter().zip(xs).zip(ys) {
            if let (Some(x), Some(y), Some(sums)) = (x, y, sums.get_mut(*slot as usize)) {
                take(sums, x, y, sign);
            }
        }
    }
}

impl<const N: usize> Accumulator for Moments<N>
where
    [f64; N]: Default,
{
    fn resize(&mut self, slots: usize) {
        if slots > self.sums.len() {
            self.sums.resize(slots, [0.0; N]);
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        fill(&mut self.sums, slots, [0.0; N]);
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, 1.0);
    }

    fn retract(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        self.each(slots, args, -1.0);
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        if let Some(other) = other {
            scatter(&mut self.sums, to, gather(&other.sums, from).into_iter());
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        let sums = gather(&self.sums, slots);
        (0..N)
            .map(|i| {
                let sums = sums.iter().filter_map(|sums| sums.get(i).copied());
                Arc::new(Float64Array::from_iter_values(sums)) as ArrayRef
            })
            .collect()
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        for i in 0..N {
            let values = column::<Float64Array>(state, i, slots.len())?.values();
            for (slot, value) in slots.iter().zip(values) {
                if let Some(sum) = self.sums.get_mut(*slot as usize).and_then(|sums| sums.get_mut(i)) {
                    *sum = *value;
                }
            }
        }
        Ok(())
    }

    fn state_columns(&self) -> usize {
        N
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let results = gather(&self.sums, slots).into_iter().map(|sums| (self.result)(&sums));
        Arc::new(Float64Array::from_iter_values(results))
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
