//! What a setting can hold, and how its text is read.

use std::fmt;

/// The kinds of values, with their bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Text that becomes a part of topic names.
    Name,
    /// One of these words; case does not matter.
    Choice(&'static [&'static str]),
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    /// A number of bytes, with K, M or G (powers of 1024) if one likes.
    Bytes {
        min: i64,
        max: i64,
    },
    /// Milliseconds, with ms, s, m or h if one likes.
    Duration {
        min_ms: i64,
        max_ms: i64,
    },
    /// `host:port`, or `off`.
    Address,
}

/// A value that was checked against its [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Int(i64),
    Bool(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Int(n) => write!(f, "{n}"),
            Value::Bool(b) => write!(f, "{b}"),
        }
    }
}

/// Why a setting was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    #[error("unknown setting \"{name}\"")]
    Unknown { name: String, nearest: Option<String> },
    #[error("invalid value for setting \"{name}\": \"{value}\"")]
    Invalid { name: String, value: String, expected: String },
    #[error("setting \"{name}\" is the server's and cannot be changed while it runs")]
    ServerOnly { name: String },
    #[error("setting \"{name}\" is given twice in {place}")]
    Twice { name: String, place: String },
    #[error("cannot read settings from {path}: {reason}")]
    File { path: String, reason: String },
    #[error("\"{text}\" is no setting")]
    NoPair { text: String },
    /// A refusal with the place where the setting was given.
    #[error("{error} ({place})")]
    At { place: String, error: Box<SettingError> },
}

impl SettingError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SettingError::Unknown { nearest: Some(name), .. } => Some(format!("did you mean \"{name}\"?")),
            SettingError::Unknown { .. } => {
                Some("SHOW PROPERTIES and docs/settings.md list all settings".into())
            }
            SettingError::Invalid { expected, .. } => Some(format!("expected {expected}")),
            SettingError::ServerOnly { .. } => Some(
                "set it in the settings file, the environment or with a flag, and start the server again"
                    .into(),
            ),
            SettingError::NoPair { .. } => Some("write name=value".into()),
            SettingError::At { error, .. } => error.hint(),
            SettingError::Twice { .. } | SettingError::File { .. } => None,
        }
    }

    /// The SQLSTATE of a `SET` that is refused for this reason.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            SettingError::Unknown { .. } => crate::sql::sqlstate::UNDEFINED_OBJECT,
            SettingError::At { error, .. } => error.sqlstate(),
            // cant_change_runtime_param
            SettingError::ServerOnly { .. } => "55P02",
            _ => crate::sql::sqlstate::INVALID_PARAMETER,
        }
    }
}

impl From<SettingError> for crate::sql::SqlError {
    fn from(error: SettingError) -> Self {
        let sql = crate::sql::SqlError::new(error.sqlstate(), error.to_string());
        match error.hint() {
            Some(hint) => sql.hint(hint),
            None => sql,
        }
    }
}

