//! Functions that take lambdas: TRANSFORM, FILTER and REDUCE.
//!
//! The body of a lambda is evaluated a batch at a time: TRANSFORM and FILTER lay the elements of all rows side by side and
//! ask once; REDUCE goes from position to position and asks about all rows that are that long. A column from outside of the
//! lambda is repeated for each element by the number of its row.

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{filter, interleave, take};
use arrow::datatypes::Field;
use arrow::row::{RowConverter, SortField};
use std::collections::HashMap;
use std::sync::Arc;

use super::signature::{Bindings, Kernel, Pattern};
use super::{Args, Overload, ScalarFunction, Signature, entry, signatures, unknown};
use crate::functions::nested::map_of;
use crate::functions::types::widening;
use crate::sql::{SqlError, SqlType, sqlstate};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "FILTER",
        summary: "The elements or entries for which a lambda is true",
        overloads: &[
            Overload::new("(array ARRAY<T>, function (T) => BOOLEAN) -> ARRAY<T>", filter_array),
            Overload::new("(map MAP<K, V>, biFunction (K, V) => BOOLEAN) -> MAP<K, V>", filter_map),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REDUCE",
        summary: "The last state of a lambda that takes a state and an element and gives the next state",
        overloads: &[
            Overload::new("(list ARRAY<T>, initialState S, biFunction (S, T) => S) -> S", reduce_array),
            Overload::new("(map MAP<K, V>, initialState S, triFunction (S, K, V) => S) -> S", reduce_map),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TRANSFORM",
        summary: "What a lambda makes of each element, or two lambdas of each key and each value",
        overloads: &[
            Overload::new("(array ARRAY<T>, function (T) => R) -> ARRAY<R>", transform_array),
            Overload::new(
                "(map MAP<K, V>, biFunction1 (K, V) => R, biFunction2 (K, V) => T) -> MAP<R, T>",
                transform_map,
            ),
        ],
        takes_failures: false,
    },
];

/// The body of a lambda in a call.
pub trait Lambda: fmt::Debug {
    /// Evaluates the body for each element. `params` are the values of the lambda's parameters, one an element; `rows` is the
    /// row of the call that each element belongs to.
    ///
    /// Errors: the text of the first element that fails.
    fn call(&self, params: Vec<ArrayRef>, rows: &UInt32Array) -> Result<ArrayRef, String>;
}

/// An argument as a call gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// None: the literal NULL.
    Value(Option<SqlType>),
    /// With its number of parameters.
    Lambda(usize),
}

/// An overload that fits a call with lambdas.
#[derive(Debug)]
pub struct ResolvedLambdas {
    pub function: &'static ScalarFunction,
    pub kernel: Kernel,
    /// What each argument, or the result of each lambda, is to be converted to.
    pub args: Vec<SqlType>,
    pub returns: SqlType,
}

/// Chooses the overload for a call with lambdas. `body` binds the lambda of an argument for parameters of these types and gives
/// the type of its result; where a result widens what the lambda takes, as in a REDUCE of BIGINTs from an INTEGER, it is asked again.
///
/// Errors: no such function, no overload that fits, what is wrong in a body.
pub fn resolve(
    name: &str,
    given: &[Given],
    body: &mut dyn FnMut(usize, &[SqlType]) -> Result<SqlType, SqlError>,
) -> Result<ResolvedLambdas, SqlError> {
    let Some(entry) = entry(name) else { return Err(unknown(name)) };
    let function = entry.function;
    let fitting = entry.overloads.iter().find_map(|(s, o)| Some((s, *o, bindings(s, given)?)));
    let Some((signature, overload, mut bindings)) = fitting else {
        let shown: Vec<_> = given.iter().map(Given::to_string).collect();
        let message = format!("function {}({}) does not exist", function.name, shown.join(", "));
        return Err(SqlError::new(sqlstate::UNDEFINED_FUNCTION, message)
            .hint(format!("the function is there as {}", signatures(function).join(", "))));
    };
    let not_known = || {
        SqlError::new(sqlstate::DATATYPE_MISMATCH, format!("the types in {} are not known", function.name))
            .hint("add a CAST to the NULL")
    };
    // Types only widen, along INT, BIGINT, DECIMAL, DOUBLE: this ends soon.
    for _ in 0..6 {
        let before = bindings.clone();
        for (i, param) in signature.params.iter().enumerate() {
            let Pattern::Lambda(params, result) = &param.pattern else { continue };
            let types: Option<Vec<_>> = params.iter().map(|p| p.resolve(&bindings)).collect();
            let found = body(i, &types.ok_or_else(not_known)?)?;
            let wanted = match result.as_ref() {
                Pattern::Var(var) => bindings.get(*var).cloned(),
                pattern => pattern.resolve(&bindings),
            };
            let fits = match (result.as_ref(), &wanted) {
                (Pattern::Var(var), _) => bindings.unite(*var, &found).is_some(),
                (_, Some(wanted)) => widening(&found, wanted).is_some(),
                _ => false,
            };
            if !fits {
                let wanted = wanted.map_or("another type".to_owned(), |ty| ty.to_string());
                let message =
                    format!("the lambda of {} gives {found}, but {wanted} was expected", function.name);
                return Err(SqlError::new(sqlstate::DATATYPE_MISMATCH, message));
            }
        }
        if bindings.same(&before) {
            break;
        }
    }
    let resolved = |pattern: &Pattern| match pattern {
        Pattern::Lambda(_, result) => result.resolve(&bindings),
        pattern => pattern.resolve(&bindings),
    };
    let args: Option<Vec<_>> = signature.params.iter().map(|param| resolved(&param.pattern)).collect();
    let returns = signature.returns.resolve(&bindings).ok_or_else(not_known)?;
    Ok(ResolvedLambdas { function, kernel: overload.kernel, args: args.ok_or_else(not_known)?, returns })
}

