//! What the fuzz targets have in common: a source of every type in one format, and records cut out of the fuzzer's bytes.

use rivermill::catalog::{Column, Format, Source};
use rivermill::formats::{RawRecord, SourceColumn, SourceDecoder};
use rivermill::sql::SqlType;
use rivermill::sql::ast::SourceKind;

/// Decodes the bytes as records of a stream whose values have this format, twice: the whole record, and a part of its
/// columns. Whether a record is bad must not depend on what is asked of it, as far as the part goes: rows of the whole are
/// rows of the part.
pub fn decode_values(format: Format, columns: Vec<Column>, data: &[u8]) {
    let source = Source {
        name: "S".into(),
        kind: SourceKind::Stream,
        columns,
        topic: "s".into(),
        key_format: Format::None,
        value_format: format,
        timestamp: None,
        window: None,
        query: None,
        sql: String::new(),
        internal: false,
    };
    let records: Vec<RawRecord<'_>> = data
        .split(|byte| *byte == 0xff)
        .enumerate()
        .map(|(at, value)| RawRecord { offset: at as i64, timestamp: 0, key: None, value: Some(value) })
        .collect();
    let all: Vec<_> = (0..source.columns.len()).map(SourceColumn::Column).collect();
    let whole = rows(&source, &all, &records);
    let part = rows(&source, &all[..1], &records);
    assert!(whole <= part, "{whole} rows of all columns, {part} of one");
}

/// One column of each type that has no parts.
pub fn flat_columns() -> Vec<Column> {
    use SqlType::*;
    let types = [
        BigInt, Boolean, Int, Double, Decimal { precision: 10, scale: 3 }, String, Bytes, Date, Time, Timestamp,
    ];
    columns(types)
}

fn columns(types: impl IntoIterator<Item = SqlType>) -> Vec<Column> {
    let column = |(at, ty)| Column { name: format!("C{at}"), ty, key: false };
    types.into_iter().enumerate().map(column).collect()
}

fn rows(source: &Source, wanted: &[SourceColumn], records: &[RawRecord<'_>]) -> usize {
    let mut decoder = SourceDecoder::new(source, wanted).expect("the source is sound");
    let decoded = decoder.decode(records, 0);
    assert_eq!(decoded.columns.num_rows() + decoded.bad.len() + decoded.skipped, records.len());
    decoded.columns.num_rows()
}
