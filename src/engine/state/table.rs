//! Readers' way to a table: all partitions of a query's committed state.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use parking_lot::{RwLock, RwLockWriteGuard};

use super::committed::TablePart;
use super::keyed::Keyed;
use super::view::{View, has_null};
use super::{Layout, NO_WINDOW};
use crate::engine::EngineError;
use crate::engine::topology::Topology;

/// A table that a query keeps, as of its last committed epoch. Rows are the table's columns, then `WINDOWSTART` and
/// `WINDOWEND` where it is windowed, then `ROWTIME`: BIGINT, ms.
#[derive(Debug)]
pub struct Table {
    parts: Vec<Arc<TablePart>>,
    layout: Arc<Layout>,
    view: Arc<View>,
    /// Held for writing while all parts commit an epoch, so that readers see it in all parts or in none.
    publish: RwLock<()>,
}

impl Table {
    /// `parts` are the tables of the tasks of the topology's last stage. Errors: there is no aggregate.
    pub fn new(parts: Vec<Arc<TablePart>>, topology: &Topology) -> Result<Table, EngineError> {
        let (spec, view) = View::new(topology)?;
        Ok(Table { parts, layout: Layout::new(spec)?, view: Arc::new(view), publish: RwLock::new(()) })
    }

    pub fn schema(&self) -> SchemaRef {
        self.view.schema.clone()
    }

    /// To be held while the tasks of all partitions commit.
    pub fn publishing(&self) -> RwLockWriteGuard<'_, ()> {
        self.publish.write()
    }

    /// The table as it is now; of a windowed one, the windows whose start lies in the bounds (both included). Cheap:
    /// segments are shared, and copied only when a task changes one that is held.
    pub fn snapshot(&self, window: (i64, i64)) -> TableSnapshot {
        let (from, to) = if self.layout.spec.window.is_some() { window } else { (NO_WINDOW, NO_WINDOW) };
        let _all = self.publish.read();
        let windows = self.parts.iter().flat_map(|part| part.visible(from, to)).collect();
        TableSnapshot { windows, layout: self.layout.clone(), view: self.view.clone() }
    }

    /// The rows of one key, without a scan: one at most, or one a window whose start lies in the bounds (both
    /// included; None: all), in their order.
    ///
    /// `key` holds a value for each key column in the table's order, of the column's own type. A null finds nothing.
    pub fn get(&self, key: &[ScalarValue], window: Option<(i64, i64)>) -> Result<RecordBatch, EngineError> {
        let mut group = Vec::with_capacity(key.len());
        for (place, ty) in self.view.key_order.iter().zip(&self.layout.block_types) {
            let value = key.get(*place).filter(|value| value.data_type() == *ty);
            let value =
                value.ok_or_else(|| EngineError::internal("a key has another type than its column"))?;
            group.push(value.to_array_of_size(1)?);
        }
        if group.len() != self.layout.spec.group || group.len() != key.len() {
            return Err(EngineError::internal("a key has another number of columns than the table"));
        }
        if has_null(&group) {
            return Ok(RecordBatch::new_empty(self.schema()));
        }
        let keys = self.layout.keys(&group)?;
        let (hash, key) = keys.get(0);
        let (from, to) = match (&self.layout.spec.window, window) {
            (Some(_), Some(bounds)) => bounds,
            (Some(_), None) => (i64::MIN, i64::MAX),
            (None, _) => (NO_WINDOW, NO_WINDOW),
        };
        let found: Vec<_> = {
            let _all = self.publish.read();
            self.parts.iter().flat_map(|part| part.find(from, to, hash, key)).collect()
        };
        let rows = found.iter().map(|(start, segment, slot)| {
            self.view.rows(&self.layout, *start, segment, std::slice::from_ref(slot))
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(concat_batches(&self.view.schema, &rows)?)
    }
}

/// A table as of one moment; it keeps its rows however the table goes on.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    windows: Vec<(i64, Keyed)>,
    layout: Arc<Layout>,
    view: Arc<View>,
}

impl TableSnapshot {
    pub fn schema(&self) -> SchemaRef {
        self.view.schema.clone()
    }

    /// All rows, in no order that means anything, `batch_rows` a batch at most. Batches may be empty.
    pub fn scan(&self, batch_rows: usize) -> impl Iterator<Item = Result<RecordBatch, EngineError>> + use<> {
        let batch_rows = batch_rows.max(1);
        let Self { windows, layout, view } = self.clone();
        windows.into_iter().flat_map(move |(start, keyed)| {
            let (layout, view) = (layout.clone(), view.clone());
            keyed.segments().to_vec().into_iter().flat_map(move |segment| {
                let (layout, view) = (layout.clone(), view.clone());
                (0..segment.len()).step_by(batch_rows).map(move |first| {
                    let slots: Vec<u32> =
                        (first as u32..segment.len().min(first + batch_rows) as u32).collect();
                    view.rows(&layout, start, &segment, &slots)
                })
            })
        })
    }

    /// The number of groups: an upper bound of the rows, exact where there is no HAVING.
    pub fn num_rows(&self) -> usize {
        self.windows.iter().map(|(_, keyed)| keyed.rows()).sum()
    }
}
