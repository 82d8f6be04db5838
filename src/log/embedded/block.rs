//! Blocks of records: what the log stores, and the one format that must never change.
//!
//! The records of one partition that one transaction appends lie together in a block, in runs of about
//! [`BLOCK_BYTES`], because a key-value pair a record would cost more than the record. A block is a head and a body:
//!
//! ```text
//! head, 50 bytes, little-endian                      body: one after the other, per record
//!   u8   format version, 1                             varint  offset - first offset
//!   u8   flags: 1 = body is lz4, 2 = has headers       zigzag  timestamp - base timestamp
//!   u32  number of records                             varint  key length + 1, 0 = no key;   the key
//!   i64  first offset: the block's key                 varint  value length + 1, 0 = tombstone; the value
//!   i64  last offset that the block covers             varint  number of headers, only with flag 2, each:
//!   i64  base timestamp, the first record's               varint length, name; varint length + 1, value
//!   i64  smallest timestamp
//!   i64  largest timestamp
//!   u32  length of the body before compression
//! ```
//!
//! Offsets are stored per record so that compaction can take records out and leave the others where they are.
//! The store checks sums over what it reads; this module checks that lengths fit, so damage is an error, not a panic.

use std::ops::Range;

use super::super::{LogError, NewRecord, Record, Result};
use fjall::Slice;

/// A body is closed once it has this many bytes. A longer record has a block of its own.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// No key, value or header of a record may push it over this.
pub(super) const RECORD_BYTES_MAX: usize = 256 << 20;

/// The most records that are handed over at once.
pub(super) const RUN_RECORDS: usize = 4096;

pub(super) const HEAD_BYTES: usize = 50;
const VERSION: u8 = 1;
const LZ4: u8 = 1;
const HAS_HEADERS: u8 = 2;

/// Bodies smaller than this are not worth compressing.
const COMPRESS_BYTES_MIN: usize = 256;

/// What is known of a block without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    flags: u8,
    pub count: u32,
    pub first: i64,
    pub last: i64,
    base_timestamp: i64,
    pub min_timestamp: i64,
    pub max_timestamp: i64,
    pub body_bytes: u32,
}

impl Head {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let Some((&[version, flags], rest)) = bytes.split_first_chunk::<2>() else {
            return Err(damaged("it is too short"));
        };
        if version != VERSION {
            return Err(LogError::Corrupt(format!(
                "a block of the embedded log has format version {version}, this build reads version {VERSION}"
            )));
        }
        let Some((head, _)) = rest.split_first_chunk::<{ HEAD_BYTES - 2 }>() else {
            return Err(damaged("it is too short"));
        };
        let long = |at: usize| i64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        let int = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        let head = Self {
            flags,
            count: int(0),
            first: long(4),
            last: long(12),
            base_timestamp: long(20),
            min_timestamp: long(28),
            max_timestamp: long(36),
            body_bytes: int(44),
        };
        if flags & !(LZ4 | HAS_HEADERS) != 0 || head.first < 0 || head.last < head.first {
            return Err(damaged("its head makes no sense"));
        }
        Ok(head)
    }
}

fn damaged(how: &str) -> LogError {
    LogError::Corrupt(format!("a block of the embedded log is damaged: {how}"))
}

/// Collects records into the body of a block.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    body: Vec<u8>,
    count: u32,
    has_headers: bool,
    base_timestamp: i64,
    min_timestamp: i64,
    max_timestamp: i64,
    last_delta: u32,
}

impl BlockBuilder {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether the block should be sealed before the next record.
    pub(super) fn is_full(&self) -> bool {
        self.body.len() >= BLOCK_BYTES
    }

