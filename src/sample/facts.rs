//! The facts of contracts and billing as typed values, before they become rows.

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
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: Option<NaiveDate>,
    /// When a one-off was accepted.
    pub accepted: Option<NaiveDate>,
    /// Terms this line has that simple rates do not cover.
    pub beyond_rates: Option<BeyondRates>,
}

/// Terms that need more than a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeyondRates {
    /// Tiered usage.
    Tiers,
    /// A price step every year.
    Escalator,
    /// Quantities that step up by schedule.
    Ramp,
    /// The signed copy leaves the price out: what is due cannot be verified.
    NoPrice,
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
    /// Pricing model.
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
    /// The line.
    pub line: String,
    /// The check it silences.
    pub check_code: &'static str,
    /// First day.
    pub start: NaiveDate,
    /// First day after.
    pub end: Option<NaiveDate>,
    /// When it was approved: it counts from then on.
    pub approved_at: NaiveDateTime,
    /// Why.
    pub reason: &'static str,
}

/// What an invoice line bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A whole period.
    Recurring,
    /// A part of one.
    Proration,
    /// A one-off.
    OneOff,
    /// Metered use.
    Usage,
}

/// A line of an invoice. Money in minor units, quantity at 6 digits, price at 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// Its id.
    pub id: String,
    /// The contract line.
    pub contract_line: String,
    /// What was sold.
    pub product: Product,
    /// What it bills.
    pub kind: LineKind,
    /// Units.
    pub quantity: i128,
    /// Price of a unit.
    pub unit_price: i128,
    /// Before discount.
    pub gross: i128,
    /// Taken off.
    pub discount: i128,
    /// Net of discount, ex tax.
    pub amount: i128,
    /// Tax on it.
    pub tax: i128,
    /// First service day.
    pub start: NaiveDate,
    /// First day after.
    pub end: NaiveDate,
    /// How the discount came about: discount id, value, minor units.
    pub applied: Vec<(String, DiscountValue, i128)>,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: String,
    /// The customer's index.
    pub account: u32,
    /// The contract.
    pub contract: String,
    /// When the draft was made.
    pub created: NaiveDate,
    /// When it was posted; none for drafts nobody ever finalised.
    pub issued: Option<NaiveDate>,
    /// When it is due.
    pub due: Option<NaiveDate>,
    /// When it was voided.
    pub voided: Option<NaiveDate>,
    /// The void invoice it stands for.
    pub replaces: Option<String>,
    /// Currency of every amount.
    pub currency: Currency,
    /// Its lines.
    pub lines: Vec<InvoiceLine>,
    /// What the customer paid, or tried to.
    pub payments: Vec<Payment>,
    /// What was credited.
    pub credits: Vec<CreditNote>,
    /// When it was given up, and how much of it.
    pub written_off: Option<(NaiveDate, i128)>,
}

impl Invoice {
    /// Net of discounts, before tax.
    pub fn subtotal(&self) -> i128 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// Tax.
    pub fn tax(&self) -> i128 {
        self.lines.iter().map(|line| line.tax).sum()
    }

    /// What the customer owes.
    pub fn total(&self) -> i128 {
        self.subtotal() + self.tax()
    }

    /// Whether it stands at the end of `as_of`: posted and not voided.
    pub fn is_posted(&self, as_of: NaiveDate) -> bool {
        self.issued.is_some_and(|issued| issued <= as_of) && !self.is_void(as_of)
    }

    /// Whether it was voided by the end of `as_of`.
    pub fn is_void(&self, as_of: NaiveDate) -> bool {
        self.voided.is_some_and(|voided| voided <= as_of)
    }

    /// What is open at the end of `as_of`, in minor units.
    pub fn open(&self, as_of: NaiveDate) -> i128 {
        let written_off = self.written_off.filter(|(date, _)| *date <= as_of).map_or(0, |(_, amount)| amount);
        self.total() - self.paid(as_of) - self.credited(as_of) - written_off
    }

    /// What was paid by the end of `as_of`.
    pub fn paid(&self, as_of: NaiveDate) -> i128 {
        self.payments
            .iter()
            .filter(|payment| payment.failure.is_none() && payment.attempted.date() <= as_of)
            .map(|payment| payment.amount)
            .sum()
    }

    /// What was credited by the end of `as_of`.
    pub fn credited(&self, as_of: NaiveDate) -> i128 {
        self.credits.iter().filter(|credit| credit.issued <= as_of).map(|credit| credit.amount).sum()
    }
}

/// A payment or an attempt at one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: String,
    /// When.
    pub attempted: NaiveDateTime,
    /// Minor units, tax included.
    pub amount: i128,
    /// Why it failed; none where it succeeded.
    pub failure: Option<&'static str>,
    /// From 1.
    pub attempt: i64,
    /// Nobody will try again.
    pub is_final: bool,
}

/// A credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    /// Its id.
    pub id: String,
    /// The invoice line it takes back, if it is about one.
    pub line: Option<String>,
    /// When.
    pub issued: NaiveDate,
    /// Minor units.
    pub amount: i128,
    /// Why.
    pub reason: &'static str,
}
