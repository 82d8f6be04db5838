//! Postgres' run-time parameters of one session.
//!
//! Clients read them (`SHOW`, `current_setting()`), set them at connect, and are told of changes to the ones they
//! follow. Few of them mean anything here; the rest are accepted and remembered so that drivers and tools that set them
//! work. A name with a dot is a custom parameter and may be anything, as in Postgres.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::sql::{SqlError, sqlstate};

/// The version of PostgreSQL that clients are told: its catalogs, functions and text forms are the ones they may expect.
pub const SERVER_VERSION: &str = concat!("15.18 (Rivermill ", env!("CARGO_PKG_VERSION"), ")");

/// Custom parameters a session may hold, and the length of a value.
const MAX_CUSTOM: usize = 256;
const MAX_VALUE: usize = 8192;

/// Who may change a parameter, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ReadOnly,
    Text,
    Bool,
    /// A whole number in a range, units of time allowed.
    Number(i64, i64),
    /// One of the words.
    Word(&'static [&'static str]),
}

struct Spec {
    name: &'static str,
    default: &'static str,
    kind: Kind,
    /// Sent to the client as ParameterStatus at start and on every change.
    reported: bool,
}

const fn spec(name: &'static str, default: &'static str, kind: Kind, reported: bool) -> Spec {
    Spec { name, default, kind, reported }
}

const BYTEA: &[&str] = &["hex"];
const LEVELS: &[&str] =
    &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];
const ISOLATION: &[&str] = &["read uncommitted", "read committed", "repeatable read", "serializable"];
const TIME: Kind = Kind::Number(0, i32::MAX as i64);

/// Sorted as Postgres' SHOW ALL sorts: without regard to case.
const SPECS: &[Spec] = &[
    spec("application_name", "", Kind::Text, true),
    spec("bytea_output", "hex", Kind::Word(BYTEA), false),
    spec("client_encoding", "UTF8", Kind::Word(&["UTF8", "utf8", "utf-8", "unicode", "'utf-8'"]), true),
    spec("client_min_messages", "notice", Kind::Word(LEVELS), false),
    spec("DateStyle", "ISO, MDY", Kind::Text, true),
    spec("default_transaction_isolation", "read committed", Kind::Word(ISOLATION), false),
    spec("default_transaction_read_only", "off", Kind::Bool, true),
    spec("extra_float_digits", "1", Kind::Number(-15, 3), false),
    spec("geqo", "on", Kind::Bool, false),
    spec("idle_in_transaction_session_timeout", "0", TIME, false),
    spec("idle_session_timeout", "0", TIME, false),
    spec("in_hot_standby", "off", Kind::ReadOnly, true),
    spec("integer_datetimes", "on", Kind::ReadOnly, true),
    spec("IntervalStyle", "postgres", Kind::Word(&["postgres"]), true),
    spec("is_superuser", "on", Kind::ReadOnly, true),
    spec("jit", "off", Kind::Bool, false),
    spec("lock_timeout", "0", TIME, false),
    spec("max_identifier_length", "63", Kind::ReadOnly, false),
    spec("row_security", "on", Kind::Bool, false),
    spec("search_path", "\"$user\", public", Kind::Text, false),
    spec("server_encoding", "UTF8", Kind::ReadOnly, true),
    spec("server_version", SERVER_VERSION, Kind::ReadOnly, true),
    spec("server_version_num", "150018", Kind::ReadOnly, false),
    spec("session_authorization", "", Kind::ReadOnly, true),
    spec("standard_conforming_strings", "on", Kind::Word(&["on"]), true),
    spec("statement_timeout", "0", TIME, false),
    spec("synchronous_commit", "on", Kind::Text, false),
    spec("TimeZone", "UTC", Kind::Word(&["UTC", "Etc/UTC", "GMT", "Z", "+00", "+00:00", "0"]), true),
    spec("transaction_isolation", "read committed", Kind::Word(ISOLATION), false),
    spec("transaction_read_only", "off", Kind::Bool, false),
];

