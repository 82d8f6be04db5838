//! The Postgres protocol spoken by hand, by clients that do not behave.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::PATIENCE;

/// A socket of which nobody takes care.
pub struct RawClient {
    pub socket: TcpStream,
    input: Vec<u8>,
}

impl RawClient {
    pub async fn connect(address: SocketAddr) -> RawClient {
        RawClient { socket: TcpStream::connect(address).await.unwrap(), input: Vec::new() }
    }

    /// Connects, and goes on to the first ReadyForQuery.
    pub async fn start(address: SocketAddr) -> RawClient {
        let mut client = Self::connect(address).await;
        client.send(&startup()).await;
        while client.message().await.expect("the server closed the connection").0 != b'Z' {}
        client
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    pub async fn query(&mut self, sql: &str) {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        self.send(&message(b'Q', &body)).await;
    }

    /// The next message, type and body; None where the server has closed the connection.
    pub async fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let more = async |client: &mut Self| {
            let read = timeout(PATIENCE, client.socket.read_buf(&mut client.input)).await;
            matches!(read.expect("nothing came"), Ok(1..))
        };
        while self.input.len() < 5 {
            if !more(self).await {
                return None;
            }
        }
        let length = u32::from_be_bytes(self.input[1..5].try_into().unwrap()) as usize;
        while self.input.len() < length + 1 {
            if !more(self).await {
                return None;
            }
        }
        let kind = self.input[0];
        let body = self.input[5..length + 1].to_vec();
        self.input.drain(..length + 1);
        Some((kind, body))
    }

    /// Reads up to the end of the connection; gives the SQLSTATE of the last error on the way.
    pub async fn refusal(mut self) -> Option<String> {
        let mut last = None;
        while let Some((kind, body)) = self.message().await {
            if kind == b'E' {
                last = body.split(|byte| *byte == 0).find_map(|field| match field.split_first() {
                    Some((b'C', code)) => Some(String::from_utf8_lossy(code).into_owned()),
                    _ => None,
                });
            }
        }
        last
    }
}

/// A startup packet.
pub fn startup() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0test\0database\0rivermill\0\0";
    let mut packet = (body.len() as u32 + 4).to_be_bytes().to_vec();
    packet.extend_from_slice(body);
    packet
}

pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}
