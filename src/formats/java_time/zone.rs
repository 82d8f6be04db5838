//! Time zones: offsets from UTC, and regions by their names.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{OffsetName, Tz};

/// A zone: an offset of at most 18 hours, or a region whose offset depends on the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Seconds east of UTC.
    Offset(i32),
    Region(Tz),
}

impl Zone {
    pub const UTC: Zone = Zone::Offset(0);

    /// Reads a zone id: `UTC`, `GMT`, `UT`, `Z`, `+01:00`, `-0330`, `+1`, `UTC+02:00`, `Europe/Berlin`, and Java's short
    /// names such as `PST`. None for all else.
    pub fn parse(id: &str) -> Option<Self> {
        let id = id.trim();
        Self::offset(id).or_else(|| Self::region(id))
    }

    fn region(id: &str) -> Option<Self> {
        let id = SHORT_IDS.iter().find(|(short, _)| *short == id).map_or(id, |(_, id)| id);
        Self::offset(id).or_else(|| Tz::from_str(id).ok().map(Zone::Region))
    }

    fn offset(id: &str) -> Option<Self> {
        if id == "Z" {
            return Some(Self::UTC);
        }
        let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id);
        if offset.is_empty() {
            return (!id.is_empty()).then_some(Self::UTC);
        }
        let (sign, digits) = match offset.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        let part = |text: &str| -> Option<i32> {
            (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let (hours, minutes, seconds) = match (digits.len(), digits.contains(':')) {
            (1, _) => (digits.parse().ok()?, 0, 0),
            (2, _) => (part(digits)?, 0, 0),
            (4, false) => (part(digits.get(..2)?)?, part(digits.get(2..)?)?, 0),
            (6, false) => (part(digits.get(..2)?)?, part(digits.get(2..4)?)?, part(digits.get(4..)?)?),
            (5 | 8, true) => {
                let mut parts = digits.split(':');
                let (hours, minutes) = (part(parts.next()?)?, part(parts.next()?)?);
                (hours, minutes, parts.next().map_or(Some(0), part)?)
            }
            _ => return None,
        };
        Self::of_parts(sign, hours, minutes, seconds)
    }

    /// None where the offset is beyond Java's ±18 hours.
    pub(super) fn of_parts(sign: i32, hours: i32, minutes: i32, seconds: i32) -> Option<Self> {
        let offset_seconds = hours * 3600 + minutes * 60 + seconds;
        (minutes < 60 && seconds < 60 && offset_seconds <= 18 * 3600)
            .then_some(Zone::Offset(sign * offset_seconds))
    }

    /// The offset at a time, ms since 1970 UTC. East of UTC is positive.
    pub fn offset_seconds_at(self, ms: i64) -> i64 {
        match self {
            Zone::Offset(seconds) => i64::from(seconds),
            Zone::Region(tz) => DateTime::from_timestamp_millis(ms).map_or(0, |time| {
                i64::from(tz.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc())
            }),
        }
    }

    /// The offset that a local time has, in ms since 1970 as if it were UTC. As in Java, a time that there is twice is the
    /// earlier one, and one that is left out counts with the offset before the gap.
    pub fn offset_seconds_of_local(self, local_ms: i64) -> i64 {
        let (Zone::Region(tz), Some(local)) = (self, DateTime::from_timestamp_millis(local_ms)) else {
            return self.offset_seconds_at(local_ms);
        };
        let local = local.naive_utc();
        let found = resolve(tz, local).or_else(|| resolve(tz, local.checked_sub_signed(TimeDelta::days(1))?));
        found.map_or(0, i64::from)
    }

    /// The name that a zone has at a time, such as CEST; None where it has only numbers.
    pub(super) fn short_name(self, ms: i64) -> Option<String> {
        let (Zone::Region(tz), Some(time)) = (self, DateTime::from_timestamp_millis(ms)) else {
            return Some(self.to_string());
        };
        let offset = tz.offset_from_utc_datetime(&time.naive_utc());
        let name = offset.abbreviation()?;
        name.bytes().all(|b| b.is_ascii_alphabetic()).then(|| name.to_owned())
    }

    /// Sign, hours, minutes and seconds of an offset.
    pub(super) fn parts(offset_seconds: i64) -> (char, i64, i64, i64) {
        let size = offset_seconds.abs();
        (if offset_seconds < 0 { '-' } else { '+' }, size / 3600, size / 60 % 60, size % 60)
    }
}

fn resolve(tz: Tz, local: NaiveDateTime) -> Option<i32> {
    match tz.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => {
            Some(offset.fix().local_minus_utc())
        }
        LocalResult::None => None,
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = match self {
            Zone::Region(tz) => return f.write_str(tz.name()),
            Zone::Offset(seconds) => i64::from(*seconds),
        };
        match Self::parts(seconds) {
            _ if seconds == 0 => f.write_str("UTC"),
            (sign, hours, minutes, 0) => write!(f, "{sign}{hours:02}:{minutes:02}"),
            (sign, hours, minutes, seconds) => write!(f, "{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        }
    }
}

/// Java's short ids, and the names of times of day that patterns read for `z`.
const SHORT_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];
