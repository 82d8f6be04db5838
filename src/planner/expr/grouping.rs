//! Expressions of a query with GROUP BY, split at the aggregate: what is computed before it (grouping expressions and
//! arguments) and what over its output (the rest of each SELECT item and of HAVING).
//!
//! ```text
//!   SELECT UCASE(city), SUM(price) / COUNT(*) … GROUP BY UCASE(city)
//!
//!   source scope:  UCASE(city), price         -> aggregate SUM(price), COUNT(*)
//!   output scope:  #0 group, #1 sum, #2 count -> #0, #1 / #2
//! ```

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::physical_expr::expressions::{Column, Literal};
use sqlparser::ast::{Expr, Function};

use super::call::{arguments, contains_aggregate, name_of};
use super::convert::coerce;
use super::names::Names;
use super::scope::{ScopeNames, column_text, find};
use super::{Bound, Scope, binder, position_of};
use crate::functions::aggregate::{self, AggregateFunction};
use crate::sql::{Position, SqlError, SqlType, quote_ident as quoted, sqlstate};

/// A GROUP BY and the aggregate calls found so far.
#[derive(Debug)]
pub struct Grouping {
    /// Over the source scope.
    pub group_by: Vec<Bound>,
    /// A column's own name; `KSQL_COL_<n>` for the n-th expression, as long as nobody gives it an alias.
    pub group_names: Vec<String>,
    /// Distinct calls, in the order they were found.
    pub calls: Vec<BoundCall>,
    source: Scope,
    windowed: bool,
}

/// A call of an aggregate function with its arguments over the source scope.
#[derive(Debug, Clone)]
pub struct BoundCall {
    pub function: Arc<dyn AggregateFunction>,
    pub args: Vec<Bound>,
    pub return_type: SqlType,
    pub text: String,
}

impl Grouping {
    /// Binds the grouping expressions.
    ///
    /// Errors: what is wrong with them; aggregates in them; constants, which group nothing.
    pub fn new(group_by: &[Expr], source: &Scope, windowed: bool) -> Result<Self, SqlError> {
        let mut bound = Vec::with_capacity(group_by.len());
        let mut names = Vec::with_capacity(group_by.len());
        for (i, expr) in group_by.iter().enumerate() {
            let item = binder::bind(expr, &mut ScopeNames::new(source))?;
            if item.ty.is_none() || item.expr.is::<Literal>() {
                return Err(SqlError::new(
                    sqlstate::GROUPING_ERROR,
                    format!("cannot group by the constant {}", item.text),
                )
                .hint("name columns; positions in SELECT are not taken")
                .at(position_of(expr)));
            }
            names.push(match item.expr.downcast_ref::<Column>() {
                Some(column) => column.name().to_owned(),
                None => format!("KSQL_COL_{i}"),
            });
            bound.push(item);
        }
        Ok(Self { group_by: bound, group_names: names, calls: Vec::new(), source: source.clone(), windowed })
    }

    /// Binds an expression of SELECT or HAVING over the output: grouping columns, `WINDOWSTART` and `WINDOWEND` where there is
    /// a window, then one column a call. Calls that are new are added.
    ///
    /// Errors: a column that is neither grouped nor in an aggregate; nested aggregates.
    pub fn bind(&mut self, expr: &Expr) -> Result<Bound, SqlError> {
        binder::bind(expr, self)
    }

    fn bounds(&self) -> usize {
        if self.windowed { 2 } else { 0 }
    }

    fn group_column(&self, index: usize) -> Option<Bound> {
        let (group, name) = (self.group_by.get(index)?, self.group_names.get(index)?);
        Some(Bound {
            expr: Arc::new(Column::new(name, index)),
            ty: group.ty.clone(),
            text: group.text.clone(),
        })
    }
}

impl Names for Grouping {
    fn whole(&mut self, expr: &Expr) -> Result<Option<Bound>, SqlError> {
        // Columns are looked up below, where they get their own errors.
        if matches!(
            expr,
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Nested(_)
        ) || self.group_by.iter().all(|group| group.expr.is::<Column>())
            || contains_aggregate(expr)
        {
            return Ok(None);
        }
        let Ok(bound) = binder::bind(expr, &mut ScopeNames::new(&self.source)) else { return Ok(None) };
        let index = self.group_by.iter().position(|group| group.text == bound.text);
        Ok(index.and_then(|index| self.group_column(index)))
    }

