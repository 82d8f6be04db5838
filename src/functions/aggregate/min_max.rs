//! MIN and MAX over every type that has an order. DOUBLE is ordered as Java's `Double.compareTo`: NaN is the largest
//! value and -0.0 is below 0.0. STRING and BYTES are ordered by their bytes, and FALSE comes
//! before TRUE.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    Time32MillisecondType, TimestampMillisecondType,
};

use super::slots::{bytes_of, column, fill, for_each_valid, gather, scatter};
use super::{Accumulator, AggregateFunction, Built, Factory, Overload};
use crate::sql::SqlType;

#[derive(Debug)]
pub struct MinMax {
    pub max: bool,
}

impl AggregateFunction for MinMax {
    fn name(&self) -> &'static str {
        if self.max { "MAX" } else { "MIN" }
    }

    fn summary(&self) -> &'static str {
        if self.max {
            "Largest of the values that are not null; NULL where there is none"
        } else {
            "Smallest of the values that are not null; NULL where there is none"
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        &[
            "(value INT) -> INT",
            "(value BIGINT) -> BIGINT",
            "(value DOUBLE) -> DOUBLE",
            "(value DECIMAL) -> DECIMAL",
            "(value STRING) -> STRING",
            "(value BYTES) -> BYTES",
            "(value DATE) -> DATE",
            "(value TIME) -> TIME",
            "(value TIMESTAMP) -> TIMESTAMP",
            "(value BOOLEAN) -> BOOLEAN",
        ]
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let (ty, max) = (call.returns.clone(), self.max);
        let make =
            move || if max { accumulator::<Greater>(ty.clone()) } else { accumulator::<Less>(ty.clone()) };
        Ok(Built { returns: call.returns.clone(), make: Factory::boxed(make) })
    }
}

fn accumulator<O: Better>(ty: SqlType) -> Box<dyn Accumulator> {
    match ty {
        SqlType::Int => Box::new(Bests::<Int32Type, O>::new(ty)),
        SqlType::Double => Box::new(Bests::<Float64Type, O>::new(ty)),
        SqlType::Decimal { .. } => Box::new(Bests::<Decimal128Type, O>::new(ty)),
        SqlType::String | SqlType::Bytes => Box::new(BestBytes::<O>::new(ty)),
        SqlType::Date => Box::new(Bests::<Date32Type, O>::new(ty)),
        SqlType::Time => Box::new(Bests::<Time32MillisecondType, O>::new(ty)),
        SqlType::Timestamp => Box::new(Bests::<TimestampMillisecondType, O>::new(ty)),
        SqlType::Boolean => Box::new(BestBytes::<O>::new(ty)),
        // The others have no overload.
        SqlType::BigInt | SqlType::Array(_) | SqlType::Map(_) | SqlType::Struct(_) => {
            Box::new(Bests::<Int64Type, O>::new(SqlType::BigInt))
        }
    }
}

/// Which side of an order wins: a type, not a value, so that the loops are compiled for each.
trait Better: Debug + Clone + Send + Sync + 'static {
    const WINS: Ordering;
}

#[derive(Debug, Clone)]
struct Greater;
impl Better for Greater {
    const WINS: Ordering = Ordering::Greater;
}

#[derive(Debug, Clone)]
struct Less;
impl Better for Less {
    const WINS: Ordering = Ordering::Less;
}

/// The order of a primitive type's values.
trait Ordered: Copy {
    fn order(self, other: Self) -> Ordering;
}

macro_rules! ordered {
    ($($type:ty),*) => {
        $(impl Ordered for $type {
            #[inline(always)]
            fn order(self, other: Self) -> Ordering {
                self.cmp(&other)
            }
        })*
    };
}
ordered!(i32, i64, i128);

impl Ordered for f64 {
    #[inline(always)]
    fn order(self, other: Self) -> Ordering {
        match (self.is_nan(), other.is_nan()) {
            (false, false) => self.total_cmp(&other),
            (nan, other_nan) => nan.cmp(&other_nan),
        }
    }
}

