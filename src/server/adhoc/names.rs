//! Names of result columns as Postgres gives them.
//!
//! DataFusion refuses two columns of one name and calls an expression by its whole text. So each expression without a
//! name gets Postgres' (`count`, `?column?`), and the second of a name an invisible mark that is cut off on the way out.

use std::collections::HashSet;

use sqlparser::ast as sp;

/// Separates a name from the number that makes it unique. No name that a user types has it.
const MARK: char = '\u{1}';

/// Names the columns of the query's outermost SELECTs.
pub fn assign(query: &mut sp::Query) {
    body(&mut query.body);
}

/// The name without its mark.
pub fn shown(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

fn body(body: &mut sp::SetExpr) {
    match body {
        sp::SetExpr::Select(select) => items(&mut select.projection),
        sp::SetExpr::Query(query) => assign(query),
        sp::SetExpr::SetOperation { left, right, .. } => {
            self::body(left);
            self::body(right);
        }
        _ => {}
    }
}

fn items(items: &mut [sp::SelectItem]) {
    let mut taken = HashSet::new();
    for (i, item) in items.iter_mut().enumerate() {
        let (expr, name, named) = match item {
            sp::SelectItem::UnnamedExpr(expr) => {
                let plain = matches!(expr, sp::Expr::Identifier(_) | sp::Expr::CompoundIdentifier(_));
                (expr.clone(), column_name(expr), plain)
            }
            sp::SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), alias.value.clone(), true),
            _ => continue,
        };
        let fresh = taken.insert(name.clone());
        if fresh && named {
            continue;
        }
        let name = if fresh { name } else { format!("{name}{MARK}{i}") };
        *item = sp::SelectItem::ExprWithAlias { expr, alias: sp::Ident::with_quote('"', name) };
    }
}

/// What Postgres calls the column of an expression.
pub fn column_name(expr: &sp::Expr) -> String {
    named(expr).unwrap_or_else(|| "?column?".to_owned())
}

fn named(expr: &sp::Expr) -> Option<String> {
    Some(match expr {
        sp::Expr::Identifier(ident) => ident.value.clone(),
        sp::Expr::CompoundIdentifier(parts) => parts.last()?.value.clone(),
        sp::Expr::Function(function) => {
            function.name.0.last().and_then(|p| p.as_ident()).map(|i| i.value.to_lowercase())?
        }
        sp::Expr::Cast { expr, data_type, .. } => {
            named(expr).unwrap_or_else(|| data_type.to_string().to_lowercase())
        }
        sp::Expr::Nested(expr) | sp::Expr::Collate { expr, .. } => return named(expr),
        sp::Expr::Case { .. } => "case".to_owned(),
        sp::Expr::Extract { .. } => "extract".to_owned(),
        sp::Expr::Substring { .. } => "substring".to_owned(),
        sp::Expr::Trim { .. } => "btrim".to_owned(),
        sp::Expr::Position { .. } => "position".to_owned(),
        sp::Expr::Ceil { .. } => "ceil".to_owned(),
        sp::Expr::Floor { .. } => "floor".to_owned(),
        sp::Expr::Exists { .. } => "exists".to_owned(),
        sp::Expr::Array(_) => "array".to_owned(),
        sp::Expr::TypedString(typed) => typed.data_type.to_string().to_lowercase(),
        sp::Expr::Interval(_) => "interval".to_owned(),
        sp::Expr::Value(value) => match value.value {
            sp::Value::Boolean(_) => "bool".to_owned(),
            _ => return None,
        },
        sp::Expr::Subquery(query) => match query.body.as_ref() {
            sp::SetExpr::Select(select) => match select.projection.first()? {
                sp::SelectItem::UnnamedExpr(expr) => return named(expr),
                sp::SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    })
}
