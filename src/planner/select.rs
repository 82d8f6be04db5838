//! Continuous queries: CREATE … AS SELECT, and SELECT … EMIT CHANGES.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::physical_expr::PhysicalExpr;
use sqlparser::ast::{Expr, GroupByExpr};

use super::aggregate::plan_aggregate;
use super::columns::{narrow, plain_column};
use super::expr::{Bound, bind, bind_boolean, contains_aggregate};
use super::items::{Item, select_items};
use super::relation::Relation;
use super::with::{Clause, WithClause};
use super::{Context, TopicPlan, check_formats, kafka_carries};
use crate::catalog::{Column, Format, Source, WindowSpec};
use crate::engine::EdgeKind;
use crate::engine::topology::{
    FilterSpec, OperatorSpec, ProjectSpec, SinkSpec, SourceSpec, StageOutput, StageSpec, Topology,
};
use crate::formats::check_timestamp;
use crate::sql::ast::{CreateAsSelect, Emit, Query, SourceKind};
use crate::sql::{SqlError, SqlType, sqlstate};

/// A continuous query, ready to run.
#[derive(Debug)]
pub struct QueryPlan {
    pub topology: Topology,
    pub reads: Arc<Source>,
    /// None for a push query.
    pub sink: Option<SinkPlan>,
    pub limit: Option<u64>,
}

/// The stream or table that a persistent query makes.
#[derive(Debug)]
pub struct SinkPlan {
    pub source: Source,
    pub topic: TopicPlan,
    pub partitions: i32,
}

/// Plans CREATE STREAM|TABLE … AS SELECT. `sql` is the statement's text.
pub fn plan_create_as(
    create: &CreateAsSelect,
    sql: &str,
    context: &Context<'_>,
) -> Result<QueryPlan, SqlError> {
    let with = WithClause::parse(&create.with, Clause::CreateAs)?;
    let request = SinkRequest { create, with, sql };
    Planner::new(&create.query, context)?.plan(Some(request))
}

/// Plans SELECT … EMIT CHANGES as a query whose rows go to a client.
pub fn plan_push(query: &Query, context: &Context<'_>) -> Result<QueryPlan, SqlError> {
    Planner::new(query, context)?.plan(None)
}

struct SinkRequest<'a> {
    create: &'a CreateAsSelect,
    with: WithClause,
    sql: &'a str,
}

/// What comes out of the last operator before the sink.
pub(super) struct Body {
    pub stages: Vec<StageSpec>,
    pub last: Vec<OperatorSpec>,
    pub items: Vec<Item>,
    /// For each key column of the result, the item that projects it.
    pub keys: Vec<usize>,
    pub window: Option<WindowSpec>,
    /// The index of WINDOWSTART in the edge that the items read, where the result is windowed.
    pub window_start: Option<usize>,
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

