//! Faults of a biller that nobody keeps up to date: pauses and free months that never end, amendments and renewals that were
//! not keyed in, fees forgotten, prices typed over, invoices late or repeated.

use super::{Candidate, Plan, Scene, rates};
use crate::sample::facts::{Anchor, Charge, Line};
use crate::sample::leaks::Fault;
use crate::sample::months::add_days;
use crate::sample::periods::{Grid, period_price};
use crate::sample::random::Stream;
use crate::sample::schedule;
use chrono::NaiveDate;
use std::ops::Range;

/// What is planted of these, the scarcest lines first.
pub(super) const PLANS: [Plan; 29] = [
    (&["C6"], 5, false),
    (&["C6", "P6"], 2, false),
    (&["C10", "P1"], 1, false),
    (&["C10", "Q2"], 1, false),
    (&["C10", "P6"], 1, false),
    (&["C10"], 4, false),
    (&["C9", "P1"], 1, false),
    (&["C9", "Q2"], 1, false),
    (&["C9", "P6"], 1, false),
    (&["C9"], 3, false),
    (&["C8", "P6"], 1, false),
    (&["C8", "Q2"], 1, false),
    (&["C8"], 4, false),
    (&["P9", "P1"], 1, false),
    (&["P9", "Q2"], 2, false),
    (&["P9"], 4, false),
    (&["C7"], 6, false),
    (&["Q6", "P1"], 1, false),
    (&["Q6", "E1"], 2, false),
    (&["Q6"], 4, false),
    (&["P11", "P1"], 1, false),
    (&["P11", "Q2"], 2, false),
    (&["P11"], 3, false),
    (&["O1", "Q2"], 2, false),
    (&["O1", "P6"], 1, false),
    (&["O1"], 3, false),
    (&["C11", "P6"], 2, false),
    (&["C11"], 4, false),
    (&["C12", "P6"], 3, false),
];

/// The fault behind a code; none where it does not fit the line.
pub(super) fn fault(code: &str, candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    if code == "C7" {
        return forgotten_fee(candidate, scene);
    }
    if !candidate.is_plain() {
        return None;
    }
    match code {
        "C6" => other_rhythm(candidate, scene),
        "C8" => left_out(candidate, &candidate.known.free, "C8", scene, draw),
        "C9" => left_out(candidate, &candidate.known.pauses, "C9", scene, draw),
        "C10" => wrong_share(candidate, scene, draw),
        "C11" => {
            let period = candidate.at(0, 1, draw)?.clone();
            rates::is_uniform(candidate, &period).then(|| Fault::PostsLate(period, draw.between(2, 25)))
        }
        "O1" => {
            let period = candidate.at(0, 2, draw)?.clone();
            Some(Fault::Repeats(period, draw.between(3, 30)))
        }
        "P9" => old_price(candidate, scene, draw),
        "P11" => {
            let from = candidate.at(0, 2, draw)?.start;
            let to = if draw.chance(500) { NaiveDate::MAX } else { add_days(from, draw.between(60, 200)) };
            Some(Fault::TypesOver(from..to, draw.between(861, 968)))
        }
        "Q6" => old_terms(candidate, scene),
        _ => None,
    }
}

fn forgotten_fee(candidate: &Candidate<'_>, scene: &Scene<'_>) -> Option<Fault> {
    let is_due = candidate
        .line
        .accepted
        .is_some_and(|accepted| candidate.line.start >= scene.first && add_days(accepted, 15) <= scene.until);
    (candidate.line.product.charge == Charge::OneOff && is_due).then_some(Fault::ForgetsFee)
}

