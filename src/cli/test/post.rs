//! What a case says of streams, tables and topics when all its statements have run.
//!
//! ksqlDB's internal topics have names of their own and are not looked at, but for one thing: a case can ask that no
//! topic for repartitioning is there, which here is an exchange between stages.

use std::collections::BTreeSet;

use serde_json::Value;

use super::file::{FormatNode, KeyFormatNode, PostNode, PostTopicNode, SourceNode};
use super::harness::Harness;
use super::record::format_name;
use crate::catalog::Source;
use crate::engine::topology::StageOutput;
use crate::sql::ast::{ColumnRole, StatementKind};
use crate::sql::{Variables, quote_ident};

/// ksqlDB's topics for state and repartitioning begin like this.
const INTERNAL: &str = "_confluent-ksql-";

/// Errors: the first thing that is not as the case says, for people.
pub fn check(post: &PostNode, harness: &Harness) -> Result<(), String> {
    post.sources.iter().try_for_each(|node| source(node, harness))?;
    post.topics.topics.iter().try_for_each(|node| topic(node, harness))?;
    if post.topics.blacklist.as_ref().is_some_and(|pattern| pattern.contains("repartition")) {
        for query in &harness.queries {
            if query.topology().stages.iter().any(|stage| matches!(stage.output, StageOutput::Exchange(_))) {
                return Err(format!("query {} moves rows between partitions, and must not", query.id));
            }
        }
    }
    Ok(())
}

fn source(node: &SourceNode, harness: &Harness) -> Result<(), String> {
    // Names that are not upper case may be quoted ones or not.
    let found =
        harness.catalog.source(&node.name).or_else(|| harness.catalog.source(&node.name.to_uppercase()));
    let Some(source) = found else { return Err(format!("there is no {} {}", node.kind, node.name)) };
    let expect = |what: &str, expected: &str, actual: &str| {
        if expected.eq_ignore_ascii_case(actual) {
            return Ok(());
        }
        Err(format!("{what} of {}: expected {expected}, got {actual}", node.name))
    };
    expect("kind", &node.kind, &source.kind.to_string())?;
    if let Some(schema) = &node.schema {
        let expected = columns(schema).map_err(|e| format!("schema of {}: {e}", node.name))?;
        let actual = shown(source);
        if expected != actual {
            let (expected, actual) = (expected.join(", "), actual.join(", "));
            return Err(format!("schema of {}: expected {expected}, got {actual}", node.name));
        }
    }
    if let Some(format) = &node.key_format {
        key_format(node, format, source)?;
    }
    if let Some(format) = &node.value_format {
        let name = format.as_str().or_else(|| format.get("format").and_then(Value::as_str)).unwrap_or("");
        expect("value format", name, &format_name(source, false))?;
    }
    for (what, wanted, key) in
        [("key features", &node.key_features, true), ("value features", &node.value_features, false)]
    {
        if let Some(wanted) = wanted {
            features(&format!("{what} of {}", node.name), wanted, source, key)?;
        }
    }
    Ok(())
}

fn key_format(node: &SourceNode, format: &KeyFormatNode, source: &Source) -> Result<(), String> {
    if let Some(name) = &format.format {
        let actual = format_name(source, true);
        if !name.eq_ignore_ascii_case(&actual) {
            return Err(format!("key format of {}: expected {name}, got {actual}", node.name));
        }
    }
    match (&format.window_type, &source.window) {
        (None, None) => Ok(()),
        (Some(_), Some(window)) => {
            let size = format.window_size.as_ref().and_then(Value::as_i64);
            if size.is_none_or(|size| size == window.size_ms) {
                return Ok(());
            }
            Err(format!("window of {}: expected {size:?} ms, got {} ms", node.name, window.size_ms))
        }
        (expected, actual) => Err(format!("window of {}: expected {expected:?}, got {actual:?}", node.name)),
    }
}

fn topic(node: &PostTopicNode, harness: &Harness) -> Result<(), String> {
    if node.name.starts_with(INTERNAL) {
        return Ok(());
    }
    let (Some(source), Some(topic)) = (harness.source_of(&node.name), harness.topics.get(&node.name)) else {
        return Err(format!("there is no topic {}", node.name));
    };
    for (what, format, key) in
        [("key format", &node.key_format, true), ("value format", &node.value_format, false)]
    {
        let Some(FormatNode { format, features: wanted }) = format else { continue };
        let actual = format_name(source, key);
        if !format.eq_ignore_ascii_case(&actual) {
            return Err(format!("{what} of topic {}: expected {format}, got {actual}", node.name));
        }
        if let Some(wanted) = wanted {
            features(&format!("{what} of topic {}", node.name), wanted, source, key)?;
        }
    }
    match node.partitions {
        Some(partitions) if partitions != topic.partitions => {
            Err(format!("partitions of topic {}: expected {partitions}, got {}", node.name, topic.partitions))
        }
        _ => Ok(()),
    }
}

/// Whether single values are wrapped in an object is the only feature there is.
fn features(what: &str, wanted: &[String], source: &Source, key: bool) -> Result<(), String> {
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let actual = super::record::features(source, key);
    if wanted == actual { Ok(()) } else { Err(format!("{what}: expected {wanted:?}, got {actual:?}")) }
}

/// The columns of a source, one a line, keys first.
fn shown(source: &Source) -> Vec<String> {
    let column = |c: &crate::catalog::Column| {
        format!("{} {}{}", quote_ident(&c.name), c.ty, if c.key { " KEY" } else { "" })
    };
    let header = |h: &crate::catalog::HeaderColumn| {
        let key = h.key.as_ref().map_or("HEADERS".to_owned(), |key| format!("HEADER('{key}')"));
        format!("{} {} {key}", quote_ident(&h.name), h.ty())
    };
    source.columns.iter().map(column).chain(source.headers.iter().map(header)).collect()
}

/// The same of columns as CREATE has them.
fn columns(schema: &str) -> Result<Vec<String>, String> {
    let text = format!("CREATE STREAM S ({schema}) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON')");
    let statements = crate::sql::parse(&text, &Variables::default()).map_err(|e| e.to_string())?;
    let Some(StatementKind::CreateSource(create)) = statements.first().map(|s| &s.kind) else {
        return Err("no columns".to_owned());
    };
    let mut columns: Vec<(u8, String)> = create
        .columns
        .iter()
        .map(|c| {
            let (order, role) = match &c.role {
                ColumnRole::Key | ColumnRole::PrimaryKey => (0, " KEY".to_owned()),
                ColumnRole::Value => (1, String::new()),
                ColumnRole::Headers => (2, " HEADERS".to_owned()),
                ColumnRole::Header(key) => (2, format!(" HEADER('{key}')")),
            };
            (order, format!("{} {}{role}", quote_ident(&c.name.value), c.ty))
        })
        .collect();
    columns.sort_by_key(|(order, _)| *order);
    Ok(columns.into_iter().map(|(_, column)| column).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_create() {
        let lines = columns("V STRING, `k` INT KEY, A ARRAY<STRUCT<x DOUBLE>>, h BYTES HEADER('h')").unwrap();
        expect_test::expect![[r#"
            [
                "`k` INTEGER KEY",
                "V STRING",
                "A ARRAY<STRUCT<X DOUBLE>>",
                "H BYTES HEADER('h')",
            ]
        "#]]
        .assert_debug_eq(&lines);
        assert!(columns("V NOTHING KNOWN").is_err());
    }
}
