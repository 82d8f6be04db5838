//! `COPY … FROM STDIN`: lines of a client as rows of a stream or table.
//!
//! Rows go to the sink in batches as they arrive; the sink writes nothing before the end, so one bad line fails the whole
//! COPY and leaves no trace. An error names line and column.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::copy::CopyInResponse;

use super::copy_format::Layout;
use super::copy_lines::{Field, Lines};
use super::decode;
use super::error::Stop;
use super::frontend::{Message, violation};
use super::types::{null_of, pg_type};
use super::wire::{Wire, canceled};
use crate::server::session::CopySink;
use crate::sql::ast::{CopyFormat, CopyOptions};
use crate::sql::{SqlError, sqlstate};

/// Rows in a batch.
const BATCH_ROWS: usize = 1_024;

/// Takes rows until the client is done. Returns the command tag.
pub async fn run(
    wire: &mut Wire,
    mut sink: Box<dyn CopySink>,
    options: &CopyOptions,
) -> Result<String, Stop> {
    let layout = Layout::new(options)?;
    let format = i16::from(layout.format == CopyFormat::Binary);
    let mut rows = Builder::new(sink.schema());
    let columns = rows.schema.fields().len();
    wire.put(Out::CopyInResponse(CopyInResponse::new(format as i8, columns as i16, vec![format; columns])));
    let mut lines = Lines::new(layout);
    loop {
        match wire.next_interruptible().await? {
            Message::CopyData(bytes) => {
                lines.push(&bytes)?;
                while let Some(fields) = lines.next(false)? {
                    rows.add(&fields, lines.binary(), lines.number())?;
                    if rows.len() == BATCH_ROWS {
                        let batch = rows.take()?;
                        wire.guard(sink.write(batch)).await??;
                    }
                }
            }
            Message::CopyDone => break,
            Message::CopyFail(reason) => {
                let mut error = canceled("user request");
                error.message = format!("COPY from stdin failed: {reason}");
                return Err(error.into());
            }
            // Drivers send a Sync behind the Execute that begins a COPY.
            Message::Flush | Message::Sync => {}
            Message::Terminate => return Err(Stop::Gone),
            _ => return Err(Stop::Fatal(violation("unexpected message type during COPY from stdin"))),
        }
    }
    while let Some(fields) = lines.next(true)? {
        rows.add(&fields, lines.binary(), lines.number())?;
    }
    if rows.len() > 0 {
        let batch = rows.take()?;
        wire.guard(sink.write(batch)).await??;
    }
    // Not interruptible: what is being written is written.
    let count = sink.finish().await?;
    Ok(format!("COPY {count}"))
}

/// Collects values column by column.
struct Builder {
    schema: SchemaRef,
    columns: Vec<Vec<ScalarValue>>,
}

impl Builder {
    fn new(schema: SchemaRef) -> Self {
        let columns = schema.fields().iter().map(|_| Vec::with_capacity(BATCH_ROWS)).collect();
        Self { schema, columns }
    }

    fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    fn add(&mut self, fields: &[Field], binary: bool, line: u64) -> Result<(), SqlError> {
        if fields.len() > self.columns.len() {
            return Err(SqlError::new("22P04", "extra data after last expected column")
                .detail(format!("COPY line {line}: {} columns expected", self.columns.len())));
        }
        for (i, (field, column)) in self.schema.fields().iter().zip(&mut self.columns).enumerate() {
            let Some(value) = fields.get(i) else {
                return Err(SqlError::new("22P04", format!("missing data for column \"{}\"", field.name()))
                    .detail(format!("COPY line {line}")));
            };
            let ty = field.data_type();
            let value = match value {
                None => Ok(null_of(ty)),
                Some(bytes) if binary => decode::from_binary(bytes, pg_type(ty).oid()).and_then(|v| {
                    v.cast_to(ty).map_err(|_| {
                        SqlError::new(
                            sqlstate::NUMERIC_OUT_OF_RANGE,
                            format!("value is out of range for type {}", decode::type_name(ty)),
                        )
                    })
                }),
                Some(bytes) => decode::utf8(bytes).and_then(|text| decode::from_text(text, ty)),
            };
            column
                .push(value.map_err(|e| e.detail(format!("COPY line {line}, column \"{}\"", field.name())))?);
        }
        Ok(())
    }

    fn take(&mut self) -> Result<RecordBatch, SqlError> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let values = std::mem::replace(column, Vec::with_capacity(BATCH_ROWS));
            arrays.push(ScalarValue::iter_to_array(values).map_err(SqlError::internal)?);
        }
        RecordBatch::try_new(self.schema.clone(), arrays).map_err(SqlError::internal)
    }
}