/// The best value of each slot, and whether there is one.
struct Bests<P: ArrowPrimitiveType, O> {
    values: Vec<P::Native>,
    seen: Vec<bool>,
    arrow: DataType,
    order: PhantomData<O>,
}

impl<P: ArrowPrimitiveType, O> Bests<P, O> {
    fn new(ty: SqlType) -> Self {
        Self { values: Vec::new(), seen: Vec::new(), arrow: ty.arrow(), order: PhantomData }
    }
}

// Not derived: the marker types of Arrow are not Clone.
impl<P: ArrowPrimitiveType, O> Clone for Bests<P, O> {
    fn clone(&self) -> Self {
        Self {
            values: self.values.clone(),
            seen: self.seen.clone(),
            arrow: self.arrow.clone(),
            order: PhantomData,
        }
    }
}

impl<P: ArrowPrimitiveType, O: Debug> Debug for Bests<P, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bests({}, {} slots)", self.arrow, self.values.len())
    }
}

impl<P, O> Accumulator for Bests<P, O>
where
    P: ArrowPrimitiveType,
    P::Native: Ordered,
    O: Better,
{
    fn resize(&mut self, slots: usize) {
        if slots > self.values.len() {
            self.values.resize(slots, P::Native::default());
            self.seen.resize(slots, false);
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        fill(&mut self.values, slots, P::Native::default());
        fill(&mut self.seen, slots, false);
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        let values = args.first().and_then(|arg| arg.as_any().downcast_ref::<PrimitiveArray<P>>());
        debug_assert!(values.is_some(), "the argument of {self:?} is another type");
        let Some(array) = values else { return };
        let values = array.values().as_ref();
        let (bests, seen) = (self.values.as_mut_slice(), self.seen.as_mut_slice());
        for_each_valid(slots, array, |slot, row| {
            if let (Some(best), Some(seen), Some(value)) =
                (bests.get_mut(slot), seen.get_mut(slot), values.get(row))
                && (!*seen || value.order(*best) == O::WINS)
            {
                *best = *value;
                *seen = true;
            }
        });
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        if let Some(other) = other {
            scatter(&mut self.values, to, gather(&other.values, from).into_iter());
            scatter(&mut self.seen, to, gather(&other.seen, from).into_iter());
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        vec![self.evaluate(slots)]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        let values = column::<PrimitiveArray<P>>(state, 0, slots.len())?;
        if values.data_type() != &self.arrow {
            return Err(format!("state column 0 has type {} instead of {}", values.data_type(), self.arrow));
        }
        scatter(&mut self.values, slots, values.values().iter().copied());
        scatter(&mut self.seen, slots, (0..values.len()).map(|row| values.is_valid(row)));
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let nulls = NullBuffer::from(gather(&self.seen, slots));
        let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
        let values = PrimitiveArray::<P>::new(gather(&self.values, slots).into(), nulls);
        Arc::new(values.with_data_type(self.arrow.clone()))
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.values) + bytes_of(&self.seen)
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The best text, bytes or truth (one byte) of each slot. A value is copied only when it wins, into the loser's memory.
#[derive(Debug, Clone)]
struct BestBytes<O> {
    values: Vec<Option<Vec<u8>>>,
    /// The capacities of all values.
    held: usize,
    ty: SqlType,
    order: PhantomData<O>,
}

impl<O: Better> BestBytes<O> {
    fn new(ty: SqlType) -> Self {
        Self { values: Vec::new(), held: 0, ty, order: PhantomData }
    }

    fn offer(&mut self, slot: usize, value: &[u8]) {
        match self.values.get_mut(slot) {
            Some(Some(best)) => {
                if value.cmp(best.as_slice()) == O::WINS {
                    self.held -= best.capacity();
                    best.clear();
                    best.extend_from_slice(value);
                    self.held += best.capacity();
                }
            }
            Some(empty) => {
                let value = value.to_vec();
                self.held += value.capacity();
                *empty = Some(value);
            }
            None => debug_assert!(false, "slot {slot}"),
        }
    }

    fn set(&mut self, slot: u32, value: Option<&[u8]>) {
        if let Some(place) = self.values.get_mut(slot as usize) {
            self.held -= place.as_ref().map_or(0, Vec::capacity);
            *place = value.map(<[u8]>::to_vec);
            self.held += place.as_ref().map_or(0, Vec::capacity);
        } else {
            debug_assert!(false, "slot {slot}");
        }
    }

    fn get(&self, slot: u32) -> Option<&[u8]> {
        self.values.get(slot as usize).and_then(|value| value.as_deref())
    }
}

impl<O: Better> Accumulator for BestBytes<O> {
    fn resize(&mut self, slots: usize) {
        if slots > self.values.len() {
            self.values.resize(slots, None);
        }
    }

    fn reset(&mut self, slots: &[u32]) {
        slots.iter().for_each(|&slot| self.set(slot, None));
    }

    fn update(&mut self, slots: &[u32], args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        let Some(arg) = args.first() else { return };
        if let Some(array) = arg.as_any().downcast_ref::<StringArray>() {
            for_each_valid(slots, array, |slot, row| self.offer(slot, array.value(row).as_bytes()));
        } else if let Some(array) = arg.as_any().downcast_ref::<BinaryArray>() {
            for_each_valid(slots, array, |slot, row| self.offer(slot, array.value(row)));
        } else if let Some(array) = arg.as_any().downcast_ref::<BooleanArray>() {
            for_each_valid(slots, array, |slot, row| self.offer(slot, &[u8::from(array.value(row))]));
        } else {
            debug_assert!(false, "the argument of {self:?} is another type");
        }
    }

    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]) {
        let other = other.as_any().downcast_ref::<Self>();
        debug_assert!(other.is_some());
        if let Some(other) = other {
            to.iter().zip(from).for_each(|(&to, &from)| self.set(to, other.get(from)));
        }
    }

    fn state(&self, slots: &[u32]) -> Vec<ArrayRef> {
        vec![self.evaluate(slots)]
    }

    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String> {
        match self.ty {
            SqlType::String => {
                let values = column::<StringArray>(state, 0, slots.len())?;
                slots.iter().zip(values).for_each(|(&slot, value)| self.set(slot, value.map(str::as_bytes)));
            }
            SqlType::Boolean => {
                let values = column::<BooleanArray>(state, 0, slots.len())?;
                for (&slot, value) in slots.iter().zip(values) {
                    self.set(slot, value.map(|value| [u8::from(value)]).as_ref().map(|value| &value[..]));
                }
            }
            _ => {
                let values = column::<BinaryArray>(state, 0, slots.len())?;
                slots.iter().zip(values).for_each(|(&slot, value)| self.set(slot, value));
            }
        }
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1
    }

    fn evaluate(&self, slots: &[u32]) -> ArrayRef {
        let values = slots.iter().map(|&slot| self.get(slot));
        match self.ty {
            // What went in was UTF-8.
            SqlType::String => {
                Arc::new(values.map(|v| v.map(|v| String::from_utf8_lossy(v))).collect::<StringArray>())
            }
            SqlType::Boolean => Arc::new(values.map(|v| v.map(|v| v == [1])).collect::<BooleanArray>()),
            _ => Arc::new(values.collect::<BinaryArray>()),
        }
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.values) + self.held
    }

    fn clone_box(&self) -> Box<dyn Accumulator> {
        // Capacities of a clone may be smaller than those counted; count again.
        let mut clone = self.clone();
        clone.held = clone.values.iter().flatten().map(Vec::capacity).sum();
        Box::new(clone)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
