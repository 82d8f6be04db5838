use expect_test::{Expect, expect};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::catalog::{TimestampColumn, WindowSpec};

fn column(name: &str, ty: SqlType, key: bool) -> Column {
    Column { name: name.to_owned(), ty, key }
}

fn source(kind: SourceKind) -> Source {
    Source {
        name: "S".to_owned(),
        kind,
        columns: vec![
            column("K", SqlType::String, true),
            column("A", SqlType::BigInt, false),
            column("B", SqlType::String, false),
        ],
        topic: "s".to_owned(),
        key_format: Format::Kafka,
        value_format: Format::Json,
        timestamp: None,
        window: None,
        query: None,
        sql: String::new(),
        internal: false,
        headers: Vec::new(),
        read_only: false,
        wrap_single_value: None,
    }
}

const ALL: [SourceColumn; 3] = [SourceColumn::Column(0), SourceColumn::Column(1), SourceColumn::Column(2)];

type KeyValue<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn records<'a>(pairs: &[KeyValue<'a>]) -> Vec<RawRecord<'a>> {
    let record = |(at, (key, value)): (usize, &KeyValue<'a>)| RawRecord {
        offset: 100 + at as i64,
        timestamp: 1000 + at as i64,
        key: *key,
        value: *value,
        headers: &[],
    };
    pairs.iter().enumerate().map(record).collect()
}

fn show(decoded: &Decoded) -> String {
    let mut lines = Vec::new();
    let columns = &decoded.columns;
    assert_eq!(columns.num_rows(), decoded.time.len());
    for row in 0..columns.num_rows() {
        let cell = |array: &ArrayRef| match array.is_null(row) {
            true => "-".to_owned(),
            false => arrow::util::display::array_value_to_string(array, row).unwrap(),
        };
        let cells: Vec<_> = columns.columns().iter().map(cell).collect();
        let gone = decoded.tombstones.as_ref().is_some_and(|t| t.value(row));
        let mark = if gone { " gone" } else { "" };
        lines.push(format!("{} @{} {}{mark}", decoded.offsets[row], decoded.time[row], cells.join(" ")));
    }
    lines.extend(decoded.bad.iter().map(|bad| format!("{} bad: {}", bad.offset, bad.reason)));
    lines.push(format!("skipped {}", decoded.skipped));
    lines.join("\n")
}

fn check(source: &Source, wanted: &[SourceColumn], pairs: &[(Option<&str>, Option<&str>)], expected: Expect) {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.map(str::as_bytes), v.map(str::as_bytes))).collect();
    check_bytes(source, wanted, &pairs, expected);
}

