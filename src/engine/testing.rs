//! Topologies, and a script that drives a task, for tests.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column as Col, Literal};

use super::topology::*;
use super::{EdgeKind, Table, Task, TaskOutput};
use crate::catalog::{Column, Format, Source, WindowSpec};
use crate::formats::{RawRecord, SourceColumn};
use crate::functions::aggregate::{AggregateCall, Argument, Options, find, resolve};
use crate::sql::SqlType;
use crate::sql::ast::SourceKind;

pub fn col(name: &str, index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Col::new(name, index))
}

pub fn lit(value: i64) -> Arc<dyn PhysicalExpr> {
    Arc::new(Literal::new(ScalarValue::Int64(Some(value))))
}

pub fn op(left: Arc<dyn PhysicalExpr>, op: Operator, right: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    Arc::new(BinaryExpr::new(left, op, right))
}

pub fn filter(predicate: Arc<dyn PhysicalExpr>) -> FilterSpec {
    FilterSpec { predicate, text: String::new() }
}

pub fn window(size_ms: i64, advance_ms: i64, grace_ms: i64, retention_ms: i64) -> WindowSpec {
    WindowSpec { size_ms, advance_ms, grace_ms, retention_ms, session: false }
}

/// Columns `NAME` of BIGINT.
pub fn longs(names: &[&str]) -> SchemaRef {
    Arc::new(Schema::new(names.iter().map(|n| Field::new(*n, DataType::Int64, true)).collect::<Vec<_>>()))
}

pub fn project(exprs: Vec<Arc<dyn PhysicalExpr>>, names: &[&str], not_null: Vec<usize>) -> ProjectSpec {
    ProjectSpec { texts: vec![String::new(); exprs.len()], exprs, schema: longs(names), not_null }
}

fn columns(names: &[(&str, bool)]) -> Vec<Column> {
    names.iter().map(|(n, key)| Column { name: (*n).into(), ty: SqlType::BigInt, key: *key }).collect()
}

/// A stream or table of K and V, BIGINT, in JSON; the key of a table is K.
pub fn source(kind: SourceKind) -> SourceSpec {
    let table = kind == SourceKind::Table;
    let source = Source {
        name: "S".into(),
        kind,
        columns: columns(&[("K", table), ("V", false)]),
        topic: "s".into(),
        key_format: Format::Json,
        value_format: Format::Json,
        timestamp: None,
        window: None,
        query: None,
        sql: String::new(),
        internal: false,
        headers: Vec::new(),
        read_only: false,
        wrap_single_value: None,
    };
    SourceSpec {
        source: Arc::new(source),
        columns: vec![SourceColumn::Column(0), SourceColumn::Column(1)],
        schema: longs(&["K", "V"]),
        edge: if table { EdgeKind::Changes } else { EdgeKind::Append },
        headers: false,
    }
}

pub fn sink(names: &[(&str, bool)], windowed: bool, partitions: i32) -> StageOutput {
    StageOutput::Sink(SinkSpec {
        topic: "out".into(),
        partitions,
        columns: columns(names),
        key_format: Format::Json,
        value_format: Format::Json,
        windowed,
        timestamp: None,
        timestamp_format: None,
        null_keys: true,
        sessions: false,
    })
}

/// `SELECT K, COUNT(*) N, SUM(V) S … GROUP BY K`, in one stage. `having`: over K, [WINDOWSTART, WINDOWEND,] N, S.
pub fn grouped(
    window: Option<WindowSpec>,
    emit: EmitMode,
    having: Option<Arc<dyn PhysicalExpr>>,
) -> Topology {
    let call = |name: &str, args: Vec<(usize, SqlType)>| {
        let function = find(name).unwrap().clone();
        let types: Vec<_> =
            args.iter().map(|(_, ty)| Argument { ty: Some(ty.clone()), constant: None }).collect();
        let resolved = resolve(&function, &types, Options::default()).unwrap();
        AggregateCall {
            function,
            args,
            return_type: resolved.returns,
            make: resolved.make,
            text: name.into(),
        }
    };
    let output = if window.is_some() {
        longs(&["K", "WINDOWSTART", "WINDOWEND", "N", "S"])
    } else {
        longs(&["K", "N", "S"])
    };
    let at = output.fields().len() - 2;
    let mut exprs = vec![col("K", 0), col("N", at), col("S", at + 1)];
    let mut names = vec!["K", "N", "S"];
    if window.is_some() {
        exprs.push(col("WINDOWSTART", 1));
        names.push("WINDOWSTART");
    }
    let aggregate = AggregateSpec {
        group: 1,
        calls: vec![call("COUNT", vec![]), call("SUM", vec![(1, SqlType::BigInt)])],
        window,
        having: having.map(filter),
        emit,
        undo: false,
        input: longs(&["K", "V"]),
        output,
    };
    let operators = vec![
        OperatorSpec::Project(project(vec![col("K", 0), col("V", 1)], &["K", "V"], vec![0])),
        OperatorSpec::Aggregate(Arc::new(aggregate)),
        OperatorSpec::Project(project(exprs, &names, vec![])),
    ];
    let output = sink(&[("K", true), ("N", false), ("S", false)], window.is_some(), 1);
    Topology { source: source(SourceKind::Stream), stages: vec![StageSpec { operators, output }] }
}

