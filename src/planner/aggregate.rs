//! GROUP BY: filter and arguments before the exchange, aggregate and projection behind it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use sqlparser::ast::GroupByExpr;

use super::Context;
use super::columns::{bound_column, narrow, plain_column};
use super::expr::{Bound, Grouping, contains_aggregate};
use super::items::{Item, StarItem, select_items};
use super::partition::one_item;
use super::relation::Relation;
use super::select::{Body, flatten_group};
use super::sink::exchange_format;
use crate::catalog::{Column, Format, Source, WindowSpec};
use crate::engine::topology::{
    AggregateSpec, EmitMode, ExchangeSpec, FilterSpec, OperatorSpec, ProjectSpec, SourceSpec, StageOutput,
    StageSpec, UndoSpec,
};
use crate::functions::aggregate::{AggregateCall, COLLECTED_MAX, Options};
use crate::sql::ast::{Emit, Query, SourceKind, Window, WindowKind};
use crate::sql::{SqlError, SqlType, sqlstate};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) fn plan_aggregate(
    query: &Query,
    context: &Context<'_>,
    relation: &Relation,
    filter: Option<Bound>,
    emit: EmitMode,
    key_format: Option<Format>,
    persistent: bool,
) -> Result<(Body, SourceSpec), SqlError> {
    let here = Some(query.position);
    if let Some(partition_by) = &query.partition_by {
        return Err(SqlError::new(sqlstate::INVALID_DEFINITION, "PARTITION BY cannot be used with GROUP BY")
            .hint("GROUP BY decides the key of the table")
            .at(Some(partition_by.position)));
    }
    let group_by = match &query.select.group_by {
        GroupByExpr::Expressions(exprs, _) => flatten_group(exprs),
        GroupByExpr::All(_) => Vec::new(),
    };
    if group_by.is_empty() {
        return Err(SqlError::new(sqlstate::GROUPING_ERROR, "GROUP BY needs a column or an expression")
            .hint("a result without a key is not a table")
            .at(here));
    }
    let window = query.window.as_ref().map(|w| window_spec(w, query.emit)).transpose()?;
    let limit = |given: Option<usize>| given.map_or(COLLECTED_MAX, |given| given.min(COLLECTED_MAX));
    let options = Options {
        collect_list_max: limit(context.defaults.collect_list_max),
        collect_set_max: limit(context.defaults.collect_set_max),
        over_table: relation.source.kind == SourceKind::Table,
    };
    let mut grouping = Grouping::new(&group_by, &relation.scope, window.is_some(), options)?;
    let star: Vec<StarItem> = relation.star().map(StarItem::Column).collect();
    let mut items = select_items(&query.select, relation, &star, |expr| grouping.bind(expr))?;
    let having = match &query.select.having {
        Some(having) => {
            let bound = grouping.bind(having)?;
            if bound.ty != Some(SqlType::Boolean) {
                return Err(SqlError::new(sqlstate::DATATYPE_MISMATCH, "HAVING must be of type BOOLEAN")
                    .at(crate::sql::position_of(having)));
            }
            Some(FilterSpec { predicate: bound.expr, text: bound.text })
        }
        None => None,
    };
    if grouping.calls.is_empty() && !query.select.having.as_ref().is_some_and(contains_aggregate) {
        return Err(SqlError::new(
            sqlstate::GROUPING_ERROR,
            "GROUP BY needs an aggregate function in SELECT or HAVING",
        )
        .hint("add COUNT(*), for example")
        .at(here));
    }
    if persistent {
        // The window is part of a windowed table's key already.
        items.retain(|i| !(window.is_some() && matches!(i.name.as_str(), "WINDOWSTART" | "WINDOWEND")));
    }
    let groups = grouping.group_by.len();
    let keys = if persistent {
        group_key_items(groups, &grouping.group_names, &items).map_err(|e| e.at(here))?
    } else {
        Vec::new()
    };
    let group_columns = group_columns(&grouping)?;
    let over_table = options.over_table;
    if over_table && (window.is_some() || relation.source.window.is_some()) {
        return Err(SqlError::new(sqlstate::INVALID_DEFINITION, "a table cannot be grouped by windows")
            .detail("a window holds events; a table holds what is true now")
            .at(here));
    }
    let same_key = !over_table
        && partitioned_by(&grouping.group_by, relation)
        && exchange_format(key_format, relation.source.key_format, &group_columns)
            == relation.source.key_format;

    // The edge into the aggregate: the grouping columns, then each distinct argument once.
    let mut inputs: Vec<Bound> = grouping.group_by.clone();
    let mut calls = Vec::with_capacity(grouping.calls.len());
    for call in &grouping.calls {
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            let known = inputs.iter().position(|i| i.expr.as_ref() == arg.expr.as_ref());
            let index = known.unwrap_or_else(|| {
                inputs.push(arg.clone());
                inputs.len() - 1
            });
            let ty = arg.ty.clone().ok_or_else(|| {
                SqlError::new(sqlstate::DATATYPE_MISMATCH, format!("the type of {} is not known", arg.text))
                    .at(here)
            })?;
            args.push((index, ty));
        }
        let (function, return_type) = (call.function.clone(), call.return_type.clone());
        let (make, text) = (call.make.clone(), call.text.clone());
        calls.push(AggregateCall { function, args, return_type, make, text });
    }
    let mut input = input_schema(&inputs, &grouping.group_names)?;
    let output = output_schema(&group_columns, window.is_some(), &calls);

    let undo = if over_table { Some(undo(relation, &mut inputs, groups, &mut input)?) } else { None };
    let mut used: Vec<_> = inputs.iter().map(|b| b.expr.clone()).collect();
    used.extend(filter.as_ref().map(|f| f.expr.clone()));
    let (source, remap) = narrow(relation, &used)?;
    let mut before = Vec::with_capacity(2);
    if let Some(filter) = filter {
        before.push(OperatorSpec::Filter(FilterSpec { predicate: remap(filter.expr)?, text: filter.text }));
    }
    let texts = inputs.iter().map(|b| b.text.clone()).collect();
    let exprs = inputs.into_iter().map(|b| remap(b.expr)).collect::<Result<_, _>>()?;
    let (schema, not_null) = match &undo {
        // A row without a group is as good as deleted: only behind the undo can it go.
        Some(undo) => (undo.input.clone(), 0..undo.keys),
        None => (input.clone(), 0..groups),
    };
    before.push(OperatorSpec::Project(ProjectSpec { exprs, schema, not_null: not_null.collect(), texts }));
    before.extend(undo.map(OperatorSpec::Undo));
    let aggregate = OperatorSpec::Aggregate(Arc::new(AggregateSpec {
        group: groups,
        calls,
        window,
        having,
        emit,
        undo: over_table,
        input,
        output,
    }));
    let bounds = window.iter().map(|_| ("WINDOWSTART", groups)).collect();
    let (stages, last) = if same_key {
        before.push(aggregate);
        (Vec::new(), before)
    } else {
        let format = exchange_format(key_format, relation.source.key_format, &group_columns);
        let exchange = ExchangeSpec { keys: group_columns, format };
        (vec![StageSpec { operators: before, output: StageOutput::Exchange(exchange) }], vec![aggregate])
    };
    Ok((Body { stages, last, items, keys, window, bounds, partition_by: None }, source))
}

