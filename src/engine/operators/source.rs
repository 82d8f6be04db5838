//! The first operator of a query: records to rows.

use std::fmt;

use super::{Edge, Output};
use crate::engine::topology::SourceSpec;
use crate::engine::{Batch, EdgeKind, EngineError, ErrorKind, Origin, RowError, error};
use crate::formats::{DecodeOptions, RawRecord, SourceDecoder};

/// Decodes the columns that the query needs. Records that cannot be decoded are logged and left out.
pub struct Source {
    decoder: SourceDecoder,
    partition: i32,
    name: String,
}

impl Source {
    pub fn new(spec: &SourceSpec, partition: i32) -> Result<(Self, Edge), EngineError> {
        let options =
            DecodeOptions { null_values: spec.edge == EdgeKind::AppendNulls, headers: spec.headers };
        let decoder = SourceDecoder::new(&spec.source, &spec.columns)?.with(options);
        let edge = Edge { name: "source", schema: decoder.schema(), kind: spec.edge, not_null: Vec::new() };
        Ok((Self { decoder, partition, name: spec.source.name.clone() }, edge))
    }

    pub fn push(&mut self, records: &[RawRecord<'_>], out: &mut Output) {
        let decoded = self.decoder.decode(self.partition, records);
        out.errors.extend(decoded.bad.into_iter().map(|bad| RowError {
            kind: ErrorKind::Deserialization,
            partition: Some(self.partition),
            offset: Some(bad.offset),
            reason: error::bounded(bad.reason),
        }));
        if !decoded.time.is_empty() {
            out.batches.push(Batch {
                columns: decoded.columns,
                time: decoded.time,
                origin: Some(Origin {
                    partition: self.partition,
                    offsets: decoded.offsets,
                    headers: decoded.headers,
                }),
                tombstones: decoded.tombstones,
            });
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}
