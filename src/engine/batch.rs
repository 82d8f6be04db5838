//! What flows on an edge between two operators.

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::{FilterBuilder, take};

use super::{EngineError, ErrorKind, RowError, error};

/// Rows with their event time. All parts have the same length.
#[derive(Debug, Clone)]
pub struct Batch {
    pub columns: RecordBatch,
    /// Row times, milliseconds since 1970.
    pub time: ScalarBuffer<i64>,
    /// Where the rows were read; None for rows that an aggregate made.
    pub origin: Option<Origin>,
    /// Not on an edge of kind *append*. Of *changes*: true where the row is a deletion of its key. The value columns of a
    /// tombstone mean nothing. None: no tombstone among the rows.
    pub tombstones: Option<BooleanBuffer>,
}

/// The place of rows in the input topic. A batch comes from one partition.
#[derive(Debug, Clone)]
pub struct Origin {
    pub partition: i32,
    /// One a row.
    pub offsets: ScalarBuffer<i64>,
    /// The headers of the records, a list a row; None where there are none, or nobody hands them on.
    pub headers: Option<ArrayRef>,
}

/// What an edge carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// A stream: every row is an event.
    Append,
    /// A table: every row is the new value of its key, or a tombstone.
    Changes,
    /// A stream of which records without a value are kept: such a row is marked as a tombstone, and deletes nothing.
    AppendNulls,
}

impl Batch {
    pub fn num_rows(&self) -> usize {
        self.time.len()
    }

    pub fn is_tombstone(&self, row: usize) -> bool {
        self.tombstones.as_ref().is_some_and(|t| row < t.len() && t.value(row))
    }

    /// The rows for which `mask` is true; null is false.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Batch, EngineError> {
        let predicate = FilterBuilder::new(mask).optimize().build();
        let columns =
            self.columns.columns().iter().map(|c| predicate.filter(c)).collect::<Result<Vec<_>, _>>()?;
        self.rebuild(columns, predicate.count(), |array| predicate.filter(array))
    }

    /// The rows at these indices, in their order.
    pub fn take(&self, rows: &UInt32Array) -> Result<Batch, EngineError> {
        let columns =
            self.columns.columns().iter().map(|c| take(c, rows, None)).collect::<Result<Vec<_>, _>>()?;
        self.rebuild(columns, rows.len(), |array| take(array, rows, None))
    }

    fn rebuild(
        &self,
        columns: Vec<ArrayRef>,
        rows: usize,
        pick: impl Fn(&dyn Array) -> Result<ArrayRef, arrow::error::ArrowError>,
    ) -> Result<Batch, EngineError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = RecordBatch::try_new_with_options(self.columns.schema(), columns, &options)?;
        let longs = |values: &ScalarBuffer<i64>| -> Result<ScalarBuffer<i64>, EngineError> {
            let picked = pick(&Int64Array::new(values.clone(), None))?;
            let picked = picked.as_any().downcast_ref::<Int64Array>();
            Ok(picked.ok_or_else(|| EngineError::internal("picking changed a type"))?.values().clone())
        };
        let origin = match &self.origin {
            Some(origin) => Some(Origin {
                partition: origin.partition,
                offsets: longs(&origin.offsets)?,
                headers: origin.headers.as_ref().map(|headers| pick(headers)).transpose()?,
            }),
            None => None,
        };
        let tombstones = match &self.tombstones {
            Some(tombstones) => {
                let picked = pick(&BooleanArray::new(tombstones.clone(), None))?;
                picked.as_any().downcast_ref::<BooleanArray>().map(|b| b.values().clone())
            }
            None => None,
        };
        let tombstones = tombstones.filter(|t| t.count_set_bits() > 0);
        Ok(Batch { columns, time: longs(&self.time)?, origin, tombstones })
    }

    /// A row's error with the place where it was read.
    pub fn row_error(&self, kind: ErrorKind, row: usize, reason: String) -> RowError {
        let origin = self.origin.as_ref();
        RowError {
            kind,
            partition: origin.map(|o| o.partition),
            offset: origin.and_then(|o| o.offsets.get(row).copied()),
            reason: error::bounded(reason),
        }
    }
}
