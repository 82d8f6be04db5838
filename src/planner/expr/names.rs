//! Where the names in an expression lead: the seam between the binder and what it binds over.

use arrow::datatypes::Schema;
use sqlparser::ast::{Expr, Function, Ident};

use super::Bound;
use crate::functions::table::TableFunction;
use crate::sql::{Position, SqlError, SqlType, sqlstate};

/// What an expression is bound over: the columns of a source, or the output of a GROUP BY.
pub trait Names {
    /// Asked before every node: Some binds the whole node at once.
    fn whole(&mut self, expr: &Expr) -> Result<Option<Bound>, SqlError>;

    fn column(
        &mut self,
        qualifier: Option<&str>,
        name: &str,
        at: Option<Position>,
    ) -> Result<Bound, SqlError>;

    /// A call of an aggregate function.
    fn aggregate(&mut self, call: &Function, at: Option<Position>) -> Result<Bound, SqlError>;

    /// A call of a table function. Few places have room for its rows.
    fn table_function(
        &mut self,
        function: &'static TableFunction,
        _call: &Function,
        at: Option<Position>,
    ) -> Result<Bound, SqlError> {
        let message = format!("table function {} is not allowed here", function.name);
        Err(SqlError::new(sqlstate::INVALID_DEFINITION, message)
            .detail("each of its rows would have to be a row of the result")
            .hint("table functions go into SELECT of a query over a stream, without GROUP BY")
            .at(at))
    }

    /// What a custom type stands for.
    fn custom_type(&self, name: &str) -> Option<SqlType>;

    /// The columns so far.
    fn schema(&self) -> Schema;
}

/// A name as the catalog knows it: upper case unless quoted.
pub fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_uppercase() }
}
