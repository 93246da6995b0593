//! Seats beyond the contracted ones: which count is charged, from when on.

use super::facts::{Contract, SeatRule, Seats};
use super::fraction::Fraction;
use super::meters::Meters;
use super::months::add_days;
use super::periods::{Grid, KnownLine, each_day};
use chrono::NaiveDate;
use std::ops::Range;

/// Digits of a seat count.
const DIGITS: u32 = 6;

/// The count of a period that the rule picks, at 6 digits; none where nobody counted.
pub fn counted(meters: &Meters, account: u32, rule: SeatRule, days: &Range<NaiveDate>) -> Option<i128> {
    let counts: Vec<i128> = meters.seats(account, days).map(i128::from).collect();
    let one = 10_i128.pow(DIGITS);
    match rule {
        SeatRule::HighWater => counts.iter().max().map(|seats| seats * one),
        SeatRule::EndOfMonth => counts.last().map(|seats| seats * one),
        SeatRule::Average => {
            let number = i128::try_from(counts.len()).ok().filter(|number| *number > 0)?;
            Some(Fraction::new(counts.iter().sum(), number).digits(DIGITS))
        }
    }
}

/// Seats charged where so many were counted: the contracted ones, within grace.
pub fn charged(seats: Seats, contracted: u32, counted: i128) -> i128 {
    let contracted = i128::from(contracted) * 10_i128.pow(DIGITS);
    if counted * 100 <= contracted * i128::from(100 + seats.grace_pct) { contracted } else { counted.max(contracted) }
}

/// The count that decides about the period of `cell` as known on `as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The contracted seats alone.
    Contracted,
    /// So many, at 6 digits.
    Seats(i128),
    /// It should be known and is not.
    Missing,
}

/// Days after a period's end until its seats count.
pub fn grace(contract: &Contract) -> i64 {
    contract.issue_grace_days.unwrap_or(5)
}

/// The count that decides about the service period `period`, in billing period `cell`, at the end of `as_of`.
pub fn count(
    meters: &Meters,
    known: &KnownLine<'_>,
    seats: Seats,
    (cell, period): (i32, &Range<NaiveDate>),
    as_of: NaiveDate,
) -> Count {
    let (contract, grid) = (known.contract, Grid::new(known.contract));
    let has_settled = |days: &Range<NaiveDate>| add_days(days.end, grace(contract)) <= as_of;
    if !seats.is_forward {
        return match counted(meters, contract.account, seats.rule, period) {
            _ if !has_settled(period) => Count::Contracted,
            Some(count) => Count::Seats(count),
            None => Count::Missing,
        };
    }
    // A period belongs to the version of its last charged day.
    let version = |days: &Range<NaiveDate>| {
        let last = each_day(days).filter(|day| known.is_charged(*day)).last();
        last.and_then(|day| known.on(day)).map(|segment| segment.version.number)
    };
    let this = version(period);
    let earlier: Vec<Range<NaiveDate>> = (grid.cell_of(known.life.start)..cell)
        .map(|earlier| {
            let days = grid.days(earlier);
            days.start.max(known.life.start)..days.end.min(known.life.end)
        })
        .filter(|days| version(days) == this && has_settled(days))
        .collect();
    let highest = earlier.iter().filter_map(|days| counted(meters, contract.account, seats.rule, days)).max();
    match highest {
        Some(count) => Count::Seats(count),
        None if earlier.is_empty() => Count::Contracted,
        None => Count::Missing,
    }
}
