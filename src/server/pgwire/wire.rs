//! One client's socket: messages in, messages out, and what may interrupt the wait for something else.
//!
//! Output collects in a buffer and goes to the socket when it is large enough or when the session has nothing more to
//! say for now; writing waits for the client, which is the backpressure of every result. While a statement runs, the
//! socket is also read, a little: only so is a client noticed that has gone away.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use pgwire::messages::PgWireBackendMessage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cancel::CancelFlag;
use super::error::Stop;
use super::frontend::{self, First, Message};
use crate::sql::{SqlError, sqlstate};

/// Output is sent once it is this long, even if more is ready.
const HIGH_WATER: usize = 32 * 1024;
/// A client may send this much ahead while a statement runs; then the socket is left alone until it ends.
const READ_AHEAD: usize = 64 * 1024;

pub struct Wire {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    input: BytesMut,
    /// Messages that wait to be written. Bounded: [`Wire::drain`] is called after each row.
    pub out: BytesMut,
    pub cancel: Arc<CancelFlag>,
    shutdown: watch::Receiver<bool>,
    /// When the running statement has to end.
    pub deadline: Option<Instant>,
    max_message: usize,
    /// A long message has passed: its room is given back when the session waits.
    oversized: bool,
}

impl Wire {
    pub fn new(socket: TcpStream, shutdown: watch::Receiver<bool>, max_message: usize) -> Self {
        let (read, write) = socket.into_split();
        Self {
            read,
            write,
            input: BytesMut::with_capacity(8 * 1024),
            out: BytesMut::with_capacity(8 * 1024),
            cancel: Arc::new(CancelFlag::default()),
            shutdown,
            deadline: None,
            max_message,
            oversized: false,
        }
    }

    /// The first message of the connection.
    pub async fn first(&mut self) -> Result<First, Stop> {
        loop {
            if let Some(first) = frontend::take_first(&mut self.input).map_err(Stop::Fatal)? {
                return Ok(first);
            }
            self.fill().await?;
        }
    }

    /// Whether bytes have arrived that no message was made of.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The next message. Everything written so far is sent before waiting.
    pub async fn next(&mut self) -> Result<Message, Stop> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            if !self.out.is_empty() {
                self.flush().await?;
            }
            let mut shutdown = self.shutdown.clone();
            tokio::select! {
                filled = self.fill() => filled?,
                _ = shutdown.wait_for(|stop| *stop) => return Err(Stop::Fatal(shutting_down())),
            }
        }
    }

    /// The next message while a statement waits for it (COPY FROM STDIN), so that cancel and timeouts count.
    pub async fn next_interruptible(&mut self) -> Result<Message, Stop> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            self.flush().await?;
            let watch =
                Watch { cancel: &self.cancel, shutdown: self.shutdown.clone(), deadline: self.deadline };
            tokio::select! {
                read = self.read.read_buf(&mut self.input) => if read? == 0 { return Err(Stop::Gone) },
                stop = watch.wait() => return Err(stop),
            }
        }
    }

    /// A message that has arrived whole.
    fn take(&mut self) -> Result<Option<Message>, Stop> {
        let before = self.input.len();
        let message = frontend::take(&mut self.input, self.max_message).map_err(Stop::Fatal)?;
        self.oversized |= before - self.input.len() > READ_AHEAD;
        if self.oversized && self.input.is_empty() {
            self.input = BytesMut::with_capacity(8 * 1024);
            self.oversized = false;
        }
        Ok(message)
    }

    /// Puts a message into the output buffer.
    pub fn put(&mut self, message: PgWireBackendMessage) {
        let start = self.out.len();
        if message.encode(&mut self.out).is_err() {
            // Too long for the protocol: leave nothing half written.
            self.out.truncate(start);
        }
    }

    /// Sends what has collected, if it is much.
    pub async fn drain(&mut self) -> Result<(), Stop> {
        if self.out.len() >= HIGH_WATER { self.flush().await } else { Ok(()) }
    }

    /// Sends all output. Waits for a client that does not read, until something interrupts the statement.
    pub async fn flush(&mut self) -> Result<(), Stop> {
        // Mostly the socket takes it all at once.
        while !self.out.is_empty() {
            match self.write.try_write(&self.out) {
                Ok(n) => self.out.advance(n),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Stop::Gone),
            }
        }
        if self.out.is_empty() && self.out.capacity() <= 4 * HIGH_WATER {
            return Ok(());
        }
        let watch = Watch { cancel: &self.cancel, shutdown: self.shutdown.clone(), deadline: self.deadline };
        let write = &mut self.write;
        let out = &mut self.out;
        tokio::select! {
            biased;
            written = write.write_all_buf(out) => written?,
            stop = watch.wait() => return Err(stop),
        }
        // A burst may have made the buffer large; it need not stay so.
        if self.out.capacity() > 4 * HIGH_WATER {
            self.out = BytesMut::with_capacity(8 * 1024);
        }
        Ok(())
    }

    /// Sends the last words, within a second, and closes.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), async {
            let _ = self.write.write_all_buf(&mut self.out).await;
            let _ = self.write.shutdown().await;
        })
        .await;
    }

    /// Awaits `work` for the statement that runs; cancel, timeout, shutdown or a lost client end the wait.
    pub async fn guard<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let watch = Watch { cancel: &self.cancel, shutdown: self.shutdown.clone(), deadline: self.deadline };
        tokio::select! {
            biased;
            done = work => Ok(done),
            stop = watch.wait() => Err(stop),
            _ = lost(&mut self.read, &mut self.input) => Err(Stop::Gone),
        }
    }

    async fn fill(&mut self) -> Result<(), Stop> {
        // One read takes at most what the buffer has room for; frames longer than that grow it as they arrive, so a
        // length without bytes costs nothing.
        if self.input.capacity() - self.input.len() < 1024 {
            self.input.reserve(8 * 1024);
        }
        if self.read.read_buf(&mut self.input).await? == 0 { Err(Stop::Gone) } else { Ok(()) }
    }
}

/// Returns once the client has closed its side. What it sends instead is kept for later, up to a limit.
async fn lost(read: &mut OwnedReadHalf, input: &mut BytesMut) {
    while input.len() < READ_AHEAD {
        match read.read_buf(input).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    std::future::pending().await
}

struct Watch<'a> {
    cancel: &'a CancelFlag,
    shutdown: watch::Receiver<bool>,
    deadline: Option<Instant>,
}

impl Watch<'_> {
    async fn wait(mut self) -> Stop {
        let deadline = async {
            match self.deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.cancel.wait() => Stop::Error(canceled("user request")),
            () = deadline => Stop::Error(canceled("statement timeout")),
            _ = self.shutdown.wait_for(|stop| *stop) => Stop::Fatal(shutting_down()),
        }
    }
}

pub fn canceled(why: &str) -> SqlError {
    SqlError::new(sqlstate::QUERY_CANCELED, format!("canceling statement due to {why}"))
}

fn shutting_down() -> SqlError {
    SqlError::new(sqlstate::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}
