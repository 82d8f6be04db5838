//! A JSON object into columns.

use std::collections::HashMap;

use super::cell::read_cell;
use super::scan::{Cursor, Fault, Top};
use super::text::unescape;
use crate::formats::columns::ColumnBuilder;

/// How many fields of a record are remembered, and how long a name may be for that. What is beyond is looked up by
/// name each time.
const REMEMBERED_MAX: usize = 256;
const REMEMBERED_NAME_BYTES_MAX: usize = 128;

/// Reads objects into the columns it was made for.
pub struct ObjectReader {
    /// Name to index among the columns.
    names: HashMap<Box<[u8]>, usize>,
    /// The fields of the last record, in order.
    remembered: Vec<Remembered>,
    /// Indexed like the columns: when each was last written, and how its field was found.
    written: Vec<Written>,
    /// Counts objects, so that nothing must be reset between two.
    object: u64,
}

struct Remembered {
    /// From the opening quote to the colon, as written.
    name: Box<[u8]>,
    target: Option<Target>,
}

#[derive(Clone, Copy)]
struct Target {
    column: usize,
    /// Found by its exact name, not by its name in upper case.
    exact: bool,
}

#[derive(Clone, Copy, Default)]
struct Written {
    object: u64,
    exact: bool,
}

impl ObjectReader {
    /// A reader of the columns with these indices and names.
    pub fn new<'a>(columns: impl Iterator<Item = (usize, &'a str)>) -> Self {
        let names: HashMap<Box<[u8]>, usize> =
            columns.map(|(at, name)| (name.as_bytes().into(), at)).collect();
        let size = names.values().max().map_or(0, |at| at + 1);
        Self { names, remembered: Vec::new(), written: vec![Written::default(); size], object: 0 }
    }

    /// Reads an object into row `row` of the columns. Those whose field is missing are left a row short. On a fault
    /// some may have the row and some not.
    pub fn read(&mut self, bytes: &[u8], columns: &mut [ColumnBuilder], row: usize) -> Result<Top, Fault> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip_space();
        let first = cursor.peek();
        if first != b'{' {
            cursor.skip_value()?;
            cursor.end()?;
            return if first == b'n' { Ok(Top::Null) } else { Err(Fault::NotAnObject) };
        }
        self.read_at(&mut cursor, columns, row, None)?;
        cursor.end()?;
        Ok(Top::Value)
    }

    /// As [`Self::read`], of the object at the cursor. `outer` is the index of the column that all of it belongs to,
    /// for the fault.
    #[inline]
    pub fn read_at(
        &mut self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        row: usize,
        outer: Option<usize>,
    ) -> Result<(), Fault> {
        cursor.pos += 1;
        self.object += 1;
        cursor.skip_space();
        if cursor.peek() == b'}' {
            cursor.pos += 1;
            return Ok(());
        }
        self.read_fields(cursor, columns, row, outer)
    }

    fn read_fields(
        &mut self,
        cursor: &mut Cursor<'_>,
        columns: &mut [ColumnBuilder],
        row: usize,
        outer: Option<usize>,
    ) -> Result<(), Fault> {
        for nth in 0.. {
            let target = match self.remembered.get(nth) {
                Some(field) if cursor.rest().starts_with(&field.name) => {
                    cursor.pos += field.name.len();
                    cursor.skip_space();
                    field.target
                }
                _ => self.look_up(cursor, nth)?,
            };
            match target
                .filter(|target| self.counts(*target))
                .and_then(|t| Some((t, columns.get_mut(t.column)?)))
            {
                Some((target, column)) => {
                    if column.len() > row {
                        column.truncate(row);
                    }
                    read_cell(cursor, column, outer.unwrap_or(target.column))?;
                }
                None => cursor.skip_value()?,
            }
            cursor.skip_space();
            match cursor.peek() {
                b',' => {
                    cursor.pos += 1;
                    cursor.skip_space();
                }
                b'}' => {
                    cursor.pos += 1;
                    break;
                }
                _ => return Err(cursor.fault("',' or '}'")),
            }
        }
        Ok(())
    }

    /// Whether a field decides its column: not where the exact name was seen in this object already and this one
    /// only matches in upper case.
    #[inline(always)]
    fn counts(&mut self, target: Target) -> bool {
        let Some(written) = self.written.get_mut(target.column) else { return false };
        if written.object == self.object && written.exact && !target.exact {
            return false;
        }
        *written = Written { object: self.object, exact: target.exact };
        true
    }

    /// Reads a field's name that is not the expected one, and expects it next time.
    #[cold]
    fn look_up(&mut self, cursor: &mut Cursor<'_>, nth: usize) -> Result<Option<Target>, Fault> {
        let start = cursor.pos;
        let text = cursor.member_name()?;
        let target = if text.escaped {
            let mut plain = Vec::new();
            // Half a character is no column's name.
            unescape(text.raw, &mut plain).ok().and_then(|()| self.target(&plain))
        } else {
            self.target(text.raw)
        };
        let mut name = cursor.since(start);
        while let [rest @ .., b' ' | b'\n' | b'\r' | b'\t'] = name {
            name = rest;
        }
        if nth < REMEMBERED_MAX && name.len() <= REMEMBERED_NAME_BYTES_MAX {
            let field = Remembered { name: name.into(), target };
            // A field that a name too long to be remembered stands before keeps being looked up.
            if let Some(place) = self.remembered.get_mut(nth) {
                *place = field;
            } else if nth == self.remembered.len() {
                self.remembered.push(field);
            }
        }
        Ok(target)
    }

    fn target(&self, name: &[u8]) -> Option<Target> {
        if let Some(column) = self.names.get(name) {
            return Some(Target { column: *column, exact: true });
        }
        let upper = std::str::from_utf8(name).ok()?.to_uppercase();
        let column = *self.names.get(upper.as_bytes())?;
        Some(Target { column, exact: false })
    }
}
