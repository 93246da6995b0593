//! Passed results become public: all objects of a run through one journal, one commit point and one manifest.
//!
//! A run's objects change one after the other. Killed in between, every partition is whole, old or new, and the next
//! start finishes the commit before anything else ([`recover`]).

mod commit;
mod journal;
pub mod manifest;
mod recover;
mod stale;

pub use commit::{Commit, Step, commit};
pub use manifest::{Manifest, Object, Partition};
pub use recover::{DeadOutcome, Recovery, recover};
pub use stale::{Stale, resting_on, stale};

use crate::store::keys;
use chrono::NaiveDate;
use std::path::PathBuf;

/// One finished result file that waits outside every public path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The public key it is meant for, e.g. `contract_drift/as_of_date=2026-07-01/part-0.parquet`.
    pub key: String,
    /// Where it lies now: under [`crate::store::Store::staging_dir`] of its run.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Lower-case hex sha256 of its bytes.
    pub sha256: String,
}

/// One partition that is public now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Lower-case hex sha256 of its bytes.
    pub sha256: String,
    /// Whether this commit wrote it; false where the same bytes were public already.
    pub changed: bool,
}

/// The table that a public key belongs to: its first segment.
pub fn table_of(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}

/// The date that a public key's path stands for, where its table is partitioned by `as_of_date`.
pub fn as_of_date(key: &str) -> Option<NaiveDate> {
    keys::partition_values(key).into_iter().find(|(column, _)| column == "as_of_date")?.1.parse().ok()
}

#[cfg(test)]
mod tests;
