//! INSERT INTO … VALUES, and INSERT INTO … SELECT.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{create, expr, query};
use crate::sql::ast::{InsertSelect, InsertValues, Name, Property, PropertyValue, StatementKind};
use crate::sql::{SqlError, sqlstate};

pub(super) fn insert(mut cursor: Cursor) -> Result<StatementKind, SqlError> {
    cursor.expect("INSERT")?;
    cursor.expect("INTO")?;
    let name = cursor.name("the name of a stream or table")?;
    let columns = match cursor.peek() {
        Some(Token::LParen) if !cursor.nth_is(1, "SELECT") => cursor.names("the name of a column")?,
        _ => Vec::new(),
    };
    let with = match columns.is_empty() {
        true => create::with_clause(&mut cursor)?,
        false => Vec::new(),
    };
    if cursor.is("SELECT") {
        if !columns.is_empty() {
            return Err(cursor.not_supported("a list of columns before the SELECT of an INSERT"));
        }
        let query_id = query_id(with)?;
        return Ok(StatementKind::InsertSelect(InsertSelect {
            name,
            query_id,
            query: query::continuous(cursor)?,
        }));
    }
    if !with.is_empty() || cursor.peek() == Some(&Token::LParen) {
        return Err(cursor.expected("SELECT"));
    }
    cursor.expect("VALUES")?;
    for at in cursor.at..cursor.end {
        let here = cursor.part(at, cursor.end);
        if here.is("SELECT") {
            return Err(here.not_supported("a subquery in VALUES"));
        }
        if here.is("RETURNING") || (here.is("ON") && here.nth_is(1, "CONFLICT")) {
            let word = if here.is("ON") { "ON CONFLICT" } else { "RETURNING" };
            return Err(here.not_supported(word));
        }
    }
    let rows = expr::rows(&cursor)?;
    Ok(StatementKind::InsertValues(InsertValues { name, columns, rows }))
}

/// The one property that an INSERT INTO … SELECT can have.
fn query_id(with: Vec<Property>) -> Result<Option<Name>, SqlError> {
    let mut id = None;
    for property in with {
        let known = property.name.value == "QUERY_ID";
        let text = match &property.value {
            PropertyValue::String(text) if known && id.is_none() && is_id(text) => text.to_uppercase(),
            _ => {
                let message = match known {
                    true => "QUERY_ID must be given once, as letters, digits and underscores".to_owned(),
                    false => format!("unknown property {}", property.name.value),
                };
                let error = SqlError::new(sqlstate::INVALID_PARAMETER, message);
                return Err(error
                    .hint("an INSERT INTO … SELECT has the property QUERY_ID alone")
                    .at(Some(property.name.position)));
            }
        };
        id = Some(Name { value: text, position: property.value_position });
    }
    Ok(id)
}

/// Ids become parts of the names of topics.
fn is_id(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
