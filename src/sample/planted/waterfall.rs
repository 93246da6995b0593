//! The waterfall: billed factors replaced by the contract's one by one, each value rounded once.

use super::obligation::Billed;
use super::terms::Owed;
use crate::sample::biller::is_per_unit;
use crate::sample::facts::{LineKind, PricePeriod, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::months::days_between;
use crate::sample::periods::{Grid, Measure, each_day};
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::ops::Range;

/// Digits of billed quantities and fractions.
const FACTOR_DIGITS: u32 = 12;

/// What was billed for one service period.
#[derive(Debug, Clone)]
pub(super) struct Factors {
    /// Net of every line after its arithmetic was put right, minor units.
    pub(super) net: i128,
    /// Arithmetic errors, minor units.
    pub(super) error: i128,
    /// Gross of every line, minor units.
    pub(super) gross: i128,
    /// Billed quantity.
    pub(super) quantity: Fraction,
    /// Billed quantity times billed fraction of the period.
    pub(super) billed: Fraction,
    /// How many lines.
    pub(super) lines: i128,
}

/// The five values of a period, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) s0: i128,
    pub(super) s1: i128,
    pub(super) s2: i128,
    pub(super) s3: i128,
    pub(super) s4: i128,
}

/// What a line's money is compared with.
pub(super) struct Frame<'a> {
    pub(super) grid: Grid,
    pub(super) cell: &'a Range<NaiveDate>,
    pub(super) measure: Measure,
    pub(super) exponent: u32,
    pub(super) price_period: PricePeriod,
    pub(super) is_one_off: bool,
    pub(super) charged: &'a [NaiveDate],
    pub(super) last_price: i128,
}

fn money(minor: i128, exponent: u32) -> Fraction {
    Fraction::decimal(minor, exponent)
}

impl Frame<'_> {
    fn is_whole(&self, billed: &Billed<'_>) -> bool {
        let is_boundary = |day: NaiveDate| self.grid.boundary(self.grid.cell_of(day)) == day;
        let line = billed.line;
        self.is_one_off || (line.kind != LineKind::Proration && is_boundary(line.start) && is_boundary(line.end))
    }

    /// Gross as quantity and price make it.
    fn gross(&self, billed: &Billed<'_>) -> i128 {
        let line = billed.line;
        if !self.is_whole(billed) {
            return line.gross;
        }
        let product = Fraction::decimal(line.quantity, 6) * Fraction::decimal(line.unit_price, 8);
        let months = i128::from(self.grid.months());
        let per = match self.price_period {
            PricePeriod::Month => 1,
            PricePeriod::Year => 12,
            PricePeriod::BillingPeriod | PricePeriod::Once => months,
        };
        let restated = product * Fraction::new(months, per);
        let plain = product.minor(self.exponent);
        if line.gross == plain || line.gross == restated.minor(self.exponent) { line.gross } else { plain }
    }

    /// The fraction of the period a line bills.
    fn fraction(&self, billed: &Billed<'_>) -> Fraction {
        let line = billed.line;
        if self.is_whole(billed) {
            return Fraction::ONE;
        }
        let product = Fraction::decimal(line.quantity, 6) * Fraction::decimal(line.unit_price, 8);
        if product.is_zero() {
            return self.contract_fraction(billed);
        }
        if line.gross != product.minor(self.exponent) {
            return money(line.gross, self.exponent).over(product);
        }
        if line.unit_price == self.last_price { Fraction::ONE } else { self.contract_fraction(billed) }
    }

    fn contract_fraction(&self, billed: &Billed<'_>) -> Fraction {
        let days = self.charged.iter().filter(|day| billed.line.start <= **day && **day < billed.line.end);
        let measured: i64 = days.map(|day| self.measure.day(*day)).sum();
        Fraction::new(i128::from(measured), i128::from(self.measure.whole()))
    }

    /// The factors of the lines billed for the period.
    pub(super) fn factors(&self, lines: &[&Billed<'_>]) -> Factors {
        let days: BTreeSet<NaiveDate> = lines
            .iter()
            .flat_map(|billed| each_day(&(billed.line.start..billed.line.end)))
            .filter(|day| self.is_one_off || self.cell.contains(day))
            .collect();
        let union = i128::try_from(days.len()).unwrap_or(0);
        let mut factors = Factors {
            net: 0,
            error: 0,
            gross: 0,
            quantity: Fraction::ZERO,
            billed: Fraction::ZERO,
            lines: i128::try_from(lines.len()).unwrap_or(0),
        };
        let mut line_days = 0;
        let mut is_flat = true;
        for billed in lines {
            let gross = self.gross(billed);
            let quantity = Fraction::decimal(billed.line.quantity, 6);
            let length = i128::from(days_between(billed.line.start, billed.line.end));
            factors.error += gross - billed.line.discount - billed.line.amount;
            factors.net += gross - billed.line.discount;
            factors.gross += gross;
            is_flat = billed.line.product.pricing == Pricing::Flat;
            line_days += length;
            // A line that stands alone keeps its own price; fractions of several are rounded before they are added.
            let exact = self.fraction(billed);
            let fraction = if lines.len() > 1 { exact.rounded(FACTOR_DIGITS) } else { exact };
            if is_flat {
                factors.billed = factors.billed + fraction;
            } else {
                factors.quantity = factors.quantity + quantity * Fraction::new(length, union);
                factors.billed = factors.billed + quantity * fraction;
            }
        }
        if is_flat {
            factors.quantity = Fraction::ONE;
            factors.billed = factors.billed * Fraction::new(union, line_days);
        }
        if lines.len() > 1 {
            factors.quantity = factors.quantity.rounded(FACTOR_DIGITS);
            factors.billed = factors.billed.rounded(FACTOR_DIGITS);
        }
        factors
    }
}

/// The waterfall of one period.
pub(super) fn steps(owed: &Owed, factors: Option<&Factors>, exponent: u32) -> Steps {
    let expected = owed.expected.minor(exponent);
    let Some(factors) = factors else {
        return Steps { s0: 0, s1: expected, s2: expected, s3: expected, s4: expected };
    };
    if owed.days.is_empty() {
        return Steps { s0: factors.net, s1: 0, s2: 0, s3: 0, s4: 0 };
    }
    let whole = Fraction::whole(i128::from(owed.whole));
    let net = money(factors.net, exponent);
    // Net of a whole unit-period: what was billed for one unit and one whole period.
    let rate = net.over(factors.billed * whole);
    let s1 = (Fraction::whole(i128::from(owed.measured)) * factors.quantity * rate).minor(exponent);
    let ratio = if factors.gross == 0 { Fraction::ONE } else { Fraction::new(factors.net, factors.gross) };
    let s3 = (Fraction::decimal(owed.worth, 8).over(whole) * ratio).minor(exponent);
    let s2 = (Fraction::whole(owed.units) * rate).minor(exponent);
    if factors.billed.is_zero() {
        return Steps { s0: factors.net, s1: 0, s2: s3, s3, s4: expected };
    }
    Steps { s0: factors.net, s1, s2, s3, s4: expected }
}

/// Whether a line counts units.
pub(super) fn counts_units(billed: &Billed<'_>) -> bool {
    billed.line.product.pricing == Pricing::PerUnit
}

/// The quantity an earlier version stated.
pub(super) fn stated_units(line: &crate::sample::facts::Line) -> Fraction {
    Fraction::whole(if is_per_unit(line) { i128::from(line.quantity) } else { 1 })
}
