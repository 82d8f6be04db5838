//! A function of the registry as DataFusion's [`ScalarUDF`].

use std::hash::{Hash, Hasher};

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, plan_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{Args, Argument};
use super::{ResolvedScalar, ScalarFunction, kernel, resolve};
use crate::functions::types::sql_type;
use crate::sql::SqlType;

/// The function for DataFusion, with its name in lower case, as DataFusion folds names.
pub fn udf(function: &'static ScalarFunction) -> ScalarUDF {
    let name = function.name.to_ascii_lowercase();
    // What takes no arguments and gives always the same loses nothing but folding.
    let volatile = function.overloads.iter().any(|overload| overload.signature.starts_with("()"));
    let volatility = if volatile { Volatility::Volatile } else { Volatility::Immutable };
    ScalarUDF::new_from_impl(Udf { function, name, signature: Signature::user_defined(volatility) })
}

#[derive(Debug)]
struct Udf {
    function: &'static ScalarFunction,
    name: String,
    signature: Signature,
}

// Names are unique in the registry.
impl PartialEq for Udf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Udf {}

impl Hash for Udf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Udf {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let args = sql_types(args)?;
        Ok(resolve(self.function.name, &args).map_err(planning)?.returns.arrow())
    }

    /// Ad-hoc SQL only: continuous queries convert before they call.
    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        let args = sql_types(args)?;
        let resolved = match resolve(self.function.name, &args) {
            Ok(resolved) => resolved,
            Err(error) => narrowed(self.function.name, &args).ok_or_else(|| planning(error))?,
        };
        Ok(resolved.params.iter().map(SqlType::arrow).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let missing = || exec_datafusion_err!("{}: no overload takes these arguments", self.function.name);
        let types: Vec<_> = args.args.iter().map(|arg| sql_type(&arg.data_type())).collect();
        let types: Vec<SqlType> = types.into_iter().collect::<Option<_>>().ok_or_else(missing)?;
        let kernel = kernel(self.function.name, &types).ok_or_else(missing)?;
        // A call without arguments is no constant: it may give another value in each row.
        let constant =
            !args.args.is_empty() && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let columns = args.args.into_iter().map(|arg| {
            Ok(match arg {
                ColumnarValue::Array(array) => Argument { array, constant: false },
                ColumnarValue::Scalar(value) => Argument { array: value.to_array()?, constant: true },
            })
        });
        let rows = if constant { 1 } else { args.number_rows };
        let args = Args { columns: columns.collect::<Result<_>>()?, lambdas: Vec::new(), rows };
        let result = kernel(&args).map_err(|e| exec_datafusion_err!("{}: {e}", self.function.name))?;
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }
}

/// DataFusion takes every whole number literal for a BIGINT; where an INT is wanted, it becomes one. A number that is too
/// large for it fails in its conversion.
fn narrowed(name: &str, args: &[Option<SqlType>]) -> Option<ResolvedScalar> {
    let is_bigint = |arg: &Option<SqlType>| *arg == Some(SqlType::BigInt);
    let with = |narrow: &dyn Fn(usize) -> bool| {
        let narrow = |(i, arg): (usize, &Option<SqlType>)| {
            if is_bigint(arg) && narrow(i) { Some(SqlType::Int) } else { arg.clone() }
        };
        resolve(name, &args.iter().enumerate().map(narrow).collect::<Vec<_>>()).ok()
    };
    let single = (0..args.len()).rev().find_map(|last| with(&|i| i == last));
    single.or_else(|| with(&|_| true))
}

fn sql_types(args: &[DataType]) -> Result<Vec<Option<SqlType>>> {
    args.iter()
        .map(|arrow| match arrow {
            DataType::Null => Ok(None),
            other => sql_type(other).map(Some).ok_or_else(|| plan_datafusion_err!("no SQL type for {other}")),
        })
        .collect()
}

fn planning(error: crate::sql::SqlError) -> datafusion::common::DataFusionError {
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"));
    plan_datafusion_err!("{}{hint}", error.message)
}
