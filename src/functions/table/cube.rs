//! CUBE_EXPLODE's combinations.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::Field;

/// Longer arrays are refused: each element doubles the rows.
const ELEMENTS_MAX: usize = 16;

/// For each array all ways to put NULL in the place of elements, as arrays: those with NULL come before those with the
/// element, the first element counting most. An element that is NULL itself has one way only.
///
/// Errors: an array with more than 16 elements.
pub fn cube(arrays: &ArrayRef) -> Result<ArrayRef, String> {
    let lists = arrays.as_list_opt::<i32>().ok_or("CUBE_EXPLODE takes an array")?;
    let values = lists.values();
    // The elements of all combinations, by their places in `values`.
    let mut places: Vec<Option<u32>> = Vec::new();
    let mut lengths = Vec::new();
    let mut combinations = Vec::with_capacity(lists.len());
    for (row, ends) in lists.value_offsets().windows(2).enumerate() {
        if lists.is_null(row) {
            combinations.push(0);
            continue;
        }
        let elements = ends[0] as u32..ends[1] as u32;
        if elements.len() > ELEMENTS_MAX {
            let count = elements.len();
            return Err(format!(
                "CUBE_EXPLODE takes arrays of up to {ELEMENTS_MAX} elements, not of {count}"
            ));
        }
        let present: Vec<u32> = elements.clone().filter(|place| values.is_valid(*place as usize)).collect();
        let ways = 1_u32 << present.len();
        for way in 0..ways {
            // The last element's bit is the lowest one.
            let mut bits = present.iter().rev().enumerate().map(|(bit, place)| (*place, way >> bit & 1 == 1));
            let mut chosen: Vec<u32> =
                bits.by_ref().filter(|(_, with)| *with).map(|(place, _)| place).collect();
            chosen.reverse();
            places
                .extend(elements.clone().map(|place| chosen.binary_search(&place).is_ok().then_some(place)));
            lengths.push(elements.len());
        }
        combinations.push(ways as usize);
    }
    let error = |e: arrow::error::ArrowError| e.to_string();
    let elements = take(values, &UInt32Array::from(places), None).map_err(error)?;
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let inner =
        ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), elements, None).map_err(error)?;
    let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let nulls = lists.nulls().cloned();
    let outer = ListArray::try_new(item, OffsetBuffer::from_lengths(combinations), Arc::new(inner), nulls)
        .map_err(error)?;
    Ok(Arc::new(outer))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Int32Type;
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    use expect_test::{Expect, expect};

    use super::*;

    fn check(array: Option<Vec<Option<i32>>>, expected: Expect) {
        let arrays: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([array]));
        expected.assert_eq(&match cube(&arrays) {
            Ok(made) => {
                let options = FormatOptions::default().with_null("-");
                ArrayFormatter::try_new(&made, &options).unwrap().value(0).to_string()
            }
            Err(error) => error,
        });
    }

    #[test]
    fn combinations() {
        check(Some(vec![Some(1), Some(2)]), expect!["[[-, -], [-, 2], [1, -], [1, 2]]"]);
        check(Some(vec![Some(1), None]), expect!["[[-, -], [1, -]]"]);
        check(Some(vec![Some(1), Some(1)]), expect!["[[-, -], [-, 1], [1, -], [1, 1]]"]);
        check(Some(vec![]), expect!["[[]]"]);
        check(None, expect!["-"]);
        check(Some(vec![Some(1); 17]), expect!["CUBE_EXPLODE takes arrays of up to 16 elements, not of 17"]);
    }
}
