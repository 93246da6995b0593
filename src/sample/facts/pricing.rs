//! What a line costs beyond a quantity and a price: tiers, included units, seats, ramps, escalators, commitments.

use chrono::NaiveDate;

/// How an amount follows from price and quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pricing {
    /// One price whatever the quantity.
    Flat,
    /// Quantity times price.
    PerUnit,
    /// Tiers, each unit at its tier's price.
    Graduated,
    /// All units at the price of the tier reached.
    Volume,
    /// Whole packages.
    Package,
    /// What goes beyond the included units.
    Overage,
    /// Percent of the money that was measured.
    Percentage,
}

/// A step of a price list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Its last unit, inclusive; none where it has no bound.
    pub up_to: Option<i64>,
    /// Price of a unit at 8 digits.
    pub price: i128,
    /// Minor units charged once it is reached.
    pub flat_fee: i128,
}

/// Units that the price of something else has paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Included {
    /// Units per price period.
    pub quantity: i64,
    /// Fewer of them in a part of a period.
    pub is_prorated: bool,
}

/// How units become money where that is more than a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// By bound; empty for models without tiers.
    pub tiers: Vec<Tier>,
    /// Units that are included.
    pub included: Option<Included>,
    /// Units of a package.
    pub package_size: Option<i64>,
    /// How much of what is measured is one unit.
    pub unit_size: i64,
}

impl Default for Rating {
    fn default() -> Self {
        Rating { tiers: Vec::new(), included: None, package_size: None, unit_size: 1 }
    }
}

/// Which of a period's seat counts is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatRule {
    /// The highest.
    HighWater,
    /// The mean.
    Average,
    /// The last.
    EndOfMonth,
}

/// Seats beyond the contracted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// Which count decides.
    pub rule: SeatRule,
    /// Charged from the next period on, rather than for the one counted.
    pub is_forward: bool,
    /// Percent points over the contract that stay free.
    pub grace_pct: i64,
}

/// A dated change of a line's terms that was agreed when the contract was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RampStep {
    /// The line.
    pub line: String,
    /// First day.
    pub start: NaiveDate,
    /// Units from then on.
    pub quantity: Option<u32>,
    /// Price from then on, at 8 digits.
    pub unit_price: Option<i128>,
    /// Percent points at 4 digits off from then on.
    pub percent: Option<i128>,
    /// Commitment from then on, minor units.
    pub commit: Option<i128>,
}

/// How much a price rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uplift {
    /// Percent points at 4 digits.
    Fixed(i128),
    /// As a price index did.
    Index {
        /// Its name.
        name: &'static str,
        /// Months its value lies behind the step; none for 0.
        lag_months: Option<i32>,
        /// Percent points at 4 digits on top.
        margin: Option<i128>,
        /// At most, percent points at 4 digits.
        cap: Option<i128>,
        /// At least, percent points at 4 digits.
        floor: Option<i128>,
    },
}

/// Price rises by schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalator {
    /// The line.
    pub line: String,
    /// How much.
    pub uplift: Uplift,
    /// Each rise on top of the last; none counts as yes.
    pub is_compounding: Option<bool>,
    /// Day of the first.
    pub first: NaiveDate,
    /// Months between two.
    pub every_months: i32,
    /// Happens by itself; otherwise it takes a notice.
    pub is_mandatory: bool,
    /// Day of the notice.
    pub notice: Option<NaiveDate>,
}

/// What a commitment is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitmentPeriod {
    /// A month.
    Month,
    /// Three months.
    Quarter,
    /// A year.
    Year,
    /// The whole term.
    Term,
}

/// Spending that a customer has promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Its id.
    pub id: String,
    /// The lines that count towards it; empty for all.
    pub lines: Vec<String>,
    /// Minor units per period.
    pub amount: Option<i128>,
    /// Units per period.
    pub quantity: Option<i64>,
    /// Price of a unit that is missing, at 8 digits.
    pub overage_unit_price: Option<i128>,
    /// What it is counted over.
    pub period: CommitmentPeriod,
    /// Paid up front and used up: what is left expires.
    pub is_prepaid: bool,
    /// Less for a last period that is cut short.
    pub is_prorated: bool,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: Option<NaiveDate>,
}
