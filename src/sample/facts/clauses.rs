//! Terms that are not about what a line costs in an ordinary period.

use crate::sample::money::Currency;
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

/// What late payment costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateFee {
    /// Percent points at 4 digits of what is late.
    pub percent: i128,
    /// Days past due from which it is owed; none for 0.
    pub after_days: Option<i64>,
}

/// A service level, in percent points of a month's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLevel {
    /// As the contract spells what is measured.
    pub metric: &'static str,
    /// Percent points at 4 digits that are promised.
    pub target: i128,
    /// Percent points at 4 digits of the month's fee that are credited where it is missed.
    pub credit: i128,
    /// At most so many.
    pub cap: Option<i128>,
    /// Days after the month within which the credit must be claimed.
    pub claim_days: Option<i64>,
}

/// Invoices in another currency than the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// What invoices are in.
    pub invoiced: Currency,
    /// What one unit of the contract's currency is in it by contract, at 8 digits.
    pub rate: i128,
    /// What it is at the biller.
    pub billed_rate: i128,
}

/// A contract's clauses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clauses {
    /// Agreed interruptions.
    pub pauses: Vec<Pause>,
    /// What late payment costs.
    pub late_fee: Option<LateFee>,
    /// The other currency of its invoices, where they have one.
    pub exchange: Option<Exchange>,
    /// The uptime promised.
    pub service_level: Option<ServiceLevel>,
}
