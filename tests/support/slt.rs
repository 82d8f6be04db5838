//! Runs `sql-tests/*.slt` over the Postgres wire.
//!
//! Results of continuous queries come when they come: such a test says `retry 200 backoff 50ms`, which waits for the
//! condition and not for the time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::server::TestServer;

/// How long one record of a file may take, retries included. Only a push query that gets no row takes that long.
const RECORD_LIMIT: Duration = Duration::from_secs(60);

/// All test files in the order of their names, or those whose name contains what `SLT` says.
pub fn files() -> Vec<PathBuf> {
    let filter = std::env::var("SLT").unwrap_or_default();
    let named = |f: &Path| f.file_stem().is_some_and(|n| n.to_string_lossy().contains(&filter));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "slt") && named(f));
    files.sort();
    files
}

/// Runs one file against a server. A record that fails does not end it: all failures are told.
pub async fn run(server: &TestServer, file: &Path) {
    let mut runner = Runner::new(|| async { Ok(Database { client: server.connect().await }) });
    let mut failures = Vec::new();
    for record in sqllogictest::parse_file(file).unwrap() {
        let shown = format!("{record}");
        match tokio::time::timeout(RECORD_LIMIT, runner.run_async(record)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => failures.push(error.display(false).to_string()),
            // The connection still waits for its answer: nothing more can be asked.
            Err(_) => {
                failures.push(format!("no answer within {RECORD_LIMIT:?} to\n{shown}"));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

struct Database {
    client: Client,
}

/// An error as the tests match it: `42601: message`, then detail and hint.
#[derive(Debug)]
struct Failure(tokio_postgres::Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(error) = self.0.as_db_error() else { return write!(f, "{}", self.0) };
        write!(f, "{}: {}", error.code().code(), error.message())?;
        if let Some(tokio_postgres::error::ErrorPosition::Original(position)) = error.position() {
            write!(f, " (at {position})")?;
        }
        for (name, text) in [("detail", error.detail()), ("hint", error.hint())] {
            if let Some(text) = text {
                write!(f, "; {name}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[async_trait::async_trait]
impl AsyncDB for Database {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        let mut rows = Vec::new();
        let mut width = None;
        let mut count = 0;
        for message in self.client.simple_query(sql).await.map_err(Failure)? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => width = Some(columns.len()),
                SimpleQueryMessage::Row(row) => {
                    let cell = |i| match row.get(i) {
                        None => "NULL".to_owned(),
                        Some("") => "(empty)".to_owned(),
                        Some(text) => text.to_owned(),
                    };
                    rows.push((0..row.len()).map(cell).collect());
                }
                SimpleQueryMessage::CommandComplete(n) => count = n,
                _ => {}
            }
        }
        Ok(match width {
            Some(width) => DBOutput::Rows { types: vec![DefaultColumnType::Text; width], rows },
            None => DBOutput::StatementComplete(count),
        })
    }

    async fn shutdown(&mut self) {}

    async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
