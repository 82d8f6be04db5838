//! What is particular to the embedded log; what every log does is in the suite of the integration tests.

use std::collections::BTreeMap;

use super::*;
use crate::log::NewRecord;

fn topic(log: &EmbeddedLog, name: &str, policy: &str) -> TopicPartition {
    let config = vec![("cleanup.policy".to_string(), policy.to_string())];
    log.create_topic(&TopicSpec { name: name.into(), partitions: 1, replicas: None, config }).unwrap();
    TopicPartition::new(name, 0)
}

fn writer(log: &EmbeddedLog, id: &str) -> Box<dyn Writer> {
    log.writer(&Guarantee::ExactlyOnce { transactional_id: id.into() }).unwrap()
}

/// Commits one transaction with `key=value` records; `key` alone is a tombstone.
fn put(log: &EmbeddedLog, at: &TopicPartition, records: &[&str]) {
    let mut writer = writer(log, "put");
    writer.begin().unwrap();
    let records = records.iter().map(|text| {
        let (key, value) =
            text.split_once('=').map_or((*text, None), |(key, value)| (key, Some(value.as_bytes())));
        NewRecord { key: Some(key.as_bytes()), value, timestamp: 7, headers: &[] }
    });
    writer.append(at, &mut { records }).unwrap();
    writer.commit("", &[]).unwrap();
}

/// All records as `offset key=value`.
fn all(log: &EmbeddedLog, at: &TopicPartition) -> Vec<String> {
    let start = log.offset(at, OffsetAt::Earliest).unwrap();
    let mut reader = log.reader("g", &[(at.clone(), start)]).unwrap();
    let mut seen = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    while reader
        .poll(3, &mut |_, records| {
            for record in records {
                let value = record.value.map(|value| format!("={}", text(value))).unwrap_or_default();
                seen.push(format!("{} {}{value}", record.offset, text(record.key.unwrap_or_default())));
            }
        })
        .unwrap()
        > 0
    {}
    assert_eq!(reader.positions().unwrap(), [log.offset(at, OffsetAt::Latest).unwrap()]);
    seen
}

fn committed(log: &EmbeddedLog, group: &str, at: &TopicPartition) -> Option<i64> {
    log.committed(group, std::slice::from_ref(at)).unwrap()[0]
}

fn keys_left(log: &EmbeddedLog) -> usize {
    let store = &log.inner.store;
    store.meta.len().unwrap() + store.index.len().unwrap() + store.blocks.len().unwrap()
}

#[test]
fn large_records_come_a_few_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete");
    let value = "x".repeat(3 << 20);
    for number in 0..8 {
        put(&log, &at, &[&format!("{number}={value}"), &format!("small {number}=1")]);
    }
    let mut reader = log.reader("g", &[(at.clone(), 0)]).unwrap();
    let mut polls = Vec::new();
    loop {
        let mut bytes = 0;
        let read = reader.poll(8192, &mut |_, records| {
            bytes += records.iter().map(|record| record.value.map_or(0, <[u8]>::len)).sum::<usize>();
        });
        match read.unwrap() {
            0 => break,
            count => polls.push(count),
        }
        assert!(bytes < 12 << 20, "{bytes} bytes in one poll");
    }
    assert_eq!(polls.iter().sum::<usize>(), 16, "{polls:?}");
    assert!(polls.len() >= 3, "{polls:?}");
    assert_eq!(reader.positions().unwrap(), [16]);
}

#[test]
fn compaction_keeps_the_last_of_every_key() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete,compact");
    let plain = topic(&log, "plain", "delete");
    for at in [&at, &plain] {
        put(&log, at, &["a=1", "b=1", "c=1"]);
        put(&log, at, &["a=2", "b"]);
        put(&log, at, &["c=2", "d=1", "e"]);
    }
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(all(&log, &at), ["3 a=2", "5 c=2", "6 d=1"]);
    assert_eq!(all(&log, &plain).len(), 8);
    assert_eq!(log.offset(&at, OffsetAt::Latest).unwrap(), 8);
    assert_eq!(log.offset(&at, OffsetAt::Timestamp(0)).unwrap(), 3);

    // A later one takes up where this one ended.
    put(&log, &at, &["a=3", "d=2", "c=3", "f=1"]);
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(all(&log, &at), ["8 a=3", "9 d=2", "10 c=3", "11 f=1"]);
    // Everywhere a reader may begin, it goes on with the next that is left.
    for from in 0..=12 {
        let mut reader = log.reader("g", &[(at.clone(), from)]).unwrap();
        let mut first = None;
        reader.poll(1, &mut |_, records| first = Some(records[0].offset)).unwrap();
        assert_eq!(first, (from < 12).then_some(from.max(8)));
    }
}

