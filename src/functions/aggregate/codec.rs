//! Values of any type as bytes, for states that hold a list of them.
//!
//! A column is encoded once a batch with arrow's row format: bytes that compare as the values do, whatever the type. So one
//! accumulator serves all types. What is kept durably is columns again, never these bytes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array, new_empty_array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use crate::sql::SqlType;

/// Encodes rows of some columns, which are one value: the single column, or a STRUCT of all.
#[derive(Debug)]
pub struct Codec {
    converter: RowConverter,
    /// The value's type.
    pub ty: SqlType,
    columns: usize,
}

impl Codec {
    /// For values of one column.
    pub fn new(ty: &SqlType) -> Result<Arc<Self>, String> {
        Self::of(ty.clone(), std::slice::from_ref(ty))
    }

    /// For structs of several columns with these names.
    pub fn structs(names: &[String], types: &[SqlType]) -> Result<Arc<Self>, String> {
        let ty = SqlType::structure(names.iter().cloned().zip(types.iter().cloned()));
        Self::of(ty, types)
    }

    fn of(ty: SqlType, columns: &[SqlType]) -> Result<Arc<Self>, String> {
        let fields = columns.iter().map(|column| SortField::new(column.arrow())).collect();
        let converter =
            RowConverter::new(fields).map_err(|e| format!("values of type {ty} cannot be kept: {e}"))?;
        Ok(Arc::new(Self { converter, ty, columns: columns.len() }))
    }

    /// Encodes rows. Maps have their entries in order, so that equal maps have equal bytes.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
        let columns: Vec<ArrayRef> =
            columns.iter().take(self.columns).map(sorted_maps).collect::<Result<_, _>>()?;
        self.converter.convert_columns(&columns)
    }

    /// The values again. The bytes must come from [`Codec::encode`] of a codec for the same types.
    pub fn decode<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> ArrayRef {
        let parser = self.converter.parser();
        let values: Vec<_> = values.map(|value| parser.parse(value)).collect();
        if values.is_empty() {
            return new_empty_array(&self.ty.arrow());
        }
        let rows = values.len();
        let decoded = self.converter.convert_rows(values);
        debug_assert!(decoded.is_ok(), "{decoded:?}");
        let made = match (decoded, self.ty.arrow()) {
            (Ok(columns), DataType::Struct(fields)) if self.is_struct_of_columns() => {
                StructArray::try_new(fields, columns, None).ok().map(|made| Arc::new(made) as ArrayRef)
            }
            (Ok(columns), _) => columns.into_iter().next(),
            (Err(_), _) => None,
        };
        made.unwrap_or_else(|| new_null_array(&self.ty.arrow(), rows))
    }

    /// Lists of values as an array of type ARRAY.
    pub fn decode_lists<'a>(&self, lists: impl Iterator<Item = &'a Packed> + Clone) -> ArrayRef {
        let values = self.decode(lists.clone().flat_map(Packed::iter));
        let offsets = OffsetBuffer::from_lengths(lists.map(Packed::len));
        let item = Arc::new(Field::new("item", self.ty.arrow(), true));
        Arc::new(ListArray::new(item, offsets, values, None))
    }

    /// The inverse of [`Codec::decode_lists`]. Errors: another type.
    pub fn encode_lists(&self, lists: &ArrayRef) -> Result<Vec<Packed>, String> {
        let list = lists.as_list_opt::<i32>().ok_or("a state column is no list")?;
        if list.value_type() != self.ty.arrow() {
            return Err(format!(
                "state column has values of {} instead of {}",
                list.value_type(),
                self.ty.arrow()
            ));
        }
        let values = list.values();
        let columns = match values.as_struct_opt() {
            Some(values) if self.is_struct_of_columns() => values.columns().to_vec(),
            _ => vec![values.clone()],
        };
        let rows = self.encode(&columns).map_err(|e| e.to_string())?;
        Ok(list
            .offsets()
            .windows(2)
            .map(|ends| {
                let mut packed = Packed::default();
                let (from, to) = (ends[0] as usize, ends[1] as usize);
                (from..to).for_each(|row| packed.push(rows.row(row).data()));
                packed
            })
            .collect())
    }

    /// A STRUCT is one column where it was given as one.
    fn is_struct_of_columns(&self) -> bool {
        matches!(&self.ty, SqlType::Struct(fields) if fields.len() == self.columns && self.columns > 1)
    }
}

/// Encoded values one behind the other: a list that is cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Packed {
    pub const EMPTY: Packed = Packed { bytes: Vec::new(), ends: Vec::new() };

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, i: usize) -> &[u8] {
        self.bytes.get(self.start(i)..self.start(i + 1)).unwrap_or_default()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        (0..self.len()).map(|i| self.get(i))
    }

    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
    }

    pub fn insert(&mut self, i: usize, value: &[u8]) {
        let i = i.min(self.len());
        let at = self.start(i);
        self.bytes.splice(at..at, value.iter().copied());
        self.ends.insert(i, at);
        self.ends.iter_mut().skip(i).for_each(|end| *end += value.len());
    }

    pub fn remove(&mut self, i: usize) {
        if i < self.len() {
            let (from, to) = (self.start(i), self.start(i + 1));
            self.bytes.drain(from..to);
            self.ends.remove(i);
            self.ends.iter_mut().skip(i).for_each(|end| *end -= to - from);
        }
    }

    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start(len));
        self.ends.truncate(len);
    }

    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Memory held, in bytes, without the list's own size.
    pub fn held(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    fn start(&self, i: usize) -> usize {
        match i.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(self.bytes.len()),
        }
    }
}

/// The same values with the entries of all maps in the order of their keys.
fn sorted_maps(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !has_map(column.data_type()) {
        return Ok(column.clone());
    }
    Ok(match column.data_type() {
        DataType::Map(field, _) => {
            let map = column.as_map();
            let keys = RowConverter::new(vec![SortField::new(map.keys().data_type().clone())])?
                .convert_columns(&[map.keys().clone()])?;
            let mut order: Vec<u32> = Vec::with_capacity(map.entries().len());
            let mut lengths = Vec::with_capacity(map.len());
            for ends in map.offsets().windows(2) {
                let first = order.len();
                order.extend(ends[0] as u32..ends[1] as u32);
                if let Some(entries) = order.get_mut(first..) {
                    entries.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
                    lengths.push(entries.len());
                }
            }
            let entries = take(map.entries(), &UInt32Array::from(order), None)?;
            let fields = entries.as_struct();
            let values = fields.columns().iter().map(sorted_maps).collect::<Result<Vec<_>, _>>()?;
            let entries = StructArray::try_new(fields.fields().clone(), values, None)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(MapArray::try_new(field.clone(), offsets, entries, map.nulls().cloned(), false)?)
        }
        DataType::List(field) => {
            let list = column.as_list::<i32>();
            let values = sorted_maps(list.values())?;
            Arc::new(ListArray::try_new(
                field.clone(),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) => {
            let row = column.as_struct();
            let columns = row.columns().iter().map(sorted_maps).collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, row.nulls().cloned())?)
        }
        _ => column.clone(),
    })
}

fn has_map(ty: &DataType) -> bool {
    match ty {
        DataType::Map(..) => true,
        DataType::List(item) => has_map(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
        _ => false,
    }
}
