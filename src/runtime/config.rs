//! What the runtime can be told, already parsed. The server's settings fill it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::planner::Defaults;
use crate::sql::{SqlError, sqlstate};

#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Names everything that this server keeps in the log.
    pub service_id: String,
    pub workers: usize,
    pub query: QueryConfig,
    /// Output bytes after which an epoch ends before its time.
    pub epoch_bytes_max: usize,
    /// State bytes that one query may hold.
    pub query_memory_bytes_max: usize,
    pub retry_initial: Duration,
    pub retry_max: Duration,
    /// Persistent queries at a time.
    pub queries_max: usize,
    /// Bytes of rows that wait for one client of a push query.
    pub push_buffer_bytes_max: usize,
    /// Copies of the topics that the server makes for itself; None leaves it to the broker.
    pub internal_replicas: Option<i16>,
}

/// Settings that a query is started with: the server's, or the session's at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryConfig {
    pub exactly_once: bool,
    pub commit_interval: Duration,
    /// 0: every change of a table is emitted.
    pub cache_bytes: usize,
    pub from_earliest: bool,
    /// What statements mean where they leave something out.
    pub defaults: Defaults,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            service_id: "default_".into(),
            workers: std::thread::available_parallelism().map_or(2, |n| n.get()),
            query: QueryConfig::default(),
            epoch_bytes_max: 8 << 20,
            query_memory_bytes_max: 1 << 30,
            retry_initial: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            queries_max: 1000,
            push_buffer_bytes_max: 1 << 20,
            internal_replicas: None,
        }
    }
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self {
            exactly_once: true,
            commit_interval: Duration::from_millis(100),
            cache_bytes: 10_000_000,
            from_earliest: true,
            defaults: Defaults::default(),
        }
    }
}

/// The settings that a session may change for the queries it starts.
pub fn query_properties() -> impl Iterator<Item = &'static str> {
    let own =
        ["auto.offset.reset", "cache.max.bytes.buffering", "commit.interval.ms", "processing.guarantee"];
    own.into_iter().chain(Defaults::PROPERTIES.iter().copied())
}

impl QueryConfig {
    /// These settings with a session's properties laid over them. Errors: 22023 for a value that does not fit.
    pub fn with(&self, properties: &BTreeMap<String, String>) -> Result<QueryConfig, SqlError> {
        let mut config = self.clone();
        for (name, value) in properties {
            config.set(name, value)?;
        }
        Ok(config)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SqlError> {
        let wrong = |expected: &str| {
            Err(SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("invalid value for \"{name}\": \"{value}\""),
            )
            .hint(format!("it must be {expected}")))
        };
        match name {
            "processing.guarantee" => match value {
                "exactly_once_v2" | "exactly_once" => self.exactly_once = true,
                "at_least_once" => self.exactly_once = false,
                _ => return wrong("exactly_once_v2 or at_least_once"),
            },
            "auto.offset.reset" => match value {
                "earliest" => self.from_earliest = true,
                "latest" => self.from_earliest = false,
                _ => return wrong("earliest or latest"),
            },
            "commit.interval.ms" => match value.parse::<u64>() {
                Ok(ms) if (1..=3_600_000).contains(&ms) => self.commit_interval = Duration::from_millis(ms),
                _ => return wrong("a number of milliseconds from 1 to 3600000"),
            },
            "cache.max.bytes.buffering" => match value.parse::<usize>() {
                Ok(bytes) => self.cache_bytes = bytes,
                Err(_) => return wrong("a number of bytes"),
            },
            // Those that are not the defaults' either are not about queries.
            _ => {
                self.defaults.set(name, value)?;
            }
        }
        Ok(())
    }
}

/// The names of what a server keeps in the log.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: String,
}

impl Names {
    pub fn new(service_id: &str) -> Names {
        Names { prefix: format!("_rivermill-{service_id}") }
    }

    pub fn command_topic(&self) -> String {
        format!("{}-commands", self.prefix)
    }

    pub fn processing_log_topic(&self) -> String {
        format!("{}-processing-log", self.prefix)
    }

    pub fn changelog_topic(&self, query: &str) -> String {
        format!("{}-{query}-changelog", self.prefix)
    }

    /// The group that a query's positions are kept under.
    pub fn group(&self, query: &str) -> String {
        format!("{}-{query}", self.prefix)
    }

    pub fn transactional_id(&self, of: &str) -> String {
        format!("{}-{of}", self.prefix)
    }

    /// Whether a topic is one of the server's own.
    pub fn is_internal(&self, topic: &str) -> bool {
        topic.starts_with(&self.prefix)
    }
}
