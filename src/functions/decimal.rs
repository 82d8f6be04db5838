//! Exact decimals as unscaled 128-bit integers: text, rounding and rescaling. Rounding is half up, away from zero.

/// The largest number of digits of a DECIMAL.
pub const MAX_PRECISION: u8 = 38;

/// 10^digits, saturating.
pub fn pow10(digits: u32) -> i128 {
    10_i128.checked_pow(digits).unwrap_or(i128::MAX)
}

/// The smallest unscaled value with more than `precision` digits.
pub fn limit(precision: u8) -> i128 {
    pow10(u32::from(precision))
}

/// Whether the unscaled value has at most `precision` digits.
pub fn fits(value: i128, precision: u8) -> bool {
    let limit = limit(precision);
    -limit < value && value < limit
}

/// An exact number as it was written: `unscaled / 10^scale`. `scale` may be negative after an exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    pub unscaled: i128,
    pub scale: i32,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`. None: not a number, or more than 38 significant digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.as_bytes().first()? {
            b'-' => (true, mantissa.get(1..)?),
            b'+' => (false, mantissa.get(1..)?),
            _ => (false, mantissa),
        };
        let mut unscaled: i128 = 0;
        let (mut scale, mut point, mut any) = (0_i32, false, false);
        for byte in digits.bytes() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                    scale = scale.checked_add(i32::from(point))?;
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        if !any || !fits(unscaled, MAX_PRECISION) {
            return None;
        }
        let unscaled = if negative { -unscaled } else { unscaled };
        Some(Self { unscaled, scale: scale.checked_sub(exponent)? })
    }

    /// The shortest decimal that reads back as this double; None for NaN, infinities and what has no 38 digits.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        Self::parse(ryu::Buffer::new().format_finite(value))
    }

    /// The unscaled value at another scale, rounded half up; None where it does not fit `precision`.
    pub fn rescale(self, precision: u8, scale: u8) -> Option<i128> {
        rescale(self.unscaled, self.scale, i32::from(scale)).filter(|value| fits(*value, precision))
    }

    /// The significant digits of the unscaled value, at least 1.
    pub fn digits(self) -> u8 {
        (1..=MAX_PRECISION).find(|p| fits(self.unscaled, *p)).unwrap_or(MAX_PRECISION)
    }
}

/// Brings an unscaled value from one scale to another, rounding half up. None: overflow.
pub fn rescale(value: i128, from: i32, to: i32) -> Option<i128> {
    let shift = i64::from(to) - i64::from(from);
    if value == 0 || shift == 0 {
        Some(value)
    } else if shift > 0 {
        10_i128.checked_pow(u32::try_from(shift).ok()?)?.checked_mul(value)
    } else {
        match 10_i128.checked_pow(u32::try_from(-shift).ok()?) {
            Some(divisor) => Some(divide_half_up(value, divisor)),
            None => Some(0),
        }
    }
}

/// value / divisor, rounded half away from zero. The divisor is above zero.
pub fn divide_half_up(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs() {
        quotient + value.signum()
    } else {
        quotient
    }
}

/// The unscaled value as text without an exponent.
pub fn format(value: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The double nearest to the decimal.
pub fn to_f64(value: i128, scale: u8) -> f64 {
    // Both sides are exact below 2^53 and 10^22, so one division rounds once; otherwise text does.
    if value.unsigned_abs() < 1 << 53 && scale <= 22 {
        value as f64 / 10_f64.powi(i32::from(scale))
    } else {
        format(value, scale).parse().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_rounds() {
        let check = |text: &str, expected: Option<(i128, i32)>| {
            let got = Decimal::parse(text).map(|d| (d.unscaled, d.scale));
            assert_eq!(got, expected, "{text}");
        };
        check("1.50", Some((150, 2)));
        check("-.5", Some((-5, 1)));
        check("12e3", Some((12, -3)));
        check("", None);
        check(".", None);
        check("1.2.3", None);
        check("--1", None);
        check(&"9".repeat(38), Some((10_i128.pow(38) - 1, 0)));
        check(&"9".repeat(39), None);
        assert_eq!(rescale(15, 1, 0), Some(2));
        assert_eq!(rescale(-15, 1, 0), Some(-2));
        assert_eq!(rescale(14, 1, 0), Some(1));
        assert_eq!(rescale(1, 0, 39), None);
        assert_eq!(rescale(i128::MAX, 60, 0), Some(0));
        assert_eq!(format(-5, 2), "-0.05");
        assert_eq!(format(1234, 2), "12.34");
        assert_eq!(to_f64(1001, 2), 10.01);
        assert_eq!(Decimal::from_f64(1e300), None.or(Decimal::parse("1e300")));
    }
}