fn check_bytes(source: &Source, wanted: &[SourceColumn], pairs: &[KeyValue<'_>], expected: Expect) {
    let shown = match SourceDecoder::new(source, wanted) {
        Ok(mut decoder) => show(&decoder.decode(3, &records(pairs))),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn a_stream() {
    check(
        &source(SourceKind::Stream),
        &ALL,
        &[
            (Some("k"), Some(r#"{"A":1,"B":"x"}"#)),
            (None, Some(r#"{"a":"2"}"#)),
            (Some("k"), None),
            (Some("k"), Some("null")),
            (Some("k"), Some(r#"{"A":"abc","B":"lost"}"#)),
            (Some("k"), Some(r#"{"B":"lost","A":1"#)),
            (Some("l"), Some(r#"{"B":"y","A":3}"#)),
        ],
        expect![[r#"
            100 @1000 k 1 x
            101 @1001 - 2 -
            106 @1006 l 3 y
            104 bad: column A: cannot read "abc" as BIGINT
            105 bad: value is not JSON: expected ',' or '}' at byte 17 of 17
            skipped 2"#]],
    );
}

#[test]
fn a_table() {
    check(
        &source(SourceKind::Table),
        &ALL,
        &[
            (Some("k"), Some(r#"{"A":1,"B":"x"}"#)),
            (None, Some(r#"{"A":1}"#)),
            (Some("k"), None),
            (Some("k"), Some("null")),
            (Some("k"), Some("nonsense")),
        ],
        expect![[r#"
            100 @1000 k 1 x
            102 @1002 k - - gone
            103 @1003 k - - gone
            104 bad: value is not JSON: expected a value at byte 0 of 8
            skipped 1"#]],
    );
}

#[test]
fn pseudo_columns_and_repeated_ones() {
    use SourceColumn::*;
    check(
        &source(SourceKind::Stream),
        &[RowOffset, Column(1), RowTime, RowPartition, Column(1)],
        &[(None, Some(r#"{"A":7}"#))],
        expect![[r#"
            100 @1000 100 7 1000 3 7
            skipped 0"#]],
    );
    check(
        &source(SourceKind::Stream),
        &[],
        &[(None, Some("{}")), (None, Some("{"))],
        expect![[r#"
            100 @1000 
            101 bad: value is not JSON: expected a field name in quotes at byte 1 of 1
            skipped 0"#]],
    );
    check(&source(SourceKind::Stream), &[WindowStart], &[], expect!["internal error: S is not windowed"]);
    check(&source(SourceKind::Stream), &[Column(9)], &[], expect!["internal error: S has no such column"]);
}

#[test]
fn keys_in_json() {
    let mut one = Source { key_format: Format::Json, ..source(SourceKind::Table) };
    let (key, value) = ([SourceColumn::Column(0)], Some("{}"));
    check(
        &one,
        &key,
        &[(Some("\"k\""), value), (Some(" 12 "), value), (Some("null"), value), (Some("k"), value)],
        expect![[r#"
            100 @1000 k
            101 @1001 12
            103 bad: key is not JSON: expected a value at byte 0 of 1
            skipped 1"#]],
    );
    // The same rows are skipped where the key is not wanted.
    check(
        &one,
        &[],
        &[(Some(" null"), value), (Some("\"k\""), value)],
        expect![[r#"
            101 @1001 
            skipped 1"#]],
    );
    one.columns.insert(1, column("K2", SqlType::Int, true));
    check(
        &one,
        &ALL[..2],
        &[(Some(r#"{"K":"a","K2":1}"#), value), (Some(r#"{"K2":2}"#), value), (Some("12"), value)],
        expect![[r#"
            100 @1000 a 1
            101 @1001 - 2
            102 bad: key is not a JSON object
            skipped 0"#]],
    );
    let two_kafka = Source { key_format: Format::Kafka, ..one };
    check(&two_kafka, &[], &[], expect!["the KAFKA format supports only a single column"]);
}

#[test]
fn kafka_on_both_sides() {
    let mut source = source(SourceKind::Stream);
    source.columns = vec![column("K", SqlType::BigInt, true), column("V", SqlType::Int, false)];
    source.value_format = Format::Kafka;
    check_bytes(
        &source,
        &ALL[..2],
        &[
            (Some(&7i64.to_be_bytes()), Some(&(-2i32).to_be_bytes())),
            (Some(b"123"), Some(&1i32.to_be_bytes())),
            (None, Some(b"12345")),
        ],
        expect![[r#"
            100 @1000 7 -2
            101 bad: column K: BIGINT takes 8 bytes, these are 3
            102 bad: column V: INTEGER takes 4 bytes, these are 5
            skipped 0"#]],
    );
    source.columns[0].ty = SqlType::Date;
    check(&source, &[], &[], expect!["the KAFKA format does not support type DATE of column K"]);
    source.key_format = Format::None;
    check(&source, &[], &[], expect!["the NONE format cannot hold column K"]);
}

#[test]
fn windowed_keys() {
    let mut source = source(SourceKind::Stream);
    source.window =
        Some(WindowSpec { size_ms: 1000, advance_ms: 1000, grace_ms: 0, retention_ms: 1000, session: false });
    let mut key = b"abc".to_vec();
    key.extend(5000i64.to_be_bytes());
    check_bytes(
        &source,
        &[SourceColumn::Column(0), SourceColumn::WindowStart, SourceColumn::WindowEnd],
        &[
            (Some(&key), Some(b"{}")),
            (Some(b"short"), Some(b"{}")),
            (Some(&key), Some(b"{")),
            (None, Some(b"{}")),
            (Some(&key), Some(b"{}")),
        ],
        expect![[r#"
            100 @1000 abc 5000 6000
            103 @1003 - - -
            104 @1004 abc 5000 6000
            101 bad: key is too short for a windowed one: 5 bytes
            102 bad: value is not JSON: expected a field name in quotes at byte 1 of 1
            skipped 0"#]],
    );
}

#[test]
fn event_time_of_a_column() {
    let mut source = source(SourceKind::Table);
    source.timestamp = Some(TimestampColumn { column: "A".to_owned(), format: None });
    check(
        &source,
        &[SourceColumn::RowTime],
        &[
            (Some("k"), Some(r#"{"A":42}"#)),
            (Some("k"), Some(r#"{"A":-1}"#)),
            (Some("k"), Some("{}")),
            (Some("k"), None),
        ],
        expect![[r#"
            100 @42 42
            103 @1003 1003 gone
            101 bad: the timestamp in column A is negative: -1
            102 bad: the timestamp in column A is null
            skipped 0"#]],
    );
    let format = Some("yyyy-MM-dd".to_owned());
    source.timestamp = Some(TimestampColumn { column: "B".to_owned(), format: format.clone() });
    check(
        &source,
        &[SourceColumn::Column(1)],
        &[(Some("k"), Some(r#"{"B":"1970-01-02"}"#)), (Some("k"), Some(r#"{"B":"yesterday"}"#))],
        expect![[r#"
            100 @86400000 -
            101 bad: the timestamp in column B: cannot read 'yesterday' at character 1
            skipped 0"#]],
    );
    for (name, format, expected) in [
        ("B", None, "the timestamp column B is a STRING and needs a TIMESTAMP_FORMAT"),
        ("A", format.clone(), "TIMESTAMP_FORMAT is for timestamp columns of type STRING, and A is BIGINT"),
        ("X", None, "the timestamp column X does not exist"),
        ("B", Some("b".to_owned()), "invalid date pattern 'b': unknown letter b"),
    ] {
        source.timestamp = Some(TimestampColumn { column: name.to_owned(), format });
        assert_eq!(SourceDecoder::new(&source, &[]).err().unwrap().to_string(), expected);
    }
}

#[test]
fn text_that_is_not_utf8() {
    check_bytes(
        &source(SourceKind::Stream),
        &ALL,
        &[
            (Some(b"k"), Some(b"{\"other\":\"\xff\"}")),
            (Some(b"\xff"), Some(b"{}")),
            (Some("é".as_bytes()), Some("{\"b\":\"é\"}".as_bytes())),
        ],
        expect![[r#"
            102 @1002 é - é
            100 bad: value is not JSON: it is not UTF-8
            101 bad: column K: the text is not UTF-8
            skipped 0"#]],
    );
}

#[test]
fn reasons_are_bounded() {
    let value = format!("{{\"A\":\"{}\"}}", "é".repeat(100_000));
    let mut decoder = SourceDecoder::new(&source(SourceKind::Stream), &ALL).unwrap();
    let decoded = decoder.decode(0, &records(&[(None, Some(value.as_bytes()))]));
    assert!(decoded.bad[0].reason.len() <= 200, "{}", decoded.bad[0].reason);
}

#[test]
fn dates_times_and_the_rest() {
    let mut source = source(SourceKind::Stream);
    let types =
        [SqlType::Date, SqlType::Time, SqlType::Timestamp, SqlType::Bytes, SqlType::Boolean, SqlType::Double];
    source.columns =
        types.iter().enumerate().map(|(at, ty)| column(&format!("C{at}"), ty.clone(), false)).collect();
    let wanted: Vec<_> = (0..types.len()).map(SourceColumn::Column).collect();
    check(
        &source,
        &wanted,
        &[
            (None, Some(r#"{"C0":-10,"C1":5000,"C2":10,"C3":"YWI=","C4":false,"C5":1}"#)),
            (None, Some("{}")),
            (None, Some(r#"{"C1":86400000}"#)),
        ],
        expect![[r#"
            100 @1000 1969-12-22 00:00:05 1970-01-01T00:00:00.010 6162 false 1.0
            101 @1001 - - - - - -
            102 bad: column C1: cannot read 86400000 as TIME
            skipped 0"#]],
    );
    let decoder = SourceDecoder::new(&source, &wanted).unwrap();
    for (field, ty) in decoder.schema().fields().iter().zip(types) {
        assert_eq!((field.data_type(), field.is_nullable()), (&ty.arrow(), true));
    }
}

proptest! {
    /// Whatever comes, each record is a row, bad or skipped, and good ones do not mind their neighbours.
    #[test]
    fn every_record_is_accounted_for(
        noise in vec((prop::option::of(vec(any::<u8>(), 0..12)), prop::option::of("[{}\"AaB:,0-9n.\\\\ ]{0,10}")), 0..20),
        table in any::<bool>(),
    ) {
        let kind = if table { SourceKind::Table } else { SourceKind::Stream };
        let source = Source { key_format: Format::Json, ..source(kind) };
        let good: KeyValue = (Some(b"\"k\""), Some(b"{\"A\":1,\"B\":\"x\"}"));
        let mut pairs = Vec::new();
        for (key, value) in &noise {
            pairs.push((key.as_deref(), value.as_ref().map(|v| v.as_bytes())));
            pairs.push(good);
        }
        let mut decoder = SourceDecoder::new(&source, &ALL).unwrap();
        let decoded = decoder.decode(0, &records(&pairs));
        prop_assert_eq!(decoded.columns.num_rows() + decoded.bad.len() + decoded.skipped, pairs.len());
        prop_assert!(decoded.bad.iter().all(|bad| bad.offset % 2 == 0));
        let again = decoder.decode(0, &records(&[good]));
        prop_assert_eq!(show(&again), "100 @1000 k 1 x\nskipped 0");
    }
}

#[test]
fn a_record_of_10_mb_is_a_bad_one() {
    let long = format!(r#"{{"A":1,"B":"{}"}}"#, "x".repeat(10_000_000));
    check(
        &source(SourceKind::Stream),
        &ALL,
        &[(Some("k"), Some(&long)), (Some("k"), Some(r#"{"A":2}"#))],
        expect![[r#"
            101 @1001 k 2 -
            100 bad: the record has 10000015 bytes, more than the 8388608 that are read
            skipped 0"#]],
    );
}
