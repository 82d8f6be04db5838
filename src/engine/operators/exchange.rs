//! To the next stage, where all rows of a key meet.

use arrow::array::UInt32Array;

use crate::engine::topology::ExchangeSpec;
use crate::engine::{Batch, EngineError};
use crate::formats::{ByteColumn, RowEncoder, partition_for};

/// Splits batches by the murmur2 hash of the key's bytes, as a Kafka producer would: state has the same shape
/// whether an exchange is a channel in memory or a topic.
#[derive(Debug)]
pub struct Exchange {
    encoder: RowEncoder,
    keys: usize,
    partitions: i32,
    /// Kept for its room.
    bytes: ByteColumn,
    made: Vec<(i32, Batch)>,
}

impl Exchange {
    /// `partitions` is the number of tasks of the next stage.
    pub fn new(spec: &ExchangeSpec, partitions: i32) -> Result<Self, EngineError> {
        let encoder = RowEncoder::key(&spec.keys, spec.format, false)?;
        Ok(Self { encoder, keys: spec.keys.len(), partitions, bytes: ByteColumn::new(), made: Vec::new() })
    }

    pub fn push(&mut self, batch: Batch) -> Result<(), EngineError> {
        if self.partitions <= 1 {
            self.made.push((0, batch));
            return Ok(());
        }
        let keys = batch
            .columns
            .columns()
            .get(..self.keys)
            .ok_or_else(|| EngineError::internal("an exchange without its key columns"))?;
        self.bytes.clear();
        self.encoder.encode(keys, None, &mut self.bytes)?;
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.partitions as usize];
        for (row, key) in self.bytes.iter().enumerate() {
            // A null key has no home; any will do as long as it is always the same.
            let target = key.map_or(0, |key| partition_for(key, self.partitions));
            if let Some(rows) = rows.get_mut(target as usize) {
                rows.push(row as u32);
            }
        }
        for (target, rows) in (0..).zip(rows) {
            if rows.len() == batch.num_rows() {
                self.made.push((target, batch));
                return Ok(());
            }
            if !rows.is_empty() {
                self.made.push((target, batch.take(&UInt32Array::from(rows))?));
            }
        }
        Ok(())
    }

    pub fn take(&mut self) -> Vec<(i32, Batch)> {
        std::mem::take(&mut self.made)
    }

    pub fn clear(&mut self) {
        self.made.clear();
    }
}
