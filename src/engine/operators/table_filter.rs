//! WHERE over a table: which keys are in the result is state.
//!
//! A row that stops matching, or is deleted, takes its key out of the result: a tombstone. A key that never was in it
//! gives nothing, so that a filter over a large table does not fill its topic with tombstones of what it never held.
//!
//! ```text
//!   key  change      matches   out
//!   1    v = 10      yes       1: v = 10
//!   2    v = 1       no
//!   1    v = 2       no        1: tombstone
//!   1    deleted
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array};
use arrow::datatypes::Schema;

use super::{Operator, Output};
use crate::engine::state::{Keys, Layout, NO_WINDOW, Store};
use crate::engine::topology::{AggregateSpec, EmitMode, TableFilterSpec};
use crate::engine::{Batch, EngineError, eval};
use crate::functions::aggregate::{AggregateCall, Argument, Options, find, resolve};
use crate::sql::SqlType;

#[derive(Debug)]
pub struct TableFilter {
    spec: TableFilterSpec,
    /// For each key that was seen, whether it is in the result.
    store: Store,
}

impl TableFilter {
    /// Errors: the key is none of the edge's columns.
    pub fn new(spec: TableFilterSpec, input: &Schema) -> Result<Self, EngineError> {
        let keys = input.project(&spec.keys)?;
        let function = find("LATEST_BY_OFFSET").ok_or_else(|| EngineError::internal("no latest value"))?;
        let value = Argument { ty: Some(SqlType::Boolean), constant: None };
        let resolved = resolve(function, &[value], Options::default())?;
        let call = AggregateCall {
            function: function.clone(),
            args: vec![(spec.keys.len(), SqlType::Boolean)],
            return_type: resolved.returns,
            make: resolved.make,
            text: "there".to_owned(),
        };
        let keys = Arc::new(keys);
        let state = AggregateSpec {
            group: spec.keys.len(),
            calls: vec![call],
            window: None,
            having: None,
            emit: EmitMode::PerEpoch,
            undo: false,
            input: keys.clone(),
            output: keys,
        };
        Ok(Self { spec, store: Store::new(Layout::new(Arc::new(state))?) })
    }

    /// Rows of keys that differ.
    fn run(
        &mut self,
        (batch, keys): (&Batch, &Keys),
        matches: &BooleanArray,
        rows: &[u32],
        out: &mut Output,
    ) -> Result<(), EngineError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (segment, slots) = self.store.touch(NO_WINDOW, keys, rows);
        let before = segment.accumulators.first().map(|there| there.evaluate(&slots));
        let before = before.ok_or_else(|| EngineError::internal("no state of a filter"))?;
        let before = before.as_boolean();
        let now: BooleanArray = rows.iter().map(|row| Some(matches.value(*row as usize))).collect();
        let times = rows.iter().map(|row| batch.time.get(*row as usize).copied().unwrap_or_default());
        let mut failed = Vec::new();
        let args: Vec<Vec<ArrayRef>> = vec![vec![Arc::new(now.clone())]];
        segment.update(&slots, times, &args, &mut failed);
        if let Some((_, error)) = failed.into_iter().next() {
            return Err(EngineError::internal(error));
        }
        let mut kept = Vec::new();
        let mut gone = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let was = before.is_valid(index) && before.value(index);
            if now.value(index) || was {
                kept.push(*row);
                gone.push(!now.value(index));
            }
        }
        if !kept.is_empty() {
            let mut made = batch.take(&UInt32Array::from(kept))?;
            made.tombstones = gone.contains(&true).then(|| gone.into_iter().collect());
            out.batches.push(made);
        }
        Ok(())
    }
}

fn key_columns(batch: &Batch, keys: &[usize]) -> Result<Vec<ArrayRef>, EngineError> {
    let column = |index: &usize| batch.columns.columns().get(*index).cloned();
    keys.iter().map(column).collect::<Option<_>>().ok_or_else(|| EngineError::internal("no key to filter by"))
}

impl Operator for TableFilter {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let holds = eval::holds(&self.spec.filter.predicate, &batch, &mut out.errors)?;
        let matches: BooleanArray = match &batch.tombstones {
            Some(tombstones) => BooleanArray::new(holds.values() & &!tombstones, None),
            None => holds,
        };
        let keys = self.store.layout.keys(&key_columns(&batch, &self.spec.keys)?)?;
        let time = self.store.stream_time();
        *time = (*time).max(batch.time.iter().max().copied());
        // A run in which a key comes twice is cut there: the second row finds what the first one left.
        let mut run = Vec::new();
        let mut seen = HashSet::new();
        for row in 0..batch.num_rows() as u32 {
            if !seen.insert(keys.get(row).1) {
                self.run((&batch, &keys), &matches, &run, out)?;
                run.clear();
                seen.clear();
                seen.insert(keys.get(row).1);
            }
            run.push(row);
        }
        self.run((&batch, &keys), &matches, &run, out)
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        Some(&mut self.store)
    }
}
