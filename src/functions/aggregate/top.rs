//! TOPK and TOPKDISTINCT: the largest values, largest first.

use std::sync::Arc;

use super::AggregateFunction;
use super::call::{Built, Factory, Overload, count};
use super::codec::Codec;
use super::lists::{Keep, Lists, Plan, Shape};
use crate::sql::SqlType;

#[derive(Debug)]
pub struct Top {
    pub distinct: bool,
}

impl AggregateFunction for Top {
    fn name(&self) -> &'static str {
        if self.distinct { "TOPKDISTINCT" } else { "TOPK" }
    }

    fn summary(&self) -> &'static str {
        if self.distinct {
            "The k largest values that differ, largest first; NULLs are left out"
        } else {
            "The k largest values, largest first; with more columns, structs of the value and these (sort_col, col0, …)"
        }
    }

    fn signatures(&self) -> &'static [&'static str] {
        &[
            "(value INT, k INT) -> ARRAY<INT>",
            "(value BIGINT, k INT) -> ARRAY<BIGINT>",
            "(value DOUBLE, k INT) -> ARRAY<DOUBLE>",
            "(value STRING, k INT) -> ARRAY<STRING>",
            "(value DECIMAL, k INT) -> ARRAY<DECIMAL>",
            "(value BYTES, k INT) -> ARRAY<BYTES>",
            "(value DATE, k INT) -> ARRAY<DATE>",
            "(value TIME, k INT) -> ARRAY<TIME>",
            "(value TIMESTAMP, k INT) -> ARRAY<TIMESTAMP>",
        ]
    }

    fn constants(&self, _overload: usize) -> usize {
        1
    }

    fn takes_more_columns(&self) -> bool {
        !self.distinct
    }

    fn build(&self, call: &Overload<'_>) -> Result<Built, String> {
        let k = count(call, 0, "k")?.ok_or("k is missing")?;
        let keep = if self.distinct { Keep::LargestDistinct(k) } else { Keep::Largest(k) };
        let (codec, order) = match call.columns {
            [ty] => (Codec::new(ty)?, None),
            [ty, more @ ..] => {
                let more = (0..more.len()).map(|i| format!("col{i}"));
                let names: Vec<String> = std::iter::once("sort_col".to_owned()).chain(more).collect();
                (Codec::structs(&names, call.columns)?, Some(Codec::new(ty)?))
            }
            [] => return Err("an argument is missing".into()),
        };
        let returns = SqlType::array(codec.ty.clone());
        let plan = Arc::new(Plan { codec, order, keep, nulls: false, shape: Shape::List });
        Ok(Built { returns, make: Factory::new(move || Lists::new(plan.clone())) })
    }
}
