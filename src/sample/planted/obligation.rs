//! Findings of one contract line: obligation by obligation, step by step.

use super::Finding;
use super::coverage::{Standing, split};
use super::terms::{Owed, owed};
use super::waterfall::{Factors, Frame, Steps, counts_units, stated_units, steps};
use crate::sample::facts::{Charge, Contract, Invoice, InvoiceLine, Line, PricePeriod};
use crate::sample::fraction::Fraction;
use crate::sample::months::{add_days, days_between};
use crate::sample::periods::{Grid, KnownLine, Measure, period_price};
use crate::sample::terms::beyond_rates_from;
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::ops::Range;

/// An invoice line with its invoice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Billed<'a> {
    pub(super) invoice: &'a Invoice,
    pub(super) line: &'a InvoiceLine,
}

/// One contract line on as_of.
struct Subject<'a> {
    contract: &'a Contract,
    prior: Option<&'a Contract>,
    line: &'a Line,
    known: KnownLine<'a>,
    standing: Standing<'a>,
    as_of: NaiveDate,
    findings: Vec<Finding>,
}

/// One obligation.
struct Obligation<'a> {
    cell: Range<NaiveDate>,
    period: Range<NaiveDate>,
    component: &'static str,
    billed: Vec<&'a Billed<'a>>,
    due: NaiveDate,
}

/// All findings of a contract line on as_of.
pub(super) fn findings(
    contract: &Contract,
    prior: Option<&Contract>,
    line_id: &str,
    billed: &[Billed<'_>],
    as_of: NaiveDate,
) -> Vec<Finding> {
    let Some(known) = KnownLine::new(contract, line_id, as_of) else { return Vec::new() };
    let Some(line) = known.segments.last().map(|segment| segment.line) else { return Vec::new() };
    let (standing, duplicates) = standing(billed, as_of);
    let mut subject = Subject { contract, prior, line, known, standing, as_of, findings: Vec::new() };
    match line.product.charge {
        Charge::Recurring => subject.recurring(),
        Charge::OneOff => subject.one_off(),
        // Tiers need more than a rate: such a line is unverifiable.
        Charge::Usage => return Vec::new(),
    }
    subject.duplicates(&duplicates);
    subject.findings
}

/// Sorts out what is posted; lines taken back by a credit for all of them leave, duplicates are told apart.
fn standing<'a>(billed: &[Billed<'a>], as_of: NaiveDate) -> (Standing<'a>, Vec<Billed<'a>>) {
    let mut posted: Vec<Billed<'a>> = billed.iter().filter(|billed| billed.invoice.is_posted(as_of)).copied().collect();
    posted.sort_by(|a, b| (a.invoice.issued, &a.line.id).cmp(&(b.invoice.issued, &b.line.id)));
    let withheld = billed
        .iter()
        .filter(|billed| billed.invoice.created <= as_of && !billed.invoice.is_posted(as_of))
        .copied()
        .collect();
    let key = |billed: &Billed<'_>| (billed.line.start, billed.line.end, billed.line.quantity, billed.line.unit_price);
    let (mut kept, mut duplicates): (Vec<Billed<'a>>, Vec<Billed<'a>>) = (Vec::new(), Vec::new());
    for (at, candidate) in posted.iter().enumerate() {
        let group: Vec<&Billed<'a>> = posted.iter().filter(|other| key(other) == key(candidate)).collect();
        let position = posted.iter().take(at).filter(|other| key(other) == key(candidate)).count();
        let reversals: usize = group.iter().map(|other| reversals(other, as_of)).sum();
        match position.checked_sub(reversals) {
            None => {}
            Some(0) => kept.push(*candidate),
            Some(_) => duplicates.push(*candidate),
        }
    }
    (Standing { posted: kept, withheld }, duplicates)
}

/// How often the line was credited in full by as_of.
fn reversals(billed: &Billed<'_>, as_of: NaiveDate) -> usize {
    let credits = billed.invoice.credits.iter().filter(|credit| credit.issued <= as_of);
    credits
        .filter(|credit| match &credit.line {
            Some(line) => *line == billed.line.id && credit.amount == billed.line.amount,
            None => [billed.invoice.total(), billed.invoice.subtotal()].contains(&credit.amount),
        })
        .count()
}

