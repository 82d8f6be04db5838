//! Scalar functions: one table of functions and their overloads, used by continuous queries through [`resolve`] and by
//! ad-hoc SQL as DataFusion's functions.
//!
//! A function is a name, a summary and overloads; an overload is a [`signature`] and a kernel over whole columns. To add
//! one, write its kernel in the file of its family and add it to the family's table.

mod aliases;
mod args;
mod bytes;
mod collections;
mod conditional;
mod dates;
mod dates_parts;
mod encoding;
mod extremes;
mod geo;
mod h3;
mod joining;
mod json;
mod json_concat;
mod json_contains;
mod json_path;
mod json_text;
mod json_write;
pub mod lambda;
mod maps;
mod mask;
mod math;
mod math_round;
mod math_trig;
mod nested;
mod order;
mod parts;
mod regex;
mod regex_class;
mod regex_java;
#[cfg(test)]
mod regex_tests;
mod rows;
pub mod signature;
mod strings;
mod strings_code;
mod strings_find;
#[cfg(test)]
pub mod testing;
mod time;
mod udf;
mod url;
mod url_parts;

use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::ScalarUDF;

pub use aliases::{of as aliases_of, unknown};
pub use args::{Args, Argument};
pub use dates::{UNITS, unit};
pub use signature::{Kernel, Overload, Signature};

use crate::sql::{SqlError, SqlType, sqlstate};

/// A scalar function of the registry.
#[derive(Debug)]
pub struct ScalarFunction {
    /// Upper case.
    pub name: &'static str,
    /// One line for SHOW FUNCTIONS.
    pub summary: &'static str,
    pub overloads: &'static [Overload],
    /// The function is there to replace NULL: an argument that fails counts as NULL and the row goes on.
    pub takes_failures: bool,
}

/// An overload that fits a call.
#[derive(Debug, Clone)]
pub struct ResolvedScalar {
    pub function: &'static ScalarFunction,
    pub udf: Arc<ScalarUDF>,
    /// What each argument is to be converted to.
    pub params: Vec<SqlType>,
    pub returns: SqlType,
}

struct Entry {
    /// The heading under which the documents have it.
    family: &'static str,
    function: &'static ScalarFunction,
    overloads: Vec<(Signature, &'static Overload)>,
    udf: Arc<ScalarUDF>,
}

static REGISTRY: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let families = [
        ("Bytes", bytes::FUNCTIONS),
        ("Arrays and maps", collections::FUNCTIONS),
        ("Conditions", conditional::FUNCTIONS),
        ("Dates and times", dates::FUNCTIONS),
        ("Dates and times", dates_parts::FUNCTIONS),
        ("Conditions", extremes::FUNCTIONS),
        ("Places", geo::FUNCTIONS),
        ("Places", h3::FUNCTIONS),
        ("Text", joining::FUNCTIONS),
        ("JSON", json::FUNCTIONS),
        ("Arrays and maps", lambda::FUNCTIONS),
        ("Arrays and maps", maps::FUNCTIONS),
        ("Text", mask::FUNCTIONS),
        ("Numbers", math::FUNCTIONS),
        ("Numbers", math_round::FUNCTIONS),
        ("Numbers", math_trig::FUNCTIONS),
        ("Arrays and maps", parts::FUNCTIONS),
        ("Text", regex::FUNCTIONS),
        ("Text", strings::FUNCTIONS),
        ("Text", strings_code::FUNCTIONS),
        ("Text", strings_find::FUNCTIONS),
        ("Dates and times", time::FUNCTIONS),
        ("URLs", url::FUNCTIONS),
    ];
    let functions =
        families.into_iter().flat_map(|(family, functions)| functions.iter().map(move |f| (family, f)));
    let entry = |(family, function)| Entry {
        family,
        function,
        overloads: parsed(function),
        udf: Arc::new(udf::udf(function)),
    };
    let mut entries: Vec<_> = functions.map(entry).collect();
    entries.sort_by_key(|entry| entry.function.name);
    entries
});