#[test]
fn compaction_keeps_tombstones_that_a_group_has_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "compact");
    put(&log, &at, &["a=1", "b=1", "a", "b"]);
    let mut writer = writer(&log, "w");
    for (group, position) in [("fast", 4), ("slow", 3)] {
        writer.begin().unwrap();
        writer.commit(group, &[(at.clone(), position)]).unwrap();
    }
    drop((log, writer));
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(all(&log, &at), ["3 b"]);
}

#[test]
fn compaction_waits_until_half_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "compact");
    put(&log, &at, &["a=1", "b=1", "c=1"]);
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    put(&log, &at, &["a=2"]);
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(all(&log, &at).len(), 4);
    put(&log, &at, &["b=2", "c=2"]);
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(all(&log, &at), ["3 a=2", "4 b=2", "5 c=2"]);
}

#[test]
fn compacted_topics_want_keys() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "compact");
    let mut writer = writer(&log, "w");
    let record = NewRecord { key: None, value: Some(b"v"), timestamp: 0, headers: &[] };
    writer.begin().unwrap();
    let error = writer.append(&at, &mut [record].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "a record for compacted topic \"t\" has no key");
    // Half a transaction is none: it can only be rolled back.
    assert!(matches!(writer.commit("", &[]), Err(LogError::Abortable(_))));
    writer.abort().unwrap();
    writer.begin().unwrap();
    writer.commit("", &[]).unwrap();
}

#[test]
fn a_deleted_topic_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    topic(&log, "other", "delete");
    let before = keys_left(&log);
    let at = topic(&log, "t", "delete");
    for round in 0..1100 {
        put(&log, &at, &[format!("k={round}").as_str()]);
    }
    let mut writer = writer(&log, "w");
    writer.begin().unwrap();
    writer.commit("g", &[(at.clone(), 3)]).unwrap();
    let mut reader = log.reader("g", &[(at.clone(), 0)]).unwrap();
    writer.begin().unwrap();
    writer.append(&at, &mut [].into_iter()).unwrap();
    log.delete_topic("t").unwrap();
    assert_eq!(keys_left(&log), before);
    assert!(matches!(reader.poll(1, &mut |_, _| {}), Err(LogError::UnknownTopic(_))));
    assert!(matches!(writer.commit("g", &[(at.clone(), 4)]), Err(LogError::UnknownTopic(_))));

    // One of the same name is another topic, also for a writer that knew the first.
    topic(&log, "t", "delete");
    assert!(matches!(reader.poll(1, &mut |_, _| {}), Err(LogError::UnknownTopic(_))));
    assert_eq!(committed(&log, "g", &at), None);
    put(&log, &at, &["k=new"]);
    assert_eq!(all(&log, &at), ["0 k=new"]);
}

#[test]
fn a_deletion_that_was_broken_off_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let before = keys_left(&log) + 1;
    let at = topic(&log, "t", "delete");
    put(&log, &at, &["a=1"]);
    let mut batch = log.inner.store.batch();
    batch.remove(&log.inner.store.meta, topic_key("t"));
    batch.insert(&log.inner.store.meta, deleted_key(log.inner.topic("t").unwrap().entry.id), []);
    batch.commit().unwrap();
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(log.topics().unwrap(), []);
    // What is left is the format version and the next topic's id.
    assert_eq!(keys_left(&log), before);
}

#[test]
fn deleted_records_free_their_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete");
    for round in 0..2500 {
        put(&log, &at, &[format!("a={round}").as_str(), "b=x"]);
    }
    log.delete_records(&at, 4001).unwrap();
    assert_eq!(log.inner.store.blocks.len().unwrap(), 500);
    assert_eq!(all(&log, &at)[..2], ["4001 b=x", "4002 a=2001"]);
    log.delete_records(&at, -1).unwrap();
    assert_eq!(log.inner.store.blocks.len().unwrap(), 0);
    drop(log);
    let log = EmbeddedLog::open(dir.path()).unwrap();
    assert_eq!(log.offset(&at, OffsetAt::Earliest).unwrap(), 5000);
    assert_eq!(all(&log, &at), [""; 0]);
}

