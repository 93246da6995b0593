//! The facts of contracts and billing as typed values, before they become rows.

mod billing;
mod clauses;
mod pricing;

pub use billing::{CreditNote, Dispute, Invoice, InvoiceLine, LineKind, Payment, WriteOff};
pub use clauses::{Clauses, Exchange, LateFee, Pause, ServiceLevel};
pub use pricing::{
    Commitment, CommitmentPeriod, Escalator, Included, Pricing, RampStep, Rating, SeatRule, Seats, Tier, Uplift,
};

use super::company::Frequency;
use super::money::Currency;
use chrono::{NaiveDate, NaiveDateTime};

/// When a period is invoiced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// On its first day.
    Advance,
    /// On the day after its last.
    Arrears,
}

/// Where billing periods begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// On the day of the month the contract started.
    Anniversary,
    /// On the first of calendar months, quarters, years.
    Calendar,
}

/// How a part of a period is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proration {
    /// Days over days of the period.
    ActAct,
    /// Days over 365.
    Act365,
    /// Months of 30 days.
    Thirty360,
    /// Every started period in full.
    None,
}

/// What a unit price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricePeriod {
    /// A month.
    Month,
    /// A year.
    Year,
    /// Whatever the billing period is.
    BillingPeriod,
    /// Once.
    Once,
}

/// The kind of charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Every period.
    Recurring,
    /// By metered use.
    Usage,
    /// Once.
    OneOff,
}
/// A line of a contract version. Quantities have 6 digits behind the point, unit prices 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Stable over versions.
    pub id: String,
    /// What is sold.
    pub product: Product,
    /// Whole units.
    pub quantity: u32,
    /// Price at 8 digits.
    pub unit_price: i128,
    /// What the price is for.
    pub price_period: PricePeriod,
    /// Digits behind the point that a price is rounded to; none for 8.
    pub price_decimals: Option<u32>,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: Option<NaiveDate>,
    /// When a one-off was accepted.
    pub accepted: Option<NaiveDate>,
    /// How units become money.
    pub pricing: Pricing,
    /// Tiers, included units, packages.
    pub rating: Rating,
    /// What happens to seats beyond the contracted ones.
    pub seats: Option<Seats>,
    /// The signed copy leaves the price out: what is due cannot be verified.
    pub lacks_price: bool,
}

/// Something the company sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: &'static str,
    /// Its name on invoices.
    pub name: &'static str,
    /// Kind of charge.
    pub charge: Charge,
    /// The usual pricing model; a contract may state another one.
    pub pricing: Pricing,
    /// The unit counted.
    pub unit: Option<&'static str>,
    /// The usage metric, for usage.
    pub metric: Option<&'static str>,
    /// List price in US cents: a month's, a unit's, or the one-off's.
    pub list_cents: i64,
}

/// A contract version: it restates all lines and holds from `effective` to the next one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// From 1.
    pub number: u32,
    /// First day it holds.
    pub effective: NaiveDate,
    /// When it was signed: from then on it is known.
    pub signed: NaiveDate,
    /// First day after the term; none for evergreen contracts.
    pub end: Option<NaiveDate>,
    /// Its lines, as this version restates them.
    pub lines: Vec<Line>,
}

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its id.
    pub id: String,
    /// The customer's index.
    pub account: u32,
    /// signed, crm or billing: where its best terms come from.
    pub term_source: &'static str,
    /// First day.
    pub start: NaiveDate,
    /// Date of early termination, and the day it was recorded.
    pub terminated: Option<(NaiveDate, NaiveDate)>,
    /// The contract it renews.
    pub renews: Option<String>,
    /// When the contract that renews this one starts, and when that was signed.
    pub renewed: Option<(NaiveDate, NaiveDate)>,
    /// Whether it goes on unless somebody says no.
    pub auto_renew: bool,
    /// Whether service and billing go on after the end until a new contract.
    pub is_holdover: bool,
    /// Days of notice.
    pub notice_days: Option<i64>,
    /// How often it is invoiced.
    pub frequency: Frequency,
    /// Null means advance.
    pub timing: Option<Timing>,
    /// Null means anniversary.
    pub anchor: Option<Anchor>,
    /// Nothing is due before the first whole period.
    pub is_first_full_period: bool,
    /// The day service begins, where the contract says that counts.
    pub go_live: Option<NaiveDate>,
    /// Null means 30.
    pub payment_terms_days: Option<i64>,
    /// Null means 5.
    pub issue_grace_days: Option<i64>,
    /// Null means days over days of the period.
    pub proration: Option<Proration>,
    /// Currency of every amount.
    pub currency: Currency,
    /// By effective date.
    pub versions: Vec<Version>,
    /// All discounts of all versions.
    pub discounts: Vec<Discount>,
    /// All free periods.
    pub free_periods: Vec<FreePeriod>,
    /// Approved deviations.
    pub exceptions: Vec<Exception>,
    /// Agreed changes of lines, by date.
    pub ramps: Vec<RampStep>,
    /// Price rises by schedule.
    pub escalators: Vec<Escalator>,
    /// Spending promised.
    pub commitments: Vec<Commitment>,
    /// Terms that are not about what a line costs in an ordinary period.
    pub clauses: Clauses,
}

/// The value of a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscountValue {
    /// Percent points at 4 digits.
    Percent(i128),
    /// Minor units per price period of its line.
    Amount(i128),
}

/// A discount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discount {
    /// Its id.
    pub id: String,
    /// None: every line of the contract.
    pub line: Option<String>,
    /// None: every version.
    pub version: Option<u32>,
    /// How much.
    pub value: DiscountValue,
    /// Added to other percents rather than multiplied.
    pub is_additive: bool,
    /// Order among several.
    pub sequence: i64,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: Option<NaiveDate>,
    /// Decided by the contractual invoice date, for the whole period, rather than by service day.
    pub is_by_invoice_date: bool,
    /// Why it was given.
    pub reason: &'static str,
    /// When it was signed: from then on it is known.
    pub signed: NaiveDate,
}

/// Days nothing is charged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreePeriod {
    /// The line.
    pub line: String,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: NaiveDate,
}

/// An approved deviation from the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: String,
    /// The customer's index, where it is for one.
    pub account: Option<u32>,
    /// The contract, where it is for one.
    pub contract: Option<String>,
    /// The line, where it is for one.
    pub line: Option<String>,
    /// The check it silences, where it is for one.
    pub check_code: Option<&'static str>,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: Option<NaiveDate>,
    /// When it was approved: it counts from then on.
    pub approved_at: NaiveDateTime,
    /// Why.
    pub reason: &'static str,
}
