//! Regular expressions, in Java's dialect: see [`super::regex_java`].
//!
//! A pattern that is constant is refused when the statement is planned, else its rows fail. Matching may backtrack; a text
//! on which it does so too often fails its row.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::builder::{NullBufferBuilder, StringBuilder};
use arrow::array::{ArrayBuilder, ArrayRef};
use arrow::datatypes::Int32Type;
use fancy_regex::{Captures, Regex, RegexBuilder};

use super::args::{Values, append_text};
use super::nested::{list_of, too_large};
use super::regex_java::translate;
use super::rows::texts;
use super::{Args, Overload, ScalarFunction};

/// Steps back in one search, and bytes of a compiled pattern.
const BACKTRACKS_MAX: usize = 1_000_000;
const COMPILED_BYTES_MAX: usize = 4 << 20;
/// Compiled patterns that a thread keeps.
const CACHED_MAX: usize = 32;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "REGEXP_EXTRACT",
        summary: "The first part of the text that the pattern matches, or what a group of it matches",
        overloads: &[
            Overload::new("(pattern STRING, input STRING) -> STRING", extract),
            Overload::new("(pattern STRING, input STRING, group INT) -> STRING", extract),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REGEXP_EXTRACT_ALL",
        summary: "All parts of the text that the pattern matches, or what a group of it matches in each",
        overloads: &[
            Overload::new("(pattern STRING, input STRING) -> ARRAY<STRING>", extract_all),
            Overload::new("(pattern STRING, input STRING, group INT) -> ARRAY<STRING>", extract_all),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REGEXP_REPLACE",
        summary: "The text with all that the pattern matches replaced; $1 and ${name} stand for groups",
        overloads: &[Overload::new("(str STRING, regexp STRING, newStr STRING) -> STRING", replace)],
        takes_failures: false,
    },
    ScalarFunction {
        name: "REGEXP_SPLIT_TO_ARRAY",
        summary: "The parts of the text between what the pattern matches",
        overloads: &[Overload::new("(string STRING, regexp STRING) -> ARRAY<STRING>", split)],
        takes_failures: false,
    },
];

/// Refuses a constant pattern that cannot be had. `args` holds the constant texts.
pub fn check_constants(name: &str, args: &[Option<&str>]) -> Result<(), String> {
    let at = match name {
        "REGEXP_EXTRACT" | "REGEXP_EXTRACT_ALL" => 0,
        "REGEXP_REPLACE" | "REGEXP_SPLIT_TO_ARRAY" => 1,
        _ => return Ok(()),
    };
    match args.get(at) {
        Some(Some(pattern)) => compiled(pattern).map(|_| ()),
        _ => Ok(()),
    }
}

thread_local! {
    /// The last used first.
    static CACHE: RefCell<Vec<(String, Rc<Regex>)>> = const { RefCell::new(Vec::new()) };
}

/// The compiled pattern, from those that the thread keeps or anew.
pub(super) fn compiled(pattern: &str) -> Result<Rc<Regex>, String> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(at) = cache.iter().position(|(cached, _)| cached == pattern) {
            if let Some(part) = cache.get_mut(..=at) {
                part.rotate_right(1);
            }
        } else {
            let regex = compile(pattern).map_err(|reason| {
                let quoted: String = pattern.chars().take(100).collect();
                format!("invalid regular expression '{quoted}': {reason}")
            })?;
            cache.truncate(CACHED_MAX - 1);
            cache.insert(0, (pattern.to_owned(), Rc::new(regex)));
        }
        cache.first().map(|(_, regex)| regex.clone()).ok_or_else(|| "no pattern".to_owned())
    })
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&translate(pattern)?)
        .backtrack_limit(BACKTRACKS_MAX)
        .delegate_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| {
            error.to_string().lines().last().unwrap_or("it cannot be compiled").trim().to_owned()
        })
}

/// The pattern of each row, looked up only where it changes.
struct Patterns<'a> {
    texts: Values<'a, arrow::array::StringArray>,
    last: Option<(&'a str, Rc<Regex>)>,
}

impl<'a> Patterns<'a> {
    fn of(args: &'a Args, i: usize) -> Result<Self, String> {
        Ok(Self { texts: args.texts(i)?, last: None })
    }

    /// None for NULL.
    fn get(&mut self, row: usize) -> Result<Option<Rc<Regex>>, String> {
        let Some(pattern) = self.texts.get(row) else { return Ok(None) };
        if !matches!(&self.last, Some((last, _)) if *last == pattern) {
            self.last = Some((pattern, compiled(pattern)?));
        }
        Ok(self.last.as_ref().map(|(_, regex)| regex.clone()))
    }
}

fn matching(error: fancy_regex::Error) -> String {
    match error {
        fancy_regex::Error::RuntimeError(fancy_regex::RuntimeError::BacktrackLimitExceeded) => {
            format!("the regular expression goes back more than {BACKTRACKS_MAX} times on this text")
        }
        other => format!("the regular expression fails: {other}"),
    }
}

/// Calls `f` with each match, from the left. As in Java, an empty one may follow another directly.
fn each_match<'t>(
    regex: &Regex,
    input: &'t str,
    mut f: impl FnMut(&Captures<'t>, fancy_regex::Match<'t>) -> Result<(), String>,
) -> Result<(), String> {
    let mut from = 0;
    while from <= input.len() {
        let Some(captures) = regex.captures_from_pos(input, from).map_err(matching)? else { break };
        let Some(whole) = captures.get(0) else { break };
        f(&captures, whole)?;
        from = whole.end();
        if whole.start() == whole.end() {
            let behind = input.get(from..).unwrap_or_default();
            from += behind.chars().next().map_or(1, char::len_utf8);
        }
    }
    Ok(())
}