/// The overloads with their signatures. One that does not parse is left out: a test holds that there is none.
fn parsed(function: &'static ScalarFunction) -> Vec<(Signature, &'static Overload)> {
    let parse = |overload: &'static Overload| Some((signature::parse(overload.signature).ok()?, overload));
    function.overloads.iter().filter_map(parse).collect()
}

/// All scalar functions, in order of their names.
pub fn scalars() -> impl Iterator<Item = &'static ScalarFunction> {
    REGISTRY.iter().map(|entry| entry.function)
}

/// All scalar functions with their families, in order of their names.
pub fn families() -> impl Iterator<Item = (&'static str, &'static ScalarFunction)> {
    REGISTRY.iter().map(|entry| (entry.family, entry.function))
}

/// All scalar functions as DataFusion knows them, in order of their names, which are lower case.
pub fn udfs() -> impl Iterator<Item = &'static Arc<ScalarUDF>> {
    REGISTRY.iter().map(|entry| &entry.udf)
}

/// Refuses constants that a function can use in no row: patterns and time zones. `args` holds the constant texts.
pub fn check_constants(name: &str, args: &[Option<&str>]) -> Result<(), String> {
    time::check_constants(name, args)?;
    regex::check_constants(name, args)
}

/// The scalar function of this name or alias, in any case.
pub fn find(name: &str) -> Option<&'static ScalarFunction> {
    entry(name).map(|entry| entry.function)
}

/// Chooses the overload for a call; None stands for the literal NULL, which fits every parameter. An exact fit comes first,
/// then implicit widening, then variadic and generic overloads (dialect 8).
///
/// Errors: no such function (with a hint), no overload that fits (with those there are), several that fit alike.
pub fn resolve(name: &str, args: &[Option<SqlType>]) -> Result<ResolvedScalar, SqlError> {
    let Some(entry) = entry(name) else { return Err(unknown(name)) };
    let function = entry.function;
    let fit = |(signature, overload): &'static (Signature, &Overload)| {
        Some((signature.fit(args)?, signature, *overload))
    };
    let mut fits: Vec<_> = entry.overloads.iter().filter_map(fit).collect();
    fits.sort_by_key(|(fit, _, _)| fit.cost);
    let call = || format!("{}({})", function.name, types_text(args));
    match fits.as_slice() {
        [] => Err(SqlError::new(sqlstate::UNDEFINED_FUNCTION, format!("function {} does not exist", call()))
            .hint(format!("the function is there as {}", signatures(function).join(", ")))),
        [(first, _, _), (second, _, _), ..] if first.cost == second.cost => {
            Err(SqlError::new("42725", format!("function {} is not unique", call()))
                .detail(format!("these fit alike: {}", signatures(function).join(", ")))
                .hint("add a CAST to choose one"))
        }
        [(fit, signature, overload), ..] => {
            let unknown = || {
                SqlError::new(
                    sqlstate::DATATYPE_MISMATCH,
                    format!("could not determine the type of {}", call()),
                )
                .hint("add a CAST to one of the NULLs")
            };
            let params = fit.params.iter().cloned().collect::<Option<Vec<_>>>().ok_or_else(unknown)?;
            let returns = match overload.returns {
                Some(returns) => returns(&params),
                None => signature.result(&params, &fit.bindings).ok_or_else(unknown)?,
            };
            Ok(ResolvedScalar { function, udf: entry.udf.clone(), params, returns })
        }
    }
}

/// The kernel that takes arguments of exactly these types.
fn kernel(name: &str, args: &[SqlType]) -> Option<signature::Kernel> {
    let (_, overload) = entry(name)?.overloads.iter().find(|(signature, _)| signature.takes(args))?;
    Some(overload.kernel)
}

fn entry(name: &str) -> Option<&'static Entry> {
    let name = aliases::canonical(name);
    REGISTRY.iter().find(|entry| entry.function.name.eq_ignore_ascii_case(name))
}

