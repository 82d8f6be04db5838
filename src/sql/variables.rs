//! Variables of a session: `DEFINE name = 'text'`, then `${name}` in the statements that follow.
//!
//! A variable's text takes the place of the reference before the statement is tokenised, as ksqlDB's variables do
//! (dialect 10.8): as a name, as a literal, or inside quotes, where the text's own quotes are doubled so
//! that it cannot end the literal. Comments are left alone.

use std::collections::BTreeMap;

use super::scan::{Piece, Scanner};
use super::source_map::{SourceMap, advance};
use super::{Position, SqlError, sqlstate};

/// Most variables that a session may define.
pub const VARIABLES_MAX: usize = 1_000;
/// Longest text of a variable.
pub const VARIABLE_BYTES_MAX: usize = 64 << 10;
/// Longest statement, variables replaced.
pub const STATEMENT_BYTES_MAX: usize = 16 << 20;
/// Most bytes of a statement outside of strings and comments: each may become a token of about 80 bytes.
pub const CODE_BYTES_MAX: usize = 8 << 20;

/// The variables of a session. Names are case-insensitive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Defines a variable, or gives it a new text.
    pub fn define(&mut self, name: &str, value: impl Into<String>) -> Result<(), SqlError> {
        let (key, value) = (name.to_ascii_uppercase(), value.into());
        if value.len() > VARIABLE_BYTES_MAX {
            let message = format!("value of variable \"{name}\" is too long");
            return Err(SqlError::new(sqlstate::LIMIT_EXCEEDED, message)
                .detail(format!("{} bytes, the limit is {VARIABLE_BYTES_MAX}", value.len())));
        }
        if self.0.len() >= VARIABLES_MAX && !self.0.contains_key(&key) {
            return Err(SqlError::new(sqlstate::LIMIT_EXCEEDED, "too many variables")
                .detail(format!("the limit is {VARIABLES_MAX} a session")));
        }
        self.0.insert(key, value);
        Ok(())
    }

    /// Forgets a variable; false if there was none of this name.
    pub fn undefine(&mut self, name: &str) -> bool {
        self.0.remove(&name.to_ascii_uppercase()).is_some()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_uppercase()).map(String::as_str)
    }

    /// Names, in upper case, and texts, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// One statement's text, variables replaced, and where its characters came from.
pub(super) struct RawStatement {
    pub text: String,
    pub map: SourceMap,
}

/// Cuts a text into statements, one at a time, since a statement may change what variables mean to the next.
pub(super) struct Splitter<'a> {
    scanner: Scanner<'a>,
    position: Position,
}

impl<'a> Splitter<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { scanner: Scanner::new(text), position: Position { line: 1, column: 1 } }
    }

    /// The next statement up to its semicolon, possibly nothing but blanks; None at the end of the text.
    pub(super) fn next(&mut self, variables: &Variables) -> Result<Option<RawStatement>, SqlError> {
        let mut statement = RawStatement { text: String::new(), map: SourceMap::default() };
        let (mut local, mut code_bytes) = (Position { line: 1, column: 1 }, 0);
        let mut found = false;
        for (piece, text) in self.scanner.by_ref() {
            found = true;
            let origin = self.position;
            advance(&mut self.position, text);
            let replaced;
            let (insert, verbatim) = match piece {
                Piece::Semicolon => return Ok(Some(statement)),
                Piece::Code | Piece::Quoted | Piece::Comment => (text, true),
                Piece::Escape => (text.get(1..).unwrap_or_default(), false),
                Piece::Malformed => {
                    return Err(SqlError::new(sqlstate::SYNTAX_ERROR, "malformed reference to a variable")
                        .hint("write ${name}, the name made of letters, digits and _; $${name} is the text itself")
                        .at(Some(origin)));
                }
                Piece::Variable { quote } => {
                    let name = text.trim_start_matches("${").trim_end_matches('}');
                    let value = variables.get(name).ok_or_else(|| undefined(name, origin))?;
                    replaced = match quote.map(char::from) {
                        Some(quote) => value.replace(quote, &format!("{quote}{quote}")),
                        None if is_word_or_literal(value) => value.to_owned(),
                        None => return Err(no_word(name, value, origin)),
                    };
                    (replaced.as_str(), false)
                }
            };
            if piece == Piece::Code || !verbatim {
                code_bytes += insert.len();
            }
            if statement.text.len() + insert.len() > STATEMENT_BYTES_MAX || code_bytes > CODE_BYTES_MAX {
                return Err(SqlError::new(sqlstate::LIMIT_EXCEEDED, "statement is too long")
                    .detail(format!(
                        "the limits are {STATEMENT_BYTES_MAX} bytes, and {CODE_BYTES_MAX} outside of strings"
                    ))
                    .at(Some(origin)));
            }
            statement.map.push(local, origin, verbatim);
            statement.text.push_str(insert);
            advance(&mut local, insert);
        }
        Ok(found.then_some(statement))
    }
}

/// Whether a variable's text can stand where a name or a literal stands, and means nothing else there: ksqlDB puts
/// variables into the syntax tree, so that they cannot bring clauses or statements of their own.
fn is_word_or_literal(value: &str) -> bool {
    let text = value.trim();
    let mut chars = text.chars();
    match chars.next() {
        None => false,
        // One quoted text: each quote inside of it is doubled.
        Some(quote @ ('\'' | '"' | '`')) => {
            let inner = chars.as_str().strip_suffix(quote);
            inner.is_some_and(|inner| !inner.replace(&format!("{quote}{quote}"), "").contains(quote))
        }
        Some(_) if text.parse::<f64>().is_ok() => true,
        Some(_) => text.chars().all(|ch| ch.is_alphanumeric() || matches!(ch, '_' | '@' | '$')),
    }
}

fn no_word(name: &str, value: &str, position: Position) -> SqlError {
    let shown: String = value.chars().take(60).collect();
    let message = format!("variable \"{name}\" is neither a name nor a literal here");
    SqlError::new(sqlstate::SYNTAX_ERROR, message)
        .detail(format!("its text is {shown}"))
        .hint("a string has quotes in its text: DEFINE x = '''text'''; inside of quotes any text can stand")
        .at(Some(position))
}

fn undefined(name: &str, position: Position) -> SqlError {
    SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("variable \"{name}\" is not defined"))
        .hint(format!("define it with DEFINE {name} = '…'; $${{{name}}} is the text itself"))
        .at(Some(position))
}
