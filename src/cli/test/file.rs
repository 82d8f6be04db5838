//! Test files: ksqlDB's QTT files, and the three files of ksql-test-runner, as cases.
//!
//! A QTT file is `{"tests": […]}`. A case of it stands for several where it has `format` (each entry replaces
//! `{FORMAT}` in the statements) or `config` (each entry is the value of the property that says `{CONFIG}`).
//! What a file says beyond that is ignored.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::json;
use crate::cli::script;
use crate::cli::{Failure, Result};

/// Larger files are refused.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Directories within directories that are followed.
const DEPTH_MAX: usize = 16;

/// One case: statements, records, and what must come of them.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// The file's name, as it is in its directory.
    pub file: String,
    /// `<file> - <name>[ - <format>][ - <property>=<config>]`, the file without its ending.
    pub name: String,
    /// Why it is not to be run.
    pub skip: Option<String>,
    pub statements: Vec<String>,
    /// Settings for all statements.
    pub properties: Vec<(String, String)>,
    pub topics: Vec<TopicNode>,
    pub inputs: Vec<RecordNode>,
    pub outputs: Vec<RecordNode>,
    /// Set where the last statement, or the run, must fail.
    pub error: Option<ErrorNode>,
    pub post: PostNode,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicNode {
    pub name: String,
    #[serde(default)]
    pub partitions: Option<i32>,
}

/// A record, given or expected.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordNode {
    pub topic: String,
    #[serde(default)]
    pub key: Value,
    #[serde(default)]
    pub value: Value,
    #[serde(default)]
    pub timestamp: Option<i64>,
    #[serde(default)]
    pub window: Option<WindowNode>,
    #[serde(default)]
    pub headers: Vec<HeaderNode>,
}

