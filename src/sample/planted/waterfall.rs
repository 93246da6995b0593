//! The waterfall: billed factors replaced by the contract's one by one, each value rounded once.

use super::billed::Billed;
use super::terms::{Owed, length};
use crate::sample::facts::{Charge, Line, LineKind, PricePeriod, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::periods::{Grid, Measure, each_day};
use crate::sample::rating;
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
    /// Billed fraction of the period, where quantity and price are no product.
    pub(super) fraction: Fraction,
    /// How many lines.
    pub(super) lines: i128,
}

/// The values of a period, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) s0: i128,
    pub(super) s1: i128,
    /// As far as contracted units go.
    pub(super) contracted: i128,
    pub(super) s2: i128,
    /// As far as the price is not a matter of price rises.
    pub(super) s3a: i128,
    pub(super) s3: i128,
    pub(super) s4: i128,
    /// Price rises that are in what was billed.
    pub(super) rises: usize,
}

/// What a line's money is compared with.
pub(super) struct Frame<'a> {
    pub(super) grid: Grid,
    pub(super) cell: &'a Range<NaiveDate>,
    pub(super) measure: Measure,
    pub(super) exponent: u32,
    pub(super) line: &'a Line,
    pub(super) is_one_off: bool,
    pub(super) owed: &'a Owed<'a>,
}

fn money(minor: i128, exponent: u32) -> Fraction {
    Fraction::decimal(minor, exponent)
}

/// Whether two amounts differ by no more than a minor unit per line.
pub(super) fn is_near(a: Fraction, b: Fraction, lines: i128, exponent: u32) -> bool {
    let tolerance = money(lines, exponent);
    !tolerance.less_than(a - b) && !tolerance.less_than(b - a)
}

impl Frame<'_> {
    fn is_metered(&self) -> bool {
        self.line.product.charge == Charge::Usage
    }

    fn is_whole(&self, billed: &Billed<'_>) -> bool {
        let is_boundary = |day: NaiveDate| self.grid.boundary(self.grid.cell_of(day)) == day;
        let line = billed.line;
        self.is_one_off
            || self.is_metered()
            || (line.kind != LineKind::Proration && is_boundary(line.start) && is_boundary(line.end))
    }

    /// Billed units in the contract's size.
    fn quantity(&self, billed: &Billed<'_>) -> Fraction {
        let factor = Fraction::new(i128::from(billed.line.unit_size), i128::from(self.line.rating.unit_size));
        let quantity = Fraction::decimal(billed.line.quantity, 6);
        if self.is_metered() { (quantity * factor).rounded(6) } else { quantity }
    }

    /// Gross as quantity and price make it.
    fn gross(&self, billed: &Billed<'_>) -> i128 {
        let line = billed.line;
        if !self.is_whole(billed) || rating::is_rated(self.line) || billed.is_derived {
            return line.gross;
        }
        let product = Fraction::decimal(line.quantity, 6) * Fraction::decimal(line.unit_price, 8);
        let months = i128::from(self.grid.months());
        let per = match self.line.price_period {
            _ if self.is_one_off => months,
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
        if product.is_zero() || billed.is_split || rating::is_rated(self.line) {
            return self.contract_fraction(billed);
        }
        if line.gross != product.minor(self.exponent) {
            return money(line.gross, self.exponent).over(product);
        }
        if line.unit_price == self.owed.last_price { Fraction::ONE } else { self.contract_fraction(billed) }
    }

    fn contract_fraction(&self, billed: &Billed<'_>) -> Fraction {
        let days = self.owed.days.iter().filter(|day| billed.line.start <= **day && **day < billed.line.end);
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
            fraction: Fraction::ZERO,
            lines: i128::try_from(lines.len()).unwrap_or(0),
        };
        let mut line_days = 0;
        for billed in lines {
            let gross = self.gross(billed);
            let quantity = self.quantity(billed);
            let days = i128::from(length(&(billed.line.start..billed.line.end)));
            factors.error += gross - billed.line.discount - billed.line.amount;
            factors.net += gross - billed.line.discount;
            factors.gross += gross;
            line_days += days;
            // A line that stands alone keeps its own price; fractions of several are rounded before they are added.
            let exact = self.fraction(billed);
            let fraction = if lines.len() > 1 { exact.rounded(FACTOR_DIGITS) } else { exact };
            let share = if self.is_metered() { Fraction::ONE } else { Fraction::new(days, union) };
            factors.quantity = factors.quantity + quantity * share;
            factors.billed = factors.billed + quantity * fraction;
            factors.fraction = factors.fraction + fraction;
        }
        if self.line.pricing == Pricing::Flat {
            factors.quantity = Fraction::ONE;
            let share = if self.is_metered() { Fraction::ONE } else { factors.fraction };
            factors.billed = share * Fraction::new(union, line_days);
        }
        if lines.len() > 1 {
            factors.quantity = factors.quantity.rounded(FACTOR_DIGITS);
            factors.billed = factors.billed.rounded(FACTOR_DIGITS);
        }
        if rating::is_rated(self.line) {
            factors.quantity = self.rated_quantity(&factors);
        }
        factors
    }

    /// Units behind what an invoice states: it may leave out included ones, or count packages.
    fn rated_quantity(&self, factors: &Factors) -> Fraction {
        let stated = factors.quantity;
        let gross = money(factors.gross, self.exponent);
        if is_near(gross, self.owed.rate(stated, self.exponent), factors.lines, self.exponent) {
            return stated;
        }
        let terms = self.owed.last_line.unwrap_or(self.line);
        let mut units = stated;
        if let Some(size) = terms.rating.package_size.filter(|_| terms.pricing == Pricing::Package) {
            let price = Fraction::decimal(self.owed.last_price, 8);
            if is_near(gross, stated * price, factors.lines, self.exponent) {
                units = stated * Fraction::whole(i128::from(size));
            }
        }
        let included = self.owed.rated.last().map_or(Fraction::ZERO, |(_, _, included)| *included);
        units + included
    }
}

