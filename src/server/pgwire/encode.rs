//! Columns of Arrow to fields of Postgres, in text and in binary.
//!
//! A [`Column`] is made once per batch, so that the type is looked at once and not for every value. Arrow types
//! that Postgres has no equal for are cast to the next larger one there.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::{BufMut, BytesMut};
use pgwire::api::Type;

use super::calendar::{self, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US};
use super::json::{self, is_json};
use super::numeric;
use super::types::pg_type;
use crate::sql::SqlError;

/// One column of a batch, ready to be written value by value.
pub struct Column {
    array: ArrayRef,
    kind: Kind,
    /// Scratch space for values that are put together as text.
    text: String,
}

enum Kind {
    Null,
    Bool(BooleanArray),
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Float4(Float32Array),
    Float8(Float64Array),
    Decimal(Decimal128Array, i8),
    /// Numbers wider than 128 bits, as their text.
    WideDecimal(StringArray),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Bytes(BinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    /// Values as they are, what one unit is in nanoseconds, and whether it has a time zone.
    Timestamp(Int64Array, i64, bool),
    Interval(IntervalMonthDayNanoArray),
    /// The values of all lists, and where each list begins.
    List(Box<Column>, Type, Vec<(usize, usize)>),
    /// JSON, and whatever else there is as Arrow prints it.
    Printed(StringArray),
}

impl Column {
    pub fn new(array: &ArrayRef) -> Result<Self, SqlError> {
        Ok(Self { kind: kind(array)?, array: array.clone(), text: String::new() })
    }

