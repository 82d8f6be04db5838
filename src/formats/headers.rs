//! The headers of records: as a column that queries read, and as what a result hands on.
//!
//! ksqlDB shows them as one column, `ARRAY<STRUCT<KEY STRING, VALUE BYTES>>`, and hands those of an input record on to
//! the record that is made of it (dialect 10.8). Both are the same Arrow list here: it is built once a batch, and not
//! at all for topics whose records carry none, unless a column asks for it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryBuilder, ListArray, StringArray, StringBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};

/// The headers of a record, in order; names may repeat.
pub type Headers<'a> = &'a [(&'a str, Option<&'a [u8]>)];

/// The Arrow type of a HEADERS column, that of the SQL type.
pub fn headers_type() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields()), true)))
}

fn fields() -> Fields {
    Fields::from(vec![Field::new("KEY", DataType::Utf8, true), Field::new("VALUE", DataType::Binary, true)])
}

/// One list a record. A record without headers has an empty list, never null.
pub fn header_lists(records: &[Headers<'_>]) -> ArrayRef {
    let mut keys = StringBuilder::new();
    let mut values = BinaryBuilder::new();
    for (key, value) in records.iter().copied().flatten() {
        keys.append_value(key);
        values.append_option(*value);
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(keys.finish()), Arc::new(values.finish())];
    let entries = StructArray::new(fields(), columns, None);
    let item = Arc::new(Field::new("item", DataType::Struct(fields()), true));
    let offsets = OffsetBuffer::from_lengths(records.iter().map(|headers| headers.len()));
    Arc::new(ListArray::new(item, offsets, Arc::new(entries), None))
}

/// The value of the last header with a name, a record each; null where there is none.
pub fn header_values(records: &[Headers<'_>], name: &str) -> ArrayRef {
    let mut values = BinaryBuilder::new();
    for headers in records {
        let last = headers.iter().rev().find(|(key, _)| *key == name);
        values.append_option(last.and_then(|(_, value)| *value));
    }
    Arc::new(values.finish())
}

/// The headers of the records of a sink: lists of batches that follow one another. Empty where no record has any.
#[derive(Debug, Clone, Default)]
pub struct HeaderRows {
    /// The row that a batch begins at, and its lists. Ascending.
    batches: Vec<(usize, ArrayRef)>,
}

impl HeaderRows {
    /// Headers for the rows from `first` on, one a row.
    pub fn push(&mut self, first: usize, lists: ArrayRef) {
        self.batches.push((first, lists));
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Memory held, roughly.
    pub fn bytes(&self) -> usize {
        self.batches.iter().map(|(_, lists)| lists.get_array_memory_size()).sum()
    }

    /// The headers of a row.
    pub fn get(&self, row: usize) -> Vec<(&str, Option<&[u8]>)> {
        self.entries(row).unwrap_or_default()
    }

    fn entries(&self, row: usize) -> Option<Vec<(&str, Option<&[u8]>)>> {
        let behind = self.batches.partition_point(|(first, _)| *first <= row);
        let (first, lists) = self.batches.get(behind.checked_sub(1)?)?;
        let lists = lists.as_any().downcast_ref::<ListArray>()?;
        let at = row.checked_sub(*first).filter(|at| *at < lists.len())?;
        let entries = lists.values().as_any().downcast_ref::<StructArray>()?;
        let keys = entries.columns().first()?.as_any().downcast_ref::<StringArray>()?;
        let values = entries.columns().get(1)?.as_any().downcast_ref::<BinaryArray>()?;
        let (from, to) =
            (*lists.value_offsets().get(at)? as usize, *lists.value_offsets().get(at + 1)? as usize);
        let value = |entry: usize| values.is_valid(entry).then(|| values.value(entry));
        Some((from..to).map(|entry| (keys.value(entry), value(entry))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_went_in() {
        let many: Headers<'_> = &[("a", Some(b"1")), ("a", None), ("b", Some(b""))];
        let records: [Headers<'_>; 3] = [&[], many, &[("b", Some(b"2"))]];
        let lists = header_lists(&records);
        assert_eq!(lists.data_type(), &headers_type());
        let mut rows = HeaderRows::default();
        rows.push(2, lists.slice(1, 2));
        rows.push(4, lists);
        let seen: Vec<_> = (0..8).map(|row| rows.get(row)).collect();
        assert_eq!(seen, [&[], &[], records[1], records[2], records[0], records[1], records[2], &[]]);
        assert_eq!(header_values(&records, "a").null_count(), 3);
        assert!(format!("{:?}", header_values(&records, "b").slice(2, 1)).contains("50"));
    }
}
