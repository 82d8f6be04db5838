//! ksqlDB's own functional tests, as far as they are there: each case passes, or is on a list in `tests/ksqldb/` with
//! the reason why not.
//!
//! The tests are ksqlDB's and no part of this project. `KSQLDB_TESTS` says where they are, `../shared/ksqldb-tests` if
//! it is not set; where there are none, this test says so and is done.
//!
//! - `features.txt`: what is not there, one feature a line: what is said of cases that need it begins with these words.
//! - `known.txt`: cases that fail, one a line.
//!
//! Both shrink only: a case that passes and is listed fails the test, and so does a feature that no case needs any more.
//! `UPDATE_EXPECT=1` writes both anew; a new line's reason is a question that somebody must answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rivermill::cli::test::outcome::{CaseResult, Outcome, last_line};
use rivermill::cli::test::{file, run_all};

const NO_REASON: &str = "why?";

const HEAD: &str = "\
# Cases of ksqlDB's functional tests that are known to fail: the case's name, then the reason behind \" # \".
# See tests/it/ksqldb.rs.
";

#[test]
fn ksqldb_functional_tests() {
    let Some(dir) = tests_dir() else {
        eprintln!("SKIPPED: ksqlDB's functional tests are not here; set KSQLDB_TESTS to their directory");
        return;
    };
    let cases = file::load(&[dir]).map_err(|failure| failure.message).unwrap();
    assert!(!cases.is_empty(), "no test files");
    let results = run_all(&cases, &|_| {});
    eprintln!("{}", last_line(&results));
    let features = List::read("features.txt");
    let known = List::read("known.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(list_path("known.txt"), updated(&results, &features, &known)).unwrap();
        fs::write(list_path("features.txt"), still_needed(&results, &features)).unwrap();
        return;
    }
    let complaints = complaints(&results, &features, &known);
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// What has failed and must not, or has not and was expected to.
fn complaints(results: &[CaseResult], features: &List, known: &List) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut needed = BTreeSet::new();
    let mut met = BTreeSet::new();
    for result in results {
        let feature = features.feature(result);
        needed.extend(feature);
        let listed = known.reasons.contains_key(&result.name);
        if listed {
            met.insert(result.name.as_str());
        }
        match (is_bad(result), listed || feature.is_some()) {
            (true, false) => {
                complaints.push(format!("{:?} {}: {}", result.outcome, result.name, result.detail))
            }
            (false, _) if listed => complaints.push(format!("passes, and is on the list: {}", result.name)),
            _ => {}
        }
    }
    for (name, reason) in &known.reasons {
        if !met.contains(name.as_str()) {
            complaints.push(format!("is on the list, and there is no such case: {name}"));
        }
        if reason == NO_REASON {
            complaints.push(format!("is on the list without a reason: {name}"));
        }
    }
    let unneeded = features.reasons.keys().filter(|feature| !needed.contains(feature.as_str()));
    complaints.extend(unneeded.map(|feature| format!("no case needs this feature any more: {feature}")));
    complaints
}

/// The new `known.txt`: reasons stay where they are.
fn updated(results: &[CaseResult], features: &List, known: &List) -> String {
    let mut lines: Vec<String> = results
        .iter()
        .filter(|result| is_bad(result) && features.feature(result).is_none())
        .map(|result| {
            let reason = known.reasons.get(&result.name).map_or(NO_REASON, String::as_str);
            format!("{} # {reason}\n", result.name)
        })
        .collect();
    lines.sort();
    HEAD.to_owned() + &lines.concat()
}

/// `features.txt` without what no case needs any more.
fn still_needed(results: &[CaseResult], features: &List) -> String {
    let needed: BTreeSet<&str> = results.iter().filter_map(|result| features.feature(result)).collect();
    let name = |line: &str| line.rsplit_once(" # ").map(|(name, _)| name.to_owned());
    let stays =
        |line: &&str| name(line).is_none_or(|name| line.starts_with('#') || needed.contains(name.as_str()));
    features.text.split_inclusive('\n').filter(stays).collect()
}

fn is_bad(result: &CaseResult) -> bool {
    matches!(result.outcome, Outcome::Failed | Outcome::Unsupported)
}

/// Lines of a name and a reason.
struct List {
    text: String,
    reasons: BTreeMap<String, String>,
}

impl List {
    fn read(name: &str) -> List {
        let text = fs::read_to_string(list_path(name)).unwrap_or_default();
        let mut reasons = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, reason) = line.rsplit_once(" # ").unwrap_or_else(|| panic!("no reason: {line}"));
            assert!(reasons.insert(name.to_owned(), reason.to_owned()).is_none(), "twice: {name}");
        }
        List { text, reasons }
    }

    /// The feature of this list that a case lacks: its detail begins with it.
    fn feature(&self, result: &CaseResult) -> Option<&str> {
        if !is_bad(result) {
            return None;
        }
        self.reasons.keys().map(String::as_str).find(|feature| result.detail.starts_with(feature))
    }
}

fn list_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ksqldb").join(name)
}

fn tests_dir() -> Option<PathBuf> {
    let given = std::env::var_os("KSQLDB_TESTS").map(PathBuf::from);
    let dir = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ksqldb-tests"));
    let dir = dir.join("query-validation-tests");
    dir.is_dir().then_some(dir)
}

#[test]
fn the_lists_bite() {
    let result = |name: &str, outcome, detail: &str| CaseResult {
        file: "f.json".into(),
        name: name.into(),
        kind: rivermill::cli::test::outcome::Kind::Records,
        outcome,
        detail: detail.into(),
        statements: Vec::new(),
        mismatch: None,
    };
    let list = |lines: &[(&str, &str)]| List {
        text: String::new(),
        reasons: lines.iter().map(|(name, reason)| ((*name).to_owned(), (*reason).to_owned())).collect(),
    };
    let results = [
        result("a", Outcome::Passed, ""),
        result("b", Outcome::Failed, "bad"),
        result("c", Outcome::Failed, "bad"),
        result("d", Outcome::Unsupported, "JOIN of two"),
        result("e", Outcome::Unsupported, "WINDOW"),
    ];
    let features = list(&[("JOIN", "later"), ("UNION", "never")]);
    let known = list(&[("a", "x"), ("c", "y"), ("e", NO_REASON), ("z", "x")]);
    expect_test::expect![[r#"
        passes, and is on the list: a
        Failed b: bad
        is on the list without a reason: e
        is on the list, and there is no such case: z
        no case needs this feature any more: UNION"#]]
    .assert_eq(&complaints(&results, &features, &known).join("\n"));
    assert_eq!(updated(&results, &features, &known), HEAD.to_owned() + "b # why?\nc # y\ne # why?\n");
}
