//! Java's regular expressions in the dialect of fancy-regex.
//!
//! Both backtrack and prefer the leftmost alternative, so what is translated matches the same texts. What they write
//! alike but mean otherwise is rewritten: `\w`, `\d` and `\s` are ASCII in Java, `.` excludes five line ends, `$` also
//! matches before the last line end, and `(?i)` folds ASCII letters only (which the rewritten pattern does for all
//! letters). What has no counterpart is refused by name.

/// Longer patterns are refused.
const PATTERN_BYTES_MAX: usize = 10_000;
/// Deeper groups and classes are refused.
const DEPTH_MAX: usize = 100;

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
struct Flags {
    dot_all: bool,
    multi_line: bool,
    comments: bool,
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    flags: Flags,
    /// The flags outside of each open group.
    outer: Vec<Flags>,
}

impl<'a> Translator<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn accept(&mut self, text: &str) -> bool {
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
                    true => format!(r"(?:\z|(?<!\r)(?=\n)|(?=[\r\x{{85}}\x{{2028}}\x{{2029}}]))"),
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

    fn code(&mut self, code: u32) -> Result<(), String> {
        let c = char::from_u32(code).ok_or("half a character cannot be matched")?;
        self.out.push_str(&format!(r"\x{{{:x}}}", u32::from(c)));
        Ok(())
    }

    fn quoted(&mut self) -> &'a str {
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

    /// What means the same in classes and outside.
    fn shared_escape(&mut self, c: char) -> Result<(), String> {
        match c {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[a-zA-Z0-9_]"),
            'W' => self.out.push_str("[^a-zA-Z0-9_]"),
            's' => self.out.push_str(r"[ \t\n\x0B\x0C\r]"),
            'S' => self.out.push_str(r"[^ \t\n\x0B\x0C\r]"),
            'h' => self.out.push_str(r"[ \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"),
            'H' => self.out.push_str(r"[^ \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"),
            'v' => self.out.push_str(r"[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}]"),
            'V' => self.out.push_str(r"[^\n\x0B\x0C\r\x{85}\x{2028}\x{2029}]"),
            'p' | 'P' => self.property(c == 'P')?,
            c => {
                let code = self.character(c)?;
                self.code(code)?;
            }
        }
        Ok(())
    }

    /// The character of an escape.
    fn character(&mut self, c: char) -> Result<u32, String> {
        Ok(match c {
            't' => 9,
            'n' => 10,
            'f' => 12,
            'r' => 13,
            'a' => 7,
            'e' => 27,
            '0' => {
                let digits = self.rest.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let digits =
                    if digits == 3 && !self.rest.starts_with(['0', '1', '2', '3']) { 2 } else { digits };
                self.digits(digits, 8)?
            }
            'x' if self.accept("{") => {
                let (digits, rest) = self.rest.split_once('}').ok_or("a { is not closed")?;
                self.rest = rest;
                u32::from_str_radix(digits, 16).map_err(|_| format!("\\x{{{digits}}} is no character"))?
            }
            'x' => self.digits(2, 16)?,
            'u' => {
                let high = self.digits(4, 16)?;
                let low = self.rest.strip_prefix("\\u").and_then(|rest| rest.get(..4));
                let low = low.and_then(|low| u32::from_str_radix(low, 16).ok());
                match low {
                    Some(low) if (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low) => {
                        self.rest = self.rest.get(6..).unwrap_or_default();
                        0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    }
                    _ => high,
                }
            }
            'c' => u32::from(self.next().ok_or("a character must follow \\c")?) ^ 64,
            c if c.is_ascii_alphanumeric() => return Err(format!("\\{c} is no escape")),
            c => u32::from(c),
        })
    }

    fn digits(&mut self, count: usize, radix: u32) -> Result<u32, String> {
        let (digits, rest) = self.rest.split_at_checked(count).ok_or("an escape lacks digits")?;
        self.rest = rest;
        u32::from_str_radix(digits, radix).map_err(|_| format!("'{digits}' are no digits of an escape"))
    }

    fn property(&mut self, negated: bool) -> Result<(), String> {
        let name = if self.accept("{") {
            let (name, rest) = self.rest.split_once('}').ok_or("a { is not closed")?;
            self.rest = rest;
            name
        } else {
            let end = self.rest.chars().next().ok_or("the name of a property is missing")?.len_utf8();
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest;
            name
        };
        self.out.push_str(&class_of_property(name, negated)?);
        Ok(())
    }

    /// A class; its `[` has been read.
    fn class(&mut self, depth: usize) -> Result<(), String> {
        if depth >= DEPTH_MAX {
            return Err("classes are nested too deeply".to_owned());
        }
        self.out.push('[');
        if self.accept("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or("a [ is not closed")?;
            match c {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => self.class(depth + 1)?,
                '&' if self.accept("&") => self.out.push_str("&&"),
                c if self.flags.comments && c.is_ascii_whitespace() => continue,
                '\\' if self.accept("Q") => {
                    for c in self.quoted().chars() {
                        self.code(u32::from(c))?;
                    }
                }
                '\\' => {
                    let c = self.next().ok_or("a \\ stands at the end")?;
                    if matches!(c, 'b' | 'B' | 'A' | 'z' | 'Z' | 'G' | 'R' | 'X' | 'N' | 'k' | '1'..='9') {
                        return Err(format!("\\{c} stands in a class"));
                    }
                    self.shared_escape(c)?;
                }
                // A range, unless it is the first or last character.
                '-' if !first && !self.rest.starts_with([']', '[']) => self.out.push('-'),
                c => self.code(u32::from(c))?,
            }
            first = false;
        }
    }
}

/// Java's POSIX classes are ASCII; Unicode's scripts, categories and properties have the same names in both.
fn class_of_property(name: &str, negated: bool) -> Result<String, String> {
    let posix = match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7F",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r"!-/:-@\[-`{-~",
        "Graph" => "!-~",
        "Print" => " -~",
        "Blank" => r" \t",
        "Cntrl" => r"\x00-\x1F\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => r" \t\n\x0B\x0C\r",
        _ => "",
    };
    let not = if negated { "^" } else { "" };
    if !posix.is_empty() {
        return Ok(format!("[{not}{posix}]"));
    }
    let unicode = match name {
        "javaLowerCase" => "Lowercase",
        "javaUpperCase" => "Uppercase",
        "javaAlphabetic" => "Alphabetic",
        "javaDigit" => "Nd",
        "javaLetter" => "L",
        "L1" | "LD" => return Err(format!("\\p{{{name}}} is not supported")),
        name if name.starts_with("java")
            || name.starts_with("In")
            || name.contains("blk")
            || name.contains("block") =>
        {
            return Err(format!("\\p{{{name}}} is not supported"));
        }
        name => match name.split_once('=') {
            Some(("script" | "sc" | "general_category" | "gc", value)) => value,
            Some(_) => return Err(format!("\\p{{{name}}} is not supported")),
            None => name.strip_prefix("Is").unwrap_or(name),
        },
    };
    if unicode.is_empty() || !unicode.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(format!("\\p{{{name}}} is not supported"));
    }
    Ok(format!(r"\{}{{{unicode}}}", if negated { 'P' } else { 'p' }))
}
