//! Small results made by hand.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt;

use crate::server::session::{Description, Outcome, RowStream, RowTag};
use crate::sql::SqlError;

/// A schema of nullable columns.
pub fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(
        columns.iter().map(|(name, ty)| Field::new(*name, ty.clone(), true)).collect::<Vec<_>>(),
    ))
}

pub fn description(schema: SchemaRef) -> Description {
    Description { columns: Some(schema), ..Description::default() }
}

/// A result that is there as a whole.
pub fn rows(schema: SchemaRef, columns: Vec<ArrayRef>, tag: &'static str) -> Result<Outcome, SqlError> {
    let batch = RecordBatch::try_new(schema.clone(), columns).map_err(SqlError::internal)?;
    let batches = futures::stream::once(async move { Ok(batch) }).boxed();
    Ok(Outcome::Rows(RowStream { schema, batches, live: false, tag: RowTag::Plain(tag) }))
}
