//! The short cut for `SELECT columns FROM table WHERE key = value`: no plan, no executor, one look-up.
//!
//! It takes only what it understands wholly; anything else goes the long way, with the same answer.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use sqlparser::ast as sp;

use super::Tables;
use super::table::{SnapshotSource, WindowRange, keyed};
use crate::sql::SqlError;

pub struct Lookup {
    source: Arc<dyn SnapshotSource>,
    projection: Vec<usize>,
    /// One for each key column, in the order of the key.
    key: Vec<Value>,
}

enum Value {
    Literal(ScalarValue),
    /// Index into the parameters.
    Param(usize),
}

impl Lookup {
    pub fn of(query: &sp::Query, tables: &dyn Tables) -> Option<Self> {
        let sp::SetExpr::Select(select) = query.body.as_ref() else { return None };
        let plain = query.with.is_none()
            && query.order_by.is_none()
            && query.limit_clause.is_none()
            && query.fetch.is_none()
            && query.locks.is_empty()
            && select.distinct.is_none()
            && select.top.is_none()
            && select.having.is_none()
            && select.qualify.is_none()
            && select.lateral_views.is_empty()
            && select.named_window.is_empty()
            && matches!(&select.group_by, sp::GroupByExpr::Expressions(e, m) if e.is_empty() && m.is_empty());
        let [from] = select.from.as_slice() else { return None };
        if !plain || !from.joins.is_empty() {
            return None;
        }
        let sp::TableFactor::Table { name, alias: None, args: None, sample: None, .. } = &from.relation
        else {
            return None;
        };
        let [part] = name.0.as_slice() else { return None };
        let source = keyed(tables.table(&part.as_ident()?.value)?.as_ref())?;
        let schema = source.schema();
        let mut projection = Vec::new();
        for item in &select.projection {
            match item {
                sp::SelectItem::Wildcard(options) if *options == sp::WildcardAdditionalOptions::default() => {
                    projection.extend(0..schema.fields().len());
                }
                sp::SelectItem::UnnamedExpr(sp::Expr::Identifier(ident))
                | sp::SelectItem::ExprWithAlias { expr: sp::Expr::Identifier(ident), .. } => {
                    projection.push(schema.index_of(&ident.value).ok()?);
                }
                _ => return None,
            }
        }
        let mut found = Vec::new();
        equalities(select.selection.as_ref()?, &mut found)?;
        let keys = source.key_columns();
        if keys.is_empty() || found.len() != keys.len() {
            return None;
        }
        let mut key = Vec::new();
        for index in keys {
            let field = schema.fields().get(*index)?;
            let at = found.iter().position(|(name, _)| *name == field.name())?;
            let (_, value) = found.swap_remove(at);
            key.push(match value {
                sp::Value::Placeholder(p) => {
                    Value::Param(p.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)?)
                }
                sp::Value::Number(n, _) if field.data_type().is_integer() => {
                    Value::Literal(ScalarValue::Int64(Some(n.parse().ok()?)).cast_to(field.data_type()).ok()?)
                }
                sp::Value::SingleQuotedString(s) if field.data_type().is_string() => {
                    Value::Literal(ScalarValue::Utf8(Some(s.clone())).cast_to(field.data_type()).ok()?)
                }
                _ => return None,
            });
        }
        Some(Self { source, projection, key })
    }

    /// The rows; None if the parameters do not fit and the long way has to be gone.
    pub fn run(&self, params: &[ScalarValue], schema: &SchemaRef) -> Result<Option<RecordBatch>, SqlError> {
        let table = self.source.schema();
        let mut key = Vec::with_capacity(self.key.len());
        for (value, index) in self.key.iter().zip(self.source.key_columns()) {
            let value = match value {
                Value::Literal(v) => v,
                Value::Param(i) => match params.get(*i) {
                    Some(v) => v,
                    None => return Ok(None),
                },
            };
            // NULL equals nothing; the long way knows that.
            let fits = table.fields().get(*index).is_some_and(|f| *f.data_type() == value.data_type());
            if !fits || value.is_null() {
                return Ok(None);
            }
            key.push(value.clone());
        }
        let batch = self.source.snapshot().get(&key, &self.projection, WindowRange::ALL)?;
        super::shaped(&batch, schema).map(Some)
    }
}

/// Collects `column = value` from a conjunction; None if there is anything else.
fn equalities<'a>(expr: &'a sp::Expr, found: &mut Vec<(&'a str, &'a sp::Value)>) -> Option<()> {
    match expr {
        sp::Expr::Nested(inner) => equalities(inner, found),
        sp::Expr::BinaryOp { left, op: sp::BinaryOperator::And, right } => {
            equalities(left, found)?;
            equalities(right, found)
        }
        sp::Expr::BinaryOp { left, op: sp::BinaryOperator::Eq, right } => {
            match (left.as_ref(), right.as_ref()) {
                (sp::Expr::Identifier(i), sp::Expr::Value(v))
                | (sp::Expr::Value(v), sp::Expr::Identifier(i)) => {
                    found.push((&i.value, &v.value));
                    Some(())
                }
                _ => None,
            }
        }
        _ => None,
    }
}
