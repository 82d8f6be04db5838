//! Conversions: explicit ones (CAST), implicit ones, type names, and LIKE patterns.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::DataType as Arrow;
use datafusion::common::{Result as DfResult, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::LikeExpr;
use sqlparser::ast::{DataType, ExactNumberInfo, TimezoneInfo, Value, ValueWithSpan};

use super::binder::boolean;
use super::call::udf_expr;
use super::constant::fold;
use super::{Bound, literal};
use crate::functions::cast as kernel;
use crate::functions::nested;
use crate::functions::types::widening;
use crate::sql::ast::{Name, TypeName};
use crate::sql::{SqlError, SqlType, TYPE_MARK, parse_type, sqlstate};

/// An implicit conversion: numbers widen, texts become dates, times, timestamps and bytes.
///
/// Errors: 42804, where a CAST would be needed.
pub fn coerce(bound: Bound, to: SqlType) -> Result<Bound, SqlError> {
    let Some(from) = bound.ty.clone() else { return null_of(to, bound.text) };
    if implicit(&from, &to) {
        return Ok(Bound { text: bound.text.clone(), ..convert(bound, from, to) });
    }
    let hint = if kernel::castable(from.clone(), to.clone()) {
        format!("write CAST({} AS {to})", bound.text)
    } else {
        format!("there is no conversion from {from} to {to}")
    };
    Err(SqlError::new(
        sqlstate::DATATYPE_MISMATCH,
        format!("{to} was expected, but {} was found", bound.described()),
    )
    .hint(hint))
}

/// As [`coerce`], but a nested literal also fits where its decimals lose no digit: `ARRAY[2.50, 7]` is an
/// ARRAY<DECIMAL(4, 2)>, though a 7 of any INTEGER column needs ten digits more.
pub fn coerce_literal(bound: Bound, to: SqlType) -> Result<Bound, SqlError> {
    let (Some(from), Some(value)) = (bound.ty.clone(), bound.constant().cloned()) else {
        return coerce(bound, to);
    };
    if !from.is_nested() || implicit(&from, &to) || !exactly(&from, &to) {
        return coerce(bound, to);
    }
    let exact = || -> Result<ScalarValue, String> {
        let array = value.to_array().map_err(|e| e.to_string())?;
        let converted = kernel::cast(&array, from.clone(), to.clone())?;
        let back = kernel::cast(&converted, to.clone(), from.clone())?;
        if !nested::same(&array, &back, 1)?.value(0) {
            return Err(format!("{} loses digits as {to}", bound.text));
        }
        ScalarValue::try_from_array(&converted, 0).map_err(|e| e.to_string())
    };
    let converted = exact().map_err(|text| SqlError::new(sqlstate::NUMERIC_OUT_OF_RANGE, text))?;
    Ok(literal::constant(converted, Some(to), bound.text))
}

/// Whether values become those of another type as long as no digit of a number is lost.
fn exactly(from: &SqlType, to: &SqlType) -> bool {
    match (from, to) {
        (SqlType::Int | SqlType::BigInt | SqlType::Decimal { .. }, SqlType::Decimal { .. }) => true,
        (SqlType::Array(from), SqlType::Array(to)) => exactly(from, to),
        (SqlType::Map(from), SqlType::Map(to)) => {
            exactly(&from.key, &to.key) && exactly(&from.value, &to.value)
        }
        (SqlType::Struct(from), SqlType::Struct(to)) => from.iter().all(|field| {
            to.iter().find(|f| f.name == field.name).is_some_and(|same| exactly(&field.ty, &same.ty))
        }),
        (from, to) => implicit(from, to),
    }
}

/// Whether values become those of another type without a CAST, also inside of nested ones.
fn implicit(from: &SqlType, to: &SqlType) -> bool {
    match (from, to) {
        (SqlType::String, SqlType::Date | SqlType::Time | SqlType::Timestamp | SqlType::Bytes) => true,
        (SqlType::Array(from), SqlType::Array(to)) => implicit(from, to),
        (SqlType::Map(from), SqlType::Map(to)) => {
            implicit(&from.key, &to.key) && implicit(&from.value, &to.value)
        }
        (SqlType::Struct(from), SqlType::Struct(to)) => from.iter().all(|field| {
            to.iter().find(|f| f.name == field.name).is_some_and(|same| implicit(&field.ty, &same.ty))
        }),
        (from, to) => widening(from, to).is_some(),
    }
}

/// `CAST(bound AS to)`.
///
/// Errors: 42846, where there is no such conversion.
pub fn cast(bound: Bound, to: SqlType) -> Result<Bound, SqlError> {
    let text = format!("CAST({} AS {to})", bound.text);
    let Some(from) = bound.ty.clone() else { return null_of(to, text) };
    if !kernel::castable(from.clone(), to.clone()) {
        return Err(SqlError::new("42846", format!("cannot cast {} to {to}", bound.described())));
    }
    Ok(Bound { text, ..convert(bound, from, to) })
}

/// To the common type of several expressions. As [`coerce`], but DECIMALs with more digits than there are become the common
/// type too: what does not fit fails its row.
pub fn unite(bound: Bound, to: SqlType) -> Result<Bound, SqlError> {
    match (bound.ty.clone(), to.clone()) {
        (Some(from @ SqlType::Decimal { .. }), SqlType::Decimal { .. }) => Ok(convert(bound, from, to)),
        _ => coerce(bound, to),
    }
}

fn null_of(to: SqlType, text: String) -> Result<Bound, SqlError> {
    let null = ScalarValue::try_from(&to.arrow()).map_err(SqlError::internal)?;
    Ok(literal::constant(null, Some(to), text))
}

fn convert(bound: Bound, from: SqlType, to: SqlType) -> Bound {
    if from == to {
        return bound;
    }
    let conversion = Conversion { from, to: to.clone(), signature: Signature::any(1, Volatility::Immutable) };
    Bound { expr: fold(udf_expr(conversion, vec![bound.expr], to.clone())), ty: Some(to), text: bound.text }
}

/// The type that a CAST or a typed literal names; `custom` knows the custom types.
pub fn type_named(ty: &DataType, custom: &dyn Fn(&str) -> Option<SqlType>) -> Result<SqlType, SqlError> {
    let decimal = |info: &ExactNumberInfo| {
        let (precision, scale) = match info {
            ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
            ExactNumberInfo::Precision(precision) => (*precision, 0),
            ExactNumberInfo::None => {
                return Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    "DECIMAL needs a precision and a scale",
                )
                .hint("write DECIMAL(10, 2), for example"));
            }
        };
        match (u8::try_from(precision), u8::try_from(scale)) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
                Ok(SqlType::Decimal { precision, scale })
            }
            _ => Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("DECIMAL({precision}, {scale}) is out of range"),
            )
            .hint("the precision is 1 to 38, the scale 0 to the precision")),
        }
    };
    Ok(match ty {
        DataType::Boolean | DataType::Bool => SqlType::Boolean,
        DataType::Int(None) | DataType::Integer(None) => SqlType::Int,
        DataType::BigInt(None) => SqlType::BigInt,
        DataType::Double(ExactNumberInfo::None) | DataType::DoublePrecision => SqlType::Double,
        DataType::Decimal(info) | DataType::Dec(info) | DataType::Numeric(info) => decimal(info)?,
        DataType::Varchar(_) | DataType::String(_) | DataType::Text => SqlType::String,
        DataType::Bytes(None) | DataType::Bytea => SqlType::Bytes,
        DataType::Date => SqlType::Date,
        DataType::Time(None, TimezoneInfo::None) => SqlType::Time,
        DataType::Timestamp(None, TimezoneInfo::None) => SqlType::Timestamp,
        DataType::Custom(name, arguments) if arguments.is_empty() => {
            let [part] = name.0.as_slice() else {
                return Err(SqlError::not_supported(format_args!("the type {ty}")));
            };
            let name = part.as_ident().map_or("", |ident| ident.value.as_str());
            let position = crate::sql::Position { line: 0, column: 0 };
            let named = match name.strip_prefix(TYPE_MARK) {
                Some(text) => parse_type(text),
                None => Ok(TypeName::Custom(Name { value: name.to_owned(), position })),
            };
            // Places in the name are none in the statement.
            let resolved = named.and_then(|ty| ty.resolve(custom));
            return resolved.map_err(|e| SqlError { position: None, ..e });
        }
        other => return Err(SqlError::not_supported(format_args!("the type {other}"))),
    })
}

