//! Classes, properties and escapes of Java's regular expressions: see [`super::regex_java`].

use super::regex_java::{DEPTH_MAX, Translator};

impl Translator<'_> {
    /// What means the same in classes and outside.
    pub(super) fn shared_escape(&mut self, c: char) -> Result<(), String> {
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
    pub(super) fn class(&mut self, depth: usize) -> Result<(), String> {
        if depth >= DEPTH_MAX {
            return Err("classes are nested too deeply".to_owned());
        }
        self.out.push('[');
        if self.accept("^") {
            self.out.push('^');
        }
        let mut first = true;
        // Whether a range may begin with the character before.
        let mut begins = false;
        loop {
            let c = self.next().ok_or("a [ is not closed")?;
            let mut single = false;
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
                    single = !"dDwWsShHvVpP".contains(c);
                    self.shared_escape(c)?;
                }
                '-' if begins && !self.rest.starts_with([']', '[']) => {
                    self.out.push('-');
                    self.range_end()?;
                }
                c => {
                    single = true;
                    self.code(u32::from(c))?;
                }
            }
            (first, begins) = (false, single);
        }
    }

    /// The character behind the `-` of a range.
    fn range_end(&mut self) -> Result<(), String> {
        let code = match self.next().ok_or("a [ is not closed")? {
            '\\' => {
                let c = self.next().ok_or("a \\ stands at the end")?;
                self.character(c)?
            }
            c => u32::from(c),
        };
        self.code(code)
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
