//! Events, rows and keys of a table.

use expect_test::{Expect, expect};

use super::{DebeziumReader, Trouble};
use crate::formats::columns::ColumnBuilder;
use crate::formats::json::{Cells, Top, write_cell};
use crate::sql::SqlType;

fn types() -> Vec<(&'static str, SqlType)> {
    vec![
        ("ID", SqlType::Int),
        ("NAME", SqlType::String),
        ("PRICE", SqlType::Decimal { precision: 8, scale: 2 }),
        ("AT", SqlType::Timestamp),
        ("T", SqlType::Time),
        ("D", SqlType::Date),
        ("OK", SqlType::Boolean),
    ]
}

/// The columns that are not null, a line a text.
fn check(is_key: bool, types: &[(&str, SqlType)], texts: &[&str], expected: Expect) {
    let names = types.iter().enumerate().map(|(at, (name, _))| (at, *name));
    let mut reader = DebeziumReader::new(names, is_key);
    let mut shown = Vec::new();
    for text in texts {
        let mut columns: Vec<_> =
            types.iter().map(|(name, ty)| ColumnBuilder::new(name, ty.clone())).collect();
        shown.push(match reader.read(text.as_bytes(), &mut columns, 0) {
            Ok(Top::Null) => "deleted".to_owned(),
            Ok(Top::Value) => {
                let mut out = Vec::new();
                for (column, (name, ty)) in columns.iter_mut().zip(types) {
                    if column.len() == 0 {
                        continue;
                    }
                    let array = column.finish().unwrap();
                    out.extend_from_slice(format!(" {name}=").as_bytes());
                    write_cell(&Cells::new(&array, ty.clone()).unwrap(), 0, &mut out);
                }
                String::from_utf8(out).unwrap().trim().to_owned()
            }
            Err(Trouble::Event(reason)) => reason,
            Err(Trouble::Fault(fault)) => format!("{fault:?}"),
        });
    }
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn events_without_a_schema() {
    check(
        false,
        &types(),
        &[
            r#"{"before":null,"after":{"id":1,"name":"a","price":"1.50"},"op":"c","ts_ms":5,"source":{"op":"x"}}"#,
            r#"{"op":"u","before":{"id":1},"after":{"id":1,"name":"b","price":2.5,"ok":1}}"#,
            r#"{"op":"r","after":{"ID":1,"id":2,"at":1000,"t":2000,"d":3,"ok":true}}"#,
            r#"{"op":"d","before":{"id":1},"after":null}"#,
            r#"{"op":"u","before":{"id":1},"after":null}"#,
            r#"{"op":"t","before":null,"after":null,"ts_ms":5}"#,
            r#"{"op":"m","message":{},"before":null}"#,
            r#"{"op":"c","after":{"id":"x"}}"#,
            r#"{"op":"c","after":{"id":1}"#,
            "null",
            "7",
        ],
        expect![[r#"
            ID=1 NAME="a" PRICE=1.50
            ID=1 NAME="b" PRICE=2.50 OK=true
            ID=1 AT=1000 T=2000 D=3 OK=true
            deleted
            the change event has no row in "after"
            change events of the operation "t" say nothing of a row
            change events of the operation "m" say nothing of a row
            Unreadable { column: 0, start: 24, end: 27 }
            Syntax { at: 26, expected: "',' or '}'" }
            deleted
            NotAnObject"#]],
    );
}

#[test]
fn rows_as_they_are() {
    check(
        false,
        &types(),
        &[
            r#"{"id":1,"name":"a","at":"2024-01-02T03:04:05.678Z","t":"10:11:12.5Z","d":"2024-01-02","ok":0}"#,
            r#"{"id":1,"op":"c"}"#,
            r#"{"id":1,"__deleted":"true"}"#,
            r#"{"id":1,"__deleted":"false"}"#,
            r#"{"schema":{"type":"struct"},"payload":{"id":3}}"#,
            r#"{"schema":null,"payload":null}"#,
            r#"{"schema":null,"payload":[1]}"#,
            r#"{"id":1,"at":"yesterday"}"#,
            r#"{"id":1,"ok":2}"#,
        ],
        expect![[r#"
            ID=1 NAME="a" AT=1704164645678 T=36672500 D=19724 OK=false
            ID=1
            deleted
            ID=1
            ID=3
            deleted
            NotAnObject
            Unreadable { column: 3, start: 13, end: 24 }
            Unreadable { column: 6, start: 13, end: 14 }"#]],
    );
}

#[test]
fn schemas() {
    let fields = r#"[{"field":"id","type":"int32"},
        {"field":"price","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"1"}},
        {"field":"at","type":"int64","name":"io.debezium.time.MicroTimestamp"},
        {"field":"t","type":"int64","name":"io.debezium.time.NanoTime"},
        {"field":"d","type":"int32","name":"io.debezium.time.Date"}]"#;
    let event = |row: &str| {
        format!(
            r#"{{"schema":{{"type":"struct","fields":[{{"field":"before","fields":[]}},{{"field":"after","fields":{fields}}}]}},
               "payload":{{"op":"c","before":null,"after":{row}}}}}"#
        )
    };
    let scaled = r#"{"schema":{"fields":[{"field":"price","name":"io.debezium.data.VariableScaleDecimal"}]},"payload":{"price":{"scale":3,"value":"ASw="}}}"#;
    check(
        false,
        &types(),
        &[
            &event(r#"{"id":1,"price":"ASw=","at":-1,"t":1500000,"d":7}"#),
            &event(r#"{"id":1,"price":"?","at":1}"#),
            r#"{"op":"c","after":{"id":1,"at":1000}}"#,
            scaled,
        ],
        expect![[r#"
            ID=1 PRICE=30.00 AT=-1 T=1 D=7
            Unreadable { column: 2, start: 541, end: 544 }
            ID=1 AT=1000
            PRICE=0.30"#]],
    );
    let as_text = [("PRICE", SqlType::String)];
    check(
        false,
        &as_text,
        &[scaled, &event(r#"{"price":"/w=="}"#)],
        expect![[r#"
        PRICE="0.300"
        PRICE="-0.1""#]],
    );
}

#[test]
fn keys() {
    check(
        true,
        &types()[..1],
        &[
            r#"{"id":1}"#,
            "2",
            r#"{"schema":{"type":"struct"},"payload":{"id":3}}"#,
            r#"{"schema":{"type":"int32"},"payload":4}"#,
            r#"{"other":1}"#,
            "null",
            "[1]",
        ],
        expect![[r#"
            ID=1
            ID=2
            ID=3
            ID=4
            the key has no field ID
            deleted
            Unreadable { column: 0, start: 0, end: 3 }"#]],
    );
    check(
        true,
        &types()[..2],
        &[r#"{"id":1,"name":null}"#, r#"{"id":1}"#, "1"],
        expect![[r#"
        ID=1 NAME=null
        the key has no field NAME
        NotAnObject"#]],
    );
}
