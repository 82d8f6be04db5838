//! Every setting of the server, in one table.
//!
//! From the table ([`SETTINGS`]) come the settings file, the environment variables, the flags, `SET`,
//! `SHOW PROPERTIES` and the page `docs/settings.md`. A setting is known by one dotted name, Kafka's or
//! ksqlDB's where they have it; the prefixes `ksql.` and `ksql.streams.` are accepted in front of it. What is
//! set where: a flag beats the environment, the environment beats the file, the file beats the default; `SET`
//! beats all of them, for its session only. A name that is not known is refused, with the nearest one that is.
//!
//! Names that begin with `kafka.` are handed to librdkafka as they are, without the prefix.

use std::collections::BTreeMap;

use crate::functions::suggest::nearest;

mod docs;
mod foreign;
mod load;
mod table;
mod value;

pub use docs::markdown;
pub use foreign::{Fate, foreign};
pub use load::{Inputs, load};
pub use table::{Id, SETTINGS, SettingDef};
pub use value::{Kind, SettingError, Value};

/// What a change of a setting reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole server, from its start: `SET` is refused.
    Server,
    /// The session that sets it.
    Session,
    /// The queries that the session creates from then on.
    Query,
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Scope::Server => "server",
            Scope::Session => "session",
            Scope::Query => "query",
        }
    }
}

/// Where a value comes from, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    File,
    Environment,
    Flag,
    Session,
}

impl Origin {
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::Environment => "environment",
            Origin::Flag => "flag",
            Origin::Session => "session",
        }
    }
}

/// The values of all settings. The server has one; a session clones it and changes its copy with [`Settings::set`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// One for each of [`SETTINGS`], in its order.
    values: Vec<(Value, Origin)>,
    /// Without the prefix `kafka.`; at most [`KAFKA_SETTINGS_MAX`].
    kafka: BTreeMap<String, (String, Origin)>,
}

/// librdkafka has about 200.
pub const KAFKA_SETTINGS_MAX: usize = 1_000;

impl Default for Settings {
    fn default() -> Self {
        let values = SETTINGS.iter().map(|def| (def.default_value(), Origin::Default)).collect();
        Self { values, kafka: BTreeMap::new() }
    }
}

/// A row of `SHOW PROPERTIES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    pub name: String,
    /// Secrets read `[hidden]`.
    pub value: String,
    /// `default`, `file`, `environment`, `flag` or `session`.
    pub source: &'static str,
    /// `server`, `session` or `query`.
    pub scope: &'static str,
}

impl Settings {
    /// Sets one value from text. A value from a stronger origin stays.
    ///
    /// Errors: an unknown name, text that is no such value, and from [`Origin::Session`] a setting of the server.
    pub fn set(&mut self, name: &str, text: &str, origin: Origin) -> Result<(), SettingError> {
        let name = strip_prefixes(name);
        if let Some(kafka) = name.strip_prefix("kafka.") {
            return self.set_kafka(kafka, text, origin);
        }
        let (index, def) = find(&name)?;
        if origin == Origin::Session && def.scope == Scope::Server {
            return Err(SettingError::ServerOnly { name: def.name.to_owned() });
        }
        let value = parse_value(def, text)?;
        if let Some(slot) = self.values.get_mut(index).filter(|(_, old)| *old <= origin) {
            *slot = (value, origin);
        }
        Ok(())
    }

    /// Gives a setting the value that it has in `base` again: `UNSET`, `RESET`.
    pub fn unset(&mut self, name: &str, base: &Settings) -> Result<(), SettingError> {
        let name = strip_prefixes(name);
        if let Some(kafka) = name.strip_prefix("kafka.") {
            return Err(SettingError::ServerOnly { name: format!("kafka.{kafka}") });
        }
        let (index, def) = find(&name)?;
        if def.scope == Scope::Server {
            return Err(SettingError::ServerOnly { name: def.name.to_owned() });
        }
        if let (Some(slot), Some(value)) = (self.values.get_mut(index), base.values.get(index)) {
            *slot = value.clone();
        }
        Ok(())
    }

