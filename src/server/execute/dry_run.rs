//! Sessions of `rivermill apply`, the executor's side of [`apply`](crate::server::apply).
//!
//! When planning, statements are checked against a copy of the catalog that the session keeps.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use super::SqlServer;
use crate::catalog::Catalog;
use crate::server::apply::{Mode, SETTING};
use crate::server::session::SessionState;
use crate::sql::{SqlError, sqlstate};

/// The catalog as it would be, in a session that only plans.
#[derive(Clone, Default)]
pub struct DryRun {
    pub catalog: Arc<Catalog>,
    /// Partitions of topics that would be created.
    pub topics: HashMap<String, i32>,
}

pub(super) fn set_apply(server: &SqlServer, session: &mut SessionState, value: &str) -> Result<(), SqlError> {
    let mode = Mode::from_str(value).map_err(|()| {
        SqlError::new(sqlstate::INVALID_PARAMETER, format!("invalid value for \"{SETTING}\": \"{value}\""))
            .hint("it must be true, plan or false")
    })?;
    session.apply = mode != Mode::Off;
    session.dry_run = match mode {
        Mode::Plan => Some(DryRun { catalog: server.runtime()?.catalog(), topics: HashMap::new() }),
        Mode::Off | Mode::Apply => None,
    };
    Ok(())
}
