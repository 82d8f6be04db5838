//! Days, times and intervals as Postgres writes them.
//!
//! Own arithmetic, because Arrow's range of dates is wider than chrono's and a value that cannot be shown would break
//! a result in the middle.

use std::fmt::Write;

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;
/// Days from 1970-01-01 to 2000-01-01, where Postgres' binary dates begin.
pub const POSTGRES_EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub const POSTGRES_EPOCH_US: i64 = POSTGRES_EPOCH_DAYS as i64 * DAY_US;

/// Year (astronomical: 0 is 1 BC), month and day of a number of days since 1970-01-01, by the proleptic Gregorian calendar.
pub fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date that exists.
pub fn days(year: i64, month: u32, day: u32) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    if day == 0 || day > last || !(-300_000..=300_000).contains(&year) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = i64::from((month + 9) % 12);
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468)
}

/// `2026-01-31`, with ` BC` for years before 1.
pub fn write_date(out: &mut String, days: i64) {
    let bc = push_date(out, days);
    if bc {
        out.push_str(" BC");
    }
}

/// `2026-01-31 10:20:30.5`, with `+00` where the type has a time zone.
pub fn write_timestamp(out: &mut String, micros: i64, zone: bool) {
    let bc = push_date(out, micros.div_euclid(DAY_US));
    out.push(' ');
    write_time(out, micros.rem_euclid(DAY_US));
    if zone {
        out.push_str("+00");
    }
    if bc {
        out.push_str(" BC");
    }
}

/// `10:20:30.5`: trailing zeros of the fraction are left out.
pub fn write_time(out: &mut String, micros: i64) {
    let seconds = micros / 1_000_000;
    push2(out, (seconds / 3_600) as u32);
    out.push(':');
    push2(out, (seconds / 60 % 60) as u32);
    out.push(':');
    push2(out, (seconds % 60) as u32);
    push_fraction(out, (micros % 1_000_000) as u32);
}

/// `1 year 2 mons 3 days 04:05:06.7`, Postgres' own style.
pub fn write_interval(out: &mut String, months: i32, days: i32, micros: i64) {
    let start = out.len();
    let part = |out: &mut String, n: i64, unit: &str| {
        if n != 0 {
            let space = if out.len() > start { " " } else { "" };
            let plural = if n == 1 { "" } else { "s" };
            let _ = write!(out, "{space}{n} {unit}{plural}");
        }
    };
    part(out, i64::from(months / 12), "year");
    part(out, i64::from(months % 12), "mon");
    part(out, i64::from(days), "day");
    if micros != 0 || out.len() == start {
        if out.len() > start {
            out.push(' ');
        }
        if micros < 0 {
            out.push('-');
        }
        let abs = micros.unsigned_abs();
        let seconds = abs / 1_000_000;
        let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        push_fraction(out, (abs % 1_000_000) as u32);
    }
}

fn push_date(out: &mut String, days: i64) -> bool {
    let (year, month, day) = civil(days);
    let bc = year <= 0;
    let year = if bc { 1 - year } else { year };
    if year < 10_000 {
        push2(out, (year / 100) as u32);
        push2(out, (year % 100) as u32);
    } else {
        let _ = write!(out, "{year}");
    }
    out.push('-');
    push2(out, month);
    out.push('-');
    push2(out, day);
    bc
}

fn push2(out: &mut String, n: u32) {
    out.push((b'0' + (n / 10 % 10) as u8) as char);
    out.push((b'0' + (n % 10) as u8) as char);
}

fn push_fraction(out: &mut String, micros: u32) {
    if micros == 0 {
        return;
    }
    let text = format!("{micros:06}");
    out.push('.');
    out.push_str(text.trim_end_matches('0'));
}

/// Reads `2026-01-31`, one or two digits for month and day. Returns the days since 1970 and what follows.
pub fn read_date(text: &str) -> Option<(i64, &str)> {
    let (year, rest) = number(text, 6)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (year, rest) = match rest.strip_suffix(" BC") {
        Some(rest) => (1 - year, rest),
        None => (year, rest),
    };
    Some((days(year, month as u32, day as u32)?, rest))
}

