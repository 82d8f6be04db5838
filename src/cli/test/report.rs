//! What a run looks like: a bar while it runs, then failures, then sums; JSON for machines.

use std::collections::BTreeMap;
use std::fmt::Write;

use indicatif::{ProgressBar, ProgressStyle};

use super::outcome::{CaseResult, Mismatch, Outcome, last_line};

/// A bar on stderr; nothing where that is no terminal.
pub fn bar(cases: usize) -> ProgressBar {
    let bar = ProgressBar::new(cases as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} cases, {msg}") {
        bar.set_style(style);
    }
    bar
}

/// The whole report; its last line is [`last_line`].
pub fn text(results: &[CaseResult]) -> String {
    let mut out = String::new();
    for result in results.iter().filter(|r| r.outcome == Outcome::Failed) {
        failure(result, &mut out);
    }
    unsupported(results, &mut out);
    by_file(results, &mut out);
    for outcome in Outcome::ALL {
        let count = results.iter().filter(|r| r.outcome == outcome).count();
        if count > 0 {
            let _ = writeln!(out, "{count:>6} {}", outcome.title());
        }
    }
    let _ = writeln!(out, "\n{}", last_line(results));
    out
}

fn failure(result: &CaseResult, out: &mut String) {
    let _ = writeln!(out, "FAILED {}", result.name);
    for statement in &result.statements {
        for line in statement.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    match &result.mismatch {
        Some(mismatch) => side_by_side(mismatch, out),
        None => {
            let _ = writeln!(out, "  {}", result.detail);
        }
    }
    out.push('\n');
}

/// Longer parts go below each other.
const COLUMN_CHARS_MAX: usize = 50;

fn side_by_side(mismatch: &Mismatch, out: &mut String) {
    let _ = writeln!(out, "  {}", mismatch.place);
    let longest = mismatch.parts.iter().map(|(_, expected, _)| expected.chars().count()).max().unwrap_or(0);
    if longest > COLUMN_CHARS_MAX {
        for (part, expected, actual) in &mismatch.parts {
            let _ = writeln!(out, "  {part:<10} expected  {expected}\n  {:<10} got       {actual}", "");
        }
        return;
    }
    let width = longest.max("expected".len());
    let _ = writeln!(out, "  {:<10} {:<width$}  got", "", "expected");
    for (part, expected, actual) in &mismatch.parts {
        let _ = writeln!(out, "  {part:<10} {expected:<width$}  {actual}");
    }
}

/// What is missing, with the number of cases that need it.
fn unsupported(results: &[CaseResult], out: &mut String) {
    let mut features: BTreeMap<&str, usize> = BTreeMap::new();
    for result in results.iter().filter(|r| r.outcome == Outcome::Unsupported) {
        *features.entry(&result.detail).or_default() += 1;
    }
    if features.is_empty() {
        return;
    }
    let mut features: Vec<(&str, usize)> = features.into_iter().collect();
    features.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let _ = writeln!(out, "Not supported:");
    for (feature, count) in features {
        let _ = writeln!(out, "{count:>6} {feature}");
    }
    out.push('\n');
}

fn by_file(results: &[CaseResult], out: &mut String) {
    let mut files: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for result in results {
        let counts = files.entry(&result.file).or_default();
        let column = match result.outcome {
            outcome if outcome.is_good() => 0,
            Outcome::Failed => 1,
            _ => 2,
        };
        if let Some(count) = counts.get_mut(column) {
            *count += 1;
        }
    }
    let width = files.keys().map(|file| file.len()).max().unwrap_or(0).max(4);
    let _ = writeln!(out, "{:<width$}  passed  failed  skipped", "file");
    for (file, [passed, failed, skipped]) in files {
        let _ = writeln!(out, "{file:<width$}  {passed:>6}  {failed:>6}  {skipped:>7}");
    }
    out.push('\n');
}
