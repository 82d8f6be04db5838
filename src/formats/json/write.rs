//! One value of a column as JSON text.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::text::write_text;
use super::write_nested::{ListCells, MapCells, StructCells};
use crate::formats::decimal::write_decimal;
use crate::formats::java_double;
use crate::sql::SqlType;

/// The values of a column, ready to be written row by row.
pub struct Cells<'a> {
    pub nulls: Option<&'a NullBuffer>,
    pub values: CellValues<'a>,
    kind: IntKind,
}

/// What the integers of a column count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntKind {
    Int,
    /// Days.
    Date,
    /// Milliseconds, of the day or of all.
    Time,
}

pub enum CellValues<'a> {
    Boolean(&'a BooleanArray),
    Int(&'a [i32]),
    Long(&'a [i64]),
    Double(&'a [f64]),
    Decimal(&'a [i128], u8),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    List(ListCells<'a>),
    Map(MapCells<'a>),
    Struct(StructCells<'a>),
}

impl<'a> Cells<'a> {
    /// None where the array is not of the type's Arrow form.
    pub fn new(array: &'a ArrayRef, ty: SqlType) -> Option<Self> {
        if *array.data_type() != ty.arrow() {
            return None;
        }
        let kind = match ty {
            SqlType::Date => IntKind::Date,
            SqlType::Time | SqlType::Timestamp => IntKind::Time,
            _ => IntKind::Int,
        };
        let values = match ty {
            SqlType::Boolean => CellValues::Boolean(array.as_boolean_opt()?),
            SqlType::Int => CellValues::Int(array.as_primitive_opt::<Int32Type>()?.values()),
            SqlType::Date => CellValues::Int(array.as_primitive_opt::<Date32Type>()?.values()),
            SqlType::Time => CellValues::Int(array.as_primitive_opt::<Time32MillisecondType>()?.values()),
            SqlType::BigInt => CellValues::Long(array.as_primitive_opt::<Int64Type>()?.values()),
            SqlType::Timestamp => {
                CellValues::Long(array.as_primitive_opt::<TimestampMillisecondType>()?.values())
            }
            SqlType::Double => CellValues::Double(array.as_primitive_opt::<Float64Type>()?.values()),
            SqlType::Decimal { scale, .. } => {
                CellValues::Decimal(array.as_primitive_opt::<Decimal128Type>()?.values(), scale)
            }
            SqlType::String => CellValues::String(array.as_string_opt()?),
            SqlType::Bytes => CellValues::Bytes(array.as_binary_opt()?),
            SqlType::Array(element) => CellValues::List(ListCells::new(array.as_list_opt()?, *element)?),
            SqlType::Map(map) => CellValues::Map(MapCells::new(array.as_map_opt()?, *map)?),
            SqlType::Struct(fields) => CellValues::Struct(StructCells::new(array.as_struct_opt()?, &fields)?),
        };
        Some(Self { nulls: array.nulls().filter(|nulls| nulls.null_count() > 0), values, kind })
    }

    /// What the integers of the column count.
    pub fn int_kind(&self) -> IntKind {
        self.kind
    }

    #[inline(always)]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Appends the value of a row, which must be within the column, `null` where it is null.
#[inline]
pub fn write_cell(cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) {
    if cells.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match &cells.values {
        CellValues::Long(values) => write_integer(values.get(row).copied().unwrap_or_default(), out),
        CellValues::Int(values) => write_integer(values.get(row).copied().unwrap_or_default(), out),
        CellValues::String(values) => write_text(values.value(row).as_bytes(), out),
        CellValues::Double(values) => {
            let value = values.get(row).copied().unwrap_or_default();
            if value.is_finite() {
                java_double(value, out);
            } else {
                // JSON has no such numbers; as text they can be read back.
                out.push(b'"');
                java_double(value, out);
                out.push(b'"');
            }
        }
        CellValues::Decimal(values, scale) => {
            write_decimal(values.get(row).copied().unwrap_or_default(), *scale, out);
        }
        CellValues::Boolean(values) => {
            out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
        }
        CellValues::Bytes(values) => {
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(values.value(row)).as_bytes());
            out.push(b'"');
        }
        CellValues::List(values) => values.write(row, out),
        CellValues::Map(values) => values.write(row, out),
        CellValues::Struct(values) => values.write(row, out),
    }
}

#[inline(always)]
fn write_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
