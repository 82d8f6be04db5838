//! The Postgres front: what psql and drivers connect to.
//!
//! The loop around the socket is ours; pgwire gives the messages of the server and the types. Its own handlers collect a
//! result before they send it, which would make a continuous query mute, cannot be cancelled between two rows, and its
//! decoder trusts the counts inside a message. So:
//!
//! - [`wire`] reads and writes one socket and knows what interrupts a wait,
//! - [`frontend`] decodes messages, [`error`], [`types`], [`encode`] and [`decode`] translate errors and values,
//! - [`session`] is the loop of one client: [`simple`] and [`extended`] are the two ways to send a statement,
//!   [`commands`] what the session answers itself, [`rows`] the flow of a result,
//! - [`copy_out`] and [`copy_in`] are COPY in its two directions,
//! - [`listener`] accepts clients and keeps the limits.

mod calendar;
mod cancel;
mod commands;
mod copy_format;
mod copy_in;
mod copy_lines;
mod copy_out;
mod cursor;
pub mod decode;
mod encode;
mod error;
mod extended;
mod frontend;
mod json;
mod listener;
mod numeric;
mod rows;
mod session;
mod simple;
mod startup;
#[cfg(test)]
mod tests;
mod types;
mod wire;

pub use listener::{Limits, Traffic, serve};
