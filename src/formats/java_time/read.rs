//! Text to fields, item by item.

use super::TimeError;
use super::fields::Fields;
use super::items::{Item, Names, Number, OffsetStyle, Part, Sign, Style};
use super::names::ZONES;
use super::zone::Zone;

/// The most of a text that an error quotes.
const QUOTED_CHARS_MAX: usize = 60;

/// How much of a text a pattern must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Start,
}

pub(super) fn read(items: &[Item], text: &str, extent: Extent) -> Result<Fields, TimeError> {
    let mut reader = Reader { text, pos: 0, fields: Fields::default() };
    if reader.items(items).is_some() && (extent == Extent::Start || reader.pos == text.len()) {
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
            Item::ShortWeekYear => {
                let digits = self.digits(2, 2)?;
                self.fields.week_year = Some(2000 + digits.parse::<i64>().ok()?);
                Some(())
            }
            Item::Name(names, style) => self.name(*names, *style),
            Item::Pad(width, item) => self.padded(*width, item),
            Item::Offset(style) => self.offset(style),
            Item::ZoneId => self.zone_id(),
            Item::ZoneName { full } => self.zone_name(*full).or_else(|| self.zone_id()),
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

    fn name(&mut self, names: Names, style: Style) -> Option<()> {
        let (index, length) = names.find(self.rest(), style)?;
        self.pos += length;
        match names {
            Names::Era => self.fields.anno_domini = Some(index == 1),
            Names::Quarter => self.fields.quarter = Some(index as i64 + 1),
            Names::Month => self.fields.month = Some(index as i64 + 1),
            Names::Day => self.fields.day_of_week = Some(index as u32),
            Names::HalfDay => self.fields.afternoon = Some(index == 1),
        }
        Some(())
    }

    /// Blanks and the item fill the width.
    fn padded(&mut self, width: usize, item: &Item) -> Option<()> {
        let bytes: usize = self.rest().chars().take(width).map(char::len_utf8).sum();
        let end = self.pos + bytes;
        let field = self.text.get(self.pos..end).filter(|field| field.chars().count() == width)?;
        let blanks = field.bytes().take_while(|b| *b == b' ').count();
        let mut inner = Reader { text: self.text.get(..end)?, pos: self.pos + blanks, fields: self.fields };
        inner.item(item)?;
        if inner.pos != end {
            return None;
        }
        (self.pos, self.fields) = (end, inner.fields);
        Some(())
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
        let zone = self.offset_parts(style);
        if zone.is_none() {
            self.pos = start;
        }
        self.fields.offset_seconds = Some(zone?.offset_seconds_at(0) as i32);
        Some(())
    }

    fn offset_parts(&mut self, style: &OffsetStyle) -> Option<Zone> {
        let sign = if self.take("-").is_some() {
            -1
        } else {
            self.take("+")?;
            1
        };
        let hours = self.digits(if style.short { 1 } else { 2 }, 2)?.parse().ok()?;
        let minutes = self.offset_part(style.colon, style.minutes)?;
        let seconds = self.offset_part(style.colon, style.seconds)?;
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

    /// A name of a time in a zone, which says the region, not whether it is summer: Java reads it so.
    fn zone_name(&mut self, full: bool) -> Option<()> {
        let found =
            ZONES.iter().map(|(short, long, id)| (if full { long } else { short }, id)).find(|(name, _)| {
                let behind = self.rest().strip_prefix(**name);
                behind.is_some_and(|behind| {
                    !behind.starts_with(|c: char| c.is_ascii_alphanumeric() || "+-".contains(c))
                })
            });
        let (name, id) = found?;
        self.pos += name.len();
        self.fields.zone = Zone::parse(id);
        Some(())
    }

    fn zone_id(&mut self) -> Option<()> {
        let id = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':' | '/' | '_');
        let length = self.rest().chars().take_while(id).count();
        // The longest beginning that is a zone.
        let (length, zone) =
            (1..=length).rev().find_map(|length| Some((length, Zone::parse(self.rest().get(..length)?)?)))?;
        self.pos += length;
        self.fields.zone = Some(zone);
        Some(())
    }
}
