//! The SELECT list: stars expanded, names given.

use sqlparser::ast::{Expr, Ident, Select, SelectItem, SelectItemQualifiedWildcardKind};

use super::create::PSEUDO_COLUMNS;
use super::expr::{Bound, all_fields, field_name, field_of};
use super::naming::ColumnNames;
use super::relation::Relation;
use crate::sql::{Position, SqlError, SqlType, position_of, sqlstate};

/// One column of the result.
pub struct Item {
    pub name: String,
    pub bound: Bound,
    pub position: Option<Position>,
}

impl Item {
    /// For EXPLAIN.
    pub fn text(&self) -> String {
        if self.bound.text == self.name {
            self.name.clone()
        } else {
            format!("{} AS {}", self.bound.text, self.name)
        }
    }
}

/// A part of what `*` stands for.
#[derive(Clone)]
pub enum StarItem {
    /// An index in the relation's scope.
    Column(usize),
    /// A key column that PARTITION BY makes, with the name it brings.
    Key { bound: Bound, name: Option<String> },
}

/// Binds the SELECT list with `bind`, in order. `expansion` is what `*` stands for.
pub fn select_items(
    select: &Select,
    relation: &Relation,
    expansion: &[StarItem],
    mut bind: impl FnMut(&Expr) -> Result<Bound, SqlError>,
) -> Result<Vec<Item>, SqlError> {
    let aliases = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    });
    let own = relation.scope.columns.iter().map(|c| c.name.clone());
    let mut names = ColumnNames::new(own.chain(aliases));
    let mut items = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) if all_fields(expr).is_some() => {
                let Some(structure) = all_fields(expr) else { continue };
                let position = position_of(expr);
                let bound = bind(&structure)?;
                let Some(SqlType::Struct(fields)) = bound.ty else {
                    let message = format!("{} is no STRUCT and has no fields", bound.text);
                    return Err(SqlError::new(sqlstate::WRONG_OBJECT_TYPE, message).at(position));
                };
                for field in fields {
                    let bound = bind(&field_of(&structure, &field.name))?;
                    items.push(Item { name: field.name, bound, position });
                }
            }
            SelectItem::UnnamedExpr(expr) => {
                let name = match field_name(expr) {
                    Some(field) => names.field(field),
                    None => column_name(expr).unwrap_or_else(|| names.generate()),
                };
                items.push(Item { name, bound: bind(expr)?, position: position_of(expr) });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let position = position_of(expr);
                if PSEUDO_COLUMNS.contains(&alias.value.as_str())
                    && column_name(expr).as_ref() != Some(&alias.value)
                {
                    return Err(SqlError::new(
                        sqlstate::INVALID_DEFINITION,
                        format!("\"{}\" is a system column and cannot be an alias", alias.value),
                    )
                    .at(position));
                }
                items.push(Item { name: alias.value.clone(), bound: bind(expr)?, position });
            }
            SelectItem::Wildcard(_) => star(relation, expansion, &mut names, &mut bind, &mut items)?,
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let qualifier = name.to_string().replace(['`', '"'], "");
                if qualifier != relation.alias {
                    return Err(SqlError::new(
                        sqlstate::UNDEFINED_TABLE,
                        format!("\"{qualifier}\" is not in FROM"),
                    ));
                }
                star(relation, expansion, &mut names, &mut bind, &mut items)?;
            }
            other => return Err(SqlError::not_supported(format!("{other} in a SELECT list"))),
        }
    }
    Ok(items)
}

fn star(
    relation: &Relation,
    expansion: &[StarItem],
    names: &mut ColumnNames,
    bind: &mut impl FnMut(&Expr) -> Result<Bound, SqlError>,
    items: &mut Vec<Item>,
) -> Result<(), SqlError> {
    for item in expansion {
        let index = match item {
            StarItem::Column(index) => *index,
            StarItem::Key { bound, name } => {
                let name = name.clone().unwrap_or_else(|| names.generate());
                items.push(Item { name, bound: bound.clone(), position: None });
                continue;
            }
        };
        let Some(column) = relation.scope.columns.get(index) else { continue };
        let bound = bind(&Expr::Identifier(Ident::with_quote('`', &column.name)))?;
        items.push(Item { name: column.name.clone(), bound, position: None });
    }
    Ok(())
}

/// The name that an expression brings by itself: a column's.
pub(super) fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|i| i.value.clone()),
        Expr::Nested(inner) => column_name(inner),
        _ => field_name(expr).map(str::to_owned),
    }
}
