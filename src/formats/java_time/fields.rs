//! What a text said, and the date and time that it means.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::TimeError;
use super::items::Field;
use super::zone::Zone;

/// 1970-01-01.
const EPOCH_MODIFIED_JULIAN_DAY: i64 = 40_587;
const DAY_NANOS: i64 = 86_400_000_000_000;

/// The fields that a text had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub year: Option<i64>,
    pub year_of_era: Option<i64>,
    /// BC or AD.
    pub anno_domini: Option<bool>,
    pub quarter: Option<i64>,
    pub week_year: Option<i64>,
    pub week_of_year: Option<i64>,
    pub week_of_month: Option<i64>,
    pub aligned_week: Option<i64>,
    pub modified_julian_day: Option<i64>,
    pub month: Option<i64>,
    pub day: Option<i64>,
    pub day_of_year: Option<i64>,
    /// From Monday, 0.
    pub day_of_week: Option<u32>,
    pub hour: Option<i64>,
    pub clock_hour: Option<i64>,
    pub hour_of_half: Option<i64>,
    pub clock_hour_of_half: Option<i64>,
    pub afternoon: Option<bool>,
    pub minute: Option<i64>,
    pub second: Option<i64>,
    pub nano_of_second: Option<i64>,
    pub milli_of_day: Option<i64>,
    pub nano_of_day: Option<i64>,
    pub offset_seconds: Option<i32>,
    pub zone: Option<Zone>,
}

/// A time of day. 24:00 is midnight of the next day.
pub(super) struct TimeOfDay {
    pub nano_of_day: i64,
    pub days_over: i64,
}

impl Fields {
    pub fn set(&mut self, field: Field, value: i64) {
        let place = match field {
            Field::Year => &mut self.year,
            Field::YearOfEra => &mut self.year_of_era,
            Field::Quarter => &mut self.quarter,
            Field::WeekYear => &mut self.week_year,
            Field::WeekOfYear => &mut self.week_of_year,
            Field::WeekOfMonth => &mut self.week_of_month,
            Field::AlignedWeekOfMonth => &mut self.aligned_week,
            Field::ModifiedJulianDay => &mut self.modified_julian_day,
            Field::DayOfWeek => {
                // Sunday is 1 here, and the last day there. What is no day matches none.
                self.day_of_week =
                    Some(if (1..=7).contains(&value) { (value as u32 + 5) % 7 } else { u32::MAX });
                return;
            }
            Field::Month => &mut self.month,
            Field::Day => &mut self.day,
            Field::DayOfYear => &mut self.day_of_year,
            Field::Hour => &mut self.hour,
            Field::ClockHour => &mut self.clock_hour,
            Field::HourOfHalf => &mut self.hour_of_half,
            Field::ClockHourOfHalf => &mut self.clock_hour_of_half,
            Field::Minute => &mut self.minute,
            Field::Second => &mut self.second,
            Field::NanoOfSecond => &mut self.nano_of_second,
            Field::MilliOfDay => &mut self.milli_of_day,
            Field::NanoOfDay => &mut self.nano_of_day,
        };
        *place = Some(value);
    }

    /// Days since 1970. The 31st of a shorter month is its last day, as in Java's smart resolving.
    pub fn date(&self) -> Result<i64, TimeError> {
        if let Some(day) = self.modified_julian_day {
            return day.checked_sub(EPOCH_MODIFIED_JULIAN_DAY).ok_or(TimeError::OutOfRange);
        }
        let year = i32::try_from(self.year()?).map_err(|_| TimeError::OutOfRange)?;
        let date = match (self.day_of_year, self.week()) {
            (Some(day), _) if self.month.is_none() && self.day.is_none() => {
                let day = in_range(day, 1, 366, "day of year")?;
                NaiveDate::from_yo_opt(year, day).ok_or(TimeError::Invalid("day of year"))?
            }
            (_, Some((first, week))) => {
                let week = checked(week, 1, 54, "week")?;
                let day = self.day_of_week.map_or(0, |day| (i64::from(day) + 1) % 7);
                let since = first.weekday().num_days_from_sunday();
                first
                    .checked_add_signed(TimeDelta::days((week - 1) * 7 + day - i64::from(since)))
                    .ok_or(TimeError::OutOfRange)?
            }
            _ => {
                let month = in_range(
                    self.month.or(self.quarter.map(|quarter| quarter * 3 - 2)).unwrap_or(1),
                    1,
                    12,
                    "month",
                )?;
                let day = in_range(self.day.unwrap_or(1), 1, 31, "day")?;
                (28..=day)
                    .rev()
                    .chain([day])
                    .find_map(|day| NaiveDate::from_ymd_opt(year, month, day))
                    .ok_or(TimeError::OutOfRange)?
            }
        };
        if self.quarter.is_some_and(|quarter| quarter != i64::from(date.month0() / 3 + 1)) {
            return Err(TimeError::Invalid("the quarter is another"));
        }
        if self.day_of_week.is_some_and(|day| day != date.weekday().num_days_from_monday()) {
            return Err(TimeError::Invalid("the day of the week is another"));
        }
        Ok(i64::from(date.to_epoch_days()))
    }

