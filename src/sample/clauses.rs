//! Clauses of contracts that are not about what a line costs in an ordinary period.

use super::company::{Account, Company, Frequency};
use super::facts::{Anchor, Charge, Contract, Exchange, LateFee, Pause, Pricing, ServiceLevel};
use super::lapses::{ranked, scaled};
use super::money::Currency;
use super::months::add_months;
use super::random::Stream;
use super::rating;
use std::collections::{BTreeMap, BTreeSet};

/// Writes the clauses of a contract whose first statement has just been written.
pub(super) fn agree(company: &Company, account: &Account, contract: &mut Contract, number: i32) {
    let key = u64::from(account.index) * 100 + u64::from(number.unsigned_abs());
    pauses(contract, Stream::new(company.spec.seed, "pauses", key));
    // Customers negotiate once, for all their contracts.
    let mut draw = Stream::new(company.spec.seed, "late fee", u64::from(account.index));
    contract.clauses.late_fee = draw.chance(130).then(|| LateFee {
        percent: draw.weighted((10_000, 40), &[(15_000, 40), (20_000, 20)]),
        after_days: draw.weighted((None, 40), &[(Some(0), 10), (Some(10), 35), (Some(30), 15)]),
    });
    let mut draw = Stream::new(company.spec.seed, "service level", u64::from(account.index));
    contract.clauses.service_level = draw.chance(110).then(|| ServiceLevel {
        metric: draw.weighted(("uptime", 70), &[("Uptime", 30)]),
        target: draw.weighted((999_000, 45), &[(995_000, 35), (980_000, 20)]),
        credit: draw.weighted((50_000, 50), &[(100_000, 30), (250_000, 20)]),
        cap: draw.weighted((None, 60), &[(Some(80_000), 40)]),
        claim_days: draw.weighted((None, 60), &[(Some(60), 20), (Some(120), 20)]),
    });
}

/// What an invoice in dollars would go by; none for contracts that are not at plain rates by the month or the quarter, so
/// that every invoice line is a whole period.
pub(super) fn exchange(company: &Company, account: &Account, contract: &Contract, is_plain: bool) -> Option<Exchange> {
    let is_simple = contract.anchor != Some(Anchor::Calendar)
        && contract.go_live.is_none()
        && contract.frequency.months() <= 3
        && contract.free_periods.is_empty()
        // A promise to spend in one currency and invoices in another would be a matter of their own.
        && contract.commitments.is_empty();
    let rate = match account.currency {
        Currency::Gbp => 126_000_000,
        Currency::Eur => 107_500_000,
        _ => return None,
    };
    let mut draw = Stream::new(company.spec.seed, "exchange", u64::from(account.index));
    let is_kept = draw.chance(150);
    let permille = i128::from(draw.between(930, 975));
    let billed_rate = if is_kept { rate } else { rate * permille / 1_000 };
    (is_plain && is_simple).then_some(Exchange { invoiced: Currency::Usd, rate, billed_rate })
}

/// Leaves invoices in dollars to the first customers of a fixed order whose lines of a year make up what a company of this
/// size has of them; the others are invoiced in the contract's currency.
pub(super) fn settle_in_dollars(company: &Company, contracts: &mut [Contract]) {
    // What is signed later changes nobody's place, so that a later horizon only adds.
    let year = add_months(company.spec.start, -4)..add_months(company.spec.start, 8);
    let mut lines: BTreeMap<u32, usize> = BTreeMap::new();
    for contract in contracts.iter().filter(|contract| year.contains(&contract.start)) {
        if contract.clauses.exchange.is_some_and(|exchange| exchange.billed_rate != exchange.rate) {
            *lines.entry(contract.account).or_default() +=
                contract.versions.first().map_or(0, |first| first.lines.len());
        }
    }
    let mut left = scaled(company, 7);
    let mut chosen: BTreeSet<u32> = BTreeSet::new();
    for account in ranked(company, "foreign") {
        let Some(own) = lines.get(&account.index) else { continue };
        if left > 0 {
            chosen.insert(account.index);
            left = left.saturating_sub(*own);
        }
    }
    for contract in contracts {
        if chosen.contains(&contract.account) && contract.clauses.exchange.is_some() {
            contract.clauses.pauses.clear();
        } else {
            contract.clauses.exchange = None;
        }
    }
}

/// Seasonal businesses agree on months without service.
fn pauses(contract: &mut Contract, mut draw: Stream) {
    // Units that are added inside a prepaid period with paused days in it would be anybody's sum.
    let has_whole_changes = contract.frequency != Frequency::Annual && contract.anchor != Some(Anchor::Calendar);
    let Some(version) = contract.versions.first() else { return };
    let mut pauses = Vec::new();
    for line in version.lines.iter().filter(|line| line.product.charge == Charge::Recurring) {
        let (from, months) = (draw.weighted((4, 40), &[(7, 40), (10, 20)]), draw.weighted((1, 70), &[(2, 30)]));
        let is_paused = draw.chance(110);
        let has_free = contract.free_periods.iter().any(|free| free.line == line.id);
        let is_simple = line.product.pricing == Pricing::Flat || has_whole_changes;
        if is_paused && is_simple && !has_free && !rating::is_rated(line) && line.seats.is_none() {
            let start = add_months(contract.start, from);
            pauses.push(Pause { line: line.id.clone(), start, end: add_months(contract.start, from + months) });
        }
    }
    contract.clauses.pauses = pauses;
}