    fn column(
        &mut self,
        qualifier: Option<&str>,
        name: &str,
        at: Option<Position>,
    ) -> Result<Bound, SqlError> {
        let bound = match (self.windowed && qualifier.is_none(), name) {
            (true, "WINDOWSTART") => Some(self.group_by.len()),
            (true, "WINDOWEND") => Some(self.group_by.len() + 1),
            _ => None,
        };
        if let Some(index) = bound {
            let text = name.to_owned();
            return Ok(Bound { expr: Arc::new(Column::new(name, index)), ty: Some(SqlType::BigInt), text });
        }
        let index = find(&self.source, qualifier, name).map_err(|e| match name {
            "WINDOWSTART" | "WINDOWEND" => e.hint("only a query with WINDOW has window bounds").at(at),
            _ => e.at(at),
        })?;
        let text = column_text(&self.source, index);
        let group = self.group_by.iter().position(|group| group.text == text);
        group.and_then(|group| self.group_column(group)).ok_or_else(|| {
            SqlError::new(
                sqlstate::GROUPING_ERROR,
                format!(
                    "column {} must appear in the GROUP BY clause or be used in an aggregate function",
                    quoted(name)
                ),
            )
            .at(at)
        })
    }

    fn aggregate(&mut self, call: &Function, at: Option<Position>) -> Result<Bound, SqlError> {
        let new = bind_call(call, &self.source).map_err(|e| e.at(at))?;
        let known = self.calls.iter().position(|old| old.text == new.text);
        let (text, return_type) = (new.text.clone(), new.return_type.clone());
        let index = known.unwrap_or_else(|| {
            self.calls.push(new);
            self.calls.len() - 1
        });
        let index = self.group_by.len() + self.bounds() + index;
        Ok(Bound { expr: Arc::new(Column::new(&text, index)), ty: Some(return_type), text })
    }

    fn custom_type(&self, name: &str) -> Option<SqlType> {
        self.source.types.get(name).cloned()
    }

    fn schema(&self) -> Schema {
        let groups = self.group_by.iter().zip(&self.group_names);
        let groups = groups.map(|(group, name)| (name.as_str(), group.ty.clone().unwrap_or(SqlType::String)));
        let bounds =
            ["WINDOWSTART", "WINDOWEND"].into_iter().take(self.bounds()).map(|name| (name, SqlType::BigInt));
        let calls = self.calls.iter().map(|call| (call.text.as_str(), call.return_type.clone()));
        let fields = groups.chain(bounds).chain(calls).map(|(name, ty)| Field::new(name, ty.arrow(), true));
        Schema::new(fields.collect::<Vec<_>>())
    }
}

fn bind_call(call: &Function, source: &Scope) -> Result<BoundCall, SqlError> {
    let name = name_of(call);
    let function =
        aggregate::find(&name).ok_or_else(|| SqlError::internal(format!("no aggregate {name}")))?.clone();
    let whole = Expr::Function(call.clone());
    let exprs = arguments(call, &whole)?;
    let star = exprs.is_none();
    let mut args = Vec::new();
    for expr in exprs.unwrap_or_default() {
        let arg = binder::bind(expr, &mut ScopeNames::in_aggregate(source))?;
        // COUNT(NULL) counts nothing, whatever NULL's type.
        args.push(if arg.ty.is_none() && name == "COUNT" { coerce(arg, SqlType::String)? } else { arg });
    }
    let texts: Vec<_> = args.iter().map(|arg| arg.text.as_str()).collect();
    let shown = if args.is_empty() { "*".to_owned() } else { texts.join(", ") };
    let text = format!("{name}({shown})");
    if name == "COUNT" && matches!(args.as_slice(), [arg] if arg.constant().is_some_and(|v| !v.is_null())) {
        // COUNT(1) is COUNT(*): no column is carried for it.
        args.clear();
    }
    let types: Option<Vec<_>> = args.iter().map(|arg| arg.ty.clone()).collect();
    let missing = || {
        let types: Vec<_> =
            args.iter().map(|arg| arg.ty.clone().map_or("NULL".to_owned(), |ty| ty.to_string())).collect();
        let types = if star { "*".to_owned() } else { types.join(", ") };
        SqlError::new(sqlstate::UNDEFINED_FUNCTION, format!("function {name}({types}) does not exist"))
            .hint(format!("the function is there as {}", function.signatures().join(", ")))
    };
    let types = types.ok_or_else(missing)?;
    if star && name != "COUNT" {
        return Err(missing());
    }
    if let Some(return_type) = function.return_type(&types) {
        return Ok(BoundCall { function, args, return_type, text });
    }
    // Implicit widening: AVG of a DECIMAL is that of a DOUBLE.
    let wide = vec![SqlType::Double; types.len()];
    match function.return_type(&wide) {
        Some(return_type) if types.iter().all(|ty| ty.is_numeric()) => {
            let args = args.into_iter().map(|arg| coerce(arg, SqlType::Double)).collect::<Result<_, _>>()?;
            Ok(BoundCall { function, args, return_type, text })
        }
        _ => Err(missing()),
    }
}
