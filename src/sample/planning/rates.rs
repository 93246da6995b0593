//! Faults of lines that cost a quantity times a price: what is billed, when, at which price and discount.

use super::{Candidate, Plan, Scene};
use crate::sample::facts::{Contract, Discount};
use crate::sample::leaks::Fault;
use crate::sample::months::add_days;
use crate::sample::periods::Grid;
use crate::sample::random::Stream;
use chrono::NaiveDate;
use std::ops::Range;

/// What is planted of these.
pub(super) const PLANS: [Plan; 27] = [
    (&["P1", "P6", "Q2"], 2, false),
    (&["O2 discount", "Q2"], 2, false),
    (&["P1", "Q2"], 2, false),
    (&["C4", "P1"], 2, false),
    (&["C3", "P1"], 1, false),
    (&["C2", "P1"], 1, false),
    (&["E1", "P1"], 1, false),
    (&["P1", "P6"], 2, false),
    (&["P1"], 1, true),
    (&["P1"], 4, false),
    (&["O2 after end"], 2, false),
    (&["C4", "P6"], 1, false),
    (&["C4"], 4, false),
    (&["C1"], 7, false),
    (&["E1", "Q2"], 2, false),
    (&["C3", "Q2"], 2, false),
    (&["C2", "P6"], 2, false),
    (&["P6", "Q2"], 2, false),
    (&["Q2"], 1, true),
    (&["Q2"], 3, false),
    (&["C2"], 1, true),
    (&["C2"], 4, false),
    (&["C3"], 4, false),
    (&["E1"], 4, false),
    (&["O2 price"], 3, false),
    (&["P6"], 4, false),
    (&["C12"], 2, false),
];

/// The fault behind a code; none where it does not fit the line.
pub(super) fn fault(code: &str, candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    if candidate.is_plain() { fault_of(code, candidate, scene, draw) } else { None }
}

/// The same on any line that costs a quantity times a price.
pub(super) fn fault_of(code: &str, candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    let Scene { contracts, first, until, .. } = *scene;
    let is_new = candidate.known.life.start >= first;
    let has_free = !candidate.known.free.is_empty() || !candidate.known.pauses.is_empty();
    match code {
        "P1" => keeps_discount(candidate),
        "P6" => {
            let from = candidate.at(0, 2, draw)?.start;
            let permille = draw.between(861, 968);
            is_unlike_other_prices(candidate, contracts, permille)
                .then_some(Fault::LowPrice(from..NaiveDate::MAX, permille))
        }
        "C1" => (is_new && candidate.periods.len() >= 2).then_some(Fault::NeverBills),
        "C2" => {
            let period = candidate.at(1, 2, draw)?.clone();
            (!has_free).then_some(Fault::Skips(period))
        }
        "C3" => {
            let period = candidate.at(1, 1, draw)?.clone();
            let inside = if draw.chance(300) { draw.between(3, 20) } else { 0 };
            (!has_free).then(|| Fault::StopsAt(add_days(period.start, inside)))
        }
        "C4" => {
            let period = candidate.at(1, 2, draw)?.clone();
            let inside = if draw.chance(400) { draw.between(3, 20) } else { 0 };
            (is_new && !has_free).then(|| Fault::StartsAt(add_days(period.start, inside)))
        }
        "Q2" => low_quantity(candidate, candidate.at(0, 2, draw)?.start, draw),
        "C12" => (!has_free).then_some(Fault::NeverPosts(candidate.at(1, 1, draw)?.clone())),
        "E1" => {
            let period = candidate.at(0, 1, draw)?.clone();
            (!has_free && is_uniform(candidate, &period)).then(|| Fault::MisAdds(period, draw.between(20, 180)))
        }
        "O2 price" => {
            let period = candidate.at(0, 1, draw)?.clone();
            let to = if draw.chance(500) { NaiveDate::MAX } else { period.end };
            Some(Fault::HighPrice(period.start..to, draw.between(1_030, 1_190)))
        }
        "O2 discount" => forgets_discount(candidate),
        "O2 after end" => bills_on(candidate, until),
        _ => None,
    }
}

/// Discounts of the line itself.
pub(super) fn own_discounts<'a>(candidate: &'a Candidate<'_>) -> impl Iterator<Item = &'a Discount> {
    candidate.contract.discounts.iter().filter(|discount| discount.line.as_deref() == Some(candidate.line_id))
}

