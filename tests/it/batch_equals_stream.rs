//! Batch equals stream: the table that a continuous query ends with is DataFusion's answer to the same SQL over the
//! whole input, however the input was cut into batches, epochs and partitions, and wherever the query was rolled back
//! or crashed on its way.
//!
//! The engine is driven by hand, without a server: [`driver`] plays the runtime and the log, [`case`] makes up queries,
//! rows and what happens to them, [`batch`] asks DataFusion. A case also checks what the query wrote: its
//! records, applied in order, give the same table.
//!
//! Each run takes new cases and prints their seed. To see them again:
//! `RIVERMILL_TEST_SEED=<seed> cargo test --test it batch_equals_stream`; `PROPTEST_CASES` makes it more than 64.

mod batch;
mod case;
mod driver;
mod rows;

use std::collections::{BTreeMap, HashSet};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rivermill::catalog::{Catalog, Command, Source};
use rivermill::engine::ErrorKind;
use rivermill::engine::topology::Topology;
use rivermill::formats::{RawRecord, SourceColumn, SourceDecoder};
use rivermill::planner::{Context, Defaults, plan_create, plan_create_as};
use rivermill::sql::ast::StatementKind;
use rivermill::sql::{Variables, parse};

use batch::Expected;
use case::{Case, Emit, Kind, Step};
use driver::Driver;
use rows::lines;

const SEED: &str = "RIVERMILL_TEST_SEED";