/// Whether the i-th argument of a call is a bare time unit.
pub fn takes_unit(name: &str, i: usize) -> bool {
    let is_unit = |(signature, _): &(Signature, &Overload)| {
        signature.param(i).is_some_and(|param| param.pattern == signature::Pattern::Unit)
    };
    entry(name).is_some_and(|entry| entry.overloads.iter().any(is_unit))
}

/// The overloads as text, such as `LEN(input STRING) -> INT`.
pub fn signatures(function: &ScalarFunction) -> Vec<String> {
    signatures_as(function, function.name)
}

/// The overloads as text, under another name of the function.
pub fn signatures_as(function: &ScalarFunction, name: &str) -> Vec<String> {
    function.overloads.iter().map(|overload| format!("{name}{}", overload.signature)).collect()
}

fn types_text(args: &[Option<SqlType>]) -> String {
    let types: Vec<_> =
        args.iter().map(|ty| ty.as_ref().map_or("NULL".to_owned(), SqlType::to_string)).collect();
    types.join(", ")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(name: &str, args: &[Option<SqlType>], expected: Expect) {
        expected.assert_eq(&match resolve(name, args) {
            Ok(r) => {
                let params: Vec<_> = r.params.iter().map(|p| p.to_string()).collect();
                format!("{}({}) -> {}", r.function.name, params.join(", "), r.returns)
            }
            Err(e) => format!("{} {e}; {}", e.sqlstate, e.hint.clone().unwrap_or_default()),
        });
    }

    #[test]
    fn overloads() {
        use SqlType::*;
        let decimal = Decimal { precision: 4, scale: 2 };
        check("abs", &[Some(Int)], expect!["ABS(INTEGER) -> INTEGER"]);
        check("ABS", &[Some(decimal.clone())], expect!["ABS(DECIMAL(4, 2)) -> DECIMAL(4, 2)"]);
        check("ROUND", &[Some(Int), Some(Int)], expect!["ROUND(DECIMAL(10, 0), INTEGER) -> DECIMAL(10, 0)"]);
        check("LN", &[Some(BigInt)], expect!["LN(DOUBLE) -> DOUBLE"]);
        check("SUBSTRING", &[Some(String), None], expect!["SUBSTRING(STRING, INTEGER) -> STRING"]);
        check(
            "COALESCE",
            &[Some(Int), None, Some(decimal)],
            expect!["COALESCE(DECIMAL(12, 2), DECIMAL(12, 2), DECIMAL(12, 2)) -> DECIMAL(12, 2)"],
        );
        check("CONCAT", &[Some(Bytes), None], expect!["CONCAT(BYTES, BYTES) -> BYTES"]);
        check("LEN", &[None], expect!["42725 function LEN(NULL) is not unique; add a CAST to choose one"]);
        check(
            "COALESCE",
            &[None, None],
            expect![
                "42804 could not determine the type of COALESCE(NULL, NULL); add a CAST to one of the NULLs"
            ],
        );
        check(
            "LCASE",
            &[Some(Int)],
            expect![
                "42883 function LCASE(INTEGER) does not exist; the function is there as LCASE(input STRING) -> STRING"
            ],
        );
        check("upper", &[Some(String)], expect!["UCASE(STRING) -> STRING"]);
        check("COALESC", &[], expect!["42883 function COALESC does not exist; did you mean COALESCE?"]);
    }

    #[test]
    fn signatures_are_well_formed() {
        for overload in scalars().flat_map(|function| function.overloads) {
            let parsed = signature::parse(overload.signature);
            assert_eq!(parsed.map(|parsed| parsed.to_string()).as_deref(), Ok(overload.signature));
        }
    }

    #[test]
    fn names_are_unique() {
        let names: Vec<_> = scalars().map(|f| f.name).collect();
        let mut unique = names.clone();
        unique.dedup();
        assert_eq!(names, unique);
    }
}
