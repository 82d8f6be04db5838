//! IN, and the common type of lists. The first element that is not NULL decides the family; numbers widen, and literals
//! are taken laxly: `id IN (1, '2')` compares numbers, `name IN ('a', 1)` compares texts (dialect 10.1).

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{NotExpr, in_list};
use sqlparser::ast::Expr;

use super::binder::{Binder, boolean};
use super::convert::{cast, unite};
use super::{Bound, lazy, literal, nested, position_of};
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
    if ty.as_ref().is_some_and(SqlType::is_nested) {
        return nested_list(elements, negated, text);
    }
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

/// Arrow compares no nested values: one comparison after the other.
fn nested_list(elements: Vec<Bound>, negated: bool, text: String) -> Result<Bound, SqlError> {
    let mut exprs = elements.into_iter().map(|e| e.expr);
    let operand = exprs.next().ok_or_else(|| SqlError::internal("IN without an operand"))?;
    let equal = exprs.map(|e| nested::equality(Operator::Eq, operand.clone(), e)).collect();
    let any = lazy::logical(Operator::Or, equal).ok_or_else(|| SqlError::internal("IN without a list"))?;
    Ok(boolean(if negated { Arc::new(NotExpr::new(any)) } else { any }, text))
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
            let decimal = Decimal::parse(trimmed).filter(|_| !digits.starts_with(['-', '+']));
            let decimal = decimal.ok_or_else(invalid)?;
            let number = if digits.bytes().all(|b| b.is_ascii_digit()) {
                literal::number(digits, trimmed.starts_with('-')).ok()
            } else {
                literal::exact(decimal)
            };
            Ok(Bound { text: element.text.clone(), ..number.ok_or_else(invalid)? })
        }
        (family, _) if family.is_nested() => {
            let Some(from) = element.ty.clone() else { return Ok(element) };
            let to = loosened(&from, &family);
            if to == from {
                return Ok(element);
            }
            let text = element.text.clone();
            let loose = Bound { text, ..cast(element, to)? };
            if loose.constant().is_none() { Err(value_error(&loose)) } else { Ok(loose) }
        }
        (SqlType::String, ScalarValue::Boolean(Some(value))) => Ok(literal::string(&value.to_string())),
        (SqlType::String, value) if !matches!(value, ScalarValue::Utf8(_)) => cast(element, SqlType::String),
        _ => Ok(element),
    }
}

/// The type of a nested literal in which texts have become what they stand for in the family, and texts where it has texts.
fn loosened(from: &SqlType, family: &SqlType) -> SqlType {
    match (from, family) {
        (SqlType::Array(from), SqlType::Array(family)) => SqlType::array(loosened(from, family)),
        (SqlType::Map(from), SqlType::Map(family)) => {
            SqlType::map(loosened(&from.key, &family.key), loosened(&from.value, &family.value))
        }
        (SqlType::Struct(from), SqlType::Struct(family)) => SqlType::structure(from.iter().map(|field| {
            let same = family.iter().find(|f| f.name == field.name);
            let ty = same.map_or_else(|| field.ty.clone(), |same| loosened(&field.ty, &same.ty));
            (field.name.clone(), ty)
        })),
        (SqlType::String, family) | (_, family @ SqlType::String)
            if !family.is_nested() && !from.is_nested() =>
        {
            family.clone()
        }
        _ => from.clone(),
    }
}

/// Why a literal that was to be converted is none any more: a text in it is no value of its type.
fn value_error(bound: &Bound) -> SqlError {
    match super::constant::value_of(bound) {
        Err(error) => error,
        Ok(_) => SqlError::internal("a conversion that failed once did not fail again"),
    }
}
