//! The way into sqlparser, for SELECTs and expressions, and its errors in our words.

use sqlparser::ast as sp;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::rewrite;
use crate::sql::dialect::RivermillDialect;
use crate::sql::lexer::{lower_first, position};
use crate::sql::limits::too_deep;
use crate::sql::{Position, SqlError, sqlstate};

/// A continuous SELECT. `tokens` are those of `cursor`, folded, some lifted out.
pub(super) fn query(cursor: &Cursor, tokens: Vec<TokenWithSpan>) -> Result<Box<sp::Query>, SqlError> {
    whole(cursor, rewrite::nested(cursor, tokens)?, |parser| parser.parse_query())
}

/// Any query for DataFusion: SELECT, WITH, VALUES, TABLE.
pub(super) fn ad_hoc(cursor: &Cursor) -> Result<Box<sp::Query>, SqlError> {
    whole(cursor, rewrite::fields(cursor.folded()), |parser| parser.parse_query())
}

/// A list of expressions separated by commas.
pub(super) fn expressions(cursor: &Cursor) -> Result<Vec<sp::Expr>, SqlError> {
    whole(cursor, rewrite::nested(cursor, cursor.folded())?, |parser| {
        parser.parse_comma_separated(Parser::parse_expr)
    })
}

/// `(expr, …), …`
pub(super) fn rows(cursor: &Cursor) -> Result<Vec<Vec<sp::Expr>>, SqlError> {
    whole(cursor, rewrite::nested(cursor, cursor.folded())?, |parser| {
        parser.parse_comma_separated(|parser| {
            parser.expect_token(&Token::LParen)?;
            let row = parser.parse_comma_separated(Parser::parse_expr)?;
            parser.expect_token(&Token::RParen)?;
            Ok(row)
        })
    })
}

fn whole<T>(
    cursor: &Cursor,
    tokens: Vec<TokenWithSpan>,
    parse: impl FnOnce(&mut Parser) -> Result<T, ParserError>,
) -> Result<T, SqlError> {
    let mut parser = Parser::new(&RivermillDialect).with_tokens_with_locations(tokens);
    let parsed = parse(&mut parser).map_err(|error| translate(cursor, error))?;
    let next = parser.peek_token_ref();
    match next.token {
        Token::EOF => Ok(parsed),
        _ => Err(at(cursor, position(next.span)).expected("the end of the statement")),
    }
}

/// A cursor at the token that begins at this place, or at the end.
pub(super) fn at<'a>(cursor: &Cursor<'a>, place: Position) -> Cursor<'a> {
    let found = (cursor.at..cursor.end).find(|&at| cursor.lexed.position(at) == place);
    cursor.part(found.unwrap_or(cursor.end), cursor.end)
}

/// sqlparser writes `Expected: an expression, found: FROM at Line: 1, Column: 8`; its lines and columns are those
/// of the whole text, since the tokens' are.
fn translate(cursor: &Cursor, error: ParserError) -> SqlError {
    let text = match error {
        ParserError::RecursionLimitExceeded => return too_deep().at(Some(cursor.position())),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let (message, place) =
        match text.rsplit_once(" at Line: ").map(|(before, place)| (before, parse_place(place))) {
            Some((before, Some(place))) => (before, Some(place)),
            _ => (text.as_str(), None),
        };
    let expected = message.strip_prefix("Expected: ").or_else(|| message.strip_prefix("Expected "));
    match (expected.map(|rest| rest.split_once(", found: ").map_or(rest, |(what, _)| what)), place) {
        (Some(what), Some(place)) => at(cursor, place).expected(what),
        (Some(what), None) => cursor.part(cursor.end, cursor.end).expected(what),
        (None, place) => {
            SqlError::new(sqlstate::SYNTAX_ERROR, format!("syntax error: {}", lower_first(message)))
                .at(Some(place.unwrap_or_else(|| cursor.position())))
        }
    }
}

fn parse_place(text: &str) -> Option<Position> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Position { line: line.parse().ok()?, column: column.trim_end().parse().ok()? })
}
