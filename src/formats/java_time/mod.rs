//! Dates and times as text, by the patterns of Java's `DateTimeFormatter`.
//!
//! ksqlDB's users write such patterns in TIMESTAMP_FORMAT and in functions like PARSE_TIMESTAMP and FORMAT_DATE. A
//! pattern means here what `DateTimeFormatter.ofPattern` makes of it in the English locale, read in its *smart* way;
//! a letter that is not known here is refused by name, never approximated.
//!
//! Letters: `G` era, `y` year of the era, `u` year, `Q q` quarter, `M L` month, `d` day, `D` day of year, `Y` week-based
//! year, `w W F` weeks, `E e c` day of week, `g` Julian day, `a` AM/PM, `H k K h` hour, `m` minute, `s` second, `S`
//! fraction, `A` milli of day, `n` nano of second, `N` nano of day, `X x Z O` offset, `VV z` zone, `p` padding;
//! `'text'`, `''` and `[optional]`.
//!
//! As in ksqlDB, what a text does not say is 1970-01-01, midnight, in the zone that the caller names. Zones are
//! offsets or regions such as `Europe/Berlin`.

mod fields;
mod items;
mod names;
mod pattern;
mod read;
mod write;
mod zone;

use chrono::{DateTime, NaiveDate};

pub use zone::Zone;

use fields::Fields;
use items::Item;
use read::Extent;
use write::Moment;

const DAY_MS: i64 = 86_400_000;

/// A pattern, ready to read and to write.
#[derive(Debug, Clone, PartialEq)]
pub struct DateTimePattern {
    items: Vec<Item>,
}

/// A pattern that is none, or one that is not known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid date pattern '{pattern}': {reason}")]
pub struct PatternError {
    pub pattern: String,
    pub reason: String,
}

/// A text that a pattern cannot read, or a value that it cannot write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("cannot read '{text}' at character {at}")]
    NoMatch { text: String, at: usize },
    #[error("there is no such time: {0}")]
    Invalid(&'static str),
    #[error("the pattern asks for the {0}, which the value does not have")]
    NoField(&'static str),
    #[error("the time is out of range")]
    OutOfRange,
}

impl DateTimePattern {
    /// Compiles a pattern. Errors name the letter or the place.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        match pattern::compile(pattern) {
            Ok(items) => Ok(Self { items }),
            Err(reason) => Err(PatternError { pattern: pattern.to_owned(), reason }),
        }
    }

    /// Reads a time, ms since 1970 UTC. `zone` is where the text is from if it does not say so itself.
    pub fn read_timestamp(&self, text: &str, zone: Zone) -> Result<i64, TimeError> {
        let fields = self.read(text)?;
        let time = fields.time()?;
        let days = fields.date()?.checked_add(time.days_over).ok_or(TimeError::OutOfRange)?;
        let local = days
            .checked_mul(DAY_MS)
            .and_then(|ms| ms.checked_add(time.nano_of_day / 1_000_000))
            .ok_or(TimeError::OutOfRange)?;
        let offset = match fields.offset_seconds {
            Some(seconds) => i64::from(seconds),
            None => fields.zone.unwrap_or(zone).offset_seconds_of_local(local),
        };
        local.checked_sub(offset * 1000).ok_or(TimeError::OutOfRange)
    }

    /// Reads a date, days since 1970-01-01.
    pub fn read_date(&self, text: &str) -> Result<i32, TimeError> {
        i32::try_from(self.read(text)?.date()?).map_err(|_| TimeError::OutOfRange)
    }

    /// Reads a date that a text begins with, whatever stands behind it.
    pub fn read_leading_date(&self, text: &str) -> Result<i32, TimeError> {
        let fields = read::read(&self.items, text, Extent::Start)?;
        i32::try_from(fields.date()?).map_err(|_| TimeError::OutOfRange)
    }

    /// Reads a time of day, ms since midnight.
    pub fn read_time(&self, text: &str) -> Result<i32, TimeError> {
        let time = self.read(text)?.time()?;
        i32::try_from(time.nano_of_day / 1_000_000).map_err(|_| TimeError::OutOfRange)
    }

    /// Writes a time, ms since 1970 UTC, as it is shown in `zone`.
    pub fn format_timestamp(&self, ms: i64, zone: Zone) -> Result<String, TimeError> {
        let local = ms.checked_add(zone.offset_seconds_at(ms) * 1000).ok_or(TimeError::OutOfRange)?;
        let local = DateTime::from_timestamp_millis(local).ok_or(TimeError::OutOfRange)?.naive_utc();
        self.write(&Moment {
            date: Some(local.date()),
            nano_of_day: Some(write::nano_of_day(local.time())),
            zone: Some((zone, ms)),
        })
    }

    /// Writes a date, days since 1970-01-01.
    pub fn format_date(&self, days: i32) -> Result<String, TimeError> {
        let date = NaiveDate::from_epoch_days(days).ok_or(TimeError::OutOfRange)?;
        self.write(&Moment { date: Some(date), nano_of_day: None, zone: None })
    }

    /// Writes a time of day, ms since midnight.
    pub fn format_time(&self, ms: i32) -> Result<String, TimeError> {
        if !(0..DAY_MS).contains(&i64::from(ms)) {
            return Err(TimeError::OutOfRange);
        }
        self.write(&Moment { date: None, nano_of_day: Some(i64::from(ms) * 1_000_000), zone: None })
    }

    fn read(&self, text: &str) -> Result<Fields, TimeError> {
        read::read(&self.items, text, Extent::Whole)
    }

    fn write(&self, moment: &Moment) -> Result<String, TimeError> {
        let mut out = String::new();
        write::write(&self.items, moment, &mut out)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
