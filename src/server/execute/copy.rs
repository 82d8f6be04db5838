//! COPY … FROM STDIN: rows collected within a bound, then written in one transaction.

use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;

use super::insert::insert_error;
use super::{SqlServer, blocking};
use crate::catalog::Source;
use crate::planner::{InsertColumn, check_null, insert_columns, insert_schema, insert_target};
use crate::runtime::{InsertRows, Runtime};
use crate::server::session::{CopySink, SessionState};
use crate::sql::ast::Name;
use crate::sql::{SqlError, SqlType, sqlstate};

/// Bytes that one COPY may bring, since all its rows are one transaction.
const COPY_BYTES_MAX: usize = 256 << 20;

impl SqlServer {
    pub(super) fn open_copy(
        &self,
        session: &SessionState,
        target: &Name,
        columns: &[Name],
    ) -> Result<Box<dyn CopySink>, SqlError> {
        let source = insert_target(target, &*self.catalog(session)?)?;
        let columns = insert_columns(&source, columns)?;
        let fields = columns.iter().map(|column| match column {
            InsertColumn::Column(i) => {
                Field::new(&source.columns[*i].name, source.columns[*i].ty.arrow(), true)
            }
            InsertColumn::RowTime => Field::new("ROWTIME", SqlType::BigInt.arrow(), true),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let runtime = self.runtime()?.clone();
        Ok(Box::new(Copy { runtime, source, columns, schema, rows: Vec::new(), bytes: 0 }))
    }
}

struct Copy {
    runtime: Arc<Runtime>,
    source: Arc<Source>,
    columns: Vec<InsertColumn>,
    schema: SchemaRef,
    rows: Vec<InsertRows>,
    bytes: usize,
}

#[async_trait]
impl CopySink for Copy {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    async fn write(&mut self, batch: RecordBatch) -> Result<(), SqlError> {
        self.bytes += batch.get_array_memory_size();
        if self.bytes > COPY_BYTES_MAX {
            return Err(SqlError::new(
                sqlstate::CONFIG_LIMIT,
                format!("COPY brings more than {} MiB in one transaction", COPY_BYTES_MAX >> 20),
            )
            .hint("split the data over several COPY statements"));
        }
        self.rows.push(self.complete(&batch)?);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<u64, SqlError> {
        blocking(move || self.runtime.insert(&self.source, &self.rows).map_err(|e| insert_error(&e))).await
    }
}

impl Copy {
    /// The rows with all columns of the source.
    fn complete(&self, batch: &RecordBatch) -> Result<InsertRows, SqlError> {
        let mut times = Vec::new();
        let mut given = vec![None; self.source.columns.len()];
        for (column, array) in self.columns.iter().zip(batch.columns()) {
            match column {
                InsertColumn::Column(i) => given[*i] = Some(array.clone()),
                InsertColumn::RowTime => {
                    let ms = array.as_any().downcast_ref::<Int64Array>();
                    times = ms.map(|ms| ms.iter().collect()).unwrap_or_default();
                }
            }
        }
        if times.iter().flatten().any(|ms: &i64| *ms < 0) {
            return Err(SqlError::new(sqlstate::INVALID_PARAMETER, "ROWTIME must not be negative"));
        }
        let mut arrays = Vec::with_capacity(given.len());
        for (column, array) in self.source.columns.iter().zip(given) {
            let array = array.unwrap_or_else(|| new_null_array(&column.ty.arrow(), batch.num_rows()));
            check_null(&self.source, column, array.null_count() > 0)?;
            arrays.push(array);
        }
        let rows = RecordBatch::try_new(insert_schema(&self.source), arrays).map_err(SqlError::internal)?;
        Ok(InsertRows { rows, times })
    }
}