    /// The columns of a batch.
    pub fn of(batch: &RecordBatch) -> Result<Vec<Self>, SqlError> {
        batch.columns().iter().map(Column::new).collect()
    }

    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.kind, Kind::Null) || self.array.is_null(row)
    }

    /// Appends the text form of a value that is not null.
    pub fn write_text(&mut self, row: usize, out: &mut BytesMut) {
        self.text.clear();
        let text = &mut self.text;
        match &mut self.kind {
            Kind::Null => {}
            Kind::Bool(a) => out.put_u8(if a.value(row) { b't' } else { b'f' }),
            Kind::Int2(a) => out.put_slice(itoa::Buffer::new().format(a.value(row)).as_bytes()),
            Kind::Int4(a) => out.put_slice(itoa::Buffer::new().format(a.value(row)).as_bytes()),
            Kind::Int8(a) => out.put_slice(itoa::Buffer::new().format(a.value(row)).as_bytes()),
            Kind::Float4(a) => numeric::write_f32(text, a.value(row)),
            Kind::Float8(a) => numeric::write_f64(text, a.value(row)),
            Kind::Decimal(a, scale) => numeric::write_decimal(text, a.value(row), *scale),
            Kind::WideDecimal(a) | Kind::Text(a) | Kind::Printed(a) => out.put_slice(a.value(row).as_bytes()),
            Kind::LargeText(a) => out.put_slice(a.value(row).as_bytes()),
            Kind::TextView(a) => out.put_slice(a.value(row).as_bytes()),
            Kind::Bytes(a) => hex(a.value(row), out),
            Kind::Date(a) => calendar::write_date(text, i64::from(a.value(row))),
            Kind::Time(a) => calendar::write_time(text, a.value(row)),
            Kind::Timestamp(a, unit, zone) => match micros(a.value(row), *unit) {
                Some(us) => calendar::write_timestamp(text, us, *zone),
                None => out.put_slice(if a.value(row) < 0 { b"-infinity" } else { b"infinity" }),
            },
            Kind::Interval(a) => {
                let v = a.value(row);
                calendar::write_interval(text, v.months, v.days, v.nanoseconds / 1_000);
            }
            Kind::List(items, _, bounds) => {
                if let Some((start, end)) = bounds.get(row).copied() {
                    list_text(items, start..end, out);
                }
            }
        }
        out.put_slice(self.text.as_bytes());
    }

    /// Appends the binary form of a value that is not null.
    pub fn write_binary(&mut self, row: usize, out: &mut BytesMut) {
        match &mut self.kind {
            Kind::Null => {}
            Kind::Bool(a) => out.put_u8(u8::from(a.value(row))),
            Kind::Int2(a) => out.put_i16(a.value(row)),
            Kind::Int4(a) => out.put_i32(a.value(row)),
            Kind::Int8(a) => out.put_i64(a.value(row)),
            Kind::Float4(a) => out.put_f32(a.value(row)),
            Kind::Float8(a) => out.put_f64(a.value(row)),
            Kind::Decimal(a, scale) => {
                self.text.clear();
                numeric::write_decimal(&mut self.text, a.value(row), *scale);
                numeric::write_binary(out, &self.text);
            }
            Kind::WideDecimal(a) => {
                numeric::write_binary(out, a.value(row));
            }
            Kind::Text(a) | Kind::Printed(a) => out.put_slice(a.value(row).as_bytes()),
            Kind::LargeText(a) => out.put_slice(a.value(row).as_bytes()),
            Kind::TextView(a) => out.put_slice(a.value(row).as_bytes()),
            Kind::Bytes(a) => out.put_slice(a.value(row)),
            Kind::Date(a) => out.put_i32(a.value(row).saturating_sub(POSTGRES_EPOCH_DAYS)),
            Kind::Time(a) => out.put_i64(a.value(row)),
            Kind::Timestamp(a, unit, _) => {
                let value = a.value(row);
                let end = if value < 0 { i64::MIN } else { i64::MAX };
                let us = micros(value, *unit).and_then(|us| us.checked_sub(POSTGRES_EPOCH_US));
                out.put_i64(us.unwrap_or(end));
            }
            Kind::Interval(a) => {
                let v = a.value(row);
                out.put_i64(v.nanoseconds / 1_000);
                out.put_i32(v.days);
                out.put_i32(v.months);
            }
            Kind::List(items, item_type, bounds) => {
                if let Some((start, end)) = bounds.get(row).copied() {
                    list_binary(items, item_type.oid(), start..end, out);
                }
            }
        }
    }

    /// Appends a field with its length in front; -1 for NULL.
    pub fn write_field(&mut self, row: usize, binary: bool, out: &mut BytesMut) {
        if self.is_null(row) {
            out.put_i32(-1);
            return;
        }
        let start = out.len();
        out.put_i32(0);
        if binary {
            self.write_binary(row, out);
        } else {
            self.write_text(row, out);
        }
        let len = (out.len() - start - 4) as i32;
        if let Some(head) = out.get_mut(start..start + 4) {
            head.copy_from_slice(&len.to_be_bytes());
        }
    }
}

