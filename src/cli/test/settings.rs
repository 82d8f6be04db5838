//! The settings that a case asks for, as Rivermill has them.

use crate::runtime::QueryConfig;
use crate::server::settings::{Origin, Settings, strip_prefixes};

/// What the properties of a case come to.
#[derive(Debug, Clone)]
pub struct CaseSettings {
    pub query: QueryConfig,
    /// Fractions are compared as text; `use.exact.numeric.comparison` of ksqlDB's own tests.
    pub exact_numbers: bool,
}

/// Properties that are about how ksqlDB works inside: here they have no effect, whatever they say.
const WITHOUT_EFFECT: &[&str] = &[
    "new.query.planner.enabled",
    "topology.optimization",
    "sink.partitions",
    "sink.replicas",
    "__emit.interval.ms.kstreams.windowed.aggregation__",
];

/// Properties with the one value that Rivermill goes by anyway.
const AS_IT_IS: &[(&str, &str)] = &[
    ("functions.substring.legacy.args", "false"),
    ("default.timestamp.extractor", "org.apache.kafka.streams.processor.LogAndSkipOnInvalidTimestamp"),
];

/// Errors: the property that is not known, or does not take the value.
pub fn of_case(properties: &[(String, String)]) -> Result<CaseSettings, String> {
    let mut settings = Settings::default();
    // Every change is to be seen.
    let every_change = settings.set("cache.max.bytes.buffering", "0", Origin::Flag);
    every_change.map_err(|error| error.to_string())?;
    let mut query = QueryConfig { cache_bytes: 0, ..QueryConfig::default() };
    let mut exact_numbers = true;
    for (name, value) in properties {
        let plain = strip_prefixes(name);
        if plain == "use.exact.numeric.comparison" {
            exact_numbers = value != "false";
        } else if !WITHOUT_EFFECT.contains(&plain.as_str()) && !AS_IT_IS.contains(&(&plain, value)) {
            let unknown = || format!("setting {name} = {value}");
            settings.set(name, value, Origin::Flag).map_err(|_| unknown())?;
            query = query.with(&[(plain, value.clone())].into()).map_err(|_| unknown())?;
        }
    }
    Ok(CaseSettings { query, exact_numbers })
}
