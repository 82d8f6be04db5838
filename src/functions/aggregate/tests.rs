//! What the aggregates mean, and that their state survives being kept, copied and cloned.

use arrow::array::*;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use expect_test::{Expect, expect};

use super::*;
use crate::functions::cast::cast;
use crate::sql::SqlType;

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
    check_with(name, ty, &[], batches, expected);
}

/// The same with constants behind the argument.
fn check_with(name: &str, ty: SqlType, constants: &[ScalarValue], batches: &[&[&str]], expected: Expect) {
    let columns: Vec<ArrayRef> = batches.iter().map(|batch| rows(ty.clone(), batch).1).collect();
    let slots: Vec<Vec<u32>> = batches.iter().map(|batch| rows(ty.clone(), batch).0).collect();
    let batches: Vec<_> =
        slots.into_iter().zip(columns).map(|(slots, column)| (slots, vec![column])).collect();
    check_columns(name, &[ty], constants, &batches, expected);
}

fn check_columns(
    name: &str,
    types: &[SqlType],
    constants: &[ScalarValue],
    batches: &[(Vec<u32>, Vec<ArrayRef>)],
    expected: Expect,
) {
    let function = find(name).unwrap_or_else(|| find_distinct(name.trim_end_matches("(DISTINCT)")).unwrap());
    let columns = types.iter().map(|ty| Argument { ty: Some(ty.clone()), constant: None });
    let constants = constants.iter().map(|value| Argument {
        ty: crate::functions::types::sql_type(&value.data_type()),
        constant: Some(value.clone()),
    });
    let args: Vec<Argument> = columns.chain(constants).collect();
    let resolved = match resolve(function, &args, Options::default()) {
        Ok(resolved) => resolved,
        Err(error) => return expected.assert_eq(&error.to_string()),
    };
    let (returns, make) = (resolved.returns, resolved.make);
    let mut accumulator = make.make();
    accumulator.resize(3);
    let mut failed = Vec::new();
    let batches: Vec<(Vec<u32>, Vec<ArrayRef>)> = batches
        .iter()
        .map(|(slots, columns)| {
            let converted = columns.iter().zip(types).zip(&resolved.columns);
            let converted =
                converted.map(|((column, from), to)| cast(column, from.clone(), to.clone()).unwrap());
            (slots.clone(), converted.collect())
        })
        .collect();
    for (slots, columns) in &batches {
        accumulator.update(slots, columns, &mut failed);
    }
    let all = [0, 1, 2];
    let result = accumulator.evaluate(&all);
    assert_eq!(result.data_type(), &returns.arrow());
    let failures: String = failed.iter().map(|(row, text)| format!("; row {row}: {text}")).collect();
    expected.assert_eq(&format!("{returns}: {}{failures}", show(&result)));

    let state = accumulator.state(&all);
    assert_eq!(state.len(), accumulator.state_columns());
    let mut loaded = make.make();
    loaded.resize(3);
    loaded.load(&all, &state).unwrap();
    assert_eq!(&loaded.evaluate(&all), &result, "loaded");
    let mut copied = make.make();
    copied.resize(4);
    copied.copy_from(&[3, 2, 1], accumulator.as_ref(), &all);
    assert_eq!(&copied.evaluate(&[3, 2, 1]), &result, "copied");
    let mut clone = accumulator.clone_box();
    clone.reset(&[0, 1, 2]);
    let mut fresh = make.make();
    fresh.resize(3);
    let fresh_result = fresh.evaluate(&all);
    assert_eq!(show(&clone.evaluate(&all)), show(&fresh_result), "reset");
    assert_eq!(&accumulator.evaluate(&all), &result, "a clone is its own");
    assert!(accumulator.bytes() > 0);
    let wrong: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    if returns != SqlType::Boolean {
        assert!(loaded.load(&all, &vec![wrong; accumulator.state_columns()]).is_err());
    }
    assert!(loaded.load(&all, &[]).is_err());
    // NaN takes a sum with it for good.
    if function.retracts() && failed.is_empty() && !show(&result).contains("NaN") {
        // In another order than they came.
        for (slots, columns) in batches.iter().rev() {
            accumulator.retract(slots, columns, &mut failed);
        }
        assert_eq!(show(&accumulator.evaluate(&all)), show(&fresh_result), "taken out");
        assert!(failed.is_empty(), "{failed:?}");
    }
}

const DECIMAL: SqlType = SqlType::Decimal { precision: 4, scale: 1 };

