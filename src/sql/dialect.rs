//! The dialect that sqlparser reads expressions and SELECTs in.
//!
//! Expression syntax is Postgres', because ad-hoc SQL comes from Postgres clients and ksqlDB's expressions are all
//! but a part of it. Three things differ: names may stand in backticks as well as in double quotes, `@` may be
//! part of a name and a name may begin with a digit (dialect section 7, "Lexical"); and there are no
//! user-defined operators, so that `a<-1` is a comparison with a negative number.

use std::any::TypeId;

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};

/// Rivermill's dialect: Postgres' expressions, ksqlDB's names.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct RivermillDialect;

const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

impl Dialect for RivermillDialect {
    /// Passes sqlparser's built-in tests for Postgres.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"' || ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || matches!(ch, '_' | '@' | '$')
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    /// Words that begin an expression and are never names. sqlparser reads others a second time, as names, when what
    /// follows is wrong: nested, that doubles its time with each level.
    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        POSTGRES.is_reserved_for_identifier(kw)
            || matches!(
                kw,
                Keyword::NOT
                    | Keyword::CASE
                    | Keyword::CAST
                    | Keyword::TRY_CAST
                    | Keyword::SAFE_CAST
                    | Keyword::EXISTS
                    | Keyword::ARRAY
            )
    }

    fn parse_prefix(&self, _parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        None
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        POSTGRES.get_next_precedence(parser)
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        POSTGRES.prec_value(prec)
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_within_after_array_aggregation(&self) -> bool {
        false
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_select_wildcard_with_alias(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }
}
