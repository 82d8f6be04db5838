//! What can go wrong with a log.

/// An error of the log. The text of each variant says what and where; the caller adds the statement or query.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    #[error("topic \"{0}\" does not exist")]
    UnknownTopic(String),
    #[error("topic \"{topic}\" has no partition {partition}")]
    UnknownPartition { topic: String, partition: i32 },
    #[error("topic \"{0}\" already exists")]
    TopicExists(String),
    /// What was asked makes no sense to the log.
    #[error("{0}")]
    Invalid(String),
    /// The broker cannot be reached or did not answer in time. Try again.
    #[error("the log is not available: {0}")]
    Unavailable(String),
    /// The running transaction failed: abort it and begin again.
    #[error("the transaction must be rolled back: {0}")]
    Abortable(String),
    /// Another writer took over this transactional id. This one is finished.
    #[error("fenced by a newer writer with the same transactional id: {0}")]
    Fenced(String),
    /// A position that is not in the log any more.
    #[error("offset {offset} of {topic}-{partition} is out of range")]
    OffsetOutOfRange { topic: String, partition: i32, offset: i64 },
    #[error("not allowed: {0}")]
    Denied(String),
    /// The store on disk is damaged or of a version that this build does not read.
    #[error("{0}")]
    Corrupt(String),
    #[error("{0}")]
    Other(String),
}

pub type Result<T, E = LogError> = std::result::Result<T, E>;

impl LogError {
    /// Whether the reader or writer that returned it is finished and must be opened anew.
    pub fn is_fatal(&self) -> bool {
        matches!(self, LogError::Fenced(_) | LogError::Corrupt(_) | LogError::Other(_))
    }
}
