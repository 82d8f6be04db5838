//! Expressions on batches, and what becomes of rows that break them (dialect 10.1).
//!
//! An expression is evaluated once for all rows. Only if that fails is the batch cut in halves, again and again, until
//! the rows that fail stand alone: good batches pay nothing, and one bad row among 8,192 costs some thirty evaluations.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_empty_array, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;

use super::{Batch, EngineError, ErrorKind, RowError};
use crate::functions::error_text;

/// What an expression gave.
pub struct Evaluated {
    /// One a row; null where the row failed.
    pub values: ArrayRef,
    /// The rows that failed, ascending.
    pub failed: Vec<usize>,
}

/// Evaluates an expression. Each row that fails is null, and adds an error unless it is a tombstone, whose value
/// columns mean nothing.
pub fn evaluate(
    expr: &Arc<dyn PhysicalExpr>,
    batch: &Batch,
    errors: &mut Vec<RowError>,
) -> Result<Evaluated, EngineError> {
    let rows = batch.num_rows();
    let error = match try_evaluate(expr, &batch.columns) {
        Ok(values) => return Ok(Evaluated { values, failed: Vec::new() }),
        Err(error) => error,
    };
    let ty = expr.data_type(batch.columns.schema_ref())?;
    let mut search = Search { expr, ty: &ty, pieces: Vec::new(), failed: Vec::new() };
    search.split(&batch.columns, 0, error);
    let Search { pieces, failed, .. } = search;
    let refs: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    let values = if refs.is_empty() { new_empty_array(&ty) } else { concat(&refs)? };
    if values.len() != rows {
        return Err(EngineError::internal("an expression gave another number of rows"));
    }
    for (row, reason) in &failed {
        if !batch.is_tombstone(*row) {
            errors.push(batch.row_error(ErrorKind::Expression, *row, reason.clone()));
        }
    }
    Ok(Evaluated { values, failed: failed.into_iter().map(|(row, _)| row).collect() })
}

/// Evaluates a condition: true where it holds; false where it does not, is null, or fails (with an error).
pub fn holds(
    expr: &Arc<dyn PhysicalExpr>,
    batch: &Batch,
    errors: &mut Vec<RowError>,
) -> Result<BooleanArray, EngineError> {
    let values = evaluate(expr, batch, errors)?.values;
    let values = values.as_any().downcast_ref::<BooleanArray>();
    let values = values.ok_or_else(|| EngineError::internal("a condition is not BOOLEAN"))?;
    Ok(match values.nulls() {
        Some(nulls) => BooleanArray::new(values.values() & nulls.inner(), None),
        None => values.clone(),
    })
}

struct Search<'a> {
    expr: &'a Arc<dyn PhysicalExpr>,
    ty: &'a DataType,
    /// In the order of the rows.
    pieces: Vec<ArrayRef>,
    failed: Vec<(usize, String)>,
}

impl Search<'_> {
    /// Splits rows that are known to fail with `error`; `at` is the index of the first.
    fn split(&mut self, rows: &RecordBatch, at: usize, error: DataFusionError) {
        let n = rows.num_rows();
        if n <= 1 {
            self.pieces.push(new_null_array(self.ty, n));
            if n == 1 {
                self.failed.push((at, error_text(&error)));
            }
            return;
        }
        for (from, len) in [(0, n / 2), (n / 2, n - n / 2)] {
            let half = rows.slice(from, len);
            match try_evaluate(self.expr, &half) {
                Ok(values) => self.pieces.push(values),
                Err(error) => self.split(&half, at + from, error),
            }
        }
    }
}

fn try_evaluate(expr: &Arc<dyn PhysicalExpr>, rows: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
    expr.evaluate(rows)?.into_array(rows.num_rows())
}
