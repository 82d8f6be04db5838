//! Where everything is joined: the log, the runtime and the fronts.
//!
//! The fronts listen at once. Until the log can be read, and the command log with it, statements are answered with
//! 57P03 and the reason, and the server tries again by itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::apply;
use super::execute::SqlServer;
use super::http::{self, Connections, Health, Info, Status};
use super::pgwire::{self, Limits, Traffic};
use super::session::{Executor, Outcome, SessionState};
use super::settings::Settings;
use crate::log::embedded::EmbeddedLog;
use crate::log::kafka::{KafkaLog, KafkaSettings};
use crate::log::{Log, LogError};
use crate::runtime::status::QueryStatus;
use crate::runtime::{CommandLogError, Runtime, RuntimeError};
use crate::sql::ast::{Name, StatementKind};
use crate::sql::{Position, SqlError, Variables};

/// The wait after the log could not be read, doubled up to the second one.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// A SQL file that is applied at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its path, for messages.
    pub name: String,
    pub text: String,
}

/// What a server that is up tells the one who started it.
#[derive(Clone)]
pub struct Started {
    /// None where the front is off. The port is the real one, also where 0 was asked for.
    pub postgres: Option<SocketAddr>,
    pub http: Option<SocketAddr>,
    pub log: Arc<dyn Log>,
}

/// Why a server could not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: std::io::Error },
    #[error("{script}: {error}")]
    Script { script: String, error: SqlError },
    #[error("{0}")]
    Other(String),
}

/// Opens the log that the settings name. Blocks.
pub fn open_log(settings: &Settings) -> Result<Arc<dyn Log>, LogError> {
    if settings.bootstrap_servers().is_empty() {
        return Ok(Arc::new(EmbeddedLog::open(Path::new(settings.data_dir()))?));
    }
    let properties: BTreeMap<String, String> =
        settings.kafka().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let bootstrap_servers = settings.bootstrap_servers().to_owned();
    Ok(Arc::new(KafkaLog::connect(&KafkaSettings { bootstrap_servers, properties })?))
}

