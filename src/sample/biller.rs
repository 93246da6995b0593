//! The biller: what it charges for a contract line, period by period, faults included.

use super::charge::{Charged, Rate, charge};
use super::facts::{
    Charge, Contract, Discount, DiscountValue, InvoiceLine, Line, LineKind, PricePeriod, Pricing, Timing, Version,
};
use super::fraction::{Fraction, divide_half_up};
use super::leaks::Fault;
use super::months::{add_days, days_between};
use super::periods::{Grid, KnownLine, Measure, each_day, period_price};
use chrono::NaiveDate;
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

/// Days charged at one quantity and price.
#[derive(Debug, Clone)]
struct Run<'a> {
    days: Range<NaiveDate>,
    line: &'a Line,
}

/// One contract line at the biller.
struct Biller<'a> {
    contract: &'a Contract,
    line_id: &'a str,
    faults: &'a [Fault],
    grid: Grid,
    until: NaiveDate,
    drafts: Vec<Draft>,
}

/// Exact and rounded money of a period so far: the last line takes the rounding remainder.
#[derive(Debug, Clone, Copy)]
struct Tally {
    gross: Fraction,
    net: Fraction,
    billed_gross: i128,
    billed_net: i128,
}

/// Everything the biller makes for one contract line by `until`.
pub fn bill(contract: &Contract, line_id: &str, faults: &[Fault], until: NaiveDate) -> Vec<Draft> {
    if faults.contains(&Fault::NeverBills) {
        return Vec::new();
    }
    let drafts = Vec::new();
    let mut biller = Biller { contract, line_id, faults, grid: Grid::new(contract), until, drafts };
    let stated = contract.versions.iter().flat_map(|version| &version.lines).find(|line| line.id == line_id);
    match stated.map(|line| line.product.charge) {
        Some(Charge::Recurring) => biller.recurring(),
        Some(Charge::OneOff) => biller.one_off(),
        // Metered lines come from the meter, not from here.
        Some(Charge::Usage) | None => {}
    }
    biller.drafts
}

