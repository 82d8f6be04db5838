//! Text to fields, item by item.

use super::TimeError;
use super::fields::Fields;
use super::pattern::{Item, Number, OffsetStyle, Part, Sign};
use super::zone::Zone;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The most of a text that an error quotes.
const QUOTED_CHARS_MAX: usize = 60;

pub(super) fn read(items: &[Item], text: &str) -> Result<Fields, TimeError> {
    let mut reader = Reader { text, pos: 0, fields: Fields::default() };
    if reader.items(items).is_some() && reader.pos == text.len() {
        return Ok(reader.fields);
    }
    let at = text.get(..reader.pos).unwrap_or_default().chars().count() + 1;
    Err(TimeError::NoMatch { text: text.chars().take(QUOTED_CHARS_MAX).collect(), at })
}

struct Reader<'a> {
    text: &'a str,
    pos: usize,
    fields: Fields,
}

/// None means no match; `pos` then tells where.
impl<'a> Reader<'a> {
    fn items(&mut self, items: &[Item]) -> Option<()> {
        items.iter().try_for_each(|item| self.item(item))
    }

    fn item(&mut self, item: &Item) -> Option<()> {
        match item {
            Item::Literal(text) => self.take(text),
            Item::Number(number) => self.number(number),
            Item::ShortYear => {
                let digits = self.digits(2, 2)?;
                self.fields.year = Some(2000 + digits.parse::<i64>().ok()?);
                Some(())
            }
            Item::Fraction { width } => {
                let digits = self.digits(*width, *width)?;
                let scale = 10i64.checked_pow(9u32.saturating_sub(*width as u32))?;
                self.fields.nano_of_second = Some(digits.parse::<i64>().ok()? * scale);
                Some(())
            }
            Item::MonthName { full } => {
                self.fields.month = Some(self.name(&MONTHS, *full)? as i64 + 1);
                Some(())
            }
            Item::DayName { full } => {
                self.fields.day_of_week = Some(self.name(&DAYS, *full)? as u32);
                Some(())
            }
            Item::AmPm => {
                self.fields.afternoon = Some(self.name(&["AM", "PM"], true)? == 1);
                Some(())
            }
            Item::Offset(style) => self.offset(style),
            Item::ZoneId => self.zone_id(),
            Item::Optional(items) => {
                let before = (self.pos, self.fields);
                if self.items(items).is_none() {
                    (self.pos, self.fields) = before;
                }
                Some(())
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text).then(|| self.pos += text.len())
    }

    /// Between `min` and `max` digits, as many as there are.
    fn digits(&mut self, min: usize, max: usize) -> Option<&'a str> {
        let count = self.rest().bytes().take(max).take_while(u8::is_ascii_digit).count();
        let digits = self.rest().get(..count).filter(|_| count >= min)?;
        self.pos += count;
        Some(digits)
    }

    fn number(&mut self, number: &Number) -> Option<()> {
        let start = self.pos;
        let signed = number.sign != Sign::Never;
        let negative = signed && self.take("-").is_some();
        let plus = !negative && number.sign == Sign::ExceedsPad && self.take("+").is_some();
        // All the digits there are, less those that the numbers behind need.
        let there =
            self.rest().bytes().take(number.max + number.reserved).take_while(u8::is_ascii_digit).count();
        let count = there.saturating_sub(number.reserved).max(number.min).min(number.max);
        let digits = self.digits(number.min, count).or_else(|| {
            self.pos = start;
            None
        })?;
        if number.sign == Sign::ExceedsPad && !negative && plus != (digits.len() > number.min) {
            self.pos = start;
            return None;
        }
        let value = digits.parse::<i64>().ok()?;
        self.fields.set(number.field, if negative { -value } else { value });
        Some(())
    }

    /// The index of the name at the cursor; short names are the first three letters.
    fn name(&mut self, names: &[&str], full: bool) -> Option<usize> {
        let (at, length) = names.iter().enumerate().find_map(|(at, name)| {
            let name = if full { name } else { name.get(..3)? };
            self.rest().starts_with(name).then_some((at, name.len()))
        })?;
        self.pos += length;
        Some(at)
    }

    fn offset(&mut self, style: &OffsetStyle) -> Option<()> {
        if style.gmt {
            self.take("GMT")?;
            if !self.rest().starts_with(['+', '-']) {
                self.fields.offset_seconds = Some(0);
                return Some(());
            }
        } else if let Some(zero) = style.zero
            && self.take(zero).is_some()
        {
            self.fields.offset_seconds = Some(0);
            return Some(());
        }
        let start = self.pos;
        let zone = self.offset_parts(style.colon, style.minutes, style.seconds);
        if zone.is_none() {
            self.pos = start;
        }
        self.fields.offset_seconds = Some(zone?.offset_seconds() as i32);
        Some(())
    }

    fn offset_parts(&mut self, colon: bool, minutes: Part, seconds: Part) -> Option<Zone> {
        let sign = if self.take("-").is_some() {
            -1
        } else {
            self.take("+")?;
            1
        };
        let hours = self.digits(2, 2)?.parse().ok()?;
        let minutes = self.offset_part(colon, minutes)?;
        let seconds = self.offset_part(colon, seconds)?;
        Zone::of_parts(sign, hours, minutes, seconds)
    }

    fn offset_part(&mut self, colon: bool, part: Part) -> Option<i32> {
        if part == Part::Never {
            return Some(0);
        }
        let start = self.pos;
        let digits = match colon && self.take(":").is_none() {
            true => None,
            false => self.digits(2, 2),
        };
        match digits {
            Some(digits) => digits.parse().ok(),
            None if part == Part::IfNotZero => {
                self.pos = start;
                Some(0)
            }
            None => None,
        }
    }

    fn zone_id(&mut self) -> Option<()> {
        let id = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':');
        let length = self.rest().chars().take_while(id).count();
        // The longest beginning that is a zone.
        let (length, zone) =
            (1..=length).rev().find_map(|length| Some((length, Zone::parse(self.rest().get(..length)?)?)))?;
        self.pos += length;
        self.fields.offset_seconds = Some(zone.offset_seconds() as i32);
        Some(())
    }
}
