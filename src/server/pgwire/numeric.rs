//! Exact decimals and floating-point numbers as Postgres writes them, in text and in binary.

use std::fmt::Write;

use bytes::BufMut;

/// Binary form of NUMERIC: groups of four decimal digits, weight, sign, scale. Exact for any text that is a decimal number.
/// Returns false and writes nothing if `text` is not one.
pub fn write_binary(out: &mut impl BufMut, text: &str) -> bool {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) || fraction.len() > 16_383 {
        return false;
    }
    // Groups are aligned at the decimal point.
    let mut groups: Vec<i16> = Vec::with_capacity(whole.len() / 4 + fraction.len() / 4 + 2);
    let head = whole.len() % 4;
    let group = |bytes: &[u8]| bytes.iter().fold(0i16, |n, b| n * 10 + i16::from(b - b'0'));
    let (first, rest) = whole.as_bytes().split_at(head);
    if !first.is_empty() {
        groups.push(group(first));
    }
    groups.extend(rest.chunks(4).map(group));
    let mut weight = groups.len() as i16 - 1;
    for chunk in fraction.as_bytes().chunks(4) {
        let missing = 4 - chunk.len() as u32;
        groups.push(group(chunk) * 10i16.pow(missing));
    }
    let leading = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..leading);
    weight -= leading as i16;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    out.put_i16(groups.len() as i16);
    out.put_i16(weight);
    out.put_u16(if negative && !groups.is_empty() { 0x4000 } else { 0 });
    out.put_u16(fraction.len() as u16);
    for g in groups {
        out.put_i16(g);
    }
    true
}

/// The text of a NUMERIC in binary form; None if the bytes are not one. `NaN` and infinities come out as such.
pub fn read_binary(mut bytes: &[u8]) -> Option<String> {
    let mut next = || {
        let (head, rest) = bytes.split_first_chunk::<2>()?;
        bytes = rest;
        Some(u16::from_be_bytes(*head))
    };
    let count = next()?;
    let weight = i32::from(next()? as i16);
    let sign = next()?;
    let scale = usize::from(next()?);
    match sign {
        0x0000 | 0x4000 => {}
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => return None,
    }
    let mut groups = Vec::with_capacity(usize::from(count).min(256));
    for _ in 0..count {
        groups.push(next().filter(|g| *g < 10_000)?);
    }
    if weight > 1_000 || scale > 16_383 {
        return None;
    }
    let at = |index: i32| usize::try_from(index).ok().and_then(|i| groups.get(i)).copied().unwrap_or(0);
    let mut out = String::new();
    if sign == 0x4000 {
        out.push('-');
    }
    if weight < 0 {
        out.push('0');
    } else {
        for i in 0..=weight {
            let _ = if i == 0 { write!(out, "{}", at(i)) } else { write!(out, "{:04}", at(i)) };
        }
    }
    if scale > 0 {
        out.push('.');
        let start = out.len();
        let mut i = weight + 1;
        // Groups between the point and the first group of a small number are zero.
        while out.len() - start < scale {
            let _ = write!(out, "{:04}", at(i));
            i += 1;
        }
        out.truncate(start + scale);
    }
    Some(out)
}

/// A decimal of 128 bits with its scale. Negative scales are written out.
pub fn write_decimal(out: &mut String, value: i128, scale: i8) {
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs();
    if scale <= 0 {
        let _ = write!(out, "{digits}");
        if digits != 0 {
            out.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs())));
        }
        return;
    }
    let scale = usize::from(scale.unsigned_abs());
    let text = format!("{digits:0width$}", width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    out.push_str(whole);
    out.push('.');
    out.push_str(fraction);
}

/// The value of a plain decimal text (`-12.50`, `1e3` too) and its scale; None if it is not one or has more than 38 digits.
pub fn read_decimal(text: &str) -> Option<(i128, i8)> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for b in whole.bytes().chain(fraction.bytes()) {
        if !b.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(b - b'0'))?;
    }
    let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if value == 0 {
        scale = scale.max(0);
    }
    while scale < 0 {
        value = value.checked_mul(10)?;
        scale += 1;
    }
    if scale > 38 || value.unsigned_abs() >= 10u128.pow(38) {
        return None;
    }
    Some((if negative { -value } else { value }, scale as i8))
}

/// A double in Postgres' shortest form: plain digits from 1e-4 up to 1e15, else with an exponent of at least two digits.
pub fn write_f64(out: &mut String, value: f64) {
    if !special(out, value) {
        shortest(out, &format!("{value:e}"), 15);
    }
}

/// A float of 32 bits; its plain range ends at 1e6.
pub fn write_f32(out: &mut String, value: f32) {
    if !special(out, f64::from(value)) {
        shortest(out, &format!("{value:e}"), 6);
    }
}

fn special(out: &mut String, value: f64) -> bool {
    let text = if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "Infinity"
    } else if value == f64::NEG_INFINITY {
        "-Infinity"
    } else {
        return false;
    };
    out.push_str(text);
    true
}

/// From Rust's shortest digits, `-1.25e-7`.
fn shortest(out: &mut String, text: &str, plain: i32) {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        out.push_str(text);
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..plain).contains(&exponent) {
        out.push_str(mantissa);
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
        return;
    }
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    out.push_str(sign);
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(&digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
    } else {
        let (whole, fraction) = digits.split_at(whole);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_is_exact() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "10000",
            "9999.9999",
            "0.0001",
            "0.00010",
            "-123456789.012345678",
            "99999999999999999999999999999999999999",
            "100000000",
            "0.000000001",
            "12.50",
        ] {
            let mut bytes = Vec::new();
            assert!(write_binary(&mut bytes, text));
            assert_eq!(read_binary(&bytes).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!(read_binary(&[0, 1, 0]), None);
    }

    #[test]
    fn decimals() {
        let show = |v, s| {
            let mut out = String::new();
            write_decimal(&mut out, v, s);
            out
        };
        assert_eq!(show(5, 3), "0.005");
        assert_eq!(show(-1250, 2), "-12.50");
        assert_eq!(show(12, -2), "1200");
        assert_eq!(read_decimal("-12.50"), Some((-1250, 2)));
        assert_eq!(read_decimal("1e3"), Some((1000, 0)));
        assert_eq!(read_decimal(".5"), Some((5, 1)));
        for bad in ["", ".", "1x", "1e", "--1", "1e999999999999", "123456789012345678901234567890123456789"] {
            assert_eq!(read_decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn doubles_are_written_as_postgres_does() {
        let show = |v| {
            let mut out = String::new();
            write_f64(&mut out, v);
            out
        };
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (123456.789, "123456.789"),
            (1.5e300, "1.5e+300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(show(value), text);
        }
    }
}
