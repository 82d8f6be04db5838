//! Rivermill: a streaming SQL server. See README.md for users and ARCHITECTURE.md for the shape of the house.

// What ends the process must not be where data or a client can reach it. An exception says why it cannot be reached.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::allow_attributes_without_reason
    )
)]
// clippy.toml's bans are for code that a server runs.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests wait for what they started")
)]

pub mod catalog;
pub mod cli;
pub mod engine;
pub mod formats;
pub mod functions;
pub mod log;
pub mod planner;
pub mod runtime;
pub mod server;
pub mod sql;
