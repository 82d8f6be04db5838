//! CREATE STREAM and CREATE TABLE, and WITH clauses.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{create_type, datatypes, query};
use crate::sql::SqlError;
use crate::sql::ast::{
    ColumnDef, ColumnRole, CreateAsSelect, CreateSource, Property, PropertyValue, SourceKind, StatementKind,
};

pub(super) fn create(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("CREATE")?;
    let or_replace = cursor.accept(&["OR", "REPLACE"]);
    if cursor.is_any(&["SOURCE", "SINK"]) && cursor.nth_is(1, "CONNECTOR") {
        return Err(cursor.not_supported("CREATE CONNECTOR"));
    }
    if cursor.is("TYPE") && !or_replace {
        return create_type::create_type(cursor);
    }
    let read_only = cursor.accept(&["SOURCE"]);
    let kind = source_kind(&mut cursor)?;
    let if_not_exists = cursor.accept(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name(&format!("the name of the {kind}"))?;
    let columns_given = cursor.peek() == Some(&Token::LParen);
    let columns = if columns_given { columns(&mut cursor)? } else { Vec::new() };
    let with = with_clause(&mut cursor)?;
    if !columns_given && cursor.is("AS") {
        if read_only {
            return Err(cursor.unexpected().hint("a SOURCE is declared, it is not the result of a query"));
        }
        cursor.expect("AS")?;
        let query = query::continuous(cursor)?;
        return Ok(StatementKind::CreateAsSelect(CreateAsSelect {
            kind,
            or_replace,
            if_not_exists,
            name,
            with,
            query,
        }));
    }
    if !cursor.done() {
        return Err(match (columns_given, with.is_empty()) {
            (true, true) => cursor.expected("WITH (…)"),
            (true, false) => cursor.expected("the end of the statement"),
            (false, true) => cursor.expected("columns in parentheses, WITH (…) or AS SELECT"),
            (false, false) => cursor.expected("AS SELECT; columns come before WITH"),
        });
    }
    Ok(StatementKind::CreateSource(CreateSource {
        kind,
        read_only,
        or_replace,
        if_not_exists,
        name,
        columns,
        with,
    }))
}

pub(super) fn source_kind(cursor: &mut Cursor) -> Result<SourceKind, SqlError> {
    match cursor.accept_any(&["STREAM", "TABLE"]) {
        Some("STREAM") => Ok(SourceKind::Stream),
        Some(_) => Ok(SourceKind::Table),
        None => Err(cursor.expected("STREAM or TABLE")),
    }
}

fn columns(cursor: &mut Cursor) -> Result<Vec<ColumnDef>, SqlError> {
    cursor.expect_token(&Token::LParen)?;
    let mut columns = Vec::new();
    loop {
        let name = cursor.name("the name of a column")?;
        let ty = datatypes::data_type(cursor)?;
        let role = match () {
            () if cursor.accept(&["PRIMARY"]) => {
                cursor.expect("KEY")?;
                ColumnRole::PrimaryKey
            }
            () if cursor.accept(&["KEY"]) => ColumnRole::Key,
            () if cursor.accept(&["HEADERS"]) => ColumnRole::Headers,
            () if cursor.accept(&["HEADER"]) => {
                cursor.expect_token(&Token::LParen)?;
                let key = cursor.string("the name of a header")?;
                cursor.expect_token(&Token::RParen)?;
                ColumnRole::Header(key)
            }
            () => ColumnRole::Value,
        };
        columns.push(ColumnDef { name, ty, role });
        if cursor.accept_token(&Token::RParen) {
            return Ok(columns);
        }
        if !cursor.accept_token(&Token::Comma) {
            return Err(cursor.expected("KEY, PRIMARY KEY, \",\" or \")\""));
        }
    }
}

/// `WITH (name = literal, …)`, or nothing. Names are names or strings.
pub(super) fn with_clause(cursor: &mut Cursor) -> Result<Vec<Property>, SqlError> {
    let mut properties = Vec::new();
    if !cursor.accept(&["WITH"]) {
        return Ok(properties);
    }
    cursor.expect_token(&Token::LParen)?;
    if cursor.accept_token(&Token::RParen) {
        return Ok(properties);
    }
    loop {
        let position = cursor.position();
        let mut name = match cursor.peek() {
            Some(Token::SingleQuotedString(text)) if !text.is_empty() => {
                cursor.at += 1;
                crate::sql::ast::Name { value: text.clone(), position }
            }
            _ => cursor.name("the name of a property")?,
        };
        name.value = name.value.to_uppercase();
        cursor.expect_token(&Token::Eq)?;
        let value_position = cursor.position();
        let value = property_value(cursor)?;
        properties.push(Property { name, value, value_position });
        if cursor.accept_token(&Token::RParen) {
            return Ok(properties);
        }
        cursor.accept_token(&Token::Comma).then_some(()).ok_or_else(|| cursor.expected("\",\" or \")\""))?;
    }
}

fn property_value(cursor: &mut Cursor) -> Result<PropertyValue, SqlError> {
    let what = "a string, a number, TRUE or FALSE";
    if let Some(word) = cursor.accept_any(&["TRUE", "FALSE"]) {
        return Ok(PropertyValue::Boolean(word == "TRUE"));
    }
    let start = cursor.at;
    let minus = cursor.accept_token(&Token::Minus);
    match cursor.peek() {
        Some(Token::Number(text, false)) => {
            cursor.at += 1;
            Ok(PropertyValue::Number(if minus { format!("-{text}") } else { text.clone() }))
        }
        _ => {
            cursor.at = start;
            cursor.string(what).map(PropertyValue::String)
        }
    }
}
