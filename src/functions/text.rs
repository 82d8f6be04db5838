//! The text of booleans, numbers, dates and times in casts, literals and comparisons: ISO 8601 for dates and times,
//! Java's forms for the rest (dialect 10.1). Patterns of the user's own are in `formats`.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};

const DAY_MS: i64 = 86_400_000;
const EPOCH_DAYS_FROM_CE: i32 = 719_163;

/// `true` and `yes` and what begins them are true, `false` and `no` likewise false; in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let begins = |word: &str| !text.is_empty() && word.starts_with(&text);
    if begins("true") || begins("yes") {
        Some(true)
    } else if begins("false") || begins("no") {
        Some(false)
    } else {
        None
    }
}

/// A double in Java's notation: digits, `NaN`, `Infinity`, with a sign or none.
pub fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim();
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if body == "NaN" || body == "Infinity" || body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        text.parse().ok()
    } else {
        None
    }
}

/// Days since 1970 of `yyyy-MM-dd`.
pub fn parse_date(text: &str) -> Option<i32> {
    let (date, rest) = date_part(text.trim())?;
    let full = text.trim().bytes().filter(|b| *b == b'-').count() >= 2;
    (rest.is_empty() && full).then_some(date)
}

/// Milliseconds since midnight of `HH:mm[:ss[.SSS]]`.
pub fn parse_time(text: &str) -> Option<i32> {
    let (time, rest) = time_part(text.trim())?;
    rest.is_empty().then_some(time)
}

/// Milliseconds since 1970 of an ISO text that may leave out its smaller parts:
/// `yyyy[-MM[-dd[THH[:mm[:ss[.SSS]]]]]]`, with a zone behind the time or UTC.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, rest) = date_part(text.trim())?;
    let midnight = i64::from(date) * DAY_MS;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let (time, zone) = time_part(rest)?;
    midnight.checked_add(i64::from(time))?.checked_sub(zone_ms(zone.trim_start())?)
}

/// `yyyy-MM-dd`. None: out of the calendar.
pub fn format_date(days: i32) -> Option<String> {
    let date = NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_DAYS_FROM_CE)?)?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// `HH:mm:ss`, with milliseconds where there are any.
pub fn format_time(ms: i32) -> Option<String> {
    let (seconds, rest) = (u32::try_from(ms).ok()? / 1000, u32::try_from(ms).ok()? % 1000);
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, rest * 1_000_000)?;
    Some(time.format(if rest == 0 { "%H:%M:%S" } else { "%H:%M:%S%.3f" }).to_string())
}

/// `yyyy-MM-ddTHH:mm:ss.SSS` in UTC. None: out of the calendar.
pub fn format_timestamp(ms: i64) -> Option<String> {
    Some(DateTime::from_timestamp_millis(ms)?.format("%Y-%m-%dT%H:%M:%S%.3f").to_string())
}

/// `yyyy[-MM[-dd]]` and what follows.
fn date_part(text: &str) -> Option<(i32, &str)> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    if !(4..=6).contains(&digits) {
        return None;
    }
    let (year, mut rest) = number(body, digits)?;
    let mut parts = [1_u32, 1];
    for part in &mut parts {
        let Some((value, after)) = rest.strip_prefix('-').and_then(|rest| number(rest, 2)) else { break };
        *part = value;
        rest = after;
    }
    let year = i32::try_from(year).ok()?;
    let date = NaiveDate::from_ymd_opt(if negative { -year } else { year }, parts[0], parts[1])?;
    Some((date.num_days_from_ce() - EPOCH_DAYS_FROM_CE, rest))
}

/// `HH[:mm[:ss[.fraction]]]` and what follows; fractions below a millisecond are cut off.
fn time_part(text: &str) -> Option<(i32, &str)> {
    let (hour, mut rest) = number(text, 2)?;
    let mut parts = [0_u32, 0];
    let mut complete = true;
    for part in &mut parts {
        let Some((value, after)) = rest.strip_prefix(':').and_then(|rest| number(rest, 2)) else {
            complete = false;
            break;
        };
        *part = value;
        rest = after;
    }
    let mut ms = 0;
    if complete && let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let text: String = fraction.chars().take(digits).chain("000".chars()).take(3).collect();
        ms = text.parse::<u32>().ok()?;
        rest = fraction.get(digits..)?;
    }
    let time = NaiveTime::from_hms_milli_opt(hour, parts[0], parts[1], ms)?;
    let time = time.num_seconds_from_midnight() * 1000 + time.nanosecond() / 1_000_000;
    Some((i32::try_from(time).ok()?, rest))
}

