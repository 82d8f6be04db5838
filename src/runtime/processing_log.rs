//! The processing log: a stream of the records that a query had to leave out, and why.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use super::config::Names;
use super::persistent::now_ms;
use crate::catalog::{Column, Format, Source};
use crate::engine::RowError;
use crate::log::{Guarantee, Log, LogError, NewRecord, TopicPartition, Writer};
use crate::sql::SqlType;
use crate::sql::ast::SourceKind;

/// The name of the stream, as in ksqlDB.
pub const PROCESSING_LOG: &str = "KSQL_PROCESSING_LOG";

/// The stream over the processing log's topic.
pub fn processing_log_source(names: &Names) -> Source {
    let column = |name: &str, ty| Column { name: name.into(), ty, key: false };
    Source {
        name: PROCESSING_LOG.into(),
        kind: SourceKind::Stream,
        columns: vec![
            column("QUERY_ID", SqlType::String),
            column("KIND", SqlType::String),
            column("TOPIC", SqlType::String),
            column("PARTITION", SqlType::Int),
            column("OFFSET", SqlType::BigInt),
            column("REASON", SqlType::String),
        ],
        topic: names.processing_log_topic(),
        key_format: Format::None,
        value_format: Format::Json,
        timestamp: None,
        window: None,
        query: None,
        sql: String::new(),
        internal: true,
        headers: Vec::new(),
        read_only: true,
        wrap_single_value: None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
struct Entry<'a> {
    query_id: &'a str,
    kind: &'a str,
    topic: Option<&'a str>,
    partition: Option<i32>,
    offset: Option<i64>,
    reason: &'a str,
}

/// The entries for a query's errors. A query over the processing log itself makes none: it would read them again.
pub fn entries(query: &str, topic: &str, errors: &[RowError], names: &Names) -> Vec<Vec<u8>> {
    if topic == names.processing_log_topic() {
        return Vec::new();
    }
    errors.iter().map(|error| entry(query, topic, error)).collect()
}

/// Writes the entries of push queries, which have no transaction of their own.
pub struct Writing {
    log: Arc<dyn Log>,
    at: TopicPartition,
    group: String,
    writer: Mutex<Option<Box<dyn Writer>>>,
}

impl Writing {
    pub fn new(log: Arc<dyn Log>, names: &Names) -> Writing {
        let at = TopicPartition::new(names.processing_log_topic(), 0);
        Writing { log, at, group: names.group("transient"), writer: Mutex::new(None) }
    }

    /// Blocks until the entries are durable.
    pub fn append(&self, entries: &[Vec<u8>]) -> Result<(), LogError> {
        let mut slot = self.writer.lock();
        // Where this fails, the next call opens a new writer.
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.log.writer(&Guarantee::AtLeastOnce)?,
        };
        let timestamp = now_ms();
        let mut records =
            entries.iter().map(|e| NewRecord { key: None, value: Some(e), timestamp, headers: &[] });
        writer.begin()?;
        writer.append(&self.at, &mut records)?;
        writer.commit(&self.group, &[])?;
        *slot = Some(writer);
        Ok(())
    }
}

/// One entry as the value of its record.
fn entry(query: &str, topic: &str, error: &RowError) -> Vec<u8> {
    let kind = error.kind.to_string();
    let entry = Entry {
        query_id: query,
        kind: &kind,
        topic: error.offset.is_some().then_some(topic),
        partition: error.partition,
        offset: error.offset,
        reason: &error.reason,
    };
    // A struct of strings and numbers cannot fail to be written.
    serde_json::to_vec(&entry).unwrap_or_default()
}
