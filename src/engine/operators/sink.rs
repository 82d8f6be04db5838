//! The last operator of a persistent query: rows to records.

use arrow::array::{Array, ArrayRef, Int64Array};

use super::sink_time::SinkTime;
use super::{Edge, Output};
use crate::catalog::Format;
use crate::engine::topology::SinkSpec;
use crate::engine::{Batch, EngineError};
use crate::formats::{ByteColumn, HeaderRows, RowEncoder, append_sessions, partition_for};

/// Records to be written, in this order. All parts have the same length.
#[derive(Debug, Default)]
pub struct SinkBlock {
    pub keys: ByteColumn,
    /// Null is a tombstone.
    pub values: ByteColumn,
    /// The records' timestamps, ms since 1970.
    pub times: Vec<i64>,
    /// Where each goes.
    pub partitions: Vec<i32>,
    /// Those of the input records.
    pub headers: HeaderRows,
}

impl SinkBlock {
    /// The number of records.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Memory held, roughly.
    pub fn bytes(&self) -> usize {
        self.keys.bytes() + self.values.bytes() + self.headers.bytes() + self.len() * 28
    }
}

/// Encodes rows, and finds the partition of each as a Kafka producer would.
#[derive(Debug)]
pub struct Sink {
    spec: SinkSpec,
    /// Where a column becomes the records' timestamp.
    time: Option<SinkTime>,
    keys: usize,
    key: RowEncoder,
    value: RowEncoder,
    /// Rows without a key keep the partition that they came from.
    partition: i32,
    made: SinkBlock,
}

impl Sink {
    pub fn new(spec: &SinkSpec, input: &Edge, partition: i32) -> Result<Self, EngineError> {
        let (keys, values): (Vec<_>, Vec<_>) = spec.columns.iter().cloned().partition(|c| c.key);
        let bounds = usize::from(spec.windowed) + usize::from(spec.sessions);
        if input.schema.fields().len() != spec.columns.len() + bounds {
            return Err(EngineError::internal("the edge of a sink holds other columns than the sink"));
        }
        Ok(Self {
            time: SinkTime::of(spec)?,
            keys: keys.len(),
            key: RowEncoder::key(&keys, spec.key_format, spec.windowed && !spec.sessions)?
                .with_null_keys(spec.null_keys),
            value: RowEncoder::value(&values, spec.value_format)?,
            partition: partition.rem_euclid(spec.partitions.max(1)),
            spec: spec.clone(),
            made: SinkBlock::default(),
        })
    }

    pub fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        let batch = match &self.time {
            Some(time) => match time.apply(batch, out)? {
                Some(batch) => batch,
                None => return Ok(()),
            },
            None => batch,
        };
        let columns = batch.columns.columns();
        let (Some(keys), Some(values)) =
            (columns.get(..self.keys), columns.get(self.keys..self.spec.columns.len()))
        else {
            return Err(EngineError::internal("a sink without its columns"));
        };
        let starts = match columns.get(self.spec.columns.len()).filter(|_| self.spec.windowed) {
            Some(starts) => starts.as_any().downcast_ref::<Int64Array>(),
            None => None,
        };
        let first = self.made.keys.len();
        if let Some(headers) = batch.origin.as_ref().and_then(|origin| origin.headers.clone()) {
            self.made.headers.push(first, headers);
        }
        if keys.is_empty() {
            // The encoder could not tell how many.
            (0..batch.num_rows()).for_each(|_| self.made.keys.push_null());
        } else {
            let ends = columns.get(self.spec.columns.len() + 1).filter(|_| self.spec.sessions);
            match (starts, ends.and_then(|ends| ends.as_any().downcast_ref::<Int64Array>())) {
                (Some(starts), Some(ends)) => {
                    let mut plain = ByteColumn::new();
                    self.key.encode(keys, None, &mut plain)?;
                    append_sessions(&plain, starts, ends, &mut self.made.keys);
                }
                _ => self.key.encode(keys, starts, &mut self.made.keys)?,
            }
        }
        self.encode_values(values, &batch)?;
        self.made.times.extend_from_slice(&batch.time);
        for row in first..self.made.keys.len() {
            let key = self.made.keys.get(row);
            let partition = key.map_or(self.partition, |key| partition_for(key, self.spec.partitions));
            self.made.partitions.push(partition);
        }
        Ok(())
    }

    fn encode_values(&mut self, values: &[ArrayRef], batch: &Batch) -> Result<(), EngineError> {
        if values.is_empty() {
            // Only a key: there is still a value, or the record would be a tombstone.
            let none = self.spec.value_format == Format::None;
            for row in 0..batch.num_rows() {
                if none || batch.is_tombstone(row) {
                    self.made.values.push_null();
                } else {
                    self.made.values.push(b"{}");
                }
            }
            return Ok(());
        }
        if batch.tombstones.is_none() {
            return Ok(self.value.encode(values, None, &mut self.made.values)?);
        }
        let mut encoded = ByteColumn::new();
        self.value.encode(values, None, &mut encoded)?;
        for (row, value) in encoded.iter().enumerate() {
            match value.filter(|_| !batch.is_tombstone(row)) {
                Some(value) => self.made.values.push(value),
                None => self.made.values.push_null(),
            }
        }
        Ok(())
    }

    pub fn take(&mut self) -> SinkBlock {
        std::mem::take(&mut self.made)
    }

    pub fn clear(&mut self) {
        self.made = SinkBlock::default();
    }
}
