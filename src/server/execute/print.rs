//! PRINT: the records of a topic as they are.

use std::sync::Arc;

use arrow::array::{Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, SchemaRef};
use futures::{StreamExt, stream};
use tokio::sync::Notify;

use super::rows::schema as schema_of;
use super::{SqlServer, blocking};
use crate::log::{OffsetAt, Reader, Record, TopicPartition};
use crate::runtime::log_error;
use crate::server::session::{Outcome, RowStream, RowTag};
use crate::sql::SqlError;
use crate::sql::ast::Print;

/// Records shown at a time.
const BATCH: usize = 256;

/// Characters of a key or value that are shown.
const TEXT_MAX: usize = 10_000;

pub fn schema() -> SchemaRef {
    schema_of(&[
        ("partition", DataType::Int32),
        ("offset", DataType::Int64),
        ("rowtime", DataType::Int64),
        ("key", DataType::Utf8),
        ("value", DataType::Utf8),
    ])
}

struct Tail {
    reader: Box<dyn Reader>,
    bell: Arc<Notify>,
    left: Option<u64>,
    every: u64,
    seen: u64,
}

#[derive(Default)]
struct Shown {
    partitions: Vec<i32>,
    offsets: Vec<i64>,
    times: Vec<i64>,
    keys: Vec<Option<String>>,
    values: Vec<Option<String>>,
}

impl SqlServer {
    pub(super) async fn print(&self, print: &Print) -> Result<Outcome, SqlError> {
        let (runtime, topic) = (self.runtime()?.clone(), print.topic.value.clone());
        let (start, here) =
            (if print.from_beginning { OffsetAt::Earliest } else { OffsetAt::Latest }, print.topic.position);
        let reader = blocking(move || {
            // Topic names keep their case: the name as folded, then in lower case.
            let lower = topic.to_lowercase();
            let topic = match runtime.partitions(&topic) {
                Err(_) if runtime.partitions(&lower).is_ok() => lower,
                _ => topic,
            };
            let mut from = Vec::new();
            for partition in 0..runtime.partitions(&topic).map_err(|e| e.at(Some(here)))? {
                let at = TopicPartition::new(topic.as_str(), partition);
                let offset = runtime.log().offset(&at, start).map_err(|e| log_error(&e))?;
                from.push((at, offset));
            }
            runtime.log().reader(&runtime.names().group("transient"), &from).map_err(|e| log_error(&e))
        })
        .await?;
        let (mut reader, bell) = (reader, Arc::new(Notify::new()));
        let rung = bell.clone();
        reader.set_waker(Arc::new(move || rung.notify_one()));
        let tail =
            Tail { reader, bell, left: print.limit, every: print.interval.unwrap_or(1).max(1), seen: 0 };
        let batches = stream::unfold(tail, |mut tail| async move {
            let batch = tail.next().await?;
            Some((batch, tail))
        });
        Ok(Outcome::Rows(RowStream {
            schema: schema(),
            batches: batches.boxed(),
            live: true,
            tag: RowTag::Counted("PRINT"),
        }))
    }
}

impl Tail {
    async fn next(&mut self) -> Option<Result<RecordBatch, SqlError>> {
        loop {
            if self.left == Some(0) {
                return None;
            }
            let mut shown = Shown::default();
            let (left, every, seen) = (&mut self.left, self.every, &mut self.seen);
            let polled = self.reader.poll(BATCH, &mut |partition, records| {
                for record in records {
                    let show = *seen % every == 0 && *left != Some(0);
                    *seen += 1;
                    if show {
                        shown.push(partition as i32, record);
                        *left = left.map(|l| l - 1);
                    }
                }
            });
            match polled {
                Err(error) if error.is_fatal() => return Some(Err(log_error(&error))),
                Ok(_) if !shown.offsets.is_empty() => return Some(shown.batch()),
                Ok(n) if n > 0 => {}
                _ => self.bell.notified().await,
            }
        }
    }
}

impl Shown {
    fn push(&mut self, partition: i32, record: &Record<'_>) {
        self.partitions.push(partition);
        self.offsets.push(record.offset);
        self.times.push(record.timestamp);
        self.keys.push(record.key.map(text));
        self.values.push(record.value.map(text));
    }

    fn batch(self) -> Result<RecordBatch, SqlError> {
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(Int32Array::from(self.partitions)),
                Arc::new(Int64Array::from(self.offsets)),
                Arc::new(Int64Array::from(self.times)),
                Arc::new(StringArray::from(self.keys)),
                Arc::new(StringArray::from(self.values)),
            ],
        )
        .map_err(SqlError::internal)
    }
}

/// Bytes as a person reads them: text where they are text, Kafka's numbers by their length, else hexadecimal.
fn text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(|c| c.is_control() && !c.is_whitespace())
    {
        return text.chars().take(TEXT_MAX).collect();
    }
    if let Ok(eight) = <[u8; 8]>::try_from(bytes) {
        return i64::from_be_bytes(eight).to_string();
    }
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return i32::from_be_bytes(four).to_string();
    }
    // A windowed key: the key, then the window's start.
    if let Some((key, start)) = bytes.split_last_chunk::<8>()
        && !key.is_empty()
    {
        let start = i64::from_be_bytes(*start);
        if (0..=253_402_300_799_000).contains(&start) {
            return format!("[{}@{start}]", text(key));
        }
    }
    let hex = bytes.iter().take(TEXT_MAX / 2).map(|b| format!("{b:02x}"));
    format!("\\x{}", hex.collect::<String>())
}
