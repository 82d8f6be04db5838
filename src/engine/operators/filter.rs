//! WHERE.

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;

use super::{Operator, Output};
use crate::engine::topology::FilterSpec;
use crate::engine::{Batch, EdgeKind, EngineError, eval};

/// Keeps the rows for which the predicate is true. A row that it fails on is dropped and logged. Of changes nothing is
/// dropped: a row that does not match is a tombstone, for an older row of its key may have matched.
#[derive(Debug)]
pub struct Filter {
    spec: FilterSpec,
    edge: EdgeKind,
}

impl Filter {
    pub fn new(spec: FilterSpec, edge: EdgeKind) -> Self {
        Self { spec, edge }
    }
}

impl Operator for Filter {
    fn push(&mut self, mut batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        let mask = eval::holds(&self.spec.predicate, &batch, &mut out.errors)?;
        let kept = mask.true_count();
        match self.edge {
            EdgeKind::AppendNulls if batch.tombstones.is_some() => {
                // No condition holds for a row without a value.
                let live = batch.tombstones.as_ref().map(|tombstones| mask.values() & &!tombstones);
                let batch =
                    batch.filter(&BooleanArray::new(live.unwrap_or_else(|| mask.values().clone()), None))?;
                if batch.num_rows() > 0 {
                    out.batches.push(batch);
                }
            }
            EdgeKind::Append | EdgeKind::AppendNulls if kept == batch.num_rows() => out.batches.push(batch),
            EdgeKind::Append | EdgeKind::AppendNulls if kept == 0 => {}
            EdgeKind::Append | EdgeKind::AppendNulls => out.batches.push(batch.filter(&mask)?),
            EdgeKind::Changes => {
                if kept < batch.num_rows() {
                    let failing: BooleanBuffer = !mask.values();
                    batch.tombstones = Some(match &batch.tombstones {
                        Some(before) => before | &failing,
                        None => failing,
                    });
                }
                out.batches.push(batch);
            }
        }
        Ok(())
    }
}
