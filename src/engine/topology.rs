//! The plan of a continuous query as the engine runs it: stages of operators, cut at exchanges.
//!
//! The planner writes a [`Topology`], the runtime makes one [`Task`](super::Task) of each stage and partition.
//!
//! ```text
//!   topic ─ source ─ filter ─ project ─┐ exchange           stage 0: one task a source partition
//!                                      └─ aggregate ─ project ─ sink ─ topic    stage 1
//! ```

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::PhysicalExpr;

use super::EdgeKind;
use crate::catalog::{Column, Format, Source, WindowSpec};
use crate::formats::SourceColumn;
use crate::functions::aggregate::AggregateCall;
use crate::sql::SqlType;

#[derive(Debug, Clone)]
pub struct Topology {
    pub source: SourceSpec,
    /// One or two; the first one reads the source.
    pub stages: Vec<StageSpec>,
}

/// What is read, and which of its columns the query needs.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    pub source: Arc<Source>,
    /// The columns of the first edge, in order.
    pub columns: Vec<SourceColumn>,
    pub schema: SchemaRef,
    /// Changes where the source is a table.
    pub edge: EdgeKind,
    /// Whether the headers of records are handed on to those that are made of them.
    pub headers: bool,
}

#[derive(Debug, Clone)]
pub struct StageSpec {
    pub operators: Vec<OperatorSpec>,
    pub output: StageOutput,
}

#[derive(Debug, Clone)]
pub enum OperatorSpec {
    /// Keeps the rows for which the predicate is true. On an edge of changes tombstones pass, and a row that fails
    /// becomes a tombstone.
    Filter(FilterSpec),
    TableFilter(TableFilterSpec),
    Project(ProjectSpec),
    PartitionBy(PartitionBySpec),
    FlatMap(FlatMapSpec),
    Undo(UndoSpec),
    Aggregate(Arc<AggregateSpec>),
}

#[derive(Debug, Clone)]
pub struct FilterSpec {
    pub predicate: Arc<dyn PhysicalExpr>,
    /// For EXPLAIN.
    pub text: String,
}

/// A condition over a table's changes that remembers which keys it let through: one that never matched gives nothing.
#[derive(Debug, Clone)]
pub struct TableFilterSpec {
    pub filter: FilterSpec,
    /// The columns of the edge that are the table's key.
    pub keys: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct ProjectSpec {
    pub exprs: Vec<Arc<dyn PhysicalExpr>>,
    pub schema: SchemaRef,
    /// Rows in which one of these output columns is null, or fails, are dropped: keys of a table and grouping expressions.
    pub not_null: Vec<usize>,
    /// For EXPLAIN, one an expression.
    pub texts: Vec<String>,
}

/// PARTITION BY, behind the projection that computes the new key. Rows without a value have none of the key's columns
/// but those that the old key alone gives (`partition-by.json` of ksqlDB's tests).
#[derive(Debug, Clone)]
pub struct PartitionBySpec {
    /// Columns of the edge that become null where the row has no value.
    pub of_value: Vec<usize>,
    /// For EXPLAIN.
    pub text: String,
}

/// Table functions: arrays taken apart into rows.
///
/// Output edge: the columns of the input edge, with an element in the place of each array.
#[derive(Debug, Clone)]
pub struct FlatMapSpec {
    /// The first column that is taken apart; all behind it are, too.
    pub arrays_from: usize,
    pub schema: SchemaRef,
    /// For EXPLAIN, one an array.
    pub texts: Vec<String>,
}

/// A table's changes as changes of groups.
///
/// Input edge, of kind changes: `keys` columns of the table's key, `group` grouping columns, arguments of aggregates.
/// Output edge: the same without the keys, and a last column that says what a row does to its group.
#[derive(Debug, Clone)]
pub struct UndoSpec {
    pub keys: usize,
    pub group: usize,
    /// Of the columns behind the keys.
    pub types: Vec<SqlType>,
    pub input: SchemaRef,
    pub output: SchemaRef,
}

/// GROUP BY, with or without a window.
///
/// Input edge: the grouping columns first (`group` of them), then the arguments of the aggregates.
/// Output edge: the grouping columns, then `WINDOWSTART` and `WINDOWEND` (Int64, ms) where there is a window,
/// then one column an aggregate. Kind: changes, keyed by the grouping columns and the window. Its row time is the
/// largest row time of the key.
#[derive(Debug, Clone)]
pub struct AggregateSpec {
    pub group: usize,
    pub calls: Vec<AggregateCall>,
    pub window: Option<WindowSpec>,
    /// Over the output edge. A key that stops matching gives a tombstone.
    pub having: Option<FilterSpec>,
    pub emit: EmitMode,
    /// Over a table: the last column of the input edge says what a row does to its group (Int8, see
    /// [`effect`](super::operators::effect)).
    pub undo: bool,
    pub input: SchemaRef,
    pub output: SchemaRef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmitMode {
    /// Every change, none coalesced.
    EveryChange,
    /// The last change of each key in an epoch.
    PerEpoch,
    /// Each window once, when stream time reaches its end and grace; windowed only.
    Final,
}

#[derive(Debug, Clone)]
pub enum StageOutput {
    /// To the next stage, by the murmur2 hash of the key's bytes.
    Exchange(ExchangeSpec),
    /// To a topic.
    Sink(SinkSpec),
    /// To a client: the batches as they are.
    Rows { schema: SchemaRef },
}

/// The first `keys` columns of the edge are the key.
#[derive(Debug, Clone)]
pub struct ExchangeSpec {
    pub keys: Vec<Column>,
    pub format: Format,
}

/// The edge holds all `columns` in order, behind them `WINDOWSTART` where `windowed` is set, and behind that
/// `WINDOWEND` where `sessions` is.
#[derive(Debug, Clone)]
pub struct SinkSpec {
    pub topic: Arc<str>,
    pub partitions: i32,
    /// Keys first.
    pub columns: Vec<Column>,
    pub key_format: Format,
    pub value_format: Format,
    /// The keys on the wire end in the window's start, 8 bytes big endian.
    pub windowed: bool,
    /// The keys on the wire end in a session: its end, then its start.
    pub sessions: bool,
    /// The column (index in `columns`) that becomes the record's timestamp; else the row time.
    pub timestamp: Option<usize>,
    /// Java's pattern, where that column is text.
    pub timestamp_format: Option<String>,
    /// Whether a key of several columns that are all null is a null key rather than an object of nulls.
    pub null_keys: bool,
}
