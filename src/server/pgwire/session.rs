//! One client, from its first statement to its last.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::ScalarValue;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::ParameterStatus;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::cancel::Registration;
use super::cursor::Cursor;
use super::error::{Stop, error_info, notice_info};
use super::extended::{Portal, Prepared};
use super::frontend::Message;
use super::listener::Limits;
use super::rows::{Rows, check_width};
use super::startup;
use super::wire::Wire;
use crate::server::session::{CopySink, Executor, Notice, Outcome, Plan, SessionState, Transaction};
use crate::sql::ast::{Copy, CopyOptions, SessionStatement, Statement, StatementKind};
use crate::sql::{SqlError, sqlstate};

/// The state of a connection. Nobody else holds any of it, so nothing here is locked.
pub struct Session {
    pub wire: Wire,
    pub state: SessionState,
    pub executor: Arc<dyn Executor>,
    pub limits: Limits,
    pub prepared: HashMap<String, Arc<Prepared>>,
    pub portals: HashMap<String, Portal>,
    pub cursors: BTreeMap<String, Cursor>,
    /// After an error in the extended protocol: everything up to the next Sync is skipped.
    skipping: bool,
    registration: Registration,
    _permit: OwnedSemaphorePermit,
}

/// A statement that has begun.
pub enum Started {
    /// Finished; the command tag.
    Done(String),
    Rows(Rows),
    /// `FETCH`: rows of a cursor; None for all.
    Fetch(String, Option<u64>),
    CopyOut(Rows, CopyOptions),
    CopyIn(Box<dyn CopySink>, CopyOptions),
}

