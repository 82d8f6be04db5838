//! The expression binder: sqlparser's syntax tree to typed DataFusion [`PhysicalExpr`]s.
//!
//! Types, names, NULL and errors are ksqlDB's (dialect 10.1), so the binder is ours; the work on columns is done by
//! DataFusion's kernels where they mean the same and by own nodes where they do not: decimals ([`decimal`]), casts
//! and patterns ([`convert`]), and what must not fail on rows that are not asked ([`lazy`]).
//!
//! **A row that fails makes its batch fail.** `evaluate` gives an error and never a silent NULL or a wrapped
//! number; the engine finds the row by bisection, makes its column NULL and logs the text. Hence an operand must not
//! be evaluated on rows where it does not matter: `x <> 0 AND 10 / x > 1` is fine for x = 0.
//!
//! Every expression has a normal text. Two expressions with the same text mean the same, which is how GROUP BY
//! expressions are found in SELECT ([`Grouping`]).

mod arithmetic;
mod binder;
mod call;
mod case;
mod compare;
mod constant;
mod convert;
mod decimal;
mod exploding;
mod grouping;
mod in_list;
mod lambda;
mod lazy;
mod literal;
mod names;
mod nested;
#[cfg(test)]
mod nested_tests;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use sqlparser::ast::Expr;

use crate::sql::{SqlError, SqlType, position_of, sqlstate};

pub use call::contains_aggregate;
pub use constant::{evaluate_constant, literal_value};
pub use convert::{cast, coerce};
pub use exploding::Exploding;
pub use grouping::{BoundCall, Grouping};
pub use nested::{all_fields, field_name, field_of};

/// The columns that an expression can name. Their order is that of the input batch.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub columns: Vec<ScopeColumn>,
    /// Custom types, for CAST.
    pub types: Arc<BTreeMap<String, SqlType>>,
}

#[derive(Debug, Clone)]
pub struct ScopeColumn {
    /// The source's name or alias.
    pub qualifier: Option<String>,
    pub name: String,
    pub ty: SqlType,
    pub key: bool,
}

impl Scope {
    fn schema(&self) -> Schema {
        let field = |column: &ScopeColumn| Field::new(&column.name, column.ty.arrow(), true);
        Schema::new(self.columns.iter().map(field).collect::<Vec<_>>())
    }
}

/// An expression with its type.
#[derive(Debug, Clone)]
pub struct Bound {
    pub expr: Arc<dyn PhysicalExpr>,
    /// None: the literal NULL, which takes any type.
    pub ty: Option<SqlType>,
    /// Normalised SQL.
    pub text: String,
}

impl Bound {
    /// The value, where the expression is constant.
    pub fn constant(&self) -> Option<&ScalarValue> {
        self.expr.downcast_ref::<Literal>().map(Literal::value)
    }

    /// `X (INTEGER)`, for errors.
    fn described(&self) -> String {
        match &self.ty {
            Some(ty) => format!("{} ({ty})", self.text),
            None => self.text.clone(),
        }
    }
}

/// Binds an expression without aggregates.
///
/// Errors: what is wrong with it, with its place in the text.
pub fn bind(expr: &Expr, scope: &Scope) -> Result<Bound, SqlError> {
    binder::bind(expr, &mut scope::ScopeNames::new(scope))
}

/// Binds a condition. `clause` is its name for errors, such as `WHERE`.
pub fn bind_boolean(expr: &Expr, scope: &Scope, clause: &str) -> Result<Bound, SqlError> {
    require_boolean(bind(expr, scope)?, clause, expr)
}

fn require_boolean(bound: Bound, clause: &str, expr: &Expr) -> Result<Bound, SqlError> {
    match bound.ty {
        Some(SqlType::Boolean) => Ok(bound),
        None => coerce(bound, SqlType::Boolean),
        Some(_) => Err(SqlError::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("argument of {clause} must be of type BOOLEAN, not {}", bound.described()),
        )
        .at(position_of(expr))),
    }
}