    /// The value of a setting as text, None where there is no setting of that name.
    pub fn get(&self, name: &str) -> Option<String> {
        let name = strip_prefixes(name);
        if let Some(kafka) = name.strip_prefix("kafka.") {
            return self.kafka.get(kafka).map(|(value, _)| shown(kafka, value));
        }
        let (index, _) = find(&name).ok()?;
        self.values.get(index).map(|(value, _)| value.to_string())
    }

    /// All rows of `SHOW PROPERTIES`, the table's first, each part in the order of the names.
    pub fn rows(&self) -> Vec<SettingRow> {
        let mut rows: Vec<SettingRow> = SETTINGS
            .iter()
            .zip(&self.values)
            .map(|(def, (value, origin))| SettingRow {
                name: def.name.to_owned(),
                value: value.to_string(),
                source: origin.name(),
                scope: def.scope.name(),
            })
            .collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows.extend(self.kafka.iter().map(|(name, (value, origin))| SettingRow {
            name: format!("kafka.{name}"),
            value: shown(name, value),
            source: origin.name(),
            scope: Scope::Server.name(),
        }));
        rows
    }

    /// What is handed to librdkafka, by its own names.
    pub fn kafka(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kafka.iter().map(|(name, (value, _))| (name.as_str(), value.as_str()))
    }

    /// Where the value of a setting comes from.
    pub fn origin(&self, id: Id) -> Origin {
        self.values.get(id as usize).map_or(Origin::Default, |(_, origin)| *origin)
    }

    fn value(&self, id: Id) -> &Value {
        const EMPTY: &Value = &Value::Int(0);
        self.values.get(id as usize).map_or(EMPTY, |(value, _)| value)
    }

    fn set_kafka(&mut self, name: &str, text: &str, origin: Origin) -> Result<(), SettingError> {
        if origin == Origin::Session {
            return Err(SettingError::ServerOnly { name: format!("kafka.{name}") });
        }
        if name.is_empty() || (self.kafka.len() >= KAFKA_SETTINGS_MAX && !self.kafka.contains_key(name)) {
            return Err(SettingError::Unknown { name: format!("kafka.{name}"), nearest: None });
        }
        if self.kafka.get(name).is_none_or(|(_, old)| *old <= origin) {
            self.kafka.insert(name.to_owned(), (text.to_owned(), origin));
        }
        Ok(())
    }
}

/// Reads the text of a value as what the setting takes.
pub fn parse_value(def: &SettingDef, text: &str) -> Result<Value, SettingError> {
    def.kind.parse(text).map_err(|expected| SettingError::Invalid {
        name: def.name.to_owned(),
        value: text.to_owned(),
        expected,
    })
}

/// Finds a setting by its name without ksqlDB's prefixes.
fn find(name: &str) -> Result<(usize, &'static SettingDef), SettingError> {
    SETTINGS.iter().enumerate().find(|(_, def)| def.name == name).ok_or_else(|| SettingError::Unknown {
        name: name.to_owned(),
        nearest: nearest(name, SETTINGS.iter().map(|def| def.name)).map(str::to_owned),
    })
}

/// `ksql.streams.commit.interval.ms` is `commit.interval.ms`. Names have no case.
pub fn strip_prefixes(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let name = name.strip_prefix("ksql.").unwrap_or(&name);
    name.strip_prefix("streams.").unwrap_or(name).to_owned()
}

