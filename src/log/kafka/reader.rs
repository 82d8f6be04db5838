//! Reading: librdkafka fetches ahead on its own threads, `poll` hands over what lies in its queue.
//!
//! A message is identified by the address of its topic's handle and its partition, which costs no string
//! comparison. Records are borrowed from the fetched buffers and freed when the callback is done.
//!
//! **Where a reader stands.** Control and aborted records take offsets but are never handed over. librdkafka
//! moves its own position behind a control record, and an aborted transaction ends with one, so that position is
//! asked for. It has one flaw: taking a partition's end-of-partition event moves it one too far. The event
//! carries the right offset, so the two are compared.

use std::ffi::CString;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::raw::consumer::{Batch, Consumer};
use super::raw::list::PartitionList;
use super::raw::{Client, Failure, Kind};
use super::settings::Role;
use super::{REQUEST_WAIT, RETRY_PAUSE, Shared, error, require_partition};
use crate::log::{LogError, OnRecords, Reader, Record, Result, TopicPartition, Waker};

/// How long a partition may take to start before a seek assigns it anew instead.
const START_WAIT: Duration = Duration::from_millis(500);
/// Records handed over in one call: what a run's index of borrowed records is bounded by.
const RUN_RECORDS_MAX: usize = 4096;

pub(super) struct KafkaReader {
    shared: Arc<Shared>,
    consumer: Consumer,
    partitions: Vec<Partition>,
    /// From what messages carry to the index in `partitions`. At most as many as `partitions`.
    index: HashMap<(usize, i32), usize>,
    /// An error that came behind records which were handed over first.
    pending: Option<LogError>,
    /// The allocations of the last poll, empty.
    records: Vec<Record<'static>>,
    headers: Vec<Header<'static>>,
}

type Header<'a> = (&'a str, Option<&'a [u8]>);

struct Partition {
    at: TopicPartition,
    topic: CString,
    /// Behind the last record handed over, or where the reader was opened or moved to.
    next: i64,
    /// Whether its place is not in the log; so until it is moved.
    lost: bool,
    /// The last end that an event told, and the high watermark at that moment.
    end: Option<(i64, Option<i64>)>,
}

impl Partition {
    fn out_of_range(&self) -> LogError {
        let TopicPartition { topic, partition } = &self.at;
        LogError::OffsetOutOfRange { topic: topic.to_string(), partition: *partition, offset: self.next }
    }
}

impl KafkaReader {
    pub fn open(shared: &Arc<Shared>, group: &str, from: &[(TopicPartition, i64)]) -> Result<Self> {
        let mut names: Vec<&str> = from.iter().map(|(at, _)| &*at.topic).collect();
        names.sort_unstable();
        names.dedup();
        let known = if names.is_empty() { Vec::new() } else { shared.describe(&names)? };
        let mut partitions = Vec::with_capacity(from.len());
        for (at, offset) in from {
            let topic = names.binary_search(&&*at.topic).ok().and_then(|i| known.get(i)?.as_ref());
            let topic = topic.ok_or_else(|| LogError::UnknownTopic(at.topic.to_string()))?;
            require_partition(at, topic.partitions)?;
            if *offset < 0 {
                return Err(LogError::Invalid(format!(
                    "{offset} is no offset of {}-{}",
                    at.topic, at.partition
                )));
            }
            let topic = CString::new(&*at.topic).unwrap_or_default();
            partitions.push(Partition { at: at.clone(), topic, next: *offset, lost: false, end: None });
        }

        let mut settings = shared.settings.of(Role::Consumer);
        settings.push(("group.id".into(), group.into()));
        let client = Client::new(Kind::Consumer, &settings).map_err(error::refused)?;
        let failed = |e: Failure| shared.context("opening a reader", "").error(e);
        let consumer = Consumer::new(client).map_err(failed)?;
        let reader = KafkaReader {
            shared: Arc::clone(shared),
            consumer,
            partitions,
            index: HashMap::new(),
            pending: None,
            records: Vec::new(),
            headers: Vec::new(),
        };
        reader.consumer.assign(&reader.list()?).map_err(failed)?;
        Ok(reader)
    }

