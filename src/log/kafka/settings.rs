//! Which librdkafka settings each kind of client gets.
//!
//! Three layers, the later wins: what Rivermill chooses, what the user says for all clients (`kafka.x`), what
//! the user says for one kind (`kafka.consumer.x`, `kafka.producer.x`, `kafka.admin.x`); and above all the few
//! that exactly-once stands on, which a user cannot change.

use std::collections::BTreeMap;

use super::error::refused;
use super::raw;
use crate::log::{LogError, Result};

/// How to reach a Kafka.
#[derive(Debug, Clone, Default)]
pub struct KafkaSettings {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    /// librdkafka's own settings by its names; see [the module](self) for the prefixes.
    pub properties: BTreeMap<String, String>,
}

/// The kinds of clients, which settings can be given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Consumer,
    Producer,
    Admin,
}

impl Role {
    const ALL: [Role; 3] = [Role::Consumer, Role::Producer, Role::Admin];

    fn prefix(self) -> &'static str {
        match self {
            Role::Consumer => "consumer.",
            Role::Producer => "producer.",
            Role::Admin => "admin.",
        }
    }

    /// What Rivermill chooses where the user says nothing.
    fn defaults(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // A reader holds at most 2 MiB of fetched records plus one fetch in flight. A fast consumer must not
            // pause for the default second when that is full; 50 ms bound what an idle partition adds to the
            // latency of learning where the end is. TCP has its own checksums. A reader is opened on topics that
            // are known to exist, so one that is not found any more was deleted: that is to be said soon.
            Role::Consumer => &[
                ("queued.max.messages.kbytes", "2048"),
                ("queued.min.messages", "100000"),
                ("fetch.queue.backoff.ms", "2"),
                ("fetch.wait.max.ms", "50"),
                ("fetch.error.backoff.ms", "100"),
                ("fetch.message.max.bytes", "1048576"),
                ("fetch.max.bytes", "16777216"),
                ("check.crcs", "false"),
                ("topic.metadata.propagation.max.ms", "2000"),
                ("topic.metadata.refresh.interval.ms", "10000"),
            ],
            // At most 64 MiB or 500,000 records wait to be sent; beyond that `append` waits. A record may be as
            // large as the topic allows, which the broker checks; batches stay under a broker's default limit.
            Role::Producer => &[
                ("linger.ms", "5"),
                ("batch.size", "1000000"),
                ("batch.num.messages", "100000"),
                ("message.max.bytes", "67108864"),
                ("queue.buffering.max.kbytes", "65536"),
                ("queue.buffering.max.messages", "50000"),
                ("compression.type", "lz4"),
                ("transaction.timeout.ms", "60000"),
            ],
            Role::Admin => &[],
        }
    }

    /// What exactly-once, or this module's reading of librdkafka's answers, stands on.
    fn fixed(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Role::Consumer => &[
                ("isolation.level", "read_committed"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                ("enable.partition.eof", "true"),
                ("allow.auto.create.topics", "false"),
            ],
            Role::Producer => &[
                ("enable.idempotence", "true"),
                ("acks", "all"),
                ("max.in.flight.requests.per.connection", "5"),
                ("delivery.report.only.error", "true"),
            ],
            // The group is never joined. But when the coordinator of some other group moves while its offsets are asked
            // for, librdkafka 2.12 turns to the handle's own group, and crashes where there is none.
            Role::Admin => &[
                ("allow.auto.create.topics", "false"),
                ("group.id", "rivermill-admin"),
                ("enable.auto.commit", "false"),
            ],
        }
    }
}

const COMMON_DEFAULTS: [(&str, &str); 4] = [
    ("client.id", "rivermill"),
    ("reconnect.backoff.max.ms", "1000"),
    ("log.connection.close", "false"),
    ("socket.timeout.ms", "30000"),
];

/// What a user may not set, the one value that changes nothing where there is one, and why.
const REFUSED: [(&str, &str, &str); 18] = [
    ("bootstrap.servers", "", "it is a setting of its own: bootstrap.servers"),
    ("metadata.broker.list", "", "use bootstrap.servers"),
    ("isolation.level", "read_committed", "readers see committed records only"),
    ("enable.auto.commit", "false", "positions are committed together with what was made of the records"),
    ("auto.commit.enable", "false", "positions are committed together with what was made of the records"),
    (
        "enable.auto.offset.store",
        "false",
        "positions are committed together with what was made of the records",
    ),
    (
        "auto.offset.reset",
        "",
        "where a query starts is set for the query: auto.offset.reset without \"kafka.\"",
    ),
    ("enable.partition.eof", "true", "readers need it"),
    ("group.id", "", "each query has its own group"),
    ("group.instance.id", "", "each query has its own group"),
    ("transactional.id", "", "each task of a query has its own"),
    ("enable.idempotence", "true", "without it a retry can write a record twice"),
    ("enable.gapless.guarantee", "false", "a failed delivery ends the transaction, not the writer"),
    ("acks", "all", "a record must be on all replicas before its position is committed"),
    ("request.required.acks", "all", "a record must be on all replicas before its position is committed"),
    ("max.in.flight.requests.per.connection", "5", "exactly-once allows no more, and fewer are only slower"),
    ("max.in.flight", "5", "exactly-once allows no more, and fewer are only slower"),
    ("delivery.report.only.error", "true", "writers count on it"),
];

