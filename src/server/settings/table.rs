//! The table of all settings. A row added here is everywhere: file, environment, flags, `SET`, `SHOW
//! PROPERTIES`, the docs page, and a typed method on [`Settings`].

use super::{Kind, Scope, Settings, Value};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct SettingDef {
    /// Dotted, lower case.
    pub name: &'static str,
    /// As text, in the form that the file takes.
    pub default: &'static str,
    pub kind: Kind,
    pub scope: Scope,
    /// A sentence or two for users, in Markdown; each line begins with a blank.
    pub doc: &'static str,
}

impl SettingDef {
    /// The default as a value. A test sees to it that every default can be read.
    pub fn default_value(&self) -> Value {
        self.kind.parse(self.default).unwrap_or(Value::Int(0))
    }
}

/// Makes the table, an index of it ([`Id`]) and one typed method a setting from the rows below.
macro_rules! settings {
    ($( $(#[doc = $doc:literal])+ $id:ident($ty:ty): $name:literal = $default:literal, $kind:expr, $scope:ident; )+) => {
        /// The place of a setting in [`SETTINGS`].
        #[allow(non_camel_case_types, reason = "the words are the names of the methods on Settings")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Id { $($id),+ }

        /// All settings, in the order in which the docs show them.
        pub const SETTINGS: &[SettingDef] = &[$(SettingDef {
            name: $name,
            default: $default,
            kind: $kind,
            scope: Scope::$scope,
            doc: concat!($($doc),+),
        }),+];

        impl Settings {
            $( $(#[doc = $doc])+ pub fn $id(&self) -> $ty { FromValue::from_value(self.value(Id::$id)) } )+
        }
    };
}

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

settings! {
    /// Kafka brokers to start from, `host:port` with commas between. Empty: no Kafka; topics live in the embedded log under `data.dir`.
    bootstrap_servers(&str): "bootstrap.servers" = "", Kind::Text, Server;
    /// The directory of the embedded log and of local checkpoints. One server at a time can use it.
    data_dir(&str): "data.dir" = "rivermill-data", Kind::Text, Server;
    /// Where Postgres clients connect.
    listen_postgres(&str): "listen.postgres" = "127.0.0.1:5433", Kind::Address, Server;
    /// Where `/healthcheck`, `/info` and `/metrics` are served.
    listen_http(&str): "listen.http" = "127.0.0.1:8088", Kind::Address, Server;
    /// Names this installation. It is a part of the names of internal topics, transactional ids and consumer groups: two servers with different ids share nothing but the user's topics.
    service_id(&str): "service.id" = "default_", Kind::Name, Server;

    /// `exactly_once_v2`: output, state and input positions are committed in one transaction. `at_least_once`: no transactions; after a crash some output may be written twice.
    processing_guarantee(&str): "processing.guarantee" = "exactly_once_v2", Kind::Choice(&["exactly_once_v2", "at_least_once"]), Query;
    /// How often a query commits, which is how often its results become visible. An epoch ends earlier when it reaches `epoch.bytes.max`.
    commit_interval_ms(u64): "commit.interval.ms" = "100", Kind::Duration { min_ms: 1, max_ms: HOUR_MS }, Query;
    /// Above 0, a table's changes within one epoch are coalesced to the last one of each key. 0: every change is written.
    cache_max_bytes_buffering(u64): "cache.max.bytes.buffering" = "10000000", Kind::Bytes { min: 0, max: 64 * GIB }, Query;
    /// Where a new query begins to read: `earliest` or `latest`. (ksqlDB's default is `latest`.)
    auto_offset_reset(&str): "auto.offset.reset" = "earliest", Kind::Choice(&["earliest", "latest"]), Query;
    /// Output of one epoch, in bytes, at which it is committed before its interval has passed.
    epoch_bytes_max(u64): "epoch.bytes.max" = "8MiB", Kind::Bytes { min: 64 << 10, max: GIB }, Server;
    /// State of one query, in bytes, at which it fails, and is tried again later. The other queries go on.
    query_memory_max_bytes(u64): "query.memory.max.bytes" = "1GiB", Kind::Bytes { min: MIB, max: 1024 * GIB }, Server;
    /// How long a failed query waits before it is started again. Each failure in a row doubles it.
    query_retry_backoff_initial_ms(u64): "query.retry.backoff.initial.ms" = "1000", Kind::Duration { min_ms: 1, max_ms: HOUR_MS }, Server;
    /// The longest wait before a failed query is started again.
    query_retry_backoff_max_ms(u64): "query.retry.backoff.max.ms" = "60000", Kind::Duration { min_ms: 1, max_ms: DAY_MS }, Server;
    /// Persistent queries that may exist at once.
    queries_max(usize): "queries.max" = "1000", Kind::Int { min: 1, max: 100_000 }, Server;
    /// Threads that run queries, shared by all of them. 0: one a core.
    worker_threads(usize): "worker.threads" = "0", Kind::Int { min: 0, max: 1_024 }, Server;

    /// The key format of statements that give none: `KAFKA`, `JSON` or another one.
    default_format_key(&str): "persistence.default.format.key" = "KAFKA", Kind::Text, Query;
    /// The value format of `CREATE` statements that give none. Empty: it must be given.
    default_format_value(&str): "persistence.default.format.value" = "", Kind::Text, Query;
    /// Whether a single value column is written as a field of an object (`true`) or as the bare value (`false`) where the format can do both. Empty: as the format does by itself.
    wrap_single_values(&str): "persistence.wrap.single.values" = "", Kind::Choice(&["", "true", "false"]), Query;
    /// In front of the name of a topic that `CREATE … AS SELECT` names itself.
    topic_name_prefix(&str): "output.topic.name.prefix" = "", Kind::Text, Query;
    /// The longest list that `COLLECT_LIST` makes; later values are left out. Empty: no limit.
    collect_list_limit(&str): "functions.collect_list.limit" = "", Kind::Text, Query;
    /// The most values that `COLLECT_SET` keeps; later ones are left out. Empty: no limit.
    collect_set_limit(&str): "functions.collect_set.limit" = "", Kind::Text, Query;
    /// How long `ASSERT TOPIC` waits where the statement does not say.
    assert_topic_timeout_ms(u64): "assert.topic.default.timeout.ms" = "1000", Kind::Duration { min_ms: 0, max_ms: DAY_MS }, Session;

    /// Replicas of the topics that the server makes for itself (command log, changelogs, processing log).
    internal_topic_replicas(i16): "internal.topic.replicas" = "1", Kind::Int { min: 1, max: 100 }, Server;

    /// Postgres clients connected at once; the next one is refused with SQLSTATE 53300.
    connections_max(usize): "connections.max" = "300", Kind::Int { min: 1, max: 100_000 }, Server;
    /// The largest statement, parameter list or COPY chunk that a client may send.
    statement_bytes_max(usize): "statement.bytes.max" = "16MiB", Kind::Bytes { min: 1 << 10, max: GIB }, Server;
    /// Rows of a push query that wait for a slow client, in bytes. Where it is full, that client's query waits, and no other.
    push_buffer_bytes_max(usize): "push.buffer.bytes.max" = "1MiB", Kind::Bytes { min: 4 << 10, max: GIB }, Server;
}

trait FromValue<'a> {
    fn from_value(value: &'a Value) -> Self;
}

impl<'a> FromValue<'a> for &'a str {
    fn from_value(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => text,
            Value::Int(_) | Value::Bool(_) => "",
        }
    }
}

/// The bounds of each row lie within its type: a test below reads both ends of every row.
macro_rules! from_int {
    ($($ty:ty),+) => { $(
        impl FromValue<'_> for $ty {
            fn from_value(value: &Value) -> Self {
                match value {
                    Value::Int(n) => <$ty>::try_from(*n).unwrap_or(<$ty>::MAX),
                    Value::Text(_) | Value::Bool(_) => 0,
                }
            }
        }
    )+ };
}

from_int!(u64, usize, i32, i16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_dotted() {
        let mut names: Vec<_> = SETTINGS.iter().map(|def| def.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_')))
        );
    }

    #[test]
    fn typed_methods_give_the_defaults() {
        let settings = Settings::default();
        assert_eq!(settings.processing_guarantee(), "exactly_once_v2");
        assert_eq!(settings.commit_interval_ms(), 100);
        assert_eq!(settings.epoch_bytes_max(), 8 << 20);
        assert_eq!(settings.internal_topic_replicas(), 1);
        assert_eq!(settings.listen_http(), "127.0.0.1:8088");
    }
}
