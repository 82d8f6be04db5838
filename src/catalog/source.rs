//! Streams and tables: what a topic means.

use serde::{Deserialize, Serialize};

use super::Format;
use crate::sql::ast::SourceKind;
use crate::sql::types::{SqlType, StructField};

/// A stream or a table over a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    pub kind: SourceKind,
    /// Key columns first, then value columns, each in the order of their declaration.
    pub columns: Vec<Column>,
    pub topic: String,
    pub key_format: Format,
    pub value_format: Format,
    /// The column that holds the event time, where it is not the record's own timestamp.
    pub timestamp: Option<TimestampColumn>,
    /// Set where keys are windowed: their bytes end in the window's start.
    pub window: Option<WindowSpec>,
    /// The persistent query that writes it; None for a declared one.
    pub query: Option<String>,
    /// The statement that made it.
    pub sql: String,
    /// Made by the server itself: it can be read, not dropped or written by users.
    #[serde(default)]
    pub internal: bool,
    /// Columns that show the headers of records. They are no part of key or value, and nobody writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderColumn>,
    /// Declared with CREATE SOURCE: users can read and drop it, and change neither it nor its topic.
    #[serde(default)]
    pub read_only: bool,
    /// Whether a single value column was asked to be wrapped into an object, or not to be: by WRAP_SINGLE_VALUE or the
    /// setting. None leaves it to the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap_single_value: Option<bool>,
}

impl Source {
    pub fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| c.key)
    }

    pub fn value_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !c.key)
    }

    /// The index in `columns` of the column with this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// A column made of a record's headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderColumn {
    pub name: String,
    /// `HEADER('key')`: the value of the last header with this key, BYTES. None, `HEADERS`: all of them.
    pub key: Option<String>,
}

impl HeaderColumn {
    pub fn ty(&self) -> SqlType {
        match self.key {
            Some(_) => SqlType::Bytes,
            None => headers_type(),
        }
    }
}

/// The type of a HEADERS column.
pub fn headers_type() -> SqlType {
    let field = |name: &str, ty| StructField { name: name.to_owned(), ty };
    SqlType::array(SqlType::Struct([field("KEY", SqlType::String), field("VALUE", SqlType::Bytes)].into()))
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub ty: SqlType,
    pub key: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampColumn {
    /// A column of type BIGINT, TIMESTAMP or, with a format, STRING.
    pub column: String,
    /// A pattern of Java's DateTimeFormatter.
    pub format: Option<String>,
}

/// A window of a windowed table. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSpec {
    pub size_ms: i64,
    /// Equal to the size for a tumbling window.
    pub advance_ms: i64,
    /// How long rows are taken after a window's end, in stream time.
    pub grace_ms: i64,
    /// How long a window is kept after its start, in stream time; at least size and grace.
    pub retention_ms: i64,
    /// A session: it lasts from its first row to its last one, and the sizes above mean nothing.
    #[serde(default)]
    pub session: bool,
}
