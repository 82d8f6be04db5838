//! Integration tests, in one binary so that they link once. What needs a real Kafka is elsewhere.

// clippy.toml's bans are for code that a server runs.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[path = "../support/child.rs"]
mod child;
#[path = "../support/client.rs"]
mod client;
#[path = "../support/faulty_log.rs"]
mod faulty_log;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/scenario.rs"]
mod scenario;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/slt.rs"]
mod slt;

mod at_least_once;
mod bad_clients;
mod bad_records;
mod batch_equals_stream;
mod datagen;
mod examples;
mod failed_query;
mod failed_statement;
mod kill;
mod ksqldb;
mod log_crash;
mod log_embedded;
mod memory_limit;
mod own_topics;
mod recovery;
mod replace;
mod rollback;
mod slow_client;
mod sql;
mod table_aggregate;
mod test_files;
mod tidy;
