//! Table functions: a row for each element of an array.

use arrow::array::{Array, AsArray, ListArray, RecordBatch, UInt32Array};
use arrow::compute::take;

use super::{Operator, Output};
use crate::engine::topology::FlatMapSpec;
use crate::engine::{Batch, EngineError};

/// Takes arrays apart: as many rows as the longest of a row's arrays has elements, the others filled up with nulls.
/// A row whose arrays are all empty or null is gone. The rest of the row, its time and its place stay the same.
#[derive(Debug)]
pub struct FlatMap {
    spec: FlatMapSpec,
}

impl FlatMap {
    pub fn new(spec: FlatMapSpec) -> Self {
        Self { spec }
    }
}

impl Operator for FlatMap {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        let rows = batch.num_rows();
        let columns = batch.columns.columns().to_vec();
        let (others, arrays) = columns.split_at_checked(self.spec.arrays_from).ok_or_else(no_array)?;
        let lists: Vec<&ListArray> =
            arrays.iter().map(|a| a.as_list_opt::<i32>().ok_or_else(no_array)).collect::<Result<_, _>>()?;
        let counts: Vec<usize> =
            (0..rows).map(|row| lists.iter().map(|list| length(list, row)).max().unwrap_or(0)).collect();
        let repeated = (0_u32..).zip(&counts).flat_map(|(row, count)| std::iter::repeat_n(row, *count));
        let repeated = UInt32Array::from_iter_values(repeated);
        if repeated.is_empty() {
            return Ok(());
        }
        let kept: Vec<usize> = (0..others.len()).collect();
        let taken = Batch { columns: batch.columns.project(&kept)?, ..batch }.take(&repeated)?;
        let mut made = taken.columns.columns().to_vec();
        for list in lists {
            let places = (0..rows).zip(&counts).flat_map(|(row, count)| {
                let (first, length) = (start(list, row), length(list, row));
                (0..*count).map(move |i| (i < length).then(|| (first + i) as u32))
            });
            made.push(take(list.values(), &places.collect::<UInt32Array>(), None)?);
        }
        out.batches.push(Batch { columns: RecordBatch::try_new(self.spec.schema.clone(), made)?, ..taken });
        Ok(())
    }
}

fn length(list: &ListArray, row: usize) -> usize {
    if list.is_null(row) { 0 } else { list.value_length(row) as usize }
}

fn start(list: &ListArray, row: usize) -> usize {
    list.value_offsets().get(row).map_or(0, |offset| *offset as usize)
}

fn no_array() -> EngineError {
    EngineError::internal("a table function without an array")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use arrow::util::pretty::pretty_format_batches;
    use expect_test::expect;

    use super::*;
    use crate::engine::batch::Origin;

    #[test]
    fn arrays_side_by_side() {
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
        let list = |rows: [Option<Vec<Option<i64>>>; 4]| -> ArrayRef {
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows))
        };
        let first = list([Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(4)])]);
        let second = list([Some(vec![Some(7)]), None, None, Some(vec![Some(8), Some(9), Some(10)])]);
        let columns = RecordBatch::try_from_iter([("K", keys), ("A", first), ("B", second)]).unwrap();
        // A slice: its lists do not begin at 0.
        let batch = |from: usize, rows: usize| Batch {
            columns: columns.slice(from, rows),
            time: (from as i64..(from + rows) as i64).collect(),
            origin: Some(Origin {
                partition: 0,
                offsets: (10 + from as i64..10 + (from + rows) as i64).collect(),
                headers: None,
            }),
            tombstones: None,
        };
        let field = |name: &str, ty| Field::new(name, ty, true);
        let schema = Schema::new(vec![
            field("K", DataType::Utf8),
            field("A", DataType::Int64),
            field("B", DataType::Int64),
        ]);
        let spec = FlatMapSpec { arrays_from: 1, schema: Arc::new(schema), texts: Vec::new() };
        let mut out = Output::default();
        for (from, rows) in [(0, 4), (3, 1), (1, 2), (0, 0)] {
            FlatMap::new(spec.clone()).push(batch(from, rows), &mut out).unwrap();
        }
        let shown: Vec<RecordBatch> = out
            .batches
            .iter()
            .map(|made| {
                let times: ArrayRef = Arc::new(Int64Array::new(made.time.clone(), None));
                let offsets = made.origin.as_ref().unwrap().offsets.clone();
                let mut columns: Vec<(String, ArrayRef)> = vec![("time".into(), times)];
                columns.push(("offset".into(), Arc::new(Int64Array::new(offsets, None))));
                let own = made.columns.schema();
                let own = own.fields().iter().map(|f| f.name().clone()).zip(made.columns.columns().to_vec());
                columns.extend(own);
                RecordBatch::try_from_iter(columns).unwrap()
            })
            .collect();
        expect![[r#"
            +------+--------+---+---+----+
            | time | offset | K | A | B  |
            +------+--------+---+---+----+
            | 0    | 10     | a | 1 | 7  |
            | 0    | 10     | a |   |    |
            | 3    | 13     | d | 4 | 8  |
            | 3    | 13     | d |   | 9  |
            | 3    | 13     | d |   | 10 |
            | 3    | 13     | d | 4 | 8  |
            | 3    | 13     | d |   | 9  |
            | 3    | 13     | d |   | 10 |
            +------+--------+---+---+----+"#]]
        .assert_eq(&pretty_format_batches(&shown).unwrap().to_string());
    }
}
