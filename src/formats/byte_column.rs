//! Many byte strings in one buffer: the keys or the values of a batch of records.

/// Byte strings, each of which may be null, one behind the other in one allocation.
///
/// It is made to be cleared and filled again: an encoder appends to it, the runtime hands its entries to the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByteColumn {
    data: Vec<u8>,
    /// Where each entry ends in `data`; the topmost bit says that it is null.
    ends: Vec<usize>,
}

const NULL: usize = 1 << (usize::BITS - 1);

impl ByteColumn {
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for `rows` entries of about `bytes_each` bytes.
    pub fn with_capacity(rows: usize, bytes_each: usize) -> Self {
        Self { data: Vec::with_capacity(rows.saturating_mul(bytes_each)), ends: Vec::with_capacity(rows) }
    }

    /// The number of entries, nulls included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all entries together.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// The entry at `index`; None where it is null or where there is none.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        if end & NULL != 0 {
            return None;
        }
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? & !NULL,
            None => 0,
        };
        self.data.get(start..end)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        (0..self.len()).map(|index| self.get(index))
    }

    pub fn push(&mut self, entry: &[u8]) {
        self.data.extend_from_slice(entry);
        self.finish_entry();
    }

    pub fn push_null(&mut self) {
        self.ends.push(self.data.len() | NULL);
    }

    /// Removes all entries and keeps the room.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    /// The buffer, for an encoder that appends the bytes of one entry and then calls [`Self::finish_entry`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    pub(super) fn finish_entry(&mut self) {
        self.ends.push(self.data.len());
    }
}

#[cfg(test)]
mod tests {
    use super::ByteColumn;

    #[test]
    fn entries_come_back_as_they_went_in() {
        let mut column = ByteColumn::with_capacity(4, 2);
        column.push_null();
        column.push(b"ab");
        column.push(b"");
        column.push_null();
        column.push(b"c");
        let all: Vec<_> = column.iter().collect();
        assert_eq!(all, [None, Some(&b"ab"[..]), Some(&b""[..]), None, Some(&b"c"[..])]);
        assert_eq!((column.len(), column.bytes(), column.get(5)), (5, 3, None));
        column.clear();
        assert!(column.is_empty());
        column.push(b"x");
        assert_eq!(column.get(0), Some(&b"x"[..]));
    }
}