/// One discount of the line must have ended with at least a whole period after it; none may have been prolonged.
fn keeps_discount(candidate: &Candidate<'_>) -> Option<Fault> {
    let mut ended = own_discounts(candidate).filter_map(|discount| discount.end);
    let end = ended.next()?;
    let is_only = ended.next().is_none();
    let after = candidate.periods.iter().filter(|period| period.start >= end).count();
    let last_end = candidate.periods.last()?.end;
    // With yearly invoices the one period that is there must contain the end.
    let is_by_day = own_discounts(candidate).all(|discount| !discount.is_by_invoice_date);
    let is_inside = is_by_day && candidate.periods.iter().any(|period| period.contains(&end));
    let shows = after >= 2 || (candidate.periods.len() == 1 && is_inside && end < last_end);
    (is_only && shows).then_some(Fault::KeepsDiscount)
}

fn forgets_discount(candidate: &Candidate<'_>) -> Option<Fault> {
    let period = candidate.periods.iter().find(|period| {
        own_discounts(candidate).any(|discount| {
            discount.start <= period.start
                && discount.end.is_none_or(|end| period.end <= end)
                && !discount.is_by_invoice_date
        })
    })?;
    (candidate.periods.len() >= 3).then_some(Fault::ForgetsDiscount(period.start..period.end))
}

fn low_quantity(candidate: &Candidate<'_>, from: NaiveDate, draw: &mut Stream) -> Option<Fault> {
    if !crate::sample::biller::is_per_unit(candidate.line) {
        return None;
    }
    let stated: Vec<u32> = candidate
        .contract
        .versions
        .iter()
        .flat_map(|version| &version.lines)
        .filter(|line| line.id == candidate.line_id)
        .map(|line| line.quantity)
        .collect();
    let least = *stated.iter().min()?;
    let fewer = u32::try_from(i64::from(least) * draw.between(6, 24) / 100).unwrap_or(0).max(1);
    // A number some earlier version stated would be another fault: an amendment that was never keyed in.
    let is_new_number = stated.iter().all(|units| !stated.contains(&(units - fewer.min(*units))));
    (least >= 4 && is_new_number).then_some(Fault::LowQuantity(from..NaiveDate::MAX, fewer))
}

/// A price that some other version or the contract before stated would be another fault: a change that was never keyed in.
fn is_unlike_other_prices(candidate: &Candidate<'_>, contracts: &[Contract], permille: i64) -> bool {
    let prior = candidate.contract.renews.as_ref().and_then(|id| contracts.iter().find(|contract| contract.id == *id));
    let stated = |contract: &Contract| -> Vec<i128> {
        let lines = contract.versions.iter().flat_map(|version| &version.lines);
        lines.filter(|line| line.product == candidate.line.product).map(|line| line.unit_price).collect()
    };
    let own = stated(candidate.contract);
    let others: Vec<i128> = own.iter().copied().chain(prior.map(stated).unwrap_or_default()).collect();
    own.iter().all(|price| {
        let low = price * i128::from(permille) / 1_000;
        others.iter().all(|other| (low - other).abs() * 200 > *other)
    })
}

/// Customers who left on a boundary, with room for an invoice or two after it.
fn bills_on(candidate: &Candidate<'_>, until: NaiveDate) -> Option<Fault> {
    let (contract, grid) = (candidate.contract, Grid::new(candidate.contract));
    let end = candidate.periods.last()?.end;
    let has_ended = end == candidate.known.life.end && contract.renewed.is_none();
    let next = grid.days(grid.cell_of(end));
    let shows = add_days(candidate.known.billable_date(&next), 15) <= until;
    (has_ended && shows && candidate.periods.len() >= 2).then_some(Fault::BillsOn(1))
}

/// Whether one quantity and price hold for the whole period.
pub(super) fn is_uniform(candidate: &Candidate<'_>, period: &Range<NaiveDate>) -> bool {
    let mut terms = candidate
        .known
        .segments
        .iter()
        .filter(|segment| segment.from < period.end && period.start < segment.to)
        .map(|segment| (segment.line.quantity, segment.line.unit_price));
    let first = terms.next();
    terms.all(|other| Some(other) == first)
}
