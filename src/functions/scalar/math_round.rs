//! Rounding and cutting off numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, PrimitiveArray};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type, Int64Type};

use super::math::{identity, map_decimals, parts};
use super::{Args, Overload, ScalarFunction};
use crate::functions::decimal::{self, Decimal};
use crate::sql::SqlType;

pub const FUNCTIONS: &[ScalarFunction] = &[
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
            Overload::new("(value DOUBLE, decimalPlaces INT) -> DOUBLE", |a| places(a, half_up)),
            Overload::returning("(value DECIMAL) -> DECIMAL", whole, |a| decimals(a, half_up)),
            Overload::new("(value DECIMAL, decimalPlaces INT) -> DECIMAL", |a| decimals(a, half_up)),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TRUNC",
        summary: "The whole number, or the number with so many decimal places, next to the value towards 0",
        overloads: &[
            Overload::new("(value INT) -> BIGINT", |a| {
                Ok(Arc::new(a.primitive::<Int32Type>()?.unary::<_, Int64Type>(i64::from)))
            }),
            Overload::new("(value BIGINT) -> BIGINT", identity),
            Overload::new("(value DOUBLE) -> BIGINT", |a| {
                Ok(Arc::new(a.primitive::<Float64Type>()?.unary::<_, Int64Type>(|v| v as i64)))
            }),
            Overload::new("(value DOUBLE, decimalPlaces INT) -> DOUBLE", |a| places(a, cut)),
            Overload::returning("(value DECIMAL) -> DECIMAL", whole, |a| decimals(a, cut)),
            Overload::new("(value DECIMAL, decimalPlaces INT) -> DECIMAL", |a| decimals(a, cut)),
        ],
        takes_failures: false,
    },
];

/// As Java's `Math.round`: the floor of value + 1/2, NaN is 0, the ends of BIGINT are not passed.
fn round(value: f64) -> i64 {
    let floor = value.floor();
    (if value - floor >= 0.5 { floor + 1.0 } else { floor }) as i64
}

/// A DECIMAL without the places behind the point.
fn whole(params: &[SqlType]) -> SqlType {
    match params {
        [SqlType::Decimal { precision, scale }, ..] => {
            SqlType::Decimal { precision: whole_precision(*precision, *scale), scale: 0 }
        }
        _ => SqlType::Decimal { precision: decimal::MAX_PRECISION, scale: 0 },
    }
}

fn whole_precision(precision: u8, scale: u8) -> u8 {
    precision.saturating_sub(scale).max(1)
}

type Rounding = fn(Decimal, i32) -> Option<Decimal>;

fn places(args: &Args, f: Rounding) -> Result<ArrayRef, String> {
    let (values, places) = (args.numbers::<Float64Type>(0)?, args.numbers::<Int32Type>(1)?);
    let rounded = (0..args.rows).map(|row| {
        let (value, places) = (values.get(row)?, places.get(row)?);
        // What has no exact 38 digits has nothing behind the point to round either.
        let Some(decimal) = Decimal::from_f64(value) else { return Some(value) };
        let rounded = f(decimal, places)?;
        format!("{}e{}", rounded.unscaled, -i64::from(rounded.scale)).parse().ok()
    });
    Ok(Arc::new(rounded.collect::<Float64Array>()))
}

fn decimals(args: &Args, f: Rounding) -> Result<ArrayRef, String> {
    let array = args.array(0)?;
    let values = arrow::array::AsArray::as_primitive::<Decimal128Type>(&array);
    let (precision, scale) = parts(values)?;
    if args.columns.len() < 2 {
        let precision = whole_precision(precision, scale);
        return map_decimals(values, precision, 0, |v| {
            let whole = f(Decimal { unscaled: v, scale: i32::from(scale) }, 0)?;
            decimal::rescale(whole.unscaled, whole.scale, 0)
        });
    }
    let rounded = |v: i128, places: i32| {
        let rounded = f(Decimal { unscaled: v, scale: i32::from(scale) }, places)?;
        decimal::rescale(rounded.unscaled, rounded.scale, i32::from(scale))
    };
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
fn half_up(value: Decimal, places: i32) -> Option<Decimal> {
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

/// Towards zero.
fn cut(value: Decimal, places: i32) -> Option<Decimal> {
    let digits = i64::from(value.scale) - i64::from(places);
    if digits <= 0 {
        return Some(value);
    }
    let Some(one) = u32::try_from(digits).ok().and_then(|digits| 10_i128.checked_pow(digits)) else {
        return Some(Decimal { unscaled: 0, scale: 0 });
    };
    Some(Decimal { unscaled: value.unscaled / one, scale: places })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn rounding() {
        check(
            &[
                "ROUND(1.5)",
                "ROUND(-1.5)",
                "ROUND(1.25, 1)",
                "ROUND(-1.25, 1)",
                "ROUND(126.5, -1)",
                "ROUND(1.5, 400)",
                "ROUND(1.5, -400)",
                "ROUND(DECIMAL(4, 2) 1.25, 1)",
                "ROUND(DECIMAL(4, 2) 99.99)",
                "TRUNC(7)",
                "TRUNC(1.7)",
                "TRUNC(-1.7)",
                "TRUNC(-1.75, 1)",
                "TRUNC(126.5, -1)",
                "TRUNC(1.5, NULL)",
                "TRUNC(DECIMAL(4, 2) -1.25)",
                "TRUNC(DECIMAL(4, 2) 1.29, 1)",
            ],
            expect![[r#"
                ROUND(1.5) -> 2
                ROUND(-1.5) -> -1
                ROUND(1.25, 1) -> 1.3
                ROUND(-1.25, 1) -> -1.2
                ROUND(126.5, -1) -> 130.0
                ROUND(1.5, 400) -> 1.5
                ROUND(1.5, -400) -> 0.0
                ROUND(DECIMAL(4, 2) 1.25, 1) -> 1.30
                ROUND(DECIMAL(4, 2) 99.99) -> error: the result for 99.99 is out of range for DECIMAL(2, 0)
                TRUNC(7) -> 7
                TRUNC(1.7) -> 1
                TRUNC(-1.7) -> -1
                TRUNC(-1.75, 1) -> -1.7
                TRUNC(126.5, -1) -> 120.0
                TRUNC(1.5, NULL) -> NULL
                TRUNC(DECIMAL(4, 2) -1.25) -> -1
                TRUNC(DECIMAL(4, 2) 1.29, 1) -> 1.20"#]],
        );
    }
}
