//! Names of the SQL standard and of Postgres for functions that ksqlDB calls otherwise.

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
