//! What the accumulators share: vectors indexed by slot. A slot that does not exist is a broken caller, never
//! data; it is an assertion in debug builds and has no effect in release builds.

use arrow::array::{Array, ArrayRef};

/// The values of these slots.
pub fn gather<T: Copy + Default>(values: &[T], slots: &[u32]) -> Vec<T> {
    slots
        .iter()
        .map(|&slot| {
            debug_assert!((slot as usize) < values.len(), "slot {slot} of {}", values.len());
            values.get(slot as usize).copied().unwrap_or_default()
        })
        .collect()
}

/// Sets `values[slots[i]]` to the i-th of `new`.
pub fn scatter<T>(values: &mut [T], slots: &[u32], new: impl Iterator<Item = T>) {
    for (&slot, value) in slots.iter().zip(new) {
        if let Some(place) = values.get_mut(slot as usize) {
            *place = value;
        } else {
            debug_assert!(false, "slot {slot} of {}", values.len());
        }
    }
}

/// Sets all these slots to one value.
pub fn fill<T: Copy>(values: &mut [T], slots: &[u32], value: T) {
    scatter(values, slots, std::iter::repeat_n(value, slots.len()));
}

/// Runs `take(slot, row)` for every row whose argument is not null. Without nulls there is no test a row.
#[inline(always)]
pub fn for_each_valid(slots: &[u32], array: &dyn Array, mut take: impl FnMut(usize, usize)) {
    match array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            for (row, &slot) in slots.iter().enumerate().take(array.len()) {
                take(slot as usize, row);
            }
        }
        Some(nulls) => {
            for row in nulls.valid_indices() {
                if let Some(&slot) = slots.get(row) {
                    take(slot as usize, row);
                }
            }
        }
    }
}

/// The i-th state column as an array of type `A`, of the length that is asked for and without nulls unless allowed.
pub fn column<A: Array + 'static>(state: &[ArrayRef], i: usize, rows: usize) -> Result<&A, String> {
    let column = column_at(state, i, rows)?;
    let found = column.data_type();
    column.as_any().downcast_ref::<A>().ok_or_else(|| format!("state column {i} has type {found}"))
}

/// The i-th state column, of the length that is asked for.
pub fn column_at(state: &[ArrayRef], i: usize, rows: usize) -> Result<&ArrayRef, String> {
    let column = state.get(i).ok_or_else(|| format!("state column {i} is missing"))?;
    if column.len() != rows {
        return Err(format!("state column {i} has {} rows instead of {rows}", column.len()));
    }
    Ok(column)
}

pub fn bytes_of<T>(values: &Vec<T>) -> usize {
    values.capacity() * size_of::<T>()
}
