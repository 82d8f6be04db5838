//! One case from its statements to its outcome.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::compare::{Actual, matches};
use super::file::{Case, HeaderNode, RecordNode, WindowNode};
use super::harness::Harness;
use super::outcome::{CaseResult, Kind, Mismatch, Outcome};
use super::record::{ActualRecord, from_bytes};
use super::{post, settings};
use crate::sql::{SqlError, sqlstate};

/// What a case comes to, besides its own name.
struct Verdict {
    outcome: Outcome,
    detail: String,
    mismatch: Option<Mismatch>,
}

/// Runs a case. A panic in it is its failure.
pub fn run(case: &Case) -> CaseResult {
    let kind = if case.error.is_some() { Kind::Error } else { Kind::Records };
    let verdict = match &case.skip {
        Some(why) => Verdict::new(Outcome::Skipped, why),
        None => catch_unwind(AssertUnwindSafe(|| verdict(case))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
            Verdict::new(Outcome::Failed, format!("panic: {text}"))
        }),
    };
    CaseResult {
        file: case.file.clone(),
        name: case.name.clone(),
        kind,
        outcome: verdict.outcome,
        detail: verdict.detail,
        statements: case.statements.clone(),
        mismatch: verdict.mismatch,
    }
}

impl Verdict {
    fn new(outcome: Outcome, detail: impl Into<String>) -> Verdict {
        Verdict { outcome, detail: detail.into(), mismatch: None }
    }

    fn failed(detail: impl Into<String>) -> Verdict {
        Verdict::new(Outcome::Failed, detail)
    }

    fn mismatch(mismatch: Mismatch, harness: &Harness) -> Verdict {
        let parts: Vec<String> = mismatch
            .parts
            .iter()
            .map(|(part, expected, actual)| format!("{part}: expected {expected}, got {actual}"))
            .collect();
        let mut detail = format!("{}: {}", mismatch.place, parts.join("; "));
        for error in &harness.row_errors {
            detail += &format!("; a row failed ({}): {}", error.kind, error.reason);
        }
        Verdict { outcome: Outcome::Failed, detail, mismatch: Some(mismatch) }
    }
}

fn verdict(case: &Case) -> Verdict {
    let settings = match settings::of_case(&case.properties) {
        Ok(settings) => settings,
        Err(feature) => return Verdict::new(Outcome::Unsupported, feature),
    };
    let exact = settings.exact_numbers;
    let mut harness = Harness::new(case, settings);
    let last = case.statements.len().saturating_sub(1);
    for (index, text) in case.statements.iter().enumerate() {
        let Err(error) = harness.execute(text) else { continue };
        return match &case.error {
            Some(expected) if index == last => rejected(expected.message.as_deref(), &full_text(&error)),
            _ => refused(&error),
        };
    }
    if let Err(error) = harness.run(case) {
        return match &case.error {
            Some(expected) => rejected(expected.message.as_deref(), &error),
            None => Verdict::failed(error),
        };
    }
    if case.error.is_some() {
        return Verdict::failed("the error that is expected did not come");
    }
    compare(case, &harness, exact)
}

fn rejected(expected: Option<&str>, text: &str) -> Verdict {
    match expected {
        Some(words) if !text.contains(words) => Verdict::new(Outcome::RejectedOtherWords, text),
        _ => Verdict::new(Outcome::Rejected, ""),
    }
}

/// A statement that should have been taken was not.
fn refused(error: &SqlError) -> Verdict {
    if error.sqlstate == sqlstate::NOT_SUPPORTED {
        return Verdict::new(Outcome::Unsupported, feature(error));
    }
    Verdict::failed(format!("refused: {}", full_text(error)))
}

/// The words of an error that name what is not supported. What waits for the schema registry says so first.
fn feature(error: &SqlError) -> String {
    let message = error.message.strip_prefix("not supported yet: ").unwrap_or(&error.message);
    let needs_registry = ["format AVRO", "format PROTOBUF", "format JSON_SR"].contains(&message)
        || full_text(error).contains("schema registry");
    if needs_registry { format!("schema registry: {message}") } else { message.to_owned() }
}

