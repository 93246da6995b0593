//! Which days a contract line charges for, in which billing periods, on what terms: as known on a date.

use super::facts::{Anchor, Contract, Line, PricePeriod, Proration, Timing, Version};
use super::fraction::divide_half_up;
use super::months::{add_days, add_months, days_between};
use chrono::{Datelike, NaiveDate};
use std::ops::Range;

/// The days on which one version of a line holds.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// First day.
    pub from: NaiveDate,
    /// First day after.
    pub to: NaiveDate,
    /// The version.
    pub version: &'a Version,
    /// The line as that version states it.
    pub line: &'a Line,
}

/// A contract line as known at the end of a day.
#[derive(Debug, Clone)]
pub struct KnownLine<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// By date, without overlap.
    pub segments: Vec<Segment<'a>>,
    /// Free days.
    pub free: Vec<Range<NaiveDate>>,
    /// Days without service.
    pub pauses: Vec<Range<NaiveDate>>,
    /// First day, and first day after the last.
    pub life: Range<NaiveDate>,
}

/// The versions of a contract known on `as_of`, with the days each holds.
fn known_versions(contract: &Contract, as_of: NaiveDate) -> Vec<(&Version, Range<NaiveDate>)> {
    let known: Vec<&Version> = contract.versions.iter().filter(|version| version.signed <= as_of).collect();
    known
        .iter()
        .enumerate()
        .map(|(at, version)| {
            let from = if at == 0 { version.effective.min(contract.start) } else { version.effective };
            let to = known.get(at + 1).map_or(NaiveDate::MAX, |next| next.effective);
            (*version, from..to)
        })
        .collect()
}

/// The first day a version no longer serves, as known on `as_of`.
fn contract_end(contract: &Contract, version: &Version, as_of: NaiveDate) -> NaiveDate {
    let renewal = contract.renewed.filter(|(_, signed)| *signed <= as_of).map(|(start, _)| start);
    let stated = version.end.unwrap_or(NaiveDate::MAX);
    let end = if contract.is_holdover || contract.auto_renew {
        renewal.map_or(NaiveDate::MAX, |start| start.max(stated))
    } else {
        stated
    };
    match contract.terminated {
        Some((date, recorded)) if recorded <= as_of => end.min(date),
        _ => end,
    }
}

/// The end of the term in force on `as_of` as written, and the first day the contract no longer serves.
pub fn service_end(contract: &Contract, as_of: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let known = known_versions(contract, as_of);
    let current = known.iter().rev().find(|(_, days)| days.start <= as_of).or(known.first());
    current.map(|(version, _)| (version.end.unwrap_or(NaiveDate::MAX), contract_end(contract, version, as_of)))
}

impl<'a> KnownLine<'a> {
    /// The line as known at the end of `as_of`; none where no version known has it, or it has no day.
    pub fn new(contract: &'a Contract, line_id: &str, as_of: NaiveDate) -> Option<Self> {
        let begin = contract.go_live.map_or(contract.start, |date| date.max(contract.start));
        let mut segments = Vec::new();
        for (version, holds) in known_versions(contract, as_of) {
            let Some(line) = version.lines.iter().find(|line| line.id == line_id) else { continue };
            let from = holds.start.max(begin).max(line.start);
            let to = holds.end.min(contract_end(contract, version, as_of)).min(line.end.unwrap_or(NaiveDate::MAX));
            if from < to {
                segments.push(Segment { from, to, version, line });
            }
        }
        let (mut start, end) = (segments.first()?.from, segments.last()?.to);
        let grid = Grid::new(contract);
        if contract.is_first_full_period {
            let cell = grid.cell_of(start);
            if grid.boundary(cell) != start {
                start = grid.boundary(cell + 1);
            }
        }
        segments.retain(|segment| segment.to > start);
        if let Some(first) = segments.first_mut() {
            first.from = first.from.max(start);
        }
        segments.first()?;
        let free = contract.free_periods.iter().filter(|free| free.line == line_id);
        let free = free.map(|free| free.start..free.end).collect();
        let pauses = contract.clauses.pauses.iter().filter(|pause| pause.line == line_id);
        let pauses = pauses.map(|pause| pause.start..pause.end).collect();
        Some(KnownLine { contract, segments, free, pauses, life: start..end })
    }

    /// The first day a contract no longer serves, as known at the end of `as_of`; none where it is not known.
    pub fn contract_end(contract: &Contract, as_of: NaiveDate) -> Option<NaiveDate> {
        let versions = known_versions(contract, as_of).into_iter();
        versions.map(|(version, holds)| holds.end.min(contract_end(contract, version, as_of))).max()
    }

    /// The terms of a day; none outside the life.
    pub fn on(&self, day: NaiveDate) -> Option<&Segment<'a>> {
        self.segments.iter().find(|segment| segment.from <= day && day < segment.to)
    }

    /// Whether the day costs nothing.
    pub fn is_free(&self, day: NaiveDate) -> bool {
        self.free.iter().chain(&self.pauses).any(|days| days.contains(&day))
    }

    /// Whether the day is charged for.
    pub fn is_charged(&self, day: NaiveDate) -> bool {
        !self.is_free(day) && self.on(day).is_some()
    }

    /// The day by contract on which the period `days` is invoiced.
    pub fn billable_date(&self, days: &Range<NaiveDate>) -> NaiveDate {
        match self.contract.timing.unwrap_or(Timing::Advance) {
            Timing::Advance => days.start,
            Timing::Arrears => days.end,
        }
    }
}

