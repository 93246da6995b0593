//! The end of a run as people read it: what it found, what it could not say, and where it lies.

mod collect;
mod render;
#[cfg(test)]
mod tests;

pub use collect::collect;
pub use render::{json, render};

use super::ledger::Totals;
use crate::publish::Stale;
use chrono::NaiveDate;
use std::path::PathBuf;
use std::time::Duration;

/// Everything the summary of a run says.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The job's name.
    pub job: String,
    /// The run's id.
    pub run_id: String,
    /// The business date.
    pub as_of: NaiveDate,
    /// The currency that sums over currencies are in.
    pub currency: String,
    /// How long the run took.
    pub elapsed: Duration,
    /// Whether the results are public.
    pub is_published: bool,
    /// The warehouse, absolute.
    pub warehouse: PathBuf,
    /// What the run said.
    pub totals: Totals,
    /// What it made stale.
    pub stale: Vec<Stale>,
    /// What its tables say.
    pub answers: Answers,
}

impl Summary {
    /// What the tables that this run has made public say: a session over the warehouse holds other runs' tables too,
    /// and of those it would say "none" where it only did not look.
    fn answers(&self) -> Answers {
        let is_of_run = |table: &str| self.totals.tables.get(table).is_some_and(|total| total.partitions > 0);
        let drift = is_of_run("contract_drift");
        let answers = self.answers.clone();
        Answers {
            money: answers.money.filter(|_| drift),
            rate: answers.rate.filter(|_| is_of_run("revenue_leakage")),
            top: if drift { answers.top } else { Vec::new() },
            health: answers.health.filter(|_| is_of_run("account_health")),
            unverified: answers.unverified.filter(|_| is_of_run("obligation")),
            quarantined: answers.quarantined.filter(|_| is_of_run("source_coverage")),
        }
    }
}

/// What the result tables say. Parts whose tables were not computed are absent. Amounts are ten-thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Money found, by kind.
    pub money: Option<Vec<Kind>>,
    /// What was underbilled of what was billable.
    pub rate: Option<Rate>,
    /// The findings with most money.
    pub top: Vec<TopFinding>,
    /// Accounts by health band.
    pub health: Option<Vec<(String, u64)>>,
    /// What could not be verified.
    pub unverified: Option<Unverified>,
    /// Rows in quarantine and the money in them.
    pub quarantined: Option<Quarantined>,
}

/// The findings of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// leak, liability, exposure, …
    pub class: String,
    /// How many findings have money in them.
    pub findings: u64,
    /// Their sum in the reporting currency, as far as rates are known.
    pub reporting: i128,
    /// How many findings are missing from that sum for want of a rate.
    pub unconverted: u64,
    /// Their sums by currency.
    pub by_currency: Vec<(String, i128)>,
}

/// Billing leakage against what was billable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Currency of the two sums.
    pub currency: String,
    /// What was due and not billed.
    pub underbilled: i128,
    /// What was billable.
    pub billable: i128,
}

/// One of the largest findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopFinding {
    /// The account's name, or its id where it has none.
    pub account: String,
    /// Its class.
    pub class: String,
    /// Its check code.
    pub code: String,
    /// Its money, in `currency`.
    pub amount: i128,
    /// The contract's currency.
    pub currency: String,
    /// The sentence that a person can check by hand.
    pub reason: String,
}

/// Obligations whose terms are not known well enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unverified {
    /// How many.
    pub obligations: u64,
    /// Of how many that are due.
    pub due: u64,
    /// The money that waits for those terms, by currency.
    pub blocked: Vec<(String, i128)>,
    /// The missing terms, most frequent first.
    pub missing_terms: Vec<(String, u64)>,
}

/// Rows that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quarantined {
    /// How many.
    pub rows: u64,
    /// The money in them, by currency.
    pub money: Vec<(String, i128)>,
}
