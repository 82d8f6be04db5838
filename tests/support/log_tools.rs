//! What the cases of the log suite are made of: topics, writers and readers in a word each, and waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rivermill::log::{
    Guarantee, Log, NewRecord, OffsetAt, Reader, Record, Result, TopicPartition, TopicSpec, Writer,
};

/// How long a condition may take to come true.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A time that no broker takes for the future or for too long ago to keep.
pub const BASE_MS: i64 = 1_700_000_000_000;

/// A record that outlives the poll it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Owned {
    pub fn new(offset: i64, record: &NewRecord<'_>) -> Self {
        let NewRecord { key, value, timestamp, headers } = *record;
        Self::read(&Record { offset, timestamp, key, value, headers })
    }

    pub fn read(record: &Record<'_>) -> Self {
        Self {
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.value.clone().unwrap_or_default()).unwrap()
    }
}

pub fn spec(name: &str, partitions: i32) -> TopicSpec {
    // Times in the past would be deleted after some days by default.
    let config = vec![("retention.ms".to_string(), "-1".to_string())];
    TopicSpec { name: name.into(), partitions, replicas: Some(1), config }
}

/// Creates a topic, and waits until the log knows it.
pub fn create(log: &Arc<dyn Log>, name: &str, partitions: i32) {
    log.create_topic(&spec(name, partitions)).unwrap();
    wait_until_there(log, name, partitions);
}

/// Waits until a new topic is known and each of its partitions has somebody who answers for it.
pub fn wait_until_there(log: &Arc<dyn Log>, name: &str, partitions: i32) {
    wait_for("the topic is there", || log.topic(name).unwrap());
    for partition in 0..partitions {
        let at = TopicPartition::new(name, partition);
        wait_for("its partitions answer", || log.offset(&at, OffsetAt::Latest).ok());
    }
}

pub fn transactional(log: &Arc<dyn Log>, transactional_id: &str) -> Box<dyn Writer> {
    log.writer(&Guarantee::ExactlyOnce { transactional_id: transactional_id.into() }).unwrap()
}

/// Appends texts as values without keys.
pub fn append(
    writer: &mut Box<dyn Writer>,
    topic: &str,
    partition: i32,
    values: &[impl AsRef<str>],
) -> Result<()> {
    let records = values.iter().map(|value| NewRecord {
        key: None,
        value: Some(value.as_ref().as_bytes()),
        timestamp: BASE_MS,
        headers: &[],
    });
    writer.append(&TopicPartition::new(topic, partition), &mut { records })
}

/// One transaction with these values.
pub fn write(writer: &mut Box<dyn Writer>, topic: &str, partition: i32, values: &[impl AsRef<str>]) {
    writer.begin().unwrap();
    append(writer, topic, partition, values).unwrap();
    writer.commit("", &[]).unwrap();
}

/// Reads a partition from its beginning until it has given `count` records, and no more than those.
pub fn read(log: &Arc<dyn Log>, topic: &str, partition: i32, count: usize) -> Vec<Owned> {
    read_at(log, &TopicPartition::new(topic, partition), 0, count)
}

pub fn read_at(log: &Arc<dyn Log>, at: &TopicPartition, offset: i64, count: usize) -> Vec<Owned> {
    let from = [(at.clone(), offset)];
    let mut reader = log.reader("suite", &from).unwrap();
    let seen = poll_until(&mut reader, count);
    assert_eq!(seen.len(), count, "{:?}", values(&seen));
    wait_for_end(log, &mut reader, &from);
    seen
}

/// Polls until there are `count` records, or more where they come together.
pub fn poll_until(reader: &mut Box<dyn Reader>, count: usize) -> Vec<Owned> {
    let mut seen = Vec::new();
    wait_for(&format!("{count} records are read"), || {
        seen.extend(poll_some(reader));
        (seen.len() >= count).then_some(())
    });
    seen
}

/// What one poll gives.
pub fn poll_some(reader: &mut Box<dyn Reader>) -> Vec<Owned> {
    let mut seen = Vec::new();
    let count = reader.poll(10_000, &mut |_, records| seen.extend(records.iter().map(Owned::read))).unwrap();
    assert_eq!(count, seen.len());
    seen
}

/// Waits until a reader that has read all stands at the end of each of its partitions, and says so itself.
pub fn wait_for_end(log: &Arc<dyn Log>, reader: &mut Box<dyn Reader>, from: &[(TopicPartition, i64)]) {
    let ends: Vec<_> = from.iter().map(|(at, _)| log.offset(at, OffsetAt::Latest).unwrap()).collect();
    wait_for(&format!("the reader is at {ends:?}"), || {
        assert!(poll_some(reader).is_empty(), "there are more records than were written");
        let known =
            reader.ends().iter().zip(&ends).all(|(known, end)| known.is_none_or(|known| known == *end));
        (reader.positions().unwrap() == ends && known).then_some(())
    });
}

/// The position that a group committed in a partition.
pub fn committed(log: &Arc<dyn Log>, group: &str, at: &TopicPartition) -> Option<i64> {
    log.committed(group, std::slice::from_ref(at)).unwrap()[0]
}

pub fn latest(log: &Arc<dyn Log>, topic: &str, partition: i32) -> i64 {
    log.offset(&TopicPartition::new(topic, partition), OffsetAt::Latest).unwrap()
}

pub fn values(records: &[Owned]) -> Vec<String> {
    records.iter().map(Owned::text).collect()
}

pub fn offsets(records: &[Owned]) -> Vec<i64> {
    records.iter().map(|record| record.offset).collect()
}

/// Asks again until there is an answer.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ready() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
