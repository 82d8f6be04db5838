//! CREATE TYPE and DROP TYPE: names for types.
//!
//! A name is put in where a statement is planned, so that what was made with it does not change when the name does
//! (dialect 10.8).

use crate::catalog::{Catalog, Command};
use crate::functions::suggest::nearest;
use crate::sql::ast::{CreateType, Name};
use crate::sql::{SqlError, sqlstate};

/// Words that the parser takes for a type by itself: as a name they could never be read.
const TAKEN: &[&str] = &[
    "ARRAY",
    "BIGINT",
    "BOOLEAN",
    "BYTEA",
    "BYTES",
    "DATE",
    "DEC",
    "DECIMAL",
    "DOUBLE",
    "INT",
    "INTEGER",
    "MAP",
    "NUMERIC",
    "STRING",
    "STRUCT",
    "TEXT",
    "TIME",
    "TIMESTAMP",
    "VARCHAR",
];

/// The command that makes a type. None: it is there, and IF NOT EXISTS does not mind.
///
/// Errors: 42710 for a name that is taken, 42704 for an unknown type in the definition.
pub fn plan_create_type(create: &CreateType, catalog: &Catalog) -> Result<Option<Command>, SqlError> {
    let (name, here) = (&create.name.value, Some(create.name.position));
    let taken = |message: String| SqlError::new(sqlstate::DUPLICATE_OBJECT, message).at(here);
    if TAKEN.contains(&name.as_str()) {
        return Err(taken(format!("\"{name}\" is a type of the language")).hint("choose another name"));
    }
    let ty = create.ty.resolve(&|name| catalog.custom_type(name).cloned())?;
    match catalog.custom_type(name) {
        None => Ok(Some(Command::PutType { name: name.clone(), ty })),
        Some(_) if create.if_not_exists => Ok(None),
        Some(there) => Err(taken(format!("type \"{name}\" already exists"))
            .detail(format!("it is {there}"))
            .hint("DROP TYPE it first; what was made with it stays as it is")),
    }
}

/// The command that drops a type. None: it is not there, and `if_exists` does not mind.
///
/// Errors: 42704 for an unknown type.
pub fn plan_drop_type(name: &Name, if_exists: bool, catalog: &Catalog) -> Result<Option<Command>, SqlError> {
    if catalog.custom_type(&name.value).is_some() {
        return Ok(Some(Command::DropType(name.value.clone())));
    }
    if if_exists {
        return Ok(None);
    }
    let error = SqlError::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{}\" does not exist", name.value));
    let hint = match nearest(&name.value, catalog.custom_types().keys().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "SHOW TYPES lists what there is".to_owned(),
    };
    Err(error.hint(hint).at(Some(name.position)))
}