/// `operand [NOT] LIKE pattern [ESCAPE escape]`. Without ESCAPE no character escapes, so a backslash is just one.
pub fn like(
    operand: Bound,
    pattern: Bound,
    escape: Option<&ValueWithSpan>,
    negated: bool,
) -> Result<Bound, SqlError> {
    let escape = match escape.map(|e| &e.value) {
        None => None,
        Some(Value::SingleQuotedString(text)) if text.chars().count() == 1 => text.chars().next(),
        Some(other) => {
            return Err(
                SqlError::new("22019", format!("invalid escape {other}")).hint("ESCAPE takes one character")
            );
        }
    };
    let text = {
        let not = if negated { "NOT " } else { "" };
        let escape =
            escape.map_or(String::new(), |c| format!(" ESCAPE '{}'", c.to_string().replace('\'', "''")));
        format!("({} {not}LIKE {}{escape})", operand.text, pattern.text)
    };
    for side in [&operand, &pattern] {
        if !matches!(side.ty, None | Some(SqlType::String)) {
            return Err(SqlError::new(
                sqlstate::DATATYPE_MISMATCH,
                format!("LIKE compares texts, but {} was found", side.described()),
            )
            .hint(format!("write CAST({} AS STRING)", side.text)));
        }
    }
    let (operand, pattern) = (coerce(operand, SqlType::String)?, coerce(pattern, SqlType::String)?);
    let translation = LikePattern { escape, signature: Signature::any(1, Volatility::Immutable) };
    let pattern = fold(udf_expr(translation, vec![pattern.expr], SqlType::String));
    Ok(boolean(Arc::new(LikeExpr::new(negated, false, operand.expr, pattern)), text))
}

