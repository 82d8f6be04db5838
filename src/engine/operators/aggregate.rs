//! GROUP BY, with or without a window.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int8Array, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::take;
use arrow::datatypes::Int8Type;

use super::windows::{WindowRows, assign};
use super::{Operator, Output, effect, emit_final, every_change};
use crate::engine::state::{Keys, Layout, NO_WINDOW, Segment, Store};
use crate::engine::topology::{AggregateSpec, EmitMode};
use crate::engine::{Batch, EngineError, ErrorKind, eval};

/// Rows a batch of what is emitted at the end of an epoch.
pub const OUTPUT_ROWS: usize = 8192;

/// Keeps the aggregates of groups, and emits their changes as the mode says. Late rows are dropped and counted.
#[derive(Debug)]
pub struct Aggregate {
    pub spec: Arc<AggregateSpec>,
    pub store: Store,
    pub late_rows: u64,
}

/// A batch on its way into the state.
pub struct Incoming<'a> {
    pub batch: &'a Batch,
    pub keys: Keys,
    /// The argument columns of each aggregate.
    pub args: Vec<Vec<ArrayRef>>,
    /// What each row does to its group: see [`effect`]. None: all are taken in.
    pub effects: Option<Int8Array>,
}

impl Aggregate {
    pub fn new(spec: Arc<AggregateSpec>) -> Result<Self, EngineError> {
        if let Some(window) = &spec.window {
            let (size, advance) = (window.size_ms, window.advance_ms);
            if size <= 0
                || advance <= 0
                || advance > size
                || size / advance > super::windows::WINDOWS_PER_ROW_MAX
            {
                return Err(EngineError::internal(format!("a window of {size} ms advances by {advance} ms")));
            }
        }
        if spec.emit == EmitMode::Final && spec.window.is_none() {
            return Err(EngineError::internal("EMIT FINAL without a window"));
        }
        let store = Store::new(Layout::new(spec.clone())?);
        Ok(Self { spec, store, late_rows: 0 })
    }

    /// The rows by window; without windows all in one.
    fn assign(&mut self, times: &[i64]) -> Vec<WindowRows> {
        let stream_time = self.store.stream_time();
        if let Some(window) = &self.spec.window {
            let assigned = assign(window, times, stream_time);
            self.late_rows += assigned.late;
            return assigned.windows;
        }
        *stream_time = (*stream_time).max(times.iter().max().copied());
        vec![WindowRows { start: NO_WINDOW, rows: (0..times.len() as u32).collect() }]
    }
}

impl Operator for Aggregate {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let columns = batch.columns.columns();
        let group =
            columns.get(..self.spec.group).ok_or_else(|| EngineError::internal("no group columns"))?;
        let column = |index: usize| columns.get(index).cloned();
        let args = self.spec.calls.iter().map(|call| call.args.iter().map(|(i, _)| column(*i)).collect());
        let args: Option<Vec<Vec<ArrayRef>>> = args.collect();
        let args = args.ok_or_else(|| EngineError::internal("no argument columns"))?;
        let effects = match (self.spec.undo, columns.last()) {
            (true, Some(effects)) => Some(
                effects
                    .as_primitive_opt::<Int8Type>()
                    .cloned()
                    .ok_or_else(|| EngineError::internal("no column says what the rows do"))?,
            ),
            _ => None,
        };
        let incoming = Incoming { keys: self.store.layout.keys(group)?, args, effects, batch: &batch };
        let windows = self.assign(&batch.time);
        if self.spec.emit == EmitMode::EveryChange {
            return every_change::push(self, &incoming, &windows, out);
        }
        for window in &windows {
            let (segment, slots) = self.store.touch(window.start, &incoming.keys, &window.rows);
            incoming.update(segment, &slots, &window.rows, out)?;
        }
        Ok(())
    }

    fn end_epoch(&mut self, out: &mut Output) -> Result<(), EngineError> {
        match self.spec.emit {
            EmitMode::EveryChange => Ok(()),
            EmitMode::Final => emit_final::emit_closed(self, out),
            EmitMode::PerEpoch => emit_touched(self, out),
        }
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        Some(&mut self.store)
    }

    fn late_rows(&self) -> u64 {
        self.late_rows
    }
}

