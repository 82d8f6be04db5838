//! What became of a case.

use serde::Serialize;

/// One case's result, as `--json` has it.
#[derive(Debug, Clone, Serialize)]
pub struct CaseResult {
    pub file: String,
    pub name: String,
    pub kind: Kind,
    pub outcome: Outcome,
    /// Why, for people; empty where all is well. For [`Outcome::Unsupported`] the feature.
    pub detail: String,
    /// The statements of the case, for the report.
    #[serde(skip)]
    pub statements: Vec<String>,
    #[serde(skip)]
    pub mismatch: Option<Mismatch>,
}

/// What a case expects: records, or an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Records,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    /// An error was expected and came, with the expected words.
    Rejected,
    /// An error was expected and came, in words of our own.
    RejectedOtherWords,
    Failed,
    /// The case needs what Rivermill does not have.
    Unsupported,
    /// Not run.
    Skipped,
}

impl Outcome {
    pub const ALL: [Outcome; 6] = [
        Outcome::Passed,
        Outcome::Rejected,
        Outcome::RejectedOtherWords,
        Outcome::Failed,
        Outcome::Unsupported,
        Outcome::Skipped,
    ];

    pub fn is_good(self) -> bool {
        matches!(self, Outcome::Passed | Outcome::Rejected | Outcome::RejectedOtherWords)
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Rejected => "rejected as expected",
            Outcome::RejectedOtherWords => "rejected with other words",
            Outcome::Failed => "failed",
            Outcome::Unsupported => "unsupported",
            Outcome::Skipped => "skipped",
        }
    }
}

/// The first record that is not as expected.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// `record 3 of topic OUT`
    pub place: String,
    /// A part of the record, expected and actual.
    pub parts: Vec<(&'static str, String, String)>,
}

/// How many cases there are of what, as the last line says it: `N passed, N failed, N skipped`.
pub fn last_line(results: &[CaseResult]) -> String {
    let count = |test: &dyn Fn(Outcome) -> bool| results.iter().filter(|r| test(r.outcome)).count();
    format!(
        "{} passed, {} failed, {} skipped",
        count(&Outcome::is_good),
        count(&|o| o == Outcome::Failed),
        count(&|o| matches!(o, Outcome::Unsupported | Outcome::Skipped)),
    )
}
