//! The log on a real Kafka, through librdkafka.
//!
//! ```text
//!   KafkaLog ── one client for all questions: topics, offsets, groups      (raw/admin.rs)
//!      ├── KafkaReader: a consumer of its own, partitions assigned by hand  (raw/consumer.rs)
//!      └── KafkaWriter: a producer of its own, transactional or idempotent  (raw/producer.rs)
//! ```
//!
//! No consumer group is ever joined: who reads what is decided above this floor. A group is only the name under
//! which positions are kept; they are written by the writer inside its transaction.
//!
//! A broker that is down is not an error until something is asked of it. Then each question waits a bounded time
//! and says [`LogError::Unavailable`]; readers stay silent and go on by themselves when it is back.
//!
//! librdkafka's own threads do the network; its log lines become `tracing` events of `rivermill::log::kafka`.
//! All unsafe code of the crate is in `raw`.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use self::error::Context;
use self::raw::{Client, Failure, Kind, admin};
use self::settings::Role;
use super::{
    Guarantee, Log, LogError, OffsetAt, Reader, Record, Result, TopicInfo, TopicPartition, TopicSpec, Writer,
};

mod error;
#[allow(unsafe_code, reason = "the only place of the house that calls librdkafka itself")]
mod raw;
mod reader;
mod settings;
mod writer;

pub use settings::KafkaSettings;

/// How long a question about the cluster may take.
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// How long to wait for a new topic to be known, or a deleted one to be gone, after the broker said it is done.
const PROPAGATION_WAIT: Duration = Duration::from_secs(15);
/// Records looked at in one step when a timestamp is looked up.
const LOOKUP_RECORDS: usize = 1000;
/// Between two looks at something that will change soon.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// A Kafka cluster. Cheap to clone.
#[derive(Clone)]
pub struct KafkaLog {
    shared: Arc<Shared>,
}

/// What readers and writers need of the log they came from.
struct Shared {
    settings: KafkaSettings,
    admin: Client,
}

impl KafkaLog {
    /// Checks the settings and makes the client. Does not wait for a broker. Errors: [`LogError::Invalid`] for a
    /// setting that is unknown, wrong, or would break exactly-once.
    pub fn connect(settings: &KafkaSettings) -> Result<KafkaLog> {
        settings.check()?;
        let admin = Client::new(Kind::Consumer, &settings.of(Role::Admin)).map_err(error::refused)?;
        Ok(KafkaLog { shared: Arc::new(Shared { settings: settings.clone(), admin }) })
    }
}

impl KafkaLog {
    /// The first record from `from` on with at least the timestamp `ms`.
    ///
    /// A broker looks at control records, too, whose timestamp is that of the commit: where records are older than
    /// their commits it answers too early. So this reads on from its answer, mostly one record. After
    /// `REQUEST_WAIT` it gives the place up to which there is none: still not too late, and nearer.
    fn first_record(&self, at: &TopicPartition, from: i64, end: i64, ms: i64) -> Result<i64> {
        let until = Instant::now() + REQUEST_WAIT;
        let mut reader = reader::KafkaReader::open(&self.shared, "rivermill-lookup", &[(at.clone(), from)])?;
        let mut found = None;
        while found.is_none() {
            let find = &mut |_, records: &[Record<'_>]| {
                found = found.or(records.iter().find(|r| r.timestamp >= ms).map(|r| r.offset));
            };
            if reader.poll(LOOKUP_RECORDS, find)? > 0 {
                continue;
            }
            let position = reader.positions()?.first().copied().unwrap_or(from);
            if position >= end || Instant::now() > until {
                return Ok(position);
            }
            sleep(Duration::from_millis(1));
        }
        Ok(found.unwrap_or(end))
    }
}

