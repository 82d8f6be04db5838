//! Names that lead to the columns of a scope.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::physical_expr::expressions::Column;
use sqlparser::ast::{Expr, Function};

use super::names::Names;
use super::{Bound, Scope};
use crate::functions::suggest::nearest;
use crate::sql::{Position, SqlError, SqlType, quote_ident as quoted, sqlstate};

pub struct ScopeNames<'a> {
    scope: &'a Scope,
    /// The arguments of an aggregate are bound: no other aggregate may be in them.
    in_aggregate: bool,
}

impl<'a> ScopeNames<'a> {
    pub fn new(scope: &'a Scope) -> Self {
        Self { scope, in_aggregate: false }
    }

    pub fn in_aggregate(scope: &'a Scope) -> Self {
        Self { scope, in_aggregate: true }
    }
}

impl Names for ScopeNames<'_> {
    fn whole(&mut self, _expr: &Expr) -> Result<Option<Bound>, SqlError> {
        Ok(None)
    }

    fn column(
        &mut self,
        qualifier: Option<&str>,
        name: &str,
        at: Option<Position>,
    ) -> Result<Bound, SqlError> {
        let index = find(self.scope, qualifier, name).map_err(|e| e.at(at))?;
        let column = self.scope.columns.get(index).ok_or_else(|| SqlError::internal("no such column"))?;
        Ok(Bound {
            expr: Arc::new(Column::new(&column.name, index)),
            ty: Some(column.ty.clone()),
            text: column_text(self.scope, index),
        })
    }

    fn aggregate(&mut self, call: &Function, at: Option<Position>) -> Result<Bound, SqlError> {
        Err(if self.in_aggregate {
            SqlError::new(sqlstate::GROUPING_ERROR, "aggregate function calls cannot be nested")
        } else {
            SqlError::new(
                sqlstate::GROUPING_ERROR,
                format!("aggregate function {} is not allowed here", call.name),
            )
            .hint("aggregates go into SELECT or HAVING of a query with GROUP BY")
        }
        .at(at))
    }

    fn custom_type(&self, name: &str) -> Option<SqlType> {
        self.scope.types.get(name).cloned()
    }

    fn schema(&self) -> Schema {
        self.scope.schema()
    }
}

/// The index of a column. Errors: no such column, or several.
pub fn find(scope: &Scope, qualifier: Option<&str>, name: &str) -> Result<usize, SqlError> {
    let mut found = scope
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.name == name && qualifier.is_none_or(|q| c.qualifier.as_deref() == Some(q)))
        .map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(SqlError::new(
            sqlstate::AMBIGUOUS_COLUMN,
            format!("column reference {} is ambiguous", quoted(name)),
        )
        .hint("write the name of its stream or table before it")),
        (None, _) => Err(unknown(scope, qualifier, name)),
    }
}

/// The column's name, with its source's where the name alone is not enough.
pub fn column_text(scope: &Scope, index: usize) -> String {
    let Some(column) = scope.columns.get(index) else { return String::new() };
    let unique = scope.columns.iter().filter(|c| c.name == column.name).count() == 1;
    match &column.qualifier {
        Some(qualifier) if !unique => format!("{}.{}", quoted(qualifier), quoted(&column.name)),
        _ => quoted(&column.name),
    }
}

fn unknown(scope: &Scope, qualifier: Option<&str>, name: &str) -> SqlError {
    if let Some(qualifier) = qualifier
        && !scope.columns.iter().any(|c| c.qualifier.as_deref() == Some(qualifier))
    {
        let qualifiers = scope.columns.iter().filter_map(|c| c.qualifier.as_deref());
        let message = format!("there is no stream or table {} in FROM", quoted(qualifier));
        let error = SqlError::new(sqlstate::UNDEFINED_TABLE, message);
        return match nearest(qualifier, qualifiers) {
            Some(near) => error.hint(format!("did you mean {}?", quoted(near))),
            None => error,
        };
    }
    let shown = match qualifier {
        Some(qualifier) => format!("{}.{}", quoted(qualifier), quoted(name)),
        None => quoted(name),
    };
    let error = SqlError::new(sqlstate::UNDEFINED_COLUMN, format!("column {shown} does not exist"));
    if scope.columns.is_empty() {
        return error.hint("only constants can be used here");
    }
    match nearest(name, scope.columns.iter().map(|c| c.name.as_str())) {
        Some(near) => error.hint(format!("did you mean {}?", quoted(near))),
        None => {
            // A stated bound: no line of a thousand names.
            let names: Vec<_> = scope.columns.iter().take(20).map(|c| quoted(&c.name)).collect();
            error.hint(format!("there are {}", names.join(", ")))
        }
    }
}
