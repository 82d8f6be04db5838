//! `WINDOW TUMBLING (SIZE n unit [, RETENTION n unit] [, GRACE PERIOD n unit])` and
//! `WINDOW HOPPING (SIZE n unit, ADVANCE BY n unit, …)`.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::sql::ast::{Window, WindowKind};
use crate::sql::{Position, SqlError, sqlstate};

/// Reads a clause that [`super::lift`] found; the cursor holds its tokens alone.
pub(super) fn window(mut cursor: Cursor) -> Result<Window, SqlError> {
    let position = cursor.position();
    cursor.expect("WINDOW")?;
    if !cursor.is_any(&["TUMBLING", "HOPPING", "SESSION"]) {
        return Err(cursor.not_supported("named windows"));
    }
    if cursor.is("SESSION") {
        return Err(cursor.not_supported("SESSION windows"));
    }
    let hopping = cursor.accept(&["HOPPING"]);
    if !hopping {
        cursor.expect("TUMBLING")?;
    }
    cursor.expect_token(&Token::LParen)?;
    cursor.expect("SIZE")?;
    let size_ms = duration(&mut cursor)?;
    let kind = if hopping {
        cursor.expect_token(&Token::Comma)?;
        cursor.expect("ADVANCE")?;
        cursor.expect("BY")?;
        let place = cursor.position();
        let advance_ms = duration(&mut cursor)?;
        if advance_ms > size_ms {
            return Err(invalid("ADVANCE BY is longer than SIZE", place)
                .hint("windows that leave gaps would lose rows; ADVANCE BY must be at most SIZE"));
        }
        WindowKind::Hopping { size_ms, advance_ms }
    } else {
        WindowKind::Tumbling { size_ms }
    };
    let mut window = Window { kind, retention_ms: None, grace_ms: None, position };
    while cursor.accept_token(&Token::Comma) {
        if window.retention_ms.is_none() && window.grace_ms.is_none() && cursor.accept(&["RETENTION"]) {
            window.retention_ms = Some(duration(&mut cursor)?);
        } else if window.grace_ms.is_none() && cursor.accept(&["GRACE", "PERIOD"]) {
            window.grace_ms = Some(duration_ms(&mut cursor)?);
        } else {
            return Err(cursor.expected("RETENTION or GRACE PERIOD, each once and in this order"));
        }
    }
    cursor.expect_token(&Token::RParen)?;
    if !cursor.done() {
        return Err(cursor.expected("WHERE, GROUP BY, PARTITION BY, HAVING or EMIT"));
    }
    Ok(window)
}

/// `n unit`, above zero.
fn duration(cursor: &mut Cursor) -> Result<i64, SqlError> {
    let position = cursor.position();
    match duration_ms(cursor)? {
        0 => Err(invalid("a window's time must be above zero", position)),
        milliseconds => Ok(milliseconds),
    }
}

/// `n unit` in milliseconds.
pub(super) fn duration_ms(cursor: &mut Cursor) -> Result<i64, SqlError> {
    let position = cursor.position();
    let count = cursor.integer("a whole number")?;
    let unit: i64 = match () {
        () if cursor.is_any(&["DAY", "DAYS"]) => 86_400_000,
        () if cursor.is_any(&["HOUR", "HOURS"]) => 3_600_000,
        () if cursor.is_any(&["MINUTE", "MINUTES"]) => 60_000,
        () if cursor.is_any(&["SECOND", "SECONDS"]) => 1_000,
        () if cursor.is_any(&["MILLISECOND", "MILLISECONDS"]) => 1,
        () => return Err(cursor.expected("DAYS, HOURS, MINUTES, SECONDS or MILLISECONDS")),
    };
    cursor.at += 1;
    i64::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or_else(|| SqlError::new(sqlstate::NUMERIC_OUT_OF_RANGE, "time out of range").at(Some(position)))
}

fn invalid(message: &str, position: Position) -> SqlError {
    SqlError::new(sqlstate::INVALID_PARAMETER, message).at(Some(position))
}
