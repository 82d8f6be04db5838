//! Tables and streams as DataFusion reads them.
//!
//! A [`KeyedTable`] stands for a materialised table. Filters that fix the whole key become look-ups, and bounds on
//! WINDOWSTART narrow what is read; every filter is still applied above, so reading too much is slow but never wrong.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::utils::{Guarantee, LiteralGuarantee};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::sql::SqlError;

/// More keys than this are found by a scan.
const MAX_KEYS: usize = 10_000;

/// Bounds of WINDOWSTART in milliseconds, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRange {
    pub from: i64,
    pub to: i64,
}

impl WindowRange {
    pub const ALL: Self = Self { from: i64::MIN, to: i64::MAX };
}

/// The committed state of a table at one moment. Batches have the table's schema, projected.
pub trait Snapshot: Send + Sync {
    fn num_rows(&self) -> usize;
    /// All rows whose window is in the range.
    fn scan(
        &self,
        projection: &[usize],
        windows: WindowRange,
    ) -> Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send>;
    /// The rows of one key: none or one, or one for each window in the range. `key` has the types of the key columns.
    fn get(
        &self,
        key: &[ScalarValue],
        projection: &[usize],
        windows: WindowRange,
    ) -> Result<RecordBatch, SqlError>;
}

/// Where snapshots come from.
pub trait SnapshotSource: Send + Sync {
    fn schema(&self) -> SchemaRef;
    /// Indexes of the key columns, in the order of the key; without the window.
    fn key_columns(&self) -> &[usize];
    /// The index of WINDOWSTART, in a windowed table.
    fn window_start(&self) -> Option<usize>;
    /// The state as committed now.
    fn snapshot(&self) -> Arc<dyn Snapshot>;
}

/// A table with a key, for DataFusion.
pub struct KeyedTable {
    source: Arc<dyn SnapshotSource>,
}

impl KeyedTable {
    pub fn new(source: Arc<dyn SnapshotSource>) -> Self {
        Self { source }
    }

    pub fn source(&self) -> &Arc<dyn SnapshotSource> {
        &self.source
    }

    /// The keys that the filters leave over; None if that is not known.
    fn keys(&self, state: &dyn Session, filters: &[Expr]) -> Result<Option<Vec<Vec<ScalarValue>>>> {
        let schema = self.source.schema();
        let Some(all) = conjunction(filters.iter().cloned()) else { return Ok(None) };
        let expr = state.create_physical_expr(all, &DFSchema::try_from(schema.as_ref().clone())?)?;
        let mut found: HashMap<String, Vec<ScalarValue>> = HashMap::new();
        for guarantee in LiteralGuarantee::analyze(&expr) {
            if guarantee.guarantee == Guarantee::In {
                found.insert(guarantee.column.name, guarantee.literals.into_iter().collect());
            }
        }
        let mut keys: Vec<Vec<ScalarValue>> = vec![Vec::new()];
        for index in self.source.key_columns() {
            let Some(field) = schema.fields().get(*index) else { return Ok(None) };
            let Some(values) = found.get(field.name()) else { return Ok(None) };
            let values = values.iter().map(|v| v.cast_to(field.data_type())).collect::<Result<Vec<_>>>();
            let Ok(values) = values else { return Ok(None) };
            if keys.len().saturating_mul(values.len()) > MAX_KEYS {
                return Ok(None);
            }
            keys = keys
                .iter()
                .flat_map(|key| {
                    values.iter().map(|v| {
                        let mut key = key.clone();
                        key.push(v.clone());
                        key
                    })
                })
                .collect();
        }
        Ok(Some(keys).filter(|_| !self.source.key_columns().is_empty()))
    }
}

impl fmt::Debug for KeyedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedTable")
    }
}

#[async_trait]
impl TableProvider for KeyedTable {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.source.schema();
        let window = self.source.window_start().and_then(|i| schema.fields().get(i));
        let windows = window.map_or(WindowRange::ALL, |f| window_range(f.name(), filters));
        let projection = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let part = TableScan {
            schema: Arc::new(schema.project(&projection)?),
            source: self.source.clone(),
            projection,
            keys: self.keys(state, filters)?,
            windows,
        };
        single(part.schema.clone(), Arc::new(part), limit)
    }
}

