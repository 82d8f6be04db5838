//! How keys and values are written as bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A format with all that decides about bytes. What is durable of it is its name, with the property where it has one:
/// `"JSON"`, `{"DELIMITED":"|"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// Values are objects with a member a column. Keys of one column are that alone.
    #[serde(rename = "JSON")]
    Json,
    /// Values of one column are that alone: `WRAP_SINGLE_VALUE = false`.
    #[serde(rename = "JSON_UNWRAPPED")]
    JsonUnwrapped,
    /// One primitive column in Kafka's own serialisation.
    #[serde(rename = "KAFKA")]
    Kafka,
    /// No columns: a key that is always null.
    #[serde(rename = "NONE")]
    None,
    /// A row of text with this between its fields.
    #[serde(rename = "DELIMITED")]
    Delimited(char),
    /// A message of proto3 without a schema registry: columns are fields, numbered by their position from 1 on.
    #[serde(rename = "PROTOBUF_NOSR")]
    ProtobufNosr(ProtobufNulls),
    /// Values of tables: Debezium's change events, or rows as they are. Read only.
    #[serde(rename = "DEBEZIUM_JSON")]
    DebeziumJson,
}

/// How protobuf tells NULL from a type's default value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProtobufNulls {
    /// Not at all: NULL is written as nothing, and nothing is read as zero, false and empty.
    #[default]
    Default,
    /// Fields are declared `optional`.
    Optional,
    /// Fields are messages that wrap the value (`google.protobuf.Int32Value` and the like).
    Wrapper,
}

impl Format {
    /// The delimiter of DELIMITED where none is given.
    pub const DELIMITER: char = ',';

    /// Whether two formats have the same name, whatever their properties.
    pub fn same_name(self, other: Format) -> bool {
        self.name() == other.name()
    }

    /// The name that SQL has for it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Json | Format::JsonUnwrapped => "JSON",
            Format::Kafka => "KAFKA",
            Format::None => "NONE",
            Format::Delimited(_) => "DELIMITED",
            Format::ProtobufNosr(_) => "PROTOBUF_NOSR",
            Format::DebeziumJson => "DEBEZIUM_JSON",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
