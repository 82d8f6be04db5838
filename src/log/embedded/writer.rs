//! Writers: they gather records into blocks, and hand them to the [`super::commit`] queue as one transaction.

use std::sync::Arc;

use super::super::{LogError, NewRecord, Result, TopicPartition, Writer};
use super::Inner;
use super::block::{BlockBuilder, RECORD_BYTES_MAX, SealedBlock, record_bytes};
use super::commit::{PartitionBlocks, Session, Transaction};
use super::topic::Place;

/// The most bytes of blocks that a transaction may hold in memory.
const TRANSACTION_BYTES_MAX: usize = 512 << 20;
/// A writer without transactions writes by itself what is more than this.
const UNWRITTEN_BYTES_MAX: usize = 8 << 20;
/// The longest name of a group.
pub(super) const GROUP_BYTES_MAX: usize = 1024;

pub(super) struct EmbeddedWriter {
    log: Arc<Inner>,
    /// None under at-least-once.
    session: Option<Arc<Session>>,
    open: bool,
    /// Why the transaction can only be rolled back.
    failed: Option<LogError>,
    parts: Vec<Part>,
    /// What all parts hold.
    bytes: usize,
}

/// What is gathered for a partition.
struct Part {
    place: Place,
    builder: BlockBuilder,
    /// The first offset of the block that the builder builds, counted from the transaction's first in the partition.
    first: u32,
    sealed: Vec<(u32, SealedBlock)>,
    sealed_bytes: usize,
}

impl EmbeddedWriter {
    pub(super) fn new(log: Arc<Inner>, session: Option<Arc<Session>>) -> Self {
        Self { log, session, open: false, failed: None, parts: Vec::new(), bytes: 0 }
    }

    /// Whether this writer may still write, and has begun where it must.
    fn check(&self, what: &str) -> Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        session.check()?;
        if !self.open {
            return Err(LogError::Invalid(format!("{what} without a transaction: begin one first")));
        }
        self.failed.as_ref().map_or(Ok(()), |error| Err(LogError::Abortable(error.to_string())))
    }

    fn roll_back(&mut self) {
        self.open = false;
        self.failed = None;
        self.parts.clear();
        self.bytes = 0;
    }

    fn gather(
        &mut self,
        to: &TopicPartition,
        records: &mut dyn Iterator<Item = NewRecord<'_>>,
    ) -> Result<()> {
        // A topic may have been deleted and created again since the last append: then it is another one.
        let known = self.parts.iter().position(|part| part.place.is(to) && !part.place.topic.is_deleted());
        let mut part = match known {
            Some(at) => self.parts.swap_remove(at),
            None => Part::new(self.log.place(to)?),
        };
        self.bytes -= part.bytes();
        let result = part.extend(records, TRANSACTION_BYTES_MAX.saturating_sub(self.bytes));
        self.bytes += part.bytes();
        self.parts.push(part);
        result
    }

    /// Writes all that was gathered. Whatever comes of it, nothing is left behind.
    fn flush(&mut self, group: &str, positions: Vec<(Place, i64)>) -> Result<()> {
        let parts = std::mem::take(&mut self.parts);
        self.roll_back();
        let blocks: Vec<_> = parts.into_iter().map(Part::finish).filter(|part| part.records > 0).collect();
        if blocks.is_empty() && positions.is_empty() {
            return Ok(());
        }
        let session = self.session.clone();
        self.log.commit(Transaction { session, blocks, group: group.into(), positions })
    }
}

impl Part {
    fn new(place: Place) -> Self {
        Self { place, builder: BlockBuilder::default(), first: 0, sealed: Vec::new(), sealed_bytes: 0 }
    }

    fn bytes(&self) -> usize {
        self.sealed_bytes + self.builder.bytes()
    }

    fn extend(&mut self, records: &mut dyn Iterator<Item = NewRecord<'_>>, bytes_max: usize) -> Result<()> {
        let topic = self.place.topic.clone();
        let compacted = topic.is_compacted();
        for record in records {
            let bytes = record_bytes(&record);
            if bytes > RECORD_BYTES_MAX {
                let max = RECORD_BYTES_MAX >> 20;
                return Err(LogError::Invalid(format!(
                    "a record for topic \"{}\" is over {max} MiB",
                    topic.name
                )));
            }
            if compacted && record.key.is_none() {
                let name = &topic.name;
                return Err(LogError::Invalid(format!("a record for compacted topic \"{name}\" has no key")));
            }
            if self.builder.is_full() || !self.builder.has_room(bytes) {
                self.seal();
            }
            let count = self.builder.count();
            if self.bytes().saturating_add(bytes) > bytes_max || self.first.checked_add(count + 1).is_none() {
                let max = TRANSACTION_BYTES_MAX >> 20;
                return Err(LogError::Abortable(format!("the transaction is over {max} MiB")));
            }
            self.builder.push(count, &record);
        }
        Ok(())
    }

    fn seal(&mut self) {
        if !self.builder.is_empty() {
            let count = self.builder.count();
            let block = self.builder.seal();
            self.sealed_bytes += block.len();
            self.sealed.push((self.first, block));
            self.first += count;
        }
    }

    fn finish(mut self) -> PartitionBlocks {
        self.seal();
        PartitionBlocks { place: self.place, blocks: self.sealed, records: self.first }
    }
}

impl Writer for EmbeddedWriter {
    fn begin(&mut self) -> Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        session.check()?;
        if self.open {
            return Err(LogError::Invalid("the transaction before this one is still open".into()));
        }
        self.open = true;
        Ok(())
    }

    fn append(
        &mut self,
        to: &TopicPartition,
        records: &mut dyn Iterator<Item = NewRecord<'_>>,
    ) -> Result<()> {
        self.check("append")?;
        let result = self.gather(to, records);
        match (&self.session, &result) {
            (Some(_), Err(error)) => self.failed = Some(error.clone()),
            (None, Ok(())) if self.bytes > UNWRITTEN_BYTES_MAX => self.flush("", Vec::new())?,
            _ => {}
        }
        result
    }

    fn commit(&mut self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<()> {
        if let Err(error) = self.check("commit") {
            self.roll_back();
            return Err(error);
        }
        if group.len() > GROUP_BYTES_MAX || (group.is_empty() && !positions.is_empty()) {
            self.roll_back();
            return Err(LogError::Invalid(format!("a group's name has 1 to {GROUP_BYTES_MAX} bytes")));
        }
        let place = |(at, offset): &(TopicPartition, i64)| match offset {
            0.. => Ok((self.log.place(at)?, *offset)),
            _ => Err(LogError::Invalid(format!(
                "position {offset} in {}-{} is negative",
                at.topic, at.partition
            ))),
        };
        match positions.iter().map(place).collect::<Result<Vec<_>>>() {
            Ok(positions) => self.flush(group, positions),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn abort(&mut self) -> Result<()> {
        self.roll_back();
        self.session.as_ref().map_or(Ok(()), |session| session.check())
    }
}

impl Drop for EmbeddedWriter {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            self.log.close_session(session);
        }
    }
}