/// An error with its place, detail and hint.
pub fn full_text(error: &SqlError) -> String {
    let mut text = error.to_string();
    if let Some(detail) = &error.detail {
        text += &format!("; {detail}");
    }
    if let Some(hint) = &error.hint {
        text += &format!(" (hint: {hint})");
    }
    text
}

/// The topics that records are expected in, record by record in each, and what the case says of the catalog.
fn compare(case: &Case, harness: &Harness, exact: bool) -> Verdict {
    let mut expected: BTreeMap<&str, Vec<&RecordNode>> = BTreeMap::new();
    for record in &case.outputs {
        expected.entry(&record.topic).or_default().push(record);
    }
    // Without input records all times are those of INSERTs, which ksqlDB's tests do not know.
    let any_time = case.inputs.is_empty();
    for (topic, expected) in expected {
        let Some(source) = harness.source_of(topic) else {
            return Verdict::failed(format!(
                "records are expected in topic {topic}, which no stream or table has"
            ));
        };
        let there = harness.topics.get(topic).map(|t| t.records.as_slice()).unwrap_or_default();
        for index in 0..there.len().max(expected.len()) {
            let place = format!("record {} of {} in topic {topic}", index + 1, expected.len());
            let actual = match there.get(index).map(|record| from_bytes(record, source, exact)) {
                Some(Err(error)) => return Verdict::failed(format!("{place}: {error}")),
                Some(Ok(record)) => Some(record),
                None => None,
            };
            let parts = differences(expected.get(index).copied(), actual.as_ref(), any_time);
            if !parts.is_empty() {
                return Verdict::mismatch(Mismatch { place, parts }, harness);
            }
        }
    }
    match post::check(&case.post, harness) {
        Ok(()) => Verdict::new(Outcome::Passed, ""),
        Err(error) => Verdict::failed(error),
    }
}

/// The parts of a record that are not as expected: its name, what is expected, what came.
fn differences(
    expected: Option<&RecordNode>,
    actual: Option<&ActualRecord>,
    any_time: bool,
) -> Vec<(&'static str, String, String)> {
    let nothing = || "nothing".to_owned();
    let (expected, actual) = match (expected, actual) {
        (None, None) => return Vec::new(),
        (Some(expected), None) => return vec![("record", shown(expected), nothing())],
        (None, Some(actual)) => return vec![("record", nothing(), shown_actual(actual))],
        (Some(expected), Some(actual)) => (expected, actual),
    };
    let mut parts = Vec::new();
    if !matches(&actual.key, &expected.key) {
        parts.push(("key", expected.key.to_string(), actual.key.to_string()));
    }
    if actual.window != expected.window {
        parts.push(("window", window(expected.window.as_ref()), window(actual.window.as_ref())));
    }
    if !matches(&actual.value, &expected.value) {
        parts.push(("value", expected.value.to_string(), actual.value.to_string()));
    }
    if let Some(time) = expected.timestamp
        && time != actual.timestamp
        && !(any_time && time == 0)
    {
        parts.push(("timestamp", time.to_string(), actual.timestamp.to_string()));
    }
    let headers: Vec<HeaderNode> = actual
        .headers
        .iter()
        .map(|(key, value)| HeaderNode { key: key.clone(), value: value.clone() })
        .collect();
    if headers != expected.headers {
        parts.push(("headers", format!("{:?}", expected.headers), format!("{headers:?}")));
    }
    parts
}

fn window(window: Option<&WindowNode>) -> String {
    window
        .map_or_else(|| "none".to_owned(), |w| format!("{:?} {}..{}", w.kind, w.start, w.end).to_lowercase())
}

fn shown(record: &RecordNode) -> String {
    let window = record.window.as_ref().map(|w| format!(" [{}..{}]", w.start, w.end)).unwrap_or_default();
    let time = record.timestamp.map(|t| format!(" @{t}")).unwrap_or_default();
    format!("{}{window} {}{time}", record.key, record.value)
}

fn shown_actual(record: &ActualRecord) -> String {
    let window = record.window.as_ref().map(|w| format!(" [{}..{}]", w.start, w.end)).unwrap_or_default();
    let value: &Actual = &record.value;
    format!("{}{window} {value} @{}", record.key, record.timestamp)
}
