//! What a front end and the statement executor agree on.
//!
//! A front (`pgwire`) owns connections: it parses text, keeps prepared statements, portals, cursors and transaction
//! blocks, answers what concerns the session alone, and turns rows into bytes. The [`Executor`] knows the catalog and
//! the running queries; it sees one statement at a time. Cancelling needs no call: the front drops the future of
//! [`Executor::execute`] or the [`RowStream`], and whatever stands behind it must stop then.
//!
//! The front answers by itself, and never passes on: [`StatementKind::Session`], `SET`/`RESET` of an unquoted name,
//! `SHOW parameter`, `DEFINE`/`UNDEFINE`, and the envelope of `COPY` (the query inside goes to `execute`, the rows of
//! `COPY … FROM` to [`Executor::copy_in`]).
//!
//! [`StatementKind::Session`]: crate::sql::ast::StatementKind::Session

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use futures::stream::BoxStream;

use super::execute::DryRun;
use super::parameters::Parameters;
use crate::sql::ast::{Name, Statement};
use crate::sql::{SqlError, Variables};

/// Runs statements. One for the server; every session holds an `Arc` of it.
#[async_trait]
pub trait Executor: Send + Sync + 'static {
    /// What a statement would take and return, without running it. `params` are the types that the client has
    /// declared, by position; `None` is to be inferred. There may be more or fewer than the statement uses.
    async fn describe(
        &self,
        session: &SessionState,
        statement: &Statement,
        params: &[Option<DataType>],
    ) -> Result<Description, SqlError>;

    /// Runs a statement. `params` are values of the types that `describe` has named, by position. `plan` is what
    /// `describe` left for this very statement, if it was described in this session.
    async fn execute(
        &self,
        session: &mut SessionState,
        statement: &Statement,
        params: &[ScalarValue],
        plan: Option<&Plan>,
    ) -> Result<Outcome, SqlError>;

    /// Opens `COPY target (columns) FROM STDIN`. No columns: all, in the order of the declaration.
    async fn copy_in(
        &self,
        session: &mut SessionState,
        target: &Name,
        columns: &[Name],
    ) -> Result<Box<dyn CopySink>, SqlError>;
}

/// Something that `describe` prepared and `execute` may use again; the front does not look inside. It is kept with the
/// prepared statement and dropped with it, so it must check by itself that the catalog has not moved on.
pub type Plan = Arc<dyn Any + Send + Sync>;

/// What a statement takes and returns.
#[derive(Clone, Default)]
pub struct Description {
    /// One type for each parameter `$1 …`.
    pub params: Vec<DataType>,
    /// None for a statement without rows.
    pub columns: Option<SchemaRef>,
    pub plan: Option<Plan>,
}

/// What a statement did.
pub enum Outcome {
    Rows(RowStream),
    Command {
        /// Postgres' command tag: `INSERT 0 3`, `CREATE STREAM`.
        tag: String,
        notices: Vec<Notice>,
    },
}

impl Outcome {
    /// A command without notices.
    pub fn command(tag: impl Into<String>) -> Self {
        Outcome::Command { tag: tag.into(), notices: Vec::new() }
    }
}

/// The rows of a statement.
pub struct RowStream {
    /// Names as the client shall see them; duplicates are fine.
    pub schema: SchemaRef,
    /// Batches of that schema. Any size; never polled again after an error or the end. The client's speed is the
    /// stream's speed: nothing is read ahead of the socket.
    pub batches: BoxStream<'static, Result<RecordBatch, SqlError>>,
    /// A continuous query: rows are sent as they come, portals may suspend early.
    pub live: bool,
    pub tag: RowTag,
}

/// The command tag at the end of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowTag {
    /// The word and the number of rows: `SELECT 3`.
    Counted(&'static str),
    /// As it is: `SHOW`, `EXPLAIN`.
    Plain(&'static str),
}

impl RowTag {
    pub fn text(&self, rows: u64) -> String {
        match self {
            RowTag::Counted(word) => format!("{word} {rows}"),
            RowTag::Plain(word) => (*word).to_owned(),
        }
    }
}

/// A message beside the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub severity: NoticeSeverity,
    pub sqlstate: &'static str,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeSeverity {
    Notice,
    Warning,
}

impl Notice {
    /// Nothing went wrong.
    #[allow(clippy::self_named_constructors, reason = "it is what Postgres calls this severity")]
    pub fn notice(message: impl Into<String>) -> Self {
        Self {
            severity: NoticeSeverity::Notice,
            sqlstate: "00000",
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    pub fn warning(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { severity: NoticeSeverity::Warning, sqlstate, ..Self::notice(message) }
    }
}

/// Takes the rows of `COPY … FROM STDIN`. Rows count only once `finish` returns: dropped before, nothing may be
/// written. The front calls `write` with bounded batches; a sink that cannot hold them all refuses with 53400.
#[async_trait]
pub trait CopySink: Send {
    /// The columns expected, in the order of the COPY statement.
    fn schema(&self) -> SchemaRef;
    async fn write(&mut self, batch: RecordBatch) -> Result<(), SqlError>;
    /// Returns the number of rows written.
    async fn finish(self: Box<Self>) -> Result<u64, SqlError>;
}

/// A session, as the executor sees it.
pub struct SessionState {
    /// The process id that Postgres clients see; unique among the sessions that are open.
    pub id: i32,
    pub user: String,
    pub database: String,
    /// `${name}` of DEFINE.
    pub variables: Variables,
    /// `SET 'property' = 'value'`: settings of the queries that this session starts.
    pub properties: BTreeMap<String, String>,
    /// Postgres' run-time parameters. Shared, since `set_config()` changes them from inside an expression.
    pub parameters: Arc<Parameters>,
    pub transaction: Transaction,
    /// `SET 'rivermill.apply'`: answers are for `rivermill apply`.
    pub apply: bool,
    /// The catalog that a session which only plans works on.
    pub dry_run: Option<DryRun>,
}

impl SessionState {
    pub fn new(id: i32, user: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            id,
            user: user.into(),
            database: database.into(),
            variables: Variables::default(),
            properties: BTreeMap::new(),
            parameters: Arc::new(Parameters::new()),
            transaction: Transaction::Idle,
            apply: false,
            dry_run: None,
        }
    }
}

/// Where a session stands between BEGIN and COMMIT. Statements take effect at once: a block groups nothing, it is
/// there because drivers wrap what they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    Idle,
    Open {
        read_only: bool,
    },
    /// A statement failed: everything is refused until the block ends.
    Failed,
}
