//! The bytes of a COPY cut into rows of fields: text, CSV and binary.

use crate::sql::SqlError;
use crate::sql::ast::CopyFormat;

use super::copy_format::{BINARY_HEADER, Layout};

/// One field, unescaped; None for NULL.
pub type Field = Option<Vec<u8>>;

/// A row may not be longer; what is collected without a line end is bounded by it.
const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;

/// Takes bytes in pieces of any size, gives rows.
pub struct Lines {
    layout: Layout,
    buf: Vec<u8>,
    /// Where in `buf` the next row begins.
    start: usize,
    /// How far the search for the end of a CSV row has come, and whether that is inside quotes.
    scanned: usize,
    quoted: bool,
    number: u64,
    header: bool,
    ended: bool,
}

impl Lines {
    pub fn new(layout: Layout) -> Self {
        let header = layout.header || layout.format == CopyFormat::Binary;
        Self { layout, buf: Vec::new(), start: 0, scanned: 0, quoted: false, number: 0, header, ended: false }
    }

    pub fn binary(&self) -> bool {
        self.layout.format == CopyFormat::Binary
    }

    /// The number of the row given last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SqlError> {
        if self.ended {
            return Ok(());
        }
        self.buf.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        if self.buf.len() > MAX_ROW_BYTES {
            return Err(SqlError::new(
                crate::sql::sqlstate::LIMIT_EXCEEDED,
                format!("a row of COPY can have at most {MAX_ROW_BYTES} bytes"),
            )
            .detail(format!("COPY line {}", self.number + 1)));
        }
        self.buf.extend_from_slice(bytes);
        Ok(())
    }

    /// The next row. None: it needs more bytes, or there are no more rows. `last`: no more bytes will come.
    pub fn next(&mut self, last: bool) -> Result<Option<Vec<Field>>, SqlError> {
        if self.ended {
            return Ok(None);
        }
        if self.binary() {
            return self.next_binary(last);
        }
        loop {
            let Some((line, next)) = self.line(last)? else { return Ok(None) };
            self.number += 1;
            let line = self.buf.get(line).unwrap_or_default();
            if line == b"\\." {
                self.ended = true;
                return Ok(None);
            }
            let skip = std::mem::take(&mut self.header);
            let fields = match self.layout.format {
                _ if skip => None,
                CopyFormat::Csv => Some(csv_fields(line, &self.layout)),
                _ => Some(text_fields(line, &self.layout)),
            };
            self.start = next;
            self.scanned = next;
            if let Some(fields) = fields {
                return Ok(Some(fields));
            }
        }
    }

    /// The range of the next line, and where the one behind it begins.
    fn line(&mut self, last: bool) -> Result<Option<(std::ops::Range<usize>, usize)>, SqlError> {
        let csv = self.layout.format == CopyFormat::Csv;
        let (quote, escape) = (self.layout.quote, self.layout.escape);
        let rest = self.buf.get(self.scanned..).unwrap_or_default();
        let mut end = None;
        if csv {
            let mut bytes = rest.iter().enumerate();
            while let Some((i, b)) = bytes.next() {
                if self.quoted && *b == escape && escape != quote {
                    bytes.next();
                } else if *b == quote {
                    self.quoted = !self.quoted;
                } else if *b == b'\n' && !self.quoted {
                    end = Some(self.scanned + i);
                    break;
                }
            }
        } else {
            // A backslash may stand before the line end itself.
            let mut from = 0;
            while let Some(i) = memchr::memchr(b'\n', rest.get(from..).unwrap_or_default()) {
                let at = from + i;
                let slashes =
                    rest.get(..at).unwrap_or_default().iter().rev().take_while(|b| **b == b'\\').count();
                if slashes % 2 == 0 {
                    end = Some(self.scanned + at);
                    break;
                }
                from = at + 1;
            }
        }
        let (end, next) = match end {
            Some(end) => (end, end + 1),
            None if last && self.start < self.buf.len() => {
                if self.quoted {
                    return Err(SqlError::new("22P04", "unterminated CSV quoted field")
                        .detail(format!("COPY line {}", self.number + 1)));
                }
                (self.buf.len(), self.buf.len())
            }
            None => {
                if csv && !(escape != quote && self.buf.last() == Some(&escape)) {
                    self.scanned = self.buf.len();
                } else {
                    // Begin again from the line's start: an escape may have been cut in two.
                    self.scanned = self.start;
                    self.quoted = false;
                }
                return Ok(None);
            }
        };
        let line = self.buf.get(self.start..end).unwrap_or_default();
        let end = if line.last() == Some(&b'\r') { end - 1 } else { end };
        Ok(Some((self.start..end, next)))
    }

    fn next_binary(&mut self, last: bool) -> Result<Option<Vec<Field>>, SqlError> {
        let broken =
            |what: &str, line| SqlError::new("22P04", what.to_owned()).detail(format!("COPY line {line}"));
        if self.header {
            let Some(head) = self.buf.get(..BINARY_HEADER.len()) else {
                return if last { Err(broken("COPY file signature not recognized", 1)) } else { Ok(None) };
            };
            let signature = |bytes: &[u8]| bytes.get(..11).map(<[u8]>::to_vec);
            if signature(head) != signature(BINARY_HEADER) {
                return Err(broken("COPY file signature not recognized", 1));
            }
            let extension = head.get(15..19).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
            if extension != 0 {
                return Err(broken("unrecognized extension in COPY file header", 1));
            }
            self.header = false;
            self.start = BINARY_HEADER.len();
            self.scanned = self.start;
        }
        let rest = self.buf.get(self.start..).unwrap_or_default();
        match binary_row(rest) {
            Parsed::Row(fields, len) => {
                self.start += len;
                self.scanned = self.start;
                self.number += 1;
                Ok(Some(fields))
            }
            Parsed::End => {
                self.ended = true;
                Ok(None)
            }
            Parsed::More if !last => Ok(None),
            Parsed::More | Parsed::Broken => Err(broken("unexpected EOF in COPY data", self.number + 1)),
        }
    }
}

