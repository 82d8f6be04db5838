//! A place in the tokens of a statement, with what a hand-written parser needs: look, take, refuse.

use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::sql::ast::Name;
use crate::sql::format::is_reserved;
use crate::sql::lexer::{Lexed, fold, folded_name, is_keyword};
use crate::sql::{Position, SqlError, sqlstate};

/// Borrows the tokens from `at` up to `end`.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub lexed: &'a Lexed,
    pub at: usize,
    pub end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(lexed: &'a Lexed) -> Self {
        Self { lexed, at: 0, end: lexed.tokens.len() }
    }

    /// The same tokens from `at` to `end` only.
    pub(super) fn part(&self, at: usize, end: usize) -> Self {
        Self { lexed: self.lexed, at, end: end.min(self.end) }
    }

    pub(super) fn nth(&self, n: usize) -> Option<&'a TokenWithSpan> {
        self.lexed.tokens.get(self.at.checked_add(n)?).filter(|_| self.at + n < self.end)
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.nth(0).map(|token| &token.token)
    }

    pub(super) fn position(&self) -> Position {
        self.lexed.position(self.at)
    }

    pub(super) fn done(&self) -> bool {
        self.at >= self.end
    }

    pub(super) fn is(&self, keyword: &str) -> bool {
        self.nth_is(0, keyword)
    }

    pub(super) fn nth_is(&self, n: usize, keyword: &str) -> bool {
        is_keyword(self.nth(n), keyword)
    }

    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Takes these keywords, all or none.
    pub(super) fn accept(&mut self, keywords: &[&str]) -> bool {
        let found = keywords.iter().enumerate().all(|(n, keyword)| self.nth_is(n, keyword));
        if found {
            self.at += keywords.len();
        }
        found
    }

    pub(super) fn accept_any(&mut self, keywords: &[&'static str]) -> Option<&'static str> {
        let found = keywords.iter().copied().find(|keyword| self.is(keyword))?;
        self.at += 1;
        Some(found)
    }

    pub(super) fn expect(&mut self, keyword: &str) -> Result<(), SqlError> {
        if self.accept(&[keyword]) { Ok(()) } else { Err(self.expected(keyword)) }
    }

    pub(super) fn accept_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_token(&mut self, token: &Token) -> Result<(), SqlError> {
        if self.accept_token(token) { Ok(()) } else { Err(self.expected(&format!("\"{token}\""))) }
    }

    /// The word here, quoted or not.
    pub(super) fn peek_word(&self) -> Option<&'a Word> {
        match self.peek() {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'a Word, SqlError> {
        let word = self.peek_word().ok_or_else(|| self.expected(what))?;
        self.at += 1;
        Ok(word)
    }

    /// A name, folded to upper case unless quoted.
    pub(super) fn name(&mut self, what: &str) -> Result<Name, SqlError> {
        let position = self.position();
        let word = self.peek_word().ok_or_else(|| self.expected(what))?;
        if word.quote_style.is_none() && is_reserved(&word.value) {
            let error = self.expected(what);
            let hint = format!("expected {what}; a reserved word must be quoted as a name: `{}`", word.value);
            return Err(error.hint(hint));
        }
        if word.value.is_empty() {
            return Err(SqlError::new(sqlstate::SYNTAX_ERROR, "zero-length quoted name").at(Some(position)));
        }
        self.at += 1;
        Ok(Name { value: folded_name(word), position })
    }

    /// A name of a Postgres session (cursor, savepoint, …): folded to lower case unless quoted.
    pub(super) fn session_name(&mut self, what: &str) -> Result<String, SqlError> {
        let word = self.word(what)?;
        Ok(if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() })
    }

    /// `(name, …)`
    pub(super) fn names(&mut self, what: &str) -> Result<Vec<Name>, SqlError> {
        self.expect_token(&Token::LParen)?;
        let mut names = vec![self.name(what)?];
        while self.accept_token(&Token::Comma) {
            names.push(self.name(what)?);
        }
        self.expect_token(&Token::RParen)?;
        Ok(names)
    }

    pub(super) fn string(&mut self, what: &str) -> Result<String, SqlError> {
        let text = match self.peek() {
            Some(Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text)) => text.clone(),
            Some(Token::DollarQuotedString(text)) => text.value.clone(),
            _ => return Err(self.expected(what)),
        };
        self.at += 1;
        Ok(text)
    }

    pub(super) fn integer(&mut self, what: &str) -> Result<u64, SqlError> {
        let Some(Token::Number(text, false)) = self.peek() else { return Err(self.expected(what)) };
        let value = text.parse().map_err(|_| self.expected(what))?;
        self.at += 1;
        Ok(value)
    }

    /// Refuses what is left over.
    pub(super) fn finish(&self) -> Result<(), SqlError> {
        if self.done() { Ok(()) } else { Err(self.expected("the end of the statement")) }
    }

    /// The error at the token here, with what was expected as its hint.
    pub(super) fn expected(&self, what: &str) -> SqlError {
        self.unexpected().hint(format!("expected {what}"))
    }

    pub(super) fn unexpected(&self) -> SqlError {
        let message = if self.done() && self.at >= self.lexed.tokens.len() {
            "syntax error at end of input".to_owned()
        } else {
            let text: String = self.lexed.text_of(self.at, self.at + 1).chars().take(60).collect();
            format!("syntax error at or near \"{text}\"")
        };
        SqlError::new(sqlstate::SYNTAX_ERROR, message).at(Some(self.position()))
    }

    /// The error that this construct is known and not built yet.
    pub(super) fn not_supported(&self, what: &str) -> SqlError {
        SqlError::not_supported(what).at(Some(self.position()))
    }

    /// The text of what is left.
    pub(super) fn text(&self) -> &'a str {
        self.lexed.text_of(self.at, self.end)
    }

    /// What is left as sqlparser gets it: names folded.
    pub(super) fn folded(&self) -> Vec<TokenWithSpan> {
        fold(self.lexed.tokens.get(self.at..self.end).unwrap_or_default())
    }

    /// The place behind the bracket that closes the one here, or the end.
    pub(super) fn after_brackets(&self) -> usize {
        let (mut at, mut depth) = (self.at, 0usize);
        while at < self.end {
            match self.lexed.tokens.get(at).map(|token| &token.token) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
        at
    }
}