    fn plan(self, request: Option<SinkRequest<'_>>) -> Result<QueryPlan, SqlError> {
        let here = Some(self.query.position);
        let group_by = match &self.query.select.group_by {
            GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => exprs.as_slice(),
            _ => return Err(SqlError::not_supported("GROUP BY with ALL, ROLLUP, CUBE or SETS").at(here)),
        };
        let aggregated = !group_by.is_empty();
        self.check_kind(request.as_ref().map(|r| r.create.kind), aggregated).map_err(|e| e.at(here))?;
        let key_format = request.as_ref().and_then(|r| r.with.key_format);
        let persistent = request.is_some();
        let filter = self.filter()?;
        let (body, source) = if aggregated {
            let emit = match self.query.emit {
                Some(Emit::Final) => crate::engine::topology::EmitMode::Final,
                _ => self.context.emit_changes(),
            };
            plan_aggregate(self.query, group_by, &self.relation, filter, emit, key_format, persistent)?
        } else {
            self.plan_stateless(filter, persistent)?
        };
        self.finish(body, source, request)
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
        } else if reads == SourceKind::Table {
            return Err(SqlError::not_supported("GROUP BY over a table"));
        }
        match (wanted, aggregated, reads) {
            (Some(_), _, _) if self.relation.source.window.is_some() => {
                Err(SqlError::not_supported("a persistent query over a windowed table")
                    .hint("a SELECT with or without EMIT CHANGES can read it"))
            }
            (Some(SourceKind::Stream), true, _) => {
                Err(invalid("GROUP BY makes a table, not a stream").hint("use CREATE TABLE … AS SELECT"))
            }
            (Some(SourceKind::Stream), false, SourceKind::Table) => {
                Err(invalid("a SELECT from a table makes a table, not a stream")
                    .hint("declare a stream over the table's topic to read its changes"))
            }
            (Some(SourceKind::Table), false, SourceKind::Table) => {
                Err(SqlError::not_supported("CREATE TABLE … AS SELECT from a table"))
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
        let items = select_items(&self.query.select, relation, |expr| {
            if contains_aggregate(expr) {
                return Err(SqlError::new(sqlstate::GROUPING_ERROR, "aggregate functions need GROUP BY")
                    .hint("add GROUP BY with the columns to group by")
                    .at(crate::sql::position_of(expr)));
            }
            bind(expr, &relation.scope)
        })?;
        let keys = self.stateless_keys(&items, persistent)?;
        let mut operators = Vec::new();
        if let Some(filter) = filter {
            operators.push(OperatorSpec::Filter(FilterSpec { predicate: filter.expr, text: filter.text }));
        }
        let exprs: Vec<_> = items.iter().map(|i| i.bound.expr.clone()).collect();
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
                last.push(OperatorSpec::Filter(FilterSpec { predicate: remap(filter.predicate)?, ..filter }));
            }
        }
        let items = items
            .into_iter()
            .map(|item| {
                let expr = remap(item.bound.expr)?;
                Ok(Item { bound: Bound { expr, ..item.bound }, ..item })
            })
            .collect::<Result<Vec<_>, SqlError>>()?;
        Ok((Body { stages: Vec::new(), last, items, keys, window: None, window_start: None }, source))
    }

    /// The items that are the key of the result: those of PARTITION BY, or the source's own key.
    fn stateless_keys(&self, items: &[Item], persistent: bool) -> Result<Vec<usize>, SqlError> {
        let scope = &self.relation.scope;
        let wanted: Vec<Bound> = match &self.query.partition_by {
            Some(_) if self.relation.source.kind == SourceKind::Table => {
                return Err(SqlError::new(
                    sqlstate::INVALID_DEFINITION,
                    "PARTITION BY is for streams, not tables",
                )
                .at(Some(self.query.position)));
            }
            Some(partition_by) => {
                partition_by.exprs.iter().map(|e| bind(e, scope)).collect::<Result<_, _>>()?
            }
            None if !persistent => return Ok(Vec::new()),
            None => {
                let keys = scope.columns.iter().enumerate().filter(|(_, c)| c.key);
                keys.map(|(i, c)| super::columns::bound_column(i, c)).collect()
            }
        };
        if !persistent {
            return Ok(Vec::new());
        }
        let here = Some(self.query.position);
        wanted.iter().map(|key| key_item(key, items).map_err(|e| e.at(here))).collect()
    }

    fn finish(
        self,
        body: Body,
        source: SourceSpec,
        request: Option<SinkRequest<'_>>,
    ) -> Result<QueryPlan, SqlError> {
        let Body { mut stages, mut last, items, keys, window, window_start } = body;
        let here = Some(self.query.position);
        let mut order = keys.clone();
        order.extend((0..items.len()).filter(|i| !keys.contains(i)));
        let mut columns = Vec::with_capacity(items.len());
        for &i in &order {
            let item = &items[i];
            let ty = item.bound.ty.clone().ok_or_else(|| {
                SqlError::new(
                    sqlstate::DATATYPE_MISMATCH,
                    format!("the type of column \"{}\" is not known", item.name),
                )
                .hint("write CAST(NULL AS type)")
                .at(item.position.or(here))
            })?;
            columns.push(Column { name: item.name.clone(), ty, key: keys.contains(&i) });
        }
        let mut exprs: Vec<Arc<dyn PhysicalExpr>> =
            order.iter().map(|&i| items[i].bound.expr.clone()).collect();
        let mut texts: Vec<String> = order.iter().map(|&i| items[i].text()).collect();
        if request.is_none() {
            let schema = schema_of(&columns, false);
            last.push(OperatorSpec::Project(ProjectSpec {
                exprs,
                schema: schema.clone(),
                not_null: Vec::new(),
                texts,
            }));
            stages.push(StageSpec { operators: last, output: StageOutput::Rows { schema } });
            let topology = Topology { source, stages };
            return Ok(QueryPlan {
                topology,
                reads: self.relation.source,
                sink: None,
                limit: self.query.limit,
            });
        }
        let Some(request) = request else { return Err(SqlError::internal("no sink")) };
        let windowed = window.is_some();
        if let (true, Some(index)) = (windowed, window_start) {
            exprs.push(super::columns::column_expr("WINDOWSTART", index));
            texts.push("WINDOWSTART".into());
        }
        let sink = self.sink(columns, window, &request).map_err(|e| e.at(here))?;
        let schema = schema_of(&sink.source.columns, windowed);
        last.push(OperatorSpec::Project(ProjectSpec { exprs, schema, not_null: Vec::new(), texts }));
        let timestamp = match &sink.source.timestamp {
            Some(timestamp) => sink.source.column(&timestamp.column),
            None => None,
        };
        stages.push(StageSpec {
            operators: last,
            output: StageOutput::Sink(SinkSpec {
                topic: sink.topic.name.as_str().into(),
                partitions: sink.partitions,
                columns: sink.source.columns.clone(),
                key_format: sink.source.key_format,
                value_format: sink.source.value_format,
                windowed,
                timestamp,
            }),
        });
        let topology = Topology { source, stages };
        Ok(QueryPlan { topology, reads: self.relation.source, sink: Some(sink), limit: None })
    }

    /// The sink's own definition (dialect section 9: CREATE AS takes what is not given from its source).
    fn sink(
        &self,
        columns: Vec<Column>,
        window: Option<WindowSpec>,
        request: &SinkRequest<'_>,
    ) -> Result<SinkPlan, SqlError> {
        let (reads, create, with) = (&self.relation.source, request.create, &request.with);
        if self.query.limit.is_some() {
            return Err(SqlError::new(
                sqlstate::INVALID_DEFINITION,
                "a persistent query cannot have a LIMIT",
            ));
        }
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|c| c.name == column.name) {
                return Err(SqlError::new(
                    sqlstate::DUPLICATE_COLUMN,
                    format!("the projection has two columns named \"{}\"", column.name),
                )
                .hint("give one of them another name with AS"));
            }
        }
        if columns.iter().all(|c| c.key) {
            return Err(SqlError::new(
                sqlstate::INVALID_DEFINITION,
                "the projection contains no value columns, only the key",
            )
            .hint("AS_VALUE(key) copies a key column into the value"));
        }
        let key_format = sink_key_format(with.key_format, reads.key_format, &columns)?;
        let value_format = with.value_format.unwrap_or(reads.value_format);
        check_formats(&columns, key_format, value_format)?;
        if let Some(timestamp) = &with.timestamp {
            check_timestamp(&columns, timestamp)?;
            if timestamp.format.is_some() {
                return Err(SqlError::not_supported("TIMESTAMP_FORMAT on a query's result"));
            }
        }
        let topic = with.topic.clone().unwrap_or_else(|| create.name.value.clone());
        if topic == reads.topic {
            return Err(SqlError::new(
                sqlstate::INVALID_DEFINITION,
                format!("the query would write the topic \"{topic}\" that it reads"),
            )
            .hint("name another one with WITH (KAFKA_TOPIC = …)"));
        }
        let reads_partitions = (self.context.partitions)(&reads.topic).ok_or_else(|| {
            SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("topic \"{}\" does not exist", reads.topic))
        })?;
        let partitions = match ((self.context.partitions)(&topic), with.partitions) {
            (Some(there), Some(asked)) if there != asked => {
                return Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    format!("topic \"{topic}\" exists with {there} partitions, not {asked}"),
                ));
            }
            (Some(there), _) => there,
            (None, asked) => asked.unwrap_or(reads_partitions),
        };
        let source = Source {
            name: create.name.value.clone(),
            kind: create.kind,
            columns,
            topic: topic.clone(),
            key_format,
            value_format,
            timestamp: with.timestamp.clone(),
            window,
            query: None,
            sql: request.sql.to_owned(),
            internal: false,
            headers: Vec::new(),
            read_only: false,
        };
        let compact = create.kind == SourceKind::Table && window.is_none();
        // The topic keeps a window at least as long as the table does.
        let retention_ms = match (with.retention_ms, window) {
            (Some(asked), Some(window)) if asked >= 0 => Some(asked.max(window.retention_ms)),
            (Some(asked), _) => Some(asked),
            (None, window) => window.map(|window| window.retention_ms),
        };
        let topic = TopicPlan {
            name: topic,
            partitions: Some(partitions),
            replicas: with.replicas,
            compact,
            retention_ms,
        };
        Ok(SinkPlan { source, topic, partitions })
    }
}

