//! Results row by row: what kernels use that have no faster way.

use std::sync::Arc;

use arrow::array::builder::StringBuilder;
use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};

use super::args::append_text;

/// A column of texts. Errors: the first row's, or the texts are more than a column can hold.
pub fn texts<T: AsRef<str>>(
    rows: usize,
    mut text: impl FnMut(usize) -> Result<Option<T>, String>,
) -> Result<ArrayRef, String> {
    let mut column = StringBuilder::new();
    for row in 0..rows {
        match text(row)? {
            Some(text) => append_text(&mut column, text.as_ref())?,
            None => column.append_null(),
        }
    }
    Ok(Arc::new(column.finish()))
}

/// A column of numbers, dates or times.
pub fn primitives<P: ArrowPrimitiveType>(
    rows: usize,
    value: impl FnMut(usize) -> Result<Option<P::Native>, String>,
) -> Result<ArrayRef, String> {
    Ok(Arc::new((0..rows).map(value).collect::<Result<PrimitiveArray<P>, _>>()?))
}
