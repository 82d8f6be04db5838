//! Calls: overload choice, constant arguments, and what makes the states of a call.

use std::fmt;
use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::{Accumulator, AggregateFunction};
use crate::functions::scalar::signature::{self, Fit, Signature};
use crate::sql::{SqlError, SqlType, sqlstate};

/// An argument as the caller knows it.
#[derive(Debug, Clone, Default)]
pub struct Argument {
    /// None: the literal NULL.
    pub ty: Option<SqlType>,
    /// The value of a literal, which some parameters ask for: how many values to keep, for example.
    pub constant: Option<ScalarValue>,
}

/// What a query's settings and its source say about its aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Values that COLLECT_LIST keeps (`ksql.functions.collect_list.limit`); those that come later are left out.
    pub collect_list_max: usize,
    /// Values that COLLECT_SET keeps (`ksql.functions.collect_set.limit`).
    pub collect_set_max: usize,
    /// Rows are taken out again: the source is a table.
    pub over_table: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { collect_list_max: COLLECTED_MAX, collect_set_max: COLLECTED_MAX, over_table: false }
    }
}

/// What a group collects where no setting says less. A list is written whole each time it changes.
pub const COLLECTED_MAX: usize = 100_000;

/// The overload of a call, with its arguments as the function is to see them.
#[derive(Debug)]
pub struct Overload<'a> {
    /// Its place among the function's signatures.
    pub index: usize,
    /// Types of the columns, converted.
    pub columns: &'a [SqlType],
    /// Values of the constants behind them, of the parameters' types.
    pub constants: &'a [ScalarValue],
    /// The result's type as the signature says.
    pub returns: SqlType,
    pub options: Options,
}

/// What a function makes of a call.
pub struct Built {
    pub returns: SqlType,
    pub make: Factory,
}

/// Makes the states of one call. What all states of a call share is made once, and held here.
#[derive(Clone)]
pub struct Factory(Arc<dyn Fn() -> Box<dyn Accumulator> + Send + Sync>);

impl Factory {
    pub fn new<A: Accumulator + 'static>(make: impl Fn() -> A + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::new(make())))
    }

    pub fn boxed(make: impl Fn() -> Box<dyn Accumulator> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub fn make(&self) -> Box<dyn Accumulator> {
        (self.0)()
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Factory")
    }
}

/// A call whose overload is chosen.
#[derive(Debug, Clone)]
pub struct ResolvedAggregate {
    /// What the first arguments are to be converted to: columns of the aggregate's input. The arguments behind them are
    /// constants, and no columns.
    pub columns: Vec<SqlType>,
    pub returns: SqlType,
    pub make: Factory,
}

/// A call of an aggregate with its argument columns resolved.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    pub function: Arc<dyn AggregateFunction>,
    /// Columns of the aggregate's input edge, with their types.
    pub args: Vec<(usize, SqlType)>,
    pub return_type: SqlType,
    pub make: Factory,
    /// As written, for EXPLAIN.
    pub text: String,
}

/// Chooses the overload of a call, as for scalar functions: the closest by conversions.
///
/// Errors: no overload that fits; a constant that is none, or out of range; a function that cannot take rows out again
/// over a table.
pub fn resolve(
    function: &Arc<dyn AggregateFunction>,
    args: &[Argument],
    options: Options,
) -> Result<ResolvedAggregate, SqlError> {
    if options.over_table && !function.retracts() {
        return Err(SqlError::new(
            sqlstate::NOT_SUPPORTED,
            format!("{} cannot be used over a table", function.name()),
        )
        .detail("a row of a table replaces an older one, which this function cannot take out again")
        .hint("declare a stream over the table's topic to aggregate its changes"));
    }
    let mut best: Option<(Chosen, (bool, bool, u32, u32))> = None;
    for (index, text) in function.signatures().iter().enumerate() {
        let Ok(signature) = signature::parse(text) else { continue };
        let Some((chosen, cost)) = fit(function, index, &signature, args) else { continue };
        if best.as_ref().is_none_or(|(_, least)| cost < *least) {
            best = Some((chosen, cost));
        }
    }
    let Some((chosen, _)) = best else { return Err(undefined(function, args)) };
    let mut constants = Vec::new();
    for (arg, (name, ty)) in
        args.get(chosen.columns.len()..).unwrap_or_default().iter().zip(&chosen.constants)
    {
        let value = arg.constant.as_ref().filter(|value| !value.is_null());
        let Some(value) = value.and_then(|value| value.cast_to(&ty.arrow()).ok()).filter(|v| !v.is_null())
        else {
            return Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("parameter {name} of {} must be a constant", function.name()),
            )
            .hint(format!("write a literal of type {ty}")));
        };
        constants.push(value);
    }
    let columns = chosen.columns;
    let overload = Overload {
        index: chosen.index,
        columns: &columns,
        constants: &constants,
        returns: chosen.returns,
        options,
    };
    let Built { returns, make } =
        function.build(&overload).map_err(|e| SqlError::new(sqlstate::INVALID_PARAMETER, e))?;
    Ok(ResolvedAggregate { columns, returns, make })
}