impl Subject<'_> {
    fn grace(&self) -> i64 {
        self.contract.issue_grace_days.unwrap_or(5)
    }

    fn recurring(&mut self) {
        let grid = Grid::new(self.contract);
        let life = self.known.life.clone();
        let last_day = add_days(life.end, -1).min(self.as_of);
        let mut cells: BTreeSet<i32> = BTreeSet::new();
        if life.start <= last_day {
            cells.extend(grid.cell_of(life.start)..=grid.cell_of(last_day));
        }
        let posted = self.standing.posted.clone();
        cells.extend(posted.iter().map(|billed| grid.cell_of(billed.line.start)));
        for cell in cells {
            let cell = grid.days(cell);
            let inside = cell.start.max(life.start)..cell.end.min(life.end);
            let period = if inside.start < inside.end { inside } else { cell.clone() };
            let billable = self.known.billable_date(&period);
            let due = add_days(billable, self.grace());
            let is_rated = beyond_rates_from(self.contract, self.line).is_none_or(|from| from >= period.end);
            if due > self.as_of || !is_rated {
                continue;
            }
            let billed = posted.iter().filter(|billed| cell.contains(&billed.line.start)).collect();
            let owed = owed(&self.known, self.as_of, (&cell, &period), billable, self.contract.proration);
            let obligation = Obligation { cell, period, component: "charge", billed, due };
            self.check(&obligation, &owed);
        }
    }

    fn one_off(&mut self) {
        let Some(accepted) = self.line.accepted.filter(|accepted| *accepted <= self.as_of) else { return };
        let due = add_days(accepted, self.grace());
        if due > self.as_of {
            return;
        }
        let period = self.line.start..add_days(self.line.start, 1);
        let posted = self.standing.posted.clone();
        let billed = posted.iter().collect();
        // A one-off is owed whole on its day, whatever the contract's first day of service.
        let first = self.known.segments.first().copied();
        let Some(mut segment) = first else { return };
        (segment.from, segment.to) = (period.start, period.end);
        let known = KnownLine {
            contract: self.contract,
            segments: vec![segment],
            free: Vec::new(),
            pauses: Vec::new(),
            life: period.clone(),
        };
        // One day, whatever a month is by the contract.
        let mut owed = owed(&known, self.as_of, (&period, &period), accepted, None);
        owed.whole = owed.measured;
        let obligation = Obligation { cell: period.clone(), period, component: "one_off", billed, due };
        self.check(&obligation, &owed);
    }

    fn check(&mut self, obligation: &Obligation<'_>, owed: &Owed) {
        let grid = Grid::new(self.contract);
        let exponent = self.contract.currency.exponent();
        let charged = i64::try_from(owed.days.len()).unwrap_or(i64::MAX);
        let is_one_off = obligation.component == "one_off";
        let frame = Frame {
            grid,
            cell: &obligation.cell,
            measure: Measure::new(self.contract.proration, grid, &obligation.cell, charged),
            exponent,
            price_period: if is_one_off { PricePeriod::Once } else { self.line.price_period },
            is_one_off,
            charged: &owed.days,
            last_price: owed.last_price,
        };
        let factors = (!obligation.billed.is_empty()).then(|| frame.factors(&obligation.billed));
        let steps = steps(owed, factors.as_ref(), exponent);
        if let Some(factors) = &factors {
            let code = if factors.error > 0 { "E1" } else { "O2" };
            self.found(obligation, code, "E0", factors.error, String::new());
            self.late(obligation);
        }
        self.coverage(obligation, owed, factors.as_ref(), steps, &frame);
        self.quantity(obligation, owed, factors.as_ref(), steps);
        self.price(obligation, owed, factors.as_ref(), steps);
        self.discount(obligation, owed, factors.as_ref(), steps);
    }

    fn found(
        &mut self,
        obligation: &Obligation<'_>,
        code: &'static str,
        step: &'static str,
        gap: i128,
        subject: String,
    ) {
        if gap == 0 && code != "C11" {
            return;
        }
        let posted = obligation.billed.iter().filter_map(|billed| billed.invoice.issued).max();
        let is_waived = gap > 0
            && self.contract.exceptions.iter().any(|exception| {
                exception.line == self.line.id
                    && exception.check_code == code
                    && exception.approved_at.date() <= self.as_of
            });
        self.findings.push(Finding {
            is_planted: false,
            code,
            account: self.contract.account,
            contract: self.contract.id.clone(),
            line: self.line.id.clone(),
            product: self.line.product.id,
            subject,
            component: obligation.component,
            step,
            start: obligation.period.start,
            end: Some(obligation.period.end),
            gap,
            waived: if is_waived { gap } else { 0 },
            class: match code {
                "O1" | "O2" => "liability",
                "C11" => "timing",
                _ => "leak",
            },
            holds_from: posted.map_or(obligation.due, |posted| posted.max(obligation.due)),
        });
    }

    /// An obligation first invoiced after its grace is late, whatever was invoiced.
    fn late(&mut self, obligation: &Obligation<'_>) {
        let first = obligation.billed.iter().filter_map(|billed| billed.invoice.issued).min();
        if first.is_some_and(|first| first > obligation.due) {
            self.found(obligation, "C11", "", 0, String::new());
        }
    }

    fn coverage(
        &mut self,
        obligation: &Obligation<'_>,
        owed: &Owed,
        factors: Option<&Factors>,
        steps: Steps,
        frame: &Frame<'_>,
    ) {
        let step = steps.s1 - steps.s0;
        if step <= 0 {
            self.found(obligation, "O2", "S1", step, String::new());
            return;
        }
        let (covered, uncovered): (Vec<NaiveDate>, Vec<NaiveDate>) =
            owed.days.iter().partition(|day| self.standing.covers(**day));
        if obligation.component == "one_off" {
            let withheld = self.standing.withheld.iter().map(|billed| billed.invoice.id.clone()).max();
            let code = if withheld.is_some() { "C12" } else { "C7" };
            self.found(obligation, code, "S1", step, withheld.unwrap_or_default());
            return;
        }
        let misjudged = match factors {
            _ if covered.is_empty() => 0,
            _ if uncovered.is_empty() => step,
            None => 0,
            Some(factors) => {
                let measured: i64 = covered.iter().map(|day| frame.measure.day(*day)).sum();
                let share = Fraction::new(i128::from(measured), i128::from(frame.measure.whole()));
                let surplus = share - factors.billed.over(factors.quantity);
                let net = Fraction::decimal(factors.net, frame.exponent);
                (factors.quantity * net * surplus).over(factors.billed).minor(frame.exponent).clamp(0, step)
            }
        };
        self.found(obligation, "C10", "S1", misjudged, String::new());
        for (code, subject, amount) in split(&self.standing, &self.known, &uncovered, step - misjudged) {
            self.found(obligation, code, "S1", amount, subject);
        }
    }

    /// The line as versions before `number` state it.
    fn earlier(&self, number: u32) -> impl Iterator<Item = &Line> {
        let versions = self.contract.versions.iter();
        versions
            .filter(move |version| version.number < number && version.signed <= self.as_of)
            .flat_map(|version| &version.lines)
            .filter(|line| line.id == self.line.id)
    }

    fn quantity(&mut self, obligation: &Obligation<'_>, owed: &Owed, factors: Option<&Factors>, steps: Steps) {
        let step = steps.s2 - steps.s1;
        let billed = factors.map_or(Fraction::ZERO, |factors| factors.quantity);
        let contracted = Fraction::new(owed.units, i128::from(owed.measured));
        let is_superseded = obligation.billed.first().is_some_and(|line| counts_units(line))
            && self.earlier(owed.last_version).any(|line| stated_units(line).digits(6) == billed.digits(6));
        let code = if step < 0 {
            "O2"
        } else if contracted.less_than(billed) {
            "Q1"
        } else if is_superseded {
            "Q6"
        } else {
            "Q2"
        };
        self.found(obligation, code, "S2", step, String::new());
    }

    fn price(&mut self, obligation: &Obligation<'_>, owed: &Owed, factors: Option<&Factors>, steps: Steps) {
        let step = steps.s3 - steps.s2;
        let months = Grid::new(self.contract).months();
        let exponent = self.contract.currency.exponent();
        let is_price_of = |line: &Line| {
            factors.is_some_and(|factors| {
                let price = Fraction::decimal(period_price(line.unit_price, line.price_period, months), 8);
                let difference = Fraction::decimal(factors.gross, exponent) - factors.billed * price;
                let tolerance = Fraction::decimal(factors.lines, exponent);
                !tolerance.less_than(difference) && !tolerance.less_than(Fraction::ZERO - difference)
            })
        };
        let prior = self.prior.and_then(|prior| prior.versions.last()).map(|version| version.lines.as_slice());
        let code = if step < 0 {
            "O2"
        } else if self.earlier(owed.last_version).any(is_price_of) {
            "Q6"
        } else if prior.unwrap_or_default().iter().any(|line| line.product == self.line.product && is_price_of(line)) {
            "P9"
        } else {
            "P6"
        };
        self.found(obligation, code, "S3a", step, String::new());
    }

    fn discount(&mut self, obligation: &Obligation<'_>, owed: &Owed, factors: Option<&Factors>, steps: Steps) {
        let step = steps.s4 - steps.s3;
        if step <= 0 {
            self.found(obligation, "O2", "S4", step, String::new());
            return;
        }
        let expired = step.min(owed.expired.minor(self.contract.currency.exponent()));
        let rest = step - expired;
        let slack = factors.map_or(0, |factors| factors.lines);
        let joins = owed.expired.is_positive() && rest <= slack;
        let (first, second) = if joins { (step, 0) } else { (expired, rest) };
        self.found(obligation, "P1", "S4", first, String::new());
        self.found(obligation, "P2", "S4", second, String::new());
    }

    /// The same days invoiced again.
    fn duplicates(&mut self, duplicates: &[Billed<'_>]) {
        let grid = Grid::new(self.contract);
        for billed in duplicates {
            let cell = grid.days(grid.cell_of(billed.line.start));
            let period = cell.start.max(self.known.life.start)..cell.end.min(self.known.life.end);
            let due = add_days(self.known.billable_date(&period), self.grace());
            if due > self.as_of || days_between(period.start, period.end) <= 0 {
                continue;
            }
            let obligation = Obligation { cell, period, component: "charge", billed: vec![billed], due };
            self.found(&obligation, "O1", "O1", -billed.line.amount, billed.invoice.id.clone());
        }
    }
}
