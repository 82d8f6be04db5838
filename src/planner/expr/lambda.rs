//! Calls with lambdas.
//!
//! The body of a lambda is an expression over a batch of its own: the parameters, then the **captures**, which are the columns
//! and the parameters of outer lambdas that it names. While a body is bound its parameters are [`Variable`]s; when it is closed
//! they become columns, and so do the captures, whose own expressions become children of the call. So whoever rewrites or
//! collects the columns of an expression meets the captures and needs to know nothing of lambdas.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result as DfResult, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::binder::Binder;
use super::call::{name_of, udf_expr};
use super::constant::fold;
use super::convert::{coerce, unite};
use super::nested::{Mark, mark};
use super::{Bound, position_of};
use crate::functions::error_text;
use crate::functions::scalar::lambda::{Given, Lambda, resolve};
use crate::functions::scalar::{Args, Argument, Kernel};
use crate::sql::{LAMBDA, SqlError, SqlType, quote_ident, sqlstate};

/// A lambda whose body is being bound.
#[derive(Debug)]
pub struct Frame {
    pub params: Vec<(String, SqlType)>,
}

/// `(params) => body`, if the expression is one.
pub fn parts(expr: &Expr) -> Option<(Vec<&str>, &Expr)> {
    let Expr::Function(call) = expr else { return None };
    let FunctionArguments::List(list) = &call.args else { return None };
    if name_of(call) != LAMBDA {
        return None;
    }
    let (body, params) = list.args.split_last()?;
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(body)) = body else { return None };
    let name = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => match mark(expr) {
            Some(Mark::Field(name)) => Some(name),
            _ => None,
        },
        _ => None,
    };
    Some((params.iter().map(name).collect::<Option<_>>()?, body))
}

/// A parameter of a lambda around the expression that is bound, from the inside out.
pub fn variable(frames: &[Frame], name: &str) -> Option<Bound> {
    let (depth, index) = frames.iter().enumerate().rev().find_map(|(depth, frame)| {
        Some((depth, frame.params.iter().position(|(param, _)| param == name)?))
    })?;
    let (name, ty) = frames.get(depth)?.params.get(index)?.clone();
    let text = quote_ident(&name);
    Some(Bound { expr: Arc::new(Variable { depth, index, name, ty: ty.clone() }), ty: Some(ty), text })
}

