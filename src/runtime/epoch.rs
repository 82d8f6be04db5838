//! The end of an epoch: one transaction that holds output records, changelog, processing log and positions.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::{Sealed, SinkBlock};
use crate::log::{Log, NewRecord, OffsetAt, Result, TopicPartition, Writer};

/// All that an epoch leaves behind.
pub struct Epoch {
    pub sink: Vec<SinkBlock>,
    /// By partition of the changelog.
    pub changelog: Vec<(i32, Sealed)>,
    /// Values of the processing log.
    pub errors: Vec<Vec<u8>>,
    pub positions: Vec<(TopicPartition, i64)>,
    /// The wall clock (ms) for records that have no event time: changelog and processing log.
    pub now_ms: i64,
}

/// Where a query's epochs go. Moves to the thread that commits, and back.
pub struct Committer {
    pub writer: Box<dyn Writer>,
    pub log: Arc<dyn Log>,
    pub group: String,
    pub sink_topic: Arc<str>,
    pub changelog_topic: Arc<str>,
    pub processing_log_topic: Arc<str>,
    /// For each partition of the changelog, the pass of segment rewrites that runs, and where it began.
    pub passes: HashMap<i32, Pass>,
}

/// A pass of segment rewrites over one task's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    pub number: u64,
    /// The changelog's end before the first record of the pass.
    pub start: i64,
}

impl Committer {
    /// Commits an epoch, or rolls its transaction back and says why.
    pub fn commit(&mut self, epoch: &Epoch) -> Result<()> {
        let finished = self.note_passes(&epoch.changelog)?;
        if let Err(error) = self.write(epoch) {
            if !error.is_fatal() {
                self.writer.abort()?;
            }
            return Err(error);
        }
        for (partition, before) in finished {
            let at = TopicPartition::new(self.changelog_topic.clone(), partition);
            // Only space is lost if this fails; the next pass tries again.
            if let Err(error) = self.log.delete_records(&at, before) {
                tracing::warn!(topic = %at.topic, partition, %error, "cannot shorten the changelog");
            }
        }
        Ok(())
    }

    fn write(&mut self, epoch: &Epoch) -> Result<()> {
        self.writer.begin()?;
        for block in &epoch.sink {
            append_block(self.writer.as_mut(), &self.sink_topic, block)?;
        }
        for (partition, sealed) in &epoch.changelog {
            let to = TopicPartition::new(self.changelog_topic.clone(), *partition);
            let mut records = sealed.blocks.iter().map(|b| value_record(b, epoch.now_ms));
            self.writer.append(&to, &mut records)?;
        }
        if !epoch.errors.is_empty() {
            let to = TopicPartition::new(self.processing_log_topic.clone(), 0);
            let mut records = epoch.errors.iter().map(|e| value_record(e, epoch.now_ms));
            self.writer.append(&to, &mut records)?;
        }
        self.writer.commit(&self.group, &epoch.positions)
    }

    /// Where a new pass begins the one before is complete: what lies before *its* start is not needed any more.
    fn note_passes(&mut self, changelog: &[(i32, Sealed)]) -> Result<Vec<(i32, i64)>> {
        let mut finished = Vec::new();
        for (partition, sealed) in changelog {
            let known = self.passes.get(partition).copied();
            if known.is_some_and(|pass| pass.number == sealed.pass) {
                continue;
            }
            let at = TopicPartition::new(self.changelog_topic.clone(), *partition);
            let start = self.log.offset(&at, OffsetAt::Latest)?;
            self.passes.insert(*partition, Pass { number: sealed.pass, start });
            if let Some(previous) = known {
                finished.push((*partition, previous.start));
            }
        }
        Ok(finished)
    }
}

fn value_record(value: &[u8], timestamp: i64) -> NewRecord<'_> {
    NewRecord { key: None, value: Some(value), timestamp, headers: &[] }
}

/// Writes a block's rows, partition by partition, each in its order.
fn append_block(writer: &mut dyn Writer, topic: &Arc<str>, block: &SinkBlock) -> Result<()> {
    let mut rows: HashMap<i32, Vec<usize>> = HashMap::new();
    for (row, partition) in block.partitions.iter().enumerate() {
        rows.entry(*partition).or_default().push(row);
    }
    let mut partitions: Vec<_> = rows.into_iter().collect();
    partitions.sort_unstable_by_key(|(partition, _)| *partition);
    for (partition, rows) in partitions {
        let to = TopicPartition::new(topic.clone(), partition);
        // Most records have none, and pay nothing for them.
        let headers: Vec<_> = match block.headers.is_empty() {
            true => Vec::new(),
            false => rows.iter().map(|&row| block.headers.get(row)).collect(),
        };
        let mut records = rows.iter().enumerate().map(|(index, &row)| NewRecord {
            key: block.keys.get(row),
            value: block.values.get(row),
            timestamp: block.times.get(row).copied().unwrap_or_default(),
            headers: headers.get(index).map_or(&[], Vec::as_slice),
        });
        writer.append(&to, &mut records)?;
    }
    Ok(())
}