/// A signature that fits a call.
struct Chosen {
    index: usize,
    columns: Vec<SqlType>,
    /// Names and types of the constant parameters.
    constants: Vec<(String, SqlType)>,
    returns: SqlType,
}

fn fit(
    function: &Arc<dyn AggregateFunction>,
    index: usize,
    signature: &Signature,
    args: &[Argument],
) -> Option<(Chosen, (bool, bool, u32, u32))> {
    // Columns of any type between the first and the constants are no part of the signature.
    let extra =
        if function.takes_more_columns() { args.len().checked_sub(signature.params.len())? } else { 0 };
    let (first, rest) = args.split_at_checked(usize::from(extra > 0))?;
    let (more, rest) = rest.split_at_checked(extra)?;
    let types: Vec<Option<SqlType>> = first.iter().chain(rest).map(|arg| arg.ty.clone()).collect();
    if types.len() > signature.params.len() {
        return None;
    }
    let Fit { params, bindings, cost } = signature.fit(&types)?;
    let mut params: Vec<SqlType> = params.into_iter().collect::<Option<_>>()?;
    // Where the signature does not say (ARRAY<DECIMAL>), `build` does.
    let returns = signature.result(&params, &bindings).or_else(|| params.first().cloned())?;
    let first_constant = params.len().checked_sub(function.constants(index))?;
    let constants = params.split_off(first_constant);
    let names = signature.params.iter().skip(first_constant).map(|param| param.name.clone());
    let constants = names.zip(constants).collect();
    let more: Vec<SqlType> = more.iter().map(|arg| arg.ty.clone()).collect::<Option<_>>()?;
    let at = params.len().min(1);
    params.splice(at..at, more);
    Some((Chosen { index, columns: params, constants, returns }, cost))
}

/// The error of a call that no overload fits.
pub fn undefined(function: &Arc<dyn AggregateFunction>, args: &[Argument]) -> SqlError {
    let types: Vec<_> =
        args.iter().map(|arg| arg.ty.as_ref().map_or("NULL".to_owned(), SqlType::to_string)).collect();
    let name = function.name();
    let types = if types.is_empty() { "*".to_owned() } else { types.join(", ") };
    SqlError::new(sqlstate::UNDEFINED_FUNCTION, format!("function {name}({types}) does not exist"))
        .hint(format!("the function is there as {}", super::signatures(function.as_ref()).join(", ")))
}

/// A constant that says how many: from 1 on.
pub fn count(overload: &Overload<'_>, i: usize, name: &str) -> Result<Option<usize>, String> {
    match overload.constants.get(i) {
        None => Ok(None),
        Some(ScalarValue::Int32(Some(n))) if (1..=COUNT_MAX).contains(n) => Ok(usize::try_from(*n).ok()),
        Some(value) => Err(format!("{name} must lie between 1 and {COUNT_MAX}, not be {value}")),
    }
}

/// The most values that a parameter can ask for.
const COUNT_MAX: i32 = 100_000;

/// A constant BOOLEAN.
pub fn flag(overload: &Overload<'_>, i: usize) -> Option<bool> {
    match overload.constants.get(i) {
        Some(ScalarValue::Boolean(flag)) => *flag,
        _ => None,
    }
}
