//! Cursors of DECLARE. A cursor is a result that has begun and is read in pieces; over a continuous query FETCH waits
//! until it has as many rows as it was asked for.

use super::error::Stop;
use super::rows::Rows;
use super::session::Session;
use crate::server::session::Transaction;
use crate::sql::ast::Statement;
use crate::sql::{SqlError, sqlstate};

pub struct Cursor {
    pub rows: Rows,
    /// WITH HOLD: it outlives its transaction.
    hold: bool,
}

impl Session {
    /// `declaration` is the text of the whole DECLARE.
    pub async fn declare(&mut self, name: &str, query: &Statement, declaration: &str) -> Result<(), Stop> {
        if self.cursors.contains_key(name) {
            return Err(SqlError::new("42P03", format!("cursor \"{name}\" already exists"))
                .hint(format!("CLOSE {name} first, or use another name"))
                .into());
        }
        if self.cursors.len() >= self.limits.max_cursors {
            return Err(SqlError::new(
                sqlstate::CONFIG_LIMIT,
                format!("too many cursors, at most {} a session", self.limits.max_cursors),
            )
            .hint("CLOSE the ones that are done")
            .into());
        }
        let rows = self.rows(query, &[]).await?;
        // Outside a block a cursor without HOLD would be gone at once; here it stays until it is closed.
        let hold = self.state.transaction == Transaction::Idle || with_hold(declaration);
        self.cursors.insert(name.to_owned(), Cursor { rows, hold });
        Ok(())
    }

    /// A cursor to read from; the caller puts it back unless reading fails.
    pub fn take_cursor(&mut self, name: &str) -> Result<Cursor, SqlError> {
        self.cursors.remove(name).ok_or_else(|| unknown(name))
    }

    pub fn close_cursor(&mut self, name: Option<&str>) -> Result<(), SqlError> {
        match name {
            Some(name) => self.take_cursor(name).map(drop),
            None => {
                self.cursors.clear();
                Ok(())
            }
        }
    }

    /// The end of a transaction closes the cursors that are not held.
    pub fn end_transaction(&mut self) {
        self.state.transaction = Transaction::Idle;
        self.cursors.retain(|_, c| c.hold);
        self.portals.clear();
    }
}

pub fn unknown(name: &str) -> SqlError {
    SqlError::new("34000", format!("cursor \"{name}\" does not exist"))
}

/// Whether the words between CURSOR and FOR say WITH HOLD. The syntax tree does not keep them.
fn with_hold(declaration: &str) -> bool {
    let mut words = declaration.split_whitespace().skip_while(|w| !w.eq_ignore_ascii_case("cursor")).skip(1);
    words.next().is_some_and(|w| w.eq_ignore_ascii_case("with"))
        && words.next().is_some_and(|w| w.eq_ignore_ascii_case("hold"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn hold_is_found_in_its_place_only() {
        assert!(super::with_hold("declare c no scroll cursor with hold for select 1"));
        assert!(!super::with_hold("DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1"));
        assert!(!super::with_hold("DECLARE c CURSOR FOR SELECT 'cursor with hold '"));
    }
}
