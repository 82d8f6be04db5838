//! Table functions in SELECT: a projection that computes the arrays, and a flat map that takes them apart.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;

use super::columns::{bound_column, column_expr};
use super::expr::{Bound, Exploding, Scope};
use crate::engine::topology::{FlatMapSpec, OperatorSpec, ProjectSpec};
use crate::sql::{SqlError, SqlType};

/// What stands between the source and SELECT.
pub(super) struct FlatMapPlan {
    /// Over the source's scope: the columns that SELECT uses, then the arrays.
    pub inputs: Vec<Bound>,
    arrays_from: usize,
    /// From the extended scope of [`Exploding`] to the edge behind the flat map.
    places: HashMap<usize, usize>,
}

impl FlatMapPlan {
    /// None where there is no table function. `used` are SELECT's expressions over the extended scope.
    pub fn new<'a>(
        exploding: Exploding,
        scope: &Scope,
        used: impl IntoIterator<Item = &'a Arc<dyn PhysicalExpr>>,
    ) -> Option<Self> {
        if exploding.arrays.is_empty() {
            return None;
        }
        let used: BTreeSet<usize> =
            used.into_iter().flat_map(collect_columns).map(|column| column.index()).collect();
        let own = scope.columns.len();
        let mut places = HashMap::new();
        let mut inputs = Vec::new();
        for index in used.into_iter().filter(|index| *index < own) {
            if let Some(column) = scope.columns.get(index) {
                places.insert(index, inputs.len());
                inputs.push(bound_column(index, column));
            }
        }
        let arrays_from = inputs.len();
        places.extend((0..exploding.arrays.len()).map(|i| (own + i, arrays_from + i)));
        inputs.extend(exploding.arrays);
        Some(Self { inputs, arrays_from, places })
    }

    /// The operators; `inputs` are its expressions over the edge of the source.
    pub fn operators(&self, inputs: Vec<Arc<dyn PhysicalExpr>>) -> Result<[OperatorSpec; 2], SqlError> {
        let texts: Vec<String> = self.inputs.iter().map(|input| input.text.clone()).collect();
        let project = ProjectSpec {
            exprs: inputs,
            schema: self.schema(|ty, _| ty)?,
            not_null: Vec::new(),
            texts: texts.clone(),
        };
        let element = |ty, array| match ty {
            SqlType::Array(element) if array => *element,
            ty => ty,
        };
        let flat_map = FlatMapSpec {
            arrays_from: self.arrays_from,
            schema: self.schema(element)?,
            texts: texts.into_iter().skip(self.arrays_from).collect(),
        };
        Ok([OperatorSpec::Project(project), OperatorSpec::FlatMap(flat_map)])
    }

    /// An expression over the extended scope as one over the edge behind the flat map.
    pub fn remap(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>, SqlError> {
        let moved = expr.transform_down(|e| {
            let place = e.downcast_ref::<Column>().and_then(|column| {
                self.places.get(&column.index()).map(|place| column_expr(column.name(), *place))
            });
            Ok(place.map_or_else(|| Transformed::no(e.clone()), Transformed::yes))
        });
        moved.map(|moved| moved.data).map_err(SqlError::internal)
    }

    fn schema(&self, column: impl Fn(SqlType, bool) -> SqlType) -> Result<SchemaRef, SqlError> {
        let mut fields = Vec::with_capacity(self.inputs.len());
        for (i, input) in self.inputs.iter().enumerate() {
            let ty =
                input.ty.clone().ok_or_else(|| SqlError::internal("an input of a flat map has no type"))?;
            // Two arrays may have the same text.
            let name = if i < self.arrays_from { input.text.clone() } else { format!("ROWS_{i}") };
            fields.push(Field::new(name, column(ty, i >= self.arrays_from).arrow(), true));
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}
