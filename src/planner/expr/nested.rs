//! ARRAY, MAP and STRUCT: constructors, subscripts and fields.
//!
//! An element that fails is NULL and the value around it lives on: `ARRAY[1, CAST('x' AS INT)]` is `[1, NULL]`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result as DfResult, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Operator, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::NotExpr;
use sqlparser::ast::{AccessExpr, Expr, Function, Ident, Subscript, Value};

use super::binder::{Binder, unsupported};
use super::call::{arguments, udf_expr};
use super::constant::fold;
use super::convert::coerce;
use super::in_list::unify;
use super::{Bound, lazy, position_of};
use crate::functions::nested as kernels;
use crate::functions::suggest::nearest;
use crate::sql::{SqlError, SqlType, StructField, quote_ident, sqlstate};

/// `ARRAY[element, …]`
pub fn array(binder: &mut Binder<'_>, elements: &[Expr]) -> Result<Bound, SqlError> {
    if elements.is_empty() {
        return Err(empty("ARRAY", "an element"));
    }
    let bound = elements.iter().map(|e| binder.bind(e)).collect::<Result<Vec<_>, _>>()?;
    let text = format!("ARRAY[{}]", joined(&bound));
    let positions: Vec<_> = elements.iter().map(position_of).collect();
    let (bound, ty) = unify(bound, &positions)?;
    let element = ty.ok_or_else(|| all_null("elements of ARRAY"))?;
    let ty = SqlType::array(element.clone());
    let args = tolerant(bound, &element);
    Ok(node(Operation::Array(element), args, ty, text))
}

/// `MAP(key := value, …)`, which the parser gives as a call with keys and values in turn.
pub fn map(binder: &mut Binder<'_>, call: &Function, whole: &Expr) -> Result<Bound, SqlError> {
    let args = arguments(call, whole)?.unwrap_or_default();
    if args.is_empty() {
        return Err(empty("MAP", "a key and its value"));
    }
    let (mut keys, mut values, mut at_keys, mut at_values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for pair in args.chunks(2) {
        let [key, value] = pair else { return Err(unsupported(whole)) };
        keys.push(binder.bind(key)?);
        values.push(binder.bind(value)?);
        at_keys.push(position_of(*key));
        at_values.push(position_of(*value));
    }
    let entries: Vec<_> =
        keys.iter().zip(&values).map(|(k, v)| format!("{} := {}", k.text, v.text)).collect();
    let text = format!("MAP({})", entries.join(", "));
    let ((keys, key), (values, value)) = (unify(keys, &at_keys)?, unify(values, &at_values)?);
    let key = key.ok_or_else(|| all_null("keys of MAP"))?;
    let value = value.ok_or_else(|| all_null("values of MAP"))?;
    let ty = SqlType::map(key.clone(), value.clone());
    let values = tolerant(values, &value);
    let args = keys.into_iter().map(|k| k.expr).chain(values).collect();
    Ok(node(Operation::Map(ty.clone()), args, ty, text))
}

/// `STRUCT(name := value, …)`, which the parser gives as a call with names and values in turn.
pub fn structure(binder: &mut Binder<'_>, call: &Function, whole: &Expr) -> Result<Bound, SqlError> {
    let args = arguments(call, whole)?.unwrap_or_default();
    let (mut fields, mut values, mut texts) = (Vec::<StructField>::new(), Vec::new(), Vec::new());
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(unsupported(whole)) };
        let name_at = position_of(*name);
        let Some(Mark::Field(name)) = mark(name) else { return Err(unsupported(whole)) };
        if fields.iter().any(|field| field.name == name) {
            let message = format!("field \"{name}\" specified more than once");
            return Err(SqlError::new(sqlstate::DUPLICATE_COLUMN, message).at(name_at));
        }
        let bound = binder.bind(value)?;
        let Some(ty) = bound.ty.clone() else {
            let message = format!("the type of field \"{name}\" is not known");
            return Err(SqlError::new(sqlstate::DATATYPE_MISMATCH, message)
                .hint("write CAST(NULL AS type)")
                .at(position_of(*value)));
        };
        texts.push(format!("{} := {}", quote_ident(name), bound.text));
        values.extend(tolerant(vec![bound], &ty));
        fields.push(StructField { name: name.to_owned(), ty });
    }
    let text = format!("STRUCT({})", texts.join(", "));
    let ty = SqlType::Struct(fields.into_boxed_slice());
    Ok(node(Operation::Struct(ty.clone()), values, ty, text))
}

