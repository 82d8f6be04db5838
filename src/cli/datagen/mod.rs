//! `datagen`: makes events and writes them, for a first try, demos and benchmarks.
//!
//! [`generate`] writes into the topics of a [`Log`]; `rivermill datagen` also goes through a running server with COPY. What
//! event number n holds follows from the seed and n alone (`events`), so runs can be repeated, cut short and split.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::formats::partition_for;
use crate::log::{Guarantee, Log, LogError, NewRecord, TopicPartition, TopicSpec};

mod args;
mod copy;
mod events;
mod random;

pub(crate) use args::now_ms;
pub use args::{DatagenArgs, run};
pub use events::{Event, Generator, Kind};

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyFormat {
    /// No key; events go to the partitions in turn.
    None,
    /// Eight bytes, big endian: `BIGINT` with `KEY_FORMAT='KAFKA'`. For page views, whose key is a user's name, as `string`.
    Bigint,
    /// Text: `STRING` with `KEY_FORMAT='KAFKA'`.
    String,
}

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct DatagenSpec {
    pub kind: Kind,
    /// The topic; None: named for the kind. For `Kind::Nexmark` it is put in front of the three names.
    pub topic: Option<String>,
    /// Of topics that do not exist yet.
    pub partitions: i32,
    pub seed: u64,
    /// Events in all, 0 for no end.
    pub count: u64,
    /// Events a second by the wall clock, 0 for as fast as possible.
    pub rate: u64,
    /// Distinct auctions, or users.
    pub keys: u64,
    /// Events a second of event time.
    pub event_rate: u64,
    /// Event time of the first event, milliseconds since 1970.
    pub start_ms: i64,
    pub key_format: KeyFormat,
}

impl Default for DatagenSpec {
    fn default() -> Self {
        Self {
            kind: Kind::Bids,
            topic: None,
            partitions: 4,
            seed: 1,
            count: 0,
            rate: 0,
            keys: 1_000,
            event_rate: 10_000,
            // 2026-01-01T00:00:00Z
            start_ms: 1_767_225_600_000,
            key_format: KeyFormat::Bigint,
        }
    }
}

impl DatagenSpec {
    /// The name of the topic for one of the plain kinds.
    pub fn topic_of(&self, kind: Kind) -> String {
        match (&self.topic, self.kind) {
            (None, _) => kind.name().to_owned(),
            (Some(prefix), Kind::Nexmark) => format!("{prefix}{}", kind.name()),
            (Some(topic), _) => topic.clone(),
        }
    }

    fn generator(&self) -> Generator {
        Generator::new(self.kind, self.seed, self.keys, self.event_rate, self.start_ms)
    }
}

/// Events that are written at once where nothing slows the generator down.
const BATCH: u64 = 4_096;
/// Batches a second under a rate: often enough to look like a flow.
const BATCHES_A_SECOND: u64 = 20;

