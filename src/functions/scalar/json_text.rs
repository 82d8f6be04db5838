//! JSON texts: their values, parts and canonical text, without trees.
//!
//! A text is checked against the grammar once ([`value`]); what is taken from it then are slices of it. What counts is the
//! first value of a text, as in Jackson: what stands behind it is not looked at, unless it could be part of it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::formats::json::{Cursor, Fault, RawText, unescape, write_text};

/// The first value in a text, as written; None where there is nothing but space.
///
/// Errors: it is not JSON.
pub fn value(text: &str) -> Result<Option<&[u8]>, String> {
    let mut cursor = Cursor::new(text.as_bytes());
    cursor.skip_space();
    if cursor.rest().is_empty() {
        return Ok(None);
    }
    let start = cursor.pos;
    cursor.skip_value().map_err(error)?;
    let value = cursor.since(start);
    let open = !matches!(value.last(), Some(b'"' | b'}' | b']'));
    if open && !matches!(cursor.rest().first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) {
        return Err(error(cursor.fault("space behind the value")));
    }
    Ok(Some(value))
}

fn error(fault: Fault) -> String {
    match fault {
        Fault::Syntax { at, expected } => format!("invalid JSON: {expected} was expected at byte {}", at + 1),
        _ => "invalid JSON".to_owned(),
    }
}

/// The elements of an array or the members of an object; None for other values.
pub fn parts(value: &[u8]) -> Option<Parts<'_>> {
    let object = match value.first() {
        Some(b'{') => true,
        Some(b'[') => false,
        _ => return None,
    };
    let mut cursor = Cursor::new(value);
    cursor.pos = 1;
    Some(Parts { cursor, object })
}

/// Names, which are empty in arrays, and values.
pub struct Parts<'a> {
    cursor: Cursor<'a>,
    object: bool,
}

impl<'a> Iterator for Parts<'a> {
    type Item = (RawText<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let cursor = &mut self.cursor;
        cursor.skip_space();
        match cursor.peek() {
            b',' => {
                cursor.pos += 1;
                cursor.skip_space();
            }
            b']' | b'}' => return None,
            _ => {}
        }
        let name =
            if self.object { cursor.member_name().ok()? } else { RawText { raw: &[], escaped: false } };
        let start = cursor.pos;
        cursor.skip_value().ok()?;
        Some((name, cursor.since(start)))
    }
}

/// The members of an object, as [`merged`]; None for other values.
pub fn members(value: &[u8]) -> Result<Option<Vec<Member<'_>>>, String> {
    if value.starts_with(b"{") { merged([value]).map(Some) } else { Ok(None) }
}

/// A name and a value as written.
pub type Member<'a> = (Cow<'a, str>, &'a [u8]);

/// The members of objects, each name once: of several with one name the last value counts, at the place of the first.
pub fn merged<'a>(objects: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Member<'a>>, String> {
    let mut members: Vec<Member<'a>> = Vec::new();
    let mut places = HashMap::new();
    for (name, value) in objects.into_iter().filter_map(parts).flatten() {
        let name = string(name)?;
        let place = *places.entry(name.clone()).or_insert(members.len());
        match members.get_mut(place) {
            Some(member) => member.1 = value,
            None => members.push((name, value)),
        }
    }
    Ok(members)
}

/// The text that a string means. Errors: half a surrogate pair.
pub fn string(text: RawText<'_>) -> Result<Cow<'_, str>, String> {
    let invalid = || "invalid JSON: half of a character in a string".to_owned();
    if text.escaped {
        let mut plain = Vec::with_capacity(text.raw.len());
        unescape(text.raw, &mut plain).map_err(|_| invalid())?;
        Ok(Cow::Owned(String::from_utf8(plain).map_err(|_| invalid())?))
    } else {
        std::str::from_utf8(text.raw).map(Cow::Borrowed).map_err(|_| invalid())
    }
}

/// The text of a value that is a string; None for other values.
pub fn as_string(value: &[u8]) -> Result<Option<Cow<'_, str>>, String> {
    match (value.first(), value.get(1..value.len().saturating_sub(1))) {
        (Some(b'"'), Some(raw)) => string(RawText { raw, escaped: raw.contains(&b'\\') }).map(Some),
        _ => Ok(None),
    }
}