/// The parameters of one session. Cheap to make, shared between the front and the expressions that run.
pub struct Parameters {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// What the session has set, by canonical name.
    set: BTreeMap<String, String>,
    /// What the startup packet has set: what RESET goes back to.
    startup: BTreeMap<String, String>,
    /// Reported parameters whose change the client has not been told.
    changed: Vec<&'static str>,
}

impl Parameters {
    #[allow(clippy::new_without_default, reason = "a session begins with new, never by default")]
    pub fn new() -> Self {
        Self { inner: Mutex::new(Inner::default()) }
    }

    /// The value of a parameter; 42704 if there is none of that name.
    pub fn get(&self, name: &str) -> Result<String, SqlError> {
        let canonical = canonical(name)?;
        let inner = self.inner.lock();
        match inner.value(canonical.name()) {
            Some(value) => Ok(value),
            None => Err(unknown(name)),
        }
    }

    /// The value as SHOW prints it, with the name of its column.
    pub fn show(&self, name: &str) -> Result<(String, String), SqlError> {
        let joined = match name.to_ascii_lowercase().as_str() {
            "time zone" => "TimeZone".to_owned(),
            "transaction isolation level" => "transaction_isolation".to_owned(),
            "session authorization" => "session_authorization".to_owned(),
            _ => name.to_owned(),
        };
        let value = self.get(&joined)?;
        let column = canonical(&joined)?.name().to_owned();
        Ok((column, value))
    }

    /// All parameters, sorted by name.
    pub fn all(&self) -> Vec<(String, String)> {
        let inner = self.inner.lock();
        let mut all: Vec<(String, String)> = SPECS
            .iter()
            .filter_map(|s| Some((s.name.to_owned(), inner.value(s.name)?)))
            .chain(inner.set.iter().filter(|(n, _)| n.contains('.')).map(|(n, v)| (n.clone(), v.clone())))
            .collect();
        all.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        all
    }

    /// SET: refuses unknown names, read-only parameters and values that the parameter cannot have.
    pub fn set(&self, name: &str, value: &str) -> Result<(), SqlError> {
        let canonical = canonical(name)?;
        if value.eq_ignore_ascii_case("default") {
            return self.reset(name);
        }
        let value = canonical.check(value)?;
        self.inner.lock().put(canonical, value)
    }

    /// A parameter of the startup packet. Unknown ones are an error there too, as in Postgres. A time zone is not:
    /// JDBC sends its own in every startup packet and then goes by what the server reports, which is UTC.
    pub fn set_at_startup(&self, name: &str, value: &str) -> Result<(), SqlError> {
        let canonical = canonical(name)?;
        if canonical.name() == "TimeZone" {
            return Ok(());
        }
        let value = canonical.check(value)?;
        self.inner.lock().startup.insert(canonical.name().to_owned(), value);
        Ok(())
    }

    /// Sets what only the server sets.
    pub fn set_by_server(&self, name: &'static str, value: &str) {
        self.inner.lock().startup.insert(name.to_owned(), value.to_owned());
    }

    /// RESET name.
    pub fn reset(&self, name: &str) -> Result<(), SqlError> {
        let canonical = canonical(name)?;
        let mut inner = self.inner.lock();
        if inner.set.remove(canonical.name()).is_some() {
            inner.report(&canonical);
        }
        Ok(())
    }

    /// RESET ALL.
    pub fn reset_all(&self) {
        let mut inner = self.inner.lock();
        let names: Vec<String> = std::mem::take(&mut inner.set).into_keys().collect();
        for name in names {
            if let Ok(canonical) = canonical(&name) {
                inner.report(&canonical);
            }
        }
    }

