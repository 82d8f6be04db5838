//! A stream or table read once, from its beginning to the end at the time of asking.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::{RowConverter, SortField};
use tokio::sync::mpsc;

use super::persistent::{Environment, QueryError};
use super::read::{raw, read_to_end};
use crate::catalog::Source;
use crate::engine::EngineError;
use crate::formats::{Decoded, SourceColumn, SourceDecoder};
use crate::log::{LogError, OffsetAt, TopicPartition};
use crate::sql::ast::SourceKind;

/// Batches that wait for the reader of a scan.
const CHANNEL: usize = 4;

/// The rows of a scan. Dropping it ends the scan.
pub type ScanRows = mpsc::Receiver<Result<RecordBatch, QueryError>>;

/// Starts a scan of the given columns on a blocking thread. A table gives the last row of each key.
pub fn scan(environment: &Arc<Environment>, source: Arc<Source>, columns: Vec<SourceColumn>) -> ScanRows {
    let (send, receive) = mpsc::channel(CHANNEL);
    let environment = environment.clone();
    environment.blocking.clone().spawn_blocking(move || {
        if let Err(error) = run(&environment, &source, &columns, &send) {
            let _ = send.blocking_send(Err(error));
        }
    });
    receive
}

type Sender = mpsc::Sender<Result<RecordBatch, QueryError>>;

fn run(
    environment: &Environment,
    source: &Source,
    columns: &[SourceColumn],
    send: &Sender,
) -> Result<(), QueryError> {
    let log = environment.log.as_ref();
    let info = log.topic(&source.topic)?.ok_or_else(|| LogError::UnknownTopic(source.topic.clone()))?;
    let mut from = Vec::new();
    for partition in 0..info.partitions {
        let at = TopicPartition::new(source.topic.as_str(), partition);
        let start = log.offset(&at, OffsetAt::Earliest)?;
        from.push((at, start));
    }
    let keys = if source.kind == SourceKind::Table { key_columns(source) } else { Vec::new() };
    let wanted: Vec<SourceColumn> = columns.iter().chain(&keys).copied().collect();
    let mut decoder = SourceDecoder::new(source, &wanted).map_err(EngineError::internal)?;
    let mut latest = match keys.is_empty() {
        true => None,
        false => Some(Latest::new(&decoder, columns.len(), environment.config.query_memory_bytes_max)?),
    };
    let mut failed = None;
    let go_on = || !send.is_closed();
    let group = environment.names.group("transient");
    read_to_end(log, &group, &from, &go_on, &mut |partition, records| {
        if failed.is_some() || send.is_closed() {
            return;
        }
        let raw = raw(records);
        let decoded = decoder.decode(partition as i32, &raw);
        match &mut latest {
            Some(latest) => failed = latest.take(&decoded).err(),
            None => {
                let _ = send.blocking_send(Ok(decoded.columns));
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    for batch in latest.into_iter().flat_map(Latest::rows) {
        if send.blocking_send(Ok(batch?)).is_err() {
            break;
        }
    }
    Ok(())
}

/// What tells the rows of a table apart.
fn key_columns(source: &Source) -> Vec<SourceColumn> {
    let mut keys: Vec<SourceColumn> =
        (0..source.columns.len()).filter(|&i| source.columns[i].key).map(SourceColumn::Column).collect();
    if source.window.is_some() {
        keys.push(SourceColumn::WindowStart);
    }
    keys
}

/// The last row of each key. Holds the batches it was given, within a bound.
struct Latest {
    converter: RowConverter,
    columns: usize,
    batches: Vec<RecordBatch>,
    /// Key to batch and row.
    rows: HashMap<Box<[u8]>, (usize, usize)>,
    bytes: usize,
    bytes_max: usize,
}

impl Latest {
    fn new(decoder: &SourceDecoder, columns: usize, bytes_max: usize) -> Result<Latest, QueryError> {
        let schema = decoder.schema();
        let fields =
            schema.fields().iter().skip(columns).map(|f| SortField::new(f.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(EngineError::from)?;
        Ok(Latest { converter, columns, batches: Vec::new(), rows: HashMap::new(), bytes: 0, bytes_max })
    }

    fn take(&mut self, decoded: &Decoded) -> Result<(), QueryError> {
        let keys: Vec<ArrayRef> = decoded.columns.columns()[self.columns..].to_vec();
        let keys = self.converter.convert_columns(&keys).map_err(EngineError::from)?;
        let batch = self.batches.len();
        for (row, key) in keys.iter().enumerate() {
            if decoded.tombstones.as_ref().is_some_and(|t| t.value(row)) {
                self.rows.remove(key.as_ref());
            } else {
                self.bytes += if self.rows.insert(key.as_ref().into(), (batch, row)).is_none() {
                    key.as_ref().len() + 48
                } else {
                    0
                };
            }
        }
        let values: Vec<usize> = (0..self.columns).collect();
        let kept = decoded.columns.project(&values).map_err(EngineError::from)?;
        self.bytes += kept.get_array_memory_size();
        self.batches.push(kept);
        if self.bytes > self.bytes_max {
            return Err(QueryError::Memory { held: self.bytes, limit: self.bytes_max });
        }
        Ok(())
    }

    fn rows(self) -> impl Iterator<Item = Result<RecordBatch, QueryError>> {
        let mut kept: Vec<Vec<bool>> = self.batches.iter().map(|b| vec![false; b.num_rows()]).collect();
        for (batch, row) in self.rows.into_values() {
            if let Some(slot) = kept.get_mut(batch).and_then(|b| b.get_mut(row)) {
                *slot = true;
            }
        }
        self.batches.into_iter().zip(kept).map(|(batch, kept)| {
            filter_record_batch(&batch, &BooleanArray::from(kept)).map_err(|e| EngineError::from(e).into())
        })
    }
}
