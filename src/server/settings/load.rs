//! Settings from the places where users write them: a TOML file, the environment, flags.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Origin, SETTINGS, SettingError, Settings, strip_prefixes};

/// Where settings are read. All of it is given, so that a test needs neither files nor an environment.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The path, for errors, and the text of the settings file.
    pub file: Option<(String, String)>,
    /// The environment, or as much of it as begins with [`ENV_PREFIX`].
    pub environment: Vec<(String, String)>,
    /// What flags set, by the settings' names. Of two for one setting the last one counts.
    pub flags: Vec<(String, String)>,
}

/// Environment variables that begin with this are settings: `RIVERMILL_DATA_DIR` is `data.dir`.
pub const ENV_PREFIX: &str = "RIVERMILL_";

/// Variables of the command line program itself, and those that Kubernetes makes for a service named rivermill.
const NOT_SETTINGS: &[&str] = &["CONFIG", "LOG_LEVEL", "LOG_FORMAT"];
const NOT_SETTINGS_PREFIX: &[&str] = &["SERVICE_HOST", "SERVICE_PORT", "PORT"];

impl Inputs {
    /// Reads the file, if any, and the process's environment.
    pub fn read(file: Option<&Path>, flags: Vec<(String, String)>) -> Result<Self, SettingError> {
        let file = match file {
            None => None,
            Some(path) => {
                let shown = path.display().to_string();
                let text = std::fs::read_to_string(path)
                    .map_err(|error| SettingError::File { path: shown.clone(), reason: error.to_string() })?;
                Some((shown, text))
            }
        };
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(ENV_PREFIX))
            .collect();
        Ok(Self { file, environment, flags })
    }
}

/// Puts everything together: flags over environment over file over defaults.
pub fn load(inputs: &Inputs) -> Result<Settings, SettingError> {
    let mut settings = Settings::default();
    if let Some((path, text)) = &inputs.file {
        load_file(&mut settings, path, text)?;
    }
    for (variable, value) in &inputs.environment {
        if let Some(name) = name_of_variable(variable) {
            settings
                .set(&name, value, Origin::Environment)
                .map_err(|error| at(error, format!("environment variable {variable}")))?;
        }
    }
    for (name, value) in &inputs.flags {
        settings.set(name, value, Origin::Flag)?;
    }
    Ok(settings)
}

fn load_file(settings: &mut Settings, path: &str, text: &str) -> Result<(), SettingError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| SettingError::File {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })?;
    let mut pairs = Vec::new();
    flatten("", &toml::Value::Table(table), &mut pairs)
        .map_err(|reason| SettingError::File { path: path.to_owned(), reason })?;
    let mut seen = BTreeSet::new();
    for (name, value) in pairs {
        if !seen.insert(strip_prefixes(&name)) {
            return Err(SettingError::Twice { name, place: path.to_owned() });
        }
        settings.set(&name, &value, Origin::File).map_err(|error| at(error, path.to_owned()))?;
    }
    Ok(())
}

/// Nested tables become dotted names, lists become text with commas. Depth is bounded by TOML's own limit.
fn flatten(prefix: &str, value: &toml::Value, out: &mut Vec<(String, String)>) -> Result<(), String> {
    let text = match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&name, value, out)?;
            }
            return Ok(());
        }
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
            texts
                .ok_or_else(|| format!("\"{prefix}\" is a list of something else than plain values"))?
                .join(",")
        }
        other => scalar(other).unwrap_or_default(),
    };
    out.push((prefix.to_owned(), text));
    Ok(())
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(n) => Some(n.to_string()),
        toml::Value::Float(x) => Some(x.to_string()),
        toml::Value::Boolean(b) => Some(b.to_string()),
        toml::Value::Datetime(time) => Some(time.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

/// `RIVERMILL_KAFKA_SASL_PASSWORD` is `kafka.sasl.password`. None: no setting, and meant to be none.
fn name_of_variable(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix(ENV_PREFIX)?;
    let known = SETTINGS.iter().find(|def| def.name.replace('.', "_").eq_ignore_ascii_case(rest));
    if let Some(def) = known {
        return Some(def.name.to_owned());
    }
    let other = NOT_SETTINGS.contains(&rest)
        || NOT_SETTINGS_PREFIX
            .iter()
            .any(|p| rest.strip_prefix(p).is_some_and(|tail| tail.is_empty() || tail.starts_with('_')));
    (!other).then(|| rest.to_ascii_lowercase().replace('_', "."))
}

fn at(error: SettingError, place: String) -> SettingError {
    SettingError::At { place, error: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)], expected: Expect) {
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
        };
        let inputs = Inputs {
            file: Some(("river.toml".into(), file.into())),
            environment: own(environment),
            flags: own(flags),
        };
        let text = match load(&inputs) {
            Ok(settings) => settings
                .rows()
                .iter()
                .filter(|row| row.source != "default")
                .map(|row| format!("{} = {} ({})\n", row.name, row.value, row.source))
                .collect(),
            Err(error) => format!("{error}\n"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn flags_over_environment_over_file() {
        check(
            r#"
                bootstrap.servers = ["one:9092", "two:9092"]
                commit.interval.ms = 10
                worker = { threads = 1 }
                [ksql.streams]
                auto.offset.reset = "latest"
                [kafka]
                "security.protocol" = "SASL_SSL"
                sasl.username = "mill"
            "#,
            &[("RIVERMILL_COMMIT_INTERVAL_MS", "20"), ("RIVERMILL_WORKER_THREADS", "2"), ("HOME", "/")],
            &[("commit.interval.ms", "30"), ("commit.interval.ms", "40")],
            expect![[r#"
                auto.offset.reset = latest (file)
                bootstrap.servers = one:9092,two:9092 (file)
                commit.interval.ms = 40 (flag)
                worker.threads = 2 (environment)
                kafka.sasl.username = mill (file)
                kafka.security.protocol = SASL_SSL (file)
            "#]],
        );
    }

    #[test]
    fn mistakes_in_the_file() {
        check(
            "commit.intervall.ms = 1",
            &[],
            &[],
            expect![[r#"
            unknown setting "commit.intervall.ms" (river.toml)
        "#]],
        );
        check(
            "service.id = 'a'\nksql.service.id = 'b'",
            &[],
            &[],
            expect![[r#"
            setting "service.id" is given twice in river.toml
        "#]],
        );
        check(
            "data.dir = [[1]]",
            &[],
            &[],
            expect![[r#"
            cannot read settings from river.toml: "data.dir" is a list of something else than plain values
        "#]],
        );
        check(
            "data.dir = ",
            &[],
            &[],
            expect![[r#"
            cannot read settings from river.toml: TOML parse error at line 1, column 12
              |
            1 | data.dir = 
              |            ^
            string values must be quoted, expected literal string
        "#]],
        );
    }

    #[test]
    fn mistakes_in_the_environment() {
        check(
            "",
            &[("RIVERMILL_COLOUR", "red")],
            &[],
            expect![[r#"
            unknown setting "colour" (environment variable RIVERMILL_COLOUR)
        "#]],
        );
        check(
            "",
            &[
                ("RIVERMILL_CONFIG", "x"),
                ("RIVERMILL_SERVICE_HOST", "10.0.0.1"),
                ("RIVERMILL_PORT_5433_TCP", "tcp://10.0.0.1:5433"),
                ("RIVERMILL_SERVICE_ID", "a"),
            ],
            &[],
            expect![[r#"
                service.id = a (environment)
            "#]],
        );
    }
}
