//! What a service period owes by contract: days, quantities, prices and discounts of each day.

use crate::sample::charge::amount_per_period;
use crate::sample::facts::{Charge, Discount, DiscountValue, Line, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::meters::Meters;
use crate::sample::months::{add_days, days_between};
use crate::sample::periods::{Grid, KnownLine, Measure, each_day};
use crate::sample::rating;
use crate::sample::schedule::{self, Price};
use crate::sample::seats::{self, Count};
use chrono::NaiveDate;
use std::ops::Range;

/// Digits of a quantity.
const QUANTITY_DIGITS: u32 = 6;
const UNIT: i128 = 1_000_000;

/// One service period of one line, and what is needed to say what it owes.
pub(super) struct Ask<'a> {
    pub(super) known: &'a KnownLine<'a>,
    pub(super) meters: &'a Meters,
    pub(super) as_of: NaiveDate,
    pub(super) cell: &'a Range<NaiveDate>,
    pub(super) period: &'a Range<NaiveDate>,
    pub(super) billable: NaiveDate,
    pub(super) is_one_off: bool,
}

/// What a service period owes, as sums over its charged days.
#[derive(Debug, Clone)]
pub(super) struct Owed<'a> {
    /// Measure of a whole period.
    pub(super) whole: i64,
    /// Sum of the charged days' measure.
    pub(super) measured: i64,
    /// Sum of quantity times measure.
    pub(super) units: Fraction,
    /// The same without seats beyond the contracted ones.
    pub(super) contracted: Fraction,
    /// Sum of quantity times price times measure, with no price rise, with at most one, and so on.
    pub(super) worth: Vec<Fraction>,
    /// The code of each price rise.
    pub(super) kinds: Vec<&'static str>,
    /// Before discounts, exact, in major units.
    pub(super) gross: Fraction,
    /// What any number of units costs, where that is more than a product: lines and their shares of the period.
    pub(super) rated: Vec<(&'a Line, Fraction, Fraction)>,
    /// Months of a whole period.
    pub(super) months: i32,
    /// Price of a whole period (8 digits) on the last charged day.
    pub(super) last_price: i128,
    /// Number of the last version in force.
    pub(super) last_version: u32,
    /// The line as the last charged day's version states it.
    pub(super) last_line: Option<&'a Line>,
    /// Exact, in major units.
    pub(super) expected: Fraction,
    /// What discounts that have ended would still take off, exact, in major units.
    pub(super) expired: Fraction,
    /// Charged days.
    pub(super) days: Vec<NaiveDate>,
    /// Charged days on which a discount has ended.
    pub(super) expired_days: Vec<NaiveDate>,
}

/// One kind of day of a period: same terms, same discounts.
struct Stretch<'a> {
    line: &'a Line,
    units: i128,
    contracted: i128,
    price: Price,
    active: Vec<&'a Discount>,
    ended: Vec<&'a Discount>,
    measure: i64,
}

/// How the days of a period weigh.
struct Scale {
    measure: Measure,
    whole: i64,
    is_by_use: bool,
    is_by_day: bool,
}

