//! ksqlDB's expressions in words that sqlparser reads.
//!
//! What sqlparser cannot read, or reads with another precedence, becomes calls and subscripts with marks that no SQL text
//! has: a national string for a field, a hexadecimal one for all fields.
//!
//! | text | tokens |
//! |---|---|
//! | `a->b`, `a->*` | `a[N'B']`, `a[X'']` |
//! | `STRUCT(f := 1)` | `` `STRUCT`(N'F', 1) `` |
//! | `MAP('k' := 1)` | `` `MAP`('k', 1) `` |
//! | `(x, y) => x + y` | `` `=>`(N'X', N'Y', x + y) `` |
//! | `CAST(a AS ARRAY<INT>)` | ``CAST(a AS `<ARRAY<INT>`)`` |
//!
//! Tokens that are put in have the place of those they stand for.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use super::cursor::Cursor;
use super::expr::at;
use crate::sql::lexer::{is_keyword, position};
use crate::sql::{SqlError, quote_ident};

/// The name of the function that stands for a lambda: its arguments are the parameters' names and the body.
pub const LAMBDA: &str = "=>";
/// What begins the name of a type that is written out.
pub const TYPE_MARK: char = '<';

/// Rewrites the tokens of expressions; `cursor` is where they come from, for the places of errors.
pub(super) fn nested(cursor: &Cursor, tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut rewriter =
        Rewriter { cursor, tokens: &tokens, at: 0, out: Vec::new(), levels: vec![Level::new(Kind::Top)] };
    while rewriter.at < tokens.len() {
        rewriter.step()?;
    }
    Ok(rewriter.out)
}