#[test]
fn writers_that_commit_together_disturb_nobody() {
    const WRITERS: i64 = 8;
    const ROUNDS: i64 = 50;
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete");
    std::thread::scope(|scope| {
        for id in 0..WRITERS {
            let (log, at) = (log.clone(), at.clone());
            scope.spawn(move || {
                let mut writer = writer(&log, &format!("w{id}"));
                for round in 0..ROUNDS {
                    writer.begin().unwrap();
                    let (key, value) = (id.to_be_bytes(), round.to_be_bytes());
                    let record =
                        NewRecord { key: Some(&key), value: Some(&value), timestamp: 0, headers: &[] };
                    writer.append(&at, &mut [record; 3].into_iter()).unwrap();
                    writer.commit(&format!("g{id}"), &[(at.clone(), round)]).unwrap();
                }
            });
        }
    });
    // Each one's records are in order, and those of a transaction lie together.
    let mut reader = log.reader("g", &[(at.clone(), 0)]).unwrap();
    let mut seen: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut count = 0;
    while reader
        .poll(99, &mut |_, records| {
            for record in records {
                let number = |bytes: Option<&[u8]>| i64::from_be_bytes(bytes.unwrap().try_into().unwrap());
                assert_eq!(record.offset, count);
                if count % 3 == 0 {
                    seen.entry(number(record.key)).or_default().push(number(record.value));
                }
                count += 1;
            }
        })
        .unwrap()
        > 0
    {}
    assert_eq!(count, WRITERS * ROUNDS * 3);
    assert!(seen.values().all(|rounds| rounds.iter().copied().eq(0..ROUNDS)), "{seen:?}");
    for id in 0..WRITERS {
        assert_eq!(committed(&log, &format!("g{id}"), &at), Some(ROUNDS - 1));
    }
}

#[test]
fn misuse_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete");
    let mut writer = writer(&log, "w");
    let invalid = |result: Result<()>| assert!(matches!(result, Err(LogError::Invalid(_))), "{result:?}");
    invalid(writer.append(&at, &mut [].into_iter()));
    invalid(writer.commit("g", &[]));
    writer.begin().unwrap();
    invalid(writer.begin());
    invalid(writer.commit("g", &[(at.clone(), -1)]));
    writer.begin().unwrap();
    invalid(writer.commit("", &[(at.clone(), 1)]));
    invalid(log.writer(&Guarantee::ExactlyOnce { transactional_id: String::new() }).map(drop));
    let mut reader = log.reader("g", &[(at.clone(), 5)]).unwrap();
    assert!(matches!(reader.poll(1, &mut |_, _| {}), Err(LogError::OffsetOutOfRange { .. })));
    invalid(reader.seek(1, 0));
    let mut none = log.reader("g", &[]).unwrap();
    assert_eq!(none.poll(1, &mut |_, _| {}).unwrap(), 0);
}

/// Readers that are gone leave nothing in the topic, however many there were.
#[test]
fn wakers_of_dropped_readers_vanish() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete");
    let called = Arc::new(AtomicBool::new(false));
    for _ in 0..1000 {
        let mut reader = log.reader("g", &[(at.clone(), 0)]).unwrap();
        let called = called.clone();
        reader.set_waker(Arc::new(move || called.store(true, Ordering::SeqCst)));
    }
    assert!(log.inner.topic("t").unwrap().waiting_count() < 40);
    put(&log, &at, &["a=1"]);
    assert!(!called.load(Ordering::SeqCst));
}

/// A reader that sleeps until it is woken, against a writer at full speed: no wake-up is lost.
#[test]
fn a_sleeping_reader_misses_nothing() {
    const COUNT: i64 = 500;
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path()).unwrap();
    let at = topic(&log, "t", "delete");
    let mut reader = log.reader("g", &[(at.clone(), 0)]).unwrap();
    let (wake, woken) = std::sync::mpsc::channel();
    reader.set_waker(Arc::new(move || wake.send(()).unwrap_or_default()));
    let to = log.clone();
    let writing = std::thread::spawn(move || (0..COUNT).for_each(|_| put(&to, &at, &["a=1"])));
    let mut seen = 0;
    while seen < COUNT {
        woken.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        while reader.poll(10, &mut |_, records| seen += records.len() as i64).unwrap() > 0 {}
    }
    writing.join().unwrap();
}
