//! Arithmetic on DECIMAL: exact, or the row fails (dialect 10.1). Arrow's kernels round quotients and do not check
//! precision, so this is ours.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Decimal128Array, PrimitiveArray};
use arrow::compute::kernels::arity::try_binary;
use arrow::datatypes::{DataType, Decimal128Type, i256};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Operator, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;

use super::call::udf_expr;
use crate::functions::decimal::{MAX_PRECISION, fits, limit, pow10, rescale};
use crate::sql::SqlType;

/// An operation on operands of known scales.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    op: Operator,
    left_scale: u8,
    right_scale: u8,
    precision: u8,
    scale: u8,
    /// The type would need more than 38 digits and got fewer places: the result is rounded instead of refused.
    rounds: bool,
    /// What brings each operand to the larger of both scales.
    factors: (i128, i128),
    /// 10^precision.
    limit: i128,
    signature: Signature,
}

impl Operation {
    /// The operation with the type of its result from precision and scale of its operands. None: not an operation on decimals.
    pub fn new(op: Operator, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> Option<Self> {
        let (i1, i2) = (i32::from(p1) - i32::from(s1), i32::from(p2) - i32::from(s2));
        let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
        let (precision, scale) = match op {
            Operator::Plus | Operator::Minus => (s1.max(s2) + i1.max(i2) + 1, s1.max(s2)),
            Operator::Multiply => (p1 + p2 + 1, s1 + s2),
            Operator::Divide => {
                let scale = 6.max(s1 + p2 + 1);
                (i1 + s2 + scale, scale)
            }
            Operator::Modulo => (i1.min(i2) + s1.max(s2), s1.max(s2)),
            _ => return None,
        };
        // More digits than there are: whole digits come first, but six places are kept.
        let max = i32::from(MAX_PRECISION);
        let places = if precision > max { (max - (precision - scale)).max(scale.min(6)) } else { scale };
        let precision = u8::try_from(precision.clamp(1, max)).ok()?;
        let power = |shift: i32| Some(pow10(u32::try_from(shift).ok()?));
        Some(Self {
            op,
            left_scale: u8::try_from(s1).ok()?,
            right_scale: u8::try_from(s2).ok()?,
            precision,
            scale: u8::try_from(places.min(max)).ok()?,
            rounds: places < scale,
            factors: (power(s1.max(s2) - s1)?, power(s1.max(s2) - s2)?),
            limit: limit(precision),
            signature: Signature::any(2, Volatility::Immutable),
        })
    }

    pub fn result(&self) -> SqlType {
        SqlType::Decimal { precision: self.precision.max(self.scale), scale: self.scale }
    }

    /// The unscaled result. Errors: why there is none.
    #[inline]
    fn apply(&self, a: i128, b: i128) -> std::result::Result<i128, &'static str> {
        let (s1, s2, scale) =
            (i32::from(self.left_scale), i32::from(self.right_scale), i32::from(self.scale));
        let (value, found) = match self.op {
            Operator::Multiply => (a.checked_mul(b), s1 + s2),
            Operator::Divide => return self.divide(a, b),
            op => match (a.checked_mul(self.factors.0), b.checked_mul(self.factors.1)) {
                (Some(a), Some(b)) => match op {
                    Operator::Plus => (a.checked_add(b), s1.max(s2)),
                    Operator::Minus => (a.checked_sub(b), s1.max(s2)),
                    _ if b == 0 => return Err("division by zero"),
                    _ => (Some(a % b), s1.max(s2)),
                },
                _ => (None, scale),
            },
        };
        value.and_then(|value| rescale(value, found, scale)).ok_or("the result is out of range")
    }

    fn divide(&self, a: i128, b: i128) -> std::result::Result<i128, &'static str> {
        if b == 0 {
            return Err("division by zero");
        }
        const RANGE: &str = "the result is out of range";
        let shift = i32::from(self.scale) + i32::from(self.right_scale) - i32::from(self.left_scale);
        let power = |shift: i32| -> std::result::Result<i256, &'static str> {
            i256::from_i128(10).checked_pow(u32::try_from(shift).unwrap_or(0)).ok_or(RANGE)
        };
        let (mut a, mut b) = (i256::from_i128(a), i256::from_i128(b));
        if shift >= 0 {
            a = a.checked_mul(power(shift)?).ok_or(RANGE)?;
        } else {
            b = b.checked_mul(power(-shift)?).ok_or(RANGE)?;
        }
        let (quotient, rest) = (a.checked_div(b).ok_or(RANGE)?, a.checked_rem(b).ok_or(RANGE)?);
        let mut quotient = quotient.to_i128().ok_or(RANGE)?;
        if rest != i256::ZERO {
            if !self.rounds {
                return Err("the quotient is not exact: a CAST of an operand to DOUBLE rounds");
            }
            let twice = rest.wrapping_abs().checked_mul(i256::from_i128(2)).ok_or(RANGE)?;
            if twice >= b.wrapping_abs() {
                quotient += if (a < i256::ZERO) == (b < i256::ZERO) { 1 } else { -1 };
            }
        }
        Ok(quotient)
    }

    fn checked(&self, a: i128, b: i128) -> std::result::Result<i128, arrow::error::ArrowError> {
        self.apply(a, b)
            .and_then(|v| {
                if -self.limit < v && v < self.limit { Ok(v) } else { Err("the result is out of range") }
            })
            .map_err(|e| arrow::error::ArrowError::ComputeError(e.to_owned()))
    }
}

