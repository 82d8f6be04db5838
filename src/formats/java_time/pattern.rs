//! From the letters of a pattern to what they ask for.

use super::items::{Field, Item, Names, Number, OffsetStyle, Part, Sign, Style};

/// How deep optional sections may nest; how long a pattern may be.
const DEPTH_MAX: usize = 16;
const PATTERN_BYTES_MAX: usize = 1000;

pub(super) fn compile(pattern: &str) -> Result<Vec<Item>, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("it is longer than {PATTERN_BYTES_MAX} bytes"));
    }
    // The open sections, innermost last; the first is the pattern itself.
    let mut open: Vec<Vec<Item>> = Vec::new();
    let mut items = Vec::new();
    let mut chars = pattern.chars().peekable();
    // The width that a `p` asks of the next letters.
    let mut pad = None;
    while let Some(char) = chars.next() {
        if pad.is_some() && !char.is_ascii_alphabetic() {
            return Err("letters must follow the letter p".to_owned());
        }
        match char {
            'a'..='z' | 'A'..='Z' => {
                let mut count = 1;
                while chars.next_if_eq(&char).is_some() {
                    count += 1;
                }
                if char == 'p' {
                    if pad.replace(count).is_some() || count > PATTERN_BYTES_MAX {
                        return Err("letters must follow the letter p".to_owned());
                    }
                    continue;
                }
                let item = letter(char, count)?;
                items.push(match pad.take() {
                    Some(width) => Item::Pad(width, Box::new(item)),
                    None => item,
                });
            }
            '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
                        Some('\'') => break,
                        Some(other) => text.push(other),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                }
                // Two quotes with nothing between stand for one.
                items.push(Item::Literal(if text.is_empty() { "'".to_owned() } else { text }));
            }
            '[' if open.len() >= DEPTH_MAX => return Err("too many nested optional sections".to_owned()),
            '[' => open.push(std::mem::take(&mut items)),
            ']' => {
                let outer = open.pop().ok_or("']' without '['")?;
                let section = std::mem::replace(&mut items, outer);
                items.push(Item::Optional(reserve(section)));
            }
            '{' | '}' | '#' => return Err(format!("'{char}' is reserved")),
            other => items.push(Item::Literal(other.to_string())),
        }
    }
    if pad.is_some() {
        return Err("letters must follow the letter p".to_owned());
    }
    // Java closes what is open at the end.
    while let Some(outer) = open.pop() {
        let section = std::mem::replace(&mut items, outer);
        items.push(Item::Optional(reserve(section)));
    }
    Ok(reserve(items))
}

