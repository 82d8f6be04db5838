//! Text to statements: the dialect, its parser, syntax tree and types.
//!
//! The lowest floor: it knows nothing of streams that exist, of topics or of batches. A text goes through
//! `scan` and `variables` (statements and variables in the raw text), `lexer` and `limits` (tokens), `parser` (statements).

pub mod ast;
pub mod dialect;
pub mod error;
pub mod format;
mod lexer;
mod limits;
mod parser;
mod scan;
mod source_map;
#[cfg(test)]
mod tests;
pub mod types;
mod variables;

pub use error::{Position, SqlError, sqlstate};
pub use format::quote_ident;
pub use parser::{LAMBDA, TYPE_MARK, parse, parse_ident, parse_stored, parse_type, position_of};
pub use types::{MapType, SqlType, StructField};
pub use variables::Variables;

/// The place as a count of characters from 1, as Postgres clients expect it; one past the end if the text has no such
/// place.
pub fn position_to_offset(text: &str, position: Position) -> usize {
    let end = source_map::byte_offset(text, position.line, position.column);
    text.get(..end).map_or(0, |before| before.chars().count()) + 1
}
