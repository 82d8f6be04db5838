//! Bytes to columns and back.
//!
//! A topic holds bytes, the engine wants columns. [`SourceDecoder`] turns the records of one partition into a
//! `RecordBatch` with the few columns that a query asked for; [`RowEncoder`] turns the columns of a result into the
//! keys and values of records.
//!
//! ```text
//!   RawRecord ─┬ key ── Reader ──┐
//!              └ value ─ Reader ─┴─ ColumnBuilder, one a column ── RecordBatch, event times, offsets
//!   ArrayRef, one a column ── RowEncoder ── ByteColumn: one entry a row
//! ```
//!
//! Decoding is the dearest thing a query does besides the client library's own work, so it reads straight into typed
//! columns and nothing else is built on the way. It never fails as a whole: a record that cannot be read is left out
//! and reported with its offset and reason, and its neighbours are none the worse for it.
//!
//! What the values look like on the wire is ksqlDB's: see the modules `json`, `kafka`, `delimited`, `protobuf` and `debezium`.

mod byte_column;
mod columns;
mod debezium;
mod decimal;
mod decode;
mod delimited;
mod encode;
mod event_time;
mod headers;
mod java_double;
pub mod java_time;
pub mod json;
mod kafka;
mod murmur2;
mod nested;
mod protobuf;
mod support;
mod window_key;

pub use byte_column::ByteColumn;
pub use decode::{BadRecord, DecodeOptions, Decoded, RECORD_BYTES_MAX, SourceDecoder};
pub use encode::RowEncoder;
pub use headers::{HeaderRows, Headers, headers_type};
pub use java_double::java_double;
pub use murmur2::{murmur2, partition_for};
pub use support::{check_format, check_keys, check_timestamp};
pub use window_key::append_sessions;

/// A record as the log hands it over. (The log is another floor; the runtime copies these few words.)
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    /// None is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// A column that a query can ask of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceColumn {
    /// An index in the source's columns.
    Column(usize),
    /// `ROWTIME`: the row's event time, BIGINT, ms.
    RowTime,
    /// `ROWPARTITION`: INT.
    RowPartition,
    /// `ROWOFFSET`: BIGINT.
    RowOffset,
    /// `WINDOWSTART`: BIGINT, ms; windowed sources only.
    WindowStart,
    /// `WINDOWEND`: BIGINT, ms; windowed sources only.
    WindowEnd,
    /// An index in the source's header columns.
    Header(usize),
}
