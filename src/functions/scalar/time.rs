//! Dates and times. Patterns are those of Java's DateTimeFormatter.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType};

use super::{Args, Overload, ScalarFunction};
use crate::formats::java_time::{DateTimePattern, TimeError, Zone};

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "DATETOSTRING",
        summary: "The date of so many days since 1970-01-01 as text, by a pattern; FORMAT_DATE takes a DATE",
        overloads: &[Overload::new("(epochDays INT, formatPattern STRING) -> STRING", |a| {
            format::<Int32Type>(a, |pattern, value, _| pattern.format_date(value))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FORMAT_DATE",
        summary: "The date as text, by a pattern",
        overloads: &[Overload::new("(date DATE, formatPattern STRING) -> STRING", |a| {
            format::<Date32Type>(a, |pattern, value, _| pattern.format_date(value))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FORMAT_TIME",
        summary: "The time as text, by a pattern",
        overloads: &[Overload::new("(time TIME, formatPattern STRING) -> STRING", |a| {
            format::<Time32MillisecondType>(a, |pattern, value, _| pattern.format_time(value))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FORMAT_TIMESTAMP",
        summary: "The timestamp as text, by a pattern, in UTC or in a zone",
        overloads: &[
            Overload::new("(timestamp TIMESTAMP, formatPattern STRING) -> STRING", |a| {
                format::<TimestampMillisecondType>(a, DateTimePattern::format_timestamp)
            }),
            Overload::new("(timestamp TIMESTAMP, formatPattern STRING, timeZone STRING) -> STRING", |a| {
                format::<TimestampMillisecondType>(a, DateTimePattern::format_timestamp)
            }),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "FROM_UNIXTIME",
        summary: "The timestamp of so many milliseconds since 1970-01-01T00:00:00Z",
        overloads: &[Overload::new("(epochMilli BIGINT) -> TIMESTAMP", |a| {
            Ok(Arc::new(a.primitive::<Int64Type>()?.reinterpret_cast::<TimestampMillisecondType>()))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "PARSE_DATE",
        summary: "The date that a text begins with, by a pattern",
        overloads: &[Overload::new("(formattedDate STRING, formatPattern STRING) -> DATE", |a| {
            parse::<Date32Type>(a, |pattern, text, _| pattern.read_leading_date(text))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "PARSE_TIME",
        summary: "The time that a text says, by a pattern",
        overloads: &[Overload::new("(formattedTime STRING, formatPattern STRING) -> TIME", |a| {
            parse::<Time32MillisecondType>(a, |pattern, text, _| pattern.read_time(text))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "PARSE_TIMESTAMP",
        summary: "The timestamp that a text says, by a pattern, in UTC or in a zone",
        overloads: &[
            Overload::new("(formattedTimestamp STRING, formatPattern STRING) -> TIMESTAMP", |a| {
                parse::<TimestampMillisecondType>(a, DateTimePattern::read_timestamp)
            }),
            Overload::new(
                "(formattedTimestamp STRING, formatPattern STRING, timeZone STRING) -> TIMESTAMP",
                |a| parse::<TimestampMillisecondType>(a, DateTimePattern::read_timestamp),
            ),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "STRINGTODATE",
        summary: "The days from 1970-01-01 to the date that a text says, by a pattern; PARSE_DATE gives a DATE",
        overloads: &[Overload::new("(formattedDate STRING, formatPattern STRING) -> INT", |a| {
            parse::<Int32Type>(a, |pattern, text, _| pattern.read_date(text))
        })],
        takes_failures: false,
    },
    ScalarFunction {
        name: "STRINGTOTIMESTAMP",
        summary: "The milliseconds since 1970-01-01T00:00:00Z of the time that a text says, by a pattern, in UTC or in a \
                  zone; PARSE_TIMESTAMP gives a TIMESTAMP",
        overloads: &[
            Overload::new("(formattedTimestamp STRING, formatPattern STRING) -> BIGINT", |a| {
                parse::<Int64Type>(a, DateTimePattern::read_timestamp)
            }),
            Overload::new(
                "(formattedTimestamp STRING, formatPattern STRING, timeZone STRING) -> BIGINT",
                |a| parse::<Int64Type>(a, DateTimePattern::read_timestamp),
            ),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "TIMESTAMPTOSTRING",
        summary: "The time of so many milliseconds since 1970-01-01T00:00:00Z as text, by a pattern, in UTC or in a zone; \
                  FORMAT_TIMESTAMP takes a TIMESTAMP",
        overloads: &[
            Overload::new("(epochMilli BIGINT, formatPattern STRING) -> STRING", |a| {
                format::<Int64Type>(a, DateTimePattern::format_timestamp)
            }),
            Overload::new("(epochMilli BIGINT, formatPattern STRING, timeZone STRING) -> STRING", |a| {
                format::<Int64Type>(a, DateTimePattern::format_timestamp)
            }),
        ],
        takes_failures: false,
    },
];

/// Refuses a constant pattern or zone that cannot be had, before any row is read. `args` holds the constant texts.
pub fn check_constants(name: &str, args: &[Option<&str>]) -> Result<(), String> {
    if name == "CONVERT_TZ" {
        return args.iter().skip(1).flatten().try_for_each(|zone| zone_named(zone).map(|_| ()));
    }
    if name == "FROM_UNIXTIME" || !FUNCTIONS.iter().any(|f| f.name == name) {
        return Ok(());
    }
    if let Some(Some(pattern)) = args.get(1) {
        DateTimePattern::parse(pattern).map_err(|e| e.to_string())?;
    }
    if let Some(Some(zone)) = args.get(2) {
        zone_named(zone)?;
    }
    Ok(())
}

pub(super) fn zone_named(zone: &str) -> Result<Zone, String> {
    Zone::parse(zone).ok_or_else(|| {
        let quoted: String = zone.chars().take(60).collect();
        format!("there is no time zone '{quoted}': it is a name such as Europe/Berlin, or an offset such as +02:00")
    })
}

/// `f(value, pattern [, zone])` to text.
fn format<P: ArrowPrimitiveType>(
    args: &Args,
    f: impl Fn(&DateTimePattern, P::Native, Zone) -> Result<String, TimeError>,
) -> Result<ArrayRef, String> {
    let values = args.numbers::<P>(0)?;
    let mut patterns = Patterns::of(args)?;
    let mut row = |row| -> Result<Option<String>, String> {
        match (values.get(row), patterns.get(row)?) {
            (Some(value), Some((pattern, zone))) => {
                f(pattern, value, zone).map(Some).map_err(|e| e.to_string())
            }
            _ => Ok(None),
        }
    };
    Ok(Arc::new((0..args.rows).map(&mut row).collect::<Result<StringArray, _>>()?))
}

/// `f(text, pattern [, zone])` to a value.
fn parse<P: ArrowPrimitiveType>(
    args: &Args,
    f: impl Fn(&DateTimePattern, &str, Zone) -> Result<P::Native, TimeError>,
) -> Result<ArrayRef, String> {
    let texts = args.texts(0)?;
    let mut patterns = Patterns::of(args)?;
    let mut values = PrimitiveArray::<P>::builder(args.rows);
    for row in 0..args.rows {
        values.append_option(match (texts.get(row), patterns.get(row)?) {
            (Some(text), Some((pattern, zone))) => Some(f(pattern, text, zone).map_err(|e| e.to_string())?),
            _ => None,
        });
    }
    Ok(Arc::new(values.finish()))
}

/// The pattern and zone of each row, compiled anew only where the text changes.
struct Patterns<'a> {
    patterns: super::args::Values<'a, StringArray>,
    zones: Option<super::args::Values<'a, StringArray>>,
    last: Option<(&'a str, &'a str, DateTimePattern, Zone)>,
}

impl<'a> Patterns<'a> {
    fn of(args: &'a Args) -> Result<Self, String> {
        let zones = (args.columns.len() > 2).then(|| args.texts(2)).transpose()?;
        Ok(Self { patterns: args.texts(1)?, zones, last: None })
    }

    /// None for NULL.
    fn get(&mut self, row: usize) -> Result<Option<(&DateTimePattern, Zone)>, String> {
        let zone = match &self.zones {
            Some(zones) => zones.get(row),
            None => Some("UTC"),
        };
        let (Some(pattern), Some(zone)) = (self.patterns.get(row), zone) else { return Ok(None) };
        if !matches!(&self.last, Some((p, z, ..)) if *p == pattern && *z == zone) {
            let compiled = DateTimePattern::parse(pattern).map_err(|e| e.to_string())?;
            let parsed = zone_named(zone)?;
            self.last = Some((pattern, zone, compiled, parsed));
        }
        Ok(self.last.as_ref().map(|(_, _, pattern, zone)| (pattern, *zone)))
    }
}
