//! JSON as people write it by hand: comments allowed, everything else as in RFC 8259.
//!
//! ksqlDB reads its test files with comments switched on, so files have them. Numbers keep their text: `1.00` and
//! `1.0` are different expectations (serde_json's `arbitrary_precision`).

use serde_json::Value;

/// Reads a text. The error says the line and column in it.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&blank_comments(text))
}

/// Replaces `// …` and `/* … */` outside of strings by blanks; lines stay lines, so places stay places.
fn blank_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (length, keep) = match c {
            '"' => (string_len(rest), true),
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |at| at + 2), false),
            other => (other.len_utf8(), true),
        };
        let (token, tail) = rest.split_at(length);
        if keep {
            out.push_str(token);
        } else {
            out.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = tail;
    }
    out
}

/// The bytes of the string that begins here, quotes included.
fn string_len(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_outside_of_strings_are_blanks() {
        let value = parse("// a \"b\n{\"a//b\": /* 1,\n */ \"c\\\"/*d\", // e\n \"n\": 1.00}").unwrap();
        assert_eq!(value.to_string(), r#"{"a//b":"c\"/*d","n":1.00}"#);
    }

    #[test]
    fn errors_tell_the_place() {
        let error = parse("{ /* two\nlines */ x }").unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 10));
        assert!(parse("\"open").is_err());
        assert!(parse("/* open").is_err());
    }
}
