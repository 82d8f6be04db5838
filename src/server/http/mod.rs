//! The HTTP front: `/healthcheck`, `/info` and `/metrics`, on a listener of its own.
//!
//! It only reads, needs no login, and is meant for load balancers and Prometheus. What it tells comes through
//! [`Status`], so that it can be tested without a server behind it. Bounds: [`CONNECTIONS_MAX`] connections, closed when
//! they are silent for [`IDLE_MAX`] or older than [`AGE_MAX`]; requests have no body.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::runtime::status::QueryStatus;

mod listener;
mod metrics;
mod process;

pub use metrics::render as render_metrics;

/// Connections served at once; more wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 64;
/// A connection that neither sends nor takes a byte for this long is closed.
pub const IDLE_MAX: Duration = Duration::from_secs(120);
/// No connection lives longer: a client that sends one byte a minute does not hold its place for ever.
pub const AGE_MAX: Duration = Duration::from_secs(600);

/// What the HTTP front asks of the server. The calls must not block for long: they answer a scrape.
pub trait Status: Send + Sync + 'static {
    fn healthy(&self) -> Health;
    fn info(&self) -> Info;
    /// All persistent queries, in the order of their ids.
    fn queries(&self) -> Vec<QueryStatus>;
    fn connections(&self) -> Connections;
}

/// The answer of `/healthcheck`; HTTP status 200 or 503.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub is_healthy: bool,
    /// One word a part: the log, the command log, and how many queries failed.
    pub details: Vec<HealthDetail>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthDetail {
    pub name: &'static str,
    pub is_healthy: bool,
    /// Why not, or what an operator wants to know.
    pub message: String,
}

/// The answer of `/info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// Of this build.
    pub version: &'static str,
    pub service_id: String,
    /// `kafka` or `embedded`.
    pub log: &'static str,
    /// Empty with the embedded log.
    pub bootstrap_servers: String,
    /// `RECOVERING` or `RUNNING`.
    pub server_status: &'static str,
}

/// Postgres connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    pub open: u64,
    /// Accepted since the start.
    pub total: u64,
    /// Refused because there were too many, or closed for breaking the protocol, since the start.
    pub refused: u64,
}

/// Serves until `shutdown` resolves, then ends the open requests. Errors: those of the socket.
pub async fn serve(
    listener: TcpListener,
    status: Arc<dyn Status>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // The clock starts now, not at the first scrape.
    process::uptime();
    let listener = listener::Bounded::new(listener);
    axum::serve(listener, router(status)).with_graceful_shutdown(shutdown).await
}

/// Binds an address such as `127.0.0.1:8088`; port 0 takes a free one.
pub async fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

fn router(status: Arc<dyn Status>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthcheck", get(healthcheck))
        .route("/info", get(info))
        .route("/metrics", get(metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(status)
}

async fn index() -> &'static str {
    "rivermill: /healthcheck /info /metrics\n"
}

async fn healthcheck(State(status): State<Arc<dyn Status>>) -> Response {
    let health = status.healthy();
    let code = if health.is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(health)).into_response()
}

async fn info(State(status): State<Arc<dyn Status>>) -> Json<Info> {
    Json(status.info())
}

async fn metrics(State(status): State<Arc<dyn Status>>) -> Response {
    match metrics::render(status.as_ref()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot render the metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot render the metrics: {error}\n"))
                .into_response()
        }
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "no such page; there are /healthcheck, /info and /metrics\n")
}

async fn method_not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "this page answers GET only\n")
}

#[cfg(test)]
mod tests;
