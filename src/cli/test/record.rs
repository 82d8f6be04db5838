//! Records between test files and topics: what a file gives becomes bytes, and bytes become what is compared.
//!
//! Neither side uses the engine's own encoders, so that an error in them is not made twice. JSON goes in as the file
//! has it and comes out without a schema; DELIMITED is text; KAFKA follows the declared type.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::compare::Actual;
use super::file::{RecordNode, WindowKind, WindowNode};
use super::number::BigDecimal;
use super::transcode;
use crate::catalog::{Column, Source};
use crate::sql::SqlType;

/// A record of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StubRecord {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    /// ms since 1970.
    pub timestamp: i64,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A record of a topic, readable.
#[derive(Debug, Clone)]
pub struct ActualRecord {
    pub key: Actual,
    pub value: Actual,
    pub timestamp: i64,
    pub window: Option<WindowNode>,
    pub headers: Vec<(String, Option<String>)>,
}

/// A record as the source's formats write it; JSON where the topic has no source. Errors: for people.
pub fn to_bytes(record: &RecordNode, source: Option<&Source>) -> Result<StubRecord, String> {
    let mut key = encode(&record.key, source, true).map_err(|e| format!("key: {e}"))?;
    if let (Some(key), Some(window)) = (&mut key, &record.window) {
        if window.kind == WindowKind::Session {
            key.extend(window.end.to_be_bytes());
        }
        key.extend(window.start.to_be_bytes());
    }
    let value = encode(&record.value, source, false).map_err(|e| format!("value: {e}"))?;
    let header = |value: &String| BASE64_STANDARD.decode(value).map_err(|e| format!("header: {e}"));
    let headers = record
        .headers
        .iter()
        .map(|h| Ok((h.key.clone(), h.value.as_ref().map(header).transpose()?)))
        .collect::<Result<Vec<_>, String>>()?;
    Ok(StubRecord { key, value, timestamp: record.timestamp.unwrap_or(0), headers })
}

/// What a record holds, by the source's formats. `exact`: JSON's fractions keep their text. Errors: for people.
pub fn from_bytes(record: &StubRecord, source: &Source, exact: bool) -> Result<ActualRecord, String> {
    let mut key = record.key.as_deref();
    let mut window = None;
    if let (Some(bytes), Some(spec)) = (key, &source.window) {
        let (rest, start) =
            bytes.split_last_chunk::<8>().ok_or_else(|| "the key is too short for its window".to_owned())?;
        let start = i64::from_be_bytes(*start);
        key = Some(rest);
        window = Some(match rest.split_last_chunk::<8>() {
            Some((rest, end)) if spec.session => {
                key = Some(rest);
                WindowNode { start, end: i64::from_be_bytes(*end), kind: WindowKind::Session }
            }
            _ => WindowNode { start, end: start + spec.size_ms, kind: WindowKind::Time },
        });
    }
    Ok(ActualRecord {
        key: decode(key, source, true, exact).map_err(|e| format!("key: {e}"))?,
        value: decode(record.value.as_deref(), source, false, exact).map_err(|e| format!("value: {e}"))?,
        timestamp: record.timestamp,
        window,
        headers: record
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_ref().map(|v| BASE64_STANDARD.encode(v))))
            .collect(),
    })
}

/// The name of the format of keys or values.
pub fn format_name(source: &Source, key: bool) -> String {
    if key { source.key_format.to_string() } else { source.value_format.to_string() }
}

/// `WRAP_SINGLES` or `UNWRAP_SINGLES`, where it was asked for.
pub fn features(source: &Source, key: bool) -> BTreeSet<&'static str> {
    let wrap = source.wrap_single_value.filter(|_| !key);
    wrap.map(|wrap| if wrap { "WRAP_SINGLES" } else { "UNWRAP_SINGLES" }).into_iter().collect()
}

fn columns(source: &Source, key: bool) -> Vec<&Column> {
    source.columns.iter().filter(|column| column.key == key).collect()
}

fn encode(value: &Value, source: Option<&Source>, key: bool) -> Result<Option<Vec<u8>>, String> {
    let format = source.map_or("JSON".to_owned(), |source| format_name(source, key));
    if value.is_null() {
        return Ok(None);
    }
    match format.as_str() {
        "NONE" => Ok(None),
        "JSON" | "DEBEZIUM_JSON" => Ok(Some(value.to_string().into_bytes())),
        "DELIMITED" => Ok(Some(text(value).into_bytes())),
        "KAFKA" => {
            let columns = source.map(|source| columns(source, key)).unwrap_or_default();
            match columns.as_slice() {
                [] => Ok(None),
                [column] => kafka_bytes(value, &column.ty).map(Some),
                _ => Err("KAFKA holds one column".to_owned()),
            }
        }
        _ => match source {
            Some(source) => transcode::of_json(value, source, key),
            None => Err(format!("no stream or table has {format}")),
        },
    }
}

