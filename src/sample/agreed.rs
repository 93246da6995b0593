//! What contracts agree beyond a quantity and a price: ramps, price rises, tiers, included units.

use super::company::Frequency;
use super::facts::{
    Anchor, Charge, Contract, Escalator, Included, Line, PricePeriod, Pricing, RampStep, Rating, Tier, Uplift,
};
use super::months::{add_days, add_months};
use super::offer::{Extra, Item};
use super::price_index::{NAMES, UNPUBLISHED};
use super::products::price;
use chrono::NaiveDate;

/// Permille of the quantity in each stage of a ramp.
const QUANTITIES: [i64; 3] = [1_000, 1_250, 1_600];
/// Permille of the price in each stage of a ramp.
const PRICES: [i128; 3] = [700, 850, 1_000];

/// Whether a ramp steps up units (else a discount or the price).
fn ramps_quantity(item: &Item) -> bool {
    matches!(item.extra, Extra::Ramp(_)) && item.product.pricing == Pricing::PerUnit
}

/// Whether a ramp steps up the price itself.
fn ramps_price(item: &Item) -> bool {
    match item.extra {
        Extra::Ramp(which) => item.product.pricing == Pricing::Flat && which % 10 < 7,
        Extra::RampAndRises(_) => true,
        _ => false,
    }
}

fn permille(value: i128, permille: i128, digits: u32) -> i128 {
    let step = 10_i128.pow(8 - digits);
    super::fraction::divide_half_up(value * permille, 1_000 * step).max(1) * step
}

/// Units stated in a contract: ramps belong to the first one, later ones state where it ended.
pub(super) fn quantity(item: &Item, stated: u32, is_first: bool) -> u32 {
    if ramps_quantity(item) && !is_first { staged(stated, 2) } else { stated }
}

fn staged(units: u32, stage: usize) -> u32 {
    let permille = QUANTITIES.get(stage).copied().unwrap_or(1_000);
    u32::try_from(i64::from(units) * permille / 1_000).unwrap_or(units).max(units + u32::try_from(stage).unwrap_or(0))
}

/// The price stated in a contract.
pub(super) fn unit_price(item: &Item, stated: i128, is_first: bool, digits: u32) -> i128 {
    if ramps_price(item) && is_first { permille(stated, PRICES[0], digits) } else { stated }
}

/// Adds the ramp and the price rises of one line of a contract that was just drawn up; `end` is the end of its term.
pub(super) fn schedule(contract: &mut Contract, item: &Item, line_id: &str, begins: NaiveDate, full: (u32, i128)) {
    let is_first = contract.renews.is_none();
    match item.extra {
        Extra::Ramp(which) if is_first => ramp(contract, item, line_id, (begins, which), full),
        Extra::Rises(which) => rises(contract, line_id, add_months(begins, first_rise(which)), which),
        Extra::Rated(which @ 88..=95) if item.product.charge == Charge::Usage => {
            rises(contract, line_id, add_months(begins, 6), which * 3);
        }
        Extra::RampAndRises(which) => {
            let last = if is_first { add_months(begins, 6) } else { begins };
            if is_first {
                ramp(contract, item, line_id, (begins, which), full);
            }
            rises(contract, line_id, add_months(last, 3), which);
        }
        _ => {}
    }
}

fn first_rise(which: u64) -> i32 {
    if which % 5 < 3 { 6 } else { 3 }
}

