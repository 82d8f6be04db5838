//! CREATE OR REPLACE … AS SELECT: whether a query can go on under a new statement (dialect 10.8).
//!
//! It keeps its id, its positions and its state, so all that these depend on must stay: what it reads, the key, the
//! columns it has written so far, the grouping and the aggregates.

use std::sync::Arc;

use super::QueryPlan;
use crate::engine::topology::{AggregateSpec, OperatorSpec, StageOutput};
use crate::sql::{SqlError, sqlstate};

/// Errors: 0A000 with what would change.
pub fn check_replace(old: &QueryPlan, new: &QueryPlan) -> Result<(), SqlError> {
    let refuse = |what: &str| {
        Err(SqlError::new(sqlstate::NOT_SUPPORTED, format!("cannot replace the query: {what}"))
            .hint("DROP it and create it anew; its state is computed again"))
    };
    let (Some(old_sink), Some(new_sink)) = (&old.sink, &new.sink) else {
        return refuse("it writes nothing");
    };
    let (before, after) = (&old_sink.source, &new_sink.source);
    if old.reads.name != new.reads.name {
        return refuse("it would read something else");
    }
    if before.kind != after.kind || before.topic != after.topic {
        return refuse("it would write something else");
    }
    if (before.key_format, before.value_format, &before.timestamp)
        != (after.key_format, after.value_format, &after.timestamp)
    {
        return refuse("its formats would change");
    }
    if before.window != after.window {
        return refuse("its window would change");
    }
    if !before.key_columns().eq(after.key_columns()) {
        return refuse("its key would change");
    }
    let kept: Vec<_> = before.value_columns().collect();
    if !after.value_columns().take(kept.len()).eq(kept.iter().copied()) {
        return refuse("columns would be dropped, renamed or moved; new ones go to the end");
    }
    if old.topology.stages.len() != new.topology.stages.len() || exchange(old) != exchange(new) {
        return refuse("rows would be grouped elsewhere");
    }
    match (aggregate(old), aggregate(new)) {
        (None, None) => Ok(()),
        (Some(a), Some(b)) if state(a) == state(b) => Ok(()),
        _ => refuse("its aggregates would change"),
    }
}

fn aggregate(plan: &QueryPlan) -> Option<&Arc<AggregateSpec>> {
    plan.topology.stages.iter().flat_map(|s| &s.operators).find_map(|o| match o {
        OperatorSpec::Aggregate(spec) => Some(spec),
        _ => None,
    })
}

/// All that the layout of the state depends on.
fn state(spec: &AggregateSpec) -> (usize, Vec<&str>, bool, String) {
    let calls = spec.calls.iter().map(|c| c.text.as_str()).collect();
    let last = spec.emit == crate::engine::topology::EmitMode::Final;
    (spec.group, calls, last, format!("{:?}", spec.input))
}

fn exchange(plan: &QueryPlan) -> Option<String> {
    plan.topology.stages.iter().find_map(|s| match &s.output {
        StageOutput::Exchange(exchange) => Some(format!("{exchange:?}")),
        _ => None,
    })
}