/// The billing periods of a contract: boundary k lies k periods after the anchor.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    anchor: NaiveDate,
    months: i32,
}

impl Grid {
    /// The contract's own.
    pub fn new(contract: &Contract) -> Self {
        let anchor = match contract.anchor.unwrap_or(Anchor::Anniversary) {
            Anchor::Anniversary => contract.start,
            Anchor::Calendar => {
                contract.start.with_day(1).and_then(|date| date.with_month(1)).unwrap_or(contract.start)
            }
        };
        Grid { anchor, months: contract.frequency.months() }
    }

    /// The same from the same anchor, but of so many months each.
    pub fn every(self, months: i32) -> Self {
        Grid { months, ..self }
    }

    /// Months of one period.
    pub fn months(&self) -> i32 {
        self.months
    }

    /// The first day of period `cell`. A day the month lacks becomes its last, for that boundary only.
    pub fn boundary(&self, cell: i32) -> NaiveDate {
        add_months(self.anchor, cell * self.months)
    }

    /// The days of period `cell`.
    pub fn days(&self, cell: i32) -> Range<NaiveDate> {
        self.boundary(cell)..self.boundary(cell + 1)
    }

    /// The period that `day` lies in.
    pub fn cell_of(&self, day: NaiveDate) -> i32 {
        let months =
            (day.year() - self.anchor.year()) * 12 + day.month0().cast_signed() - self.anchor.month0().cast_signed();
        let mut cell = months.div_euclid(self.months);
        while self.boundary(cell) > day {
            cell -= 1;
        }
        while self.boundary(cell + 1) <= day {
            cell += 1;
        }
        cell
    }
}

/// Each day of a range.
pub fn each_day(days: &Range<NaiveDate>) -> impl Iterator<Item = NaiveDate> + use<> {
    let start = days.start;
    (0..days_between(days.start, days.end)).map(move |offset| add_days(start, offset))
}

/// Measures parts of a billing period by the contract's method.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    method: Proration,
    /// What a whole period measures, in twelfths of a day.
    whole: i64,
}

/// The position of a day in a calendar of months of 30 days; the end of February is a 30th.
fn thirty_index(day: NaiveDate) -> i64 {
    let is_february_end = day.month() == 2 && day.succ_opt().is_none_or(|next| next.month() == 3);
    let in_month = if is_february_end { 30 } else { day.day().min(30) };
    360 * i64::from(day.year()) + 30 * i64::from(day.month()) + i64::from(in_month)
}

/// Days are measured in twelfths so that a month of a 365-day year stays whole.
const TWELVE: i64 = 12;

impl Measure {
    /// The measure of one period, `cell`, of which `charged` days are charged for.
    pub fn new(method: Option<Proration>, grid: Grid, cell: &Range<NaiveDate>, charged: i64) -> Self {
        let method = method.unwrap_or(Proration::ActAct);
        let days = days_between(cell.start, cell.end);
        let whole = match method {
            Proration::ActAct => days * TWELVE,
            Proration::Act365 if charged == days => days * TWELVE,
            Proration::Act365 => 365 * i64::from(grid.months()),
            Proration::Thirty360 => (thirty_index(cell.end) - thirty_index(cell.start)) * TWELVE,
            Proration::None => charged * TWELVE,
        };
        Measure { method, whole }
    }

    /// What one day measures.
    pub fn day(&self, day: NaiveDate) -> i64 {
        match self.method {
            Proration::Thirty360 => (thirty_index(add_days(day, 1)) - thirty_index(day)) * TWELVE,
            _ => TWELVE,
        }
    }

    /// What the whole period measures.
    pub fn whole(&self) -> i64 {
        self.whole
    }
}

/// The price of a whole billing period at 8 digits: the line's price restated, rounded at 8 digits.
pub fn period_price(unit_price: i128, price_period: PricePeriod, months: i32) -> i128 {
    let per = match price_period {
        PricePeriod::Month => 1,
        PricePeriod::Year => 12,
        PricePeriod::BillingPeriod | PricePeriod::Once => return unit_price,
    };
    divide_half_up(unit_price * i128::from(months), per)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn boundaries_on_the_31st_are_clamped_one_by_one() {
        let grid = Grid { anchor: date(2025, 1, 31), months: 1 };
        assert_eq!(grid.boundary(1), date(2025, 2, 28));
        assert_eq!(grid.boundary(2), date(2025, 3, 31));
        assert_eq!(grid.cell_of(date(2025, 2, 27)), 0);
        assert_eq!(grid.cell_of(date(2025, 2, 28)), 1);
        assert_eq!(grid.cell_of(date(2025, 1, 30)), -1);
    }

    #[test]
    fn prices_are_restated_to_the_period() {
        assert_eq!(period_price(10_000_000_000, PricePeriod::Year, 1), 833_333_333);
        assert_eq!(period_price(1_000_000_000, PricePeriod::Month, 3), 3_000_000_000);
    }

    #[test]
    fn february_has_thirty_days_where_months_have_thirty() {
        let grid = Grid { anchor: date(2025, 1, 1), months: 1 };
        let cell = grid.days(1);
        let measure = Measure::new(Some(Proration::Thirty360), grid, &cell, 28);
        let sum: i64 = each_day(&cell).map(|day| measure.day(day)).sum();
        assert_eq!((sum, measure.whole()), (360, 360));
    }
}
