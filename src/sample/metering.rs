//! Metered lines: use of a billing period, invoiced after it.

use super::biller::{Draft, keyed_in, rating_fault};
use super::charge::{Charged, Rate, charge};
use super::facts::{Charge, Contract, InvoiceLine, Line, LineKind, Pricing};
use super::fraction::Fraction;
use super::leaks::Fault;
use super::meters::Meters;
use super::periods::{Grid, KnownLine, each_day};
use super::rating;
use super::schedule;
use chrono::NaiveDate;
use std::ops::Range;

/// One metered contract line at the biller.
struct Metering<'a> {
    contract: &'a Contract,
    known: &'a KnownLine<'a>,
    meters: &'a Meters,
    faults: &'a [Fault],
    grid: Grid,
}

/// Days of a period at one price.
struct Run<'a> {
    line: &'a Line,
    days: Vec<NaiveDate>,
    price: i128,
}

/// Metered lines of one contract line by `until`.
pub(super) fn bill(
    contract: &Contract,
    line_id: &str,
    meters: &Meters,
    faults: &[Fault],
    until: NaiveDate,
) -> Vec<Draft> {
    let contract = &keyed_in(contract, line_id, faults);
    let Some(known) = &KnownLine::new(contract, line_id, until) else { return Vec::new() };
    let is_metered = known.segments.first().is_some_and(|segment| segment.line.product.charge == Charge::Usage);
    if !is_metered || faults.contains(&Fault::NeverBills) {
        return Vec::new();
    }
    let grid = Grid::new(contract);
    let metering = Metering { contract, known, meters, faults, grid };
    let first = grid.cell_of(known.life.start);
    let mut drafts = Vec::new();
    for cell in first.. {
        let days = grid.days(cell);
        let period = days.start.max(known.life.start)..days.end.min(known.life.end);
        if period.start >= known.life.end || period.end > until {
            break;
        }
        let skips = faults.iter().any(|fault| matches!(fault, Fault::SkipsUse(range) if range.contains(&period.start)));
        if !skips {
            drafts.extend(metering.period(&days, &period));
        }
    }
    drafts
}

impl Metering<'_> {
    fn used(&self, line: &Line, day: NaiveDate) -> i64 {
        let next = super::months::add_days(day, 1);
        self.meters.used(self.contract.account, &line.product, &(day..next))
    }

    fn runs(&self, period: &Range<NaiveDate>) -> Vec<Run<'_>> {
        let mut runs: Vec<Run<'_>> = Vec::new();
        for day in each_day(period).filter(|day| !self.known.is_free(*day)) {
            let Some(segment) = self.known.on(day) else { continue };
            let price = schedule::price(self.contract, segment.line, self.grid.months(), day, period.end);
            let held = self.faults.iter().find_map(|fault| match fault {
                Fault::HoldsPrice(steps, _) => price.path.get(*steps).copied(),
                _ => None,
            });
            let price = held.unwrap_or_else(|| price.last());
            match runs.last_mut() {
                // Tiers count the use of the whole period; only plain prices are told apart.
                Some(run) if run.price == price || segment.line.pricing != Pricing::PerUnit => run.days.push(day),
                _ => runs.push(Run { line: segment.line, days: vec![day], price }),
            }
        }
        runs
    }

    /// Units billed of those used.
    fn billed(&self, used: i64, period: &Range<NaiveDate>) -> i64 {
        self.faults.iter().fold(used, |units, fault| match fault {
            Fault::LowUse(range, permille) if range.contains(&period.start) => units * permille / 1_000,
            _ => units,
        })
    }

    fn period(&self, cell: &Range<NaiveDate>, period: &Range<NaiveDate>) -> Vec<Draft> {
        let (months, exponent) = (self.grid.months(), self.contract.currency.exponent());
        let share = rating::share(cell, |day| self.known.is_charged(day));
        let runs = self.runs(period);
        let mut drafts = Vec::new();
        for run in &runs {
            let used: i64 = run.days.iter().map(|day| self.used(run.line, *day)).sum();
            let size = Fraction::whole(i128::from(run.line.rating.unit_size));
            let units = Fraction::whole(i128::from(self.billed(used, period))).over(size);
            let included = rating::included(run.line, months, share);
            let (whole, quantity, price) = match run.line.pricing {
                Pricing::Flat => (Fraction::decimal(run.price, 8), Fraction::ONE, run.price),
                Pricing::PerUnit if !rating::is_rated(run.line) => {
                    (Fraction::decimal(run.price, 8) * units, units, run.price)
                }
                _ => {
                    let keyed = rating_fault(run.line, self.faults, period);
                    let whole = rating::gross(&keyed, units, included, months, exponent);
                    let rest = if units.less_than(included) { Fraction::ZERO } else { units - included };
                    let shown = if self.states_excess() { rest } else { units };
                    (whole, shown, whole.over(shown).digits(8))
                }
            };
            let charged = self.charged(run, (whole, used), period);
            drafts.push(self.draft(run, period, (quantity, price), &charged));
        }
        drafts
    }

    /// Invoices count units beyond the included ones, or all of them.
    fn states_excess(&self) -> bool {
        !self.faults.is_empty() || self.contract.account.is_multiple_of(2)
    }

    fn charged(&self, run: &Run<'_>, (whole, used): (Fraction, i64), period: &Range<NaiveDate>) -> Charged {
        let by_day = run.line.pricing == Pricing::Flat || used == 0;
        let weigh = |day: NaiveDate| match run.days.binary_search(&day) {
            Err(_) => 0,
            Ok(_) if by_day => 1,
            Ok(_) => self.used(run.line, day),
        };
        let weight = if by_day { i64::try_from(run.days.len()).unwrap_or(1) } else { used };
        let months = self.grid.months();
        let rate = Rate { whole, price_period: run.line.price_period, months, weigh: &weigh, weight };
        let mut discounts = schedule::discounts(self.contract, &run.line.id, period.end);
        if self.faults.contains(&Fault::KeepsDiscount) {
            for discount in discounts.iter_mut().filter(|discount| discount.line.is_some()) {
                discount.end = None;
            }
        }
        charge(rate, &discounts, period, (period.end, self.contract.currency.exponent()))
    }

    fn draft(
        &self,
        run: &Run<'_>,
        period: &Range<NaiveDate>,
        (quantity, price): (Fraction, i128),
        charged: &Charged,
    ) -> Draft {
        let exponent = self.contract.currency.exponent();
        // Some invoices price single units where the contract prices thousands.
        let size = run.line.rating.unit_size;
        let is_single = price % i128::from(size) == 0 && self.contract.account % 4 == 1;
        let (unit_size, factor) = if is_single { (1, i128::from(size)) } else { (size, 1) };
        let (gross, amount) = (charged.gross.minor(exponent), charged.net.minor(exponent));
        let (first, last) = (run.days.first(), run.days.last());
        let line = InvoiceLine {
            id: String::new(),
            contract_line: run.line.id.clone(),
            commitment: None,
            product: run.line.product,
            kind: LineKind::Usage,
            quantity: (quantity * Fraction::whole(factor)).digits(6),
            unit_size,
            unit_price: price / factor,
            gross,
            discount: gross - amount,
            amount,
            tax: 0,
            start: first.copied().unwrap_or(period.start),
            end: last.and_then(|day| day.succ_opt()).unwrap_or(period.end),
            is_override: false,
            applied: Vec::new(),
        };
        let is_stuck =
            self.faults.iter().any(|fault| matches!(fault, Fault::NeverPosts(range) if range.contains(&period.start)));
        Draft { created: period.end, is_stuck, is_prompt: false, line }
    }
}
