//! Arrays, maps and structs of a JSON text into their columns.

use std::collections::HashSet;

use super::cell::read_cell;
use super::scan::{Cursor, Fault, RawText};
use super::text::unescape;
use crate::formats::columns::{ByteRows, Values};
use crate::formats::nested::{ListRows, MapRows, StructRows};

/// Up to so many keys of a map are compared with one another; more go through a set.
const COMPARED_MAX: usize = 16;

pub fn read_array(cursor: &mut Cursor<'_>, rows: &mut ListRows, index: usize) -> Result<(), Fault> {
    if cursor.peek() != b'[' {
        return refuse(cursor, index);
    }
    cursor.pos += 1;
    cursor.skip_space();
    if cursor.peek() == b']' {
        cursor.pos += 1;
    } else {
        loop {
            read_cell(cursor, &mut rows.items, index)?;
            cursor.skip_space();
            match cursor.peek() {
                b',' => {
                    cursor.pos += 1;
                    cursor.skip_space();
                }
                b']' => {
                    cursor.pos += 1;
                    break;
                }
                _ => return Err(cursor.fault("',' or ']'")),
            }
        }
    }
    rows.finish_row().map_err(|_| Fault::TooLarge { column: index })
}

pub fn read_struct(cursor: &mut Cursor<'_>, rows: &mut StructRows, index: usize) -> Result<(), Fault> {
    if cursor.peek() != b'{' {
        return refuse(cursor, index);
    }
    let row = rows.len();
    rows.reader.read_at(cursor, &mut rows.fields, row, Some(index))?;
    rows.finish_row();
    Ok(())
}

pub fn read_map(cursor: &mut Cursor<'_>, rows: &mut MapRows, index: usize) -> Result<(), Fault> {
    if cursor.peek() != b'{' {
        return refuse(cursor, index);
    }
    let start = cursor.pos;
    read_members(cursor, |cursor, name| read_entry(cursor, name, rows, index))?;
    if let Some(repeated) = repeated_keys(rows) {
        // Rare: read them once more, without those that come again.
        rows.drop_open_row();
        cursor.pos = start;
        let mut repeated = repeated.into_iter();
        read_members(cursor, |cursor, name| match repeated.next() {
            Some(true) => cursor.skip_value(),
            _ => read_entry(cursor, name, rows, index),
        })?;
    }
    rows.finish_row().map_err(|_| Fault::TooLarge { column: index })
}

fn read_entry(
    cursor: &mut Cursor<'_>,
    name: RawText<'_>,
    rows: &mut MapRows,
    index: usize,
) -> Result<(), Fault> {
    let (start, end) = (cursor.pos, cursor.pos);
    let Values::Bytes(keys) = &mut rows.keys.values else {
        return Err(Fault::Unreadable { column: index, start, end });
    };
    if !name.escaped {
        keys.push(name.raw).map_err(|_| Fault::TooLarge { column: index })?;
    } else if unescape(name.raw, &mut keys.data).is_ok() {
        keys.finish_row().map_err(|_| Fault::TooLarge { column: index })?;
    } else {
        keys.drop_open_row();
        return Err(Fault::Unreadable { column: index, start, end });
    }
    read_cell(cursor, &mut rows.values, index)
}

/// Calls `each` behind the name of each member of the object at the cursor; it must step over the value.
fn read_members<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(&mut Cursor<'a>, RawText<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    cursor.pos += 1;
    cursor.skip_space();
    if cursor.peek() == b'}' {
        cursor.pos += 1;
        return Ok(());
    }
    loop {
        let name = cursor.member_name()?;
        each(cursor, name)?;
        cursor.skip_space();
        match cursor.peek() {
            b',' => {
                cursor.pos += 1;
                cursor.skip_space();
            }
            b'}' => {
                cursor.pos += 1;
                return Ok(());
            }
            _ => return Err(cursor.fault("',' or '}'")),
        }
    }
}

/// Which keys of the row that is being written come again behind; None where none does.
fn repeated_keys(rows: &MapRows) -> Option<Vec<bool>> {
    let Values::Bytes(keys) = &rows.keys.values else { return None };
    let (from, to) = (rows.open_row(), rows.keys.len());
    let unique = if to - from <= COMPARED_MAX {
        (from..to).all(|at| (from..at).all(|before| keys.get(before) != keys.get(at)))
    } else {
        let mut seen = HashSet::with_capacity(to - from);
        (from..to).all(|at| seen.insert(keys.get(at)))
    };
    (!unique).then(|| marked(keys, from, to))
}

#[cold]
fn marked(keys: &ByteRows, from: usize, to: usize) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(to - from);
    let mut repeated: Vec<bool> = (from..to).rev().map(|at| !seen.insert(keys.get(at))).collect();
    repeated.reverse();
    repeated
}

/// Steps over a value of another kind.
#[cold]
fn refuse(cursor: &mut Cursor<'_>, index: usize) -> Result<(), Fault> {
    let start = cursor.pos;
    cursor.skip_value()?;
    Err(Fault::Unreadable { column: index, start, end: cursor.pos })
}