enum Parsed {
    Row(Vec<Field>, usize),
    End,
    More,
    Broken,
}

fn binary_row(bytes: &[u8]) -> Parsed {
    let Some(head) = bytes.first_chunk::<2>() else { return Parsed::More };
    let count = i16::from_be_bytes(*head);
    match count {
        -1 => return Parsed::End,
        i16::MIN..0 => return Parsed::Broken,
        _ => {}
    }
    let mut at = 2;
    let mut fields = Vec::new();
    for _ in 0..count {
        let Some(len) = bytes.get(at..).and_then(|b| b.first_chunk::<4>()) else { return Parsed::More };
        let len = i32::from_be_bytes(*len);
        at += 4;
        if len < 0 {
            fields.push(None);
            continue;
        }
        if len as usize > MAX_ROW_BYTES {
            return Parsed::Broken;
        }
        let Some(value) = bytes.get(at..at + len as usize) else { return Parsed::More };
        fields.push(Some(value.to_vec()));
        at += len as usize;
    }
    Parsed::Row(fields, at)
}

fn text_fields(line: &[u8], layout: &Layout) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let mut end = rest.len();
        let mut bytes = rest.iter().enumerate();
        while let Some((i, b)) = bytes.next() {
            if *b == b'\\' {
                bytes.next();
            } else if *b == layout.delimiter {
                end = i;
                break;
            }
        }
        let raw = rest.get(..end).unwrap_or_default();
        fields.push((raw != layout.null.as_bytes()).then(|| unescape(raw)));
        match rest.get(end + 1..) {
            Some(after) if end < rest.len() => rest = after,
            _ => return fields,
        }
    }
}

