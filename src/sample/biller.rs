//! The biller: what it charges for a contract line, period by period, faults included.

use super::charge::{Rate, charge};
use super::draft::{Tally, Template};
use super::facts::{
    Charge, Contract, Discount, InvoiceLine, Line, LineKind, PricePeriod, Pricing, Seats, Timing, Version,
};
use super::fraction::{Fraction, divide_half_up};
use super::leaks::Fault;
use super::meters::Meters;
use super::months::{add_days, days_between};
use super::periods::{Grid, KnownLine, Measure, each_day};
use super::rating;
use super::schedule;
use super::seats::{self, Count};
use super::upkeep;
use chrono::NaiveDate;
use std::borrow::Cow;
use std::ops::Range;

/// An invoice line on its way to an invoice.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The day the biller made it.
    pub created: NaiveDate,
    /// Nobody will ever post it.
    pub is_stuck: bool,
    /// Posted the day it is made: units added inside a period are invoiced when they are signed.
    pub is_prompt: bool,
    /// The line; ids, tax and order come with the invoice.
    pub line: InvoiceLine,
}

/// One unit of a quantity at 6 digits.
const UNIT: i128 = 1_000_000;

/// Days charged at one quantity and price.
#[derive(Debug, Clone)]
struct Run<'a> {
    days: Range<NaiveDate>,
    line: &'a Line,
    /// Contracted units.
    units: u32,
    /// Price of a unit for a whole period, at 8 digits.
    price: i128,
}

/// One contract line at the biller.
struct Biller<'a> {
    contract: &'a Contract,
    line_id: &'a str,
    faults: &'a [Fault],
    meters: &'a Meters,
    grid: Grid,
    until: NaiveDate,
    drafts: Vec<Draft>,
}

/// Everything the biller makes for one contract line by `until`.
pub fn bill(contract: &Contract, line_id: &str, meters: &Meters, faults: &[Fault], until: NaiveDate) -> Vec<Draft> {
    if faults.contains(&Fault::NeverBills) || faults.contains(&Fault::ForgetsFee) {
        return Vec::new();
    }
    let drafts = Vec::new();
    let contract = &keyed_in(contract, line_id, faults);
    let mut biller = Biller { contract, line_id, faults, meters, grid: upkeep::grid(contract, faults), until, drafts };
    let stated = contract.versions.iter().flat_map(|version| &version.lines).find(|line| line.id == line_id);
    match stated.map(|line| line.product.charge) {
        Some(Charge::Recurring) => biller.recurring(),
        Some(Charge::OneOff) => biller.one_off(),
        // Metered lines come from the meter, not from here.
        Some(Charge::Usage) | None => {}
    }
    biller.drafts.retain(|draft| draft.created <= until);
    biller.drafts
}

/// The contract as the biller has it: without ramp steps that nobody keyed in.
pub(super) fn keyed_in<'a>(contract: &'a Contract, line_id: &str, faults: &[Fault]) -> Cow<'a, Contract> {
    let missed =
        faults.iter().find_map(|fault| if let Fault::MissesRamp(from, _) = fault { Some(*from) } else { None });
    let Some(from) = missed else { return Cow::Borrowed(contract) };
    let mut contract = contract.clone();
    contract.ramps.retain(|step| step.line != line_id || step.start < from);
    Cow::Owned(contract)
}

pub(super) fn begins_in(range: &Range<NaiveDate>, period: &Range<NaiveDate>) -> bool {
    range.contains(&period.start)
}

impl<'a> Biller<'a> {
    fn recurring(&mut self) {
        let Some(last_known) = KnownLine::new(self.contract, self.line_id, self.until) else { return };
        let mut cell = self.grid.cell_of(last_known.life.start);
        loop {
            let days = self.grid.days(cell);
            let period = days.start.max(last_known.life.start)..days.end.min(last_known.life.end);
            if period.start >= last_known.life.end || period.start > self.until {
                break;
            }
            let billed_on = last_known.billable_date(&period);
            if billed_on <= self.until {
                self.period(cell, billed_on);
            }
            cell += 1;
        }
        self.after_the_end(&last_known, cell);
    }

