//! A task: one stage of a query on one partition.

use std::sync::Arc;

use super::operators::{Edge, Exchange, Operator, Output, Sink, SinkBlock, Source, build};
use super::state::{Sealed, Store, TablePart};
use super::topology::{OperatorSpec, StageOutput, Topology};
use super::{Batch, EdgeKind, EngineError, RowError};
use crate::formats::RawRecord;

/// Rows in, rows out, state inside. See the [module](super) for the order of its calls.
#[derive(Debug)]
pub struct Task {
    source: Option<Source>,
    operators: Vec<Box<dyn Operator>>,
    end: End,
    errors: Vec<RowError>,
    counters: TaskCounters,
    /// The running epoch has ended, and the next has not begun.
    ended: bool,
}

/// What a task made, by what its stage ends in.
#[derive(Debug)]
pub enum TaskOutput {
    /// For the tasks of the next stage, by partition.
    Exchange(Vec<(i32, Batch)>),
    Sink(SinkBlock),
    Rows(Vec<Batch>),
}

/// Since the task was made, rolled back epochs included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCounters {
    /// Records or rows pushed.
    pub rows_in: u64,
    pub rows_out: u64,
    /// Rows that came too late for one of their windows at least.
    pub late_rows: u64,
    /// Rows and records that failed.
    pub errors: u64,
    /// Groups that are committed.
    pub state_rows: usize,
    /// Memory that state holds, that of running epochs included, roughly.
    pub state_bytes: usize,
    /// Of the running epoch, ms; None without an aggregate, and before the first row.
    pub stream_time: Option<i64>,
}

#[derive(Debug)]
enum End {
    Exchange(Exchange),
    Sink(Box<Sink>),
    Rows(Vec<Batch>),
}

impl Task {
    /// The task of a stage on a partition. `partitions` is the number of tasks that each stage of the query has; an
    /// exchange divides keys among them.
    ///
    /// Errors: there is no such stage, or its operators do not fit together.
    pub fn new(
        topology: &Topology,
        stage: usize,
        partition: i32,
        partitions: i32,
    ) -> Result<Task, EngineError> {
        let spec = topology.stages.get(stage);
        let spec = spec.ok_or_else(|| EngineError::internal(format!("no stage {stage} in the topology")))?;
        let exchanged = matches!(spec.output, StageOutput::Exchange(_));
        let (source, mut edge) = if stage == 0 {
            let (source, edge) = Source::new(&topology.source, partition)?;
            (Some(source), edge)
        } else {
            (None, exchange_edge(topology, stage)?)
        };
        let mut operators = Vec::with_capacity(spec.operators.len());
        for (index, operator) in spec.operators.iter().enumerate() {
            let behind = spec.operators.get(index + 1);
            let grouping = match behind {
                Some(behind) => matches!(behind, OperatorSpec::Aggregate(_)),
                None => exchanged,
            };
            let (operator, output) = build(operator, &edge, grouping)?;
            operators.push(operator);
            edge = output;
        }
        let end = match &spec.output {
            StageOutput::Exchange(exchange) => End::Exchange(Exchange::new(exchange, partitions)?),
            StageOutput::Sink(sink) => End::Sink(Box::new(Sink::new(sink, &edge, partition)?)),
            StageOutput::Rows { .. } => End::Rows(Vec::new()),
        };
        let counters = TaskCounters::default();
        Ok(Task { source, operators, end, errors: Vec::new(), counters, ended: false })
    }