impl Log for KafkaLog {
    fn create_topic(&self, topic: &TopicSpec) -> Result<()> {
        let name = topic.name.as_str();
        if !(1..=10_000).contains(&topic.partitions) {
            let partitions = topic.partitions;
            return Err(LogError::Invalid(format!(
                "topic \"{name}\" cannot have {partitions} partitions: 1 to 10000 are possible"
            )));
        }
        let doing = format!("creating topic \"{name}\"");
        let replicas = topic.replicas.map_or(-1, i32::from);
        let create =
            || self.shared.admin.create_topic(name, topic.partitions, replicas, &topic.config, REQUEST_WAIT);
        create().map_err(|e| self.shared.context(&doing, name).error(e))?;
        self.shared.wait_for(|found| found.is_some_and(|t| t.partitions == topic.partitions), name, &doing)
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        let doing = format!("deleting topic \"{name}\"");
        let delete = self.shared.admin.delete_topic(name, REQUEST_WAIT);
        delete.map_err(|e| self.shared.context(&doing, name).error(e))?;
        self.shared.wait_for(|found| found.is_none(), name, &doing)
    }

    fn topic(&self, name: &str) -> Result<Option<TopicInfo>> {
        self.shared.topic(name)
    }

    fn topics(&self) -> Result<Vec<TopicInfo>> {
        let all = self.shared.admin.all_topics(REQUEST_WAIT);
        let all = all.map_err(|e| self.shared.context("listing topics", "").error(e))?;
        let mut all: Vec<_> = all.into_iter().map(info).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn offset(&self, at: &TopicPartition, offset: OffsetAt) -> Result<i64> {
        self.shared.require(at)?;
        let look = |at_offset| {
            let doing = format!("looking up an offset of {}-{}", at.topic, at.partition);
            self.shared.retry(&doing, &at.topic, || {
                self.shared.admin.list_offset(&at.topic, at.partition, at_offset, REQUEST_WAIT)
            })
        };
        let ms = match offset {
            OffsetAt::Earliest => return Ok(look(admin::EARLIEST)?.0),
            OffsetAt::Latest => return Ok(look(admin::LATEST)?.0),
            OffsetAt::Timestamp(ms) => ms.max(0),
        };
        let (found, _) = look(ms)?;
        let (end, _) = look(admin::LATEST)?;
        if found >= 0 {
            return self.first_record(at, found, end, ms);
        }
        // Brokers also say "none" where the batch that they find was removed by DeleteRecords, whatever follows it.
        let (start, _) = look(admin::EARLIEST)?;
        let may_be_there =
            0 < start && start < end && look(admin::MAX_TIMESTAMP).is_ok_and(|(_, max)| max >= ms);
        if may_be_there { self.first_record(at, start, end, ms) } else { Ok(end) }
    }

    fn delete_records(&self, at: &TopicPartition, before: i64) -> Result<()> {
        self.shared.require(at)?;
        let doing = format!("deleting records of {}-{} below {before}", at.topic, at.partition);
        let deleted = self.shared.retry(&doing, &at.topic, || {
            match self.shared.admin.delete_records(&at.topic, at.partition, before, REQUEST_WAIT) {
                Err(e) if e.code == Code::OffsetOutOfRange => Ok(false),
                other => other.map(|()| true),
            }
        })?;
        if deleted {
            return Ok(());
        }
        let (topic, partition) = (at.topic.to_string(), at.partition);
        Err(LogError::OffsetOutOfRange { topic, partition, offset: before })
    }

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<i64>>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let doing = format!("reading the positions of \"{group}\"");
        let context = self.shared.context(&doing, "");
        // A client of its own, which knows the way to this group's coordinator and asks for it anew when it moves.
        let mut settings = self.shared.settings.of(Role::Consumer);
        settings.push(("group.id".into(), group.into()));
        let client = Client::new(Kind::Consumer, &settings).map_err(error::refused)?;
        let list = partitions.iter().map(|p| (&*p.topic, p.partition, -1));
        let list = raw::list::PartitionList::new(list).map_err(|e| context.error(e))?;
        match self.shared.retry(&doing, "", || raw::consumer::committed(&client, &list, REQUEST_WAIT)) {
            // A topic that is gone.
            Err(LogError::UnknownTopic(_)) => return Ok(vec![None; partitions.len()]),
            other => other?,
        }
        let position = |entry: raw::list::Entry<'_>| match entry.error {
            Ok(()) => Ok(Some(entry.offset).filter(|offset| *offset >= 0)),
            Err(e) => match context.error(e) {
                LogError::UnknownTopic(_) => Ok(None),
                other => Err(other),
            },
        };
        list.entries().into_iter().map(position).collect()
    }

    fn reader(&self, group: &str, from: &[(TopicPartition, i64)]) -> Result<Box<dyn Reader>> {
        Ok(Box::new(reader::KafkaReader::open(&self.shared, group, from)?))
    }

    fn writer(&self, guarantee: &Guarantee) -> Result<Box<dyn Writer>> {
        Ok(Box::new(writer::KafkaWriter::open(&self.shared, guarantee)?))
    }
}

