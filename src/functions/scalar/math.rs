//! Numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};
use rand::Rng;

use super::{Args, Overload, ScalarFunction};
use crate::functions::decimal::{self, pow10};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "ABS",
        summary: "Absolute value",
        overloads: &[
            Overload::new("(value INT) -> INT", |a| checked::<Int32Type>(a, i32::checked_abs)),
            Overload::new("(value BIGINT) -> BIGINT", |a| checked::<Int64Type>(a, i64::checked_abs)),
            Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::abs)),
            Overload::new("(value DECIMAL) -> DECIMAL", |a| decimals(a, |v, _| v.checked_abs())),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "CBRT",
        summary: "Cube root",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::cbrt))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "CEIL",
        summary: "The smallest whole number that is not below the value",
        overloads: &[
            Overload::new("(value INT) -> INT", identity),
            Overload::new("(value BIGINT) -> BIGINT", identity),
            Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::ceil)),
            Overload::new("(value DECIMAL) -> DECIMAL", |a| {
                decimals(a, |v, one| {
                    v.div_euclid(one).checked_add(i128::from(v.rem_euclid(one) > 0))?.checked_mul(one)
                })
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "EXP",
        summary: "e to the power of the value",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::exp))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FLOOR",
        summary: "The largest whole number that is not above the value",
        overloads: &[
            Overload::new("(value INT) -> INT", identity),
            Overload::new("(value BIGINT) -> BIGINT", identity),
            Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::floor)),
            Overload::new("(value DECIMAL) -> DECIMAL", |a| {
                decimals(a, |v, one| v.div_euclid(one).checked_mul(one))
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LN",
        summary: "Natural logarithm",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::ln))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "LOG",
        summary: "Natural logarithm, or the logarithm to a base, which comes first",
        overloads: &[
            Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::ln)),
            Overload::new("(base DOUBLE, value DOUBLE) -> DOUBLE", |a| pairs(a, log)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "MOD",
        summary: "The remainder of a division, with the sign of the first value",
        overloads: &[
            Overload::new("(dividend INT, divisor INT) -> INT", |a| {
                remainders::<Int32Type>(a, |x, y| if y == -1 { Some(0) } else { x.checked_rem(y) })
            }),
            Overload::new("(dividend BIGINT, divisor BIGINT) -> BIGINT", |a| {
                remainders::<Int64Type>(a, |x, y| if y == -1 { Some(0) } else { x.checked_rem(y) })
            }),
            Overload::new("(dividend DOUBLE, divisor DOUBLE) -> DOUBLE", |a| pairs(a, |x, y| x % y)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "PI",
        summary: "The ratio of a circle's circumference to its diameter",
        overloads: &[Overload::new("() -> DOUBLE", |a| {
            Ok(Arc::new(Float64Array::from(vec![std::f64::consts::PI; a.rows])))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "POWER",
        summary: "The first value to the power of the second",
        overloads: &[Overload::new("(base DOUBLE, exponent DOUBLE) -> DOUBLE", |a| pairs(a, power))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "RANDOM",
        summary: "A random number, at least 0 and less than 1; another one in each row",
        overloads: &[Overload::new("() -> DOUBLE", |a| {
            let mut random = rand::rng();
            Ok(Arc::new((0..a.rows).map(|_| Some(random.random::<f64>())).collect::<Float64Array>()))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SIGN",
        summary: "-1, 0 or 1",
        overloads: &[Overload::new("(value DOUBLE) -> INT", |a| {
            let sign = |v: f64| i32::from(v > 0.0) - i32::from(v < 0.0);
            Ok(Arc::new(a.primitive::<Float64Type>()?.unary::<_, Int32Type>(sign)))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SQRT",
        summary: "Square root",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::sqrt))],
        takes_failures: false,
    },
];

pub(super) fn identity(args: &Args) -> Result<ArrayRef, String> {
    args.array(0)
}

pub(super) fn doubles(args: &Args, f: fn(f64) -> f64) -> Result<ArrayRef, String> {
    Ok(Arc::new(args.primitive::<Float64Type>()?.unary::<_, Float64Type>(f)))
}

fn checked<P: ArrowPrimitiveType>(
    args: &Args,
    f: fn(P::Native) -> Option<P::Native>,
) -> Result<ArrayRef, String> {
    let values = args.primitive::<P>()?;
    let result: PrimitiveArray<P> =
        values.try_unary(|v| f(v).ok_or_else(|| format!("the result for {v:?} is out of range")))?;
    Ok(Arc::new(result))
}

/// `f` takes the unscaled value and the unscaled one.
fn decimals(args: &Args, f: fn(i128, i128) -> Option<i128>) -> Result<ArrayRef, String> {
    let values = args.primitive::<Decimal128Type>()?;
    let (precision, scale) = parts(values)?;
    let one = pow10(u32::from(scale));
    map_decimals(values, precision, scale, |v| f(v, one))
}

pub(super) fn parts(values: &PrimitiveArray<Decimal128Type>) -> Result<(u8, u8), String> {
    match values.data_type() {
        DataType::Decimal128(precision, scale) => Ok((*precision, u8::try_from(*scale).unwrap_or(0))),
        other => Err(format!("{other} is no DECIMAL")),
    }
}

pub(super) fn map_decimals(
    values: &PrimitiveArray<Decimal128Type>,
    precision: u8,
    scale: u8,
    f: impl Fn(i128) -> Option<i128>,
) -> Result<ArrayRef, String> {
    let (_, before) = parts(values)?;
    let result: PrimitiveArray<Decimal128Type> = values.try_unary(|v| {
        f(v).filter(|v| decimal::fits(*v, precision)).ok_or_else(|| {
            format!(
                "the result for {} is out of range for DECIMAL({precision}, {scale})",
                decimal::format(v, before)
            )
        })
    })?;
    let result = result.with_precision_and_scale(precision, scale as i8).map_err(|e| e.to_string())?;
    Ok(Arc::new(result))
}

pub(super) fn pairs(args: &Args, f: fn(f64, f64) -> f64) -> Result<ArrayRef, String> {
    let (left, right) = (args.numbers::<Float64Type>(0)?, args.numbers::<Float64Type>(1)?);
    let results = (0..args.rows).map(|row| Some(f(left.get(row)?, right.get(row)?)));
    Ok(Arc::new(results.collect::<Float64Array>()))
}

fn remainders<P: ArrowPrimitiveType>(
    args: &Args,
    f: fn(P::Native, P::Native) -> Option<P::Native>,
) -> Result<ArrayRef, String> {
    let (left, right) = (args.numbers::<P>(0)?, args.numbers::<P>(1)?);
    let one = |row| match (left.get(row), right.get(row)) {
        (Some(left), Some(right)) => f(left, right).map(Some).ok_or_else(|| "division by zero".to_owned()),
        _ => Ok(None),
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<Result<PrimitiveArray<P>, _>>()?))
}

/// No base at or below 0, nor 1, has logarithms.
fn log(base: f64, value: f64) -> f64 {
    if base <= 0.0 || base == 1.0 { f64::NAN } else { value.ln() / base.ln() }
}

/// As Java's `Math.pow`, which differs from C's: NaN is never made a number, but to the power of 0.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite()) {
        f64::NAN
    } else {
        base.powf(exponent)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn numbers() {
        check(
            &[
                "LN(-1)",
                "LN(0)",
                "LOG(8)",
                "LOG(2, 8)",
                "LOG(1, 8)",
                "LOG(0, 8)",
                "MOD(-7, 3)",
                "MOD(7, 0)",
                "MOD(-2147483648, -1)",
                "MOD(7.5, 2)",
                "CBRT(-8)",
                "POW(15, -1)",
                "POWER(1, NULL)",
                "CEILING(1.2)",
                "CEIL(DECIMAL(4, 2) -1.5)",
                "FLOOR(DECIMAL(4, 2) -1.5)",
                "ABS(DECIMAL(4, 2) -1.5)",
                "SIGN(-3.5)",
                "PI()",
            ],
            expect![[r#"
                LN(-1) -> NaN
                LN(0) -> -inf
                LOG(8) -> 2.0794415416798357
                LOG(2, 8) -> 3.0
                LOG(1, 8) -> NaN
                LOG(0, 8) -> NaN
                MOD(-7, 3) -> -1
                MOD(7, 0) -> error: division by zero
                MOD(-2147483648, -1) -> 0
                MOD(7.5, 2) -> 1.5
                CBRT(-8) -> -2.0
                POW(15, -1) -> 0.06666666666666667
                POWER(1, NULL) -> NULL
                CEILING(1.2) -> 2.0
                CEIL(DECIMAL(4, 2) -1.5) -> -1.00
                FLOOR(DECIMAL(4, 2) -1.5) -> -2.00
                ABS(DECIMAL(4, 2) -1.5) -> 1.50
                SIGN(-3.5) -> -1
                PI() -> 3.141592653589793"#]],
        );
    }
}