/// Appends a value as Jackson prints it: without space, strings with no escapes but the needed ones, numbers with a
/// fraction or an exponent as Java's `BigDecimal` has them.
pub fn write_canonical(value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut cursor = Cursor::new(value);
    while cursor.pos < value.len() {
        let start = cursor.pos;
        match cursor.peek() {
            b'"' => {
                let text = cursor.string().map_err(error)?;
                if text.escaped {
                    write_text(string(text)?.as_bytes(), out);
                } else {
                    out.extend_from_slice(cursor.since(start));
                }
            }
            b'-' | b'0'..=b'9' => write_number(cursor.number().map_err(error)?, out),
            byte => {
                if byte > b' ' {
                    out.push(byte);
                }
                cursor.pos += 1;
            }
        }
    }
    Ok(())
}

/// The canonical text of a value.
pub fn canonical(value: &[u8]) -> Result<String, String> {
    let mut out = Vec::with_capacity(value.len());
    write_canonical(value, &mut out)?;
    String::from_utf8(out).map_err(|_| "invalid JSON: not UTF-8".to_owned())
}

fn write_number(number: &[u8], out: &mut Vec<u8>) {
    if number.iter().all(|b| b.is_ascii_digit() || *b == b'-') {
        out.extend_from_slice(if number == b"-0" { b"0" } else { number });
        return;
    }
    match std::str::from_utf8(number).ok().and_then(big_decimal) {
        Some(text) => out.extend_from_slice(text.as_bytes()),
        None => out.extend_from_slice(number),
    }
}

/// The text of a number by `BigDecimal.toString`: plain down to a millionth, else with an exponent.
fn big_decimal(number: &str) -> Option<String> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (number, 0),
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |mantissa| ("-", mantissa));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let (sign, digits) = if digits.is_empty() { ("", "0") } else { (sign, digits) };
    let adjusted = i64::try_from(digits.len()).ok()?.checked_sub(1)?.checked_sub(scale)?;
    if scale == 0 {
        return Some(format!("{sign}{digits}"));
    }
    if scale > 0 && adjusted >= -6 {
        // At most six zeros come before the digits.
        let padded = format!("{digits:0>width$}", width = usize::try_from(scale).ok()? + 1);
        let (whole, fraction) = padded.split_at_checked(padded.len() - usize::try_from(scale).ok()?)?;
        return Some(format!("{sign}{whole}.{fraction}"));
    }
    let (first, rest) = digits.split_at_checked(1)?;
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{sign}{first}{point}{rest}E{adjusted:+}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_in_java() {
        for (number, expected) in [
            ("1.23450", "1.23450"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("1E5", "1E+5"),
            ("12.50e3", "1.250E+4"),
            ("125e-2", "1.25"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("12e-9", "1.2E-8"),
            ("0e10", "0E+10"),
            ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
            ("1e99999999999999999999", "1e99999999999999999999"),
        ] {
            assert_eq!(canonical(number.as_bytes()).as_deref(), Ok(expected), "{number}");
        }
    }

    #[test]
    fn first_values() {
        let check = |text: &str, expected: Result<Option<&str>, ()>| {
            let found = value(text).map(|v| v.map(|v| std::str::from_utf8(v).unwrap().to_owned()));
            assert_eq!(found.map_err(|_| ()), expected.map(|v| v.map(str::to_owned)), "{text}");
        };
        check("", Ok(None));
        check(" \n", Ok(None));
        check(" {\"a\": 1}}", Ok(Some("{\"a\": 1}")));
        check("[1] x", Ok(Some("[1]")));
        check("12 x", Ok(Some("12")));
        check("12x", Err(()));
        check("true", Ok(Some("true")));
        check("truee", Err(()));
        check("{\"a\":}", Err(()));
        check("abc", Err(()));
    }
}
