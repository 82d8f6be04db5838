//! Aggregate functions over columns of groups.
//!
//! An [`Accumulator`] holds the state of one call for many groups, as plain vectors indexed by a group's slot. A batch
//! is taken in by one virtual call: the argument array is downcast once, then a loop of a few instructions runs over
//! rows and slots. States of other shapes are [`lists`] and [`tally`], for values of any type.
//!
//! Meaning is ksqlDB's: rows whose argument is null are skipped; COUNT and SUM of no row are 0, AVG of
//! no row is 0.0, MIN and MAX of no row are NULL.

mod avg;
mod by_offset;
mod call;
mod codec;
mod collect;
mod count;
mod distinct;
mod lists;
mod min_max;
mod moments;
mod percentile;
mod slots;
mod sum;
mod sum_list;
mod tally;
#[cfg(test)]
mod tests;
mod top;
mod udaf;

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;

pub use call::{
    AggregateCall, Argument, Built, COLLECTED_MAX, Factory, Options, Overload, ResolvedAggregate, resolve,
    undefined,
};
use collect::Distinct;
pub use udaf::udafs;

static AGGREGATES: LazyLock<Vec<Arc<dyn AggregateFunction>>> = LazyLock::new(|| {
    vec![
        Arc::new(collect::CollectList("ARRAY_AGG")),
        Arc::new(Distinct::Attr),
        Arc::new(avg::Avg),
        Arc::new(collect::CollectList("COLLECT_LIST")),
        Arc::new(Distinct::CollectSet),
        Arc::new(moments::Moment::Correlation),
        Arc::new(count::Count),
        Arc::new(distinct::CountDistinct),
        Arc::new(by_offset::ByOffset { latest: false }),
        Arc::new(Distinct::Histogram),
        Arc::new(by_offset::ByOffset { latest: true }),
        Arc::new(min_max::MinMax { max: true }),
        Arc::new(percentile::Percentile::Median),
        Arc::new(min_max::MinMax { max: false }),
        Arc::new(percentile::Percentile::Cont),
        Arc::new(moments::Moment::StddevSamp),
        Arc::new(moments::Moment::StddevSample),
        Arc::new(collect::StringAgg),
        Arc::new(sum::Sum),
        Arc::new(sum_list::SumList),
        Arc::new(top::Top { distinct: false }),
        Arc::new(top::Top { distinct: true }),
        Arc::new(moments::Moment::VarSamp),
    ]
});

static COUNT_DISTINCT: LazyLock<Arc<dyn AggregateFunction>> = LazyLock::new(|| Arc::new(Distinct::Count));

/// All aggregate functions, in order of their names.
pub fn aggregates() -> &'static [Arc<dyn AggregateFunction>] {
    &AGGREGATES
}

/// The aggregate function of this name, in any case.
pub fn find(name: &str) -> Option<&'static Arc<dyn AggregateFunction>> {
    aggregates().iter().find(|f| f.name().eq_ignore_ascii_case(name))
}

/// What `name(DISTINCT x)` calls. None: there is no such form.
pub fn find_distinct(name: &str) -> Option<&'static Arc<dyn AggregateFunction>> {
    match name {
        "COUNT" => Some(&COUNT_DISTINCT),
        // Values that come again change nothing.
        "MIN" | "MAX" | "COLLECT_SET" => find(name),
        "ARRAY_AGG" => find("COLLECT_SET"),
        _ => None,
    }
}

/// The overloads as text, such as `SUM(value INT) -> INT`.
pub fn signatures(function: &dyn AggregateFunction) -> Vec<String> {
    let name = function.name();
    let more = function.takes_more_columns();
    let text = |signature: &&str| match signature.split_once(", ").filter(|_| more) {
        Some((first, rest)) => format!("{name}{first}, others ANY..., {rest}"),
        None => format!("{name}{signature}"),
    };
    let mut signatures: Vec<String> = function.signatures().iter().map(text).collect();
    if name == "COUNT" {
        signatures.push("COUNT(DISTINCT value T) -> BIGINT".to_owned());
    }
    signatures
}

/// An aggregate function of the registry.
pub trait AggregateFunction: fmt::Debug + Send + Sync {
    /// Upper case.
    fn name(&self) -> &'static str;

    /// One line for SHOW FUNCTIONS.
    fn summary(&self) -> &'static str;

    /// The overloads, written as those of scalar functions are: see [`signature`](super::scalar::signature).
    fn signatures(&self) -> &'static [&'static str];

    /// How many parameters at the end of an overload are constants: they are known when the query is planned.
    fn constants(&self, _overload: usize) -> usize {
        0
    }

    /// Columns of any type may stand behind the first parameter.
    fn takes_more_columns(&self) -> bool {
        false
    }

    /// Whether rows can be taken out again, which aggregation over a table needs.
    fn retracts(&self) -> bool {
        false
    }

    /// Makes a call ready. Errors: what is wrong with a constant, or types whose values cannot be kept.
    fn build(&self, call: &Overload<'_>) -> Result<Built, String>;
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

    /// Takes rows out again that were taken in before. Only functions that say so can.
    fn retract(&mut self, _slots: &[u32], _args: &[ArrayRef], _failed: &mut Vec<(usize, String)>) {
        debug_assert!(false, "{self:?} cannot take rows out");
    }

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
