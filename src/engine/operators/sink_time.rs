//! A column of a result as the timestamp of its records: `WITH (TIMESTAMP = …)` of a query (dialect 10.4).

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};

use super::Output;
use crate::engine::topology::SinkSpec;
use crate::engine::{Batch, EngineError, ErrorKind};
use crate::formats::java_time::{DateTimePattern, Zone};

#[derive(Debug)]
pub struct SinkTime {
    /// Of the edge.
    index: usize,
    name: String,
    /// For a column of text.
    pattern: Option<DateTimePattern>,
}

impl SinkTime {
    /// None where records keep the time of their rows. Errors: the pattern is none.
    pub fn of(spec: &SinkSpec) -> Result<Option<Self>, EngineError> {
        let Some(index) = spec.timestamp else { return Ok(None) };
        let name = spec.columns.get(index).map(|column| column.name.clone()).unwrap_or_default();
        let pattern = match &spec.timestamp_format {
            Some(pattern) => Some(DateTimePattern::parse(pattern).map_err(EngineError::internal)?),
            None => None,
        };
        Ok(Some(Self { index, name, pattern }))
    }

    /// Takes the column for the time. Rows whose timestamp is null, unreadable or before 1970 cannot be written and are
    /// logged; tombstones keep their row time.
    pub fn apply(&self, mut batch: Batch, out: &mut Output) -> Result<Option<Batch>, EngineError> {
        let column = batch.columns.columns().get(self.index);
        let column = column.ok_or_else(|| EngineError::internal("no timestamp"))?.clone();
        let mut times = batch.time.to_vec();
        let mut kept = vec![true; times.len()];
        for (row, (time, keep)) in times.iter_mut().zip(&mut kept).enumerate() {
            if batch.is_tombstone(row) {
                continue;
            }
            match self.read(&column, row)? {
                Ok(value) => *time = value,
                Err(reason) => {
                    *keep = false;
                    let reason = format!("the timestamp in column {} {reason}", self.name);
                    out.errors.push(batch.row_error(ErrorKind::Serialization, row, reason));
                }
            }
        }
        batch.time = times.into();
        if kept.iter().all(|keep| *keep) {
            return Ok(Some(batch));
        }
        let batch = batch.filter(&kept.into())?;
        Ok((batch.num_rows() > 0).then_some(batch))
    }

    /// The time in a row, ms since 1970, or why there is none.
    fn read(&self, column: &ArrayRef, row: usize) -> Result<Result<i64, String>, EngineError> {
        let none = || Ok(Err("is null or before 1970".to_owned()));
        if column.is_null(row) {
            return none();
        }
        let value = match (column.data_type(), &self.pattern) {
            (DataType::Int64, _) => column.as_primitive::<Int64Type>().value(row),
            (DataType::Timestamp(..), _) => match column.as_primitive_opt::<TimestampMillisecondType>() {
                Some(times) => times.value(row),
                None => return Err(EngineError::internal("a timestamp of another unit")),
            },
            (DataType::Utf8, Some(pattern)) => {
                match pattern.read_timestamp(column.as_string::<i32>().value(row), Zone::UTC) {
                    Ok(value) => value,
                    Err(error) => return Ok(Err(format!("cannot be read: {error}"))),
                }
            }
            (ty, _) => return Err(EngineError::internal(format!("a timestamp of type {ty}"))),
        };
        if value < 0 { none() } else { Ok(Ok(value)) }
    }
}