/// A task that a script drives; what it does is written to `log`.
///
/// Script lines: `k v @time` is a row (lines in a row are one batch), `!text @time` a record with this value;
/// `seal`, `publish`, `commit` (both), `rollback`, `restart` (a new task from the changelog), `table`.
pub struct Driver {
    pub topology: Topology,
    pub task: Task,
    pub table: Option<Table>,
    pub changelog: Vec<Vec<u8>>,
    /// Not committed yet.
    sealed: Vec<Vec<u8>>,
    offset: i64,
    pub log: String,
}

impl Driver {
    pub fn new(topology: Topology) -> Self {
        let task = Task::new(&topology, 0, 0, 1).unwrap();
        let table = task.table().map(|part| Table::new(vec![part], &topology).unwrap());
        let (changelog, sealed) = (Vec::new(), Vec::new());
        Self { topology, task, table, changelog, sealed, offset: 0, log: String::new() }
    }

    pub fn run(&mut self, script: &str) {
        let mut rows: Vec<(String, i64)> = Vec::new();
        for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if let Some((row, time)) = line.split_once(" @") {
                let time = time.parse().unwrap();
                let value = match row.strip_prefix('!') {
                    Some(raw) => raw.to_owned(),
                    None => {
                        let (k, v) = row.split_once(' ').unwrap();
                        format!(r#"{{"K":{k},"V":{v}}}"#)
                    }
                };
                rows.push((value, time));
                continue;
            }
            self.push(&std::mem::take(&mut rows));
            match line {
                "push" => {}
                "seal" => self.seal(),
                "publish" => self.publish(),
                "commit" => {
                    self.seal();
                    self.publish();
                }
                "rollback" => {
                    self.sealed.clear();
                    self.task.rollback();
                }
                "restart" => self.restart(),
                "table" => self.print_table(),
                "late" => writeln!(self.log, "late {}", self.task.counters().late_rows).unwrap(),
                other => panic!("{other}"),
            }
        }
        self.push(&rows);
    }

    pub fn push(&mut self, rows: &[(String, i64)]) {
        if rows.is_empty() {
            return;
        }
        let records: Vec<RawRecord<'_>> = rows
            .iter()
            .enumerate()
            .map(|(i, (value, timestamp))| RawRecord {
                offset: self.offset + i as i64,
                timestamp: *timestamp,
                key: None,
                value: Some(value.as_bytes()),
                headers: &[],
            })
            .collect();
        self.offset += rows.len() as i64;
        self.task.push_records(&records).unwrap();
        self.print_output();
    }

    fn seal(&mut self) {
        self.task.end_epoch().unwrap();
        self.print_output();
        self.sealed = self.task.seal().unwrap().blocks;
    }

    fn publish(&mut self) {
        self.changelog.append(&mut self.sealed);
        self.task.commit();
    }

    pub fn restart(&mut self) {
        self.task = Task::new(&self.topology, 0, 0, 1).unwrap();
        for block in &self.changelog {
            self.task.restore(block).unwrap();
        }
        self.table = self.task.table().map(|part| Table::new(vec![part], &self.topology).unwrap());
    }

    fn print_output(&mut self) {
        if let TaskOutput::Sink(block) = self.task.take_output() {
            let lengths = [block.keys.len(), block.values.len(), block.partitions.len()];
            assert_eq!(lengths, [block.len(); 3]);
            for row in 0..block.len() {
                let key = block.keys.get(row).unwrap_or(b"null");
                let (key, window) = match key.split_last_chunk::<8>() {
                    Some((key, start)) if self.windowed() => {
                        (key, format!(" [{}]", i64::from_be_bytes(*start)))
                    }
                    _ => (key, String::new()),
                };
                let value = block.values.get(row).unwrap_or(b"tombstone");
                let text = String::from_utf8_lossy;
                writeln!(self.log, "{}{window} {} @{}", text(key), text(value), block.times[row]).unwrap();
            }
        }
        for error in self.task.take_errors() {
            let offset = error.offset.unwrap_or(-1);
            writeln!(self.log, "{} error at {offset}: {}", error.kind, error.reason).unwrap();
        }
    }

    fn windowed(&self) -> bool {
        matches!(&self.topology.stages[0].output, StageOutput::Sink(sink) if sink.windowed)
    }

    pub fn rows(&self) -> Vec<String> {
        let snapshot = self.table.as_ref().unwrap().snapshot((i64::MIN, i64::MAX));
        let mut rows: Vec<String> = snapshot.scan(3).flat_map(|batch| lines(&batch.unwrap())).collect();
        rows.sort();
        rows
    }

    fn print_table(&mut self) {
        let rows = self.rows();
        writeln!(self.log, "table {rows:?}").unwrap();
    }
}

pub fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default();
    let columns: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" "))
        .collect()
}
