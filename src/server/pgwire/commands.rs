//! Statements that the session answers itself: transaction blocks, cursors, run-time parameters, variables.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::common::ScalarValue;
use futures::StreamExt;

use super::error::Stop;
use super::rows::{Rows, text_schema};
use super::session::{Session, Started};
use crate::server::session::{Notice, RowStream, RowTag, Transaction};
use crate::sql::SqlError;
use crate::sql::ast::{SessionStatement, Show, Statement, StatementKind};

impl Session {
    /// Runs a statement of the session's own. None: it is the executor's.
    pub async fn command(
        &mut self,
        statement: &Statement,
        params: &[ScalarValue],
    ) -> Result<Option<Started>, Stop> {
        let tag = match &statement.kind {
            StatementKind::Session(command) => match command {
                SessionStatement::Fetch { name, count } => {
                    if !self.cursors.contains_key(name) {
                        return Err(super::cursor::unknown(name).into());
                    }
                    return Ok(Some(Started::Fetch(name.clone(), *count)));
                }
                SessionStatement::Declare { name, query } => {
                    if !params.is_empty() {
                        return Err(SqlError::not_supported("parameters in DECLARE").into());
                    }
                    self.declare(name, query, &statement.text).await?;
                    "DECLARE CURSOR"
                }
                other => self.session_command(other)?,
            },
            StatementKind::Set { name, value, quoted: false } => {
                self.state.parameters.set(&name.value, value).map_err(|e| e.at(Some(name.position)))?;
                "SET"
            }
            StatementKind::Unset { name: None } => {
                self.state.parameters.reset_all();
                self.state.properties.clear();
                "RESET"
            }
            StatementKind::Unset { name: Some(name) } if !self.state.properties.contains_key(&name.value) => {
                // RESET of Postgres; a property of ksqlDB is unset by the executor, which also knows when there is none
                // of that name: here, any name with a dot might be a custom parameter's.
                let parameters = &self.state.parameters;
                if parameters.get(&name.value).is_err() || parameters.reset(&name.value).is_err() {
                    return Ok(None);
                }
                "RESET"
            }
            StatementKind::Show(Show::Parameter(name)) => {
                return self.show(name).map(Some).map_err(Stop::from);
            }
            StatementKind::Define { name, value } => {
                self.state.variables.define(name, value.as_str())?;
                "DEFINE"
            }
            StatementKind::Undefine { name } => {
                if !self.state.variables.undefine(name) {
                    self.notice(&Notice::warning("00000", format!("variable \"{name}\" is not defined")));
                }
                "UNDEFINE"
            }
            _ => return Ok(None),
        };
        Ok(Some(Started::Done(tag.to_owned())))
    }

    fn session_command(&mut self, command: &SessionStatement) -> Result<&'static str, SqlError> {
        let open = self.state.transaction != Transaction::Idle;
        let outside = |what: &str| {
            SqlError::new("25P01", format!("{what} can only be used in transaction blocks"))
                .hint("BEGIN a transaction first")
        };
        Ok(match command {
            SessionStatement::Begin { read_only } => {
                if open {
                    self.notice(&Notice::warning("25001", "there is already a transaction in progress"));
                } else {
                    self.state.transaction = Transaction::Open { read_only: *read_only };
                }
                "BEGIN"
            }
            SessionStatement::Commit | SessionStatement::Rollback => {
                if !open {
                    self.notice(&Notice::warning("25P01", "there is no transaction in progress"));
                }
                let committed = matches!(command, SessionStatement::Commit)
                    && self.state.transaction != Transaction::Failed;
                self.end_transaction();
                if committed { "COMMIT" } else { "ROLLBACK" }
            }
            SessionStatement::Savepoint(_) if open => "SAVEPOINT",
            SessionStatement::ReleaseSavepoint(_) if open => "RELEASE",
            SessionStatement::RollbackTo(_) if open => {
                // What the statements before did is done; the block is usable again, which is what drivers need.
                if self.state.transaction == Transaction::Failed {
                    self.state.transaction = Transaction::Open { read_only: false };
                }
                "ROLLBACK"
            }
            SessionStatement::Savepoint(_) => return Err(outside("SAVEPOINT")),
            SessionStatement::ReleaseSavepoint(_) => return Err(outside("RELEASE SAVEPOINT")),
            SessionStatement::RollbackTo(_) => return Err(outside("ROLLBACK TO SAVEPOINT")),
            SessionStatement::SetTransaction => "SET",
            SessionStatement::DiscardAll => {
                if open {
                    return Err(SqlError::new("25001", "DISCARD ALL cannot run inside a transaction block"));
                }
                self.prepared.clear();
                self.portals.clear();
                self.cursors.clear();
                self.state.parameters.reset_all();
                self.state.properties.clear();
                self.state.variables = Default::default();
                "DISCARD ALL"
            }
            SessionStatement::Deallocate(None) => {
                self.prepared.clear();
                "DEALLOCATE ALL"
            }
            SessionStatement::Deallocate(Some(name)) => {
                if self.prepared.remove(name).is_none() {
                    return Err(super::extended::unknown_statement(name));
                }
                "DEALLOCATE"
            }
            SessionStatement::Close(name) => {
                self.close_cursor(name.as_deref())?;
                if name.is_some() { "CLOSE CURSOR" } else { "CLOSE CURSOR ALL" }
            }
            SessionStatement::Accepted(word) => word,
            // Handled by the caller.
            SessionStatement::Declare { .. } | SessionStatement::Fetch { .. } => {
                return Err(SqlError::internal("a cursor statement went astray"));
            }
        })
    }

    fn show(&self, name: &str) -> Result<Started, SqlError> {
        if name.eq_ignore_ascii_case("all") {
            let (names, values): (Vec<_>, Vec<_>) = self.state.parameters.all().into_iter().unzip();
            return text_rows(&["name", "setting"], vec![names, values]);
        }
        let (column, value) = self.state.parameters.show(name)?;
        text_rows(&[&column], vec![vec![value]])
    }
}

fn text_rows(names: &[&str], columns: Vec<Vec<String>>) -> Result<Started, SqlError> {
    let schema = text_schema(names);
    let arrays = columns.into_iter().map(|c| Arc::new(StringArray::from(c)) as ArrayRef).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(SqlError::internal)?;
    Ok(Started::Rows(Rows::new(RowStream {
        schema,
        batches: futures::stream::iter([Ok(batch)]).boxed(),
        live: false,
        tag: RowTag::Plain("SHOW"),
    })))
}
