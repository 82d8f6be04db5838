//! Continuous operators on Arrow batches: a pure function of what it is fed. No I/O, no clock, no threads.
//!
//! A [`topology`] says what a query does; a [`Task`] does it for one stage on one partition. Whoever drives tasks
//! decides about threads, time and brokers. A task's life is a row of epochs:
//!
//! ```text
//! restore*  ( push*  end_epoch  seal  →  commit | rollback )*
//! ```
//!
//! Between `seal` and `commit` the next epoch may run already; one epoch at most is sealed. What a task keeps between
//! epochs is in [`state`]; readers see it through a [`Table`], committed epochs only.
//!
//! Rows that fail (a record that is no JSON, a division by zero) never stop a task: each is a [`RowError`].

mod batch;
mod error;
mod eval;
mod operators;
mod state;
mod task;
pub mod topology;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use batch::{Batch, EdgeKind, Origin};
pub use error::{EngineError, ErrorKind, REASON_BYTES_MAX, RowError};
pub use operators::SinkBlock;
pub use state::{Sealed, Table, TablePart, TableSnapshot};
pub use task::{Task, TaskCounters, TaskOutput};
