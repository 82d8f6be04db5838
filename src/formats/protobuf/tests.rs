//! Messages written and read again.

use arrow::array::ArrayRef;
use expect_test::{Expect, expect};

use super::{MessageReader, MessageWriter};
use crate::catalog::ProtobufNulls;
use crate::formats::columns::ColumnBuilder;
use crate::formats::json::{Cells, ObjectReader, write_cell};
use crate::sql::SqlType;

/// Columns as JSON, written as messages and read again: the bytes and what comes back.
fn check(nulls: ProtobufNulls, types: &[(&str, SqlType)], rows: &[&str], expected: Expect) {
    let builders = || types.iter().map(|(name, ty)| ColumnBuilder::new(name, ty.clone())).collect::<Vec<_>>();
    let mut columns = builders();
    let mut reader = ObjectReader::new(types.iter().enumerate().map(|(at, (name, _))| (at, *name)));
    for (row, json) in rows.iter().enumerate() {
        reader.read(json.as_bytes(), &mut columns, row).unwrap();
        for column in &mut columns {
            if column.len() == row {
                column.push_null();
            }
        }
    }
    let arrays: Vec<_> = columns.iter_mut().map(|column| column.finish().unwrap()).collect();
    let cells = |arrays: &'static [ArrayRef]| -> Vec<Cells<'static>> {
        arrays.iter().zip(types).map(|(a, (_, ty))| Cells::new(a, ty.clone()).unwrap()).collect()
    };
    let written = cells(Vec::leak(arrays));
    let mut back = builders();
    let mut messages = MessageReader::new(nulls, (0..types.len()).map(Some).collect());
    let mut shown = Vec::new();
    for row in 0..rows.len() {
        let mut message = Vec::new();
        MessageWriter::new(nulls).write(&written, row, &mut message);
        messages.read(&message, &mut back, row).unwrap();
        shown.push(message.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    let back = cells(Vec::leak(back.iter_mut().map(|column| column.finish().unwrap()).collect()));
    for row in 0..rows.len() {
        let mut out = Vec::new();
        for cells in &back {
            write_cell(cells, row, &mut out);
            out.push(b' ');
        }
        shown.push(String::from_utf8(out).unwrap().trim().to_owned());
    }
    expected.assert_eq(&shown.join("\n"));
}

fn scalars() -> [(&'static str, SqlType); 6] {
    [
        ("B", SqlType::Boolean),
        ("I", SqlType::Int),
        ("L", SqlType::BigInt),
        ("D", SqlType::Double),
        ("S", SqlType::String),
        ("Y", SqlType::Bytes),
    ]
}

const SCALARS: [&str; 3] = [
    r#"{"B":true,"I":-1,"L":300,"D":1.5,"S":"é","Y":"YWI="}"#,
    r#"{"B":false,"I":0,"L":0,"D":0,"S":"","Y":""}"#,
    "{}",
];

#[test]
fn primitives() {
    check(
        ProtobufNulls::Default,
        &scalars(),
        &SCALARS,
        expect![[r#"
        080110ffffffffffffffffff0118ac0221000000000000f83f2a02c3a932026162


        true -1 300 1.5 "é" "YWI="
        false 0 0 0.0 "" ""
        false 0 0 0.0 "" """#]],
    );
    check(
        ProtobufNulls::Optional,
        &scalars(),
        &SCALARS,
        expect![[r#"
        080110ffffffffffffffffff0118ac0221000000000000f83f2a02c3a932026162
        0800100018002100000000000000002a003200

        true -1 300 1.5 "é" "YWI="
        false 0 0 0.0 "" ""
        null null null null null null"#]],
    );
    check(
        ProtobufNulls::Wrapper,
        &scalars(),
        &SCALARS,
        expect![[r#"
        0a020801120b08ffffffffffffffffff011a0308ac02220909000000000000f83f2a040a02c3a932040a026162
        0a0012001a0022002a003200

        true -1 300 1.5 "é" "YWI="
        false 0 0 0.0 "" ""
        null null null null null null"#]],
    );
}

#[test]
fn messages() {
    let inner = SqlType::structure([("X", SqlType::Int), ("L", SqlType::array(SqlType::String))]);
    let types = [
        ("M", SqlType::Decimal { precision: 6, scale: 2 }),
        ("DA", SqlType::Date),
        ("T", SqlType::Time),
        ("TS", SqlType::Timestamp),
        ("A", SqlType::array(SqlType::BigInt)),
        ("P", SqlType::map(SqlType::String, inner.clone())),
        ("R", SqlType::array(inner.clone())),
        ("N", inner),
    ];
    let rows = [
        r#"{"M":-1.5,"DA":-1,"T":3723004,"TS":-1,"A":[1,0,-2],"P":{"k":{"X":1}},"R":[{"X":2,"L":["a",""]},{}],"N":{"L":["z"]}}"#,
        r#"{"A":[],"P":{},"R":[],"N":{}}"#,
        "{}",
    ];
    check(
        ProtobufNulls::Default,
        &types,
        &rows,
        expect![[r#"
        0a080a02ff6a10031802120708b10f100c181f1a0b080110021803208092f401221108ffffffffffffffffff0110c08faedc032a0c0100feffffffffffffffff0132070a016b120208013a07080212016112003a00420312017a
        4200

        -1.50 -1 3723004 -1 [1,0,-2] {"k":{"X":1,"L":[]}} [{"X":2,"L":["a",""]},{"X":0,"L":[]}] {"X":0,"L":["z"]}
        null null null null [] {} [] {"X":0,"L":[]}
        null null null null [] {} [] null"#]],
    );
    check(
        ProtobufNulls::Optional,
        &types,
        &rows,
        expect![[r#"
        0a080a02ff6a10031802120708b10f100c181f1a0b080110021803208092f401221108ffffffffffffffffff0110c08faedc032a0c0100feffffffffffffffff0132070a016b120208013a07080212016112003a00420312017a
        4200

        -1.50 -1 3723004 -1 [1,0,-2] {"k":{"X":1,"L":[]}} [{"X":2,"L":["a",""]},{"X":null,"L":[]}] {"X":null,"L":["z"]}
        null null null null [] {} [] {"X":null,"L":[]}
        null null null null [] {} [] null"#]],
    );
}

#[test]
fn foreign_messages() {
    let check =
        |bytes: &[u8], expected: Expect| {
            let types = [SqlType::Int, SqlType::array(SqlType::Int), SqlType::String];
            let mut columns: Vec<_> = types.iter().map(|ty| ColumnBuilder::new("C", ty.clone())).collect();
            let shown = match MessageReader::new(ProtobufNulls::Default, vec![Some(0), Some(1), Some(2)])
                .read(bytes, &mut columns, 0)
            {
                Ok(()) => {
                    let show = |column: &mut ColumnBuilder| {
                        arrow::util::display::array_value_to_string(&column.finish().unwrap(), 0).unwrap()
                    };
                    columns.iter_mut().map(show).collect::<Vec<_>>().join(" ")
                }
                Err(error) => error,
            };
            expected.assert_eq(&shown);
        };
    // Packed and not, repeated scalars, fields out of order and unknown ones of each kind.
    check(
        b"\x12\x02\x01\x02\x0a\x01x\x08\x05\x10\x03\x08\x06",
        expect!["the field of column C is no INTEGER"],
    );
    check(
        b"\x12\x02\x01\x02\x1a\x01x\x08\x05\x10\x03\x08\x06\x20\x01\x29\0\0\0\0\0\0\0\0\x32\x01a\x3d\0\0\0\0",
        expect!["6 [1, 2, 3] x"],
    );
    check(b"\x08", expect!["it ends within a field"]);
    check(b"\x1a\x05x", expect!["it ends within a field"]);
    check(b"\x1a\x01\xff", expect!["the text of column C is not UTF-8"]);
    check(b"\x0b", expect!["there is no wire type 3"]);
    check(b"\x00\x01", expect!["a field has the number 0"]);
    check(&[0xff; 12], expect!["a number has more than 64 bits"]);
}
