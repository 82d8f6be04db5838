//! Everything that needs a real Kafka. Without a JDK or Maven these tests say "skipped: …" and pass.

// clippy.toml's bans are for code that a server runs.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[path = "../support/child.rs"]
mod child;
#[path = "../support/log_suite.rs"]
mod log_suite;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/scenario.rs"]
mod scenario;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/slt.rs"]
mod slt;

mod broker;
mod broker_restart;
mod exactly_once;
mod log_kafka;
mod sql;
mod watermarks;