/// Runs a server until `shutdown` resolves; tells `ready` once clients can connect and the scripts are applied.
pub async fn run(
    settings: Settings,
    scripts: Vec<Script>,
    ready: oneshot::Sender<Started>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServerError> {
    let of_log = settings.clone();
    let log = tokio::task::spawn_blocking(move || open_log(&of_log))
        .await
        .map_err(|e| ServerError::Other(e.to_string()))??;
    run_on(log, settings, scripts, ready, shutdown).await
}

/// As [`run`], on a log that is open already.
pub async fn run_on(
    log: Arc<dyn Log>,
    settings: Settings,
    scripts: Vec<Script>,
    ready: oneshot::Sender<Started>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServerError> {
    let server = SqlServer::new(settings).map_err(|e| ServerError::Other(e.to_string()))?;
    let (stop, stopped) = watch::channel(false);
    let (postgres, http) =
        (listen(server.settings().listen_postgres()).await?, listen(server.settings().listen_http()).await?);
    let address = |listener: &Option<TcpListener>| listener.as_ref().and_then(|l| l.local_addr().ok());
    let started = Started { postgres: address(&postgres), http: address(&http), log: log.clone() };
    let traffic = Arc::new(Traffic::default());
    let mut fronts = tokio::task::JoinSet::new();
    if let Some(listener) = postgres {
        let limits = limits(server.settings());
        fronts.spawn(pgwire::serve(listener, server.clone(), limits, traffic.clone(), stopped.clone()));
    }
    if let Some(listener) = http {
        let status = Arc::new(Front { server: server.clone(), traffic });
        let mut stopped = stopped.clone();
        fronts.spawn(http::serve(listener, status, async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
    }
    tokio::pin!(shutdown);
    let opened = tokio::select! {
        opened = open(&server, log, &scripts) => opened,
        () = &mut shutdown => Ok(()),
    };
    if opened.is_ok() {
        let _ = ready.send(started);
        tokio::select! {
            () = &mut shutdown => {}
            Some(ended) = fronts.join_next() => tracing::error!(?ended, "a front ended by itself"),
        }
    }
    let _ = stop.send(true);
    while fronts.join_next().await.is_some() {}
    if let Ok(runtime) = server.runtime() {
        let runtime = runtime.clone();
        let _ = tokio::task::spawn_blocking(move || runtime.shut_down()).await;
    }
    opened
}

async fn listen(address: &str) -> Result<Option<TcpListener>, ServerError> {
    if address == "off" {
        return Ok(None);
    }
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| ServerError::Listen { address: address.to_owned(), source })
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        max_connections: settings.connections_max(),
        max_message_bytes: settings.statement_bytes_max(),
        ..Limits::default()
    }
}

/// Opens the runtime, as often as it takes, and applies the scripts.
async fn open(server: &Arc<SqlServer>, log: Arc<dyn Log>, scripts: &[Script]) -> Result<(), ServerError> {
    let mut wait = RETRY.0;
    loop {
        let config = server.runtime_config().map_err(|e| ServerError::Other(e.to_string()))?;
        let (log, handle) = (log.clone(), tokio::runtime::Handle::current());
        let opened = tokio::task::spawn_blocking(move || Runtime::open(log, config, handle)).await;
        let error = match opened.map_err(|e| ServerError::Other(e.to_string()))? {
            Ok(runtime) => {
                server.ready(runtime);
                break;
            }
            Err(error) => error,
        };
        if !passing(&error) {
            return Err(error.into());
        }
        tracing::warn!(%error, retry_ms = wait.as_millis() as u64, "the log cannot be read yet");
        server.waiting_for(error.to_string());
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
    for script in scripts {
        run_script(server, script)
            .await
            .map_err(|error| ServerError::Script { script: script.name.clone(), error })?;
    }
    Ok(())
}

/// Whether an error may pass by itself.
fn passing(error: &RuntimeError) -> bool {
    matches!(
        error,
        RuntimeError::Log(LogError::Unavailable(_))
            | RuntimeError::CommandLog(CommandLogError::Log(
                LogError::Unavailable(_) | LogError::Abortable(_)
            ))
    )
}

/// Applies a script as `rivermill apply` does: what exists just so is left as it is.
async fn run_script(server: &Arc<SqlServer>, script: &Script) -> Result<(), SqlError> {
    let mut session = SessionState::new(0, "rivermill", "rivermill");
    let setting = Name { value: apply::SETTING.into(), position: Position { line: 1, column: 1 } };
    let statements = crate::sql::parse(&script.text, &Variables::default())?;
    server.set(&mut session, &setting, "true")?;
    for statement in statements {
        // The parser has put variables in already.
        if matches!(statement.kind, StatementKind::Define { .. } | StatementKind::Undefine { .. }) {
            continue;
        }
        let outcome = server
            .execute(&mut session, &statement, &[], None)
            .await
            .map_err(|e| e.at(Some(statement.position)))?;
        if let Outcome::Command { tag, notices } = outcome {
            let outcome = notices.iter().find_map(|n| apply::Outcome::of_notice(&n.message));
            let outcome = outcome.map(|o| o.to_string()).unwrap_or_default();
            tracing::info!(script = %script.name, line = statement.position.line, tag, outcome, "applied");
        }
    }
    Ok(())
}

/// What the HTTP front sees.
struct Front {
    server: Arc<SqlServer>,
    traffic: Arc<Traffic>,
}

impl Status for Front {
    fn healthy(&self) -> Health {
        self.server.health()
    }

    fn info(&self) -> Info {
        self.server.info()
    }

    fn queries(&self) -> Vec<QueryStatus> {
        self.server.query_statuses()
    }

    fn connections(&self) -> Connections {
        self.traffic.connections()
    }
}
