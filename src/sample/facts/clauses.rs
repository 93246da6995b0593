//! Terms that are not about what a line costs in an ordinary period.

use chrono::NaiveDate;

/// Days without service, and so without charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The line.
    pub line: String,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: NaiveDate,
}

/// A contract's clauses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clauses {
    /// Agreed interruptions.
    pub pauses: Vec<Pause>,
}
