//! SELECT without EMIT: any SQL of DataFusion's over snapshots of tables and scans of streams, in Postgres' dialect.
//!
//! A query is planned in two steps. [`AdHoc::prepare`] turns the syntax tree into a logical plan: names and types are
//! checked, parameters get their types. [`AdHoc::run`] puts the values in, optimises and executes; tables are looked at
//! only then, so a prepared query sees the present. Memory is bounded for all queries together; results are not collected
//! but flow as the client reads.
//!
//! Unquoted names arrive in upper case from our parser, so DataFusion's own folding is off; functions are found in lower case.

mod error;
mod facts;
mod lookup;
mod names;
mod provider;
mod table;
#[cfg(test)]
mod tests;
mod times;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;
use futures::{StreamExt, TryStreamExt};
use sqlparser::ast as sp;

pub use error::sql_error;
pub use facts::Facts;
pub use table::{KeyedTable, Snapshot, SnapshotSource, StreamTable, WindowRange};

use crate::server::session::{RowStream, RowTag};
use crate::sql::SqlError;

/// Rows in a batch.
const BATCH_ROWS: usize = 8_192;
/// Partitions of a plan: ad-hoc queries share the machine with the continuous ones.
const TARGET_PARTITIONS: usize = 2;

/// Finds what a query reads.
pub trait Tables: Send + Sync {
    /// By its name in the catalog; unquoted names are in upper case.
    fn table(&self, name: &str) -> Option<Arc<dyn TableProvider>>;
    /// For hints.
    fn names(&self) -> Vec<String>;
}

/// The engine of ad-hoc queries; one for the server.
pub struct AdHoc {
    state: SessionState,
}

/// A query that may be run, any number of times.
pub struct Prepared {
    /// The types of `$1 …`.
    pub params: Vec<DataType>,
    /// The columns, named as Postgres would.
    pub schema: SchemaRef,
    /// Whether the plan means the same later. Not so if it holds facts of the session, such as a parameter's value.
    pub reusable: bool,
    plan: LogicalPlan,
    /// A look-up by the whole key needs neither optimiser nor executor.
    lookup: Option<lookup::Lookup>,
}

impl AdHoc {
    /// `memory_bytes` is what all queries together may hold in joins, sorts and groups.
    pub fn new(memory_bytes: usize) -> Result<Self, SqlError> {
        let mut config = SessionConfig::new()
            .with_target_partitions(TARGET_PARTITIONS)
            .with_batch_size(BATCH_ROWS)
            .with_information_schema(false);
        let parser = &mut config.options_mut().sql_parser;
        parser.enable_ident_normalization = false;
        parser.parse_float_as_decimal = true;
        parser.map_string_types_to_utf8view = false;
        parser.collect_spans = true;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)))
            .build_arc()
            .map_err(|e| sql_error(e, &[]))?;
        let mut state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        crate::functions::register_all(&mut state).map_err(|e| sql_error(e, &[]))?;
        Ok(Self { state })
    }

    /// Checks and plans a query. `declared` are the parameter types that the client insists on.
    pub fn prepare(
        &self,
        query: &sp::Query,
        facts: &Facts<'_>,
        tables: &dyn Tables,
        declared: &[Option<DataType>],
    ) -> Result<Prepared, SqlError> {
        if !query.locks.is_empty() {
            return Err(SqlError::not_supported("FOR UPDATE and FOR SHARE: nothing can be locked"));
        }
        let mut query = query.clone();
        names::assign(&mut query);
        times::replace(&mut query);
        let reusable = !facts.replace(&mut query)?;
        let first = provider::plan(&self.state, tables, query.clone(), declared)?;
        let params = parameter_types(&first, declared)?;
        let plan = if params.is_empty() {
            first
        } else {
            let known: Vec<_> = params.iter().cloned().map(Some).collect();
            provider::plan(&self.state, tables, query.clone(), &known)?
        };
        let fields: Vec<Field> = plan
            .schema()
            .fields()
            .iter()
            .map(|f| Field::new(names::shown(f.name()), f.data_type().clone(), f.is_nullable()))
            .collect();
        let lookup = lookup::Lookup::of(&query, tables);
        Ok(Prepared { params, schema: Arc::new(Schema::new(fields)), reusable, plan, lookup })
    }

    /// Runs a query with values for its parameters.
    pub async fn run(&self, prepared: &Prepared, params: &[ScalarValue]) -> Result<RowStream, SqlError> {
        let schema = prepared.schema.clone();
        if let Some(lookup) = &prepared.lookup
            && let Some(batch) = lookup.run(params, &schema)?
        {
            let batches = futures::stream::iter([Ok(batch)]).boxed();
            return Ok(RowStream { schema, batches, live: false, tag: RowTag::Counted("SELECT") });
        }
        let mut plan = prepared.plan.clone();
        if !prepared.params.is_empty() {
            plan =
                plan.with_param_values(ParamValues::from(params.to_vec())).map_err(|e| sql_error(e, &[]))?;
        }
        // What now() and CURRENT_DATE are for this query.
        let mut state = self.state.clone();
        state.mark_start_execution();
        let physical = state.create_physical_plan(&plan).await.map_err(|e| sql_error(e, &[]))?;
        #[allow(
            clippy::disallowed_methods,
            reason = "its operators may hold rows back, but an ad-hoc query has an end"
        )]
        let stream = datafusion::physical_plan::execute_stream(physical, state.task_ctx())
            .map_err(|e| sql_error(e, &[]))?;
        let out = schema.clone();
        let batches = stream
            .map_err(|e| sql_error(e, &[]))
            .map(move |batch| batch.and_then(|batch| shaped(&batch, &out)))
            .boxed();
        Ok(RowStream { schema, batches, live: false, tag: RowTag::Counted("SELECT") })
    }

    /// The plan as text, one line each: for EXPLAIN.
    pub async fn explain(&self, prepared: &Prepared) -> Result<Vec<String>, SqlError> {
        let optimized = self.state.optimize(&prepared.plan).map_err(|e| sql_error(e, &[]))?;
        let mut lines: Vec<String> =
            prepared.lookup.iter().map(|_| "Look-up by key, which stands for".to_owned()).collect();
        lines.extend(optimized.display_indent().to_string().lines().map(str::to_owned));
        Ok(lines)
    }
}

/// A batch under the names and types that were announced.
fn shaped(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SqlError> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(array, field)| {
        if array.data_type() == field.data_type() {
            Ok(array.clone())
        } else {
            cast(array, field.data_type())
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(SqlError::internal)?;
    // What DataFusion calls not nullable may turn out to be null after a cast; clients do not care.
    let fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(SqlError::internal)
}

/// Types by position: declared, else inferred from where the parameter stands, else text.
fn parameter_types(plan: &LogicalPlan, declared: &[Option<DataType>]) -> Result<Vec<DataType>, SqlError> {
    let inferred: HashMap<String, Option<DataType>> =
        plan.get_parameter_types().map_err(|e| sql_error(e, &[]))?;
    let mut count = declared.len();
    for name in inferred.keys() {
        match name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) {
            Some(n @ 1..=65_535) => count = count.max(n),
            _ => {
                return Err(SqlError::new("42P02", format!("there is no parameter {name}"))
                    .hint("parameters are written $1, $2, …"));
            }
        }
    }
    let one = |i: usize| {
        declared.get(i).cloned().flatten().or_else(|| inferred.get(&format!("${}", i + 1)).cloned().flatten())
    };
    Ok((0..count).map(|i| one(i).unwrap_or(DataType::Utf8)).collect())
}
