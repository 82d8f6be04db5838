//! What a query may ask about its session: `version()`, `current_schema()`, `current_setting('…')` and the like, which
//! drivers send when they connect or take a connection from a pool. They are replaced by their values before planning.

use std::ops::ControlFlow;

use sqlparser::ast as sp;
use sqlparser::ast::VisitMut;

use crate::server::parameters::{Parameters, SERVER_VERSION};
use crate::sql::SqlError;

/// The session as expressions see it.
pub struct Facts<'a> {
    pub id: i32,
    pub user: &'a str,
    pub database: &'a str,
    pub parameters: &'a Parameters,
    /// Whether `set_config()` takes effect: not while a statement is only described.
    pub may_set: bool,
}

impl Facts<'_> {
    /// Replaces the calls in a query. Returns whether there were any.
    pub fn replace(&self, query: &mut sp::Query) -> Result<bool, SqlError> {
        let mut visitor = Visitor { facts: self, found: false };
        match query.visit(&mut visitor) {
            ControlFlow::Continue(()) => Ok(visitor.found),
            ControlFlow::Break(error) => Err(error),
        }
    }

    fn call(&self, name: &str, args: &[sp::Expr]) -> Result<Option<sp::Value>, SqlError> {
        let text = |s: &str| Ok(Some(sp::Value::SingleQuotedString(s.to_owned())));
        let number = |n: i64| Ok(Some(sp::Value::Number(n.to_string(), false)));
        match (name, args) {
            ("version", []) => text(&format!(
                "PostgreSQL {SERVER_VERSION} on {}-{}",
                std::env::consts::ARCH,
                std::env::consts::OS
            )),
            ("current_schema", []) => text("public"),
            ("current_database" | "current_catalog", []) => text(self.database),
            ("current_user" | "session_user" | "user" | "current_role" | "getpgusername", []) => {
                text(self.user)
            }
            ("pg_backend_pid", []) => number(i64::from(self.id)),
            ("txid_current" | "pg_current_xact_id", []) => number(1),
            ("pg_advisory_unlock_all", []) => text(""),
            ("pg_is_in_recovery" | "pg_is_wal_replay_paused", []) => Ok(Some(sp::Value::Boolean(false))),
            ("current_setting", [setting, rest @ ..]) => {
                let Some(setting) = literal(setting) else { return Ok(None) };
                let missing_ok = rest.first().and_then(literal).is_some_and(|v| v == "true");
                match self.parameters.get(&setting) {
                    Ok(value) => text(&value),
                    Err(_) if missing_ok => Ok(Some(sp::Value::Null)),
                    Err(e) => Err(e),
                }
            }
            ("set_config", [setting, value, _]) => {
                let (Some(setting), Some(value)) = (literal(setting), literal(value)) else {
                    return Ok(None);
                };
                if self.may_set {
                    self.parameters.set(&setting, &value)?;
                    return text(&self.parameters.get(&setting)?);
                }
                text(&value)
            }
            _ => Ok(None),
        }
    }
}

struct Visitor<'a> {
    facts: &'a Facts<'a>,
    found: bool,
}

impl sp::VisitorMut for Visitor<'_> {
    type Break = SqlError;

    fn post_visit_expr(&mut self, expr: &mut sp::Expr) -> ControlFlow<SqlError> {
        let sp::Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let parts: Vec<String> =
            function.name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.to_lowercase()).collect();
        let name = match parts.as_slice() {
            [name] => name,
            [schema, name] if schema == "pg_catalog" => name,
            _ => return ControlFlow::Continue(()),
        };
        let args: Vec<sp::Expr> = match &function.args {
            sp::FunctionArguments::List(list) => list
                .args
                .iter()
                .filter_map(|a| match a {
                    sp::FunctionArg::Unnamed(sp::FunctionArgExpr::Expr(e)) => Some(e.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        match self.facts.call(name, &args) {
            Ok(Some(value)) => {
                self.found = true;
                *expr = sp::Expr::Value(value.into());
                ControlFlow::Continue(())
            }
            Ok(None) => {
                if parts.len() == 2 {
                    // The planner knows functions by their bare names.
                    let bare = function.name.0.pop();
                    function.name.0.clear();
                    function.name.0.extend(bare);
                }
                ControlFlow::Continue(())
            }
            Err(e) => ControlFlow::Break(e),
        }
    }
}

fn literal(expr: &sp::Expr) -> Option<String> {
    match expr {
        sp::Expr::Value(v) => match &v.value {
            sp::Value::SingleQuotedString(s) => Some(s.clone()),
            sp::Value::Boolean(b) => Some(b.to_string()),
            sp::Value::Number(n, _) => Some(n.clone()),
            _ => None,
        },
        sp::Expr::Cast { expr, .. } | sp::Expr::Nested(expr) => literal(expr),
        _ => None,
    }
}
