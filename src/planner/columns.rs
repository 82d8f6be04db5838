//! Columns of physical expressions: reading only those that a query uses.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;

use super::expr::{Bound, ScopeColumn};
use super::relation::Relation;
use super::select::edge_of;
use crate::engine::topology::SourceSpec;
use crate::sql::SqlError;

pub fn column_expr(name: &str, index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(name, index))
}

pub fn bound_column(index: usize, column: &ScopeColumn) -> Bound {
    Bound { expr: column_expr(&column.name, index), ty: Some(column.ty.clone()), text: column.name.clone() }
}

/// The index of an expression that is a column and nothing else.
pub fn plain_column(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    expr.downcast_ref::<Column>().map(|c| c.index())
}

/// A rewriting of expressions over a relation's whole scope into ones over the narrowed edge.
pub type Remap = Box<dyn Fn(Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>, SqlError>>;

/// The source with just the columns that the expressions use.
pub fn narrow(relation: &Relation, used: &[Arc<dyn PhysicalExpr>]) -> Result<(SourceSpec, Remap), SqlError> {
    let mut wanted: BTreeSet<usize> = used.iter().flat_map(collect_columns).map(|c| c.index()).collect();
    if wanted.is_empty() {
        // A batch must have a length: ROWTIME is the cheapest column.
        wanted.extend(relation.scope.columns.iter().position(|c| c.name == "ROWTIME"));
    }
    let mut columns = Vec::with_capacity(wanted.len());
    let mut fields = Vec::with_capacity(wanted.len());
    let mut positions = HashMap::new();
    for index in wanted {
        let (Some(field), Some(column)) = (relation.fields.get(index), relation.scope.columns.get(index))
        else {
            return Err(SqlError::internal(format!("no column {index} in the scope")));
        };
        positions.insert(index, columns.len());
        columns.push(*field);
        fields.push(Field::new(&column.name, column.ty.arrow(), true));
    }
    let spec = SourceSpec {
        source: relation.source.clone(),
        columns,
        schema: Arc::new(Schema::new(fields)),
        edge: edge_of(&relation.source),
        headers: false,
    };
    let remap = move |expr: Arc<dyn PhysicalExpr>| {
        expr.transform_down(|e| match e.downcast_ref::<Column>() {
            Some(column) => match positions.get(&column.index()) {
                Some(position) => Ok(Transformed::yes(column_expr(column.name(), *position))),
                None => Ok(Transformed::no(e)),
            },
            None => Ok(Transformed::no(e)),
        })
        .map(|t| t.data)
        .map_err(SqlError::internal)
    };
    Ok((spec, Box::new(remap)))
}
