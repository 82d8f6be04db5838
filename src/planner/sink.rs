//! Where the rows of a continuous query go: to a client, to a stream or table of its own, or into one that is there.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::physical_expr::PhysicalExpr;

use super::columns::column_expr;
use super::create::PSEUDO_COLUMNS;
use super::expr::coerce;
use super::items::Item;
use super::select::{Body, QueryPlan};
use super::with::WithClause;
use super::with_format::inherited;
use super::{Context, TopicPlan, check_formats};
use crate::catalog::{Column, Format, Source, WindowSpec};
use crate::engine::topology::{
    OperatorSpec, ProjectSpec, SinkSpec, SourceSpec, StageOutput, StageSpec, Topology,
};
use crate::formats::{check_format, check_timestamp};
use crate::sql::ast::{CreateAsSelect, Query, SourceKind};
use crate::sql::{SqlError, SqlType, sqlstate};

/// The stream or table that a persistent query writes.
#[derive(Debug)]
pub struct SinkPlan {
    pub source: Source,
    pub topic: TopicPlan,
    pub partitions: i32,
    /// The query makes it; false for INSERT INTO.
    pub created: bool,
    /// The id that the query is to have; None: one is made.
    pub query_id: Option<String>,
}

/// How long Kafka keeps records unless it is told otherwise: seven days.
const BROKER_RETENTION_MS: i64 = 7 * 24 * 3_600_000;

/// Who takes the rows.
pub(super) enum Target<'a> {
    Client,
    Create(Box<CreateRequest<'a>>),
    Insert { sink: Arc<Source>, query_id: Option<String> },
}

pub(super) struct CreateRequest<'a> {
    pub create: &'a CreateAsSelect,
    pub with: WithClause,
    pub sql: &'a str,
}

impl Target<'_> {
    /// The kind of what a statement makes or writes.
    pub fn kind(&self) -> Option<SourceKind> {
        match self {
            Target::Client => None,
            Target::Create(request) => Some(request.create.kind),
            Target::Insert { sink, .. } => Some(sink.kind),
        }
    }

    pub fn persistent(&self) -> bool {
        !matches!(self, Target::Client)
    }

    pub fn key_format(&self) -> Option<Format> {
        match self {
            Target::Client => None,
            Target::Create(request) => request.with.key_format,
            Target::Insert { sink, .. } => Some(sink.key_format),
        }
    }
}

/// Puts the last projection and the target behind the operators of a query.
pub(super) fn finish(
    query: &Query,
    reads: Arc<Source>,
    context: &Context<'_>,
    body: Body,
    source: SourceSpec,
    target: Target<'_>,
) -> Result<QueryPlan, SqlError> {
    let here = Some(query.position);
    let Body { mut stages, mut last, mut items, keys, window, bounds, partition_by } = body;
    let mut order = keys.clone();
    order.extend((0..items.len()).filter(|i| !keys.contains(i)));
    if let Target::Insert { sink, .. } = &target {
        fit(&mut items, &order, sink).map_err(|e| e.at(here))?;
    }
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
    let mut exprs: Vec<Arc<dyn PhysicalExpr>> = order.iter().map(|&i| items[i].bound.expr.clone()).collect();
    let mut texts: Vec<String> = order.iter().map(|&i| items[i].text()).collect();
    let sink = match &target {
        Target::Client => {
            let schema = schema_of(&columns, &[]);
            let spec = ProjectSpec { exprs, schema: schema.clone(), not_null: Vec::new(), texts };
            last.push(OperatorSpec::Project(spec));
            stages.push(StageSpec { operators: last, output: StageOutput::Rows { schema } });
            let topology = Topology { source, stages };
            return Ok(QueryPlan { topology, reads, sink: None, limit: query.limit });
        }
        _ if query.limit.is_some() => {
            return Err(SqlError::new(
                sqlstate::INVALID_DEFINITION,
                "a persistent query cannot have a LIMIT",
            )
            .at(here));
        }
        Target::Create(request) => {
            check_names(&items)?;
            create(columns, window, &reads, context, request)
        }
        Target::Insert { sink, query_id } => insert(columns, window, &reads, context, sink).map(|plan| {
            let query_id = query_id.clone();
            SinkPlan { query_id, ..plan }
        }),
    };
    let sink = sink.map_err(|e| e.at(here))?;
    for (name, index) in &bounds {
        exprs.push(column_expr(name, *index));
        texts.push((*name).to_owned());
    }
    let schema = schema_of(&sink.source.columns, &bounds);
    last.push(OperatorSpec::Project(ProjectSpec { exprs, schema, not_null: Vec::new(), texts }));
    let changed = partition_by.is_some();
    last.extend(partition_by.map(OperatorSpec::PartitionBy));
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
            windowed: window.is_some(),
            sessions: window.is_some_and(|window| window.session),
            timestamp,
            timestamp_format: sink.source.timestamp.as_ref().and_then(|t| t.format.clone()),
            null_keys: !(changed && keys.len() > 1),
        }),
    });
    Ok(QueryPlan { topology: Topology { source, stages }, reads, sink: Some(sink), limit: None })
}

