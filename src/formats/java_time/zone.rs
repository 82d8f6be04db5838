//! Time zones: offsets from UTC.

use std::fmt;

/// A zone with a fixed offset, less than a day. Regions with rules of their own are not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    offset_seconds: i32,
}

impl Zone {
    pub const UTC: Zone = Zone { offset_seconds: 0 };

    /// Reads a zone id: `UTC`, `GMT`, `UT`, `Z`, `+01:00`, `-0330`, `+1`, `UTC+02:00`. None for all else.
    pub fn parse(id: &str) -> Option<Self> {
        let id = id.trim();
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
        let (hours, minutes) = match digits.len() {
            1 => (digits.parse().ok()?, 0),
            2 => (part(digits)?, 0),
            4 => (part(digits.get(..2)?)?, part(digits.get(2..)?)?),
            5 => {
                let (hours, minutes) = digits.split_once(':')?;
                (part(hours)?, part(minutes)?)
            }
            _ => return None,
        };
        Self::of_parts(sign, hours, minutes, 0)
    }

    /// None where the offset is beyond Java's ±18 hours.
    pub(super) fn of_parts(sign: i32, hours: i32, minutes: i32, seconds: i32) -> Option<Self> {
        let offset_seconds = hours * 3600 + minutes * 60 + seconds;
        (minutes < 60 && seconds < 60 && offset_seconds <= 18 * 3600)
            .then_some(Self { offset_seconds: sign * offset_seconds })
    }

    /// East of UTC is positive.
    pub fn offset_seconds(self) -> i64 {
        i64::from(self.offset_seconds)
    }

    /// Sign, hours, minutes and seconds.
    pub(super) fn parts(self) -> (char, i32, i32, i32) {
        let size = self.offset_seconds.abs();
        (if self.offset_seconds < 0 { '-' } else { '+' }, size / 3600, size / 60 % 60, size % 60)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            _ if *self == Self::UTC => f.write_str("UTC"),
            (sign, hours, minutes, 0) => write!(f, "{sign}{hours:02}:{minutes:02}"),
            (sign, hours, minutes, seconds) => write!(f, "{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        }
    }
}
