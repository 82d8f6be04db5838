//! A DOUBLE as Java prints it.
//!
//! ksqlDB shows a DOUBLE as `Double.toString` does, in JSON as in CAST(… AS STRING): always with a point, and with an
//! exponent below 0.001 and from ten million on. The digits are the fewest that read back as the same number.

/// Appends the text of `Double.toString`: `10.0`, `1.0E10`, `1.2E-5`, `NaN`, `Infinity`, `-0.0`.
pub fn java_double(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        let text = match (value.is_nan(), value > 0.0) {
            (true, _) => "NaN",
            (false, true) => "Infinity",
            (false, false) => "-Infinity",
        };
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format_finite(value);
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        // Between these bounds both print the same.
        out.extend_from_slice(shortest.as_bytes());
        return;
    }
    if size < SPARSE_BELOW {
        // Java takes the nearest of two digits where one would do: 4.9E-324, not 5.0E-324.
        let two_digits = format!("{value:.1e}");
        if two_digits.parse() == Ok(value) {
            return with_exponent(&two_digits, out);
        }
    }
    with_exponent(shortest, out);
}

/// Below this, doubles are so few that several texts of two digits read back as the same one.
const SPARSE_BELOW: f64 = 1e-320;

/// Writes a shortest text, in whatever notation, as `d.dddE±n`.
fn with_exponent(shortest: &str, out: &mut Vec<u8>) {
    let unsigned = shortest.strip_prefix('-').unwrap_or(shortest);
    if unsigned.len() < shortest.len() {
        out.push(b'-');
    }
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

    let digits = || whole.bytes().chain(fraction.bytes());
    let leading = digits().take_while(|d| *d == b'0').count();
    let trailing = digits().rev().take_while(|d| *d == b'0').count();
    let count = (whole.len() + fraction.len()).saturating_sub(leading + trailing).max(1);
    for (at, digit) in digits().skip(leading).take(count).enumerate() {
        out.push(digit);
        if at == 0 {
            out.push(b'.');
        }
    }
    if count == 1 {
        out.push(b'0');
    }
    out.push(b'E');
    let scale = exponent + whole.len() as i32 - leading as i32 - 1;
    out.extend_from_slice(itoa::Buffer::new().format(scale).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::java_double;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        java_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prints_as_java_does() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (10.0, "10.0"),
            (-1.5, "-1.5"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (9_999_999.0, "9999999.0"),
            (9_999_999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (-12_345_678.25, "-1.234567825E7"),
            (1e10, "1.0E10"),
            (1.2e-5, "1.2E-5"),
            (1e15, "1.0E15"),
            (1e16, "1.0E16"),
            (1e300, "1.0E300"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (5e-324, "4.9E-324"),
            (-1.5e-323, "-1.5E-323"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same_number(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let text = text(value);
            prop_assert!(text.contains('.'));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
