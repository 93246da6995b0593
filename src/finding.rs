//! What a check can find. A data-quality result is data with a code, not an error.

use serde::{Deserialize, Serialize};

/// What the gate does with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The check ran and found nothing.
    Pass,
    /// Shown and recorded; publishing goes on.
    Warn,
    /// Nothing of this run is published.
    Block,
}

/// The result of one check on one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable kebab-case name of the kind of check, e.g. `not-null`, `grain-unique`, `expect`, `sql-check`, `quarantine-share`.
    pub code: String,
    /// What the gate does with it.
    pub severity: Severity,
    /// The table it is about.
    pub table: String,
    /// The check's own name within the table, e.g. `leak_sign` or the column.
    pub check: String,
    /// What was found, as a person reads it.
    pub observed: String,
    /// What was wanted.
    pub expected: String,
    /// How many rows fail.
    pub rows: u64,
    /// Up to ten failing rows: each a list of (column, value).
    pub sample: Vec<Vec<(String, String)>>,
}
