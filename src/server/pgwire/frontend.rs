//! Messages of clients, decoded.
//!
//! Not pgwire's decoder: that one reads a body without knowing where its message ends, so a message with a wrong
//! count inside eats its successors or panics. Here a frame is cut out first, within a limit, and its body is read by a
//! total function: every byte sequence gives a message or a protocol error.

use bytes::{Buf, Bytes, BytesMut};

use crate::sql::SqlError;

/// A message after startup. Names are empty for the unnamed statement or portal.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    Query(String),
    Parse {
        name: String,
        text: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Target),
    Execute {
        portal: String,
        max_rows: i32,
    },
    Close(Target),
    Flush,
    Sync,
    Terminate,
    CopyData(Bytes),
    CopyDone,
    CopyFail(String),
    /// A password or a SASL response: nobody asked for one.
    Password,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    pub formats: Vec<i16>,
    pub values: Vec<Option<Bytes>>,
    pub result_formats: Vec<i16>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    Statement(String),
    Portal(String),
}

/// The first message of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum First {
    Ssl,
    GssEncryption,
    Cancel { pid: i32, secret: Bytes },
    Startup { minor: u16, parameters: Vec<(String, String)> },
}

/// What is longer than this before a session has begun is not a startup packet.
pub const MAX_STARTUP_BYTES: usize = 10_000;

/// Takes one whole message from the front of `buf`. None: more bytes are needed.
pub fn take(buf: &mut BytesMut, max_bytes: usize) -> Result<Option<Message>, SqlError> {
    let Some((kind, len)) = head(buf) else { return Ok(None) };
    if !b"QPBDECHSXdcfp".contains(&kind) {
        return Err(violation(format!("invalid frontend message type {kind}")));
    }
    if len < 4 {
        return Err(violation("invalid message length"));
    }
    if len > max_bytes {
        return Err(violation(format!("message of {len} bytes is too long"))
            .detail(format!("this server takes messages of at most {max_bytes} bytes")));
    }
    if buf.len() < len + 1 {
        return Ok(None);
    }
    let mut frame = buf.split_to(len + 1);
    frame.advance(5);
    let mut body = Body(frame.freeze());
    let message =
        body.message(kind).ok_or_else(|| violation(format!("invalid message '{}'", kind as char)))?;
    if !body.0.is_empty() {
        return Err(violation(format!("message '{}' is longer than what it says", kind as char)));
    }
    Ok(Some(message))
}

/// Takes the first message of a connection from the front of `buf`. None: more bytes are needed.
pub fn take_first(buf: &mut BytesMut) -> Result<Option<First>, SqlError> {
    let Some(head) = buf.first_chunk::<4>() else { return Ok(None) };
    let len = u32::from_be_bytes(*head) as usize;
    if !(8..=MAX_STARTUP_BYTES).contains(&len) {
        return Err(violation("invalid length of startup packet"));
    }
    if buf.len() < len {
        return Ok(None);
    }
    let mut frame = buf.split_to(len);
    frame.advance(4);
    let mut body = Body(frame.freeze());
    let code = body.u32().unwrap_or(0);
    match (code, code >> 16) {
        (80_877_103, _) => Ok(Some(First::Ssl)),
        (80_877_104, _) => Ok(Some(First::GssEncryption)),
        (80_877_102, _) => {
            let pid = body.u32().ok_or_else(|| violation("invalid cancel request"))? as i32;
            Ok(Some(First::Cancel { pid, secret: body.0 }))
        }
        (_, 3) => {
            let mut parameters = Vec::new();
            loop {
                let invalid = || violation("invalid startup packet layout: expected terminator as last byte");
                let name = body.string().ok_or_else(invalid)?;
                if name.is_empty() {
                    break;
                }
                parameters.push((name, body.string().ok_or_else(invalid)?));
            }
            Ok(Some(First::Startup { minor: code as u16, parameters }))
        }
        _ => Err(SqlError::new(
            "0A000",
            format!(
                "unsupported frontend protocol {}.{}: server supports 3.0 to 3.2",
                code >> 16,
                code as u16
            ),
        )),
    }
}

