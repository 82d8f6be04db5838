//! What a text said, and the date and time that it means.

use chrono::{Datelike, NaiveDate};

use super::TimeError;
use super::pattern::Field;

const DAY_NANOS: i64 = 86_400_000_000_000;

/// The fields that a text had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub year: Option<i64>,
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
        let year = i32::try_from(self.year.unwrap_or(1970)).map_err(|_| TimeError::OutOfRange)?;
        let date = match self.day_of_year {
            Some(day) if self.month.is_none() && self.day.is_none() => {
                let day = in_range(day, 1, 366, "day of year")?;
                NaiveDate::from_yo_opt(year, day).ok_or(TimeError::Invalid("day of year"))?
            }
            _ => {
                let month = in_range(self.month.unwrap_or(1), 1, 12, "month")?;
                let day = in_range(self.day.unwrap_or(1), 1, 31, "day")?;
                (28..=day)
                    .rev()
                    .chain([day])
                    .find_map(|day| NaiveDate::from_ymd_opt(year, month, day))
                    .ok_or(TimeError::OutOfRange)?
            }
        };
        if self.day_of_week.is_some_and(|day| day != date.weekday().num_days_from_monday()) {
            return Err(TimeError::Invalid("the day of the week is another"));
        }
        Ok(i64::from(date.to_epoch_days()))
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
