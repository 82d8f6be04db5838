//! Errors of this floor as a client sees them.

use super::command_log::CommandLogError;
use super::persistent::QueryError;
use crate::engine::EngineError;
use crate::log::LogError;
use crate::sql::{SqlError, sqlstate};

pub(super) fn no_query(id: &str) -> SqlError {
    SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("query \"{id}\" does not exist"))
        .hint("SHOW QUERIES lists them")
}

pub(super) fn no_topic(topic: &str) -> SqlError {
    SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("topic \"{topic}\" does not exist"))
        .hint("create it, or add PARTITIONS = n to have it created")
}

/// What a client sees of an error of the log.
pub fn log_error(error: &LogError) -> SqlError {
    let code = match error {
        LogError::UnknownTopic(_) | LogError::UnknownPartition { .. } => sqlstate::UNDEFINED_OBJECT,
        LogError::Invalid(_) => sqlstate::INVALID_PARAMETER,
        LogError::Unavailable(_) => sqlstate::CONNECTION_FAILURE,
        LogError::Denied(_) => "42501",
        _ => sqlstate::IO_ERROR,
    };
    SqlError::new(code, error.to_string())
}

pub(super) fn command_error(error: &CommandLogError) -> SqlError {
    match error {
        CommandLogError::Log(error) => log_error(error),
        CommandLogError::Command(error) => SqlError::internal(error),
    }
}

impl From<EngineError> for SqlError {
    fn from(error: EngineError) -> SqlError {
        SqlError::internal(error)
    }
}

/// What a client sees of an error of a query.
pub fn query_error(error: &QueryError) -> SqlError {
    match error {
        QueryError::Log(error) => log_error(error),
        QueryError::Memory { .. } => {
            SqlError::new(sqlstate::OUT_OF_MEMORY, error.to_string()).hint("raise query.memory.max.bytes")
        }
        QueryError::Engine(_) | QueryError::Panic(_) => SqlError::internal(error),
    }
}
