//! A server in the test's own process, on a free port.

use std::net::SocketAddr;
use std::sync::Arc;

use rivermill::log::Log;
use rivermill::server::settings::{Origin, Settings};
use rivermill::server::{Started, open_log, run_on};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server. Stop it with [`TestServer::stop`].
pub struct TestServer {
    pub started: Started,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), rivermill::server::ServerError>>,
}

impl TestServer {
    /// Starts a server with these settings beside free ports.
    pub async fn start(settings: &[(&str, &str)]) -> TestServer {
        let settings = all(settings);
        let of_log = settings.clone();
        let log = tokio::task::spawn_blocking(move || open_log(&of_log)).await.unwrap().unwrap();
        Self::start_all(log, settings).await
    }

    /// As [`TestServer::start`], on a log that is open already.
    #[allow(dead_code)]
    pub async fn start_on(log: Arc<dyn Log>, settings: &[(&str, &str)]) -> TestServer {
        Self::start_all(log, all(settings)).await
    }

    async fn start_all(log: Arc<dyn Log>, settings: Settings) -> TestServer {
        let (ready, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            run_on(log, settings, Vec::new(), ready, async {
                let _ = stopped.await;
            })
            .await
        });
        match started.await {
            Ok(started) => TestServer { started, stop, task },
            Err(_) => panic!("the server did not start: {:?}", task.await),
        }
    }

    pub fn postgres(&self) -> SocketAddr {
        self.started.postgres.unwrap()
    }

    #[allow(dead_code)]
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.started.log
    }

    /// A new connection.
    pub async fn connect(&self) -> tokio_postgres::Client {
        let address = self.postgres();
        let config = format!("host={} port={} user=test dbname=rivermill", address.ip(), address.port());
        let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub async fn stop(self) {
        drop(self.started);
        let _ = self.stop.send(());
        self.task.await.unwrap().unwrap();
    }
}

/// These settings, and ports that are free.
fn all(settings: &[(&str, &str)]) -> Settings {
    let mut all = Settings::default();
    let ports = [("listen.postgres", "127.0.0.1:0"), ("listen.http", "127.0.0.1:0")];
    for (name, value) in ports.iter().chain(settings) {
        all.set(name, value, Origin::Flag).unwrap();
    }
    all
}
