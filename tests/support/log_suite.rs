//! What every log must do: one suite, run over each implementation of [`Log`].
//!
//! A case gets a log and a prefix for the names that it uses, so that cases share a broker and disturb nobody.
//! A log may be slow to tell what it knows: cases wait for a condition, up to [`PATIENCE`], and never for time.
//! Include this file with `#[path]` as a module of a test binary and call [`run_all`] or single [`CASES`].

#![allow(dead_code)]

use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rivermill::log::{Guarantee, Log, LogError, NewRecord, OffsetAt, TopicInfo, TopicPartition, TopicSpec};

#[path = "log_tools.rs"]
mod tools;
pub use tools::*;

/// A log, and a prefix for the names of topics, groups and transactional ids.
pub type Case = fn(&Arc<dyn Log>, &str);

pub const CASES: &[(&str, Case)] = &[
    ("topics_are_created_listed_and_deleted", topics_are_created_listed_and_deleted),
    ("topics_that_cannot_be_are_refused", topics_that_cannot_be_are_refused),
    ("unknown_topics_are_errors", unknown_topics_are_errors),
    ("records_come_back_as_they_were", records_come_back_as_they_were),
    ("places_are_found", places_are_found),
    ("a_large_record_fits", a_large_record_fits),
    ("many_records_keep_their_order", many_records_keep_their_order),
    ("many_partitions_are_read_at_once", many_partitions_are_read_at_once),
    ("a_transaction_spans_topics_and_positions", a_transaction_spans_topics_and_positions),
    ("an_open_transaction_is_invisible", an_open_transaction_is_invisible),
    ("an_aborted_transaction_is_never_seen", an_aborted_transaction_is_never_seen),
    ("positions_alone_can_be_committed", positions_alone_can_be_committed),
    ("a_zombie_is_fenced", a_zombie_is_fenced),
    ("writers_of_other_ids_do_not_fence", writers_of_other_ids_do_not_fence),
    ("at_least_once_writes_without_transactions", at_least_once_writes_without_transactions),
    ("a_waker_is_called", a_waker_is_called),
    ("a_reader_seeks", a_reader_seeks),
    ("poll_gives_at_most_what_was_asked", poll_gives_at_most_what_was_asked),
    ("records_are_deleted_from_the_front", records_are_deleted_from_the_front),
];

/// Runs every case; `unique` makes a name from a case's that nothing else on this log has.
pub fn run_all(log: &Arc<dyn Log>, unique: &dyn Fn(&str) -> String) {
    for (name, case) in CASES {
        eprintln!("case {name}");
        case(log, &unique(name));
    }
}

fn topics_are_created_listed_and_deleted(log: &Arc<dyn Log>, prefix: &str) {
    let names = ["b", "a", "c"].map(|end| format!("{prefix}-{end}"));
    for (at, name) in names.iter().enumerate() {
        assert_eq!(log.topic(name).unwrap(), None);
        create(log, name, at as i32 + 1);
    }
    let listed = || -> Vec<TopicInfo> {
        log.topics().unwrap().into_iter().filter(|topic| topic.name.starts_with(prefix)).collect()
    };
    wait_for("all topics are listed", || (listed().len() == 3).then_some(()));
    let seen: Vec<_> = listed().into_iter().map(|topic| (topic.name, topic.partitions)).collect();
    assert_eq!(seen, [(names[1].clone(), 2), (names[0].clone(), 1), (names[2].clone(), 3)]);
    let info = log.topic(&names[2]).unwrap().unwrap();
    assert_eq!((info.name.as_str(), info.partitions, info.replicas), (names[2].as_str(), 3, 1));

    log.delete_topic(&names[0]).unwrap();
    wait_for("the topic is gone", || log.topic(&names[0]).unwrap().is_none().then_some(()));
    wait_for("it is not listed", || (listed().len() == 2).then_some(()));

    // A topic of an old name is a new topic.
    wait_for("it can be created again", || match log.create_topic(&spec(&names[0], 1)) {
        Err(LogError::TopicExists(_)) => None,
        other => Some(other),
    })
    .unwrap();
    wait_until_there(log, &names[0], 1);
    assert_eq!(latest(log, &names[0], 0), 0);
}

