//! What a running query tells about itself: for `SHOW QUERIES` and for the metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The state of a persistent query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryState {
    /// Reading its changelog back.
    Recovering,
    Running,
    /// It failed and waits for its next start.
    Retrying,
    /// It reached a limit or met what a retry does not mend.
    Failed,
    /// It was told to read nothing until it is resumed.
    Paused,
    Stopped,
}

impl QueryState {
    pub const ALL: [QueryState; 6] = [
        QueryState::Recovering,
        QueryState::Running,
        QueryState::Retrying,
        QueryState::Failed,
        QueryState::Paused,
        QueryState::Stopped,
    ];

    pub fn name(self) -> &'static str {
        match self {
            QueryState::Recovering => "recovering",
            QueryState::Running => "running",
            QueryState::Retrying => "retrying",
            QueryState::Failed => "failed",
            QueryState::Paused => "paused",
            QueryState::Stopped => "stopped",
        }
    }
}

impl fmt::Display for QueryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A query's figures, all since the server's start where they count something.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryStatus {
    pub id: Arc<str>,
    /// The stream or table that it writes.
    pub sink: Arc<str>,
    pub state: QueryState,
    /// The last failure, kept after the query runs again.
    pub last_error: Option<String>,
    /// Rows read from the input topic, those that could not be decoded too.
    pub rows_in: u64,
    /// Rows written to the output topic and committed.
    pub rows_out: u64,
    /// Records between the committed position and the end, one entry a partition; None where the end is not known yet.
    pub lag: Vec<PartitionLag>,
    /// Epochs that committed.
    pub epochs: u64,
    /// Epochs that were rolled back.
    pub epochs_failed: u64,
    /// From the end of computing an epoch to its commit, summed over all epochs.
    pub commit_time: Duration,
    /// The longest of the last epochs' commits.
    pub commit_time_max: Duration,
    /// Keys (and windows) in the committed state.
    pub state_rows: u64,
    pub state_bytes: u64,
    /// Rows dropped because their window's grace period was over.
    pub late_rows: u64,
    /// Records that could not be decoded, and rows whose expressions failed: all are in the processing log.
    pub errors: u64,
    /// Starts after a failure.
    pub restarts: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    pub topic: Arc<str>,
    pub partition: i32,
    pub records: Option<u64>,
}