    /// Takes records of this task's partition in, in the order of their offsets. The first stage only.
    pub fn push_records(&mut self, records: &[RawRecord<'_>]) -> Result<(), EngineError> {
        let source = self.source.as_mut();
        let source = source.ok_or_else(|| EngineError::internal("records for a stage without a source"))?;
        let mut out = Output::default();
        source.push(records, &mut out);
        self.counters.rows_in += records.len() as u64;
        self.run(0, out)
    }

    /// Takes rows of the stage before in. Later stages only.
    pub fn push(&mut self, batch: Batch) -> Result<(), EngineError> {
        if self.source.is_some() {
            return Err(EngineError::internal("rows for a stage with a source"));
        }
        self.counters.rows_in += batch.num_rows() as u64;
        self.run(0, Output { batches: vec![batch], errors: Vec::new() })
    }

    /// Ends the epoch: emits what was coalesced, and windows that have closed. Once an epoch, before `seal`.
    pub fn end_epoch(&mut self) -> Result<(), EngineError> {
        self.in_epoch()?;
        for index in 0..self.operators.len() {
            let mut out = Output::default();
            if let Some(operator) = self.operators.get_mut(index) {
                operator.end_epoch(&mut out)?;
            }
            self.run(index + 1, out)?;
        }
        self.ended = true;
        Ok(())
    }

    /// What the task made since it was last asked.
    pub fn take_output(&mut self) -> TaskOutput {
        match &mut self.end {
            End::Exchange(exchange) => TaskOutput::Exchange(exchange.take()),
            End::Sink(sink) => TaskOutput::Sink(sink.take()),
            End::Rows(batches) => TaskOutput::Rows(std::mem::take(batches)),
        }
    }

    /// The rows that failed since it was last asked: at most a few for each row pushed since then.
    pub fn take_errors(&mut self) -> Vec<RowError> {
        std::mem::take(&mut self.errors)
    }

    /// Seals the epoch that has ended, and begins the next one on top. Its changelog must become durable before
    /// `commit`. Errors: the epoch has not ended, or the one before is still sealed.
    pub fn seal(&mut self) -> Result<Sealed, EngineError> {
        if !self.ended {
            return Err(EngineError::internal("an epoch is sealed before it has ended"));
        }
        let sealed = match self.store_mut() {
            Some(store) => store.seal()?,
            None => Sealed::default(),
        };
        self.begin_epoch();
        Ok(sealed)
    }

    /// Makes the sealed epoch visible to readers.
    pub fn commit(&mut self) {
        if let Some(store) = self.store_mut() {
            store.commit();
        }
    }

    /// Forgets everything since the last commit, stream time and what was not taken yet included.
    pub fn rollback(&mut self) {
        if let Some(store) = self.store_mut() {
            store.rollback();
        }
        match &mut self.end {
            End::Exchange(exchange) => exchange.clear(),
            End::Sink(sink) => sink.clear(),
            End::Rows(batches) => batches.clear(),
        }
        self.errors.clear();
        self.begin_epoch();
    }

    /// Takes in one block of the changelog, in the order of the changelog, before the first push.
    ///
    /// Errors: the block is damaged, of an unknown version, or of another query.
    pub fn restore(&mut self, block: &[u8]) -> Result<(), EngineError> {
        match self.store_mut() {
            Some(store) => store.restore(block),
            None => Err(EngineError::internal("state for a task that has none")),
        }
    }

    /// The handle on the committed state, for readers of the last stage's; None for a task without state.
    pub fn table(&self) -> Option<Arc<TablePart>> {
        self.store().map(|store| store.part().clone())
    }

    pub fn counters(&self) -> TaskCounters {
        let mut counters = self.counters;
        counters.late_rows = self.operators.iter().map(|operator| operator.late_rows()).sum();
        if let Some(store) = self.store() {
            counters.state_rows = store.rows();
            counters.state_bytes = store.bytes();
            counters.stream_time = store.running().stream_time;
        }
        counters
    }

    /// Runs what was made through the operators from `first` on, and to the stage's end.
    fn run(&mut self, first: usize, mut made: Output) -> Result<(), EngineError> {
        self.in_epoch()?;
        for operator in self.operators.iter_mut().skip(first) {
            let mut out = Output { batches: Vec::new(), errors: made.errors };
            for batch in made.batches {
                operator.push(batch, &mut out)?;
            }
            made = out;
        }
        for batch in made.batches {
            self.counters.rows_out += batch.num_rows() as u64;
            match &mut self.end {
                End::Exchange(exchange) => exchange.push(batch)?,
                End::Sink(sink) => {
                    let mut out = Output::default();
                    sink.push(batch, &mut out)?;
                    made.errors.append(&mut out.errors);
                }
                End::Rows(batches) => batches.push(batch),
            }
        }
        self.counters.errors += made.errors.len() as u64;
        self.errors.append(&mut made.errors);
        Ok(())
    }

    fn in_epoch(&self) -> Result<(), EngineError> {
        if self.ended { Err(EngineError::internal("an epoch goes on behind its end")) } else { Ok(()) }
    }

    fn begin_epoch(&mut self) {
        self.ended = false;
        self.operators.iter_mut().for_each(|o| o.begin_epoch());
    }

    fn store(&self) -> Option<&Store> {
        self.operators.iter().find_map(|o| o.store())
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        self.operators.iter_mut().find_map(|o| o.store_mut())
    }
}

/// The edge behind the exchange that a stage reads: what the last operator of the stage before makes.
fn exchange_edge(topology: &Topology, stage: usize) -> Result<Edge, EngineError> {
    let mut edge = Edge {
        name: "exchange",
        schema: topology.source.schema.clone(),
        kind: topology.source.edge,
        not_null: Vec::new(),
    };
    for operator in topology.stages.iter().take(stage).flat_map(|s| &s.operators) {
        if let OperatorSpec::Project(project) = operator {
            edge.schema = project.schema.clone();
            edge.not_null = project.not_null.clone();
        }
        if let OperatorSpec::Undo(undo) = operator {
            edge.schema = undo.output.clone();
            edge.kind = EdgeKind::Append;
            edge.not_null = (0..undo.group).collect();
        }
        if let OperatorSpec::Aggregate(_) = operator {
            return Err(EngineError::internal("an exchange behind an aggregate is not built yet"));
        }
    }
    Ok(edge)
}
