//! Typed columns under construction.
//!
//! A record is read field by field, in the order its writer chose, and may turn out to be bad half way. So a column
//! can be asked whether it has the current row already, and can be cut back to a number of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};
use arrow::error::ArrowError;

use super::nested::{self, ListRows, MapRows, StructRows};
use crate::sql::SqlType;

/// A column that grows row by row.
pub(super) struct ColumnBuilder {
    pub name: String,
    pub ty: SqlType,
    pub values: Values,
    /// The rows that are null, ascending. Their entries in `values` mean nothing. Nulls are rare in most data, and a
    /// column of values then costs one push a row.
    nulls: Vec<usize>,
}

/// The values, one a row.
pub(super) enum Values {
    Boolean(Vec<bool>),
    /// INT, DATE and TIME.
    Int(Vec<i32>),
    /// BIGINT and TIMESTAMP.
    Long(Vec<i64>),
    Double(Vec<f64>),
    Decimal(Vec<i128>),
    /// STRING and BYTES. What is pushed to a STRING must be UTF-8.
    Bytes(ByteRows),
    List(ListRows),
    Map(MapRows),
    Struct(StructRows),
}

/// Byte strings with Arrow's 32-bit offsets.
pub(super) struct ByteRows {
    pub data: Vec<u8>,
    /// One more than rows; starts with 0.
    offsets: Vec<i32>,
}

/// The batch's bytes of one column exceed 2 GiB, which 32-bit offsets cannot express.
pub(super) struct TooLarge;

impl ColumnBuilder {
    pub fn new(name: &str, ty: SqlType) -> Self {
        Self { name: name.to_owned(), values: Values::new(&ty), ty, nulls: Vec::new() }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Boolean(v) => v.len(),
            Values::Int(v) => v.len(),
            Values::Long(v) => v.len(),
            Values::Double(v) => v.len(),
            Values::Decimal(v) => v.len(),
            Values::Bytes(v) => v.len(),
            Values::List(v) => v.len(),
            Values::Map(v) => v.len(),
            Values::Struct(v) => v.len(),
        }
    }

    pub fn push_null(&mut self) {
        self.nulls.push(self.len());
        match &mut self.values {
            Values::Boolean(v) => v.push(false),
            Values::Int(v) => v.push(0),
            Values::Long(v) => v.push(0),
            Values::Double(v) => v.push(0.0),
            Values::Decimal(v) => v.push(0),
            Values::Bytes(v) => v.push_empty(),
            Values::List(v) => v.push_empty(),
            Values::Map(v) => v.push_empty(),
            Values::Struct(v) => v.push_empty(),
        }
    }

    /// Cuts back to the first `rows` rows.
    pub fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Boolean(v) => v.truncate(rows),
            Values::Int(v) => v.truncate(rows),
            Values::Long(v) => v.truncate(rows),
            Values::Double(v) => v.truncate(rows),
            Values::Decimal(v) => v.truncate(rows),
            Values::Bytes(v) => v.truncate(rows),
            Values::List(v) => v.truncate(rows),
            Values::Map(v) => v.truncate(rows),
            Values::Struct(v) => v.truncate(rows),
        }
        while self.nulls.last().is_some_and(|row| *row >= rows) {
            self.nulls.pop();
        }
    }

    pub fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Boolean(v) => v.reserve(rows),
            Values::Int(v) => v.reserve(rows),
            Values::Long(v) => v.reserve(rows),
            Values::Double(v) => v.reserve(rows),
            Values::Decimal(v) => v.reserve(rows),
            Values::Bytes(v) => v.offsets.reserve(rows),
            // How long they are is not known.
            Values::List(_) | Values::Map(_) | Values::Struct(_) => {}
        }
    }

    /// Whether the newest row is null.
    pub fn last_is_null(&self) -> bool {
        self.nulls.last().is_some_and(|row| row + 1 == self.len())
    }

    /// The newest row of a BIGINT or TIMESTAMP column, None where it is null.
    pub fn last_long(&self) -> Option<i64> {
        match &self.values {
            Values::Long(v) if !self.last_is_null() => v.last().copied(),
            _ => None,
        }
    }

    /// The newest row of a STRING or BYTES column, None where it is null.
    pub fn last_bytes(&self) -> Option<&[u8]> {
        match &self.values {
            Values::Bytes(v) if !self.last_is_null() => v.last(),
            _ => None,
        }
    }

    /// The rows as an array of [`SqlType::arrow`]; the builder is empty afterwards.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = null_buffer(&std::mem::take(&mut self.nulls), self.len());
        if self.ty.is_nested() {
            return nested::finish(&mut self.values, self.ty.arrow(), nulls);
        }
        let values = std::mem::replace(&mut self.values, Values::new(&self.ty));
        Ok(match (values, self.ty.clone()) {
            (Values::Boolean(v), _) => Arc::new(BooleanArray::new(BooleanBuffer::from(v), nulls)),
            (Values::Int(v), SqlType::Date) => {
                Arc::new(PrimitiveArray::<Date32Type>::try_new(v.into(), nulls)?)
            }
            (Values::Int(v), SqlType::Time) => {
                Arc::new(PrimitiveArray::<Time32MillisecondType>::try_new(v.into(), nulls)?)
            }
            (Values::Int(v), _) => Arc::new(PrimitiveArray::<Int32Type>::try_new(v.into(), nulls)?),
            (Values::Long(v), SqlType::Timestamp) => {
                Arc::new(PrimitiveArray::<TimestampMillisecondType>::try_new(v.into(), nulls)?)
            }
            (Values::Long(v), _) => Arc::new(PrimitiveArray::<Int64Type>::try_new(v.into(), nulls)?),
            (Values::Double(v), _) => Arc::new(PrimitiveArray::<Float64Type>::try_new(v.into(), nulls)?),
            (Values::Decimal(v), ty) => Arc::new(
                PrimitiveArray::<Decimal128Type>::try_new(v.into(), nulls)?.with_data_type(ty.arrow()),
            ),
            (Values::Bytes(v), ty) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(v.offsets));
                let data = Buffer::from_vec(v.data);
                match ty {
                    SqlType::Bytes => Arc::new(BinaryArray::try_new(offsets, data, nulls)?),
                    _ => Arc::new(StringArray::try_new(offsets, data, nulls)?),
                }
            }
            (Values::List(_) | Values::Map(_) | Values::Struct(_), ty) => {
                return Err(ArrowError::InvalidArgumentError(format!("{ty} is no nested type")));
            }
        })
    }
}

