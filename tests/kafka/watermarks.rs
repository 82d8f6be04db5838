//! The ends of partitions as the broker tells them: of what is committed, and of what is written.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rivermill::log::kafka::{KafkaLog, KafkaSettings};
use rivermill::log::{Log, OffsetAt, TopicPartition};

use crate::broker::Broker;
use crate::process::wait_until;

/// A transaction that nobody ends is ended by the broker after a minute; one that is still open after this was left.
const OPEN_MAX: Duration = Duration::from_secs(30);
const REQUEST: Duration = Duration::from_secs(20);

/// Looks at the topics of one broker.
pub struct Watermarks {
    pub log: KafkaLog,
    /// Unlike any client of Rivermill's this one is told of records that are not committed.
    uncommitted: BaseConsumer,
}

impl Watermarks {
    pub fn new(broker: &Broker) -> Watermarks {
        let bootstrap_servers = broker.bootstrap_servers();
        let uncommitted = ClientConfig::new()
            .set("bootstrap.servers", &bootstrap_servers)
            .set("isolation.level", "read_uncommitted")
            .create()
            .unwrap();
        let settings = KafkaSettings { bootstrap_servers, ..KafkaSettings::default() };
        Watermarks { log: KafkaLog::connect(&settings).unwrap(), uncommitted }
    }

    /// Offsets behind the last committed record, a partition each.
    pub fn committed(&self, topic: &str) -> Vec<i64> {
        let partitions = self.partitions(topic);
        partitions.iter().map(|at| self.log.offset(at, OffsetAt::Latest).unwrap()).collect()
    }

    /// Offsets behind the last record written, of running transactions, too.
    pub fn written(&self, topic: &str) -> Vec<i64> {
        let end = |at: &TopicPartition| {
            let mut end = 0;
            // A topic that was just made has no leader for a moment.
            wait_until("an end", || {
                let answer = self.uncommitted.fetch_watermarks(topic, at.partition, REQUEST);
                answer.map(|(_, high)| end = high).is_ok()
            });
            end
        };
        self.partitions(topic).iter().map(end).collect()
    }

    /// Waits until no partition of these topics has an open transaction; panics if one was left behind.
    pub fn assert_no_open_transaction(&self, topics: &[String]) {
        let started = std::time::Instant::now();
        for topic in topics {
            wait_until("transactions to end", || {
                let (committed, written) = (self.committed(topic), self.written(topic));
                assert!(
                    committed == written || started.elapsed() < OPEN_MAX,
                    "{topic} has a hanging transaction: committed up to {committed:?}, written up to {written:?}"
                );
                committed == written
            });
        }
    }

    /// Waits until a query has committed its positions at the end of what it reads.
    pub fn wait_processed(&self, group: &str, input: &str) {
        let partitions = self.partitions(input);
        wait_until(&format!("{group} to read all"), || {
            let ends = self.committed(input).into_iter().map(Some);
            ends.eq(self.log.committed(group, &partitions).unwrap())
        });
    }

    pub fn partitions(&self, topic: &str) -> Vec<TopicPartition> {
        let count = self.log.topic(topic).unwrap().map_or(0, |t| t.partitions);
        (0..count).map(|p| TopicPartition::new(topic, p)).collect()
    }

    /// The topics whose names begin with this.
    pub fn topics(&self, prefix: &str) -> Vec<String> {
        let all = self.log.topics().unwrap().into_iter().map(|t| t.name);
        all.filter(|name| name.starts_with(prefix)).collect()
    }
}
