//! Tests of the parser through its public functions: what a text becomes, and which errors it gets.

mod errors;
mod queries;
mod robust;
mod statements;

use super::ast::*;
use super::{Position, SqlError, Variables, parse};

fn parsed(text: &str) -> Result<Vec<Statement>, SqlError> {
    parse(text, &Variables::default())
}

/// All statements of a text, one line each, or the error.
fn shown(text: &str) -> String {
    match parsed(text) {
        Ok(statements) => statements.iter().map(show).map(|line| line + "\n").collect(),
        Err(error) => failure(&error) + "\n",
    }
}

fn failure(error: &SqlError) -> String {
    let mut line = format!("{} {error}", error.sqlstate);
    for (name, part) in [("detail", &error.detail), ("hint", &error.hint)] {
        if let Some(part) = part {
            line += &format!("\n  {name}: {part}");
        }
    }
    line
}

fn at(position: Position) -> String {
    format!("{}:{}", position.line, position.column)
}

fn show(statement: &Statement) -> String {
    format!("{} {}", at(statement.position), show_kind(&statement.kind))
}

fn show_kind(kind: &StatementKind) -> String {
    match kind {
        StatementKind::CreateSource(c) => {
            let columns: Vec<String> =
                c.columns.iter().map(|c| format!("{} {} {:?}", c.name.value, c.ty, c.role)).collect();
            let flags = (c.or_replace, c.if_not_exists);
            format!("create {} {flags:?} {} [{}] {}", c.kind, c.name.value, columns.join(", "), with(&c.with))
        }
        StatementKind::CreateAsSelect(c) => {
            let flags = (c.or_replace, c.if_not_exists);
            format!(
                "create {} {flags:?} {} {} as {}",
                c.kind,
                c.name.value,
                with(&c.with),
                show_query(&c.query)
            )
        }
        StatementKind::Push(query) => format!("push {}", show_query(query)),
        StatementKind::AdHoc(query) => format!("ad hoc {query}"),
        StatementKind::InsertValues(i) => {
            let columns: Vec<&str> = i.columns.iter().map(|c| c.value.as_str()).collect();
            let rows: Vec<String> = i.rows.iter().map(|row| exprs(row)).collect();
            format!("insert {} {columns:?} {}", i.name.value, rows.join(" "))
        }
        StatementKind::Explain(Explain::Statement(inner)) => {
            format!("explain {} | {}", show(inner), inner.text)
        }
        StatementKind::Session(SessionStatement::Declare { name, query }) => {
            format!("declare {name} {}", show(query))
        }
        StatementKind::Copy(Copy::To { query, options }) => {
            format!("copy to {} | {} {options:?}", show(query), query.text)
        }
        other => format!("{other:?}"),
    }
}

fn with(properties: &[Property]) -> String {
    let list: Vec<String> = properties.iter().map(|p| format!("{}={:?}", p.name.value, p.value)).collect();
    format!("with [{}]", list.join(", "))
}

fn exprs(exprs: &[sqlparser::ast::Expr]) -> String {
    let list: Vec<String> = exprs.iter().map(ToString::to_string).collect();
    format!("({})", list.join(", "))
}

fn show_query(query: &Query) -> String {
    let partition = query.partition_by.as_ref().map(|p| format!("{} {}", at(p.position), exprs(&p.exprs)));
    let window = query.window.as_ref().map(|w| (w.kind, w.retention_ms, w.grace_ms, at(w.position)));
    format!(
        "{} {} | window {window:?} | partition {partition:?} | emit {:?} | limit {:?}",
        at(query.position),
        query.select,
        query.emit,
        query.limit
    )
}
