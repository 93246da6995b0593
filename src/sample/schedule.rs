//! What a line costs on a day where more than its version decides: ramp steps and price rises.

use super::facts::{Charge, Contract, Discount, DiscountValue, Escalator, Line, Pricing, RampStep, Uplift};
use super::fraction::{Fraction, divide_half_up};
use super::months::add_months;
use super::periods::period_price;
use super::price_index;
use chrono::{Datelike, NaiveDate};

/// Digits of a rate of increase.
const RATE_DIGITS: u32 = 12;
/// Price rises are followed for no longer than this.
const MOST_STEPS: i32 = 400;

/// The price of a whole billing period on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Before any rise, after the first, and so on, at 8 digits.
    pub path: Vec<i128>,
    /// The code of each rise that a biller may miss: P3 or P4.
    pub kinds: Vec<&'static str>,
    /// Since when a value is missing without which the price cannot be known.
    pub is_known: bool,
}

impl Price {
    /// After all rises.
    pub fn last(&self) -> i128 {
        self.path.last().copied().unwrap_or(0)
    }
}

/// The ramp steps of a line.
pub fn ramp<'a>(contract: &'a Contract, line_id: &'a str) -> impl DoubleEndedIterator<Item = &'a RampStep> + Clone {
    contract.ramps.iter().filter(move |step| step.line == line_id)
}

/// The step whose value of one field holds on a day, with that value.
fn in_force<T>(
    contract: &Contract,
    line_id: &str,
    day: NaiveDate,
    field: impl Fn(&RampStep) -> Option<T>,
) -> Option<(NaiveDate, T)> {
    ramp(contract, line_id)
        .filter(|step| step.start <= day)
        .filter_map(|step| field(step).map(|value| (step.start, value)))
        .max_by_key(|(start, _)| *start)
}

/// Contracted units on a day.
pub fn quantity(contract: &Contract, line: &Line, day: NaiveDate) -> u32 {
    in_force(contract, &line.id, day, |step| step.quantity).map_or(line.quantity, |(_, quantity)| quantity)
}

/// Units before the ramp stage of a day, stage by stage.
pub fn earlier_quantities(contract: &Contract, line: &Line, day: NaiveDate) -> Vec<u32> {
    let Some((now, _)) = in_force(contract, &line.id, day, |step| step.quantity) else { return Vec::new() };
    let steps = ramp(contract, &line.id).filter(|step| step.start < now).filter_map(|step| step.quantity);
    std::iter::once(line.quantity).chain(steps).collect()
}

/// Prices of a whole billing period before the ramp stage of a day, stage by stage.
pub fn earlier_prices(contract: &Contract, line: &Line, months: i32, day: NaiveDate) -> Vec<i128> {
    let Some((now, _)) = in_force(contract, &line.id, day, |step| step.unit_price) else { return Vec::new() };
    let steps = ramp(contract, &line.id).filter(|step| step.start < now).filter_map(|step| step.unit_price);
    std::iter::once(line.unit_price).chain(steps).map(|price| restated(line, price, months)).collect()
}

/// How much of what is measured is one unit of a line.
pub fn unit_size(contract: &Contract, line_id: &str) -> i128 {
    let mut lines = contract.versions.iter().flat_map(|version| &version.lines);
    lines.find(|line| line.id == line_id).map_or(1, |line| i128::from(line.rating.unit_size))
}

/// A price restated to the billing period, in the digits the contract says.
fn restated(line: &Line, unit_price: i128, months: i32) -> i128 {
    // A metered unit costs the same however long the period is.
    if line.product.charge == Charge::Usage && line.pricing != Pricing::Flat {
        return in_digits(line, unit_price);
    }
    in_digits(line, period_price(unit_price, line.price_period, months))
}

fn in_digits(line: &Line, price: i128) -> i128 {
    let step = 10_i128.pow(8 - line.price_decimals.unwrap_or(8).min(8));
    divide_half_up(price, step) * step
}

