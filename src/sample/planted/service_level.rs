//! Credits owed for missed uptime.

use super::Finding;
use super::obligation::expected;
use super::service::about_contract;
use crate::sample::billing::line_ids;
use crate::sample::company::Company;
use crate::sample::facts::{Charge, Contract, ServiceLevel};
use crate::sample::fraction::{Fraction, divide_half_up};
use crate::sample::months::{add_days, add_months, days_between, month_start};
use crate::sample::periods::KnownLine;
use crate::sample::world::World;
use chrono::{Duration, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

/// An outage is published half an hour after it ends.
const PUBLISHED_AFTER: Duration = Duration::minutes(30);

/// A month in which less was up than promised.
#[derive(Debug, Clone, Copy)]
struct Missed {
    month: NaiveDate,
    next: NaiveDate,
    /// Minor units.
    owed: i128,
    settled: i128,
}

impl Missed {
    fn claim_end(&self, promise: &ServiceLevel) -> Option<NaiveDate> {
        promise.claim_days.map(|days| add_days(self.next, days))
    }
}

/// What uptime notes pay, by credit note.
pub(super) type Settled = BTreeMap<String, i128>;

/// Findings O3, and what each note with reason `sla` settles.
pub(super) fn findings(company: &Company, world: &World, as_of: NaiveDate) -> (Vec<Finding>, Settled) {
    let mut findings = Vec::new();
    let mut settled = Settled::new();
    for contract in &world.contracts {
        let Some(promise) = contract.clauses.service_level else { continue };
        let mut missed = missed(world, contract, &promise, as_of);
        settled.extend(settle(world, contract, &promise, &mut missed, as_of));
        let is_planted = !company.lapses.gives_credit(contract.account);
        let is_claimable = |missed: &&Missed| missed.claim_end(&promise).is_none_or(|end| as_of <= end);
        for missed in missed.iter().filter(is_claimable).filter(|missed| missed.owed > missed.settled) {
            findings.push(Finding {
                is_planted,
                gap: missed.settled - missed.owed,
                end: Some(missed.next),
                holds_from: missed.next,
                ..about_contract(contract, "O3", "liability", missed.month)
            });
        }
    }
    (findings, settled)
}

/// The days of a contract's life, as known on `as_of`.
fn is_served(contract: &Contract, month: NaiveDate, next: NaiveDate, as_of: NaiveDate) -> bool {
    let begin = contract.go_live.map_or(contract.start, |date| date.max(contract.start));
    KnownLine::contract_end(contract, as_of).is_some_and(|end| begin <= month && next <= end)
}

/// Uptime of a month, percent points at 6 digits.
fn uptime(world: &World, month: NaiveDate, next: NaiveDate, as_of: NaiveDate) -> i128 {
    let known = world.meters.outages().iter().filter(|(_, end)| (*end + PUBLISHED_AFTER).date() <= as_of);
    // Outages never overlap and end on the day they begin.
    let down: i64 = known
        .filter(|(begin, _)| month <= begin.date() && begin.date() < next)
        .map(|(begin, end)| (*end - *begin).num_seconds())
        .sum();
    let seconds = i128::from(days_between(month, next)) * 86_400;
    100_000_000 - divide_half_up(i128::from(down) * 100_000_000, seconds)
}

fn missed(world: &World, contract: &Contract, promise: &ServiceLevel, as_of: NaiveDate) -> Vec<Missed> {
    let months: BTreeSet<NaiveDate> =
        world.meters.outages().iter().map(|(begin, _)| month_start(begin.date())).collect();
    let exponent = contract.currency.exponent();
    let mut missed = Vec::new();
    for month in months {
        let next = add_months(month, 1);
        let is_over = next <= as_of && is_served(contract, month, next, as_of);
        if !is_over || uptime(world, month, next, as_of) >= promise.target * 100 {
            continue;
        }
        let fee = fee(world, contract, month, as_of);
        let of = |percent: i128| (Fraction::decimal(fee, exponent) * Fraction::decimal(percent, 6)).minor(exponent);
        let owed = promise.cap.map_or(of(promise.credit), |cap| of(promise.credit).min(of(cap)));
        missed.push(Missed { month, next, owed, settled: 0 });
    }
    missed
}

/// What the recurring lines of a contract cost for a month, period by period by calendar days; the remainder of a period's
/// rounding lies in its last month.
fn fee(world: &World, contract: &Contract, month: NaiveDate, as_of: NaiveDate) -> i128 {
    let next = add_months(month, 1);
    let mut sum = 0;
    for id in line_ids(contract) {
        let lines = contract.versions.iter().flat_map(|version| &version.lines);
        let is_recurring = lines.into_iter().any(|line| line.id == id && line.product.charge == Charge::Recurring);
        if !is_recurring {
            continue;
        }
        let periods = expected(contract, (id, &world.meters), &(month..next), as_of).into_iter();
        // A line of later days may share the cell, but nothing of the month.
        for (period, amount) in periods.filter(|(period, _)| period.start < next && month < period.end) {
            let length = i128::from(days_between(period.start, period.end));
            let share = |from: NaiveDate, to: NaiveDate| {
                divide_half_up(amount * i128::from(days_between(from.max(period.start), to.min(period.end))), length)
            };
            if next < period.end {
                sum += share(month, next);
                continue;
            }
            let mut before = 0;
            let mut earlier = month_start(period.start);
            while earlier < month {
                before += share(earlier, add_months(earlier, 1));
                earlier = add_months(earlier, 1);
            }
            sum += amount - before;
        }
    }
    sum
}

/// Lets the contract's uptime notes pay, oldest month first: none that has lapsed, none that is still to come.
fn settle(
    world: &World,
    contract: &Contract,
    promise: &ServiceLevel,
    missed: &mut [Missed],
    as_of: NaiveDate,
) -> Settled {
    let mut notes: Vec<_> = world
        .invoices
        .iter()
        .filter(|invoice| invoice.contract == contract.id)
        .flat_map(|invoice| &invoice.credits)
        .filter(|note| note.is_known(as_of) && note.reason == Some("sla") && note.amount > 0)
        .collect();
    notes.sort_by_key(|note| (note.issued, note.id.clone()));
    let mut paid = 0;
    let mut settled = Settled::new();
    for note in notes {
        let (mut sum, mut lapsed, mut owed) = (0, 0, 0);
        for month in missed.iter() {
            sum += month.owed;
            if month.claim_end(promise).is_some_and(|end| end < note.issued) {
                lapsed = sum;
            }
            if month.next <= note.issued {
                owed = sum;
            }
        }
        let from = lapsed.max(paid);
        let to = from.max((from + note.amount).min(owed));
        let mut before = 0;
        for month in missed.iter_mut() {
            month.settled += (to.min(before + month.owed) - from.max(before)).max(0);
            before += month.owed;
        }
        settled.insert(note.id.clone(), to - from);
        paid = to;
    }
    settled
}
