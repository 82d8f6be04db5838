//! GROUP BY over a table: each change of a row as what it takes out of the old row's group, and what it adds to the new
//! one's.
//!
//! ```text
//!   key  change             out
//!   1    city = Bern        add Bern
//!   1    city = Basel       take out Bern, add Basel
//!   1    deleted            take out Basel
//! ```
//!
//! For that the last row of each key is state: the part of it that the aggregate reads. It lies in a [`Store`] like the
//! groups of an aggregate, as the latest value of each column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int8Array, Int64Array, RecordBatch, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{concat, take};
use arrow::row::{RowConverter, SortField};

use super::{Operator, Output};
use crate::engine::batch::Origin;
use crate::engine::state::{Layout, NO_WINDOW, Store};
use crate::engine::topology::{AggregateSpec, EmitMode, UndoSpec};
use crate::engine::{Batch, EngineError, ErrorKind};
use crate::functions::aggregate::{AggregateCall, Argument, Options, find, resolve};
use crate::sql::SqlType;

/// What a row of the output does to its group: a value of the last column.
pub mod effect {
    /// The row is taken in.
    pub const ADD: i8 = 0;
    /// The row is taken out.
    pub const TAKE_OUT: i8 = 1;
    /// The row is taken out, and the next one, of the same group, is taken in: one change to be seen.
    pub const REPLACED: i8 = 2;
}

/// Turns changes of rows into changes of groups.
#[derive(Debug)]
pub struct Undo {
    spec: UndoSpec,
    pub store: Store,
    groups: RowConverter,
}

impl Undo {
    pub fn new(spec: UndoSpec) -> Result<Self, EngineError> {
        let fields = spec.input.fields();
        let (keys, kept) =
            fields.split_at_checked(spec.keys).ok_or_else(|| EngineError::internal("no keys to undo by"))?;
        let latest = |name: &str, index: usize, ty: SqlType| -> Result<AggregateCall, EngineError> {
            let function =
                find("LATEST_BY_OFFSET").ok_or_else(|| EngineError::internal("no latest value"))?;
            let keep_nulls = Argument { ty: Some(SqlType::Boolean), constant: Some(false.into()) };
            let value = Argument { ty: Some(ty.clone()), constant: None };
            let resolved = resolve(function, &[value, keep_nulls], Options::default())?;
            Ok(AggregateCall {
                function: function.clone(),
                args: vec![(index, ty)],
                return_type: resolved.returns,
                make: resolved.make,
                text: name.to_owned(),
            })
        };
        let mut calls = vec![latest("there", fields.len(), SqlType::Boolean)?];
        for (i, (field, ty)) in kept.iter().zip(&spec.types).enumerate() {
            calls.push(latest(field.name(), keys.len() + i, ty.clone())?);
        }
        if calls.len() != kept.len() + 1 {
            return Err(EngineError::internal("a kept column without a type"));
        }
        let groups = kept.get(..spec.group).ok_or_else(|| EngineError::internal("no groups to undo"))?;
        let groups = groups.iter().map(|field| SortField::new(field.data_type().clone()));
        let groups = RowConverter::new(groups.collect())?;
        let state = AggregateSpec {
            group: spec.keys,
            calls,
            window: None,
            having: None,
            emit: EmitMode::PerEpoch,
            undo: false,
            input: spec.input.clone(),
            output: spec.input.clone(),
        };
        Ok(Self { spec, store: Store::new(Layout::new(Arc::new(state))?), groups })
    }

    /// Rows of keys that differ.
    fn run(&mut self, batch: &Batch, rows: &[u32], out: &mut Output) -> Result<(), EngineError> {
        let batch = batch.take(&UInt32Array::from(rows.to_vec()))?;
        let count = batch.num_rows();
        let columns = batch.columns.columns().to_vec();
        let (keys, new) = columns
            .split_at_checked(self.spec.keys)
            .ok_or_else(|| EngineError::internal("no keys to undo by"))?;
        let there = self.there(&batch, new, out);
        let keys = self.store.layout.keys(keys)?;
        let all: Vec<u32> = (0..count as u32).collect();
        let (segment, slots) = self.store.touch(NO_WINDOW, &keys, &all);
        let old: Vec<ArrayRef> = segment.accumulators.iter().map(|a| a.evaluate(&slots)).collect();
        let mut args: Vec<Vec<ArrayRef>> = vec![vec![Arc::new(there.clone())]];
        args.extend(new.iter().map(|column| vec![column.clone()]));
        let mut failed = Vec::new();
        segment.update(&slots, batch.time.iter().copied(), &args, &mut failed);
        if let Some((_, error)) = failed.into_iter().next() {
            return Err(EngineError::internal(error));
        }
        let Some((was_there, old)) = old.split_first() else {
            return Err(EngineError::internal("no state to undo"));
        };
        self.emit(&batch, (was_there, old), (&there, new), out)
    }