    /// The year, 0 being 1 BC.
    fn year(&self) -> Result<i64, TimeError> {
        match (self.year, self.year_of_era) {
            (Some(year), _) => Ok(year),
            (None, Some(year)) => {
                let year = checked(year, 1, 1_000_000_000, "year of the era")?;
                Ok(if self.anno_domini == Some(false) { 1 - year } else { year })
            }
            (None, None) => Ok(1970),
        }
    }

    /// Where weeks say the date: a day of the first one, and the number of the week.
    fn week(&self) -> Option<(NaiveDate, i64)> {
        if self.day.is_some() {
            return None;
        }
        match (self.week_year, self.week_of_year, self.week_of_month) {
            (Some(year), Some(week), _) if self.month.is_none() => {
                Some((NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, 1, 1)?, week))
            }
            (_, _, Some(week)) => {
                let (year, month) =
                    (i32::try_from(self.year().ok()?).ok()?, u32::try_from(self.month?).ok()?);
                Some((NaiveDate::from_ymd_opt(year, month, 1)?, week))
            }
            _ => None,
        }
    }

    pub fn time(&self) -> Result<TimeOfDay, TimeError> {
        if let Some(nano_of_day) = self.nano_of_day {
            let nano_of_day = checked(nano_of_day, 0, DAY_NANOS - 1, "nano of day")?;
            return Ok(TimeOfDay { nano_of_day, days_over: 0 });
        }
        if let Some(milli) = self.milli_of_day {
            let nano_of_day = checked(milli, 0, DAY_NANOS / 1_000_000 - 1, "milli of day")? * 1_000_000;
            return Ok(TimeOfDay { nano_of_day, days_over: 0 });
        }
        let hour = self.hour_of_day()?;
        let minute = checked(self.minute.unwrap_or(0), 0, 59, "minute")?;
        let second = checked(self.second.unwrap_or(0), 0, 59, "second")?;
        let nano = checked(self.nano_of_second.unwrap_or(0), 0, 999_999_999, "fraction of a second")?;
        let rest = (minute * 60 + second) * 1_000_000_000 + nano;
        if hour == 24 {
            return match rest {
                0 => Ok(TimeOfDay { nano_of_day: 0, days_over: 1 }),
                _ => Err(TimeError::Invalid("hour")),
            };
        }
        Ok(TimeOfDay { nano_of_day: hour * 3_600_000_000_000 + rest, days_over: 0 })
    }

    /// 0 to 24.
    fn hour_of_day(&self) -> Result<i64, TimeError> {
        if let Some(hour) = self.hour {
            return checked(hour, 0, 24, "hour");
        }
        if let Some(hour) = self.clock_hour {
            return Ok(checked(hour, 1, 24, "hour")? % 24);
        }
        let of_half = match (self.hour_of_half, self.clock_hour_of_half) {
            (Some(hour), _) => checked(hour, 0, 11, "hour")?,
            (_, Some(hour)) => checked(hour, 1, 12, "hour")? % 12,
            (None, None) => return Ok(0),
        };
        match self.afternoon {
            Some(afternoon) => Ok(of_half + if afternoon { 12 } else { 0 }),
            None => Err(TimeError::Invalid("an hour of the half day without AM or PM")),
        }
    }
}

fn checked(value: i64, min: i64, max: i64, what: &'static str) -> Result<i64, TimeError> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(TimeError::Invalid(what)) }
}

fn in_range(value: i64, min: i64, max: i64, what: &'static str) -> Result<u32, TimeError> {
    checked(value, min, max, what)
        .and_then(|value| u32::try_from(value).map_err(|_| TimeError::Invalid(what)))
}