impl<'a> Ask<'a> {
    fn line(&self) -> Option<&'a Line> {
        self.known.segments.last().map(|segment| segment.line)
    }

    fn used(&self, line: &Line, day: NaiveDate) -> i64 {
        self.meters.used(self.known.contract.account, &line.product, &(day..add_days(day, 1)))
    }

    fn scale(&self, days: &[NaiveDate], line: &Line) -> Scale {
        let charged = i64::try_from(days.len()).unwrap_or(i64::MAX);
        let measure = Measure::new(self.known.contract.proration, Grid::new(self.known.contract), self.cell, charged);
        let is_usage = line.product.charge == Charge::Usage;
        let total: i64 = if is_usage { days.iter().map(|day| self.used(line, *day)).sum() } else { 0 };
        let is_by_use = is_usage && line.pricing != Pricing::Flat && total != 0;
        let is_by_day = self.is_one_off || (is_usage && !is_by_use);
        let whole = match (is_by_use, is_by_day) {
            (true, _) => total,
            (_, true) => charged,
            _ => measure.whole(),
        };
        Scale { measure, whole, is_by_use, is_by_day }
    }

    fn weigh(&self, scale: &Scale, line: &Line, day: NaiveDate) -> i64 {
        match (scale.is_by_use, scale.is_by_day) {
            (true, _) => self.used(line, day),
            (_, true) => 1,
            _ => scale.measure.day(day),
        }
    }

    /// What the period owes; none where a term is missing.
    pub(super) fn owed(&self, discounts: &'a [Discount]) -> Option<Owed<'a>> {
        let known = self.known;
        let grid = Grid::new(known.contract);
        let line = self.line()?;
        let days: Vec<NaiveDate> = each_day(self.period).filter(|day| known.is_charged(*day)).collect();
        let scale = self.scale(&days, line);
        // Where nothing at all was measured nobody can say that nothing was used.
        let is_measured = line.product.charge == Charge::Usage && line.pricing != Pricing::Flat;
        if is_measured && scale.is_by_day && !days.is_empty() {
            return None;
        }
        let count = match line.seats {
            Some(terms) => {
                let cell = grid.cell_of(self.cell.start);
                seats::count(self.meters, known, terms, (cell, self.period), self.as_of)
            }
            None => Count::Contracted,
        };
        if count == Count::Missing && !days.is_empty() {
            return None;
        }
        let mut owed = Owed::nothing(scale.whole, grid.months());
        let mut stretches: Vec<Stretch<'a>> = Vec::new();
        for day in &days {
            let segment = known.on(*day)?;
            let price = schedule::price(known.contract, segment.line, grid.months(), *day, self.as_of);
            let effective = segment.version.effective;
            let versions = known.contract.versions.iter().filter(|version| version.signed <= self.as_of);
            let is_in_doubt = versions.filter(|version| version.effective == effective).count() > 1;
            if !price.is_known || segment.line.lacks_price || is_in_doubt {
                return None;
            }
            let (units, contracted) = self.units(segment.line, *day, count, &scale);
            let (active, ended) = self.discounts_on(discounts, segment.version.number, *day);
            let measure = self.weigh(&scale, segment.line, *day);
            if !ended.is_empty() {
                owed.expired_days.push(*day);
            }
            let next = Stretch { line: segment.line, units, contracted, price, active, ended, measure };
            owed.last_price = next.price.last();
            owed.last_version = owed.last_version.max(segment.version.number);
            owed.last_line = Some(segment.line);
            match stretches.iter_mut().find(|stretch| stretch.is_like(&next)) {
                Some(stretch) => stretch.measure += measure,
                None => stretches.push(next),
            }
        }
        self.sum(&mut owed, &stretches, &scale, &days);
        owed.days = days;
        Some(owed)
    }

    /// Units and contracted units of a day, at 6 digits; of usage the whole period's.
    fn units(&self, line: &Line, day: NaiveDate, count: Count, scale: &Scale) -> (i128, i128) {
        if line.pricing == Pricing::Flat {
            return (UNIT, UNIT);
        }
        if line.product.charge == Charge::Usage {
            let used = if scale.is_by_use { scale.whole } else { 0 };
            let units = i128::from(used) * UNIT / i128::from(line.rating.unit_size);
            return (units, units);
        }
        let contracted = schedule::quantity(self.known.contract, line, day);
        let stated = i128::from(contracted) * UNIT;
        match (count, line.seats) {
            (Count::Seats(count), Some(terms)) => (seats::charged(terms, contracted, count), stated),
            _ => (stated, stated),
        }
    }

    /// Discounts that hold on a day, and those that have ended.
    fn discounts_on(
        &self,
        discounts: &'a [Discount],
        version: u32,
        day: NaiveDate,
    ) -> (Vec<&'a Discount>, Vec<&'a Discount>) {
        let fits = |discount: &&Discount| discount.version.is_none_or(|number| number == version);
        let decisive = |discount: &Discount| if discount.is_by_invoice_date { self.billable } else { day };
        let is_over = |discount: &Discount| discount.end.is_some_and(|end| end <= decisive(discount));
        let has_begun = |discount: &Discount| discount.start <= decisive(discount);
        let active = discounts.iter().filter(fits).filter(|d| has_begun(d) && !is_over(d)).collect();
        let ended = discounts.iter().filter(fits).filter(|d| is_over(d)).collect();
        (active, ended)
    }

    fn sum(&self, owed: &mut Owed<'a>, stretches: &[Stretch<'a>], scale: &Scale, days: &[NaiveDate]) {
        let exponent = self.known.contract.currency.exponent();
        let longest = stretches.iter().max_by_key(|stretch| stretch.price.kinds.len());
        owed.kinds = longest.map(|stretch| stretch.price.kinds.clone()).unwrap_or_default();
        owed.worth = vec![Fraction::ZERO; owed.kinds.len() + 1];
        let share = rating::share(self.cell, |day| days.binary_search(&day).is_ok());
        for stretch in stretches {
            let measure = Fraction::whole(i128::from(stretch.measure));
            let part = Fraction::new(i128::from(stretch.measure), i128::from(scale.whole));
            let units = Fraction::decimal(stretch.units, QUANTITY_DIGITS);
            owed.measured += stretch.measure;
            owed.units = owed.units + units * measure;
            owed.contracted = owed.contracted + Fraction::decimal(stretch.contracted, QUANTITY_DIGITS) * measure;
            for (steps, worth) in owed.worth.iter_mut().enumerate() {
                let at = steps.min(stretch.price.kinds.len());
                let price = stretch.price.path.get(at).copied().unwrap_or(0);
                *worth = *worth + units * Fraction::decimal(price, 8) * measure;
            }
            let whole = if rating::is_rated(stretch.line) {
                let included = rating::included(stretch.line, owed.months, share);
                owed.rated.push((stretch.line, part, included));
                rating::gross(stretch.line, units, included, owed.months, exponent)
            } else {
                units * Fraction::decimal(stretch.price.last(), 8)
            };
            let money = Money { whole, part, months: owed.months, exponent };
            owed.gross = owed.gross + whole * part;
            owed.expected = owed.expected + stretch.net(&money);
            owed.expired = owed.expired + stretch.expired(&money);
        }
    }
}

