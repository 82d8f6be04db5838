//! A query's figures while it runs. [`status`](super::status) is what others see of them.

use std::time::Duration;

use parking_lot::Mutex;

use super::status::QueryState;
use crate::engine::TaskCounters;

/// Figures of one query, since the server started unless said otherwise.
#[derive(Debug, Clone)]
pub struct QueryStats {
    pub state: QueryState,
    pub last_error: Option<String>,
    pub restarts: u64,
    pub epochs: u64,
    pub rollbacks: u64,
    pub commit_time_sum: Duration,
    pub commit_time_max: Duration,
    /// Records not read yet, one an input partition; None where not known.
    pub lag: Vec<Option<i64>>,
    /// Of the running incarnation and those before it.
    pub counters: TaskCounters,
}

impl Default for QueryStats {
    fn default() -> Self {
        Self {
            state: QueryState::Recovering,
            last_error: None,
            restarts: 0,
            epochs: 0,
            rollbacks: 0,
            commit_time_sum: Duration::ZERO,
            commit_time_max: Duration::ZERO,
            lag: Vec::new(),
            counters: TaskCounters::default(),
        }
    }
}

/// A query's figures, shared between the worker that writes them and those who ask.
#[derive(Debug, Default)]
pub struct StatusCell {
    stats: Mutex<QueryStats>,
}

impl StatusCell {
    pub fn get(&self) -> QueryStats {
        self.stats.lock().clone()
    }

    pub fn update(&self, change: impl FnOnce(&mut QueryStats)) {
        change(&mut self.stats.lock());
    }
}
