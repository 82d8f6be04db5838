//! End-to-end figures on a real Kafka on this machine: `cargo bench --bench pipeline`.
//!
//! Five million Nexmark bids of about 145 bytes as JSON lie in four partitions. Each case runs in a server of its own, the
//! release binary in a process of its own, and is measured from the moment its query is asked for to the moment when
//! all of its input is committed. Broker, server and this program share the machine, so records per CPU-second of the
//! server say more than records a second. Two baselines of the same run tell what the client library costs:
//! consuming and discarding, and consuming, decoding, encoding and producing without any SQL.
//!
//! ```text
//! cargo bench --bench pipeline -- [--records N] [--cases a,b,c,c2,d,restart,idle]
//! ```
//!
//! 200,000 records make a smoke run of a minute. Without a JDK or Maven it says "skipped: …".

// clippy.toml's bans are for code that a server runs.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::ops::ControlFlow;

use rivermill::cli::datagen::{DatagenSpec, generate};
use rivermill::log::kafka::{KafkaLog, KafkaSettings};

#[path = "../../tests/kafka/broker.rs"]
mod broker;
#[path = "../../tests/support/child.rs"]
mod child;
#[path = "../../tests/support/process.rs"]
mod process;

mod baselines;
mod cases;
mod positions;
mod report;
mod restart;
mod usage;

use broker::Broker;
use report::Report;

/// The broker serves five million records in and out; more than a test's.
const BROKER_HEAP_MIB: u32 = 1_024;
const RECORDS: u64 = 5_000_000;
const PARTITIONS: i32 = 4;
/// Distinct auctions.
const KEYS: u64 = 100_000;
/// Bids a second of event time: ten of each auction in a window of ten seconds.
const EVENT_RATE: u64 = 100_000;
/// Distinct keys of the restart.
const RESTART_KEYS: u64 = 1_000_000;
const BIDS: &str = "bids";

/// What the command line asks for.
struct Options {
    records: u64,
    /// Empty: all.
    cases: Vec<String>,
}

impl Options {
    fn read() -> Options {
        let mut options = Options { records: RECORDS, cases: Vec::new() };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--records" => options.records = value().parse().expect("a number of records"),
                "--cases" => options.cases = value().split(',').map(str::to_owned).collect(),
                // What cargo adds, and a filter of names that has no meaning here.
                _ => {}
            }
        }
        options
    }

    fn wants(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|wanted| wanted == case)
    }
}

fn main() {
    let options = Options::read();
    let Some(broker) = Broker::start_with_heap(BROKER_HEAP_MIB) else { return };
    let bench = Bench {
        log: KafkaLog::connect(&KafkaSettings {
            bootstrap_servers: broker.bootstrap_servers(),
            ..KafkaSettings::default()
        })
        .expect("a client"),
        servers: broker.bootstrap_servers(),
        records: options.records,
    };
    let mut report = Report::default();
    if options.wants("idle") {
        restart::idle(&bench, &mut report);
    }
    if cases::CASES.iter().any(|case| options.wants(case.id)) {
        fill(&bench);
        baselines::consume(&bench, &mut report);
        baselines::copy(&bench, &mut report);
        for case in cases::CASES.iter().filter(|case| options.wants(case.id)) {
            cases::run(&bench, case, &mut report);
        }
    }
    if options.wants("restart") {
        restart::restart(&bench, RESTART_KEYS.min(options.records), &mut report);
    }
    println!("\n{report}");
}

/// What every part needs.
pub struct Bench {
    log: KafkaLog,
    servers: String,
    records: u64,
}

fn fill(bench: &Bench) {
    let spec = DatagenSpec {
        topic: Some(BIDS.into()),
        partitions: PARTITIONS,
        count: bench.records,
        keys: KEYS,
        event_rate: EVENT_RATE,
        ..DatagenSpec::default()
    };
    println!("writing {} bids", bench.records);
    generate(&bench.log, &spec, |_| ControlFlow::Continue(())).expect("bids are written");
}
