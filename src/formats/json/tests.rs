//! The reader against a table of cases, against serde_json, and against noise.

use expect_test::{Expect, expect};
use proptest::collection::vec;
use proptest::prelude::*;

use super::scan::{Cursor, next_special};
use super::text::{unescape, write_compact, write_text};
use super::{Fault, ObjectReader, Top};
use crate::formats::columns::ColumnBuilder;
use crate::sql::SqlType;

fn columns() -> Vec<ColumnBuilder> {
    [
        ("B", SqlType::Boolean),
        ("I", SqlType::Int),
        ("L", SqlType::BigInt),
        ("D", SqlType::Double),
        ("M", SqlType::Decimal { precision: 6, scale: 2 }),
        ("S", SqlType::String),
        ("Y", SqlType::Bytes),
        ("lower", SqlType::String),
    ]
    .map(|(name, ty)| ColumnBuilder::new(name, ty))
    .into()
}

fn reader(columns: &[ColumnBuilder]) -> ObjectReader {
    ObjectReader::new(columns.iter().enumerate().map(|(at, c)| (at, c.name.as_str())))
}

/// Reads one object and shows the columns that are not null.
fn read(json: &[u8]) -> Result<String, Fault> {
    let mut columns = columns();
    let mut reader = reader(&columns);
    if reader.read(json, &mut columns, 0)? == Top::Null {
        return Ok("null".to_owned());
    }
    let mut shown = Vec::new();
    for column in &mut columns {
        if column.len() == 0 {
            column.push_null();
        }
        if column.last_is_null() {
            continue;
        }
        let array = column.finish().unwrap();
        let value = arrow::util::display::array_value_to_string(&array, 0).unwrap();
        shown.push(format!("{}={value}", column.name));
    }
    Ok(shown.join(" "))
}

fn check(json: &str, expected: Expect) {
    let shown = match read(json.as_bytes()) {
        Ok(shown) => shown,
        Err(Fault::Unreadable { column, start, end }) => {
            format!("column {column} cannot take {}", &json[start..end])
        }
        Err(Fault::Syntax { at, expected }) => format!("expected {expected} at {at}"),
        Err(fault) => format!("{fault:?}"),
    };
    expected.assert_eq(&shown);
}

