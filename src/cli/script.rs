//! SQL files: read, and cut into statements, each with its line.
//!
//! Only as much SQL as that needs: strings, quoted names and comments. What the statements mean is the server's to say.

use std::path::PathBuf;

use super::{Failure, Result};
use crate::server::Script;

/// A file's statement, without its semicolon and the comments in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// Of its first word, from 1.
    pub line: usize,
}

/// Larger files are refused; the server takes statements of 16 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Script>> {
    paths.iter().map(read).collect()
}

fn read(path: &PathBuf) -> Result<Script> {
    let name = path.display().to_string();
    let refused = |error: std::io::Error| Failure::usage(format!("cannot read {name}: {error}"));
    let bytes = std::fs::metadata(path).map_err(refused)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(Failure::usage(format!("{name} has {bytes} bytes, more than {FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(refused)?;
    Ok(Script { name, text })
}

/// Cuts a text at its semicolons. Pieces without a word are left out.
pub fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let length = token_len(rest, c);
        let is_comment = rest.starts_with("--") || rest.starts_with("/*");
        if c == ';' {
            push(&mut pieces, text, start.take(), at);
        } else if start.is_none() && !c.is_whitespace() && !is_comment {
            start = Some(at);
        }
        rest = rest.get(length..).unwrap_or("");
    }
    push(&mut pieces, text, start, text.len());
    pieces
}

fn push<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str, start: Option<usize>, end: usize) {
    if let Some(start) = start
        && let (Some(before), Some(piece)) = (text.get(..start), text.get(start..end))
    {
        pieces.push(Piece { text: piece.trim_end(), line: 1 + before.matches('\n').count() });
    }
}

/// The bytes that belong together from here on: a quoted text, a comment, or one character.
fn token_len(rest: &str, first: char) -> usize {
    let until = |end: &str, from: usize| {
        rest.get(from..).and_then(|tail| tail.find(end)).map_or(rest.len(), |at| from + at + end.len())
    };
    match first {
        // A doubled quote ends one text and begins the next: the cut is the same.
        '\'' => until("'", 1),
        '"' => until("\"", 1),
        '`' => until("`", 1),
        '-' if rest.starts_with("--") => until("\n", 2),
        '/' if rest.starts_with("/*") => until("*/", 2),
        other => other.len_utf8(),
    }
}

impl Piece<'_> {
    /// The first word, in upper case.
    pub fn keyword(&self) -> String {
        self.text.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase()
    }

    /// The statement's first words, up to the parenthesis, WITH or AS, on one line: `CREATE STREAM PAGEVIEWS`.
    pub fn head(&self) -> String {
        let mut head = String::new();
        for word in self.text.split_whitespace() {
            let (part, cut) = match word.find('(') {
                Some(at) => (word.get(..at).unwrap_or(""), true),
                None => (word, false),
            };
            if matches!(part.to_ascii_uppercase().as_str(), "WITH" | "AS") {
                break;
            }
            if !head.is_empty() && !part.is_empty() {
                head.push(' ');
            }
            head.push_str(part);
            if cut || head.len() > 60 {
                break;
            }
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let lines: String = split(text)
            .iter()
            .map(|piece| {
                format!("{} [{}] [{}] {:?}\n", piece.line, piece.keyword(), piece.head(), piece.text)
            })
            .collect();
        expected.assert_eq(&lines);
    }

    #[test]
    fn statements_and_their_lines() {
        check(
            "-- first; comment\n\ncreate stream a (x INT) with (t='a;b');\n/* ; */ SET 'a' = 'it''s;';;\n\n\
             CREATE TABLE `odd;name` AS\n  SELECT 1; -- end",
            expect![[r#"
                3 [CREATE] [create stream a] "create stream a (x INT) with (t='a;b')"
                4 [SET] [SET 'a' = 'it''s;'] "SET 'a' = 'it''s;'"
                6 [CREATE] [CREATE TABLE `odd;name`] "CREATE TABLE `odd;name` AS\n  SELECT 1"
            "#]],
        );
    }

    #[test]
    fn texts_that_do_not_end() {
        check(
            "SELECT 'a; b",
            expect![[r#"
            1 [SELECT] [SELECT 'a; b] "SELECT 'a; b"
        "#]],
        );
        check(
            "SELECT /* a; b",
            expect![[r#"
            1 [SELECT] [SELECT /* a; b] "SELECT /* a; b"
        "#]],
        );
        check(
            "é; \u{1F600}",
            expect![[r#"
            1 [] [é] "é"
            1 [] [😀] "😀"
        "#]],
        );
        check(" -- nothing", expect![[""]]);
    }
}
