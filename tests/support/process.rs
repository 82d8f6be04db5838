//! The real server in a process of its own, to be killed, and a plain client for it.

#![allow(dead_code)] // Each includer uses a part of it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::SinkExt;
use parking_lot::{Condvar, Mutex};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::child;

/// How long a condition may take. Nothing waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What the server says once statements are taken; its address follows.
const READY: &str = "ready for Postgres clients address=";
/// Lines of the server's log that are kept to be shown where a test fails.
const LINES_MAX: usize = 60;

/// A running `rivermill serve`.
pub struct ServerProcess {
    child: Child,
    said: Arc<Said>,
}

/// What the process wrote to stderr.
#[derive(Default)]
struct Said {
    state: Mutex<SaidState>,
    changed: Condvar,
}

#[derive(Default)]
struct SaidState {
    lines: VecDeque<String>,
    address: Option<SocketAddr>,
    ended: bool,
}

impl ServerProcess {
    /// Starts a server on a port of the system's choice, and waits until it takes statements.
    pub fn start(args: &[&str]) -> ServerProcess {
        let server = ServerProcess::spawn("127.0.0.1:0", args);
        server.address();
        server
    }

    /// Starts a server, which may take its time until it is ready.
    pub fn spawn(listen: &str, args: &[&str]) -> ServerProcess {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rivermill"));
        command.args(["serve", "--listen", listen, "--http-listen", "off"]).args(args);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("RIVERMILL_") || name == "RUST_LOG" {
                command.env_remove(&*name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = child::spawn(command);
        let said = Arc::new(Said::default());
        let stderr = child.stderr.take().expect("stderr is piped");
        let of_thread = said.clone();
        std::thread::spawn(move || listen_to(stderr, &of_thread));
        ServerProcess { child, said }
    }

    /// Where clients connect; waits until they can.
    pub fn address(&self) -> SocketAddr {
        let until = Instant::now() + PATIENCE;
        let mut state = self.said.state.lock();
        loop {
            if let Some(address) = state.address {
                return address;
            }
            let waited = self.said.changed.wait_until(&mut state, until);
            assert!(!state.ended && !waited.timed_out(), "the server did not start:\n{}", state.text());
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last lines of its log.
    pub fn said(&self) -> String {
        self.said.state.lock().text()
    }

    /// Whether it ended by itself.
    pub fn has_ended(&self) -> bool {
        self.said.state.lock().ended
    }

    /// A new connection. Errors: nobody listens, or the server ended.
    pub fn connect(&self) -> Result<Sql, tokio_postgres::Error> {
        Sql::connect(self.address())
    }

    /// As `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop, as a service manager does, and waits for that.
    pub fn terminate(mut self) {
        // SAFETY: the child was not waited for, so the id is still its own.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}:\n{}", self.said());
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let ended = self.child.try_wait().ok().flatten();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let state = ended.map_or("it ran".to_owned(), |status| status.to_string());
            eprintln!("the server's last words ({state}):\n{}", self.said());
        }
    }
}

impl SaidState {
    fn text(&self) -> String {
        self.lines.iter().map(|line| format!("    {line}\n")).collect()
    }
}

fn listen_to(stderr: ChildStderr, said: &Said) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let mut state = said.state.lock();
        if let Some((_, address)) = line.split_once(READY) {
            state.address = address.trim().parse().ok();
        }
        if state.lines.len() == LINES_MAX {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
        said.changed.notify_all();
    }
    said.state.lock().ended = true;
    said.changed.notify_all();
}

/// A connection for tests that block. Rows come as text.
pub struct Sql {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

type Row = Vec<Option<String>>;

impl Sql {
    pub fn connect(address: SocketAddr) -> Result<Sql, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let config = format!("host={} port={} user=test dbname=rivermill", address.ip(), address.port());
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
            tokio::spawn(connection);
            Ok(client)
        })?;
        Ok(Sql { runtime, client })
    }

    pub fn query(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let messages = self.runtime.block_on(self.client.simple_query(sql))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// A statement that must not fail.
    pub fn run(&self, sql: &str) -> Vec<Row> {
        self.query(sql).unwrap_or_else(|error| panic!("{sql}\n{error:?}"))
    }

    /// The one value of a query of numbers, 0 where it is NULL. Errors: that of the query.
    pub fn number(&self, sql: &str) -> Result<i64, tokio_postgres::Error> {
        let rows = self.query(sql)?;
        let value = rows.first().and_then(|row| row.first()).expect("a row").as_deref();
        Ok(value.map_or(0, |text| text.parse().expect("a number")))
    }

    /// `COPY … FROM STDIN` with these lines, which are one transaction.
    pub fn copy_in(&self, sql: &str, lines: Vec<u8>) -> Result<u64, tokio_postgres::Error> {
        self.runtime.block_on(async {
            let sink = self.client.copy_in::<_, Bytes>(sql).await?;
            let mut sink = std::pin::pin!(sink);
            sink.send(lines.into()).await?;
            sink.finish().await
        })
    }
}

/// Looks again and again until it is done.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
