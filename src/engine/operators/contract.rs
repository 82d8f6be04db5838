//! The wrapper around every operator that holds both its edges to what they promise.
//!
//! A broken promise found three operators later is a riddle; found here it names the edge. The wrapper is there in
//! debug builds and tests; release builds leave it out.

use super::{Edge, Operator, Output};
use crate::engine::state::Store;
use crate::engine::{Batch, EdgeKind, EngineError};

/// Wraps an operator in debug builds.
pub fn wrap(operator: Box<dyn Operator>, input: &Edge, output: &Edge) -> Box<dyn Operator> {
    if cfg!(any(test, debug_assertions)) {
        Box::new(Contract { inner: operator, input: input.clone(), output: output.clone(), ended: false })
    } else {
        operator
    }
}

#[derive(Debug)]
struct Contract {
    inner: Box<dyn Operator>,
    input: Edge,
    output: Edge,
    ended: bool,
}

impl Operator for Contract {
    fn push(&mut self, batch: Batch, out: &mut Output) -> Result<(), EngineError> {
        if self.ended {
            return Err(broken(&self.input, "rows behind the end of the epoch"));
        }
        check(&self.input, &batch)?;
        let before = out.batches.len();
        self.inner.push(batch, out)?;
        out.batches.iter().skip(before).try_for_each(|made| check(&self.output, made))
    }

    fn end_epoch(&mut self, out: &mut Output) -> Result<(), EngineError> {
        if self.ended {
            return Err(broken(&self.input, "the epoch ends twice"));
        }
        self.ended = true;
        let before = out.batches.len();
        self.inner.end_epoch(out)?;
        out.batches.iter().skip(before).try_for_each(|made| check(&self.output, made))
    }

    fn begin_epoch(&mut self) {
        self.ended = false;
        self.inner.begin_epoch();
    }

    fn store(&self) -> Option<&Store> {
        self.inner.store()
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        self.inner.store_mut()
    }

    fn late_rows(&self) -> u64 {
        self.inner.late_rows()
    }
}

fn check(edge: &Edge, batch: &Batch) -> Result<(), EngineError> {
    let rows = batch.num_rows();
    if batch.columns.num_rows() != rows {
        return Err(broken(edge, format!("{} rows with {rows} times", batch.columns.num_rows())));
    }
    // Names and types; metadata and nullability are not what operators rely on.
    let found = batch.columns.schema();
    let same = found.fields().len() == edge.schema.fields().len()
        && found
            .fields()
            .iter()
            .zip(edge.schema.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
    if !same {
        return Err(broken(edge, format!("schema {found:?} instead of {:?}", edge.schema)));
    }
    if let Some(origin) = &batch.origin
        && origin.offsets.len() != rows
    {
        return Err(broken(edge, format!("{} offsets for {rows} rows", origin.offsets.len())));
    }
    if let Some(tombstones) = &batch.tombstones {
        if edge.kind == EdgeKind::Append {
            return Err(broken(edge, "tombstones in a stream"));
        }
        if tombstones.len() != rows {
            return Err(broken(edge, format!("{} tombstone marks for {rows} rows", tombstones.len())));
        }
    }
    for &column in &edge.not_null {
        let Some(values) = batch.columns.columns().get(column) else {
            return Err(broken(edge, format!("no column {column}")));
        };
        if values.logical_null_count() > 0 {
            return Err(broken(edge, format!("null in column {column}")));
        }
    }
    Ok(())
}

fn broken(edge: &Edge, reason: impl Into<String>) -> EngineError {
    EngineError::Contract { edge: edge.name.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow::buffer::BooleanBuffer;
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    type Corruption = fn(&mut Batch);

    /// Breaks what passes through it.
    #[derive(Debug)]
    struct Troublemaker(Corruption);

    impl Operator for Troublemaker {
        fn push(&mut self, mut batch: Batch, out: &mut Output) -> Result<(), EngineError> {
            (self.0)(&mut batch);
            out.batches.push(batch);
            Ok(())
        }
    }

    fn batch(keys: Vec<Option<i64>>) -> Batch {
        let rows = keys.len();
        let column: ArrayRef = Arc::new(Int64Array::from(keys));
        let columns = RecordBatch::try_from_iter_with_nullable([("K", column, true)]).unwrap();
        Batch { columns, time: vec![0; rows].into(), origin: None, tombstones: None }
    }

    fn edge(name: &'static str, kind: EdgeKind) -> Edge {
        let schema = Arc::new(Schema::new(vec![Field::new("K", DataType::Int64, true)]));
        Edge { name, schema, kind, not_null: vec![0] }
    }

    #[test]
    fn the_contract_bites() {
        let cases: [(&str, Corruption); 6] = [
            ("1 rows with 2 times", |b| b.time = vec![0, 0].into()),
            ("schema", |b| {
                let column: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
                b.columns = RecordBatch::try_from_iter([("K", column)]).unwrap();
            }),
            ("offsets for", |b| {
                b.origin = Some(crate::engine::Origin { partition: 0, offsets: vec![].into(), headers: None })
            }),
            ("tombstones in a stream", |b| b.tombstones = Some(BooleanBuffer::new_set(1))),
            ("null in column 0", |b| *b = batch(vec![None])),
            ("", |_| ()),
        ];
        for (expected, corruption) in cases {
            let (input, output) = (edge("in", EdgeKind::Append), edge("out", EdgeKind::Append));
            let mut operator = wrap(Box::new(Troublemaker(corruption)), &input, &output);
            let result = operator.push(batch(vec![Some(1)]), &mut Output::default());
            let said = result.err().map(|e| e.to_string()).unwrap_or_default();
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{expected}: {said}");
        }
    }

    #[test]
    fn an_epoch_ends_once_and_takes_no_more() {
        let edge = edge("in", EdgeKind::Changes);
        let mut operator = wrap(Box::new(Troublemaker(|_| ())), &edge, &edge);
        let out = &mut Output::default();
        operator.end_epoch(out).unwrap();
        assert!(operator.push(batch(vec![Some(1)]), out).is_err());
        assert!(operator.end_epoch(out).is_err());
        operator.begin_epoch();
        operator.push(batch(vec![Some(1)]), out).unwrap();
    }
}
