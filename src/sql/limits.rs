//! Bounds on how deep a statement's tree can get, found in its tokens before anything is built.
//!
//! sqlparser counts its own recursion, but not everywhere, and a chain like `1 + 1 + 1 + …` makes a tree as
//! deep as the chain is long without any recursion; whoever walks or drops such a tree would run out of stack.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::lexer::{known_keyword, position};
use super::{SqlError, sqlstate};

/// Deepest nesting of brackets.
pub const BRACKET_DEPTH_MAX: usize = 48;
/// Parentheses in a row: sqlparser's time for them in FROM doubles with each.
pub const PARENTHESES_ROW_MAX: usize = 10;
/// Most operators in one expression, and most set operations in one query.
pub const CHAIN_MAX: usize = 500;
/// Deepest nesting of POSITION(…) and the like, which sqlparser may read twice: as syntax, then as a function.
pub const POSITION_DEPTH_MAX: usize = 6;
/// Most types with `<` or `[]` in a statement.
pub const NESTED_TYPES_MAX: usize = 48;

/// Refuses tokens whose tree would be too deep. One pass, no recursion.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut levels = vec![(0usize, 0usize)];
    let mut positions: Vec<usize> = Vec::new();
    let (mut row, mut prefixes, mut types) = (0usize, 0usize, 0usize);
    let mut before = &Token::EOF;
    for token in tokens {
        let keyword = known_keyword(&token.token);
        row = if token.token == Token::LParen { row + 1 } else { 0 };
        prefixes = if keyword == Some(Keyword::INTERVAL) { prefixes + 1 } else { 0 };
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                if known_keyword(before).is_some_and(read_twice) {
                    positions.push(levels.len());
                }
                levels.push((0, 0));
            }
            Token::RParen | Token::RBracket | Token::RBrace if levels.len() > 1 => {
                levels.pop();
                positions.retain(|&level| level < levels.len());
            }
            _ => {}
        }
        let typed = |keyword| matches!(keyword, Some(Keyword::ARRAY | Keyword::STRUCT | Keyword::MAP));
        if (token.token == Token::Lt && typed(known_keyword(before)))
            || (token.token == Token::RBracket && *before == Token::LBracket)
        {
            types += 1;
        }
        let depth = levels.len();
        let mut chain = 0;
        if let Some((operators, set_operations)) = levels.last_mut() {
            match keyword {
                Some(Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT) => *set_operations += 1,
                Some(Keyword::SELECT | Keyword::FROM | Keyword::WHERE | Keyword::VALUES | Keyword::ON) => {
                    *operators = 0
                }
                Some(Keyword::HAVING | Keyword::BY) => *operators = 0,
                _ if token.token == Token::Comma => *operators = 0,
                _ if is_operator(&token.token, keyword) => *operators += 1,
                _ => {}
            }
            chain = (*operators).max(*set_operations);
        }
        if depth > BRACKET_DEPTH_MAX
            || row > PARENTHESES_ROW_MAX
            || prefixes > 1
            || positions.len() > POSITION_DEPTH_MAX
            || chain > CHAIN_MAX
            || types > NESTED_TYPES_MAX
        {
            return Err(too_deep().at(Some(position(token.span))));
        }
        before = &token.token;
    }
    Ok(())
}

fn read_twice(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::POSITION
            | Keyword::INTERVAL
            | Keyword::CEIL
            | Keyword::FLOOR
            | Keyword::EXTRACT
            | Keyword::SUBSTRING
            | Keyword::OVERLAY
            | Keyword::TRIM
            | Keyword::STRUCT
            | Keyword::MAP
            | Keyword::CONVERT
            | Keyword::MATCH
            | Keyword::PRIOR
    )
}

/// The error for a statement whose tree would be too deep.
pub(super) fn too_deep() -> SqlError {
    SqlError::new(sqlstate::LIMIT_EXCEEDED, "statement is nested too deeply")
        .detail(format!(
            "at most {BRACKET_DEPTH_MAX} nested brackets, {PARENTHESES_ROW_MAX} parentheses in a row and \
             {CHAIN_MAX} operators in one expression"
        ))
        .hint("write long lists of alternatives as column IN (…)")
}

/// Whatever can go on a chain. Too many tokens are counted rather than too few.
fn is_operator(token: &Token, keyword: Option<Keyword>) -> bool {
    match token {
        Token::Word(_) => matches!(
            keyword,
            Some(
                Keyword::AND
                    | Keyword::OR
                    | Keyword::XOR
                    | Keyword::NOT
                    | Keyword::IS
                    | Keyword::NOTNULL
                    | Keyword::IN
                    | Keyword::BETWEEN
                    | Keyword::LIKE
                    | Keyword::ILIKE
                    | Keyword::RLIKE
                    | Keyword::REGEXP
                    | Keyword::SIMILAR
                    | Keyword::MEMBER
                    | Keyword::OVERLAPS
                    | Keyword::OPERATOR
                    | Keyword::COLLATE
                    | Keyword::AT
                    | Keyword::DIV
                    | Keyword::JOIN
                    | Keyword::PIVOT
                    | Keyword::UNPIVOT
            )
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Period
        | Token::Comma
        | Token::SemiColon
        | Token::Placeholder(_)
        | Token::RParen
        | Token::RBracket
        | Token::RBrace => false,
        _ => true,
    }
}