impl KafkaSettings {
    /// Whether all names and values are known and allowed.
    pub(super) fn check(&self) -> Result<()> {
        if self.bootstrap_servers.trim().is_empty() {
            return Err(LogError::Invalid("bootstrap.servers is empty".into()));
        }
        for (name, value) in &self.properties {
            let bare = Role::ALL.iter().find_map(|r| name.strip_prefix(r.prefix())).unwrap_or(name);
            let refusal = REFUSED.iter().find(|(refused, ..)| *refused == bare);
            if let Some((_, harmless, why)) = refusal
                && (value != harmless || harmless.is_empty())
            {
                return Err(LogError::Invalid(format!("setting \"kafka.{name}\" cannot be changed: {why}")));
            }
            raw::check_settings(&[(bare.to_string(), value.clone())])
                .map_err(|e| refused(raw::Refused { name: name.clone(), ..e }))?;
        }
        Role::ALL.into_iter().try_for_each(|role| raw::check_settings(&self.of(role)).map_err(refused))
    }

    /// The settings of a client of this kind, in the order to be set.
    pub(super) fn of(&self, role: Role) -> Vec<(String, String)> {
        // In layers rather than merged: librdkafka knows many settings by two names, and the later call wins.
        let owned = |(k, v): &(&str, &str)| (k.to_string(), v.to_string());
        let mut settings: Vec<_> = COMMON_DEFAULTS.iter().chain(role.defaults()).map(owned).collect();
        let for_all = |name: &str| !Role::ALL.iter().any(|r| name.starts_with(r.prefix()));
        let given = self.properties.iter();
        settings.extend(given.clone().filter(|(k, _)| for_all(k)).map(|(k, v)| (k.clone(), v.clone())));
        settings
            .extend(given.filter_map(|(k, v)| Some((k.strip_prefix(role.prefix())?.to_string(), v.clone()))));
        if role == Role::Producer {
            fit_timeouts(&mut settings);
        }
        settings.extend(role.fixed().iter().map(owned));
        settings.push(("bootstrap.servers".into(), self.bootstrap_servers.trim().into()));
        settings
    }
}

/// librdkafka refuses a transactional producer whose records or requests may take longer than its transactions.
fn fit_timeouts(settings: &mut Vec<(String, String)>) {
    let of = |names: &[&str]| {
        let last = settings.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
        last.and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let Some(transaction_ms) = of(&["transaction.timeout.ms"]) else { return };
    let fit =
        |ms: Option<u64>| ms.filter(|ms| *ms > 0).unwrap_or(transaction_ms).min(transaction_ms).to_string();
    let message = fit(of(&["message.timeout.ms", "delivery.timeout.ms"]));
    let socket = fit(of(&["socket.timeout.ms"]));
    settings.push(("message.timeout.ms".into(), message));
    settings.push(("socket.timeout.ms".into(), socket));
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn settings(properties: &[(&str, &str)]) -> KafkaSettings {
        KafkaSettings {
            bootstrap_servers: "localhost:1".into(),
            properties: properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        }
    }

    fn check(properties: &[(&str, &str)], expected: Expect) {
        let found = settings(properties).check().map_or_else(|e| e.to_string(), |()| "ok".into());
        expected.assert_eq(&found);
    }

    #[test]
    fn settings_are_checked_by_name_and_value() {
        check(&[("security.protocol", "sasl_ssl"), ("consumer.fetch.min.bytes", "10")], expect!["ok"]);
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] {
            check(
                &[("sasl.mechanism", mechanism), ("sasl.username", "u"), ("sasl.password", "p")],
                expect!["ok"],
            );
        }
        check(&[("isolation.level", "read_committed")], expect!["ok"]);
        check(
            &[("no.such.setting", "1")],
            expect![[
                r#"setting "kafka.no.such.setting": No such configuration property: "no.such.setting""#
            ]],
        );
        check(
            &[("producer.linger.ms", "soon")],
            expect![[
                r#"setting "kafka.producer.linger.ms": Invalid value for configuration property "queue.buffering.max.ms""#
            ]],
        );
        check(
            &[("isolation.level", "read_uncommitted")],
            expect![[
                r#"setting "kafka.isolation.level" cannot be changed: readers see committed records only"#
            ]],
        );
        check(
            &[("producer.enable.idempotence", "false")],
            expect![[
                r#"setting "kafka.producer.enable.idempotence" cannot be changed: without it a retry can write a record twice"#
            ]],
        );
        check(
            &[("group.id", "g")],
            expect![[r#"setting "kafka.group.id" cannot be changed: each query has its own group"#]],
        );
    }

    #[test]
    fn each_kind_gets_its_own() {
        let given = settings(&[
            ("linger.ms", "7"),
            ("producer.linger.ms", "9"),
            ("consumer.fetch.wait.max.ms", "3"),
            ("transaction.timeout.ms", "10000"),
        ]);
        let find = |role, name: &str| given.of(role).into_iter().rfind(|(k, _)| k == name).map(|(_, v)| v);
        assert_eq!(find(Role::Producer, "linger.ms").as_deref(), Some("9"));
        assert_eq!(find(Role::Consumer, "linger.ms").as_deref(), Some("7"));
        assert_eq!(find(Role::Consumer, "fetch.wait.max.ms").as_deref(), Some("3"));
        assert_eq!(find(Role::Producer, "fetch.wait.max.ms"), None);
        assert_eq!(find(Role::Producer, "message.timeout.ms").as_deref(), Some("10000"));
        assert_eq!(find(Role::Producer, "socket.timeout.ms").as_deref(), Some("10000"));
        assert_eq!(find(Role::Consumer, "socket.timeout.ms").as_deref(), Some("30000"));
    }
}