/// Writes the events, and creates the topics that are missing. Calls `progress` after each batch with the number of
/// events written so far; stops where it breaks. Returns the number of events. Blocks.
pub fn generate(
    log: &dyn Log,
    spec: &DatagenSpec,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, LogError> {
    let mut topics = Topics::open(log, spec)?;
    let mut writer = log.writer(&Guarantee::AtLeastOnce)?;
    let mut generator = spec.generator();
    let mut pace = Pace::new(spec);
    while let Some(batch) = pace.next() {
        topics.fill(&mut generator, batch);
        writer.begin()?;
        for partition in topics.partitions.iter_mut().filter(|p| !p.spans.is_empty()) {
            writer.append(&partition.at, &mut partition.records())?;
            partition.clear();
        }
        writer.commit("rivermill-datagen", &[])?;
        if progress(pace.done()).is_break() {
            break;
        }
    }
    Ok(pace.done())
}

/// The partitions of all topics in one list, those of each topic in a row.
struct Topics {
    partitions: Vec<Partition>,
    /// For each plain kind, by its number: where its partitions begin in the list, and how many they are.
    places: [(usize, i32); Kind::PLAIN.len()],
    key_format: KeyFormat,
    turn: usize,
}

/// Events of one partition, as bytes until they are written.
struct Partition {
    at: TopicPartition,
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// A record's place in the bytes: the key, then the value up to `end`.
struct Span {
    start: usize,
    key_end: usize,
    end: usize,
    time_ms: i64,
}

impl Topics {
    fn open(log: &dyn Log, spec: &DatagenSpec) -> Result<Self, LogError> {
        let mut topics =
            Self { partitions: Vec::new(), places: Default::default(), key_format: spec.key_format, turn: 0 };
        for kind in spec.kind.parts() {
            let name = spec.topic_of(*kind);
            let partitions = ensure_topic(log, &name, spec.partitions)?;
            if let Some(place) = topics.places.get_mut(kind.number()) {
                *place = (topics.partitions.len(), partitions);
            }
            topics.partitions.extend((0..partitions).map(|partition| Partition {
                at: TopicPartition::new(name.as_str(), partition),
                bytes: Vec::new(),
                spans: Vec::new(),
            }));
        }
        Ok(topics)
    }

    fn fill(&mut self, generator: &mut Generator, events: u64) {
        let mut key = Vec::with_capacity(32);
        for _ in 0..events {
            let event = generator.next_event();
            key.clear();
            event.write_key(self.key_format, &mut key);
            let (first, count) = self.places.get(event.kind.number()).copied().unwrap_or_default();
            let offset = if self.key_format == KeyFormat::None {
                self.turn = self.turn.wrapping_add(1);
                self.turn % count.max(1) as usize
            } else {
                partition_for(&key, count) as usize
            };
            // Always there: `open` made a partition for every kind that the generator makes.
            let Some(partition) = self.partitions.get_mut(first + offset) else { continue };
            let start = partition.bytes.len();
            partition.bytes.extend_from_slice(&key);
            let key_end = partition.bytes.len();
            event.write_json(&mut partition.bytes);
            let end = partition.bytes.len();
            partition.spans.push(Span { start, key_end, end, time_ms: event.time_ms });
        }
    }
}

impl Partition {
    fn records(&self) -> impl Iterator<Item = NewRecord<'_>> {
        self.spans.iter().map(|span| NewRecord {
            key: self.bytes.get(span.start..span.key_end).filter(|key| !key.is_empty()),
            value: self.bytes.get(span.key_end..span.end),
            timestamp: span.time_ms,
            headers: &[],
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }
}

/// Creates the topic where it is missing; returns how many partitions it has.
fn ensure_topic(log: &dyn Log, name: &str, partitions: i32) -> Result<i32, LogError> {
    if let Some(info) = log.topic(name)? {
        return Ok(info.partitions.max(1));
    }
    let spec = TopicSpec { name: name.to_owned(), partitions, replicas: None, config: Vec::new() };
    match log.create_topic(&spec) {
        Ok(()) => Ok(partitions.max(1)),
        // Another one was faster.
        Err(LogError::TopicExists(_)) => {
            Ok(log.topic(name)?.map_or(partitions, |info| info.partitions).max(1))
        }
        Err(error) => Err(error),
    }
}

/// How many events to make when: hands out batches and waits between them where there is a rate.
struct Pace {
    start: Instant,
    done: u64,
    count: u64,
    rate: u64,
}

impl Pace {
    fn new(spec: &DatagenSpec) -> Self {
        let count = if spec.count == 0 { u64::MAX } else { spec.count };
        Self { start: Instant::now(), done: 0, count, rate: spec.rate }
    }

    fn done(&self) -> u64 {
        self.done
    }

    /// The size of the next batch once it is time for it; None at the end.
    fn next(&mut self) -> Option<u64> {
        let (batch, wait) = self.plan()?;
        std::thread::sleep(wait);
        Some(batch)
    }

    /// The size of the next batch, which counts as done, and how long to wait before it.
    fn plan(&mut self) -> Option<(u64, Duration)> {
        let left = self.count - self.done;
        if left == 0 {
            return None;
        }
        let batch = match self.rate {
            0 => BATCH,
            rate => (rate / BATCHES_A_SECOND).clamp(1, BATCH),
        }
        .min(left);
        let due = match self.rate {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(self.done as f64 / rate as f64),
        };
        self.done += batch;
        Some((batch, due.saturating_sub(self.start.elapsed())))
    }
}

#[cfg(test)]
mod tests;