/// `root.name`, `root[index]`, `root->name` in any order that means something.
pub fn access(
    binder: &mut Binder<'_>,
    root: &Expr,
    chain: &[AccessExpr],
    whole: &Expr,
) -> Result<Bound, SqlError> {
    let (mut bound, rest) = match (root, chain) {
        (Expr::Identifier(qualifier), [AccessExpr::Dot(Expr::Identifier(name)), rest @ ..]) => {
            let parts: Vec<Ident> = vec![qualifier.clone(), name.clone()];
            (binder.bind(&Expr::CompoundIdentifier(parts))?, rest)
        }
        _ => (binder.bind(root)?, chain),
    };
    for step in rest {
        bound = match step {
            AccessExpr::Subscript(Subscript::Index { index }) => match mark(index) {
                Some(Mark::Field(name)) => field(bound, name).map_err(|e| e.at(position_of(index)))?,
                Some(Mark::AllFields) => return Err(star_elsewhere().at(position_of(index))),
                None => {
                    let subscript = binder.bind(index)?;
                    element(bound, subscript).map_err(|e| e.at(position_of(index)))?
                }
            },
            _ => return Err(unsupported(whole)),
        };
    }
    Ok(bound)
}

/// What the parser puts for names behind `->`.
pub enum Mark<'a> {
    Field(&'a str),
    AllFields,
}

pub fn mark(expr: &Expr) -> Option<Mark<'_>> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::NationalStringLiteral(name) => Some(Mark::Field(name)),
            Value::HexStringLiteral(_) => Some(Mark::AllFields),
            _ => None,
        },
        _ => None,
    }
}

/// The name of the field that an expression ends in: `name` of `a->b[1]->name`.
pub fn field_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last()? {
            AccessExpr::Subscript(Subscript::Index { index }) => match mark(index)? {
                Mark::Field(name) => Some(name),
                Mark::AllFields => None,
            },
            _ => None,
        },
        Expr::Nested(inner) => field_name(inner),
        _ => None,
    }
}

/// The struct of `struct->*`, if the expression is that.
pub fn all_fields(expr: &Expr) -> Option<Expr> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let (last, rest) = access_chain.split_last()?;
    let AccessExpr::Subscript(Subscript::Index { index }) = last else { return None };
    matches!(mark(index)?, Mark::AllFields).then(|| match rest {
        [] => (**root).clone(),
        rest => Expr::CompoundFieldAccess { root: root.clone(), access_chain: rest.to_vec() },
    })
}

/// `structure->name`, as the parser gives it.
pub fn field_of(structure: &Expr, name: &str) -> Expr {
    let mark = Value::NationalStringLiteral(name.to_owned()).with_empty_span();
    let step = AccessExpr::Subscript(Subscript::Index { index: Expr::Value(mark) });
    match structure {
        Expr::CompoundFieldAccess { root, access_chain } => {
            let access_chain = access_chain.iter().cloned().chain([step]).collect();
            Expr::CompoundFieldAccess { root: root.clone(), access_chain }
        }
        // A qualified column comes apart, as it does in the parser.
        Expr::CompoundIdentifier(parts) if parts.len() == 2 => {
            let mut parts = parts.iter().cloned().map(Expr::Identifier);
            let root = Box::new(parts.next().unwrap_or(Expr::Value(Value::Null.with_empty_span())));
            let access_chain = parts.map(AccessExpr::Dot).chain([step]).collect();
            Expr::CompoundFieldAccess { root, access_chain }
        }
        other => Expr::CompoundFieldAccess { root: Box::new(other.clone()), access_chain: vec![step] },
    }
}

