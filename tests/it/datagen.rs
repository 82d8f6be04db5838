//! The generator writes what it says into a log: all events, keyed and placed as Kafka's clients would, and again the same.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rivermill::cli::datagen::{DatagenSpec, KeyFormat, Kind, generate};
use rivermill::formats::partition_for;
use rivermill::log::embedded::EmbeddedLog;
use rivermill::log::{Log, TopicPartition};

/// All records of a topic as (partition, timestamp, key, value), by partition and offset.
fn read(log: &dyn Log, topic: &str) -> Vec<(i32, i64, Option<Vec<u8>>, String)> {
    let partitions = log.topic(topic).unwrap().unwrap().partitions;
    let from: Vec<_> = (0..partitions).map(|p| (TopicPartition::new(topic, p), 0)).collect();
    let mut reader = log.reader("test", &from).unwrap();
    let mut records = BTreeMap::new();
    let ends: i64 =
        from.iter().map(|(at, _)| log.offset(at, rivermill::log::OffsetAt::Latest).unwrap()).sum();
    while reader.positions().unwrap().iter().sum::<i64>() < ends {
        reader
            .poll(10_000, &mut |partition, run| {
                for r in run {
                    let value = String::from_utf8(r.value.unwrap().to_vec()).unwrap();
                    let key = r.key.map(<[u8]>::to_vec);
                    records.insert((partition, r.offset), (partition as i32, r.timestamp, key, value));
                }
            })
            .unwrap();
    }
    records.into_values().collect()
}

fn write(spec: &DatagenSpec) -> (tempfile::TempDir, EmbeddedLog) {
    let directory = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(directory.path()).unwrap();
    let mut seen = Vec::new();
    let written = generate(&log, spec, |done| {
        seen.push(done);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(written, spec.count);
    assert_eq!(seen.last(), Some(&spec.count));
    (directory, log)
}

#[test]
fn bids_lie_where_their_keys_belong() {
    let spec = DatagenSpec { count: 10_000, partitions: 3, ..DatagenSpec::default() };
    let (_directory, log) = write(&spec);
    let records = read(&log, "bids");
    assert_eq!(records.len(), 10_000);
    for (partition, timestamp, key, value) in &records {
        let key = key.as_deref().unwrap();
        assert_eq!(*partition, partition_for(key, 3));
        let bid: serde_json::Value = serde_json::from_str(value).unwrap();
        assert_eq!(bid["auction"].as_i64().unwrap().to_be_bytes(), key);
        assert_eq!(bid["dateTime"].as_i64().unwrap(), *timestamp);
    }

    let (_directory, again) = write(&spec);
    assert!(read(&again, "bids") == records, "a second run differs");
}

#[test]
fn nexmark_fills_three_topics() {
    let spec = DatagenSpec {
        kind: Kind::Nexmark,
        topic: Some("nx-".into()),
        count: 500,
        key_format: KeyFormat::None,
        ..DatagenSpec::default()
    };
    let (_directory, log) = write(&spec);
    let sizes = ["nx-persons", "nx-auctions", "nx-bids"].map(|topic| {
        let records = read(&log, topic);
        assert!(records.iter().all(|(_, _, key, _)| key.is_none()));
        records.len()
    });
    assert_eq!(sizes, [10, 30, 460]);
}

#[test]
fn the_progress_can_stop_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(directory.path()).unwrap();
    let written = generate(&log, &DatagenSpec::default(), |done| {
        if done > 10_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(read(&log, "bids").len() as u64, written);
}