impl Shared {
    fn context<'a>(&'a self, doing: &'a str, topic: &'a str) -> Context<'a> {
        Context { brokers: &self.settings.bootstrap_servers, doing, topic }
    }

    fn topic(&self, name: &str) -> Result<Option<TopicInfo>> {
        Ok(self.describe(&[name])?.pop().flatten())
    }

    /// The topics in the order of their names here, None for each that does not exist.
    fn describe(&self, names: &[&str]) -> Result<Vec<Option<TopicInfo>>> {
        let doing = match names {
            [name] => format!("looking topic \"{name}\" up"),
            _ => "looking topics up".into(),
        };
        let mut found = self.retry(&doing, "", || self.admin.describe_topics(names, REQUEST_WAIT))?;
        let one = |name: &&str| {
            let at = found.iter().position(|(n, _)| n == name);
            match at.map(|at| found.swap_remove(at).1) {
                None => Ok(None),
                Some(Ok(topic)) => Ok(Some(info(topic))),
                Some(Err(e)) => match self.context(&doing, name).error(e) {
                    // Brokers answer so for names that no topic can have.
                    LogError::UnknownTopic(_) | LogError::Invalid(_) => Ok(None),
                    other => Err(other),
                },
            }
        };
        names.iter().map(one).collect()
    }

    /// An error unless the partition exists.
    fn require(&self, at: &TopicPartition) -> Result<()> {
        let topic = self.topic(&at.topic)?.ok_or_else(|| LogError::UnknownTopic(at.topic.to_string()))?;
        require_partition(at, topic.partitions)
    }

    /// Asks again as long as the trouble passes by itself: an election, a coordinator that is loading, offsets of
    /// a transaction that is about to end. At most `REQUEST_WAIT`, then as long as the last try takes.
    fn retry<T>(&self, doing: &str, topic: &str, mut ask: impl FnMut() -> Result<T, Failure>) -> Result<T> {
        let until = Instant::now() + REQUEST_WAIT;
        loop {
            match ask() {
                Ok(found) => return Ok(found),
                Err(e) if error::is_transient(e.code) && Instant::now() < until => sleep(RETRY_PAUSE),
                Err(e) => return Err(self.context(doing, topic).error(e)),
            }
        }
    }

    /// Waits until a change of a topic is known to the broker that is asked.
    fn wait_for(&self, known: impl Fn(Option<TopicInfo>) -> bool, topic: &str, doing: &str) -> Result<()> {
        let until = Instant::now() + PROPAGATION_WAIT;
        while !known(self.topic(topic)?) {
            if Instant::now() > until {
                let brokers = &self.settings.bootstrap_servers;
                return Err(LogError::Unavailable(format!(
                    "{doing}: accepted, but not in effect after {} s (brokers: {brokers})",
                    PROPAGATION_WAIT.as_secs()
                )));
            }
            sleep(RETRY_PAUSE);
        }
        Ok(())
    }
}

fn require_partition(at: &TopicPartition, partitions: i32) -> Result<()> {
    if (0..partitions).contains(&at.partition) {
        return Ok(());
    }
    Err(LogError::UnknownPartition { topic: at.topic.to_string(), partition: at.partition })
}

fn info(topic: admin::Topic) -> TopicInfo {
    TopicInfo { name: topic.name, partitions: topic.partitions, replicas: topic.replicas }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_down_is_said_when_asked() {
        // Nothing listens on port 1.
        let settings = KafkaSettings { bootstrap_servers: "127.0.0.1:1".into(), ..Default::default() };
        let log = KafkaLog::connect(&settings).unwrap();
        match log.topics() {
            Err(LogError::Unavailable(text)) => assert!(text.contains("127.0.0.1:1"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
