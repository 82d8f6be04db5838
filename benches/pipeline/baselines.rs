//! What the same records cost without SQL, in this process, through the same clients as the server's.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use rivermill::catalog::{Column, Format, Source};
use rivermill::formats::{ByteColumn, RawRecord, RowEncoder, SourceColumn, SourceDecoder};
use rivermill::log::{Guarantee, Log, NewRecord, Reader, Record, TopicPartition, TopicSpec};
use rivermill::sql::SqlType;
use rivermill::sql::ast::SourceKind;

use crate::cases::{ends, partitions};
use crate::report::{Report, Row};
use crate::usage::{Usage, Used};
use crate::{BIDS, Bench, PARTITIONS};

const POLL_RECORDS: usize = 8_192;
/// As often as a server commits.
const COMMIT: Duration = Duration::from_millis(100);
/// A bound for a wake that was lost.
const PARK: Duration = Duration::from_millis(50);
const COPIES: &str = "copies";

/// Consuming and discarding.
pub fn consume(bench: &Bench, report: &mut Report) {
    println!("baseline: consume and discard");
    let usage = Usage::of_this();
    let mut input = Input::open(bench);
    while input.next(&mut |_, _| {}) {}
    report.consume(row(bench, "librdkafka: consume, discard", usage.so_far()));
}

/// Consuming, decoding four columns and the key, encoding them and producing, in transactions.
pub fn copy(bench: &Bench, report: &mut Report) {
    println!("baseline: consume, decode, encode and produce");
    let spec = TopicSpec { name: COPIES.into(), partitions: PARTITIONS, replicas: None, config: Vec::new() };
    bench.log.create_topic(&spec).expect("a topic");
    let usage = Usage::of_this();
    let mut input = Input::open(bench);
    let guarantee = Guarantee::ExactlyOnce { transactional_id: "baseline".into() };
    let mut writer = bench.log.writer(&guarantee).expect("a writer");
    let mut copier = Copier::new();
    let mut more = true;
    while more {
        writer.begin().expect("a transaction");
        let due = Instant::now() + COMMIT;
        while more && Instant::now() < due {
            more = input.next(&mut |partition, records| copier.take(partition, records));
            for partition in 0..PARTITIONS {
                copier.write(partition, &mut |to, records| writer.append(to, records).expect("written"));
            }
        }
        writer.commit("baseline", &input.positions()).expect("committed");
    }
    report.copy(row(bench, "consume, decode, encode, produce", usage.so_far()));
    drop(writer);
    bench.log.delete_topic(COPIES).expect("the copies are deleted");
}

fn row(bench: &Bench, name: &'static str, used: Used) -> Row {
    Row { name, records: bench.records, used, rss_peak: None, rate_bar: None, rss_bar: None }
}

/// The bids, read once to their end.
struct Input {
    reader: Box<dyn Reader>,
    partitions: Vec<TopicPartition>,
    ends: Vec<i64>,
}

impl Input {
    fn open(bench: &Bench) -> Input {
        let partitions = partitions(bench, BIDS);
        let from: Vec<_> = partitions.iter().map(|at| (at.clone(), 0)).collect();
        let mut reader = bench.log.reader("baseline", &from).expect("a reader");
        let this = thread::current();
        reader.set_waker(Arc::new(move || this.unpark()));
        Input { reader, partitions, ends: ends(bench, BIDS) }
    }

    /// Hands over what is there, waiting where there is nothing; false at the end.
    fn next(&mut self, take: &mut dyn FnMut(usize, &[Record<'_>])) -> bool {
        let read = self.reader.poll(POLL_RECORDS, take);
        if read.expect("the topic can be read") > 0 {
            return true;
        }
        if self.reader.positions().expect("positions") == self.ends {
            return false;
        }
        thread::park_timeout(PARK);
        true
    }

    fn positions(&self) -> Vec<(TopicPartition, i64)> {
        let positions = self.reader.positions().expect("positions");
        self.partitions.iter().cloned().zip(positions.into_iter().map(|offset| offset.max(0))).collect()
    }
}

/// Decodes bids and encodes them again; what is not written yet lies here, a partition each.
struct Copier {
    decoder: SourceDecoder,
    key: RowEncoder,
    value: RowEncoder,
    waiting: Vec<Copies>,
}

#[derive(Default)]
struct Copies {
    keys: ByteColumn,
    values: ByteColumn,
    times: Vec<i64>,
}

impl Copier {
    fn new() -> Copier {
        let column = |name: &str, ty, key| Column { name: name.into(), ty, key };
        let columns = vec![
            column("AUCTION", SqlType::BigInt, true),
            column("BIDDER", SqlType::BigInt, false),
            column("PRICE", SqlType::BigInt, false),
            column("DATETIME", SqlType::BigInt, false),
            column("EXTRA", SqlType::String, false),
        ];
        let (keys, values) = columns.split_at(1);
        let key = RowEncoder::key(keys, Format::Kafka, false).expect("a key");
        let value = RowEncoder::value(values, Format::Json).expect("a value");
        let wanted: Vec<_> = (0..columns.len()).map(SourceColumn::Column).collect();
        let source = Source {
            name: "BIDS".into(),
            kind: SourceKind::Stream,
            columns,
            topic: BIDS.into(),
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
        };
        let decoder = SourceDecoder::new(&source, &wanted).expect("a decoder");
        let waiting = (0..PARTITIONS).map(|_| Copies::default()).collect();
        Copier { decoder, key, value, waiting }
    }

    fn take(&mut self, partition: usize, records: &[Record<'_>]) {
        let records: Vec<_> = records
            .iter()
            .map(|r| RawRecord {
                offset: r.offset,
                timestamp: r.timestamp,
                key: r.key,
                value: r.value,
                headers: r.headers,
            })
            .collect();
        let decoded = self.decoder.decode(partition as i32, &records);
        assert!(decoded.bad.is_empty(), "{:?}", decoded.bad.first());
        let columns: &[ArrayRef] = decoded.columns.columns();
        let copies = &mut self.waiting[partition];
        self.key.encode(&columns[..1], None, &mut copies.keys).expect("keys");
        self.value.encode(&columns[1..], None, &mut copies.values).expect("values");
        copies.times.extend(decoded.time.iter());
    }

    fn write(
        &mut self,
        partition: i32,
        append: &mut dyn FnMut(&TopicPartition, &mut dyn Iterator<Item = NewRecord<'_>>),
    ) {
        let copies = &mut self.waiting[partition as usize];
        if copies.times.is_empty() {
            return;
        }
        {
            let rows = copies.keys.iter().zip(copies.values.iter()).zip(&copies.times);
            let mut records =
                rows.map(|((key, value), time)| NewRecord { key, value, timestamp: *time, headers: &[] });
            append(&TopicPartition::new(COPIES, partition), &mut records);
        }
        copies.keys.clear();
        copies.values.clear();
        copies.times.clear();
    }
}