impl Kind {
    /// Reads a value, or says what was expected.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        self.read(text).ok_or_else(|| self.expected())
    }

    fn read(self, text: &str) -> Option<Value> {
        match self {
            Kind::Text => Some(Value::Text(text.to_owned())),
            Kind::Name => {
                let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                (!text.is_empty() && text.len() <= 100 && text.chars().all(legal))
                    .then(|| Value::Text(text.to_owned()))
            }
            Kind::Choice(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(text))
                .map(|word| Value::Text((*word).to_owned())),
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "on" | "yes" | "1" => Some(Value::Bool(true)),
                "false" | "off" | "no" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Kind::Int { min, max } => within(text.parse().ok()?, min, max),
            Kind::Bytes { min, max } => within(scaled(text, BYTE_UNITS)?, min, max),
            Kind::Duration { min_ms, max_ms } => within(scaled(text, TIME_UNITS)?, min_ms, max_ms),
            Kind::Address => {
                if text.is_empty() || text.eq_ignore_ascii_case("off") {
                    return Some(Value::Text("off".into()));
                }
                let (host, port) = text.rsplit_once(':')?;
                let port: u16 = port.parse().ok()?;
                (!host.is_empty()).then(|| Value::Text(format!("{host}:{port}")))
            }
        }
    }

    /// What text this kind takes, to follow "expected".
    pub fn expected(self) -> String {
        match self {
            Kind::Text => "text".into(),
            Kind::Name => "letters, digits, dots, dashes and underscores, at most 100".into(),
            Kind::Choice(words) => words.join(" or "),
            Kind::Bool => "true or false".into(),
            Kind::Int { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Bytes { min, max } => format!(
                "a number of bytes from {} to {}, such as 1000000, 64KiB, 16MiB or 1GiB",
                bytes_text(min),
                bytes_text(max)
            ),
            Kind::Duration { min_ms, max_ms } => format!(
                "a duration from {} to {}, such as 100, 100ms, 5s, 1m or 1h",
                time_text(min_ms),
                time_text(max_ms)
            ),
            Kind::Address => "an address such as 127.0.0.1:5433, or off".into(),
        }
    }
}

const BYTE_UNITS: &[(&str, i64)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1 << 10),
    ("mb", 1 << 20),
    ("gb", 1 << 30),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("b", 1),
];

const TIME_UNITS: &[(&str, i64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

fn scaled(text: &str, units: &[(&str, i64)]) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = units
        .iter()
        .find_map(|(unit, factor)| lower.strip_suffix(unit).map(|digits| (digits.trim_end(), *factor)))
        .unwrap_or((&lower, 1));
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

fn within(n: i64, min: i64, max: i64) -> Option<Value> {
    (min..=max).contains(&n).then_some(Value::Int(n))
}

fn bytes_text(n: i64) -> String {
    match n {
        n if n >= 1 << 30 && n % (1 << 30) == 0 => format!("{} GiB", n >> 30),
        n if n >= 1 << 20 && n % (1 << 20) == 0 => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 && n % (1 << 10) == 0 => format!("{} KiB", n >> 10),
        n => n.to_string(),
    }
}

fn time_text(ms: i64) -> String {
    match ms {
        ms if ms >= 3_600_000 && ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        ms if ms >= 1_000 && ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(kind: Kind, texts: &[&str], expected: Expect) {
        let line = |text: &&str| match kind.parse(text) {
            Ok(value) => format!("{text} -> {value}\n"),
            Err(_) => format!("{text} -> refused\n"),
        };
        expected.assert_eq(&texts.iter().map(line).collect::<String>());
    }

    #[test]
    fn bytes() {
        check(
            Kind::Bytes { min: 0, max: 1 << 40 },
            &["10", "64KiB", "16 MB", "1g", "-1", "1.5GiB", "9999999999999GiB", "KiB", ""],
            expect![[r#"
                10 -> 10
                64KiB -> 65536
                16 MB -> 16777216
                1g -> 1073741824
                -1 -> refused
                1.5GiB -> refused
                9999999999999GiB -> refused
                KiB -> refused
                 -> refused
            "#]],
        );
    }

    #[test]
    fn durations() {
        check(
            Kind::Duration { min_ms: 0, max_ms: 86_400_000 },
            &["10", "10ms", "3 s", "2m", "24h", "25h", "1 fortnight"],
            expect![[r#"
                10 -> 10
                10ms -> 10
                3 s -> 3000
                2m -> 120000
                24h -> 86400000
                25h -> refused
                1 fortnight -> refused
            "#]],
        );
    }

    #[test]
    fn addresses() {
        check(
            Kind::Address,
            &["127.0.0.1:5433", "[::1]:5433", "localhost:0", "off", ":5433", "x:70000"],
            expect![[r#"
                127.0.0.1:5433 -> 127.0.0.1:5433
                [::1]:5433 -> [::1]:5433
                localhost:0 -> localhost:0
                off -> off
                :5433 -> refused
                x:70000 -> refused
            "#]],
        );
    }
}
