//! What a pattern reads or writes, item by item.

/// One thing that a pattern reads or writes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Literal(String),
    Number(Number),
    /// `yy`: the last two digits of a year from 2000 to 2099.
    ShortYear,
    /// `S…`: so many digits of the second's fraction.
    Fraction {
        width: usize,
    },
    /// A field as a word: `MMM`, `EEEE`, `a`, `G`.
    Name(Names, Style),
    /// `YY`: the last two digits of a week-based year from 2000 to 2099.
    ShortWeekYear,
    /// `pp`: the item behind it, with blanks before it up to a width.
    Pad(usize, Box<Item>),
    Offset(OffsetStyle),
    /// `VV`: the zone's id.
    ZoneId,
    /// `z`: its name at a time, such as CEST; `zzzz`: Central European Summer Time.
    ZoneName {
        full: bool,
    },
    Optional(Vec<Item>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub field: Field,
    /// Fewest and most digits.
    pub min: usize,
    pub max: usize,
    pub sign: Sign,
    /// How many digits behind it belong to the numbers that follow without anything between.
    pub reserved: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A fixed number of digits, no sign.
    Never,
    /// A minus where negative.
    Normal,
    /// Also a plus where there are more digits than the fewest.
    ExceedsPad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// From 1 in each of the two eras.
    YearOfEra,
    Year,
    Quarter,
    Month,
    Day,
    DayOfYear,
    /// Weeks begin on Sunday, and the first one is that of January 1st, as in the United States.
    WeekYear,
    WeekOfYear,
    WeekOfMonth,
    /// Sunday is 1.
    DayOfWeek,
    /// The first seven days of a month are the first week.
    AlignedWeekOfMonth,
    /// Days since 1858-11-17.
    ModifiedJulianDay,
    /// 0 to 23
    Hour,
    /// 1 to 24
    ClockHour,
    /// 0 to 11
    HourOfHalf,
    /// 1 to 12
    ClockHourOfHalf,
    Minute,
    Second,
    NanoOfSecond,
    MilliOfDay,
    NanoOfDay,
}

/// Fields that have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Era,
    Quarter,
    Month,
    Day,
    HalfDay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Short,
    Full,
    Narrow,
}

/// How an offset from UTC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffsetStyle {
    /// `+01:00` and not `+0100`.
    pub colon: bool,
    pub minutes: Part,
    pub seconds: Part,
    /// What stands for UTC; None writes zeros.
    pub zero: Option<&'static str>,
    /// `GMT+01:00`
    pub gmt: bool,
    /// `GMT+1`: hours without a zero before them.
    pub short: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Never,
    IfNotZero,
    Always,
}