fn letter(letter: char, count: usize) -> Result<Item, String> {
    let too_many = || Err(format!("too many letters: {}", letter.to_string().repeat(count.min(20))));
    let number = |field, min, max, sign| Ok(Item::Number(Number { field, min, max, sign, reserved: 0 }));
    let two_digits = |field| match count {
        1 => number(field, 1, 19, Sign::Normal),
        2 => number(field, 2, 2, Sign::Never),
        _ => too_many(),
    };
    let name = |names, count| match count {
        3 => Ok(Item::Name(names, Style::Short)),
        4 => Ok(Item::Name(names, Style::Full)),
        5 => Ok(Item::Name(names, Style::Narrow)),
        _ => too_many(),
    };
    let year = |field, short| match count {
        2 => Ok(short),
        1..4 => number(field, count, 19, Sign::Normal),
        4..=19 => number(field, count, 19, Sign::ExceedsPad),
        _ => too_many(),
    };
    match letter {
        'y' => year(Field::YearOfEra, Item::ShortYear),
        'u' => year(Field::Year, Item::ShortYear),
        'Y' => year(Field::WeekYear, Item::ShortWeekYear),
        'G' => name(Names::Era, count.max(3)),
        'M' | 'L' if count > 2 => name(Names::Month, count),
        'M' | 'L' => two_digits(Field::Month),
        'Q' | 'q' if count > 2 => name(Names::Quarter, count),
        'Q' | 'q' => two_digits(Field::Quarter),
        'd' => two_digits(Field::Day),
        'w' => two_digits(Field::WeekOfYear),
        'W' | 'F' if count > 1 => too_many(),
        'W' => number(Field::WeekOfMonth, 1, 19, Sign::Normal),
        'F' => number(Field::AlignedWeekOfMonth, 1, 19, Sign::Normal),
        'e' | 'c' if count > 2 => name(Names::Day, count),
        'c' if count == 2 => Err("the letter c must stand once, or three to five times".to_owned()),
        'e' | 'c' => two_digits(Field::DayOfWeek),
        'g' if count <= 19 => number(Field::ModifiedJulianDay, count, 19, Sign::Normal),
        'D' => match count {
            1 => number(Field::DayOfYear, 1, 19, Sign::Normal),
            2 => number(Field::DayOfYear, 2, 3, Sign::Never),
            3 => number(Field::DayOfYear, 3, 3, Sign::Never),
            _ => too_many(),
        },
        'E' => name(Names::Day, count.max(3)),
        'a' if count == 1 => Ok(Item::Name(Names::HalfDay, Style::Short)),
        'a' => too_many(),
        'H' => two_digits(Field::Hour),
        'k' => two_digits(Field::ClockHour),
        'K' => two_digits(Field::HourOfHalf),
        'h' => two_digits(Field::ClockHourOfHalf),
        'm' => two_digits(Field::Minute),
        's' => two_digits(Field::Second),
        'S' => {
            if count <= 9 {
                Ok(Item::Fraction { width: count })
            } else {
                too_many()
            }
        }
        'n' | 'A' | 'N' => {
            let field = match letter {
                'n' => Field::NanoOfSecond,
                'A' => Field::MilliOfDay,
                _ => Field::NanoOfDay,
            };
            if count <= 19 { number(field, count, 19, Sign::Normal) } else { too_many() }
        }
        'X' | 'x' => {
            let zero = (letter == 'X').then_some("Z");
            let style = |colon, minutes, seconds| {
                Ok(Item::Offset(OffsetStyle { colon, minutes, seconds, zero, gmt: false, short: false }))
            };
            match count {
                1 => style(false, Part::IfNotZero, Part::Never),
                2 => style(false, Part::Always, Part::Never),
                3 => style(true, Part::Always, Part::Never),
                4 => style(false, Part::Always, Part::IfNotZero),
                5 => style(true, Part::Always, Part::IfNotZero),
                _ => too_many(),
            }
        }
        'Z' => {
            let style = |colon, seconds, zero, gmt| {
                Ok(Item::Offset(OffsetStyle {
                    colon,
                    minutes: Part::Always,
                    seconds,
                    zero,
                    gmt,
                    short: false,
                }))
            };
            match count {
                1..=3 => style(false, Part::Never, None, false),
                4 => style(true, Part::IfNotZero, Some("GMT"), true),
                5 => style(true, Part::IfNotZero, Some("Z"), false),
                _ => too_many(),
            }
        }
        'V' => {
            if count == 2 {
                Ok(Item::ZoneId)
            } else {
                Err("the letter V must stand twice".to_owned())
            }
        }
        'z' if count <= 4 => Ok(Item::ZoneName { full: count == 4 }),
        'z' => too_many(),
        'O' => {
            let (zero, minutes) = (Some("GMT"), Part::IfNotZero);
            let style =
                OffsetStyle { colon: true, minutes, seconds: Part::IfNotZero, zero, gmt: true, short: true };
            match count {
                1 => Ok(Item::Offset(style)),
                4 => Ok(Item::Offset(OffsetStyle { minutes: Part::Always, short: false, ..style })),
                _ => Err("the letter O must stand once or four times".to_owned()),
            }
        }
        'B' | 'v' => Err(format!("the letter {letter} is not supported")),
        'g' => too_many(),
        _ => Err(format!("unknown letter {letter}")),
    }
}

/// Tells a number of variable width how many digits the fixed ones right behind it need, as Java's adjacent value
/// parsing does: `yyyyMMdd`.
fn reserve(mut items: Vec<Item>) -> Vec<Item> {
    let mut behind = 0;
    for item in items.iter_mut().rev() {
        match item {
            Item::Number(number) if number.sign == Sign::Never && number.min == number.max => {
                behind += number.max
            }
            Item::Fraction { width } => behind += *width,
            Item::Number(number) => number.reserved = std::mem::take(&mut behind),
            Item::ShortYear | Item::ShortWeekYear => behind += 2,
            _ => behind = 0,
        }
    }
    items
}