/// The offset of ``, `Z`, `+HH`, `+HHmm` or `+HH:mm`.
fn zone_ms(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = number(text.get(1..)?, 2)?;
    let minutes = match rest.strip_prefix(':').unwrap_or(rest) {
        "" => 0,
        rest => match number(rest, 2)? {
            (minutes, "") => minutes,
            _ => return None,
        },
    };
    (hours <= 18 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)) * 60_000)
}

/// The number in exactly `digits` digits, and what follows.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (head, rest) = text.split_at_checked(digits)?;
    if !head.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((head.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(texts: &[&str], parse: impl Fn(&str) -> Option<String>, expected: Expect) {
        let lines: Vec<_> =
            texts.iter().map(|t| format!("{t} -> {}", parse(t).unwrap_or("none".to_owned()))).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn timestamps() {
        check(
            &[
                "1970-01-01T00:00:00.010",
                "2018",
                "2018-02",
                "2018-02-30",
                "2020-02-10T08:31:44.001+0000",
                "2020-02-10 08:31",
                "2020-02-10T08:31:44+02:00",
                "1969-12-31T23:59:59.999999Z",
                "18",
                "2020-02-10T08:31:44.",
                "2020-02-10T08:31:44 nonsense",
                "",
            ],
            |text| format_timestamp(parse_timestamp(text)?),
            expect![[r#"
                1970-01-01T00:00:00.010 -> 1970-01-01T00:00:00.010
                2018 -> 2018-01-01T00:00:00.000
                2018-02 -> 2018-02-01T00:00:00.000
                2018-02-30 -> none
                2020-02-10T08:31:44.001+0000 -> 2020-02-10T08:31:44.001
                2020-02-10 08:31 -> 2020-02-10T08:31:00.000
                2020-02-10T08:31:44+02:00 -> 2020-02-10T06:31:44.000
                1969-12-31T23:59:59.999999Z -> 1969-12-31T23:59:59.999
                18 -> none
                2020-02-10T08:31:44. -> none
                2020-02-10T08:31:44 nonsense -> none
                 -> none"#]],
        );
    }

    #[test]
    fn dates_and_times() {
        check(
            &["1970-01-11", "1969-12-31", "2018", "2018-01-01T00", "x"],
            |text| format_date(parse_date(text)?),
            expect![[r#"
                1970-01-11 -> 1970-01-11
                1969-12-31 -> 1969-12-31
                2018 -> none
                2018-01-01T00 -> none
                x -> none"#]],
        );
        check(
            &["00:00:00.010", "23:59", "24:00", "00:00:05", "7:00"],
            |text| format_time(parse_time(text)?),
            expect![[r#"
                00:00:00.010 -> 00:00:00.010
                23:59 -> 23:59:00
                24:00 -> none
                00:00:05 -> 00:00:05
                7:00 -> none"#]],
        );
    }

    #[test]
    fn booleans_and_doubles() {
        check(
            &["tr", "Y", "nO", "F", "", "1", "truee"],
            |text| parse_boolean(text).map(|b| b.to_string()),
            expect![[r#"
                tr -> true
                Y -> true
                nO -> false
                F -> false
                 -> none
                1 -> none
                truee -> none"#]],
        );
        check(
            &[" 1.5 ", "-Infinity", "inf", "nan", "1e400", ".5", "abc"],
            |text| parse_double(text).map(|d| d.to_string()),
            expect![[r#"
                 1.5  -> 1.5
                -Infinity -> -inf
                inf -> none
                nan -> none
                1e400 -> inf
                .5 -> 0.5
                abc -> none"#]],
        );
    }
}
