//! Expressions of SELECT with table functions in them, split at the flat map: what the functions are called on, and
//! what is computed of each of their rows.
//!
//! ```text
//!   SELECT id, EXPLODE(tags), price * 2
//!
//!   source scope:  id #0, tags #1, price #2    -> arrays to take apart: tags
//!   extended:      the same, element #3        -> #0, #3, #2 * 2
//! ```

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Result as DfResult, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::Column;
use sqlparser::ast::{Expr, Function};

use super::call::{arguments, udf_expr};
use super::names::Names;
use super::scope::ScopeNames;
use super::{Bound, Scope, binder};
use crate::functions::table::{TableFunction, TakesApart, cube};
use crate::sql::{Position, SqlError, SqlType, sqlstate};

/// A scope whose rows table functions multiply.
#[derive(Debug)]
pub struct Exploding {
    source: Scope,
    /// What is taken apart, over the source scope: the i-th gives the column behind the scope's own and i others.
    pub arrays: Vec<Bound>,
}

impl Exploding {
    pub fn new(source: &Scope) -> Self {
        Self { source: source.clone(), arrays: Vec::new() }
    }

    /// Binds an expression of SELECT. Errors: table functions in the arguments of others, beside what is wrong with it.
    pub fn bind(&mut self, expr: &Expr) -> Result<Bound, SqlError> {
        binder::bind(expr, self)
    }
}

impl Names for Exploding {
    fn whole(&mut self, _expr: &Expr) -> Result<Option<Bound>, SqlError> {
        Ok(None)
    }

    fn column(
        &mut self,
        qualifier: Option<&str>,
        name: &str,
        at: Option<Position>,
    ) -> Result<Bound, SqlError> {
        ScopeNames::new(&self.source).column(qualifier, name, at)
    }

    fn aggregate(&mut self, call: &Function, at: Option<Position>) -> Result<Bound, SqlError> {
        ScopeNames::new(&self.source).aggregate(call, at)
    }

    fn table_function(
        &mut self,
        function: &'static TableFunction,
        call: &Function,
        at: Option<Position>,
    ) -> Result<Bound, SqlError> {
        let whole = Expr::Function(call.clone());
        let args = arguments(call, &whole)?.unwrap_or_default();
        let mut bound = Vec::with_capacity(args.len());
        for arg in args {
            bound.push(binder::bind(arg, &mut ScopeNames::new(&self.source))?);
        }
        let types: Vec<_> =
            bound.iter().map(|arg| arg.ty.as_ref().map_or("NULL".to_owned(), SqlType::to_string)).collect();
        let name = function.name;
        let (arg, element) = match (bound.pop(), bound.is_empty()) {
            (Some(Bound { ty: Some(SqlType::Array(element)), expr, text }), true) => {
                (Bound { ty: Some(SqlType::Array(element.clone())), expr, text }, *element)
            }
            _ => {
                let message = format!("function {name}({}) does not exist", types.join(", "));
                return Err(SqlError::new(sqlstate::UNDEFINED_FUNCTION, message)
                    .hint(format!("the function is there as {name}{}", function.signature))
                    .at(at));
            }
        };
        let text = format!("{name}({})", arg.text);
        let (array, ty) = match function.takes_apart {
            TakesApart::Argument => (arg, element),
            TakesApart::Cube => {
                let combination = SqlType::array(element);
                let array = SqlType::array(combination.clone());
                let expr = udf_expr(Cube::new(array.arrow()), vec![arg.expr], array.clone());
                (Bound { expr, ty: Some(array), text: arg.text }, combination)
            }
        };
        let index = self.source.columns.len() + self.arrays.len();
        self.arrays.push(Bound { text: text.clone(), ..array });
        Ok(Bound { expr: Arc::new(Column::new(&text, index)), ty: Some(ty), text })
    }

    fn custom_type(&self, name: &str) -> Option<SqlType> {
        ScopeNames::new(&self.source).custom_type(name)
    }

    fn schema(&self) -> Schema {
        let own = self.source.schema();
        let elements = self.arrays.iter().map(|array| {
            let ty = match &array.ty {
                Some(SqlType::Array(element)) => element.arrow(),
                _ => DataType::Null,
            };
            Arc::new(Field::new(&array.text, ty, true))
        });
        Schema::new(own.fields().iter().cloned().chain(elements).collect::<Vec<_>>())
    }
}

/// CUBE_EXPLODE's array of arrays.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cube {
    returns: DataType,
    signature: Signature,
}

impl Cube {
    fn new(returns: DataType) -> Self {
        Self { returns, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Cube {
    fn name(&self) -> &str {
        "cube"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let missing = || exec_datafusion_err!("an argument is missing");
        let arrays: ArrayRef = args.args.first().ok_or_else(missing)?.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(cube(&arrays).map_err(|error| exec_datafusion_err!("{error}"))?))
    }
}
