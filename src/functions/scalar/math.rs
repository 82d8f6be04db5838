//! Numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};

use super::{Args, Overload, ScalarFunction};
use crate::functions::decimal::{self, Decimal, pow10};

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
        name: "POWER",
        summary: "The first value to the power of the second",
        overloads: &[Overload::new("(base DOUBLE, exponent DOUBLE) -> DOUBLE", power)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ROUND",
        summary: "The nearest whole number, or the nearest number with so many decimal places; halves go up",
        overloads: &[
            Overload::new("(value INT) -> BIGINT", |a| {
                Ok(Arc::new(a.primitive::<Int32Type>()?.unary::<_, Int64Type>(i64::from)))
            }),
            Overload::new("(value BIGINT) -> BIGINT", identity),
            Overload::new("(value DOUBLE) -> BIGINT", |a| {
                Ok(Arc::new(a.primitive::<Float64Type>()?.unary::<_, Int64Type>(round)))
            }),
            Overload::new("(value DOUBLE, decimalPlaces INT) -> DOUBLE", round_places),
            Overload::new("(value DECIMAL) -> DECIMAL", round_decimal),
            Overload::new("(value DECIMAL, decimalPlaces INT) -> DECIMAL", round_decimal),
        ],
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

fn identity(args: &Args) -> Result<ArrayRef, String> {
    args.array(0)
}

fn doubles(args: &Args, f: fn(f64) -> f64) -> Result<ArrayRef, String> {
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

fn parts(values: &PrimitiveArray<Decimal128Type>) -> Result<(u8, u8), String> {
    match values.data_type() {
        DataType::Decimal128(precision, scale) => Ok((*precision, u8::try_from(*scale).unwrap_or(0))),
        other => Err(format!("{other} is no DECIMAL")),
    }
}

fn map_decimals(
    values: &PrimitiveArray<Decimal128Type>,
    precision: u8,
    scale: u8,
    f: impl Fn(i128) -> Option<i128>,
) -> Result<ArrayRef, String> {
    let result: PrimitiveArray<Decimal128Type> = values.try_unary(|v| {
        f(v).filter(|v| decimal::fits(*v, precision)).ok_or_else(|| {
            format!(
                "the result for {} is out of range for DECIMAL({precision}, {scale})",
                decimal::format(v, scale)
            )
        })
    })?;
    let result = result.with_precision_and_scale(precision, scale as i8).map_err(|e| e.to_string())?;
    Ok(Arc::new(result))
}

/// As Java's `Math.round`: the floor of value + 1/2, NaN is 0, the ends of BIGINT are not passed.
fn round(value: f64) -> i64 {
    let floor = value.floor();
    (if value - floor >= 0.5 { floor + 1.0 } else { floor }) as i64
}

fn round_places(args: &Args) -> Result<ArrayRef, String> {
    let (values, places) = (args.numbers::<Float64Type>(0)?, args.numbers::<Int32Type>(1)?);
    let rounded = (0..args.rows).map(|row| {
        let (value, places) = (values.get(row)?, places.get(row)?);
        // What has no exact 38 digits has nothing behind the point to round either.
        let Some(decimal) = Decimal::from_f64(value) else { return Some(value) };
        let rounded = round_half_up(decimal, places)?;
        format!("{}e{}", rounded.unscaled, -i64::from(rounded.scale)).parse().ok()
    });
    Ok(Arc::new(rounded.collect::<Float64Array>()))
}

fn round_decimal(args: &Args) -> Result<ArrayRef, String> {
    let array = args.array(0)?;
    let values = arrow::array::AsArray::as_primitive::<Decimal128Type>(&array);
    let (precision, scale) = parts(values)?;
    let rounded = |v: i128, places: i32| {
        let rounded = round_half_up(Decimal { unscaled: v, scale: i32::from(scale) }, places)?;
        decimal::rescale(rounded.unscaled, rounded.scale, i32::from(scale))
    };
    if args.columns.len() < 2 {
        return map_decimals(values, precision, scale, |v| rounded(v, 0));
    }
    let places = args.numbers::<Int32Type>(1)?;
    let mut result = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        result.push(match (values.is_valid(row), places.get(row)) {
            (true, Some(places)) => Some(
                rounded(values.value(row), places)
                    .filter(|v| decimal::fits(*v, precision))
                    .ok_or_else(|| format!("the result is out of range for DECIMAL({precision}, {scale})"))?,
            ),
            _ => None,
        });
    }
    let result = PrimitiveArray::<Decimal128Type>::from(result);
    Ok(Arc::new(result.with_precision_and_scale(precision, scale as i8).map_err(|e| e.to_string())?))
}

/// Halves go towards positive infinity: half up above zero, half down below.
fn round_half_up(value: Decimal, places: i32) -> Option<Decimal> {
    let cut = i64::from(value.scale) - i64::from(places);
    if cut <= 0 {
        return Some(value);
    }
    let Some(one) = u32::try_from(cut).ok().and_then(|cut| 10_i128.checked_pow(cut)) else {
        return Some(Decimal { unscaled: 0, scale: 0 });
    };
    let up = value.unscaled.rem_euclid(one) >= one - value.unscaled.rem_euclid(one);
    Some(Decimal { unscaled: value.unscaled.div_euclid(one) + i128::from(up), scale: places })
}

fn power(args: &Args) -> Result<ArrayRef, String> {
    let (bases, exponents) = (args.numbers::<Float64Type>(0)?, args.numbers::<Float64Type>(1)?);
    let powers = (0..args.rows).map(|row| Some(bases.get(row)?.powf(exponents.get(row)?)));
    Ok(Arc::new(powers.collect::<Float64Array>()))
}