/// The price of a line on a day, as known at the end of `as_of`.
pub fn price(contract: &Contract, line: &Line, months: i32, day: NaiveDate, as_of: NaiveDate) -> Price {
    let ramped = in_force(contract, &line.id, day, |step| step.unit_price);
    let base = restated(line, ramped.map_or(line.unit_price, |(_, price)| price), months);
    let mut price = Price { path: vec![base], kinds: Vec::new(), is_known: true };
    let mut steps: Vec<(NaiveDate, &'static str, &Escalator)> = contract
        .escalators
        .iter()
        .filter(|escalator| escalator.line == line.id)
        .flat_map(|escalator| dates(escalator, day).map(move |date| (date, kind(escalator), escalator)))
        .filter(|(date, _, escalator)| counts(escalator, *date, as_of))
        .filter(|(date, _, _)| ramped.is_none_or(|(start, _)| *date > start))
        .collect();
    steps.sort_by_key(|(date, kind, _)| (*date, *kind));
    let mut sum = 0;
    for (date, kind, escalator) in steps {
        let Some(rate) = rate(escalator, date, as_of) else {
            price.is_known = false;
            break;
        };
        sum += rate;
        let (from, by) = if escalator.is_compounding.unwrap_or(true) { (price.last(), rate) } else { (base, sum) };
        let raised = divide_half_up(from * (10_i128.pow(RATE_DIGITS) + by), 10_i128.pow(RATE_DIGITS));
        price.path.push(in_digits(line, raised));
        price.kinds.push(kind);
    }
    price
}

/// Days of its rises up to and including `until`.
pub fn dates(escalator: &Escalator, until: NaiveDate) -> impl Iterator<Item = NaiveDate> + use<> {
    let (first, every) = (escalator.first, escalator.every_months);
    (0..MOST_STEPS).map(move |step| add_months(first, step * every)).take_while(move |date| *date <= until)
}

/// Whether a rise happens: by itself, or because notice was given in time.
pub fn counts(escalator: &Escalator, date: NaiveDate, as_of: NaiveDate) -> bool {
    escalator.is_mandatory || escalator.notice.is_some_and(|notice| notice <= as_of && notice <= date)
}

fn kind(escalator: &Escalator) -> &'static str {
    match escalator.uplift {
        Uplift::Fixed(_) => "P3",
        Uplift::Index { .. } => "P4",
    }
}

/// The rate of a rise at 12 digits; none where a value of its index is not published by `as_of`.
pub fn rate(escalator: &Escalator, date: NaiveDate, as_of: NaiveDate) -> Option<i128> {
    // Percent points at 4 digits as a rate at 12.
    let points = |percent: i128| percent * 10_i128.pow(RATE_DIGITS - 6);
    match escalator.uplift {
        Uplift::Fixed(percent) => Some(points(percent)),
        Uplift::Index { name, lag_months, margin, cap, floor } => {
            let lag = lag_months.unwrap_or(0);
            let month = date.with_day(1)?;
            let value = |months: i32| {
                let month = add_months(month, -months);
                price_index::value(name, month).filter(|_| price_index::published(month) <= as_of)
            };
            let (now, before) = (value(lag)?, value(lag + escalator.every_months)?);
            let change = (Fraction::new(now, before) - Fraction::ONE).digits(RATE_DIGITS);
            let rate = change + points(margin.unwrap_or(0));
            let rate = cap.map_or(rate, |cap| rate.min(points(cap)));
            Some(floor.map_or(rate, |floor| rate.max(points(floor))))
        }
    }
}

/// All discounts of a line in the order they apply: those of its ramp in front of the others.
pub fn discounts(contract: &Contract, line_id: &str, known_on: NaiveDate) -> Vec<Discount> {
    let stages: Vec<(NaiveDate, i128)> =
        ramp(contract, line_id).filter_map(|step| step.percent.map(|percent| (step.start, percent))).collect();
    let ramped = stages.iter().enumerate().map(|(at, (start, percent))| Discount {
        id: format!("ramp {start}"),
        line: Some(line_id.to_owned()),
        version: None,
        value: DiscountValue::Percent(*percent),
        is_additive: false,
        sequence: i64::MIN,
        start: *start,
        end: stages.get(at + 1).map(|(next, _)| *next),
        is_by_invoice_date: false,
        reason: "ramp",
        signed: contract.versions.first().map_or(contract.start, |version| version.signed),
    });
    let mut discounts: Vec<Discount> = contract
        .discounts
        .iter()
        .filter(|discount| discount.line.as_deref().is_none_or(|line| line == line_id))
        .cloned()
        .chain(ramped)
        .filter(|discount| discount.signed <= known_on)
        .collect();
    discounts.sort_by(|a, b| (a.sequence, &a.id).cmp(&(b.sequence, &b.id)));
    discounts
}
