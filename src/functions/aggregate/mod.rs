//! Aggregate functions over columns of groups.
//!
//! An [`Accumulator`] holds the state of one call for many groups, as plain vectors indexed by a group's slot. A batch
//! is taken in by one virtual call: the argument array is downcast once, then a loop of a few instructions runs over
//! rows and slots. Meaning is ksqlDB's: rows whose argument is null are skipped; COUNT and SUM of no row are 0, AVG of
//! no row is 0.0, MIN and MAX of no row are NULL.

mod avg;
mod count;
mod min_max;
mod slots;
mod sum;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;

use crate::sql::SqlType;

static AGGREGATES: LazyLock<[Arc<dyn AggregateFunction>; 5]> = LazyLock::new(|| {
    [
        Arc::new(avg::Avg),
        Arc::new(count::Count),
        Arc::new(min_max::MinMax { max: true }),
        Arc::new(min_max::MinMax { max: false }),
        Arc::new(sum::Sum),
    ]
});

/// All aggregate functions, in order of their names.
pub fn aggregates() -> &'static [Arc<dyn AggregateFunction>] {
    &*AGGREGATES
}

/// The aggregate function of this name, in any case.
pub fn find(name: &str) -> Option<&'static Arc<dyn AggregateFunction>> {
    aggregates().iter().find(|f| f.name().eq_ignore_ascii_case(name))
}

/// An aggregate function of the registry.
pub trait AggregateFunction: fmt::Debug + Send + Sync {
    /// Upper case.
    fn name(&self) -> &'static str;

    /// One line for SHOW FUNCTIONS.
    fn summary(&self) -> &'static str;

    /// The result's type for arguments of these types, or None where there is no such overload. COUNT(*) has no argument.
    fn return_type(&self, args: &[SqlType]) -> Option<SqlType>;

    /// The overloads as text for error hints, such as `SUM(BIGINT)`.
    fn signatures(&self) -> &'static [&'static str];

    /// State for arguments of these types. Asked only where `return_type` gave a type.
    fn accumulator(&self, args: &[SqlType]) -> Box<dyn Accumulator>;
}

/// A call of an aggregate with its argument columns resolved.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    pub function: Arc<dyn AggregateFunction>,
    /// Columns of the aggregate's input edge, with their types.
    pub args: Vec<(usize, SqlType)>,
    pub return_type: SqlType,
    /// As written, for EXPLAIN.
    pub text: String,
}

/// The state of one aggregate for many groups, a group being a slot number. Columnar: one virtual call a batch,
/// not a row. Cheap to clone is not needed; `clone_box` is for copy-on-write segments.
pub trait Accumulator: fmt::Debug + Send + Sync {
    /// Makes slots up to `slots` exist; new ones hold the state of no row.
    fn resize(&mut self, slots: usize);

    /// Back to the state of no row.
    fn reset(&mut self, slots: &[u32]);

    /// Takes rows in: row i goes to `slots[i]`. `args` are as long as `slots`. A row that cannot be taken in (a sum
    /// that overflows) leaves its slot as it was and is reported by its index.
    fn update(&mut self, slots: &[u32], args: &[ArrayRef], failed: &mut Vec<(usize, String)>);

    /// Copies whole states from another accumulator of the same make: `from[i]` of `other` to `to[i]` here.
    fn copy_from(&mut self, to: &[u32], other: &dyn Accumulator, from: &[u32]);

    /// The states as columns, to be kept; a fixed number and fixed types for an aggregate and its argument types.
    fn state(&self, slots: &[u32]) -> Vec<ArrayRef>;

    /// The inverse of `state`. Errors: columns of another make.
    fn load(&mut self, slots: &[u32], state: &[ArrayRef]) -> Result<(), String>;

    /// The number of columns that `state` gives.
    fn state_columns(&self) -> usize;

    /// The results, in the Arrow form of the return type.
    fn evaluate(&self, slots: &[u32]) -> ArrayRef;

    /// Memory held, in bytes, roughly.
    fn bytes(&self) -> usize;

    fn clone_box(&self) -> Box<dyn Accumulator>;

    fn as_any(&self) -> &dyn std::any::Any;
}
