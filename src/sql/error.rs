//! The error of a statement: what a Postgres client shows.

use std::fmt;

/// SQLSTATE codes that statements are refused with.
pub mod sqlstate {
    pub const SYNTAX_ERROR: &str = "42601";
    pub const UNDEFINED_TABLE: &str = "42P01";
    pub const UNDEFINED_COLUMN: &str = "42703";
    pub const UNDEFINED_FUNCTION: &str = "42883";
    pub const UNDEFINED_PARAMETER: &str = "42P02";
    pub const UNDEFINED_OBJECT: &str = "42704";
    pub const DUPLICATE_TABLE: &str = "42P07";
    pub const DUPLICATE_COLUMN: &str = "42701";
    pub const DUPLICATE_OBJECT: &str = "42710";
    pub const AMBIGUOUS_COLUMN: &str = "42702";
    pub const DATATYPE_MISMATCH: &str = "42804";
    pub const GROUPING_ERROR: &str = "42803";
    pub const INVALID_TEXT: &str = "22P02";
    pub const NUMERIC_OUT_OF_RANGE: &str = "22003";
    pub const DIVISION_BY_ZERO: &str = "22012";
    pub const INVALID_PARAMETER: &str = "22023";
    pub const NOT_NULL_VIOLATION: &str = "23502";
    pub const NOT_SUPPORTED: &str = "0A000";
    pub const INVALID_DEFINITION: &str = "42P16";
    pub const WRONG_OBJECT_TYPE: &str = "42809";
    pub const OBJECT_IN_USE: &str = "55006";
    pub const DEPENDENT_OBJECTS: &str = "2BP01";
    pub const ASSERT_FAILURE: &str = "P0004";
    pub const OUT_OF_MEMORY: &str = "53200";
    pub const TOO_MANY_CONNECTIONS: &str = "53300";
    pub const CONFIG_LIMIT: &str = "53400";
    pub const LIMIT_EXCEEDED: &str = "54000";
    pub const QUERY_CANCELED: &str = "57014";
    pub const ADMIN_SHUTDOWN: &str = "57P01";
    pub const IO_ERROR: &str = "58030";
    pub const CONNECTION_FAILURE: &str = "08006";
    pub const INTERNAL: &str = "XX000";
}

/// A place in a SQL text: line and column, both from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    pub line: u64,
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a statement was refused or failed, in Postgres' style: a primary line in lower case without a
/// period, then detail and hint, a SQLSTATE always, and the place in the text where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SqlError {
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub sqlstate: &'static str,
    pub position: Option<Position>,
}

impl SqlError {
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: None, hint: None, sqlstate, position: None }
    }

    /// A construct of the dialect that is understood but not built yet.
    pub fn not_supported(what: impl fmt::Display) -> Self {
        Self::new(sqlstate::NOT_SUPPORTED, format!("not supported yet: {what}"))
    }

    /// A broken invariant of ours, never the user's fault.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new(sqlstate::INTERNAL, format!("internal error: {what}"))
            .hint("this is a bug in Rivermill; please report it with the statement")
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the place, unless an inner place is known already.
    pub fn at(mut self, position: Option<Position>) -> Self {
        self.position = self.position.or(position);
        self
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(position) = self.position {
            write!(f, " ({position})")?;
        }
        Ok(())
    }
}