fn topics_that_cannot_be_are_refused(log: &Arc<dyn Log>, prefix: &str) {
    let name = format!("{prefix}-t");
    create(log, &name, 1);
    assert!(matches!(log.create_topic(&spec(&name, 1)), Err(LogError::TopicExists(n)) if n == name));
    for bad in ["", ".", "..", "a b", "a/b", "straße", &"x".repeat(250)] {
        let refused = log.create_topic(&spec(bad, 1));
        assert!(matches!(refused, Err(LogError::Invalid(_))), "{bad:?}: {refused:?}");
    }
    for partitions in [0, -3, 10_001] {
        let refused = log.create_topic(&spec(&format!("{prefix}-u"), partitions));
        assert!(matches!(refused, Err(LogError::Invalid(_))), "{partitions}: {refused:?}");
    }
    assert_eq!(log.topic(&format!("{prefix}-u")).unwrap(), None);
}

fn unknown_topics_are_errors(log: &Arc<dyn Log>, prefix: &str) {
    let name = format!("{prefix}-none");
    let at = TopicPartition::new(name.as_str(), 0);
    assert_eq!(log.topic(&name).unwrap(), None);
    let unknown =
        |error: LogError| assert!(matches!(&error, LogError::UnknownTopic(n) if *n == name), "{error:?}");
    unknown(log.delete_topic(&name).unwrap_err());
    unknown(log.offset(&at, OffsetAt::Latest).unwrap_err());
    unknown(log.offset(&at, OffsetAt::Timestamp(0)).unwrap_err());
    unknown(log.delete_records(&at, 0).unwrap_err());
    assert_eq!(committed(log, &format!("{prefix}-group"), &at), None);
    // A reader may find out when it is opened or when it reads.
    match log.reader(&format!("{prefix}-group"), &[(at.clone(), 0)]) {
        Err(error) => unknown(error),
        Ok(mut reader) => unknown(wait_for("the reader says so", || reader.poll(1, &mut |_, _| {}).err())),
    }
    // A writer when it appends or when it commits. Either way nothing of the transaction is seen.
    let there = format!("{prefix}-there");
    create(log, &there, 1);
    let mut writer = transactional(log, prefix);
    writer.begin().unwrap();
    append(&mut writer, &there, 0, &["x"]).unwrap();
    let appended = append(&mut writer, &name, 0, &["x"]);
    let outcome = appended.and_then(|()| writer.commit("", &[]));
    assert!(outcome.is_err());
    writer.abort().unwrap();
    write(&mut writer, &there, 0, &["y"]);
    assert_eq!(values(&read(log, &there, 0, 1)), ["y"]);
    // A partition too many is no better.
    assert!(log.offset(&TopicPartition::new(there.as_str(), 1), OffsetAt::Latest).is_err());
}

fn records_come_back_as_they_were(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let headers = [("trace", Some(&b"\x00\xff"[..])), ("trace", None), ("", Some(&b""[..]))];
    let written = [
        NewRecord { key: Some(b"k"), value: Some(b"v"), timestamp: BASE_MS, headers: &[] },
        NewRecord { key: Some(b"k"), value: None, timestamp: BASE_MS + 1, headers: &[] },
        NewRecord { key: None, value: Some(b"no key"), timestamp: BASE_MS - 60_000, headers: &[] },
        NewRecord { key: Some(b""), value: Some(b""), timestamp: BASE_MS, headers: &headers[..2] },
        NewRecord { key: None, value: None, timestamp: BASE_MS, headers: &headers[2..] },
        NewRecord { key: Some(b"\x00\xff"), value: Some(&[7; 3000]), timestamp: BASE_MS, headers: &[] },
    ];
    let mut writer = transactional(log, prefix);
    writer.begin().unwrap();
    writer.append(&TopicPartition::new(prefix, 0), &mut written.iter().copied()).unwrap();
    writer.commit("", &[]).unwrap();

    let seen = read(log, prefix, 0, written.len());
    let expected: Vec<_> =
        written.iter().enumerate().map(|(at, record)| Owned::new(at as i64, record)).collect();
    assert_eq!(seen, expected);
}

