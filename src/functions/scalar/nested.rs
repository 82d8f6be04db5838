//! Lists and maps as arguments, and as results.
//!
//! Kernels over collections look at positions: [`Lists`] and [`Maps`] give the range of a row's elements within one array
//! of all elements, and a result is the positions of the elements that it keeps, in a [`Gather`], which copies them all at
//! once. So one kernel does for elements of every type.
//!
//! Equality and order of elements are in [`super::order`].

use std::ops::Range;
use std::sync::Arc;

use arrow::array::builder::{NullBufferBuilder, UInt32Builder};
use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use super::Args;

/// A list argument.
pub struct Lists<'a> {
    list: &'a ListArray,
    constant: bool,
    /// The elements of all rows, and no others.
    pub items: ArrayRef,
    first: i32,
}

/// A map argument with keys of text.
pub struct Maps<'a> {
    map: &'a MapArray,
    constant: bool,
    /// The keys and the values of all rows, and no others.
    pub keys: StringArray,
    pub values: ArrayRef,
    first: i32,
}

impl Args {
    pub fn lists(&self, i: usize) -> Result<Lists<'_>, String> {
        let argument = self.argument(i)?;
        let list = argument.array.as_list_opt::<i32>().ok_or_else(|| wrong_type(i, &argument.array))?;
        let (first, length) = extent(list.offsets());
        let items = list.values().slice(usize_of(first), length);
        Ok(Lists { list, constant: argument.constant, items, first })
    }

    pub fn maps(&self, i: usize) -> Result<Maps<'_>, String> {
        let argument = self.argument(i)?;
        let map = argument.array.as_map_opt().ok_or_else(|| wrong_type(i, &argument.array))?;
        let (first, length) = extent(map.offsets());
        let keys = map.keys().as_string_opt::<i32>().ok_or_else(|| wrong_type(i, &argument.array))?;
        Ok(Maps {
            map,
            constant: argument.constant,
            keys: keys.slice(usize_of(first), length),
            values: map.values().slice(usize_of(first), length),
            first,
        })
    }
}

impl Lists<'_> {
    /// Where the row's elements are in `items`; None for NULL.
    pub fn get(&self, row: usize) -> Option<Range<usize>> {
        let row = if self.constant { 0 } else { row };
        self.list.is_valid(row).then(|| range(self.list.offsets(), row, self.first))
    }
}

impl Maps<'_> {
    /// Where the row's entries are in `keys` and `values`; None for NULL.
    pub fn get(&self, row: usize) -> Option<Range<usize>> {
        let row = if self.constant { 0 } else { row };
        self.map.is_valid(row).then(|| range(self.map.offsets(), row, self.first))
    }
}

/// The lists of a result, as the positions of their elements in an array.
pub struct Gather {
    positions: UInt32Builder,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Gather {
    pub fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { positions: UInt32Builder::new(), offsets, nulls: NullBufferBuilder::new(rows) }
    }

    /// Adds an element to the list that is being made; None is NULL.
    pub fn push(&mut self, position: Option<usize>) {
        // Positions come from offsets of two arrays at most: 2 x 31 bits.
        self.positions.append_option(position.and_then(|position| u32::try_from(position).ok()));
    }

    pub fn extend(&mut self, positions: Range<usize>) {
        positions.for_each(|position| self.push(Some(position)));
    }

    /// Ends the list that is being made.
    pub fn end(&mut self) -> Result<(), String> {
        self.nulls.append_non_null();
        self.offset()
    }

    /// Adds a row that is NULL.
    pub fn end_null(&mut self) -> Result<(), String> {
        self.nulls.append_null();
        self.offset()
    }

    fn offset(&mut self) -> Result<(), String> {
        self.offsets.push(i32::try_from(self.positions.len()).map_err(|_| too_large())?);
        Ok(())
    }

    /// The lists, of elements of `items`.
    pub fn lists(mut self, items: &ArrayRef) -> Result<ArrayRef, String> {
        let items = take(items, &self.positions.finish(), None).map_err(|e| e.to_string())?;
        list_of(items, self.offsets, self.nulls)
    }

    /// The maps whose keys are these elements of `keys`, and whose values are at `values` of `items`, in the same order.
    pub fn maps(
        mut self,
        keys: &StringArray,
        values: &UInt32Array,
        items: &ArrayRef,
    ) -> Result<ArrayRef, String> {
        let keys = take(keys, &self.positions.finish(), None).map_err(|e| e.to_string())?;
        let values = take(items, values, None).map_err(|e| e.to_string())?;
        map_of(keys, values, self.offsets, self.nulls)
    }
}

/// Lists of the elements between each two offsets.
pub fn list_of(items: ArrayRef, offsets: Vec<i32>, mut nulls: NullBufferBuilder) -> Result<ArrayRef, String> {
    list_of_parts(items, OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls.finish())
}

/// As [`list_of`], of parts that are there.
pub fn list_of_parts(
    items: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, String> {
    let field = item_field(items.data_type());
    Ok(Arc::new(ListArray::try_new(field, offsets, items, nulls).map_err(|e| e.to_string())?))
}

/// Maps of the entries between each two offsets. Errors: a key is NULL.
pub fn map_of(
    keys: ArrayRef,
    values: ArrayRef,
    offsets: Vec<i32>,
    mut nulls: NullBufferBuilder,
) -> Result<ArrayRef, String> {
    map_of_parts(keys, values, OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls.finish())
}

/// As [`map_of`], of parts that are there.
pub fn map_of_parts(
    keys: ArrayRef,
    values: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, String> {
    if keys.null_count() > 0 {
        return Err("a map's key must not be NULL".to_owned());
    }
    let (field, fields) = entries_field(keys.data_type(), values.data_type());
    let entries = StructArray::try_new(fields, vec![keys, values], None).map_err(|e| e.to_string())?;
    let maps = MapArray::try_new(field, offsets, entries, nulls, false).map_err(|e| e.to_string())?;
    Ok(Arc::new(maps))
}

/// Both arrays in one, the second behind the first, to gather from.
pub fn joined(first: &ArrayRef, second: &ArrayRef) -> Result<ArrayRef, String> {
    if second.is_empty() {
        return Ok(first.clone());
    }
    concat(&[first.as_ref(), second.as_ref()]).map_err(|e| e.to_string())
}

/// The error of a result that Arrow's offsets cannot address. The engine tries again with fewer rows.
pub fn too_large() -> String {
    "the result is too large".to_owned()
}

fn item_field(item: &DataType) -> FieldRef {
    Arc::new(Field::new("item", item.clone(), true))
}

fn entries_field(key: &DataType, value: &DataType) -> (FieldRef, Fields) {
    let fields =
        Fields::from(vec![Field::new("key", key.clone(), false), Field::new("value", value.clone(), true)]);
    (Arc::new(Field::new("entries", DataType::Struct(fields.clone()), false)), fields)
}

fn wrong_type(i: usize, array: &ArrayRef) -> String {
    format!("argument {} has the type {}", i + 1, array.data_type())
}

/// The first offset, and the number of elements up to the last.
fn extent(offsets: &OffsetBuffer<i32>) -> (i32, usize) {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    (first, usize_of(last - first))
}

fn range(offsets: &OffsetBuffer<i32>, row: usize, first: i32) -> Range<usize> {
    match offsets.get(row..row + 2) {
        Some([start, end]) => usize_of(start - first)..usize_of(end - first),
        _ => 0..0,
    }
}

/// Offsets are not negative.
fn usize_of(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}
