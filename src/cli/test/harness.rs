//! A server without a server: a catalog, topics in memory and the tasks of queries, driven record by record.
//!
//! The order is that of ksqlDB's own tests, and their results depend on it. First all statements run. Then each
//! persistent query runs to its end, in the order of creation: the case's records of all topics that it reads come
//! first, in the order of the file, each one an epoch of its own; then whatever earlier queries have written to topics
//! that the case gives no records for. There is one partition, and every change of a table is emitted.

use std::collections::{BTreeMap, BTreeSet};

use super::file::Case;
use super::record::{StubRecord, to_bytes};
use super::settings::CaseSettings;
use crate::catalog::{Catalog, Command, QueryDef, Source};
use crate::engine::topology::{StageOutput, Topology};
use crate::engine::{EngineError, RowError, SinkBlock};
use crate::formats::{ByteColumn, RawRecord, RowEncoder};
use crate::planner::{
    Context, Existing, InsertPlan, QueryPlan, check_replace, check_replace_declared, existing, plan_alter,
    plan_create, plan_create_as, plan_create_type, plan_drop, plan_drop_type, plan_insert,
    plan_insert_select, replaced_query,
};
use crate::runtime::{Pipeline, QueryConfig};
use crate::sql::ast::{
    AssertTopic, CreateAsSelect, CreateSource, DropSource, SourceKind, Statement, StatementKind,
};
use crate::sql::{SqlError, Variables, sqlstate};

/// Partitions of a topic that CREATE declares without a number, as in ksqlDB's tests.
const PARTITIONS: i32 = 4;
/// Errors of rows that are kept, for the report.
const ROW_ERRORS_MAX: usize = 5;

/// What statements have made.
pub struct Harness {
    pub catalog: Catalog,
    pub topics: BTreeMap<String, StubTopic>,
    pub queries: Vec<Query>,
    config: QueryConfig,
    variables: Variables,
    /// Errors of rows so far, the first [`ROW_ERRORS_MAX`].
    pub row_errors: Vec<RowError>,
}

#[derive(Debug, Default)]
pub struct StubTopic {
    pub partitions: i32,
    pub records: Vec<StubRecord>,
}

/// A persistent query.
pub struct Query {
    pub id: String,
    pub plan: QueryPlan,
}

impl Query {
    pub fn topology(&self) -> &Topology {
        &self.plan.topology
    }

    /// The topics it reads.
    fn reads(&self) -> Vec<String> {
        vec![self.topology().source.source.topic.clone()]
    }

    /// The topic it writes.
    fn writes(&self) -> Option<String> {
        self.topology().stages.iter().find_map(|stage| match &stage.output {
            StageOutput::Sink(sink) => Some(sink.topic.to_string()),
            _ => None,
        })
    }
}

impl Harness {
    /// Nothing but the topics and settings of a case.
    pub fn new(case: &Case, settings: CaseSettings) -> Harness {
        let topics = case
            .topics
            .iter()
            .map(|t| {
                (t.name.clone(), StubTopic { partitions: t.partitions.unwrap_or(1), records: Vec::new() })
            })
            .collect();
        Harness {
            catalog: Catalog::default(),
            topics,
            queries: Vec::new(),
            config: settings.query,
            variables: Variables::default(),
            row_errors: Vec::new(),
        }
    }

