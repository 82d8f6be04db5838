//! Arrow columns as bytes, for changelog blocks.
//!
//! A column is its type's name, then its values as in memory, little endian: a mark whether there are nulls and their
//! bitmap; fixed-width values as they are; bits packed; text, bytes, lists and maps as lengths (u32) and contents; the
//! fields of a struct one behind the other. The type's name is checked on reading: a query whose state has another
//! shape is told so.

use arrow::array::{
    Array, ArrayData, ArrayDataBuilder, ArrayRef, AsArray, BooleanArray, GenericByteArray, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{BinaryType, ByteArrayType, DataType, Utf8Type};

use crate::engine::EngineError;

pub fn write_column(column: &ArrayRef, out: &mut Vec<u8>) -> Result<(), EngineError> {
    let name = column.data_type().to_string();
    out.extend_from_slice(&(name.len() as u16).to_le_bytes());
    out.extend_from_slice(name.as_bytes());
    write_values(column, out)
}

pub fn read_column(ty: &DataType, rows: usize, cursor: &mut Cursor<'_>) -> Result<ArrayRef, EngineError> {
    let len = u16::from_le_bytes(cursor.array()?);
    let name = cursor.take(len as usize)?;
    let expected = ty.to_string();
    if name != expected.as_bytes() {
        let name = String::from_utf8_lossy(name);
        return Err(EngineError::Changelog(format!("a column is {name}, the query needs {expected}")));
    }
    Ok(make_array(read_values(ty, rows, cursor)?))
}

fn write_values(column: &ArrayRef, out: &mut Vec<u8>) -> Result<(), EngineError> {
    match column.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => out.push(0),
        Some(nulls) => {
            out.push(1);
            out.extend_from_slice(nulls.inner().sliced().as_slice());
        }
    }
    match column.data_type() {
        DataType::Null => {}
        DataType::Boolean => out.extend_from_slice(column.as_boolean().values().sliced().as_slice()),
        DataType::Utf8 => write_bytes(column.as_bytes::<Utf8Type>(), out),
        DataType::Binary => write_bytes(column.as_bytes::<BinaryType>(), out),
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            write_lengths(list.value_offsets(), out);
            let (from, to) = ends(list.value_offsets());
            write_values(&list.values().slice(from, to - from), out)?;
        }
        DataType::Map(..) => {
            let map = column.as_map();
            write_lengths(map.value_offsets(), out);
            let (from, to) = ends(map.value_offsets());
            let entries: ArrayRef = std::sync::Arc::new(map.entries().slice(from, to - from));
            write_values(&entries, out)?;
        }
        DataType::Struct(_) => {
            for field in column.as_struct().columns() {
                write_values(field, out)?;
            }
        }
        ty => {
            let width = ty.primitive_width().ok_or_else(|| unsupported(ty))?;
            let data = column.to_data();
            let bytes = data.buffers().first().map_or(&[][..], |b| b.as_slice());
            let from = data.offset() * width;
            out.extend_from_slice(bytes.get(from..from + data.len() * width).ok_or_else(|| unsupported(ty))?);
        }
    }
    Ok(())
}

fn write_bytes<T: ByteArrayType<Offset = i32>>(array: &GenericByteArray<T>, out: &mut Vec<u8>) {
    write_lengths(array.value_offsets(), out);
    let (from, to) = ends(array.value_offsets());
    out.extend_from_slice(array.value_data().get(from..to).unwrap_or_default());
}

fn write_lengths(offsets: &[i32], out: &mut Vec<u8>) {
    for pair in offsets.windows(2) {
        out.extend_from_slice(&(pair[1] - pair[0]).to_le_bytes());
    }
}

fn ends(offsets: &[i32]) -> (usize, usize) {
    let at = |offset: Option<&i32>| offset.copied().unwrap_or(0) as usize;
    (at(offsets.first()), at(offsets.last()))
}

fn read_values(ty: &DataType, rows: usize, cursor: &mut Cursor<'_>) -> Result<ArrayData, EngineError> {
    let nulls = match cursor.array::<1>()? {
        [0] => None,
        _ => Some(NullBuffer::new(cursor.bits(rows)?)),
    };
    let data = ArrayDataBuilder::new(ty.clone()).len(rows).nulls(nulls.clone());
    let data = match ty {
        DataType::Null => ArrayDataBuilder::new(ty.clone()).len(rows),
        DataType::Boolean => {
            let bits = BooleanArray::new(cursor.bits(rows)?, nulls);
            return Ok(bits.into_data());
        }
        DataType::Utf8 | DataType::Binary => {
            let (offsets, len) = cursor.offsets(rows)?;
            data.add_buffer(offsets).add_buffer(Buffer::from(cursor.take(len)?))
        }
        DataType::List(field) | DataType::Map(field, _) => {
            let (offsets, len) = cursor.offsets(rows)?;
            data.add_buffer(offsets).add_child_data(read_values(field.data_type(), len, cursor)?)
        }
        DataType::Struct(fields) => {
            let mut data = data;
            for field in fields {
                data = data.add_child_data(read_values(field.data_type(), rows, cursor)?);
            }
            data
        }
        ty => {
            let width = ty.primitive_width().ok_or_else(|| unsupported(ty))?;
            let len = rows.checked_mul(width).ok_or_else(short)?;
            data.add_buffer(Buffer::from(cursor.take(len)?))
        }
    };
    // Checks offsets and text, so that damage that the checksum did not find is an error here, not later.
    data.align_buffers(true).build().map_err(|e| EngineError::Changelog(e.to_string()))
}

/// Bytes being read.
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], EngineError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], EngineError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn bits(&mut self, rows: usize) -> Result<BooleanBuffer, EngineError> {
        let bytes = self.take(rows.div_ceil(8))?;
        Ok(BooleanBuffer::new(Buffer::from(bytes), 0, rows))
    }

    /// Offsets from lengths, and their sum.
    fn offsets(&mut self, rows: usize) -> Result<(Buffer, usize), EngineError> {
        let lengths = self.take(rows.checked_mul(4).ok_or_else(short)?)?;
        let mut offsets: Vec<i32> = Vec::with_capacity(rows + 1);
        let mut sum: i32 = 0;
        offsets.push(sum);
        for length in lengths.chunks_exact(4) {
            let length = i32::from_le_bytes([length[0], length[1], length[2], length[3]]);
            sum = sum.checked_add(length).filter(|_| length >= 0).ok_or_else(short)?;
            offsets.push(sum);
        }
        Ok((Buffer::from_vec(offsets), sum as usize))
    }
}

fn short() -> EngineError {
    EngineError::Changelog("it is shorter than it says".into())
}

fn unsupported(ty: &DataType) -> EngineError {
    EngineError::Changelog(format!("states of type {ty} cannot be kept"))
}
