//! IN, and the common type of lists. The first element that is not NULL decides the family; numbers widen, and literals
//! are taken laxly: `id IN (1, '2')` compares numbers, `name IN ('a', 1)` compares texts (dialect 10.1).

use datafusion::common::ScalarValue;
use datafusion::physical_expr::expressions::in_list;
use sqlparser::ast::Expr;

use super::binder::{Binder, boolean};
use super::convert::{cast, unite};
use super::{Bound, literal, position_of};
use crate::functions::decimal::Decimal;
use crate::functions::text::parse_boolean;
use crate::functions::types::common;
use crate::sql::{SqlError, SqlType, sqlstate};

pub fn bind(
    binder: &mut Binder<'_>,
    operand: &Expr,
    list: &[Expr],
    negated: bool,
) -> Result<Bound, SqlError> {
    let mut elements = vec![binder.bind(operand)?];
    for element in list {
        elements.push(binder.bind(element)?);
    }
    let texts: Vec<_> = elements.iter().skip(1).map(|e| e.text.as_str()).collect();
    let not = if negated { "NOT " } else { "" };
    let text = format!("({} {not}IN ({}))", elements.first().map_or("", |e| &e.text), texts.join(", "));
    let positions: Vec<_> = std::iter::once(operand).chain(list).map(position_of).collect();
    let (elements, ty) = unify(elements, &positions)?;
    if ty.is_none() {
        return Err(
            SqlError::new(sqlstate::DATATYPE_MISMATCH, "IN compares only NULLs").hint("write IS NULL")
        );
    }
    let mut exprs = elements.into_iter().map(|e| e.expr);
    let operand = exprs.next().ok_or_else(|| SqlError::internal("IN without an operand"))?;
    let schema = binder.names.schema();
    let expr = in_list(operand, exprs.collect(), &negated, &schema).map_err(SqlError::internal)?;
    Ok(boolean(expr, text))
}

/// Brings all elements to their common type. None: all are NULL.
///
/// Errors: an element that does not go with those before it, at its position.
pub fn unify(
    elements: Vec<Bound>,
    positions: &[Option<crate::sql::Position>],
) -> Result<(Vec<Bound>, Option<SqlType>), SqlError> {
    let mut family: Option<SqlType> = None;
    let mut lax = Vec::with_capacity(elements.len());
    for (i, element) in elements.into_iter().enumerate() {
        let at = positions.get(i).copied().flatten();
        let element = match &family {
            Some(family) => loosen(element, family.clone()).map_err(|e| e.at(at))?,
            None => element,
        };
        if let Some(ty) = element.ty.clone() {
            family = Some(match family {
                None => ty,
                Some(family) => together(family.clone(), ty).ok_or_else(|| {
                    SqlError::new(
                        sqlstate::DATATYPE_MISMATCH,
                        format!("operator does not exist: {family} = {}", element.described()),
                    )
                    .hint("a CAST may help")
                    .at(at)
                })?,
            });
        }
        lax.push(element);
    }
    let Some(ty) = family else { return Ok((lax, None)) };
    let typed: Result<Vec<_>, _> = lax
        .into_iter()
        .map(|element| match element.ty {
            Some(SqlType::Date) if ty == SqlType::Timestamp => cast(element, ty.clone()),
            _ => unite(element, ty.clone()),
        })
        .collect();
    Ok((typed?, Some(ty)))
}

fn together(a: SqlType, b: SqlType) -> Option<SqlType> {
    use SqlType::*;
    match (a, b) {
        (Date, Timestamp) | (Timestamp, Date) => Some(Timestamp),
        (ty @ (Date | Time | Timestamp), String) => Some(ty),
        (a, b) => common(&a, &b),
    }
}

/// A literal in the family that the list has so far.
fn loosen(element: Bound, family: SqlType) -> Result<Bound, SqlError> {
    let Some(value) = element.constant().filter(|v| !v.is_null()) else { return Ok(element) };
    let invalid = || {
        SqlError::new(
            sqlstate::INVALID_TEXT,
            format!("invalid input syntax for type {family}: {}", element.text),
        )
    };
    match (family.clone(), value) {
        (SqlType::Boolean, ScalarValue::Utf8(Some(text))) => {
            let value = parse_boolean(text).ok_or_else(invalid)?;
            Ok(literal::constant(ScalarValue::Boolean(Some(value)), Some(family), element.text.clone()))
        }
        (family, ScalarValue::Utf8(Some(text))) if family.is_numeric() => {
            let trimmed = text.trim();
            let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
            // Only what is written as a number is one: `literal::number` takes the digits as they are.
            if Decimal::parse(trimmed).is_none() || digits.starts_with(['-', '+']) {
                return Err(invalid());
            }
            Ok(Bound { text: element.text.clone(), ..literal::number(digits, trimmed.starts_with('-'))? })
        }
        (SqlType::String, ScalarValue::Boolean(Some(value))) => Ok(literal::string(&value.to_string())),
        (SqlType::String, value) if !matches!(value, ScalarValue::Utf8(_)) => cast(element, SqlType::String),
        _ => Ok(element),
    }
}