fn places_are_found(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 2);
    let at = TopicPartition::new(prefix, 1);
    let offset = |place| log.offset(&at, place).unwrap();
    assert_eq!((offset(OffsetAt::Earliest), offset(OffsetAt::Latest)), (0, 0));
    assert_eq!(offset(OffsetAt::Timestamp(0)), 0);

    // In two transactions, so that a log that numbers its control records has a gap. Times go back once.
    let mut writer = transactional(log, prefix);
    let times = [[10, 20, 20], [15, 40, 50]];
    for times in times {
        writer.begin().unwrap();
        let record =
            |ms: &i64| NewRecord { key: None, value: Some(b"x"), timestamp: BASE_MS + ms, headers: &[] };
        writer.append(&at, &mut times.iter().map(record)).unwrap();
        writer.commit("", &[]).unwrap();
    }
    let seen = read_at(log, &at, 0, 6);
    let second = seen[3].offset;
    assert_eq!(offset(OffsetAt::Earliest), 0);
    assert!(offset(OffsetAt::Latest) > second + 2);
    for (ms, expected) in [(0, 0), (10, 0), (11, 1), (20, 1), (21, second + 1), (50, second + 2)] {
        assert_eq!(offset(OffsetAt::Timestamp(BASE_MS + ms)), expected, "at {ms}");
    }
    assert_eq!(offset(OffsetAt::Timestamp(BASE_MS + 51)), offset(OffsetAt::Latest));

    // Reading begins where it is told to.
    assert_eq!(offsets(&read_at(log, &at, 2, 4)), [2, second, second + 1, second + 2]);
    let mut reader = log.reader(prefix, &[(at.clone(), offset(OffsetAt::Latest))]).unwrap();
    writer.begin().unwrap();
    append(&mut writer, prefix, 1, &["late"]).unwrap();
    writer.commit("", &[]).unwrap();
    assert_eq!(values(&poll_until(&mut reader, 1)), ["late"]);
}

fn a_large_record_fits(log: &Arc<dyn Log>, prefix: &str) {
    let config = vec![("max.message.bytes".to_string(), (12 << 20).to_string())];
    log.create_topic(&TopicSpec { config, ..spec(prefix, 1) }).unwrap();
    wait_until_there(log, prefix, 1);
    // Not to be compressed: a step of a linear congruential generator a byte.
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let large: Vec<u8> = (0..10 << 20).map(|_| random()).collect();
    let mut writer = transactional(log, prefix);
    writer.begin().unwrap();
    append(&mut writer, prefix, 0, &["before"]).unwrap();
    let record = NewRecord { key: Some(b"large"), value: Some(&large), timestamp: BASE_MS, headers: &[] };
    writer.append(&TopicPartition::new(prefix, 0), &mut [record].into_iter()).unwrap();
    append(&mut writer, prefix, 0, &["after"]).unwrap();
    writer.commit("", &[]).unwrap();
    let seen = read(log, prefix, 0, 3);
    assert_eq!(
        (seen[0].value.as_deref(), seen[2].value.as_deref()),
        (Some(&b"before"[..]), Some(&b"after"[..]))
    );
    assert!(seen[1].value.as_deref() == Some(&large[..]), "the large record is another one");
}

fn many_records_keep_their_order(log: &Arc<dyn Log>, prefix: &str) {
    const COUNT: usize = 50_000;
    create(log, prefix, 1);
    let lines: Vec<String> =
        (0..COUNT).map(|n| format!("record number {n} with {}", "some text ".repeat(n % 7))).collect();
    let mut writer = transactional(log, prefix);
    // Some transactions of several appends each, of uneven size.
    for lines in lines.chunks(COUNT / 3 + 1) {
        writer.begin().unwrap();
        for lines in lines.chunks(777) {
            append(&mut writer, prefix, 0, lines).unwrap();
        }
        writer.commit("", &[]).unwrap();
    }
    let seen = read(log, prefix, 0, COUNT);
    assert!(seen.windows(2).all(|pair| pair[0].offset < pair[1].offset));
    assert!(seen.iter().zip(&lines).all(|(seen, line)| seen.value.as_deref() == Some(line.as_bytes())));
}

fn many_partitions_are_read_at_once(log: &Arc<dyn Log>, prefix: &str) {
    const PARTITIONS: i32 = 40;
    create(log, prefix, PARTITIONS);
    let mut writer = transactional(log, prefix);
    writer.begin().unwrap();
    for round in 0..5 {
        for partition in 0..PARTITIONS {
            append(&mut writer, prefix, partition, &[format!("{partition}.{round}")]).unwrap();
        }
    }
    writer.commit("", &[]).unwrap();
    let from: Vec<_> = (0..PARTITIONS).rev().map(|p| (TopicPartition::new(prefix, p), 0)).collect();
    let mut reader = log.reader(prefix, &from).unwrap();
    let mut seen = vec![Vec::new(); from.len()];
    let mut count = 0;
    wait_for("all partitions are read", || {
        count += reader
            .poll(7, &mut |index, records| seen[index].extend(records.iter().map(|r| Owned::read(r).text())))
            .unwrap();
        (count == 5 * from.len()).then_some(())
    });
    for (index, (at, _)) in from.iter().enumerate() {
        let expected: Vec<_> = (0..5).map(|round| format!("{}.{round}", at.partition)).collect();
        assert_eq!(seen[index], expected);
    }
    wait_for_end(log, &mut reader, &from);
}