fn kind(array: &ArrayRef) -> Result<Kind, SqlError> {
    let to = |ty: DataType| cast(array, &ty).map_err(SqlError::internal);
    Ok(match array.data_type() {
        DataType::Null => Kind::Null,
        DataType::Boolean => Kind::Bool(array.as_boolean().clone()),
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => {
            Kind::Int2(to(DataType::Int16)?.as_primitive::<Int16Type>().clone())
        }
        DataType::UInt16 | DataType::Int32 => {
            Kind::Int4(to(DataType::Int32)?.as_primitive::<Int32Type>().clone())
        }
        DataType::UInt32 | DataType::Int64 => {
            Kind::Int8(to(DataType::Int64)?.as_primitive::<Int64Type>().clone())
        }
        DataType::UInt64 => {
            Kind::Decimal(to(DataType::Decimal128(20, 0))?.as_primitive::<Decimal128Type>().clone(), 0)
        }
        DataType::Float16 | DataType::Float32 => {
            Kind::Float4(to(DataType::Float32)?.as_primitive::<Float32Type>().clone())
        }
        DataType::Float64 => Kind::Float8(array.as_primitive::<Float64Type>().clone()),
        DataType::Decimal128(_, scale) => {
            Kind::Decimal(array.as_primitive::<Decimal128Type>().clone(), *scale)
        }
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => {
            Kind::Decimal(to(DataType::Decimal128(*p, *s))?.as_primitive::<Decimal128Type>().clone(), *s)
        }
        DataType::Decimal256(..) => Kind::WideDecimal(printed(array)?),
        DataType::Utf8 => Kind::Text(array.as_string::<i32>().clone()),
        DataType::LargeUtf8 => Kind::LargeText(array.as_string::<i64>().clone()),
        DataType::Utf8View => Kind::TextView(array.as_string_view().clone()),
        DataType::Binary => Kind::Bytes(array.as_binary::<i32>().clone()),
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            Kind::Bytes(to(DataType::Binary)?.as_binary::<i32>().clone())
        }
        DataType::Date32 | DataType::Date64 => {
            Kind::Date(to(DataType::Date32)?.as_primitive::<Date32Type>().clone())
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let us = to(DataType::Time64(TimeUnit::Microsecond))?;
            Kind::Time(us.as_primitive::<Time64MicrosecondType>().clone())
        }
        DataType::Timestamp(unit, zone) => {
            let nanos = match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
            Kind::Timestamp(to(DataType::Int64)?.as_primitive::<Int64Type>().clone(), nanos, zone.is_some())
        }
        DataType::Interval(_) | DataType::Duration(_) => {
            let wide = to(DataType::Interval(IntervalUnit::MonthDayNano))?;
            Kind::Interval(wide.as_primitive::<IntervalMonthDayNanoType>().clone())
        }
        DataType::Dictionary(_, value) => kind(&to(value.as_ref().clone())?)?,
        DataType::RunEndEncoded(_, value) => kind(&to(value.data_type().clone())?)?,
        ty if is_json(ty) => Kind::Printed(json::texts(array)?),
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let bounds = list.offsets().windows(2).map(|w| (w[0] as usize, w[1] as usize)).collect();
            Kind::List(Box::new(Column::new(list.values())?), pg_type(item.data_type()), bounds)
        }
        DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => kind(&to(DataType::List(item.clone()))?)?,
        _ => Kind::Printed(printed(array)?),
    })
}

fn printed(array: &ArrayRef) -> Result<StringArray, SqlError> {
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(array, &options).map_err(SqlError::internal)?;
    Ok((0..array.len()).map(|i| array.is_valid(i).then(|| formatter.value(i).to_string())).collect())
}

fn micros(value: i64, unit_nanos: i64) -> Option<i64> {
    if unit_nanos >= 1_000 { value.checked_mul(unit_nanos / 1_000) } else { Some(value.div_euclid(1_000)) }
}

fn hex(bytes: &[u8], out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 + bytes.len() * 2);
    out.put_slice(b"\\x");
    for b in bytes {
        out.put_u8(DIGITS[usize::from(b >> 4)]);
        out.put_u8(DIGITS[usize::from(b & 15)]);
    }
}

/// `{1,NULL,"a b"}`.
fn list_text(items: &mut Column, rows: std::ops::Range<usize>, out: &mut BytesMut) {
    out.put_u8(b'{');
    let mut item = BytesMut::new();
    for (i, row) in rows.enumerate() {
        if i > 0 {
            out.put_u8(b',');
        }
        if items.is_null(row) {
            out.put_slice(b"NULL");
            continue;
        }
        item.clear();
        items.write_text(row, &mut item);
        let nested = matches!(items.kind, Kind::List(..));
        let plain = !item.is_empty()
            && !item.eq_ignore_ascii_case(b"null")
            && !item
                .iter()
                .any(|b| matches!(b, b'{' | b'}' | b',' | b'"' | b'\\') || b.is_ascii_whitespace());
        if nested || plain {
            out.put_slice(&item);
        } else {
            out.put_u8(b'"');
            for b in item.iter() {
                if matches!(b, b'"' | b'\\') {
                    out.put_u8(b'\\');
                }
                out.put_u8(*b);
            }
            out.put_u8(b'"');
        }
    }
    out.put_u8(b'}');
}

