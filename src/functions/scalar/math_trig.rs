//! Angles and hyperbolas. Angles are radians; what has no value is NaN, as in Java.

use super::math::{doubles, pairs};
use super::{Overload, ScalarFunction};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "ACOS",
        summary: "Arc cosine",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::acos))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ASIN",
        summary: "Arc sine",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::asin))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ATAN",
        summary: "Arc tangent",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::atan))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "ATAN2",
        summary: "The angle of the point at x and y; y comes first",
        overloads: &[Overload::new("(y DOUBLE, x DOUBLE) -> DOUBLE", |a| pairs(a, f64::atan2))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "COS",
        summary: "Cosine",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::cos))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "COSH",
        summary: "Hyperbolic cosine",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::cosh))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "COT",
        summary: "Cotangent",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, |v| 1.0 / v.tan()))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "DEGREES",
        summary: "An angle in radians as degrees",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::to_degrees))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "RADIANS",
        summary: "An angle in degrees as radians",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::to_radians))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SIN",
        summary: "Sine",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::sin))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "SINH",
        summary: "Hyperbolic sine",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::sinh))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TAN",
        summary: "Tangent",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::tan))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TANH",
        summary: "Hyperbolic tangent",
        overloads: &[Overload::new("(value DOUBLE) -> DOUBLE", |a| doubles(a, f64::tanh))],
        takes_failures: false,
    },
];

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn angles() {
        check(
            &[
                "ROUND(ACOS(-1), 10)",
                "ASIN(2)",
                "ROUND(ASIN(1), 10)",
                "ROUND(ATAN(-6), 10)",
                "ROUND(ATAN2(BIGINT -2, 1), 10)",
                "ROUND(COS(-7), 10)",
                "ROUND(COSH(-7), 10)",
                "COT(0)",
                "ROUND(DEGREES(-2), 10)",
                "ROUND(RADIANS(180), 10)",
                "ROUND(SIN(1), 10)",
                "ROUND(SINH(-7), 10)",
                "ROUND(TAN(1), 10)",
                "ROUND(TANH(-7), 10)",
                "SIN(NULL)",
            ],
            expect![[r#"
                ROUND(ACOS(-1), 10) -> 3.1415926536
                ASIN(2) -> NaN
                ROUND(ASIN(1), 10) -> 1.5707963268
                ROUND(ATAN(-6), 10) -> -1.4056476494
                ROUND(ATAN2(BIGINT -2, 1), 10) -> -1.1071487178
                ROUND(COS(-7), 10) -> 0.7539022543
                ROUND(COSH(-7), 10) -> 548.3170351552
                COT(0) -> inf
                ROUND(DEGREES(-2), 10) -> -114.5915590262
                ROUND(RADIANS(180), 10) -> 3.1415926536
                ROUND(SIN(1), 10) -> 0.8414709848
                ROUND(SINH(-7), 10) -> -548.3161232732
                ROUND(TAN(1), 10) -> 1.5574077247
                ROUND(TANH(-7), 10) -> -0.9999983369
                SIN(NULL) -> NULL"#]],
        );
    }
}
