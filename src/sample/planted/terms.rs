//! What a service period owes by contract: days, quantities, prices and discounts of each day.

use crate::sample::charge::amount_per_period;
use crate::sample::facts::{Discount, DiscountValue, Proration};
use crate::sample::fraction::Fraction;
use crate::sample::periods::{Grid, KnownLine, Measure, each_day, period_price};
use chrono::NaiveDate;
use std::ops::Range;

/// What a service period owes, as sums over its charged days.
#[derive(Debug, Clone)]
pub(super) struct Owed {
    /// Measure of a whole period.
    pub(super) whole: i64,
    /// Sum of the charged days' measure.
    pub(super) measured: i64,
    /// Sum of quantity times measure.
    pub(super) units: i128,
    /// Sum of quantity times price (8 digits) times measure.
    pub(super) worth: i128,
    /// Price of a whole period (8 digits) on the last charged day.
    pub(super) last_price: i128,
    /// Number of the last version in force.
    pub(super) last_version: u32,
    /// Exact, in major units.
    pub(super) expected: Fraction,
    /// What discounts that have ended would still take off, exact, in major units.
    pub(super) expired: Fraction,
    /// Charged days.
    pub(super) days: Vec<NaiveDate>,
}

/// One kind of day of a period: same terms, same discounts.
struct Stretch<'a> {
    quantity: u32,
    price: i128,
    line: &'a crate::sample::facts::Line,
    active: Vec<&'a Discount>,
    ended: Vec<&'a Discount>,
    measure: i64,
}

/// Sums up the charged days of `period` within `cell`.
pub(super) fn owed(
    known: &KnownLine<'_>,
    as_of: NaiveDate,
    (cell, period): (&Range<NaiveDate>, &Range<NaiveDate>),
    billable: NaiveDate,
    method: Option<Proration>,
) -> Owed {
    let grid = Grid::new(known.contract);
    let days: Vec<NaiveDate> = each_day(period).filter(|day| known.is_charged(*day)).collect();
    let charged = i64::try_from(days.len()).unwrap_or(i64::MAX);
    let measure = Measure::new(method, grid, cell, charged);
    let line_id = known.segments.first().map_or("", |segment| segment.line.id.as_str());
    let mut discounts: Vec<&Discount> = known
        .contract
        .discounts
        .iter()
        .filter(|discount| discount.signed <= as_of && discount.line.as_deref().is_none_or(|id| id == line_id))
        .collect();
    discounts.sort_by(|a, b| (a.sequence, &a.id).cmp(&(b.sequence, &b.id)));
    let mut stretches: Vec<Stretch<'_>> = Vec::new();
    let mut owed = Owed {
        whole: measure.whole(),
        measured: 0,
        units: 0,
        worth: 0,
        last_price: 0,
        last_version: 0,
        expected: Fraction::ZERO,
        expired: Fraction::ZERO,
        days: Vec::new(),
    };
    for day in &days {
        let Some(segment) = known.on(*day) else { continue };
        let price = period_price(segment.line.unit_price, segment.line.price_period, grid.months());
        let fits = |discount: &&&Discount| discount.version.is_none_or(|number| number == segment.version.number);
        let decisive = |discount: &Discount| if discount.is_by_invoice_date { billable } else { *day };
        let is_over = |discount: &Discount| discount.end.is_some_and(|end| end <= decisive(discount));
        let has_begun = |discount: &Discount| discount.start <= decisive(discount);
        let active = discounts.iter().filter(fits).filter(|d| has_begun(d) && !is_over(d)).copied().collect();
        // Only an end before the period's own counts as expired within it.
        let ends_inside = |discount: &Discount| discount.end.is_some_and(|end| end < period.end);
        let ended = discounts.iter().filter(fits).filter(|d| is_over(d) && ends_inside(d)).copied().collect();
        let next = Stretch {
            quantity: segment.line.quantity,
            price,
            line: segment.line,
            active,
            ended,
            measure: measure.day(*day),
        };
        owed.last_price = price;
        owed.last_version = owed.last_version.max(segment.version.number);
        match stretches.iter_mut().find(|stretch| stretch.is_like(&next)) {
            Some(stretch) => stretch.measure += next.measure,
            None => stretches.push(next),
        }
    }
    let exponent = known.contract.currency.exponent();
    for stretch in &stretches {
        let quantity = i128::from(stretch.quantity);
        owed.measured += stretch.measure;
        owed.units += quantity * i128::from(stretch.measure);
        owed.worth += quantity * stretch.price * i128::from(stretch.measure);
        owed.expected = owed.expected + stretch.net(measure.whole(), exponent, grid.months());
        owed.expired = owed.expired + stretch.expired(measure.whole(), exponent, grid.months());
    }
    owed.days = days;
    owed
}

impl Stretch<'_> {
    fn is_like(&self, other: &Stretch<'_>) -> bool {
        let same = |a: &[&Discount], b: &[&Discount]| a.iter().map(|d| &d.id).eq(b.iter().map(|d| &d.id));
        self.quantity == other.quantity
            && self.price == other.price
            && same(&self.active, &other.active)
            && same(&self.ended, &other.ended)
    }

    fn share(&self, whole: i64) -> Fraction {
        Fraction::new(i128::from(self.measure), i128::from(whole))
    }

    fn gross(&self, whole: i64) -> Fraction {
        Fraction::decimal(self.price * i128::from(self.quantity), 8) * self.share(whole)
    }

    fn net(&self, whole: i64, exponent: u32, months: i32) -> Fraction {
        let gross = self.gross(whole);
        let mut net = gross;
        let mut amounts = Fraction::ZERO;
        for discount in &self.active {
            match discount.value {
                DiscountValue::Percent(points) if discount.is_additive => {
                    net = net - gross * Fraction::decimal(points, 6);
                }
                DiscountValue::Percent(points) => {
                    net = net * Fraction::decimal(1_000_000 - points, 6);
                }
                DiscountValue::Amount(minor) => {
                    let whole_amount = amount_per_period(minor, exponent, self.line.price_period, months);
                    amounts = amounts + whole_amount * self.share(whole);
                }
            }
        }
        if net.less_than(amounts) { Fraction::ZERO } else { net - amounts }
    }

    fn expired(&self, whole: i64, exponent: u32, months: i32) -> Fraction {
        self.ended
            .iter()
            .map(|discount| match discount.value {
                DiscountValue::Percent(points) => self.gross(whole) * Fraction::decimal(points, 6),
                DiscountValue::Amount(minor) => {
                    amount_per_period(minor, exponent, self.line.price_period, months) * self.share(whole)
                }
            })
            .sum()
    }
}
