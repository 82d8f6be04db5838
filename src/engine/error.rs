//! What can go wrong in the engine: with the whole query, or with one row.

use std::fmt;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use crate::sql::SqlError;

/// Why a task cannot go on. Bad rows never are: those give a [`RowError`] each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A broken invariant of ours, or a plan that does not fit together.
    #[error("internal error: {0}")]
    Internal(String),
    /// A batch broke what its edge promises. Only debug builds look.
    #[error("internal error: contract of the edge {edge} broken: {reason}")]
    Contract { edge: String, reason: String },
    /// A changelog block that cannot be read back.
    #[error("cannot read a changelog block: {0}")]
    Changelog(String),
    #[error("internal error: {0}")]
    Arrow(#[from] ArrowError),
    #[error("internal error: {0}")]
    Expression(#[from] DataFusionError),
    /// A format that cannot carry the columns.
    #[error(transparent)]
    Format(#[from] SqlError),
}

impl EngineError {
    pub fn internal(what: impl fmt::Display) -> Self {
        EngineError::Internal(what.to_string())
    }
}

/// What was being done with a row that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The record is not what its format promises.
    Deserialization,
    /// An expression failed, or a grouping expression was null.
    Expression,
    /// An aggregate could not take the row in.
    Aggregation,
    /// The row cannot be written.
    Serialization,
}

/// As the processing log has it.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorKind::Deserialization => "deserialization",
            ErrorKind::Expression => "expression",
            ErrorKind::Aggregation => "aggregation",
            ErrorKind::Serialization => "serialization",
        })
    }
}

/// A row that failed, for the processing log. The query goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub kind: ErrorKind,
    /// Where the row was read, where it is known: rows that an aggregate made come from many places.
    pub partition: Option<i32>,
    pub offset: Option<i64>,
    /// At most [`REASON_BYTES_MAX`] bytes.
    pub reason: String,
}

/// A longer reason is cut: it may quote the row's data.
pub const REASON_BYTES_MAX: usize = 400;

/// Cuts a reason at a character's end.
pub fn bounded(mut reason: String) -> String {
    if reason.len() > REASON_BYTES_MAX {
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX - '…'.len_utf8()));
        reason.push('…');
    }
    reason
}
