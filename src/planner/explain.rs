//! EXPLAIN: a plan as text.
//!
//! The logical plan is a tree, the result on top, each operator above what it reads. The topology lists the
//! stages in the order that a record passes them.

use std::fmt::Write;

use super::QueryPlan;
use crate::catalog::WindowSpec;
use crate::engine::topology::{AggregateSpec, EmitMode, OperatorSpec, SinkSpec, StageOutput};
use crate::formats::SourceColumn;

/// The lines of EXPLAIN.
pub fn explain(plan: &QueryPlan, partitions: Option<i32>) -> Vec<String> {
    let mut lines = vec!["Logical plan".to_owned()];
    for (depth, line) in logical(plan).into_iter().enumerate() {
        lines.push(format!("  {}{line}", "  ".repeat(depth)));
    }
    lines.push("Topology".to_owned());
    topology(plan, partitions, &mut lines);
    lines
}

fn logical(plan: &QueryPlan) -> Vec<String> {
    let mut lines = Vec::new();
    match &plan.sink {
        Some(sink) => lines.push(format!("{} {}", title(sink.source.kind), sink.source.name)),
        None => lines.push(match plan.limit {
            Some(limit) => format!("Rows to the client, at most {limit}"),
            None => "Rows to the client".to_owned(),
        }),
    }
    for stage in plan.topology.stages.iter().rev() {
        for operator in stage.operators.iter().rev() {
            lines.push(operator_line(operator));
        }
    }
    lines.push(format!("{} {}", title(plan.reads.kind), plan.reads.name));
    lines
}

fn topology(plan: &QueryPlan, partitions: Option<i32>, lines: &mut Vec<String>) {
    let tasks = match partitions {
        Some(1) => "1 task".to_owned(),
        Some(n) => format!("{n} tasks"),
        None => "a task a partition".to_owned(),
    };
    for (number, stage) in plan.topology.stages.iter().enumerate() {
        lines.push(format!("  Stage {number} ({tasks})"));
        if number == 0 {
            let source = &plan.topology.source;
            let columns: Vec<String> = source.columns.iter().map(|c| source_column(plan, *c)).collect();
            let reads = &source.source;
            lines.push(format!(
                "    Source: topic {}, key {}, value {}, columns {}",
                reads.topic,
                reads.key_format,
                reads.value_format,
                columns.join(", ")
            ));
        }
        for operator in &stage.operators {
            lines.push(format!("    {}", operator_line(operator)));
        }
        lines.push(format!("    {}", output_line(&stage.output)));
    }
}

fn source_column(plan: &QueryPlan, column: SourceColumn) -> String {
    match column {
        SourceColumn::Column(index) => {
            plan.reads.columns.get(index).map_or_else(|| index.to_string(), |c| c.name.clone())
        }
        SourceColumn::RowTime => "ROWTIME".into(),
        SourceColumn::RowPartition => "ROWPARTITION".into(),
        SourceColumn::RowOffset => "ROWOFFSET".into(),
        SourceColumn::WindowStart => "WINDOWSTART".into(),
        SourceColumn::WindowEnd => "WINDOWEND".into(),
        SourceColumn::Header(index) => {
            plan.reads.headers.get(index).map_or_else(|| index.to_string(), |c| c.name.clone())
        }
    }
}

fn operator_line(operator: &OperatorSpec) -> String {
    match operator {
        OperatorSpec::Filter(filter) => format!("Filter: {}", filter.text),
        OperatorSpec::Project(project) => format!("Project: {}", project.texts.join(", ")),
        OperatorSpec::PartitionBy(partition_by) => format!("Partition by: {}", partition_by.text),
        OperatorSpec::FlatMap(flat_map) => format!("Flat map: {}", flat_map.texts.join(", ")),
        OperatorSpec::TableFilter(spec) => format!("Filter, remembering keys: {}", spec.filter.text),
        OperatorSpec::Undo(_) => "Take old rows out".to_owned(),
        OperatorSpec::Aggregate(aggregate) => aggregate_line(aggregate),
    }
}

fn aggregate_line(aggregate: &AggregateSpec) -> String {
    let fields = aggregate.input.fields();
    let groups: Vec<_> = fields.iter().take(aggregate.group).map(|f| f.name().as_str()).collect();
    let calls: Vec<_> = aggregate.calls.iter().map(|c| c.text.as_str()).collect();
    let mut line = format!("Aggregate: {} by {}", calls.join(", "), groups.join(", "));
    if let Some(window) = &aggregate.window {
        let _ = write!(line, ", {}", window_text(window));
    }
    if let Some(having) = &aggregate.having {
        let _ = write!(line, ", having {}", having.text);
    }
    line.push_str(match aggregate.emit {
        EmitMode::EveryChange => ", emit every change",
        EmitMode::PerEpoch => ", emit changes, the last of a key in each epoch",
        EmitMode::Final => ", emit final",
    });
    line
}

/// A window as DESCRIBE and EXPLAIN show it.
pub fn window_text(window: &WindowSpec) -> String {
    if window.session {
        return "session windows".to_owned();
    }
    let kind = if window.size_ms == window.advance_ms {
        format!("tumbling window of {} ms", window.size_ms)
    } else {
        format!("hopping window of {} ms every {} ms", window.size_ms, window.advance_ms)
    };
    format!("{kind}, grace {} ms, retention {} ms", window.grace_ms, window.retention_ms)
}

fn output_line(output: &StageOutput) -> String {
    match output {
        StageOutput::Exchange(exchange) => {
            let keys: Vec<_> = exchange.keys.iter().map(|k| k.name.as_str()).collect();
            format!("Exchange: murmur2 of {} as {}", keys.join(", "), exchange.format)
        }
        StageOutput::Sink(sink) => sink_line(sink),
        StageOutput::Rows { .. } => "Rows to the client".to_owned(),
    }
}

fn sink_line(sink: &SinkSpec) -> String {
    format!(
        "Sink: topic {}, {} partition{}, key {}{}, value {}",
        sink.topic,
        sink.partitions,
        if sink.partitions == 1 { "" } else { "s" },
        sink.key_format,
        if sink.windowed { " and window start" } else { "" },
        sink.value_format
    )
}

fn title(kind: crate::sql::ast::SourceKind) -> &'static str {
    match kind {
        crate::sql::ast::SourceKind::Stream => "Stream",
        crate::sql::ast::SourceKind::Table => "Table",
    }
}
