//! Streams and tables of the catalog as DataFusion's tables.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use futures::StreamExt;
use futures::stream;
use sqlparser::ast as sp;

use super::gone;
use crate::catalog::{Catalog, Source};
use crate::engine::Table;
use crate::formats::SourceColumn;
use crate::runtime::{Runtime, query_error};
use crate::server::adhoc::{KeyedTable, Snapshot, SnapshotSource, StreamTable, Tables, WindowRange};
use crate::sql::SqlError;
use crate::sql::SqlType;
use crate::sql::ast::SourceKind;

/// Rows of a batch of a scan.
const BATCH_ROWS: usize = 8192;

const PSEUDO: [(&str, SqlType, SourceColumn); 3] = [
    ("ROWTIME", SqlType::BigInt, SourceColumn::RowTime),
    ("ROWPARTITION", SqlType::Int, SourceColumn::RowPartition),
    ("ROWOFFSET", SqlType::BigInt, SourceColumn::RowOffset),
];

/// What a query can read.
pub struct CatalogTables {
    /// None while the server starts: then there is no table.
    pub runtime: Option<Arc<Runtime>>,
    pub catalog: Arc<Catalog>,
    /// Pseudo columns that the query names. The others are left out, so that `*` has no more columns than in ksqlDB.
    pub pseudo: Vec<usize>,
}

/// The pseudo columns that a query names, as indices in [`PSEUDO`].
pub fn pseudo_columns(query: &sp::Query) -> Vec<usize> {
    let mut found = Vec::new();
    let _ = sp::visit_expressions(query, |expr| {
        let ident = match expr {
            sp::Expr::Identifier(ident) => Some(ident),
            sp::Expr::CompoundIdentifier(parts) => parts.last(),
            _ => None,
        };
        let index = ident.and_then(|ident| PSEUDO.iter().position(|(name, ..)| *name == ident.value));
        found.extend(index.filter(|index| !found.contains(index)));
        ControlFlow::<()>::Continue(())
    });
    found.sort_unstable();
    found
}

impl Tables for CatalogTables {
    fn table(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        let (runtime, source) = (self.runtime.as_ref()?, self.catalog.source(name)?);
        match (&source.query, source.kind) {
            (Some(query), SourceKind::Table) if runtime.keeps_table(query) => {
                Some(Arc::new(KeyedTable::new(Arc::new(self.state_table(runtime, source, query)))))
            }
            _ => Some(Arc::new(self.scan_table(runtime, source))),
        }
    }

    fn names(&self) -> Vec<String> {
        self.catalog.sources().map(|s| s.name.clone()).collect()
    }
}

impl CatalogTables {
    /// A table that a query maintains: read from its state.
    fn state_table(&self, runtime: &Arc<Runtime>, source: &Arc<Source>, query: &str) -> StateTable {
        let mut fields = fields(source);
        // The state has the row time behind the columns and the window; the other pseudo columns are of records.
        let row_time = self.pseudo.first() == Some(&0);
        if row_time {
            fields.push(Field::new("ROWTIME", SqlType::BigInt.arrow(), true));
        }
        StateTable {
            runtime: runtime.clone(),
            name: source.name.clone(),
            query: query.to_owned(),
            schema: Arc::new(Schema::new(fields)),
            keys: (0..source.columns.len()).filter(|&i| source.columns[i].key).collect(),
            window_start: source.window.map(|_| source.columns.len()),
        }
    }

    /// A stream or a declared table: read from its topic.
    fn scan_table(&self, runtime: &Arc<Runtime>, source: &Arc<Source>) -> StreamTable {
        let mut columns: Vec<SourceColumn> = (0..source.columns.len()).map(SourceColumn::Column).collect();
        if source.window.is_some() {
            columns.extend([SourceColumn::WindowStart, SourceColumn::WindowEnd]);
        }
        let mut fields = fields(source);
        for (name, ty, column) in self.pseudo.iter().filter_map(|&i| PSEUDO.get(i)) {
            columns.push(*column);
            fields.push(Field::new(*name, ty.arrow(), true));
        }
        let (runtime, source) = (runtime.clone(), source.clone());
        StreamTable::new(
            Arc::new(Schema::new(fields)),
            Arc::new(move |projection: &[usize]| {
                let mut wanted: Vec<SourceColumn> =
                    projection.iter().filter_map(|&i| columns.get(i).copied()).collect();
                let counted = wanted.is_empty();
                if counted {
                    // Rows are counted by some column.
                    wanted.push(SourceColumn::RowTime);
                }
                let rows = runtime.scan(source.clone(), wanted);
                stream::unfold(rows, |mut rows| async move { rows.recv().await.map(|batch| (batch, rows)) })
                    .map(move |batch| {
                        let batch = batch.map_err(|e| query_error(&e))?;
                        if counted { batch.project(&[]).map_err(SqlError::internal) } else { Ok(batch) }
                    })
                    .boxed()
            }),
        )
    }
}

/// The columns of a source, and the window of a windowed one.
fn fields(source: &Source) -> Vec<Field> {
    let mut fields: Vec<Field> =
        source.columns.iter().map(|c| Field::new(&c.name, c.ty.arrow(), true)).collect();
    if source.window.is_some() {
        for name in ["WINDOWSTART", "WINDOWEND"] {
            fields.push(Field::new(name, SqlType::BigInt.arrow(), true));
        }
    }
    fields
}

struct StateTable {
    runtime: Arc<Runtime>,
    name: String,
    query: String,
    schema: SchemaRef,
    keys: Vec<usize>,
    window_start: Option<usize>,
}

impl SnapshotSource for StateTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn key_columns(&self) -> &[usize] {
        &self.keys
    }

    fn window_start(&self) -> Option<usize> {
        self.window_start
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        match self.runtime.table(&self.query) {
            Some(table) => Arc::new(StateSnapshot { table }),
            None => Arc::new(Gone(self.name.clone())),
        }
    }
}

struct StateSnapshot {
    table: Arc<Table>,
}

impl Snapshot for StateSnapshot {
    fn num_rows(&self) -> usize {
        self.table.snapshot((i64::MIN, i64::MAX)).num_rows()
    }

    fn scan(
        &self,
        projection: &[usize],
        windows: WindowRange,
    ) -> Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send> {
        let projection = projection.to_vec();
        let batches = self.table.snapshot((windows.from, windows.to)).scan(BATCH_ROWS);
        Box::new(batches.map(move |batch| {
            let batch = batch.map_err(SqlError::from)?;
            batch.project(&projection).map_err(SqlError::internal)
        }))
    }

    fn get(
        &self,
        key: &[ScalarValue],
        projection: &[usize],
        windows: WindowRange,
    ) -> Result<RecordBatch, SqlError> {
        let batch = self.table.get(key, Some((windows.from, windows.to)))?;
        batch.project(projection).map_err(SqlError::internal)
    }
}

/// A table that went away between planning and running.
struct Gone(String);

impl Snapshot for Gone {
    fn num_rows(&self) -> usize {
        0
    }

    fn scan(
        &self,
        _: &[usize],
        _: WindowRange,
    ) -> Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send> {
        Box::new(std::iter::once(Err(gone(&self.0))))
    }

    fn get(&self, _: &[ScalarValue], _: &[usize], _: WindowRange) -> Result<RecordBatch, SqlError> {
        Err(gone(&self.0))
    }
}
