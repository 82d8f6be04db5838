use expect_test::{Expect, expect};

use super::{DateTimePattern, Zone};

/// Reads a text and writes what was read, both by the pattern.
fn check(pattern: &str, text: &str, expected: Expect) {
    let shown = match DateTimePattern::parse(pattern) {
        Err(error) => error.to_string(),
        Ok(pattern) => match pattern.read_timestamp(text, Zone::UTC) {
            Err(error) => error.to_string(),
            Ok(ms) => {
                format!("{ms} {}", pattern.format_timestamp(ms, Zone::UTC).unwrap_or_else(|e| e.to_string()))
            }
        },
    };
    expected.assert_eq(&shown);
}

#[test]
fn patterns_of_ksqldb_s_tests() {
    check(
        "yyyy-MM-dd'T'HH:mm:ss.SX",
        "2019-08-27T13:31:09.2+0000",
        expect!["1566912669200 2019-08-27T13:31:09.2Z"],
    );
    check("yy-MM-dd HH:mm:ssX", "10-04-19 12:00:17Z", expect!["1271678417000 10-04-19 12:00:17Z"]);
    check("yy-MM-dd HH:mm:ssX", "!!!!!!", expect!["cannot read '!!!!!!' at character 1"]);
}

#[test]
fn dates() {
    check("yyyy-MM-dd", "2024-02-29", expect!["1709164800000 2024-02-29"]);
    check("yyyyMMdd", "20240229", expect!["1709164800000 20240229"]);
    check("yyyyMMddHHmmssSSS", "20240229112233456", expect!["1709205753456 20240229112233456"]);
    check("d.M.y", "1.2.2003", expect!["1044057600000 1.2.2003"]);
    check(
        "EEEE, d MMMM yyyy",
        "Thursday, 29 February 2024",
        expect!["1709164800000 Thursday, 29 February 2024"],
    );
    check(
        "EEE MMM dd yyyy",
        "Fri Feb 29 2024",
        expect!["there is no such time: the day of the week is another"],
    );
    check("yyyy-DDD", "2024-060", expect!["1709164800000 2024-060"]);
    check("yyyy-MM-dd", "2023-02-31", expect!["1677542400000 2023-02-28"]);
    check("yyyy-MM-dd", "2023-02-32", expect!["there is no such time: day"]);
    check("yyyy-MM-dd", "2023-2-3", expect!["cannot read '2023-2-3' at character 6"]);
    check("yyyy-MM-dd", "2023-02-03x", expect!["cannot read '2023-02-03x' at character 11"]);
    check("yyyy", "12345", expect!["cannot read '12345' at character 1"]);
    check("yyyy", "+12345", expect!["327403382400000 +12345"]);
    check("yyyy", "9999999999999999999", expect!["cannot read '9999999999999999999' at character 1"]);
    check("yyyy", "+999999999999999999", expect!["there is no such time: year of the era"]);
    check("yyyy-MM-dd[ HH:mm]", "2024-02-29", expect!["1709164800000 2024-02-29 00:00"]);
    check("yyyy-MM-dd[ HH:mm", "2024-02-29 11:22", expect!["1709205720000 2024-02-29 11:22"]);
}

#[test]
fn times() {
    check("HH:mm:ss.nnnnnnnnn", "11:22:33.000000001", expect!["40953000 11:22:33.000000000"]);
    check("hh:mm a", "12:05 AM", expect!["300000 12:05 AM"]);
    check("h:mm a", "3:05 PM", expect!["54300000 3:05 PM"]);
    check("h:mm", "3:05", expect!["there is no such time: an hour of the half day without AM or PM"]);
    check("HH:mm", "24:00", expect!["86400000 00:00"]);
    check("HH:mm", "24:01", expect!["there is no such time: hour"]);
    check("kk", "24", expect!["0 24"]);
    check("A", "86399999", expect!["86399999 86399999"]);
    check("H''m", "7'5", expect!["25500000 7'5"]);
}

