//! The SQL types of the dialect and their Arrow form (dialect section 7, "Types").

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

/// A type of a column or an expression. Parts are boxed and not interned, which would make it `Copy`: clients invent types, and
/// what is interned is never freed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SqlType {
    Boolean,
    /// 32 bits.
    Int,
    /// 64 bits.
    BigInt,
    /// IEEE 754, 64 bits.
    Double,
    /// `precision` digits in all, 1 to 38, `scale` of them behind the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// UTF-8 text; `VARCHAR` and `STRING` in SQL.
    String,
    Bytes,
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds since midnight.
    Time,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// The type of the elements.
    Array(Box<SqlType>),
    Map(Box<MapType>),
    /// Fields in order.
    Struct(Box<[StructField]>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MapType {
    pub key: SqlType,
    pub value: SqlType,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StructField {
    /// As the catalog knows it: unquoted names are upper case.
    pub name: String,
    pub ty: SqlType,
}

impl SqlType {
    pub fn array(element: SqlType) -> SqlType {
        SqlType::Array(Box::new(element))
    }

    pub fn map(key: SqlType, value: SqlType) -> SqlType {
        SqlType::Map(Box::new(MapType { key, value }))
    }

    pub fn structure(fields: impl IntoIterator<Item = (impl Into<String>, SqlType)>) -> SqlType {
        SqlType::Struct(fields.into_iter().map(|(name, ty)| StructField { name: name.into(), ty }).collect())
    }

    /// The Arrow type that holds this type's values, everywhere in the house. Whatever is nested can be null, but for the
    /// keys of a map.
    pub fn arrow(&self) -> DataType {
        match self {
            SqlType::Boolean => DataType::Boolean,
            SqlType::Int => DataType::Int32,
            SqlType::BigInt => DataType::Int64,
            SqlType::Double => DataType::Float64,
            SqlType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
            SqlType::String => DataType::Utf8,
            SqlType::Bytes => DataType::Binary,
            SqlType::Date => DataType::Date32,
            SqlType::Time => DataType::Time32(TimeUnit::Millisecond),
            SqlType::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, None),
            SqlType::Array(element) => DataType::List(Arc::new(Field::new("item", element.arrow(), true))),
            SqlType::Map(map) => {
                let entries = Fields::from(vec![
                    Field::new("key", map.key.arrow(), false),
                    Field::new("value", map.value.arrow(), true),
                ]);
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
            }
            SqlType::Struct(fields) => {
                let field = |f: &StructField| Field::new(&f.name, f.ty.arrow(), true);
                DataType::Struct(fields.iter().map(field).collect())
            }
        }
    }

    /// Whether the type is one of INT, BIGINT, DOUBLE and DECIMAL.
    pub fn is_numeric(&self) -> bool {
        matches!(self, SqlType::Int | SqlType::BigInt | SqlType::Double | SqlType::Decimal { .. })
    }

    /// Whether the type is ARRAY, MAP or STRUCT.
    pub fn is_nested(&self) -> bool {
        matches!(self, SqlType::Array(_) | SqlType::Map(_) | SqlType::Struct(_))
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlType::Boolean => f.write_str("BOOLEAN"),
            SqlType::Int => f.write_str("INTEGER"),
            SqlType::BigInt => f.write_str("BIGINT"),
            SqlType::Double => f.write_str("DOUBLE"),
            SqlType::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            SqlType::String => f.write_str("STRING"),
            SqlType::Bytes => f.write_str("BYTES"),
            SqlType::Date => f.write_str("DATE"),
            SqlType::Time => f.write_str("TIME"),
            SqlType::Timestamp => f.write_str("TIMESTAMP"),
            SqlType::Array(element) => write!(f, "ARRAY<{element}>"),
            SqlType::Map(map) => write!(f, "MAP<{}, {}>", map.key, map.value),
            SqlType::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, field) in fields.iter().enumerate() {
                    let name = super::quote_ident(&field.name);
                    write!(f, "{}{name} {}", if i > 0 { ", " } else { "" }, field.ty)?;
                }
                f.write_str(">")
            }
        }
    }
}