#[test]
fn count() {
    check("count", SqlType::Int, &[&["0:1", "1:NULL", "0:2"], &["1:1"]], expect!["BIGINT: 2, 1, 0"]);
    check("COUNT", SqlType::Bytes, &[&["2:YQ=="]], expect!["BIGINT: 0, 0, 1"]);
    let stars = resolve(find("COUNT").unwrap(), &[], Options::default()).unwrap();
    let mut stars = stars.make.make();
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
    check("SUM", SqlType::String, &[], expect!["function SUM(STRING) does not exist"]);
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
    check("AVG", DECIMAL, &[], expect!["DOUBLE: 0.0, 0.0, 0.0"]);
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
    both(SqlType::Boolean, &[], expect!["BOOLEAN: NULL, NULL, NULL"], expect!["BOOLEAN: NULL, NULL, NULL"]);
}

fn int(n: i32) -> ScalarValue {
    ScalarValue::Int32(Some(n))
}

fn truth(value: bool) -> ScalarValue {
    ScalarValue::Boolean(Some(value))
}

#[test]
fn collected() {
    let rows: &[&[&str]] = &[&["0:2", "0:1", "1:NULL", "0:2"], &["0:NULL", "0:1"]];
    check("COLLECT_LIST", SqlType::Int, rows, expect!["ARRAY<INTEGER>: [2, 1, 2, NULL, 1], [NULL], []"]);
    check("ARRAY_AGG", SqlType::Double, &[&["0:0.5"]], expect!["ARRAY<DOUBLE>: [0.5], [], []"]);
    check("COLLECT_SET", SqlType::Int, rows, expect!["ARRAY<INTEGER>: [2, 1, NULL], [NULL], []"]);
    check("COUNT(DISTINCT)", SqlType::Int, rows, expect!["BIGINT: 2, 0, 0"]);
    check("COUNT_DISTINCT", SqlType::Int, rows, expect!["BIGINT: 2, 0, 0"]);
    check("HISTOGRAM", SqlType::String, rows, expect!["MAP<STRING, BIGINT>: {2: 2, 1: 2}, {}, {}"]);
    check("HISTOGRAM", SqlType::Int, &[], expect!["function HISTOGRAM(INTEGER) does not exist"]);
    let many: Vec<String> = (0..40).chain(0..40).map(|n| format!("{}:{}", n % 2, n)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check("COUNT(DISTINCT)", SqlType::BigInt, &[&many], expect!["BIGINT: 20, 20, 0"]);
    check_with(
        "STRING_AGG",
        SqlType::String,
        &[ScalarValue::Utf8(Some(", ".into()))],
        &[&["0:a", "0:NULL", "1:NULL", "0:b"]],
        expect!["STRING: a, b, NULL, NULL"],
    );
}

#[test]
fn attr() {
    check(
        "ATTR",
        SqlType::Int,
        &[&["0:1", "0:1", "1:1", "1:NULL", "2:NULL"]],
        expect!["INTEGER: 1, NULL, NULL"],
    );
    check("ATTR", SqlType::String, &[&["0:a", "0:b", "0:a"]], expect!["STRING: NULL, NULL, NULL"]);
}

#[test]
fn by_offset() {
    let rows: &[&[&str]] = &[&["0:NULL", "0:1", "1:NULL", "0:2"], &["0:3", "0:NULL", "2:4"]];
    let both = |constants: &[ScalarValue], earliest: Expect, latest: Expect| {
        check_with("EARLIEST_BY_OFFSET", SqlType::Int, constants, rows, earliest);
        check_with("LATEST_BY_OFFSET", SqlType::Int, constants, rows, latest);
    };
    both(&[], expect!["INTEGER: 1, NULL, 4"], expect!["INTEGER: 3, NULL, 4"]);
    both(&[truth(true)], expect!["INTEGER: 1, NULL, 4"], expect!["INTEGER: 3, NULL, 4"]);
    both(&[truth(false)], expect!["INTEGER: NULL, NULL, 4"], expect!["INTEGER: NULL, NULL, 4"]);
    both(&[int(2)], expect!["ARRAY<INTEGER>: [1, 2], [], [4]"], expect!["ARRAY<INTEGER>: [2, 3], [], [4]"]);
    both(
        &[int(2), truth(false)],
        expect!["ARRAY<INTEGER>: [NULL, 1], [NULL], [4]"],
        expect!["ARRAY<INTEGER>: [3, NULL], [NULL], [4]"],
    );
    both(
        &[int(0)],
        expect!["the number of values must lie between 1 and 100000, not be 0"],
        expect!["the number of values must lie between 1 and 100000, not be 0"],
    );
    both(
        &[ScalarValue::Int32(None)],
        expect!["parameter count of EARLIEST_BY_OFFSET must be a constant"],
        expect!["parameter count of LATEST_BY_OFFSET must be a constant"],
    );
}

#[test]
fn top() {
    let rows: &[&[&str]] = &[&["0:5", "0:9", "1:NULL", "0:5", "0:7"], &["0:9", "2:1"]];
    check_with("TOPK", SqlType::BigInt, &[int(3)], rows, expect!["ARRAY<BIGINT>: [9, 9, 7], [], [1]"]);
    check_with(
        "TOPKDISTINCT",
        SqlType::BigInt,
        &[int(3)],
        rows,
        expect!["ARRAY<BIGINT>: [9, 7, 5], [], [1]"],
    );
    check_with(
        "TOPKDISTINCT",
        DECIMAL,
        &[int(2)],
        rows,
        expect!["ARRAY<DECIMAL(4, 1)>: [9.0, 7.0], [], [1.0]"],
    );
    check_with(
        "TOPK",
        SqlType::String,
        &[int(2)],
        &[&["0:a", "0:ab", "0:", "0:b"]],
        expect!["ARRAY<STRING>: [b, ab], [], []"],
    );
    let values: ArrayRef =
        Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("b"), Some("ba")]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("z"), Some("y"), Some("n"), None, Some("x")]));
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5]));
    check_columns(
        "TOPK",
        &[SqlType::String, SqlType::String, SqlType::Int],
        &[int(3)],
        &[(vec![0; 5], vec![values, names, numbers])],
        expect![
            "ARRAY<STRUCT<`sort_col` STRING, `col0` STRING, `col1` INTEGER>>: [{sort_col: ba, col0: x, col1: 5}, {sort_col: b, col0: y, col1: 2}, {sort_col: b, col0: NULL, col1: 4}], [], []"
        ],
    );
}