    /// Whether a record of so many bytes should rather begin a new block.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.is_empty() || self.body.len().saturating_add(bytes) <= BLOCK_BYTES
    }

    /// Appends a record at `delta` behind the block's first offset; `delta`s rise.
    pub(super) fn push(&mut self, delta: u32, record: &NewRecord<'_>) {
        if self.count == 0 {
            self.base_timestamp = record.timestamp;
            self.min_timestamp = record.timestamp;
            self.max_timestamp = record.timestamp;
        }
        if !record.headers.is_empty() && !self.has_headers {
            self.begin_headers();
        }
        self.min_timestamp = self.min_timestamp.min(record.timestamp);
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        self.last_delta = delta;
        self.count += 1;
        let body = &mut self.body;
        put_varint(body, u64::from(delta));
        put_varint(body, zigzag(record.timestamp.wrapping_sub(self.base_timestamp)));
        put_optional(body, record.key);
        put_optional(body, record.value);
        if self.has_headers {
            put_varint(body, record.headers.len() as u64);
            for (name, value) in record.headers {
                put_varint(body, name.len() as u64);
                body.extend_from_slice(name.as_bytes());
                put_optional(body, *value);
            }
        }
    }

    /// Closes the block and empties the builder. Offsets count from 0 until [`SealedBlock::place`] says where it lies.
    pub(super) fn seal(&mut self) -> SealedBlock {
        let mut flags = if self.has_headers { HAS_HEADERS } else { 0 };
        let body_bytes = self.body.len();
        let mut bytes = vec![0; HEAD_BYTES];
        if body_bytes >= COMPRESS_BYTES_MIN {
            bytes.resize(HEAD_BYTES + lz4_flex::block::get_maximum_output_size(body_bytes), 0);
            let packed = lz4_flex::block::compress_into(&self.body, &mut bytes[HEAD_BYTES..]);
            match packed {
                // An eighth saved pays for unpacking.
                Ok(packed) if packed < body_bytes - body_bytes / 8 => {
                    flags |= LZ4;
                    bytes.truncate(HEAD_BYTES + packed);
                }
                _ => bytes.truncate(HEAD_BYTES),
            }
        }
        if flags & LZ4 == 0 {
            bytes.extend_from_slice(&self.body);
        }
        bytes[0] = VERSION;
        bytes[1] = flags;
        bytes[2..6].copy_from_slice(&self.count.to_le_bytes());
        bytes[22..30].copy_from_slice(&self.base_timestamp.to_le_bytes());
        bytes[30..38].copy_from_slice(&self.min_timestamp.to_le_bytes());
        bytes[38..46].copy_from_slice(&self.max_timestamp.to_le_bytes());
        bytes[46..50].copy_from_slice(&(body_bytes as u32).to_le_bytes());
        let block = SealedBlock { bytes, last_delta: self.last_delta };
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        body.shrink_to(2 * BLOCK_BYTES);
        *self = Self { body, ..Self::default() };
        block
    }

    /// The first record with headers: those before it have none, which their bytes must now say. Rare, once a block.
    fn begin_headers(&mut self) {
        self.has_headers = true;
        let old = std::mem::take(&mut self.body);
        let mut rest = old.as_slice();
        let mut body = Vec::with_capacity(old.len() + self.count as usize);
        while !rest.is_empty() {
            let before = rest;
            // What this builder wrote can be read; if not, the count in the head will not fit, and the reader says so.
            if Parsed::take(&mut rest, false, &mut Vec::new()).is_none() {
                break;
            }
            body.extend_from_slice(&before[..before.len() - rest.len()]);
            put_varint(&mut body, 0);
        }
        self.body = body;
    }
}

/// A closed block that is not yet anywhere.
#[derive(Debug)]
pub(super) struct SealedBlock {
    bytes: Vec<u8>,
    last_delta: u32,
}

impl SealedBlock {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives the block its place. The last record decides which offsets it covers, unless `last` is later.
    pub(super) fn place(mut self, first: i64, last: Option<i64>) -> Vec<u8> {
        let own = first + i64::from(self.last_delta);
        self.bytes[6..14].copy_from_slice(&first.to_le_bytes());
        self.bytes[14..22].copy_from_slice(&last.map_or(own, |last| last.max(own)).to_le_bytes());
        self.bytes
    }
}

/// A block that is read.
pub(super) struct Block {
    pub head: Head,
    body: Body,
}

enum Body {
    Stored(Slice),
    Unpacked(Vec<u8>),
}

/// How far a block has been read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    at: usize,
    records: u32,
}

impl Block {
    /// Unpacks a block. `scratch` is a buffer to reuse; get it back with [`Block::into_scratch`].
    pub(super) fn open(value: Slice, mut scratch: Vec<u8>) -> Result<Self> {
        let head = Head::decode(&value)?;
        let packed = value.get(HEAD_BYTES..).unwrap_or_default();
        let body_bytes = head.body_bytes as usize;
        if head.flags & LZ4 == 0 {
            if packed.len() != body_bytes {
                return Err(damaged("its length is wrong"));
            }
            return Ok(Self { head, body: Body::Stored(value) });
        }
        // lz4 packs 255 bytes into one at most: anything longer is no length but damage.
        if body_bytes / 255 > packed.len() {
            return Err(damaged("its length is wrong"));
        }
        scratch.resize(body_bytes, 0);
        match lz4_flex::block::decompress_into(packed, &mut scratch) {
            Ok(length) if length == body_bytes => Ok(Self { head, body: Body::Unpacked(scratch) }),
            _ => Err(damaged("it cannot be decompressed")),
        }
    }

