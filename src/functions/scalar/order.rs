//! Equality and order of values of every type, as Java's `equals` and `compareTo` have them.
//!
//! Equality and hash come from arrow's row format ([`keys`]): NULL equals NULL, doubles are told apart by their bits (as
//! Java's `Double.equals` does), nested values by their parts. Maps are equal when they have the same entries in whatever
//! order, so their entries are sorted first.
//!
//! Only values without parts have an order ([`comparator`]). That of text is the order of UTF-16 units, which is not that
//! of UTF-8 bytes: characters beyond the basic plane come before U+E000.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DynComparator, ListArray, MapArray, StructArray, UInt32Array, make_comparator,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, take};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};

/// Rows that are equal and hash alike where the elements do, for each array one; the arrays have one type.
pub fn keys<const N: usize>(arrays: [&ArrayRef; N]) -> Result<[Rows; N], String> {
    let none = || "no values to compare".to_owned();
    let first = arrays.first().ok_or_else(none)?;
    let converter =
        RowConverter::new(vec![SortField::new(first.data_type().clone())]).map_err(|e| e.to_string())?;
    let mut rows = Vec::with_capacity(N);
    for array in arrays {
        let array = if has_maps(array.data_type()) { with_sorted_maps(array)? } else { array.clone() };
        rows.push(converter.convert_columns(&[array]).map_err(|e| e.to_string())?);
    }
    rows.try_into().map_err(|_| none())
}

/// Compares a value of the first array with one of the second, which has the same type. NULLs come first.
///
/// Errors: values of the type have no order.
pub fn comparator(first: &ArrayRef, second: &ArrayRef) -> Result<DynComparator, String> {
    if first.data_type().is_nested() {
        return Err("arrays, maps and structs have no order".to_owned());
    }
    if let (Some(a), Some(b)) = (first.as_string_opt::<i32>(), second.as_string_opt::<i32>()) {
        let (a, b) = (a.clone(), b.clone());
        return Ok(Box::new(move |i, j| match (a.is_valid(i), b.is_valid(j)) {
            (true, true) => compare_texts(a.value(i), b.value(j)),
            (left, right) => left.cmp(&right),
        }));
    }
    make_comparator(first, second, SortOptions::default()).map_err(|e| e.to_string())
}

/// The order of texts by their UTF-16 units.
pub fn compare_texts(a: &str, b: &str) -> Ordering {
    let differ = a.bytes().zip(b.bytes()).find(|(a, b)| a != b);
    match differ {
        // The first bytes of characters beyond the basic plane, and of those from U+E000 up to its end.
        Some((0xf0.., 0xee | 0xef)) => Ordering::Less,
        Some((0xee | 0xef, 0xf0..)) => Ordering::Greater,
        Some((a, b)) => a.cmp(&b),
        None => a.len().cmp(&b.len()),
    }
}

fn has_maps(ty: &DataType) -> bool {
    match ty {
        DataType::Map(..) => true,
        DataType::List(item) => has_maps(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_maps(field.data_type())),
        _ => false,
    }
}

/// The same values, the entries of their maps in order of the keys.
fn with_sorted_maps(array: &ArrayRef) -> Result<ArrayRef, String> {
    let text = |e: arrow::error::ArrowError| e.to_string();
    Ok(match array.data_type() {
        DataType::List(field) => {
            let list = array.as_list::<i32>();
            let items = with_sorted_maps(list.values())?;
            let offsets = list.offsets().clone();
            Arc::new(ListArray::try_new(field.clone(), offsets, items, list.nulls().cloned()).map_err(text)?)
        }
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            let columns = parts.columns().iter().map(with_sorted_maps).collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, parts.nulls().cloned()).map_err(text)?)
        }
        DataType::Map(field, sorted) => {
            let map = array.as_map();
            let [order] = keys([map.keys()])?;
            let (mut positions, mut lengths) = (Vec::new(), Vec::with_capacity(map.len()));
            for row in 0..map.len() {
                let start = positions.len();
                if let (true, Some([from, to])) = (map.is_valid(row), map.offsets().get(row..row + 2)) {
                    positions.extend((*from..*to).filter_map(|i| u32::try_from(i).ok()));
                }
                let entries = positions.get_mut(start..).unwrap_or_default();
                entries.sort_by(|a, b| order.row(*a as usize).cmp(&order.row(*b as usize)));
                lengths.push(entries.len());
            }
            let positions = UInt32Array::from(positions);
            let keys = take(map.keys(), &positions, None).map_err(text)?;
            let values = take(&with_sorted_maps(map.values())?, &positions, None).map_err(text)?;
            let DataType::Struct(fields) = field.data_type() else { return Ok(array.clone()) };
            let entries = StructArray::try_new(fields.clone(), vec![keys, values], None).map_err(text)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            let nulls = map.nulls().cloned();
            Arc::new(MapArray::try_new(field.clone(), offsets, entries, nulls, *sorted).map_err(text)?)
        }
        _ => array.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_in_the_order_of_utf_16_units() {
        let mut texts =
            ["\u{ffff}", "\u{1f600}", "z", "é", "", "ab", "a", "\u{e000}", "\u{d7ff}", "\u{1f600}a"];
        texts.sort_by(|a, b| compare_texts(a, b));
        let mut expected = texts;
        expected.sort_by_key(|text| text.encode_utf16().collect::<Vec<_>>());
        assert_eq!(texts, expected);
    }
}
