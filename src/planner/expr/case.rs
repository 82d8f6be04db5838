//! CASE, simple and searched. Only the branch that a row takes is evaluated for it.

use std::sync::Arc;

use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::CaseExpr;
use sqlparser::ast::{CaseWhen, Expr};

use super::binder::Binder;
use super::constant::fold;
use super::in_list::unify;
use super::{Bound, compare, position_of, require_boolean};
use crate::sql::{SqlError, sqlstate};

pub fn bind(
    binder: &mut Binder<'_>,
    operand: Option<&Expr>,
    whens: &[CaseWhen],
    otherwise: Option<&Expr>,
) -> Result<Bound, SqlError> {
    let operand = operand.map(|operand| binder.bind(operand)).transpose()?;
    let mut text = "CASE".to_owned();
    if let Some(operand) = &operand {
        text += &format!(" {}", operand.text);
    }
    let mut conditions = Vec::with_capacity(whens.len());
    let mut results = Vec::with_capacity(whens.len() + 1);
    let mut positions = Vec::with_capacity(whens.len() + 1);
    for when in whens {
        let condition = binder.bind(&when.condition)?;
        let result = binder.bind(&when.result)?;
        text += &format!(" WHEN {} THEN {}", condition.text, result.text);
        conditions.push(match &operand {
            Some(operand) => compare::bind(operand.clone(), Operator::Eq, condition)
                .map_err(|e| e.at(position_of(&when.condition)))?,
            None => require_boolean(condition, "CASE WHEN", &when.condition)?,
        });
        results.push(result);
        positions.push(position_of(&when.result));
    }
    if let Some(otherwise) = otherwise {
        let result = binder.bind(otherwise)?;
        text += &format!(" ELSE {}", result.text);
        results.push(result);
        positions.push(position_of(otherwise));
    }
    text += " END";
    let (mut results, ty) = unify(results, &positions)?;
    let Some(ty) = ty else {
        return Err(SqlError::new(sqlstate::DATATYPE_MISMATCH, "all branches of CASE are NULL")
            .hint("add a CAST to one of the NULLs"));
    };
    let otherwise = if results.len() > conditions.len() { results.pop() } else { None };
    let branches = conditions.into_iter().zip(results).map(|(c, r)| (c.expr, r.expr)).collect();
    let case = CaseExpr::try_new(None, branches, otherwise.map(|r| r.expr)).map_err(SqlError::internal)?;
    Ok(Bound { expr: fold(Arc::new(case)), ty: Some(ty), text })
}