#[test]
fn batch_equals_stream() {
    let seed: u64 = std::env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("{SEED}={seed}");
    let cases = std::env::var("PROPTEST_CASES").map_or(64, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let mut seed_bytes = [0; 32];
    seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = |case: Case| {
        let sql = case.query.sql();
        runtime.block_on(check(&case)).map_err(|error| TestCaseError::fail(format!("{sql}\n{error}")))
    };
    let strategy = case::cases().prop_map(Case::deterministic);
    if let Err(failure) = TestRunner::new_with_rng(config, rng).run(&strategy, run) {
        panic!("{SEED}={seed}\n{failure}");
    }
}

/// Runs a case through the engine and through DataFusion; the error says where they differ.
async fn check(case: &Case) -> Result<(), String> {
    let (topology, sink) = plan(case)?;
    let inputs = case.inputs();
    let mut driver = Driver::new(&topology, &inputs)?;
    // Rows that close all windows come last of all: what comes behind them would be late.
    driver.open_until(case.closing_rows_from());
    for step in &case.steps {
        match *step {
            Step::Push { partition, records } => driver.push(partition, records)?,
            Step::Seal => driver.seal()?,
            Step::Commit => driver.commit()?,
            Step::Rollback => driver.rollback(),
            Step::Crash { durable } => driver.crash(durable)?,
        }
    }
    driver.finish()?;
    driver.open_all();
    driver.finish()?;

    let expected = batch::answer(case, &driver.table_schema()?).await?;
    equal("the table", &driver.table_lines()?, &expected.table)?;
    check_output(case, &driver, &sink, &expected)?;
    driver.check_held_snapshots()?;
    // A restart changes nothing.
    driver.crash(true)?;
    equal("the table after a restart", &driver.table_lines()?, &expected.table)
}

/// Checks the records that the query wrote, and its errors.
fn check_output(case: &Case, driver: &Driver<'_>, sink: &Source, expected: &Expected) -> Result<(), String> {
    let mut table: BTreeMap<Vec<u8>, (i32, Option<Vec<u8>>, i64)> = BTreeMap::new();
    let mut written = HashSet::new();
    let mut count = 0;
    for epoch in &driver.epochs {
        let mut in_epoch = HashSet::new();
        for block in &epoch.sink {
            for row in 0..block.len() {
                let key = block.keys.get(row).ok_or("a record of a table without a key")?.to_vec();
                let value = block.values.get(row).map(<[u8]>::to_vec);
                let (partition, time) = (block.partitions[row], block.times[row]);
                let once = match case.query.emit {
                    Emit::Final => written.insert(key.clone()),
                    Emit::Changes { coalesce: true } => in_epoch.insert(key.clone()),
                    Emit::Changes { coalesce: false } => true,
                };
                if !once {
                    return Err(format!("key {key:?} is written twice"));
                }
                count += 1;
                if let Some((other, ..)) = table.insert(key.clone(), (partition, value, time))
                    && other != partition
                {
                    return Err(format!("key {key:?} is written to partitions {other} and {partition}"));
                }
            }
        }
    }
    let schema = driver.table_schema()?;
    let mut wanted: Vec<SourceColumn> = (0..sink.columns.len()).map(SourceColumn::Column).collect();
    if sink.window.is_some() {
        wanted.extend([SourceColumn::WindowStart, SourceColumn::WindowEnd]);
    }
    wanted.push(SourceColumn::RowTime);
    let mut decoder = SourceDecoder::new(sink, &wanted).map_err(|e| e.to_string())?;
    let live: Vec<RawRecord<'_>> = table
        .iter()
        .filter(|(_, (_, value, _))| value.is_some())
        .map(|(key, (_, value, time))| RawRecord {
            offset: 0,
            timestamp: *time,
            key: Some(key),
            value: value.as_deref(),
            headers: &[],
        })
        .collect();
    let decoded = decoder.decode(0, &live);
    if !decoded.bad.is_empty() {
        return Err(format!("the sink's records cannot be read back: {:?}", decoded.bad));
    }
    equal("the records, applied in order,", &lines(&[decoded.columns], &schema)?, &expected.sink)?;
    if case.query.emit == (Emit::Changes { coalesce: false }) && case.query.having.is_none() {
        equal("the number of records", &[count.to_string()], &[expected.changes.to_string()])?;
    }

    let bad = case.inputs().into_iter().enumerate().flat_map(|(partition, records)| {
        let bad = records.into_iter().enumerate().filter(|(_, record)| record.kind == Kind::Garbage);
        bad.map(move |(offset, _)| format!("{partition}:{offset}"))
    });
    let mut bad: Vec<String> = bad.collect();
    let errors = driver.epochs.iter().flat_map(|epoch| &epoch.errors);
    let mut logged: Vec<String> = errors
        .filter(|error| error.kind == ErrorKind::Deserialization)
        .map(|error| format!("{}:{}", error.partition.unwrap_or(-1), error.offset.unwrap_or(-1)))
        .collect();
    bad.sort();
    logged.sort();
    equal("the log of bad records", &logged, &bad)
}

fn plan(case: &Case) -> Result<(Topology, Source), String> {
    let text = case.query.sql();
    let mut catalog = Catalog::default();
    let defaults = Defaults::default();
    for statement in parse(&text, &Variables::default()).map_err(|e| e.to_string())? {
        match &statement.kind {
            StatementKind::CreateSource(create) => {
                let partitions = |_: &str| None;
                let context = Context {
                    catalog: &catalog,
                    partitions: &partitions,
                    coalesce: true,
                    defaults: &defaults,
                };
                let plan = plan_create(create, &statement.text, &context).map_err(|e| e.to_string())?;
                catalog.apply(Command::PutSource(plan.source));
            }
            StatementKind::CreateAsSelect(create) => {
                let partitions = |topic: &str| (topic == "s").then_some(case.partitions);
                let coalesce = case.query.emit != (Emit::Changes { coalesce: false });
                let defaults = &defaults;
                let context = Context { catalog: &catalog, partitions: &partitions, coalesce, defaults };
                let plan = plan_create_as(create, &statement.text, &context).map_err(|e| e.to_string())?;
                let sink = plan.sink.ok_or("a query without a sink")?;
                return Ok((plan.topology, sink.source));
            }
            other => return Err(format!("unexpected statement {other:?}")),
        }
    }
    Err("no query".into())
}

fn equal(what: &str, found: &[String], expected: &[String]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let only = |a: &[String], b: &[String]| {
        let b: HashSet<&String> = b.iter().collect();
        let lines: Vec<&str> =
            a.iter().filter(|line| !b.contains(line)).take(10).map(String::as_str).collect();
        lines.join("\n  ")
    };
    Err(format!(
        "{what}: {} rows, expected {}\nnot expected:\n  {}\nmissing:\n  {}",
        found.len(),
        expected.len(),
        only(found, expected),
        only(expected, found)
    ))
}
