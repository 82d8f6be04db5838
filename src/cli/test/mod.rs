//! `test`: runs test files in ksqlDB's formats, with no server, no broker and nothing to wait for.
//!
//! ```text
//!   file ─ cases ─ harness: planner and engine, record by record ─ compare ─ outcome ─ report
//! ```
//!
//! A team tests its own SQL with it, and Rivermill measures itself against ksqlDB's tests (`tests/it/ksqldb.rs`).

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use parking_lot::Mutex;

use super::{Failure, Result};

mod case;
mod compare;
pub mod file;
mod harness;
mod json;
mod number;
pub mod outcome;
mod post;
mod record;
mod report;
mod settings;
mod transcode;

use file::Case;
use outcome::{CaseResult, Outcome, last_line};

#[derive(Debug, Args)]
pub struct TestArgs {
    /// Test files of ksqlDB's format, `{"tests": […]}`, and directories of them
    #[arg(value_name = "PATH", required_unless_present = "statements")]
    paths: Vec<PathBuf>,

    /// Run only the cases whose name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Also write the results to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Instead of test files: SQL statements to run …
    #[arg(long, value_name = "FILE", requires = "output", conflicts_with = "paths")]
    statements: Option<PathBuf>,

    /// … the records to run them on, `{"inputs": […]}`; not needed where the statements INSERT them …
    #[arg(long, value_name = "FILE", requires = "statements")]
    input: Option<PathBuf>,

    /// … and the records to expect, `{"outputs": […]}`
    #[arg(long, value_name = "FILE", requires = "statements")]
    output: Option<PathBuf>,
}

pub fn run(args: TestArgs) -> Result<()> {
    let mut cases = match (&args.statements, &args.output) {
        (Some(statements), Some(output)) => {
            vec![file::load_three(statements, args.input.as_deref(), output)?]
        }
        _ => file::load(&args.paths)?,
    };
    if let Some(filter) = &args.filter {
        cases.retain(|case| case.name.contains(filter));
    }
    let bar = report::bar(cases.len());
    let failed = AtomicUsize::new(0);
    let results = run_all(&cases, &|result| {
        if result.outcome == Outcome::Failed {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        bar.set_message(format!("{} failed", failed.load(Ordering::Relaxed)));
        bar.inc(1);
    });
    bar.finish_and_clear();
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&results).map_err(Failure::new)?;
        std::fs::write(path, text + "\n")
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    }
    print!("{}", report::text(&results));
    match failed.into_inner() {
        0 => Ok(()),
        _ => Err(Failure::new(format!("not all tests passed: {}", last_line(&results)))),
    }
}

/// Expressions nest as deep as the parser allows.
const STACK_BYTES: usize = 16 << 20;

/// Runs cases on all cores. The results are in the order of the cases; `done` hears of each at its end.
pub fn run_all(cases: &[Case], done: &(dyn Fn(&CaseResult) + Sync)) -> Vec<CaseResult> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, CaseResult)>> = Mutex::new(Vec::with_capacity(cases.len()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { return };
            let result = case::run(case);
            done(&result);
            results.lock().push((index, result));
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get()).min(cases.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let started = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
            if started.is_err() {
                // No more threads: this one does it.
                work();
            }
        }
    });
    let mut results = results.into_inner();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
