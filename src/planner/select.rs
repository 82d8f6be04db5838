//! Continuous queries: CREATE … AS SELECT, and SELECT … EMIT CHANGES.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use sqlparser::ast::{Expr, GroupByExpr};

use super::Context;
use super::aggregate::plan_aggregate;
use super::columns::{Remap, column_expr, narrow, plain_column};
use super::explode::FlatMapPlan;
use super::expr::{Bound, Exploding, bind_boolean, contains_aggregate};
use super::items::{Item, select_items};
use super::partition::ResultKey;
use super::relation::{Relation, unknown_source};
use super::sink::{CreateRequest, SinkPlan, Target, finish};
use super::with::{Clause, WithClause};
use crate::catalog::{Source, WindowSpec};
use crate::engine::EdgeKind;
use crate::engine::topology::{
    EmitMode, FilterSpec, OperatorSpec, PartitionBySpec, SourceSpec, StageSpec, TableFilterSpec, Topology,
};
use crate::sql::ast::{CreateAsSelect, Emit, InsertSelect, Query, SourceKind, StatementKind};
use crate::sql::{SqlError, sqlstate};

/// A continuous query, ready to run.
#[derive(Debug)]
pub struct QueryPlan {
    pub topology: Topology,
    pub reads: Arc<Source>,
    /// None for a push query.
    pub sink: Option<SinkPlan>,
    pub limit: Option<u64>,
}

/// Plans CREATE STREAM|TABLE … AS SELECT. `sql` is the statement's text.
pub fn plan_create_as(
    create: &CreateAsSelect,
    sql: &str,
    context: &Context<'_>,
) -> Result<QueryPlan, SqlError> {
    let with = WithClause::parse(&create.with, Clause::CreateAs)?;
    let request = CreateRequest { create, with, sql };
    Planner::new(&create.query, context)?.plan(Target::Create(Box::new(request)))
}

/// Plans INSERT INTO … SELECT.
///
/// Errors: 42P01 for an unknown stream, 42809 for what cannot be written, and those of the query.
pub fn plan_insert_select(insert: &InsertSelect, context: &Context<'_>) -> Result<QueryPlan, SqlError> {
    let name = &insert.name;
    let here = Some(name.position);
    let sink = context.catalog.source(&name.value).cloned().ok_or_else(|| {
        unknown_source(&name.value, context.catalog.sources().map(|s| s.name.as_str())).at(here)
    })?;
    let refuse = |message: String| Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message).at(here));
    if sink.kind == SourceKind::Table {
        return refuse(format!("\"{}\" is a table: INSERT INTO … SELECT writes streams", sink.name));
    }
    if sink.internal {
        return refuse(format!("\"{}\" is the server's own", sink.name));
    }
    if !sink.headers.is_empty() {
        return refuse(format!("\"{}\" has header columns, which cannot be written", sink.name));
    }
    let query_id = insert.query_id.as_ref().map(|id| id.value.clone());
    Planner::new(&insert.query, context)?.plan(Target::Insert { sink, query_id })
}

/// Plans the statement of a persistent query; None for a statement that makes none. `sql` is its text.
pub fn plan_persistent(
    statement: &StatementKind,
    sql: &str,
    context: &Context<'_>,
) -> Option<Result<QueryPlan, SqlError>> {
    match statement {
        StatementKind::CreateAsSelect(create) => Some(plan_create_as(create, sql, context)),
        StatementKind::InsertSelect(insert) => Some(plan_insert_select(insert, context)),
        _ => None,
    }
}

/// Plans SELECT … EMIT CHANGES as a query whose rows go to a client.
pub fn plan_push(query: &Query, context: &Context<'_>) -> Result<QueryPlan, SqlError> {
    Planner::new(query, context)?.plan(Target::Client)
}

/// What comes out of the last operator before the sink.
pub(super) struct Body {
    pub stages: Vec<StageSpec>,
    pub last: Vec<OperatorSpec>,
    pub items: Vec<Item>,
    /// For each key column of the result, the item that projects it.
    pub keys: Vec<usize>,
    pub window: Option<WindowSpec>,
    /// Where the result is windowed, the columns of the edge that become part of its keys, by their names.
    pub bounds: Vec<(&'static str, usize)>,
    /// Where PARTITION BY gives a persistent query another key.
    pub partition_by: Option<PartitionBySpec>,
}

struct Planner<'a> {
    query: &'a Query,
    context: &'a Context<'a>,
    relation: Relation,
}

