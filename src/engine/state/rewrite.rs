//! The rolling rewrite of committed segments into the changelog.
//!
//! Beside an epoch's changes some segments are written whole, in turn, as many bytes as changed. When all have had
//! their turn a pass is complete: each key's newest state lies behind the start of that pass, in a rewrite or in a later
//! change. So what lies before it is not needed any more, and the changelog stays within a few times the state's size.

use std::sync::Arc;

use super::block::{Block, BlockKind, block_rows};
use super::committed::Committed;
use super::keyed::Keyed;
use super::{Layout, Segment};
use crate::engine::EngineError;

/// How far the running pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    pub pass: u64,
    /// The first window and hash prefix whose turn is still to come. A prefix, not a segment's number, stays right
    /// when segments are split.
    window: i64,
    prefix: u32,
    /// Bytes to be rewritten; below 0 where the last segment was larger than what was due.
    due: i64,
}

impl Rewrite {
    pub fn new() -> Self {
        Self { pass: 0, window: i64::MIN, prefix: 0, due: 0 }
    }

    /// Rewrites as many segments as are due when this many bytes changed, to the end of the pass at most.
    ///
    /// A new pass never begins in the epoch that ends the one before: once its number is seen, that end is committed.
    pub fn run(
        &mut self,
        layout: &Layout,
        committed: &Committed,
        stream_time: Option<i64>,
        changed: usize,
        blocks: &mut Vec<Vec<u8>>,
    ) -> Result<(), EngineError> {
        self.due += changed as i64;
        while self.due > 0 {
            let Some((window, keyed, number, segment)) = self.next(layout, committed, stream_time) else {
                *self = Self { pass: self.pass + 1, due: 0, ..Self::new() };
                return Ok(());
            };
            let columns = segment.block_columns(layout, &segment.slots())?;
            let written = write_blocks(BlockKind::Rewrite, stream_time, window, &columns, blocks)?;
            self.due -= written as i64;
            (self.window, self.prefix) = match keyed.prefix_behind(number) {
                Some(prefix) => (window, prefix),
                None => (window.saturating_add(1), 0),
            };
        }
        Ok(())
    }

    fn next<'a>(
        &self,
        layout: &Layout,
        committed: &'a Committed,
        stream_time: Option<i64>,
    ) -> Option<(i64, &'a Keyed, usize, &'a Arc<Segment>)> {
        let mut windows = committed.windows.range(self.window..);
        let (window, keyed) = windows.find(|(start, _)| !layout.is_expired(**start, stream_time))?;
        let number = if *window == self.window { keyed.segment_of(self.prefix) } else { 0 };
        Some((*window, keyed, number, keyed.segments().get(number)?))
    }
}

/// Writes groups as blocks of a bounded size; returns their bytes when unpacked.
pub fn write_blocks(
    kind: BlockKind,
    stream_time: Option<i64>,
    window: i64,
    columns: &[arrow::array::ArrayRef],
    blocks: &mut Vec<Vec<u8>>,
) -> Result<usize, EngineError> {
    let rows = columns.first().map_or(0, |c| c.len());
    let step = block_rows(columns);
    let mut bytes = 0;
    for from in (0..rows).step_by(step) {
        let len = step.min(rows - from);
        let columns = columns.iter().map(|c| c.slice(from, len)).collect();
        bytes += Block { kind, stream_time, window, columns }.write(blocks)?;
    }
    Ok(bytes)
}
