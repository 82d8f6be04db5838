//! The house rules that a machine can check and clippy does not (src/lib.rs and clippy.toml have those that it does).
//! Each test names the files and lines that break its rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each floor may use besides itself. Cli and server may use all below them; the log uses no other.
const FLOORS: &[(&str, &[&str])] = &[
    ("sql", &[]),
    ("catalog", &["sql"]),
    ("formats", &["sql", "catalog"]),
    ("functions", &["sql", "catalog", "formats"]),
    ("engine", &["sql", "catalog", "formats", "functions"]),
    ("planner", &["sql", "catalog", "formats", "functions", "engine"]),
    ("log", &[]),
    ("runtime", &["sql", "catalog", "formats", "functions", "engine", "planner", "log"]),
    ("server", &["sql", "catalog", "formats", "functions", "engine", "planner", "log", "runtime"]),
    ("cli", &["sql", "catalog", "formats", "functions", "engine", "planner", "log", "runtime", "server"]),
];

/// What the engine must not touch: it is a pure function of what it is fed.
const NOT_IN_THE_ENGINE: &[&str] = &[
    "tokio",
    "rdkafka",
    "std::time",
    "std::thread",
    "std::io",
    "std::fs",
    "std::net",
    "std::process",
    "chrono::Utc",
    "rand::",
];

/// Longer files hold more than one concept.
const LINES_MAX: usize = 600;
/// Tables of cases may be longer.
const TEST_LINES_MAX: usize = 1_000;

#[test]
fn no_floor_uses_one_above_it() {
    let mut broken = Vec::new();
    for file in sources() {
        let Some(floor) = file.floor() else { continue };
        let Some((_, below)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
            broken.push(format!("{}: src/{floor} is no floor of ARCHITECTURE.md", file.path));
            continue;
        };
        let code = file.code_text();
        for (at, used) in crate_paths(&code) {
            if used != floor && FLOORS.iter().any(|(name, _)| *name == used) && !below.contains(&used) {
                let number = 1 + code[..at].matches('\n').count();
                broken.push(format!("{}:{number}: {floor} uses {used}", file.path));
            }
        }
    }
    none(&broken);
}

#[test]
fn the_engine_has_no_io_and_no_clock() {
    let mut broken = Vec::new();
    for file in sources().iter().filter(|file| file.floor() == Some("engine")) {
        // Test modules of the engine may look at files and clocks.
        for (number, line) in file.code_without_tests() {
            for word in NOT_IN_THE_ENGINE.iter().filter(|word| has_path(line, word)) {
                broken.push(format!("{}:{number}: {word}", file.path));
            }
            if line.contains("use std::{") {
                broken.push(format!(
                    "{}:{number}: import from std in lines of their own, for this test",
                    file.path
                ));
            }
        }
    }
    none(&broken);
}

#[test]
fn unsafe_code_is_in_the_kafka_log_only() {
    let mut broken = Vec::new();
    for file in sources().iter().filter(|file| !file.path.starts_with("src/log/kafka")) {
        for (number, line) in file.code() {
            let unsafe_word =
                line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "unsafe");
            if unsafe_word {
                broken.push(format!("{}:{number}: unsafe", file.path));
            }
        }
    }
    none(&broken);
}

#[test]
fn no_file_is_too_long() {
    let mut broken = Vec::new();
    for file in sources() {
        let (lines, max) =
            (file.text.lines().count(), if file.is_tests() { TEST_LINES_MAX } else { LINES_MAX });
        if lines > max {
            broken.push(format!("{}: {lines} lines, at most {max}", file.path));
        }
    }
    none(&broken);
}

#[test]
fn every_file_says_what_it_is() {
    let broken: Vec<String> = sources()
        .iter()
        // A module's tests are what their name says.
        .filter(|file| !file.is_tests() && !file.text.starts_with("//! "))
        .map(|file| format!("{}: does not begin with a //! line", file.path))
        .collect();
    none(&broken);
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let Ok(entries) = fs::read_dir(root().join("docs/decisions")) else { return };
    let names: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    for (index, name) in names.iter().enumerate() {
        let prefix = format!("{:04}-", index + 1);
        assert!(name.starts_with(&prefix) && name.ends_with(".md"), "{name}: expected {prefix}title.md");
    }
}

#[test]
fn the_rules_bite() {
    let file = Source {
        path: "src/log/x.rs".into(),
        text: "use crate::{\n    sql::{A, B},\n    log,\n};\n// crate::engine\nlet s = \"crate::cli\";\n#[cfg(test)]\nmod tests { x.unwrap() }\n"
            .into(),
    };
    assert_eq!(file.floor(), Some("log"));
    let code = file.code_text();
    let used: Vec<_> = crate_paths(&code).into_iter().map(|(_, name)| name).collect();
    assert_eq!(used, ["sql", "log", "cli"]);
    assert_eq!(file.code_without_tests().count(), 5);
    assert!(has_path("use std::time::Instant;", "std::time"));
    assert!(!has_path("my_std::timeout", "std::time"));
}

struct Source {
    /// From the root, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The folder below src; None for main.rs and lib.rs, which stand above all floors.
    fn floor(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split_once('/').map(|(floor, _)| floor)
    }

    fn is_tests(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The lines that are no comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The text with empty lines for comments.
    fn code_text(&self) -> String {
        let blank = |line: &str| {
            let comment = line.trim_start().starts_with("//");
            if comment { "\n".to_owned() } else { format!("{line}\n") }
        };
        self.text.lines().map(blank).collect()
    }

    /// As `code`, up to the tests, which stand at the end of a file or in one of their own.
    fn code_without_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_tests() {
            0
        } else {
            let lines: Vec<&str> = self.text.lines().collect();
            lines
                .windows(2)
                .position(|pair| {
                    pair[0].starts_with("#[cfg(")
                        && pair[0].contains("test")
                        && (pair[1].contains("mod ") || pair[1].starts_with("#["))
                })
                .unwrap_or(lines.len())
        };
        self.code().take_while(move |(number, _)| *number <= end)
    }
}

/// The first names behind `crate::` and where they stand, also those of `use crate::{a::b, c}`.
fn crate_paths(code: &str) -> Vec<(usize, &str)> {
    let name = |from: usize| {
        let text = &code[from..];
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
        (from, &text[..end])
    };
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let start = at + prefix.len();
        if !code[start..].starts_with('{') {
            found.push(name(start));
            continue;
        }
        let mut depth = 0;
        let mut first = true;
        for (i, c) in code[start..].char_indices().skip(1) {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => first = true,
                c if first && depth == 0 && !c.is_whitespace() => {
                    found.push(name(start + i));
                    first = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether the path stands in the line as a whole, not as the end of another word.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !line[..at].ends_with(word) && (path.ends_with(':') || !line[at + path.len()..].starts_with(word))
    })
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "{} rules broken:\n{}", broken.len(), broken.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    assert!(!files.is_empty());
    files
}

fn collect(folder: &Path, files: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let shown = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            files.push(Source { path: shown, text: fs::read_to_string(&path).unwrap() });
        }
    }
}
