//! Nested values, read and written again.

use expect_test::{Expect, expect};

use super::{Cells, Fault, ObjectReader, write_cell};
use crate::formats::columns::ColumnBuilder;
use crate::sql::SqlType;

/// Reads the values of a column, the last of them after it was read once and cut off again, and writes all.
fn check(ty: SqlType, values: &[&str], expected: Expect) {
    let mut columns = [ColumnBuilder::new("C", ty.clone())];
    let mut reader = ObjectReader::new([(0, "C")].into_iter());
    let mut shown = Vec::new();
    for value in values {
        let text = format!(r#"{{"C":{value}}}"#);
        let row = columns[0].len();
        let first = reader.read(text.as_bytes(), &mut columns, row);
        columns[0].truncate(row);
        assert_eq!(reader.read(text.as_bytes(), &mut columns, row), first);
        if let Err(fault) = first {
            columns[0].truncate(row);
            columns[0].push_null();
            shown.push(match fault {
                Fault::Unreadable { column: 0, start, end } => format!("cannot take {}", &text[start..end]),
                fault => format!("{fault:?}"),
            });
        }
    }
    let array = columns[0].finish().unwrap();
    assert_eq!((array.data_type(), columns[0].len()), (&ty.arrow(), 0));
    let cells = Cells::new(&array, ty).unwrap();
    for row in 0..array.len() {
        let mut out = Vec::new();
        write_cell(&cells, row, &mut out);
        shown.push(String::from_utf8(out).unwrap());
    }
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn arrays() {
    check(
        SqlType::array(SqlType::BigInt),
        &["[1, 2,null]", "[]", "null", "[ \"3\" ]"],
        expect![[r#"
            [1,2,null]
            []
            null
            [3]"#]],
    );
    check(
        SqlType::array(SqlType::array(SqlType::String)),
        &[r#"[["a",1],[],null,[{"x": 1}]]"#, r#"[["b"],"c"]"#, r#"[["d"]]"#],
        expect![[r#"
            cannot take "c"
            [["a","1"],[],null,["{\"x\":1}"]]
            null
            [["d"]]"#]],
    );
    check(
        SqlType::array(SqlType::Int),
        &["[1 2]", "{}", "\"[1]\"", "[1,]", "[7]"],
        expect![[r#"
            Syntax { at: 8, expected: "',' or ']'" }
            cannot take {}
            cannot take "[1]"
            Syntax { at: 8, expected: "a value" }
            null
            null
            null
            null
            [7]"#]],
    );
}

#[test]
fn maps() {
    check(
        SqlType::map(SqlType::String, SqlType::Double),
        &[r#"{"a":1,"\u0062":null}"#, "{}", "null", r#"{"a":1,"b":2,"a":3}"#, r#"{"a":"x"}"#, "[]"],
        expect![[r#"
            cannot take "x"
            cannot take []
            {"a":1.0,"b":null}
            {}
            null
            {"b":2.0,"a":3.0}
            null
            null"#]],
    );
    let many: Vec<String> = (0..40).map(|at| format!(r#""{}":{at}"#, at % 20)).collect();
    check(
        SqlType::map(SqlType::String, SqlType::Int),
        &[&format!("{{{}}}", many.join(","))],
        expect![[
            r#"{"0":20,"1":21,"2":22,"3":23,"4":24,"5":25,"6":26,"7":27,"8":28,"9":29,"10":30,"11":31,"12":32,"13":33,"14":34,"15":35,"16":36,"17":37,"18":38,"19":39}"#
        ]],
    );
}

#[test]
fn structs() {
    let inner = SqlType::structure([("X", SqlType::Int), ("lower", SqlType::String)]);
    let decimal = SqlType::Decimal { precision: 4, scale: 2 };
    let ty = SqlType::structure([
        ("A", decimal),
        ("B", SqlType::array(inner.clone())),
        ("C", SqlType::map(SqlType::String, inner)),
    ]);
    check(
        ty,
        &[
            r#"{"a":1,"B":[{"x":1,"lower":"l"},null,{}],"C":{"k":{"X":2}},"other":[1]}"#,
            "{}",
            "null",
            r#"{"B":[{"X":1},{"X":"no"}]}"#,
            r#"{"A":1,"A":2,"a":3}"#,
            "7",
        ],
        expect![[r#"
            cannot take "no"
            cannot take 7
            {"A":1.00,"B":[{"X":1,"lower":"l"},null,{"X":null,"lower":null}],"C":{"k":{"X":2,"lower":null}}}
            {"A":null,"B":null,"C":null}
            null
            null
            {"A":2.00,"B":null,"C":null}
            null"#]],
    );
}
