//! Nodes that keep a failure from spreading to rows that do not depend on it.
//!
//! DataFusion's AND and OR evaluate their right side on all rows unless the left side decides nearly all of them. Where the
//! right side can fail, [`Logical`] asks it again, about the undecided rows only; good batches cost nothing more.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{and_kleene, concat, not, or_kleene};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
};

/// AND or OR over operands in their order, as a balanced tree. None: no operand.
pub fn logical(op: Operator, mut operands: Vec<Arc<dyn PhysicalExpr>>) -> Option<Arc<dyn PhysicalExpr>> {
    if operands.len() <= 1 {
        return operands.pop();
    }
    let right = operands.split_off(operands.len() / 2);
    let (left, right) = (logical(op, operands)?, logical(op, right)?);
    if infallible(&right) {
        return Some(Arc::new(BinaryExpr::new(left, op, right)));
    }
    Some(Arc::new(Logical { plain: BinaryExpr::new(left.clone(), op, right.clone()), left, right, op }))
}

/// The expression, with NULL in rows where it fails.
pub fn null_on_failure(expr: Arc<dyn PhysicalExpr>, ty: DataType) -> Arc<dyn PhysicalExpr> {
    if infallible(&expr) { expr } else { Arc::new(NullOnFailure { expr, ty }) }
}

/// Whether no row can fail.
fn infallible(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let node = expr.is::<Column>()
        || expr.is::<Literal>()
        || expr.is::<IsNullExpr>()
        || expr.is::<IsNotNullExpr>()
        || expr.is::<NotExpr>()
        || expr.is::<InListExpr>()
        || expr.is::<LikeExpr>()
        || expr.is::<NullOnFailure>()
        || expr.downcast_ref::<BinaryExpr>().is_some_and(|b| !b.op().is_numerical_operators());
    node && expr.children().into_iter().all(|child| expr.is::<NullOnFailure>() || infallible(child))
}

/// AND or OR whose right side can fail.
#[derive(Debug, Eq)]
struct Logical {
    left: Arc<dyn PhysicalExpr>,
    right: Arc<dyn PhysicalExpr>,
    op: Operator,
    /// The same as DataFusion evaluates it.
    plain: BinaryExpr,
}

// Not derived: derived code would move out of the `Arc<dyn PhysicalExpr>`s.
impl PartialEq for Logical {
    fn eq(&self, other: &Self) -> bool {
        self.plain == other.plain
    }
}

impl Hash for Logical {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.plain.hash(state);
    }
}

impl fmt::Display for Logical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plain.fmt(f)
    }
}

impl PhysicalExpr for Logical {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if let Ok(result) = self.plain.evaluate(batch) {
            return Ok(result);
        }
        let left = self.left.evaluate(batch)?.into_array(batch.num_rows())?;
        let left = boolean(&left)?;
        let settles = if self.op == Operator::And { not(left)? } else { left.clone() };
        let undecided: BooleanArray = settles.iter().map(|settled| Some(settled != Some(true))).collect();
        let right = self.right.evaluate_selection(batch, &undecided)?.into_array(batch.num_rows())?;
        let right = boolean(&right)?;
        let result =
            if self.op == Operator::And { and_kleene(left, right)? } else { or_kleene(left, right)? };
        Ok(ColumnarValue::Array(Arc::new(result)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.left, &self.right]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 2]>::try_from(children) {
            Ok([left, right]) => Ok(Arc::new(Logical {
                plain: BinaryExpr::new(left.clone(), self.op, right.clone()),
                left,
                right,
                op: self.op,
            })),
            Err(_) => Err(exec_datafusion_err!("{} has two operands", self.op)),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plain.fmt_sql(f)
    }
}

fn boolean(array: &ArrayRef) -> Result<&BooleanArray> {
    array.as_boolean_opt().ok_or_else(|| exec_datafusion_err!("{} is no BOOLEAN", array.data_type()))
}

/// The argument of a function that is there to replace NULL.
#[derive(Debug, Eq)]
struct NullOnFailure {
    expr: Arc<dyn PhysicalExpr>,
    ty: DataType,
}

impl PartialEq for NullOnFailure {
    fn eq(&self, other: &Self) -> bool {
        self.expr.as_ref() == other.expr.as_ref() && self.ty == other.ty
    }
}

impl Hash for NullOnFailure {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expr.hash(state);
    }
}

impl NullOnFailure {
    /// By bisection: a batch without failures is evaluated once.
    fn evaluate_range(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        match self.expr.evaluate(batch) {
            Ok(value) => value.into_array(batch.num_rows()),
            Err(_) if batch.num_rows() <= 1 => Ok(new_null_array(&self.ty, batch.num_rows())),
            Err(_) => {
                let half = batch.num_rows() / 2;
                let first = self.evaluate_range(&batch.slice(0, half))?;
                let second = self.evaluate_range(&batch.slice(half, batch.num_rows() - half))?;
                Ok(concat(&[first.as_ref(), second.as_ref()])?)
            }
        }
    }
}

impl fmt::Display for NullOnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl PhysicalExpr for NullOnFailure {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(self.ty.clone())
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.expr.evaluate(batch) {
            Ok(value) => Ok(value),
            Err(_) => self.evaluate_range(batch).map(ColumnarValue::Array),
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.expr]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 1]>::try_from(children) {
            Ok([expr]) => Ok(Arc::new(NullOnFailure { expr, ty: self.ty.clone() })),
            Err(_) => Err(exec_datafusion_err!("one operand is needed")),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt_sql(f)
    }
}
