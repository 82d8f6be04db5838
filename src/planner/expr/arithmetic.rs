//! The operators `+ - * / %` on numbers, and joining of texts. The wider operand decides the type:
//! INT < BIGINT < DECIMAL < DOUBLE. Whole numbers are checked: a result out of range fails its row.

use std::sync::Arc;

use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, NegativeExpr};

use super::constant::fold;
use super::convert::coerce;
use super::decimal;
use super::{Bound, literal};
use crate::functions::types::{common, decimal_parts};
use crate::sql::{SqlError, SqlType};

pub fn bind(left: Bound, op: Operator, right: Bound) -> Result<Bound, SqlError> {
    let text = format!("({} {op} {})", left.text, right.text);
    // NULL takes the type of the other side.
    let (Some(a), Some(b)) = (left.ty.clone().or(right.ty.clone()), right.ty.clone().or(left.ty.clone()))
    else {
        return Ok(Bound { text, ..left });
    };
    let concat = op == Operator::StringConcat;
    if a == SqlType::String && b == SqlType::String && (concat || op == Operator::Plus) {
        let (left, right) = (coerce(left, a)?, coerce(right, b)?);
        let joined = BinaryExpr::new(left.expr, Operator::StringConcat, right.expr);
        return Ok(Bound { expr: fold(Arc::new(joined)), ty: Some(SqlType::String), text });
    }
    if concat || !a.is_numeric() || !b.is_numeric() {
        return Err(no_operator(&op.to_string(), Some(&left), &right));
    }
    let ty = common(&a, &b).ok_or_else(|| no_operator(&op.to_string(), Some(&left), &right))?;
    if let SqlType::Decimal { .. } = ty {
        return decimal_operation(left, a, op, right, b, text);
    }
    let (left, right) = (coerce(left, ty.clone())?, coerce(right, ty.clone())?);
    let expr = BinaryExpr::new(left.expr, op, right.expr).with_fail_on_overflow(ty != SqlType::Double);
    Ok(Bound { expr: fold(Arc::new(expr)), ty: Some(ty), text })
}

/// Unary minus.
pub fn negate(operand: Bound) -> Result<Bound, SqlError> {
    let text = format!("(-{})", operand.text);
    match operand.ty {
        // Minus the smallest number is out of range: subtraction checks, negation does not.
        Some(SqlType::Int | SqlType::BigInt) => {
            let zero = literal::number("0", false)?;
            Ok(Bound { text, ..bind(zero, Operator::Minus, operand)? })
        }
        Some(SqlType::Double | SqlType::Decimal { .. }) => {
            Ok(Bound { expr: fold(Arc::new(NegativeExpr::new(operand.expr))), ty: operand.ty, text })
        }
        None => Ok(operand),
        Some(_) => Err(no_operator("-", None, &operand)),
    }
}

pub fn no_operator(op: &str, left: Option<&Bound>, right: &Bound) -> SqlError {
    let shown = match left {
        Some(left) => format!("{} {op} {}", left.described(), right.described()),
        None => format!("{op} {}", right.described()),
    };
    SqlError::new("42883", format!("operator does not exist: {shown}"))
        .hint("a CAST of one side may help; texts are joined by + or ||")
}

fn decimal_operation(
    left: Bound,
    a: SqlType,
    op: Operator,
    right: Bound,
    b: SqlType,
    text: String,
) -> Result<Bound, SqlError> {
    let as_decimal = |bound: Bound, ty: SqlType| {
        let (precision, scale) = decimal_parts(&ty).ok_or_else(|| SqlError::internal("no DECIMAL"))?;
        coerce(bound, SqlType::Decimal { precision, scale })
    };
    let (left, right) = (as_decimal(left, a.clone())?, as_decimal(right, b.clone())?);
    let (Some((p1, s1)), Some((p2, s2))) = (decimal_parts(&a), decimal_parts(&b)) else {
        return Err(SqlError::internal("no DECIMAL"));
    };
    let operation = decimal::Operation::new(op, (p1, s1), (p2, s2))
        .ok_or_else(|| no_operator(&op.to_string(), Some(&left), &right))?;
    let ty = operation.result();
    Ok(Bound { expr: fold(decimal::expr(operation, left.expr, right.expr)), ty: Some(ty), text })
}