fn a_transaction_spans_topics_and_positions(log: &Arc<dyn Log>, prefix: &str) {
    let [one, two] = ["one", "two"].map(|end| format!("{prefix}-{end}"));
    create(log, &one, 2);
    create(log, &two, 1);
    let group = format!("{prefix}-group");
    let input = TopicPartition::new(one.as_str(), 0);
    let other = TopicPartition::new(one.as_str(), 1);
    assert_eq!(committed(log, &group, &input), None);
    let mut writer = transactional(log, prefix);
    for round in 1..=3 {
        writer.begin().unwrap();
        append(&mut writer, &one, 1, &[format!("one {round}")]).unwrap();
        append(&mut writer, &two, 0, &[format!("two {round}"), format!("two {round}b")]).unwrap();
        writer.commit(&group, &[(input.clone(), 10 * round), (other.clone(), round)]).unwrap();
        let both = [other.clone(), input.clone()];
        wait_for("both positions are committed", || {
            let committed = log.committed(&group, &both).unwrap();
            (committed == [Some(round), Some(10 * round)]).then_some(())
        });
    }
    assert_eq!(values(&read(log, &one, 1, 3)), ["one 1", "one 2", "one 3"]);
    assert_eq!(values(&read(log, &two, 0, 6)), ["two 1", "two 1b", "two 2", "two 2b", "two 3", "two 3b"]);
    assert_eq!(latest(log, &one, 0), 0);
    // Positions are of one group, and of no other.
    assert_eq!(committed(log, &format!("{group}2"), &input), None);
}

fn an_open_transaction_is_invisible(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let mut writer = transactional(log, prefix);
    let mut other = transactional(log, &format!("{prefix}-other"));
    writer.begin().unwrap();
    append(&mut writer, prefix, 0, &["first"]).unwrap();
    // What another writer commits meanwhile is not held up for ever, and seen once the open one has ended.
    write(&mut other, prefix, 0, &["second"]);
    let at = TopicPartition::new(prefix, 0);
    let mut reader = log.reader(prefix, &[(at.clone(), 0)]).unwrap();
    let seen = poll_some(&mut reader);
    assert!(seen.iter().all(|record| record.text() == "second"), "{seen:?}");
    writer.commit("", &[]).unwrap();
    let mut all = values(&read(log, prefix, 0, 2));
    all.sort();
    assert_eq!(all, ["first", "second"]);
}

fn an_aborted_transaction_is_never_seen(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let group = format!("{prefix}-group");
    let at = TopicPartition::new(prefix, 0);
    let mut writer = transactional(log, prefix);
    write(&mut writer, prefix, 0, &["kept"]);
    writer.begin().unwrap();
    append(&mut writer, prefix, 0, &["dropped", "dropped too"]).unwrap();
    writer.abort().unwrap();
    assert_eq!(committed(log, &group, &at), None);
    write(&mut writer, prefix, 0, &["kept too"]);
    writer.begin().unwrap();
    append(&mut writer, prefix, 0, &["dropped at the end"]).unwrap();
    writer.abort().unwrap();

    let from = [(at.clone(), 0)];
    let mut reader = log.reader(&group, &from).unwrap();
    assert_eq!(values(&poll_until(&mut reader, 2)), ["kept", "kept too"]);
    // The reader's position runs past what it is not shown.
    wait_for_end(log, &mut reader, &from);
    assert!(poll_some(&mut reader).is_empty());
}

fn positions_alone_can_be_committed(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let at = TopicPartition::new(prefix, 0);
    let mut writer = transactional(log, prefix);
    for position in [5, 3] {
        writer.begin().unwrap();
        writer.commit(prefix, &[(at.clone(), position)]).unwrap();
        wait_for("it is committed", || (committed(log, prefix, &at) == Some(position)).then_some(()));
    }
    // A transaction with nothing in it is one, too.
    writer.begin().unwrap();
    writer.commit(prefix, &[]).unwrap();
    writer.begin().unwrap();
    writer.abort().unwrap();
    assert_eq!(committed(log, prefix, &at), Some(3));
}

