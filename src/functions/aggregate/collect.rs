//! COLLECT_LIST and its standard name ARRAY_AGG, COLLECT_SET, STRING_AGG, ATTR, HISTOGRAM and COUNT(DISTINCT x).

use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::AggregateFunction;
use super::call::{Built, Factory, Overload};
use super::codec::Codec;
use super::lists::{self, Keep, Lists};
use super::tally::{self, Tallies};

/// COLLECT_LIST, ARRAY_AGG.
#[derive(Debug)]
pub struct CollectList(pub &'static str);

impl AggregateFunction for CollectList {
    fn name(&self) -> &'static str {
        self.0
    }

    fn summary(&self) -> &'static str {
        "All values in an array, in the order in which they came, NULLs too; as many as collect_list.limit allows"
    }

    fn signatures(&self) -> &'static [&'static str] {
        &["(value T) -> ARRAY<T>"]
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let ty = call.columns.first().ok_or("an argument is missing")?;
        let keep = Keep::First(call.options.collect_list_max);
        let plan =
            lists::Plan { codec: Codec::new(ty)?, order: None, keep, nulls: true, shape: lists::Shape::List };
        let plan = Arc::new(plan);
        Ok(Built { returns: call.returns.clone(), make: Factory::new(move || Lists::new(plan.clone())) })
    }
}

#[derive(Debug)]
pub struct StringAgg;

impl AggregateFunction for StringAgg {
    fn name(&self) -> &'static str {
        "STRING_AGG"
    }

    fn summary(&self) -> &'static str {
        "All texts that are not null, with a separator between them; NULL where there is none"
    }

    fn signatures(&self) -> &'static [&'static str] {
        &["(value STRING, separator STRING) -> STRING"]
    }

    fn constants(&self, _overload: usize) -> usize {
        1
    }

    fn retracts(&self) -> bool {
        true
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let Some(ScalarValue::Utf8(Some(separator))) = call.constants.first() else {
            return Err("the separator must be a text".into());
        };
        let ty = call.columns.first().ok_or("an argument is missing")?;
        let plan = Arc::new(lists::Plan {
            codec: Codec::new(ty)?,
            order: None,
            keep: Keep::First(call.options.collect_list_max),
            nulls: false,
            shape: lists::Shape::Joined(separator.clone()),
        });
        Ok(Built { returns: call.returns.clone(), make: Factory::new(move || Lists::new(plan.clone())) })
    }
}

/// The functions whose state is a set of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distinct {
    CollectSet,
    Attr,
    Histogram,
    /// COUNT(DISTINCT x): exact, unlike COUNT_DISTINCT.
    Count,
}

/// Values that HISTOGRAM tells apart, as in ksqlDB; those that come later are left out.
const HISTOGRAM_MAX: usize = 1000;

impl AggregateFunction for Distinct {
    fn name(&self) -> &'static str {
        match self {
            Distinct::CollectSet => "COLLECT_SET",
            Distinct::Attr => "ATTR",
            Distinct::Histogram => "HISTOGRAM",
            Distinct::Count => "COUNT(DISTINCT)",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Distinct::CollectSet => {
                "The values that differ in an array, in the order in which they came, NULL too; as many as collect_set.limit allows"
            }
            Distinct::Attr => "The value that all rows have in common; NULL where they differ",
            Distinct::Histogram => {
                "How often each text came; NULLs are left out, and what comes after 1000 texts"
            }
            Distinct::Count => "Exact number of values that differ, NULLs left out",
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        match self {
            Distinct::CollectSet => &["(value T) -> ARRAY<T>"],
            Distinct::Attr => &["(value T) -> T"],
            Distinct::Histogram => &["(value STRING) -> MAP<STRING, BIGINT>"],
            Distinct::Count => &["(value T) -> BIGINT"],
        }
    }

    fn retracts(&self) -> bool {
        // COLLECT_SET leaves values out and would not know which to bring back.
        *self != Distinct::CollectSet
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let ty = call.columns.first().ok_or("an argument is missing")?;
        let (shape, nulls, max) = match self {
            Distinct::CollectSet => (tally::Shape::List, true, call.options.collect_set_max),
            // Over a stream two values that differ settle it for good.
            Distinct::Attr if !call.options.over_table => (tally::Shape::Single, true, 2),
            Distinct::Attr => (tally::Shape::Single, true, usize::MAX),
            Distinct::Histogram => (tally::Shape::Map, false, HISTOGRAM_MAX),
            Distinct::Count => (tally::Shape::Count, false, usize::MAX),
        };
        let plan = Arc::new(tally::Plan { codec: Codec::new(ty)?, shape, nulls, max });
        Ok(Built { returns: call.returns.clone(), make: Factory::new(move || Tallies::new(plan.clone())) })
    }
}