/// What the arguments without lambdas bind, if the signature fits.
fn bindings(signature: &Signature, given: &[Given]) -> Option<Bindings> {
    if signature.params.len() != given.len() {
        return None;
    }
    let mut bindings = Bindings::default();
    for (param, given) in signature.params.iter().zip(given) {
        match (&param.pattern, given) {
            (Pattern::Lambda(params, _), Given::Lambda(count)) if params.len() == *count => {}
            (Pattern::Lambda(..), _) | (_, Given::Lambda(_)) => return None,
            (_, Given::Value(None)) => {}
            (pattern, Given::Value(Some(ty))) => pattern.collect(ty, &mut bindings)?,
        }
    }
    Some(bindings)
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Given::Value(Some(ty)) => ty.fmt(f),
            Given::Value(None) => f.write_str("NULL"),
            Given::Lambda(count) => {
                let params: Vec<_> = ["A", "B", "C", "D"].into_iter().take(*count).collect();
                write!(f, "({}) => …", params.join(", "))
            }
        }
    }
}

/// The elements of all rows side by side.
struct Flat {
    /// The values of a list; keys and values of a map.
    columns: Vec<ArrayRef>,
    /// The row of each element.
    rows: UInt32Array,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
}

fn flat(array: &ArrayRef) -> Result<Flat, String> {
    let (columns, offsets) = match (array.as_list_opt::<i32>(), array.as_map_opt()) {
        (Some(list), _) => (vec![list.values().clone()], list.offsets().clone()),
        (_, Some(map)) => (vec![map.keys().clone(), map.values().clone()], map.offsets().clone()),
        _ => return Err(format!("{} has no elements", array.data_type())),
    };
    let nulls = array.nulls().cloned();
    // A NULL may have elements that nobody is to see.
    let length = |row: usize| if array.is_null(row) { 0 } else { span(&offsets, row).len() };
    let lengths: Vec<usize> = (0..array.len()).map(length).collect();
    let mut rows = Vec::with_capacity(lengths.iter().sum());
    for (row, length) in (0_u32..).zip(&lengths) {
        rows.extend(std::iter::repeat_n(row, *length));
    }
    let (start, end) = (span(&offsets, 0).start, span(&offsets, array.len().saturating_sub(1)).end);
    let columns = if array.is_empty() || rows.len() == end - start {
        columns.iter().map(|column| column.slice(start, rows.len())).collect()
    } else {
        let places = |row: usize| span(&offsets, row).take(lengths.get(row).copied().unwrap_or(0));
        let places: UInt32Array =
            (0..array.len()).flat_map(places).map(|at| u32::try_from(at).ok()).collect();
        columns.iter().map(|column| take(column, &places, None).map_err(text)).collect::<Result<_, _>>()?
    };
    Ok(Flat { columns, rows: UInt32Array::from(rows), offsets: OffsetBuffer::from_lengths(lengths), nulls })
}

/// The places of a row's elements.
fn span(offsets: &OffsetBuffer<i32>, row: usize) -> std::ops::Range<usize> {
    let at = |n: usize| offsets.get(n).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    at(row)..at(row + 1)
}

fn text(error: arrow::error::ArrowError) -> String {
    error.to_string()
}

fn list(offsets: OffsetBuffer<i32>, values: ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef, String> {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls).map_err(text)?))
}

fn transform_array(args: &Args) -> Result<ArrayRef, String> {
    let flat = flat(&args.array(0)?)?;
    let values = args.lambda(0)?.call(flat.columns, &flat.rows)?;
    list(flat.offsets, values, flat.nulls)
}

