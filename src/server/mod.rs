//! Sessions, statements, and the fronts that clients connect to.

pub mod adhoc;
pub mod apply;
pub mod execute;
pub mod http;
pub mod parameters;
pub mod pgwire;
mod run;
pub mod session;
pub mod settings;

pub use run::{Script, ServerError, Started, open_log, run, run_on};
