//! A statement's text to tokens.
//!
//! The tokens keep no blanks and comments, and their spans are places in the whole text that was given to
//! the parser, so that every span in sqlparser's trees is one too. Names keep their case here, since Postgres' settings and
//! cursors need it; [`fold`] gives what sqlparser gets.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer, Word};

use super::dialect::RivermillDialect;
use super::source_map::byte_offset;
use super::variables::RawStatement;
use super::{Position, SqlError, limits, sqlstate};

/// A statement in tokens.
pub(super) struct Lexed {
    pub text: String,
    /// Never blanks; spans in the whole text.
    pub tokens: Vec<TokenWithSpan>,
    /// The span of each token in `text`.
    locals: Vec<Span>,
    /// The end of the last token, in the whole text.
    pub end: Position,
}

impl Lexed {
    pub(super) fn new(raw: RawStatement) -> Result<Self, SqlError> {
        let RawStatement { text, map } = raw;
        let mut all = Vec::new();
        if let Err(error) = Tokenizer::new(&RivermillDialect, &text).tokenize_with_location_into_buf(&mut all)
        {
            let position = map.origin(error.location);
            return Err(SqlError::new(
                sqlstate::SYNTAX_ERROR,
                lower_first(error.message.trim_end_matches('.')),
            )
            .at(Some(position)));
        }
        let (mut tokens, mut locals) = (Vec::new(), Vec::new());
        for token in all {
            if !matches!(token.token, Token::Whitespace(_)) {
                locals.push(token.span);
                tokens.push(TokenWithSpan { span: map.span(token.span), token: token.token });
            }
        }
        let end = locals.last().map_or(Position { line: 1, column: 1 }, |span| map.origin(span.end));
        limits::check(&tokens)?;
        Ok(Self { text, tokens, locals, end })
    }

    /// The text of the tokens `from..to`, with what stands between them.
    pub(super) fn text_of(&self, from: usize, to: usize) -> &str {
        let (Some(first), Some(last)) =
            (self.locals.get(from), to.checked_sub(1).and_then(|at| self.locals.get(at)))
        else {
            return "";
        };
        let start = byte_offset(&self.text, first.start.line, first.start.column);
        let rest = self.text.get(start..).unwrap_or_default();
        // Counted on from the start of the span, to walk over a long text once only.
        let (line, column) = match last.end.line - first.start.line {
            0 => (1, 1 + last.end.column.saturating_sub(first.start.column)),
            lines => (1 + lines, last.end.column),
        };
        rest.get(..byte_offset(rest, line, column)).unwrap_or_default()
    }

    pub(super) fn position(&self, at: usize) -> Position {
        self.tokens.get(at).map_or(self.end, |token| position(token.span))
    }
}

pub(super) fn position(span: Span) -> Position {
    Position { line: span.start.line, column: span.start.column }
}

/// Folds names that are not quoted to upper case, as ksqlDB does. Names after `information_schema.` and `pg_catalog.`
/// are found in lower case.
pub(super) fn fold(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut folded: Vec<TokenWithSpan> = tokens.to_vec();
    for at in 0..tokens.len() {
        let system = at >= 2
            && tokens.get(at - 1).is_some_and(|t| t.token == Token::Period)
            && is_system_schema(tokens.get(at - 2));
        let schema =
            is_system_schema(tokens.get(at)) && tokens.get(at + 1).is_some_and(|t| t.token == Token::Period);
        if let Some(TokenWithSpan { token: Token::Word(word), .. }) = folded.get_mut(at)
            && word.quote_style.is_none()
        {
            word.value = if system || schema { word.value.to_lowercase() } else { word.value.to_uppercase() };
        }
    }
    folded
}

fn is_system_schema(token: Option<&TokenWithSpan>) -> bool {
    matches!(token, Some(TokenWithSpan { token: Token::Word(word), .. })
        if word.quote_style.is_none()
            && (word.value.eq_ignore_ascii_case("information_schema") || word.value.eq_ignore_ascii_case("pg_catalog")))
}

/// The word as a name: folded to upper case unless quoted.
pub(super) fn folded_name(word: &Word) -> String {
    if word.quote_style.is_some() { word.value.clone() } else { word.value.to_uppercase() }
}

/// Whether the token is this keyword, not quoted.
pub(super) fn is_keyword(token: Option<&TokenWithSpan>, keyword: &str) -> bool {
    matches!(token, Some(TokenWithSpan { token: Token::Word(word), .. })
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
}

/// Whether the token is a word that sqlparser knows as a keyword.
pub(super) fn known_keyword(token: &Token) -> Option<Keyword> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

pub(super) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
