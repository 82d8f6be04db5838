//! What statements mean where they leave something out, as the session's settings say (dialect section 9).

use std::collections::BTreeMap;

use super::with::format_named;
use crate::catalog::Format;
use crate::sql::{SqlError, sqlstate};

/// Defaults of a session at the moment of a statement; those of a persistent query are kept with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `persistence.default.format.key`; None is KAFKA.
    pub key_format: Option<Format>,
    /// `persistence.default.format.value`; None: it must be given.
    pub value_format: Option<Format>,
    /// `persistence.wrap.single.values`; None leaves it to the format.
    pub wrap_single_value: Option<bool>,
    /// `output.topic.name.prefix`: in front of the names of topics that CREATE … AS SELECT names itself.
    pub topic_prefix: String,
    /// `functions.collect_list.limit`: the longest list that COLLECT_LIST makes.
    pub collect_list_max: Option<usize>,
    /// `functions.collect_set.limit`: the most values that COLLECT_SET keeps.
    pub collect_set_max: Option<usize>,
}

impl Defaults {
    /// The settings that say something here.
    pub const PROPERTIES: &[&str] = &[
        "functions.collect_list.limit",
        "functions.collect_set.limit",
        "output.topic.name.prefix",
        "persistence.default.format.key",
        "persistence.default.format.value",
        "persistence.wrap.single.values",
    ];

    /// The defaults that properties by these names say; others are passed over. Errors: 22023 for a value that does not fit.
    pub fn of(properties: &BTreeMap<String, String>) -> Result<Defaults, SqlError> {
        let mut defaults = Defaults::default();
        for (name, value) in properties {
            defaults.set(name, value)?;
        }
        Ok(defaults)
    }

    /// Sets one by its setting's name; false where the setting is about something else.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, SqlError> {
        let value = value.trim();
        let wrong = |expected: &str| {
            SqlError::new(sqlstate::INVALID_PARAMETER, format!("invalid value for \"{name}\": \"{value}\""))
                .hint(format!("it must be {expected}"))
        };
        let format = |is_key: bool| match value {
            "" => Ok(None),
            text => format_named(text, is_key).map(Some),
        };
        let limit = || match value.parse::<i64>() {
            // ksqlDB takes any negative number, and the largest, for none.
            Ok(n) if n < 0 || n >= i64::from(i32::MAX) => Ok(None),
            Ok(n) => Ok(usize::try_from(n).ok()),
            Err(_) if value.is_empty() => Ok(None),
            Err(_) => Err(wrong("a number of values")),
        };
        match name {
            "persistence.default.format.key" => self.key_format = format(true)?,
            "persistence.default.format.value" => self.value_format = format(false)?,
            "persistence.wrap.single.values" => {
                self.wrap_single_value = match value.to_ascii_lowercase().as_str() {
                    "" => None,
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => return Err(wrong("true or false")),
                };
            }
            "output.topic.name.prefix" => self.topic_prefix = value.to_owned(),
            "functions.collect_list.limit" => self.collect_list_max = limit()?,
            "functions.collect_set.limit" => self.collect_set_max = limit()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