    /// One billing period `cell`, invoiced on `billed_on` with what is known then.
    fn period(&mut self, number: i32, billed_on: NaiveDate) {
        let Some(known) = KnownLine::new(self.contract, self.line_id, billed_on) else { return };
        let cell = &self.grid.days(number);
        let period = cell.start.max(known.life.start)..cell.end.min(known.life.end);
        if self.faults.iter().any(|fault| matches!(fault, Fault::Skips(range) if begins_in(range, &period))) {
            return;
        }
        let charged = each_day(&period).filter(|day| known.is_charged(*day)).count();
        let measure = self.measure(cell, charged);
        let runs = self.runs(&known, &period, billed_on);
        let mut tally = Tally::default();
        // The first version of a price decides the whole of a period's faults.
        for run in &runs {
            let quantity = self.with_seats(&known, run, (number, &period), billed_on);
            let created = if run.days.start > period.start && self.starts_inside(&period) {
                billed_on.max(run.days.start)
            } else {
                billed_on
            };
            self.emit(&known, run, (cell, &period), measure, quantity, created, &mut tally);
        }
        if self.contract.timing.unwrap_or(Timing::Advance) == Timing::Advance && !runs.is_empty() {
            self.additions(cell, &period, billed_on, &mut tally);
            self.more_seats(&known, &runs, (number, &period), &mut tally);
        }
    }

    /// Units of a period at 6 digits, with the seats that are known to be in use when it is billed.
    fn with_seats(
        &self,
        known: &KnownLine<'_>,
        run: &Run<'_>,
        (number, period): (i32, &Range<NaiveDate>),
        billed_on: NaiveDate,
    ) -> i128 {
        let units = self.quantity(run.units, period) * UNIT;
        match run.line.seats.filter(|_| !self.faults.contains(&Fault::ForgetsSeats)) {
            Some(terms) => {
                // Whatever is known by then counts: nobody waits for the days of grace with an invoice.
                let as_of = add_days(billed_on, seats::grace(self.contract));
                units + self.excess(known, run, (number, period), as_of, terms)
            }
            None => units,
        }
    }

    fn excess(
        &self,
        known: &KnownLine<'_>,
        run: &Run<'_>,
        (number, period): (i32, &Range<NaiveDate>),
        as_of: NaiveDate,
        terms: Seats,
    ) -> i128 {
        match seats::count(self.meters, known, terms, (number, period), as_of) {
            Count::Seats(count) => seats::charged(terms, run.units, count) - i128::from(run.units) * UNIT,
            Count::Contracted | Count::Missing => 0,
        }
    }

