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
use datafusion::physical_expr::expressions::Column;
use sqlparser::ast::{DuplicateTreatment, Expr, Function, FunctionArguments};

use super::call::{arguments, contains_aggregate, name_of};
use super::convert::coerce;
use super::names::Names;
use super::nested::field_name;
use super::scope::{ScopeNames, column_text, find};
use super::{Bound, Scope, binder, position_of};
use crate::functions::aggregate::{self, AggregateFunction, Argument, Factory, Options};
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
    options: Options,
}

/// A call of an aggregate function with its arguments over the source scope.
#[derive(Debug, Clone)]
pub struct BoundCall {
    pub function: Arc<dyn AggregateFunction>,
    pub args: Vec<Bound>,
    pub return_type: SqlType,
    pub make: Factory,
    pub text: String,
}

impl Grouping {
    /// Binds the grouping expressions.
    ///
    /// Errors: what is wrong with them; aggregates in them; one twice; NULL, which groups nothing.
    pub fn new(
        group_by: &[Expr],
        source: &Scope,
        windowed: bool,
        options: Options,
    ) -> Result<Self, SqlError> {
        let mut bound = Vec::with_capacity(group_by.len());
        let mut names = Vec::with_capacity(group_by.len());
        for (i, expr) in group_by.iter().enumerate() {
            let item = binder::bind(expr, &mut ScopeNames::new(source))?;
            if item.ty.is_none() {
                return Err(
                    SqlError::new(sqlstate::GROUPING_ERROR, "cannot group by NULL").at(position_of(expr))
                );
            }
            if bound.iter().any(|known: &Bound| known.text == item.text) {
                return Err(SqlError::new(
                    sqlstate::GROUPING_ERROR,
                    format!("GROUP BY names {} twice", item.text),
                )
                .at(position_of(expr)));
            }
            names.push(match item.expr.downcast_ref::<Column>() {
                Some(column) => column.name().to_owned(),
                None => field_name(expr).map_or_else(|| format!("KSQL_COL_{i}"), str::to_owned),
            });
            bound.push(item);
        }
        let source = source.clone();
        Ok(Self { group_by: bound, group_names: names, calls: Vec::new(), source, windowed, options })
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
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Nested(_))
            || self.group_by.iter().all(|group| group.expr.is::<Column>())
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
        let of_source = |q: &str| self.source.columns.iter().any(|c| c.qualifier.as_deref() == Some(q));
        let bound = match (self.windowed && qualifier.is_none_or(of_source), name) {
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
        let new = bind_call(call, &self.source, self.options).map_err(|e| e.at(at))?;
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

fn bind_call(call: &Function, source: &Scope, options: Options) -> Result<BoundCall, SqlError> {
    let name = name_of(call);
    let missing = || SqlError::internal(format!("no aggregate {name}"));
    let whole = Expr::Function(call.clone());
    let form = Form::of(call);
    let function = match form {
        Form::Distinct(_) => aggregate::find_distinct(&name)
            .ok_or_else(|| SqlError::not_supported(format!("{name} with DISTINCT")))?,
        _ => aggregate::find(&name).ok_or_else(missing)?,
    };
    let plain = form.plain().unwrap_or(call);
    let exprs = arguments(plain, &whole)?;
    let star = exprs.is_none();
    let mut args = Vec::new();
    let ordered = form.order().into_iter();
    for expr in ordered.chain(exprs.unwrap_or_default()) {
        let arg = binder::bind(expr, &mut ScopeNames::in_aggregate(source))?;
        // COUNT(NULL) counts nothing, whatever NULL's type.
        args.push(if arg.ty.is_none() && name == "COUNT" { coerce(arg, SqlType::String)? } else { arg });
    }
    let texts: Vec<_> = args.iter().map(|arg| arg.text.as_str()).collect();
    let shown = if args.is_empty() { "*".to_owned() } else { texts.join(", ") };
    let distinct = if matches!(form, Form::Distinct(_)) { "DISTINCT " } else { "" };
    let text = format!("{name}({distinct}{shown})");
    let is_constant = |arg: &Bound| arg.constant().is_some_and(|value| !value.is_null());
    if name == "COUNT" && distinct.is_empty() && matches!(args.as_slice(), [arg] if is_constant(arg)) {
        // COUNT(1) is COUNT(*): no column is carried for it.
        args.clear();
    }
    let typed: Vec<Argument> =
        args.iter().map(|arg| Argument { ty: arg.ty.clone(), constant: arg.constant().cloned() }).collect();
    if star && name != "COUNT" {
        return Err(aggregate::undefined(function, &[]));
    }
    let resolved = aggregate::resolve(function, &typed, options)?;
    let columns = args.into_iter().zip(resolved.columns);
    let args = columns.map(|(arg, ty)| coerce(arg, ty)).collect::<Result<_, _>>()?;
    let (return_type, make) = (resolved.returns, resolved.make);
    Ok(BoundCall { function: function.clone(), args, return_type, make, text })
}

/// The forms of a call beyond the plain one.
enum Form<'a> {
    Plain,
    /// `f(DISTINCT x)`, with the call without the word.
    Distinct(Box<Function>),
    /// `f(x) WITHIN GROUP (ORDER BY y)`, with the call without that clause.
    Ordered(&'a Expr, Box<Function>),
}

impl<'a> Form<'a> {
    fn of(call: &'a Function) -> Self {
        if let FunctionArguments::List(list) = &call.args
            && list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
        {
            let mut plain = call.clone();
            if let FunctionArguments::List(list) = &mut plain.args {
                list.duplicate_treatment = None;
            }
            return Form::Distinct(Box::new(plain));
        }
        match call.within_group.as_slice() {
            [order] if order.options.asc != Some(false) && order.with_fill.is_none() => {
                let plain = Function { within_group: Vec::new(), ..call.clone() };
                Form::Ordered(&order.expr, Box::new(plain))
            }
            _ => Form::Plain,
        }
    }

    fn plain(&self) -> Option<&Function> {
        match self {
            Form::Plain => None,
            Form::Distinct(plain) | Form::Ordered(_, plain) => Some(plain),
        }
    }

    /// What comes before the arguments.
    fn order(&self) -> Option<&'a Expr> {
        match self {
            Form::Ordered(order, _) => Some(order),
            _ => None,
        }
    }
}