/// The group that a row asks for; None where it or the pattern has none.
fn group(groups: Option<&Values<'_, arrow::array::Int32Array>>, row: usize, regex: &Regex) -> Option<usize> {
    let group = groups.map_or(Some(0), |groups| groups.get(row))?;
    usize::try_from(group).ok().filter(|group| *group < regex.captures_len())
}

fn extract(args: &Args) -> Result<ArrayRef, String> {
    let (mut patterns, inputs) = (Patterns::of(args, 0)?, args.texts(1)?);
    let groups = (args.columns.len() > 2).then(|| args.numbers::<Int32Type>(2)).transpose()?;
    texts(args.rows, |row| {
        let (Some(regex), Some(input)) = (patterns.get(row)?, inputs.get(row)) else { return Ok(None) };
        let Some(group) = group(groups.as_ref(), row, &regex) else { return Ok(None) };
        let captures = regex.captures(input).map_err(matching)?;
        Ok(captures.and_then(|captures| captures.get(group).map(|found| found.as_str())))
    })
}

fn extract_all(args: &Args) -> Result<ArrayRef, String> {
    let (mut patterns, inputs) = (Patterns::of(args, 0)?, args.texts(1)?);
    let groups = (args.columns.len() > 2).then(|| args.numbers::<Int32Type>(2)).transpose()?;
    let mut lists = Lists::new(args.rows);
    for row in 0..args.rows {
        let both = patterns.get(row)?.zip(inputs.get(row));
        let all = both.and_then(|(regex, input)| Some((group(groups.as_ref(), row, &regex)?, regex, input)));
        if let Some((group, regex, input)) = &all {
            each_match(regex, input, |captures, _| {
                match captures.get(*group) {
                    Some(found) => append_text(&mut lists.items, found.as_str())?,
                    None => lists.items.append_null(),
                }
                Ok(())
            })?;
        }
        lists.end(all.is_some())?;
    }
    lists.finish()
}

fn replace(args: &Args) -> Result<ArrayRef, String> {
    let (inputs, mut patterns, news) = (args.texts(0)?, Patterns::of(args, 1)?, args.texts(2)?);
    texts(args.rows, |row| {
        let (Some(input), Some(regex), Some(new)) = (inputs.get(row), patterns.get(row)?, news.get(row))
        else {
            return Ok(None);
        };
        let mut result = String::with_capacity(input.len());
        let mut end = 0;
        each_match(&regex, input, |captures, whole| {
            result.push_str(input.get(end..whole.start()).unwrap_or_default());
            end = whole.end();
            expand(new, captures, regex.captures_len(), &mut result)
        })?;
        result.push_str(input.get(end..).unwrap_or_default());
        Ok(Some(result))
    })
}

/// Java's replacements: `$n` with as many digits as there are groups, `${name}`, and `\` before any character.
fn expand(new: &str, captures: &Captures<'_>, groups: usize, out: &mut String) -> Result<(), String> {
    let mut chars = new.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or("a \\ stands at the end of the replacement")?),
            '$' => {
                let found = if chars.next_if_eq(&'{').is_some() {
                    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    captures.name(&name)
                } else {
                    let digit = |c: &mut std::iter::Peekable<std::str::Chars<'_>>| c.peek()?.to_digit(10);
                    let mut number =
                        digit(&mut chars).ok_or("a $ of the replacement names no group")? as usize;
                    chars.next();
                    if number >= groups {
                        return Err(format!("there is no group {number}"));
                    }
                    while let Some(next) = digit(&mut chars).map(|digit| number * 10 + digit as usize)
                        && next < groups
                    {
                        number = next;
                        chars.next();
                    }
                    captures.get(number)
                };
                out.push_str(found.map_or("", |found| found.as_str()));
            }
            c => out.push(c),
        }
    }
    Ok(())
}

/// A pattern that can match nothing splits as Java's `Pattern.split` does: without empty parts at the end, nor one for an
/// empty match at the beginning. All others keep them.
fn split(args: &Args) -> Result<ArrayRef, String> {
    let (inputs, mut patterns) = (args.texts(0)?, Patterns::of(args, 1)?);
    let mut lists = Lists::new(args.rows);
    for row in 0..args.rows {
        let both = inputs.get(row).zip(patterns.get(row)?);
        if let Some((input, regex)) = &both {
            let can_be_empty = regex.find("").map_err(matching)?.is_some();
            let (mut parts, mut end) = (Vec::new(), 0);
            each_match(regex, input, |_, found| {
                if !(can_be_empty && found.end() == 0) {
                    parts.push(input.get(end..found.start()).unwrap_or_default());
                    end = found.end();
                }
                Ok(())
            })?;
            parts.push(input.get(end..).unwrap_or_default());
            while can_be_empty && parts.len() > 1 && parts.last() == Some(&"") {
                parts.pop();
            }
            parts.into_iter().try_for_each(|part| append_text(&mut lists.items, part))?;
        }
        lists.end(both.is_some())?;
    }
    lists.finish()
}

/// A column of lists of texts.
struct Lists {
    items: StringBuilder,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Lists {
    fn new(rows: usize) -> Self {
        Self { items: StringBuilder::new(), offsets: vec![0], nulls: NullBufferBuilder::new(rows) }
    }

    fn end(&mut self, valid: bool) -> Result<(), String> {
        self.offsets.push(i32::try_from(self.items.len()).map_err(|_| too_large())?);
        self.nulls.append(valid);
        Ok(())
    }

    fn finish(mut self) -> Result<ArrayRef, String> {
        list_of(Arc::new(self.items.finish()), self.offsets, self.nulls)
    }
}