/// A call some of whose arguments are lambdas.
pub fn bind(binder: &mut Binder<'_>, name: &str, args: &[&Expr]) -> Result<Bound, SqlError> {
    let mut bound: Vec<Option<Bound>> = Vec::with_capacity(args.len());
    let mut given = Vec::with_capacity(args.len());
    for arg in args {
        match parts(arg) {
            Some((params, _)) => {
                check_params(&params).map_err(|e| e.at(position_of(*arg)))?;
                given.push(Given::Lambda(params.len()));
                bound.push(None);
            }
            None => {
                let value = binder.bind(arg)?;
                given.push(Given::Value(value.ty.clone()));
                bound.push(Some(value));
            }
        }
    }
    let depth = binder.lambdas.len();
    let mut bodies: Vec<Option<(Bound, Vec<SqlType>)>> = args.iter().map(|_| None).collect();
    let resolved = resolve(name, &given, &mut |i, types| {
        let (params, body) =
            args.get(i).copied().and_then(parts).ok_or_else(|| SqlError::internal("no lambda"))?;
        let params = params.into_iter().map(str::to_owned).zip(types.iter().cloned()).collect();
        binder.lambdas.push(Frame { params });
        let result = binder.bind(body);
        binder.lambdas.pop();
        let result = result?;
        let ty = result.ty.clone().ok_or_else(|| {
            SqlError::new(sqlstate::DATATYPE_MISMATCH, "the type of the lambda's result is not known")
                .hint("write CAST(NULL AS type)")
                .at(position_of(body))
        })?;
        if let Some(slot) = bodies.get_mut(i) {
            *slot = Some((result, types.to_vec()));
        }
        Ok(ty)
    })?;
    let (mut texts, mut children, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for (i, ty) in resolved.args.iter().enumerate() {
        if let Some(value) = bound.get_mut(i).and_then(Option::take) {
            texts.push(value.text.clone());
            children.push(unite(value, ty.clone())?.expr);
        } else if let Some((body, types)) = bodies.get_mut(i).and_then(Option::take) {
            let (params, _) =
                args.get(i).copied().and_then(parts).ok_or_else(|| SqlError::internal("no lambda"))?;
            let names: Vec<_> = params.iter().map(|p| quote_ident(p)).collect();
            texts.push(match names.as_slice() {
                [name] => format!("{name} => {}", body.text),
                names => format!("({}) => {}", names.join(", "), body.text),
            });
            open.push((params, types, coerce(body, ty.clone())?));
        }
    }
    let plain = children.len();
    let mut bodies = Vec::with_capacity(open.len());
    for (params, types, body) in open {
        bodies.push(close(depth, &params, &types, body.expr, &mut children)?);
    }
    let text = format!("{}({})", resolved.function.name, texts.join(", "));
    let call = Call {
        name: resolved.function.name,
        kernel: resolved.kernel,
        plain,
        bodies,
        text: text.clone(),
        ty: resolved.returns.clone(),
        signature: Signature::any(children.len(), Volatility::Immutable),
    };
    let expr = udf_expr(call, children, resolved.returns.clone());
    Ok(Bound { expr: fold(expr), ty: Some(resolved.returns), text })
}

/// A sum, difference and so on in a lambda: NULL fails the row, as in ksqlDB.
pub fn required(bound: Bound) -> Bound {
    match (&bound.ty, bound.constant()) {
        (Some(ty), None) if ty.is_numeric() => {
            let ty = ty.clone();
            let node = Required { ty: ty.clone(), signature: Signature::any(1, Volatility::Immutable) };
            Bound { expr: udf_expr(node, vec![bound.expr], ty), ..bound }
        }
        _ => bound,
    }
}

fn check_params(params: &[&str]) -> Result<(), SqlError> {
    for (i, param) in params.iter().enumerate() {
        if params.iter().take(i).any(|other| other == param) {
            let message = format!("parameter {} specified more than once", quote_ident(param));
            return Err(SqlError::new(sqlstate::DUPLICATE_COLUMN, message));
        }
    }
    Ok(())
}

/// Turns the variables of the lambda at this depth, and what it captures, into columns of its batch; the captures become
/// children of the call.
fn close(
    depth: usize,
    params: &[&str],
    types: &[SqlType],
    body: Arc<dyn PhysicalExpr>,
    children: &mut Vec<Arc<dyn PhysicalExpr>>,
) -> Result<Body, SqlError> {
    let mut captured: Vec<Arc<dyn PhysicalExpr>> = Vec::new();
    let expr = body
        .transform_up(|node| {
            let index = match node.downcast_ref::<Variable>() {
                Some(variable) if variable.depth == depth => {
                    return Ok(Transformed::yes(Arc::new(Column::new(&variable.name, variable.index)) as _));
                }
                None if !node.is::<Column>() => return Ok(Transformed::no(node)),
                _ => captured.iter().position(|known| known.as_ref() == node.as_ref()).unwrap_or_else(|| {
                    captured.push(node.clone());
                    captured.len() - 1
                }),
            };
            Ok(Transformed::yes(Arc::new(Column::new("captured", params.len() + index)) as _))
        })
        .map_err(SqlError::internal)?
        .data;
    let fields = params.iter().zip(types).map(|(name, ty)| Field::new(*name, ty.arrow(), true));
    let fields: Vec<_> = fields.collect();
    let mut captures = Vec::with_capacity(captured.len());
    for child in captured {
        captures.push(children.len());
        children.push(child);
    }
    Ok(Body { expr, params: fields, captures })
}

/// A parameter in a body that is not closed yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Variable {
    depth: usize,
    index: usize,
    name: String,
    ty: SqlType,
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PhysicalExpr for Variable {
    fn data_type(&self, _input: &Schema) -> DfResult<DataType> {
        Ok(self.ty.arrow())
    }

    fn nullable(&self, _input: &Schema) -> DfResult<bool> {
        Ok(true)
    }

    fn evaluate(&self, _batch: &RecordBatch) -> DfResult<ColumnarValue> {
        exec_err!("{} has a value in its lambda only", self.name)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> DfResult<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A closed body.
#[derive(Debug)]
struct Body {
    expr: Arc<dyn PhysicalExpr>,
    params: Vec<Field>,
    /// The children of the call that are the columns behind the parameters.
    captures: Vec<usize>,
}

/// The function of a call: its arguments are those without lambdas, then the captures.
#[derive(Debug)]
struct Call {
    name: &'static str,
    kernel: Kernel,
    /// How many arguments are no captures.
    plain: usize,
    bodies: Vec<Body>,
    /// Says all of the call that its children do not.
    text: String,
    ty: SqlType,
    signature: Signature,
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ty == other.ty
    }
}

impl Eq for Call {}

impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl ScalarUDFImpl for Call {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        Ok(self.ty.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let columns = args.args.iter().take(self.plain).map(|arg| {
            Ok(match arg {
                ColumnarValue::Array(array) => Argument { array: array.clone(), constant: false },
                ColumnarValue::Scalar(value) => Argument { array: value.to_array()?, constant: true },
            })
        });
        let columns = columns.collect::<DfResult<_>>()?;
        let missing = || exec_datafusion_err!("{}: a capture is missing", self.name);
        let mut lambdas: Vec<Box<dyn Lambda>> = Vec::with_capacity(self.bodies.len());
        for body in &self.bodies {
            let capture = |&i: &usize| args.args.get(i).ok_or_else(missing)?.to_array(rows);
            let captures: Vec<ArrayRef> = body.captures.iter().map(capture).collect::<DfResult<_>>()?;
            let captured = captures.iter().map(|c| Field::new("captured", c.data_type().clone(), true));
            let schema = Schema::new(body.params.iter().cloned().chain(captured).collect::<Vec<_>>());
            lambdas.push(Box::new(Called { expr: body.expr.clone(), schema: Arc::new(schema), captures }));
        }
        let args = Args { columns, lambdas, rows };
        let result = (self.kernel)(&args).map_err(|e| exec_datafusion_err!("{}: {e}", self.name))?;
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }
}

/// A body with the captures of one batch.
#[derive(Debug)]
struct Called {
    expr: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    captures: Vec<ArrayRef>,
}

impl Lambda for Called {
    fn call(&self, params: Vec<ArrayRef>, rows: &UInt32Array) -> Result<ArrayRef, String> {
        let mut columns = params;
        for capture in &self.captures {
            columns.push(take(capture, rows, None).map_err(|e| e.to_string())?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        let batch = batch.map_err(|e| e.to_string())?;
        let result = self.expr.evaluate(&batch).and_then(|value| value.into_array(rows.len()));
        result.map_err(|e| error_text(&e))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Required {
    ty: SqlType,
    signature: Signature,
}

impl ScalarUDFImpl for Required {
    fn name(&self) -> &str {
        "required"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        Ok(self.ty.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let value =
            args.args.into_iter().next().ok_or_else(|| exec_datafusion_err!("an argument is missing"))?;
        let null = match &value {
            ColumnarValue::Array(array) => array.null_count() > 0,
            ColumnarValue::Scalar(value) => value.is_null(),
        };
        if null { exec_err!("arithmetic with NULL in a lambda") } else { Ok(value) }
    }
}