/// `\n`, `\t`, `\101`, `\x41` and the like; a backslash before anything else is dropped.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let digits = |bytes: &mut std::iter::Peekable<_>, radix: u32, most: usize| {
            let mut value = None;
            for _ in 0..most {
                let Some(d) = bytes.peek().and_then(|b: &u8| (*b as char).to_digit(radix)) else { break };
                value = Some(value.unwrap_or(0) * radix + d);
                bytes.next();
            }
            value.map(|v| v as u8)
        };
        let octal = digits(&mut bytes, 8, 3);
        out.push(match octal {
            Some(byte) => byte,
            None => match bytes.next() {
                Some(b'x') => digits(&mut bytes, 16, 2).unwrap_or(b'x'),
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => other,
                None => b'\\',
            },
        });
    }
    out
}

fn csv_fields(line: &[u8], layout: &Layout) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut bytes = line.iter().copied().peekable();
    loop {
        let (mut value, mut was_quoted, mut quoted) = (Vec::new(), false, false);
        let mut more = false;
        while let Some(b) = bytes.next() {
            if quoted {
                let next = bytes.peek().copied();
                if b == layout.escape && next.is_some_and(|n| n == layout.quote || n == layout.escape) {
                    value.extend(bytes.next());
                } else if b == layout.quote {
                    quoted = false;
                } else {
                    value.push(b);
                }
            } else if b == layout.quote {
                quoted = true;
                was_quoted = true;
            } else if b == layout.delimiter {
                more = true;
                break;
            } else {
                value.push(b);
            }
        }
        fields.push((was_quoted || value != layout.null.as_bytes()).then_some(value));
        if !more {
            return fields;
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::sql::ast::CopyOptions;

    /// Feeds `data` in pieces of every size: all must give the same rows.
    fn check(format: CopyFormat, data: &[u8], expected: Expect) {
        let options =
            CopyOptions { format, delimiter: None, null: None, header: false, quote: None, escape: None };
        let run = |size: usize| {
            let mut lines = Lines::new(Layout::new(&options).unwrap());
            let mut out = String::new();
            let mut pieces: Vec<&[u8]> = data.chunks(size).collect();
            pieces.push(&[]);
            let last = pieces.len() - 1;
            for (i, piece) in pieces.into_iter().enumerate() {
                if let Err(e) = lines.push(piece) {
                    return out + &e.message;
                }
                loop {
                    match lines.next(i == last) {
                        Ok(None) => break,
                        Ok(Some(fields)) => {
                            let fields: Vec<String> = fields
                                .into_iter()
                                .map(|f| {
                                    f.map_or("NULL".into(), |f| format!("{:?}", String::from_utf8_lossy(&f)))
                                })
                                .collect();
                            out += &format!("{}: {}\n", lines.number(), fields.join(" "));
                        }
                        Err(e) => return out + &e.message,
                    }
                }
            }
            out
        };
        let whole = run(data.len());
        for size in 1..data.len() {
            assert_eq!(run(size), whole, "pieces of {size}");
        }
        expected.assert_eq(&whole);
    }

    #[test]
    fn text() {
        check(
            CopyFormat::Text,
            b"1\ta\\tb\t\\N\r\n\n2\t\\101\\x42\\\\\tx",
            expect![[r#"
            1: "1" "a\tb" NULL
            2: ""
            3: "2" "AB\\" "x"
        "#]],
        );
        check(
            CopyFormat::Text,
            b"1\n\\.\nignored\n",
            expect![[r#"
            1: "1"
        "#]],
        );
    }

    #[test]
    fn csv() {
        check(
            CopyFormat::Csv,
            b"1,\"a\"\"b,\nc\",,\"\"\n2,x y,z,\r\n",
            expect![[r#"
            1: "1" "a\"b,\nc" NULL ""
            2: "2" "x y" "z" NULL
        "#]],
        );
        check(CopyFormat::Csv, b"1,\"open\n", expect!["unterminated CSV quoted field"]);
    }

    #[test]
    fn binary() {
        let mut data = BINARY_HEADER.to_vec();
        data.extend_from_slice(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff\xff\xff");
        check(
            CopyFormat::Binary,
            &data,
            expect![[r#"
            1: "a" NULL
        "#]],
        );
        check(CopyFormat::Binary, &data[..24], expect!["unexpected EOF in COPY data"]);
    }
}
