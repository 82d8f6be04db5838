//! Arrays, maps and structs as JSON text.

use arrow::array::{ListArray, MapArray, StructArray};

use super::text::write_text;
use super::write::{CellValues, Cells, write_cell};
use crate::sql::SqlType;
use crate::sql::types::{MapType, StructField};

pub struct ListCells<'a> {
    offsets: &'a [i32],
    pub items: Box<Cells<'a>>,
}

pub struct MapCells<'a> {
    offsets: &'a [i32],
    pub keys: Box<Cells<'a>>,
    pub values: Box<Cells<'a>>,
}

pub struct StructCells<'a> {
    /// What stands before each field (`{"A":`, then `,"B":`), and the field.
    pub fields: Vec<(Box<[u8]>, Cells<'a>)>,
}

impl<'a> ListCells<'a> {
    pub fn new(array: &'a ListArray, element: SqlType) -> Option<Self> {
        let items = Box::new(Cells::new(array.values(), element)?);
        Some(Self { offsets: array.value_offsets(), items })
    }

    /// Where the elements of a row stand in `items`.
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        range(self.offsets, row)
    }

    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for (nth, at) in self.range(row).enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            write_cell(&self.items, at, out);
        }
        out.push(b']');
    }
}

impl<'a> MapCells<'a> {
    pub fn new(array: &'a MapArray, map: MapType) -> Option<Self> {
        Some(Self {
            offsets: array.value_offsets(),
            keys: Box::new(Cells::new(array.keys(), map.key)?),
            values: Box::new(Cells::new(array.values(), map.value)?),
        })
    }

    /// Where the entries of a row stand in `keys` and `values`.
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        range(self.offsets, row)
    }

    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        for (nth, at) in self.range(row).enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            match &self.keys.values {
                CellValues::String(keys) => write_text(keys.value(at).as_bytes(), out),
                // `check_format` lets only maps with text for keys through.
                _ => out.extend_from_slice(b"\"\""),
            }
            out.push(b':');
            write_cell(&self.values, at, out);
        }
        out.push(b'}');
    }
}

impl<'a> StructCells<'a> {
    pub fn new(array: &'a StructArray, fields: &[StructField]) -> Option<Self> {
        let field = |(at, (array, field)): (usize, (&'a arrow::array::ArrayRef, &StructField))| {
            let mut prefix = vec![if at == 0 { b'{' } else { b',' }];
            write_text(field.name.as_bytes(), &mut prefix);
            prefix.push(b':');
            Some((prefix.into(), Cells::new(array, field.ty.clone())?))
        };
        let fields = array.columns().iter().zip(fields).enumerate().map(field).collect::<Option<_>>()?;
        Some(Self { fields })
    }

    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        for (prefix, cells) in &self.fields {
            out.extend_from_slice(prefix);
            write_cell(cells, row, out);
        }
        out.extend_from_slice(if self.fields.is_empty() { b"{}" } else { b"}" });
    }
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    match offsets.get(row..).unwrap_or_default() {
        [start, end, ..] => *start as usize..*end as usize,
        _ => 0..0,
    }
}
