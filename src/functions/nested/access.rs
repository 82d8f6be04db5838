//! Subscripts and fields.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array};
use arrow::compute::{is_null, nullif, take};

use super::Equality;

/// The element of each array at its row's index: from 1, or from -1 at the end. NULL where there is none. `index` has one value
/// for each row, or one for all.
pub fn element(arrays: &ArrayRef, index: &Int64Array) -> Result<ArrayRef, String> {
    let lists = arrays.as_list_opt::<i32>().ok_or_else(|| wrong(arrays, "ARRAY"))?;
    let offsets = lists.value_offsets();
    let constant = index.len() == 1;
    let at = |row: usize| {
        let index_row = if constant { 0 } else { row };
        if lists.is_null(row) || index.is_null(index_row) {
            return None;
        }
        let (start, end) = (i64::from(*offsets.get(row)?), i64::from(*offsets.get(row + 1)?));
        let place = match index.value(index_row) {
            n if n > 0 => start.checked_add(n - 1)?,
            n if n < 0 => end.checked_add(n)?,
            _ => return None,
        };
        (start..end).contains(&place).then_some(place).and_then(|place| u32::try_from(place).ok())
    };
    let places: UInt32Array = (0..lists.len()).map(at).collect();
    take(lists.values(), &places, None).map_err(|e| e.to_string())
}

/// The value of each map at its row's key; NULL where the key is missing. `keys` has one value for each row, or one for all.
pub fn value_of_key(maps: &ArrayRef, keys: &ArrayRef) -> Result<ArrayRef, String> {
    let maps = maps.as_map_opt().ok_or_else(|| wrong(maps, "MAP"))?;
    let offsets = maps.value_offsets();
    let constant = keys.len() == 1;
    let equality = Equality::new(maps.keys(), keys)?;
    let at = |row: usize| {
        let key_row = if constant { 0 } else { row };
        if maps.is_null(row) || keys.is_null(key_row) {
            return None;
        }
        let (start, end) =
            (usize::try_from(*offsets.get(row)?).ok()?, usize::try_from(*offsets.get(row + 1)?).ok()?);
        (start..end)
            .rev()
            .find(|&entry| equality.equal(entry, key_row))
            .and_then(|entry| u32::try_from(entry).ok())
    };
    let places: UInt32Array = (0..maps.len()).map(at).collect();
    take(maps.values(), &places, None).map_err(|e| e.to_string())
}

/// The field of each struct; NULL where the struct is.
pub fn field(structs: &ArrayRef, index: usize) -> Result<ArrayRef, String> {
    let array = structs.as_struct_opt().ok_or_else(|| wrong(structs, "STRUCT"))?;
    let column = array.columns().get(index).ok_or_else(|| format!("there is no field {index}"))?;
    if array.null_count() == 0 {
        return Ok(column.clone());
    }
    let missing = is_null(array).map_err(|e| e.to_string())?;
    nullif(column, &missing).map_err(|e| e.to_string())
}

fn wrong(array: &ArrayRef, wanted: &str) -> String {
    format!("{} is no {wanted}", array.data_type())
}
