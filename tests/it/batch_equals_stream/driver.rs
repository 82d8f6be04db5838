//! Plays the runtime and the log: feeds a pipeline, keeps what its committed epochs leave behind, takes back the rest.

use std::collections::VecDeque;

use arrow::datatypes::SchemaRef;
use rivermill::engine::topology::Topology;
use rivermill::engine::{EngineError, RowError, Sealed, SinkBlock, Table, TableSnapshot};
use rivermill::formats::RawRecord;
use rivermill::runtime::Pipeline;

use super::case::Record;
use super::rows::lines;

/// Snapshots that are held while the query goes on.
const HELD_MAX: usize = 3;

pub struct Driver<'a> {
    topology: &'a Topology,
    inputs: &'a [Vec<Record>],
    /// How much of each partition is there yet.
    ends: Vec<usize>,
    pipeline: Pipeline,
    /// The offset of the next record to be processed, and of the next one behind the last commit.
    next: Vec<usize>,
    committed: Vec<usize>,
    sealed: Option<Epoch>,
    /// What has been committed, in order.
    pub epochs: Vec<Epoch>,
    changelog: Vec<Changelog>,
    held: Vec<(TableSnapshot, Vec<String>)>,
}

/// What an epoch's transaction holds.
pub struct Epoch {
    pub sink: Vec<SinkBlock>,
    pub errors: Vec<RowError>,
    changelog: Vec<(i32, Sealed)>,
    positions: Vec<usize>,
}

/// A partition of the changelog.
#[derive(Default)]
struct Changelog {
    blocks: VecDeque<Vec<u8>>,
    /// The offset of the first of them.
    first: usize,
    /// The running pass of rewrites, and where it began.
    pass: Option<(u64, usize)>,
}

impl<'a> Driver<'a> {
    pub fn new(topology: &'a Topology, inputs: &'a [Vec<Record>]) -> Result<Self, String> {
        let partitions = inputs.len();
        let ends = inputs.iter().map(Vec::len).collect();
        let mut changelog = Vec::new();
        changelog.resize_with(partitions, Changelog::default);
        let (next, committed) = (vec![0; partitions], vec![0; partitions]);
        let pipeline = Pipeline::new(topology, partitions as i32).map_err(text)?;
        let (sealed, epochs, held) = (None, Vec::new(), Vec::new());
        Ok(Self { topology, inputs, ends, pipeline, next, committed, sealed, epochs, changelog, held })
    }

    /// Hides the records from these offsets on until [`Self::open_all`].
    pub fn open_until(&mut self, ends: Vec<usize>) {
        self.ends = ends;
    }

    pub fn open_all(&mut self) {
        self.ends = self.inputs.iter().map(Vec::len).collect();
    }

    /// Feeds the next records of a partition.
    pub fn push(&mut self, partition: usize, records: usize) -> Result<(), String> {
        let partition = partition % self.inputs.len();
        let from = self.next[partition];
        let to = self.ends[partition].min(from + records);
        if from >= to {
            return Ok(());
        }
        let raw: Vec<RawRecord<'_>> = self.inputs[partition][from..to]
            .iter()
            .enumerate()
            .map(|(index, record)| RawRecord {
                offset: (from + index) as i64,
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &[],
            })
            .collect();
        self.pipeline.push_records(partition, &raw).map_err(text)?;
        self.next[partition] = to;
        Ok(())
    }

    /// Ends the running epoch. The one before must be settled: it commits first.
    pub fn seal(&mut self) -> Result<(), String> {
        self.commit()?;
        self.pipeline.end_epoch().map_err(text)?;
        let made = self.pipeline.take_made();
        self.sealed = Some(Epoch {
            sink: made.sink,
            errors: made.errors,
            changelog: self.pipeline.seal().map_err(text)?,
            positions: self.next.clone(),
        });
        Ok(())
    }

    /// The sealed epoch's transaction succeeds.
    pub fn commit(&mut self) -> Result<(), String> {
        if self.make_durable() {
            self.pipeline.commit();
            if self.held.len() < HELD_MAX {
                let snapshot = self.table()?.snapshot((i64::MIN, i64::MAX));
                let rows = self.snapshot_lines(&snapshot)?;
                self.held.push((snapshot, rows));
            }
        }
        Ok(())
    }

    /// The sealed epoch's transaction, or the running epoch, fails.
    pub fn rollback(&mut self) {
        self.sealed = None;
        self.pipeline.rollback();
        self.next = self.committed.clone();
    }

    /// The process ends and another one starts; if `durable`, just behind the commit of the sealed epoch.
    pub fn crash(&mut self, durable: bool) -> Result<(), String> {
        if durable {
            self.make_durable();
        }
        self.sealed = None;
        self.pipeline = Pipeline::new(self.topology, self.inputs.len() as i32).map_err(text)?;
        for (partition, changelog) in self.changelog.iter_mut().enumerate() {
            changelog.pass = None;
            for block in &changelog.blocks {
                self.pipeline.restore(partition, block).map_err(text)?;
            }
        }
        self.next = self.committed.clone();
        Ok(())
    }

    /// Processes and commits all that is there.
    pub fn finish(&mut self) -> Result<(), String> {
        for partition in 0..self.inputs.len() {
            while self.next[partition] < self.ends[partition] {
                self.push(partition, 50)?;
            }
        }
        self.seal()?;
        self.commit()
    }

    pub fn table_schema(&self) -> Result<SchemaRef, String> {
        Ok(self.table()?.schema())
    }

    /// The committed rows.
    pub fn table_lines(&self) -> Result<Vec<String>, String> {
        self.snapshot_lines(&self.table()?.snapshot((i64::MIN, i64::MAX)))
    }

    /// Snapshots taken on the way still show what they showed then.
    pub fn check_held_snapshots(&self) -> Result<(), String> {
        for (snapshot, rows) in &self.held {
            super::equal("a snapshot that was held", &self.snapshot_lines(snapshot)?, rows)?;
        }
        Ok(())
    }

    fn table(&self) -> Result<&Table, String> {
        self.pipeline.table().map(|table| table.as_ref()).ok_or_else(|| "a query without a table".to_owned())
    }

    fn snapshot_lines(&self, snapshot: &TableSnapshot) -> Result<Vec<String>, String> {
        let batches = snapshot.scan(16).collect::<Result<Vec<_>, _>>().map_err(text)?;
        lines(&batches, &snapshot.schema())
    }

    /// Keeps what the sealed epoch's transaction holds. False where nothing is sealed.
    fn make_durable(&mut self) -> bool {
        let Some(mut epoch) = self.sealed.take() else { return false };
        for (partition, sealed) in epoch.changelog.drain(..) {
            self.changelog[partition as usize].append(sealed);
        }
        self.committed = epoch.positions.clone();
        self.epochs.push(epoch);
        true
    }
}

impl Changelog {
    /// Appends blocks; when a new pass of rewrites begins, what lies before the start of the last one goes.
    fn append(&mut self, sealed: Sealed) {
        let end = self.first + self.blocks.len();
        self.blocks.extend(sealed.blocks);
        match self.pass {
            Some((number, _)) if number == sealed.pass => {}
            before => {
                self.pass = Some((sealed.pass, end));
                if let Some((_, start)) = before {
                    self.blocks.drain(..start - self.first);
                    self.first = start;
                }
            }
        }
    }
}

fn text(error: EngineError) -> String {
    error.to_string()
}