/// The window of a windowed key, ms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WindowNode {
    pub start: i64,
    pub end: i64,
    #[serde(rename = "type")]
    pub kind: WindowKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    Time,
    Session,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub struct HeaderNode {
    pub key: String,
    /// Base64.
    #[serde(default)]
    pub value: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct ErrorNode {
    /// A text that ksqlDB's error contains.
    #[serde(default)]
    pub message: Option<String>,
}

/// What is looked at when all statements have run.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PostNode {
    #[serde(default)]
    pub sources: Vec<SourceNode>,
    #[serde(default)]
    pub topics: TopicsNode,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceNode {
    pub name: String,
    /// `stream` or `table`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Columns as CREATE has them.
    #[serde(default)]
    pub schema: Option<String>,
    #[serde(default)]
    pub key_format: Option<KeyFormatNode>,
    #[serde(default)]
    pub value_format: Option<Value>,
    #[serde(default)]
    pub key_features: Option<Vec<String>>,
    #[serde(default)]
    pub value_features: Option<Vec<String>>,
    #[serde(default)]
    pub is_source: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyFormatNode {
    #[serde(default)]
    pub format: Option<String>,
    #[serde(default)]
    pub window_type: Option<String>,
    #[serde(default)]
    pub window_size: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct TopicsNode {
    /// Patterns that no topic's name matches.
    #[serde(default)]
    pub blacklist: Option<String>,
    #[serde(default)]
    pub topics: Vec<PostTopicNode>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostTopicNode {
    pub name: String,
    #[serde(default)]
    pub key_format: Option<FormatNode>,
    #[serde(default)]
    pub value_format: Option<FormatNode>,
    #[serde(default)]
    pub partitions: Option<i32>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct FormatNode {
    pub format: String,
    #[serde(default)]
    pub features: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct FileNode {
    tests: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaseNode {
    name: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    versions: Option<VersionsNode>,
    #[serde(default)]
    format: Vec<String>,
    #[serde(default)]
    config: Vec<Value>,
    statements: Vec<String>,
    #[serde(default)]
    properties: serde_json::Map<String, Value>,
    #[serde(default)]
    topics: Vec<TopicNode>,
    #[serde(default)]
    inputs: Vec<RecordNode>,
    #[serde(default)]
    outputs: Vec<RecordNode>,
    #[serde(default)]
    expected_exception: Option<ErrorNode>,
    #[serde(default)]
    post: PostNode,
}

#[derive(Deserialize)]
struct VersionsNode {
    #[serde(default)]
    max: Option<Value>,
}

/// The cases of all files at these paths; directories are searched for `.json` files, in the order of their names.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>> {
    let mut files = Vec::new();
    for path in paths {
        find(path, 0, &mut files)?;
    }
    let mut cases = Vec::new();
    for path in &files {
        cases.extend(parse(&file_name(path), &read(path)?)?);
    }
    Ok(cases)
}

/// The case that the three files of ksql-test-runner make: statements as SQL, `{"inputs": […]}`, `{"outputs": […]}`.
pub fn load_three(statements: &Path, input: Option<&Path>, output: &Path) -> Result<Case> {
    #[derive(Deserialize)]
    struct Inputs {
        inputs: Vec<RecordNode>,
    }
    #[derive(Deserialize)]
    struct Outputs {
        outputs: Vec<RecordNode>,
    }
    let node = |path: &Path| {
        let wrong = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
        json::parse(&read(path)?).map_err(wrong)
    };
    let wrong = |path: &Path, error| Failure::usage(format!("{}: {error}", path.display()));
    let sql = read(statements)?;
    let inputs = match input {
        Some(path) => serde_json::from_value::<Inputs>(node(path)?).map_err(|e| wrong(path, e))?.inputs,
        None => Vec::new(),
    };
    let outputs = serde_json::from_value::<Outputs>(node(output)?).map_err(|e| wrong(output, e))?.outputs;
    let file = file_name(statements);
    Ok(Case {
        name: stem(&file).to_owned(),
        file,
        statements: script::split(&sql).iter().map(|piece| piece.text.to_owned()).collect(),
        inputs,
        outputs,
        ..Case::default()
    })
}

/// The cases of a file's text. `file` is its name.
pub fn parse(file: &str, text: &str) -> Result<Vec<Case>> {
    let wrong = |error: serde_json::Error| Failure::usage(format!("{file}: {error}"));
    let node: FileNode = json::parse(text).and_then(serde_json::from_value).map_err(wrong)?;
    let mut cases = Vec::new();
    for test in node.tests {
        let name = test.get("name").and_then(Value::as_str).unwrap_or("a test without a name").to_owned();
        let node: CaseNode = serde_json::from_value(test)
            .map_err(|error| Failure::usage(format!("{file}: {name}: {error}")))?;
        expand(file, node, &mut cases);
    }
    Ok(cases)
}

/// One case for each format and each configuration.
fn expand(file: &str, node: CaseNode, into: &mut Vec<Case>) {
    if node.enabled == Some(false) {
        return;
    }
    let old = node.versions.as_ref().is_some_and(|versions| versions.max.is_some());
    let config_of = node.properties.iter().find(|(_, value)| value.as_str() == Some("{CONFIG}"));
    let config_of = config_of.map(|(name, _)| name.clone());
    let formats: Vec<Option<&String>> = optional(&node.format);
    let configs: Vec<Option<&Value>> = optional(&node.config);
    for format in &formats {
        for config in &configs {
            let mut name = format!("{} - {}", stem(file), node.name);
            if let Some(format) = format {
                name += &format!(" - {format}");
            }
            let mut properties: Vec<(String, String)> =
                node.properties.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
            if let (Some(config), Some(property)) = (config, &config_of) {
                name += &format!(" - {property}={}", plain(config));
                properties.iter_mut().filter(|(n, _)| n == property).for_each(|(_, v)| *v = plain(config));
            }
            let statement = |text: &String| match format {
                Some(format) => text.replace("{FORMAT}", format),
                None => text.clone(),
            };
            into.push(Case {
                file: file.to_owned(),
                name,
                skip: old.then(|| "of an older version of ksqlDB".to_owned()),
                statements: node.statements.iter().map(statement).collect(),
                properties,
                topics: node.topics.clone(),
                inputs: node.inputs.clone(),
                outputs: node.outputs.clone(),
                error: node.expected_exception.clone(),
                post: node.post.clone(),
            });
        }
    }
}

/// Every entry, or nothing once.
fn optional<T>(entries: &[T]) -> Vec<Option<&T>> {
    if entries.is_empty() { vec![None] } else { entries.iter().map(Some).collect() }
}

/// A value as a setting's text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn find(path: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<()> {
    let refused = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    if !fs::metadata(path).map_err(refused)?.is_dir() {
        into.push(path.to_owned());
        return Ok(());
    }
    if depth > DEPTH_MAX {
        return Err(Failure::usage(format!("{}: directories nest too deep", path.display())));
    }
    let entries = fs::read_dir(path).map_err(refused)?.collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let mut inside: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        if path.is_dir() || path.extension().is_some_and(|ending| ending == "json") {
            find(&path, depth + 1, into)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let refused = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let bytes = fs::metadata(path).map_err(refused)?.len();
    if bytes > FILE_BYTES_MAX {
        let text = format!("{} has {bytes} bytes, more than {FILE_BYTES_MAX}", path.display());
        return Err(Failure::usage(text));
    }
    fs::read_to_string(path).map_err(refused)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn stem(file: &str) -> &str {
    file.strip_suffix(".json").or_else(|| file.strip_suffix(".sql")).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_expanded() {
        let text = r#"{"tests": [
            {"name": "a", "format": ["JSON", "DELIMITED"], "config": [true, false], "properties": {"p": "{CONFIG}", "q": 1},
             "statements": ["x {FORMAT}"], "unknown": {}},
            {"name": "b", "enabled": false, "statements": ["y"]},
            {"name": "c", "versions": {"max": "5.0"}, "statements": ["z"], "expectedException": {"type": "T"}}
        ]}"#;
        let cases = parse("f.json", text).unwrap();
        let lines: Vec<String> = cases
            .iter()
            .map(|c| format!("{} | {:?} {:?} {}", c.name, c.statements, c.properties, c.skip.is_some()))
            .collect();
        expect_test::expect![[r#"
            [
                "f - a - JSON - p=true | [\"x JSON\"] [(\"p\", \"true\"), (\"q\", \"1\")] false",
                "f - a - JSON - p=false | [\"x JSON\"] [(\"p\", \"false\"), (\"q\", \"1\")] false",
                "f - a - DELIMITED - p=true | [\"x DELIMITED\"] [(\"p\", \"true\"), (\"q\", \"1\")] false",
                "f - a - DELIMITED - p=false | [\"x DELIMITED\"] [(\"p\", \"false\"), (\"q\", \"1\")] false",
                "f - c | [\"z\"] [] true",
            ]
        "#]]
        .assert_debug_eq(&lines);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        for (text, expected) in [
            ("{", "f.json: EOF while parsing an object at line 1 column 1"),
            (r#"{"tests": [{"name": "a"}]}"#, "f.json: a: missing field `statements`"),
            ("[]", "f.json: invalid length 0, expected struct FileNode with 1 element"),
        ] {
            assert_eq!(parse("f.json", text).unwrap_err().message, expected);
        }
    }
}
