//! `kill -9` of the server over the embedded log, again and again; then every output is recomputed from the input.
//!
//! A part of the input lies in the log before the queries begin, the rest comes by COPY while the server is killed. A
//! COPY that was cut off is there whole or not at all, which the server is asked when it is back.

use std::sync::atomic::{AtomicI64, Ordering};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rivermill::log::embedded::EmbeddedLog;
use rivermill::log::{Guarantee, Log, NewRecord, TopicPartition, TopicSpec};

use crate::process::{ServerProcess, wait_until};
use crate::scenario::{Output, Scenario, copy_lines, kept};

const RECORDS: i64 = 50_000;
/// Of them in the log at the start.
const AT_REST: i64 = 20_000;
/// Records of one COPY.
const BATCH: i64 = 500;
const KILLS: i64 = 5;
const SEED: u64 = 5;

#[test]
fn kills_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let start = || ServerProcess::start(&["--data-dir", data.to_str().unwrap()]);
    let scenario = Scenario::new("kill", 3);
    let mut random = SmallRng::seed_from_u64(SEED);

    let server = start();
    server.connect().unwrap().run(&scenario.create_input());
    server.terminate();
    scenario.produce(&EmbeddedLog::open(&data).unwrap(), 0..AT_REST);
    let mut server = start();
    server.connect().unwrap().run(&scenario.create_queries());

    let mut next = AT_REST;
    for kill in 0..KILLS {
        let slice = (RECORDS - AT_REST) / BATCH / KILLS;
        let target = AT_REST + (kill * slice + random.random_range(1..slice)) * BATCH;
        let moments = random.random_range(0..20_000);
        next = feed_and_kill(server, &scenario, next, target, moments);
        server = start();
        next = settle(&server, &scenario, next);
    }
    let sql = server.connect().unwrap();
    while next < RECORDS {
        sql.copy_in(&scenario.copy(), copy_lines(next..next + BATCH)).unwrap();
        next += BATCH;
    }
    wait_until("all to be counted", || {
        let counted = sql.number(&format!("SELECT SUM(n) FROM {}", scenario.counts_topic()));
        // A table that is still read back after the start cannot be asked yet.
        counted.is_ok_and(|n| n >= RECORDS)
    });
    wait_until("all to be filtered", || {
        let passed = sql.number(&format!("SELECT COUNT(*) FROM {}", scenario.kept_topic()));
        passed.unwrap() >= kept(0..RECORDS)
    });
    server.terminate();
    scenario.check(&EmbeddedLog::open(&data).unwrap(), RECORDS);
}

/// Copies batch after batch, and kills the server some busy moments after those below `target` are acknowledged. Returns
/// behind the last acknowledged record; the outcome of one more batch is not known.
fn feed_and_kill(server: ServerProcess, scenario: &Scenario, next: i64, target: i64, moments: u32) -> i64 {
    let sql = server.connect().unwrap();
    let acknowledged = AtomicI64::new(next);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for start in (next..RECORDS).step_by(BATCH as usize) {
                if sql.copy_in(&scenario.copy(), copy_lines(start..start + BATCH)).is_err() {
                    break;
                }
                acknowledged.store(start + BATCH, Ordering::Release);
            }
        });
        wait_until("rows to be copied", || acknowledged.load(Ordering::Acquire) >= target);
        // Not a wait for anything: it only moves the kill to another place in the server's work.
        (0..moments).for_each(|_| std::thread::yield_now());
        server.kill();
    });
    acknowledged.into_inner()
}

/// Asks whether the batch that begins at `next` was written; returns behind it if so.
fn settle(server: &ServerProcess, scenario: &Scenario, next: i64) -> i64 {
    let (topic, end) = (scenario.input_topic(), next + BATCH);
    let count = format!("SELECT COUNT(*) FROM {topic} WHERE id >= {next} AND id < {end}");
    match server.connect().unwrap().number(&count).unwrap() {
        0 => next,
        BATCH => end,
        part => panic!("{part} of the {BATCH} rows of a COPY were written"),
    }
}

/// The check itself: right sinks pass, and each kind of wrong ones is found.
#[test]
fn the_check_bites() {
    let found = |spoil: &dyn Fn(&mut Vec<Output>)| {
        let dir = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(dir.path()).unwrap();
        let scenario = Scenario::new("bites", 2);
        let mut outputs = scenario.outputs(1_000);
        spoil(&mut outputs);
        write(&log, &outputs);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scenario.check(&log, 1_000)));
        checked.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
    };
    let complains = |spoil: &dyn Fn(&mut Vec<Output>), of: &str| {
        let text = found(spoil).expect("it complains");
        assert!(text.contains(of), "{text}");
    };
    assert_eq!(found(&|_| {}), None);
    let kept = |all: &[Output]| all.iter().position(|o| o.topic == "bites_kept").unwrap();
    let counted = |all: &[Output]| all.iter().position(|o| o.topic == "bites_counts").unwrap();
    complains(&|all| drop(all.remove(kept(all))), "1 lost");
    complains(&|all| all.push(all[kept(all)].clone()), "1 doubled");
    complains(&|all| all.push(all[counted(all)].clone()), " after ");
    complains(&|all| drop(all.remove(counted(all))), "1 of ");
    complains(
        &|all| {
            let at = counted(all);
            all[at].value = r#"{"N":1000,"TOTAL":1}"#.into();
        },
        "1 of ",
    );
}

fn write(log: &dyn Log, outputs: &[Output]) {
    for name in ["bites_kept", "bites_counts"] {
        let spec = TopicSpec { name: name.into(), partitions: 2, replicas: None, config: vec![] };
        log.create_topic(&spec).unwrap();
    }
    let mut writer = log.writer(&Guarantee::AtLeastOnce).unwrap();
    writer.begin().unwrap();
    for Output { topic, partition, key, value, time_ms } in outputs {
        let value = Some(value.as_bytes());
        let record = NewRecord { key: Some(key), value, timestamp: *time_ms, headers: &[] };
        writer.append(&TopicPartition::new(topic.as_str(), *partition), &mut [record].into_iter()).unwrap();
    }
    writer.commit("", &[]).unwrap();
}
