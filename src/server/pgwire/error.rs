//! Errors and notices as messages.

use pgwire::error::ErrorInfo;

use crate::server::session::{Notice, NoticeSeverity};
use crate::sql::{SqlError, position_to_offset};

/// Why a session stops what it is doing.
#[derive(Debug)]
pub enum Stop {
    /// The statement failed; the session goes on.
    Error(SqlError),
    /// The client is told, then the connection is closed.
    Fatal(SqlError),
    /// Nobody is there any more.
    Gone,
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Stop::Error(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(_: std::io::Error) -> Self {
        Stop::Gone
    }
}

/// An error as the client gets it. `text` is the query text that positions refer to.
pub fn error_info(error: &SqlError, severity: &str, text: &str) -> ErrorInfo {
    let mut info = ErrorInfo::new(severity.to_owned(), error.sqlstate.to_owned(), clean(&error.message));
    info.severity_nonlocalized = Some(severity.to_owned());
    info.detail = error.detail.as_deref().map(clean);
    info.hint = error.hint.as_deref().map(clean);
    info.position =
        error.position.filter(|_| !text.is_empty()).map(|p| position_to_offset(text, p).to_string());
    info
}

pub fn notice_info(notice: &Notice) -> ErrorInfo {
    let severity = match notice.severity {
        NoticeSeverity::Notice => "NOTICE",
        NoticeSeverity::Warning => "WARNING",
    };
    let mut info = ErrorInfo::new(severity.to_owned(), notice.sqlstate.to_owned(), clean(&notice.message));
    info.severity_nonlocalized = Some(severity.to_owned());
    info.detail = notice.detail.as_deref().map(clean);
    info.hint = notice.hint.as_deref().map(clean);
    info
}

/// Fields end with NUL, so none may be inside.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Position;

    #[test]
    fn positions_count_characters_of_the_whole_text() {
        let at = |line, column| {
            let error = SqlError::new("42601", "bad\0").at(Some(Position { line, column }));
            error_info(&error, "ERROR", "SELECT 'ä',\n  x FROM t")
        };
        assert_eq!(at(2, 3).position.as_deref(), Some("15"));
        assert_eq!(at(1, 1).position.as_deref(), Some("1"));
        assert_eq!(at(1, 1).message, "bad\u{FFFD}");
        assert_eq!(error_info(&SqlError::new("42601", "x"), "ERROR", "SELECT").position, None);
    }
}
