//! Dates and times. Patterns are those of Java's DateTimeFormatter.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray};
use arrow::datatypes::{Date32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType};

use super::{Args, Overload, ScalarFunction};
use crate::formats::java_time::{DateTimePattern, TimeError, Zone};

pub const FUNCTIONS: &[ScalarFunction] = &[
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
        summary: "The date that a text says, by a pattern",
        overloads: &[Overload::new("(formattedDate STRING, formatPattern STRING) -> DATE", |a| {
            parse::<Date32Type>(a, |pattern, text, _| pattern.read_date(text))
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
        name: "UNIX_TIMESTAMP",
        summary: "The milliseconds since 1970-01-01T00:00:00Z of a timestamp",
        overloads: &[Overload::new("(timestamp TIMESTAMP) -> BIGINT", |a| {
            Ok(Arc::new(a.primitive::<TimestampMillisecondType>()?.reinterpret_cast::<Int64Type>()))
        })],
        takes_failures: false,
    },
];

/// Refuses a constant pattern or zone that cannot be had, before any row is read. `args` holds the constant texts.
pub fn check_constants(name: &str, args: &[Option<&str>]) -> Result<(), String> {
    if !FUNCTIONS
        .iter()
        .any(|f| f.name == name && (name.starts_with("FORMAT_") || name.starts_with("PARSE_")))
    {
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

fn zone_named(zone: &str) -> Result<Zone, String> {
    Zone::parse(zone).ok_or_else(|| {
        format!("the time zone '{zone}' is not supported yet: write an offset, as in '+02:00'")
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
