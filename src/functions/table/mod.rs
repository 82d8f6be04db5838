//! Table functions: an array in, a row for each of its elements out. They stand in SELECT, where several of them go side by
//! side: the shorter ones are filled up with NULLs.
//!
//! A function only says which array is to be taken apart; the engine's flat map does that for all of them.

mod cube;

pub use cube::cube;

/// A table function of the registry.
#[derive(Debug)]
pub struct TableFunction {
    /// Upper case.
    pub name: &'static str,
    /// One line for SHOW FUNCTIONS.
    pub summary: &'static str,
    /// Written as those of scalar functions are, with the array that is taken apart as the result.
    pub signature: &'static str,
    pub takes_apart: TakesApart,
}

/// Which array a table function makes rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesApart {
    /// Its argument.
    Argument,
    /// The [`cube`] of its argument.
    Cube,
}

/// In order of their names.
static TABLE_FUNCTIONS: [TableFunction; 2] = [
    TableFunction {
        name: "CUBE_EXPLODE",
        summary: "A row for each combination of the elements with NULL in their places, of all NULLs first",
        signature: "(columns ARRAY<T>) -> ARRAY<ARRAY<T>>",
        takes_apart: TakesApart::Cube,
    },
    TableFunction {
        name: "EXPLODE",
        summary: "A row for each element of the array; none for an empty array or NULL",
        signature: "(list ARRAY<T>) -> ARRAY<T>",
        takes_apart: TakesApart::Argument,
    },
];

/// All table functions, in order of their names.
pub fn table_functions() -> &'static [TableFunction] {
    &TABLE_FUNCTIONS
}

/// The table function of this name, in any case.
pub fn find(name: &str) -> Option<&'static TableFunction> {
    table_functions().iter().find(|function| function.name.eq_ignore_ascii_case(name))
}
