//! Dates and times to text, item by item.

use std::fmt::Write;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

use super::TimeError;
use super::items::{Field, Item, Names, Number, OffsetStyle, Part, Sign};
use super::names::ZONES;
use super::zone::Zone;

/// What is to be written: of a DATE only the date, of a TIME only the time of day.
pub(super) struct Moment {
    pub date: Option<NaiveDate>,
    pub nano_of_day: Option<i64>,
    /// With the time, ms since 1970 UTC, on which a region's offset depends.
    pub zone: Option<(Zone, i64)>,
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
            Item::ShortWeekYear => {
                push(out, format_args!("{:02}", week_year(moment.date()?).0.rem_euclid(100)));
            }
            Item::Name(names, style) => {
                let index = match names {
                    Names::Era => usize::from(moment.date()?.year() > 0),
                    Names::Quarter => moment.date()?.month0() as usize / 3,
                    Names::Month => moment.date()?.month0() as usize,
                    Names::Day => moment.date()?.weekday().num_days_from_monday() as usize,
                    Names::HalfDay => usize::from(moment.hour()? >= 12),
                };
                out.push_str(names.name(index, *style).unwrap_or_default());
            }
            Item::Pad(width, item) => {
                let mut text = String::new();
                write(std::slice::from_ref(item), moment, &mut text)?;
                if text.chars().count() > *width {
                    return Err(TimeError::OutOfRange);
                }
                push(out, format_args!("{text:>width$}"));
            }
            Item::Offset(style) => write_offset(style, moment.offset_seconds()?, out),
            Item::ZoneId => push(out, format_args!("{}", moment.zone()?.0)),
            Item::ZoneName { full } => {
                let (zone, ms) = moment.zone()?;
                let short = zone.short_name(ms).ok_or(TimeError::NoField("name of the zone"))?;
                let long = ZONES.iter().find(|(name, ..)| *name == short).map(|(_, long, _)| *long);
                match (full, zone, long) {
                    (true, _, Some(long)) => out.push_str(long),
                    (true, Zone::Region(_), None) => return Err(TimeError::NoField("full name of the zone")),
                    _ => out.push_str(&short),
                }
            }
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

/// The year and the week of weeks that begin on Sunday, the first of which is that of January 1st.
fn week_year(date: NaiveDate) -> (i32, i64) {
    let week_ends = 6 - i64::from(date.weekday().num_days_from_sunday());
    let next_year = NaiveDate::from_ymd_opt(date.year() + 1, 1, 1);
    match next_year {
        Some(next) if next.signed_duration_since(date).num_days() <= week_ends => (next.year(), 1),
        _ => (date.year(), week(date, date.ordinal0())),
    }
}

/// The week of a day, the first one being that of the day `days_before` earlier.
fn week(date: NaiveDate, days_before: u32) -> i64 {
    let day = i64::from(date.weekday().num_days_from_sunday());
    let first = (day - i64::from(days_before)).rem_euclid(7);
    (i64::from(days_before) + first) / 7 + 1
}

fn write_offset(style: &OffsetStyle, offset_seconds: i64, out: &mut String) {
    if let (0, Some(zero)) = (offset_seconds, style.zero) {
        out.push_str(zero);
        return;
    }
    let (sign, hours, minutes, seconds) = Zone::parts(offset_seconds);
    let colon = if style.colon { ":" } else { "" };
    let wanted = |part, value| part == Part::Always || (part == Part::IfNotZero && value != 0);
    out.push_str(if style.gmt { "GMT" } else { "" });
    push(out, format_args!("{sign}{hours:0width$}", width = if style.short { 1 } else { 2 }));
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

    fn zone(&self) -> Result<(Zone, i64), TimeError> {
        self.zone.ok_or(TimeError::NoField("zone"))
    }

    fn offset_seconds(&self) -> Result<i64, TimeError> {
        let (zone, ms) = self.zone()?;
        Ok(zone.offset_seconds_at(ms))
    }

    fn hour(&self) -> Result<i64, TimeError> {
        Ok(self.nano_of_day()? / 3_600_000_000_000)
    }

    fn field(&self, field: Field) -> Result<i64, TimeError> {
        let one_to = |hour: i64, most: i64| if hour % most == 0 { most } else { hour % most };
        Ok(match field {
            Field::Year => i64::from(self.date()?.year()),
            Field::YearOfEra => match i64::from(self.date()?.year()) {
                year if year > 0 => year,
                year => 1 - year,
            },
            Field::Quarter => i64::from(self.date()?.month0() / 3 + 1),
            Field::WeekYear => i64::from(week_year(self.date()?).0),
            Field::WeekOfYear => week_year(self.date()?).1,
            Field::WeekOfMonth => week(self.date()?, self.date()?.day0()),
            Field::DayOfWeek => i64::from(self.date()?.weekday().number_from_sunday()),
            Field::AlignedWeekOfMonth => i64::from(self.date()?.day0() / 7 + 1),
            Field::ModifiedJulianDay => i64::from(self.date()?.to_epoch_days()) + 40_587,
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
