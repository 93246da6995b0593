//! Prices that could be higher: under list before a renewal, and rises that nobody has given notice of.

use super::Finding;
use super::service::about_contract;
use crate::sample::billing::line_ids;
use crate::sample::company::Company;
use crate::sample::facts::PricePeriod;
use crate::sample::facts::{Charge, Contract, Line, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::months::add_days;
use crate::sample::periods::{Grid, KnownLine, period_price};
use crate::sample::rating;
use crate::sample::rows_reference::list_price;
use crate::sample::schedule;
use chrono::NaiveDate;

/// Days before a renewal from which its price is talked about.
const WINDOW_DAYS: i64 = 90;
/// Steps are known this many days ahead.
const AHEAD_DAYS: i64 = 366;

/// A price that could be charged from a day on, as money of a year.
struct Chance {
    from: NaiveDate,
    year: Fraction,
}

/// Findings P7 of one contract.
pub(super) fn findings(company: &Company, contract: &Contract, as_of: NaiveDate) -> Vec<Finding> {
    let exponent = contract.currency.exponent();
    let renewal = renewal(contract, as_of);
    let mut findings = Vec::new();
    for id in line_ids(contract) {
        let Some(known) = KnownLine::new(contract, id, as_of) else { continue };
        let Some(line) = known.segments.last().map(|segment| segment.line) else { continue };
        let is_linear = known.segments.iter().all(|segment| !rating::is_rated(segment.line));
        if line.product.charge != Charge::Recurring || !is_linear {
            continue;
        }
        let mut chances: Vec<Chance> = unclaimed(contract, &known, id, as_of);
        chances.extend(renewal.and_then(|date| under_list(company, contract, &known, (date, as_of))));
        chances.sort_by_key(|chance| (chance.from, std::cmp::Reverse(chance.year.digits(10))));
        chances.dedup_by_key(|chance| chance.from);
        for chance in chances {
            let gap = chance.year.minor(exponent);
            if gap > 0 {
                findings.push(Finding {
                    is_planted: true,
                    line: id.to_owned(),
                    product: line.product.id,
                    gap,
                    ..about_contract(contract, "P7", "opportunity", chance.from)
                });
            }
        }
    }
    findings
}

/// The day the next term begins, where it is near and nobody has signed or said no yet.
fn renewal(contract: &Contract, as_of: NaiveDate) -> Option<NaiveDate> {
    let known = || contract.versions.iter().filter(|version| version.signed <= as_of);
    let current = known().rfind(|version| version.effective <= as_of).or_else(|| known().next())?;
    let date = current.end?;
    let is_renewed = contract.renewed.is_some_and(|(_, signed)| signed <= as_of);
    let is_terminated = contract.terminated.is_some_and(|(end, recorded)| recorded <= as_of && end < date);
    let is_near = as_of < date && add_days(date, -WINDOW_DAYS) <= as_of;
    (is_near && !is_renewed && !is_terminated).then_some(date)
}

fn units(contract: &Contract, line: &Line, day: NaiveDate) -> Fraction {
    if line.pricing == Pricing::Flat {
        return Fraction::ONE;
    }
    Fraction::whole(i128::from(schedule::quantity(contract, line, day)))
}

fn under_list(
    company: &Company,
    contract: &Contract,
    known: &KnownLine<'_>,
    (date, as_of): (NaiveDate, NaiveDate),
) -> Option<Chance> {
    let line = known.on(as_of)?.line;
    let months = Grid::new(contract).months();
    let price = schedule::price(contract, line, months, as_of, as_of);
    let list = list_price(company, line.product.id, contract.currency, as_of)?;
    let list = period_price(list, PricePeriod::Month, months);
    let more = list - price.last();
    let year = Fraction::decimal(more, 8) * units(contract, line, as_of) * Fraction::new(12, i128::from(months));
    (more > 0 && !line.lacks_price).then_some(Chance { from: date, year })
}

/// Rises that are due, that take a notice, and that nobody has ever given notice of.
fn unclaimed(contract: &Contract, known: &KnownLine<'_>, id: &str, as_of: NaiveDate) -> Vec<Chance> {
    let months = Grid::new(contract).months();
    let last = add_days(known.life.end.min(NaiveDate::MAX), -1).min(add_days(as_of, AHEAD_DAYS));
    let mut chances = Vec::new();
    for escalator in contract.escalators.iter().filter(|escalator| escalator.line == id && !escalator.is_mandatory) {
        if schedule::dates(escalator, last).any(|date| schedule::counts(escalator, date, as_of)) {
            continue;
        }
        for date in schedule::dates(escalator, as_of.min(last)) {
            let Some(line) = known.on(date).map(|segment| segment.line) else { continue };
            let price = schedule::price(contract, line, months, date, as_of);
            let Some(rate) = schedule::rate(escalator, date, as_of).filter(|rate| *rate > 0) else { continue };
            if !price.is_known || line.lacks_price {
                continue;
            }
            let value = Fraction::decimal(price.last(), 8) * units(contract, line, date);
            let year = value * Fraction::new(rate, 10_i128.pow(12)) * Fraction::new(12, i128::from(months));
            chances.push(Chance { from: date, year });
        }
    }
    chances
}