    /// Which rows are in a group now. A null among the grouping columns is logged, as in a stream.
    fn there(&self, batch: &Batch, new: &[ArrayRef], out: &mut Output) -> BooleanArray {
        let mut there = Vec::with_capacity(batch.num_rows());
        let names = self.spec.input.fields().iter().skip(self.spec.keys);
        let groups: Vec<_> =
            new.iter().zip(names).take(self.spec.group).map(|(c, f)| (c.logical_nulls(), f.name())).collect();
        for row in 0..batch.num_rows() {
            let null =
                groups.iter().find(|(nulls, _)| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)));
            let deleted = batch.is_tombstone(row);
            if let (Some((_, name)), false) = (null, deleted) {
                let reason = format!("the grouping column {name} is null");
                out.errors.push(batch.row_error(ErrorKind::Expression, row, reason));
            }
            there.push(!deleted && null.is_none());
        }
        BooleanArray::from(there)
    }

    fn emit(
        &self,
        batch: &Batch,
        (was_there, old): (&ArrayRef, &[ArrayRef]),
        (there, new): (&BooleanArray, &[ArrayRef]),
        out: &mut Output,
    ) -> Result<(), EngineError> {
        let count = batch.num_rows();
        let was_there = was_there.as_boolean();
        let of = |columns: &[ArrayRef]| {
            self.groups.convert_columns(columns.get(..self.spec.group).unwrap_or_default())
        };
        let (old_groups, new_groups) = (of(old)?, of(new)?);
        // Rows of the output: their places in the old rows with the new ones behind, and what they do.
        let mut places: Vec<u32> = Vec::with_capacity(2 * count);
        let mut effects = Vec::with_capacity(2 * count);
        for row in 0..count {
            let now = there.value(row);
            if was_there.is_valid(row) && was_there.value(row) {
                places.push(row as u32);
                let same = now && old_groups.row(row) == new_groups.row(row);
                effects.push(if same { effect::REPLACED } else { effect::TAKE_OUT });
            }
            if now {
                places.push((count + row) as u32);
                effects.push(effect::ADD);
            }
        }
        if places.is_empty() {
            return Ok(());
        }
        let of_batch: UInt32Array = places.iter().map(|place| place % count as u32).collect();
        let places = UInt32Array::from(places);
        let mut columns = Vec::with_capacity(new.len() + 1);
        for (old, new) in old.iter().zip(new) {
            columns.push(take(&concat(&[old, new])?, &places, None)?);
        }
        columns.push(Arc::new(Int8Array::from(effects)));
        let longs = |values: &ScalarBuffer<i64>| -> Result<ScalarBuffer<i64>, EngineError> {
            let picked = take(&Int64Array::new(values.clone(), None), &of_batch, None)?;
            let picked = picked.as_any().downcast_ref::<Int64Array>().map(|picked| picked.values().clone());
            picked.ok_or_else(|| EngineError::internal("taking changed a type"))
        };
        let origin = match &batch.origin {
            Some(origin) => {
                Some(Origin { partition: origin.partition, offsets: longs(&origin.offsets)?, headers: None })
            }
            None => None,
        };
        let columns = RecordBatch::try_new(self.spec.output.clone(), columns)?;
        out.batches.push(Batch { columns, time: longs(&batch.time)?, origin, tombstones: None });
        Ok(())
    }
}

impl Operator for Undo {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = batch.columns.columns().get(..self.spec.keys).unwrap_or_default();
        let keys = self.store.layout.keys(keys)?;
        let time = self.store.stream_time();
        *time = (*time).max(batch.time.iter().max().copied());
        // A run in which a key comes twice is cut there: the second row finds the first one.
        let mut run = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for row in 0..batch.num_rows() as u32 {
            if !seen.insert(keys.get(row).1) {
                self.run(&batch, &run, out)?;
                run.clear();
                seen.clear();
                seen.insert(keys.get(row).1);
            }
            run.push(row);
        }
        self.run(&batch, &run, out)
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        Some(&mut self.store)
    }
}