    /// Runs the statements of a text.
    pub fn execute(&mut self, text: &str) -> Result<(), SqlError> {
        for statement in crate::sql::parse(text, &self.variables)? {
            self.statement(&statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), SqlError> {
        match &statement.kind {
            StatementKind::CreateSource(create) => self.create_source(create, &statement.text),
            StatementKind::CreateAsSelect(create) => self.create_as_select(create, &statement.text),
            StatementKind::InsertSelect(insert) => {
                let plan = self.planned(|context| plan_insert_select(insert, context))?;
                self.start(plan, &statement.text, None)
            }
            StatementKind::DropSource(drop) => self.drop_source(drop),
            StatementKind::InsertValues(insert) => {
                let plan = plan_insert(insert, &self.catalog, &[])?;
                self.insert_values(&plan)
            }
            StatementKind::Terminate { query } => {
                self.terminate(query.as_ref().map(|name| name.value.as_str()));
                Ok(())
            }
            StatementKind::AlterSource(alter) => {
                let source = plan_alter(alter, &statement.text, &self.catalog)?;
                self.catalog.apply(Command::PutSource(source));
                Ok(())
            }
            StatementKind::CreateType(create) => {
                let command = plan_create_type(create, &self.catalog)?;
                command.into_iter().for_each(|command| self.catalog.apply(command));
                Ok(())
            }
            StatementKind::DropType { name, if_exists } => {
                let command = plan_drop_type(name, *if_exists, &self.catalog)?;
                command.into_iter().for_each(|command| self.catalog.apply(command));
                Ok(())
            }
            StatementKind::AssertTopic(assert) => self.assert_topic(assert),
            StatementKind::Define { name, value } => self.variables.define(name, value.as_str()),
            StatementKind::Undefine { name } => {
                self.variables.undefine(name);
                Ok(())
            }
            StatementKind::Set { name, value, .. } => {
                let properties = [(name.value.clone(), value.clone())].into();
                self.config = self.config.with(&properties)?;
                Ok(())
            }
            // These only show something.
            StatementKind::Show(_)
            | StatementKind::Describe(_)
            | StatementKind::Explain(_)
            | StatementKind::Unset { .. }
            | StatementKind::Print(_) => Ok(()),
            _ => Err(SqlError::not_supported("this statement in a test")),
        }
    }

    fn create_source(&mut self, create: &CreateSource, sql: &str) -> Result<(), SqlError> {
        let plan = self.planned(|context| plan_create(create, sql, context))?;
        match existing(&self.catalog, &create.name, create.or_replace, create.if_not_exists)? {
            Existing::Nothing => {}
            Existing::Skip => return Ok(()),
            Existing::Replace(there) => check_replace_declared(&there, &plan.source)?,
        }
        self.topic(&plan.topic.name, plan.topic.partitions.unwrap_or(PARTITIONS));
        self.catalog.apply(Command::PutSource(plan.source));
        Ok(())
    }

    fn create_as_select(&mut self, create: &CreateAsSelect, sql: &str) -> Result<(), SqlError> {
        let plan = self.planned(|context| plan_create_as(create, sql, context))?;
        let replaces = match existing(&self.catalog, &create.name, create.or_replace, create.if_not_exists)? {
            Existing::Nothing => None,
            Existing::Skip => return Ok(()),
            Existing::Replace(there) => {
                let def = replaced_query(&there, &self.catalog)?;
                if let Some(old) = self.queries.iter().find(|query| query.id == def.id) {
                    check_replace(&old.plan, &plan)?;
                }
                Some(def)
            }
        };
        self.start(plan, sql, replaces.as_deref())
    }

    fn planned<T>(&self, plan: impl FnOnce(&Context<'_>) -> Result<T, SqlError>) -> Result<T, SqlError> {
        let partitions = |topic: &str| self.topics.get(topic).map(|t| t.partitions);
        plan(&Context {
            catalog: &self.catalog,
            partitions: &partitions,
            coalesce: self.config.cache_bytes > 0,
            defaults: &self.config.defaults,
        })
    }

    /// Takes a query into the catalog, as the runtime does.
    fn start(&mut self, plan: QueryPlan, sql: &str, replaces: Option<&QueryDef>) -> Result<(), SqlError> {
        let sink =
            plan.sink.as_ref().ok_or_else(|| SqlError::internal("a persistent query without a sink"))?;
        let number = replaces.map_or(self.catalog.next_query(), |def| def.number);
        let id = match (replaces, &sink.query_id, sink.created, sink.source.kind) {
            (Some(def), ..) => def.id.clone(),
            (None, Some(id), ..) if self.catalog.query(id).is_some() => {
                let text = format!("query \"{id}\" exists already");
                return Err(SqlError::new(sqlstate::DUPLICATE_TABLE, text));
            }
            (None, Some(id), ..) => id.clone(),
            (None, None, false, _) => format!("INSERTQUERY_{number}"),
            (None, None, true, SourceKind::Stream) => format!("CSAS_{}_{number}", sink.source.name),
            (None, None, true, SourceKind::Table) => format!("CTAS_{}_{number}", sink.source.name),
        };
        let def = QueryDef {
            id: id.clone(),
            number,
            sql: sql.to_owned(),
            sink: sink.source.name.clone(),
            reads: plan.reads.name.clone(),
            reads_columns: Some(plan.reads.columns.len()),
            sink_columns: None,
            partitions: 1,
            sink_partitions: sink.partitions,
            properties: BTreeMap::new(),
            types: BTreeMap::new(),
            paused: false,
        };
        if sink.created {
            let source = Source { query: Some(id.clone()), ..sink.source.clone() };
            let (topic, partitions) = (sink.topic.name.clone(), sink.partitions);
            self.topic(&topic, partitions);
            self.catalog.apply(Command::PutSource(source));
        }
        self.catalog.apply(Command::PutQuery(def));
        self.catalog.apply(Command::NextQuery(self.catalog.next_query().max(number + 1)));
        match self.queries.iter_mut().find(|query| query.id == id) {
            Some(query) => query.plan = plan,
            None => self.queries.push(Query { id, plan }),
        }
        Ok(())
    }

    fn drop_source(&mut self, drop: &DropSource) -> Result<(), SqlError> {
        let Some(source) = plan_drop(drop, &self.catalog)? else { return Ok(()) };
        self.catalog.apply(Command::DropSource(source.name.clone()));
        if let Some(id) = &source.query {
            self.terminate(Some(id));
        }
        Ok(())
    }

    /// Ends a query; None: all of them.
    fn terminate(&mut self, id: Option<&str>) {
        for query in self.queries.iter().filter(|query| id.is_none_or(|id| query.id == id)) {
            self.catalog.apply(Command::DropQuery(query.id.clone()));
        }
        self.queries.retain(|query| id.is_some_and(|id| query.id != id));
    }

    /// There is nothing to wait for: topics are there or not.
    fn assert_topic(&self, assert: &AssertTopic) -> Result<(), SqlError> {
        if self.topics.contains_key(&assert.topic.value) == assert.exists {
            return Ok(());
        }
        let what = if assert.exists { "does not exist" } else { "exists" };
        let text = format!("topic \"{}\" {what}", assert.topic.value);
        Err(SqlError::new(sqlstate::UNDEFINED_OBJECT, text).at(Some(assert.topic.position)))
    }

    /// Makes a topic where there is none.
    fn topic(&mut self, name: &str, partitions: i32) {
        self.topics.entry(name.to_owned()).or_insert_with(|| StubTopic { partitions, records: Vec::new() });
    }

    fn insert_values(&mut self, plan: &InsertPlan) -> Result<(), SqlError> {
        let source = &plan.source;
        let (keys, values): (Vec<_>, Vec<_>) = source.columns.iter().cloned().partition(|c| c.key);
        let columns = plan.rows.columns();
        let (key_columns, value_columns) = columns.split_at(keys.len().min(columns.len()));
        let (mut key, mut value) = (ByteColumn::new(), ByteColumn::new());
        RowEncoder::key(&keys, source.key_format, false)?.encode(key_columns, None, &mut key)?;
        RowEncoder::value(&values, source.value_format)?.encode(value_columns, None, &mut value)?;
        let records = (0..plan.rows.num_rows()).map(|row| StubRecord {
            key: key.get(row).map(<[u8]>::to_vec),
            value: value.get(row).map(<[u8]>::to_vec),
            timestamp: plan.times.get(row).copied().flatten().unwrap_or(0),
            headers: Vec::new(),
        });
        let topic = self.topics.entry(source.topic.clone()).or_default();
        topic.records.extend(records);
        Ok(())
    }

    /// The source over a topic: that of the query that writes it, before others.
    pub fn source_of(&self, topic: &str) -> Option<&Source> {
        let mut over = self.catalog.sources().filter(|source| source.topic == topic);
        let first = over.next()?;
        let written = std::iter::once(first).chain(over).find(|source| source.query.is_some());
        Some(written.unwrap_or(first))
    }

    /// Runs the case's records through all queries. Errors: of a query that died, for people.
    pub fn run(&mut self, case: &Case) -> Result<(), String> {
        let mut inputs = Vec::with_capacity(case.inputs.len());
        for (index, record) in case.inputs.iter().enumerate() {
            let bytes = to_bytes(record, self.source_of(&record.topic))
                .map_err(|e| format!("input record {}: {e}", index + 1))?;
            self.topics.entry(record.topic.clone()).or_default().records.push(bytes.clone());
            inputs.push((record.topic.clone(), bytes));
        }
        let given: BTreeSet<&String> = inputs.iter().map(|(topic, _)| topic).collect();
        for query in &self.queries {
            let reads = query.reads();
            let mut records: Vec<(String, StubRecord)> =
                inputs.iter().filter(|(topic, _)| reads.contains(topic)).cloned().collect();
            for topic in reads.iter().filter(|topic| !given.contains(topic)) {
                let there = self.topics.get(topic).map(|t| t.records.clone()).unwrap_or_default();
                records.extend(there.into_iter().map(|record| (topic.clone(), record)));
            }
            let made = drive(query, &records, &mut self.row_errors)
                .map_err(|error| format!("query {} failed: {error}", query.id))?;
            if let Some(topic) = query.writes() {
                self.topics.entry(topic).or_default().records.extend(made);
            }
        }
        Ok(())
    }
}

/// Runs records through a query, one an epoch.
fn drive(
    query: &Query,
    records: &[(String, StubRecord)],
    row_errors: &mut Vec<RowError>,
) -> Result<Vec<StubRecord>, EngineError> {
    let mut pipeline = Pipeline::new(query.topology(), 1)?;
    let mut offsets: BTreeMap<&str, i64> = BTreeMap::new();
    let mut out = Vec::new();
    for (topic, record) in records {
        let offset = offsets.entry(topic).or_default();
        let headers: Vec<(&str, Option<&[u8]>)> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let raw = RawRecord {
            offset: *offset,
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &headers,
        };
        *offset += 1;
        pipeline.push_records(0, &[raw])?;
        pipeline.end_epoch()?;
        let made = pipeline.take_made();
        made.sink.iter().for_each(|block| collect(block, &mut out));
        let room = ROW_ERRORS_MAX.saturating_sub(row_errors.len());
        row_errors.extend(made.errors.into_iter().take(room));
        pipeline.seal()?;
        pipeline.commit();
    }
    Ok(out)
}

fn collect(block: &SinkBlock, out: &mut Vec<StubRecord>) {
    for (row, timestamp) in block.times.iter().enumerate() {
        let headers = block.headers.get(row).into_iter();
        let headers = headers.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect();
        out.push(StubRecord {
            key: block.keys.get(row).map(<[u8]>::to_vec),
            value: block.values.get(row).map(<[u8]>::to_vec),
            timestamp: *timestamp,
            headers,
        });
    }
}
