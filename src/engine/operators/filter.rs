//! WHERE.

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
            EdgeKind::Append if kept == batch.num_rows() => out.batches.push(batch),
            EdgeKind::Append if kept == 0 => {}
            EdgeKind::Append => out.batches.push(batch.filter(&mask)?),
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
