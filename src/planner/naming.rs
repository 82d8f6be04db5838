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

    /// A field of a struct brings its own name, or `name_<n>` where that is in use.
    pub fn field(&mut self, field: &str) -> String {
        let numbered = (1..).map(|n| format!("{field}_{n}"));
        let name = std::iter::once(field.to_owned()).chain(numbered).find(|name| !self.used.contains(name));
        let name = name.unwrap_or_default();
        self.used.insert(name.clone());
        name
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
