//! What the exactly-once tests run: a filter and a windowed count over one stream, and how to recompute both.
//!
//! Every record follows from its number alone, so the input need not be kept to know what must come out of it. The
//! count is grouped by another column than the key: its rows go through an exchange. Event times jump to and fro by
//! two minutes, well within the default grace period, so no row is late.

#![allow(dead_code)] // Each includer uses a part of it.

use std::collections::HashMap;
use std::ops::Range;

use rivermill::formats::partition_for;
use rivermill::log::{Guarantee, Log, NewRecord, OffsetAt, Record, TopicPartition};

use crate::process::wait_until;

const START_MS: i64 = 1_735_689_600_000; // 2025-01-01T00:00:00Z
const STEP_MS: i64 = 20;
const JITTER_MS: u64 = 120_000;
const WINDOW_MS: i64 = 60_000;
const GROUPS: u64 = 500;
/// Records in one append, so that those who write beside a running server do not come in one lump.
const CHUNK: i64 = 500;

/// One record of the input.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    pub id: i64,
    pub g: i64,
    pub v: i64,
    pub time_ms: i64,
}

/// The record with this number.
pub fn input(id: i64) -> Input {
    // SplitMix64's mixing: numbers beside each other get unlike values.
    let mut z = (id as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let time_ms = START_MS + id * STEP_MS + ((z >> 40) % JITTER_MS) as i64;
    Input { id, g: (z % GROUPS) as i64, v: ((z >> 20) % 1_000) as i64, time_ms }
}

impl Input {
    /// Whether the filter lets it pass.
    pub fn is_kept(&self) -> bool {
        self.v % 3 == 0
    }

    fn window(&self) -> (i64, i64) {
        (self.g, self.time_ms - self.time_ms % WINDOW_MS)
    }
}

/// A record of a sink.
#[derive(Debug, Clone)]
pub struct Output {
    pub topic: String,
    pub partition: i32,
    pub key: Vec<u8>,
    pub value: String,
    pub time_ms: i64,
}

/// The statements, and the names of their topics.
pub struct Scenario {
    /// Begins the names of streams and topics.
    name: &'static str,
    partitions: i32,
}

impl Scenario {
    pub fn new(name: &'static str, partitions: i32) -> Scenario {
        Scenario { name, partitions }
    }

    pub fn input_topic(&self) -> String {
        format!("{}_input", self.name)
    }

    pub fn kept_topic(&self) -> String {
        format!("{}_kept", self.name)
    }

    pub fn counts_topic(&self) -> String {
        format!("{}_counts", self.name)
    }

    pub fn create_input(&self) -> String {
        let (topic, partitions) = (self.input_topic(), self.partitions);
        format!(
            "CREATE STREAM {topic} (id BIGINT KEY, g BIGINT, v BIGINT) WITH (KAFKA_TOPIC = '{topic}', \
             PARTITIONS = {partitions}, KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');"
        )
    }

    pub fn create_queries(&self) -> String {
        let (input, kept, counts) = (self.input_topic(), self.kept_topic(), self.counts_topic());
        format!(
            "CREATE STREAM {kept} WITH (KAFKA_TOPIC = '{kept}') AS
               SELECT id, g, v * 2 AS twice FROM {input} WHERE v % 3 = 0 EMIT CHANGES;
             CREATE TABLE {counts} WITH (KAFKA_TOPIC = '{counts}') AS
               SELECT g, COUNT(*) AS n, SUM(v) AS total FROM {input}
               WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY g EMIT CHANGES;"
        )
    }

    /// Writes these records to the input topic, not in a transaction: they can be read at once.
    pub fn produce(&self, log: &dyn Log, ids: Range<i64>) {
        let mut writer = log.writer(&Guarantee::AtLeastOnce).unwrap();
        for start in ids.clone().step_by(CHUNK as usize) {
            let chunk = start..(start + CHUNK).min(ids.end);
            writer.begin().unwrap();
            for partition in 0..self.partitions {
                let records: Vec<_> =
                    chunk.clone().filter(|id| self.partition(*id) == partition).map(encoded).collect();
                let mut records = records.iter().map(|(key, value, time_ms)| NewRecord {
                    key: Some(key),
                    value: Some(value.as_bytes()),
                    timestamp: *time_ms,
                    headers: &[],
                });
                writer.append(&TopicPartition::new(self.input_topic(), partition), &mut records).unwrap();
            }
            writer.commit("", &[]).unwrap();
        }
    }

    /// Sinks as they should be for the records below `count`, each window written once.
    pub fn outputs(&self, count: i64) -> Vec<Output> {
        let kept = (0..count).map(input).filter(Input::is_kept).map(|Input { id, g, v, time_ms }| Output {
            topic: self.kept_topic(),
            partition: self.partition(id),
            key: id.to_be_bytes().to_vec(),
            value: format!(r#"{{"G":{g},"TWICE":{}}}"#, 2 * v),
            time_ms,
        });
        let counts = windows(count).into_iter().map(|((g, start), (n, total))| Output {
            topic: self.counts_topic(),
            partition: self.partition(g),
            key: [g.to_be_bytes(), start.to_be_bytes()].concat(),
            value: format!(r#"{{"N":{n},"TOTAL":{total}}}"#),
            time_ms: start,
        });
        kept.chain(counts).collect()
    }

    /// The statement for [`copy_lines`].
    pub fn copy(&self) -> String {
        format!("COPY {} (rowtime, id, g, v) FROM STDIN", self.input_topic())
    }

    /// Asserts that the sinks hold what follows from the records below `count`: nothing lost, nothing doubled.
    pub fn check(&self, log: &dyn Log, count: i64) {
        self.check_kept(log, count);
        self.check_counts(log, count);
    }

    fn partition(&self, id: i64) -> i32 {
        partition_for(&id.to_be_bytes(), self.partitions)
    }

    /// Each record that passes once, in the partition of its key and in the order of the input.
    fn check_kept(&self, log: &dyn Log, count: i64) {
        let mut found = vec![Vec::new(); self.partitions as usize];
        read_all(log, &self.kept_topic(), &mut |partition, record| {
            let (id, value) = (long(record.key.unwrap()), json(record));
            let expected = input(id);
            assert_eq!(value, serde_json::json!({ "G": expected.g, "TWICE": 2 * expected.v }), "record {id}");
            assert_eq!(record.timestamp, expected.time_ms, "record {id}");
            found[partition].push(id);
        });
        let mut times: HashMap<i64, usize> = HashMap::new();
        found.iter().flatten().for_each(|id| *times.entry(*id).or_default() += 1);
        let expected = || (0..count).filter(|id| input(*id).is_kept());
        let lost: Vec<_> = expected().filter(|id| !times.contains_key(id)).collect();
        let doubled: Vec<_> = times.iter().filter(|(_, times)| **times > 1).map(|(id, _)| *id).collect();
        assert!(
            lost.is_empty() && doubled.is_empty(),
            "filter: {} lost {:?}, {} doubled {:?}",
            lost.len(),
            &lost[..lost.len().min(10)],
            doubled.len(),
            &doubled[..doubled.len().min(10)],
        );
        for (partition, found) in found.iter().enumerate() {
            let expected = expected().filter(|id| self.partition(*id) as usize == partition);
            assert!(
                expected.eq(found.iter().copied()),
                "partition {partition} is not in the order of its input"
            );
        }
    }

    /// The last record of each key and window has the right count and sum; on the way counts only grow. A record that
    /// was applied twice, or from a state that was rolled back, would show in one or the other.
    fn check_counts(&self, log: &dyn Log, count: i64) {
        let expected = windows(count);
        let mut found: HashMap<(i64, i64), (i64, i64)> = HashMap::new();
        let mut places: HashMap<(i64, i64), usize> = HashMap::new();
        read_all(log, &self.counts_topic(), &mut |partition, record| {
            // The key's own bytes, then the start of its window.
            let (key, start) = record.key.unwrap().split_at(8);
            let window = (long(key), long(start));
            let value = json(record);
            let (n, total) = (value["N"].as_i64().unwrap(), value["TOTAL"].as_i64().unwrap());
            let place = *places.entry(window).or_insert(partition);
            assert_eq!(place, partition, "{window:?} is in two partitions");
            if let Some((before, _)) = found.insert(window, (n, total)) {
                assert!(n > before, "{window:?}: {n} after {before}");
            }
        });
        let wrong: Vec<_> =
            expected.iter().filter(|(window, answer)| found.get(window) != Some(answer)).collect();
        let example = wrong.first().map(|(window, answer)| (window, answer, found.get(window)));
        assert!(
            wrong.is_empty(),
            "count: {} of {} windows are wrong, as {example:?}",
            wrong.len(),
            expected.len()
        );
        assert_eq!(found.len(), expected.len(), "there are windows that nothing fell into");
        assert_eq!(found.values().map(|(n, _)| n).sum::<i64>(), count);
    }
}

/// Count and sum of each key and window over the records below `count`.
fn windows(count: i64) -> HashMap<(i64, i64), (i64, i64)> {
    let mut windows: HashMap<(i64, i64), (i64, i64)> = HashMap::new();
    for input in (0..count).map(input) {
        let (n, total) = windows.entry(input.window()).or_default();
        *n += 1;
        *total += input.v;
    }
    windows
}

/// How many of these records the filter lets pass.
pub fn kept(ids: Range<i64>) -> i64 {
    ids.filter(|id| input(*id).is_kept()).count() as i64
}

/// These records as COPY's text.
pub fn copy_lines(ids: Range<i64>) -> Vec<u8> {
    let line = |id| {
        let Input { id, g, v, time_ms } = input(id);
        format!("{time_ms}\t{id}\t{g}\t{v}\n")
    };
    ids.map(line).collect::<String>().into_bytes()
}

/// Hands over every committed record of a topic, each partition in its order.
pub fn read_all(log: &dyn Log, topic: &str, each: &mut dyn FnMut(usize, &Record<'_>)) {
    let partitions = log.topic(topic).unwrap().unwrap_or_else(|| panic!("no topic {topic}")).partitions;
    let from: Vec<_> = (0..partitions).map(|p| (TopicPartition::new(topic, p), 0)).collect();
    let ends: Vec<_> = from.iter().map(|(at, _)| log.offset(at, OffsetAt::Latest).unwrap()).collect();
    let mut reader = log.reader("check", &from).unwrap();
    wait_until("reading a topic to its end", || {
        while reader.poll(10_000, &mut |at, records| records.iter().for_each(|r| each(at, r))).unwrap() > 0 {}
        reader.positions().unwrap() == ends
    });
}

fn encoded(id: i64) -> ([u8; 8], String, i64) {
    let Input { id, g, v, time_ms } = input(id);
    (id.to_be_bytes(), format!(r#"{{"G":{g},"V":{v}}}"#), time_ms)
}

fn long(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap_or_else(|_| panic!("no long: {bytes:?}")))
}

fn json(record: &Record<'_>) -> serde_json::Value {
    serde_json::from_slice(record.value.unwrap()).unwrap()
}
