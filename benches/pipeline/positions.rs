//! The committed positions of a group, asked often: one client that stays.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rivermill::log::TopicPartition;

use crate::Bench;

const REQUEST: Duration = Duration::from_secs(20);

pub struct Positions {
    consumer: BaseConsumer,
}

impl Positions {
    pub fn open(bench: &Bench, group: &str) -> Positions {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &bench.servers).set("group.id", group);
        Positions { consumer: config.create().expect("a client") }
    }

    /// In the order asked; None where nothing is committed.
    pub fn of(&self, partitions: &[TopicPartition]) -> Vec<Option<i64>> {
        let mut list = TopicPartitionList::new();
        for at in partitions {
            list.add_partition(&at.topic, at.partition);
        }
        let found = self.consumer.committed_offsets(list, REQUEST).expect("an answer");
        let offset = |at: &TopicPartition| match found.find_partition(&at.topic, at.partition)?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        partitions.iter().map(offset).collect()
    }
}