    pub(super) fn into_scratch(self) -> Vec<u8> {
        match self.body {
            Body::Stored(_) => Vec::new(),
            Body::Unpacked(mut bytes) => {
                bytes.clear();
                bytes.shrink_to(2 * BLOCK_BYTES);
                bytes
            }
        }
    }

    /// Hands over the next records from offset `from`, at most `max` and at most [`RUN_RECORDS`], in one call,
    /// or none where the block has no more. Returns how many.
    pub(super) fn next_run(
        &self,
        cursor: &mut Cursor,
        from: i64,
        max: usize,
        on_run: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<usize> {
        let bytes = match &self.body {
            Body::Stored(value) => value.get(HEAD_BYTES..).unwrap_or_default(),
            Body::Unpacked(bytes) => bytes.as_slice(),
        };
        let mut rest = bytes.get(cursor.at..).unwrap_or_default();
        let left = self.head.count.saturating_sub(cursor.records) as usize;
        let max = max.min(RUN_RECORDS);
        let has_headers = self.head.flags & HAS_HEADERS != 0;
        let mut headers = Vec::new();
        let mut spans: Vec<(usize, Range<usize>)> = Vec::new();
        let mut records: Vec<Record<'_>> = Vec::with_capacity(max.min(left));
        let mut last = -1;
        for _ in 0..left {
            if records.len() == max {
                break;
            }
            let begin = headers.len();
            let parsed = Parsed::take(&mut rest, has_headers, &mut headers)
                .ok_or_else(|| damaged("a record does not fit"))?;
            cursor.records += 1;
            let offset = self.head.first.saturating_add_unsigned(parsed.delta);
            if offset <= last || offset > self.head.last {
                return Err(damaged("its offsets are out of order"));
            }
            last = offset;
            if offset < from {
                headers.truncate(begin);
                continue;
            }
            if begin < headers.len() {
                spans.push((records.len(), begin..headers.len()));
            }
            records.push(Record {
                offset,
                timestamp: self.head.base_timestamp.wrapping_add(parsed.timestamp_delta),
                key: parsed.key,
                value: parsed.value,
                headers: &[],
            });
        }
        cursor.at = bytes.len() - rest.len();
        if cursor.records == self.head.count && !rest.is_empty() {
            return Err(damaged("bytes are left over"));
        }
        for (record, span) in spans {
            if let (Some(record), Some(span)) = (records.get_mut(record), headers.get(span)) {
                record.headers = span;
            }
        }
        if !records.is_empty() {
            on_run(&records);
        }
        Ok(records.len())
    }

    /// Calls `on_record` for every record, in order, until it returns false.
    pub(super) fn for_each(&self, on_record: &mut dyn FnMut(&Record<'_>) -> bool) -> Result<()> {
        let mut cursor = Cursor::default();
        let mut go_on = true;
        while go_on {
            let count = self.next_run(&mut cursor, 0, RUN_RECORDS, &mut |records| {
                go_on = records.iter().all(&mut *on_record);
            })?;
            go_on &= count > 0;
        }
        Ok(())
    }
}

/// How many bytes a record takes in a block, at most.
pub(super) fn record_bytes(record: &NewRecord<'_>) -> usize {
    let headers: usize =
        record.headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len) + 20).sum();
    record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len) + headers + 40
}

/// A record as it lies in a body.
struct Parsed<'a> {
    delta: u64,
    timestamp_delta: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

impl<'a> Parsed<'a> {
    fn take(
        rest: &mut &'a [u8],
        has_headers: bool,
        headers: &mut Vec<(&'a str, Option<&'a [u8]>)>,
    ) -> Option<Self> {
        let delta = take_varint(rest)?;
        let timestamp_delta = unzigzag(take_varint(rest)?);
        let key = take_optional(rest)?;
        let value = take_optional(rest)?;
        if has_headers {
            for _ in 0..take_varint(rest)? {
                let length = usize::try_from(take_varint(rest)?).ok()?;
                let name = std::str::from_utf8(take_bytes(rest, length)?).ok()?;
                headers.push((name, take_optional(rest)?));
            }
        }
        Some(Self { delta, timestamp_delta, key, value })
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            put_varint(out, bytes.len() as u64 + 1);
            out.extend_from_slice(bytes);
        }
    }
}

#[inline]
fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let (&first, tail) = rest.split_first()?;
    *rest = tail;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[inline]
fn take_optional<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match take_varint(rest)? {
        0 => Some(None),
        length => take_bytes(rest, usize::try_from(length - 1).ok()?).map(Some),
    }
}

#[inline]
fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(bytes)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests;
