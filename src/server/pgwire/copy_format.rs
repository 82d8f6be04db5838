//! The formats of COPY: what their options mean, and how a row is written.

use bytes::{BufMut, BytesMut};

use super::encode::Column;
use crate::sql::ast::{CopyFormat, CopyOptions};
use crate::sql::{SqlError, sqlstate};

/// What begins a binary COPY: the signature, no flags, no extension.
pub const BINARY_HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Options with their defaults filled in. All characters are single bytes.
#[derive(Debug, Clone)]
pub struct Layout {
    pub format: CopyFormat,
    pub delimiter: u8,
    pub null: String,
    pub header: bool,
    pub quote: u8,
    pub escape: u8,
}

/// Refuses options that contradict each other.
pub fn check(options: &CopyOptions) -> Result<(), SqlError> {
    Layout::new(options).map(drop)
}

impl Layout {
    pub fn new(options: &CopyOptions) -> Result<Self, SqlError> {
        let csv = options.format == CopyFormat::Csv;
        let invalid = |what: &str| Err(SqlError::new(sqlstate::INVALID_PARAMETER, what.to_owned()));
        if options.format == CopyFormat::Binary
            && (options.delimiter.is_some() || options.null.is_some() || options.header)
        {
            return invalid("cannot specify DELIMITER, NULL or HEADER in BINARY mode");
        }
        if !csv && (options.quote.is_some() || options.escape.is_some()) {
            return invalid("COPY QUOTE and ESCAPE are available only in CSV mode");
        }
        let one_byte = |c: Option<char>, default: u8, what: &str| match c {
            None => Ok(default),
            Some(c) if c.is_ascii() && !matches!(c, '\n' | '\r' | '\0') => Ok(c as u8),
            Some(_) => Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("COPY {what} must be a single one-byte character"),
            )),
        };
        let quote = one_byte(options.quote, b'"', "QUOTE")?;
        let layout = Layout {
            format: options.format,
            delimiter: one_byte(options.delimiter, if csv { b',' } else { b'\t' }, "DELIMITER")?,
            null: options.null.clone().unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() }),
            header: options.header,
            quote,
            escape: one_byte(options.escape, quote, "ESCAPE")?,
        };
        if csv && layout.delimiter == layout.quote {
            return invalid("COPY delimiter and quote must be different");
        }
        if !csv
            && (layout.delimiter == b'\\'
                || layout.delimiter.is_ascii_alphanumeric()
                || layout.delimiter == b'.')
        {
            return invalid("COPY delimiter cannot be a letter, a digit, a point or a backslash");
        }
        if layout.null.contains(['\n', '\r']) || layout.null.as_bytes().contains(&layout.delimiter) {
            return invalid("COPY null representation cannot contain line ends or the delimiter");
        }
        Ok(layout)
    }

    /// Appends one row, with its line end.
    pub fn write_row(&self, columns: &mut [Column], row: usize, scratch: &mut BytesMut, out: &mut BytesMut) {
        if self.format == CopyFormat::Binary {
            out.put_i16(columns.len() as i16);
            columns.iter_mut().for_each(|c| c.write_field(row, true, out));
            return;
        }
        for (i, column) in columns.iter_mut().enumerate() {
            if i > 0 {
                out.put_u8(self.delimiter);
            }
            if column.is_null(row) {
                out.put_slice(self.null.as_bytes());
                continue;
            }
            scratch.clear();
            column.write_text(row, scratch);
            self.write_text(scratch, out);
        }
        out.put_u8(b'\n');
    }

    /// Appends the line of column names.
    pub fn write_header<'a>(&self, names: impl Iterator<Item = &'a str>, out: &mut BytesMut) {
        for (i, name) in names.enumerate() {
            if i > 0 {
                out.put_u8(self.delimiter);
            }
            self.write_text(name.as_bytes(), out);
        }
        out.put_u8(b'\n');
    }

    fn write_text(&self, value: &[u8], out: &mut BytesMut) {
        if self.format == CopyFormat::Csv {
            let special = |b: &u8| *b == self.delimiter || *b == self.quote || matches!(b, b'\n' | b'\r');
            if value == self.null.as_bytes() || value == b"\\." || value.iter().any(special) {
                out.put_u8(self.quote);
                for b in value {
                    if *b == self.quote || *b == self.escape {
                        out.put_u8(self.escape);
                    }
                    out.put_u8(*b);
                }
                out.put_u8(self.quote);
            } else {
                out.put_slice(value);
            }
            return;
        }
        for b in value {
            let escaped = match b {
                b'\\' => b'\\',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x08 => b'b',
                0x0b => b'v',
                0x0c => b'f',
                b if *b == self.delimiter => *b,
                b => {
                    out.put_u8(*b);
                    continue;
                }
            };
            out.put_u8(b'\\');
            out.put_u8(escaped);
        }
    }
}
