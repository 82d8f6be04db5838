//! Literals (dialect 7, "Lexical"): a whole number is INTEGER or BIGINT by its size, one with a point is a DECIMAL of just its
//! digits, one with an exponent is a DOUBLE.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::physical_expr::expressions::Literal;
use sqlparser::ast::{DataType, TypedString, Value};

use super::Bound;
use super::convert::{cast, type_named};
use crate::functions::decimal::{self, Decimal};
use crate::sql::{SqlError, SqlType, sqlstate};

/// A constant of a type.
pub fn constant(value: ScalarValue, ty: Option<SqlType>, text: String) -> Bound {
    Bound { expr: Arc::new(Literal::new(value)), ty, text }
}

pub fn is_number(value: &Value) -> bool {
    matches!(value, Value::Number(..))
}

/// A literal; `negative` only for numbers.
pub fn value(value: &Value, negative: bool) -> Result<Bound, SqlError> {
    match value {
        Value::Number(digits, false) => number(digits, negative),
        Value::SingleQuotedString(text) => Ok(string(text)),
        Value::Boolean(value) => {
            let text = if *value { "TRUE" } else { "FALSE" };
            Ok(constant(ScalarValue::Boolean(Some(*value)), Some(SqlType::Boolean), text.to_owned()))
        }
        Value::Null => Ok(constant(ScalarValue::Null, None, "NULL".to_owned())),
        Value::Placeholder(name) => Err(SqlError::new(
            sqlstate::NOT_SUPPORTED,
            format!("not supported yet: the parameter {name} in this place"),
        )),
        other => Err(SqlError::not_supported(format_args!("the literal {other}"))),
    }
}

/// `DATE '…'`, `TIME '…'`, `TIMESTAMP '…'`, `DECIMAL '…'`.
pub fn typed(typed: &TypedString) -> Result<Bound, SqlError> {
    let Value::SingleQuotedString(content) = &typed.value.value else {
        return Err(SqlError::not_supported(format_args!("the literal {typed}")));
    };
    match &typed.data_type {
        DataType::Decimal(sqlparser::ast::ExactNumberInfo::None) => {
            let invalid = || {
                SqlError::new(
                    sqlstate::INVALID_TEXT,
                    format!("invalid input syntax for type DECIMAL: \"{content}\""),
                )
            };
            let decimal = Decimal::parse(content.trim()).ok_or_else(invalid)?;
            exact(decimal).ok_or_else(invalid)
        }
        other => match type_named(other, &|_| None)? {
            ty @ (SqlType::Date | SqlType::Time | SqlType::Timestamp) => {
                let bound = cast(string(content), ty.clone())?;
                let text = format!("{ty} '{}'", content.replace('\'', "''"));
                match bound.constant() {
                    Some(_) => Ok(Bound { text, ..bound }),
                    None => Err(SqlError::new(
                        sqlstate::INVALID_TEXT,
                        format!("invalid input syntax for type {ty}: \"{content}\""),
                    )),
                }
            }
            _ => Err(SqlError::not_supported(format_args!("the literal {typed}"))),
        },
    }
}

/// A text.
pub fn string(text: &str) -> Bound {
    let shown = format!("'{}'", text.replace('\'', "''"));
    constant(ScalarValue::Utf8(Some(text.to_owned())), Some(SqlType::String), shown)
}

/// An exact number as a DECIMAL of just its digits.
pub fn exact(decimal: Decimal) -> Option<Bound> {
    let scale = u8::try_from(decimal.scale.max(0)).ok().filter(|s| *s <= decimal::MAX_PRECISION)?;
    let unscaled = decimal::rescale(decimal.unscaled, decimal.scale, i32::from(scale))?;
    let precision = Decimal { unscaled, scale: 0 }.digits().max(scale).max(1);
    decimal::fits(unscaled, precision).then(|| {
        constant(
            ScalarValue::Decimal128(Some(unscaled), precision, scale as i8),
            Some(SqlType::Decimal { precision, scale }),
            decimal::format(unscaled, scale),
        )
    })
}

/// A number as it is written, without its sign.
pub fn number(digits: &str, negative: bool) -> Result<Bound, SqlError> {
    let text = if negative { format!("-{digits}") } else { digits.to_owned() };
    let out_of_range = || {
        let shown: String = text.chars().take(60).collect();
        SqlError::new(sqlstate::NUMERIC_OUT_OF_RANGE, format!("invalid numeric literal: {shown}"))
    };
    if digits.contains(['e', 'E']) {
        let value: f64 = text.parse().map_err(|_| out_of_range())?;
        if !value.is_finite() {
            return Err(out_of_range());
        }
        return Ok(constant(ScalarValue::Float64(Some(value)), Some(SqlType::Double), format!("{value:E}")));
    }
    if digits.contains('.') {
        return Decimal::parse(&text).and_then(exact).ok_or_else(out_of_range);
    }
    let value: i64 = text.parse().map_err(|_| {
        out_of_range().hint("whole numbers are of type BIGINT; write a decimal point for a DECIMAL")
    })?;
    Ok(match i32::try_from(value) {
        Ok(small) => constant(ScalarValue::Int32(Some(small)), Some(SqlType::Int), value.to_string()),
        Err(_) => constant(ScalarValue::Int64(Some(value)), Some(SqlType::BigInt), value.to_string()),
    })
}