impl Session {
    pub fn new(
        wire: Wire,
        state: SessionState,
        executor: Arc<dyn Executor>,
        limits: Limits,
        registration: Registration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            wire,
            state,
            executor,
            limits,
            prepared: HashMap::new(),
            portals: HashMap::new(),
            cursors: BTreeMap::new(),
            skipping: false,
            registration,
            _permit: permit,
        }
    }

    /// Serves the client until it leaves.
    pub async fn run(mut self) {
        tracing::debug!(session = self.registration.pid, user = %self.state.user, "session begins");
        self.ready();
        let stop = loop {
            let message = match self.wire.next().await {
                Ok(message) => message,
                Err(stop) => break stop,
            };
            if message == Message::Terminate {
                break Stop::Gone;
            }
            if let Err(stop) = self.message(message).await {
                break stop;
            }
        };
        tracing::debug!(session = self.registration.pid, "session ends");
        if let Stop::Fatal(error) | Stop::Error(error) = stop {
            startup::fatal(&mut self.wire, &error);
            self.wire.close().await;
        }
    }

    async fn message(&mut self, message: Message) -> Result<(), Stop> {
        if self.skipping && !matches!(message, Message::Sync) {
            return Ok(());
        }
        self.wire.cancel.begin();
        let extended = !matches!(message, Message::Query(_));
        let mut text = String::new();
        let result = match message {
            Message::Query(query) => {
                text = query;
                let result = self.simple(&text).await;
                self.after_error(result, &text)?;
                self.ready();
                return Ok(());
            }
            Message::Sync => {
                self.skipping = false;
                self.ready();
                Ok(())
            }
            Message::Parse { name, text: query, types } => {
                text = query;
                self.parse(name, &text, types).await
            }
            Message::Bind(bind) => self.bind(bind),
            Message::Describe(target) => self.describe(target),
            Message::Execute { portal, max_rows } => {
                text = self.portals.get(&portal).map(|p| p.text().to_owned()).unwrap_or_default();
                self.execute(portal, max_rows).await
            }
            Message::Close(target) => {
                self.close(target);
                Ok(())
            }
            Message::Flush => self.wire.flush().await,
            // What is left of a COPY that failed.
            Message::CopyData(_) | Message::CopyDone | Message::CopyFail(_) => Ok(()),
            Message::Password | Message::Terminate => {
                Err(Stop::Fatal(super::frontend::violation("unexpected message")))
            }
        };
        let failed = result.is_err();
        self.after_error(result, &text)?;
        self.skipping = self.skipping || (failed && extended);
        Ok(())
    }

    /// Tells the client of an error and lets the session go on, if it can.
    fn after_error(&mut self, result: Result<(), Stop>, text: &str) -> Result<(), Stop> {
        self.wire.deadline = None;
        let error = match result {
            Ok(()) => return Ok(()),
            Err(Stop::Error(error)) => error,
            Err(stop) => return Err(stop),
        };
        tracing::debug!(session = self.registration.pid, code = error.sqlstate, %error, "statement failed");
        self.wire.put(Out::ErrorResponse(error_info(&error, "ERROR", text).into()));
        if let Transaction::Open { .. } = self.state.transaction {
            self.state.transaction = Transaction::Failed;
        }
        Ok(())
    }

    /// Tells the client that it may send the next statement.
    fn ready(&mut self) {
        if self.state.transaction == Transaction::Idle {
            // Portals live as long as their transaction, and without a block that ends here.
            self.portals.clear();
        }
        let status = match self.state.transaction {
            Transaction::Idle => TransactionStatus::Idle,
            Transaction::Open { .. } => TransactionStatus::Transaction,
            Transaction::Failed => TransactionStatus::Error,
        };
        self.wire.put(Out::ReadyForQuery(ReadyForQuery::new(status)));
        self.wire.cancel.end();
    }

    /// Begins a statement. Its errors and its rows are the caller's.
    pub async fn start(
        &mut self,
        statement: &Statement,
        params: &[ScalarValue],
        plan: Option<&Plan>,
    ) -> Result<Started, Stop> {
        self.may_run(statement)?;
        self.wire.deadline = self
            .state
            .parameters
            .statement_timeout_ms()
            .and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        if let Some(started) = self.command(statement, params).await? {
            return Ok(started);
        }
        match &statement.kind {
            StatementKind::Copy(Copy::To { query, options }) => {
                super::copy_format::check(options)?;
                let rows = self.rows(query, params).await?;
                Ok(Started::CopyOut(rows, options.clone()))
            }
            StatementKind::Copy(Copy::From { name, columns, options }) => {
                super::copy_format::check(options)?;
                let opening = self.executor.copy_in(&mut self.state, name, columns);
                Ok(Started::CopyIn(self.wire.guard(opening).await??, options.clone()))
            }
            _ => {
                let running = self.executor.execute(&mut self.state, statement, params, plan);
                match self.wire.guard(running).await?? {
                    Outcome::Rows(stream) => {
                        check_width(&stream.schema)?;
                        Ok(Started::Rows(Rows::new(stream)))
                    }
                    Outcome::Command { tag, notices } => {
                        notices.iter().for_each(|n| self.notice(n));
                        Ok(Started::Done(tag))
                    }
                }
            }
        }
    }

    /// Begins a statement that has to have rows.
    pub async fn rows(&mut self, statement: &Statement, params: &[ScalarValue]) -> Result<Rows, Stop> {
        match Box::pin(self.start(statement, params, None)).await? {
            Started::Rows(rows) => Ok(rows),
            _ => Err(SqlError::new(sqlstate::SYNTAX_ERROR, "this statement returns no rows")
                .hint("use a SELECT here")
                .at(Some(statement.position))
                .into()),
        }
    }

    pub fn complete(&mut self, tag: impl Into<String>) {
        for (name, value) in self.state.parameters.take_changed() {
            self.wire.put(Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)));
        }
        self.wire.put(Out::CommandComplete(CommandComplete::new(tag.into())));
        self.wire.deadline = None;
    }

    pub fn empty(&mut self) {
        self.wire.put(Out::EmptyQueryResponse(EmptyQueryResponse::new()));
    }

    pub fn notice(&mut self, notice: &Notice) {
        self.wire.put(Out::NoticeResponse(notice_info(notice).into()));
    }

    /// Whether the transaction block lets a statement through.
    fn may_run(&self, statement: &Statement) -> Result<(), SqlError> {
        use SessionStatement::{Commit, Rollback, RollbackTo};
        match self.state.transaction {
            Transaction::Failed => match statement.kind {
                StatementKind::Session(Commit | Rollback | RollbackTo(_)) => Ok(()),
                _ => Err(SqlError::new(
                    "25P02",
                    "current transaction is aborted, commands ignored until end of transaction block",
                )),
            },
            Transaction::Open { read_only: true } => match write_word(&statement.kind) {
                Some(word) => {
                    Err(SqlError::new("25006", format!("cannot execute {word} in a read-only transaction")))
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// The name of a statement that changes something.
fn write_word(kind: &StatementKind) -> Option<&'static str> {
    match kind {
        StatementKind::CreateSource(_) | StatementKind::CreateAsSelect(_) => Some("CREATE"),
        StatementKind::InsertValues(_) | StatementKind::InsertSelect(_) => Some("INSERT"),
        StatementKind::DropSource(_) => Some("DROP"),
        StatementKind::Terminate { .. } => Some("TERMINATE"),
        StatementKind::Copy(Copy::From { .. }) => Some("COPY FROM"),
        _ => None,
    }
}
