use std::sync::Arc;

use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use expect_test::{Expect, expect};

use super::check;
use crate::catalog::{Column, Format};
use crate::engine::testing::{col, filter, lit, longs, op, project, sink, source};
use crate::engine::topology::{
    ExchangeSpec, FilterSpec, OperatorSpec, StageOutput, StageSpec, TableFilterSpec, Topology,
};
use crate::engine::{Task, TaskOutput};
use crate::formats::RawRecord;
use crate::sql::SqlType;
use crate::sql::ast::SourceKind;

fn divided() -> Arc<dyn PhysicalExpr> {
    op(lit(100), Operator::Divide, col("V", 1))
}

fn stateless(operators: Vec<OperatorSpec>, kind: SourceKind) -> Topology {
    let output = sink(&[("K", kind == SourceKind::Table), ("V", false)], false, 1);
    Topology { source: source(kind), stages: vec![StageSpec { operators, output }] }
}

#[test]
fn rows_that_break_a_projection_are_null_there() {
    let projected = project(vec![col("K", 0), divided()], &["K", "V"], vec![]);
    check(
        stateless(vec![OperatorSpec::Project(projected)], SourceKind::Stream),
        "1 10 @1\n 2 0 @2\n 3 20 @3\n 4 0 @4\n 5 50 @5\n 6 null @6\n push",
        expect![[r#"
            null {"K":1,"V":10} @1
            null {"K":2,"V":null} @2
            null {"K":3,"V":5} @3
            null {"K":4,"V":null} @4
            null {"K":5,"V":2} @5
            null {"K":6,"V":null} @6
            expression error at 1: division by zero
            expression error at 3: division by zero
        "#]],
    );
}

#[test]
fn rows_that_break_a_filter_are_dropped() {
    let predicate = op(divided(), Operator::Gt, lit(4));
    check(
        stateless(vec![OperatorSpec::Filter(filter(predicate))], SourceKind::Stream),
        "1 10 @1\n 2 0 @2\n 3 20 @3\n 4 50 @4\n 5 null @5\n push",
        expect![[r#"
            null {"K":1,"V":10} @1
            null {"K":3,"V":20} @3
            expression error at 1: division by zero
        "#]],
    );
}

fn matching() -> FilterSpec {
    filter(op(divided(), Operator::Gt, lit(4)))
}

fn run_table(filter: OperatorSpec, records: &[(&str, Option<&str>)], expected: Expect) {
    let projected = project(vec![col("K", 0), divided()], &["K", "V"], vec![0]);
    let operators = vec![filter, OperatorSpec::Project(projected)];
    let mut task = Task::new(&stateless(operators, SourceKind::Table), 0, 0, 1).unwrap();
    let records: Vec<_> = (0..)
        .zip(records)
        .map(|(offset, (key, value))| RawRecord {
            offset,
            timestamp: 1,
            key: Some(key.as_bytes()),
            value: value.map(str::as_bytes),
            headers: &[],
        })
        .collect();
    task.push_records(&records).unwrap();
    let TaskOutput::Sink(block) = task.take_output() else { panic!() };
    let mut text = String::new();
    for row in 0..block.len() {
        let show =
            |bytes: Option<&[u8]>| bytes.map_or("-".into(), |b| String::from_utf8_lossy(b).into_owned());
        text += &format!("{} {}\n", show(block.keys.get(row)), show(block.values.get(row)));
    }
    for error in task.take_errors() {
        text += &format!("{:?} {}\n", error.offset, error.reason);
    }
    expected.assert_eq(&text);
}

#[test]
fn a_tables_row_that_does_not_match_is_a_tombstone() {
    run_table(
        OperatorSpec::Filter(matching()),
        &[("1", Some(r#"{"V":10}"#)), ("2", Some(r#"{"V":50}"#)), ("3", None), ("4", Some(r#"{"V":0}"#))],
        expect![[r#"
            1 {"V":10}
            2 -
            3 -
            4 -
            Some(3) division by zero
        "#]],
    );
}

#[test]
fn a_filter_that_remembers_deletes_what_it_let_through() {
    run_table(
        OperatorSpec::TableFilter(TableFilterSpec { filter: matching(), keys: vec![0] }),
        &[
            ("1", Some(r#"{"V":10}"#)),
            ("2", Some(r#"{"V":50}"#)),
            ("3", None),
            ("1", Some(r#"{"V":20}"#)),
            ("1", Some(r#"{"V":50}"#)),
            ("1", None),
            ("2", Some(r#"{"V":10}"#)),
            ("2", Some(r#"{"V":0}"#)),
            ("2", None),
        ],
        expect![[r#"
            1 {"V":10}
            1 {"V":5}
            1 -
            2 {"V":10}
            2 -
            Some(7) division by zero
        "#]],
    );
}

#[test]
fn an_exchange_brings_the_rows_of_a_key_together() {
    let keys = vec![Column { name: "K".into(), ty: SqlType::BigInt, key: true }];
    let operators =
        vec![OperatorSpec::Project(project(vec![col("K", 0), col("V", 1)], &["K", "V"], vec![0]))];
    let first =
        StageSpec { operators, output: StageOutput::Exchange(ExchangeSpec { keys, format: Format::Json }) };
    let second = StageSpec { operators: vec![], output: StageOutput::Rows { schema: longs(&["K", "V"]) } };
    let topology = Topology { source: source(SourceKind::Stream), stages: vec![first, second] };
    let mut task = Task::new(&topology, 0, 0, 4).unwrap();
    let values: Vec<String> = (0..40).map(|i| format!(r#"{{"K":{},"V":{i}}}"#, i % 10)).collect();
    let records: Vec<_> = (0..)
        .zip(&values)
        .map(|(offset, value)| RawRecord {
            offset,
            timestamp: offset,
            key: None,
            value: Some(value.as_bytes()),
            headers: &[],
        })
        .collect();
    task.push_records(&records).unwrap();
    let TaskOutput::Exchange(batches) = task.take_output() else { panic!() };
    let mut seen = 0;
    for (target, batch) in batches {
        let mut next = Task::new(&topology, 1, target, 4).unwrap();
        next.push(batch).unwrap();
        let TaskOutput::Rows(rows) = next.take_output() else { panic!() };
        for batch in rows {
            for line in crate::engine::testing::lines(&batch.columns) {
                let key = line.split(' ').next().unwrap();
                assert_eq!(crate::formats::partition_for(key.as_bytes(), 4), target);
                seen += 1;
            }
            let offsets = &batch.origin.as_ref().unwrap().offsets;
            assert_eq!(offsets, &batch.time);
            assert!(offsets.windows(2).all(|w| w[0] < w[1]));
        }
    }
    assert_eq!(seen, 40);
}
