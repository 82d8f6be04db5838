//! Changelog blocks: the durable form of state. Version 1.
//!
//! ```text
//! version      u8       1
//! checksum     u64      xxh3 of all that follows
//! length       u32      of the payload when unpacked
//! payload      lz4 block:
//!   kind         u8     0 changes of an epoch, 1 rewrite of a segment; both are read the same way
//!   has time     u8     0 or 1
//!   stream time  i64
//!   window       i64    its start; 0 without windows
//!   rows         u32
//!   columns      u16    grouping columns, row time, states: see `columns`
//! ```
//!
//! Numbers are little endian. A block holds whole states: of two blocks with the same key the later one holds.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use xxhash_rust::xxh3::xxh3_64;

use super::columns::{Cursor, read_column, write_column};
use crate::engine::EngineError;

pub const VERSION: u8 = 1;

/// What a block holds at most when unpacked, roughly; a single row may be larger.
pub const BLOCK_BYTES: usize = 1 << 20;

const HEADER: usize = 1 + 8 + 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    Changes,
    Rewrite,
}

#[derive(Debug)]
pub struct Block {
    pub kind: BlockKind,
    pub stream_time: Option<i64>,
    pub window: i64,
    /// None in a block that only says how late it is.
    pub columns: Vec<ArrayRef>,
}

impl Block {
    /// Appends the block's bytes to `blocks`; returns how many bytes it has unpacked.
    pub fn write(&self, blocks: &mut Vec<Vec<u8>>) -> Result<usize, EngineError> {
        let rows = self.columns.first().map_or(0, |c| c.len());
        let mut payload = Vec::new();
        payload.push(match self.kind {
            BlockKind::Changes => 0,
            BlockKind::Rewrite => 1,
        });
        payload.push(u8::from(self.stream_time.is_some()));
        payload.extend_from_slice(&self.stream_time.unwrap_or(0).to_le_bytes());
        payload.extend_from_slice(&self.window.to_le_bytes());
        payload.extend_from_slice(&(rows as u32).to_le_bytes());
        payload.extend_from_slice(&(self.columns.len() as u16).to_le_bytes());
        for column in &self.columns {
            write_column(column, &mut payload)?;
        }
        let length = u32::try_from(payload.len())
            .map_err(|_| EngineError::Changelog("a group's state has more than 4 GB".into()))?;
        let packed = lz4_flex::block::compress(&payload);
        let mut block = Vec::with_capacity(HEADER + packed.len());
        block.push(VERSION);
        block.extend_from_slice(&[0; 8]);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&packed);
        let checksum = xxh3_64(&block[9..]);
        block[1..9].copy_from_slice(&checksum.to_le_bytes());
        blocks.push(block);
        Ok(payload.len())
    }

    /// Reads a block whose columns have these types.
    pub fn read(bytes: &[u8], types: &[DataType]) -> Result<Block, EngineError> {
        let damaged = |what: &str| EngineError::Changelog(what.to_owned());
        let mut cursor = Cursor(bytes);
        match cursor.array::<1>()? {
            [VERSION] => {}
            [version] => {
                return Err(damaged(&format!(
                    "it has version {version}, and this server reads version {VERSION}"
                )));
            }
        }
        let checksum = u64::from_le_bytes(cursor.array()?);
        if xxh3_64(cursor.0) != checksum {
            return Err(damaged("its checksum is wrong"));
        }
        let length = u32::from_le_bytes(cursor.array()?);
        let payload = lz4_flex::block::decompress(cursor.0, length as usize)
            .map_err(|error| EngineError::Changelog(error.to_string()))?;
        let mut cursor = Cursor(&payload);
        let kind = match cursor.array()? {
            [0] => BlockKind::Changes,
            [1] => BlockKind::Rewrite,
            [_] => return Err(damaged("it is of no known kind")),
        };
        let has_time = cursor.array()? != [0];
        let stream_time = Some(i64::from_le_bytes(cursor.array()?)).filter(|_| has_time);
        let window = i64::from_le_bytes(cursor.array()?);
        let rows = u32::from_le_bytes(cursor.array()?) as usize;
        let count = u16::from_le_bytes(cursor.array()?) as usize;
        if count != 0 && count != types.len() {
            let needs = types.len();
            return Err(damaged(&format!("it has {count} columns, and the query needs {needs}")));
        }
        let columns = types
            .iter()
            .take(count)
            .map(|ty| read_column(ty, rows, &mut cursor))
            .collect::<Result<_, _>>()?;
        Ok(Block { kind, stream_time, window, columns })
    }
}