fn ramp(
    contract: &mut Contract,
    item: &Item,
    line_id: &str,
    (begins, which): (NaiveDate, u64),
    (units, price): (u32, i128),
) {
    let digits = contract.currency.exponent();
    let is_discount = !ramps_quantity(item) && !ramps_price(item);
    let months = if which.is_multiple_of(3) { [0, 6, 12] } else { [0, 3, 6] };
    for (stage, months) in months.into_iter().enumerate() {
        let step = RampStep {
            line: line_id.to_owned(),
            start: add_months(begins, months),
            quantity: (ramps_quantity(item) && stage > 0).then(|| staged(units, stage)),
            unit_price: (ramps_price(item) && stage > 0)
                .then(|| permille(price, PRICES.get(stage).copied().unwrap_or(1_000), digits)),
            percent: is_discount.then(|| [300_000, 150_000, 0].get(stage).copied().unwrap_or(0)),
            commit: None,
        };
        if step.quantity.is_some() || step.unit_price.is_some() || step.percent.is_some() {
            contract.ramps.push(step);
        }
    }
}

fn rises(contract: &mut Contract, line_id: &str, first: NaiveDate, which: u64) {
    let percent = [30_000, 50_000, 42_500, 70_000].get((which / 7 % 4) as usize).copied().unwrap_or(30_000);
    let every_months = [6, 12, 3].get((which / 11 % 3) as usize).copied().unwrap_or(12);
    let index = Uplift::Index {
        name: match which % 17 {
            0 => UNPUBLISHED,
            other => NAMES.get((other % 2) as usize).copied().unwrap_or("CPI-U"),
        },
        lag_months: Some([2, 3, 4].get((which / 13 % 3) as usize).copied().unwrap_or(3)),
        margin: [None, Some(10_000), Some(5_000)].get((which / 5 % 3) as usize).copied().flatten(),
        cap: which.is_multiple_of(4).then_some(20_000),
        floor: (which % 4 != 1).then_some(5_000),
    };
    // Whoever pays a year ahead, or between the rises, is not charged what nobody knows yet.
    let is_known_ahead = contract.frequency != Frequency::Monthly
        && (contract.frequency == Frequency::Annual || contract.anchor == Some(Anchor::Calendar));
    let is_permissive = which % 100 < 26 && !is_known_ahead;
    contract.escalators.push(Escalator {
        line: line_id.to_owned(),
        uplift: if which / 3 % 5 < 3 || is_known_ahead { Uplift::Fixed(percent) } else { index },
        is_compounding: [None, Some(true), Some(false)].get((which / 17 % 3) as usize).copied().flatten(),
        first,
        every_months,
        is_mandatory: !is_permissive,
        notice: match which % 100 {
            _ if !is_permissive => None,
            0..=9 => Some(add_days(first, -75)),
            // Too late for the first rise, in time for the next.
            10..=15 => Some(add_days(first, 20)),
            _ => None,
        },
    });
}

/// Digits that some contracts round prices to.
pub(super) fn price_decimals(item: &Item, digits: u32) -> Option<u32> {
    match item.extra {
        Extra::Rises(which) if which.is_multiple_of(3) => Some(digits),
        _ => None,
    }
}

/// The pricing model of a line, with its tiers, packages and included units, and its unit price.
pub(super) fn rating(item: &Item, contract: &Contract, stated: (u32, i128)) -> (Pricing, Rating, i128) {
    match item.extra {
        Extra::Rated(which) if item.product.charge == Charge::Usage => metered(item, contract, which),
        Extra::Rated(which) => by_units(contract, which, stated),
        _ => (item.product.pricing, Rating::default(), stated.1),
    }
}

/// Recurring units in tiers, packages, or with some of them included.
fn by_units(contract: &Contract, which: u64, (units, price): (u32, i128)) -> (Pricing, Rating, i128) {
    let digits = contract.currency.exponent();
    let units = i64::from(units);
    let tier = |up_to, share: i128, flat_fee| Tier { up_to, price: permille(price, share, digits), flat_fee };
    let fee = price / 10_i128.pow(8 - digits) * 2;
    match which % 5 {
        0 => {
            let tiers = vec![tier(Some((units / 3).max(1)), 1_200, 0), tier(None, 900, 0)];
            (Pricing::Graduated, Rating { tiers, ..Rating::default() }, price)
        }
        1 => {
            let tiers =
                vec![tier(Some((units / 2).max(1)), 1_100, 0), tier(Some(units * 2), 950, fee), tier(None, 800, 0)];
            (Pricing::Volume, Rating { tiers, ..Rating::default() }, price)
        }
        2 => {
            let rating = Rating { package_size: Some(5), ..Rating::default() };
            (Pricing::Package, rating, permille(price, 4_500, digits))
        }
        3 => (Pricing::PerUnit, including((units / 4).max(1), false), price),
        _ => (Pricing::Overage, including((units / 3).max(1), true), price),
    }
}

