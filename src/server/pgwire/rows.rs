//! The flow of a result to its client.
//!
//! Rows go into the output buffer as they come. Whenever the stream has nothing ready, the buffer is sent: the client
//! sees every row of a slow stream at once, and a fast stream costs one write per 32 KiB. While waiting for rows the
//! session also listens for a cancel, its deadline, and the client's end.

use std::time::Duration;

use arrow::datatypes::{DataType, SchemaRef};
use bytes::{BufMut, BytesMut};
use futures::{FutureExt, StreamExt};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::data::RowDescription;

use super::encode::Column;
use super::error::Stop;
use super::types::describe;
use super::wire::{Wire, canceled};
use crate::server::session::{RowStream, RowTag};
use crate::sql::SqlError;

/// A result on its way: a stream of batches and the batch that is being read.
pub struct Rows {
    stream: RowStream,
    batch: Vec<Column>,
    /// Rows of the batch, and the next one to send.
    len: usize,
    next: usize,
    ended: bool,
}

/// What there is to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// This row of [`Rows::batch`].
    Row(usize),
    /// Nothing has come for as long as the caller wanted to wait.
    Idle,
    End,
}

/// How sending ended.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Sent {
    /// Number of rows; there are no more.
    All(u64),
    /// Number of rows; there may be more.
    Some(u64),
}

impl Rows {
    pub fn new(stream: RowStream) -> Self {
        Self { stream, batch: Vec::new(), len: 0, next: 0, ended: false }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.stream.schema
    }

    pub fn live(&self) -> bool {
        self.stream.live
    }

    pub fn tag(&self) -> &RowTag {
        &self.stream.tag
    }

    pub fn batch(&mut self) -> &mut [Column] {
        &mut self.batch
    }

    /// Advances to the next row. `patience`: how long to wait if none is there.
    pub async fn step(&mut self, wire: &mut Wire, patience: Option<Duration>) -> Result<Step, Stop> {
        let step = self.peek(wire, patience).await?;
        if let Step::Row(_) = step {
            self.next += 1;
        }
        Ok(step)
    }

    /// The next row, without taking it.
    pub async fn peek(&mut self, wire: &mut Wire, patience: Option<Duration>) -> Result<Step, Stop> {
        loop {
            if self.next < self.len {
                return Ok(Step::Row(self.next));
            }
            if self.ended {
                return Ok(Step::End);
            }
            // A stream that is always ready must not keep this thread from its other sessions, nor a cancel from
            // this one.
            tokio::task::consume_budget().await;
            if wire.cancel.take() {
                return Err(canceled("user request").into());
            }
            let polled = match self.stream.batches.next().now_or_never() {
                Some(polled) => polled,
                None => {
                    wire.flush().await?;
                    let next = self.stream.batches.next();
                    match patience {
                        None => wire.guard(next).await?,
                        Some(patience) => match wire.guard(tokio::time::timeout(patience, next)).await? {
                            Ok(polled) => polled,
                            Err(_) => return Ok(Step::Idle),
                        },
                    }
                }
            };
            match polled {
                Some(Ok(batch)) => {
                    if batch.num_columns() != self.stream.schema.fields().len() {
                        return Err(SqlError::internal("a batch has other columns than its stream").into());
                    }
                    self.batch = Column::of(&batch)?;
                    (self.len, self.next) = (batch.num_rows(), 0);
                }
                Some(Err(e)) => {
                    self.ended = true;
                    return Err(e.into());
                }
                None => self.ended = true,
            }
        }
    }

    /// Sends rows as DataRow messages. `max`: at most so many; a live stream may then stop earlier, with one row at
    /// least, when nothing more comes for `suspend_after`.
    pub async fn send(
        &mut self,
        wire: &mut Wire,
        formats: &Formats,
        max: Option<u64>,
        suspend_after: Option<Duration>,
    ) -> Result<Sent, Stop> {
        let mut sent = 0;
        loop {
            if max == Some(sent) {
                return Ok(Sent::Some(sent));
            }
            let patience = suspend_after.filter(|_| max.is_some() && self.live() && sent > 0);
            match self.step(wire, patience).await? {
                Step::Row(row) => {
                    put_row(&mut wire.out, &mut self.batch, row, formats);
                    sent += 1;
                    wire.drain().await?;
                }
                Step::Idle => return Ok(Sent::Some(sent)),
                Step::End => return Ok(Sent::All(sent)),
            }
        }
    }
}

/// The result formats that a client asked for: none (all text), one for all columns, or one a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formats(Vec<i16>);

impl Formats {
    pub fn text() -> Self {
        Self::default()
    }

    pub fn new(codes: Vec<i16>) -> Result<Self, SqlError> {
        match codes.iter().find(|c| !matches!(c, 0 | 1)) {
            Some(code) => Err(SqlError::new("22023", format!("unsupported format code: {code}"))),
            None => Ok(Self(codes)),
        }
    }

    /// Refuses a list that does not fit the result.
    pub fn check(&self, columns: usize) -> Result<(), SqlError> {
        if self.0.len() > 1 && self.0.len() != columns {
            return Err(SqlError::new(
                "08P01",
                format!("bind message has {} result formats but query has {columns} columns", self.0.len()),
            ));
        }
        Ok(())
    }

    pub fn code(&self, column: usize) -> i16 {
        match self.0.as_slice() {
            [one] => *one,
            many => many.get(column).copied().unwrap_or(0),
        }
    }
}

/// Announces the columns of a result.
pub fn put_description(wire: &mut Wire, schema: &SchemaRef, formats: &Formats) {
    let fields = schema.fields().iter().enumerate().map(|(i, f)| describe(f, formats.code(i))).collect();
    wire.put(Out::RowDescription(RowDescription::new(fields)));
}

/// The widest row that the count in front of it can tell.
pub const MAX_COLUMNS: usize = 1_664;

/// Refuses results that are wider than Postgres' own limit.
pub fn check_width(schema: &SchemaRef) -> Result<(), SqlError> {
    if schema.fields().len() > MAX_COLUMNS {
        return Err(SqlError::new(
            crate::sql::sqlstate::LIMIT_EXCEEDED,
            format!("a result can have at most {MAX_COLUMNS} columns"),
        ));
    }
    Ok(())
}

/// A schema of text columns, for what the session answers itself.
pub fn text_schema(names: &[&str]) -> SchemaRef {
    use arrow::datatypes::{Field, Schema};
    std::sync::Arc::new(Schema::new(
        names.iter().map(|n| Field::new(*n, DataType::Utf8, false)).collect::<Vec<_>>(),
    ))
}

fn put_row(out: &mut BytesMut, columns: &mut [Column], row: usize, formats: &Formats) {
    let start = out.len();
    out.put_u8(b'D');
    out.put_u32(0);
    out.put_i16(columns.len() as i16);
    for (i, column) in columns.iter_mut().enumerate() {
        column.write_field(row, formats.code(i) == 1, out);
    }
    let len = (out.len() - start - 1) as u32;
    if let Some(head) = out.get_mut(start + 1..start + 5) {
        head.copy_from_slice(&len.to_be_bytes());
    }
}
