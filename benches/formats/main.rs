//! What a record costs in each format: `cargo bench --bench formats`.
//!
//! 100,000 bids of six columns are encoded and decoded again, several times; the best time counts. Beside the formats
//! stand the obvious libraries on the same bytes in the same run: arrow-json, and the csv crate with the standard
//! library's number parsing. There is none for protobuf without generated code.

// clippy.toml's bans are for code that a server runs.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
use rivermill::catalog::{Catalog, Column, Source};
use rivermill::formats::{ByteColumn, RawRecord, RowEncoder, SourceColumn, SourceDecoder};
use rivermill::planner::{Context, Defaults, plan_create};
use rivermill::sql::ast::StatementKind;
use rivermill::sql::parse_stored;

const ROWS: usize = 100_000;
/// Records decoded at a time, as a query does.
const BATCH: usize = 4_096;
const ROUNDS: usize = 7;

fn main() {
    println!("{:<28} {:>10} {:>10} {:>10}", "", "bytes/row", "ns/row", "MB/s");
    let columns = bids();
    for (name, format) in [("JSON", "JSON"), ("DELIMITED", "DELIMITED"), ("PROTOBUF_NOSR", "PROTOBUF_NOSR")] {
        let source = source(&format!(
            "CREATE STREAM b (auction BIGINT, bidder BIGINT, price INT, rate DOUBLE, channel STRING, at TIMESTAMP) \
             WITH (KAFKA_TOPIC = 'b', VALUE_FORMAT = '{format}')"
        ));
        let bytes = encode(name, &source, &columns);
        decode(&format!("{name} decode, all"), &source, &bytes, 0..6);
        decode(&format!("{name} decode, 2 columns"), &source, &bytes, 1..3);
        match name {
            "JSON" => arrow_json(&source, &bytes),
            "DELIMITED" => csv_crate(&bytes),
            _ => {}
        }
    }
    let nested = source(
        "CREATE STREAM n (a ARRAY<BIGINT>, s STRUCT<x INT, y STRING>, m MAP<STRING, DOUBLE>) \
         WITH (KAFKA_TOPIC = 'n', VALUE_FORMAT = 'JSON')",
    );
    let mut bytes = ByteColumn::new();
    for row in 0..ROWS {
        let text = format!(r#"{{"A":[{row},1,2],"S":{{"X":{row},"Y":"abc"}},"M":{{"p":1.5,"q":2.5}}}}"#);
        bytes.push(text.as_bytes());
    }
    decode("JSON nested decode, all", &nested, &bytes, 0..3);
    arrow_json(&nested, &bytes);
    let kafka = source("CREATE STREAM k (a BIGINT) WITH (KAFKA_TOPIC = 'k', VALUE_FORMAT = 'KAFKA')");
    let bytes = encode("KAFKA", &kafka, &columns[..1]);
    decode("KAFKA decode", &kafka, &bytes, 0..1);
}

fn bids() -> Vec<ArrayRef> {
    let rows = || 0..ROWS as i64;
    vec![
        Arc::new(Int64Array::from_iter_values(rows().map(|n| n % 100_000))),
        Arc::new(Int64Array::from_iter_values(rows().map(|n| n * 7_919 % 1_000_003))),
        Arc::new(Int32Array::from_iter_values(rows().map(|n| (n % 9_999) as i32))),
        Arc::new(Float64Array::from_iter_values(rows().map(|n| n as f64 / 8.0))),
        Arc::new(StringArray::from_iter_values(rows().map(|n| format!("channel-{}", n % 1_000)))),
        Arc::new(TimestampMillisecondArray::from_iter_values(rows().map(|n| 1_700_000_000_000 + n))),
    ]
}

fn source(statement: &str) -> Source {
    let parsed = parse_stored(statement).expect("the statement is sound");
    let StatementKind::CreateSource(create) = &parsed.kind else { panic!("{statement}") };
    let (catalog, defaults) = (Catalog::default(), Defaults::default());
    let context =
        Context { catalog: &catalog, partitions: &|_| Some(1), coalesce: true, defaults: &defaults };
    plan_create(create, statement, &context).expect("the statement is sound").source
}

fn encode(name: &str, source: &Source, columns: &[ArrayRef]) -> ByteColumn {
    let declared: Vec<Column> = source.value_columns().cloned().collect();
    let encoder = RowEncoder::value(&declared, source.value_format).expect("the format carries the columns");
    let mut out = ByteColumn::with_capacity(ROWS, 128);
    let best = best(|| {
        out.clear();
        encoder.encode(columns, None, &mut out).expect("the columns are as declared");
        black_box(out.bytes());
    });
    report(&format!("{name} encode"), out.bytes(), best);
    out
}

fn decode(name: &str, source: &Source, bytes: &ByteColumn, wanted: std::ops::Range<usize>) {
    let wanted: Vec<_> = wanted.map(SourceColumn::Column).collect();
    let mut decoder = SourceDecoder::new(source, &wanted).expect("the source is sound");
    let record = |value| RawRecord { offset: 0, timestamp: 0, key: None, value, headers: &[] };
    let records: Vec<RawRecord<'_>> = bytes.iter().map(record).collect();
    let best = best(|| {
        for batch in records.chunks(BATCH) {
            let decoded = decoder.decode(0, batch);
            assert_eq!(decoded.columns.num_rows(), batch.len());
            black_box(&decoded.columns);
        }
    });
    report(name, bytes.bytes(), best);
}

fn arrow_json(source: &Source, bytes: &ByteColumn) {
    let fields: Vec<_> = source
        .value_columns()
        .map(|column| arrow::datatypes::Field::new(&column.name, column.ty.arrow(), true))
        .collect();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let best = best(|| {
        let mut decoder =
            arrow::json::ReaderBuilder::new(schema.clone()).with_batch_size(BATCH).build_decoder().unwrap();
        for (row, value) in bytes.iter().enumerate() {
            decoder.decode(value.unwrap_or_default()).unwrap();
            if (row + 1) % BATCH == 0 {
                black_box(decoder.flush().unwrap());
            }
        }
        black_box(decoder.flush().unwrap());
    });
    report("  arrow-json", bytes.bytes(), best);
}

fn csv_crate(bytes: &ByteColumn) {
    let mut text = Vec::new();
    for value in bytes.iter().flatten() {
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    let best = best(|| {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
        let mut record = csv::StringRecord::new();
        let mut channels = String::new();
        let mut sums = (0i64, 0f64);
        while reader.read_record(&mut record).unwrap() {
            for at in [0, 1, 2, 5] {
                sums.0 += record[at].parse::<i64>().unwrap();
            }
            sums.1 += record[3].parse::<f64>().unwrap();
            channels.push_str(&record[4]);
        }
        black_box((sums, channels));
    });
    report("  csv crate", bytes.bytes(), best);
}

fn best(mut run: impl FnMut()) -> Duration {
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..ROUNDS).map(once).min().unwrap_or_default()
}

fn report(name: &str, bytes: usize, time: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "{name:<28} {:>10.0} {:>10.0} {:>10.0}",
        bytes as f64 / ROWS as f64,
        seconds * 1e9 / ROWS as f64,
        bytes as f64 / seconds / 1e6
    );
}