fn including(quantity: i64, is_prorated: bool) -> Rating {
    Rating { included: Some(Included { quantity, is_prorated }), ..Rating::default() }
}

/// What is metered, in one of nine models. Bounds fit the product's usual volumes.
fn metered(item: &Item, contract: &Contract, which: u64) -> (Pricing, Rating, i128) {
    let (low, high) = match item.product.id {
        "api" => (10_000, 250_000),
        "documents" => (200, 2_000),
        _ => (1_000, 20_000),
    };
    // Price of a unit at 8 digits: so many millionths of a list price of 1.
    let unit = |millionths: i128| price(100, contract.currency, 1_000) * millionths / 1_000_000;
    let scale = match item.product.id {
        "api" => 1,
        "documents" => 30,
        _ => 5,
    };
    let fee = price(1_500, contract.currency, 1_000) / 10_i128.pow(8 - contract.currency.exponent());
    let tier = |up_to, millionths, flat_fee| Tier { up_to, price: unit(millionths * scale), flat_fee };
    let tiers = vec![tier(Some(low), 4_000, 0), tier(Some(high), 2_500, 0), tier(None, 900, 0)];
    let tiered = Rating { tiers, ..Rating::default() };
    match which {
        0..=19 => (Pricing::Graduated, tiered, 0),
        20..=33 => (Pricing::Volume, tiered, 0),
        34..=41 => {
            let tiers = vec![tier(Some(low), 4_000, fee), tier(Some(high), 2_500, fee)];
            (Pricing::Graduated, Rating { tiers, ..including(low / 5, false) }, unit(1_500 * scale))
        }
        42..=53 => {
            let rating = Rating { package_size: Some(low / 10), ..Rating::default() };
            (Pricing::Package, rating, unit(3_500 * scale) * i128::from(low / 10))
        }
        54..=65 => (Pricing::Overage, including(low / 4, which.is_multiple_of(2)), unit(3_000 * scale)),
        66..=73 => {
            let tiers = vec![tier(Some(low), 3_500, 0)];
            (Pricing::Overage, Rating { tiers, ..including(low / 8, false) }, unit(2_000 * scale))
        }
        74..=81 => (Pricing::Percentage, Rating::default(), 50_000_000 * scale),
        82..=95 => {
            let rating = Rating { unit_size: 1_000, ..Rating::default() };
            (Pricing::PerUnit, rating, unit(3_200 * scale) * 1_000)
        }
        _ => (Pricing::Flat, Rating::default(), price(19_000, contract.currency, 1_000)),
    }
}

/// What the price of a line is for.
pub(super) fn price_period(item: &Item) -> PricePeriod {
    match item.product.charge {
        Charge::OneOff => PricePeriod::Once,
        // Included units, fees and bounds are a month's.
        Charge::Usage => PricePeriod::Month,
        Charge::Recurring => item.price_period,
    }
}

/// Whether a line is charged by quantity and price alone, in the versions that state it.
pub(super) fn is_plain(contract: &Contract, line: &Line) -> bool {
    !line.lacks_price
        && line.seats.is_none()
        && !super::rating::is_rated(line)
        && line.product.charge != Charge::Usage
        && !contract.ramps.iter().any(|step| step.line == line.id)
        && !contract.escalators.iter().any(|escalator| escalator.line == line.id)
}
