//! Rows read and written again.

use expect_test::{Expect, expect};

use super::{DelimitedReader, DelimitedWriter};
use crate::formats::columns::ColumnBuilder;
use crate::formats::json::Cells;
use crate::sql::SqlType;

fn check(delimiter: char, types: &[SqlType], rows: &[&str], expected: Expect) {
    let mut columns: Vec<_> = types.iter().map(|ty| ColumnBuilder::new("C", ty.clone())).collect();
    let mut reader = DelimitedReader::new(delimiter, (0..types.len()).map(Some).collect());
    let mut shown = Vec::new();
    for text in rows {
        let row = columns[0].len();
        if let Err(error) = reader.read(text.as_bytes(), &mut columns) {
            columns.iter_mut().for_each(|column| column.truncate(row));
            shown.push(error);
        }
    }
    let arrays: Vec<_> = columns.iter_mut().map(|column| column.finish().unwrap()).collect();
    let cells: Vec<_> = arrays.iter().zip(types).map(|(a, ty)| Cells::new(a, ty.clone()).unwrap()).collect();
    for row in 0..arrays[0].len() {
        let mut out = Vec::new();
        DelimitedWriter::new(delimiter).write(&cells, row, &mut out);
        shown.push(String::from_utf8(out).unwrap());
    }
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn types() {
    let decimal = SqlType::Decimal { precision: 6, scale: 2 };
    let all = [
        SqlType::Boolean,
        SqlType::Int,
        SqlType::BigInt,
        SqlType::Double,
        decimal,
        SqlType::String,
        SqlType::Bytes,
        SqlType::Date,
        SqlType::Time,
        SqlType::Timestamp,
    ];
    check(
        ',',
        &all,
        &["TRUE,-1,+2,1e10,.5,x y,YWI=,-3,4,5", ",,,,,,,,,", "no,1,1,1,1,\"\",,,,"],
        expect![[r#"
            true,-1,2,1.0E10,0.50,x y,YWI=,-3,4,5
            ,,,,,,,,,
            false,1,1,1.0,1.00,,,,,"#]],
    );
    check(
        ',',
        &[SqlType::Int],
        &["1.5", " 1", "1,2", "", "\n\n7\n8", "2147483648", "-12", "\"10\""],
        expect![[r#"
            column C: cannot read "1.5" as INTEGER
            column C: cannot read " 1" as INTEGER
            the row has 2 fields, not 1
            the row has no fields
            column C: cannot read "2147483648" as INTEGER
            7
            "-12"
            10"#]],
    );
}

#[test]
fn quotes_and_delimiters() {
    let texts = [SqlType::String, SqlType::String];
    check(
        ',',
        &texts,
        &[
            "\"a,\"\"b\"\"\",c",
            "\"a\"  ,b",
            "\"a\"b,c",
            "\"a,b",
            "a\"b\",#c",
            " a , b ",
            "\"l\nm\",n",
            "_,-",
            "é,é",
            "a|b,",
        ],
        expect![[r##"
            there is text between a quoted field and its delimiter
            a quoted field does not end
            "a,""b""",c
            a,b
            "a""b""","#c"
            " a "," b "
            "l
            m",n
            "_",-
            "é",é
            a|b,"##]],
    );
    check(
        '|',
        &texts,
        &["a,b|c", "\"a|b\"|c"],
        expect![[r#"
        a,b|c
        "a|b"|c"#]],
    );
    check(
        '·',
        &texts,
        &["a·\"b·c\"", "a,b"],
        expect![[r#"
        the row has 1 fields, not 2
        a·"b·c""#]],
    );
    check(
        '\t',
        &texts,
        &["a\tb", "\"\"\t"],
        expect![[r#"
        a	b
        	"#]],
    );
}
