//! Calculating with dates, times and timestamps, and the current time.
//!
//! The functions of the current time ask the machine's clock, once a batch. They are the only ones whose result depends on
//! anything but their arguments, and windows never see them: event time comes from records alone.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType};

use super::rows::primitives;
use super::time::zone_named;
use super::{Args, Overload, ScalarFunction};

const DAY_MS: i64 = 86_400_000;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "CONVERT_TZ",
        summary: "The timestamp moved by what the second zone is ahead of the first",
        overloads: &[Overload::new(
            "(timestamp TIMESTAMP, fromTimeZone STRING, toTimeZone STRING) -> TIMESTAMP",
            convert_tz,
        )],
        takes_failures: false,
    },
    ScalarFunction {
        name: "CURRENT_DATE",
        summary: "Today, in UTC",
        overloads: &[Overload::new("() -> DATE", |a| now::<Date32Type>(a, today))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "DATEADD",
        summary: "The date some time later",
        overloads: &[Overload::new("(unit UNIT, interval INT, date DATE) -> DATE", |a| {
            shift::<Date32Type>(a, 1, date)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "DATESUB",
        summary: "The date some time before",
        overloads: &[Overload::new("(unit UNIT, interval INT, date DATE) -> DATE", |a| {
            shift::<Date32Type>(a, -1, date)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FROM_DAYS",
        summary: "The date so many days after 1970-01-01",
        overloads: &[Overload::new("(days INT) -> DATE", |a| {
            Ok(Arc::new(a.primitive::<Int32Type>()?.reinterpret_cast::<Date32Type>()))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "NOW",
        summary: "The current time",
        overloads: &[Overload::new("() -> TIMESTAMP", |a| now::<TimestampMillisecondType>(a, now_ms))],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TIMEADD",
        summary: "The time of day some time later; after midnight it begins anew",
        overloads: &[Overload::new("(unit UNIT, interval INT, time TIME) -> TIME", |a| {
            shift::<Time32MillisecondType>(a, 1, time)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TIMESTAMPADD",
        summary: "The timestamp some time later",
        overloads: &[Overload::new("(unit UNIT, interval INT, timestamp TIMESTAMP) -> TIMESTAMP", |a| {
            shift::<TimestampMillisecondType>(a, 1, i64::checked_add)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TIMESTAMPSUB",
        summary: "The timestamp some time before",
        overloads: &[Overload::new("(unit UNIT, interval INT, timestamp TIMESTAMP) -> TIMESTAMP", |a| {
            shift::<TimestampMillisecondType>(a, -1, i64::checked_add)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TIMESUB",
        summary: "The time of day some time before; before midnight it ends the day",
        overloads: &[Overload::new("(unit UNIT, interval INT, time TIME) -> TIME", |a| {
            shift::<Time32MillisecondType>(a, -1, time)
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "UNIX_DATE",
        summary: "The days from 1970-01-01 to a date, or to today",
        overloads: &[
            Overload::new("() -> INT", |a| now::<Int32Type>(a, today)),
            Overload::new("(date DATE) -> INT", |a| {
                Ok(Arc::new(a.primitive::<Date32Type>()?.reinterpret_cast::<Int32Type>()))
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "UNIX_TIMESTAMP",
        summary: "The milliseconds from 1970-01-01T00:00:00Z to a timestamp, or to now",
        overloads: &[
            Overload::new("() -> BIGINT", |a| now::<Int64Type>(a, now_ms)),
            Overload::new("(timestamp TIMESTAMP) -> BIGINT", |a| {
                Ok(Arc::new(a.primitive::<TimestampMillisecondType>()?.reinterpret_cast::<Int64Type>()))
            }),
        ],
        takes_failures: false,
    },
];

/// The units that calls name, and their lengths in ms.
pub const UNITS: &[(&str, i64)] =
    &[("DAYS", DAY_MS), ("HOURS", 3_600_000), ("MINUTES", 60_000), ("SECONDS", 1000), ("MILLISECONDS", 1)];

/// A unit by its word, also in the singular.
pub fn unit(word: &str) -> Option<&'static str> {
    let is =
        |unit: &str| unit.eq_ignore_ascii_case(word) || unit.trim_end_matches('S').eq_ignore_ascii_case(word);
    UNITS.iter().map(|(unit, _)| *unit).find(|unit| is(unit))
}

fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

fn today() -> i32 {
    i32::try_from(now_ms().div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

fn now<P: ArrowPrimitiveType>(args: &Args, clock: fn() -> P::Native) -> Result<ArrayRef, String> {
    Ok(Arc::new(PrimitiveArray::<P>::from_iter_values(std::iter::repeat_n(clock(), args.rows))))
}

/// `f(value, ms)`; None where the result is out of range.
fn shift<P: ArrowPrimitiveType>(
    args: &Args,
    sign: i64,
    f: fn(P::Native, i64) -> Option<P::Native>,
) -> Result<ArrayRef, String> {
    let (units, intervals, values) = (args.texts(0)?, args.numbers::<Int32Type>(1)?, args.numbers::<P>(2)?);
    primitives::<P>(args.rows, |row| {
        let (Some(unit), Some(interval), Some(value)) = (units.get(row), intervals.get(row), values.get(row))
        else {
            return Ok(None);
        };
        let (_, unit_ms) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| format!("{unit} is no unit of time"))?;
        // Less than 2^31 days: this cannot overflow.
        let ms = i64::from(interval) * unit_ms * sign;
        f(value, ms).map(Some).ok_or_else(|| "the result is out of range".to_owned())
    })
}

/// What is less than a day is cut off, towards 1970.
fn date(days: i32, ms: i64) -> Option<i32> {
    i32::try_from((i64::from(days) * DAY_MS).checked_add(ms)? / DAY_MS).ok()
}

fn time(time_ms: i32, ms: i64) -> Option<i32> {
    i32::try_from(i64::from(time_ms).checked_add(ms)?.rem_euclid(DAY_MS)).ok()
}

fn convert_tz(args: &Args) -> Result<ArrayRef, String> {
    let (values, from, to) = (args.numbers::<TimestampMillisecondType>(0)?, args.texts(1)?, args.texts(2)?);
    primitives::<TimestampMillisecondType>(args.rows, |row| {
        let (Some(value), Some(from), Some(to)) = (values.get(row), from.get(row), to.get(row)) else {
            return Ok(None);
        };
        let (from, to) = (zone_named(from)?, zone_named(to)?);
        let ahead = to.offset_seconds_at(value) - from.offset_seconds_at(value);
        value.checked_add(ahead * 1000).map(Some).ok_or_else(|| "the result is out of range".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn shifts() {
        check(
            &[
                "DATEADD('DAYS', 10, DATE \"1970-01-11\")",
                "DATEADD('HOURS', -25, DATE \"1970-01-11\")",
                "DATEADD('DAYS', 2147483647, DATE \"1970-01-11\")",
                "DATESUB('DAYS', 20, DATE \"1970-01-11\")",
                "DATESUB('MILLISECONDS', NULL, DATE \"1970-01-11\")",
                "TIMEADD('MILLISECONDS', 10, TIME \"23:59:59.995\")",
                "TIMESUB('HOURS', 49, TIME \"00:30:00\")",
                "TIMESTAMPADD('MINUTES', 3, TIMESTAMP \"2020-01-01\")",
                "TIMESTAMPSUB('SECONDS', 3, TIMESTAMP \"2020-01-01\")",
                "TIMESTAMPADD('PARSECS', 3, TIMESTAMP \"2020-01-01\")",
                "FROM_DAYS(50)",
                "UNIX_DATE(DATE \"1970-02-20\")",
                "UNIX_TIMESTAMP(TIMESTAMP \"1970-01-02\")",
                "SIGN(UNIX_TIMESTAMP())",
                "SIGN(UNIX_DATE())",
                "SIGN(UNIX_TIMESTAMP(NOW()))",
                "CONVERT_TZ(TIMESTAMP \"2020-05-11T21:58:33\", '+0200', '+0500')",
                "CONVERT_TZ(TIMESTAMP \"2020-05-11T21:58:33\", 'America/Los_Angeles', 'America/New_York')",
                "CONVERT_TZ(TIMESTAMP \"2020-05-11T21:58:33\", 'UTC', 'Mars')",
            ],
            expect![[r#"
                DATEADD('DAYS', 10, DATE "1970-01-11") -> 1970-01-21
                DATEADD('HOURS', -25, DATE "1970-01-11") -> 1970-01-09
                DATEADD('DAYS', 2147483647, DATE "1970-01-11") -> error: the result is out of range
                DATESUB('DAYS', 20, DATE "1970-01-11") -> 1969-12-22
                DATESUB('MILLISECONDS', NULL, DATE "1970-01-11") -> NULL
                TIMEADD('MILLISECONDS', 10, TIME "23:59:59.995") -> 00:00:00.005
                TIMESUB('HOURS', 49, TIME "00:30:00") -> 23:30:00
                TIMESTAMPADD('MINUTES', 3, TIMESTAMP "2020-01-01") -> 2020-01-01T00:03:00
                TIMESTAMPSUB('SECONDS', 3, TIMESTAMP "2020-01-01") -> 2019-12-31T23:59:57
                TIMESTAMPADD('PARSECS', 3, TIMESTAMP "2020-01-01") -> error: PARSECS is no unit of time
                FROM_DAYS(50) -> 1970-02-20
                UNIX_DATE(DATE "1970-02-20") -> 50
                UNIX_TIMESTAMP(TIMESTAMP "1970-01-02") -> 86400000
                SIGN(UNIX_TIMESTAMP()) -> 1
                SIGN(UNIX_DATE()) -> 1
                SIGN(UNIX_TIMESTAMP(NOW())) -> 1
                CONVERT_TZ(TIMESTAMP "2020-05-11T21:58:33", '+0200', '+0500') -> 2020-05-12T00:58:33
                CONVERT_TZ(TIMESTAMP "2020-05-11T21:58:33", 'America/Los_Angeles', 'America/New_York') -> 2020-05-12T00:58:33
                CONVERT_TZ(TIMESTAMP "2020-05-11T21:58:33", 'UTC', 'Mars') -> error: there is no time zone 'Mars': it is a name such as Europe/Berlin, or an offset such as +02:00"#]],
        );
    }
}
