//! The clauses that ksqlDB adds to a SELECT, lifted out of the tokens before sqlparser reads the rest.
//!
//! `SELECT … FROM … [WINDOW …] [WHERE …] [GROUP BY …] [PARTITION BY …] [HAVING …] [EMIT …] [LIMIT n]`: the clauses
//! stand outside of all brackets and in this order. sqlparser sees the order of its own clauses only, so all are checked here.

use std::ops::Range;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use crate::sql::SqlError;
use crate::sql::ast::Emit;
use crate::sql::lexer::is_keyword;

/// Where the lifted clauses stand, as ranges of tokens.
#[derive(Default)]
pub(super) struct Lifted {
    pub window: Option<Range<usize>>,
    pub partition_by: Option<Range<usize>>,
    pub emit: Option<usize>,
    /// Every clause in the order found: its rank, its first token.
    clauses: Vec<(usize, usize)>,
}

const CLAUSES: [&str; 8] = ["FROM", "WINDOW", "WHERE", "GROUP BY", "PARTITION BY", "HAVING", "EMIT", "LIMIT"];
/// Words after which a name must follow, so that EMIT is one.
const BEFORE_NAME: [&str; 14] = [
    "SELECT", "FROM", "AS", "WHERE", "AND", "OR", "NOT", "ON", "BY", "HAVING", "LIKE", "BETWEEN", "IN",
    "JOIN",
];

/// Finds the clauses of the SELECT that the cursor stands at.
pub(super) fn find(cursor: &Cursor) -> Lifted {
    let mut lifted = Lifted::default();
    let (mut depth, mut at) = (0usize, cursor.at);
    while at < cursor.end {
        let here = cursor.part(at, cursor.end);
        match here.peek() {
            Some(Token::LParen | Token::LBracket) => depth += 1,
            Some(Token::RParen | Token::RBracket) => depth = depth.saturating_sub(1),
            Some(Token::Word(word)) if depth == 0 && word.quote_style.is_none() => {
                let before =
                    at.checked_sub(1).filter(|&b| b >= cursor.at).and_then(|b| cursor.lexed.tokens.get(b));
                if let Some(rank) = clause(&here, before, !lifted.clauses.is_empty()) {
                    lifted.clauses.push((rank, at));
                }
            }
            _ => {}
        }
        at += 1;
    }
    for (n, &(rank, start)) in lifted.clauses.iter().enumerate() {
        let next = lifted.clauses.get(n + 1).map_or(cursor.end, |&(_, at)| at);
        match rank {
            1 => lifted.window = lifted.window.or(Some(start..next)),
            4 => lifted.partition_by = lifted.partition_by.or(Some(start..next)),
            6 => lifted.emit = lifted.emit.or(Some(start)),
            _ => {}
        }
    }
    lifted
}

/// The rank of the clause that begins here.
fn clause(here: &Cursor, before: Option<&TokenWithSpan>, in_from: bool) -> Option<usize> {
    if before.is_some_and(|token| token.token == Token::Period) {
        return None;
    }
    if here.is("FROM") {
        return (!is_keyword(before, "DISTINCT")).then_some(0);
    }
    if !in_from {
        return None;
    }
    match () {
        () if here.is("WINDOW") && window_kind(here).is_some() => Some(1),
        () if here.is("WHERE") => Some(2),
        () if here.is("GROUP") && here.nth_is(1, "BY") => Some(3),
        () if here.is("PARTITION") && here.nth_is(1, "BY") => Some(4),
        () if here.is("HAVING") => Some(5),
        () if here.is("EMIT") && ends_operand(before) => Some(6),
        () if here.is("LIMIT") => Some(7),
        () => None,
    }
}

/// How many tokens after WINDOW its kind stands: a name may come first.
pub(super) fn window_kind(here: &Cursor) -> Option<usize> {
    [1, 2].into_iter().find(|&n| {
        ["TUMBLING", "HOPPING", "SESSION"].iter().any(|kind| here.nth_is(n, kind))
            && here.nth(n + 1).is_some_and(|token| token.token == Token::LParen)
    })
}

fn ends_operand(before: Option<&TokenWithSpan>) -> bool {
    match before.map(|token| &token.token) {
        Some(Token::RParen | Token::RBracket | Token::Number(..) | Token::SingleQuotedString(_)) => true,
        Some(Token::Word(_)) => !BEFORE_NAME.iter().any(|word| is_keyword(before, word)),
        _ => false,
    }
}

impl Lifted {
    /// Refuses clauses that are doubled or out of order.
    pub(super) fn check_order(&self, cursor: &Cursor) -> Result<(), SqlError> {
        for pair in self.clauses.windows(2) {
            if let [(first, _), (second, at)] = *pair
                && second <= first
            {
                let name = |rank: usize| CLAUSES.get(rank).copied().unwrap_or_default();
                let hint = match second == first {
                    true => format!("{} is given twice", name(second)),
                    false => format!("{} must come before {}", name(second), name(first)),
                };
                return Err(cursor.part(at, cursor.end).unexpected().hint(hint));
            }
        }
        Ok(())
    }

    /// The kind of EMIT and the place behind it.
    pub(super) fn emit(&self, cursor: &Cursor) -> Result<Option<(Emit, usize)>, SqlError> {
        let Some(start) = self.emit else { return Ok(None) };
        let mut here = cursor.part(start + 1, cursor.end);
        let emit = match here.accept_any(&["CHANGES", "FINAL"]) {
            Some("CHANGES") => Emit::Changes,
            Some(_) => Emit::Final,
            None => return Err(here.expected("CHANGES or FINAL")),
        };
        if !here.done() && !here.is("LIMIT") {
            return Err(here.expected("LIMIT or the end of the statement"));
        }
        Ok(Some((emit, here.at)))
    }

    /// The tokens that are left for sqlparser, folded.
    pub(super) fn rest(&self, cursor: &Cursor, after_emit: Option<usize>) -> Vec<TokenWithSpan> {
        let emit = self.emit.zip(after_emit).map(|(start, end)| start..end);
        let lifted = [&self.window, &self.partition_by, &emit];
        let folded = cursor.folded();
        let mut at = cursor.at;
        folded
            .into_iter()
            .filter(|_| {
                at += 1;
                !lifted.iter().any(|range| range.as_ref().is_some_and(|range| range.contains(&(at - 1))))
            })
            .collect()
    }
}
