//! How types relate: implicit widening, the common type of several values, and the types of DECIMAL arithmetic
//! (dialect 10.1). Overload choice and the expression binder both go by these rules.

use arrow::datatypes::{DataType, FieldRef, TimeUnit};

use super::decimal::MAX_PRECISION;
use crate::sql::{SqlType, StructField};

/// How far an implicit conversion goes: 0 for the same type, more for wider ones, None where there is none. The order is
/// INT < BIGINT < DECIMAL < DOUBLE.
pub fn widening(from: &SqlType, to: &SqlType) -> Option<u32> {
    if from == to {
        return Some(0);
    }
    match (from, to) {
        (SqlType::Decimal { precision, scale }, SqlType::Decimal { precision: p, scale: s }) => {
            (scale <= s && precision - scale.min(precision) <= p - s.min(p)).then_some(0)
        }
        (SqlType::Array(from), SqlType::Array(to)) => widening(from, to),
        (SqlType::Map(from), SqlType::Map(to)) => {
            Some(widening(&from.key, &to.key)? + widening(&from.value, &to.value)?)
        }
        (SqlType::Struct(from), SqlType::Struct(to)) => from.iter().try_fold(1, |cost, field| {
            let same = to.iter().find(|f| f.name == field.name)?;
            Some(cost + widening(&field.ty, &same.ty)?)
        }),
        _ => match (rank(from)?, rank(to)?) {
            (a, b) if a < b => Some(b - a),
            _ => None,
        },
    }
}

/// The type that values of both types have in common, for comparison, CASE, COALESCE and lists.
pub fn common(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    if a == b {
        return Some(a.clone());
    }
    if let (SqlType::Decimal { .. }, _) | (_, SqlType::Decimal { .. }) = (a, b)
        && let (Some((p1, s1)), Some((p2, s2))) = (decimal_parts(a), decimal_parts(b))
    {
        let scale = s1.max(s2);
        let whole = (p1 - s1.min(p1)).max(p2 - s2.min(p2));
        return Some(SqlType::Decimal { precision: (whole + scale).clamp(1, MAX_PRECISION), scale });
    }
    match (a, b) {
        (SqlType::Array(a), SqlType::Array(b)) => return Some(SqlType::array(common(a, b)?)),
        (SqlType::Map(a), SqlType::Map(b)) => {
            return Some(SqlType::map(common(&a.key, &b.key)?, common(&a.value, &b.value)?));
        }
        (SqlType::Struct(a), SqlType::Struct(b)) => return common_fields(a, b),
        _ => {}
    }
    let (x, y) = (rank(a)?, rank(b)?);
    Some(if x >= y { a } else { b }.clone())
}

/// The fields of both structs: those of the first, then what the second has more.
fn common_fields(a: &[StructField], b: &[StructField]) -> Option<SqlType> {
    let mut fields = a.to_vec();
    for field in b {
        match fields.iter_mut().find(|f| f.name == field.name) {
            Some(same) => same.ty = common(&same.ty, &field.ty)?,
            None => fields.push(field.clone()),
        }
    }
    Some(SqlType::Struct(fields.into_boxed_slice()))
}

/// Precision and scale of what a type is as a DECIMAL: INT is (10, 0), BIGINT (19, 0).
pub fn decimal_parts(ty: &SqlType) -> Option<(u8, u8)> {
    match ty {
        SqlType::Int => Some((10, 0)),
        SqlType::BigInt => Some((19, 0)),
        SqlType::Decimal { precision, scale } => Some((*precision, *scale)),
        _ => None,
    }
}

/// The SQL type that stands for an Arrow type of ad-hoc SQL.
pub fn sql_type(arrow: &DataType) -> Option<SqlType> {
    Some(match arrow {
        DataType::Boolean => SqlType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            SqlType::Int
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => SqlType::BigInt,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => SqlType::Double,
        DataType::Decimal128(p, s) => SqlType::Decimal { precision: *p, scale: u8::try_from(*s).ok()? },
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => SqlType::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => SqlType::Bytes,
        DataType::Date32 => SqlType::Date,
        DataType::Time32(TimeUnit::Millisecond) => SqlType::Time,
        DataType::Timestamp(_, _) => SqlType::Timestamp,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            SqlType::array(sql_type(item.data_type())?)
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => match fields.as_ref() {
                [key, value] => SqlType::map(sql_type(key.data_type())?, sql_type(value.data_type())?),
                _ => return None,
            },
            _ => return None,
        },
        DataType::Struct(fields) => {
            let field = |f: &FieldRef| Some((f.name().clone(), sql_type(f.data_type())?));
            SqlType::structure(fields.iter().map(field).collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

fn rank(ty: &SqlType) -> Option<u32> {
    match ty {
        SqlType::Int => Some(0),
        SqlType::BigInt => Some(1),
        SqlType::Decimal { .. } => Some(2),
        SqlType::Double => Some(3),
        _ => None,
    }
}