/// The definition of what CREATE … AS SELECT makes: what is not given is taken from the source (dialect section 9).
fn create(
    columns: Vec<Column>,
    window: Option<WindowSpec>,
    reads: &Source,
    context: &Context<'_>,
    request: &CreateRequest<'_>,
) -> Result<SinkPlan, SqlError> {
    let (create, with) = (request.create, &request.with);
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
    let key_format =
        sink_key_format(with.key_format, reads.key_format, context.defaults.key_format, &columns)?;
    let key_format = with.formats.key(key_format)?;
    let (value_format, wrap_single_value) = with.formats.value(
        inherited(with.value_format, reads.value_format),
        columns.iter().filter(|c| !c.key).count(),
        context.defaults.wrap_single_value,
    )?;
    check_formats(&columns, key_format, value_format)?;
    if let Some(timestamp) = &with.timestamp {
        check_timestamp(&columns, timestamp)?;
    }
    let topic = with
        .topic
        .clone()
        .unwrap_or_else(|| format!("{}{}", context.defaults.topic_prefix, create.name.value));
    check_topic(&topic, reads)?;
    let partitions = match ((context.partitions)(&topic), with.partitions) {
        (Some(there), Some(asked)) if there != asked => {
            return Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("topic \"{topic}\" exists with {there} partitions, not {asked}"),
            ));
        }
        (Some(there), _) => there,
        (None, Some(asked)) => asked,
        (None, None) => partitions_of(context, &reads.topic)?,
    };
    partitions_of(context, &reads.topic)?;
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
        wrap_single_value,
    };
    let compact = create.kind == SourceKind::Table && window.is_none();
    // The topic keeps a window at least as long as the table does. Where nobody asks for less, the broker's own retention
    // is not shortened: Kafka goes by the time of the records, and would delete the results of old events at once.
    let retention_ms = match (with.retention_ms, window) {
        (Some(asked), Some(window)) if asked >= 0 => Some(asked.max(window.retention_ms)),
        (Some(asked), _) => Some(asked),
        (None, window) => window.map(|window| window.retention_ms).filter(|ms| *ms > BROKER_RETENTION_MS),
    };
    let topic = TopicPlan {
        name: topic,
        partitions: Some(partitions),
        replicas: with.replicas,
        compact,
        retention_ms,
    };
    Ok(SinkPlan { source, topic, partitions, created: true, query_id: None })
}

/// What INSERT INTO … SELECT writes. The columns fit already.
fn insert(
    columns: Vec<Column>,
    window: Option<WindowSpec>,
    reads: &Source,
    context: &Context<'_>,
    sink: &Arc<Source>,
) -> Result<SinkPlan, SqlError> {
    if columns != sink.columns {
        return Err(SqlError::internal("the columns of INSERT INTO do not fit"));
    }
    let size = |window: &Option<WindowSpec>| window.map(|w| (w.size_ms, w.session));
    if size(&window) != size(&sink.window) {
        return Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("the keys of the result and of \"{}\" are not windowed alike", sink.name),
        ));
    }
    check_topic(&sink.topic, reads)?;
    let partitions = partitions_of(context, &sink.topic)?;
    let topic = TopicPlan {
        name: sink.topic.clone(),
        partitions: None,
        replicas: None,
        compact: false,
        retention_ms: None,
    };
    Ok(SinkPlan { source: sink.as_ref().clone(), topic, partitions, created: false, query_id: None })
}

