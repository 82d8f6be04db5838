//! What an aggregation keeps: its groups, by window and key.
//!
//! ```text
//!   running    an epoch's changes: whole new states of the keys it touched, copied up on first touch
//!   sealed     the epoch before, while its transaction is under way; None most of the time
//!   committed  everything else, in copy-on-write segments by key hash: what readers see
//! ```
//!
//! A look-up goes from the top down. `commit` merges the sealed overlay into the committed part; a rollback drops both
//! overlays and has nothing to repair. States are columns (see [`Accumulator`]): a batch is hashed, interned and
//! updated as a batch.
//!
//! What is committed is written down as [`changelog`] blocks, from which the same state is restored. Keys are never
//! deleted one by one: an unwindowed aggregation of a stream keeps them all, a windowed one drops whole windows, and
//! which ones follows from stream time alone. So the changelog needs no deletions, only stream time.
//!
//! [`Accumulator`]: crate::functions::aggregate::Accumulator

mod block;
mod columns;
mod committed;
mod keyed;
mod layout;
mod overlay;
mod rewrite;
mod segment;
mod store;
mod table;
mod view;

pub use committed::TablePart;
pub use layout::{Keys, Layout};
pub use segment::{NO_ROW, Segment};
pub use store::{Sealed, Store};
pub use table::{Table, TableSnapshot};

/// The window of what has no window.
pub const NO_WINDOW: i64 = 0;
