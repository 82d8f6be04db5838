//! NULL and what replaces it.

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_null, nullif};

use super::{Args, Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "AS_VALUE",
        summary: "A copy of a key column for the value",
        overloads: &[Overload::new("(keyColumn T) -> T", |a| a.array(0))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "COALESCE",
        summary: "The first value that is not NULL",
        overloads: &[Overload::new("(first T, others T...) -> T", first_present)],
        takes_failures: true,
    },
    ScalarFunction {
        name: "IFNULL",
        summary: "The first value, or the second where the first is NULL",
        overloads: &[Overload::new("(expression T, altValue T) -> T", first_present)],
        takes_failures: true,
    },
    ScalarFunction {
        name: "NULLIF",
        summary: "NULL where both values are equal, else the first",
        overloads: &[Overload::new("(expr1 T, expr2 T) -> T", null_if)],
        takes_failures: false,
    },
];

fn first_present(args: &Args) -> Result<ArrayRef, String> {
    let mut result = args.array(0)?;
    for i in 1..args.columns.len() {
        if result.null_count() == 0 {
            break;
        }
        let missing = is_null(&result).map_err(|e| e.to_string())?;
        result = zip(&missing, &args.array(i)?, &result).map_err(|e| e.to_string())?;
    }
    Ok(result)
}

fn null_if(args: &Args) -> Result<ArrayRef, String> {
    let (value, other) = (args.array(0)?, args.array(1)?);
    let equal: BooleanArray = not_distinct(&value, &other).map_err(|e| e.to_string())?;
    if equal.true_count() == equal.len() {
        return Ok(new_null_array(value.data_type(), value.len()));
    }
    nullif(&value, &equal).map_err(|e| e.to_string())
}