fn transform_map(args: &Args) -> Result<ArrayRef, String> {
    let flat = flat(&args.array(0)?)?;
    let keys = args.lambda(0)?.call(flat.columns.clone(), &flat.rows)?;
    let values = args.lambda(1)?.call(flat.columns, &flat.rows)?;
    if keys.null_count() > 0 {
        return Err("a key of a map is NULL".to_owned());
    }
    // Of entries with one key the last one stays.
    let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())]).map_err(text)?;
    let shown = converter.convert_columns(std::slice::from_ref(&keys)).map_err(text)?;
    let mut places: Vec<u32> = Vec::with_capacity(keys.len());
    let mut lengths = Vec::with_capacity(flat.offsets.len());
    for row in 0..flat.offsets.len().saturating_sub(1) {
        let before = places.len();
        let mut seen = HashMap::new();
        for at in span(&flat.offsets, row) {
            let place = u32::try_from(at).map_err(|_| "too many elements")?;
            match seen.entry(shown.row(at)) {
                std::collections::hash_map::Entry::Occupied(entry) => {
                    if let Some(slot) = places.get_mut(*entry.get()) {
                        *slot = place;
                    }
                }
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(places.len());
                    places.push(place);
                }
            }
        }
        lengths.push(places.len() - before);
    }
    let places = UInt32Array::from(places);
    let (keys, values) =
        (take(&keys, &places, None).map_err(text)?, take(&values, &places, None).map_err(text)?);
    map_of(keys, values, OffsetBuffer::from_lengths(lengths), flat.nulls)
}

/// The elements that a lambda keeps, and where each row's begin.
fn kept(args: &Args) -> Result<Flat, String> {
    let flat = flat(&args.array(0)?)?;
    let mask = args.lambda(0)?.call(flat.columns.clone(), &flat.rows)?;
    let mask = mask.as_boolean_opt().ok_or("the lambda gives no BOOLEAN")?;
    let mask: BooleanArray = mask.iter().map(|keep| Some(keep == Some(true))).collect();
    let count = |row: usize| span(&flat.offsets, row).filter(|&at| mask.value(at)).count();
    let lengths: Vec<_> = (0..flat.offsets.len().saturating_sub(1)).map(count).collect();
    let columns =
        flat.columns.iter().map(|column| filter(column, &mask).map_err(text)).collect::<Result<_, _>>()?;
    Ok(Flat { columns, offsets: OffsetBuffer::from_lengths(lengths), ..flat })
}

fn filter_array(args: &Args) -> Result<ArrayRef, String> {
    let mut kept = kept(args)?;
    list(kept.offsets, kept.columns.pop().ok_or("no ARRAY")?, kept.nulls)
}

fn filter_map(args: &Args) -> Result<ArrayRef, String> {
    let mut kept = kept(args)?;
    let values = kept.columns.pop().ok_or("no MAP")?;
    map_of(kept.columns.pop().ok_or("no MAP")?, values, kept.offsets, kept.nulls)
}

fn reduce_array(args: &Args) -> Result<ArrayRef, String> {
    reduce(args)
}

fn reduce_map(args: &Args) -> Result<ArrayRef, String> {
    reduce(args)
}

/// A row without elements, or without an array, keeps its initial state.
fn reduce(args: &Args) -> Result<ArrayRef, String> {
    let (flat, initial, lambda) = (flat(&args.array(0)?)?, args.array(1)?, args.lambda(0)?);
    let mut found: Vec<(usize, usize)> = (0..initial.len()).map(|row| (0, row)).collect();
    let mut states = vec![initial.clone()];
    let length = |row: u32| span(&flat.offsets, row as usize).len();
    let mut active: Vec<u32> = (0_u32..).take(initial.len()).filter(|&row| length(row) > 0).collect();
    let mut state = take(&initial, &UInt32Array::from(active.clone()), None).map_err(text)?;
    for position in 0.. {
        if active.is_empty() {
            break;
        }
        let place = |row: &u32| u32::try_from(span(&flat.offsets, *row as usize).start + position).ok();
        let places: UInt32Array = active.iter().map(place).collect();
        let mut params = vec![state];
        for column in &flat.columns {
            params.push(take(column, &places, None).map_err(text)?);
        }
        let next = lambda.call(params, &UInt32Array::from(active.clone()))?;
        let (mut going, mut staying) = (Vec::new(), Vec::new());
        for (i, &row) in (0_u32..).zip(&active) {
            if length(row) > position + 1 {
                going.push(row);
                staying.push(i);
            } else if let Some(slot) = found.get_mut(row as usize) {
                *slot = (states.len(), i as usize);
            }
        }
        state = take(&next, &UInt32Array::from(staying), None).map_err(text)?;
        if going.len() < active.len() {
            states.push(next);
        }
        active = going;
    }
    let states: Vec<&dyn Array> = states.iter().map(AsRef::as_ref).collect();
    interleave(&states, &found).map_err(text)
}
