//! Constant expressions: folded while binding, and the values of INSERT.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use sqlparser::ast::Expr;

use super::convert::coerce_literal;
use super::{Bound, Scope, bind, position_of};
use crate::functions::error_text;
use crate::sql::{SqlError, SqlType, sqlstate};

/// The value of an expression of literals and functions, in the type of a column: widening, dates and times from ISO
/// text, BYTES from base64.
///
/// Errors: names in it, another type, a value that does not fit.
pub fn literal_value(expr: &Expr, to: SqlType) -> Result<ScalarValue, SqlError> {
    let bound = bind(expr, &Scope::default())?;
    // A DECIMAL literal has just its own digits: it fits where no digit is lost.
    let fits = match (bound.ty.clone(), to.clone(), bound.constant()) {
        (Some(SqlType::Decimal { scale, .. }), SqlType::Decimal { precision: p, scale: s }, Some(value)) => {
            exact_rescale(value, scale, p, s)
        }
        _ => None,
    };
    if let Some(value) = fits {
        return Ok(value);
    }
    let bound = coerce_literal(bound, to).map_err(|e| e.at(position_of(expr)))?;
    value_of(&bound).map_err(|e| e.at(position_of(expr)))
}

/// The value and type of an expression without names; no type: NULL.
pub fn evaluate_constant(expr: &Expr) -> Result<(ScalarValue, Option<SqlType>), SqlError> {
    let bound = bind(expr, &Scope::default())?;
    let value = value_of(&bound).map_err(|e| e.at(position_of(expr)))?;
    Ok((value, bound.ty))
}

/// The value of an expression of constants. Errors: why it has none.
pub fn value_of(bound: &Bound) -> Result<ScalarValue, SqlError> {
    evaluate(&bound.expr).map_err(|error| {
        let text = error_text(&error);
        let sqlstate = if text.contains("ivi") && text.contains("by zero") {
            sqlstate::DIVISION_BY_ZERO
        } else if text.contains("range") || text.contains("verflow") {
            sqlstate::NUMERIC_OUT_OF_RANGE
        } else {
            sqlstate::INVALID_TEXT
        };
        SqlError::new(sqlstate, text)
    })
}

fn exact_rescale(value: &ScalarValue, from: u8, precision: u8, scale: u8) -> Option<ScalarValue> {
    use crate::functions::decimal::{fits, rescale};
    let ScalarValue::Decimal128(Some(unscaled), ..) = value else { return None };
    let (from, to) = (i32::from(from), i32::from(scale));
    let rescaled = rescale(*unscaled, from, to).filter(|v| fits(*v, precision))?;
    (rescale(rescaled, to, from) == Some(*unscaled)).then_some(ScalarValue::Decimal128(
        Some(rescaled),
        precision,
        scale as i8,
    ))
}

/// A node over constants becomes a constant. One that fails stays: its rows will fail.
pub fn fold(expr: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    let children = expr.children();
    if children.is_empty() || !children.iter().all(|child| child.is::<Literal>()) {
        return expr;
    }
    match evaluate(&expr) {
        Ok(value) => Arc::new(Literal::new(value)),
        Err(_) => expr,
    }
}

fn evaluate(expr: &Arc<dyn PhysicalExpr>) -> Result<ScalarValue, DataFusionError> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    match expr.evaluate(&batch)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0),
    }
}
