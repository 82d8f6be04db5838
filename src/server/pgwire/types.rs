//! Arrow types and Postgres' types.
//!
//! Every Arrow type has exactly one Postgres type on the wire; structs, maps and arrays of arrays travel as JSON, and what
//! else Postgres does not have as text. The way back, for parameters and COPY, knows the types that drivers declare.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use pgwire::api::Type;
use pgwire::messages::data::FieldDescription;

use super::json::is_json;

/// The Postgres type that values of an Arrow type are sent as.
pub fn pg_type(ty: &DataType) -> Type {
    match ty {
        DataType::Boolean => Type::BOOL,
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => Type::INT2,
        DataType::UInt16 | DataType::Int32 => Type::INT4,
        DataType::UInt32 | DataType::Int64 => Type::INT8,
        DataType::UInt64 => Type::NUMERIC,
        DataType::Float16 | DataType::Float32 => Type::FLOAT4,
        DataType::Float64 => Type::FLOAT8,
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Type::NUMERIC,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            Type::BYTEA
        }
        DataType::Date32 | DataType::Date64 => Type::DATE,
        DataType::Time32(_) | DataType::Time64(_) => Type::TIME,
        DataType::Timestamp(_, None) => Type::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        DataType::Interval(_) | DataType::Duration(_) => Type::INTERVAL,
        DataType::Dictionary(_, value) => pg_type(value),
        DataType::RunEndEncoded(_, value) => pg_type(value.data_type()),
        ty if is_json(ty) => Type::JSON,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => array_of(&pg_type(item.data_type())),
        _ => Type::TEXT,
    }
}

/// Element types and the types of their arrays.
const ARRAYS: &[(Type, Type)] = &[
    (Type::BOOL, Type::BOOL_ARRAY),
    (Type::INT2, Type::INT2_ARRAY),
    (Type::INT4, Type::INT4_ARRAY),
    (Type::INT8, Type::INT8_ARRAY),
    (Type::FLOAT4, Type::FLOAT4_ARRAY),
    (Type::FLOAT8, Type::FLOAT8_ARRAY),
    (Type::NUMERIC, Type::NUMERIC_ARRAY),
    (Type::TEXT, Type::TEXT_ARRAY),
    (Type::VARCHAR, Type::VARCHAR_ARRAY),
    (Type::BYTEA, Type::BYTEA_ARRAY),
    (Type::DATE, Type::DATE_ARRAY),
    (Type::TIME, Type::TIME_ARRAY),
    (Type::TIMESTAMP, Type::TIMESTAMP_ARRAY),
    (Type::TIMESTAMPTZ, Type::TIMESTAMPTZ_ARRAY),
    (Type::INTERVAL, Type::INTERVAL_ARRAY),
];

/// The array type of an element type; arrays of arrays are the same type in Postgres.
fn array_of(item: &Type) -> Type {
    if item_of(item).is_some() {
        return item.clone();
    }
    ARRAYS.iter().find(|(element, _)| element == item).map_or(Type::TEXT_ARRAY, |(_, array)| array.clone())
}

/// The element type of an array type.
pub fn item_of(array: &Type) -> Option<Type> {
    ARRAYS.iter().find(|(_, ty)| ty == array).map(|(item, _)| item.clone())
}

/// The Arrow type that parameters declared with an OID become; None for OIDs that leave the choice to the server
/// (unspecified, `unknown`) or that mean nothing here.
pub fn arrow_type(oid: u32) -> Option<DataType> {
    let ty = Type::from_oid(oid)?;
    Some(match ty {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => DataType::Decimal128(38, 10),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::JSONB | Type::UUID => {
            DataType::Utf8
        }
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        ref array => {
            let item = arrow_type(item_of(array)?.oid())?;
            DataType::List(Arc::new(Field::new_list_field(item, true)))
        }
    })
}

/// The NULL of a type, for a parameter without a value.
pub fn null_of(ty: &DataType) -> ScalarValue {
    ScalarValue::try_from(ty).unwrap_or(ScalarValue::Null)
}

/// A result column as RowDescription has it. `format` is 0 for text, 1 for binary.
pub fn describe(field: &Field, format: i16) -> FieldDescription {
    let ty = pg_type(field.data_type());
    let (size, modifier) = match ty {
        Type::BOOL => (1, -1),
        Type::INT2 => (2, -1),
        Type::INT4 | Type::FLOAT4 | Type::DATE => (4, -1),
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => (8, -1),
        Type::INTERVAL => (16, -1),
        Type::NUMERIC => (-1, numeric_modifier(field.data_type())),
        _ => (-1, -1),
    };
    FieldDescription::new(field.name().clone(), 0, 0, ty.oid(), size, modifier, format)
}

/// numeric(p, s) as Postgres' typmod.
fn numeric_modifier(ty: &DataType) -> i32 {
    match ty {
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s)
            if *s >= 0 =>
        {
            ((i32::from(*p) << 16) | i32::from(*s)) + 4
        }
        _ => -1,
    }
}