/// For each grouping column the item that projects it.
fn group_key_items(groups: usize, names: &[String], items: &[Item]) -> Result<Vec<usize>, SqlError> {
    let name = |group: usize| names.get(group).map_or("", String::as_str);
    (0..groups)
        .map(|group| {
            let matching: Vec<usize> = (0..items.len())
                .filter(|&i| items.get(i).is_some_and(|item| plain_column(&item.bound.expr) == Some(group)))
                .collect();
            one_item(&matching, "grouping key", name(group))
        })
        .collect()
}

/// What takes old rows out, before `input`: `inputs` get the table's key in front, `input` what a row does behind.
fn undo(
    relation: &Relation,
    inputs: &mut Vec<Bound>,
    group: usize,
    input: &mut Arc<Schema>,
) -> Result<UndoSpec, SqlError> {
    let types = inputs.iter().map(|b| b.ty.clone()).collect::<Option<Vec<_>>>();
    let types = types.ok_or_else(|| SqlError::internal("an input of an aggregate has no type"))?;
    let columns = relation.scope.columns.iter().enumerate();
    let keys: Vec<Bound> = columns.filter(|(_, c)| c.key).map(|(i, c)| bound_column(i, c)).collect();
    let key_field = |(i, key): (usize, &Bound)| {
        let ty = key.ty.as_ref().map_or(DataType::Null, SqlType::arrow);
        Arc::new(Field::new(format!("KEY_{i}"), ty, true))
    };
    let fields = keys.iter().enumerate().map(key_field).chain(input.fields().iter().cloned());
    let with_keys = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let effect = Arc::new(Field::new("EFFECT", DataType::Int8, false));
    *input = Arc::new(Schema::new(input.fields().iter().cloned().chain([effect]).collect::<Vec<_>>()));
    let spec = UndoSpec { keys: keys.len(), group, types, input: with_keys, output: input.clone() };
    inputs.splice(0..0, keys);
    Ok(spec)
}

