//! What expressions mean, over one batch of three rows: ordinary values, zeros and empty texts, NULLs.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use expect_test::{Expect, expect};
use sqlparser::ast::SelectItem;

use super::*;
use crate::functions::aggregate::Options;
use crate::functions::error_text;
use crate::sql::Variables;
use crate::sql::ast::StatementKind;

/// The text is put on the second line, so that its columns are its own. Some of what is refused is so by the parser already.
fn try_parse(text: &str) -> Result<Expr, SqlError> {
    let sql = format!("SELECT\n{text}\nFROM t EMIT CHANGES;");
    let mut statements = crate::sql::parse(&sql, &Variables::default())?;
    let StatementKind::Push(query) = statements.remove(0).kind else { panic!("{text} is no expression") };
    match query.select.projection.into_iter().next().unwrap() {
        SelectItem::UnnamedExpr(expr) => Ok(expr),
        other => panic!("{other} is no expression"),
    }
}

fn parse(text: &str) -> Expr {
    try_parse(text).unwrap()
}

fn columns() -> Vec<(&'static str, SqlType, ArrayRef)> {
    vec![
        ("I", SqlType::Int, Arc::new(Int32Array::from(vec![Some(7), Some(0), None]))),
        ("L", SqlType::BigInt, Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(0), None]))),
        ("D", SqlType::Double, Arc::new(Float64Array::from(vec![Some(1.5), Some(0.0), None]))),
        (
            "M",
            SqlType::Decimal { precision: 4, scale: 2 },
            Arc::new(
                Decimal128Array::from(vec![Some(1250), Some(0), None])
                    .with_precision_and_scale(4, 2)
                    .unwrap(),
            ),
        ),
        ("S", SqlType::String, Arc::new(StringArray::from(vec![Some("a_b\\c"), Some(""), None]))),
        ("B", SqlType::Boolean, Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("DT", SqlType::Date, Arc::new(Date32Array::from(vec![Some(10), Some(0), None]))),
        ("TM", SqlType::Time, Arc::new(Time32MillisecondArray::from(vec![Some(5000), Some(0), None]))),
        ("TS", SqlType::Timestamp, Arc::new(TimestampMillisecondArray::from(vec![Some(10), Some(0), None]))),
        ("Y", SqlType::Bytes, Arc::new(BinaryArray::from(vec![Some(b"abc".as_slice()), Some(b""), None]))),
        ("ROWTIME", SqlType::BigInt, Arc::new(Int64Array::from(vec![1_514_764_800_000, 0, 0]))),
        ("Mixed", SqlType::Int, Arc::new(Int32Array::from(vec![1, 2, 3]))),
    ]
}

fn scope() -> Scope {
    let column = |(name, ty, _): (&str, SqlType, ArrayRef)| ScopeColumn {
        qualifier: Some("T".to_owned()),
        name: name.to_owned(),
        ty,
        key: false,
    };
    Scope { columns: columns().into_iter().map(column).collect(), types: Arc::default() }
}

