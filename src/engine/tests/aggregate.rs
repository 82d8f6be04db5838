use datafusion::logical_expr::Operator;
use expect_test::expect;

use super::check;
use crate::engine::testing::{col, grouped, lit, op, window};
use crate::engine::topology::EmitMode::{EveryChange, Final, PerEpoch};

#[test]
fn per_epoch_coalesces() {
    let script = "1 10 @5\n 2 1 @6\n 1 20 @3\n push\n 1 1 @7\n table\n commit\n table\n 2 5 @1\n commit";
    check(
        grouped(None, PerEpoch, None),
        script,
        expect![[r#"
            table []
            1 {"N":3,"S":31} @7
            2 {"N":1,"S":1} @6
            table ["1 3 31 7", "2 1 1 6"]
            2 {"N":2,"S":6} @6
        "#]],
    );
}

#[test]
fn every_change_is_emitted_in_input_order() {
    let script = "1 10 @5\n 2 1 @6\n 1 20 @3\n push\n 1 1 @7\n commit\n 1 1 @8\n commit";
    check(
        grouped(None, EveryChange, None),
        script,
        expect![[r#"
            1 {"N":1,"S":10} @5
            2 {"N":1,"S":1} @6
            1 {"N":2,"S":30} @5
            1 {"N":3,"S":31} @7
            1 {"N":4,"S":32} @8
        "#]],
    );
    // Hopping: a row changes two windows.
    check(
        grouped(Some(window(10, 5, 100, 110)), EveryChange, None),
        "1 1 @7\n 2 1 @8\n 1 1 @12\n commit",
        expect![[r#"
            1 [0] {"N":1,"S":1} @7
            1 [5] {"N":1,"S":1} @7
            2 [0] {"N":1,"S":1} @8
            2 [5] {"N":1,"S":1} @8
            1 [5] {"N":2,"S":2} @12
            1 [10] {"N":1,"S":1} @12
        "#]],
    );
}

#[test]
fn null_keys_and_bad_records_are_logged() {
    check(
        grouped(None, PerEpoch, None),
        "null 1 @1\n !not json @2\n 1 1 @3\n commit",
        expect![[r#"
            deserialization error at 1: value is not JSON: expected a value at byte 0 of 8
            expression error at 0: the grouping column K is null
            1 {"N":1,"S":1} @3
        "#]],
    );
}

#[test]
fn overflow_leaves_the_sum() {
    check(
        grouped(None, PerEpoch, None),
        "1 9223372036854775807 @1\n 1 1 @2\n commit",
        expect![[r#"
            aggregation error at 1: the sum is out of range for BIGINT
            1 {"N":2,"S":9223372036854775807} @2
        "#]],
    );
}

#[test]
fn windows_take_late_rows_until_grace_ends() {
    check(
        grouped(Some(window(10, 10, 5, 15)), PerEpoch, None),
        "1 1 @1\n 1 1 @14\n 1 1 @2\n 1 1 @15\n 1 1 @3\n late\n commit\n table\n 1 1 @31\n commit\n table",
        expect![[r#"
            late 1
            1 [0] {"N":2,"S":2} @2
            1 [10] {"N":2,"S":2} @15
            table ["1 2 2 10 20 15"]
            1 [30] {"N":1,"S":1} @31
            table ["1 1 1 30 40 31"]
        "#]],
    );
}

#[test]
fn final_emits_each_window_once() {
    let topology = || grouped(Some(window(10, 10, 0, 100)), Final, None);
    check(
        topology(),
        "2 1 @1\n 1 1 @2\n commit\n table\n 1 5 @9\n 1 1 @25\n 2 1 @3\n commit\n table\n 1 1 @26\n commit",
        expect![[r#"
            table []
            1 [0] {"N":2,"S":6} @9
            2 [0] {"N":1,"S":1} @1
            table ["1 2 6 0 10 9", "2 1 1 0 10 1"]
        "#]],
    );
    // A gap of any length loses nothing, nor does a restart; a rolled back emission comes again.
    check(
        topology(),
        "1 1 @1\n commit\n restart\n 1 1 @1000000\n seal\n rollback\n 1 1 @1000000\n commit\n restart\n 1 1 @1000001\n commit",
        expect![[r#"
            1 [0] {"N":1,"S":1} @1
            1 [0] {"N":1,"S":1} @1
        "#]],
    );
}

#[test]
fn having_gives_a_tombstone_when_it_stops_matching() {
    let having = || Some(op(col("S", 2), Operator::Gt, lit(5)));
    let script = "1 3 @1\n 2 9 @1\n commit\n table\n 1 3 @2\n commit\n 1 1 @3\n commit\n 1 -5 @4\n commit\n 1 -1 @5\n 2 1 @5\n commit\n table";
    check(
        grouped(None, PerEpoch, having()),
        script,
        expect![[r#"
            2 {"N":1,"S":9} @1
            table ["2 1 9 1"]
            1 {"N":2,"S":6} @2
            1 {"N":3,"S":7} @3
            1 tombstone @4
            2 {"N":2,"S":10} @5
            table ["2 2 10 5"]
        "#]],
    );
    check(
        grouped(None, EveryChange, having()),
        "1 3 @1\n 1 3 @2\n 1 -1 @3\n 1 -1 @4\n commit\n 1 9 @5\n 1 -9 @6\n commit",
        expect![[r#"
            1 {"N":2,"S":6} @2
            1 tombstone @3
            1 {"N":5,"S":13} @5
            1 tombstone @6
        "#]],
    );
}