#[test]
fn zones() {
    check("HH:mmX", "11:00+01", expect!["36000000 10:00Z"]);
    check("HH:mmXX", "11:00+0130", expect!["34200000 09:30Z"]);
    check("HH:mmXXX", "11:00-01:30", expect!["45000000 12:30Z"]);
    check("HH:mmxxx", "11:00+00:00", expect!["39600000 11:00+00:00"]);
    check("HH:mmZ", "11:00+0100", expect!["36000000 10:00+0000"]);
    check("HH:mm ZZZZ", "11:00 GMT+01:00", expect!["36000000 10:00 GMT"]);
    check("HH:mm VV", "11:00 UTC+01:00", expect!["36000000 10:00 UTC"]);
    check("HH:mm z", "11:00 GMT", expect!["39600000 11:00 UTC"]);
    check("HH:mm z", "11:00 Europe/Berlin", expect!["36000000 10:00 UTC"]);
    check("HH:mmX", "11:00+19", expect!["cannot read '11:00+19' at character 6"]);
}

#[test]
fn regions() {
    check(
        "yyyy-MM-dd HH:mm VV",
        "2024-07-01 10:00 Europe/Berlin",
        expect!["1719820800000 2024-07-01 08:00 UTC"],
    );
    check("yyyy-MM-dd HH:mm zzz", "2024-07-01 10:00 PST", expect!["1719853200000 2024-07-01 17:00 UTC"]);
    check(
        "yyyy-MM-dd HH:mm zzzz",
        "2024-07-01 10:00 Central European Summer Time",
        expect!["1719820800000 2024-07-01 08:00 Coordinated Universal Time"],
    );
    check("yyyy-MM-dd HH:mm O", "2024-07-01 10:00 GMT+8", expect!["1719799200000 2024-07-01 02:00 GMT"]);
    check("yyyy-MM-dd HH:mm O", "2024-07-01 10:00 GMT-3:30", expect!["1719840600000 2024-07-01 13:30 GMT"]);
    check(
        "yyyy-MM-dd HH:mm OOOO",
        "2024-07-01 10:00 GMT+08:00",
        expect!["1719799200000 2024-07-01 02:00 GMT"],
    );
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    let los_angeles = Zone::parse("PST").unwrap();
    let pattern = DateTimePattern::parse("yyyy-MM-dd HH:mm").unwrap();
    // In a gap, twice, and plain.
    for (text, expected) in [
        ("2024-03-31 02:30", expect!["1711848600000 2024-03-31 03:30"]),
        ("2024-10-27 02:30", expect!["1729989000000 2024-10-27 02:30"]),
        ("2024-07-01 12:00", expect!["1719828000000 2024-07-01 12:00"]),
    ] {
        let ms = pattern.read_timestamp(text, berlin).unwrap();
        expected.assert_eq(&format!("{ms} {}", pattern.format_timestamp(ms, berlin).unwrap()));
    }
    for (pattern, expected) in [
        ("yyyy-MM-dd HH:mm:ss zzz", expect!["2024-07-03 02:46:40 PDT"]),
        (
            "zzzz VV xxx OOOO O XXX",
            expect!["Pacific Daylight Time America/Los_Angeles -07:00 GMT-07:00 GMT-7 -07:00"],
        ),
    ] {
        let pattern = DateTimePattern::parse(pattern).unwrap();
        expected.assert_eq(&pattern.format_timestamp(1_720_000_000_000, los_angeles).unwrap());
    }
    let singapore = Zone::parse("Asia/Singapore").unwrap();
    let named = DateTimePattern::parse("zzz").unwrap().format_timestamp(0, singapore);
    expect!["the pattern asks for the name of the zone, which the value does not have"]
        .assert_eq(&named.unwrap_or_else(|e| e.to_string()));
}

#[test]
fn rare_letters() {
    check("yyyy-MM-dd G", "0044-03-15 BC", expect!["-63517824000000 0044-03-15 BC"]);
    check("y GGGG", "44 Anno Domini", expect!["-60778684800000 44 Anno Domini"]);
    check("uuuu-MM-dd", "-0043-03-15", expect!["-63517824000000 -0043-03-15"]);
    check("yyyy-MM-dd", "0000-01-01", expect!["there is no such time: year of the era"]);
    check("yyyy Q", "2024 3", expect!["1719792000000 2024 3"]);
    check("yyyy QQQ MM", "2024 Q1 04", expect!["there is no such time: the quarter is another"]);
    check("QQQQ yyyy", "4th quarter 2024", expect!["1727740800000 4th quarter 2024"]);
    check("YYYY-'W'ww-e", "2024-W47-5", expect!["1732147200000 2024-W47-5"]);
    check("YYYY-'W'ww", "2025-W01", expect!["1735430400000 2025-W01"]);
    check("yyyy-MM W EEE", "2024-11 4 Thu", expect!["1732147200000 2024-11 4 Thu"]);
    check("yyyy-MM-dd e c F w W", "2024-11-21 5 5 3 47 4", expect!["1732147200000 2024-11-21 5 5 3 47 4"]);
    check("YY ww EEEEE", "25 01 S", expect!["1735948800000 25 01 S"]);
    check("g", "60635", expect!["1732147200000 60635"]);
    check("dd-MMM-yyyy", "01-jAN-2022", expect!["1640995200000 01-Jan-2022"]);
    check("MMMMM", "J", expect!["0 J"]);
    check("ppH:ppm", " 7: 5", expect!["25500000  7: 5"]);
    check("ppH:ppm", "7: 5", expect!["cannot read '7: 5' at character 1"]);
    check("pH", "12", expect!["cannot read '12' at character 2"]);
    check("h:mm a", "3:05 pm", expect!["54300000 3:05 PM"]);
}

