//! The operators, one file each, and what they have in common.

use std::fmt::Debug;

use arrow::datatypes::SchemaRef;

use super::state::Store;
use super::topology::OperatorSpec;
use super::{Batch, EdgeKind, EngineError, RowError};

mod aggregate;
mod contract;
mod emit_final;
mod every_change;
mod exchange;
mod filter;
mod flat_map;
mod partition_by;
mod project;
mod sink;
mod sink_time;
mod source;
mod table_filter;
mod undo;
mod windows;

pub use aggregate::Aggregate;
pub use exchange::Exchange;
pub use filter::Filter;
pub use flat_map::FlatMap;
pub use partition_by::PartitionBy;
pub use project::Project;
pub use sink::{Sink, SinkBlock};
pub use source::Source;
pub use table_filter::TableFilter;
pub use undo::{Undo, effect};
pub use windows::{closes, expires};

/// Rows in, rows out.
pub trait Operator: Debug + Send {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError>;

    /// Emits what was held back. The next `push` belongs to the next epoch, and comes behind `begin_epoch`.
    fn end_epoch(&mut self, _out: &mut Output) -> Result<(), EngineError> {
        Ok(())
    }

    fn begin_epoch(&mut self) {}

    /// The state, where there is some. One operator of a stage at most has it.
    fn store(&self) -> Option<&Store> {
        None
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        None
    }

    /// Rows that came too late for one of their windows at least.
    fn late_rows(&self) -> u64 {
        0
    }
}

/// What operators make.
#[derive(Debug, Default)]
pub struct Output {
    pub batches: Vec<Batch>,
    pub errors: Vec<RowError>,
}

/// What an edge promises.
#[derive(Debug, Clone)]
pub struct Edge {
    /// For messages: who writes it.
    pub name: &'static str,
    pub schema: SchemaRef,
    pub kind: EdgeKind,
    /// Columns that are never null.
    pub not_null: Vec<usize>,
}

/// An operator behind `input`, and its output edge. `grouping`: its output is grouped by what must not be null.
pub fn build(
    spec: &OperatorSpec,
    input: &Edge,
    grouping: bool,
) -> Result<(Box<dyn Operator>, Edge), EngineError> {
    let (operator, output): (Box<dyn Operator>, Edge) = match spec {
        OperatorSpec::Filter(filter) => {
            let output = Edge { name: "filter", ..input.clone() };
            (Box::new(Filter::new(filter.clone(), input.kind)), output)
        }
        OperatorSpec::Project(project) => {
            let output = Edge {
                name: "project",
                schema: project.schema.clone(),
                kind: input.kind,
                not_null: project.not_null.clone(),
            };
            (Box::new(Project::new(project.clone(), grouping)), output)
        }
        OperatorSpec::PartitionBy(spec) => {
            let output = Edge { name: "partition by", ..input.clone() };
            (Box::new(PartitionBy::new(spec.clone())), output)
        }
        OperatorSpec::FlatMap(spec) => {
            let kept = input.not_null.iter().copied().filter(|column| *column < spec.arrays_from);
            let output = Edge {
                name: "flat map",
                schema: spec.schema.clone(),
                kind: input.kind,
                not_null: kept.collect(),
            };
            (Box::new(FlatMap::new(spec.clone())), output)
        }
        OperatorSpec::TableFilter(spec) => {
            if input.kind != EdgeKind::Changes {
                return Err(EngineError::internal("a stream has no keys that stop matching"));
            }
            let output = Edge { name: "table filter", ..input.clone() };
            (Box::new(TableFilter::new(spec.clone(), &input.schema)?), output)
        }
        OperatorSpec::Undo(spec) => {
            if input.kind != EdgeKind::Changes {
                return Err(EngineError::internal("a stream has no old rows to take out"));
            }
            let output = Edge {
                name: "undo",
                schema: spec.output.clone(),
                kind: EdgeKind::Append,
                not_null: (0..spec.group).collect(),
            };
            (Box::new(Undo::new(spec.clone())?), output)
        }
        OperatorSpec::Aggregate(spec) => {
            if input.kind != EdgeKind::Append {
                return Err(EngineError::internal("an aggregate reads a table without taking old rows out"));
            }
            let output = Edge {
                name: "aggregate",
                schema: spec.output.clone(),
                kind: EdgeKind::Changes,
                not_null: (0..spec.group + if spec.window.is_some() { 2 } else { 0 }).collect(),
            };
            (Box::new(Aggregate::new(spec.clone())?), output)
        }
    };
    Ok((contract::wrap(operator, input, &output), output))
}
