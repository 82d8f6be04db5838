//! The raw text cut into pieces, before any variable is replaced.
//!
//! Two things must be known before the text can be tokenised: where a statement ends, because a DEFINE changes what
//! the following statements mean, and where `${variables}` stand, because what they hold is text. Both
//! depend on quotes and comments only. Dollar-quoted strings of Postgres are left as they are.

/// What a piece of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text outside of quotes and comments.
    Code,
    /// Text in quotes, the quotes included.
    Quoted,
    Comment,
    Semicolon,
    /// `${name}`, and the quote it stands in.
    Variable {
        quote: Option<u8>,
    },
    /// `$${name}`, which means the text `${name}`.
    Escape,
    /// `${` that is not followed by a name and `}`.
    Malformed,
}

/// Walks over a text; every piece borrows from it, and all pieces together are the text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    quote: Option<u8>,
    backslash: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, quote: None, backslash: false }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(prefix.as_bytes()))
    }

    /// The text from `start` to here as a piece. All cuts are at ASCII characters or at the end.
    fn piece(&mut self, start: usize, piece: Piece) -> Option<(Piece, &'a str)> {
        self.at = self.at.min(self.text.len());
        Some((piece, self.text.get(start..self.at).unwrap_or_default()))
    }

    /// A variable reference that begins here, with its end.
    fn reference(&self) -> Option<(Piece, usize)> {
        let (escaped, name) = match () {
            () if self.starts_with("$${") => (true, self.at + 3),
            () if self.starts_with("${") => (false, self.at + 2),
            () => return None,
        };
        let mut end = name;
        while self.byte(end).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            end += 1;
        }
        let named = self.byte(name).is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        let piece = match (named && self.byte(end) == Some(b'}'), escaped) {
            (true, true) => Piece::Escape,
            (true, false) => Piece::Variable { quote: self.quote },
            (false, true) => return None,
            (false, false) => return Some((Piece::Malformed, name)),
        };
        Some((piece, end + 1))
    }

    fn comment_end(&self) -> Option<usize> {
        if self.starts_with("--") {
            let rest = self.text.as_bytes().get(self.at..)?;
            let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
            return Some(self.at + length);
        }
        if !self.starts_with("/*") {
            return None;
        }
        let (mut at, mut depth) = (self.at + 2, 1usize);
        while depth > 0 {
            match (self.byte(at)?, self.byte(at + 1)) {
                (b'/', Some(b'*')) => (at, depth) = (at + 2, depth + 1),
                (b'*', Some(b'/')) => (at, depth) = (at + 2, depth - 1),
                (_, None) => return Some(at + 1),
                _ => at += 1,
            }
        }
        Some(at)
    }

    /// The end of a string in `$tag$`s that begins here.
    fn dollar_quote_end(&self) -> Option<usize> {
        if self.at > 0 && self.byte(self.at - 1).is_some_and(is_name_byte) {
            return None;
        }
        let mut end = self.at + 1;
        while self.byte(end).is_some_and(is_name_byte) {
            end += 1;
        }
        let numeric = self.byte(self.at + 1).is_some_and(|b| b.is_ascii_digit());
        if numeric || self.byte(end) != Some(b'$') {
            return None;
        }
        let tag = self.text.get(self.at..=end)?;
        let body = self.text.get(end + 1..)?;
        Some(end + 1 + body.find(tag).map_or(body.len(), |at| at + tag.len()))
    }

    fn quoted(&mut self, start: usize, quote: u8) -> Option<(Piece, &'a str)> {
        while let Some(byte) = self.byte(self.at) {
            if byte == b'$'
                && let Some((piece, end)) = self.reference()
            {
                if self.at > start {
                    return self.piece(start, Piece::Quoted);
                }
                self.at = end;
                return self.piece(start, piece);
            }
            let next = self.byte(self.at + 1);
            let escaped = byte == b'\\' && self.backslash && matches!(next, Some(b'\\' | b'\''));
            if escaped || (byte == quote && next == Some(quote)) {
                self.at += 2;
            } else {
                self.at += 1;
                if byte == quote {
                    self.quote = None;
                    break;
                }
            }
        }
        self.piece(start, Piece::Quoted)
    }

    /// Whether the quote at this place opens a string with backslash escapes: `E'…'`.
    fn after_escape_prefix(&self) -> bool {
        let before = |n: usize| self.at.checked_sub(n).and_then(|at| self.byte(at));
        matches!(before(1), Some(b'e' | b'E')) && !before(2).is_some_and(is_name_byte)
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = (Piece, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        self.byte(start)?;
        if let Some(quote) = self.quote {
            return self.quoted(start, quote);
        }
        while let Some(byte) = self.byte(self.at) {
            let special = match byte {
                b';' => Some((Piece::Semicolon, self.at + 1)),
                b'-' | b'/' => {
                    // An unclosed comment runs to the end, where the tokeniser complains.
                    let unclosed = self.starts_with("/*").then_some(self.text.len());
                    self.comment_end().or(unclosed).map(|end| (Piece::Comment, end))
                }
                b'$' => self.reference().or_else(|| self.dollar_quote_end().map(|end| (Piece::Quoted, end))),
                b'\'' | b'"' | b'`' => Some((Piece::Quoted, self.at)),
                _ => None,
            };
            match special {
                None => self.at += 1,
                Some(_) if self.at > start => return self.piece(start, Piece::Code),
                Some((Piece::Quoted, end)) if end == self.at => {
                    (self.quote, self.backslash) = (Some(byte), byte == b'\'' && self.after_escape_prefix());
                    self.at += 1;
                    return self.quoted(start, byte);
                }
                Some((piece, end)) => {
                    self.at = end;
                    return self.piece(start, piece);
                }
            }
        }
        self.piece(start, Piece::Code)
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}
