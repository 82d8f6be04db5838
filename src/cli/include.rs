//! RUN SCRIPT: files that run others.
//!
//! The files are the client's, so the client reads them, all before the first statement is sent. A name is relative to the
//! folder of the file that it stands in.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::script::{self, Piece};
use super::{Failure, Result};
use crate::server::Script;

/// How deep files may run others.
const DEPTH_MAX: usize = 16;

/// Files that one command reads, those that are run many times counted each time.
const FILES_MAX: usize = 1_000;

/// A part of a file between two RUN SCRIPTs, or all of it.
#[derive(Debug)]
pub struct Part {
    script: Rc<Script>,
    /// What of the file's text: its pieces from the first number up to the second.
    pieces: std::ops::Range<usize>,
}

/// The files in their order, each RUN SCRIPT replaced by what its file holds.
///
/// Errors name the file and the line that asks for what cannot be read.
pub fn with_includes(paths: &[PathBuf]) -> Result<Vec<Part>> {
    let mut reading = Reading { parts: Vec::new(), stack: Vec::new(), files: 0 };
    for path in paths {
        reading.file(path)?;
    }
    Ok(reading.parts)
}

/// The statements of the parts, each with the file it stands in.
pub fn statements(parts: &[Part]) -> Vec<(&Script, Piece<'_>)> {
    parts
        .iter()
        .flat_map(|part| {
            let (skip, take) = (part.pieces.start, part.pieces.len());
            let pieces = script::split(&part.script.text).into_iter().skip(skip).take(take);
            pieces.map(|piece| (part.script.as_ref(), piece))
        })
        .collect()
}

struct Reading {
    parts: Vec<Part>,
    /// The files that are being read, each run by the one before it.
    stack: Vec<PathBuf>,
    files: usize,
}

impl Reading {
    fn file(&mut self, path: &Path) -> Result<()> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.stack.contains(&real) {
            return Err(Failure::usage(format!("{} runs itself", path.display())));
        }
        self.files += 1;
        if self.stack.len() >= DEPTH_MAX || self.files > FILES_MAX {
            let message = format!("too many files run each other: at most {FILES_MAX}, {DEPTH_MAX} deep");
            return Err(Failure::usage(message));
        }
        let mut read = script::read_all(&[path.to_owned()])?;
        let Some(script) = read.pop() else { return Ok(()) };
        let script = Rc::new(script);
        self.stack.push(real);
        self.script(&script, path.parent().unwrap_or(Path::new("")))?;
        self.stack.pop();
        Ok(())
    }

    fn script(&mut self, script: &Rc<Script>, folder: &Path) -> Result<()> {
        let pieces = script::split(&script.text);
        let mut from = 0;
        for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.keyword() == "RUN") {
            let here = |failure: Failure| Failure {
                message: format!("{}:{}: {}", script.name, piece.line, failure.message),
                ..failure
            };
            self.part(script, from..at);
            from = at + 1;
            let name = target(piece.text).ok_or_else(|| {
                here(Failure::usage("syntax error in RUN SCRIPT").hint("write RUN SCRIPT 'file.sql';"))
            })?;
            self.file(&folder.join(name)).map_err(here)?;
        }
        self.part(script, from..pieces.len());
        Ok(())
    }

    fn part(&mut self, script: &Rc<Script>, pieces: std::ops::Range<usize>) {
        if !pieces.is_empty() {
            self.parts.push(Part { script: script.clone(), pieces });
        }
    }
}

/// The file in `RUN SCRIPT 'file'`.
fn target(statement: &str) -> Option<String> {
    let mut rest = statement;
    for keyword in ["RUN", "SCRIPT"] {
        let (word, after) = rest.trim_start().split_at_checked(keyword.len())?;
        if !word.eq_ignore_ascii_case(keyword) {
            return None;
        }
        rest = after;
    }
    let quoted = rest.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let name = quoted.replace("''", "\u{0}");
    (!name.is_empty() && !name.contains('\'')).then(|| name.replace('\u{0}', "'"))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Writes files into a folder and reads the first one.
    fn check(files: &[(&str, &str)], expected: Expect) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = with_includes(&[folder.path().join(files[0].0)]);
        let text = match &found {
            Ok(parts) => statements(parts)
                .iter()
                .map(|(script, piece)| format!("{}:{} {}\n", script.name, piece.line, piece.text))
                .collect(),
            Err(failure) => failure.message.clone(),
        };
        let folder = folder.path().display().to_string();
        expected.assert_eq(&text.replace(&format!("{folder}/"), ""));
    }

    #[test]
    fn files_run_others() {
        check(
            &[
                ("a.sql", "SET 'x' = '1';\nRUN SCRIPT 'lib/b.sql';\nrun script 'it''s.sql';\nSET 'y' = '2';"),
                ("lib/b.sql", "CREATE b;\nRUN  SCRIPT\n 'c.sql'"),
                ("lib/c.sql", "-- here\nCREATE c;"),
                ("it's.sql", "CREATE d;"),
            ],
            expect![[r#"
                a.sql:1 SET 'x' = '1'
                lib/b.sql:1 CREATE b
                lib/c.sql:2 CREATE c
                it's.sql:1 CREATE d
                a.sql:4 SET 'y' = '2'
            "#]],
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        check(
            &[("a.sql", "\nRUN SCRIPT 'b.sql';"), ("b.sql", "RUN SCRIPT 'a.sql'")],
            expect!["a.sql:2: b.sql:1: a.sql runs itself"],
        );
        check(&[("a.sql", "CREATE a;\nRUN SCRIPT nowhere;")], expect!["a.sql:2: syntax error in RUN SCRIPT"]);
        check(
            &[("a.sql", "CREATE a;\nRUN SCRIPT 'nowhere.sql';")],
            expect!["a.sql:2: cannot read nowhere.sql: No such file or directory (os error 2)"],
        );
    }
}