/// A breach of the protocol: the connection ends.
pub fn violation(what: impl Into<String>) -> SqlError {
    SqlError::new("08P01", what)
}

fn head(buf: &BytesMut) -> Option<(u8, usize)> {
    let (kind, rest) = buf.split_first()?;
    Some((*kind, u32::from_be_bytes(*rest.first_chunk::<4>()?) as usize))
}

struct Body(Bytes);

impl Body {
    fn message(&mut self, kind: u8) -> Option<Message> {
        Some(match kind {
            b'Q' => Message::Query(self.string()?),
            b'P' => {
                Message::Parse { name: self.string()?, text: self.string()?, types: self.list(Self::u32)? }
            }
            b'B' => Message::Bind(Bind {
                portal: self.string()?,
                statement: self.string()?,
                formats: self.list(Self::i16)?,
                values: self.list(Self::value)?,
                result_formats: self.list(Self::i16)?,
            }),
            b'D' => Message::Describe(self.target()?),
            b'C' => Message::Close(self.target()?),
            b'E' => Message::Execute { portal: self.string()?, max_rows: self.u32()? as i32 },
            b'H' => Message::Flush,
            b'S' => Message::Sync,
            b'X' => Message::Terminate,
            b'd' => Message::CopyData(std::mem::take(&mut self.0)),
            b'c' => Message::CopyDone,
            b'f' => Message::CopyFail(self.string()?),
            b'p' => {
                self.0.clear();
                Message::Password
            }
            _ => return None,
        })
    }

    fn target(&mut self) -> Option<Target> {
        let (kind, _) = self.0.split_first()?;
        let kind = *kind;
        self.0.advance(1);
        let name = self.string()?;
        match kind {
            b'S' => Some(Target::Statement(name)),
            b'P' => Some(Target::Portal(name)),
            _ => None,
        }
    }

    /// A string that ends with NUL. Bytes that are not UTF-8 end the connection: no client that has been told
    /// client_encoding UTF8 sends them.
    fn string(&mut self) -> Option<String> {
        let len = memchr::memchr(0, &self.0)?;
        let text = std::str::from_utf8(self.0.get(..len)?).ok()?.to_owned();
        self.0.advance(len + 1);
        Some(text)
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.i16()? as u16;
        (0..count).map(|_| item(self)).collect()
    }

    fn value(&mut self) -> Option<Option<Bytes>> {
        let len = self.u32()? as i32;
        if len < 0 {
            return Some(None);
        }
        let len = len as usize;
        (len <= self.0.len()).then(|| Some(self.0.split_to(len)))
    }

    fn u32(&mut self) -> Option<u32> {
        let n = u32::from_be_bytes(*self.0.first_chunk()?);
        self.0.advance(4);
        Some(n)
    }

    fn i16(&mut self) -> Option<i16> {
        let n = i16::from_be_bytes(*self.0.first_chunk()?);
        self.0.advance(2);
        Some(n)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_cut_and_limits_kept() {
        let mut buf = BytesMut::from(&b"Q\0\0\0\x06a\0Q\0\0\0\x06"[..]);
        assert_eq!(take(&mut buf, 100).unwrap(), Some(Message::Query("a".to_owned())));
        assert_eq!(take(&mut buf, 100).unwrap(), None);
        let mut huge = BytesMut::from(&b"Q\x40\0\0\0"[..]);
        assert_eq!(take(&mut huge, 100).unwrap_err().sqlstate, "08P01");
        // A Bind that claims more parameters than it carries must not eat the next message.
        let mut bind = BytesMut::from(&b"B\0\0\0\x0c\0\0\0\0\0\x09\0\0S\0\0\0\x04"[..]);
        assert!(take(&mut bind, 100).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(kind in prop::sample::select(b"QPBDECHSXdcfp".to_vec()), body in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut buf = BytesMut::new();
            buf.put_u8(kind);
            buf.put_u32(body.len() as u32 + 4);
            buf.extend_from_slice(&body);
            let _ = take(&mut buf, 1000);
            let mut first = BytesMut::new();
            first.put_u32(body.len() as u32 + 4);
            first.extend_from_slice(&body);
            let _ = take_first(&mut first);
        }
    }
}