/// The item that projects a key column: exactly one, as a plain column or the same expression.
fn key_item(key: &Bound, items: &[Item]) -> Result<usize, SqlError> {
    let matching: Vec<usize> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.bound.expr.as_ref() == key.expr.as_ref())
        .map(|(i, _)| i)
        .collect();
    match matching.as_slice() {
        [one] => Ok(*one),
        [] => Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("the key {} is missing from the projection", key.text),
        )
        .hint(format!("add {} to the projection", key.text))),
        _ => Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("the key {} is projected more than once", key.text),
        )
        .hint(format!("use AS_VALUE({}) for a copy in the value", key.text))),
    }
}

pub(super) fn group_key_items(
    groups: usize,
    names: &[String],
    items: &[Item],
) -> Result<Vec<usize>, SqlError> {
    (0..groups)
        .map(|group| {
            let matching: Vec<usize> =
                (0..items.len()).filter(|&i| plain_column(&items[i].bound.expr) == Some(group)).collect();
            match matching.as_slice() {
                [one] => Ok(*one),
                [] => Err(SqlError::new(
                    sqlstate::INVALID_DEFINITION,
                    format!("the grouping key {} is missing from the projection", names[group]),
                )
                .hint(format!("add {} to the projection", names[group]))),
                _ => Err(SqlError::new(
                    sqlstate::INVALID_DEFINITION,
                    format!("the grouping key {} is projected more than once", names[group]),
                )
                .hint(format!("use AS_VALUE({}) for a copy in the value", names[group]))),
            }
        })
        .collect()
}

