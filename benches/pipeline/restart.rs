//! A server that has nothing to do, and one that comes back with much state.

use std::time::{Duration, Instant};

use rivermill::formats::partition_for;
use rivermill::log::{Guarantee, Log, NewRecord, TopicPartition, TopicSpec};

use crate::cases::{start, wait_processed};
use crate::report::Report;
use crate::usage::{rss, rss_peak};
use crate::{Bench, PARTITIONS};

const TOPIC: &str = "restart";
/// Records in one append.
const CHUNK: u64 = 10_000;
/// Between two questions to a server that reads its state back.
const AGAIN: Duration = Duration::from_millis(5);
/// After the start, so that what only the start needed is given back.
const SETTLE: Duration = Duration::from_secs(2);
const START_MS: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

/// Start and memory of a server without queries.
pub fn idle(bench: &Bench, report: &mut Report) {
    println!("idle server");
    // The first server on a fresh broker also waits for the broker to make its own topics.
    start(bench, "bench_idle_").terminate();
    let began = Instant::now();
    let server = start(bench, "bench_idle_");
    let answer = server.connect().expect("a connection").number("SELECT 1").expect("an answer");
    let up = began.elapsed();
    assert_eq!(answer, 1);
    std::thread::sleep(SETTLE);
    let resident = rss(server.pid());
    server.terminate();
    report.other("idle server: start to first answer", seconds(up), "< 1 s");
    report.other("idle server: resident memory", megabytes(resident), "< 100 MB");
}

/// Builds a table with so many keys, kills its server, and starts it again.
pub fn restart(bench: &Bench, keys: u64, report: &mut Report) {
    println!("restart with {keys} keys");
    let service = "bench_restart_";
    write(bench, keys);
    let server = start(bench, service);
    let sql = server.connect().expect("a connection");
    sql.run(
        "CREATE STREAM restart (id BIGINT KEY, price BIGINT) \
         WITH (KAFKA_TOPIC = 'restart', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');
         CREATE TABLE totals AS SELECT id, COUNT(*) AS n, SUM(price) AS total FROM restart \
         GROUP BY id EMIT CHANGES;",
    );
    wait_processed(bench, service, &sql);
    server.kill();

    let began = Instant::now();
    let server = start(bench, service);
    let ready = began.elapsed();
    let sql = server.connect().expect("a connection");
    let key = keys / 2;
    until(&sql, &format!("SELECT total FROM totals WHERE id = {key}"), price(key));
    let looked_up = began.elapsed();
    until(&sql, "SELECT COUNT(*) FROM totals", keys as i64);
    let counted = began.elapsed();
    until(&sql, "SELECT SUM(total) FROM totals", (0..keys).map(price).sum());
    let peak = rss_peak(server.pid());
    server.terminate();
    let what = |what: &str| format!("restart with {keys} keys: {what}");
    report.other(&what("ready"), seconds(ready), "-");
    report.other(&what("first look-up"), seconds(looked_up), "< 3 s");
    report.other(&what("COUNT(*)"), seconds(counted), "< 3 s");
    report.other(&what("peak memory"), megabytes(peak), "-");
}

/// Asks until the answer is right. One that is there and wrong is a bug, and ends the run.
fn until(sql: &crate::process::Sql, question: &str, expected: i64) {
    loop {
        match sql.number(question) {
            Ok(answer) => return assert_eq!(answer, expected, "{question}"),
            // The state is being read back.
            Err(_) => std::thread::sleep(AGAIN),
        }
    }
}

fn write(bench: &Bench, keys: u64) {
    let spec = TopicSpec { name: TOPIC.into(), partitions: PARTITIONS, replicas: None, config: Vec::new() };
    bench.log.create_topic(&spec).expect("a topic");
    let mut writer = bench.log.writer(&Guarantee::AtLeastOnce).expect("a writer");
    for first in (0..keys).step_by(CHUNK as usize) {
        writer.begin().expect("begun");
        for partition in 0..PARTITIONS {
            let keys = (first..(first + CHUNK).min(keys))
                .filter(|key| partition_for(&(*key as i64).to_be_bytes(), PARTITIONS) == partition);
            let records: Vec<_> = keys
                .map(|key| ((key as i64).to_be_bytes(), format!(r#"{{"PRICE":{}}}"#, price(key))))
                .collect();
            let mut records = records.iter().map(|(key, value)| NewRecord {
                key: Some(key),
                value: Some(value.as_bytes()),
                timestamp: START_MS,
                headers: &[],
            });
            writer.append(&TopicPartition::new(TOPIC, partition), &mut records).expect("written");
        }
        writer.commit("", &[]).expect("committed");
    }
}

fn price(key: u64) -> i64 {
    (key % 1_000) as i64 + 1
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
