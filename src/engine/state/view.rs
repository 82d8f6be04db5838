//! A table's rows as readers see them: what follows the aggregate in its query, applied to committed states.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_expr::expressions::Column;

use super::{Layout, Segment};
use crate::engine::operators::{Filter, Operator, Output, Project};
use crate::engine::topology::{AggregateSpec, OperatorSpec, StageOutput, Topology};
use crate::engine::{Batch, EdgeKind, EngineError};

/// HAVING and the projection behind an aggregate.
#[derive(Debug)]
pub struct View {
    steps: Vec<OperatorSpec>,
    /// How many of the last edge's columns are the table's.
    columns: usize,
    pub schema: SchemaRef,
    /// For each grouping column, which key column of the table it is. Empty where the projection leaves one out.
    pub key_order: Vec<usize>,
}

impl View {
    pub fn new(topology: &Topology) -> Result<(Arc<AggregateSpec>, Self), EngineError> {
        let last =
            topology.stages.last().ok_or_else(|| EngineError::internal("a topology without stages"))?;
        let place = last.operators.iter().position(|o| matches!(o, OperatorSpec::Aggregate(_)));
        let Some((place, OperatorSpec::Aggregate(spec))) =
            place.and_then(|i| Some((i, last.operators.get(i)?)))
        else {
            return Err(EngineError::internal("a table without an aggregate"));
        };
        let mut steps: Vec<OperatorSpec> = spec.having.iter().cloned().map(OperatorSpec::Filter).collect();
        steps.extend(last.operators.iter().skip(place + 1).cloned());
        let mut edge = spec.output.clone();
        // Grouping column -> column of the edge, while it is carried on as it is.
        let mut places: Vec<Option<usize>> = (0..spec.group).map(Some).collect();
        for step in &steps {
            if let OperatorSpec::Project(project) = step {
                edge = project.schema.clone();
                for place in &mut places {
                    *place = place.and_then(|from| {
                        let is_it = |c: &Column| c.index() == from;
                        project.exprs.iter().position(|e| e.downcast_ref::<Column>().is_some_and(is_it))
                    });
                }
            }
        }
        let columns = match &last.output {
            StageOutput::Sink(sink) => sink.columns.len(),
            StageOutput::Rows { schema } => schema.fields().len(),
            StageOutput::Exchange(_) => return Err(EngineError::internal("a table before an exchange")),
        };
        let mut fields: Vec<Arc<Field>> = edge.fields().iter().take(columns).cloned().collect();
        if spec.window.is_some() {
            fields.push(Arc::new(Field::new("WINDOWSTART", DataType::Int64, false)));
            fields.push(Arc::new(Field::new("WINDOWEND", DataType::Int64, false)));
        }
        fields.push(Arc::new(Field::new("ROWTIME", DataType::Int64, false)));
        let key_order = places.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default();
        Ok((spec.clone(), Self { steps, columns, schema: Arc::new(Schema::new(fields)), key_order }))
    }

    /// The rows of some groups of a window. Groups that HAVING does not let through give none.
    pub fn rows(
        &self,
        layout: &Layout,
        window: i64,
        segment: &Segment,
        slots: &[u32],
    ) -> Result<RecordBatch, EngineError> {
        let group = segment.group_columns(layout, slots)?;
        let columns = layout.output(window, group, &segment.accumulators, slots)?;
        let time = slots.iter().map(|slot| segment.times[*slot as usize]).collect();
        let mut batch = Batch { columns, time, origin: None, tombstones: None };
        for step in &self.steps {
            // Errors are the query's to report; it has done so when it made the row.
            let mut out = Output::default();
            match step {
                OperatorSpec::Filter(f) => Filter::new(f.clone(), EdgeKind::Append).push(batch, &mut out)?,
                OperatorSpec::Project(p) => Project::new(p.clone(), false).push(batch, &mut out)?,
                OperatorSpec::PartitionBy(_)
                | OperatorSpec::FlatMap(_)
                | OperatorSpec::TableFilter(_)
                | OperatorSpec::Undo(_)
                | OperatorSpec::Aggregate(_) => {
                    return Err(EngineError::internal("an operator of streams behind an aggregate"));
                }
            }
            match out.batches.pop() {
                Some(made) => batch = made,
                None => return Ok(RecordBatch::new_empty(self.schema.clone())),
            }
        }
        let rows = batch.num_rows();
        let mut columns: Vec<ArrayRef> = batch.columns.columns().iter().take(self.columns).cloned().collect();
        if let Some(spec) = &layout.spec.window {
            for bound in [window, window.saturating_add(spec.size_ms)] {
                columns.push(Arc::new(Int64Array::from_value(bound, rows)));
            }
        }
        columns.push(Arc::new(Int64Array::new(batch.time, None)));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

/// Whether any column of a key holds a null: no group has such a key.
pub fn has_null(columns: &[ArrayRef]) -> bool {
    columns.iter().any(|c| c.logical_null_count() > 0)
}
