//! What was invoiced, paid and credited.

use super::{DiscountValue, Product};
use crate::sample::fraction::divide_half_up;
use crate::sample::money::Currency;
use chrono::{NaiveDate, NaiveDateTime};

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
    /// What a commitment falls short by.
    TrueUp,
    /// Money given back.
    Credit,
}

/// A line of an invoice. Money in minor units, quantity at 6 digits, price at 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// Its id.
    pub id: String,
    /// The contract line; empty for a commitment's true-up.
    pub contract_line: String,
    /// The commitment it settles.
    pub commitment: Option<String>,
    /// What was sold.
    pub product: Product,
    /// What it bills.
    pub kind: LineKind,
    /// Units, each of `unit_size`.
    pub quantity: i128,
    /// How much of the metric is one unit.
    pub unit_size: i64,
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
    /// Whether somebody typed the price over.
    pub is_override: bool,
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
    /// What the customer took back.
    pub disputes: Vec<Dispute>,
    /// When it was given up, and how much of it.
    pub written_off: Option<WriteOff>,
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
        let written_off =
            self.written_off.filter(|given_up| given_up.date <= as_of).map_or(0, |given_up| given_up.amount);
        self.total() - self.paid(as_of) - self.credited(as_of) - written_off
    }

    /// What was paid by the end of `as_of`, less what was taken back by then.
    pub fn paid(&self, as_of: NaiveDate) -> i128 {
        let payments = self.payments.iter().filter(|payment| payment.failure.is_none());
        let paid: i128 =
            payments.filter(|payment| payment.attempted.date() <= as_of).map(|payment| payment.amount).sum();
        let lost = self.disputes.iter().filter(|dispute| dispute.is_lost(as_of));
        paid - lost.map(|dispute| dispute.amount).sum::<i128>()
    }

    /// What credit notes took off the total by the end of `as_of`: they are before tax, their tax goes with them.
    pub fn credited(&self, as_of: NaiveDate) -> i128 {
        let notes = self.credits.iter().filter(|credit| credit.is_known(as_of));
        let net: i128 = notes.map(|credit| credit.amount).sum();
        if self.subtotal() == 0 { net } else { divide_half_up(net * self.total(), self.subtotal()) }
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

/// A payment that the customer has its bank take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The payment.
    pub payment: String,
    /// Minor units, tax included.
    pub amount: i128,
    /// When it was opened.
    pub opened: NaiveDateTime,
    /// When it was decided.
    pub decided: NaiveDateTime,
    /// Whether the money is gone.
    pub is_lost: bool,
}

impl Dispute {
    /// Whether the money is gone by the end of `as_of`.
    pub fn is_lost(&self, as_of: NaiveDate) -> bool {
        self.is_lost && self.decided.date() <= as_of
    }

    /// Whether it is open at the end of `as_of`.
    pub fn is_open(&self, as_of: NaiveDate) -> bool {
        self.opened.date() <= as_of && as_of < self.decided.date()
    }
}

/// Money given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOff {
    /// When.
    pub date: NaiveDate,
    /// Minor units, tax included.
    pub amount: i128,
    /// Whether somebody entitled to agreed.
    pub is_approved: bool,
    /// Why; none where nobody has said.
    pub reason: Option<&'static str>,
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
    /// Minor units, before tax.
    pub amount: i128,
    /// Why; none where nobody has said.
    pub reason: Option<&'static str>,
    /// Whether somebody entitled to agreed.
    pub is_approved: bool,
    /// When it was taken back itself.
    pub voided: Option<NaiveDate>,
}

impl CreditNote {
    /// Whether it stands at the end of `as_of`.
    pub fn is_known(&self, as_of: NaiveDate) -> bool {
        self.issued <= as_of && self.voided.is_none_or(|voided| voided > as_of)
    }
}
