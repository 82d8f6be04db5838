//! The grammar of JSON over bytes: what is a string, a number, a value.
//!
//! Takes exactly what RFC 8259 takes, nested up to [`DEPTH_MAX`]. Steps over values without recursion.

/// How deep objects and arrays may nest, as Jackson bounds it.
pub const DEPTH_MAX: usize = 1000;

/// What stood at the top of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Top {
    /// `null`
    Null,
    Value,
}

/// Why a text could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The grammar is broken at this byte.
    Syntax { at: usize, expected: &'static str },
    /// The value at these bytes is nothing that the column (its index) can hold.
    Unreadable { column: usize, start: usize, end: usize },
    /// The batch has no room for this much text.
    TooLarge { column: usize },
    /// A bare value where columns were wanted.
    NotAnObject,
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub pos: usize,
}

/// A string between its quotes, as written.
#[derive(Debug, Clone, Copy)]
pub struct RawText<'a> {
    pub raw: &'a [u8],
    pub escaped: bool,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    /// The byte at the cursor; 0 at the end, which stands nowhere in JSON.
    #[inline(always)]
    pub fn peek(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(0)
    }

    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.pos).unwrap_or_default()
    }

    #[cold]
    pub fn fault(&self, expected: &'static str) -> Fault {
        Fault::Syntax { at: self.pos, expected }
    }

    #[inline(always)]
    pub fn skip_space(&mut self) {
        while self.peek() <= b' ' && matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.pos += 1;
        }
    }

    /// Only space may be left.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.skip_space();
        if self.pos == self.bytes.len() { Ok(()) } else { Err(self.fault("the end of the text")) }
    }

    /// Steps over the text of `true`, `false` or `null`.
    pub fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.fault("a value"));
        }
        self.pos += word.len();
        Ok(())
    }

    /// Steps over a string; the cursor stands on its opening quote.
    #[inline]
    pub fn string(&mut self) -> Result<RawText<'a>, Fault> {
        let start = self.pos + 1;
        let mut escaped = false;
        self.pos = start;
        loop {
            self.pos = next_special(self.bytes, self.pos);
            match self.peek() {
                b'"' => {
                    let raw = self.since(start);
                    self.pos += 1;
                    return Ok(RawText { raw, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ if self.pos >= self.bytes.len() => return Err(self.fault("the string's closing quote")),
                _ => return Err(self.fault("control characters to be escaped")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 2,
            Some(b'u') => {
                let hex = self.bytes.get(self.pos + 2..self.pos + 6).unwrap_or_default();
                if hex.len() != 4 || !hex.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.fault("four hexadecimal digits behind \\u"));
                }
                self.pos += 6;
            }
            _ => return Err(self.fault("an escape sequence")),
        }
        Ok(())
    }

    /// Steps over a number.
    #[inline]
    pub fn number(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.pos;
        if self.peek() == b'-' {
            self.pos += 1;
        }
        match self.peek() {
            b'0' => self.pos += 1,
            _ => self.digits()?,
        }
        if self.peek() == b'.' {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.pos += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(self.since(start))
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.pos;
        while self.peek().is_ascii_digit() {
            self.pos += 1;
        }
        if self.pos == start { Err(self.fault("a digit")) } else { Ok(()) }
    }

    /// Steps over any value; the cursor stands on its first byte.
    #[inline]
    pub fn skip_value(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b'{' | b'[' => self.skip_nested(),
            _ => self.skip_word(),
        }
    }

    fn skip_word(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(self.fault("a value")),
        }
    }

    /// Steps over an object or array, keeping on the stack one bit a level: whether it is an object.
    fn skip_nested(&mut self) -> Result<(), Fault> {
        let mut open = OpenLevels::default();
        'value: loop {
            match self.peek() {
                byte @ (b'{' | b'[') => {
                    let object = byte == b'{';
                    if !open.push(object) {
                        return Err(self.fault("at most 1000 levels of objects and arrays"));
                    }
                    self.pos += 1;
                    self.skip_space();
                    if self.peek() != (if object { b'}' } else { b']' }) {
                        if object {
                            self.member_name()?;
                        }
                        continue 'value;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                }
                _ => self.skip_word()?,
            }
            // Behind a value, or before the closing bracket of an empty level.
            while let Some(object) = open.top() {
                self.skip_space();
                match (self.peek(), object) {
                    (b',', _) => {
                        self.pos += 1;
                        self.skip_space();
                        if object {
                            self.member_name()?;
                        }
                        continue 'value;
                    }
                    (b'}', true) | (b']', false) => {
                        self.pos += 1;
                        open.pop();
                    }
                    (_, true) => return Err(self.fault("',' or '}'")),
                    (_, false) => return Err(self.fault("',' or ']'")),
                }
            }
            return Ok(());
        }
    }

    /// Steps over a member's name, its colon and the space around it.
    pub fn member_name(&mut self) -> Result<RawText<'a>, Fault> {
        if self.peek() != b'"' {
            return Err(self.fault("a field name in quotes"));
        }
        let name = self.string()?;
        self.skip_space();
        if self.peek() != b':' {
            return Err(self.fault("':'"));
        }
        self.pos += 1;
        self.skip_space();
        Ok(name)
    }
}

/// The objects and arrays that are open, innermost last.
#[derive(Default)]
struct OpenLevels {
    bits: [u64; DEPTH_MAX.div_ceil(64)],
    depth: usize,
}

impl OpenLevels {
    /// False where it would be one too many.
    fn push(&mut self, object: bool) -> bool {
        if self.depth >= DEPTH_MAX {
            return false;
        }
        let Some(word) = self.bits.get_mut(self.depth / 64) else { return false };
        let bit = 1u64 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        true
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether the innermost level is an object; None outside of all.
    fn top(&self) -> Option<bool> {
        let at = self.depth.checked_sub(1)?;
        self.bits.get(at / 64).map(|word| word >> (at % 64) & 1 == 1)
    }
}

/// The first place from `pos` on with a quote, a backslash or a control character; the end where there is none.
///
/// Looks at eight bytes at a time: a byte below a bound borrows into its top bit when the bound is taken away, and
/// only the lowest hit matters, below which no borrow can come from.
#[inline]
pub fn next_special(bytes: &[u8], mut pos: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let rest = bytes.get(pos..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    for word in words {
        let x = u64::from_le_bytes(*word);
        let quote = x ^ (ONES * b'"' as u64);
        let slash = x ^ (ONES * b'\\' as u64);
        let control = x.wrapping_sub(ONES * 0x20) & !x;
        let hits =
            (control | (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash)) & TOPS;
        if hits != 0 {
            return pos + (hits.trailing_zeros() / 8) as usize;
        }
        pos += 8;
    }
    for byte in tail {
        if *byte < 0x20 || *byte == b'"' || *byte == b'\\' {
            return pos;
        }
        pos += 1;
    }
    pos
}
