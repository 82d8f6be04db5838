//! `rivermill test` as a team uses it: on the examples of docs/testing.md, and on tests that fail.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expect_test::expect;

#[test]
fn the_examples_pass() {
    let done = run(&["examples/testing/orders.json"]);
    assert!(done.status.success());
    assert_eq!(last_line(&done), "3 passed, 0 failed, 0 skipped");

    let three = ["--statements", "examples/testing/alerts.sql"];
    let records =
        ["--input", "examples/testing/alerts-input.json", "--output", "examples/testing/alerts-output.json"];
    let done = run(&[three, [records[0], records[1]], [records[2], records[3]]].concat());
    assert!(done.status.success());
    assert_eq!(last_line(&done), "1 passed, 0 failed, 0 skipped");
}

#[test]
fn a_failure_shows_what_was_expected_and_what_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.json");
    let text = r#"{"tests": [
        {"name": "wrong", "statements": [
            "CREATE STREAM a (k STRING KEY, v INT) WITH (KAFKA_TOPIC = 'a', VALUE_FORMAT = 'JSON');",
            "CREATE STREAM b AS SELECT k, v + 1 AS w FROM a;"],
         "inputs": [{"topic": "a", "key": "x", "value": {"V": 1}, "timestamp": 7}],
         "outputs": [{"topic": "B", "key": "x", "value": {"W": 1}, "timestamp": 8}]},
        {"name": "missing", "statements": ["CREATE STREAM c WITH (KAFKA_TOPIC = 'c', VALUE_FORMAT = 'AVRO');"]}
    ]}"#;
    fs::write(&path, text).unwrap();
    let json = folder.path().join("out.json");
    let done = run(&[path.to_str().unwrap(), "--json", json.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1));
    let out = String::from_utf8(done.stdout).unwrap();
    expect![[r#"
        FAILED f - wrong
            CREATE STREAM a (k STRING KEY, v INT) WITH (KAFKA_TOPIC = 'a', VALUE_FORMAT = 'JSON');
            CREATE STREAM b AS SELECT k, v + 1 AS w FROM a;
          record 1 of 1 in topic B
                     expected  got
          value      {"W":1}   {"W":2}
          timestamp  8         7

    "#]]
    .assert_eq(out.split_inclusive("\n\n").next().unwrap());
    assert!(out.ends_with("\n0 passed, 1 failed, 1 skipped\n"), "{out}");
    let results: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(results[0]["outcome"], "failed");
    assert_eq!(results[0]["kind"], "records");
    assert_eq!(results[1]["outcome"], "unsupported");
    assert!(results[1]["detail"].as_str().unwrap().starts_with("schema registry"), "{results}");
    let none = run(&[path.to_str().unwrap(), "--filter", "no such name"]);
    assert!(none.status.success());
    assert_eq!(last_line(&none), "0 passed, 0 failed, 0 skipped");
}

#[test]
fn what_cannot_be_read_is_told() {
    for args in [&["no/such/file.json"][..], &[], &["--statements", "a.sql"]] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

fn run(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new(env!("CARGO_BIN_EXE_rivermill")).arg("test").args(args).current_dir(root).output().unwrap()
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}
