//! The words of dates, times and zones in the English of the United States.

use super::items::{Names, Style};

const MONTHS: [&str; 12] = [
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
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Names {
    /// The name at an index, from 0; eras begin with BC, days with Monday.
    pub fn name(self, index: usize, style: Style) -> Option<&'static str> {
        let full = match self {
            Names::Era => ["Before Christ", "Anno Domini"].get(index)?,
            Names::Quarter => ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"].get(index)?,
            Names::Month => MONTHS.get(index)?,
            Names::Day => DAYS.get(index)?,
            Names::HalfDay => ["AM", "PM"].get(index)?,
        };
        match (self, style) {
            (_, Style::Full) | (Names::HalfDay, _) => Some(full),
            (Names::Era, Style::Short) => ["BC", "AD"].get(index).copied(),
            (Names::Quarter, Style::Short) => ["Q1", "Q2", "Q3", "Q4"].get(index).copied(),
            (_, Style::Short) => full.get(..3),
            (_, Style::Narrow) => full.get(..1),
        }
    }

    /// The index of the name at the beginning of a text, in any case, and its length. The longest one counts.
    pub fn find(self, text: &str, style: Style) -> Option<(usize, usize)> {
        let names = (0..12).map_while(|index| Some((index, self.name(index, style)?)));
        names
            .filter(|(_, name)| text.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name)))
            .map(|(index, name)| (index, name.len()))
            .max_by_key(|(index, length)| (*length, std::cmp::Reverse(*index)))
    }
}

/// The names of times that are written and read: short, long, and a region that has the time.
pub const ZONES: &[(&str, &str, &str)] = &[
    ("ACDT", "Australian Central Daylight Time", "Australia/Adelaide"),
    ("ACST", "Australian Central Standard Time", "Australia/Adelaide"),
    ("ADT", "Atlantic Daylight Time", "America/Halifax"),
    ("AEDT", "Australian Eastern Daylight Time", "Australia/Sydney"),
    ("AEST", "Australian Eastern Standard Time", "Australia/Sydney"),
    ("AKDT", "Alaska Daylight Time", "America/Anchorage"),
    ("AKST", "Alaska Standard Time", "America/Anchorage"),
    ("AST", "Atlantic Standard Time", "America/Halifax"),
    ("AWST", "Australian Western Standard Time", "Australia/Perth"),
    ("BST", "British Summer Time", "Europe/London"),
    ("CDT", "Central Daylight Time", "America/Chicago"),
    ("CEST", "Central European Summer Time", "Europe/Paris"),
    ("CET", "Central European Standard Time", "Europe/Paris"),
    ("CST", "Central Standard Time", "America/Chicago"),
    ("EDT", "Eastern Daylight Time", "America/New_York"),
    ("EEST", "Eastern European Summer Time", "Europe/Bucharest"),
    ("EET", "Eastern European Standard Time", "Europe/Bucharest"),
    ("EST", "Eastern Standard Time", "America/New_York"),
    ("GMT", "Greenwich Mean Time", "GMT"),
    ("HST", "Hawaii-Aleutian Standard Time", "Pacific/Honolulu"),
    ("IST", "India Standard Time", "Asia/Kolkata"),
    ("JST", "Japan Standard Time", "Asia/Tokyo"),
    ("KST", "Korean Standard Time", "Asia/Seoul"),
    ("MDT", "Mountain Daylight Time", "America/Denver"),
    ("MSK", "Moscow Standard Time", "Europe/Moscow"),
    ("MST", "Mountain Standard Time", "America/Denver"),
    ("NZDT", "New Zealand Daylight Time", "Pacific/Auckland"),
    ("NZST", "New Zealand Standard Time", "Pacific/Auckland"),
    ("PDT", "Pacific Daylight Time", "America/Los_Angeles"),
    ("PST", "Pacific Standard Time", "America/Los_Angeles"),
    ("UTC", "Coordinated Universal Time", "UTC"),
    ("WEST", "Western European Summer Time", "Europe/Lisbon"),
    ("WET", "Western European Standard Time", "Europe/Lisbon"),
];
