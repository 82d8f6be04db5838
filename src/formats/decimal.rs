//! Decimal numbers as text, exactly.
//!
//! A DECIMAL(p, s) is an `i128` of units of 10^-s. ksqlDB takes a number or a text for it and never rounds on the way
//! in: a value with more fraction digits than the scale, or more whole digits than fit, cannot be read.

/// A number as it was written: ±mantissa · 10^exponent, and a little more where `cut` is set.
struct Number {
    negative: bool,
    mantissa: u128,
    exponent: i64,
    /// Digits other than zero behind the 38th were left out.
    cut: bool,
}

const DIGITS_MAX: usize = 38;

/// Reads a number as `java.math.BigDecimal` does into units of 10^-`scale`. None where it is no number or does not fit.
pub(super) fn parse_decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let number = Number::parse(text)?;
    if number.cut {
        return None;
    }
    if number.mantissa == 0 {
        return Some(0);
    }
    let shift = number.exponent + i64::from(scale);
    let power = power_of_ten(shift.unsigned_abs())?;
    let units = if shift >= 0 {
        number.mantissa.checked_mul(power)?
    } else if number.mantissa.is_multiple_of(power) {
        number.mantissa / power
    } else {
        return None;
    };
    if units >= power_of_ten(u64::from(precision))? {
        return None;
    }
    let units = i128::try_from(units).ok()?;
    Some(if number.negative { -units } else { units })
}

/// The whole part of a number, as `BigDecimal.longValue` for those that fit; None for the others.
pub(super) fn parse_truncated(text: &[u8]) -> Option<i64> {
    let number = Number::parse(text)?;
    let units = if number.exponent >= 0 {
        if number.mantissa == 0 {
            return Some(0);
        }
        number.mantissa.checked_mul(power_of_ten(number.exponent.unsigned_abs())?)?
    } else {
        match power_of_ten(number.exponent.unsigned_abs()) {
            Some(power) => number.mantissa / power,
            None => 0,
        }
    };
    let units = i128::try_from(units).ok()?;
    i64::try_from(if number.negative { -units } else { units }).ok()
}

/// Appends a decimal as `BigDecimal.toPlainString`: `1.00`, `-0.05`, `12`.
pub(super) fn write_decimal(units: i128, scale: u8, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(units.unsigned_abs()).as_bytes();
    if units < 0 {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits);
        return;
    }
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    out.push(b'.');
    out.resize(out.len() + scale - fraction.len(), b'0');
    out.extend_from_slice(fraction);
}

/// A two's complement number, big endian, in units of 10^-`from`, as units of 10^-`scale`. None where that is not
/// exact or does not fit.
pub(super) fn from_big_endian(bytes: &[u8], from: i32, precision: u8, scale: u8) -> Option<i128> {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let fill: u8 = if negative { 0xff } else { 0 };
    let mut bytes = bytes;
    while let [first, rest @ ..] = bytes
        && bytes.len() > 16
    {
        if *first != fill {
            return None;
        }
        bytes = rest;
    }
    let mut whole = [fill; 16];
    if let Some(end) = whole.get_mut(16 - bytes.len()..) {
        end.copy_from_slice(bytes);
    }
    let units = i128::from_be_bytes(whole);
    // Sixteen bytes that were cut out of more may have another sign.
    if (units < 0) != negative {
        return None;
    }
    let shift = i64::from(scale) - i64::from(from);
    if units == 0 {
        return Some(0);
    }
    let power = i128::try_from(power_of_ten(shift.unsigned_abs())?).ok()?;
    let units = match shift {
        0.. => units.checked_mul(power)?,
        _ if units % power == 0 => units / power,
        _ => return None,
    };
    (units.unsigned_abs() < power_of_ten(u64::from(precision))?).then_some(units)
}

/// Gives the fewest bytes of a number in two's complement, big endian, to `write`.
pub(super) fn to_big_endian(units: i128, write: impl FnOnce(&[u8])) {
    let all = units.to_be_bytes();
    let mut bytes = &all[..];
    while let [first, second, ..] = bytes
        && (*first == 0 && second & 0x80 == 0 || *first == 0xff && second & 0x80 != 0)
    {
        bytes = bytes.get(1..).unwrap_or_default();
    }
    write(bytes);
}