    fn list(&self) -> Result<PartitionList> {
        let all = self.partitions.iter().map(|p| (&*p.at.topic, p.at.partition, p.next));
        PartitionList::new(all).map_err(|e| self.shared.context("listing partitions", "").error(e))
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, max: usize, on_records: &mut OnRecords<'_>) -> Result<usize> {
        if let Some(error) = self.pending.take() {
            return Err(error);
        }
        // A queue of end-of-partition events alone is not "nothing there": look once more.
        loop {
            let batch = self.consumer.batch(max);
            if batch.len() == 0 {
                drop(batch);
                return self.partitions.iter().find(|p| p.lost).map_or(Ok(0), |p| Err(p.out_of_range()));
            }
            let mut sorter = Sorter {
                partitions: &mut self.partitions,
                index: &mut self.index,
                shared: &self.shared,
                ends: Vec::new(),
                error: None,
            };
            let records = std::mem::take(&mut self.records);
            let headers = std::mem::take(&mut self.headers);
            let (count, records, headers) = sorter.hand_over(&batch, records, headers, on_records);
            let Sorter { ends, error, .. } = sorter;
            drop(batch);
            (self.records, self.headers) = (records, headers);
            for (index, end) in ends {
                if let Some(partition) = self.partitions.get_mut(index) {
                    let high = self.consumer.high_watermark(&partition.topic, partition.at.partition);
                    partition.end = Some((end, high));
                }
            }
            match error {
                Some(error) if count == 0 => return Err(error),
                error => self.pending = error,
            }
            if let Some(fatal) = self.consumer.client().fatal() {
                self.pending = Some(LogError::Other(format!("the reader is finished: {}", fatal.text)));
            }
            if count > 0 {
                return Ok(count);
            }
        }
    }

    fn set_waker(&mut self, waker: Waker) {
        self.consumer.set_waker(waker);
    }

    fn seek(&mut self, partition: usize, offset: i64) -> Result<()> {
        let Some(target) = self.partitions.get(partition) else {
            return Err(LogError::Invalid(format!("the reader has no partition number {partition}")));
        };
        let at = target.at.clone();
        if offset < 0 {
            return Err(LogError::Invalid(format!("{offset} is no offset of {}-{}", at.topic, at.partition)));
        }
        let doing = format!("moving a reader to offset {offset} of {}-{}", at.topic, at.partition);
        let failed = |e: Failure| self.shared.context(&doing, &at.topic).error(e);
        let list = || PartitionList::new([(&*at.topic, at.partition, offset)]).map_err(failed);
        let started = Instant::now();
        loop {
            match self.consumer.seek(&list()?, REQUEST_WAIT) {
                Ok(()) => break,
                // Not started yet, or stopped because its offset was out of range.
                Err(e) if e.code == Code::State && started.elapsed() < START_WAIT => sleep(RETRY_PAUSE),
                Err(e) if e.code == Code::State => {
                    self.consumer.reassign(&list()?).map_err(failed)?;
                    break;
                }
                Err(e) if error::is_transient(e.code) && started.elapsed() < REQUEST_WAIT => {
                    sleep(RETRY_PAUSE)
                }
                Err(e) => return Err(failed(e)),
            }
        }
        if let Some(target) = self.partitions.get_mut(partition) {
            target.next = offset;
            target.lost = false;
            target.end = None;
        }
        Ok(())
    }

    fn positions(&self) -> Result<Vec<i64>> {
        let list = self.list()?;
        let asked = self.consumer.positions(&list);
        asked.map_err(|e| self.shared.context("reading positions", "").error(e))?;
        let asked = list.entries();
        let position = |(partition, asked): (&Partition, &super::raw::list::Entry<'_>)| {
            let end_counted = partition.end.is_some_and(|(end, _)| end == partition.next);
            match asked.offset {
                // Taking the event at `next` moved librdkafka's position to `next + 1`.
                offset if end_counted && offset == partition.next + 1 => partition.next,
                offset => offset.max(partition.next),
            }
        };
        Ok(self.partitions.iter().zip(&asked).map(position).collect())
    }

    /// The high watermark of the last fetch, except right after an event told the end that a `read_committed`
    /// reader can reach, which is less while a transaction is open. So it can be more than `OffsetAt::Latest`,
    /// never less for long, and equals it once all was read and no transaction is open.
    fn ends(&self) -> Vec<Option<i64>> {
        let end = |partition: &Partition| {
            let high = self.consumer.high_watermark(&partition.topic, partition.at.partition);
            match partition.end {
                Some((end, at_that_time)) if high == at_that_time => Some(end),
                _ => high,
            }
        };
        self.partitions.iter().map(end).collect()
    }
}

/// Sorts a batch into records of known partitions and events.
struct Sorter<'a> {
    partitions: &'a mut Vec<Partition>,
    index: &'a mut HashMap<(usize, i32), usize>,
    shared: &'a Shared,
    /// Ends told in this batch.
    ends: Vec<(usize, i64)>,
    error: Option<LogError>,
}