    /// Seats in use beyond the contracted ones, invoiced when the period has ended and its grace has passed.
    fn more_seats(
        &mut self,
        known: &KnownLine<'a>,
        runs: &[Run<'_>],
        (number, period): (i32, &Range<NaiveDate>),
        tally: &mut Tally,
    ) {
        let created = add_days(period.end, seats::grace(self.contract));
        if created > self.until || self.faults.contains(&Fault::ForgetsSeats) {
            return;
        }
        for run in runs {
            let Some(terms) = run.line.seats.filter(|terms| !terms.is_forward) else { continue };
            let excess = self.excess(known, run, (number, period), created, terms);
            if excess > 0 {
                let cell = self.grid.days(number);
                let charged = each_day(period).filter(|day| known.is_charged(*day)).count();
                let measure = self.measure(&cell, charged);
                self.emit(known, run, (&cell, period), measure, excess, created, tally);
            }
        }
    }

    fn measure(&self, cell: &Range<NaiveDate>, charged: usize) -> Measure {
        Measure::new(self.contract.proration, self.grid, cell, i64::try_from(charged).unwrap_or(i64::MAX))
    }

    fn starts_inside(&self, period: &Range<NaiveDate>) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::StartsAt(date) if period.contains(date)))
    }

    /// Units signed for inside a period that is already invoiced: billed on the day they begin.
    fn additions(
        &mut self,
        cell: &Range<NaiveDate>,
        period: &Range<NaiveDate>,
        billed_on: NaiveDate,
        tally: &mut Tally,
    ) {
        let later: Vec<&Version> = self
            .contract
            .versions
            .iter()
            .filter(|version| billed_on < version.signed && version.signed <= self.until)
            .filter(|version| period.start < version.effective && version.effective < period.end)
            .filter(|version| !upkeep::misses(self.faults, version.effective))
            .collect();
        for version in later {
            let Some(known) = KnownLine::new(self.contract, self.line_id, version.signed) else { continue };
            // A ramp step of that day is nothing new.
            let units = |line: &Line| schedule::quantity(self.contract, line, version.effective);
            let before = known.on(add_days(version.effective, -1)).map_or(0, |segment| units(segment.line));
            let Some(segment) = known.on(version.effective) else { continue };
            let added = units(segment.line).saturating_sub(before);
            let end = cell.end.min(known.life.end);
            if added == 0 || version.effective >= end {
                continue;
            }
            let charged = each_day(&(period.start..end)).filter(|day| known.is_charged(*day)).count();
            let measure = self.measure(cell, charged);
            let price = self.price(segment.line, version.effective, version.signed);
            let run = Run { days: version.effective..end, line: segment.line, units: added, price };
            self.emit(&known, &run, (cell, period), measure, i128::from(added) * UNIT, version.signed, tally);
        }
    }

    /// Stretches of charged days at one quantity and price, as far as the faults leave them.
    fn runs<'k>(&self, known: &KnownLine<'k>, period: &Range<NaiveDate>, billed_on: NaiveDate) -> Vec<Run<'k>> {
        let mut runs: Vec<Run<'k>> = Vec::new();
        for day in each_day(period) {
            let is_left_out = self.faults.iter().any(|fault| match fault {
                Fault::StopsAt(date) => day >= *date,
                Fault::StartsAt(date) => day < *date,
                Fault::LeavesOut(range, _) => range.contains(&day),
                _ => false,
            });
            let Some(segment) = known.on(day).filter(|_| !is_left_out && !known.is_free(day)) else { continue };
            let segment = upkeep::keyed_in(self.faults, known, segment);
            let next = add_days(day, 1);
            let units = schedule::quantity(self.contract, segment.line, day);
            let price = self.price(segment.line, day, billed_on);
            match runs.last_mut() {
                Some(run) if run.days.end == day && run.units == units && run.price == price => run.days.end = next,
                _ => runs.push(Run { days: day..next, line: segment.line, units, price }),
            }
        }
        runs
    }

    /// The price of a whole period as far as the biller follows its rises.
    fn price(&self, line: &Line, day: NaiveDate, billed_on: NaiveDate) -> i128 {
        let price = schedule::price(self.contract, line, self.grid.months(), day, billed_on);
        let most = self.faults.iter().find_map(|fault| match fault {
            Fault::HoldsPrice(steps, _) => Some(*steps),
            _ => None,
        });
        most.and_then(|steps| price.path.get(steps).copied()).unwrap_or_else(|| price.last())
    }

    fn quantity(&self, units: u32, period: &Range<NaiveDate>) -> i128 {
        let mut quantity = units;
        for fault in self.faults {
            match fault {
                Fault::LowQuantity(range, fewer) if begins_in(range, period) => {
                    quantity = quantity.saturating_sub(*fewer).max(1);
                }
                Fault::HighQuantity(range, more) if begins_in(range, period) => quantity += more,
                _ => {}
            }
        }
        i128::from(quantity)
    }

    /// The price as the biller has it, in the currency's digits where it is wrong.
    fn keyed_price(&self, price: i128, period: &Range<NaiveDate>) -> i128 {
        let step = 10_i128.pow(8 - self.contract.currency.exponent());
        let wrong =
            |price: i128, permille: i64| divide_half_up(price * i128::from(permille), 1_000 * step).max(1) * step;
        self.faults.iter().fold(price, |price, fault| match fault {
            Fault::LowPrice(range, permille)
            | Fault::HighPrice(range, permille)
            | Fault::TypesOver(range, permille)
                if begins_in(range, period) =>
            {
                wrong(price, *permille)
            }
            Fault::OldPrice(range, old) if begins_in(range, period) => *old,
            _ => price,
        })
    }

    /// The discounts of the line as the biller has them.
    fn discounts(&self, version: &Version, period: &Range<NaiveDate>, known_on: NaiveDate) -> Vec<Discount> {
        let keeps = self.faults.contains(&Fault::KeepsDiscount);
        let forgets =
            self.faults.iter().any(|fault| matches!(fault, Fault::ForgetsDiscount(range) if begins_in(range, period)));
        let mut discounts = schedule::discounts(self.contract, self.line_id, known_on);
        discounts.retain(|discount| discount.version.is_none_or(|number| number == version.number));
        discounts.retain(|discount| !(forgets && discount.line.is_some()));
        if keeps {
            for discount in discounts.iter_mut().filter(|discount| discount.line.is_some()) {
                discount.end = None;
            }
        }
        discounts
    }

    #[expect(clippy::too_many_arguments, reason = "a line needs its run, its period, its measure and its date")]
    fn emit(
        &mut self,
        known: &KnownLine<'a>,
        run: &Run<'_>,
        (cell, period): (&Range<NaiveDate>, &Range<NaiveDate>),
        measure: Measure,
        quantity: i128,
        created: NaiveDate,
        tally: &mut Tally,
    ) {
        let Some(segment) = known.on(run.days.start) else { return };
        let (months, exponent) = (self.grid.months(), self.contract.currency.exponent());
        let discounts = self.discounts(segment.version, period, created);
        let price = self.keyed_price(run.price, period);
        let is_whole = run.days == *cell;
        // Some contracts show a month's price on a quarter's line.
        let shows_month = is_whole
            && months > 1
            && run.line.price_period == PricePeriod::Month
            && price == run.line.unit_price * i128::from(months)
            && self.shows_months();
        let (whole, shown) = if rating::is_rated(run.line) {
            self.rated(run.line, quantity, period)
        } else {
            let shown = if shows_month { run.line.unit_price } else { price };
            (Fraction::decimal(price, 8) * Fraction::decimal(quantity, 6), (quantity, shown))
        };
        let weigh = |day| measure.day(day);
        let price_period = run.line.price_period;
        let rate = Rate { whole, price_period, months, weigh: &weigh, weight: measure.whole() };
        let billable = known.billable_date(period);
        let mut charged = charge(rate, &discounts, &run.days, (billable, exponent));
        if let Some(permille) = upkeep::wrong_share(self.faults, period).filter(|_| !is_whole) {
            charged.scale(Fraction::new(i128::from(permille), 1_000));
        }
        let line = Template {
            kind: if is_whole { LineKind::Recurring } else { LineKind::Proration },
            quantity: shown.0,
            unit_price: shown.1,
            days: run.days.clone(),
        };
        let mis_adds = self.faults.iter().find_map(|fault| match fault {
            Fault::MisAdds(range, permille) if is_whole && begins_in(range, period) => Some(*permille),
            _ => None,
        });
        let line = tally.line(run.line, line, (&charged, &discounts), exponent, mis_adds);
        let is_stuck =
            self.faults.iter().any(|fault| matches!(fault, Fault::NeverPosts(range) if begins_in(range, period)));
        let is_prompt = created > billable;
        let draft = Draft { created, is_stuck, is_prompt, line };
        self.drafts.extend(upkeep::posted(self.faults, self.contract, (billable, period), draft));
    }

    /// Gross of a whole period of a line with tiers, packages or included units; the quantity and price that its invoice shows.
    fn rated(&self, line: &Line, quantity: i128, period: &Range<NaiveDate>) -> (Fraction, (i128, i128)) {
        let (months, exponent) = (self.grid.months(), self.contract.currency.exponent());
        let included = rating::included(line, months, (1, 1));
        let units = Fraction::decimal(quantity, 6);
        let keyed = rating_fault(line, self.faults, period);
        let whole = rating::gross(&keyed, units, included, months, exponent);
        let rest = if units.less_than(included) { Fraction::ZERO } else { units - included };
        (whole, (rest.digits(6), whole.over(rest).digits(8)))
    }

    /// Not where sums go wrong: nobody could tell then which product was meant.
    fn shows_months(&self) -> bool {
        self.contract.account % 3 == 1 && !self.faults.iter().any(|fault| matches!(fault, Fault::MisAdds(..)))
    }

    /// Periods billed although the contract has ended.
    fn after_the_end(&mut self, known: &KnownLine<'a>, first: i32) {
        let more =
            self.faults.iter().find_map(|fault| if let Fault::BillsOn(more) = fault { Some(*more) } else { None });
        let Some(segment) = known.segments.last() else { return };
        for cell in first..first + more.unwrap_or(0) {
            let days = self.grid.days(cell);
            let created = known.billable_date(&days);
            if created > self.until {
                break;
            }
            let length = usize::try_from(days_between(days.start, days.end)).unwrap_or(0);
            let measure = self.measure(&days, length);
            let last_day = add_days(known.life.end, -1);
            let units = schedule::quantity(self.contract, segment.line, last_day);
            let price = self.price(segment.line, last_day, created);
            let quantity = self.quantity(units, &(last_day..known.life.end)) * UNIT;
            let mut tally = Tally::default();
            let discounts = self.discounts(segment.version, &days, created);
            let months = self.grid.months();
            let exponent = self.contract.currency.exponent();
            let whole = Fraction::decimal(price, 8) * Fraction::decimal(quantity, 6);
            let weigh = |day| measure.day(day);
            let price_period = segment.line.price_period;
            let rate = Rate { whole, price_period, months, weigh: &weigh, weight: measure.whole() };
            let charged = charge(rate, &discounts, &days, (created, exponent));
            let template = Template { kind: LineKind::Recurring, quantity, unit_price: price, days };
            let line = tally.line(segment.line, template, (&charged, &discounts), exponent, None);
            self.drafts.push(Draft { created, is_stuck: false, is_prompt: false, line });
        }
    }

    fn one_off(&mut self) {
        let Some(version) = self.contract.versions.first() else { return };
        let Some(line) = version.lines.iter().find(|line| line.id == self.line_id) else { return };
        let Some(created) = line.accepted.filter(|accepted| *accepted <= self.until) else { return };
        let days = line.start..add_days(line.start, 1);
        let discounts = self.discounts(version, &days, created);
        let exponent = self.contract.currency.exponent();
        let whole = Fraction::decimal(line.unit_price, 8);
        let rate = Rate { whole, price_period: line.price_period, months: 1, weigh: &|_| 1, weight: 1 };
        let charged = charge(rate, &discounts, &days, (created, exponent));
        let template = Template { kind: LineKind::OneOff, quantity: UNIT, unit_price: line.unit_price, days };
        let mut tally = Tally::default();
        let line = tally.line(line, template, (&charged, &discounts), exponent, None);
        self.drafts.push(Draft { created, is_stuck: false, is_prompt: false, line });
    }
}

/// The line with the tiers and prices that the biller has.
pub(super) fn rating_fault(line: &Line, faults: &[Fault], period: &Range<NaiveDate>) -> Line {
    let mut line = line.clone();
    for fault in faults {
        match fault {
            Fault::WrongModel(range) if begins_in(range, period) => line.pricing = Pricing::Volume,
            Fault::LowTiers(range, permille) if begins_in(range, period) => {
                let low = |price: i128| price * i128::from(*permille) / 1_000;
                line.unit_price = low(line.unit_price);
                for tier in &mut line.rating.tiers {
                    tier.price = low(tier.price);
                }
            }
            _ => {}
        }
    }
    line
}

/// Whether a line's price counts units.
pub fn is_per_unit(line: &Line) -> bool {
    line.pricing == Pricing::PerUnit
}
