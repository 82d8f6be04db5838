//! Strings with escapes, in both directions.

use super::scan::{Cursor, next_special};

/// Appends a text in quotes, escaped as Jackson does: quote, backslash and control characters only.
#[inline]
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    loop {
        let special = next_special(text, from);
        out.extend_from_slice(text.get(from..special).unwrap_or_default());
        let Some(byte) = text.get(special) else { break };
        write_escaped(*byte, out);
        from = special + 1;
    }
    out.push(b'"');
}

#[cold]
fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            let hex = |digit: u8| if digit < 10 { b'0' + digit } else { b'A' + digit - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A `\u` escape names half a character.
#[derive(Debug)]
pub struct LoneSurrogate;

/// Appends what a string means that the scanner took, escapes resolved.
pub fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Result<(), LoneSurrogate> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let simple = match escape.get(1) {
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let (char, length) = unicode(escape).ok_or(LoneSurrogate)?;
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = escape.get(length..).unwrap_or_default();
                continue;
            }
            Some(other) => *other,
            None => return Ok(()),
        };
        out.push(simple);
        rest = escape.get(2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// The character of a `\uXXXX` or of a surrogate pair, and its length as written.
fn unicode(escape: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let hex = std::str::from_utf8(escape.get(at..at + 4)?).ok()?;
        u32::from_str_radix(hex, 16).ok()
    };
    let first = unit(2)?;
    if !(0xd800..0xe000).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    if first >= 0xdc00 || escape.get(6..8)? != b"\\u" {
        return None;
    }
    let second = unit(8)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    Some((char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 12))
}

/// Appends a JSON text without the space between its tokens, its strings escaped as [`write_text`] does.
/// The text must have passed the scanner.
pub fn write_compact(json: &[u8], out: &mut Vec<u8>) -> Result<(), LoneSurrogate> {
    let mut cursor = Cursor::new(json);
    let mut plain = Vec::new();
    while cursor.pos < json.len() {
        let byte = cursor.peek();
        if byte != b'"' {
            if byte > b' ' {
                out.push(byte);
            }
            cursor.pos += 1;
            continue;
        }
        let start = cursor.pos;
        // It passed the scanner before, so it does now.
        let Ok(text) = cursor.string() else { return Ok(()) };
        if text.escaped {
            plain.clear();
            unescape(text.raw, &mut plain)?;
            write_text(&plain, out);
        } else {
            out.extend_from_slice(cursor.since(start));
        }
    }
    Ok(())
}
