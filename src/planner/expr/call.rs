//! Calls of functions.

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::Field;
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ScalarUDF, ScalarUDFImpl};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, visit_expressions};

use super::binder::{Binder, unsupported};
use super::constant::fold;
use super::convert::unite;
use super::{Bound, lambda, lazy, literal, nested, position_of};
use crate::functions::{aggregate, scalar, table};
use crate::sql::{SqlError, SqlType, sqlstate};

static OPTIONS: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| Arc::new(ConfigOptions::default()));

/// Whether an aggregate function is called anywhere in the expression.
pub fn contains_aggregate(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |e| match e {
        Expr::Function(call) if aggregate::find(&name_of(call)).is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

pub fn bind(binder: &mut Binder<'_>, call: &Function, whole: &Expr) -> Result<Bound, SqlError> {
    let name = name_of(call);
    match name.as_str() {
        "STRUCT" => return nested::structure(binder, call, whole),
        "MAP" => return nested::map(binder, call, whole),
        _ => {}
    }
    if aggregate::find(&name).is_some() {
        return binder.names.aggregate(call, position_of(whole));
    }
    if let Some(function) = table::find(&name) {
        return binder.names.table_function(function, call, position_of(whole));
    }
    let args = arguments(call, whole)?;
    let Some(args) = args else { return Err(scalar::unknown(&format!("{name}(*)"))) };
    scalar(binder, &name, &args)
}

/// A scalar function on argument expressions.
pub fn scalar(binder: &mut Binder<'_>, name: &str, args: &[&Expr]) -> Result<Bound, SqlError> {
    if args.iter().any(|arg| lambda::parts(arg).is_some()) {
        return lambda::bind(binder, name, args);
    }
    let argument = |(i, arg): (usize, &&Expr)| match scalar::takes_unit(name, i) {
        true => unit(name, arg),
        false => binder.bind(arg),
    };
    apply(name, args.iter().enumerate().map(argument).collect::<Result<_, _>>()?)
}

/// A scalar function on arguments that are bound.
pub fn apply(name: &str, bound: Vec<Bound>) -> Result<Bound, SqlError> {
    let types: Vec<_> = bound.iter().map(|arg| arg.ty.clone()).collect();
    let resolved = scalar::resolve(name, &types)?;
    let constants: Vec<_> = bound
        .iter()
        .map(|arg| match arg.constant() {
            Some(ScalarValue::Utf8(Some(text))) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    scalar::check_constants(resolved.function.name, &constants)
        .map_err(|e| SqlError::new(sqlstate::INVALID_PARAMETER, e))?;
    let texts: Vec<_> = bound.iter().map(|arg| arg.text.as_str()).collect();
    let text = format!("{}({})", resolved.function.name, texts.join(", "));
    let mut converted = Vec::with_capacity(bound.len());
    for (arg, ty) in bound.into_iter().zip(&resolved.params) {
        let arg = unite(arg, ty.clone())?;
        converted.push(if resolved.function.takes_failures {
            lazy::null_on_failure(arg.expr, ty.arrow())
        } else {
            arg.expr
        });
    }
    let expr = function_expr(resolved.function.name, resolved.udf, converted, resolved.returns.clone());
    Ok(Bound { expr: fold(expr), ty: Some(resolved.returns), text })
}

/// A bare word that names a unit of time.
fn unit(name: &str, arg: &Expr) -> Result<Bound, SqlError> {
    let unit = match arg {
        Expr::Identifier(word) if word.quote_style.is_none() => scalar::unit(&word.value),
        _ => None,
    };
    let unit = unit.ok_or_else(|| {
        let units: Vec<_> = scalar::UNITS.iter().map(|(unit, _)| *unit).collect();
        SqlError::new(sqlstate::INVALID_PARAMETER, format!("function {name} needs a unit of time here"))
            .hint(format!("units are the words {}", units.join(", ")))
            .at(position_of(arg))
    })?;
    Ok(Bound { text: unit.to_owned(), ..literal::string(unit) })
}

/// The argument expressions; None for `f(*)`.
pub fn arguments<'a>(call: &'a Function, whole: &Expr) -> Result<Option<Vec<&'a Expr>>, SqlError> {
    let plain = call.over.is_none()
        && call.filter.is_none()
        && call.null_treatment.is_none()
        && call.within_group.is_empty()
        && matches!(call.parameters, FunctionArguments::None);
    let list = match &call.args {
        FunctionArguments::List(list) => list,
        // CURRENT_TIMESTAMP and its like stand without parentheses.
        FunctionArguments::None if plain => return Ok(Some(Vec::new())),
        _ => return Err(unsupported(whole)),
    };
    if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return Err(unsupported(whole));
    }
    let mut args = Vec::with_capacity(list.args.len());
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if list.args.len() == 1 => return Ok(None),
            _ => return Err(unsupported(whole)),
        }
    }
    Ok(Some(args))
}

/// The function's name in upper case; one with a schema before it is no name of ours.
pub fn name_of(call: &Function) -> String {
    call.name.to_string().trim_matches(['`', '"']).to_uppercase()
}

/// A node of our own as a DataFusion function, which does the bookkeeping of expressions.
pub fn udf_expr(
    function: impl ScalarUDFImpl + 'static,
    args: Vec<Arc<dyn PhysicalExpr>>,
    ty: SqlType,
) -> Arc<dyn PhysicalExpr> {
    let udf = ScalarUDF::new_from_impl(function);
    let name = udf.name().to_owned();
    function_expr(&name, Arc::new(udf), args, ty)
}

fn function_expr(
    name: &str,
    udf: Arc<ScalarUDF>,
    args: Vec<Arc<dyn PhysicalExpr>>,
    ty: SqlType,
) -> Arc<dyn PhysicalExpr> {
    let field = Arc::new(Field::new(name, ty.arrow(), true));
    Arc::new(ScalarFunctionExpr::new(name, udf, args, field, OPTIONS.clone()))
}