/// `bound->name`
pub fn field(bound: Bound, name: &str) -> Result<Bound, SqlError> {
    let Some(SqlType::Struct(fields)) = &bound.ty else {
        let message = format!("{} is no STRUCT and has no field {}", bound.described(), quote_ident(name));
        return Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message));
    };
    let Some(index) = fields.iter().position(|field| field.name == name) else {
        let message = format!("field {} of {} does not exist", quote_ident(name), bound.text);
        let error = SqlError::new(sqlstate::UNDEFINED_COLUMN, message);
        // A stated bound: no line of a thousand names.
        let names: Vec<_> = fields.iter().take(20).map(|f| quote_ident(&f.name)).collect();
        return Err(match nearest(name, fields.iter().map(|f| f.name.as_str())) {
            Some(near) => error.hint(format!("did you mean {}?", quote_ident(near))),
            None => error.hint(format!("there are {}", names.join(", "))),
        });
    };
    let ty = fields.get(index).map(|f| f.ty.clone()).ok_or_else(|| SqlError::internal("no such field"))?;
    let text = format!("{}->{}", bound.text, quote_ident(name));
    Ok(node(Operation::Field(index, ty.clone()), vec![bound.expr], ty, text))
}

/// `bound[subscript]`
fn element(bound: Bound, subscript: Bound) -> Result<Bound, SqlError> {
    let text = format!("{}[{}]", bound.text, subscript.text);
    match &bound.ty {
        Some(SqlType::Array(element)) => {
            let ty = (**element).clone();
            let subscript = match subscript.ty {
                Some(SqlType::Int | SqlType::BigInt) => coerce(subscript, SqlType::BigInt)?,
                _ => {
                    let message =
                        format!("an array is subscripted by an INTEGER, not {}", subscript.described());
                    return Err(SqlError::new(sqlstate::DATATYPE_MISMATCH, message));
                }
            };
            Ok(node(Operation::Element(ty.clone()), vec![bound.expr, subscript.expr], ty, text))
        }
        Some(SqlType::Map(map)) => {
            let (key, ty) = (map.key.clone(), map.value.clone());
            let subscript = coerce(subscript, key)?;
            Ok(node(Operation::Value(ty.clone()), vec![bound.expr, subscript.expr], ty, text))
        }
        Some(SqlType::Struct(_)) => {
            let message = format!("{} has fields, not elements", bound.described());
            Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message)
                .hint(format!("write {}->name", bound.text)))
        }
        _ => {
            let message = format!("{} is no ARRAY and no MAP and has no elements", bound.described());
            Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message))
        }
    }
}

/// `=`, `<>`, `IS [NOT] DISTINCT FROM` of two expressions of one nested type.
pub fn equality(
    op: Operator,
    left: Arc<dyn PhysicalExpr>,
    right: Arc<dyn PhysicalExpr>,
) -> Arc<dyn PhysicalExpr> {
    let operation = match op {
        Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => Operation::Same,
        _ => Operation::Equal,
    };
    let equal = fold(call(operation, vec![left, right], SqlType::Boolean));
    match op {
        Operator::NotEq | Operator::IsDistinctFrom => Arc::new(NotExpr::new(equal)),
        _ => equal,
    }
}

/// The error of `->*` where no list of columns can be.
pub fn star_elsewhere() -> SqlError {
    SqlError::new(sqlstate::SYNTAX_ERROR, "->* stands for columns: it belongs into the SELECT list")
}

fn empty(what: &str, needed: &str) -> SqlError {
    SqlError::new(sqlstate::DATATYPE_MISMATCH, format!("the type of an empty {what} is not known"))
        .hint(format!("write at least {needed}"))
}

fn all_null(what: &str) -> SqlError {
    SqlError::new(sqlstate::DATATYPE_MISMATCH, format!("all {what} are NULL"))
        .hint("add a CAST to one of the NULLs")
}

fn joined(bound: &[Bound]) -> String {
    let texts: Vec<_> = bound.iter().map(|b| b.text.as_str()).collect();
    texts.join(", ")
}