#[test]
fn moments() {
    let rows: &[&[&str]] = &[&["0:10", "0:12", "0:NULL", "1:3"], &["0:13", "0:14", "0:16"]];
    check("STDDEV_SAMPLE", SqlType::Int, rows, expect!["DOUBLE: 2.23606797749979, 0.0, 0.0"]);
    check("STDDEV_SAMP", SqlType::Double, rows, expect!["DOUBLE: 2.23606797749979, 0.0, 0.0"]);
    check("VAR_SAMP", SqlType::Double, rows, expect!["DOUBLE: 5.0, 0.0, 0.0"]);
    let column = |values: &[Option<f64>]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let xs = column(&[Some(1.5), Some(-1.0), Some(-4.5), None, Some(7.0)]);
    let ys = column(&[Some(8.0), Some(-2.0), Some(-1.0), Some(-6.0), None]);
    check_columns(
        "CORRELATION",
        &[SqlType::Double, SqlType::Double],
        &[],
        &[(vec![0; 5], vec![xs, ys])],
        expect!["DOUBLE: 0.7580764521133173, NaN, NaN"],
    );
}

#[test]
fn percentiles() {
    let rows: &[&[&str]] = &[&["0:10", "0:2", "0:NULL", "1:3"], &["0:4", "0:1"]];
    check("MEDIAN", SqlType::Int, rows, expect!["DOUBLE: 3.0, 3.0, NULL"]);
    let fraction = |f: f64| [ScalarValue::Float64(Some(f))];
    check_with(
        "PERCENTILE_CONT",
        SqlType::Double,
        &fraction(0.9),
        rows,
        expect!["DOUBLE: 8.200000000000001, 3.0, NULL"],
    );
    check_with(
        "PERCENTILE_CONT",
        SqlType::Double,
        &fraction(1.5),
        rows,
        expect!["the fraction must lie between 0 and 1, not be 1.5"],
    );
}

#[test]
fn sum_list() {
    let lists = ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>([
        Some(vec![Some(1), None, Some(2)]),
        None,
        Some(vec![]),
        Some(vec![Some(i32::MAX), Some(1)]),
        Some(vec![Some(5)]),
    ]);
    check_columns(
        "SUM_LIST",
        &[SqlType::array(SqlType::Int)],
        &[],
        &[(vec![0, 0, 1, 2, 2], vec![Arc::new(lists)])],
        expect!["INTEGER: 3, 0, 5; row 3: the sum of the array's elements is out of range"],
    );
}

