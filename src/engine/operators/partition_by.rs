//! PARTITION BY: the key of rows without a value.
//!
//! The new key is computed by the projection before; the sink then finds the partition of each row by it, so nothing
//! has to be exchanged. What is left to do is what ksqlDB does for records without a value: an expression over the
//! value has no result there, whatever it would make of nulls.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::nullif;

use super::{Operator, Output};
use crate::engine::topology::PartitionBySpec;
use crate::engine::{Batch, EngineError};

#[derive(Debug)]
pub struct PartitionBy {
    spec: PartitionBySpec,
}

impl PartitionBy {
    pub fn new(spec: PartitionBySpec) -> Self {
        Self { spec }
    }
}

impl Operator for PartitionBy {
    fn push(&mut self, mut batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        if let Some(tombstones) = &batch.tombstones {
            let gone = BooleanArray::new(tombstones.clone(), None);
            let mut columns: Vec<ArrayRef> = batch.columns.columns().to_vec();
            for index in &self.spec.of_value {
                if let Some(column) = columns.get_mut(*index) {
                    *column = nullif(column.as_ref() as &dyn Array, &gone)?;
                }
            }
            batch.columns = RecordBatch::try_new(batch.columns.schema(), columns)?;
        }
        out.batches.push(batch);
        Ok(())
    }
}
