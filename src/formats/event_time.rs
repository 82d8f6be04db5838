//! When a row happened: the record's own timestamp, or a column's.

use super::columns::ColumnBuilder;
use super::java_time::{DateTimePattern, Zone};

/// Where the event time comes from. Columns by their index among the decoder's columns.
pub(super) enum EventTime {
    Record,
    /// A BIGINT or TIMESTAMP column, ms.
    Millis(usize),
    Text(usize, DateTimePattern),
}

impl EventTime {
    /// The event time of the newest row, ms since 1970. A time that is null, unreadable or before 1970 makes the
    /// record a bad one, as under ksqlDB's default extractor.
    #[inline]
    pub fn of_last_row(&self, columns: &[ColumnBuilder], record: i64) -> Result<i64, String> {
        match self {
            EventTime::Record => not_negative(record, || "the record's timestamp".to_owned()),
            EventTime::Millis(at) => {
                let Some(column) = columns.get(*at) else { return Ok(record) };
                let time = column.last_long().ok_or_else(|| is_null(&column.name))?;
                not_negative(time, || of_column(&column.name))
            }
            EventTime::Text(at, pattern) => {
                let Some(column) = columns.get(*at) else { return Ok(record) };
                let text = column.last_bytes().ok_or_else(|| is_null(&column.name))?;
                let text = String::from_utf8_lossy(text);
                let time = pattern
                    .read_timestamp(&text, Zone::UTC)
                    .map_err(|error| format!("{}: {error}", of_column(&column.name)))?;
                not_negative(time, || of_column(&column.name))
            }
        }
    }
}

#[inline(always)]
fn not_negative(time: i64, whose: impl FnOnce() -> String) -> Result<i64, String> {
    if time >= 0 { Ok(time) } else { Err(format!("{} is negative: {time}", whose())) }
}

fn of_column(name: &str) -> String {
    format!("the timestamp in column {name}")
}

fn is_null(name: &str) -> String {
    format!("{} is null", of_column(name))
}
