//! What continuous queries cannot hold yet, refused by name and place.
//!
//! sqlparser reads far more than a continuous query can run; nothing of that may be ignored. Most of it shows in the
//! tokens, where the place is known; [`query`] and [`select`] look at the tree for the rest.

use sqlparser::ast as sp;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::sql::SqlError;

/// Refuses clauses and expressions by their tokens.
pub(super) fn continuous(cursor: &Cursor) -> Result<(), SqlError> {
    let (mut depth, mut at, mut in_from) = (0usize, cursor.at, false);
    while at < cursor.end {
        let here = cursor.part(at, cursor.end);
        let before = at.checked_sub(1).map(|before| cursor.part(before, cursor.end));
        let after = |keyword| at > cursor.at && before.is_some_and(|before| before.is(keyword));
        let after_token = |token| at > cursor.at && before.is_some_and(|before| before.peek() == Some(token));
        match here.peek() {
            Some(Token::LParen | Token::LBracket) => depth += 1,
            Some(Token::RParen | Token::RBracket) => depth = depth.saturating_sub(1),
            _ => {}
        }
        let named = after_token(&Token::Period) || after("AS");
        // `f(…) WITHIN GROUP (ORDER BY …)`: which functions can do that the planner knows.
        let in_group =
            after_token(&Token::LParen) && at >= cursor.at + 2 && cursor.part(at - 2, cursor.end).is("GROUP");
        let within_group = here.is("WITHIN") && here.nth_is(1, "GROUP");
        if !named
            && !in_group
            && !within_group
            && let Some(what) = clause(&here, depth, in_from).filter(|_| !after("DISTINCT"))
        {
            return Err(here.not_supported(&format!("{what} in a continuous query")));
        }
        let what = match () {
            () if here.is("DISTINCT") && after("SELECT") => Some("SELECT DISTINCT in a continuous query"),
            () if here.is("OVER") && after_token(&Token::RParen) => Some("OVER in a continuous query"),
            () if here.is("FILTER") && after_token(&Token::RParen) => Some("FILTER in a continuous query"),
            () => None,
        };
        if let Some(what) = what {
            return Err(here.not_supported(what));
        }
        in_from |= depth == 0 && here.is("FROM") && !after("DISTINCT");
        at += 1;
    }
    Ok(())
}

fn clause(here: &Cursor, depth: usize, in_from: bool) -> Option<&'static str> {
    if here.is("SELECT") && depth > 0 {
        return Some("a subquery");
    }
    if here.is("EMIT") && depth > 0 && (here.nth_is(1, "CHANGES") || here.nth_is(1, "FINAL")) {
        return Some("EMIT of a subquery");
    }
    if here.is("ORDER") && here.nth_is(1, "BY") {
        return Some(if depth == 0 { "ORDER BY" } else { "ORDER BY of a function" });
    }
    if depth > 0 || !in_from {
        return None;
    }
    ["JOIN", "WITHIN", "UNION", "INTERSECT", "EXCEPT", "OFFSET", "FETCH", "QUALIFY", "LATERAL"]
        .into_iter()
        .find(|word| here.is(word))
}

/// Refuses what stands around the SELECT.
pub(super) fn query(cursor: &Cursor, query: &sp::Query) -> Result<(), SqlError> {
    let what = match () {
        () if query.with.is_some() => "WITH (common table expressions)",
        () if query.order_by.is_some() => "ORDER BY",
        () if query.fetch.is_some() => "FETCH",
        () if !query.locks.is_empty() || query.for_clause.is_some() => "FOR",
        () if query.settings.is_some() => "SETTINGS",
        () if query.format_clause.is_some() => "FORMAT",
        () if !query.pipe_operators.is_empty() => "|>",
        () => return Ok(()),
    };
    Err(cursor.not_supported(&format!("{what} in a continuous query")))
}

/// Refuses clauses of the SELECT.
pub(super) fn select(cursor: &Cursor, select: &sp::Select) -> Result<(), SqlError> {
    let grouped = match &select.group_by {
        sp::GroupByExpr::All(_) => Some("GROUP BY ALL"),
        sp::GroupByExpr::Expressions(_, modifiers) if !modifiers.is_empty() => Some("modifiers of GROUP BY"),
        sp::GroupByExpr::Expressions(exprs, _) => exprs
            .iter()
            .any(|e| matches!(e, sp::Expr::GroupingSets(_) | sp::Expr::Cube(_) | sp::Expr::Rollup(_)))
            .then_some("GROUPING SETS, CUBE and ROLLUP"),
    };
    let what = match () {
        () if select.projection.is_empty() => {
            return Err(cursor.part(cursor.at + 1, cursor.end).expected("a column"));
        }
        () if select.from.is_empty() => return Err(cursor.part(cursor.end, cursor.end).expected("FROM")),
        () if select.distinct.is_some() => "SELECT DISTINCT",
        () if select.top.is_some() => "TOP",
        () if select.exclude.is_some() || select.projection.iter().any(has_wildcard_options) => {
            "options of * in a SELECT"
        }
        () if select.into.is_some() => "INTO",
        () if select.from.len() > 1 || select.from.iter().any(|from| !from.joins.is_empty()) => {
            "several sources"
        }
        () if !select.from.iter().all(|from| is_plain_table(&from.relation)) => {
            "a source that is not a plain name"
        }
        () if !select.named_window.is_empty() => "named windows",
        () if select.qualify.is_some() => "QUALIFY",
        () if select.prewhere.is_some() || !select.lateral_views.is_empty() => "PREWHERE and LATERAL VIEW",
        () if !select.connect_by.is_empty() => "CONNECT BY",
        () if !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty() =>
        {
            "CLUSTER BY, DISTRIBUTE BY and SORT BY"
        }
        () if select.value_table_mode.is_some() || select.select_modifiers.is_some() => {
            "a modifier of SELECT"
        }
        () => match grouped {
            Some(what) => what,
            None => return Ok(()),
        },
    };
    let place = select.from.get(1).and_then(|from| crate::sql::position_of(&from.relation));
    let place = place.or(Some(cursor.position()));
    Err(SqlError::not_supported(format!("{what} in a continuous query")).at(place))
}

fn has_wildcard_options(item: &sp::SelectItem) -> bool {
    match item {
        sp::SelectItem::Wildcard(o) | sp::SelectItem::QualifiedWildcard(_, o) => {
            o.opt_ilike.is_some()
                || o.opt_exclude.is_some()
                || o.opt_except.is_some()
                || o.opt_replace.is_some()
                || o.opt_rename.is_some()
                || o.opt_alias.is_some()
        }
        sp::SelectItem::ExprWithAliases { .. } => true,
        _ => false,
    }
}

fn is_plain_table(relation: &sp::TableFactor) -> bool {
    match relation {
        sp::TableFactor::Table {
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
            ..
        } => {
            with_hints.is_empty()
                && partitions.is_empty()
                && index_hints.is_empty()
                && alias.as_ref().is_none_or(|alias| alias.columns.is_empty())
        }
        _ => false,
    }
}
