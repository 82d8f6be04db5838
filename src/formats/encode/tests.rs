use std::sync::Arc;

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, StringArray,
    Time32MillisecondArray, TimestampMillisecondArray,
};
use expect_test::{Expect, expect};

use super::*;

fn column(name: &str, ty: SqlType) -> Column {
    Column { name: name.to_owned(), ty, key: false }
}

fn show(out: &ByteColumn) -> String {
    let entry = |entry: Option<&[u8]>| match entry {
        Some(bytes) => bytes.escape_ascii().to_string().replace("\\\"", "\""),
        None => "null".to_owned(),
    };
    out.iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn check(
    encoder: Result<RowEncoder, SqlError>,
    columns: &[ArrayRef],
    window: Option<&Int64Array>,
    expected: Expect,
) {
    let mut out = ByteColumn::new();
    let shown = match encoder.and_then(|encoder| encoder.encode(columns, window, &mut out)) {
        Ok(()) => show(&out),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn values_of_all_types() {
    let decimal = SqlType::Decimal { precision: 6, scale: 2 };
    let columns = [
        column("B", SqlType::Boolean),
        column("I", SqlType::Int),
        column("L", SqlType::BigInt),
        column("D", SqlType::Double),
        column("M", decimal.clone()),
        column("S", SqlType::String),
        column("Y", SqlType::Bytes),
        column("da te", SqlType::Date),
        column("T", SqlType::Time),
        column("TS", SqlType::Timestamp),
    ];
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(Int32Array::from(vec![Some(-1), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None])),
        Arc::new(Float64Array::from(vec![Some(1e10), None])),
        Arc::new(Decimal128Array::from(vec![Some(100), None]).with_data_type(decimal.arrow())),
        Arc::new(StringArray::from(vec![Some("a\"b\\\u{1}é\n"), None])),
        Arc::new(BinaryArray::from(vec![Some(&b"ab"[..]), None])),
        Arc::new(Date32Array::from(vec![Some(-10), None])),
        Arc::new(Time32MillisecondArray::from(vec![Some(10), None])),
        Arc::new(TimestampMillisecondArray::from(vec![Some(1_526_075_913_000), None])),
    ];
    check(
        RowEncoder::value(&columns, Format::Json),
        &arrays,
        None,
        expect![[r#"
            {"B":true,"I":-1,"L":-9223372036854775808,"D":1.0E10,"M":1.00,"S":"a\\"b\\\\\\u0001\xc3\xa9\\n","Y":"YWI=","da te":-10,"T":10,"TS":1526075913000}
            {"B":null,"I":null,"L":null,"D":null,"M":null,"S":null,"Y":null,"da te":null,"T":null,"TS":null}"#]],
    );
    check(
        RowEncoder::value(&columns, Format::Json),
        &arrays[..9],
        None,
        expect!["internal error: columns to be encoded do not match their declaration"],
    );
    check(
        RowEncoder::value(&columns[..1], Format::Json),
        &arrays[1..2],
        None,
        expect!["internal error: a column to be encoded has another type than declared"],
    );
    check(
        RowEncoder::value(&columns[..2], Format::Kafka),
        &arrays[..2],
        None,
        expect!["the KAFKA format supports only a single column"],
    );
}

#[test]
fn numbers_that_json_does_not_have() {
    let values: ArrayRef =
        Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]));
    check(
        RowEncoder::key(&[column("D", SqlType::Double)], Format::Json, false),
        &[values],
        None,
        expect![[r#"
            "NaN"
            "Infinity"
            "-Infinity"
            -0.0"#]],
    );
}

#[test]
fn keys() {
    let columns = [column("A", SqlType::String), column("B", SqlType::Int)];
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, None]));
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(258), Some(2), None]));
    let windows = Int64Array::from(vec![1, 2, 3]);
    check(
        RowEncoder::key(&columns, Format::Json, false),
        &[texts.clone(), numbers.clone()],
        None,
        expect![[r#"
            {"A":"x","B":258}
            {"A":null,"B":2}
            null"#]],
    );
    check(
        RowEncoder::key(&columns[..1], Format::Json, false),
        std::slice::from_ref(&texts),
        None,
        expect![[r#"
            "x"
            null
            null"#]],
    );
    check(
        RowEncoder::key(&columns[1..], Format::Kafka, true),
        std::slice::from_ref(&numbers),
        Some(&windows),
        expect![[r#"
            \x00\x00\x01\x02\x00\x00\x00\x00\x00\x00\x00\x01
            \x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x02
            null"#]],
    );
    check(
        RowEncoder::key(&columns[1..], Format::Kafka, true),
        &[numbers],
        None,
        expect!["internal error: a windowed key needs its window's start"],
    );
    check(
        RowEncoder::key(&columns[..1], Format::Kafka, false),
        std::slice::from_ref(&texts),
        None,
        expect![[r#"
        x
        null
        null"#]],
    );
    check(RowEncoder::key(&[], Format::None, false), &[], None, expect![""]);
    check(
        RowEncoder::key(&columns[..1], Format::None, false),
        &[texts],
        None,
        expect!["the NONE format cannot hold column A"],
    );
}