/// KEY_FORMAT, or the source's, or what can carry the key (an extension: ksqlDB refuses where KAFKA cannot).
pub(super) fn sink_key_format(
    given: Option<Format>,
    reads: Format,
    columns: &[Column],
) -> Result<Format, SqlError> {
    let keys: Vec<_> = columns.iter().filter(|c| c.key).collect();
    match (given, keys.is_empty()) {
        (None | Some(Format::None), true) => Ok(Format::None),
        (Some(format), true) => Err(SqlError::new(
            sqlstate::INVALID_PARAMETER,
            format!("KEY_FORMAT = '{format}' does not fit a result without a key"),
        )),
        (Some(Format::None), false) => Err(SqlError::new(
            sqlstate::INVALID_PARAMETER,
            "KEY_FORMAT = 'NONE' does not fit a result with a key",
        )),
        (Some(format), false) => Ok(format),
        (None, false) => {
            let fits_kafka = keys.len() == 1 && keys.iter().all(|c| kafka_carries(c.ty.clone()));
            Ok(match reads {
                Format::Json => Format::Json,
                Format::Kafka | Format::None if fits_kafka => Format::Kafka,
                Format::Kafka | Format::None => Format::Json,
            })
        }
    }
}

fn predicates(operators: &[OperatorSpec]) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
    operators.iter().filter_map(|o| match o {
        OperatorSpec::Filter(filter) => Some(&filter.predicate),
        _ => None,
    })
}

fn schema_of(columns: &[Column], windowed: bool) -> SchemaRef {
    let mut fields: Vec<Field> = columns.iter().map(|c| Field::new(&c.name, c.ty.arrow(), true)).collect();
    if windowed {
        fields.push(Field::new("WINDOWSTART", SqlType::BigInt.arrow(), true));
    }
    Arc::new(Schema::new(fields))
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