fn a_zombie_is_fenced(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let at = TopicPartition::new(prefix, 0);
    let mut zombie = transactional(log, prefix);
    write(&mut zombie, prefix, 0, &["before"]);
    zombie.begin().unwrap();
    append(&mut zombie, prefix, 0, &["never seen"]).unwrap();

    let mut writer = transactional(log, prefix);
    write(&mut writer, prefix, 0, &["after"]);

    // The zombie hears of it when it appends or, where appends are only queued, when it commits.
    let outcome = append(&mut zombie, prefix, 0, &["nor this"])
        .and_then(|()| zombie.commit(prefix, &[(at.clone(), 1)]));
    let error = outcome.unwrap_err();
    assert!(matches!(error, LogError::Fenced(_)), "{error:?}");
    assert!(error.is_fatal());
    assert!(zombie.begin().is_err());
    assert!(zombie.commit(prefix, &[]).is_err());

    write(&mut writer, prefix, 0, &["still there"]);
    assert_eq!(values(&read(log, prefix, 0, 3)), ["before", "after", "still there"]);
    assert_eq!(committed(log, prefix, &at), None);
    // The end of the zombie is not the end of its successor.
    drop(zombie);
    write(&mut writer, prefix, 0, &["alive"]);
    assert_eq!(read(log, prefix, 0, 4)[3].text(), "alive");
}

fn writers_of_other_ids_do_not_fence(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let mut writers = ["a", "b", "c"].map(|end| transactional(log, &format!("{prefix}-{end}")));
    for writer in &mut writers {
        writer.begin().unwrap();
        append(writer, prefix, 0, &["x"]).unwrap();
    }
    for writer in &mut writers {
        writer.commit("", &[]).unwrap();
    }
    assert_eq!(read(log, prefix, 0, 3).len(), 3);
}

fn at_least_once_writes_without_transactions(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 2);
    let at = TopicPartition::new(prefix, 1);
    let mut writer = log.writer(&Guarantee::AtLeastOnce).unwrap();
    append(&mut writer, prefix, 0, &["a", "b"]).unwrap();
    append(&mut writer, prefix, 1, &["c"]).unwrap();
    writer.commit(prefix, &[(at.clone(), 4)]).unwrap();
    assert_eq!(values(&read(log, prefix, 0, 2)), ["a", "b"]);
    assert_eq!(values(&read(log, prefix, 1, 1)), ["c"]);
    wait_for("the position is committed", || (committed(log, prefix, &at) == Some(4)).then_some(()));
    // `begin` is allowed, and does not keep others out.
    let mut other = log.writer(&Guarantee::AtLeastOnce).unwrap();
    for writer in [&mut writer, &mut other] {
        writer.begin().unwrap();
        append(writer, prefix, 1, &["d"]).unwrap();
        writer.commit("", &[]).unwrap();
    }
    assert_eq!(values(&read(log, prefix, 1, 3)), ["c", "d", "d"]);
}

fn a_waker_is_called(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 2);
    let from = [0, 1].map(|p| (TopicPartition::new(prefix, p), 0));
    let mut reader = log.reader(prefix, &from).unwrap();
    let calls = Arc::new((Mutex::new(0u64), Condvar::new()));
    let called = calls.clone();
    reader.set_waker(Arc::new(move || {
        *called.0.lock().unwrap() += 1;
        called.1.notify_all();
    }));
    let mut writer = transactional(log, prefix);
    for round in 0..4 {
        // Nothing is there: from here on the waker is due.
        let mut before = *calls.0.lock().unwrap();
        assert!(poll_some(&mut reader).is_empty());
        let text = format!("round {round}");
        write(&mut writer, prefix, round % 2, &[&text]);
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        // A waker may be called once more than needed, never once less: no poll without a call.
        while seen.is_empty() {
            let guard = calls.0.lock().unwrap();
            let left = deadline.saturating_duration_since(Instant::now());
            let (guard, timeout) = calls.1.wait_timeout_while(guard, left, |count| *count == before).unwrap();
            assert!(!timeout.timed_out(), "the waker was not called in round {round}");
            before = *guard;
            drop(guard);
            seen = poll_some(&mut reader);
        }
        assert_eq!(values(&seen), [text]);
    }
}

