//! CREATE over what exists: IF NOT EXISTS and OR REPLACE (dialect 10.8).
//!
//! A query that is replaced keeps its id, its positions and its state, so all that these depend on must stay: what it
//! reads, the key, the columns it has written so far, the grouping and the aggregates. A declaration may get columns at its
//! end. What reads the result is not planned anew.

use std::sync::Arc;

use super::QueryPlan;
use crate::catalog::{Catalog, QueryDef, Source};
use crate::engine::topology::{AggregateSpec, OperatorSpec, StageOutput};
use crate::sql::ast::Name;
use crate::sql::{SqlError, sqlstate};

/// What a CREATE finds under its name.
#[derive(Debug)]
pub enum Existing {
    Nothing,
    /// IF NOT EXISTS: there is one, whatever it looks like.
    Skip,
    Replace(Arc<Source>),
}

/// Looks for what a CREATE of this name meets.
///
/// Errors: 42P07 where there is one and neither OR REPLACE nor IF NOT EXISTS is given, 42809 where it cannot be replaced.
pub fn existing(
    catalog: &Catalog,
    name: &Name,
    or_replace: bool,
    if_not_exists: bool,
) -> Result<Existing, SqlError> {
    let Some(there) = catalog.source(&name.value) else { return Ok(Existing::Nothing) };
    if if_not_exists {
        return Ok(Existing::Skip);
    }
    let fixed = match () {
        () if !or_replace => None,
        () if there.internal => Some("it is the server's own"),
        () if there.read_only => Some("it was declared with SOURCE"),
        () => return Ok(Existing::Replace(there.clone())),
    };
    Err(match fixed {
        Some(why) => SqlError::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("cannot replace {} \"{}\": {why}", there.kind, there.name),
        )
        .hint("DROP it first"),
        None => SqlError::new(
            sqlstate::DUPLICATE_TABLE,
            format!("{} \"{}\" already exists", there.kind, there.name),
        )
        .hint("use CREATE OR REPLACE to change it, or DROP it first"),
    }
    .at(Some(name.position)))
}

/// Whether a declared stream or table can get this new declaration: columns may be added at the end.
///
/// Errors: 42P16 with what would change.
pub fn check_replace_declared(there: &Source, new: &Source) -> Result<(), SqlError> {
    let refuse = |what: &str| {
        Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("cannot replace {} \"{}\": {what}", there.kind, there.name),
        )
        .hint("DROP it first; its topic stays"))
    };
    if there.query.is_some() {
        return refuse("it is the result of a query, not a declaration");
    }
    if there.kind != new.kind {
        return refuse(&format!("it would become a {}", new.kind));
    }
    if there.topic != new.topic {
        return refuse("its topic would change");
    }
    if (there.key_format, there.value_format) != (new.key_format, new.value_format) {
        return refuse("its formats would change");
    }
    if there.window != new.window {
        return refuse("its window would change");
    }
    if there.timestamp != new.timestamp {
        return refuse("its timestamp would change");
    }
    if !there.key_columns().eq(new.key_columns()) {
        return refuse("its key would change");
    }
    let kept: Vec<_> = there.value_columns().collect();
    if !new.value_columns().take(kept.len()).eq(kept.iter().copied()) {
        return refuse(
            "columns would be dropped, renamed, moved or get another type; new ones go to the end",
        );
    }
    Ok(())
}

/// The query that a CREATE OR REPLACE … AS SELECT replaces: the one that made the stream or table and alone writes it.
///
/// Errors: 42809 for a declared one, 0A000 where several queries write it.
pub fn replaced_query(there: &Source, catalog: &Catalog) -> Result<Arc<QueryDef>, SqlError> {
    let Some(def) = there.query.as_deref().and_then(|id| catalog.query(id)) else {
        let message = format!("\"{}\" is not the result of a query", there.name);
        return Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message).hint("DROP it first"));
    };
    let others: Vec<_> =
        catalog.writers_of(&there.name).filter(|q| q.id != def.id).map(|q| q.id.clone()).collect();
    if !others.is_empty() {
        return Err(SqlError::new(
            sqlstate::NOT_SUPPORTED,
            format!("cannot replace the query: others write into \"{}\", too", there.name),
        )
        .detail(format!("written by {}", others.join(", ")))
        .hint("TERMINATE them first"));
    }
    Ok(def.clone())
}

/// Whether the query of the first plan can go on as the second one.
///
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
    if before.window.is_some() {
        return refuse("it aggregates over windows");
    }
    if !before.key_columns().eq(after.key_columns()) {
        return refuse("its key would change");
    }
    let kept: Vec<_> = before.value_columns().collect();
    if !after.value_columns().take(kept.len()).eq(kept.iter().copied()) {
        return refuse(
            "columns would be dropped, renamed, moved or get another type; new ones go to the end",
        );
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
