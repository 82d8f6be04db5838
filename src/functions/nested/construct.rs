//! Constructors: columns of equal lengths to one column of arrays, maps or structs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Fields};

use super::Equality;
use crate::sql::StructField;

/// An array of one element a column, in each of `rows` rows.
pub fn array(columns: &[ArrayRef], rows: usize, element: DataType) -> Result<ArrayRef, String> {
    let values = alternate(columns, rows)?;
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(columns.len(), rows));
    let field = Arc::new(Field::new("item", element, true));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, None).map_err(|e| e.to_string())?))
}

/// A map of one entry a pair of columns. Of entries with one key the last one stays; a key that is NULL is the text `null`.
pub fn map(keys: &[ArrayRef], values: &[ArrayRef], rows: usize) -> Result<ArrayRef, String> {
    let keys: Vec<ArrayRef> = keys.iter().map(named).collect::<Result<_, _>>()?;
    let equalities: Vec<Vec<Equality>> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| keys.iter().skip(i + 1).map(|later| Equality::new(key, later)).collect())
        .collect::<Result<_, _>>()?;
    let mut taken = Vec::with_capacity(keys.len() * rows);
    let mut lengths = Vec::with_capacity(rows);
    for row in 0..rows {
        let before = taken.len();
        for (i, later) in equalities.iter().enumerate() {
            if !later.iter().any(|equality| equality.equal(row, row)) {
                taken.push((i, row));
            }
        }
        lengths.push(taken.len() - before);
    }
    let pick = |columns: &[ArrayRef]| {
        let columns: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
        interleave(&columns, &taken).map_err(|e| e.to_string())
    };
    map_of(pick(&keys)?, pick(values)?, OffsetBuffer::from_lengths(lengths), None)
}

/// A column of maps from its flat keys and values.
pub fn map_of(
    keys: ArrayRef,
    values: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, String> {
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let entries =
        StructArray::try_new(fields.clone(), vec![keys, values], None).map_err(|e| e.to_string())?;
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    Ok(Arc::new(MapArray::try_new(field, offsets, entries, nulls, false).map_err(|e| e.to_string())?))
}

/// A struct of one field a column.
pub fn structure(columns: Vec<ArrayRef>, rows: usize, fields: &[StructField]) -> Result<ArrayRef, String> {
    if columns.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(rows, None)));
    }
    let fields: Fields = fields.iter().map(|f| Field::new(&f.name, f.ty.arrow(), true)).collect();
    Ok(Arc::new(StructArray::try_new(fields, columns, None).map_err(|e| e.to_string())?))
}

/// Row by row, the value of each column.
fn alternate(columns: &[ArrayRef], rows: usize) -> Result<ArrayRef, String> {
    let indices: Vec<_> = (0..rows).flat_map(|row| (0..columns.len()).map(move |i| (i, row))).collect();
    let columns: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
    interleave(&columns, &indices).map_err(|e| e.to_string())
}

/// The keys of a map, none of them NULL.
fn named(keys: &ArrayRef) -> Result<ArrayRef, String> {
    if keys.null_count() == 0 {
        return Ok(keys.clone());
    }
    match keys.as_string_opt::<i32>() {
        Some(texts) => {
            Ok(Arc::new(texts.iter().map(|key| Some(key.unwrap_or("null"))).collect::<StringArray>()))
        }
        None => Err("a key of a map is NULL".to_owned()),
    }
}