/// Values of librdkafka's settings that nobody should read off a screen.
fn shown(kafka_name: &str, value: &str) -> String {
    let secret = ["password", "secret", ".pem", "oauthbearer.config", "sasl.jaas"];
    if secret.iter().any(|part| kafka_name.contains(part)) { "[hidden]".into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(sets: &[(&str, &str, Origin)], expected: Expect) {
        let mut settings = Settings::default();
        let mut out = String::new();
        for (name, text, origin) in sets {
            if let Err(error) = settings.set(name, text, *origin) {
                out += &format!("{error}{}\n", error.hint().map(|h| format!(" [{h}]")).unwrap_or_default());
            }
        }
        for row in settings.rows().iter().filter(|row| row.source != "default") {
            out += &format!("{} = {} ({}, {})\n", row.name, row.value, row.source, row.scope);
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn every_default_is_a_valid_value() {
        for def in SETTINGS {
            assert!(parse_value(def, def.default).is_ok(), "{}", def.name);
        }
    }

    #[test]
    fn the_stronger_origin_wins_whatever_the_order() {
        check(
            &[
                ("commit.interval.ms", "1s", Origin::Flag),
                ("commit.interval.ms", "5s", Origin::File),
                ("ksql.streams.cache.max.bytes.buffering", "0", Origin::Session),
                ("KSQL.service.id", "shop_", Origin::Environment),
                ("kafka.sasl.password", "tiger", Origin::File),
                ("kafka.linger.ms", "5", Origin::File),
            ],
            expect![[r#"
                cache.max.bytes.buffering = 0 (session, query)
                commit.interval.ms = 1000 (flag, query)
                service.id = shop_ (environment, server)
                kafka.linger.ms = 5 (file, server)
                kafka.sasl.password = [hidden] (file, server)
            "#]],
        );
    }

    #[test]
    fn bad_names_and_values_are_refused() {
        check(
            &[
                ("comit.intervall.ms", "1", Origin::Flag),
                ("colour", "green", Origin::Flag),
                ("commit.interval.ms", "soon", Origin::Flag),
                ("commit.interval.ms", "0", Origin::Flag),
                ("processing.guarantee", "exactly_twice", Origin::Flag),
                ("listen.postgres", "localhost", Origin::Flag),
                ("data.dir", "/tmp", Origin::Session),
                ("kafka.linger.ms", "1", Origin::Session),
                ("connections.max", "99999999999999999999", Origin::File),
                ("service.id", "a b", Origin::File),
            ],
            expect![[r#"
                unknown setting "comit.intervall.ms" [did you mean "commit.interval.ms"?]
                unknown setting "colour" [SHOW PROPERTIES and docs/settings.md list all settings]
                invalid value for setting "commit.interval.ms": "soon" [expected a duration from 1 ms to 1 h, such as 100, 100ms, 5s, 1m or 1h]
                invalid value for setting "commit.interval.ms": "0" [expected a duration from 1 ms to 1 h, such as 100, 100ms, 5s, 1m or 1h]
                invalid value for setting "processing.guarantee": "exactly_twice" [expected exactly_once_v2 or at_least_once]
                invalid value for setting "listen.postgres": "localhost" [expected an address such as 127.0.0.1:5433, or off]
                setting "data.dir" is the server's and cannot be changed while it runs [set it in the settings file, the environment or with a flag, and start the server again]
                setting "kafka.linger.ms" is the server's and cannot be changed while it runs [set it in the settings file, the environment or with a flag, and start the server again]
                invalid value for setting "connections.max": "99999999999999999999" [expected a whole number from 1 to 100000]
                invalid value for setting "service.id": "a b" [expected letters, digits, dots, dashes and underscores, at most 100]
            "#]],
        );
    }

    #[test]
    fn unset_gives_the_servers_value_back() {
        let mut server = Settings::default();
        server.set("commit.interval.ms", "250", Origin::File).unwrap();
        let mut session = server.clone();
        session.set("commit.interval.ms", "10", Origin::Session).unwrap();
        assert_eq!(session.commit_interval_ms(), 10);
        session.unset("commit.interval.ms", &server).unwrap();
        assert_eq!(session.commit_interval_ms(), 250);
        assert_eq!(session.get("commit.interval.ms").as_deref(), Some("250"));
    }
}
