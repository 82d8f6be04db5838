//! DataFusion's errors in our words: a SQLSTATE always, a primary line in Postgres' style, a hint where there is one.

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::functions::suggest::nearest;
use crate::sql::{Position, SqlError, sqlstate as code};

/// Translates an error of planning or running. `tables` are the names that might have been meant.
pub fn sql_error(error: DataFusionError, tables: &[String]) -> SqlError {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let start = diagnostic.span.map(|s| s.start);
            let position = start.map(|l| Position { line: l.line, column: l.column });
            sql_error(*inner, tables).at(position.filter(|p| p.line > 0))
        }
        DataFusionError::Context(_, inner) => sql_error(*inner, tables),
        DataFusionError::Collection(errors) => match errors.into_iter().next() {
            Some(first) => sql_error(first, tables),
            None => SqlError::internal("an empty list of errors"),
        },
        DataFusionError::Shared(inner) => from_ref(&inner, tables),
        DataFusionError::External(inner) => match inner.downcast::<SqlError>() {
            Ok(ours) => *ours,
            Err(other) => match other.downcast::<DataFusionError>() {
                Ok(inner) => sql_error(*inner, tables),
                Err(other) => text(&other.to_string(), tables),
            },
        },
        other => from_ref(&other, tables),
    }
}

fn from_ref(error: &DataFusionError, tables: &[String]) -> SqlError {
    match error {
        DataFusionError::SchemaError(schema, _) => schema_error(schema),
        DataFusionError::ArrowError(arrow, _) => arrow_error(arrow),
        DataFusionError::ResourcesExhausted(_) => {
            SqlError::new(code::OUT_OF_MEMORY, "out of memory for ad-hoc queries")
                .detail(first_line(&error.strip_backtrace()))
                .hint("ask for fewer rows or groups, or raise the limit of memory for ad-hoc queries")
        }
        DataFusionError::NotImplemented(what) => SqlError::not_supported(lower(first_line(what))),
        DataFusionError::SQL(parser, _) => SqlError::new(code::SYNTAX_ERROR, lower(parser.to_string())),
        DataFusionError::Plan(what) | DataFusionError::Execution(what) => text(what, tables),
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(ours) => ours.clone(),
            None => text(&inner.to_string(), tables),
        },
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => from_ref(inner, tables),
        other => SqlError::internal(other.strip_backtrace()),
    }
}

fn schema_error(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let error = SqlError::new(
                code::UNDEFINED_COLUMN,
                format!("column \"{}\" does not exist", field.flat_name().replace('"', "")),
            );
            let names: Vec<&str> = valid_fields.iter().map(|c| c.name.as_str()).collect();
            match nearest(&field.name, names.iter().copied()) {
                Some(near) => error.hint(format!("perhaps you meant \"{near}\"")),
                None if names.is_empty() => error,
                None => error.hint(format!("columns here: {}", names.join(", "))),
            }
        }
        SchemaError::AmbiguousReference { field } => {
            SqlError::new(code::AMBIGUOUS_COLUMN, format!("column reference \"{}\" is ambiguous", field.name))
                .hint("put the name of the table in front: table.column")
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            SqlError::new(code::DUPLICATE_COLUMN, format!("column \"{name}\" specified more than once"))
                .hint("name the columns of the subquery apart with AS")
        }
    }
}

fn arrow_error(error: &ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new(code::DIVISION_BY_ZERO, "division by zero"),
        ArrowError::ArithmeticOverflow(what) => {
            SqlError::new(code::NUMERIC_OUT_OF_RANGE, "value out of range").detail(what.clone())
        }
        ArrowError::CastError(what) | ArrowError::ParseError(what) => {
            if let (Some(value), Some(ty)) = (
                between(what, "Cannot cast string '", "' to value of "),
                between(what, "to value of ", " type"),
            ) {
                let ty = match ty {
                    "Int32" => "integer",
                    "Int64" => "bigint",
                    "Float64" => "double precision",
                    "Boolean" => "boolean",
                    other => other,
                };
                let message = format!("invalid input syntax for type {ty}: \"{value}\"");
                return SqlError::new(code::INVALID_TEXT, message);
            }
            let out_of_range =
                what.contains("out of range") || what.contains("overflow") || what.contains("too large");
            let state = if out_of_range { code::NUMERIC_OUT_OF_RANGE } else { code::INVALID_TEXT };
            SqlError::new(state, lower(first_line(what)))
        }
        ArrowError::InvalidArgumentError(what) | ArrowError::ComputeError(what) => {
            SqlError::new(code::INVALID_PARAMETER, lower(first_line(what)))
        }
        ArrowError::NotYetImplemented(what) => SqlError::not_supported(lower(first_line(what))),
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<SqlError>() {
            Some(ours) => ours.clone(),
            None => text(&inner.to_string(), &[]),
        },
        other => SqlError::internal(other),
    }
}

/// Errors that DataFusion tells apart only by their words.
fn text(what: &str, tables: &[String]) -> SqlError {
    let line = first_line(what);
    if let Some(name) = between(what, "table '", "' not found") {
        let error = SqlError::new(code::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"));
        return match nearest(name, tables.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("perhaps you meant \"{near}\"")),
            None => error.hint("SHOW STREAMS and SHOW TABLES list what there is"),
        };
    }
    if let Some(name) = between(what, "Invalid function '", "'") {
        let error = SqlError::new(code::UNDEFINED_FUNCTION, format!("function {name} does not exist"));
        return match between(what, "Did you mean '", "'") {
            Some(near) => error.hint(format!("perhaps you meant {near}; SHOW FUNCTIONS lists them all")),
            None => error.hint("SHOW FUNCTIONS lists the functions"),
        };
    }
    if what.contains("must appear in the GROUP BY clause")
        && let Some(column) = between(what, "column \"", "\"")
    {
        return SqlError::new(
            code::GROUPING_ERROR,
            format!(
                "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
            ),
        );
    }
    let has = |words: &[&str]| words.iter().any(|w| what.contains(w));
    let state = if has(&["Divide by zero", "division by zero"]) {
        return SqlError::new(code::DIVISION_BY_ZERO, "division by zero");
    } else if has(&["GROUP BY", "must appear in"]) && has(&["aggregate", "could not be resolved"]) {
        code::GROUPING_ERROR
    } else if has(&["No function matches", "does not support", "Failed to coerce", "coerce"])
        && has(&["function"])
    {
        code::UNDEFINED_FUNCTION
    } else if has(&["Cannot infer common", "coerce", "type mismatch", "Cannot coerce", "UNION"]) {
        code::DATATYPE_MISMATCH
    } else if has(&["Cannot cast", "cast"]) {
        code::INVALID_TEXT
    } else if has(&["Ambiguous", "ambiguous"]) {
        code::AMBIGUOUS_COLUMN
    } else if has(&["more than one row"]) {
        "21000"
    } else {
        code::SYNTAX_ERROR
    };
    SqlError::new(state, lower(line))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Postgres' primary lines begin in lower case, unless with a name.
fn lower(text: String) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_ascii_uppercase() && second.is_ascii_lowercase() => {
            first.to_ascii_lowercase().to_string() + chars.as_str()
        }
        _ => text,
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}