#[test]
fn wrong_patterns() {
    check("yyyy-bb", "", expect!["invalid date pattern 'yyyy-bb': unknown letter b"]);
    check("vv", "", expect!["invalid date pattern 'vv': the letter v is not supported"]);
    check("B", "", expect!["invalid date pattern 'B': the letter B is not supported"]);
    check("pp-", "", expect!["invalid date pattern 'pp-': letters must follow the letter p"]);
    check("p", "", expect!["invalid date pattern 'p': letters must follow the letter p"]);
    check("OO", "", expect!["invalid date pattern 'OO': the letter O must stand once or four times"]);
    check(
        "cc",
        "",
        expect!["invalid date pattern 'cc': the letter c must stand once, or three to five times"],
    );
    check("MMMMMM", "", expect!["invalid date pattern 'MMMMMM': too many letters: MMMMMM"]);
    check("HHH", "", expect!["invalid date pattern 'HHH': too many letters: HHH"]);
    check("'open", "", expect!["invalid date pattern ''open': a quote is not closed"]);
    check("]", "", expect!["invalid date pattern ']': ']' without '['"]);
    check("V", "", expect!["invalid date pattern 'V': the letter V must stand twice"]);
    check(
        &"[".repeat(20),
        "",
        expect!["invalid date pattern '[[[[[[[[[[[[[[[[[[[[': too many nested optional sections"],
    );
}

#[test]
fn dates_and_times_alone() {
    let pattern = DateTimePattern::parse("yyyy-MM-dd[ HH:mm]").unwrap();
    assert_eq!(pattern.format_date(19_782).unwrap(), "2024-02-29");
    assert_eq!(pattern.read_date("2024-02-29").unwrap(), 19_782);
    assert_eq!(pattern.format_date(i32::MAX).unwrap_err().to_string(), "the time is out of range");
    let pattern = DateTimePattern::parse("HH:mm:ss.SSS").unwrap();
    assert_eq!(pattern.format_time(86_399_999).unwrap(), "23:59:59.999");
    assert_eq!(pattern.read_time("23:59:59.999").unwrap(), 86_399_999);
    assert_eq!(
        pattern.format_date(1).unwrap_err().to_string(),
        "the pattern asks for the time of day, which the value does not have"
    );
    assert!(pattern.format_timestamp(i64::MAX, Zone::UTC).is_err());
    let berlin = Zone::parse("+02:00").unwrap();
    assert_eq!(pattern.format_timestamp(0, berlin).unwrap(), "02:00:00.000");
    assert_eq!(pattern.read_timestamp("02:00:00.000", berlin).unwrap(), 0);
}

proptest::proptest! {
    #[test]
    fn any_pattern_and_text_is_taken_or_refused(pattern in "[yMdHhmsSaEXxZVDkKnANGQYwWecFgOpz'\\[\\] .:-]{0,12}", text in "\\PC{0,20}") {
        if let Ok(pattern) = DateTimePattern::parse(&pattern) {
            let _ = pattern.read_timestamp(&text, Zone::UTC);
            let _ = pattern.format_timestamp(1_709_205_753_456, Zone::UTC);
        }
    }

    #[test]
    fn what_is_written_can_be_read(ms in -62_135_596_800_000i64..253_402_300_800_000) {
        let pattern = DateTimePattern::parse("yyyy-MM-dd'T'HH:mm:ss.SSSXXX").unwrap();
        let text = pattern.format_timestamp(ms, Zone::UTC).unwrap();
        proptest::prop_assert_eq!(pattern.read_timestamp(&text, Zone::UTC).unwrap(), ms);
    }
}