fn batch() -> RecordBatch {
    let (fields, arrays): (Vec<_>, Vec<_>) =
        columns().into_iter().map(|(name, ty, array)| (Field::new(name, ty.arrow(), true), array)).unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// The values of the three rows; where the batch fails, each row by itself, as the engine does it.
fn rows(bound: &Bound, batch: &RecordBatch) -> String {
    let show = |batch: &RecordBatch| -> Result<Vec<String>, String> {
        let array = bound.expr.evaluate(batch).and_then(|v| v.into_array(batch.num_rows()));
        let array = array.map_err(|e| error_text(&e))?;
        if let Some(ty) = &bound.ty {
            assert_eq!(array.data_type(), &ty.arrow(), "{}", bound.text);
        }
        let options = FormatOptions::default().with_null("NULL");
        let shown = ArrayFormatter::try_new(&array, &options).unwrap();
        Ok((0..array.len()).map(|row| shown.value(row).to_string()).collect())
    };
    show(batch).map_or_else(
        |_| {
            let row = |i| show(&batch.slice(i, 1)).map_or_else(|e| format!("!{e}"), |mut v| v.remove(0));
            let rows: Vec<_> = (0..batch.num_rows()).map(row).collect();
            format!("{} (row by row)", rows.join(" | "))
        },
        |rows| rows.join(" | "),
    )
}

fn shown(error: &SqlError) -> String {
    let at = error.position.map_or(String::new(), |p| format!(" @{}", p.column));
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"));
    format!("{}{at} {}{hint}", error.sqlstate, error.message)
}

pub fn check(cases: &[&str], expected: Expect) {
    let (scope, batch) = (scope(), batch());
    let lines: Vec<_> = cases
        .iter()
        .map(|case| match try_parse(case).and_then(|expr| bind(&expr, &scope)) {
            Ok(bound) => {
                let ty = bound.ty.as_ref().map_or("NULL".to_owned(), |ty| ty.to_string());
                format!("{case}  =>  {ty}: {}", rows(&bound, &batch))
            }
            Err(error) => format!("{case}  =>  {}", shown(&error)),
        })
        .collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn literals() {
    check(
        &[
            "1",
            "2147483647",
            "2147483648",
            "-2147483648",
            "-9223372036854775808",
            "9223372036854775808",
            "1.50",
            "0.08",
            "-1.5",
            "1e3",
            "1e400",
            "'it''s'",
            "true",
            "NULL",
            "DATE '2020-02-10'",
            "TIME '01:02'",
            "TIMESTAMP '2020-02-10T01'",
            "DECIMAL '1.20'",
            "DATE 'x'",
            "INTERVAL '1' DAY",
        ],
        expect![[r#"
            1  =>  INTEGER: 1 | 1 | 1
            2147483647  =>  INTEGER: 2147483647 | 2147483647 | 2147483647
            2147483648  =>  BIGINT: 2147483648 | 2147483648 | 2147483648
            -2147483648  =>  INTEGER: -2147483648 | -2147483648 | -2147483648
            -9223372036854775808  =>  BIGINT: -9223372036854775808 | -9223372036854775808 | -9223372036854775808
            9223372036854775808  =>  22003 @1 invalid numeric literal: 9223372036854775808; whole numbers are of type BIGINT; write a decimal point for a DECIMAL
            1.50  =>  DECIMAL(3, 2): 1.50 | 1.50 | 1.50
            0.08  =>  DECIMAL(2, 2): 0.08 | 0.08 | 0.08
            -1.5  =>  DECIMAL(2, 1): -1.5 | -1.5 | -1.5
            1e3  =>  DOUBLE: 1000.0 | 1000.0 | 1000.0
            1e400  =>  22003 @1 invalid numeric literal: 1e400
            'it''s'  =>  STRING: it's | it's | it's
            true  =>  BOOLEAN: true | true | true
            NULL  =>  NULL: NULL | NULL | NULL
            DATE '2020-02-10'  =>  DATE: 2020-02-10 | 2020-02-10 | 2020-02-10
            TIME '01:02'  =>  TIME: 01:02:00 | 01:02:00 | 01:02:00
            TIMESTAMP '2020-02-10T01'  =>  TIMESTAMP: 2020-02-10T01:00:00 | 2020-02-10T01:00:00 | 2020-02-10T01:00:00
            DECIMAL '1.20'  =>  DECIMAL(3, 2): 1.20 | 1.20 | 1.20
            DATE 'x'  =>  22P02 @6 invalid input syntax for type DATE: "x"
            INTERVAL '1' DAY  =>  0A000 @10 not supported yet: the expression INTERVAL '1' DAY"#]],
    );
}

#[test]
fn names() {
    check(
        &["i", "T.I", "t.i", "`Mixed`", "MIXED", "U.I", "IX", "a.b.c", "`T`.`Mixed`"],
        expect![[r#"
            i  =>  INTEGER: 7 | 0 | NULL
            T.I  =>  INTEGER: 7 | 0 | NULL
            t.i  =>  INTEGER: 7 | 0 | NULL
            `Mixed`  =>  INTEGER: 1 | 2 | 3
            MIXED  =>  42703 @1 column MIXED does not exist; did you mean `Mixed`?
            U.I  =>  42P01 @1 there is no stream or table U in FROM
            IX  =>  42703 @1 column IX does not exist; did you mean I?
            a.b.c  =>  0A000 @1 not supported yet: the expression A.B.C
            `T`.`Mixed`  =>  INTEGER: 1 | 2 | 3"#]],
    );
}

#[test]
fn arithmetic() {
    check(
        &[
            "I + 1",
            "I + L",
            "L + 1",
            "I * 0.89",
            "L * 0.89",
            "I / 2",
            "7 / I",
            "I % 0",
            "D / 0",
            "D + M",
            "M + M",
            "M - I",
            "M * M",
            "M / 4",
            "M / 3",
            "I / M",
            "M % 5",
            "-I",
            "-M",
            "-D",
            "-(-2147483648)",
            "L * L",
            "1 + NULL",
            "I + NULL",
            "S + 'x'",
            "S || 'x'",
            "S + 1",
            "B + 1.5",
            "I || 'x'",
            "12*4+2",
            "10 - 2 + 5",
            "1 / 0",
        ],
        expect![[r#"
            I + 1  =>  INTEGER: 8 | 1 | NULL
            I + L  =>  BIGINT: !the result is out of range: Overflow happened on: 7 + 9223372036854775807 | 0 | NULL (row by row)
            L + 1  =>  BIGINT: !the result is out of range: Overflow happened on: 9223372036854775807 + 1 | 1 | NULL (row by row)
            I * 0.89  =>  DECIMAL(13, 2): 6.23 | 0.00 | NULL
            L * 0.89  =>  DECIMAL(22, 2): 8208801112800750468.23 | 0.00 | NULL
            I / 2  =>  INTEGER: 3 | 0 | NULL
            7 / I  =>  INTEGER: 1 | !division by zero | NULL (row by row)
            I % 0  =>  INTEGER: !division by zero | !division by zero | NULL (row by row)
            D / 0  =>  DOUBLE: inf | NaN | NULL
            D + M  =>  DOUBLE: 14.0 | 0.0 | NULL
            M + M  =>  DECIMAL(5, 2): 25.00 | 0.00 | NULL
            M - I  =>  DECIMAL(13, 2): 5.50 | 0.00 | NULL
            M * M  =>  DECIMAL(9, 4): 156.2500 | 0.0000 | NULL
            M / 4  =>  DECIMAL(15, 13): 3.1250000000000 | 0.0000000000000 | NULL
            M / 3  =>  DECIMAL(15, 13): !the quotient is not exact: a CAST of an operand to DOUBLE rounds | 0.0000000000000 | NULL (row by row)
            I / M  =>  DECIMAL(18, 6): 0.560000 | !division by zero | NULL (row by row)
            M % 5  =>  DECIMAL(4, 2): 2.50 | 0.00 | NULL
            -I  =>  INTEGER: -7 | 0 | NULL
            -M  =>  DECIMAL(4, 2): -12.50 | 0.00 | NULL
            -D  =>  DOUBLE: -1.5 | -0.0 | NULL
            -(-2147483648)  =>  INTEGER: !the result is out of range: Overflow happened on: 0 - -2147483648 | !the result is out of range: Overflow happened on: 0 - -2147483648 | !the result is out of range: Overflow happened on: 0 - -2147483648 (row by row)
            L * L  =>  BIGINT: !the result is out of range: Overflow happened on: 9223372036854775807 * 9223372036854775807 | 0 | NULL (row by row)
            1 + NULL  =>  INTEGER: NULL | NULL | NULL
            I + NULL  =>  INTEGER: NULL | NULL | NULL
            S + 'x'  =>  STRING: a_b\cx | x | NULL
            S || 'x'  =>  STRING: a_b\cx | x | NULL
            S + 1  =>  42883 @1 operator does not exist: S (STRING) + 1 (INTEGER); a CAST of one side may help; texts are joined by + or ||
            B + 1.5  =>  42883 @1 operator does not exist: B (BOOLEAN) + 1.5 (DECIMAL(2, 1)); a CAST of one side may help; texts are joined by + or ||
            I || 'x'  =>  42883 @1 operator does not exist: I (INTEGER) || 'x' (STRING); a CAST of one side may help; texts are joined by + or ||
            12*4+2  =>  INTEGER: 50 | 50 | 50
            10 - 2 + 5  =>  INTEGER: 13 | 13 | 13
            1 / 0  =>  INTEGER: !division by zero | !division by zero | !division by zero (row by row)"#]],
    );
}

#[test]
fn comparisons() {
    check(
        &[
            "I = 7",
            "I <> 7",
            "L > I",
            "D = M",
            "M = 12.5",
            "I < 7.5",
            "S < 'b'",
            "B = true",
            "B < true",
            "I = NULL",
            "I <> NULL",
            "I = 'x'",
            "I IS DISTINCT FROM NULL",
            "I IS NOT DISTINCT FROM 7",
            "I IS NULL",
            "I IS NOT NULL",
            "DT = '1970-01-11'",
            "DT < TS",
            "TS >= '1970-01-01T00:00:00.010'",
            "TM = '00:00:05'",
            "DT = 'x'",
            "ROWTIME >= '2018'",
            "'2018' <= ROWTIME",
            "ROWTIME > 5",
            "ROWTIME = 'soon'",
            "ROWTIME BETWEEN '2017' AND '2019'",
            "L = '2018'",
            "Y = Y",
            "Y = S",
            "Y = 'YWJj'",
            "I BETWEEN 1 AND 7.5",
            "I NOT BETWEEN 1 AND 7",
            "I >= 'a'",
            "-D = D * 0",
            "CAST(I AS DECIMAL(38, 0)) > CAST(I AS DECIMAL(38, 10)) - 1",
            "D < 1e0",
        ],
        expect![[r#"
            I = 7  =>  BOOLEAN: true | false | NULL
            I <> 7  =>  BOOLEAN: false | true | NULL
            L > I  =>  BOOLEAN: true | false | NULL
            D = M  =>  BOOLEAN: false | true | NULL
            M = 12.5  =>  BOOLEAN: true | false | NULL
            I < 7.5  =>  BOOLEAN: true | true | NULL
            S < 'b'  =>  BOOLEAN: true | true | NULL
            B = true  =>  BOOLEAN: true | false | NULL
            B < true  =>  42804 @1 cannot compare B (BOOLEAN) with TRUE (BOOLEAN) by <; a CAST of one side may help
            I = NULL  =>  42804 @1 comparison with NULL is never true: (I = NULL); write I IS NULL
            I <> NULL  =>  42804 @1 comparison with NULL is never true: (I <> NULL); write I IS NOT NULL
            I = 'x'  =>  42804 @1 cannot compare I (INTEGER) with 'x' (STRING) by =; a CAST of one side may help
            I IS DISTINCT FROM NULL  =>  BOOLEAN: true | true | false
            I IS NOT DISTINCT FROM 7  =>  BOOLEAN: true | false | false
            I IS NULL  =>  BOOLEAN: false | false | true
            I IS NOT NULL  =>  BOOLEAN: true | true | false
            DT = '1970-01-11'  =>  BOOLEAN: true | false | NULL
            DT < TS  =>  BOOLEAN: false | false | NULL
            TS >= '1970-01-01T00:00:00.010'  =>  BOOLEAN: true | false | NULL
            TM = '00:00:05'  =>  BOOLEAN: true | false | NULL
            DT = 'x'  =>  22P02 @1 invalid input syntax for type DATE: 'x'
            ROWTIME >= '2018'  =>  BOOLEAN: true | false | false
            '2018' <= ROWTIME  =>  BOOLEAN: true | false | false
            ROWTIME > 5  =>  BOOLEAN: true | false | false
            ROWTIME = 'soon'  =>  22P02 @1 invalid input syntax for type TIMESTAMP: 'soon'; write it as '2020-02-10T08:31:44.001', of which the end may be left out
            ROWTIME BETWEEN '2017' AND '2019'  =>  BOOLEAN: true | false | false
            L = '2018'  =>  42804 @1 cannot compare L (BIGINT) with '2018' (STRING) by =; a CAST of one side may help
            Y = Y  =>  BOOLEAN: true | true | NULL
            Y = S  =>  42804 @1 cannot compare Y (BYTES) with S (STRING) by =; a CAST of one side may help
            Y = 'YWJj'  =>  42804 @1 cannot compare Y (BYTES) with 'YWJj' (STRING) by =; a CAST of one side may help
            I BETWEEN 1 AND 7.5  =>  BOOLEAN: true | false | NULL
            I NOT BETWEEN 1 AND 7  =>  BOOLEAN: false | true | NULL
            I >= 'a'  =>  42804 @1 cannot compare I (INTEGER) with 'a' (STRING) by >=; a CAST of one side may help
            -D = D * 0  =>  BOOLEAN: false | true | NULL
            CAST(I AS DECIMAL(38, 0)) > CAST(I AS DECIMAL(38, 10)) - 1  =>  BOOLEAN: true | true | NULL
            D < 1e0  =>  BOOLEAN: false | true | NULL"#]],
    );
}

#[test]
fn logic() {
    check(
        &[
            "B AND I = 0",
            "B OR I = 0",
            "NOT B",
            "NOT I",
            "B AND I",
            "I <> 0 AND 10 / I >= 1",
            "I = 0 OR 10 / I >= 1",
            "10 / I >= 1 AND I <> 0",
            "NULL AND B",
            "NOT NULL",
            "B OR B OR B AND B",
        ],
        expect![[r#"
            B AND I = 0  =>  BOOLEAN: false | false | NULL
            B OR I = 0  =>  BOOLEAN: true | true | NULL
            NOT B  =>  BOOLEAN: false | true | NULL
            NOT I  =>  42804 @5 argument of NOT must be of type BOOLEAN, not I (INTEGER)
            B AND I  =>  42804 @7 argument of AND must be of type BOOLEAN, not I (INTEGER)
            I <> 0 AND 10 / I >= 1  =>  BOOLEAN: true | false | NULL
            I = 0 OR 10 / I >= 1  =>  BOOLEAN: true | true | NULL
            10 / I >= 1 AND I <> 0  =>  BOOLEAN: true | !division by zero | NULL (row by row)
            NULL AND B  =>  BOOLEAN: NULL | false | NULL
            NOT NULL  =>  BOOLEAN: NULL | NULL | NULL
            B OR B OR B AND B  =>  BOOLEAN: true | false | NULL"#]],
    );
}

#[test]
fn lists_and_patterns() {
    check(
        &[
            "I IN (1, 7)",
            "I NOT IN (1, 7)",
            "I IN (11, NULL, I)",
            "I IN (1, 2.0, '7.000', 5.10, L, D, M)",
            "I IN (10, 'x')",
            "I IN (10, S)",
            "B IN ('TrUe', 'tr', 'Y')",
            "B IN (true, 'maybe')",
            "S IN (true, 10, '', 10.30)",
            "S IN ('', I)",
            "M IN (10, true)",
            "DT IN ('1970-01-11')",
            "NULL IN (NULL)",
            "NULL IN (1)",
            "I IN (1, '2147483648')",
            "I IN ('--1')",
            "S LIKE 'a%'",
            "S LIKE '_!_b%' ESCAPE '!'",
            "S NOT LIKE '%\\c'",
            "S LIKE S",
            "S LIKE I",
            "S LIKE 'a' ESCAPE 'xx'",
        ],
        expect![[r#"
            I IN (1, 7)  =>  BOOLEAN: true | false | NULL
            I NOT IN (1, 7)  =>  BOOLEAN: false | true | NULL
            I IN (11, NULL, I)  =>  BOOLEAN: true | true | NULL
            I IN (1, 2.0, '7.000', 5.10, L, D, M)  =>  BOOLEAN: true | true | NULL
            I IN (10, 'x')  =>  22P02 @11 invalid input syntax for type INTEGER: 'x'
            I IN (10, S)  =>  42804 @11 operator does not exist: INTEGER = S (STRING); a CAST may help
            B IN ('TrUe', 'tr', 'Y')  =>  BOOLEAN: true | false | NULL
            B IN (true, 'maybe')  =>  22P02 @13 invalid input syntax for type BOOLEAN: 'maybe'
            S IN (true, 10, '', 10.30)  =>  BOOLEAN: false | true | NULL
            S IN ('', I)  =>  42804 @11 operator does not exist: STRING = I (INTEGER); a CAST may help
            M IN (10, true)  =>  42804 @11 operator does not exist: DECIMAL(12, 2) = TRUE (BOOLEAN); a CAST may help
            DT IN ('1970-01-11')  =>  BOOLEAN: true | false | NULL
            NULL IN (NULL)  =>  42804 @1 IN compares only NULLs; write IS NULL
            NULL IN (1)  =>  BOOLEAN: NULL | NULL | NULL
            I IN (1, '2147483648')  =>  BOOLEAN: false | false | NULL
            I IN ('--1')  =>  22P02 @7 invalid input syntax for type INTEGER: '--1'
            S LIKE 'a%'  =>  BOOLEAN: true | false | NULL
            S LIKE '_!_b%' ESCAPE '!'  =>  BOOLEAN: true | false | NULL
            S NOT LIKE '%\c'  =>  BOOLEAN: false | true | NULL
            S LIKE S  =>  BOOLEAN: true | true | NULL
            S LIKE I  =>  42804 @1 LIKE compares texts, but I (INTEGER) was found; write CAST(I AS STRING)
            S LIKE 'a' ESCAPE 'xx'  =>  22019 @1 invalid escape 'xx'; ESCAPE takes one character"#]],
    );
}

#[test]
fn cases() {
    check(
        &[
            "CASE WHEN I <> 0 THEN 10 / I ELSE 0 END",
            "CASE WHEN B THEN 'yes' END",
            "CASE I WHEN 7 THEN 1 WHEN 0 THEN 2.5 END",
            "CASE WHEN B THEN NULL ELSE 'no' END",
            "CASE WHEN B THEN NULL END",
            "CASE WHEN I THEN 1 END",
            "CASE WHEN B THEN 1 ELSE S END",
            "CASE I WHEN 'x' THEN 1 END",
        ],
        expect![[r#"
            CASE WHEN I <> 0 THEN 10 / I ELSE 0 END  =>  INTEGER: 1 | 0 | 0
            CASE WHEN B THEN 'yes' END  =>  STRING: yes | NULL | NULL
            CASE I WHEN 7 THEN 1 WHEN 0 THEN 2.5 END  =>  DECIMAL(11, 1): 1.0 | 2.5 | NULL
            CASE WHEN B THEN NULL ELSE 'no' END  =>  STRING: NULL | no | no
            CASE WHEN B THEN NULL END  =>  42804 @1 all branches of CASE are NULL; add a CAST to one of the NULLs
            CASE WHEN I THEN 1 END  =>  42804 @11 argument of CASE WHEN must be of type BOOLEAN, not I (INTEGER)
            CASE WHEN B THEN 1 ELSE S END  =>  42804 @25 operator does not exist: INTEGER = S (STRING); a CAST may help
            CASE I WHEN 'x' THEN 1 END  =>  42804 @13 cannot compare I (INTEGER) with 'x' (STRING) by =; a CAST of one side may help"#]],
    );
}

#[test]
fn casts() {
    check(
        &[
            "CAST(I AS STRING)",
            "CAST(D AS STRING)",
            "CAST(M AS STRING)",
            "CAST(B AS VARCHAR)",
            "CAST(S AS INT)",
            "CAST(L AS INT)",
            "CAST(I AS DECIMAL(2,1))",
            "CAST(I AS DECIMAL(1,1))",
            "CAST(D AS INT)",
            "CAST('12' AS BIGINT)",
            "CAST('x' AS BIGINT)",
            "CAST(TS AS DATE)",
            "CAST(TM AS STRING)",
            "CAST(I AS BOOLEAN)",
            "CAST(NULL AS INT)",
            "CAST(I AS DECIMAL(40,1))",
            "CAST(I AS UUID)",
            "I::STRING",
        ],
        expect![[r#"
            CAST(I AS STRING)  =>  STRING: 7 | 0 | NULL
            CAST(D AS STRING)  =>  STRING: 1.5 | 0.0 | NULL
            CAST(M AS STRING)  =>  STRING: 12.50 | 0.00 | NULL
            CAST(B AS VARCHAR)  =>  STRING: true | false | NULL
            CAST(S AS INT)  =>  INTEGER: !invalid input syntax for type INTEGER: "a_b\c" | !invalid input syntax for type INTEGER: "" | NULL (row by row)
            CAST(L AS INT)  =>  INTEGER: -1 | 0 | NULL
            CAST(I AS DECIMAL(2,1))  =>  DECIMAL(2, 1): 7.0 | 0.0 | NULL
            CAST(I AS DECIMAL(1,1))  =>  DECIMAL(1, 1): !value 7 is out of range for DECIMAL(1, 1) | 0.0 | NULL (row by row)
            CAST(D AS INT)  =>  INTEGER: 1 | 0 | NULL
            CAST('12' AS BIGINT)  =>  BIGINT: 12 | 12 | 12
            CAST('x' AS BIGINT)  =>  BIGINT: !invalid input syntax for type BIGINT: "x" | !invalid input syntax for type BIGINT: "x" | !invalid input syntax for type BIGINT: "x" (row by row)
            CAST(TS AS DATE)  =>  DATE: 1970-01-01 | 1970-01-01 | NULL
            CAST(TM AS STRING)  =>  STRING: 00:00:05 | 00:00:00 | NULL
            CAST(I AS BOOLEAN)  =>  42846 @6 cannot cast I (INTEGER) to BOOLEAN
            CAST(NULL AS INT)  =>  INTEGER: NULL | NULL | NULL
            CAST(I AS DECIMAL(40,1))  =>  22023 @6 DECIMAL(40, 1) is out of range; the precision is 1 to 38, the scale 0 to the precision
            CAST(I AS UUID)  =>  0A000 @6 not supported yet: the type UUID
            I::STRING  =>  STRING: 7 | 0 | NULL"#]],
    );
}

#[test]
fn functions() {
    check(
        &[
            "ABS(-5)",
            "ABS(I - 10)",
            "ABS(M - 20)",
            "CEIL(M)",
            "FLOOR(D)",
            "FLOOR(-M)",
            "ROUND(D)",
            "ROUND(-1.5e0)",
            "ROUND(D, 0)",
            "ROUND(1.2345e0, 2)",
            "ROUND(M)",
            "ROUND(M, 1)",
            "ROUND(I)",
            "ROUND(1234.5e0, -2)",
            "UCASE(S)",
            "LCASE('ÄB')",
            "TRIM('\t x ')",
            "LEN(S)",
            "LEN(Y)",
            "SUBSTRING(S, 2)",
            "SUBSTRING(S, -3, 2)",
            "SUBSTRING('ÄÖÜ', 2, 1)",
            "SUBSTRING(S, NULL)",
            "SUBSTRING(S, 0, 2)",
            "CONCAT(S, NULL, 'x')",
            "REPLACE(S, '_', '-')",
            "COALESCE(I, L, 5)",
            "IFNULL(S, 'x')",
            "IFNULL(CAST(S AS INT), -1)",
            "COALESCE(10 / I, 0)",
            "NULLIF(I, 7)",
            "AS_VALUE(I)",
            "FROM_UNIXTIME(L)",
            "FROM_UNIXTIME(1000)",
            "UNIX_TIMESTAMP(TS)",
            "LN(I)",
            "SQRT(4)",
            "POWER(2, 10)",
            "SIGN(-3)",
            "UPPER(S)",
            "ABS(S)",
            "LEN(*)",
            "SUM(I)",
            "COALESCE()",
            "EXP(0)",
        ],
        expect![[r#"
            ABS(-5)  =>  INTEGER: 5 | 5 | 5
            ABS(I - 10)  =>  INTEGER: 3 | 10 | NULL
            ABS(M - 20)  =>  DECIMAL(13, 2): 7.50 | 20.00 | NULL
            CEIL(M)  =>  DECIMAL(4, 2): 13.00 | 0.00 | NULL
            FLOOR(D)  =>  DOUBLE: 1.0 | 0.0 | NULL
            FLOOR(-M)  =>  DECIMAL(4, 2): -13.00 | 0.00 | NULL
            ROUND(D)  =>  BIGINT: 2 | 0 | NULL
            ROUND(-1.5e0)  =>  BIGINT: -1 | -1 | -1
            ROUND(D, 0)  =>  DOUBLE: 2.0 | 0.0 | NULL
            ROUND(1.2345e0, 2)  =>  DOUBLE: 1.23 | 1.23 | 1.23
            ROUND(M)  =>  DECIMAL(2, 0): 13 | 0 | NULL
            ROUND(M, 1)  =>  DECIMAL(4, 2): 12.50 | 0.00 | NULL
            ROUND(I)  =>  BIGINT: 7 | 0 | NULL
            ROUND(1234.5e0, -2)  =>  DOUBLE: 1200.0 | 1200.0 | 1200.0
            UCASE(S)  =>  STRING: A_B\C |  | NULL
            LCASE('ÄB')  =>  STRING: äb | äb | äb
            TRIM('	 x ')  =>  STRING: x | x | x
            LEN(S)  =>  INTEGER: 5 | 0 | NULL
            LEN(Y)  =>  INTEGER: 3 | 0 | NULL
            SUBSTRING(S, 2)  =>  STRING: _b\c |  | NULL
            SUBSTRING(S, -3, 2)  =>  STRING: b\ |  | NULL
            SUBSTRING('ÄÖÜ', 2, 1)  =>  STRING: Ö | Ö | Ö
            SUBSTRING(S, NULL)  =>  STRING: NULL | NULL | NULL
            SUBSTRING(S, 0, 2)  =>  STRING: a_ |  | NULL
            CONCAT(S, NULL, 'x')  =>  STRING: a_b\cx | x | x
            REPLACE(S, '_', '-')  =>  STRING: a-b\c |  | NULL
            COALESCE(I, L, 5)  =>  BIGINT: 7 | 0 | 5
            IFNULL(S, 'x')  =>  STRING: a_b\c |  | x
            IFNULL(CAST(S AS INT), -1)  =>  INTEGER: -1 | -1 | -1
            COALESCE(10 / I, 0)  =>  INTEGER: 1 | 0 | 0
            NULLIF(I, 7)  =>  INTEGER: NULL | 0 | NULL
            AS_VALUE(I)  =>  INTEGER: 7 | 0 | NULL
            FROM_UNIXTIME(L)  =>  TIMESTAMP: ERROR: Cast error: Failed to convert 9223372036854775807 to datetime for Timestamp(ms) | 1970-01-01T00:00:00 | NULL
            FROM_UNIXTIME(1000)  =>  TIMESTAMP: 1970-01-01T00:00:01 | 1970-01-01T00:00:01 | 1970-01-01T00:00:01
            UNIX_TIMESTAMP(TS)  =>  BIGINT: 10 | 0 | NULL
            LN(I)  =>  DOUBLE: 1.9459101490553132 | -inf | NULL
            SQRT(4)  =>  DOUBLE: 2.0 | 2.0 | 2.0
            POWER(2, 10)  =>  DOUBLE: 1024.0 | 1024.0 | 1024.0
            SIGN(-3)  =>  INTEGER: -1 | -1 | -1
            UPPER(S)  =>  STRING: A_B\C |  | NULL
            ABS(S)  =>  42883 @1 function ABS(STRING) does not exist; the function is there as ABS(value INT) -> INT, ABS(value BIGINT) -> BIGINT, ABS(value DOUBLE) -> DOUBLE, ABS(value DECIMAL) -> DECIMAL
            LEN(*)  =>  42883 @1 function LEN(*) does not exist; SHOW FUNCTIONS lists all functions
            SUM(I)  =>  42803 @1 aggregate function SUM is not allowed here; aggregates go into SELECT or HAVING of a query with GROUP BY
            COALESCE()  =>  42883 @1 function COALESCE() does not exist; the function is there as COALESCE(first T, others T...) -> T
            EXP(0)  =>  DOUBLE: 1.0 | 1.0 | 1.0"#]],
    );
}

#[test]
fn date_functions() {
    check(
        &[
            "FORMAT_TIMESTAMP(TS, 'yyyy-MM-dd HH:mm:ss.SSS')",
            "FORMAT_TIMESTAMP(TS, 'HH:mm', '+02:00')",
            "FORMAT_TIMESTAMP(TS, 'HH:mm', 'Mars/Base')",
            "FORMAT_DATE(DT, 'dd.MM.yyyy')",
            "FORMAT_TIME(TM, 'HH:mm:ss')",
            "PARSE_TIMESTAMP('2020-02-10 01', 'yyyy-MM-dd HH')",
            "PARSE_DATE(S, 'yyyy-MM-dd')",
            "COALESCE(PARSE_DATE('2021', 'yyyy-MM-dd'), PARSE_DATE('2021-01-01', 'yyyy-MM-dd'))",
            "PARSE_TIME('01:02', 'HH:mm')",
            "FORMAT_DATE(DT, NULL)",
            "FORMAT_DATE(DT, S)",
        ],
        expect![[r#"
            FORMAT_TIMESTAMP(TS, 'yyyy-MM-dd HH:mm:ss.SSS')  =>  STRING: 1970-01-01 00:00:00.010 | 1970-01-01 00:00:00.000 | NULL
            FORMAT_TIMESTAMP(TS, 'HH:mm', '+02:00')  =>  STRING: 02:00 | 02:00 | NULL
            FORMAT_TIMESTAMP(TS, 'HH:mm', 'Mars/Base')  =>  22023 @1 there is no time zone 'Mars/Base': it is a name such as Europe/Berlin, or an offset such as +02:00
            FORMAT_DATE(DT, 'dd.MM.yyyy')  =>  STRING: 11.01.1970 | 01.01.1970 | NULL
            FORMAT_TIME(TM, 'HH:mm:ss')  =>  STRING: 00:00:05 | 00:00:00 | NULL
            PARSE_TIMESTAMP('2020-02-10 01', 'yyyy-MM-dd HH')  =>  TIMESTAMP: 2020-02-10T01:00:00 | 2020-02-10T01:00:00 | 2020-02-10T01:00:00
            PARSE_DATE(S, 'yyyy-MM-dd')  =>  DATE: !PARSE_DATE: cannot read 'a_b\c' at character 1 | !PARSE_DATE: cannot read '' at character 1 | NULL (row by row)
            COALESCE(PARSE_DATE('2021', 'yyyy-MM-dd'), PARSE_DATE('2021-01-01', 'yyyy-MM-dd'))  =>  DATE: 2021-01-01 | 2021-01-01 | 2021-01-01
            PARSE_TIME('01:02', 'HH:mm')  =>  TIME: 01:02:00 | 01:02:00 | 01:02:00
            FORMAT_DATE(DT, NULL)  =>  STRING: NULL | NULL | NULL
            FORMAT_DATE(DT, S)  =>  STRING: !FORMAT_DATE: invalid date pattern 'a_b\c': unknown letter b |  | NULL (row by row)"#]],
    );
}

#[test]
fn refused() {
    check(
        &[
            "ARRAY[1]",
            "S ILIKE 'a'",
            "(SELECT 1)",
            "I & 1",
            "EXTRACT(YEAR FROM DT)",
            "COUNT(*) OVER ()",
            "ABS(DISTINCT I)",
            "CAST(I AS TIMESTAMP WITH TIME ZONE)",
            "~I",
            "CEIL(TS TO DAY)",
        ],
        expect![[r#"
            ARRAY[1]  =>  ARRAY<INTEGER>: [1] | [1] | [1]
            S ILIKE 'a'  =>  0A000 @1 not supported yet: ILIKE
            (SELECT 1)  =>  0A000 @2 not supported yet: a subquery in a continuous query
            I & 1  =>  0A000 @1 not supported yet: the expression I & 1
            EXTRACT(YEAR FROM DT)  =>  BIGINT: 1970 | 1970 | NULL
            COUNT(*) OVER ()  =>  0A000 @10 not supported yet: OVER in a continuous query
            ABS(DISTINCT I)  =>  0A000 @1 not supported yet: the expression ABS(DISTINCT I)
            CAST(I AS TIMESTAMP WITH TIME ZONE)  =>  0A000 @6 not supported yet: the type TIMESTAMP WITH TIME ZONE
            ~I  =>  0A000 @2 not supported yet: the expression ~I
            CEIL(TS TO DAY)  =>  0A000 @6 not supported yet: the expression CEIL(TS TO DAY)"#]],
    );
    let deep = format!("I{}", " + 1".repeat(200));
    assert_eq!(bind(&parse(&deep), &scope()).unwrap_err().sqlstate, "54001");
    let wide = format!("I = 1{}", " OR I = 7".repeat(240));
    let bound = bind(&parse(&wide), &scope()).unwrap();
    assert_eq!(rows(&bound, &batch()), "true | false | NULL");
}

#[test]
fn conditions() {
    let check = |text: &str, expected: Expect| {
        let result = bind_boolean(&parse(text), &scope(), "WHERE");
        expected.assert_eq(&result.map_or_else(|e| shown(&e), |b| rows(&b, &batch())));
    };
    check("B", expect!["true | false | NULL"]);
    check("NULL", expect!["NULL | NULL | NULL"]);
    check(
        "'not a boolean'",
        expect!["42804 @1 argument of WHERE must be of type BOOLEAN, not 'not a boolean' (STRING)"],
    );
    check(
        "1.5 + I",
        expect!["42804 @1 argument of WHERE must be of type BOOLEAN, not (1.5 + I) (DECIMAL(12, 1))"],
    );
}

#[test]
fn values_to_insert() {
    use SqlType::*;
    let decimal = Decimal { precision: 4, scale: 2 };
    let cases: &[(&str, SqlType)] = &[
        ("1", Int),
        ("1", BigInt),
        ("1", Double),
        ("1", decimal.clone()),
        ("1.5", decimal.clone()),
        ("1.500", decimal.clone()),
        ("1.505", decimal.clone()),
        ("100", decimal),
        ("1.5", Double),
        ("2147483648", Int),
        ("1", String),
        ("'1'", Int),
        ("'YWJj'", Bytes),
        ("'*'", Bytes),
        ("'2020-02-10'", Date),
        ("'2020-02-10T01:02:03.004+01:00'", Timestamp),
        ("'x'", Timestamp),
        ("NULL", Int),
        ("-5", BigInt),
        ("UCASE('a') + 'b'", String),
        ("1 / 0", Int),
        ("A", Int),
        ("TRUE", Boolean),
        ("COUNT(*)", BigInt),
    ];
    let lines: Vec<_> = cases
        .iter()
        .map(|(text, ty)| match literal_value(&parse(text), ty.clone()) {
            Ok(value) => {
                assert_eq!(value.data_type(), ty.arrow());
                format!("{text} as {ty}  =>  {value}")
            }
            Err(error) => format!("{text} as {ty}  =>  {}", shown(&error)),
        })
        .collect();
    expect![[r#"
        1 as INTEGER  =>  1
        1 as BIGINT  =>  1
        1 as DOUBLE  =>  1
        1 as DECIMAL(4, 2)  =>  1.00
        1.5 as DECIMAL(4, 2)  =>  1.50
        1.500 as DECIMAL(4, 2)  =>  1.50
        1.505 as DECIMAL(4, 2)  =>  42804 @1 DECIMAL(4, 2) was expected, but 1.505 (DECIMAL(4, 3)) was found; write CAST(1.505 AS DECIMAL(4, 2))
        100 as DECIMAL(4, 2)  =>  22003 @1 value 100 is out of range for DECIMAL(4, 2)
        1.5 as DOUBLE  =>  1.5
        2147483648 as INTEGER  =>  42804 @1 INTEGER was expected, but 2147483648 (BIGINT) was found; write CAST(2147483648 AS INTEGER)
        1 as STRING  =>  42804 @1 STRING was expected, but 1 (INTEGER) was found; write CAST(1 AS STRING)
        '1' as INTEGER  =>  42804 @1 INTEGER was expected, but '1' (STRING) was found; write CAST('1' AS INTEGER)
        'YWJj' as BYTES  =>  616263
        '*' as BYTES  =>  22P02 @1 invalid input syntax for type BYTES: "*"
        '2020-02-10' as DATE  =>  2020-02-10
        '2020-02-10T01:02:03.004+01:00' as TIMESTAMP  =>  1581292923004
        'x' as TIMESTAMP  =>  22P02 @1 invalid input syntax for type TIMESTAMP: "x"
        NULL as INTEGER  =>  NULL
        -5 as BIGINT  =>  -5
        UCASE('a') + 'b' as STRING  =>  Ab
        1 / 0 as INTEGER  =>  22012 @1 division by zero
        A as INTEGER  =>  42703 @1 column A does not exist; only constants can be used here
        TRUE as BOOLEAN  =>  true
        COUNT(*) as BIGINT  =>  42803 @1 aggregate function COUNT is not allowed here; aggregates go into SELECT or HAVING of a query with GROUP BY"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn grouping() {
    let check = |group_by: &[&str], windowed: bool, items: &[&str], expected: Expect| {
        let group_by: Vec<_> = group_by.iter().map(|g| parse(g)).collect();
        let mut lines = Vec::new();
        match Grouping::new(&group_by, &scope(), windowed, Options::default()) {
            Ok(mut grouping) => {
                for item in items {
                    lines.push(match try_parse(item).and_then(|expr| grouping.bind(&expr)) {
                        Ok(bound) => format!("{item}  =>  {}: {}", bound.ty.unwrap(), bound.expr),
                        Err(error) => format!("{item}  =>  {}", shown(&error)),
                    });
                }
                lines.push(format!("names {:?}", grouping.group_names));
                for call in &grouping.calls {
                    let args: Vec<_> = call.args.iter().map(|a| a.described()).collect();
                    lines.push(format!("call {} {} of {}", call.text, call.return_type, args.join(", ")));
                }
            }
            Err(error) => lines.push(shown(&error)),
        }
        expected.assert_eq(&lines.join("\n"));
    };
    check(
        &["s", "i + 1"],
        true,
        &[
            "T.S",
            "I+1",
            "(T.I + 1) * 2",
            "COUNT(*)",
            "count(*) + sum(L)",
            "SUM( t.l ) / COUNT()",
            "WINDOWSTART",
            "WINDOWEND > '2018'",
            "I",
            "L + 1",
            "SUM(COUNT(*))",
            "SUM(S)",
            "AVG(M)",
            "COUNT(NULL)",
            "MIN(B)",
            "SUM(*)",
            "X",
            "ROWTIME",
            "COUNT(*) IN (1, 2)",
            "UCASE(S)",
            "COUNT(DISTINCT I)",
            "COUNT(1)",
            "'x'",
            "CASE WHEN COUNT(*) > 1 THEN MAX(I) END",
        ],
        expect![[r#"
            T.S  =>  STRING: S@0
            I+1  =>  INTEGER: KSQL_COL_1@1
            (T.I + 1) * 2  =>  INTEGER: KSQL_COL_1@1 * 2
            COUNT(*)  =>  BIGINT: COUNT(*)@4
            count(*) + sum(L)  =>  BIGINT: COUNT(*)@4 + SUM(L)@5
            SUM( t.l ) / COUNT()  =>  BIGINT: SUM(L)@5 / COUNT(*)@4
            WINDOWSTART  =>  BIGINT: WINDOWSTART@2
            WINDOWEND > '2018'  =>  BOOLEAN: WINDOWEND@3 > 1514764800000
            I  =>  42803 @1 column I must appear in the GROUP BY clause or be used in an aggregate function
            L + 1  =>  42803 @1 column L must appear in the GROUP BY clause or be used in an aggregate function
            SUM(COUNT(*))  =>  42803 @5 aggregate function calls cannot be nested
            SUM(S)  =>  42883 @1 function SUM(STRING) does not exist; the function is there as SUM(value INT) -> INT, SUM(value BIGINT) -> BIGINT, SUM(value DOUBLE) -> DOUBLE, SUM(value DECIMAL) -> DECIMAL
            AVG(M)  =>  DOUBLE: AVG(M)@6
            COUNT(NULL)  =>  BIGINT: COUNT(NULL)@7
            MIN(B)  =>  BOOLEAN: MIN(B)@8
            SUM(*)  =>  42883 @1 function SUM(*) does not exist; the function is there as SUM(value INT) -> INT, SUM(value BIGINT) -> BIGINT, SUM(value DOUBLE) -> DOUBLE, SUM(value DECIMAL) -> DECIMAL
            X  =>  42703 @1 column X does not exist; there are I, L, D, M, S, B, DT, TM, TS, Y, ROWTIME, `Mixed`
            ROWTIME  =>  42803 @1 column ROWTIME must appear in the GROUP BY clause or be used in an aggregate function
            COUNT(*) IN (1, 2)  =>  BOOLEAN: COUNT(*)@4 IN (SET) ([1, 2])
            UCASE(S)  =>  STRING: UCASE(S@0)
            COUNT(DISTINCT I)  =>  BIGINT: COUNT(DISTINCT I)@9
            COUNT(1)  =>  BIGINT: COUNT(1)@10
            'x'  =>  STRING: x
            CASE WHEN COUNT(*) > 1 THEN MAX(I) END  =>  INTEGER: CASE WHEN COUNT(*)@4 > 1 THEN MAX(I)@11 END
            names ["S", "KSQL_COL_1"]
            call COUNT(*) BIGINT of 
            call SUM(L) BIGINT of L (BIGINT)
            call AVG(M) DOUBLE of M (DOUBLE)
            call COUNT(NULL) BIGINT of NULL (STRING)
            call MIN(B) BOOLEAN of B (BOOLEAN)
            call COUNT(DISTINCT I) BIGINT of I (INTEGER)
            call COUNT(1) BIGINT of 
            call MAX(I) INTEGER of I (INTEGER)"#]],
    );
    check(
        &["UCASE(S)"],
        false,
        &["ucase(s)", "LCASE(UCASE(S))", "S", "WINDOWSTART"],
        expect![[r#"
        ucase(s)  =>  STRING: KSQL_COL_0@0
        LCASE(UCASE(S))  =>  STRING: LCASE(KSQL_COL_0@0)
        S  =>  42803 @1 column S must appear in the GROUP BY clause or be used in an aggregate function
        WINDOWSTART  =>  42703 @1 column WINDOWSTART does not exist; only a query with WINDOW has window bounds
        names ["KSQL_COL_0"]"#]],
    );
    check(
        &["COUNT(*)"],
        false,
        &[],
        expect![
            "42803 @1 aggregate function COUNT is not allowed here; aggregates go into SELECT or HAVING of a query with GROUP BY"
        ],
    );
    check(&["1"], false, &[], expect![[r#"names ["KSQL_COL_0"]"#]]);
}
