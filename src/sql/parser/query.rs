//! Queries: which are continuous, and what those may hold.

use sqlparser::ast as sp;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{expr, lift, refuse, window};
use crate::sql::SqlError;
use crate::sql::ast::{PartitionBy, Query, StatementKind};

/// A SELECT, WITH, VALUES or TABLE at the start of a statement: continuous if it has EMIT.
pub(super) fn query(cursor: Cursor) -> Result<StatementKind, SqlError> {
    let lifted = lift::find(&cursor);
    if lifted.emit.is_some() {
        return Ok(StatementKind::Push(continuous(cursor)?));
    }
    if let Some(range) = lifted.window.as_ref().or(lifted.partition_by.as_ref()) {
        let clause = cursor.part(range.start, range.end);
        let word = if lifted.window.is_some() { "WINDOW" } else { "PARTITION BY" };
        return Err(clause
            .unexpected()
            .hint(format!("{word} belongs to a continuous query: end the SELECT with EMIT CHANGES")));
    }
    Ok(StatementKind::AdHoc(expr::ad_hoc(&cursor)?))
}

/// A SELECT that runs on: one with EMIT, or that of a CREATE … AS.
pub(super) fn continuous(cursor: Cursor) -> Result<Query, SqlError> {
    if cursor.is("WITH") {
        return Err(cursor.not_supported("WITH (common table expressions) in a continuous query"));
    }
    if !cursor.is("SELECT") {
        return Err(cursor.expected("SELECT"));
    }
    refuse::continuous(&cursor)?;
    let lifted = lift::find(&cursor);
    let emit = lifted.emit(&cursor)?;
    lifted.check_order(&cursor)?;
    let window = match &lifted.window {
        Some(range) => Some(window::window(cursor.part(range.start, range.end))?),
        None => None,
    };
    let partition_by = match &lifted.partition_by {
        Some(range) => Some(partition_by(cursor.part(range.start, range.end))?),
        None => None,
    };
    let rest = lifted.rest(&cursor, emit.map(|(_, after)| after));
    let parsed = *expr::query(&cursor, rest)?;
    let limit = limit(&cursor, parsed.limit_clause.as_ref())?;
    refuse::query(&cursor, &parsed)?;
    let sp::SetExpr::Select(select) = *parsed.body else {
        return Err(cursor.expected("SELECT"));
    };
    refuse::select(&cursor, &select)?;
    let position = cursor.position();
    Ok(Query { select, window, partition_by, emit: emit.map(|(emit, _)| emit), limit, position })
}

/// `PARTITION BY expr, …`, `PARTITION BY (expr, …)` or `PARTITION BY NULL`.
fn partition_by(mut cursor: Cursor) -> Result<PartitionBy, SqlError> {
    let position = cursor.position();
    cursor.expect("PARTITION")?;
    cursor.expect("BY")?;
    if cursor.is("NULL") && cursor.nth(1).is_none() {
        return Ok(PartitionBy { exprs: Vec::new(), position });
    }
    if cursor.peek() == Some(&Token::LParen) && cursor.after_brackets() == cursor.end {
        cursor = cursor.part(cursor.at + 1, cursor.end.saturating_sub(1));
    }
    Ok(PartitionBy { exprs: expr::expressions(&cursor)?, position })
}

fn limit(cursor: &Cursor, clause: Option<&sp::LimitClause>) -> Result<Option<u64>, SqlError> {
    let expr = match clause {
        None => return Ok(None),
        Some(sp::LimitClause::LimitOffset { limit, offset: None, limit_by }) if limit_by.is_empty() => limit,
        Some(_) => return Err(cursor.not_supported("OFFSET in a continuous query")),
    };
    match expr {
        None => Ok(None),
        Some(sp::Expr::Value(sp::ValueWithSpan { value: sp::Value::Number(text, false), .. }))
            if text.parse::<u64>().is_ok() =>
        {
            Ok(text.parse().ok())
        }
        Some(other) => {
            let place = super::position_of(other).unwrap_or_else(|| cursor.position());
            let at =
                (cursor.at..cursor.end).find(|&at| cursor.lexed.position(at) == place).unwrap_or(cursor.end);
            Err(cursor.part(at, cursor.end).expected("a whole number"))
        }
    }
}
