//! WINDOW_TYPE and WINDOW_SIZE: a declaration over a topic whose keys are windowed.

use super::with::wrong;
use crate::sql::ast::Property;
use crate::sql::{SqlError, sqlstate};

/// The windows of a topic that somebody else writes. Their size tells the end that a key on the wire leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredWindow {
    Tumbling {
        size_ms: i64,
    },
    Hopping {
        size_ms: i64,
    },
    /// Start and end stand in the key.
    Session,
}

/// The two properties as they are written.
#[derive(Default)]
pub(super) struct WindowProperties<'a> {
    pub kind: Option<(String, &'a Property)>,
    pub size: Option<(String, &'a Property)>,
}

impl WindowProperties<'_> {
    /// Errors: 22023 for an unknown type or size, or one without the other where it needs it.
    pub fn read(&self) -> Result<Option<DeclaredWindow>, SqlError> {
        let Some((kind, property)) = &self.kind else {
            return match &self.size {
                Some((_, property)) => {
                    Err(needs("WINDOW_SIZE needs WINDOW_TYPE to say what windows", property))
                }
                None => Ok(None),
            };
        };
        let size = || match &self.size {
            Some((text, property)) => duration_ms(text)
                .ok_or_else(|| wrong(property, "a number above zero and a unit, such as '30 SECONDS'")),
            None => Err(needs("WINDOW_TYPE needs WINDOW_SIZE, such as '30 SECONDS'", property)),
        };
        match (kind.to_uppercase().as_str(), &self.size) {
            ("TUMBLING", _) => Ok(Some(DeclaredWindow::Tumbling { size_ms: size()? })),
            ("HOPPING", _) => Ok(Some(DeclaredWindow::Hopping { size_ms: size()? })),
            ("SESSION", None) => Ok(Some(DeclaredWindow::Session)),
            ("SESSION", Some((_, size))) => Err(needs("session windows have no WINDOW_SIZE", size)),
            _ => Err(wrong(property, "TUMBLING, HOPPING or SESSION")),
        }
    }
}

fn needs(message: &str, property: &Property) -> SqlError {
    SqlError::new(sqlstate::INVALID_PARAMETER, message).at(Some(property.name.position))
}

/// `n unit`, above zero.
fn duration_ms(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let (count, unit) = (words.next()?.parse::<i64>().ok()?, words.next()?.to_uppercase());
    let unit_ms = match unit.strip_suffix('S').unwrap_or(&unit) {
        "DAY" => 86_400_000,
        "HOUR" => 3_600_000,
        "MINUTE" => 60_000,
        "SECOND" => 1_000,
        "MILLISECOND" => 1,
        _ => return None,
    };
    let milliseconds = count.checked_mul(unit_ms)?;
    (milliseconds > 0 && words.next().is_none()).then_some(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::duration_ms;

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        let read = ["30 SECONDS", "1 day", " 2  Minutes ", "5 MILLISECOND"].map(duration_ms);
        assert_eq!(read, [Some(30_000), Some(86_400_000), Some(120_000), Some(5)]);
        for text in ["", "30", "0 SECONDS", "-1 DAYS", "1 MONTH", "1 DAY 2", "9223372036854775807 DAYS"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }
}
