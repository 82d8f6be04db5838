//! Columns as rows of text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::formats::decimal::write_decimal;
use crate::formats::java_double;
use crate::formats::json::{CellValues, Cells};

/// Writes rows with a delimiter.
#[derive(Debug, Clone)]
pub struct DelimitedWriter {
    delimiter: Box<[u8]>,
}

impl DelimitedWriter {
    pub fn new(delimiter: char) -> Self {
        Self { delimiter: delimiter.encode_utf8(&mut [0; 4]).as_bytes().into() }
    }

    /// Appends a row of the columns.
    pub fn write(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        for (at, cells) in cells.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(&self.delimiter);
            }
            if !cells.is_null(row) {
                let start = out.len();
                write_text(cells, row, out);
                self.quote(start, at == 0, out);
            }
        }
    }

    /// Puts what was appended from `start` on into quotes, where Commons CSV would: it is wary of more than it must.
    #[inline]
    fn quote(&self, start: usize, first: bool, out: &mut Vec<u8>) {
        let text = out.get(start..).unwrap_or_default();
        let quoted = match text {
            // The only column of a row would be an empty line.
            [] => first,
            [byte, ..] if first && !byte.is_ascii_alphanumeric() => true,
            [..=b'#', ..] => true,
            [.., ..=b' '] => true,
            _ => self.is_special(text),
        };
        if !quoted {
            return;
        }
        let text = text.to_vec();
        out.truncate(start);
        out.push(b'"');
        for byte in text {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    }

    fn is_special(&self, text: &[u8]) -> bool {
        if memchr::memchr3(b'\n', b'\r', b'"', text).is_some() {
            return true;
        }
        match *self.delimiter {
            [delimiter] => memchr::memchr(delimiter, text).is_some(),
            _ => text.windows(self.delimiter.len()).any(|part| *part == *self.delimiter),
        }
    }
}

/// Appends the text of a value that is not null.
fn write_text(cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
    match &cells.values {
        CellValues::Boolean(values) => {
            out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
        }
        CellValues::Int(values) => integer(values.get(row).copied().unwrap_or_default(), out),
        CellValues::Long(values) => integer(values.get(row).copied().unwrap_or_default(), out),
        CellValues::Double(values) => java_double(values.get(row).copied().unwrap_or_default(), out),
        CellValues::Decimal(values, scale) => {
            write_decimal(values.get(row).copied().unwrap_or_default(), *scale, out);
        }
        CellValues::String(values) => out.extend_from_slice(values.value(row).as_bytes()),
        CellValues::Bytes(values) => out.extend_from_slice(STANDARD.encode(values.value(row)).as_bytes()),
        // Refused when the writer was made.
        CellValues::List(_) | CellValues::Map(_) | CellValues::Struct(_) => {}
    }
}

#[inline(always)]
fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
