//! Emission of every change, none coalesced: what ksqlDB does without its record cache.
//!
//! A batch is cut into runs in which no group comes twice: a run is taken in at once, and its groups' new rows are
//! emitted in the order of the input. Where all keys differ that is one run a batch; where one key repeats, one a row.

use arrow::array::UInt32Array;
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat_batches, take_record_batch};

use super::aggregate::{Aggregate, Incoming, Rows, emit, matching};
use super::windows::WindowRows;
use super::{Output, effect};
use crate::engine::EngineError;
use crate::engine::state::NO_ROW;

/// A row's change of one window.
#[derive(Clone, Copy)]
struct Change {
    row: u32,
    /// Index in the batch's windows.
    window: usize,
    slot: u32,
}

pub fn push(
    aggregate: &mut Aggregate,
    incoming: &Incoming<'_>,
    windows: &[WindowRows],
    out: &mut Output,
) -> Result<(), EngineError> {
    let mut changes = Vec::new();
    // By window and slot, the run that touched the group last.
    let mut last_run: Vec<Vec<u32>> = Vec::with_capacity(windows.len());
    for (index, window) in windows.iter().enumerate() {
        let (segment, slots) = aggregate.store.touch(window.start, &incoming.keys, &window.rows);
        last_run.push(vec![0; segment.len()]);
        changes.extend(window.rows.iter().zip(slots).map(|(row, slot)| Change {
            row: *row,
            window: index,
            slot,
        }));
    }
    if windows.len() > 1 {
        changes.sort_by_key(|change| (change.row, windows.get(change.window).map(|w| w.start)));
    }
    let mut run = 1;
    let mut first = 0;
    let mut replaced = false;
    for (index, change) in changes.iter().enumerate() {
        let last = &mut last_run[change.window][change.slot as usize];
        // A row and the one that it is replaced with are one change.
        if *last == run && !replaced {
            emit_run(aggregate, incoming, windows, &changes[first..index], out)?;
            first = index;
            run += 1;
        }
        *last = run;
        replaced = incoming.effect(change.row) == effect::REPLACED;
    }
    emit_run(aggregate, incoming, windows, &changes[first..], out)
}

fn emit_run(
    aggregate: &mut Aggregate,
    incoming: &Incoming<'_>,
    windows: &[WindowRows],
    run: &[Change],
    out: &mut Output,
) -> Result<(), EngineError> {
    if run.is_empty() {
        return Ok(());
    }
    let mut touched: Vec<usize> = run.iter().map(|change| change.window).collect();
    touched.sort_unstable();
    touched.dedup();
    let mut pieces = Vec::with_capacity(touched.len());
    let mut times = Vec::with_capacity(run.len());
    let mut matched = Vec::with_capacity(run.len());
    // Where in the run each row of the pieces belongs.
    let mut places = Vec::with_capacity(run.len());
    let layout = aggregate.store.layout.clone();
    for index in touched {
        let Some(window) = windows.get(index) else { continue };
        let of_window = || run.iter().enumerate().filter(|(_, change)| change.window == index);
        let all: Vec<u32> = of_window().map(|(_, change)| change.slot).collect();
        let rows: Vec<u32> = of_window().map(|(_, change)| change.row).collect();
        // Of a row and the one that it is replaced with, the second one is seen.
        let seen = || of_window().filter(|(_, change)| incoming.effect(change.row) != effect::REPLACED);
        let slots: Vec<u32> = seen().map(|(_, change)| change.slot).collect();
        places.extend(seen().map(|(place, _)| place));
        let segment = aggregate.store.touched(window.start)?;
        if aggregate.spec.having.is_some() {
            let found: BooleanBuffer = slots.iter().map(|s| segment.times[*s as usize] != NO_ROW).collect();
            let before = Rows::of(&layout, window.start, segment, &slots)?;
            matched.extend(matching(&aggregate.spec, before.columns, found)?.iter());
        } else {
            matched.extend(slots.iter().map(|_| false));
        }
        incoming.update(segment, &all, &rows, out)?;
        let made = Rows::of(&layout, window.start, segment, &slots)?;
        pieces.push(made.columns);
        times.extend(made.times);
    }
    let mut columns = concat_batches(&aggregate.spec.output, &pieces)?;
    if pieces.len() > 1 {
        let mut order: Vec<u32> = (0..places.len() as u32).collect();
        order.sort_unstable_by_key(|made| places[*made as usize]);
        times = order.iter().map(|made| times[*made as usize]).collect();
        matched = order.iter().map(|made| matched[*made as usize]).collect();
        columns = take_record_batch(&columns, &UInt32Array::from(order))?;
    }
    emit(&aggregate.spec, Rows { columns, times }, matched.into_iter().collect(), out)
}
