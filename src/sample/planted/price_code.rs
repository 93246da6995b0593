//! Which code a shortfall of quantity or price has: the first on the list that fits.

use super::terms::Owed;
use super::waterfall::{Factors, is_near};
use crate::sample::facts::{Charge, Contract, Line, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::months::add_days;
use crate::sample::rating;
use crate::sample::schedule;
use chrono::NaiveDate;

/// What a line's shortfall is judged by.
pub(super) struct Case<'a> {
    pub(super) contract: &'a Contract,
    pub(super) prior: Option<&'a Contract>,
    pub(super) line: &'a Line,
    pub(super) owed: &'a Owed<'a>,
    pub(super) factors: Option<&'a Factors>,
    /// Whether somebody typed a price over.
    pub(super) is_typed_over: bool,
    pub(super) as_of: NaiveDate,
}

impl Case<'_> {
    /// The line as versions before the last one in force state it.
    fn superseded(&self) -> impl Iterator<Item = &Line> {
        let versions = self.contract.versions.iter();
        versions
            .filter(move |version| version.number < self.owed.last_version && version.signed <= self.as_of)
            .flat_map(|version| &version.lines)
            .filter(|line| line.id == self.line.id)
    }

    fn last_day(&self) -> NaiveDate {
        self.owed.days.last().copied().unwrap_or(self.line.start)
    }

    fn terms(&self) -> &Line {
        self.owed.last_line.unwrap_or(self.line)
    }

    /// The code of units below the contracted ones.
    pub(super) fn quantity(&self) -> &'static str {
        if self.line.product.charge == Charge::Usage {
            return "Q3";
        }
        let billed = self.factors.map_or(Fraction::ZERO, |factors| factors.quantity).digits(6);
        let is_billed = |units: u32| i128::from(units) * 1_000_000 == billed;
        let counts = self.line.pricing != Pricing::Flat && self.factors.is_some();
        let stages = schedule::earlier_quantities(self.contract, self.terms(), self.last_day());
        if counts && stages.into_iter().any(is_billed) {
            return "P5";
        }
        if counts && self.superseded().any(|line| is_billed(line.quantity)) { "Q6" } else { "Q2" }
    }

    /// Whether the billed price is one of a whole period at 8 digits.
    fn is_price(&self, price: i128) -> bool {
        let exponent = self.contract.currency.exponent();
        self.factors.is_some_and(|factors| {
            let gross = Fraction::decimal(factors.gross, exponent);
            is_near(gross, factors.billed * Fraction::decimal(price, 8), factors.lines, exponent)
        })
    }

    fn stated(&self, line: &Line, contract: &Contract) -> i128 {
        // The price that a version states, before any ramp or rise.
        let day = add_days(contract.start, -1);
        schedule::price(contract, line, self.owed.months, day, self.as_of).path.first().copied().unwrap_or(0)
    }

    /// The code of a price below the contract's, price rises apart.
    pub(super) fn price(&self) -> &'static str {
        if self.is_typed_over {
            return "P11";
        }
        if rating::is_rated(self.line) {
            return "P8";
        }
        let stages = schedule::earlier_prices(self.contract, self.terms(), self.owed.months, self.last_day());
        if stages.into_iter().any(|price| self.is_price(price)) {
            return "P5";
        }
        if self.superseded().any(|line| self.is_price(self.stated(line, self.contract))) {
            return "Q6";
        }
        let before = self.prior.into_iter().filter_map(|prior| prior.versions.last().map(|version| (prior, version)));
        let is_old = before
            .flat_map(|(prior, version)| version.lines.iter().map(move |line| (prior, line)))
            .any(|(prior, line)| line.product == self.line.product && self.is_price(self.stated(line, prior)));
        if is_old { "P9" } else { "P6" }
    }
}
