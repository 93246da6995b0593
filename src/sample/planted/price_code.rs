//! Which code a shortfall of quantity or price has: the first on the list that fits.

use super::terms::Owed;
use super::waterfall::{Factors, is_near};
use crate::sample::billing::line_ids;
use crate::sample::facts::{Charge, Contract, Line, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::periods::{Grid, KnownLine, Segment};
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
    /// Whether a line was invoiced in another currency.
    pub(super) is_converted: bool,
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

    /// The code of a price below the contract's, price rises apart.
    pub(super) fn price(&self) -> &'static str {
        if self.is_typed_over {
            return "P11";
        }
        if self.is_converted {
            return "P10";
        }
        if rating::is_rated(self.line) {
            return "P8";
        }
        let stages = schedule::earlier_prices(self.contract, self.terms(), self.owed.months, self.last_day());
        if stages.into_iter().any(|price| self.is_price(price)) {
            return "P5";
        }
        let own = KnownLine::new(self.contract, &self.line.id, self.as_of);
        let before = own.iter().flat_map(|known| &known.segments);
        if before
            .filter(|segment| segment.version.number < self.owed.last_version)
            .any(|segment| self.reached(self.contract, segment).into_iter().any(|price| self.is_price(price)))
        {
            return "Q6";
        }
        if self.is_price_of_prior() { "P9" } else { "P6" }
    }

    /// Prices of a whole period that a line reached while a version of it held.
    fn reached(&self, contract: &Contract, segment: &Segment<'_>) -> Vec<i128> {
        let (from, to) = (segment.from, segment.to);
        let ramps = schedule::ramp(contract, &segment.line.id).map(|step| step.start);
        let escalators = contract.escalators.iter().filter(|escalator| escalator.line == segment.line.id);
        let rises = escalators.flat_map(|escalator| schedule::dates(escalator, to.min(self.as_of)));
        let days = std::iter::once(from).chain(ramps).chain(rises).filter(|day| from <= *day && *day < to);
        let prices = days.map(|day| schedule::price(contract, segment.line, self.owed.months, day, self.as_of));
        prices.filter(|price| price.is_known).map(|price| price.last()).collect()
    }

    /// Whether the billed price is one that the last version of the contract before reached.
    fn is_price_of_prior(&self) -> bool {
        let Some(prior) = self.prior.filter(|prior| Grid::new(prior).months() == self.owed.months) else {
            return false;
        };
        line_ids(prior).into_iter().filter_map(|id| KnownLine::new(prior, id, self.as_of)).any(|known| {
            let last = known.segments.last().map(|segment| (segment.version.number, segment.line.product));
            let Some((number, _)) = last.filter(|(_, product)| *product == self.line.product) else { return false };
            let segments = known.segments.iter().filter(|segment| segment.version.number == number);
            segments
                .into_iter()
                .any(|segment| self.reached(prior, segment).into_iter().any(|price| self.is_price(price)))
        })
    }
}