/// Arrays in binary have rectangular dimensions; a list of lists that is not rectangular has no such form and is sent
/// with its outer dimension only, its items as text.
fn list_binary(items: &mut Column, oid: u32, rows: std::ops::Range<usize>, out: &mut BytesMut) {
    out.put_i32(i32::from(!rows.is_empty()));
    out.put_i32(i32::from(rows.clone().any(|r| items.is_null(r))));
    let nested = matches!(items.kind, Kind::List(..));
    out.put_u32(if nested { Type::TEXT.oid() } else { oid });
    if rows.is_empty() {
        return;
    }
    out.put_i32(rows.len() as i32);
    out.put_i32(1);
    for row in rows {
        items.write_field(row, !nested, out);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};

    use super::*;

    /// Shows each value of an array: its type, text and binary form.
    fn check(array: ArrayRef, expected: Expect) {
        let mut column = Column::new(&array).unwrap();
        let mut out = format!("{}\n", pg_type(array.data_type()));
        for row in 0..array.len() {
            if column.is_null(row) {
                out += "NULL\n";
                continue;
            }
            let (mut text, mut binary) = (BytesMut::new(), BytesMut::new());
            column.write_text(row, &mut text);
            column.write_binary(row, &mut binary);
            let binary: String = binary.iter().map(|b| format!("{b:02x}")).collect();
            out += &format!("{} | {binary}\n", std::str::from_utf8(&text).unwrap());
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn numbers() {
        check(
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
            expect![[r#"
            bool
            t | 01
            f | 00
            NULL
        "#]],
        );
        check(
            Arc::new(Int32Array::from(vec![1, -2])),
            expect![[r#"
            int4
            1 | 00000001
            -2 | fffffffe
        "#]],
        );
        check(
            Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])),
            expect![[r#"
            int8
            -9223372036854775808 | 8000000000000000
            9223372036854775807 | 7fffffffffffffff
        "#]],
        );
        check(
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            expect![[r#"
            numeric
            18446744073709551615 | 000500040000000007341a5802e103bb064f
        "#]],
        );
        check(
            Arc::new(Float64Array::from(vec![1.5, 1e20, -0.25])),
            expect![[r#"
            float8
            1.5 | 3ff8000000000000
            1e+20 | 4415af1d78b58c40
            -0.25 | bfd0000000000000
        "#]],
        );
        let decimals =
            Decimal128Array::from(vec![Some(-1250), Some(0), None]).with_precision_and_scale(10, 2);
        check(
            Arc::new(decimals.unwrap()),
            expect![[r#"
            numeric
            -12.50 | 0002000040000002000c1388
            0.00 | 0000000000000002
            NULL
        "#]],
        );
    }

    #[test]
    fn text_and_bytes() {
        check(
            Arc::new(StringArray::from(vec!["", "häß"])),
            expect![[r#"
            text
             | 
            häß | 68c3a4c39f
        "#]],
        );
        check(
            Arc::new(StringViewArray::from(vec!["longer than twelve bytes"])),
            expect![[r#"
            text
            longer than twelve bytes | 6c6f6e676572207468616e207477656c7665206279746573
        "#]],
        );
        check(
            Arc::new(BinaryArray::from(vec![&[0u8, 255][..]])),
            expect![[r#"
            bytea
            \x00ff | 00ff
        "#]],
        );
        check(
            Arc::new(NullArray::new(1)),
            expect![[r#"
            text
            NULL
        "#]],
        );
        let dictionary: DictionaryArray<Int8Type> = vec!["a", "b", "a"].into_iter().collect();
        check(
            Arc::new(dictionary),
            expect![[r#"
            text
            a | 61
            b | 62
            a | 61
        "#]],
        );
    }

    #[test]
    fn times() {
        check(
            Arc::new(Date32Array::from(vec![0, -1, 20_000])),
            expect![[r#"
            date
            1970-01-01 | ffffd533
            1969-12-31 | ffffd532
            2024-10-04 | 00002353
        "#]],
        );
        check(
            Arc::new(Time32MillisecondArray::from(vec![1, 86_399_999])),
            expect![[r#"
            time
            00:00:00.001 | 00000000000003e8
            23:59:59.999 | 000000141dd75c18
        "#]],
        );
        check(
            Arc::new(TimestampMillisecondArray::from(vec![0, -1, 1_769_854_830_500, i64::MAX])),
            expect![[r#"
                timestamp
                1970-01-01 00:00:00 | fffca2fec4c82000
                1969-12-31 23:59:59.999 | fffca2fec4c81c18
                2026-01-31 10:20:30.5 | 0002ecab3541f8a0
                infinity | 7fffffffffffffff
            "#]],
        );
        check(
            Arc::new(TimestampNanosecondArray::from(vec![1_500]).with_timezone("+02:00")),
            expect![[r#"
                timestamptz
                1970-01-01 00:00:00.000001+00 | fffca2fec4c82001
            "#]],
        );
        check(
            Arc::new(DurationSecondArray::from(vec![3_661])),
            expect![[r#"
            interval
            01:01:01 | 00000000da366d400000000000000000
        "#]],
        );
    }

    #[test]
    fn lists() {
        let mut list = ListBuilder::new(StringBuilder::new());
        for items in [vec![Some("a"), None, Some("b c"), Some("NULL"), Some("q\"\\")], vec![]] {
            items.into_iter().for_each(|i| list.values().append_option(i));
            list.append(true);
        }
        check(
            Arc::new(list.finish()),
            expect![[r#"
            _text
            {a,NULL,"b c","NULL","q\"\\"} | 00000001000000010000001900000005000000010000000161ffffffff00000003622063000000044e554c4c0000000371225c
            {} | 000000000000000000000019
        "#]],
        );
        let ints = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None])]);
        check(
            Arc::new(ints),
            expect![[r#"
            _int4
            {1,NULL} | 00000001000000010000001700000002000000010000000400000001ffffffff
        "#]],
        );
    }

    #[test]
    fn nested() {
        use crate::functions::nested::{array, map, structure};
        use crate::sql::SqlType;
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a\"b"), None]));
        let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 1]));
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN]));
        let SqlType::Struct(fields) = SqlType::structure([("NAME", SqlType::String), ("d", SqlType::Date)])
        else {
            panic!("no STRUCT")
        };
        let structs = structure(vec![names.clone(), days.clone()], 2, &fields).unwrap();
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["k", "l"]));
        let maps = map(&[keys], std::slice::from_ref(&numbers), 2).unwrap();
        let lists = array(&[numbers.clone(), numbers], 2, DataType::Float64).unwrap();
        check(
            structs.clone(),
            expect![[r#"
            json
            {"NAME":"a\"b","d":"1970-01-01"} | 7b224e414d45223a22615c2262222c2264223a22313937302d30312d3031227d
            {"NAME":null,"d":"1970-01-02"} | 7b224e414d45223a6e756c6c2c2264223a22313937302d30312d3032227d
        "#]],
        );
        check(
            maps,
            expect![[r#"
            json
            {"k":1.5} | 7b226b223a312e357d
            {"l":"NaN"} | 7b226c223a224e614e227d
        "#]],
        );
        check(
            array(&[structs], 2, SqlType::Struct(fields).arrow()).unwrap(),
            expect![[r#"
            json
            [{"NAME":"a\"b","d":"1970-01-01"}] | 5b7b224e414d45223a22615c2262222c2264223a22313937302d30312d3031227d5d
            [{"NAME":null,"d":"1970-01-02"}] | 5b7b224e414d45223a6e756c6c2c2264223a22313937302d30312d3032227d5d
        "#]],
        );
        let item = lists.data_type().clone();
        check(
            array(&[lists], 2, item).unwrap(),
            expect![[r#"
            json
            [[1.5,1.5]] | 5b5b312e352c312e355d5d
            [["NaN","NaN"]] | 5b5b224e614e222c224e614e225d5d
        "#]],
        );
    }
}
