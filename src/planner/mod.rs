//! Analysed statement to logical plan to topology of operators.
//!
//! Everything that can be wrong with a statement is found here, before anything is changed, with its place in
//! the text. The planner does no I/O: what it must know of topics is in its [`Context`].

mod aggregate;
mod alter;
mod columns;
mod create;
mod defaults;
mod drop;
pub mod explain;
mod explode;
pub mod expr;
mod insert;
mod items;
mod named_type;
mod naming;
mod partition;
mod relation;
mod replace;
mod select;
mod sink;
mod with;
mod with_format;
mod with_window;

use crate::catalog::{Catalog, Column, Format};
use crate::engine::topology::EmitMode;
use crate::formats::{check_format, check_keys};
use crate::sql::SqlError;

pub use alter::plan_alter;
pub use create::{SourcePlan, plan_create};
pub use defaults::Defaults;
pub use drop::plan_drop;
pub use insert::{
    InsertColumn, InsertPlan, check_null, insert_columns, insert_params, insert_schema, insert_target,
    plan_insert,
};
pub use named_type::{plan_create_type, plan_drop_type};
pub use relation::unknown_source;
pub use replace::{Existing, check_replace, check_replace_declared, existing, replaced_query};
pub use select::{QueryPlan, plan_create_as, plan_insert_select, plan_persistent, plan_push};
pub use sink::SinkPlan;

/// What a statement is planned against.
pub struct Context<'a> {
    pub catalog: &'a Catalog,
    /// The number of partitions of a topic, None where it does not exist.
    pub partitions: &'a (dyn Fn(&str) -> Option<i32> + Sync),
    /// False where `cache.max.bytes.buffering` is 0: then every change of a table is emitted.
    pub coalesce: bool,
    /// What statements mean where they leave something out.
    pub defaults: &'a Defaults,
}

impl Context<'_> {
    fn emit_changes(&self) -> EmitMode {
        if self.coalesce { EmitMode::PerEpoch } else { EmitMode::EveryChange }
    }
}

/// A topic that a stream or table needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    pub name: String,
    /// None: it must exist.
    pub partitions: Option<i32>,
    pub replicas: Option<i16>,
    /// A table's topic keeps the last record of each key.
    pub compact: bool,
    /// How long a topic that is made for it keeps records; None leaves it to the broker.
    pub retention_ms: Option<i64>,
}

/// Whether the formats can carry the columns.
fn check_formats(columns: &[Column], key: Format, value: Format) -> Result<(), SqlError> {
    let (keys, values): (Vec<_>, Vec<_>) = columns.iter().cloned().partition(|c| c.key);
    check_keys(&keys)?;
    check_format(&keys, key).map_err(|error| match key {
        Format::Kafka => error.hint("add KEY_FORMAT = 'JSON', which holds any key"),
        _ => error,
    })?;
    check_format(&values, value)
}
