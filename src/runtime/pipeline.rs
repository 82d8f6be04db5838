//! The tasks of one query, joined: what a task hands to an exchange goes to the tasks of the next stage at once.

use std::sync::Arc;

use crate::engine::topology::{OperatorSpec, Topology};
use crate::engine::{Batch, EngineError, RowError, Sealed, SinkBlock, Table, Task, TaskCounters, TaskOutput};
use crate::formats::RawRecord;

/// A query's tasks, one a stage and source partition.
pub struct Pipeline {
    stages: Vec<Vec<Task>>,
    table: Option<Arc<Table>>,
    made: Made,
}

/// What a pipeline made since it was last asked.
#[derive(Default)]
pub struct Made {
    pub sink: Vec<SinkBlock>,
    pub rows: Vec<Batch>,
    pub errors: Vec<RowError>,
    /// Roughly what the above holds.
    pub bytes: usize,
}

impl Pipeline {
    pub fn new(topology: &Topology, partitions: i32) -> Result<Pipeline, EngineError> {
        let stages: Vec<Vec<Task>> = (0..topology.stages.len())
            .map(|stage| (0..partitions).map(|p| Task::new(topology, stage, p, partitions)).collect())
            .collect::<Result<_, _>>()?;
        let parts: Vec<_> = stages.last().into_iter().flatten().filter_map(Task::table).collect();
        // The state of a filter is no table that anybody could read.
        let last = topology.stages.last();
        let groups =
            last.is_some_and(|s| s.operators.iter().any(|o| matches!(o, OperatorSpec::Aggregate(_))));
        let table = match groups && !parts.is_empty() {
            true => Some(Arc::new(Table::new(parts, topology)?)),
            false => None,
        };
        Ok(Pipeline { stages, table, made: Made::default() })
    }

    /// The committed state that readers see, for a query that keeps a table.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.table.as_ref()
    }

    /// Runs records of one source partition through.
    pub fn push_records(&mut self, partition: usize, records: &[RawRecord<'_>]) -> Result<(), EngineError> {
        let task = self.task(0, partition)?;
        task.push_records(records)?;
        self.collect(0, partition)
    }

    /// Emits what was held back to be coalesced, stage by stage.
    pub fn end_epoch(&mut self) -> Result<(), EngineError> {
        for stage in 0..self.stages.len() {
            for partition in 0..self.stages[stage].len() {
                self.task(stage, partition)?.end_epoch()?;
                self.collect(stage, partition)?;
            }
        }
        Ok(())
    }

    pub fn made(&self) -> &Made {
        &self.made
    }

    pub fn take_made(&mut self) -> Made {
        std::mem::take(&mut self.made)
    }

    /// The changelog of the epoch that ends: blocks by partition of the changelog, which has one for each task with
    /// state, stage by stage. See [`Task::seal`].
    pub fn seal(&mut self) -> Result<Vec<(i32, Sealed)>, EngineError> {
        let mut sealed = Vec::new();
        let mut before = 0;
        for stage in &mut self.stages {
            let has_state = stage.iter().any(|task| task.table().is_some());
            for (partition, task) in stage.iter_mut().enumerate() {
                let of_task = task.seal()?;
                if !of_task.blocks.is_empty() {
                    sealed.push(((before + partition) as i32, of_task));
                }
            }
            if has_state {
                before += stage.len();
            }
        }
        Ok(sealed)
    }

    /// Makes the sealed epoch visible to readers, all partitions at once.
    pub fn commit(&mut self) {
        let table = self.table.clone();
        let _all_at_once = table.as_ref().map(|t| t.publishing());
        self.stages.iter_mut().flatten().for_each(Task::commit);
    }

    /// Forgets everything since the last commit.
    pub fn rollback(&mut self) {
        self.made = Made::default();
        self.stages.iter_mut().flatten().for_each(Task::rollback);
    }

    /// Takes in one block of a partition of the changelog.
    pub fn restore(&mut self, partition: usize, block: &[u8]) -> Result<(), EngineError> {
        let mut tasks = self.stages.iter_mut().flatten().filter(|task| task.table().is_some());
        match tasks.nth(partition) {
            Some(task) => task.restore(block),
            None => Err(EngineError::internal("a changelog without a table")),
        }
    }

    pub fn counters(&self) -> TaskCounters {
        let mut sum = TaskCounters::default();
        let last = self.stages.len().saturating_sub(1);
        for (number, stage) in self.stages.iter().enumerate() {
            for task in stage {
                let counters = task.counters();
                if number == 0 {
                    sum.rows_in += counters.rows_in;
                }
                if number == last {
                    sum.rows_out += counters.rows_out;
                }
                sum.late_rows += counters.late_rows;
                sum.errors += counters.errors;
                sum.state_rows += counters.state_rows;
                sum.state_bytes += counters.state_bytes;
                sum.stream_time = sum.stream_time.max(counters.stream_time);
            }
        }
        sum
    }

    fn task(&mut self, stage: usize, partition: usize) -> Result<&mut Task, EngineError> {
        let task = self.stages.get_mut(stage).and_then(|s| s.get_mut(partition));
        task.ok_or_else(|| EngineError::internal(format!("no task {partition} in stage {stage}")))
    }

    /// Takes what a task made, and runs what is for the next stage through it.
    fn collect(&mut self, stage: usize, partition: usize) -> Result<(), EngineError> {
        let task = self.task(stage, partition)?;
        let output = task.take_output();
        let errors = task.take_errors();
        self.made.bytes += errors.iter().map(|e| e.reason.len() + 64).sum::<usize>();
        self.made.errors.extend(errors);
        match output {
            TaskOutput::Exchange(batches) => {
                for (to, batch) in batches {
                    let to = usize::try_from(to).unwrap_or(usize::MAX);
                    self.task(stage + 1, to)?.push(batch)?;
                    self.collect(stage + 1, to)?;
                }
            }
            TaskOutput::Sink(block) => {
                if !block.partitions.is_empty() {
                    self.made.bytes += block.bytes();
                    self.made.sink.push(block);
                }
            }
            TaskOutput::Rows(batches) => {
                self.made.bytes += batches.iter().map(|b| b.columns.get_array_memory_size()).sum::<usize>();
                self.made.rows.extend(batches);
            }
        }
        Ok(())
    }
}
