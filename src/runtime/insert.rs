//! Rows that users write: INSERT … VALUES and COPY … FROM. Each statement is one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use parking_lot::Mutex;

use super::config::Names;
use super::persistent::now_ms;
use crate::catalog::Source;
use crate::formats::{ByteColumn, RowEncoder, partition_for};
use crate::log::{Guarantee, Log, LogError, NewRecord, OffsetAt, TopicPartition, Writer};
use crate::sql::SqlError;

/// How long an insert waits until readers can see it.
const VISIBLE_WAIT: Duration = Duration::from_secs(1);

/// Rows of a source, all its columns in their order, with their row times (ms) where given.
pub struct InsertRows {
    pub rows: RecordBatch,
    /// Empty: now for all.
    pub times: Vec<Option<i64>>,
}

/// An insert that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    #[error("{0}")]
    Log(#[from] LogError),
    #[error("{0}")]
    Sql(#[from] SqlError),
}

/// Writes users' rows, one statement at a time.
pub struct Inserter {
    log: Arc<dyn Log>,
    group: String,
    guarantee: Guarantee,
    writer: Mutex<Option<Box<dyn Writer>>>,
    /// Where the next row without a key goes.
    turn: Mutex<i32>,
}

impl Inserter {
    pub fn new(log: Arc<dyn Log>, names: &Names) -> Inserter {
        let guarantee = Guarantee::ExactlyOnce { transactional_id: names.transactional_id("inserts") };
        Inserter {
            log,
            group: names.group("inserts"),
            guarantee,
            writer: Mutex::new(None),
            turn: Mutex::new(0),
        }
    }

    /// Writes all rows or none, and returns when they are durable. Blocks.
    pub fn insert(&self, source: &Source, batches: &[InsertRows]) -> Result<u64, InsertError> {
        let topic =
            self.log.topic(&source.topic)?.ok_or_else(|| LogError::UnknownTopic(source.topic.clone()))?;
        let now = now_ms();
        let mut partitions: HashMap<i32, Vec<Row>> = HashMap::new();
        let mut count = 0;
        for batch in batches {
            count += batch.rows.num_rows() as u64;
            self.encode(source, topic.partitions, batch, now, &mut partitions)?;
        }
        let mut slot = self.writer.lock();
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.log.writer(&self.guarantee)?,
        };
        let ends = self.ends(&source.topic, &partitions)?;
        let result = write(writer.as_mut(), &self.group, &source.topic, &partitions);
        match &result {
            Ok(()) => *slot = Some(writer),
            // The next statement opens a new writer where this one is lost.
            Err(error) if !error.is_fatal() && writer.abort().is_ok() => *slot = Some(writer),
            Err(_) => {}
        }
        result?;
        drop(slot);
        self.wait_until_visible(&source.topic, &partitions, &ends);
        Ok(count)
    }

    /// The end that each partition has for readers.
    fn ends(&self, topic: &str, partitions: &HashMap<i32, Vec<Row>>) -> Result<HashMap<i32, i64>, LogError> {
        let end = |partition: &i32| {
            let at = TopicPartition::new(topic, *partition);
            Ok((*partition, self.log.offset(&at, OffsetAt::Latest)?))
        };
        partitions.keys().map(end).collect()
    }

    /// A commit can return before all partitions show it: who has inserted a row must find it. Where others hold the
    /// end back with open transactions, the wait ends after a second.
    fn wait_until_visible(
        &self,
        topic: &str,
        partitions: &HashMap<i32, Vec<Row>>,
        before: &HashMap<i32, i64>,
    ) {
        let deadline = Instant::now() + VISIBLE_WAIT;
        while Instant::now() < deadline {
            let Ok(now) = self.ends(topic, partitions) else { return };
            let shown =
                |(partition, rows): (&i32, &Vec<Row>)| match (now.get(partition), before.get(partition)) {
                    (Some(now), Some(before)) => now - before >= rows.len() as i64,
                    _ => true,
                };
            if partitions.iter().all(shown) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn encode(
        &self,
        source: &Source,
        partitions: i32,
        batch: &InsertRows,
        now: i64,
        into: &mut HashMap<i32, Vec<Row>>,
    ) -> Result<(), InsertError> {
        let (keys, values): (Vec<_>, Vec<_>) = source.columns.iter().cloned().partition(|c| c.key);
        let columns = batch.rows.columns();
        let mut key_bytes = ByteColumn::new();
        let mut value_bytes = ByteColumn::new();
        let (key_columns, value_columns) = columns.split_at(keys.len().min(columns.len()));
        RowEncoder::key(&keys, source.key_format, false)?.encode(key_columns, None, &mut key_bytes)?;
        RowEncoder::value(&values, source.value_format)?.encode(value_columns, None, &mut value_bytes)?;
        for row in 0..batch.rows.num_rows() {
            let key = key_bytes.get(row).map(<[u8]>::to_vec);
            let partition = match &key {
                Some(key) => partition_for(key, partitions),
                None => {
                    let mut turn = self.turn.lock();
                    *turn = (*turn + 1) % partitions.max(1);
                    *turn
                }
            };
            into.entry(partition).or_default().push(Row {
                key,
                value: value_bytes.get(row).map(<[u8]>::to_vec),
                time: batch.times.get(row).copied().flatten().unwrap_or(now),
            });
        }
        Ok(())
    }
}

struct Row {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    time: i64,
}

fn write(
    writer: &mut dyn Writer,
    group: &str,
    topic: &str,
    partitions: &HashMap<i32, Vec<Row>>,
) -> Result<(), LogError> {
    writer.begin()?;
    for (partition, rows) in partitions {
        let mut records = rows.iter().map(|row| NewRecord {
            key: row.key.as_deref(),
            value: row.value.as_deref(),
            timestamp: row.time,
            headers: &[],
        });
        writer.append(&TopicPartition::new(topic, *partition), &mut records)?;
    }
    writer.commit(group, &[])
}
