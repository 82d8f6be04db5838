//! Java's regular expressions in the dialect of fancy-regex.
//!
//! Both backtrack and prefer the leftmost alternative, so what is translated matches the same texts. What they write
//! alike but mean otherwise is rewritten: `\w`, `\d` and `\s` are ASCII in Java, `.` excludes five line ends, `$` also
//! matches before the last line end, and `(?i)` folds ASCII letters only (which the rewritten pattern does for all
//! letters). What has no counterpart is refused by name.

/// Longer patterns are refused.
const PATTERN_BYTES_MAX: usize = 10_000;
/// Deeper groups and classes are refused.
pub(super) const DEPTH_MAX: usize = 100;

const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// Translates a pattern. Errors: what is wrong with it, or has no counterpart.
pub fn translate(pattern: &str) -> Result<String, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("it is longer than {PATTERN_BYTES_MAX} bytes"));
    }
    let mut translator =
        Translator { rest: pattern, out: String::new(), flags: Flags::default(), outer: Vec::new() };
    translator.pattern()?;
    Ok(translator.out)
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    dot_all: bool,
    multi_line: bool,
    pub(super) comments: bool,
}

pub(super) struct Translator<'a> {
    pub(super) rest: &'a str,
    pub(super) out: String,
    pub(super) flags: Flags,
    /// The flags outside of each open group.
    outer: Vec<Flags>,
}