struct TableScan {
    schema: SchemaRef,
    source: Arc<dyn SnapshotSource>,
    projection: Vec<usize>,
    keys: Option<Vec<Vec<ScalarValue>>>,
    windows: WindowRange,
}

impl fmt::Debug for TableScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.keys {
            Some(keys) => write!(f, "lookup of {} keys", keys.len()),
            None => f.write_str("scan"),
        }
    }
}

impl PartitionStream for TableScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let snapshot = self.source.snapshot();
        let batches: Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send> = match &self.keys {
            Some(keys) => {
                let (projection, windows) = (self.projection.clone(), self.windows);
                Box::new(keys.clone().into_iter().map(move |key| snapshot.get(&key, &projection, windows)))
            }
            None => snapshot.scan(&self.projection, self.windows),
        };
        adapt(self.schema.clone(), futures::stream::iter(batches).boxed())
    }
}

/// Opens a scan of some columns: from the beginning of the stream to its end as of now.
pub type OpenStream =
    Arc<dyn Fn(&[usize]) -> BoxStream<'static, Result<RecordBatch, SqlError>> + Send + Sync>;

/// A stream, read from its topic.
pub struct StreamTable {
    schema: SchemaRef,
    open: OpenStream,
}

impl StreamTable {
    pub fn new(schema: SchemaRef, open: OpenStream) -> Self {
        Self { schema, open }
    }
}

impl fmt::Debug for StreamTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamTable")
    }
}

#[async_trait]
impl TableProvider for StreamTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&projection)?);
        let part = StreamScan { schema: schema.clone(), projection, open: self.open.clone() };
        single(schema, Arc::new(part), limit)
    }
}

struct StreamScan {
    schema: SchemaRef,
    projection: Vec<usize>,
    open: OpenStream,
}

impl fmt::Debug for StreamScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stream scan")
    }
}

impl PartitionStream for StreamScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        adapt(self.schema.clone(), (self.open)(&self.projection))
    }
}

fn adapt(
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, SqlError>>,
) -> SendableRecordBatchStream {
    let batches = batches.map_err(|e| DataFusionError::External(Box::new(e)));
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

fn single(
    schema: Arc<Schema>,
    part: Arc<dyn PartitionStream>,
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(StreamingTableExec::try_new(schema, vec![part], None, [], false, limit)?))
}

/// What comparisons of WINDOWSTART with literals leave over.
fn window_range(column: &str, filters: &[Expr]) -> WindowRange {
    let mut range = WindowRange::ALL;
    for filter in filters {
        narrow(column, filter, &mut range);
    }
    range
}

fn narrow(column: &str, expr: &Expr, range: &mut WindowRange) {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return };
    if *op == Operator::And {
        narrow(column, left, range);
        narrow(column, right, range);
        return;
    }
    let is_window = |e: &Expr| matches!(e, Expr::Column(c) if c.name == column);
    let (op, value) = match (left.as_ref(), right.as_ref()) {
        (l, Expr::Literal(v, _)) if is_window(l) => (*op, v),
        (Expr::Literal(v, _), r) if is_window(r) => match op.swap() {
            Some(op) => (op, v),
            None => return,
        },
        _ => return,
    };
    let Some(ms) = milliseconds(value) else { return };
    match op {
        Operator::Eq => *range = WindowRange { from: range.from.max(ms), to: range.to.min(ms) },
        Operator::GtEq => range.from = range.from.max(ms),
        Operator::Gt => range.from = range.from.max(ms.saturating_add(1)),
        Operator::LtEq => range.to = range.to.min(ms),
        Operator::Lt => range.to = range.to.min(ms.saturating_sub(1)),
        _ => {}
    }
}

/// A bound in whole milliseconds; None where it is not one, which only costs a wider scan.
fn milliseconds(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int64(v) | ScalarValue::TimestampMillisecond(v, _) => *v,
        ScalarValue::Int32(v) => v.map(i64::from),
        ScalarValue::TimestampSecond(..) => {
            match value.cast_to(&DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None)) {
                Ok(ScalarValue::TimestampMillisecond(v, _)) => v,
                _ => None,
            }
        }
        _ => None,
    }
}

/// The source behind a provider, if it is a keyed table.
pub fn keyed(provider: &dyn TableProvider) -> Option<Arc<dyn SnapshotSource>> {
    (provider as &dyn Any).downcast_ref::<KeyedTable>().map(|t| t.source.clone())
}
