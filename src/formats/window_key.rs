//! The window at the end of a windowed key: eight bytes of its start, big endian, or for a session its end and its start.
//!
//! A window of a fixed size leaves its end out, as ksqlDB does: who reads the key must know the size (dialect 10.4).

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use super::ByteColumn;
use crate::catalog::WindowSpec;

/// The windows of keys that are being read, one a row.
#[derive(Debug)]
pub(super) struct WindowColumns {
    spec: WindowSpec,
    /// Start and end, ms.
    rows: Vec<Option<(i64, i64)>>,
}

impl WindowColumns {
    pub fn new(spec: WindowSpec) -> Self {
        Self { spec, rows: Vec::new() }
    }

    pub fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
    }

    pub fn push_null(&mut self) {
        self.rows.push(None);
    }

    /// Takes the window of row `row` off a key. Errors: the key is too short.
    pub fn split<'a>(&mut self, key: &'a [u8], row: usize) -> Result<&'a [u8], String> {
        let short = || format!("key is too short for a windowed one: {} bytes", key.len());
        let (rest, start) = key.split_last_chunk::<8>().ok_or_else(short)?;
        let start = i64::from_be_bytes(*start);
        let (rest, end) = if self.spec.session {
            let (rest, end) = rest.split_last_chunk::<8>().ok_or_else(short)?;
            (rest, i64::from_be_bytes(*end))
        } else {
            (rest, start.saturating_add(self.spec.size_ms))
        };
        self.rows.truncate(row);
        self.rows.push(Some((start, end)));
        Ok(rest)
    }

    /// The starts and the ends; nothing is left.
    pub fn finish(&mut self) -> (ArrayRef, ArrayRef) {
        let rows = std::mem::take(&mut self.rows);
        let starts: Int64Array = rows.iter().map(|row| row.map(|(start, _)| start)).collect();
        let ends: Int64Array = rows.iter().map(|row| row.map(|(_, end)| end)).collect();
        (Arc::new(starts), Arc::new(ends))
    }
}

/// Appends `keys`, each with its session at its end, to `out`. A null key stays null.
pub fn append_sessions(keys: &ByteColumn, starts: &Int64Array, ends: &Int64Array, out: &mut ByteColumn) {
    for (row, key) in keys.iter().enumerate() {
        match key.filter(|_| row < starts.len().min(ends.len())) {
            Some(key) => {
                out.buffer().extend_from_slice(key);
                out.buffer().extend_from_slice(&ends.value(row).to_be_bytes());
                out.buffer().extend_from_slice(&starts.value(row).to_be_bytes());
                out.finish_entry();
            }
            None => out.push_null(),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn sessions_come_back_as_they_went_in() {
        let mut keys = ByteColumn::new();
        keys.push(b"k");
        keys.push_null();
        let (starts, ends) = (Int64Array::from(vec![5, 0]), Int64Array::from(vec![9, 0]));
        let mut out = ByteColumn::new();
        append_sessions(&keys, &starts, &ends, &mut out);
        let spec = WindowSpec { size_ms: 0, advance_ms: 0, grace_ms: 0, retention_ms: 0, session: true };
        let mut windows = WindowColumns::new(spec);
        assert_eq!(windows.split(out.get(0).unwrap(), 0), Ok(&b"k"[..]));
        assert_eq!(out.get(1), None);
        assert!(windows.split(b"too short", 1).is_err());
        let (starts, ends) = windows.finish();
        assert_eq!((starts.len(), ends.len()), (1, 1));
        assert_eq!(starts.as_any().downcast_ref::<Int64Array>().unwrap().value(0), 5);
        assert_eq!(ends.as_any().downcast_ref::<Int64Array>().unwrap().value(0), 9);
    }
}
