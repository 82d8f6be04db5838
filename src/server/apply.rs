//! How `rivermill apply` and the server talk: a session setting and a notice a statement.
//!
//! `SET 'rivermill.apply' = 'true'` makes the session's CREATE statements idempotent: one that describes what exists
//! already changes nothing; one that differs from what exists is refused with a hint. `'plan'` changes nothing at all, and
//! later statements of the session may use what earlier ones would have made. In both modes the server sends, before the command tag
//! of a statement that makes something, a NOTICE with the text of an [`Outcome`] after [`NOTICE_PREFIX`].

use std::fmt;
use std::str::FromStr;

/// The name of the session setting.
pub const SETTING: &str = "rivermill.apply";

/// In front of the outcome in the notice's message.
pub const NOTICE_PREFIX: &str = "apply: ";

/// The values of the session setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `false`: statements mean what they always mean.
    Off,
    /// `true`
    Apply,
    /// `plan`
    Plan,
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "false" | "off" => Ok(Mode::Off),
            "true" | "on" => Ok(Mode::Apply),
            "plan" => Ok(Mode::Plan),
            _ => Err(()),
        }
    }
}

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Replaced,
    Unchanged,
    WouldCreate,
    WouldReplace,
}

impl Outcome {
    const ALL: [Outcome; 5] = [
        Outcome::Created,
        Outcome::Replaced,
        Outcome::Unchanged,
        Outcome::WouldCreate,
        Outcome::WouldReplace,
    ];

    /// The outcome in a notice's message, None where the notice is about something else.
    pub fn of_notice(message: &str) -> Option<Self> {
        let text = message.strip_prefix(NOTICE_PREFIX)?;
        Self::ALL.into_iter().find(|outcome| outcome.to_string() == text)
    }

    /// The message of the notice.
    pub fn notice(self) -> String {
        format!("{NOTICE_PREFIX}{self}")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Created => "created",
            Outcome::Replaced => "replaced",
            Outcome::Unchanged => "unchanged",
            Outcome::WouldCreate => "would create",
            Outcome::WouldReplace => "would replace",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_it_was_written() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::of_notice(&outcome.notice()), Some(outcome));
        }
        assert_eq!(Outcome::of_notice("created"), None);
    }
}
