//! Settings of ksqlDB and Kafka Streams that are no settings here, and what becomes of a `SET` of one.
//!
//! Scripts that people bring set them. One that only tunes machinery that is not here is accepted with a notice; one that
//! would change what statements mean is refused, unless it asks for what is so anyway.

/// What becomes of a `SET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Accepted, without effect, for this reason.
    Ignored(&'static str),
    /// This value is what is so anyway; any other is refused for the reason.
    Only(&'static str, &'static str),
    /// Refused for this reason.
    Refused(&'static str),
}

const POOL: &str = "queries share one pool of workers";
const ALWAYS: &str = "it is always there";
const STATE: &str = "state is in memory, and in the log";
const ONE: &str = "one server runs all queries";
const ASK: &str = "any SELECT can ask any stream or table";
const TIME: &str = "rows with a bad timestamp are left out and logged";

const FOREIGN: &[(&str, Fate)] = &[
    (
        "__emit.interval.ms.kstreams.windowed.aggregation__",
        Fate::Ignored("windows are emitted when they close"),
    ),
    ("cast.strings.preserve.nulls", Fate::Only("true", "NULL is never cast to text")),
    ("create.or.replace.enabled", Fate::Only("true", ALWAYS)),
    ("default.timestamp.extractor", Fate::Ignored(TIME)),
    ("error.classifier.regex", Fate::Ignored("errors are not classified")),
    ("fail.on.deserialization.error", Fate::Only("false", "records that cannot be read are logged")),
    ("fail.on.production.error", Fate::Only("true", "an epoch that cannot be written is tried again")),
    ("functions.substring.legacy.args", Fate::Only("false", "positions are counted from 1")),
    ("headers.columns.enabled", Fate::Only("true", ALWAYS)),
    ("heartbeat.enable", Fate::Ignored(ONE)),
    ("insert.into.values.enabled", Fate::Only("true", ALWAYS)),
    ("lag.reporting.enable", Fate::Ignored(ONE)),
    ("lambdas.enabled", Fate::Only("true", ALWAYS)),
    ("max.task.idle.ms", Fate::Ignored("a query reads one topic")),
    ("metastore.backup.location", Fate::Ignored("the command log is a topic")),
    ("new.query.planner.enabled", Fate::Ignored("there is one planner")),
    ("num.standby.replicas", Fate::Ignored(STATE)),
    ("num.stream.threads", Fate::Ignored(POOL)),
    ("query.error.max.queue.size", Fate::Ignored("the last error is kept")),
    ("query.pull.enable.standby.reads", Fate::Ignored(ONE)),
    ("query.pull.interpreter.enabled", Fate::Ignored(ASK)),
    ("query.pull.limit.clause.enabled", Fate::Only("true", ALWAYS)),
    ("query.pull.max.allowed.offset.lag", Fate::Ignored(ONE)),
    ("query.pull.metrics.enabled", Fate::Ignored("metrics are always there")),
    ("query.pull.range.scan.enabled", Fate::Only("true", ASK)),
    ("query.pull.stream.enabled", Fate::Only("true", ASK)),
    ("query.pull.table.scan.enabled", Fate::Only("true", ASK)),
    ("query.push.v2.enabled", Fate::Ignored("there is one kind of push queries")),
    ("query.push.v2.registry.installed", Fate::Ignored("there is one kind of push queries")),
    ("replication.factor", Fate::Refused("internal.topic.replicas is the server's setting for it")),
    ("rocksdb.config.setter", Fate::Ignored(STATE)),
    ("runtime.feature.shared.enabled", Fate::Ignored(POOL)),
    ("schema.registry.url", Fate::Refused("there is no schema registry yet")),
    ("shared.runtimes.count", Fate::Ignored(POOL)),
    ("sink.partitions", Fate::Refused("say PARTITIONS in the WITH clause")),
    ("sink.replicas", Fate::Refused("say REPLICAS in the WITH clause")),
    ("source.table.materialization.enabled", Fate::Only("true", ASK)),
    ("state.dir", Fate::Ignored(STATE)),
    ("suppress.enabled", Fate::Only("true", ALWAYS)),
    ("task.timeout.ms", Fate::Ignored("a failed query is tried again for ever")),
    ("timestamp.throw.on.invalid", Fate::Only("false", TIME)),
    ("topology.optimization", Fate::Ignored("there is one way to plan a query")),
    ("udf.collect.metrics", Fate::Ignored("there are no functions of users")),
    ("udfs.enabled", Fate::Only("true", ALWAYS)),
    ("variable.substitution.enable", Fate::Only("true", ALWAYS)),
];

/// What becomes of a `SET` of a setting that is not in the table. `name` is without ksqlDB's prefixes. None: unknown to
/// ksqlDB, too.
pub fn foreign(name: &str) -> Option<Fate> {
    let known = FOREIGN.iter().find(|(known, _)| *known == name).map(|(_, fate)| *fate);
    known.or_else(|| {
        let of_client = ["consumer.", "producer.", "admin."].iter().any(|prefix| name.starts_with(prefix));
        of_client.then_some(Fate::Refused("kafka.… in the server's settings are given to the Kafka client"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_foreign_is_not_in_the_table_too() {
        for (name, _) in FOREIGN {
            assert!(super::super::SETTINGS.iter().all(|def| def.name != *name), "{name}");
        }
        assert!(FOREIGN.is_sorted_by_key(|(name, _)| *name));
        assert!(foreign("consumer.max.poll.records").is_some());
        assert_eq!(foreign("colour"), None);
    }
}
