//! Faults of lines that cost more than a quantity times a price: ramps, price rises, tiers, use, seats.

use super::{Candidate, Plan, Scene, rates};
use crate::sample::biller::rating_fault;
use crate::sample::facts::{Charge, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::leaks::Fault;
use crate::sample::months::add_days;
use crate::sample::periods::Grid;
use crate::sample::random::Stream;
use crate::sample::rating;
use crate::sample::schedule::{self, Price};
use crate::sample::seats::{self, Count};
use chrono::NaiveDate;
use std::ops::Range;

/// What is planted of these; a plus marks faults of ordinary lines on one that is not.
pub(super) const PLANS: [Plan; 19] = [
    (&["Q1", "+Q2"], 3, false),
    (&["Q1", "+P1"], 1, false),
    (&["Q1", "+P6"], 2, false),
    (&["P4", "+P1"], 1, false),
    (&["P4", "+P6"], 2, false),
    (&["P3", "+P1"], 2, false),
    (&["P3", "+P6"], 2, false),
    (&["P3", "+C2"], 1, false),
    (&["P5", "+P1"], 1, false),
    (&["P5", "+C2"], 2, false),
    (&["P8", "Q3"], 3, false),
    (&["ramp P1"], 1, false),
    (&["Q1"], 3, false),
    (&["P4"], 4, false),
    (&["P3"], 3, false),
    (&["P5"], 4, false),
    (&["P8 units"], 1, false),
    (&["P8"], 4, false),
    (&["Q3"], 9, false),
];

/// The fault behind a code; none where it does not fit the line.
pub(super) fn fault(code: &str, candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    match code {
        "P3" | "P4" => missed_rise(code, candidate, draw),
        "P5" => missed_ramp("P5", candidate, draw),
        "ramp P1" => missed_ramp("P1", candidate, draw),
        "P8 units" if candidate.line.product.charge == Charge::Recurring => wrong_rating(candidate, scene, draw),
        "P8" if candidate.line.product.charge == Charge::Usage => wrong_rating(candidate, scene, draw),
        "Q1" => forgotten_seats(candidate, scene),
        "Q3" => unbilled_use(candidate, scene, draw),
        _ => {
            let ordinary = code.strip_prefix('+')?;
            let is_linear = candidate.line.product.charge == Charge::Recurring && !rating::is_rated(candidate.line);
            if is_linear { rates::fault_of(ordinary, candidate, scene, draw) } else { None }
        }
    }
}

fn price_in(candidate: &Candidate<'_>, period: &Range<NaiveDate>) -> Price {
    let months = Grid::new(candidate.contract).months();
    let last = add_days(period.end, -1);
    schedule::price(candidate.contract, candidate.line, months, last, last)
}

/// Some rise of the right kind must have made the price higher by more than rounding could, for two periods at least.
fn missed_rise(code: &str, candidate: &Candidate<'_>, draw: &mut Stream) -> Option<Fault> {
    let paths: Vec<Price> = candidate.periods.iter().map(|period| price_in(candidate, period)).collect();
    let last = paths.last().filter(|price| price.is_known)?;
    let kind = last.kinds.first().copied().filter(|kind| *kind == code)?;
    let missing = 1 + usize::try_from(draw.below(last.kinds.len() as u64)).unwrap_or(0);
    let held = last.kinds.len().saturating_sub(missing);
    let shows = paths.iter().filter(|price| {
        price.path.get(held).is_some_and(|old| (price.last() - old) * 400 > *old && price.kinds.len() > held)
    });
    (shows.count() >= 2).then_some(Fault::HoldsPrice(held, kind))
}

fn missed_ramp(code: &'static str, candidate: &Candidate<'_>, draw: &mut Stream) -> Option<Fault> {
    // What rises on top of a price that was never raised is nobody's stage.
    if candidate.contract.escalators.iter().any(|escalator| escalator.line == candidate.line_id) {
        return None;
    }
    let steps: Vec<NaiveDate> = schedule::ramp(candidate.contract, candidate.line_id)
        .filter(|step| {
            if code == "P1" { step.percent.is_some() } else { step.quantity.or(step.unit_price.map(|_| 0)).is_some() }
        })
        .filter(|step| step.start > candidate.known.life.start)
        .map(|step| step.start)
        .filter(|start| candidate.periods.iter().filter(|period| *start <= period.start).count() >= 2)
        .collect();
    let at = usize::try_from(draw.below(steps.len() as u64)).unwrap_or(0);
    steps.get(at).map(|from| Fault::MissesRamp(*from, code))
}

/// Units of a period as the contract counts them.
fn units(candidate: &Candidate<'_>, scene: &Scene<'_>, period: &Range<NaiveDate>) -> Fraction {
    let line = candidate.line;
    if line.product.charge == Charge::Usage {
        let used = scene.meters.used(candidate.contract.account, &line.product, period);
        return Fraction::new(i128::from(used), i128::from(line.rating.unit_size));
    }
    Fraction::whole(i128::from(line.quantity))
}

/// What a period costs by contract, and with a fault: whole amounts of money apart, or none.
fn loses(candidate: &Candidate<'_>, scene: &Scene<'_>, period: &Range<NaiveDate>, fault: &Fault) -> bool {
    let (line, exponent) = (candidate.line, candidate.contract.currency.exponent());
    let months = Grid::new(candidate.contract).months();
    let included = rating::included(line, months, (1, 1));
    let units = units(candidate, scene, period);
    let billed = match fault {
        Fault::LowUse(_, permille) => units * Fraction::new(i128::from(*permille), 1_000),
        _ => units,
    };
    let keyed = rating_fault(line, std::slice::from_ref(fault), period);
    let right = rating::gross(line, units, included, months, exponent);
    let wrong = rating::gross(&keyed, billed, included, months, exponent);
    (wrong + Fraction::decimal(20, exponent)).less_than(right) && wrong.is_positive()
}

fn wrong_rating(candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    if !rating::is_rated(candidate.line) {
        return None;
    }
    let from = candidate.at(0, 3, draw)?.start;
    let range = from..NaiveDate::MAX;
    let low = Fault::LowTiers(range.clone(), draw.between(780, 930));
    let model = Fault::WrongModel(range.clone());
    let concerned = candidate.periods.iter().filter(|period| range.contains(&period.start));
    let fits = |fault: &Fault| concerned.clone().all(|period| loses(candidate, scene, period, fault));
    if candidate.line.pricing == Pricing::Graduated && fits(&model) {
        return Some(model);
    }
    fits(&low).then_some(low)
}

fn unbilled_use(candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    if candidate.line.product.charge != Charge::Usage {
        return None;
    }
    let period = candidate.at(1, 3, draw)?.clone();
    let skips = Fault::SkipsUse(period.clone());
    let range = period.start..NaiveDate::MAX;
    let low = Fault::LowUse(range.clone(), draw.between(600, 900));
    let fits = |fault: &Fault| {
        let concerned = candidate.periods.iter().filter(|period| range.contains(&period.start));
        candidate.line.pricing != Pricing::Flat
            && concerned.clone().all(|period| loses(candidate, scene, period, fault))
    };
    if draw.chance(650) && fits(&low) {
        return Some(low);
    }
    // A period that costs nothing would not be missed.
    has_cost(candidate, scene, &period).then_some(skips)
}

fn has_cost(candidate: &Candidate<'_>, scene: &Scene<'_>, period: &Range<NaiveDate>) -> bool {
    let (line, exponent) = (candidate.line, candidate.contract.currency.exponent());
    let months = Grid::new(candidate.contract).months();
    let included = rating::included(line, months, (1, 1));
    let gross = rating::gross(line, units(candidate, scene, period), included, months, exponent);
    Fraction::decimal(20, exponent).less_than(gross)
}

fn forgotten_seats(candidate: &Candidate<'_>, scene: &Scene<'_>) -> Option<Fault> {
    let terms = candidate.line.seats?;
    let grid = Grid::new(candidate.contract);
    let exceeds = |period: &&Range<NaiveDate>| {
        let cell = (grid.cell_of(period.start), *period);
        let counted = seats::count(scene.meters, &candidate.known, terms, cell, scene.until);
        let contracted = candidate.known.on(period.start).map_or(0, |segment| segment.line.quantity);
        let is_settled = add_days(period.end, 12) <= scene.until;
        let more = |count| seats::charged(terms, contracted, count) > i128::from(contracted) * 1_000_000;
        is_settled && matches!(counted, Count::Seats(count) if more(count))
    };
    (candidate.periods.iter().filter(exceeds).count() >= 2).then_some(Fault::ForgetsSeats)
}