impl Owed<'_> {
    fn nothing(whole: i64, months: i32) -> Self {
        Owed {
            whole,
            measured: 0,
            units: Fraction::ZERO,
            contracted: Fraction::ZERO,
            worth: vec![Fraction::ZERO],
            kinds: Vec::new(),
            gross: Fraction::ZERO,
            rated: Vec::new(),
            months,
            last_price: 0,
            last_version: 0,
            last_line: None,
            expected: Fraction::ZERO,
            expired: Fraction::ZERO,
            days: Vec::new(),
            expired_days: Vec::new(),
        }
    }

    /// Gross of so many units on the terms of the period's days.
    pub(super) fn rate(&self, units: Fraction, exponent: u32) -> Fraction {
        let parts = self.rated.iter();
        parts.map(|(line, part, included)| rating::gross(line, units, *included, self.months, exponent) * *part).sum()
    }
}

/// What a whole period on a stretch's terms costs, and the stretch's part of it.
struct Money {
    whole: Fraction,
    part: Fraction,
    months: i32,
    exponent: u32,
}

impl Stretch<'_> {
    fn is_like(&self, other: &Stretch<'_>) -> bool {
        let same = |a: &[&Discount], b: &[&Discount]| a.iter().map(|d| &d.id).eq(b.iter().map(|d| &d.id));
        self.units == other.units
            && self.contracted == other.contracted
            && self.price == other.price
            && (self.line == other.line || !rating::is_rated(self.line))
            && same(&self.active, &other.active)
            && same(&self.ended, &other.ended)
    }

    fn amount(&self, minor: i128, money: &Money) -> Fraction {
        amount_per_period(minor, money.exponent, self.line.price_period, money.months) * money.part
    }

    fn net(&self, money: &Money) -> Fraction {
        let gross = money.whole * money.part;
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
                DiscountValue::Amount(minor) => amounts = amounts + self.amount(minor, money),
            }
        }
        if net.less_than(amounts) { Fraction::ZERO } else { net - amounts }
    }

    fn expired(&self, money: &Money) -> Fraction {
        self.ended
            .iter()
            .map(|discount| match discount.value {
                DiscountValue::Percent(points) => money.whole * money.part * Fraction::decimal(points, 6),
                DiscountValue::Amount(minor) => self.amount(minor, money),
            })
            .sum()
    }
}

/// Calendar days of a range.
pub(super) fn length(days: &Range<NaiveDate>) -> i64 {
    days_between(days.start, days.end)
}