/// Elements of which one that fails is NULL.
fn tolerant(elements: Vec<Bound>, ty: &SqlType) -> Vec<Arc<dyn PhysicalExpr>> {
    elements.into_iter().map(|element| lazy::null_on_failure(element.expr, ty.arrow())).collect()
}

fn node(operation: Operation, args: Vec<Arc<dyn PhysicalExpr>>, ty: SqlType, text: String) -> Bound {
    Bound { expr: fold(call(operation, args, ty.clone())), ty: Some(ty), text }
}

fn call(operation: Operation, args: Vec<Arc<dyn PhysicalExpr>>, ty: SqlType) -> Arc<dyn PhysicalExpr> {
    let signature = Signature::any(args.len(), Volatility::Immutable);
    udf_expr(Nested { operation, signature }, args, ty)
}

/// With the type of the result, of the elements for an array.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Operation {
    Array(SqlType),
    Map(SqlType),
    Struct(SqlType),
    Field(usize, SqlType),
    Element(SqlType),
    Value(SqlType),
    /// NULL where a side is.
    Equal,
    /// NULL is the same as NULL.
    Same,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Nested {
    operation: Operation,
    signature: Signature,
}

impl ScalarUDFImpl for Nested {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Array(_) => "array",
            Operation::Map(_) => "map",
            Operation::Struct(_) => "struct",
            Operation::Field(..) => "field",
            Operation::Element(_) | Operation::Value(_) => "element",
            Operation::Equal => "equal",
            Operation::Same => "same",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        Ok(match &self.operation {
            Operation::Array(element) => SqlType::array(element.clone()).arrow(),
            Operation::Equal | Operation::Same => DataType::Boolean,
            Operation::Map(ty) | Operation::Struct(ty) => ty.arrow(),
            Operation::Field(_, ty) | Operation::Element(ty) | Operation::Value(ty) => ty.arrow(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let result = self.apply(&args.args, rows)?;
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }
}

impl Nested {
    fn apply(&self, args: &[ColumnarValue], rows: usize) -> DfResult<ArrayRef> {
        let failed = |error: String| exec_datafusion_err!("{error}");
        let missing = || exec_datafusion_err!("an argument is missing");
        let column = |i: usize| args.get(i).ok_or_else(missing)?.to_array(rows);
        // One value for all rows, or one for each.
        let short = |i: usize| match args.get(i).ok_or_else(missing)? {
            ColumnarValue::Array(array) => Ok(array.clone()),
            ColumnarValue::Scalar(value) => value.to_array(),
        };
        match &self.operation {
            Operation::Element(_) => {
                let index = short(1)?;
                let index = index.as_any().downcast_ref::<Int64Array>().ok_or_else(missing)?;
                kernels::element(&column(0)?, index).map_err(failed)
            }
            Operation::Value(_) => kernels::value_of_key(&column(0)?, &short(1)?).map_err(failed),
            Operation::Equal => Ok(Arc::new(kernels::equal(&short(0)?, &short(1)?, rows).map_err(failed)?)),
            Operation::Same => Ok(Arc::new(kernels::same(&short(0)?, &short(1)?, rows).map_err(failed)?)),
            Operation::Field(index, _) => kernels::field(&column(0)?, *index).map_err(failed),
            constructor => {
                let mut columns = args.iter().map(|arg| arg.to_array(rows)).collect::<DfResult<Vec<_>>>()?;
                match constructor {
                    Operation::Array(element) => {
                        kernels::array(&columns, rows, element.arrow()).map_err(failed)
                    }
                    Operation::Map(_) => {
                        let values = columns.split_off(columns.len() / 2);
                        kernels::map(&columns, &values, rows).map_err(failed)
                    }
                    Operation::Struct(SqlType::Struct(fields)) => {
                        kernels::structure(columns, rows, fields).map_err(failed)
                    }
                    _ => Err(exec_datafusion_err!("a constructor without its type")),
                }
            }
        }
    }
}
