//! `WINDOWSTART >= '2024-01-01T12:00'`: the times that rows have beside their columns are numbers, and may be compared
//! with the text of a point in time (dialect 10.1), as in continuous queries. The texts become numbers before planning.

use std::ops::ControlFlow;

use sqlparser::ast as sp;
use sqlparser::ast::VisitMut;

use crate::functions::text::parse_timestamp;

/// Replaces the texts that are compared with ROWTIME, WINDOWSTART and WINDOWEND. What is no point in time stays, and
/// is refused by the planner.
pub fn replace(query: &mut sp::Query) {
    let _ = query.visit(&mut Visitor);
}

struct Visitor;

impl sp::VisitorMut for Visitor {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut sp::Expr) -> ControlFlow<()> {
        match expr {
            sp::Expr::BinaryOp { left, op, right } if is_comparison(op) => {
                if is_time(left) {
                    to_number(right);
                } else if is_time(right) {
                    to_number(left);
                }
            }
            sp::Expr::Between { expr, low, high, .. } if is_time(expr) => {
                to_number(low);
                to_number(high);
            }
            sp::Expr::InList { expr, list, .. } if is_time(expr) => list.iter_mut().for_each(to_number),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_comparison(op: &sp::BinaryOperator) -> bool {
    use sp::BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn is_time(expr: &sp::Expr) -> bool {
    let name = match expr {
        sp::Expr::Identifier(name) => Some(name),
        sp::Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    name.is_some_and(|n| matches!(n.value.as_str(), "ROWTIME" | "WINDOWSTART" | "WINDOWEND"))
}

fn to_number(expr: &mut sp::Expr) {
    if let sp::Expr::Value(value) = expr
        && let sp::Value::SingleQuotedString(text) = &value.value
        && let Some(ms) = parse_timestamp(text)
    {
        value.value = sp::Value::Number(ms.to_string(), false);
    }
}