fn null_buffer(null_rows: &[usize], rows: usize) -> Option<NullBuffer> {
    if null_rows.is_empty() {
        return None;
    }
    let mut valid = arrow::array::BooleanBufferBuilder::new(rows);
    valid.append_n(rows, true);
    for row in null_rows {
        valid.set_bit(*row, false);
    }
    Some(NullBuffer::new(valid.finish()))
}

impl Values {
    fn new(ty: &SqlType) -> Self {
        match ty {
            SqlType::Boolean => Values::Boolean(Vec::new()),
            SqlType::Int | SqlType::Date | SqlType::Time => Values::Int(Vec::new()),
            SqlType::BigInt | SqlType::Timestamp => Values::Long(Vec::new()),
            SqlType::Double => Values::Double(Vec::new()),
            SqlType::Decimal { .. } => Values::Decimal(Vec::new()),
            SqlType::String | SqlType::Bytes => {
                Values::Bytes(ByteRows { data: Vec::new(), offsets: vec![0] })
            }
            SqlType::Array(element) => Values::List(ListRows::new(element)),
            SqlType::Map(map) => Values::Map(MapRows::new(map)),
            SqlType::Struct(fields) => Values::Struct(StructRows::new(fields)),
        }
    }
}

impl ByteRows {
    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        self.data.extend_from_slice(bytes);
        self.finish_row()
    }

    /// Ends a row whose bytes were appended to `data`; where they do not fit they are removed again.
    pub fn finish_row(&mut self) -> Result<(), TooLarge> {
        match i32::try_from(self.data.len()) {
            Ok(end) => {
                self.offsets.push(end);
                Ok(())
            }
            Err(_) => {
                self.drop_open_row();
                Err(TooLarge)
            }
        }
    }

    /// Removes bytes appended to `data` for a row that was not finished.
    pub fn drop_open_row(&mut self) {
        self.data.truncate(self.end());
    }

    fn push_empty(&mut self) {
        let end = self.end() as i32;
        self.offsets.push(end);
    }

    fn end(&self) -> usize {
        self.offsets.last().map_or(0, |end| *end as usize)
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows.saturating_add(1));
        self.drop_open_row();
    }

    /// The bytes of a row.
    pub fn get(&self, row: usize) -> &[u8] {
        match self.offsets.get(row..).unwrap_or_default() {
            [start, end, ..] => self.data.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    fn last(&self) -> Option<&[u8]> {
        match self.offsets.as_slice() {
            [.., start, end] => self.data.get(*start as usize..*end as usize),
            _ => None,
        }
    }
}
