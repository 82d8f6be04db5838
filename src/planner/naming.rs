//! Names of result columns (dialect 10.2).

use std::collections::HashSet;

/// Gives an expression without an alias its name, `KSQL_COL_<n>`, past names that are in use.
#[derive(Debug, Default)]
pub struct ColumnNames {
    used: HashSet<String>,
    next: usize,
}

impl ColumnNames {
    /// `used`: the names of the source's columns and all aliases of the statement.
    pub fn new(used: impl IntoIterator<Item = String>) -> Self {
        Self { used: used.into_iter().collect(), next: 0 }
    }

    pub fn generate(&mut self) -> String {
        loop {
            let name = format!("KSQL_COL_{}", self.next);
            self.next += 1;
            if !self.used.contains(&name) {
                return name;
            }
        }
    }
}