#[test]
fn fields() {
    check(
        r#"{"B":true,"I":1,"L":2,"D":1.5,"M":3.1,"S":"x","Y":"YWI="}"#,
        expect!["B=true I=1 L=2 D=1.5 M=3.10 S=x Y=6162"],
    );
    check(" {\n\t\"S\" : \"x\" , \"L\" : 7 \r\n} ", expect!["L=7 S=x"]);
    check(r#"{"other":[1,{"S":"no"},[]],"s":"folded","l":1}"#, expect!["L=1 S=folded"]);
    check(r#"{"S":"exact","s":"folded"}"#, expect!["S=exact"]);
    check(r#"{"s":"folded","S":"exact"}"#, expect!["S=exact"]);
    check(r#"{"s":"folded","S":null}"#, expect![""]);
    check(r#"{"S":"first","S":"last"}"#, expect!["S=last"]);
    check(r#"{"S":"first","S":null}"#, expect![""]);
    check(r#"{"lower":"x","LOWER":"y","Lower":"z"}"#, expect!["lower=x"]);
    check(r#"{"\u0053":"by escape"}"#, expect!["S=by escape"]);
    check("{}", expect![""]);
    check(" null ", expect!["null"]);
    check("[1]", expect!["NotAnObject"]);
    check("12", expect!["NotAnObject"]);
}

#[test]
fn numbers() {
    check(r#"{"L":9223372036854775807,"I":-2147483648}"#, expect!["I=-2147483648 L=9223372036854775807"]);
    check(r#"{"L":-9223372036854775808}"#, expect!["L=-9223372036854775808"]);
    check(r#"{"L":9223372036854775808}"#, expect!["column 2 cannot take 9223372036854775808"]);
    check(r#"{"I":2147483648}"#, expect!["column 1 cannot take 2147483648"]);
    check(r#"{"I":1.9,"L":-1.9e0}"#, expect!["I=1 L=-1"]);
    check(r#"{"L":1e3,"I":"42"}"#, expect!["I=42 L=1000"]);
    check(r#"{"L":"4.2"}"#, expect![[r#"column 2 cannot take "4.2""#]]);
    check(r#"{"L":"abc"}"#, expect![[r#"column 2 cannot take "abc""#]]);
    check(r#"{"L":true}"#, expect!["column 2 cannot take true"]);
    check(r#"{"L":[1]}"#, expect!["column 2 cannot take [1]"]);
    check(r#"{"L":01}"#, expect!["expected ',' or '}' at 6"]);
    check(r#"{"L":-}"#, expect!["expected a digit at 6"]);
    check(r#"{"D":3,"M":"1.5"}"#, expect!["D=3.0 M=1.50"]);
    check(r#"{"D":"NaN"}"#, expect!["D=NaN"]);
    check(r#"{"D":"inf"}"#, expect![[r#"column 3 cannot take "inf""#]]);
    check(r#"{"D":"-Infinity"}"#, expect!["D=-inf"]);
    check(r#"{"M":1.234}"#, expect!["column 4 cannot take 1.234"]);
    check(r#"{"M":10000}"#, expect!["column 4 cannot take 10000"]);
    check(r#"{"M":-9999.99}"#, expect!["M=-9999.99"]);
}

#[test]
fn texts() {
    check(r#"{"S":12.50}"#, expect!["S=12.50"]);
    check(r#"{"S":true}"#, expect!["S=true"]);
    check(r#"{"S":{ "a" : [ 1 , "x y" ] , "b":"\u00e9\"" }}"#, expect![[r#"S={"a":[1,"x y"],"b":"é\""}"#]]);
    check(
        r#"{"S":"a\n\"\\\/\u00e9\ud83d\ude00"}"#,
        expect![[r#"
        S=a
        "\/é😀"#]],
    );
    check(r#"{"S":"\ud83d"}"#, expect![[r#"column 5 cannot take "\ud83d""#]]);
    check(r#"{"S":"\x"}"#, expect!["expected an escape sequence at 6"]);
    check("{\"S\":\"a\nb\"}", expect!["expected control characters to be escaped at 7"]);
    check(r#"{"Y":"YWI"}"#, expect!["Y=6162"]);
    check(r#"{"Y":"!"}"#, expect![[r#"column 6 cannot take "!""#]]);
    check(r#"{"B":"TRUE"}"#, expect!["B=true"]);
    check(r#"{"B":1}"#, expect!["column 0 cannot take 1"]);
}

#[test]
fn garbage() {
    check("", expect!["expected a value at 0"]);
    check("{", expect!["expected a field name in quotes at 1"]);
    check(r#"{"S":"x""#, expect!["expected ',' or '}' at 8"]);
    check(r#"{"S":"x"},"#, expect!["expected the end of the text at 9"]);
    check(r#"{"S":"x",}"#, expect!["expected a field name in quotes at 9"]);
    check(r#"{"S" "x"}"#, expect!["expected ':' at 5"]);
    check(r#"{"x":[1,}"#, expect!["expected a value at 8"]);
    check(r#"{"x":tru}"#, expect!["expected a value at 5"]);
    check(r#"{"x":[{]}"#, expect!["expected a field name in quotes at 7"]);
    check(r#"{"S":"open"#, expect!["expected the string's closing quote at 10"]);
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    check(&nested(1000), expect![""]);
    check(&nested(100_000), expect!["expected at most 1000 levels of objects and arrays at 1005"]);
}

#[test]
fn remembered_fields_do_not_mislead() {
    let mut columns = columns();
    let mut reader = reader(&columns);
    for (row, json) in [
        r#"{"L":1,"S":"a"}"#,
        r#"{"S":"b","L":2}"#,
        r#"{"L2":9,"S":"c","L":3}"#,
        r#"{"L" : 4 , "S" : "d"}"#,
        r#"{"L" :5}"#,
        r#"{"L":6,"S":"f","x":1,"l":7}"#,
    ]
    .iter()
    .enumerate()
    {
        reader.read(json.as_bytes(), &mut columns, row).unwrap();
        columns.iter_mut().filter(|c| c.len() == row).for_each(ColumnBuilder::push_null);
    }
    let show = |column: &mut ColumnBuilder| {
        let array = column.finish().unwrap();
        (0..6)
            .map(|row| arrow::util::display::array_value_to_string(&array, row).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(show(&mut columns[2]), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(show(&mut columns[5]), ["a", "b", "c", "d", "", "f"]);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<i16>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec(("[a-zA-Z\"\\\\é]{0,3}", inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Objects whose fields are mostly columns, some of the right type.
fn object() -> impl Strategy<Value = serde_json::Value> {
    let name = prop_oneof![4 => "[BILDMSYbils]", 1 => "[a-z\"\n]{0,4}"];
    vec((name, json()), 0..8).prop_map(|members| serde_json::Value::Object(members.into_iter().collect()))
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

fn our_grammar(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    cursor.skip_space();
    cursor.skip_value().and_then(|()| cursor.end()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn noise_is_refused_and_harmless(bytes in vec(any::<u8>(), 0..64)) {
        if std::str::from_utf8(&bytes).is_ok() {
            prop_assert_eq!(our_grammar(&bytes), is_json(&bytes));
        }
        let mut columns = columns();
        let _ = reader(&columns).read(&bytes, &mut columns, 0);
    }

    #[test]
    fn noise_of_json_tokens_is_judged_as_serde_does(text in "[\\[\\]{}:,\"0-2eE.+\\-tfnu\\\\ ]{0,12}") {
        prop_assert_eq!(our_grammar(text.as_bytes()), is_json(text.as_bytes()), "{}", text);
    }

    #[test]
    fn mutated_json_is_judged_as_serde_does(value in object(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, byte),
        }
        // Whether it is UTF-8 is asked before the reader sees it.
        if std::str::from_utf8(&bytes).is_ok() {
            prop_assert_eq!(our_grammar(&bytes), is_json(&bytes));
            let _ = read(&bytes);
        }
    }

    #[test]
    fn values_are_those_that_serde_reads(value in object(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut columns = columns();
        let mut reader = reader(&columns);
        let result = reader.read(text.as_bytes(), &mut columns, 0);
        prop_assert!(!matches!(result, Err(Fault::Syntax { .. } | Fault::NotAnObject)), "{:?}", result);
        if result.is_err() {
            return Ok(());
        }
        let field = |name: &str| value.get(name).or_else(|| value.get(name.to_lowercase()));
        let string = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let expected = field("S").filter(|v| !v.is_null()).map(string);
        let found = columns[5].last_bytes().map(|b| String::from_utf8(b.to_vec()).unwrap());
        prop_assert_eq!(&found, &expected);
        if let Some(long) = field("L").and_then(|v| v.as_i64()) {
            prop_assert_eq!(columns[2].last_long(), Some(long));
        }
    }

    #[test]
    fn texts_survive_escaping(text in any::<String>()) {
        let mut json = Vec::new();
        write_text(text.as_bytes(), &mut json);
        prop_assert_eq!(&serde_json::from_slice::<String>(&json).unwrap(), &text);
        let mut back = Vec::new();
        unescape(&json[1..json.len() - 1], &mut back).unwrap();
        prop_assert_eq!(back, text.into_bytes());
    }

    #[test]
    fn compact_is_what_serde_writes(value in json()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let mut out = Vec::new();
        write_compact(pretty.as_bytes(), &mut out).unwrap();
        let compact = serde_json::to_string(&value).unwrap();
        // The case of hexadecimal digits is all they may differ in.
        prop_assert_eq!(String::from_utf8(out).unwrap().to_lowercase(), compact.to_lowercase());
    }

    #[test]
    fn specials_are_found(bytes in vec(prop_oneof![any::<u8>(), Just(b'"'), Just(0x7f), Just(0xff)], 0..40), from in 0usize..40) {
        let expected = bytes.iter().enumerate().skip(from)
            .find(|(_, b)| **b < 0x20 || matches!(**b, b'"' | b'\\')).map(|(at, _)| at);
        let found = next_special(&bytes, from);
        prop_assert_eq!(found, expected.unwrap_or(bytes.len().max(from)));
    }
}
