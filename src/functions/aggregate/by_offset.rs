//! EARLIEST_BY_OFFSET and LATEST_BY_OFFSET: the first and the last values in the order of the input.

use std::sync::Arc;

use super::AggregateFunction;
use super::call::{Built, Factory, Overload, count, flag};
use super::codec::Codec;
use super::lists::{Keep, Lists, Plan, Shape};

#[derive(Debug)]
pub struct ByOffset {
    pub latest: bool,
}

impl AggregateFunction for ByOffset {
    fn name(&self) -> &'static str {
        if self.latest { "LATEST_BY_OFFSET" } else { "EARLIEST_BY_OFFSET" }
    }

    fn summary(&self) -> &'static str {
        if self.latest {
            "The last value, or the last so many in an array; NULLs are left out unless the last argument is FALSE"
        } else {
            "The first value, or the first so many in an array; NULLs are left out unless the last argument is FALSE"
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        &[
            "(value T) -> T",
            "(value T, ignore_nulls BOOLEAN) -> T",
            "(value T, count INT) -> ARRAY<T>",
            "(value T, count INT, ignore_nulls BOOLEAN) -> ARRAY<T>",
        ]
    }

    fn constants(&self, overload: usize) -> usize {
        match overload {
            0 => 0,
            3 => 2,
            _ => 1,
        }
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let ty = call.columns.first().ok_or("an argument is missing")?;
        let (n, shape, ignore_nulls) = match call.index {
            0 => (1, Shape::Single, true),
            1 => (1, Shape::Single, flag(call, 0).unwrap_or(true)),
            _ => (
                count(call, 0, "the number of values")?.unwrap_or(1),
                Shape::List,
                flag(call, 1).unwrap_or(true),
            ),
        };
        let keep = if self.latest { Keep::Last(n) } else { Keep::First(n) };
        let plan = Arc::new(Plan { codec: Codec::new(ty)?, order: None, keep, nulls: !ignore_nulls, shape });
        Ok(Built { returns: call.returns.clone(), make: Factory::new(move || Lists::new(plan.clone())) })
    }
}
