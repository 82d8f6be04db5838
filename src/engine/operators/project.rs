//! SELECT's list, and what PARTITION BY and GROUP BY compute.

use arrow::array::{Array, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;

use super::{Operator, Output};
use crate::engine::topology::ProjectSpec;
use crate::engine::{Batch, EngineError, ErrorKind, eval};

/// Computes columns. One that fails on a row is NULL there, with an error in the log; rows are dropped where a column
/// that must not be null is (dialect 10.1).
#[derive(Debug)]
pub struct Project {
    spec: ProjectSpec,
    /// What must not be null is grouped by: a null there is logged.
    grouping: bool,
}

impl Project {
    pub fn new(spec: ProjectSpec, grouping: bool) -> Self {
        Self { spec, grouping }
    }
}

impl Operator for Project {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        let rows = batch.num_rows();
        let mut columns = Vec::with_capacity(self.spec.exprs.len());
        let mut dropped: Option<BooleanBuffer> = None;
        for (index, expr) in self.spec.exprs.iter().enumerate() {
            let evaluated = eval::evaluate(expr, &batch, &mut out.errors)?;
            if self.spec.not_null.contains(&index)
                && let Some(nulls) = evaluated.values.logical_nulls().filter(|n| n.null_count() > 0)
            {
                let null = !nulls.inner();
                if self.grouping {
                    let name = self.spec.schema.fields().get(index).map_or("", |f| f.name().as_str());
                    // Once a row, and a failure has been logged as such.
                    let seen = |row: usize| dropped.as_ref().is_some_and(|d: &BooleanBuffer| d.value(row));
                    for row in null.set_indices().filter(|row| !seen(*row)) {
                        if evaluated.failed.binary_search(&row).is_err() {
                            let reason = format!("the grouping column {name} is null");
                            out.errors.push(batch.row_error(ErrorKind::Expression, row, reason));
                        }
                    }
                }
                dropped = Some(match dropped {
                    Some(before) => &before | &null,
                    None => null,
                });
            }
            columns.push(evaluated.values);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(self.spec.schema.clone(), columns, &options)?;
        let made = Batch { columns, ..batch };
        match dropped {
            None => out.batches.push(made),
            Some(dropped) => {
                let kept = made.filter(&BooleanArray::new(!&dropped, None))?;
                if kept.num_rows() > 0 {
                    out.batches.push(kept);
                }
            }
        }
        Ok(())
    }
}
