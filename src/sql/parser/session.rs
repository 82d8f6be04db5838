//! Statements of Postgres sessions: transactions, cursors, prepared statements, notifications.
//!
//! Names of cursors, savepoints and prepared statements fold to lower case, as in Postgres: clients give the same names in
//! protocol messages too, where nothing is folded.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{nested, query_follows};
use crate::sql::SqlError;
use crate::sql::ast::{SessionStatement as Session, StatementKind};

/// Reads the statement if its first word is one of these statements'.
pub(super) fn session(mut cursor: Cursor) -> Result<Option<StatementKind>, SqlError> {
    let words = [
        "BEGIN",
        "START",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "DISCARD",
        "DEALLOCATE",
        "DECLARE",
        "FETCH",
        "CLOSE",
        "LISTEN",
        "UNLISTEN",
        "NOTIFY",
    ];
    let Some(word) = cursor.accept_any(&words) else { return Ok(None) };
    let statement = match word {
        "BEGIN" => {
            cursor.accept_any(&["WORK", "TRANSACTION"]);
            Session::Begin { read_only: transaction_modes(&mut cursor)? }
        }
        "START" => {
            cursor.expect("TRANSACTION")?;
            Session::Begin { read_only: transaction_modes(&mut cursor)? }
        }
        "COMMIT" | "END" => {
            cursor.accept_any(&["WORK", "TRANSACTION"]);
            chain(&mut cursor)?;
            Session::Commit
        }
        "ROLLBACK" | "ABORT" => {
            cursor.accept_any(&["WORK", "TRANSACTION"]);
            if word == "ROLLBACK" && cursor.accept(&["TO"]) {
                if cursor.nth(1).is_some() {
                    cursor.accept(&["SAVEPOINT"]);
                }
                Session::RollbackTo(cursor.session_name("the name of a savepoint")?)
            } else {
                chain(&mut cursor)?;
                Session::Rollback
            }
        }
        "SAVEPOINT" => Session::Savepoint(cursor.session_name("the name of a savepoint")?),
        "RELEASE" => {
            if cursor.nth(1).is_some() {
                cursor.accept(&["SAVEPOINT"]);
            }
            Session::ReleaseSavepoint(cursor.session_name("the name of a savepoint")?)
        }
        "DISCARD" => match cursor.accept_any(&["ALL", "PLANS", "SEQUENCES", "TEMP", "TEMPORARY"]) {
            Some("ALL") => Session::DiscardAll,
            Some("PLANS") => Session::Accepted("DISCARD PLANS"),
            Some("SEQUENCES") => Session::Accepted("DISCARD SEQUENCES"),
            Some(_) => Session::Accepted("DISCARD TEMP"),
            None => return Err(cursor.expected("ALL, PLANS, SEQUENCES or TEMP")),
        },
        "DEALLOCATE" => {
            if cursor.nth(1).is_some() {
                cursor.accept(&["PREPARE"]);
            }
            Session::Deallocate(name_or_all(&mut cursor, "the name of a prepared statement or ALL")?)
        }
        "DECLARE" => declare(&mut cursor)?,
        "FETCH" => fetch(&mut cursor)?,
        "CLOSE" => Session::Close(name_or_all(&mut cursor, "the name of a cursor or ALL")?),
        "LISTEN" => {
            cursor.word("the name of a channel")?;
            Session::Accepted("LISTEN")
        }
        "UNLISTEN" => {
            if !cursor.accept_token(&Token::Mul) {
                cursor.word("the name of a channel or *")?;
            }
            Session::Accepted("UNLISTEN")
        }
        _ => {
            cursor.word("the name of a channel")?;
            if cursor.accept_token(&Token::Comma) {
                cursor.string("the payload as a string")?;
            }
            Session::Accepted("NOTIFY")
        }
    };
    cursor.finish()?;
    Ok(Some(StatementKind::Session(statement)))
}

fn name_or_all(cursor: &mut Cursor, what: &str) -> Result<Option<String>, SqlError> {
    if cursor.accept(&["ALL"]) { Ok(None) } else { cursor.session_name(what).map(Some) }
}