/// Reads `10:20[:30[.5]]`. Returns microseconds since midnight and what follows.
pub fn read_time(text: &str) -> Option<(i64, &str)> {
    let (hours, rest) = number(text, 2)?;
    let (minutes, mut rest) = number(rest.strip_prefix(':')?, 2)?;
    let mut micros = 0;
    if let Some(after) = rest.strip_prefix(':') {
        let (seconds, after) = number(after, 2)?;
        if seconds > 59 {
            return None;
        }
        micros = seconds * 1_000_000;
        rest = after;
        if let Some(after) = rest.strip_prefix('.') {
            let len = after.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, after) = after.split_at_checked(len)?;
            let mut unit = 100_000;
            for d in digits.bytes().take(6) {
                micros += i64::from(d - b'0') * unit;
                unit /= 10;
            }
            rest = after;
        }
    }
    if hours > 24 || minutes > 59 || (hours == 24 && (minutes > 0 || micros > 0)) {
        return None;
    }
    Some((hours * 3_600_000_000 + minutes * 60_000_000 + micros, rest))
}

/// Reads `2026-01-31[ |T]10:20:30.5[Z|+02[:30]]`, the time and the zone optional. Microseconds since 1970; a zone is
/// taken into account if `zoned`, else ignored as Postgres does.
pub fn read_timestamp(text: &str, zoned: bool) -> Option<i64> {
    let (days, rest) = read_date(text)?;
    let midnight = days.checked_mul(DAY_US)?;
    let rest = rest.strip_prefix(['T', ' ']).unwrap_or(rest);
    if rest.is_empty() {
        return Some(midnight);
    }
    let (time, rest) = read_time(rest)?;
    let offset = read_zone(rest.trim())?;
    midnight.checked_add(time)?.checked_sub(if zoned { offset } else { 0 })
}

/// `Z`, `UTC`, `+02`, `-02:30`, `+0230` or nothing, in microseconds.
fn read_zone(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = match rest.strip_prefix(':').unwrap_or(rest) {
        "" => (0, ""),
        rest => number(rest, 2)?,
    };
    (rest.is_empty() && hours < 16 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000_000)
}

fn number(text: &str, max_digits: usize) -> Option<(i64, &str)> {
    let len = text.bytes().take(max_digits).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(len)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        for d in (-800_000..800_000).step_by(37).chain([-719_528, -1, 0, 1, 11_016]) {
            let (y, m, day) = civil(d);
            assert_eq!(days(y, m, day), Some(d));
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(days(2023, 2, 29), None);
        assert_eq!(days(2024, 2, 29), Some(19_782));
    }

    #[test]
    fn texts_go_there_and_back() {
        for text in ["2026-01-31 10:20:30.5", "1969-12-31 23:59:59.999999", "0001-02-03 00:00:00"] {
            let micros = read_timestamp(text, false).unwrap();
            let mut out = String::new();
            write_timestamp(&mut out, micros, false);
            assert_eq!(out, text);
        }
        let mut out = String::new();
        write_date(&mut out, -719_529);
        assert_eq!(out, "0002-12-31 BC");
        assert_eq!(
            read_timestamp("2026-01-31T10:00:00+02:00", true),
            read_timestamp("2026-01-31 08:00", true)
        );
        for bad in ["", "2026", "2026-13-01", "2026-01-31 25:00", "2026-01-31 10:00:61", "2026-01-31 10:00 x"]
        {
            assert_eq!(read_timestamp(bad, true), None, "{bad}");
        }
    }

    #[test]
    fn intervals() {
        let show = |m, d, us| {
            let mut out = String::new();
            write_interval(&mut out, m, d, us);
            out
        };
        assert_eq!(show(14, 3, 3_600_000_000), "1 year 2 mons 3 days 01:00:00");
        assert_eq!(show(0, 0, 0), "00:00:00");
        assert_eq!(show(0, -1, -1_500_000), "-1 days -00:00:01.5");
    }
}