/// The expression of an operation on two expressions of type DECIMAL.
pub fn expr(
    operation: Operation,
    left: Arc<dyn PhysicalExpr>,
    right: Arc<dyn PhysicalExpr>,
) -> Arc<dyn PhysicalExpr> {
    let ty = operation.result();
    udf_expr(operation, vec![left, right], ty)
}

impl ScalarUDFImpl for Operation {
    fn name(&self) -> &str {
        match self.op {
            Operator::Plus => "decimal_add",
            Operator::Minus => "decimal_subtract",
            Operator::Multiply => "decimal_multiply",
            Operator::Divide => "decimal_divide",
            _ => "decimal_modulo",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(self.result().arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else { return exec_err!("two operands are needed") };
        let (precision, scale) = (self.precision.max(self.scale), self.scale as i8);
        let typed = |result: Decimal128Array| -> Result<ColumnarValue> {
            Ok(ColumnarValue::Array(Arc::new(result.with_precision_and_scale(precision, scale)?)))
        };
        match (left, right) {
            (ColumnarValue::Scalar(a), ColumnarValue::Scalar(b)) => {
                let result = match (unscaled(a)?, unscaled(b)?) {
                    (Some(a), Some(b)) => Some(self.checked(a, b)?),
                    _ => None,
                };
                Ok(ColumnarValue::Scalar(ScalarValue::Decimal128(result, precision, scale)))
            }
            (ColumnarValue::Array(a), ColumnarValue::Scalar(b)) => match unscaled(b)? {
                Some(b) => typed(self.column_by_constant(decimals(a)?, b)?),
                None => Ok(ColumnarValue::Scalar(ScalarValue::Decimal128(None, precision, scale))),
            },
            (ColumnarValue::Scalar(a), ColumnarValue::Array(b)) => match unscaled(a)? {
                Some(a) => typed(decimals(b)?.try_unary(|b| self.checked(a, b))?),
                None => Ok(ColumnarValue::Scalar(ScalarValue::Decimal128(None, precision, scale))),
            },
            (ColumnarValue::Array(a), ColumnarValue::Array(b)) => {
                typed(try_binary(decimals(a)?, decimals(b)?, |a, b| self.checked(a, b))?)
            }
        }
    }
}

impl Operation {
    /// Multiplication by a constant, the commonest case, without a test a row where no
    /// row can overflow: a value of p digits by one of q digits has at most p + q.
    fn column_by_constant(&self, column: &Decimal128Array, b: i128) -> Result<Decimal128Array> {
        let exact = self.left_scale + self.right_scale == self.scale;
        if self.op == Operator::Multiply
            && exact
            && fits(b, self.precision.saturating_sub(column.precision()))
        {
            return Ok(column.unary(|a| a.wrapping_mul(b)));
        }
        Ok(column.try_unary(|a| self.checked(a, b))?)
    }
}

fn unscaled(value: &ScalarValue) -> Result<Option<i128>> {
    match value {
        ScalarValue::Decimal128(value, _, _) => Ok(*value),
        other => exec_err!("{other} is no DECIMAL"),
    }
}

fn decimals(array: &Arc<dyn Array>) -> Result<&PrimitiveArray<Decimal128Type>> {
    array.as_primitive_opt().ok_or_else(|| exec_datafusion_err!("{} is no DECIMAL", array.data_type()))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::functions::decimal::{Decimal, format};

    fn check(op: Operator, (p1, s1): (u8, u8), (p2, s2): (u8, u8), pairs: &[(&str, &str)], expected: Expect) {
        let operation = Operation::new(op, (p1, s1), (p2, s2)).unwrap();
        let mut lines = vec![operation.result().to_string()];
        for (a, b) in pairs {
            let read = |text: &str, p, s| Decimal::parse(text).unwrap().rescale(p, s).unwrap();
            let result = operation.checked(read(a, p1, s1), read(b, p2, s2));
            lines.push(result.map_or_else(|e| e.to_string(), |v| format(v, operation.scale)));
        }
        expected.assert_eq(&lines.join("; "));
    }

    #[test]
    fn results_are_exact_or_refused() {
        use Operator::*;
        check(
            Plus,
            (4, 2),
            (4, 3),
            &[("99.99", "9.999"), ("-0.01", "0.01")],
            expect!["DECIMAL(6, 3); 109.989; 0.000"],
        );
        check(
            Divide,
            (4, 2),
            (4, 2),
            &[("10", "-4"), ("1", "3"), ("1", "0")],
            expect![
                "DECIMAL(11, 7); -2.5000000; Compute error: the quotient is not exact: a CAST of an operand to DOUBLE rounds; Compute error: division by zero"
            ],
        );
        check(
            Modulo,
            (4, 2),
            (3, 0),
            &[("-7.5", "2"), ("7.5", "0")],
            expect!["DECIMAL(4, 2); -1.50; Compute error: division by zero"],
        );
    }

    #[test]
    fn beyond_38_digits_places_are_rounded_away() {
        use Operator::*;
        let big = "9".repeat(38);
        check(
            Plus,
            (38, 0),
            (38, 0),
            &[(&big, "1"), (&big, "-1")],
            expect![
                "DECIMAL(38, 0); Compute error: the result is out of range; 99999999999999999999999999999999999998"
            ],
        );
        check(
            Multiply,
            (38, 10),
            (38, 10),
            &[("1.5", "0.0000005"), (&"9".repeat(28), &"9".repeat(28))],
            expect!["DECIMAL(38, 6); 0.000001; Compute error: the result is out of range"],
        );
        check(
            Divide,
            (38, 10),
            (38, 10),
            &[("1", "3"), ("2", "-3")],
            expect!["DECIMAL(38, 6); 0.333333; -0.666667"],
        );
    }
}