/// `AND [NO] CHAIN`
fn chain(cursor: &mut Cursor) -> Result<(), SqlError> {
    if cursor.is("AND") && cursor.nth_is(1, "CHAIN") {
        return Err(cursor.not_supported("AND CHAIN"));
    }
    cursor.accept(&["AND", "NO", "CHAIN"]);
    Ok(())
}

/// The modes of a transaction up to the end; true for READ ONLY. Isolation levels are accepted: every
/// transaction reads committed state.
pub(super) fn transaction_modes(cursor: &mut Cursor) -> Result<bool, SqlError> {
    let mut read_only = false;
    let known = [
        &["ISOLATION", "LEVEL", "SERIALIZABLE"][..],
        &["ISOLATION", "LEVEL", "REPEATABLE", "READ"],
        &["ISOLATION", "LEVEL", "READ", "COMMITTED"],
        &["ISOLATION", "LEVEL", "READ", "UNCOMMITTED"],
        &["DEFERRABLE"],
        &["NOT", "DEFERRABLE"],
    ];
    while !cursor.done() {
        if cursor.accept(&["READ", "ONLY"]) {
            read_only = true;
        } else if cursor.accept(&["READ", "WRITE"]) {
            read_only = false;
        } else if !known.iter().any(|words| cursor.accept(words)) {
            return Err(cursor.expected("ISOLATION LEVEL …, READ ONLY, READ WRITE or [NOT] DEFERRABLE"));
        }
        if cursor.accept_token(&Token::Comma) && cursor.done() {
            return Err(cursor.expected("a transaction mode"));
        }
    }
    Ok(read_only)
}

/// `name [NO SCROLL] CURSOR [WITH|WITHOUT HOLD] FOR query`
fn declare(cursor: &mut Cursor) -> Result<Session, SqlError> {
    let name = cursor.session_name("the name of a cursor")?;
    while !cursor.is("CURSOR") {
        match () {
            () if cursor.accept(&["NO", "SCROLL"]) => {}
            () if cursor.accept_any(&["INSENSITIVE", "ASENSITIVE"]).is_some() => {}
            () if cursor.is("SCROLL") => return Err(cursor.not_supported("SCROLL cursors")),
            () if cursor.is("BINARY") => return Err(cursor.not_supported("BINARY cursors")),
            () => return Err(cursor.expected("NO SCROLL or CURSOR")),
        }
    }
    cursor.expect("CURSOR")?;
    if cursor.accept_any(&["WITH", "WITHOUT"]).is_some() {
        cursor.expect("HOLD")?;
    }
    cursor.expect("FOR")?;
    if !query_follows(cursor) {
        return Err(cursor.expected("a query"));
    }
    let query = Box::new(nested(*cursor)?);
    cursor.at = cursor.end;
    Ok(Session::Declare { name, query })
}

/// `[NEXT | FORWARD] [n | ALL] [FROM | IN] name`
fn fetch(cursor: &mut Cursor) -> Result<Session, SqlError> {
    // With one word left it is the cursor's name, whatever it is.
    let direction = cursor.nth(1).is_some();
    for word in ["PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE", "BACKWARD"] {
        if direction && cursor.is(word) {
            return Err(cursor.not_supported(&format!("FETCH {word}")).hint("cursors move forward only"));
        }
    }
    let mut count = Some(1);
    if direction && !cursor.accept(&["NEXT"]) {
        if cursor.nth(1).is_some() {
            cursor.accept(&["FORWARD"]);
        }
        if cursor.nth(1).is_some() && cursor.accept(&["ALL"]) {
            count = None;
        } else if cursor.peek() == Some(&Token::Minus) {
            return Err(cursor.not_supported("FETCH backward").hint("cursors move forward only"));
        } else if matches!(cursor.peek(), Some(Token::Number(..))) {
            count = Some(cursor.integer("a number of rows")?);
        }
    }
    cursor.accept_any(&["FROM", "IN"]);
    Ok(Session::Fetch { name: cursor.session_name("the name of a cursor")?, count })
}
