//! JSON, as ksqlDB reads and writes it.
//!
//! Reading is directed by the columns that are wanted. A key or value is walked once: the name of a field is compared
//! with the name that stood at the same place in the record before, which is nearly always the same; a wanted value
//! goes straight into its column, an unwanted one is stepped over. The whole text is checked against the grammar all
//! the same, so whether a record is JSON does not depend on the query. Nothing is allocated per record.
//!
//! What is taken for what (`JsonSerdeUtils` and `KsqlJsonDeserializer` in ksqlDB):
//!
//! | column | from |
//! |---|---|
//! | BOOLEAN | `true`, `false`, the same as text |
//! | INT, BIGINT | a number, its fraction cut off; a whole number as text; out of range is an error |
//! | DOUBLE | a number or its text, also `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | DECIMAL | a number or its text that fits exactly |
//! | STRING | text; numbers and booleans as written; objects and arrays as their JSON text |
//! | BYTES | base64 text |
//! | DATE, TIMESTAMP | as INT and BIGINT: days and ms since 1970 |
//! | TIME | as INT: ms since midnight, less than a day |
//! | ARRAY | an array of such |
//! | MAP | an object; of several members with the same name the last one counts |
//! | STRUCT | an object, its fields found as columns are |
//!
//! `null` and a missing field are NULL. A field is found by its exact name, else by its name in upper case; of several
//! with the same name the last one counts.

mod cell;
mod nested;
mod object;
mod scan;
mod text;
mod write;
mod write_nested;

#[cfg(test)]
mod nested_tests;
#[cfg(test)]
mod tests;

pub(super) use cell::{BASE64, parse_double, read_cell, read_scalar};
pub(super) use object::ObjectReader;
pub(super) use scan::Top;
pub use scan::{Cursor, Fault, RawText};
pub use text::{unescape, write_text};
pub(super) use write::{CellValues, IntKind};
pub use write::{Cells, write_cell};