/// How many rows of these columns make a block.
pub fn block_rows(columns: &[ArrayRef]) -> usize {
    let rows = columns.first().map_or(0, |c| c.len());
    let bytes: usize = columns.iter().map(|c| c.get_array_memory_size()).sum();
    (rows.saturating_mul(BLOCK_BYTES) / bytes.max(1)).clamp(1, 1 << 20)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray,
        StringArray, StructArray,
    };
    use arrow::datatypes::{Field, Fields, Int64Type};
    use expect_test::{Expect, expect};

    use super::*;

    fn columns() -> Vec<ArrayRef> {
        let longs: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
        ]);
        let fields = Fields::from(vec![Field::new("a", DataType::Int64, true)]);
        vec![
            longs.clone(),
            Arc::new(StringArray::from(vec![Some("Zürich"), Some(""), None])),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b"", b"x"])),
            Arc::new(Float64Array::from(vec![0.5, f64::NAN, -0.0])),
            Arc::new(Decimal128Array::from(vec![1, -2, 3]).with_precision_and_scale(30, 2).unwrap()),
            Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])),
            Arc::new(list),
            Arc::new(StructArray::new(fields, vec![longs], None)),
        ]
    }

    fn types() -> Vec<DataType> {
        columns().iter().map(|c| c.data_type().clone()).collect()
    }

    fn written(columns: Vec<ArrayRef>) -> Vec<u8> {
        let block = Block { kind: BlockKind::Rewrite, stream_time: Some(77), window: 10, columns };
        let mut blocks = Vec::new();
        block.write(&mut blocks).unwrap();
        blocks.pop().unwrap()
    }

    fn same(read: &[ArrayRef], expected: &[ArrayRef]) {
        // NaN equals nothing: compared as text.
        let text = |columns: &[ArrayRef]| columns.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>();
        assert_eq!(text(read), text(expected));
    }

    #[test]
    fn what_is_written_is_read() {
        let read = Block::read(&written(columns()), &types()).unwrap();
        assert_eq!((read.kind, read.stream_time, read.window), (BlockKind::Rewrite, Some(77), 10));
        same(&read.columns, &columns());
        // Slices are written as what they show.
        let sliced: Vec<ArrayRef> = columns().iter().map(|c| c.slice(1, 2)).collect();
        same(&Block::read(&written(sliced.clone()), &types()).unwrap().columns, &sliced);
        let empty = Block::read(&written(Vec::new()), &types()).unwrap();
        assert!(empty.columns.is_empty());
    }

    /// Written by the first version; never to be written anew.
    const VERSION_1: &str = concat!(
        "01a8b8268270fbd19e500100004201014d000100120a0700f302000300000009000500496e7436340105011700040200",
        "001f00000200900400557466380103070d00030200f30e5ac3bc726963680700426f6f6c65616e010501060042696e61",
        "727900022400015000b3ff780700466c6f61743634170022e03f090022f87f0800f20600801100446563696d616c3132",
        "382833302c2032293d000702002afeff0100049d00040200a0060044617465333201052800001600b1204e00000b004c",
        "69737428e100342901059a000002002c01016300e21200537472756374282261223a2034001f00170101600000000000",
        "00",
    );

    #[test]
    fn blocks_of_version_1_are_read() {
        let byte = |i: usize| u8::from_str_radix(&VERSION_1[2 * i..2 * i + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..VERSION_1.len() / 2).map(byte).collect();
        same(&Block::read(&bytes, &types()).unwrap().columns, &columns());
    }

    fn check(bytes: &[u8], types: &[DataType], expected: Expect) {
        expected.assert_eq(&Block::read(bytes, types).unwrap_err().to_string());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let good = written(columns());
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        check(&[], &types(), expect!["cannot read a changelog block: it is shorter than it says"]);
        check(
            &changed(0, 9),
            &types(),
            expect!["cannot read a changelog block: it has version 9, and this server reads version 1"],
        );
        check(&changed(20, 0xee), &types(), expect!["cannot read a changelog block: its checksum is wrong"]);
        check(&good[..30], &types(), expect!["cannot read a changelog block: its checksum is wrong"]);
        check(
            &good,
            &types()[1..],
            expect!["cannot read a changelog block: it has 9 columns, and the query needs 8"],
        );
        let mut other = types();
        other.swap(0, 1);
        check(
            &good,
            &other,
            expect!["cannot read a changelog block: a column is Int64, the query needs Utf8"],
        );
    }

    /// No bytes make the reader panic, right checksum or not.
    #[test]
    fn damage_behind_the_checksum_is_an_error() {
        let good = written(columns());
        let payload = lz4_flex::block::decompress(&good[13..], 1 << 20).unwrap();
        for at in 0..payload.len() {
            for to in [0, 1, 0x7f, 0xff] {
                let mut payload = payload.clone();
                payload[at] = to;
                let mut block = vec![VERSION; 9];
                block.extend_from_slice(&(payload.len() as u32).to_le_bytes());
                block.extend_from_slice(&lz4_flex::block::compress(&payload));
                let checksum = xxh3_64(&block[9..]);
                block[1..9].copy_from_slice(&checksum.to_le_bytes());
                let _ = Block::read(&block, &types());
            }
        }
    }
}
