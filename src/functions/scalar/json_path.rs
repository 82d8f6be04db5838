//! Paths into JSON, such as `$.orders[0].price` and `$["a name"]`.
//!
//! A path is a `$` and steps: `.name`, `[name]`, `[3]` or `["name"]`, in which a quote and a backslash are written behind
//! a backslash. A step into an array is a position from 0.

use super::json_text::{parts, string};

/// The steps of a path. Errors: it is no path, with the place in it, counted in bytes from 1.
pub fn parse(path: &str) -> Result<Vec<String>, String> {
    let fail =
        |rest: &str| Err(format!("invalid JSON path '{path}' at byte {}", path.len() - rest.len() + 1));
    let Some(mut rest) = path.strip_prefix('$') else { return fail(path) };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step = if let Some(behind) = rest.strip_prefix('.') {
            name(behind)
        } else if let Some(behind) = rest.strip_prefix('[') {
            let step = behind.strip_prefix('"').map_or_else(|| name(behind), quoted);
            step.and_then(|(step, behind)| Some((step, behind.strip_prefix(']')?)))
        } else {
            None
        };
        let Some((step, behind)) = step else { return fail(rest) };
        steps.push(step);
        rest = behind;
    }
    Ok(steps)
}

/// A step without quotes, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || ".[]\"".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

/// A step up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut step = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((step, text.get(at + 1..)?)),
            (_, '\\') => step.push(chars.next().map(|(_, c)| c).filter(|c| "\"\\".contains(*c))?),
            (_, c) => step.push(c),
        }
    }
}

/// The value that the steps lead to, as written; None where there is none.
pub fn find<'a>(mut value: &'a [u8], steps: &[String]) -> Result<Option<&'a [u8]>, String> {
    for step in steps {
        let Some(mut parts) = parts(value) else { return Ok(None) };
        let found = if value.first() == Some(&b'[') {
            // As Java's `parseInt`.
            step.parse::<i32>().ok().and_then(|i| usize::try_from(i).ok()).and_then(|i| parts.nth(i))
        } else {
            let mut found = None;
            for (name, value) in parts {
                if name.raw == step.as_bytes() || (name.escaped && string(name)? == step.as_str()) {
                    found = Some((name, value));
                }
            }
            found
        };
        let Some((_, next)) = found else { return Ok(None) };
        value = next;
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(paths: &[&str], expected: Expect) {
        let line = |path: &&str| match parse(path) {
            Ok(steps) => format!("{path} -> {steps:?}"),
            Err(error) => error,
        };
        expected.assert_eq(&paths.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn paths() {
        check(
            &[
                "$",
                "$.a.b",
                "$.@type",
                "$.a[0].b[-1]",
                "$[\"a \\\"b\\\\.\"][c]",
                "$.é:-_/x",
                "a",
                "",
                "$.",
                "$..a",
                "$[\"a]",
                "$[0",
                "$.a b",
                "$[\"\\x\"]",
            ],
            expect![[r#"
                $ -> []
                $.a.b -> ["a", "b"]
                $.@type -> ["@type"]
                $.a[0].b[-1] -> ["a", "0", "b", "-1"]
                $["a \"b\\."][c] -> ["a \"b\\.", "c"]
                $.é:-_/x -> ["é:-_/x"]
                invalid JSON path 'a' at byte 1
                invalid JSON path '' at byte 1
                invalid JSON path '$.' at byte 2
                invalid JSON path '$..a' at byte 2
                invalid JSON path '$["a]' at byte 2
                invalid JSON path '$[0' at byte 2
                invalid JSON path '$.a b' at byte 4
                invalid JSON path '$["\x"]' at byte 2"#]],
        );
    }
}
