//! The arguments of a kernel: columns, of which some may be one value for all rows.

use arrow::array::builder::{BinaryBuilder, StringBuilder};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, PrimitiveArray, StringArray,
};

use super::lambda::Lambda;

/// The arguments of one call, converted to the parameter types. Where all are constant there is one row.
#[derive(Debug)]
pub struct Args {
    /// The arguments that are no lambdas.
    pub columns: Vec<Argument>,
    pub lambdas: Vec<Box<dyn Lambda>>,
    pub rows: usize,
}

#[derive(Debug)]
pub struct Argument {
    /// One row where `constant`, else as many as the call has.
    pub array: ArrayRef,
    pub constant: bool,
}

/// A typed argument; `get` is the value of a row, None for NULL.
pub struct Values<'a, A> {
    array: &'a A,
    constant: bool,
}

impl Args {
    pub(super) fn argument(&self, i: usize) -> Result<&Argument, String> {
        self.columns.get(i).ok_or_else(|| format!("argument {} is missing", i + 1))
    }

    /// The i-th of the lambdas.
    pub fn lambda(&self, i: usize) -> Result<&dyn Lambda, String> {
        self.lambdas.get(i).map(AsRef::as_ref).ok_or_else(|| format!("lambda {} is missing", i + 1))
    }

    /// The i-th argument as one array of all rows.
    pub fn array(&self, i: usize) -> Result<ArrayRef, String> {
        let argument = self.argument(i)?;
        if argument.constant && self.rows != 1 {
            let zeros = arrow::array::UInt32Array::from(vec![0; self.rows]);
            arrow::compute::take(&argument.array, &zeros, None).map_err(|e| e.to_string())
        } else {
            Ok(argument.array.clone())
        }
    }

    fn values<A: 'static>(&self, i: usize) -> Result<Values<'_, A>, String> {
        let argument = self.argument(i)?;
        let array = argument
            .array
            .as_any()
            .downcast_ref::<A>()
            .ok_or_else(|| format!("argument {} has the type {}", i + 1, argument.array.data_type()))?;
        Ok(Values { array, constant: argument.constant })
    }

    pub fn texts(&self, i: usize) -> Result<Values<'_, StringArray>, String> {
        self.values(i)
    }

    pub fn bytes(&self, i: usize) -> Result<Values<'_, BinaryArray>, String> {
        self.values(i)
    }

    pub fn numbers<P: ArrowPrimitiveType>(&self, i: usize) -> Result<Values<'_, PrimitiveArray<P>>, String> {
        self.values(i)
    }

    pub fn booleans(&self, i: usize) -> Result<Values<'_, BooleanArray>, String> {
        self.values(i)
    }

    /// The first argument, for kernels of one argument.
    pub fn primitive<P: ArrowPrimitiveType>(&self) -> Result<&PrimitiveArray<P>, String> {
        let array = &self.argument(0)?.array;
        array.as_primitive_opt().ok_or_else(|| format!("argument 1 has the type {}", array.data_type()))
    }
}

/// Appends a text to a column, whose offsets have 31 bits. The engine tries a batch that is too large again with fewer rows.
///
/// Kernels whose results can be longer than their arguments use this; the builder alone would panic.
pub fn append_text(column: &mut StringBuilder, text: &str) -> Result<(), String> {
    check_room(column.values_slice().len(), text.len())?;
    column.append_value(text);
    Ok(())
}

/// As [`append_text`], for bytes.
pub fn append_bytes(column: &mut BinaryBuilder, bytes: &[u8]) -> Result<(), String> {
    check_room(column.values_slice().len(), bytes.len())?;
    column.append_value(bytes);
    Ok(())
}

fn check_room(filled: usize, more: usize) -> Result<(), String> {
    if filled + more <= i32::MAX as usize { Ok(()) } else { Err("the result is too large".to_owned()) }
}

impl<A: Array> Values<'_, A> {
    fn index(&self, row: usize) -> Option<usize> {
        let row = if self.constant { 0 } else { row };
        (row < self.array.len() && self.array.is_valid(row)).then_some(row)
    }
}

impl<'a> Values<'a, StringArray> {
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.index(row).map(|row| self.array.value(row))
    }
}

impl<'a> Values<'a, BinaryArray> {
    pub fn get(&self, row: usize) -> Option<&'a [u8]> {
        self.index(row).map(|row| self.array.value(row))
    }
}

impl Values<'_, BooleanArray> {
    pub fn get(&self, row: usize) -> Option<bool> {
        self.index(row).map(|row| self.array.value(row))
    }
}

impl<P: ArrowPrimitiveType> Values<'_, PrimitiveArray<P>> {
    pub fn get(&self, row: usize) -> Option<P::Native> {
        self.index(row).map(|row| self.array.value(row))
    }
}
