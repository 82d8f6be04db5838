//! DEBEZIUM_JSON: a table's rows as Debezium's connectors write them.
//!
//! A value is a change event or a plain row, and either may come with its schema around it:
//!
//! ```text
//!   {"before": {…}, "after": {…}, "op": "u", "ts_ms": 1, "source": {…}}      a change event
//!   {"ID": 1, "NAME": "x"}                                                 a row: an upsert
//!   {"schema": {…}, "payload": …}                                          either, and what its fields mean
//! ```
//!
//! Events of creation (`c`), update (`u`) and snapshot reads (`r`) give the row `after`; a deletion (`d`), a record
//! without a value and a row marked `__deleted` delete. Others, such as truncation, cannot be told row by row and are bad
//! records. Keys are objects with a field a column, or the value of the only column.
//!
//! Fields are found and read as those of JSON. What a connector writes in its own ways is read besides: timestamps and
//! times as ISO text, BOOLEAN as 0 and 1, and, where the schema says so, microseconds and nanoseconds, and decimals as
//! base64 of their digits. Without the schema a number is milliseconds or days, as in JSON.

mod convert;
mod read;

pub(super) use read::{DebeziumReader, Trouble};

#[cfg(test)]
mod tests;
