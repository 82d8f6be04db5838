//! Comparisons: what may be compared with what, and in which type (dialect 10.1).

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};

use super::binder::boolean;
use super::constant::fold;
use super::convert::{cast, coerce, unite};
use super::{Bound, literal, nested};
use crate::functions::text;
use crate::functions::types::common;
use crate::sql::{SqlError, SqlType, sqlstate};

pub fn bind(left: Bound, op: Operator, right: Bound) -> Result<Bound, SqlError> {
    let shown = format!("({} {} {})", left.text, symbol(op), right.text);
    let distinct = matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
    if !distinct && (left.ty.is_none() || right.ty.is_none()) {
        let other = if left.ty.is_none() { &right } else { &left };
        let not = if op == Operator::NotEq { "NOT " } else { "" };
        return Err(SqlError::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("comparison with NULL is never true: {shown}"),
        )
        .hint(format!("write {} IS {not}NULL", other.text)));
    }
    let (left, right) = operands(left, op, right)?;
    if left.ty.as_ref().is_some_and(SqlType::is_nested) {
        return Ok(boolean(nested::equality(op, left.expr, right.expr), shown));
    }
    let (left, right) = if left.ty == Some(SqlType::Double) {
        (one_zero(&left, &right), one_zero(&right, &left))
    } else {
        (left.expr, right.expr)
    };
    Ok(boolean(Arc::new(BinaryExpr::new(left, op, right)), shown))
}

fn symbol(op: Operator) -> String {
    if op == Operator::NotEq { "<>".to_owned() } else { op.to_string() }
}

/// Arrow orders -0.0 before 0.0, SQL does not: adding 0.0 makes them one. A constant other than 0 on the other side needs none.
fn one_zero(side: &Bound, other: &Bound) -> Arc<dyn PhysicalExpr> {
    match other.constant() {
        Some(ScalarValue::Float64(value)) if *value != Some(0.0) => side.expr.clone(),
        _ => {
            let zero = Arc::new(Literal::new(ScalarValue::Float64(Some(0.0))));
            fold(Arc::new(BinaryExpr::new(side.expr.clone(), Operator::Plus, zero)))
        }
    }
}

/// Both sides in the type they are compared in.
fn operands(left: Bound, op: Operator, right: Bound) -> Result<(Bound, Bound), SqlError> {
    use SqlType::*;
    let (Some(a), Some(b)) = (left.ty.clone().or(right.ty.clone()), right.ty.clone().or(left.ty.clone()))
    else {
        return Ok((coerce(left, Boolean)?, coerce(right, Boolean)?));
    };
    if let Some(point) = point_in_time(&left, &right)? {
        return Ok((left, point));
    }
    if let Some(point) = point_in_time(&right, &left)? {
        return Ok((point, right));
    }
    let equality =
        matches!(op, Operator::Eq | Operator::NotEq | Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
    let ty = match (a.clone(), b.clone()) {
        (a, _) if (a == Boolean || a.is_nested()) && !equality => {
            return Err(incomparable(&left, op, &right));
        }
        (Date, Timestamp) | (Timestamp, Date) => {
            return Ok((cast(left, Timestamp)?, cast(right, Timestamp)?));
        }
        (String, ty @ (Date | Time | Timestamp)) | (ty @ (Date | Time | Timestamp), String) => ty,
        (a, b) => common(&a, &b).ok_or_else(|| incomparable(&left, op, &right))?,
    };
    let (left, right) = (unite(left, ty.clone())?, unite(right, ty.clone())?);
    for (side, from) in [(&left, a), (&right, b)] {
        // A constant text that is no date was folded to nothing: say so now, not on every row.
        if from == String && ty != String && side.text.starts_with('\'') && side.constant().is_none() {
            return Err(SqlError::new(
                sqlstate::INVALID_TEXT,
                format!("invalid input syntax for type {ty}: {}", side.text),
            ));
        }
    }
    Ok((left, right))
}

/// ROWTIME, WINDOWSTART and WINDOWEND may be compared with the text of a point in time, of which the end may be left out.
fn point_in_time(column: &Bound, literal: &Bound) -> Result<Option<Bound>, SqlError> {
    let pseudo = column
        .expr
        .downcast_ref::<Column>()
        .is_some_and(|c| matches!(c.name(), "ROWTIME" | "WINDOWSTART" | "WINDOWEND"));
    match (pseudo, column.ty.clone(), literal.constant()) {
        (true, Some(SqlType::BigInt), Some(ScalarValue::Utf8(Some(text)))) => {
            match text::parse_timestamp(text) {
                Some(ms) => {
                    let value = ScalarValue::Int64(Some(ms));
                    Ok(Some(literal::constant(value, Some(SqlType::BigInt), literal.text.clone())))
                }
                None => Err(SqlError::new(
                    sqlstate::INVALID_TEXT,
                    format!("invalid input syntax for type TIMESTAMP: {}", literal.text),
                )
                .hint("write it as '2020-02-10T08:31:44.001', of which the end may be left out")),
            }
        }
        _ => Ok(None),
    }
}

fn incomparable(left: &Bound, op: Operator, right: &Bound) -> SqlError {
    SqlError::new(
        sqlstate::DATATYPE_MISMATCH,
        format!("cannot compare {} with {} by {}", left.described(), right.described(), symbol(op)),
    )
    .hint("a CAST of one side may help")
}
