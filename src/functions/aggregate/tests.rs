//! What the aggregates mean, and that their state survives being kept, copied and cloned.

use arrow::array::*;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use expect_test::{Expect, expect};

use super::*;
use crate::functions::cast::cast;

/// Rows as `slot:text`, NULL for NULL; text is cast to the type.
fn rows(ty: SqlType, rows: &[&str]) -> (Vec<u32>, ArrayRef) {
    let (slots, texts): (Vec<u32>, Vec<Option<&str>>) = rows
        .iter()
        .map(|row| {
            let (slot, text) = row.split_once(':').unwrap();
            (slot.parse::<u32>().unwrap(), Some(text).filter(|t| *t != "NULL"))
        })
        .unzip();
    (slots, cast(&(Arc::new(StringArray::from(texts)) as ArrayRef), SqlType::String, ty).unwrap())
}

fn show(array: &ArrayRef) -> String {
    let options = FormatOptions::default().with_null("NULL");
    let shown = ArrayFormatter::try_new(array, &options).unwrap();
    (0..array.len()).map(|row| shown.value(row).to_string()).collect::<Vec<_>>().join(", ")
}

/// The results of slots 0, 1 and 2 after the batches.
fn check(name: &str, ty: SqlType, batches: &[&[&str]], expected: Expect) {
    let function = find(name).unwrap();
    let Some(returns) = function.return_type(&[ty.clone()]) else {
        return expected.assert_eq("no such overload");
    };
    let mut accumulator = function.accumulator(&[ty.clone()]);
    accumulator.resize(3);
    let mut failed = Vec::new();
    for batch in batches {
        let (slots, column) = rows(ty.clone(), batch);
        accumulator.update(&slots, &[column], &mut failed);
    }
    let all = [0, 1, 2];
    let result = accumulator.evaluate(&all);
    assert_eq!(result.data_type(), &returns.arrow());
    let failures: String = failed.iter().map(|(row, text)| format!("; row {row}: {text}")).collect();
    expected.assert_eq(&format!("{returns}: {}{failures}", show(&result)));

    let state = accumulator.state(&all);
    assert_eq!(state.len(), accumulator.state_columns());
    let mut loaded = function.accumulator(&[ty.clone()]);
    loaded.resize(3);
    loaded.load(&all, &state).unwrap();
    assert_eq!(&loaded.evaluate(&all), &result, "loaded");
    let mut copied = function.accumulator(&[ty.clone()]);
    copied.resize(4);
    copied.copy_from(&[3, 2, 1], accumulator.as_ref(), &all);
    assert_eq!(&copied.evaluate(&[3, 2, 1]), &result, "copied");
    let mut clone = accumulator.clone_box();
    clone.reset(&[0, 1, 2]);
    let mut fresh = function.accumulator(&[ty]);
    fresh.resize(3);
    assert_eq!(&clone.evaluate(&all), &fresh.evaluate(&all), "reset");
    assert_eq!(&accumulator.evaluate(&all), &result, "a clone is its own");
    assert!(accumulator.bytes() > 0);
    let wrong: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    assert!(loaded.load(&all, &vec![wrong; accumulator.state_columns()]).is_err());
    assert!(loaded.load(&all, &[]).is_err());
}

const DECIMAL: SqlType = SqlType::Decimal { precision: 4, scale: 1 };

#[test]
fn count() {
    check("count", SqlType::Int, &[&["0:1", "1:NULL", "0:2"], &["1:1"]], expect!["BIGINT: 2, 1, 0"]);
    check("COUNT", SqlType::Bytes, &[&["2:YQ=="]], expect!["BIGINT: 0, 0, 1"]);
    let mut stars = find("COUNT").unwrap().accumulator(&[]);
    stars.resize(2);
    stars.update(&[1, 1, 0], &[], &mut Vec::new());
    assert_eq!(show(&stars.evaluate(&[0, 1])), "1, 2");
}