    /// The reported parameters with their values, for the start of a session.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        let inner = self.inner.lock();
        SPECS.iter().filter(|s| s.reported).filter_map(|s| Some((s.name, inner.value(s.name)?))).collect()
    }

    /// The reported parameters that changed since this was last asked.
    pub fn take_changed(&self) -> Vec<(&'static str, String)> {
        let mut inner = self.inner.lock();
        let changed = std::mem::take(&mut inner.changed);
        changed.into_iter().filter_map(|name| Some((name, inner.value(name)?))).collect()
    }

    /// `statement_timeout` in milliseconds; None where it is off.
    pub fn statement_timeout_ms(&self) -> Option<u64> {
        let value = self.inner.lock().value("statement_timeout")?;
        milliseconds(&value).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0)
    }
}

impl Inner {
    fn value(&self, name: &str) -> Option<String> {
        self.set
            .get(name)
            .or_else(|| self.startup.get(name))
            .cloned()
            .or_else(|| SPECS.iter().find(|s| s.name == name).map(|s| s.default.to_owned()))
    }

    fn put(&mut self, canonical: Canonical, value: String) -> Result<(), SqlError> {
        let name = canonical.name();
        if name.contains('.') && !self.set.contains_key(name) && self.set.len() >= MAX_CUSTOM {
            return Err(SqlError::new(
                sqlstate::CONFIG_LIMIT,
                format!("too many custom parameters, at most {MAX_CUSTOM}"),
            ));
        }
        if self.value(name).as_deref() != Some(&value) {
            self.report(&canonical);
        }
        self.set.insert(name.to_owned(), value);
        Ok(())
    }

    fn report(&mut self, canonical: &Canonical) {
        if let Canonical::Known(spec) = canonical
            && spec.reported
            && !self.changed.contains(&spec.name)
        {
            self.changed.push(spec.name);
        }
    }
}

enum Canonical {
    Known(&'static Spec),
    Custom(String),
}

impl Canonical {
    fn name(&self) -> &str {
        match self {
            Canonical::Known(spec) => spec.name,
            Canonical::Custom(name) => name,
        }
    }

    fn check(&self, value: &str) -> Result<String, SqlError> {
        let invalid = || {
            SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("invalid value for parameter \"{}\": \"{value}\"", self.name()),
            )
        };
        if value.len() > MAX_VALUE || value.contains('\0') {
            return Err(invalid().detail(format!("a value has at most {MAX_VALUE} bytes and no NUL")));
        }
        let Canonical::Known(spec) = self else { return Ok(value.to_owned()) };
        match spec.kind {
            Kind::ReadOnly => {
                Err(SqlError::new("55P02", format!("parameter \"{}\" cannot be changed", spec.name)))
            }
            Kind::Text if spec.name == "DateStyle" => date_style(value).ok_or_else(invalid),
            Kind::Text => Ok(value.to_owned()),
            Kind::Bool => match value.to_ascii_lowercase().as_str() {
                "on" | "true" | "t" | "yes" | "y" | "1" => Ok("on".to_owned()),
                "off" | "false" | "f" | "no" | "n" | "0" => Ok("off".to_owned()),
                _ => Err(invalid().hint("use on or off")),
            },
            Kind::Number(low, high) => match milliseconds(value) {
                Some(n) if (low..=high).contains(&n) => Ok(value.trim().to_owned()),
                _ => Err(invalid().hint(format!("a number from {low} to {high}"))),
            },
            Kind::Word(words) => match words.iter().find(|w| w.eq_ignore_ascii_case(value.trim())) {
                Some(_) if spec.name == "client_encoding" => Ok("UTF8".to_owned()),
                Some(_) if spec.name == "TimeZone" => Ok("UTC".to_owned()),
                Some(word) => Ok((*word).to_owned()),
                None if spec.name == "TimeZone" => {
                    Err(invalid()
                        .hint("timestamps are shown in UTC; convert them in the query or in the client"))
                }
                None => Err(invalid().hint(format!("use {}", words.first().copied().unwrap_or_default()))),
            },
        }
    }
}