/// Whether the rows of a group are in one partition of the source already.
fn partitioned_by(group_by: &[Bound], relation: &Relation) -> bool {
    let source: &Source = &relation.source;
    let keys: Vec<usize> = (0..source.columns.len()).filter(|&i| source.columns[i].key).collect();
    let groups: Vec<Option<usize>> = group_by.iter().map(|b| plain_column(&b.expr)).collect();
    !keys.is_empty() && groups.len() == keys.len() && groups.iter().zip(&keys).all(|(g, k)| *g == Some(*k))
}

fn group_columns(grouping: &Grouping) -> Result<Vec<Column>, SqlError> {
    grouping
        .group_by
        .iter()
        .zip(&grouping.group_names)
        .map(|(bound, name)| match &bound.ty {
            Some(ty) => Ok(Column { name: name.clone(), ty: ty.clone(), key: true }),
            None => Err(SqlError::new(sqlstate::DATATYPE_MISMATCH, "cannot group by NULL")),
        })
        .collect()
}

fn input_schema(inputs: &[Bound], group_names: &[String]) -> Result<Arc<Schema>, SqlError> {
    let mut fields = Vec::with_capacity(inputs.len());
    for (i, input) in inputs.iter().enumerate() {
        let ty =
            input.ty.clone().ok_or_else(|| SqlError::internal("an input of an aggregate has no type"))?;
        let name = group_names.get(i).cloned().unwrap_or_else(|| format!("ARG_{}", i - group_names.len()));
        fields.push(Field::new(name, ty.arrow(), true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn output_schema(groups: &[Column], windowed: bool, calls: &[AggregateCall]) -> Arc<Schema> {
    let mut fields: Vec<Field> = groups.iter().map(|c| Field::new(&c.name, c.ty.arrow(), true)).collect();
    if windowed {
        fields.push(Field::new("WINDOWSTART", SqlType::BigInt.arrow(), true));
        fields.push(Field::new("WINDOWEND", SqlType::BigInt.arrow(), true));
    }
    for (i, call) in calls.iter().enumerate() {
        fields.push(Field::new(format!("AGG_{i}"), call.return_type.arrow(), true));
    }
    Arc::new(Schema::new(fields))
}

/// Defaults of dialect 10.4: grace is a day less the size, or none for EMIT FINAL; retention is size and grace.
fn window_spec(window: &Window, emit: Option<Emit>) -> Result<WindowSpec, SqlError> {
    let (size_ms, advance_ms) = match window.kind {
        WindowKind::Tumbling { size_ms } => (size_ms, size_ms),
        WindowKind::Hopping { size_ms, advance_ms } => (size_ms, advance_ms),
    };
    let wrong =
        |message: String| SqlError::new(sqlstate::INVALID_PARAMETER, message).at(Some(window.position));
    if advance_ms > size_ms {
        return Err(wrong(format!(
            "a window of {size_ms} ms cannot advance by more than its size, {advance_ms} ms"
        )));
    }
    // A row is counted once in each window that holds it.
    if size_ms / advance_ms.max(1) > 10_000 {
        return Err(
            wrong("a row would be in more than 10,000 windows".into()).hint("use a larger ADVANCE BY")
        );
    }
    let grace_ms = window.grace_ms.unwrap_or(match emit {
        Some(Emit::Final) => 0,
        _ => (DAY_MS - size_ms).max(0),
    });
    let least = size_ms.saturating_add(grace_ms);
    let retention_ms = window.retention_ms.unwrap_or(least);
    if retention_ms < least {
        return Err(wrong(format!(
            "RETENTION of {retention_ms} ms is less than size and grace period, {least} ms"
        ))
        .hint("raise RETENTION or lower GRACE PERIOD"));
    }
    Ok(WindowSpec { size_ms, advance_ms, grace_ms, retention_ms, session: false })
}