/// A strict conversion of columns.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Conversion {
    from: SqlType,
    to: SqlType,
    signature: Signature,
}

impl ScalarUDFImpl for Conversion {
    fn name(&self) -> &str {
        "cast"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[Arrow]) -> DfResult<Arrow> {
        Ok(self.to.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        one(args, |array| {
            kernel::cast(array, self.from.clone(), self.to.clone()).map_err(|e| exec_datafusion_err!("{e}"))
        })
    }
}

/// From a pattern with our escape character to one with Arrow's, the backslash.
#[derive(Debug, PartialEq, Eq, Hash)]
struct LikePattern {
    escape: Option<char>,
    signature: Signature,
}

impl LikePattern {
    fn translate(&self, pattern: &str) -> String {
        let mut result = String::with_capacity(pattern.len());
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            if Some(c) == self.escape {
                // A pattern that ends in its escape character means the character.
                result.push('\\');
                result.push(chars.next().unwrap_or(c));
            } else {
                if c == '\\' {
                    result.push('\\');
                }
                result.push(c);
            }
        }
        result
    }
}

impl ScalarUDFImpl for LikePattern {
    fn name(&self) -> &str {
        "like_pattern"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[Arrow]) -> DfResult<Arrow> {
        Ok(Arrow::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        one(args, |array| {
            let patterns = array.as_any().downcast_ref::<StringArray>();
            let patterns = patterns.ok_or_else(|| exec_datafusion_err!("a pattern is no text"))?;
            let translated = patterns.iter().map(|p| p.map(|p| self.translate(p)));
            Ok(Arc::new(translated.collect::<StringArray>()))
        })
    }
}

/// Runs a kernel of one argument; a constant stays one.
fn one(
    args: ScalarFunctionArgs,
    kernel: impl Fn(&arrow::array::ArrayRef) -> DfResult<arrow::array::ArrayRef>,
) -> DfResult<ColumnarValue> {
    match args.args.first() {
        Some(ColumnarValue::Array(array)) => kernel(array).map(ColumnarValue::Array),
        Some(ColumnarValue::Scalar(value)) => {
            let result = kernel(&value.to_array()?)?;
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        }
        None => Err(exec_datafusion_err!("an argument is missing")),
    }
}