impl Number {
    /// `[+-] digits [. digits] [e [+-] digits]`, with a digit somewhere before the exponent.
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, mut rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let mut number = Number { negative, mantissa: 0, exponent: 0, cut: false };
        let (mut kept, mut any, mut fraction) = (0, false, false);
        while let [byte, tail @ ..] = rest {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    let digit = u128::from(byte - b'0');
                    if kept < DIGITS_MAX {
                        number.mantissa = number.mantissa * 10 + digit;
                        kept += usize::from(number.mantissa != 0);
                        number.exponent -= i64::from(fraction);
                    } else {
                        number.cut |= digit != 0;
                        number.exponent += i64::from(!fraction);
                    }
                }
                b'.' if !fraction => fraction = true,
                b'e' | b'E' if any => {
                    number.exponent += parse_exponent(tail)?;
                    return Some(number);
                }
                _ => return None,
            }
            rest = tail;
        }
        any.then_some(number)
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    // Ten digits say more than enough; what is longer is as good as infinite, and must not overflow.
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Some(if text.starts_with('-') { -size } else { size })
}

fn power_of_ten(exponent: u64) -> Option<u128> {
    10u128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exactly_or_not_at_all() {
        for (text, precision, scale, expected) in [
            ("10", 6, 4, Some(100_000)),
            ("0.01", 6, 4, Some(100)),
            ("-.5", 4, 2, Some(-50)),
            ("+1.", 4, 2, Some(100)),
            ("1e2", 6, 2, Some(10_000)),
            ("12.34000000000000000000000000000000000000000000000", 4, 2, Some(1234)),
            ("0.000e999999999999999999", 4, 2, Some(0)),
            ("12.345", 4, 2, None),
            ("100", 4, 2, None),
            ("99.99", 4, 2, Some(9999)),
            ("1e99999999999", 38, 0, None),
            ("1e-99999999999", 38, 0, None),
            ("99999999999999999999999999999999999999", 38, 0, Some(99999999999999999999999999999999999999)),
            ("100000000000000000000000000000000000000", 38, 0, None),
            ("10.1234512345123451234", 21, 19, Some(101234512345123451234)),
            ("", 4, 2, None),
            (".", 4, 2, None),
            ("1e", 4, 2, None),
            ("1.2.3", 4, 2, None),
            ("abc", 4, 2, None),
        ] {
            assert_eq!(parse_decimal(text.as_bytes(), precision, scale), expected, "{text}");
        }
    }

    #[test]
    fn whole_parts() {
        for (text, expected) in [
            ("1.9", Some(1)),
            ("-1.9", Some(-1)),
            ("1e3", Some(1000)),
            ("0.3333333333333333333333333333333333333333333333333", Some(0)),
            ("1e-400", Some(0)),
            ("9223372036854775807.5", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("1e400", None),
            ("0e400", Some(0)),
        ] {
            assert_eq!(parse_truncated(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn two_s_complement() {
        for units in [0, 1, -1, 127, 128, -128, -129, 1 << 100, i128::MIN / 4] {
            to_big_endian(units, |bytes| {
                assert_eq!(
                    from_big_endian(bytes, 2, 38, 2),
                    Some(units).filter(|u| u.unsigned_abs() < 10u128.pow(38))
                );
                let longer: Vec<u8> = [vec![if units < 0 { 0xff } else { 0 }; 17], bytes.to_vec()].concat();
                assert_eq!(from_big_endian(&longer, 2, 38, 2), from_big_endian(bytes, 2, 38, 2));
            });
        }
        to_big_endian(-129, |bytes| assert_eq!(bytes, [0xff, 0x7f]));
        assert_eq!(from_big_endian(&[0x01, 0x2c], 1, 4, 2), Some(3000));
        assert_eq!(from_big_endian(&[0x01, 0x2c], 1, 4, 0), Some(30));
        assert_eq!(from_big_endian(&[0x01, 0x2d], 1, 4, 0), None);
        assert_eq!(from_big_endian(&[0x7f; 20], 0, 38, 0), None);
        assert_eq!(from_big_endian(&[1], -40, 38, 0), None);
        assert_eq!(from_big_endian(&[], 0, 4, 0), Some(0));
    }

    #[test]
    fn writes_plain() {
        for (units, scale, expected) in [
            (100, 2, "1.00"),
            (-5, 2, "-0.05"),
            (12, 0, "12"),
            (0, 3, "0.000"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            let mut out = Vec::new();
            write_decimal(units, scale, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