impl Sorter<'_> {
    /// Hands over runs of records of one partition; gives the two vectors back, empty.
    fn hand_over(
        &mut self,
        batch: &Batch<'_>,
        records: Vec<Record<'static>>,
        headers: Vec<Header<'static>>,
        on_records: &mut OnRecords<'_>,
    ) -> (usize, Vec<Record<'static>>, Vec<Header<'static>>) {
        let mut headers: Vec<Header<'_>> = reuse(headers);
        // Records borrow slices of `headers`, so all headers are gathered before the first record is made.
        let mut counts = Vec::new();
        for (at, message) in batch.iter().enumerate() {
            if message.error().is_err() {
                continue;
            }
            let before = headers.len();
            headers.extend((0..).map_while(|i| message.header(i)));
            if headers.len() > before {
                counts.push((at, before..headers.len()));
            }
        }

        let mut count = 0;
        let mut with_headers = counts.iter().peekable();
        let mut run: Vec<Record<'_>> = reuse(records);
        let mut of: Option<(usize, (usize, i32))> = None;
        for (at, message) in batch.iter().enumerate() {
            let id = (message.topic_id(), message.partition());
            if message.error().is_err() {
                self.event(&message);
                continue;
            }
            let index = match of {
                Some((index, last)) if last == id => index,
                _ => {
                    let Some(index) = self.find(id, message.topic()) else { continue };
                    if let Some((last, _)) = of {
                        count += self.flush(last, &mut run, on_records);
                    }
                    of = Some((index, id));
                    index
                }
            };
            if run.len() >= RUN_RECORDS_MAX {
                count += self.flush(index, &mut run, on_records);
            }
            let range = match with_headers.peek() {
                Some((with, range)) if *with == at => {
                    let range = range.clone();
                    with_headers.next();
                    range
                }
                _ => 0..0,
            };
            run.push(Record {
                offset: message.offset(),
                timestamp: message.timestamp(),
                key: message.key(),
                value: message.value(),
                headers: headers.get(range).unwrap_or_default(),
            });
        }
        if let Some((last, _)) = of {
            count += self.flush(last, &mut run, on_records);
        }
        let run = reuse(run);
        (count, run, reuse(headers))
    }

    fn flush(&mut self, index: usize, run: &mut Vec<Record<'_>>, on_records: &mut OnRecords<'_>) -> usize {
        let Some(last) = run.last() else { return 0 };
        if let Some(partition) = self.partitions.get_mut(index) {
            // An end behind it may have been told already.
            partition.next = partition.next.max(last.offset + 1);
        }
        on_records(index, run);
        let count = run.len();
        run.clear();
        count
    }

    fn find(&mut self, id: (usize, i32), topic: &str) -> Option<usize> {
        if let Some(index) = self.index.get(&id) {
            return Some(*index);
        }
        let index = self.partitions.iter().position(|p| p.at.partition == id.1 && *p.at.topic == *topic)?;
        self.index.insert(id, index);
        Some(index)
    }

    /// What is no record: an end of partition, or an error.
    fn event(&mut self, message: &super::raw::consumer::Message<'_>) {
        let index = self.find((message.topic_id(), message.partition()), message.topic());
        if message.error() == Err(RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            if let Some(partition) = index.and_then(|i| self.partitions.get_mut(i)) {
                // Behind what was handed over there may be control records only, so the reader stands here.
                partition.next = partition.next.max(message.offset());
            }
            self.ends.extend(index.map(|i| (i, message.offset())));
            return;
        }
        let failure = message.failure();
        let partition = index.and_then(|i| self.partitions.get_mut(i));
        let error = match (failure.code, partition) {
            // Said by `poll` once all that came with it is handed over, and again until the partition is moved.
            (Code::AutoOffsetReset | Code::OffsetOutOfRange, Some(partition)) => {
                partition.lost = true;
                return;
            }
            // librdkafka goes on by itself; the caller sees that nothing comes.
            (code, _) if error::is_transient(code) => {
                tracing::debug!(topic = message.topic(), partition = message.partition(), "{}", failure.text);
                return;
            }
            (Code::Fatal, _) => LogError::Other(format!("the reader is finished: {}", failure.text)),
            _ => {
                let topic = message.topic();
                let doing = format!("reading {topic}-{}", message.partition());
                match self.shared.context(&doing, topic).error(failure) {
                    // Only librdkafka's fatal errors end a consumer.
                    LogError::Other(text) => LogError::Unavailable(text),
                    error => error,
                }
            }
        };
        self.error.get_or_insert(error);
    }
}

/// An empty vector of another lifetime in the same allocation.
fn reuse<A, B>(mut vec: Vec<A>) -> Vec<B> {
    vec.clear();
    vec.into_iter().filter_map(|_| None).collect()
}
