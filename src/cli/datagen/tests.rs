use expect_test::{Expect, expect};

use super::*;

fn check(kind: Kind, expected: Expect) {
    let mut generator = Generator::new(kind, 7, 100, 1_000, 1_767_225_600_000);
    let mut text = String::new();
    for _ in 0..2 {
        let event = generator.next_event();
        let (mut key, mut json, mut line) = (Vec::new(), Vec::new(), Vec::new());
        event.write_key(KeyFormat::String, &mut key);
        event.write_json(&mut json);
        event.write_text(&mut line);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value.as_object().unwrap().len(), event.kind.columns().len());
        assert_eq!(line.split(|b| *b == b'\t').count(), event.kind.columns().len());
        text += &format!("{} {}\n", String::from_utf8(key).unwrap(), String::from_utf8(json).unwrap());
    }
    expected.assert_eq(&text);
}

#[test]
fn bids() {
    check(
        Kind::Bids,
        expect![[r#"
        1072 {"auction":1072,"bidder":1064,"price":643811,"channel":"baidu","url":"https://baidu.example/item","dateTime":1767225600000,"extra":"gmbjjinm"}
        1023 {"auction":1023,"bidder":1064,"price":29359,"channel":"google","url":"https://google.example/item","dateTime":1767225600001,"extra":"fmabmldj"}
    "#]],
    );
}

#[test]
fn auctions() {
    check(
        Kind::Auctions,
        expect![[r#"
        1072 {"id":1072,"itemName":"signed violin","description":"ndobogjcinbcp","initialBid":26405,"reserve":91195261,"dateTime":1767225600000,"expires":1767226127881,"seller":1014,"category":14,"extra":"kbmdjdomajgfg"}
        1023 {"id":1023,"itemName":"signed atlas","description":"dcoppipiklcna","initialBid":26802918,"reserve":35240081,"dateTime":1767225600001,"expires":1767225692984,"seller":1014,"category":14,"extra":"bbgeibfgbpakn"}
    "#]],
    );
}

#[test]
fn persons() {
    check(
        Kind::Persons,
        expect![[r#"
        1072 {"id":1072,"name":"Pat Shultz","emailAddress":"Pat.Shultz@mail.example","creditCard":9604234805368314,"city":"Boise","state":"ID","dateTime":1767225600000,"extra":"gmbjjinmdnodk"}
        1023 {"id":1023,"name":"Pat Noris","emailAddress":"Pat.Noris@mail.example","creditCard":9215100451037471,"city":"Cheyenne","state":"WY","dateTime":1767225600001,"extra":"fmabmldjgbdil"}
    "#]],
    );
}

#[test]
fn pageviews() {
    check(
        Kind::Pageviews,
        expect![[r#"
        User_1072 {"viewtime":1767225600000,"userid":"User_1072","pageid":"Page_65"}
        User_1023 {"viewtime":1767225600001,"userid":"User_1023","pageid":"Page_65"}
    "#]],
    );
}

#[test]
fn nexmark_has_its_proportions() {
    let mut generator = Generator::new(Kind::Nexmark, 1, 100, 1_000, 0);
    let mut counts = [0; 4];
    for _ in 0..5_000 {
        counts[generator.next_event().kind.number()] += 1;
    }
    assert_eq!(counts, [4_600, 300, 100, 0]);
}

#[test]
fn a_bid_has_about_145_bytes() {
    let mut generator = Generator::new(Kind::Bids, 1, 100_000, 1_000, 1_767_225_600_000);
    let mut out = Vec::new();
    (0..10_000).for_each(|_| generator.next_event().write_json(&mut out));
    let mean = out.len() / 10_000;
    assert!((140..=150).contains(&mean), "{mean}");
}

#[test]
fn bigint_keys_are_kafkas() {
    let mut key = Vec::new();
    let event = Generator::new(Kind::Bids, 1, 1, 1, 0).next_event();
    event.write_key(KeyFormat::Bigint, &mut key);
    assert_eq!(key, 1_000i64.to_be_bytes());
}

#[test]
fn the_pace_hands_out_what_was_asked() {
    let spec = DatagenSpec { count: 10_000, rate: 1_000_000_000, ..DatagenSpec::default() };
    let mut pace = Pace::new(&spec);
    let mut total = 0;
    while let Some((batch, _)) = pace.plan() {
        total += batch;
    }
    assert_eq!((total, pace.done()), (10_000, 10_000));

    let spec = DatagenSpec { count: 3, rate: 1, ..DatagenSpec::default() };
    let mut pace = Pace::new(&spec);
    let waits: Vec<_> = std::iter::from_fn(|| pace.plan()).collect();
    assert_eq!(waits.iter().map(|(batch, _)| *batch).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(waits[0].1.is_zero() && waits[1].1 > Duration::from_millis(500));
}

/// Neighbours must not share fields more often than chance lets them.
#[test]
fn events_are_independent() {
    let mut generator = Generator::new(Kind::Bids, 7, 100, 1_000, 0);
    let bidders: Vec<i64> = (0..20_000)
        .map(|_| {
            let mut json = Vec::new();
            generator.next_event().write_json(&mut json);
            serde_json::from_slice::<serde_json::Value>(&json).unwrap()["bidder"].as_i64().unwrap()
        })
        .collect();
    let equal = bidders.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!((140..=260).contains(&equal), "{equal} of 20000, 200 expected");
}