impl<'a> Planner<'a> {
    fn new(query: &'a Query, context: &'a Context<'a>) -> Result<Self, SqlError> {
        Ok(Self { relation: Relation::resolve(query, context)?, query, context })
    }

    fn plan(self, target: Target<'_>) -> Result<QueryPlan, SqlError> {
        let here = Some(self.query.position);
        let group_by = match &self.query.select.group_by {
            GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => exprs.as_slice(),
            _ => return Err(SqlError::not_supported("GROUP BY with ALL, ROLLUP, CUBE or SETS").at(here)),
        };
        let aggregated = !group_by.is_empty();
        self.check_kind(target.kind(), aggregated).map_err(|e| e.at(here))?;
        let (key_format, persistent) = (target.key_format(), target.persistent());
        let filter = self.filter()?;
        let (body, source) = if aggregated {
            let emit = match self.query.emit {
                Some(Emit::Final) => EmitMode::Final,
                _ => self.context.emit_changes(),
            };
            plan_aggregate(self.query, self.context, &self.relation, filter, emit, key_format, persistent)?
        } else {
            self.plan_stateless(filter, persistent)?
        };
        finish(self.query, self.relation.source, self.context, body, source, target)
    }

    /// Rules on what kind of result a query can have.
    fn check_kind(&self, wanted: Option<SourceKind>, aggregated: bool) -> Result<(), SqlError> {
        let reads = self.relation.source.kind;
        let invalid = |message: &str| SqlError::new(sqlstate::INVALID_DEFINITION, message.to_owned());
        if self.query.emit == Some(Emit::Final) && self.query.window.is_none() {
            return Err(invalid("EMIT FINAL needs a window: only a window has an end")
                .hint("add WINDOW TUMBLING (SIZE …), or use EMIT CHANGES"));
        }
        if !aggregated {
            if let Some(window) = &self.query.window {
                return Err(invalid("WINDOW needs GROUP BY").at(Some(window.position)));
            }
            if self.query.select.having.is_some() {
                return Err(invalid("HAVING needs GROUP BY").hint("use WHERE to filter rows"));
            }
        }
        match (wanted, aggregated, reads) {
            (Some(_), _, SourceKind::Table) if self.relation.source.window.is_some() => {
                Err(SqlError::not_supported("a persistent query over a windowed table")
                    .hint("a SELECT with or without EMIT CHANGES can read it"))
            }
            (_, true, SourceKind::Stream) if self.relation.source.window.is_some() => {
                Err(SqlError::not_supported("GROUP BY over a windowed stream"))
            }
            (Some(SourceKind::Stream), true, _) => {
                Err(invalid("GROUP BY makes a table, not a stream").hint("use CREATE TABLE … AS SELECT"))
            }
            (Some(SourceKind::Stream), false, SourceKind::Table) => {
                Err(invalid("a SELECT from a table makes a table, not a stream")
                    .hint("declare a stream over the table's topic to read its changes"))
            }
            (Some(SourceKind::Table), false, SourceKind::Stream) => {
                Err(invalid("a SELECT from a stream without GROUP BY makes a stream, not a table")
                    .hint("use CREATE STREAM … AS SELECT, or add GROUP BY"))
            }
            _ => Ok(()),
        }
    }

    fn filter(&self) -> Result<Option<Bound>, SqlError> {
        let Some(selection) = &self.query.select.selection else { return Ok(None) };
        if contains_aggregate(selection) {
            return Err(SqlError::new(
                sqlstate::GROUPING_ERROR,
                "aggregate functions are not allowed in WHERE",
            )
            .hint("use HAVING to filter groups")
            .at(crate::sql::position_of(selection)));
        }
        bind_boolean(selection, &self.relation.scope, "WHERE").map(Some)
    }

