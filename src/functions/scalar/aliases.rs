//! Names of the SQL standard and of Postgres for functions that ksqlDB calls otherwise.

use super::scalars;
use crate::functions::aggregate::aggregates;
use crate::functions::suggest::nearest;
use crate::sql::{SqlError, sqlstate};

/// Other names, and the function that each stands for.
pub const ALIASES: &[(&str, &str)] = &[
    ("CEILING", "CEIL"),
    ("CHARACTER_LENGTH", "LEN"),
    ("CHAR_LENGTH", "LEN"),
    ("CURRENT_TIMESTAMP", "NOW"),
    ("LENGTH", "LEN"),
    ("LOWER", "LCASE"),
    ("POW", "POWER"),
    ("SUBSTR", "SUBSTRING"),
    ("UPPER", "UCASE"),
];

/// The name under which the registry has the function.
pub fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)).map_or(name, |(_, function)| function)
}

/// The other names of a function.
pub fn of(function: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, name)| *name == function).map(|(alias, _)| *alias)
}

/// The error of a name that no function has.
pub fn unknown(name: &str) -> SqlError {
    let upper = name.to_uppercase();
    let synonym = match upper.as_str() {
        "NVL" => Some("IFNULL"),
        "MEAN" => Some("AVG"),
        _ => None,
    };
    let names = scalars().map(|f| f.name).chain(aggregates().iter().map(|f| f.name()));
    let error = SqlError::new(sqlstate::UNDEFINED_FUNCTION, format!("function {upper} does not exist"));
    match synonym.or_else(|| nearest(&upper, names)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint("SHOW FUNCTIONS lists all functions"),
    }
}
