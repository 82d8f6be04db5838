//! The command log: the catalog as records of a compacted topic.

use std::sync::Arc;

use parking_lot::Mutex;

use super::config::Names;
use super::persistent::now_ms;
use super::read::read_to_end;
use super::recovery::ensure_topic;
use crate::catalog::{Catalog, Command, CommandError};
use crate::log::{Guarantee, Log, LogError, NewRecord, OffsetAt, TopicPartition, TopicSpec, Writer};

/// An error of the command log.
#[derive(Debug, thiserror::Error)]
pub enum CommandLogError {
    #[error("{0}")]
    Log(#[from] LogError),
    #[error("{0}")]
    Command(#[from] CommandError),
}

pub struct CommandLog {
    log: Arc<dyn Log>,
    at: TopicPartition,
    group: String,
    guarantee: Guarantee,
    writer: Mutex<Option<Box<dyn Writer>>>,
}

impl CommandLog {
    /// Opens the log and reads the catalog from it. Blocks. An older server with the same service id is fenced:
    /// it can change nothing any more.
    pub fn open(
        log: Arc<dyn Log>,
        names: &Names,
        replicas: Option<i16>,
    ) -> Result<(CommandLog, Catalog), CommandLogError> {
        let topic = names.command_topic();
        let config = vec![("cleanup.policy".to_owned(), "compact".to_owned())];
        ensure_topic(log.as_ref(), &TopicSpec { name: topic.clone(), partitions: 1, replicas, config })?;
        let guarantee = Guarantee::ExactlyOnce { transactional_id: names.transactional_id("commands") };
        let writer = log.writer(&guarantee)?;
        let at = TopicPartition::new(topic, 0);
        let start = log.offset(&at, OffsetAt::Earliest)?;
        let group = names.group("commands");
        let mut catalog = Catalog::default();
        let mut failed = None;
        read_to_end(log.as_ref(), &group, &[(at.clone(), start)], &|| true, &mut |_, records| {
            for record in records {
                match Command::from_record(record.key.unwrap_or_default(), record.value) {
                    Ok(command) => catalog.apply(command),
                    Err(error) => failed = failed.take().or(Some(error)),
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        Ok((CommandLog { log, at, group, guarantee, writer: Mutex::new(Some(writer)) }, catalog))
    }

    /// Writes commands, all or none of them. Blocks until they are durable.
    pub fn append(&self, commands: &[Command]) -> Result<(), CommandLogError> {
        let records = commands.iter().map(Command::to_record).collect::<Result<Vec<_>, _>>()?;
        let mut slot = self.writer.lock();
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.log.writer(&self.guarantee)?,
        };
        let now = now_ms();
        let result = (|| {
            writer.begin()?;
            let mut records = records.iter().map(|(key, value)| NewRecord {
                key: Some(key.as_bytes()),
                value: value.as_deref(),
                timestamp: now,
                headers: &[],
            });
            writer.append(&self.at, &mut records)?;
            writer.commit(&self.group, &[])
        })();
        match result {
            Ok(()) => *slot = Some(writer),
            // Another server has taken over: this one must not take the writer back.
            Err(LogError::Fenced(_)) => *slot = Some(writer),
            Err(ref error) if !error.is_fatal() && writer.abort().is_ok() => *slot = Some(writer),
            Err(_) => {}
        }
        Ok(result?)
    }
}