fn begins_in(range: &Range<NaiveDate>, period: &Range<NaiveDate>) -> bool {
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
                self.period(&days, billed_on);
            }
            cell += 1;
        }
        self.after_the_end(&last_known, cell);
    }

    /// One billing period `cell`, invoiced on `billed_on` with what is known then.
    fn period(&mut self, cell: &Range<NaiveDate>, billed_on: NaiveDate) {
        let Some(known) = KnownLine::new(self.contract, self.line_id, billed_on) else { return };
        let period = cell.start.max(known.life.start)..cell.end.min(known.life.end);
        if self.faults.iter().any(|fault| matches!(fault, Fault::Skips(range) if begins_in(range, &period))) {
            return;
        }
        let charged = each_day(&period).filter(|day| known.is_charged(*day)).count();
        let measure = self.measure(cell, charged);
        let runs = self.runs(&known, &period);
        let mut tally = Tally { gross: Fraction::ZERO, net: Fraction::ZERO, billed_gross: 0, billed_net: 0 };
        // The first version of a price decides the whole of a period's faults.
        for run in &runs {
            let quantity = self.quantity(run.line, &period);
            let created = if run.days.start > period.start && self.starts_inside(&period) {
                billed_on.max(run.days.start)
            } else {
                billed_on
            };
            self.emit(&known, run, (cell, &period), measure, quantity, created, &mut tally);
        }
        if self.contract.timing.unwrap_or(Timing::Advance) == Timing::Advance && !runs.is_empty() {
            self.additions(cell, &period, billed_on, &mut tally);
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
            .collect();
        for version in later {
            let Some(known) = KnownLine::new(self.contract, self.line_id, version.signed) else { continue };
            let before = known.on(add_days(version.effective, -1)).map_or(0, |segment| segment.line.quantity);
            let Some(segment) = known.on(version.effective) else { continue };
            let added = segment.line.quantity.saturating_sub(before);
            let end = cell.end.min(known.life.end);
            if added == 0 || version.effective >= end {
                continue;
            }
            let charged = each_day(&(period.start..end)).filter(|day| known.is_charged(*day)).count();
            let measure = self.measure(cell, charged);
            let run = Run { days: version.effective..end, line: segment.line };
            self.emit(&known, &run, (cell, period), measure, i128::from(added), version.signed, tally);
        }
    }

    /// Stretches of charged days at one quantity and price, as far as the faults leave them.
    fn runs<'k>(&self, known: &KnownLine<'k>, period: &Range<NaiveDate>) -> Vec<Run<'k>> {
        let mut runs: Vec<Run<'k>> = Vec::new();
        for day in each_day(period) {
            let is_left_out = self.faults.iter().any(|fault| match fault {
                Fault::StopsAt(date) => day >= *date,
                Fault::StartsAt(date) => day < *date,
                _ => false,
            });
            let Some(segment) = known.on(day).filter(|_| !is_left_out && !known.is_free(day)) else { continue };
            let next = add_days(day, 1);
            match runs.last_mut() {
                Some(run)
                    if run.days.end == day
                        && run.line.quantity == segment.line.quantity
                        && run.line.unit_price == segment.line.unit_price =>
                {
                    run.days.end = next;
                }
                _ => runs.push(Run { days: day..next, line: segment.line }),
            }
        }
        runs
    }

    fn quantity(&self, line: &Line, period: &Range<NaiveDate>) -> i128 {
        let mut quantity = line.quantity;
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

    /// The unit price as the biller has it, in the currency's digits where it is wrong.
    fn unit_price(&self, line: &Line, period: &Range<NaiveDate>) -> i128 {
        let step = 10_i128.pow(8 - self.contract.currency.exponent());
        let wrong =
            |price: i128, permille: i64| divide_half_up(price * i128::from(permille), 1_000 * step).max(1) * step;
        self.faults.iter().fold(line.unit_price, |price, fault| match fault {
            Fault::LowPrice(range, permille) | Fault::HighPrice(range, permille) if begins_in(range, period) => {
                wrong(price, *permille)
            }
            _ => price,
        })
    }

    /// The discounts of the line as the biller has them.
    fn discounts(&self, version: &Version, period: &Range<NaiveDate>, known_on: NaiveDate) -> Vec<Discount> {
        let keeps = self.faults.contains(&Fault::KeepsDiscount);
        let forgets =
            self.faults.iter().any(|fault| matches!(fault, Fault::ForgetsDiscount(range) if begins_in(range, period)));
        let mut discounts: Vec<Discount> = self
            .contract
            .discounts
            .iter()
            .filter(|discount| discount.line.as_deref().is_none_or(|line| line == self.line_id))
            .filter(|discount| discount.version.is_none_or(|number| number == version.number))
            .filter(|discount| discount.signed <= known_on && !(forgets && discount.line.is_some()))
            .cloned()
            .collect();
        discounts.sort_by(|a, b| (a.sequence, &a.id).cmp(&(b.sequence, &b.id)));
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
        let months = self.grid.months();
        let unit_price = self.unit_price(run.line, period);
        let price = period_price(unit_price, run.line.price_period, months);
        let discounts = self.discounts(segment.version, period, created);
        let exponent = self.contract.currency.exponent();
        let rate = Rate { line: run.line, quantity, price, months };
        let billable = known.billable_date(period);
        let charged = charge(rate, &discounts, (&run.days, measure), (billable, exponent));
        let is_whole = run.days == *cell;
        let shows_month = is_whole && months > 1 && run.line.price_period == PricePeriod::Month && self.shows_months();
        let line = Template {
            kind: if is_whole { LineKind::Recurring } else { LineKind::Proration },
            quantity,
            unit_price: if shows_month { unit_price } else { price },
            days: run.days.clone(),
        };
        let mis_adds = self.faults.iter().find_map(|fault| match fault {
            Fault::MisAdds(range, permille) if is_whole && begins_in(range, period) => Some(*permille),
            _ => None,
        });
        let line = self.line(run.line, line, (&charged, &discounts), tally, mis_adds);
        let is_stuck =
            self.faults.iter().any(|fault| matches!(fault, Fault::NeverPosts(range) if begins_in(range, period)));
        let is_prompt = created > billable;
        self.drafts.push(Draft { created, is_stuck, is_prompt, line });
    }

    /// Some contracts show a month's price on a quarter's line. Not where sums go wrong: nobody could tell then which product
    /// was meant.
    fn shows_months(&self) -> bool {
        self.contract.account % 3 == 1 && !self.faults.iter().any(|fault| matches!(fault, Fault::MisAdds(..)))
    }

    /// Rounds a charge to an invoice line; the last line of a period takes the remainder of its rounding.
    fn line(
        &self,
        stated: &Line,
        template: Template,
        (charged, discounts): (&Charged, &[Discount]),
        tally: &mut Tally,
        mis_adds: Option<i64>,
    ) -> InvoiceLine {
        let exponent = self.contract.currency.exponent();
        tally.gross = tally.gross + charged.gross;
        tally.net = tally.net + charged.net;
        let mut gross = tally.gross.minor(exponent) - tally.billed_gross;
        let mut amount = tally.net.minor(exponent) - tally.billed_net;
        tally.billed_gross += gross;
        tally.billed_net += amount;
        let discount = gross - amount;
        if let Some(permille) = mis_adds {
            let missing = (gross * i128::from(permille) / 1_000).max(1);
            // With a discount on it the sum is wrong, without one the product is.
            amount -= missing;
            if discount == 0 {
                gross -= missing;
            }
        }
        InvoiceLine {
            id: String::new(),
            contract_line: stated.id.clone(),
            commitment: None,
            product: stated.product,
            kind: template.kind,
            quantity: template.quantity * 1_000_000,
            unit_size: 1,
            unit_price: template.unit_price,
            gross,
            discount,
            amount,
            tax: 0,
            start: template.days.start,
            end: template.days.end,
            applied: applied(charged, discounts, discount, exponent),
        }
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
            let run = Run { days: days.clone(), line: segment.line };
            let mut tally = Tally { gross: Fraction::ZERO, net: Fraction::ZERO, billed_gross: 0, billed_net: 0 };
            let last_day = add_days(known.life.end, -1)..known.life.end;
            let quantity = self.quantity(segment.line, &last_day);
            let discounts = self.discounts(segment.version, &days, created);
            let months = self.grid.months();
            let price = period_price(segment.line.unit_price, segment.line.price_period, months);
            let exponent = self.contract.currency.exponent();
            let rate = Rate { line: segment.line, quantity, price, months };
            let charged = charge(rate, &discounts, (&days, measure), (created, exponent));
            let template = Template { kind: LineKind::Recurring, quantity, unit_price: price, days };
            let line = self.line(run.line, template, (&charged, &discounts), &mut tally, None);
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
        let measure = Measure::new(None, self.grid, &days, 1);
        let rate = Rate { line, quantity: 1, price: line.unit_price, months: 1 };
        let charged = charge(rate, &discounts, (&days, measure), (created, exponent));
        let template = Template { kind: LineKind::OneOff, quantity: 1, unit_price: line.unit_price, days };
        let mut tally = Tally { gross: Fraction::ZERO, net: Fraction::ZERO, billed_gross: 0, billed_net: 0 };
        let line = self.line(line, template, (&charged, &discounts), &mut tally, None);
        self.drafts.push(Draft { created, is_stuck: false, is_prompt: false, line });
    }
}

/// What a line says besides its money.
struct Template {
    kind: LineKind,
    quantity: i128,
    unit_price: i128,
    days: Range<NaiveDate>,
}

/// The discount of a line told apart by where it comes from; the last one takes the rounding remainder.
fn applied(
    charged: &Charged,
    discounts: &[Discount],
    total: i128,
    exponent: u32,
) -> Vec<(String, DiscountValue, i128)> {
    let mut sums: Vec<(usize, Fraction)> = Vec::new();
    for (at, part) in &charged.parts {
        match sums.iter_mut().find(|(same, _)| same == at) {
            Some((_, sum)) => *sum = *sum + *part,
            None => sums.push((*at, *part)),
        }
    }
    let mut left = total;
    let last = sums.len().saturating_sub(1);
    sums.iter()
        .enumerate()
        .filter_map(|(position, (at, sum))| {
            let amount = if position == last { left } else { sum.minor(exponent) };
            left -= amount;
            discounts.get(*at).map(|discount| (discount.id.clone(), discount.value, amount))
        })
        .collect()
}

/// Whether a line's price counts units.
pub fn is_per_unit(line: &Line) -> bool {
    line.pricing == Pricing::PerUnit
}