    fn plan_stateless(
        &self,
        filter: Option<Bound>,
        persistent: bool,
    ) -> Result<(Body, SourceSpec), SqlError> {
        let relation = &self.relation;
        let key = ResultKey::new(self.query.partition_by.as_ref(), relation)?;
        let mut star = key.star(relation);
        if persistent {
            // The window of a windowed stream stays in the key of the result.
            star.retain(|item| !relation.is_window_bound(item));
        }
        let mut exploding = Exploding::new(&relation.scope);
        let items = select_items(&self.query.select, relation, &star, |expr| {
            if contains_aggregate(expr) {
                return Err(SqlError::new(sqlstate::GROUPING_ERROR, "aggregate functions need GROUP BY")
                    .hint("add GROUP BY with the columns to group by")
                    .at(crate::sql::position_of(expr)));
            }
            exploding.bind(expr)
        })?;
        let keys = match persistent {
            true => key.items(&items).map_err(|e| e.at(Some(self.query.position)))?,
            false => Vec::new(),
        };
        let window = relation.source.window.filter(|_| persistent);
        let bounds: Vec<_> = match window {
            Some(_) => relation.window_bounds(),
            None => Vec::new(),
        };
        let mut operators = Vec::new();
        if let Some(filter) = filter {
            operators.push(OperatorSpec::Filter(FilterSpec { predicate: filter.expr, text: filter.text }));
        }
        let bound_exprs = bounds.iter().map(|(name, index)| column_expr(name, *index));
        let mut exprs: Vec<_> = items.iter().map(|i| i.bound.expr.clone()).chain(bound_exprs).collect();
        let flat_map = FlatMapPlan::new(exploding, &relation.scope, &exprs);
        if let Some(flat_map) = &flat_map {
            if relation.source.kind == SourceKind::Table {
                return Err(SqlError::new(
                    sqlstate::INVALID_DEFINITION,
                    "table functions are for streams, not tables",
                )
                .at(Some(self.query.position)));
            }
            exprs = flat_map.inputs.iter().map(|input| input.expr.clone()).collect();
        }
        let used = exprs.iter().chain(predicates(&operators)).cloned().collect::<Vec<_>>();
        let (mut source, remap) = narrow(relation, &used)?;
        if persistent {
            source.headers = true;
            if source.edge == EdgeKind::Append {
                // Records without a value go through a projection as they are (`null.json` of ksqlDB's tests).
                source.edge = EdgeKind::AppendNulls;
            }
        }
        let mut last = Vec::with_capacity(2);
        for operator in operators {
            if let OperatorSpec::Filter(filter) = operator {
                let filter = FilterSpec { predicate: remap(filter.predicate)?, ..filter };
                last.push(match persistent && relation.source.kind == SourceKind::Table {
                    true => OperatorSpec::TableFilter(TableFilterSpec {
                        filter,
                        keys: edge_columns(&key.exprs, &remap)?,
                    }),
                    false => OperatorSpec::Filter(filter),
                });
            }
        }
        if let Some(flat_map) = &flat_map {
            let inputs = exprs.into_iter().map(&remap).collect::<Result<_, _>>()?;
            last.extend(flat_map.operators(inputs)?);
        }
        let place = |expr| match &flat_map {
            Some(flat_map) => flat_map.remap(expr),
            None => remap(expr),
        };
        let items = items
            .into_iter()
            .map(|item| {
                let expr = place(item.bound.expr)?;
                Ok(Item { bound: Bound { expr, ..item.bound }, ..item })
            })
            .collect::<Result<Vec<_>, SqlError>>()?;
        let bounds = bounds
            .into_iter()
            .map(|(name, index)| Ok((name, plain_column(&place(column_expr(name, index))?).unwrap_or(index))))
            .collect::<Result<Vec<_>, SqlError>>()?;
        let partition_by = (persistent && key.changed)
            .then(|| PartitionBySpec { of_value: key.of_value(relation), text: key.text() });
        Ok((Body { stages: Vec::new(), last, items, keys, window, bounds, partition_by }, source))
    }
}

/// The places of columns in the narrowed edge.
fn edge_columns(columns: &[Bound], remap: &Remap) -> Result<Vec<usize>, SqlError> {
    let place = |column: &Bound| {
        plain_column(&remap(column.expr.clone())?)
            .ok_or_else(|| SqlError::internal("a key that is no column"))
    };
    columns.iter().map(place).collect()
}

fn predicates(operators: &[OperatorSpec]) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
    operators.iter().filter_map(|o| match o {
        OperatorSpec::Filter(filter) => Some(&filter.predicate),
        _ => None,
    })
}

/// The edge that a source's rows flow on.
pub(super) fn edge_of(source: &Source) -> EdgeKind {
    match source.kind {
        SourceKind::Stream => EdgeKind::Append,
        SourceKind::Table => EdgeKind::Changes,
    }
}

/// The expressions of `GROUP BY`, a parenthesised list taken apart.
pub(super) fn flatten_group(exprs: &[Expr]) -> Vec<Expr> {
    exprs
        .iter()
        .flat_map(|e| match e {
            Expr::Tuple(inner) => inner.clone(),
            Expr::Nested(inner) => vec![inner.as_ref().clone()],
            other => vec![other.clone()],
        })
        .collect()
}