#[test]
fn sum() {
    check("SUM", SqlType::Int, &[&["0:1", "0:NULL", "1:5", "0:2"], &["1:-7"]], expect!["INTEGER: 3, -2, 0"]);
    check(
        "SUM",
        SqlType::Int,
        &[&["0:2147483647", "0:1", "0:-1", "1:1"]],
        expect!["INTEGER: 2147483646, 1, 0; row 1: the sum is out of range for INTEGER"],
    );
    check(
        "SUM",
        SqlType::BigInt,
        &[&["0:-9223372036854775808", "0:-1", "1:NULL"]],
        expect!["BIGINT: -9223372036854775808, 0, 0; row 1: the sum is out of range for BIGINT"],
    );
    check("SUM", SqlType::Double, &[&["0:0.5", "0:0.25", "1:NaN"]], expect!["DOUBLE: 0.75, NaN, 0.0"]);
    check(
        "SUM",
        DECIMAL,
        &[&["0:500.9", "0:300.8", "0:400.8", "1:0.1"]],
        expect!["DECIMAL(4, 1): 801.7, 0.1, 0.0; row 2: the sum is out of range for DECIMAL(4, 1)"],
    );
    check("SUM", SqlType::String, &[], expect!["no such overload"]);
}

#[test]
fn avg() {
    check(
        "AVG",
        SqlType::Int,
        &[&["0:1", "0:2", "0:2", "0:NULL", "1:NULL"]],
        expect!["DOUBLE: 1.6666666666666667, 0.0, 0.0"],
    );
    check(
        "AVG",
        SqlType::BigInt,
        &[&["0:-1", "0:9223372036854775807", "0:1"]],
        expect!["DOUBLE: 3.0744573456182584e18, 0.0, 0.0"],
    );
    check("AVG", SqlType::Double, &[&["0:1.5", "2:-2"]], expect!["DOUBLE: 1.5, 0.0, -2.0"]);
    check("AVG", DECIMAL, &[], expect!["no such overload"]);
}

#[test]
fn min_and_max() {
    let both = |ty: SqlType, batches: &[&[&str]], min: Expect, max: Expect| {
        check("MIN", ty.clone(), batches, min);
        check("MAX", ty, batches, max);
    };
    both(
        SqlType::Int,
        &[&["0:5", "0:-2147483648", "1:NULL"], &["0:7"]],
        expect!["INTEGER: -2147483648, NULL, NULL"],
        expect!["INTEGER: 7, NULL, NULL"],
    );
    both(
        SqlType::BigInt,
        &[&["0:0", "2:-5"]],
        expect!["BIGINT: 0, NULL, -5"],
        expect!["BIGINT: 0, NULL, -5"],
    );
    both(
        SqlType::Double,
        &[&["0:NaN", "0:1", "1:-0.0", "1:0.0", "2:-Infinity"]],
        expect!["DOUBLE: 1.0, -0.0, -inf"],
        expect!["DOUBLE: NaN, 0.0, -inf"],
    );
    both(
        DECIMAL,
        &[&["0:1.5", "0:-10.1"]],
        expect!["DECIMAL(4, 1): -10.1, NULL, NULL"],
        expect!["DECIMAL(4, 1): 1.5, NULL, NULL"],
    );
    both(
        SqlType::String,
        &[&["0:b", "0:a", "0:NULL", "1:"], &["0:ab", "0:longer than before"]],
        expect!["STRING: a, , NULL"],
        expect!["STRING: longer than before, , NULL"],
    );
    both(
        SqlType::Bytes,
        &[&["0:Qg==", "0:QQ=="]],
        expect!["BYTES: 41, NULL, NULL"],
        expect!["BYTES: 42, NULL, NULL"],
    );
    both(
        SqlType::Date,
        &[&["0:1970-01-11", "0:1969-12-31"]],
        expect!["DATE: 1969-12-31, NULL, NULL"],
        expect!["DATE: 1970-01-11, NULL, NULL"],
    );
    both(
        SqlType::Time,
        &[&["0:01:00", "0:00:59"]],
        expect!["TIME: 00:59:00, NULL, NULL"],
        expect!["TIME: 01:00:00, NULL, NULL"],
    );
    both(
        SqlType::Timestamp,
        &[&["0:2018", "0:2019", "1:2020"]],
        expect!["TIMESTAMP: 2018-01-01T00:00:00, 2020-01-01T00:00:00, NULL"],
        expect!["TIMESTAMP: 2019-01-01T00:00:00, 2020-01-01T00:00:00, NULL"],
    );
    both(SqlType::Boolean, &[], expect!["no such overload"], expect!["no such overload"]);
}