fn partitions_of(context: &Context<'_>, topic: &str) -> Result<i32, SqlError> {
    (context.partitions)(topic)
        .ok_or_else(|| SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("topic \"{topic}\" does not exist")))
}

fn check_topic(topic: &str, reads: &Source) -> Result<(), SqlError> {
    if topic != reads.topic {
        return Ok(());
    }
    Err(SqlError::new(
        sqlstate::INVALID_DEFINITION,
        format!("the query would write the topic \"{topic}\" that it reads"),
    )
    .hint("name another one with WITH (KAFKA_TOPIC = …)"))
}

/// Refuses system columns under their own names: every row of the result has its own.
fn check_names(items: &[Item]) -> Result<(), SqlError> {
    let reserved =
        items.iter().find(|item| item.position.is_some() && PSEUDO_COLUMNS.contains(&item.name.as_str()));
    match reserved {
        None => Ok(()),
        Some(item) => Err(SqlError::new(
            sqlstate::INVALID_DEFINITION,
            format!("\"{}\" is a system column of the result as well", item.name),
        )
        .hint(format!("give it another name: {0} AS NAME_OF_{0}", item.name))
        .at(item.position)),
    }
}

/// Casts the items to the columns of a stream that is there: the same names in the same order, keys first.
///
/// Errors: 42804 where they do not fit.
fn fit(items: &mut [Item], order: &[usize], sink: &Source) -> Result<(), SqlError> {
    let keys = order.iter().filter(|i| items.get(**i).is_some()).count();
    let names_fit = keys == sink.columns.len()
        && order
            .iter()
            .zip(&sink.columns)
            .all(|(i, column)| items.get(*i).is_some_and(|x| x.name == column.name));
    let list = |items: &[Item]| {
        let one = |item: &Item| match &item.bound.ty {
            Some(ty) => format!("{} {ty}", item.name),
            None => format!("{} NULL", item.name),
        };
        order.iter().filter_map(|i| items.get(*i)).map(one).collect::<Vec<_>>().join(", ")
    };
    let wanted = sink.columns.iter().map(|c| format!("{} {}", c.name, c.ty)).collect::<Vec<_>>().join(", ");
    let refuse = |items: &[Item]| {
        SqlError::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("the result does not have the columns of \"{}\"", sink.name),
        )
        .detail(format!("the result has {}; \"{}\" has {wanted}", list(items), sink.name))
        .hint("names, order and types must be the same; AS and CAST help")
    };
    if !names_fit {
        return Err(refuse(items));
    }
    for (i, column) in order.iter().zip(&sink.columns) {
        let Some(item) = items.get(*i) else { continue };
        if item.bound.ty.as_ref() == Some(&column.ty) {
            continue;
        }
        let bound = coerce(item.bound.clone(), column.ty.clone()).map_err(|_| refuse(items))?;
        if let Some(item) = items.get_mut(*i) {
            item.bound = bound;
        }
    }
    Ok(())
}

/// KEY_FORMAT, or the source's; where the source has no key the session's default, or KAFKA.
pub(super) fn sink_key_format(
    given: Option<Format>,
    reads: Format,
    default: Option<Format>,
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
        (Some(format), false) => Ok(inherited(Some(format), reads)),
        (None, false) if reads == Format::None => {
            Ok(default.filter(|format| *format != Format::None).unwrap_or(Format::Kafka))
        }
        (None, false) => Ok(reads),
    }
}

/// The format that an exchange hashes its keys in: that of the result, or one that can hold them, for what is seen by
/// nobody need not be refused.
pub(super) fn exchange_format(given: Option<Format>, reads: Format, keys: &[Column]) -> Format {
    let format = sink_key_format(given, reads, None, keys).unwrap_or(Format::Json);
    if check_format(keys, format).is_ok() { format } else { Format::Json }
}

fn schema_of(columns: &[Column], bounds: &[(&'static str, usize)]) -> SchemaRef {
    let mut fields: Vec<Field> = columns.iter().map(|c| Field::new(&c.name, c.ty.arrow(), true)).collect();
    fields.extend(bounds.iter().map(|(name, _)| Field::new(*name, SqlType::BigInt.arrow(), true)));
    Arc::new(Schema::new(fields))
}
