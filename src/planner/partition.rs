//! The key of a result without GROUP BY: that of the source, or what PARTITION BY makes (dialect 10.3).
//!
//! A new key needs no exchange: the sink finds the partition of each row by it, and no operator behind PARTITION BY
//! needs the rows of a key together.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;

use super::columns::{bound_column, plain_column};
use super::expr::{Bound, bind, contains_aggregate};
use super::items::{Item, StarItem, column_name};
use super::relation::Relation;
use crate::formats::SourceColumn;
use crate::sql::ast::{PartitionBy, SourceKind};
use crate::sql::{SqlError, position_of, sqlstate};

/// The key that the rows of a result have.
pub(super) struct ResultKey {
    /// Over the source's scope, in the order of the key.
    pub exprs: Vec<Bound>,
    /// The name that a key column brings where `*` stands for it.
    names: Vec<Option<String>>,
    /// Whether it is another key than the source's.
    pub changed: bool,
}

impl ResultKey {
    /// Errors: PARTITION BY of what has no key of its own, of constants without a type, and of aggregates.
    pub fn new(partition_by: Option<&PartitionBy>, relation: &Relation) -> Result<Self, SqlError> {
        let own: Vec<Bound> =
            own_key(relation).map(|i| bound_column(i, &relation.scope.columns[i])).collect();
        let Some(partition_by) = partition_by else {
            let names = own.iter().map(|_| None).collect();
            return Ok(Self { exprs: own, names, changed: false });
        };
        let invalid = |message: &str| {
            SqlError::new(sqlstate::INVALID_DEFINITION, message.to_owned()).at(Some(partition_by.position))
        };
        if relation.source.kind == SourceKind::Table {
            return Err(
                invalid("PARTITION BY is for streams, not tables").hint("GROUP BY gives a table another key")
            );
        }
        let mut exprs = Vec::with_capacity(partition_by.exprs.len());
        for expr in &partition_by.exprs {
            if contains_aggregate(expr) {
                return Err(
                    invalid("aggregate functions are not allowed in PARTITION BY").at(position_of(expr))
                );
            }
            let bound = bind(expr, &relation.scope)?;
            if bound.ty.is_none() {
                return Err(invalid("NULL cannot be one of several columns of PARTITION BY")
                    .hint("PARTITION BY NULL, alone, takes the key away")
                    .at(position_of(expr)));
            }
            if exprs.iter().any(|known: &Bound| known.expr.as_ref() == bound.expr.as_ref()) {
                return Err(
                    invalid(&format!("PARTITION BY names {} twice", bound.text)).at(position_of(expr))
                );
            }
            exprs.push(bound);
        }
        let changed = exprs.len() != own.len()
            || exprs.iter().zip(&own).any(|(new, old)| new.expr.as_ref() != old.expr.as_ref());
        if changed && relation.source.window.is_some() {
            return Err(invalid("a windowed stream cannot be given another key")
                .hint("its keys hold the window as well"));
        }
        let names = partition_by.exprs.iter().map(column_name).collect();
        Ok(Self { exprs, names, changed })
    }

    /// What `*` stands for: the new key first, then the values, then what was key before.
    pub fn star(&self, relation: &Relation) -> Vec<StarItem> {
        let is_key = |index: usize| self.exprs.iter().any(|key| plain_column(&key.expr) == Some(index));
        let (keys, values): (Vec<usize>, Vec<usize>) =
            relation.star().partition(|&index| relation.scope.columns.get(index).is_some_and(|c| c.key));
        let new = self.exprs.iter().zip(&self.names).map(|(bound, name)| match plain_column(&bound.expr) {
            Some(index) => StarItem::Column(index),
            None => StarItem::Key { bound: bound.clone(), name: name.clone() },
        });
        let others = values.into_iter().chain(keys).filter(|&index| !is_key(index)).map(StarItem::Column);
        new.chain(others).collect()
    }

    /// For each key column the item that projects it.
    ///
    /// Errors: 42P16 where one is missing, or there more than once.
    pub fn items(&self, items: &[Item]) -> Result<Vec<usize>, SqlError> {
        let mut found = Vec::with_capacity(self.exprs.len());
        for key in &self.exprs {
            let matching: Vec<usize> = items
                .iter()
                .enumerate()
                .filter(|(_, item)| item.bound.expr.as_ref() == key.expr.as_ref())
                .map(|(i, _)| i)
                .collect();
            found.push(one_item(&matching, "key", &key.text)?);
        }
        Ok(found)
    }

    /// The places in the key of columns that are made of the source's values.
    pub fn of_value(&self, relation: &Relation) -> Vec<usize> {
        let own: Vec<usize> = own_key(relation).collect();
        let of_key =
            |expr: &Arc<dyn PhysicalExpr>| collect_columns(expr).iter().all(|c| own.contains(&c.index()));
        (0..self.exprs.len()).filter(|&i| self.exprs.get(i).is_some_and(|key| !of_key(&key.expr))).collect()
    }

    /// For EXPLAIN.
    pub fn text(&self) -> String {
        match self.exprs.is_empty() {
            true => "NULL".to_owned(),
            false => self.exprs.iter().map(|key| key.text.as_str()).collect::<Vec<_>>().join(", "),
        }
    }
}

/// The scope's indices of the source's key, without the window.
fn own_key(relation: &Relation) -> impl Iterator<Item = usize> + '_ {
    relation.fields.iter().enumerate().filter_map(|(i, field)| match field {
        SourceColumn::Column(at) => relation.source.columns.get(*at).is_some_and(|c| c.key).then_some(i),
        _ => None,
    })
}

/// The one item among those that project a key column.
pub(super) fn one_item(matching: &[usize], what: &str, name: &str) -> Result<usize, SqlError> {
    let wrong = |message: String| SqlError::new(sqlstate::INVALID_DEFINITION, message);
    match matching {
        [one] => Ok(*one),
        [] => Err(wrong(format!("the {what} {name} is missing from the projection"))
            .hint(format!("add {name} to the projection"))),
        _ => Err(wrong(format!("the {what} {name} is projected more than once"))
            .hint(format!("use AS_VALUE({name}) for a copy in the value"))),
    }
}
