//! DataFusion's SQL planner with our names: tables from the catalog, functions from the registry.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::TableReference;
use datafusion::common::plan_err;
use datafusion::config::ConfigOptions;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::{
    AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use sqlparser::ast as sp;

use super::Tables;
use super::error::sql_error;
use crate::sql::SqlError;

/// A logical plan. `params` are types of parameters as far as they are known.
pub fn plan(
    state: &SessionState,
    tables: &dyn Tables,
    query: sp::Query,
    params: &[Option<DataType>],
) -> std::result::Result<LogicalPlan, SqlError> {
    let names = Names { state, tables };
    let options = ParserOptions::from(&state.config_options().sql_parser);
    let fields = params
        .iter()
        .enumerate()
        .map(|(i, ty)| ty.as_ref().map(|ty| Arc::new(Field::new(format!("${}", i + 1), ty.clone(), true))))
        .collect();
    let mut context = PlannerContext::new();
    if params.iter().any(Option::is_some) {
        context = context.with_prepare_param_data_types(fields);
    }
    SqlToRel::new_with_options(&names, options)
        .sql_statement_to_plan_with_context(sp::Statement::Query(Box::new(query)), &mut context)
        .map_err(|e| sql_error(e, &tables.names()))
}

struct Names<'a> {
    state: &'a SessionState,
    tables: &'a dyn Tables,
}

impl ContextProvider for Names<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let ours = name.schema().is_none_or(|s| s.eq_ignore_ascii_case("public"));
        match self.tables.table(name.table()).filter(|_| ours) {
            Some(table) => Ok(provider_as_source(table)),
            None => plan_err!("table '{name}' not found"),
        }
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        let table = datafusion::datasource::cte_worktable::CteWorkTable::new(name, schema);
        Ok(provider_as_source(Arc::new(table)))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
