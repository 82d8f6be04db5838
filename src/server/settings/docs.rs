//! The page `docs/settings.md`, made from the table.

use super::load::ENV_PREFIX;
use super::{Kind, SETTINGS};

/// The whole page as Markdown.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for def in SETTINGS {
        let default =
            if def.default.is_empty() { "(empty)".to_owned() } else { format!("`{}`", def.default) };
        page += &format!("\n### `{}`\n\n{}\n\n", def.name, def.doc.trim());
        page += &format!("- default: {default}\n- takes: {}\n", takes(def.kind));
        page += &format!("- reaches: {}\n", def.scope.name());
        page +=
            &format!("- environment: `{ENV_PREFIX}{}`\n", def.name.replace('.', "_").to_ascii_uppercase());
    }
    page
}

fn takes(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => words
            .iter()
            .map(|w| if w.is_empty() { "nothing".to_owned() } else { format!("`{w}`") })
            .collect::<Vec<_>>()
            .join(" or "),
        other => other.expected(),
    }
}

const HEAD: &str = r#"# Settings

<!-- Made from src/server/settings/table.rs. To renew: UPDATE_EXPECT=1 cargo test --lib settings -->

A setting has one dotted name. It can be given, the strongest first, as

1. `SET 'name' = 'value';` in a session, where "reaches" below says `session` or `query`;
2. a flag: `rivermill serve --set name=value`; the most used ones have a flag of their own (`rivermill serve --help`);
3. an environment variable: `RIVERMILL_`, then the name in upper case with `_` for each dot;
4. a line of the TOML file that `--config` names: `name = value`, or in a table:

   ```toml
   bootstrap.servers = "broker1:9092,broker2:9092"
   service.id = "shop_"

   [commit.interval]
   ms = 250

   [kafka]
   "security.protocol" = "SASL_SSL"
   "sasl.username" = "mill"
   ```

5. its default.

`SHOW PROPERTIES` lists all values and where each comes from. ksqlDB's prefixes are accepted: `ksql.streams.commit.interval.ms`
and `ksql.service.id` mean `commit.interval.ms` and `service.id`. A name that is not known is refused.

What a setting reaches: `server`, all of the server, from its start; `session`, the session that sets it; `query`, the queries
that the session creates afterwards (the server's value counts where a session sets none).

Names that begin with `kafka.` go to the Kafka client as they are, without the prefix: `kafka.sasl.password`,
`kafka.ssl.ca.location`, `kafka.compression.type` and all others that librdkafka knows. Passwords and keys are shown as `[hidden]`.
"#;

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_page_is_current() {
        expect_test::expect_file!["../../../docs/settings.md"].assert_eq(&super::markdown());
    }
}
