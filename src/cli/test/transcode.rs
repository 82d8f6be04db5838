//! Formats that the runner has no codec of its own for, by way of JSON and the engine's codecs.
//!
//! PROTOBUF_NOSR is a wire format that follows from the columns: a second codec would say the same in the same words.

use serde_json::{Map, Value};

use crate::catalog::{Column, Format, Source};
use crate::formats::{ByteColumn, RawRecord, RowEncoder, SourceColumn, SourceDecoder};
use crate::sql::ast::SourceKind;

/// A JSON value as the bytes of a source's keys or values. A bare value stands for the only column. Errors: for people.
pub fn of_json(value: &Value, source: &Source, key: bool) -> Result<Option<Vec<u8>>, String> {
    let columns = columns(source, key);
    let object = match (value, columns.as_slice()) {
        (Value::Object(_), _) | (_, [] | [_, _, ..]) => value.clone(),
        (bare, [column]) => Value::Object(Map::from_iter([(column.name.clone(), bare.clone())])),
    };
    transcode(
        object.to_string().as_bytes(),
        source,
        &columns,
        (Format::Json, false),
        (format(source, key), key),
    )
}

/// The bytes of a source's keys or values as JSON. Errors: for people.
pub fn to_json(bytes: &[u8], source: &Source, key: bool) -> Result<Value, String> {
    let columns = columns(source, key);
    let json = transcode(bytes, source, &columns, (format(source, key), key), (Format::Json, false))?;
    json.map_or(Ok(Value::Null), |json| serde_json::from_slice(&json).map_err(|e| e.to_string()))
}

fn columns(source: &Source, key: bool) -> Vec<Column> {
    source.columns.iter().filter(|column| column.key == key).cloned().collect()
}

fn format(source: &Source, key: bool) -> Format {
    if key { source.key_format } else { source.value_format }
}

/// Decodes one record and encodes it again. A format is followed by whether it is used for keys.
fn transcode(
    bytes: &[u8],
    like: &Source,
    columns: &[Column],
    (from, from_key): (Format, bool),
    (to, to_key): (Format, bool),
) -> Result<Option<Vec<u8>>, String> {
    let source = Source {
        kind: SourceKind::Stream,
        columns: columns.iter().map(|c| Column { key: from_key, ..c.clone() }).collect(),
        key_format: if from_key { from } else { Format::None },
        value_format: if from_key { Format::Json } else { from },
        timestamp: None,
        window: None,
        headers: Vec::new(),
        ..like.clone()
    };
    let wanted: Vec<SourceColumn> = (0..columns.len()).map(SourceColumn::Column).collect();
    let mut decoder = SourceDecoder::new(&source, &wanted).map_err(|e| e.to_string())?;
    let (key, value) = if from_key { (Some(bytes), Some(&b"{}"[..])) } else { (None, Some(bytes)) };
    let decoded = decoder.decode(0, &[RawRecord { offset: 0, timestamp: 0, key, value, headers: &[] }]);
    if let Some(bad) = decoded.bad.first() {
        return Err(bad.reason.clone());
    }
    let columns: Vec<Column> = columns.iter().map(|c| Column { key: to_key, ..c.clone() }).collect();
    let encoder = if to_key { RowEncoder::key(&columns, to, false) } else { RowEncoder::value(&columns, to) };
    let mut out = ByteColumn::new();
    let encoded = encoder.and_then(|e| e.encode(decoded.columns.columns(), None, &mut out));
    encoded.map_err(|e| e.to_string())?;
    Ok(out.get(0).map(<[u8]>::to_vec))
}
