//! Parts of dates and timestamps, in UTC: EXTRACT and DATE_TRUNC, as in Postgres.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use super::rows::primitives;
use super::{Args, Overload, ScalarFunction};

const DAY_MS: i64 = 86_400_000;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "DATE_TRUNC",
        summary: "The beginning of the millisecond, second, minute, hour, day, week, month, quarter, year, decade, century \
                  or millennium; a week begins on Monday",
        overloads: &[
            Overload::new("(unit STRING, timestamp TIMESTAMP) -> TIMESTAMP", |a| {
                let (units, values) = (a.texts(0)?, a.numbers::<TimestampMillisecondType>(1)?);
                primitives::<TimestampMillisecondType>(a.rows, |row| {
                    let (Some(unit), Some(ms)) = (units.get(row), values.get(row)) else { return Ok(None) };
                    truncate(unit, ms).map(Some)
                })
            }),
            Overload::new("(unit STRING, date DATE) -> DATE", |a| {
                let (units, values) = (a.texts(0)?, a.numbers::<Date32Type>(1)?);
                primitives::<Date32Type>(a.rows, |row| {
                    let (Some(unit), Some(days)) = (units.get(row), values.get(row)) else { return Ok(None) };
                    let ms = truncate(unit, i64::from(days) * DAY_MS)?;
                    i32::try_from(ms.div_euclid(DAY_MS)).map(Some).map_err(|_| out_of_range())
                })
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "EXTRACT",
        summary: "A field of a date or time as a whole number, written EXTRACT(YEAR FROM timestamp): MILLENNIUM, CENTURY, \
                  DECADE, YEAR, ISOYEAR, QUARTER, MONTH, WEEK, DAY, DOY, DOW, ISODOW, HOUR, MINUTE, SECOND, MILLISECOND \
                  or EPOCH (seconds)",
        overloads: &[
            Overload::new("(field STRING, source TIMESTAMP) -> BIGINT", |a| {
                let values = a.numbers::<TimestampMillisecondType>(1)?;
                extract(a, |row| values.get(row))
            }),
            Overload::new("(field STRING, source DATE) -> BIGINT", |a| {
                let values = a.numbers::<Date32Type>(1)?;
                extract(a, |row| values.get(row).map(|days| i64::from(days) * DAY_MS))
            }),
            Overload::new("(field STRING, source TIME) -> BIGINT", |a| {
                let values = a.numbers::<Time32MillisecondType>(1)?;
                extract(a, |row| values.get(row).map(i64::from))
            }),
        ],
        takes_failures: false,
    },
];

fn out_of_range() -> String {
    "the time is out of range".to_owned()
}

fn time_of(ms: i64) -> Result<NaiveDateTime, String> {
    DateTime::from_timestamp_millis(ms).map(|time| time.naive_utc()).ok_or_else(out_of_range)
}

fn truncate(unit: &str, ms: i64) -> Result<i64, String> {
    let to = |size: i64| ms.checked_sub(ms.rem_euclid(size)).ok_or_else(out_of_range);
    let date = time_of(ms)?.date();
    let year = |size: i32| date.year().checked_sub((date.year() - 1).rem_euclid(size));
    let first = |year: Option<i32>, month| year.and_then(|year| NaiveDate::from_ymd_opt(year, month, 1));
    let unit = unit.to_lowercase();
    let begin = match unit.trim_end_matches('s') {
        "millisecond" => return Ok(ms),
        "second" => return to(1000),
        "minute" => return to(60_000),
        "hour" => return to(3_600_000),
        "day" => return to(DAY_MS),
        "week" => {
            let since = TimeDelta::days(i64::from(date.weekday().num_days_from_monday()));
            date.checked_sub_signed(since)
        }
        "month" => first(Some(date.year()), date.month()),
        "quarter" => first(Some(date.year()), date.month())
            .and_then(|m| m.checked_sub_months(Months::new(date.month0() % 3))),
        "year" => first(Some(date.year()), 1),
        "decade" => first(date.year().checked_sub(date.year().rem_euclid(10)), 1),
        // The 21st century began in 2001.
        "century" | "centurie" => first(year(100), 1),
        "millennium" | "millennia" => first(year(1000), 1),
        _ => {
            return Err(format!(
                "'{}' is no unit that a time can be cut to",
                unit.chars().take(40).collect::<String>()
            ));
        }
    };
    let begin = begin.and_then(|date| date.and_hms_opt(0, 0, 0)).ok_or_else(out_of_range)?;
    Ok(begin.and_utc().timestamp_millis())
}

fn extract(args: &Args, value: impl Fn(usize) -> Option<i64>) -> Result<ArrayRef, String> {
    let fields = args.texts(0)?;
    primitives::<Int64Type>(args.rows, |row| {
        let (Some(name), Some(ms)) = (fields.get(row), value(row)) else { return Ok(None) };
        field(name, ms).map(Some)
    })
}

fn field(name: &str, ms: i64) -> Result<i64, String> {
    let time = time_of(ms)?;
    let name = name.to_uppercase();
    let group = |size: i32| (time.year() - 1).div_euclid(size) + 1;
    let value = match name.trim_end_matches('S') {
        "EPOCH" => return Ok(ms.div_euclid(1000)),
        "MILLISECOND" => return Ok(ms.rem_euclid(60_000)),
        "MICROSECOND" => return Ok(ms.rem_euclid(60_000) * 1000),
        "MILLENNIUM" | "MILLENIUM" => group(1000),
        "CENTURY" => group(100),
        "DECADE" => time.year().div_euclid(10),
        "YEAR" => time.year(),
        "ISOYEAR" => time.iso_week().year(),
        "QUARTER" => time.month0() as i32 / 3 + 1,
        "MONTH" => time.month() as i32,
        "WEEK" | "ISOWEEK" => time.iso_week().week() as i32,
        "DAY" | "DAYOFMONTH" => time.day() as i32,
        "DOY" | "DAYOFYEAR" => time.ordinal() as i32,
        "DOW" | "DAYOFWEEK" => time.weekday().num_days_from_sunday() as i32,
        "ISODOW" => time.weekday().number_from_monday() as i32,
        "HOUR" => time.hour() as i32,
        "MINUTE" => time.minute() as i32,
        "SECOND" => time.second() as i32,
        _ => return Err(format!("'{}' is no field of a time", name.chars().take(40).collect::<String>())),
    };
    Ok(i64::from(value))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn parts() {
        check(
            &[
                "DATE_TRUNC('second', TIMESTAMP \"2024-11-21T13:14:15.678\")",
                "DATE_TRUNC('HOUR', TIMESTAMP \"1969-11-21T13:14:15.678\")",
                "DATE_TRUNC('week', TIMESTAMP \"2024-11-21T13:14:15.678\")",
                "DATE_TRUNC('quarter', TIMESTAMP \"2024-11-21T13:14:15.678\")",
                "DATE_TRUNC('month', DATE \"2024-11-21\")",
                "DATE_TRUNC('decade', DATE \"2024-11-21\")",
                "DATE_TRUNC('century', DATE \"2024-11-21\")",
                "DATE_TRUNC('century', DATE \"2000-11-21\")",
                "DATE_TRUNC('millennium', DATE \"2024-11-21\")",
                "DATE_TRUNC('aeon', DATE \"2024-11-21\")",
                "EXTRACT('YEAR', TIMESTAMP \"2024-11-21T13:14:15.678\")",
                "EXTRACT('CENTURY', DATE \"2000-11-21\")",
                "EXTRACT('QUARTER', DATE \"2024-11-21\")",
                "EXTRACT('WEEK', DATE \"2024-11-21\")",
                "EXTRACT('DOW', DATE \"2024-11-24\")",
                "EXTRACT('DOY', DATE \"2024-11-21\")",
                "EXTRACT('HOUR', TIME \"13:14:15.678\")",
                "EXTRACT('MILLISECONDS', TIME \"13:14:15.678\")",
                "EXTRACT('EPOCH', TIMESTAMP \"1970-01-01T00:01:15.678\")",
                "EXTRACT('SOUL', DATE \"2024-11-21\")",
                "EXTRACT('DAY', NULL)",
            ],
            expect![[r#"
                DATE_TRUNC('second', TIMESTAMP "2024-11-21T13:14:15.678") -> 2024-11-21T13:14:15
                DATE_TRUNC('HOUR', TIMESTAMP "1969-11-21T13:14:15.678") -> 1969-11-21T13:00:00
                DATE_TRUNC('week', TIMESTAMP "2024-11-21T13:14:15.678") -> 2024-11-18T00:00:00
                DATE_TRUNC('quarter', TIMESTAMP "2024-11-21T13:14:15.678") -> 2024-10-01T00:00:00
                DATE_TRUNC('month', DATE "2024-11-21") -> 2024-11-01
                DATE_TRUNC('decade', DATE "2024-11-21") -> 2020-01-01
                DATE_TRUNC('century', DATE "2024-11-21") -> 2001-01-01
                DATE_TRUNC('century', DATE "2000-11-21") -> 1901-01-01
                DATE_TRUNC('millennium', DATE "2024-11-21") -> 2001-01-01
                DATE_TRUNC('aeon', DATE "2024-11-21") -> error: 'aeon' is no unit that a time can be cut to
                EXTRACT('YEAR', TIMESTAMP "2024-11-21T13:14:15.678") -> 2024
                EXTRACT('CENTURY', DATE "2000-11-21") -> 20
                EXTRACT('QUARTER', DATE "2024-11-21") -> 4
                EXTRACT('WEEK', DATE "2024-11-21") -> 47
                EXTRACT('DOW', DATE "2024-11-24") -> 0
                EXTRACT('DOY', DATE "2024-11-21") -> 326
                EXTRACT('HOUR', TIME "13:14:15.678") -> 13
                EXTRACT('MILLISECONDS', TIME "13:14:15.678") -> 15678
                EXTRACT('EPOCH', TIMESTAMP "1970-01-01T00:01:15.678") -> 75
                EXTRACT('SOUL', DATE "2024-11-21") -> error: 'SOUL' is no field of a time
                EXTRACT('DAY', NULL) -> error: function EXTRACT(STRING, NULL) is not unique"#]],
        );
    }
}
