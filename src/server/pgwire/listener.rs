//! Accepts clients, keeps the limits, ends with the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::cancel::Registry;
use super::error::Stop;
use super::startup;
use super::wire::Wire;
use crate::server::http::Connections;
use crate::server::session::Executor;

/// What clients may take of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions at the same time; the next one is refused with 53300.
    pub max_connections: usize,
    /// The longest message of a client: a statement, a row of parameters, a chunk of COPY.
    pub max_message_bytes: usize,
    /// From the first byte to the end of the handshake.
    pub startup_timeout: Duration,
    /// Prepared statements a session may keep, portals and cursors likewise.
    pub max_prepared: usize,
    pub max_portals: usize,
    pub max_cursors: usize,
    /// How long a live portal with a row limit waits for another row before it hands over what it has.
    pub suspend_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 100,
            max_message_bytes: 16 * 1024 * 1024,
            startup_timeout: Duration::from_secs(30),
            max_prepared: 1_000,
            max_portals: 100,
            max_cursors: 100,
            suspend_after: Duration::from_millis(50),
        }
    }
}

/// Counts of connections, for metrics.
#[derive(Debug, Default)]
pub struct Traffic {
    open: AtomicU64,
    total: AtomicU64,
    refused: AtomicU64,
}

impl Traffic {
    pub fn connections(&self) -> Connections {
        Connections {
            open: self.open.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn enter(&self) -> Presence<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Presence(self)
    }
}

/// A session that is counted as open, until it is dropped.
struct Presence<'a>(&'a Traffic);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sockets above `max_connections` that may be in their handshake: to be refused in good form, or to cancel something.
const SPARE_SOCKETS: usize = 64;
/// How long sessions may take to say goodbye at shutdown.
const GOODBYE: Duration = Duration::from_secs(2);

/// Serves clients until `shutdown` turns true or its sender is gone; then sessions are told (57P01) and closed.
pub async fn serve(
    listener: TcpListener,
    executor: Arc<dyn Executor>,
    limits: Limits,
    traffic: Arc<Traffic>,
    mut shutdown: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let front = Arc::new(Front {
        executor,
        limits,
        registry: Arc::new(Registry::default()),
        sessions: Arc::new(Semaphore::new(limits.max_connections)),
        traffic,
    });
    let sockets = Arc::new(Semaphore::new(limits.max_connections + SPARE_SOCKETS));
    // The sessions' own signal, so that a dropped sender ends them too.
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping(&mut shutdown) => break,
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                if let Err(e) = ended && e.is_panic() {
                    tracing::error!("a session ended by a bug; the others go on");
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    front.traffic.total.fetch_add(1, Ordering::Relaxed);
                    let Ok(permit) = sockets.clone().try_acquire_owned() else {
                        front.traffic.refused.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(%peer, "connection dropped: too many at once");
                        continue;
                    };
                    let front = front.clone();
                    let stopped = stopped.clone();
                    tasks.spawn(async move {
                        front.connection(socket, stopped).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, or a client gone already: the next may do better.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let _ = tokio::time::timeout(GOODBYE, async { while tasks.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Returns once the server is to stop. (The borrow that `wait_for` returns must not live in a `select!`.)
async fn stopping(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// What all connections share.
pub struct Front {
    pub executor: Arc<dyn Executor>,
    pub limits: Limits,
    pub registry: Arc<Registry>,
    pub sessions: Arc<Semaphore>,
    traffic: Arc<Traffic>,
}

impl Front {
    async fn connection(&self, socket: TcpStream, stopped: watch::Receiver<bool>) {
        let _ = socket.set_nodelay(true);
        let probes = socket2::TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(10));
        let _ = socket2::SockRef::from(&socket).set_tcp_keepalive(&probes);
        let mut wire = Wire::new(socket, stopped, self.limits.max_message_bytes);
        let handshake = startup::handshake(&mut wire, self);
        let session = match tokio::time::timeout(self.limits.startup_timeout, handshake).await {
            Ok(Ok(Some(parts))) => parts,
            Ok(Err(Stop::Fatal(e) | Stop::Error(e))) => {
                self.traffic.refused.fetch_add(1, Ordering::Relaxed);
                startup::fatal(&mut wire, &e);
                return wire.close().await;
            }
            Ok(Ok(None) | Err(Stop::Gone)) | Err(_) => return,
        };
        let _present = self.traffic.enter();
        session.into_session(wire, self).run().await;
    }
}