/// For ad-hoc SQL: `->name` becomes a subscript, which DataFusion knows.
pub(super) fn fields(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match tokens.peek().map(|next| &next.token) {
            Some(Token::Word(word)) if token.token == Token::Arrow => {
                let name = Token::SingleQuotedString(word.value.clone());
                out.extend([Token::LBracket, name, Token::RBracket].map(|t| spanned(t, token.span)));
                tokens.next();
            }
            _ => out.push(token),
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Top,
    /// Parentheses of any other meaning.
    Parentheses,
    Brackets,
    Struct,
    Map,
    Cast,
}

/// An open bracket.
struct Level {
    kind: Kind,
    /// The argument at hand has something in it.
    begun: bool,
    /// The argument at hand has its `:=`.
    assigned: bool,
    /// The argument at hand is a lambda.
    lambda: bool,
}

impl Level {
    fn new(kind: Kind) -> Level {
        Level { kind, begun: false, assigned: false, lambda: false }
    }
}

struct Rewriter<'a, 'b> {
    cursor: &'a Cursor<'b>,
    tokens: &'a [TokenWithSpan],
    at: usize,
    out: Vec<TokenWithSpan>,
    levels: Vec<Level>,
}

impl Rewriter<'_, '_> {
    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).map(|token| &token.token)
    }

    fn span(&self, at: usize) -> Span {
        self.tokens.get(at).or(self.tokens.last()).map_or(Span::empty(), |token| token.span)
    }

    /// The error at a token.
    fn expected(&self, at_token: usize, what: &str) -> SqlError {
        match self.tokens.get(at_token) {
            Some(token) => at(self.cursor, position(token.span)).expected(what),
            None => self.cursor.part(self.cursor.end, self.cursor.end).expected(what),
        }
    }

    fn push(&mut self, token: Token, span: Span) {
        self.out.push(spanned(token, span));
    }

    fn step(&mut self) -> Result<(), SqlError> {
        let Some(token) = self.tokens.get(self.at) else { return Ok(()) };
        let span = token.span;
        let next = self.token(self.at + 1);
        let kind = self.levels.last().map_or(Kind::Top, |level| level.kind);
        match &token.token {
            Token::Word(word) if next == Some(&Token::RArrow) => {
                return self.lambda(vec![word.value.clone()], self.at + 1);
            }
            Token::Word(word) if next == Some(&Token::Assignment) && kind == Kind::Struct => {
                let name = word.value.clone();
                if self.levels.last().is_some_and(|level| level.begun) {
                    return Err(self.expected(self.at, "\",\" or \")\""));
                }
                self.push(Token::NationalStringLiteral(name), span);
                self.push(Token::Comma, span);
                self.assign();
                self.at += 2;
                return Ok(());
            }
            Token::Word(word) if next == Some(&Token::LParen) && word.quote_style.is_none() => {
                let kind = match word.value.as_str() {
                    "STRUCT" => Kind::Struct,
                    "MAP" => Kind::Map,
                    "CAST" => Kind::Cast,
                    _ => return self.take(),
                };
                match kind {
                    Kind::Cast => self.out.push(token.clone()),
                    _ => self.push(quoted(&word.value), span),
                }
                self.begin();
                self.push(Token::LParen, self.span(self.at + 1));
                self.levels.push(Level::new(kind));
                self.at += 2;
                return Ok(());
            }
            Token::Word(_) if kind == Kind::Cast && is_keyword(Some(token), "AS") => return self.cast_type(),
            Token::LParen => {
                if let Some((names, arrow)) = self.parameters() {
                    return self.lambda(names, arrow);
                }
                self.begin();
                self.levels.push(Level::new(Kind::Parentheses));
            }
            Token::LBracket => {
                self.begin();
                self.levels.push(Level::new(Kind::Brackets));
            }
            Token::RParen | Token::RBracket => {
                self.end_argument(true)?;
                if self.levels.len() > 1 {
                    self.levels.pop();
                }
            }
            Token::Comma => self.end_argument(false)?,
            Token::Assignment => {
                if kind != Kind::Map || self.levels.last().is_some_and(|l| l.assigned || !l.begun) {
                    return Err(at(self.cursor, position(span)).unexpected());
                }
                self.push(Token::Comma, span);
                self.assign();
                self.at += 1;
                return Ok(());
            }
            Token::RArrow => return Err(at(self.cursor, position(span)).unexpected()),
            Token::Arrow => {
                let field = match next {
                    Some(Token::Word(word)) => Token::NationalStringLiteral(word.value.clone()),
                    Some(Token::Mul) => Token::HexStringLiteral(String::new()),
                    _ => return Err(self.expected(self.at + 1, "the name of a field")),
                };
                let name_span = self.span(self.at + 1);
                self.push(Token::LBracket, span);
                self.push(field, name_span);
                self.push(Token::RBracket, name_span);
                self.at += 2;
                return Ok(());
            }
            _ => return self.take(),
        }
        self.out.push(token.clone());
        self.at += 1;
        Ok(())
    }

    fn take(&mut self) -> Result<(), SqlError> {
        self.begin();
        self.out.extend(self.tokens.get(self.at).cloned());
        self.at += 1;
        Ok(())
    }

    fn begin(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.begun = true;
        }
    }

    fn assign(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            (level.assigned, level.begun) = (true, false);
        }
    }

    /// The argument ends before this token: closes its lambda, and sees that it has its `:=`.
    fn end_argument(&mut self, last: bool) -> Result<(), SqlError> {
        let span = self.span(self.at);
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let missing =
            matches!(level.kind, Kind::Struct | Kind::Map) && !level.assigned && (level.begun || !last);
        let (lambda, kind) = (level.lambda, level.kind);
        *level = Level::new(kind);
        if missing {
            return Err(self.expected(self.at, "\":=\""));
        }
        if lambda {
            self.push(Token::RParen, span);
        }
        Ok(())
    }

    /// The names and the place of `=>`, if parameters in parentheses begin here.
    fn parameters(&self) -> Option<(Vec<String>, usize)> {
        let mut names = Vec::new();
        let mut at = self.at + 1;
        loop {
            let Some(Token::Word(word)) = self.token(at) else { return None };
            names.push(word.value.clone());
            match self.token(at + 1)? {
                Token::Comma => at += 2,
                Token::RParen => break,
                _ => return None,
            }
        }
        (self.token(at + 2) == Some(&Token::RArrow)).then_some((names, at + 2))
    }

    fn lambda(&mut self, names: Vec<String>, arrow: usize) -> Result<(), SqlError> {
        let span = self.span(self.at);
        match self.levels.last_mut() {
            Some(level) if !level.begun && !level.lambda && level.kind == Kind::Parentheses => {
                level.lambda = true;
            }
            _ => {
                let error = at(self.cursor, position(self.span(arrow))).unexpected();
                return Err(error.hint("a lambda is an argument of a function: TRANSFORM(a, x => x + 1)"));
            }
        }
        self.push(quoted(LAMBDA), span);
        self.push(Token::LParen, span);
        for name in names {
            self.push(Token::NationalStringLiteral(name), span);
            self.push(Token::Comma, span);
        }
        self.at = arrow + 1;
        Ok(())
    }

    /// `AS type` up to the end of a CAST. Types of one word are left to sqlparser.
    fn cast_type(&mut self) -> Result<(), SqlError> {
        self.out.extend(self.tokens.get(self.at).cloned());
        self.at += 1;
        let mut depth = 0usize;
        let mut end = self.at;
        let mut nested = false;
        let mut text = String::new();
        while let Some(token) = self.tokens.get(end) {
            match &token.token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => break,
                Token::RParen => depth -= 1,
                Token::Lt | Token::Neq => nested = true,
                Token::Word(_) if is_keyword(Some(token), "ARRAY") => nested = true,
                _ => {}
            }
            match &token.token {
                Token::Word(word) if word.quote_style.is_some() => text += &quote_ident(&word.value),
                other => text += &other.to_string(),
            }
            text.push(' ');
            end += 1;
        }
        if nested {
            let span = self.span(self.at);
            self.push(quoted(&format!("{TYPE_MARK}{}", text.trim_end())), span);
            self.at = end;
        }
        Ok(())
    }
}

fn spanned(token: Token, span: Span) -> TokenWithSpan {
    TokenWithSpan { token, span }
}

fn quoted(value: &str) -> Token {
    Token::Word(Word { value: value.to_owned(), quote_style: Some('`'), keyword: Keyword::NoKeyword })
}