fn decode(bytes: Option<&[u8]>, source: &Source, key: bool, exact: bool) -> Result<Actual, String> {
    let Some(bytes) = bytes else { return Ok(Actual::Null) };
    let utf8 = || std::str::from_utf8(bytes).map_err(|e| e.to_string());
    match format_name(source, key).as_str() {
        "NONE" => Err("a record of the NONE format holds something".to_owned()),
        "JSON" => {
            let value: Value = serde_json::from_str(utf8()?).map_err(|e| format!("no JSON: {e}"))?;
            Ok(Actual::of_json(&value, exact))
        }
        "DELIMITED" => Ok(Actual::Text(utf8()?.to_owned())),
        "KAFKA" => match columns(source, key).as_slice() {
            [column] => kafka_actual(bytes, &column.ty),
            _ => Err("KAFKA holds one column".to_owned()),
        },
        // A wire format has no text that a fraction could keep.
        _ => Ok(Actual::of_json(&transcode::to_json(bytes, source, key)?, false)),
    }
}

/// A value as plain text.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn kafka_bytes(value: &Value, ty: &SqlType) -> Result<Vec<u8>, String> {
    let text = text(value);
    let wrong = || format!("{value} is no {ty}");
    let whole = || BigDecimal::parse(&text).and_then(|number| number.trunc()).ok_or_else(wrong);
    Ok(match ty {
        SqlType::Int => i32::try_from(whole()?).map_err(|_| wrong())?.to_be_bytes().to_vec(),
        SqlType::BigInt => whole()?.to_be_bytes().to_vec(),
        SqlType::Double => text.parse::<f64>().map_err(|_| wrong())?.to_be_bytes().to_vec(),
        SqlType::String => text.into_bytes(),
        SqlType::Bytes => BASE64_STANDARD.decode(&text).map_err(|_| wrong())?,
        _ => return Err(format!("KAFKA holds no {ty}")),
    })
}

fn kafka_actual(bytes: &[u8], ty: &SqlType) -> Result<Actual, String> {
    let length = |_| format!("{} bytes are no {ty}", bytes.len());
    Ok(match ty {
        SqlType::Int => Actual::Int(i64::from(i32::from_be_bytes(bytes.try_into().map_err(length)?))),
        SqlType::BigInt => Actual::Int(i64::from_be_bytes(bytes.try_into().map_err(length)?)),
        SqlType::Double => Actual::Double(f64::from_be_bytes(bytes.try_into().map_err(length)?)),
        SqlType::Bytes => Actual::Text(BASE64_STANDARD.encode(bytes)),
        SqlType::String => Actual::Text(std::str::from_utf8(bytes).map_err(|e| e.to_string())?.to_owned()),
        _ => return Err(format!("KAFKA holds no {ty}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, ty: &SqlType, expected: Result<&[u8], &str>) {
        let value: Value = serde_json::from_str(value).unwrap();
        let bytes = kafka_bytes(&value, ty);
        assert_eq!(bytes.as_deref().map_err(String::as_str), expected);
        if let Ok(bytes) = bytes {
            assert!(super::super::compare::matches(&kafka_actual(&bytes, ty).unwrap(), &value));
        }
    }

    #[test]
    fn kafka() {
        check("7", &SqlType::Int, Ok(&[0, 0, 0, 7]));
        check("\"-1\"", &SqlType::String, Ok(b"-1"));
        check("-1", &SqlType::BigInt, Ok(&[255; 8]));
        check("0.5", &SqlType::Double, Ok(&[0x3f, 0xe0, 0, 0, 0, 0, 0, 0]));
        check("\"AQI=\"", &SqlType::Bytes, Ok(&[1, 2]));
        check("3000000000", &SqlType::Int, Err("3000000000 is no INTEGER"));
        check("\"x\"", &SqlType::BigInt, Err("\"x\" is no BIGINT"));
        check("true", &SqlType::Boolean, Err("KAFKA holds no BOOLEAN"));
        assert_eq!(kafka_actual(&[1], &SqlType::Int), Err("1 bytes are no INTEGER".to_owned()));
    }
}
