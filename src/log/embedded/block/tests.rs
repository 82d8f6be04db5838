//! The format stays: a block that version 1 wrote is kept here as bytes, and every later build must read it.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn record<'a>(key: Option<&'a str>, value: Option<&'a str>, timestamp: i64) -> NewRecord<'a> {
    NewRecord { key: key.map(str::as_bytes), value: value.map(str::as_bytes), timestamp, headers: &[] }
}

/// Three records with all that a record can have; 1_700_000_000_000 ms and around.
fn sample() -> SealedBlock {
    let mut builder = BlockBuilder::default();
    builder.push(0, &record(Some("k1"), Some("v1"), 1_700_000_000_000));
    let headers = [("trace", Some(&b"\x01\x02"[..])), ("trace", None)];
    builder.push(1, &NewRecord { headers: &headers, ..record(None, Some(""), 1_699_999_999_000) });
    builder.push(4, &record(Some("k2"), None, 1_700_000_000_500));
    builder.seal()
}

fn hex(bytes: &[u8]) -> String {
    bytes.chunks(25).map(|line| line.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n").collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn check(bytes: &[u8], expected: Expect) {
    let read = || -> Result<String> {
        let block = Block::open(bytes.into(), Vec::new())?;
        let mut text = format!("{}..={} {} records", block.head.first, block.head.last, block.head.count);
        text += &format!(", {}..={} ms\n", block.head.min_timestamp, block.head.max_timestamp);
        block.for_each(&mut |r| {
            let show = |bytes: Option<&[u8]>| bytes.map(|b| b.escape_ascii().to_string());
            text += &format!("{} {} {:?} {:?}", r.offset, r.timestamp, show(r.key), show(r.value));
            for (name, value) in r.headers {
                text += &format!(" {name}={:?}", show(*value));
            }
            text += "\n";
            true
        })?;
        Ok(text)
    };
    expected.assert_eq(&read().unwrap_or_else(|error| format!("{error}\n")));
}

/// Written by version 1. Never change these bytes.
const V1_PLAIN: &str = "
    010203000000640000000000000068000000000000000068e5
    cf8b0100001864e5cf8b010000f469e5cf8b01000027000000
    0000036b310376310001cf0f00010205747261636503010205
    74726163650004e807036b320000
";
const V1_LZ4: &str = "
    01010800000000000000000000000700000000000000000000
    00000000000000000000000000581b00000000000083010000
    f1060000056576656e29746f206265206f72206e6f74200d00
    ff0e2c207468617420697320746865207175657374696f6e01
    d00f046f64643000163f02a01f61001b3f03f02e61001a3f04
    c03e61001b3f05904e61001a3f06e05d61001b3f07b06d6100
    1460657374696f6e
";

/// Eight records that repeat themselves.
fn packed_sample() -> SealedBlock {
    let mut builder = BlockBuilder::default();
    for at in 0..8 {
        let value = "to be or not to be, that is the question";
        builder.push(at, &record(Some(["even", "odd"][at as usize % 2]), Some(value), i64::from(at) * 1000));
    }
    builder.seal()
}

#[test]
fn version_1_is_written_as_ever() {
    expect![[r#"
        01010800000000000000000000000700000000000000000000
        00000000000000000000000000581b00000000000083010000
        f1060000056576656e29746f206265206f72206e6f74200d00
        ff0e2c207468617420697320746865207175657374696f6e01
        d00f046f64643000163f02a01f61001b3f03f02e61001a3f04
        c03e61001b3f05904e61001a3f06e05d61001b3f07b06d6100
        1460657374696f6e
    "#]]
    .assert_eq(&hex(&packed_sample().place(0, None)));
    expect![[r#"
        010203000000640000000000000068000000000000000068e5
        cf8b0100001864e5cf8b010000f469e5cf8b01000027000000
        0000036b310376310001cf0f00010205747261636503010205
        74726163650004e807036b320000
    "#]]
    .assert_eq(&hex(&sample().place(100, None)));
}

#[test]
fn version_1_is_read() {
    check(
        &unhex(V1_PLAIN),
        expect![[r#"
        100..=104 3 records, 1699999999000..=1700000000500 ms
        100 1700000000000 Some("k1") Some("v1")
        101 1699999999000 None Some("") trace=Some("\\x01\\x02") trace=None
        104 1700000000500 Some("k2") None
    "#]],
    );
    check(
        &unhex(V1_LZ4),
        expect![[r#"
        0..=7 8 records, 0..=7000 ms
        0 0 Some("even") Some("to be or not to be, that is the question")
        1 1000 Some("odd") Some("to be or not to be, that is the question")
        2 2000 Some("even") Some("to be or not to be, that is the question")
        3 3000 Some("odd") Some("to be or not to be, that is the question")
        4 4000 Some("even") Some("to be or not to be, that is the question")
        5 5000 Some("odd") Some("to be or not to be, that is the question")
        6 6000 Some("even") Some("to be or not to be, that is the question")
        7 7000 Some("odd") Some("to be or not to be, that is the question")
    "#]],
    );
}

#[test]
fn a_compacted_block_covers_what_it_covered() {
    let mut builder = BlockBuilder::default();
    builder.push(3, &record(Some("k"), Some("v"), 5));
    check(
        &builder.seal().place(10, Some(19)),
        expect![[r#"
        10..=19 1 records, 5..=5 ms
        13 5 Some("k") Some("v")
    "#]],
    );
}

#[test]
fn extreme_timestamps_come_back() {
    let mut builder = BlockBuilder::default();
    for (delta, timestamp) in [i64::MIN, i64::MAX, -1, 0].into_iter().enumerate() {
        builder.push(delta as u32, &record(None, None, timestamp));
    }
    check(
        &builder.seal().place(0, None),
        expect![[r#"
        0..=3 4 records, -9223372036854775808..=9223372036854775807 ms
        0 -9223372036854775808 None None
        1 9223372036854775807 None None
        2 -1 None None
        3 0 None None
    "#]],
    );
}

#[test]
fn damage_is_an_error() {
    let good = sample().place(100, None);
    check(
        &[],
        expect![[r#"
        a block of the embedded log is damaged: it is too short
    "#]],
    );
    check(
        &good[..40],
        expect![[r#"
        a block of the embedded log is damaged: it is too short
    "#]],
    );
    check(
        &good[..good.len() - 1],
        expect![[r#"
        a block of the embedded log is damaged: its length is wrong
    "#]],
    );
    check(
        &[&[9], &good[1..]].concat(),
        expect![[r#"
        a block of the embedded log has format version 9, this build reads version 1
    "#]],
    );
    check(
        &[&good[..], &[0]].concat(),
        expect![[r#"
        a block of the embedded log is damaged: its length is wrong
    "#]],
    );
    // Any single byte changed, in a packed and in a plain block: an error or other records, but no panic.
    for good in [good, unhex(V1_LZ4)] {
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                if let Ok(block) = Block::open(bad.into(), Vec::new()) {
                    let _ = block.for_each(&mut |_| true);
                }
            }
        }
    }
}

#[test]
fn runs_go_on_where_they_stopped() {
    let mut builder = BlockBuilder::default();
    let count = RUN_RECORDS as u32 * 2 + 10;
    for i in 0..count {
        builder.push(i, &record(Some("key"), Some("some value"), i64::from(i)));
    }
    let block = Block::open(builder.seal().place(1000, None).into(), Vec::new()).unwrap();
    let mut cursor = Cursor::default();
    let mut runs = Vec::new();
    let mut next = 1003;
    while block
        .next_run(&mut cursor, 1003, 5000, &mut |run| {
            runs.push(run.len());
            for record in run {
                assert_eq!(record.offset, next);
                next += 1;
            }
        })
        .unwrap()
        > 0
    {}
    assert_eq!((runs, next), (vec![RUN_RECORDS, RUN_RECORDS, 7], 1000 + i64::from(count)));
}

proptest! {
    /// Whatever is put in comes out, and compaction's gaps in the offsets do not matter.
    #[test]
    fn records_come_back(
        records in prop::collection::vec(
            (
                1u32..300,
                any::<i64>(),
                prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
                prop::option::of(prop::collection::vec(0u8..4, 0..200)),
                prop::collection::vec((".{0,5}", prop::option::of(prop::collection::vec(any::<u8>(), 0..5))), 0..3),
            ),
            1..40,
        ),
        first in 0i64..1 << 40,
    ) {
        let mut builder = BlockBuilder::default();
        let mut expected = Vec::new();
        let mut delta = 0;
        for (step, timestamp, key, value, headers) in &records {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
            let (key, value, timestamp) = (key.as_deref(), value.as_deref(), *timestamp);
            builder.push(delta, &NewRecord { key, value, timestamp, headers: &headers });
            expected.push(format!("{:?}", (first + i64::from(delta), timestamp, key, value, headers)));
            delta += step;
        }
        let block = Block::open(builder.seal().place(first, None).into(), Vec::new()).unwrap();
        let mut seen = Vec::new();
        block.for_each(&mut |r| {
            seen.push(format!("{:?}", (r.offset, r.timestamp, r.key, r.value, r.headers)));
            true
        }).unwrap();
        prop_assert_eq!(seen, expected);
        prop_assert!(builder.is_empty());
    }
}