impl Incoming<'_> {
    /// Takes rows into a segment: `rows[i]` into `slots[i]`; or out of it, where that is their effect.
    pub fn update(
        &self,
        segment: &mut Segment,
        slots: &[u32],
        rows: &[u32],
        out: &mut Output,
    ) -> Result<(), EngineError> {
        if self.effects.is_none() {
            return self.step(segment, slots, rows, true, out);
        }
        // In their order: what a list loses depends on it.
        let (mut slots, mut rows) = (slots, rows);
        while let Some(first) = rows.first() {
            let adds = self.effect(*first) == effect::ADD;
            let same = rows.iter().take_while(|row| (self.effect(**row) == effect::ADD) == adds).count();
            let (now, later) = rows.split_at(same);
            let (slots_now, slots_later) = slots.split_at(same.min(slots.len()));
            self.step(segment, slots_now, now, adds, out)?;
            (slots, rows) = (slots_later, later);
        }
        Ok(())
    }

    /// What a row does to its group.
    pub fn effect(&self, row: u32) -> i8 {
        let effects = self.effects.as_ref().map(|effects| effects.values());
        effects.and_then(|effects| effects.get(row as usize).copied()).unwrap_or(effect::ADD)
    }

    fn step(
        &self,
        segment: &mut Segment,
        slots: &[u32],
        rows: &[u32],
        adds: bool,
        out: &mut Output,
    ) -> Result<(), EngineError> {
        let pick = |column: &ArrayRef| pick(column, rows);
        let args = self.args.iter().map(|args| args.iter().map(pick).collect());
        let args: Vec<Vec<ArrayRef>> = args.collect::<Result<_, _>>()?;
        let times = rows.iter().map(|row| self.batch.time[*row as usize]);
        let mut failed = Vec::new();
        if adds {
            segment.update(slots, times, &args, &mut failed);
        } else {
            segment.retract(slots, times, &args, &mut failed);
        }
        for (index, reason) in failed {
            let row = rows.get(index).map_or(0, |row| *row as usize);
            out.errors.push(self.batch.row_error(ErrorKind::Aggregation, row, reason));
        }
        Ok(())
    }
}

/// The values at ascending rows. Nearly ordered times make runs of one window, which cost nothing.
fn pick(column: &ArrayRef, rows: &[u32]) -> Result<ArrayRef, EngineError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(column.slice(0, 0)) };
    if (last - first) as usize + 1 == rows.len() {
        return Ok(column.slice(*first as usize, rows.len()));
    }
    Ok(take(column, &UInt32Array::from(rows.to_vec()), None)?)
}

/// Emits the keys that the epoch touched, each once.
fn emit_touched(aggregate: &mut Aggregate, out: &mut Output) -> Result<(), EngineError> {
    let Aggregate { spec, store, .. } = aggregate;
    let mut groups = BTreeMap::new();
    for (window, segment) in &store.running().windows {
        let before = spec.having.as_ref().map(|_| store.before(*window, segment));
        let slots = segment.slots();
        let group = segment.group_columns(&store.layout, &slots)?;
        for slots in slots.chunks(OUTPUT_ROWS) {
            let first = slots.first().map_or(0, |slot| *slot as usize);
            let group: Vec<ArrayRef> = group.iter().map(|c| c.slice(first, slots.len())).collect();
            let matched = match &before {
                Some(before) => {
                    let columns = store.layout.output(*window, group.clone(), &before.states, slots)?;
                    let found = slots.iter().map(|slot| before.found[*slot as usize]);
                    matching(spec, columns, found.collect())?
                }
                None => BooleanBuffer::new_unset(slots.len()),
            };
            emit(spec, Rows::with_group(&store.layout, *window, segment, slots, group)?, matched, out)?;
        }
        groups.insert(*window, group);
    }
    store.keep_groups(groups);
    Ok(())
}

/// Rows of the output edge.
pub struct Rows {
    pub columns: RecordBatch,
    pub times: Vec<i64>,
}

impl Rows {
    pub fn of(layout: &Layout, window: i64, segment: &Segment, slots: &[u32]) -> Result<Self, EngineError> {
        Self::with_group(layout, window, segment, slots, segment.group_columns(layout, slots)?)
    }

    fn with_group(
        layout: &Layout,
        window: i64,
        segment: &Segment,
        slots: &[u32],
        group: Vec<ArrayRef>,
    ) -> Result<Self, EngineError> {
        let columns = layout.output(window, group, &segment.accumulators, slots)?;
        Ok(Self { columns, times: slots.iter().map(|slot| segment.times[*slot as usize]).collect() })
    }
}

/// Which older rows HAVING let through: those that were there and match. Their errors were logged when they were made.
pub fn matching(
    spec: &AggregateSpec,
    columns: RecordBatch,
    found: BooleanBuffer,
) -> Result<BooleanBuffer, EngineError> {
    let Some(having) = &spec.having else { return Ok(found) };
    let batch = Batch { time: vec![0; columns.num_rows()].into(), columns, origin: None, tombstones: None };
    let holds = eval::holds(&having.predicate, &batch, &mut Vec::new())?;
    Ok(&found & holds.values())
}

/// Emits new rows; `matched` says which of their older ones HAVING had let through. A key that stops matching gives a
/// tombstone, one that never matched nothing (`having.json` of ksqlDB's tests).
pub fn emit(
    spec: &AggregateSpec,
    rows: Rows,
    matched: BooleanBuffer,
    out: &mut Output,
) -> Result<(), EngineError> {
    let mut batch = Batch { columns: rows.columns, time: rows.times.into(), origin: None, tombstones: None };
    if let Some(having) = &spec.having {
        let holds = eval::holds(&having.predicate, &batch, &mut out.errors)?;
        let emitted = holds.values() | &matched;
        batch.tombstones = Some(!holds.values());
        batch = batch.filter(&BooleanArray::new(emitted, None))?;
    }
    if batch.num_rows() > 0 {
        out.batches.push(batch);
    }
    Ok(())
}
