//! Changes of the catalog, as records of the command log.
//!
//! A record's key names the object (`source/NAME`, `query/ID`, `type/NAME`, `next_query`), its value is JSON with a version; a
//! tombstone drops the object. Only the last record of a key counts.

use serde::{Deserialize, Serialize};

use super::{QueryDef, Source};
use crate::sql::SqlType;

/// The version that this build writes, and the newest that it reads. Version 2 has named types, paused queries and
/// read-only sources, which a build of version 1 must not pass over.
const VERSION: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    PutSource(Source),
    DropSource(String),
    PutQuery(QueryDef),
    DropQuery(String),
    PutType {
        name: String,
        ty: SqlType,
    },
    DropType(String),
    /// Query numbers below this one are used up.
    NextQuery(u64),
}

/// A record of the command log that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(
        "a record of the command log was written by a newer version of Rivermill (format {found}, this build reads up to {VERSION})"
    )]
    Newer { found: u32 },
    #[error("a record of the command log cannot be read: {0}")]
    Malformed(String),
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    object: T,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Object {
    Source(Source),
    Query(QueryDef),
    Type(TypeDef),
    NextQuery(u64),
}

#[derive(Serialize, Deserialize)]
struct TypeDef {
    name: String,
    ty: SqlType,
}

impl Command {
    /// The record's key and value.
    pub fn to_record(&self) -> Result<(String, Option<Vec<u8>>), CommandError> {
        let object = match self {
            Command::PutSource(source) => Object::Source(source.clone()),
            Command::DropSource(name) => return Ok((format!("source/{name}"), None)),
            Command::PutQuery(query) => Object::Query(query.clone()),
            Command::DropQuery(id) => return Ok((format!("query/{id}"), None)),
            Command::PutType { name, ty } => Object::Type(TypeDef { name: name.clone(), ty: ty.clone() }),
            Command::DropType(name) => return Ok((format!("type/{name}"), None)),
            Command::NextQuery(number) => Object::NextQuery(*number),
        };
        let key = match self {
            Command::PutSource(source) => format!("source/{}", source.name),
            Command::PutQuery(query) => format!("query/{}", query.id),
            Command::PutType { name, .. } => format!("type/{name}"),
            _ => "next_query".to_owned(),
        };
        let value = serde_json::to_vec(&Versioned { version: VERSION, object })
            .map_err(|e| CommandError::Malformed(e.to_string()))?;
        Ok((key, Some(value)))
    }

    pub fn from_record(key: &[u8], value: Option<&[u8]>) -> Result<Command, CommandError> {
        let key = std::str::from_utf8(key).map_err(|e| CommandError::Malformed(e.to_string()))?;
        let Some(value) = value else {
            return match key.split_once('/') {
                Some(("source", name)) => Ok(Command::DropSource(name.to_owned())),
                Some(("query", id)) => Ok(Command::DropQuery(id.to_owned())),
                Some(("type", name)) => Ok(Command::DropType(name.to_owned())),
                _ => Err(CommandError::Malformed(format!("unknown key \"{key}\""))),
            };
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let malformed = |e: serde_json::Error| CommandError::Malformed(e.to_string());
        let Version { version } = serde_json::from_slice(value).map_err(malformed)?;
        if version > VERSION {
            return Err(CommandError::Newer { found: version });
        }
        let record: Versioned<Object> = serde_json::from_slice(value).map_err(malformed)?;
        Ok(match record.object {
            Object::Source(source) => Command::PutSource(source),
            Object::Query(query) => Command::PutQuery(query),
            Object::Type(TypeDef { name, ty }) => Command::PutType { name, ty },
            Object::NextQuery(number) => Command::NextQuery(number),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records as version 1 wrote them: every later version must read them.
    #[test]
    fn reads_version_1() {
        let source = br#"{"version":1,"source":{"name":"BIDS","kind":"Stream","columns":[{"name":"AUCTION","ty":"BigInt","key":true},{"name":"PRICE","ty":{"Decimal":{"precision":10,"scale":2}},"key":false}],"topic":"bids","key_format":"KAFKA","value_format":"JSON","timestamp":null,"window":null,"query":null,"sql":"CREATE STREAM BIDS"}}"#;
        let query = br#"{"version":1,"query":{"id":"CTAS_T_3","number":3,"sql":"CREATE TABLE T AS SELECT 1","sink":"T","reads":"BIDS","partitions":4,"sink_partitions":2,"properties":{"auto.offset.reset":"latest"}}}"#;
        for (key, value) in [("source/BIDS", &source[..]), ("query/CTAS_T_3", &query[..])] {
            let command = Command::from_record(key.as_bytes(), Some(value)).unwrap();
            let (written_key, written) = command.to_record().unwrap();
            assert_eq!(written_key, key);
            assert_eq!(Command::from_record(key.as_bytes(), written.as_deref()).unwrap(), command);
        }
    }

    /// Records as version 2 wrote them.
    #[test]
    fn reads_version_2() {
        let named = br#"{"version":2,"type":{"name":"ADDRESS","ty":{"Struct":[{"name":"STREET","ty":"String"},{"name":"ZIP","ty":{"Array":"Int"}}]}}}"#;
        let paused = br#"{"version":2,"query":{"id":"CSAS_S_0","number":0,"sql":"CREATE STREAM S AS SELECT 1","sink":"S","reads":"BIDS","reads_columns":2,"partitions":4,"sink_partitions":2,"properties":{},"types":{"ZIP":"Int"},"paused":true}}"#;
        let formats = br#"{"version":2,"source":{"name":"S","kind":"Stream","columns":[{"name":"A","ty":"Int","key":false}],"topic":"s","key_format":{"DELIMITED":"|"},"value_format":{"PROTOBUF_NOSR":"OPTIONAL"},"timestamp":null,"window":null,"query":null,"sql":"","internal":false,"read_only":false,"wrap_single_value":true}}"#;
        let records =
            [("type/ADDRESS", &named[..]), ("query/CSAS_S_0", &paused[..]), ("source/S", &formats[..])];
        for (key, value) in records {
            let command = Command::from_record(key.as_bytes(), Some(value)).unwrap();
            let (written_key, written) = command.to_record().unwrap();
            assert_eq!(written_key, key);
            assert_eq!(String::from_utf8(written.unwrap()).unwrap(), String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let newer = Command::from_record(b"next_query", Some(br#"{"version":3,"next_query":1}"#));
        assert_eq!(newer, Err(CommandError::Newer { found: 3 }));
        for (key, value) in
            [("x", None), ("source/A", Some(&b"{"[..])), ("source/A", Some(&b"{\"version\":1}"[..]))]
        {
            assert!(matches!(Command::from_record(key.as_bytes(), value), Err(CommandError::Malformed(_))));
        }
    }

    #[test]
    fn tombstones_drop() {
        assert_eq!(Command::from_record(b"source/A/B", None), Ok(Command::DropSource("A/B".into())));
        assert_eq!(Command::from_record(b"type/T", None), Ok(Command::DropType("T".into())));
        assert_eq!(Command::from_record(b"query/Q_1", None), Ok(Command::DropQuery("Q_1".into())));
    }
}
