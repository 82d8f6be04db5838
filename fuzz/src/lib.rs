//! What the fuzz targets have in common: a source as a statement declares it, and a record cut out of the fuzzer's bytes.

use rivermill::catalog::{Catalog, Source};
use rivermill::formats::{Headers, RawRecord, SourceColumn, SourceDecoder};
use rivermill::planner::{Context, Defaults, plan_create};
use rivermill::sql::ast::StatementKind;
use rivermill::sql::parse_stored;

/// A column of each type that has no parts.
pub const FLAT: &str = "c0 BIGINT, c1 BOOLEAN, c2 INT, c3 DOUBLE, c4 DECIMAL(10, 3), c5 STRING, c6 BYTES, c7 DATE, \
    c8 TIME, c9 TIMESTAMP";

/// Columns of types with parts.
pub const NESTED: &str = "n0 ARRAY<BIGINT>, n1 MAP<STRING, STRUCT<a INT, b ARRAY<STRING>>>, \
    n2 ARRAY<STRUCT<a DECIMAL(5, 2), b DATE, c BYTES>>, n3 STRUCT<a STRUCT<b DOUBLE>, c MAP<STRING, BOOLEAN>>";

/// The source of a CREATE statement.
pub fn source(statement: &str) -> Source {
    let parsed = parse_stored(statement).expect("the statement is sound");
    let StatementKind::CreateSource(create) = &parsed.kind else { panic!("{statement}") };
    let context =
        Context { catalog: &Catalog::default(), partitions: &|_| Some(1), coalesce: true, defaults: &Defaults::default() };
    plan_create(create, statement, &context).expect("the statement is sound").source
}

/// Decodes one record, whole and only its first column: what is a row when all is asked for is one when less is.
/// The first byte says how long the key is.
pub fn decode(source: &Source, data: &[u8]) {
    let Some((length, rest)) = data.split_first() else { return };
    let (key, value) = rest.split_at(usize::from(*length).min(rest.len()));
    let record =
        RawRecord { offset: 7, timestamp: 0, key: Some(key), value: Some(value), headers: Headers::default() };
    let all: Vec<_> = (0..source.columns.len()).map(SourceColumn::Column).collect();
    let whole = rows(source, &all, record);
    let part = rows(source, &all[..1], record);
    assert!(whole <= part, "{whole} rows of all columns, {part} of one");
}

fn rows(source: &Source, wanted: &[SourceColumn], record: RawRecord<'_>) -> usize {
    let mut decoder = SourceDecoder::new(source, wanted).expect("the source is sound");
    let decoded = decoder.decode(0, &[record]);
    assert_eq!(decoded.columns.num_rows() + decoded.bad.len() + decoded.skipped, 1);
    decoded.columns.num_rows()
}