fn canonical(name: &str) -> Result<Canonical, SqlError> {
    if let Some(spec) = SPECS.iter().find(|s| s.name.eq_ignore_ascii_case(name)) {
        return Ok(Canonical::Known(spec));
    }
    if name.eq_ignore_ascii_case("names") {
        return canonical("client_encoding");
    }
    if name.contains('.') && name.len() <= 128 {
        return Ok(Canonical::Custom(name.to_ascii_lowercase()));
    }
    Err(unknown(name))
}

fn unknown(name: &str) -> SqlError {
    SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
        .hint(
            "SHOW ALL lists the parameters; settings of queries are quoted: SET 'commit.interval.ms' = '100'",
        )
}

/// ISO output always; the order of day and month is remembered.
fn date_style(value: &str) -> Option<String> {
    let mut order = "MDY";
    for part in value.split(',') {
        match part.trim().to_ascii_uppercase().as_str() {
            "ISO" => {}
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = "MDY",
            "DMY" | "EURO" | "EUROPEAN" => order = "DMY",
            "YMD" => order = "YMD",
            _ => return None,
        }
    }
    Some(format!("ISO, {order}"))
}

/// A number, with an optional unit of time.
fn milliseconds(value: &str) -> Option<i64> {
    let value = value.trim();
    let split = value.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(split);
    let n: i64 = digits.trim().parse().ok()?;
    let scale = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    n.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// Runs `name = value` lines and shows what SHOW says, or the error.
    fn check(settings: &[(&str, &str)], expected: Expect) {
        let parameters = Parameters::new();
        let mut out = String::new();
        for (name, value) in settings {
            match parameters.set(name, value) {
                Ok(()) => out += &format!("{name}: {}\n", parameters.get(name).unwrap()),
                Err(e) => out += &format!("{name}: {} {}\n", e.sqlstate, e.message),
            }
        }
        out += &format!("changed: {:?}\n", parameters.take_changed());
        expected.assert_eq(&out);
    }

    #[test]
    fn values_are_checked_and_changes_reported() {
        check(
            &[
                ("datestyle", "ISO, DMY"),
                ("DateStyle", "German"),
                ("timezone", "UTC"),
                ("TimeZone", "Europe/Berlin"),
                ("application_name", "psql"),
                ("extra_float_digits", "3"),
                ("extra_float_digits", "9"),
                ("statement_timeout", "5s"),
                ("server_version", "16"),
                ("my.own", "x"),
                ("nonsense", "x"),
                ("client_encoding", "latin1"),
                ("jit", "no"),
            ],
            expect![[r#"
                datestyle: ISO, DMY
                DateStyle: 22023 invalid value for parameter "DateStyle": "German"
                timezone: UTC
                TimeZone: 22023 invalid value for parameter "TimeZone": "Europe/Berlin"
                application_name: psql
                extra_float_digits: 3
                extra_float_digits: 22023 invalid value for parameter "extra_float_digits": "9"
                statement_timeout: 5s
                server_version: 55P02 parameter "server_version" cannot be changed
                my.own: x
                nonsense: 42704 unrecognized configuration parameter "nonsense"
                client_encoding: 22023 invalid value for parameter "client_encoding": "latin1"
                jit: off
                changed: [("DateStyle", "ISO, DMY"), ("application_name", "psql")]
            "#]],
        );
    }

    #[test]
    fn reset_goes_back_to_the_startup_packet() {
        let parameters = Parameters::new();
        parameters.set_at_startup("application_name", "start").unwrap();
        parameters.set("application_name", "later").unwrap();
        parameters.reset_all();
        assert_eq!(parameters.get("application_name").unwrap(), "start");
        assert_eq!(parameters.show("time zone").unwrap(), ("TimeZone".to_owned(), "UTC".to_owned()));
    }
}
