//! Kills a process in the middle of its commits, again and again, over the same log: every transaction that it
//! acknowledged is there, whole and in order; the one it was at is there whole or not at all; nothing else is.
//!
//! The process is this test binary itself, which runs only [`child`] when told so by the environment.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rivermill::log::embedded::EmbeddedLog;
use rivermill::log::{Guarantee, Log, NewRecord, OffsetAt, TopicPartition, TopicSpec};

const DIRECTORY: &str = "RIVERMILL_TEST_CRASH_DIRECTORY";
const ROUNDS: u64 = 12;
const TOPICS: [&str; 3] = ["one", "two", "three"];
const PARTITIONS: i32 = 2;
const GROUP: &str = "group";

#[test]
fn acknowledged_transactions_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    for name in TOPICS {
        log.create_topic(&TopicSpec {
            name: name.into(),
            partitions: PARTITIONS,
            replicas: None,
            config: vec![],
        })
        .unwrap();
    }
    drop(log);

    let mut committed = 0;
    for round in 0..ROUNDS {
        let mut random = SmallRng::seed_from_u64(round);
        let kill_after = random.random_range(1..40);
        let acknowledged = run_and_kill(dir.path(), kill_after, random.random_range(0..3000));
        let log = EmbeddedLog::open(dir.path()).unwrap();
        let found = check_whole(&log);
        // The last acknowledgement may have been lost on the way, or the transaction after it been finished.
        let last = acknowledged.last().copied().unwrap_or(committed);
        assert!(acknowledged.iter().copied().eq(committed + 1..=last), "round {round}: {acknowledged:?}");
        assert!((last..=last + 1).contains(&found), "round {round}: {last} acknowledged, {found} found");
        committed = found;
    }
    assert!(committed >= ROUNDS as i64, "the child hardly ran");
}

/// Runs the child, and kills it some busy moments after its `kill_after`th acknowledgement. Returns all that it gave.
fn run_and_kill(dir: &Path, kill_after: usize, moments: u32) -> Vec<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log_crash::child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines {
        // A line that the kill cut off has no end mark. The harness prints lines of its own, one without a break.
        let Ok(line) = line else { break };
        let number = line.rsplit_once("committed ").and_then(|(_, number)| number.strip_suffix('.'));
        acknowledged.extend(number.and_then(|number| number.parse::<i64>().ok()));
        if acknowledged.len() == kill_after {
            // Not a wait for anything: it only moves the kill to another place in the child's work.
            (0..moments).for_each(|_| std::thread::yield_now());
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "the child ended by itself");
    assert!(acknowledged.len() >= kill_after);
    acknowledged
}

/// Reads everything and checks that it is the transactions 1 to n and nothing else; returns n.
fn check_whole(log: &EmbeddedLog) -> i64 {
    let mut transactions: Vec<[Vec<Vec<u8>>; 3]> = Vec::new();
    for (index, topic) in TOPICS.iter().enumerate() {
        for partition in 0..PARTITIONS {
            let at = TopicPartition::new(*topic, partition);
            let mut reader = log.reader(GROUP, &[(at.clone(), 0)]).unwrap();
            let mut last = (0, -1);
            let mut next_offset = 0;
            while reader
                .poll(1000, &mut |_, records| {
                    for record in records {
                        assert_eq!(record.offset, next_offset);
                        next_offset += 1;
                        let number = i64::from_be_bytes(record.key.unwrap().try_into().unwrap());
                        assert!((number, record.timestamp) > last, "{topic}: {number} after {last:?}");
                        last = (number, record.timestamp);
                        let at = number as usize - 1;
                        if transactions.len() <= at {
                            transactions.resize_with(at + 1, Default::default);
                        }
                        transactions[at][index].push(record.value.unwrap().to_vec());
                    }
                })
                .unwrap()
                > 0
            {}
            assert_eq!(next_offset, log.offset(&at, OffsetAt::Latest).unwrap());
        }
    }
    for (at, found) in transactions.iter().enumerate() {
        let expected = transaction(at as i64 + 1);
        for (topic, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let expected: Vec<_> = expected.iter().map(|(_, value)| value.clone()).collect();
            assert!(*found == expected, "transaction {} is not whole in topic {topic}", at + 1);
        }
    }
    let count = transactions.len() as i64;
    let positions = TOPICS.map(|topic| TopicPartition::new(topic, 0));
    let positions = log.committed(GROUP, &positions).unwrap();
    let expected = [0, 1, 2].map(|index| (count > 0).then_some(count * 10 + index));
    assert_eq!(positions, expected);
    count
}

/// What a transaction writes to each topic: partition and value of each record. Some are small, some of several blocks.
fn transaction(number: i64) -> [Vec<(i32, Vec<u8>)>; 3] {
    let mut random = SmallRng::seed_from_u64(number as u64);
    let partition = (number % i64::from(PARTITIONS)) as i32;
    [0, 1, 2].map(|_| {
        let count = random.random_range(1..20);
        let size_max = if random.random_range(0..30) == 0 { 200_000 } else { 500 };
        let value = |random: &mut SmallRng| {
            let mut value = vec![0; random.random_range(0..size_max)];
            random.fill(value.as_mut_slice());
            value
        };
        (0..count).map(|_| (partition, value(&mut random))).collect()
    })
}

/// Commits transactions until it is killed. Does nothing as an ordinary test.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(Path::new(&dir)).unwrap());
    let first = TopicPartition::new(TOPICS[0], 0);
    let done = log.committed(GROUP, &[first]).unwrap()[0].unwrap_or(0) / 10;
    let mut writer = log.writer(&Guarantee::ExactlyOnce { transactional_id: "child".into() }).unwrap();
    // If nobody kills it, it ends, and the parent notices.
    for number in done + 1..done + 10_000 {
        writer.begin().unwrap();
        let key = number.to_be_bytes();
        for (topic, records) in TOPICS.iter().zip(transaction(number)) {
            for (at, (partition, value)) in records.iter().enumerate() {
                let record =
                    NewRecord { key: Some(&key), value: Some(value), timestamp: at as i64, headers: &[] };
                writer.append(&TopicPartition::new(*topic, *partition), &mut [record].into_iter()).unwrap();
            }
        }
        let positions: Vec<_> =
            (0..3).map(|at| (TopicPartition::new(TOPICS[at], 0), number * 10 + at as i64)).collect();
        writer.commit(GROUP, &positions).unwrap();
        println!("committed {number}.");
        std::io::stdout().flush().unwrap();
    }
}