impl<'a> Translator<'a> {
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    pub(super) fn accept(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn pattern(&mut self) -> Result<(), String> {
        // Whether a quantifier may follow.
        let mut atom = false;
        while let Some(c) = self.next() {
            match c {
                c if self.flags.comments && c.is_ascii_whitespace() => continue,
                '#' if self.flags.comments => {
                    self.rest = self.rest.find('\n').and_then(|end| self.rest.get(end..)).unwrap_or_default();
                    continue;
                }
                '.' if self.flags.dot_all => self.out.push_str("(?s:.)"),
                '.' => self.out.push_str(&format!("[^{LINE_ENDS}]")),
                '^' => self.out.push_str(match self.flags.multi_line {
                    true => r"(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])(?!\z)|(?<=\r)(?![\n]|\z))",
                    false => r"\A",
                }),
                '$' => self.out.push_str(&match self.flags.multi_line {
                    true => r"(?:\z|(?<!\r)(?=\n)|(?=[\r\x{85}\x{2028}\x{2029}]))".to_string(),
                    false => format!(r"(?=(?:\r\n|[{LINE_ENDS}])?\z)"),
                }),
                '[' => self.class(0)?,
                '(' => self.open()?,
                ')' => {
                    self.flags = self.outer.pop().ok_or("a ) has no (")?;
                    self.out.push(')');
                }
                '|' => self.out.push('|'),
                '*' | '+' | '?' if !atom => return Err(format!("nothing stands before {c}")),
                '*' | '+' | '?' => {
                    self.out.push(c);
                    self.quantified();
                    atom = false;
                    continue;
                }
                '{' if !atom => return Err("nothing stands before {".to_owned()),
                '{' => {
                    self.repetition()?;
                    atom = false;
                    continue;
                }
                '\\' => self.escape()?,
                c => self.literal(c),
            }
            atom = !matches!(c, '|' | '(');
        }
        if self.outer.is_empty() { Ok(()) } else { Err("a ( is not closed".to_owned()) }
    }

    /// What may stand behind a quantifier: `?` takes little, `+` gives nothing back.
    fn quantified(&mut self) {
        if self.accept("?") {
            self.out.push('?');
        } else if self.accept("+") {
            self.out.push('+');
        }
    }

    fn repetition(&mut self) -> Result<(), String> {
        let (bounds, rest) = self.rest.split_once('}').ok_or("a { is not closed")?;
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (least, most) = bounds.split_once(',').unwrap_or((bounds, ""));
        if !number(least) || !(most.is_empty() || number(most)) {
            return Err(format!("{{{bounds}}} is no repetition"));
        }
        self.rest = rest;
        self.out.push_str(&format!("{{{bounds}}}"));
        self.quantified();
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        if self.outer.len() >= DEPTH_MAX {
            return Err("groups are nested too deeply".to_owned());
        }
        if !self.accept("?") {
            self.out.push('(');
            self.outer.push(self.flags);
            return Ok(());
        }
        for kind in [":", "=", "!", "<=", "<!", ">"] {
            if self.accept(kind) {
                self.out.push_str("(?");
                self.out.push_str(kind);
                self.outer.push(self.flags);
                return Ok(());
            }
        }
        if self.accept("<") {
            let (name, rest) = self.rest.split_once('>').ok_or("the name of a group is not closed")?;
            if !name.starts_with(|c: char| c.is_ascii_alphabetic())
                || !name.bytes().all(|b| b.is_ascii_alphanumeric())
            {
                return Err(format!("'{name}' is no name of a group"));
            }
            self.out.push_str(&format!("(?<{name}>"));
            self.rest = rest;
            self.outer.push(self.flags);
            return Ok(());
        }
        self.flag_group()
    }

    /// `(?i)` and `(?i:`; the rewritten pattern needs no flag but i.
    fn flag_group(&mut self) -> Result<(), String> {
        let before = self.flags;
        let (mut on, mut fold) = (true, None);
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some('i') => fold = Some(on),
                Some('s') => self.flags.dot_all = on,
                Some('m') => self.flags.multi_line = on,
                Some('x') => self.flags.comments = on,
                Some('u') => {}
                Some(c @ ('d' | 'U')) => return Err(format!("the flag {c} is not supported")),
                Some(end @ (':' | ')')) => {
                    let fold = match fold {
                        Some(true) => "i",
                        Some(false) => "-i",
                        None => "",
                    };
                    match (end, fold) {
                        (':', fold) => {
                            self.outer.push(before);
                            self.out.push_str(&format!("(?{fold}:"));
                        }
                        (_, "") => self.out.push_str("(?:)"),
                        (_, fold) => self.out.push_str(&format!("(?{fold})")),
                    }
                    return Ok(());
                }
                Some(c) => return Err(format!("(?{c} is no group")),
                None => return Err("a ( is not closed".to_owned()),
            }
        }
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() {
            self.out.push('\\');
        }
        match c {
            // A rewritten pattern has only marks that are escaped.
            '<' | '>' | '_' | '"' | '\'' | '%' | '!' | ',' | ':' | ';' | '=' | '@' | '`' | '/' => {
                self.out.pop();
                self.out.push(c);
            }
            c => self.out.push(c),
        }
    }

    pub(super) fn code(&mut self, code: u32) -> Result<(), String> {
        let c = char::from_u32(code).ok_or("half a character cannot be matched")?;
        self.out.push_str(&format!(r"\x{{{:x}}}", u32::from(c)));
        Ok(())
    }

    pub(super) fn quoted(&mut self) -> &'a str {
        let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        text
    }

    /// What follows a backslash outside of classes.
    fn escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or("a \\ stands at the end")?;
        match c {
            'Q' => {
                for c in self.quoted().chars() {
                    self.literal(c);
                }
            }
            'b' | 'B' | 'A' | 'z' => self.out.extend(['\\', c]),
            'Z' => self.out.push_str(&format!(r"(?=(?:\r\n|[{LINE_ENDS}])?\z)")),
            'R' => self.out.push_str(&format!(r"(?:\r\n|[\x0B\x0C{LINE_ENDS}])")),
            'G' | 'X' | 'N' => return Err(format!("\\{c} is not supported")),
            'k' => {
                let (name, rest) = self
                    .rest
                    .strip_prefix('<')
                    .and_then(|rest| rest.split_once('>'))
                    .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric()))
                    .ok_or("\\k needs the name of a group")?;
                self.out.push_str(&format!(r"\k<{name}>"));
                self.rest = rest;
            }
            '1'..='9' => self.out.push_str(&format!(r"(?:\{c})")),
            c => self.shared_escape(c)?,
        }
        Ok(())
    }
}
