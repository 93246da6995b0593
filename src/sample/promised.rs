//! Which contracts promise spending, and how much of it.

use super::activity::Activity;
use super::company::{Account, Frequency};
use super::facts::{Anchor, Charge, Commitment, CommitmentPeriod, Contract, Line, Pricing, RampStep};
use super::fraction::Fraction;
use super::meters::metric;
use super::months::{add_days, add_months};
use super::periods::Grid;
use super::random::Stream;
use super::rating;
use super::schedule;
use chrono::{Datelike, NaiveDate};

/// What a month of a line usually costs, in major units.
fn usual(activity: &Activity<'_>, account: &Account, contract: &Contract, line: &Line, date: NaiveDate) -> Fraction {
    let exponent = contract.currency.exponent();
    if line.product.charge == Charge::Recurring {
        let months = contract.frequency.months();
        let price = schedule::price(contract, line, months, date, date).last();
        let units = schedule::quantity(contract, line, date);
        let a_period = Fraction::decimal(price, 8) * Fraction::whole(i128::from(units));
        return a_period * Fraction::new(1, i128::from(months));
    }
    let Some(metric) = metric(&line.product) else { return Fraction::ZERO };
    let units = Fraction::new(i128::from(activity.usual_month(account, metric)), i128::from(line.rating.unit_size));
    rating::gross(line, units, rating::included(line, 1, (1, 1)), 1, exponent)
}

/// A round amount of money, in minor units.
fn round_money(amount: Fraction, exponent: u32) -> i128 {
    let step = 10_i128.pow(exponent) * 10;
    (amount.minor(exponent) / step).max(1) * step
}

/// Whether promises would be counted over other periods than the contract's own: a balance that begins on another day
/// would be drawn by shares of them.
fn is_odd(contract: &Contract) -> bool {
    let grid = Grid::new(contract);
    (0..12).any(|cell| grid.boundary(cell).day() > 28)
        || contract.anchor == Some(Anchor::Calendar)
        || contract.frequency == Frequency::Annual
}

/// Adds the commitment of a contract that was just drawn up; `lines` are those it has on the day its meters run.
pub(super) fn promise(
    activity: &Activity<'_>,
    account: &Account,
    contract: &mut Contract,
    (begins, end): (NaiveDate, Option<NaiveDate>),
    lines: &[Line],
    draw: &mut Stream,
) {
    let metered: Vec<&Line> = lines.iter().filter(|line| line.product.charge == Charge::Usage).collect();
    let roll = draw.below(100);
    if is_odd(contract) || metered.is_empty() || roll >= 62 || end.is_some_and(|end| end < add_months(begins, 3)) {
        return;
    }
    let is_prepaid = roll < 24;
    let period = match draw.below(10) {
        0..=2 if contract.frequency == Frequency::Monthly && !is_prepaid => CommitmentPeriod::Month,
        0..=6 => CommitmentPeriod::Quarter,
        7..=8 => CommitmentPeriod::Year,
        _ if end.is_some() => CommitmentPeriod::Term,
        _ => CommitmentPeriod::Quarter,
    };
    let months = match period {
        CommitmentPeriod::Month => 1,
        CommitmentPeriod::Quarter => 3,
        CommitmentPeriod::Year => 12,
        CommitmentPeriod::Term => (1..60).find(|months| end <= Some(add_months(begins, *months))).unwrap_or(12),
    };
    // Seats and fees that are settled after the fact would come too late for a true-up.
    let is_settled_at_once = lines.iter().all(|line| line.seats.is_none() && line.product.charge != Charge::OneOff);
    let counts_all = !is_prepaid && draw.chance(250) && is_settled_at_once;
    let ratio = if is_prepaid { draw.between(250, 800) } else { draw.between(700, 2_300) };
    let scope: Vec<&Line> = if counts_all { lines.iter().collect() } else { metered };
    let a_month: Fraction = scope.iter().map(|line| usual(activity, account, contract, line, begins)).sum();
    let exponent = contract.currency.exponent();
    let whole = a_month * Fraction::whole(months.into()) * Fraction::new(ratio.into(), 1_000);
    let amount = round_money(whole, exponent);
    let by_units = scope.first().filter(|line| {
        let is_simple = matches!(line.pricing, Pricing::PerUnit | Pricing::Graduated | Pricing::Volume);
        scope.len() == 1 && !counts_all && !is_prepaid && is_simple && line.rating.included.is_none()
    });
    let units = by_units.filter(|_| draw.chance(400)).and_then(|line| metric(&line.product)).map(|metric| {
        let size = by_units.map_or(1, |line| line.rating.unit_size);
        (activity.usual_month(account, metric) / size * i64::from(months) * ratio / 1_000).max(1)
    });
    let price = Fraction::decimal(amount, exponent).over(Fraction::whole(units.unwrap_or(1).into()));
    let steps = matches!(period, CommitmentPeriod::Month | CommitmentPeriod::Quarter) && draw.chance(250);
    if let Some(line) = scope.first().filter(|_| steps && units.is_none() && !counts_all) {
        contract.ramps.push(RampStep {
            line: line.id.clone(),
            start: add_months(begins, 6),
            quantity: None,
            unit_price: None,
            percent: None,
            commit: Some(amount * 5 / 4),
        });
    }
    contract.commitments.push(Commitment {
        id: format!("{}-m1", contract.id),
        lines: if counts_all { Vec::new() } else { scope.iter().map(|line| line.id.clone()).collect() },
        amount: units.is_none().then_some(amount),
        quantity: units,
        overage_unit_price: units.map(|_| price.digits(4) * 10_000),
        period,
        is_prepaid,
        is_prorated: draw.chance(600),
        start: begins,
        end: end.filter(|end| !contract.is_holdover && add_days(begins, 1) < *end),
    });
}