/// Billing does not resume where it should: to the end of the period, or of the next one.
fn left_out(
    candidate: &Candidate<'_>,
    uncharged: &[Range<NaiveDate>],
    code: &'static str,
    scene: &Scene<'_>,
    draw: &mut Stream,
) -> Option<Fault> {
    let grid = Grid::new(candidate.contract);
    // Free days before service begins end nothing.
    let is_inside =
        |days: &Range<NaiveDate>| candidate.known.life.start < days.end && days.end < candidate.known.life.end;
    let ended = uncharged.iter().find(|days| days.end >= scene.first && is_inside(days))?;
    let cell = grid.cell_of(ended.end);
    let more = i32::from(grid.months() == 1 && draw.chance(500));
    let range = ended.end..grid.boundary(cell + 1 + more);
    let has_resumed = candidate.periods.iter().any(|period| period.start >= range.end);
    (has_resumed && uncharged.len() == 1).then_some(Fault::LeavesOut(range, code))
}

/// Monthly lines by the quarter and quarterly ones by the month: none whose terms change, so that every invoice is the same.
fn other_rhythm(candidate: &Candidate<'_>, scene: &Scene<'_>) -> Option<Fault> {
    let grid = Grid::new(candidate.contract);
    let months = match grid.months() {
        1 => 3,
        3 => 1,
        _ => return None,
    };
    let start = candidate.known.life.start;
    let is_steady =
        candidate.known.segments.len() == 1 && candidate.known.free.is_empty() && candidate.known.pauses.is_empty();
    let is_aligned = grid.boundary(grid.cell_of(start)) == start && start >= scene.first;
    let fits =
        is_steady && is_aligned && candidate.contract.anchor != Some(Anchor::Calendar) && candidate.periods.len() >= 4;
    fits.then_some(Fault::OtherRhythm(months))
}

/// A life that begins inside a period, and is charged from its first day.
fn wrong_share(candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    let grid = Grid::new(candidate.contract);
    let start = candidate.known.life.start;
    let stub = start..grid.days(grid.cell_of(start)).end.min(candidate.known.life.end);
    let is_ragged = grid.boundary(grid.cell_of(start)) != start && start >= scene.first;
    let is_billed = add_days(candidate.known.billable_date(&stub), 25) <= scene.until;
    let has_free = candidate.known.free.iter().any(|free| free.start < stub.end);
    (is_ragged && is_billed && !has_free).then(|| Fault::WrongShare(stub, draw.between(720, 950)))
}

/// The contract before had a lower price, and this one has one price throughout.
fn old_price(candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    let prior = candidate.contract.renews.as_ref()?;
    let prior = scene.contracts.iter().find(|contract| contract.id == *prior)?.versions.last()?;
    let before = prior.lines.iter().find(|line| line.product == candidate.line.product)?;
    let is_like = |line: &Line| line.unit_price == candidate.line.unit_price;
    // A ramp may have left its first price before the last version, which then never had it.
    let is_ramped = scene.contracts.iter().any(|contract| schedule::ramp(contract, &before.id).next().is_some());
    let is_steady = candidate.known.segments.iter().all(|segment| is_like(segment.line));
    let from = candidate.at(0, 1, draw)?.start;
    let fits = is_steady
        && !is_ramped
        && before.price_period == candidate.line.price_period
        && before.unit_price * 1_003 < candidate.line.unit_price * 1_000;
    let months = Grid::new(candidate.contract).months();
    let price = period_price(before.unit_price, before.price_period, months);
    fits.then_some(Fault::OldPrice(from..NaiveDate::MAX, price))
}

/// An amendment that adds units or raises the price, with a whole period after it.
fn old_terms(candidate: &Candidate<'_>, scene: &Scene<'_>) -> Option<Fault> {
    let amended = candidate.known.segments.windows(2).find_map(|pair| {
        let (Some(before), Some(after)) = (pair.first(), pair.last()) else { return None };
        let has_more = after.line.quantity > before.line.quantity && after.line.unit_price >= before.line.unit_price;
        let is_dearer = after.line.unit_price > before.line.unit_price && after.line.quantity >= before.line.quantity;
        let is_more = has_more || is_dearer;
        (is_more && after.from >= scene.first).then_some(after)
    })?;
    let shows = candidate.periods.iter().any(|period| period.start >= amended.from && period.end <= amended.to);
    shows.then_some(Fault::OldTerms(amended.version.effective))
}
