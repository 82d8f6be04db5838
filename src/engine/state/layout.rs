//! What all segments of one aggregation have in common.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};

use crate::engine::EngineError;
use crate::engine::operators::expires;
use crate::engine::topology::AggregateSpec;
use crate::functions::aggregate::Accumulator;

/// How keys and states are laid out.
#[derive(Debug)]
pub struct Layout {
    pub spec: Arc<AggregateSpec>,
    converter: RowConverter,
    /// The columns of a changelog block: grouping columns, row time, states.
    pub block_types: Vec<DataType>,
    /// How many of the states' columns each aggregate has.
    pub state_widths: Vec<usize>,
}

/// The keys of a batch: their bytes, which sort as the keys do, and hashes of these.
pub struct Keys {
    pub rows: Rows,
    pub hashes: Vec<u64>,
}

/// Fixed, so that a task's output depends on its input alone.
const SEED: u64 = 0x5249_5645_524d_494c;

impl Layout {
    pub fn new(spec: Arc<AggregateSpec>) -> Result<Arc<Self>, EngineError> {
        let group = spec.input.fields().get(..spec.group).filter(|group| !group.is_empty());
        let group = group.ok_or_else(|| EngineError::internal("an aggregation without grouping columns"))?;
        let mut block_types: Vec<DataType> = group.iter().map(|f| f.data_type().clone()).collect();
        let converter = RowConverter::new(block_types.iter().cloned().map(SortField::new).collect())?;
        block_types.push(DataType::Int64);
        let mut layout = Self { spec, converter, block_types, state_widths: Vec::new() };
        for accumulator in layout.accumulators() {
            let state = accumulator.state(&[]);
            layout.state_widths.push(state.len());
            layout.block_types.extend(state.iter().map(|column| column.data_type().clone()));
        }
        Ok(Arc::new(layout))
    }

    pub fn accumulators(&self) -> Vec<Box<dyn Accumulator>> {
        self.spec.calls.iter().map(|call| call.make.make()).collect()
    }

    pub fn keys(&self, group: &[ArrayRef]) -> Result<Keys, EngineError> {
        let rows = self.converter.convert_columns(group)?;
        let state = foldhash::quality::FixedState::with_seed(SEED);
        let hashes = rows.iter().map(|row| {
            let mut hasher = state.build_hasher();
            hasher.write(row.data());
            hasher.finish()
        });
        Ok(Keys { hashes: hashes.collect(), rows })
    }

    /// The grouping columns of keys. The bytes must come from [`Layout::keys`].
    pub fn group_columns<'a>(
        &self,
        keys: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<ArrayRef>, EngineError> {
        let parser = self.converter.parser();
        Ok(self.converter.convert_rows(keys.map(|key| parser.parse(key)))?)
    }

    /// Rows of the aggregate's output edge.
    pub fn output(
        &self,
        window: i64,
        group: Vec<ArrayRef>,
        accumulators: &[Box<dyn Accumulator>],
        slots: &[u32],
    ) -> Result<RecordBatch, EngineError> {
        let mut columns = group;
        if let Some(spec) = &self.spec.window {
            for bound in [window, window.saturating_add(spec.size_ms)] {
                columns.push(Arc::new(Int64Array::from_value(bound, slots.len())));
            }
        }
        columns.extend(accumulators.iter().map(|a| a.evaluate(slots)));
        Ok(RecordBatch::try_new(self.spec.output.clone(), columns)?)
    }

    /// Whether a window is not kept any more at this stream time.
    pub fn is_expired(&self, window: i64, stream_time: Option<i64>) -> bool {
        match (&self.spec.window, stream_time) {
            (Some(spec), Some(now)) => expires(spec, window) <= now,
            _ => false,
        }
    }
}

impl Keys {
    pub fn get(&self, row: u32) -> (u64, &[u8]) {
        (self.hashes[row as usize], self.rows.row(row as usize).data())
    }
}
