//! Dates and times to text, item by item.

use std::fmt::Write;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

use super::TimeError;
use super::pattern::{Field, Item, Number, OffsetStyle, Part, Sign};
use super::read::{DAYS, MONTHS};
use super::zone::Zone;

/// What is to be written: of a DATE only the date, of a TIME only the time of day.
pub(super) struct Moment {
    pub date: Option<NaiveDate>,
    pub nano_of_day: Option<i64>,
    pub zone: Option<Zone>,
}

pub(super) fn nano_of_day(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight()) * 1_000_000_000 + i64::from(time.nanosecond())
}

pub(super) fn write(items: &[Item], moment: &Moment, out: &mut String) -> Result<(), TimeError> {
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Number(number) => write_number(number, moment.field(number.field)?, out)?,
            Item::ShortYear => push(out, format_args!("{:02}", moment.date()?.year().rem_euclid(100))),
            Item::Fraction { width } => {
                let digits = format!("{:09}", moment.nano_of_day()? % 1_000_000_000);
                out.push_str(digits.get(..*width).unwrap_or(&digits));
            }
            Item::MonthName { full } => write_name(MONTHS.get(moment.date()?.month0() as usize), *full, out),
            Item::DayName { full } => {
                let day = moment.date()?.weekday().num_days_from_monday();
                write_name(DAYS.get(day as usize), *full, out);
            }
            Item::AmPm => out.push_str(if moment.hour()? < 12 { "AM" } else { "PM" }),
            Item::Offset(style) => write_offset(style, moment.zone()?, out),
            Item::ZoneId => push(out, format_args!("{}", moment.zone()?)),
            Item::Optional(items) => {
                // A section that asks for what is not there is left out.
                let before = out.len();
                if write(items, moment, out).is_err() {
                    out.truncate(before);
                }
            }
        }
    }
    Ok(())
}

fn write_number(number: &Number, value: i64, out: &mut String) -> Result<(), TimeError> {
    let digits = value.unsigned_abs().to_string();
    if digits.len() > number.max {
        return Err(TimeError::OutOfRange);
    }
    match number.sign {
        _ if value < 0 => out.push('-'),
        Sign::ExceedsPad if digits.len() > number.min => out.push('+'),
        _ => {}
    }
    push(out, format_args!("{digits:0>width$}", width = number.min));
    Ok(())
}

fn write_name(name: Option<&&str>, full: bool, out: &mut String) {
    let name = name.copied().unwrap_or_default();
    out.push_str(if full { name } else { name.get(..3).unwrap_or(name) });
}

fn write_offset(style: &OffsetStyle, zone: Zone, out: &mut String) {
    if let (Zone::UTC, Some(zero)) = (zone, style.zero) {
        out.push_str(zero);
        return;
    }
    let (sign, hours, minutes, seconds) = zone.parts();
    let colon = if style.colon { ":" } else { "" };
    let wanted = |part, value| part == Part::Always || (part == Part::IfNotZero && value != 0);
    push(out, format_args!("{}{sign}{hours:02}", if style.gmt { "GMT" } else { "" }));
    if wanted(style.minutes, minutes) || wanted(style.seconds, seconds) {
        push(out, format_args!("{colon}{minutes:02}"));
    }
    if wanted(style.seconds, seconds) {
        push(out, format_args!("{colon}{seconds:02}"));
    }
}

/// Writing to a String cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

impl Moment {
    fn date(&self) -> Result<NaiveDate, TimeError> {
        self.date.ok_or(TimeError::NoField("date"))
    }

    fn nano_of_day(&self) -> Result<i64, TimeError> {
        self.nano_of_day.ok_or(TimeError::NoField("time of day"))
    }

    fn zone(&self) -> Result<Zone, TimeError> {
        self.zone.ok_or(TimeError::NoField("zone"))
    }

    fn hour(&self) -> Result<i64, TimeError> {
        Ok(self.nano_of_day()? / 3_600_000_000_000)
    }

    fn field(&self, field: Field) -> Result<i64, TimeError> {
        let one_to = |hour: i64, most: i64| if hour % most == 0 { most } else { hour % most };
        Ok(match field {
            Field::Year => i64::from(self.date()?.year()),
            Field::Month => i64::from(self.date()?.month()),
            Field::Day => i64::from(self.date()?.day()),
            Field::DayOfYear => i64::from(self.date()?.ordinal()),
            Field::Hour => self.hour()?,
            Field::ClockHour => one_to(self.hour()?, 24),
            Field::HourOfHalf => self.hour()? % 12,
            Field::ClockHourOfHalf => one_to(self.hour()?, 12),
            Field::Minute => self.nano_of_day()? / 60_000_000_000 % 60,
            Field::Second => self.nano_of_day()? / 1_000_000_000 % 60,
            Field::NanoOfSecond => self.nano_of_day()? % 1_000_000_000,
            Field::MilliOfDay => self.nano_of_day()? / 1_000_000,
            Field::NanoOfDay => self.nano_of_day()?,
        })
    }
}