fn a_reader_seeks(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 2);
    let mut writer = transactional(log, prefix);
    writer.begin().unwrap();
    let lines: Vec<_> = (0..10).map(|n| n.to_string()).collect();
    append(&mut writer, prefix, 0, &lines).unwrap();
    append(&mut writer, prefix, 1, &lines).unwrap();
    writer.commit("", &[]).unwrap();
    let from = [0, 1].map(|p| (TopicPartition::new(prefix, p), 0));
    let mut reader = log.reader(prefix, &from).unwrap();
    assert_eq!(poll_until(&mut reader, 20).len(), 20);
    wait_for_end(log, &mut reader, &from);
    reader.seek(1, 7).unwrap();
    assert_eq!(reader.positions().unwrap()[1], 7);
    assert_eq!(values(&poll_until(&mut reader, 3)), ["7", "8", "9"]);
    // From the middle of what is being read, back and forth.
    reader.seek(0, 0).unwrap();
    wait_for("some are read", || (reader.poll(2, &mut |_, _| {}).unwrap() > 0).then_some(()));
    reader.seek(0, 5).unwrap();
    assert_eq!(values(&poll_until(&mut reader, 5)), ["5", "6", "7", "8", "9"]);
    reader.seek(0, 1).unwrap();
    assert_eq!(values(&poll_until(&mut reader, 9))[..2], ["1", "2"]);
    wait_for_end(log, &mut reader, &from);
}

fn poll_gives_at_most_what_was_asked(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let mut writer = transactional(log, prefix);
    let lines: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    write(&mut writer, prefix, 0, &lines);
    let mut reader = log.reader(prefix, &[(TopicPartition::new(prefix, 0), 0)]).unwrap();
    assert_eq!(reader.poll(0, &mut |_, _| panic!("nothing was asked for")).unwrap(), 0);
    let mut seen = Vec::new();
    wait_for("all is read", || {
        let before = seen.len();
        let count = reader
            .poll(7, &mut |index, records| {
                assert_eq!(index, 0);
                seen.extend(records.iter().map(|record| Owned::read(record).text()));
            })
            .unwrap();
        assert!(count <= 7 && seen.len() == before + count);
        (seen.len() >= lines.len()).then_some(())
    });
    assert_eq!(seen, lines);
}

fn records_are_deleted_from_the_front(log: &Arc<dyn Log>, prefix: &str) {
    create(log, prefix, 1);
    let at = TopicPartition::new(prefix, 0);
    let mut writer = transactional(log, prefix);
    write(&mut writer, prefix, 0, &["0", "1", "2"]);
    write(&mut writer, prefix, 0, &["3", "4", "5"]);
    let all = read(log, prefix, 0, 6);
    let end = latest(log, prefix, 0);
    log.delete_records(&at, all[4].offset).unwrap();
    assert_eq!(log.offset(&at, OffsetAt::Earliest).unwrap(), all[4].offset);
    assert_eq!(latest(log, prefix, 0), end);
    assert_eq!(log.offset(&at, OffsetAt::Timestamp(0)).unwrap(), all[4].offset);
    assert_eq!(values(&read_at(log, &at, all[4].offset, 2)), ["4", "5"]);
    // Less than is deleted already changes nothing; more than there is cannot be.
    log.delete_records(&at, 1).unwrap();
    assert_eq!(log.offset(&at, OffsetAt::Earliest).unwrap(), all[4].offset);
    assert!(log.delete_records(&at, end + 1).is_err());

    let mut reader = log.reader(prefix, &[(at.clone(), 0)]).unwrap();
    let error = wait_for("the reader says that its place is gone", || reader.poll(10, &mut |_, _| {}).err());
    assert!(matches!(error, LogError::OffsetOutOfRange { offset: 0, .. }), "{error:?}");
    assert!(!error.is_fatal());
    reader.seek(0, all[5].offset).unwrap();
    assert_eq!(values(&poll_until(&mut reader, 1)), ["5"]);

    log.delete_records(&at, end).unwrap();
    assert_eq!(log.offset(&at, OffsetAt::Earliest).unwrap(), end);
    write(&mut writer, prefix, 0, &["6"]);
    assert_eq!(values(&read_at(log, &at, end, 1)), ["6"]);
}
