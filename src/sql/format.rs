//! Names back to SQL.

use sqlparser::keywords::{
    ALL_KEYWORDS, ALL_KEYWORDS_INDEX, RESERVED_FOR_COLUMN_ALIAS, RESERVED_FOR_TABLE_ALIAS,
};

/// Words that cannot be names unless quoted.
const RESERVED: [&str; 38] = [
    "AND", "AS", "BETWEEN", "BY", "CASE", "CAST", "CREATE", "DELETE", "DESCRIBE", "DISTINCT", "DROP", "ELSE",
    "END", "EXISTS", "FALSE", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INSERT", "INTO", "IS",
    "JOIN", "LEFT", "LIKE", "NOT", "NULL", "ON", "OR", "OUTER", "SELECT", "THEN", "TRUE", "WHEN", "WHERE",
    "WITH",
];

/// Whether the word cannot be a name unless quoted.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

/// A name as it must be written in a statement: as it is where that gives the same name, else in backticks.
pub fn quote_ident(name: &str) -> String {
    let plain = name.chars().enumerate().all(|(at, ch)| {
        ch.is_ascii_uppercase() || ch == '_' || (at > 0 && (ch.is_ascii_digit() || ch == '@'))
    });
    if plain && !name.is_empty() && !is_special(name) {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// Also the words that would be read as something else after an expression or a table.
fn is_special(name: &str) -> bool {
    let keyword = ALL_KEYWORDS.binary_search(&name).ok().and_then(|at| ALL_KEYWORDS_INDEX.get(at));
    is_reserved(name)
        || keyword.is_some_and(|keyword| {
            RESERVED_FOR_COLUMN_ALIAS.contains(keyword) || RESERVED_FOR_TABLE_ALIAS.contains(keyword)
        })
        || matches!(name, "EMIT" | "WINDOW" | "INTERVAL" | "ARRAY" | "STRUCT" | "MAP")
}
