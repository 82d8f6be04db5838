//! Where the characters of a statement came from: from places in the statement's own text, variables
//! replaced, to places in the text that was given to the parser.

use sqlparser::tokenizer::{Location, Span};

use super::Position;

/// Pieces of a statement's text in order.
#[derive(Debug, Default)]
pub(super) struct SourceMap(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    local: Position,
    origin: Position,
    /// Whether the piece is a copy; else it is a variable's text and all of it comes from one place.
    verbatim: bool,
}

impl SourceMap {
    /// Adds the piece that begins at `local`.
    pub(super) fn push(&mut self, local: Position, origin: Position, verbatim: bool) {
        self.0.push(Entry { local, origin, verbatim });
    }

    /// The origin of a place in the statement.
    pub(super) fn origin(&self, local: Location) -> Position {
        let after = self.0.partition_point(|e| (e.local.line, e.local.column) <= (local.line, local.column));
        let Some(entry) = after.checked_sub(1).and_then(|at| self.0.get(at)) else {
            return Position { line: local.line, column: local.column };
        };
        if !entry.verbatim {
            return entry.origin;
        }
        match local.line.saturating_sub(entry.local.line) {
            0 => Position {
                line: entry.origin.line,
                column: entry.origin.column + local.column.saturating_sub(entry.local.column),
            },
            lines => Position { line: entry.origin.line + lines, column: local.column },
        }
    }

    pub(super) fn span(&self, local: Span) -> Span {
        let location = |local| {
            let Position { line, column } = self.origin(local);
            Location { line, column }
        };
        Span { start: location(local.start), end: location(local.end) }
    }
}

/// Moves a place over a text, counting as sqlparser's tokeniser does: lines end with `\n`.
pub(super) fn advance(position: &mut Position, text: &str) {
    for ch in text.chars() {
        if ch == '\n' {
            *position = Position { line: position.line + 1, column: 1 };
        } else {
            position.column += 1;
        }
    }
}

/// The byte offset of a place in a text; the text's length if it has no such place.
pub(super) fn byte_offset(text: &str, line: u64, column: u64) -> usize {
    let mut at = Position { line: 1, column: 1 };
    for (offset, ch) in text.char_indices() {
        if (at.line, at.column) >= (line, column) {
            return offset;
        }
        if ch == '\n' {
            at = Position { line: at.line + 1, column: 1 };
        } else {
            at.column += 1;
        }
    }
    text.len()
}