/// Maps are sets of entries: their order means nothing.
#[test]
fn equal_maps_are_one_value() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for entries in [[("a", 1), ("b", 2)], [("b", 2), ("a", 1)], [("a", 1), ("b", 3)]] {
        for (key, value) in entries {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(true).unwrap();
    }
    let ty = SqlType::map(SqlType::String, SqlType::BigInt);
    let maps: ArrayRef = Arc::new(maps.finish());
    let maps = arrow::compute::cast(&maps, &ty.arrow()).unwrap();
    check_columns(
        "COLLECT_SET",
        &[ty],
        &[],
        &[(vec![0; 3], vec![maps])],
        expect!["ARRAY<MAP<STRING, BIGINT>>: [{a: 1, b: 2}, {a: 1, b: 3}], [], []"],
    );
}

#[test]
fn calls_that_do_not_fit() {
    let error = |name: &str, args: &[Argument], options: Options, expected: Expect| {
        let error = resolve(find(name).unwrap(), args, options).unwrap_err();
        expected.assert_eq(&format!("{error}; {}", error.hint.clone().unwrap_or_default()));
    };
    let column = |ty: SqlType| Argument { ty: Some(ty), constant: None };
    let over_table = Options { over_table: true, ..Options::default() };
    error(
        "MAX",
        &[column(SqlType::Int)],
        over_table,
        expect![
            "MAX cannot be used over a table; declare a stream over the table's topic to aggregate its changes"
        ],
    );
    error(
        "TOPK",
        &[column(SqlType::Int), column(SqlType::Int)],
        Options::default(),
        expect!["parameter k of TOPK must be a constant; write a literal of type INTEGER"],
    );
    error(
        "TOPK",
        &[column(SqlType::Int)],
        Options::default(),
        expect![
            "function TOPK(INTEGER) does not exist; the function is there as TOPK(value INT, others ANY..., k INT) -> ARRAY<INT>, TOPK(value BIGINT, others ANY..., k INT) -> ARRAY<BIGINT>, TOPK(value DOUBLE, others ANY..., k INT) -> ARRAY<DOUBLE>, TOPK(value STRING, others ANY..., k INT) -> ARRAY<STRING>, TOPK(value DECIMAL, others ANY..., k INT) -> ARRAY<DECIMAL>, TOPK(value BYTES, others ANY..., k INT) -> ARRAY<BYTES>, TOPK(value DATE, others ANY..., k INT) -> ARRAY<DATE>, TOPK(value TIME, others ANY..., k INT) -> ARRAY<TIME>, TOPK(value TIMESTAMP, others ANY..., k INT) -> ARRAY<TIMESTAMP>"
        ],
    );
    error(
        "AVG",
        &[column(SqlType::String)],
        Options::default(),
        expect![
            "function AVG(STRING) does not exist; the function is there as AVG(value INT) -> DOUBLE, AVG(value BIGINT) -> DOUBLE, AVG(value DOUBLE) -> DOUBLE"
        ],
    );
    error(
        "SUM",
        &[column(SqlType::Int), column(SqlType::Int)],
        Options::default(),
        expect![
            "function SUM(INTEGER, INTEGER) does not exist; the function is there as SUM(value INT) -> INT, SUM(value BIGINT) -> BIGINT, SUM(value DOUBLE) -> DOUBLE, SUM(value DECIMAL) -> DECIMAL"
        ],
    );
}

#[test]
fn signatures_are_well_formed_and_names_in_order() {
    for function in aggregates() {
        for text in function.signatures() {
            let parsed = crate::functions::scalar::signature::parse(text).map(|parsed| parsed.to_string());
            assert_eq!(parsed.as_deref(), Ok(*text));
        }
    }
    assert!(aggregates().is_sorted_by_key(|function| function.name()));
    let names: Vec<_> = aggregates().iter().map(|function| function.name()).collect();
    expect![[r#"
        ARRAY_AGG
        ATTR
        AVG
        COLLECT_LIST
        COLLECT_SET
        CORRELATION
        COUNT
        COUNT_DISTINCT
        EARLIEST_BY_OFFSET
        HISTOGRAM
        LATEST_BY_OFFSET
        MAX
        MEDIAN
        MIN
        PERCENTILE_CONT
        STDDEV_SAMP
        STDDEV_SAMPLE
        STRING_AGG
        SUM
        SUM_LIST
        TOPK
        TOPKDISTINCT
        VAR_SAMP"#]]
    .assert_eq(&names.join("\n"));
}