/// The waterfall of one period.
pub(super) fn steps(owed: &Owed<'_>, factors: Option<&Factors>, drawn: i128, exponent: u32) -> Steps {
    let expected = owed.expected.minor(exponent);
    let s4 = expected - drawn;
    let even = |s0, s| Steps { s0, s1: s, contracted: s, s2: s, s3a: s, s3: s, s4, rises: 0 };
    let Some(factors) = factors else { return even(0, s4) };
    if owed.days.is_empty() {
        return even(factors.net, 0);
    }
    // Who is charged what goes beyond a balance alone, at no deeper discount than agreed, is short of nothing but money.
    if drawn > 0 && factors.net * owed.gross.minor(exponent) >= factors.gross * expected {
        return even(factors.net, factors.net);
    }
    let whole = Fraction::whole(i128::from(owed.whole));
    let measured = Fraction::whole(i128::from(owed.measured));
    let net = money(factors.net, exponent);
    let ratio = if factors.gross == 0 { Fraction::ONE } else { Fraction::new(factors.net, factors.gross) };
    let s3 = (owed.gross * ratio).minor(exponent);
    if !owed.rated.is_empty() {
        let s1 =
            if factors.fraction.is_zero() { Fraction::ZERO } else { measured.over(whole * factors.fraction) * net };
        let more = owed.gross - owed.rate(factors.quantity, exponent);
        let s2 = (s1 + more * ratio).minor(exponent);
        return Steps { s0: factors.net, s1: s1.minor(exponent), contracted: s2, s2, s3a: s3, s3, s4, rises: 0 };
    }
    if factors.billed.is_zero() {
        return Steps { s0: factors.net, s1: 0, contracted: s3, s2: s3, s3a: s3, s3, s4, rises: 0 };
    }
    // Net of a whole unit-period: what was billed for one unit and one whole period.
    let rate = net.over(factors.billed * whole);
    let s1 = (measured * factors.quantity * rate).minor(exponent);
    let contracted = (owed.contracted * rate).minor(exponent);
    let s2 = (owed.units * rate).minor(exponent);
    let (rises, s3a) = base_price(owed, factors, (s2, s3), exponent);
    Steps { s0: factors.net, s1, contracted, s2, s3a, s3, s4, rises }
}

/// How many price rises the billed price has seen, and the value with the price after them.
fn base_price(owed: &Owed<'_>, factors: &Factors, (s2, s3): (i128, i128), exponent: u32) -> (usize, i128) {
    let last = owed.kinds.len();
    let gross = money(factors.gross, exponent);
    let tolerance = money(factors.lines, exponent);
    let ratio = if factors.gross == 0 { Fraction::ONE } else { Fraction::new(factors.net, factors.gross) };
    let at = |worth: &Fraction| factors.billed * worth.over(owed.units);
    let found = owed.worth.iter().position(|worth| !tolerance.less_than(gross - at(worth)));
    let Some((rises, worth)) = found.filter(|rises| *rises < last).and_then(|at| owed.worth.get(at).map(|w| (at, w)))
    else {
        return (last, s3);
    };
    if !tolerance.less_than(at(worth) - gross) {
        return (rises, s2);
    }
    let whole = Fraction::whole(i128::from(owed.whole));
    (rises, (worth.over(whole) * ratio).minor(exponent))
}
