//! Columns of arrays, maps and structs under construction: builders within builders.
//!
//! A list knows where each row's elements end; what a bad record left behind that end is cut off with its row.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;

use super::columns::{ColumnBuilder, TooLarge, Values};
use super::json::ObjectReader;
use crate::sql::SqlType;
use crate::sql::types::{MapType, StructField};

/// Arrays, one a row.
pub(super) struct ListRows {
    pub items: Box<ColumnBuilder>,
    ends: Ends,
}

/// Maps, one a row.
pub(super) struct MapRows {
    pub keys: Box<ColumnBuilder>,
    pub values: Box<ColumnBuilder>,
    ends: Ends,
}

/// Structs, one a row. A row is begun by its fields and ended with [`StructRows::finish_row`].
pub(super) struct StructRows {
    pub fields: Vec<ColumnBuilder>,
    rows: usize,
    /// Remembers how objects look; used where they come as JSON.
    pub reader: Box<ObjectReader>,
}

/// Arrow's 32-bit offsets: one more than rows, from 0 on.
struct Ends(Vec<i32>);

impl Ends {
    fn new() -> Self {
        Self(vec![0])
    }

    fn rows(&self) -> usize {
        self.0.len() - 1
    }

    fn last(&self) -> usize {
        self.0.last().map_or(0, |end| *end as usize)
    }

    fn push(&mut self, end: usize) -> Result<(), TooLarge> {
        self.0.push(i32::try_from(end).map_err(|_| TooLarge)?);
        Ok(())
    }

    fn push_empty(&mut self) {
        self.0.push(self.last() as i32);
    }

    fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows.saturating_add(1));
    }

    fn finish(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.0))
    }
}

impl ListRows {
    pub fn new(element: &SqlType) -> Self {
        Self { items: Box::new(ColumnBuilder::new("item", element.clone())), ends: Ends::new() }
    }

    pub fn len(&self) -> usize {
        self.ends.rows()
    }

    pub fn push_empty(&mut self) {
        self.items.truncate(self.ends.last());
        self.ends.push_empty();
    }

    /// Ends a row whose elements were added to `items`.
    pub fn finish_row(&mut self) -> Result<(), TooLarge> {
        self.ends.push(self.items.len())
    }

    pub fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.items.truncate(self.ends.last());
    }

    fn finish(mut self, ty: DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let DataType::List(item) = ty else { return Err(mismatch()) };
        Ok(Arc::new(ListArray::try_new(item, self.ends.finish(), self.items.finish()?, nulls)?))
    }
}

impl MapRows {
    pub fn new(map: &MapType) -> Self {
        Self {
            keys: Box::new(ColumnBuilder::new("key", map.key.clone())),
            values: Box::new(ColumnBuilder::new("value", map.value.clone())),
            ends: Ends::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.ends.rows()
    }

    pub fn push_empty(&mut self) {
        self.drop_open_row();
        self.ends.push_empty();
    }

    /// Where the entries of the row that is being written begin.
    pub fn open_row(&self) -> usize {
        self.ends.last()
    }

    /// Removes the entries of a row that was not finished.
    pub fn drop_open_row(&mut self) {
        self.keys.truncate(self.ends.last());
        self.values.truncate(self.ends.last());
    }

    /// Ends a row whose entries were added to `keys` and `values`.
    pub fn finish_row(&mut self) -> Result<(), TooLarge> {
        self.ends.push(self.keys.len())
    }

    pub fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.drop_open_row();
    }

    fn finish(mut self, ty: DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let DataType::Map(entry, _) = ty else { return Err(mismatch()) };
        let DataType::Struct(fields) = entry.data_type() else { return Err(mismatch()) };
        let entries =
            StructArray::try_new(fields.clone(), vec![self.keys.finish()?, self.values.finish()?], None)?;
        Ok(Arc::new(MapArray::try_new(entry, self.ends.finish(), entries, nulls, false)?))
    }
}

impl StructRows {
    pub fn new(fields: &[StructField]) -> Self {
        let builders: Vec<_> = fields.iter().map(|f| ColumnBuilder::new(&f.name, f.ty.clone())).collect();
        let names = fields.iter().enumerate().map(|(at, field)| (at, field.name.as_str()));
        Self { fields: builders, rows: 0, reader: Box::new(ObjectReader::new(names)) }
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn push_empty(&mut self) {
        for field in &mut self.fields {
            field.truncate(self.rows);
            field.push_null();
        }
        self.rows += 1;
    }

    /// Ends a row: fields that were not written are null.
    pub fn finish_row(&mut self) {
        for field in &mut self.fields {
            if field.len() == self.rows {
                field.push_null();
            }
        }
        self.rows += 1;
    }

    pub fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
        for field in &mut self.fields {
            field.truncate(self.rows);
        }
    }

    fn finish(&mut self, ty: DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let DataType::Struct(types) = ty else { return Err(mismatch()) };
        let columns = self.fields.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>, _>>()?;
        let rows = std::mem::take(&mut self.rows);
        Ok(Arc::new(StructArray::try_new_with_length(Fields::clone(&types), columns, nulls, rows)?))
    }
}

/// The rows of a nested column, the builder being left empty. `ty` is the column's Arrow type.
pub(super) fn finish(
    values: &mut Values,
    ty: DataType,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    match values {
        Values::List(rows) => {
            let empty = ListRows::new(&rows.items.ty);
            std::mem::replace(rows, empty).finish(ty, nulls)
        }
        Values::Map(rows) => {
            let empty = MapRows::new(&MapType { key: rows.keys.ty.clone(), value: rows.values.ty.clone() });
            std::mem::replace(rows, empty).finish(ty, nulls)
        }
        Values::Struct(rows) => rows.finish(ty, nulls),
        _ => Err(mismatch()),
    }
}

fn mismatch() -> ArrowError {
    ArrowError::InvalidArgumentError("a nested column has another type than its builder".to_owned())
}
