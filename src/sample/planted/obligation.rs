//! Findings of one contract line: obligation by obligation, step by step.

use super::Finding;
use super::billed::Billed;
use super::commitment::Draws;
use super::coverage::{Standing, split};
use super::price_code::Case;
use super::terms::{Ask, Owed};
use super::waterfall::{Factors, Frame, Steps, steps};
use crate::sample::facts::{Charge, Contract, Discount, InvoiceLine, Line, LineKind};
use crate::sample::fraction::Fraction;
use crate::sample::meters::Meters;
use crate::sample::months::{add_days, days_between};
use crate::sample::periods::{Grid, KnownLine, Measure};
use crate::sample::rating;
use crate::sample::schedule;
use chrono::NaiveDate;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

/// One contract line on as_of.
struct Subject<'a> {
    contract: &'a Contract,
    prior: Option<&'a Contract>,
    line: &'a Line,
    known: KnownLine<'a>,
    standing: Standing<'a>,
    meters: &'a Meters,
    draws: &'a Draws,
    /// The prepaid commitment under which the obligation at hand falls; empty where there is none.
    balance: String,
    discounts: Vec<Discount>,
    as_of: NaiveDate,
    findings: Vec<Finding>,
    /// The days of the period that the finding to come is about.
    concerned: Vec<NaiveDate>,
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
    (line_id, meters, draws): (&str, &Meters, &Draws),
    billed: &[Billed<'_>],
    as_of: NaiveDate,
) -> Vec<Finding> {
    let Some(known) = KnownLine::new(contract, line_id, as_of) else { return Vec::new() };
    let Some(line) = known.segments.last().map(|segment| segment.line) else { return Vec::new() };
    let (standing, duplicates) = standing(billed, as_of);
    let discounts = schedule::discounts(contract, line_id, as_of);
    let (balance, findings, concerned) = (String::new(), Vec::new(), Vec::new());
    let mut subject = Subject {
        contract,
        prior,
        line,
        known,
        standing,
        meters,
        draws,
        balance,
        discounts,
        as_of,
        findings,
        concerned,
    };
    match line.product.charge {
        Charge::Recurring | Charge::Usage => subject.periods(),
        Charge::OneOff => subject.one_off(),
    }
    subject.duplicates(&duplicates);
    subject.findings
}

/// What a recurring line owes for the service periods that touch `days`, in minor units; nothing where that is unknown.
pub(super) fn expected(
    contract: &Contract,
    (line_id, meters): (&str, &Meters),
    days: &Range<NaiveDate>,
    as_of: NaiveDate,
) -> Vec<(Range<NaiveDate>, i128)> {
    let Some(known) = KnownLine::new(contract, line_id, as_of) else { return Vec::new() };
    let discounts = schedule::discounts(contract, line_id, as_of);
    let grid = Grid::new(contract);
    let mut owed = Vec::new();
    for cell in grid.cell_of(days.start)..=grid.cell_of(add_days(days.end, -1)) {
        let cell = grid.days(cell);
        let period = cell.start.max(known.life.start)..cell.end.min(known.life.end);
        if period.start >= period.end {
            continue;
        }
        let billable = known.billable_date(&period);
        let (cell, period) = (&cell, &period);
        let ask = Ask { known: &known, meters, as_of, cell, period, billable, is_one_off: false };
        if let Some(sum) = ask.owed(&discounts) {
            owed.push((period.clone(), sum.expected.minor(contract.currency.exponent())));
        }
    }
    owed
}

/// Sorts out what is posted; lines taken back by a credit for all of them leave, duplicates are told apart.
fn standing<'a>(billed: &[Billed<'a>], as_of: NaiveDate) -> (Standing<'a>, Vec<Billed<'a>>) {
    let charges = || billed.iter().filter(|billed| billed.line.kind != LineKind::Credit);
    let mut posted: Vec<Billed<'a>> = charges().filter(|billed| billed.invoice.is_posted(as_of)).copied().collect();
    posted.sort_by(|a, b| (a.invoice.issued, &a.line.id).cmp(&(b.invoice.issued, &b.line.id)));
    let withheld = charges()
        .filter(|billed| billed.invoice.created <= as_of && !billed.invoice.is_posted(as_of))
        .copied()
        .collect();
    let (mut kept, mut duplicates): (Vec<Billed<'a>>, Vec<Billed<'a>>) = (Vec::new(), Vec::new());
    for (at, candidate) in posted.iter().enumerate() {
        let group: Vec<&Billed<'a>> = posted.iter().filter(|other| repeats(other, candidate)).collect();
        let place = posted.iter().take(at).filter(|other| repeats(other, candidate)).count();
        match place.cmp(&standing_place(&group, as_of)) {
            Ordering::Less => {}
            Ordering::Equal => kept.push(*candidate),
            Ordering::Greater => duplicates.push(*candidate),
        }
    }
    (Standing { posted: kept, withheld }, duplicates)
}

/// Whether two lines bill the same days at the same quantity and price.
fn repeats(one: &Billed<'_>, other: &Billed<'_>) -> bool {
    let key = |line: &InvoiceLine| (line.start, line.end, line.quantity, line.unit_price);
    key(one.line) == key(other.line)
}

/// The place of the line that stands in a group of repeated ones: the last whose every predecessor had been credited in
/// full by its issue, else the first.
fn standing_place(group: &[&Billed<'_>], as_of: NaiveDate) -> usize {
    let reversals: Vec<NaiveDate> =
        group.iter().flat_map(|billed| reversals(billed, as_of)).map(|(issued, _)| issued).collect();
    let is_free = |place: usize| {
        let issued = group.get(place).and_then(|billed| billed.invoice.issued);
        issued.is_some_and(|issued| reversals.iter().filter(|reversed| **reversed <= issued).count() >= place)
    };
    (1..group.len()).rev().find(|place| is_free(*place)).unwrap_or(0)
}

/// What credited the line in full by as_of: when, and which note or credit line.
fn reversals(billed: &Billed<'_>, as_of: NaiveDate) -> Vec<(NaiveDate, String)> {
    let matched =
        billed.invoice.lines.iter().filter(|line| !line.contract_line.is_empty() || line.commitment.is_some());
    let net: i128 = matched.map(|line| line.amount).sum();
    let credits = billed.invoice.credits.iter().filter(|credit| credit.is_known(as_of));
    credits
        .filter(|credit| match &credit.line {
            Some(line) => *line == billed.line.id && credit.amount == billed.line.amount,
            None => credit.amount == net,
        })
        .map(|credit| (credit.issued, credit.id.clone()))
        .collect()
}

/// The credit notes of a contract line that took a line back before it was billed again: they are nobody's loss.
pub(super) fn reversing(billed: &[Billed<'_>], as_of: NaiveDate) -> Vec<String> {
    let mut posted: Vec<Billed<'_>> = billed.iter().filter(|billed| billed.invoice.is_posted(as_of)).copied().collect();
    posted.sort_by(|a, b| (a.invoice.issued, &a.line.id).cmp(&(b.invoice.issued, &b.line.id)));
    let mut notes = Vec::new();
    for (at, candidate) in posted.iter().enumerate() {
        if posted.iter().take(at).any(|other| repeats(other, candidate)) {
            continue;
        }
        let group: Vec<&Billed<'_>> = posted.iter().filter(|other| repeats(other, candidate)).collect();
        let mut reversals: Vec<_> = group.iter().flat_map(|billed| reversals(billed, as_of)).collect();
        reversals.sort();
        notes.extend(reversals.into_iter().take(standing_place(&group, as_of)).map(|(_, note)| note));
    }
    notes
}

impl Subject<'_> {
    fn grace(&self) -> i64 {
        self.contract.issue_grace_days.unwrap_or(5)
    }

    /// The day by contract on which a period is invoiced: usage always after it.
    fn billable(&self, period: &Range<NaiveDate>) -> NaiveDate {
        if self.line.product.charge == Charge::Usage { period.end } else { self.known.billable_date(period) }
    }

    fn periods(&mut self) {
        let grid = Grid::new(self.contract);
        let life = self.known.life.clone();
        let last_day = add_days(life.end, -1).min(self.as_of);
        let mut cells: BTreeSet<i32> = BTreeSet::new();
        if life.start <= last_day {
            cells.extend(grid.cell_of(life.start)..=grid.cell_of(last_day));
        }
        let posted = self.standing.posted.clone();
        let discounts = std::mem::take(&mut self.discounts);
        cells.extend(posted.iter().map(|billed| grid.cell_of(billed.line.start)));
        let component = if self.line.product.charge == Charge::Usage { "usage" } else { "charge" };
        for cell in cells {
            let cell = grid.days(cell);
            let inside = cell.start.max(life.start)..cell.end.min(life.end);
            let period = if inside.start < inside.end { inside } else { cell.clone() };
            let billable = self.billable(&period);
            let due = add_days(billable, self.grace());
            if due > self.as_of {
                continue;
            }
            let billed = posted.iter().filter(|billed| cell.contains(&billed.line.start)).collect();
            let obligation = Obligation { cell, period, component, billed, due };
            let known = self.known.clone();
            let (cell, period) = (&obligation.cell, &obligation.period);
            let (meters, as_of) = (self.meters, self.as_of);
            let ask = Ask { known: &known, meters, as_of, cell, period, billable, is_one_off: false };
            if let Some(owed) = ask.owed(&discounts) {
                self.check(&obligation, &owed);
            }
        }
        self.discounts = discounts;
    }

    fn one_off(&mut self) {
        let Some(accepted) = self.line.accepted.filter(|accepted| *accepted <= self.as_of) else { return };
        let due = add_days(accepted, self.grace());
        if due > self.as_of {
            return;
        }
        let period = self.line.start..add_days(self.line.start, 1);
        let posted = self.standing.posted.clone();
        let discounts = std::mem::take(&mut self.discounts);
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
        let obligation = Obligation { cell: period.clone(), period, component: "one_off", billed, due };
        let (cell, period) = (&obligation.cell, &obligation.period);
        let (meters, as_of) = (self.meters, self.as_of);
        let ask = Ask { known: &known, meters, as_of, cell, period, billable: accepted, is_one_off: true };
        if let Some(owed) = ask.owed(&discounts) {
            self.check(&obligation, &owed);
        }
    }

    fn check(&mut self, obligation: &Obligation<'_>, owed: &Owed<'_>) {
        let grid = Grid::new(self.contract);
        let exponent = self.contract.currency.exponent();
        let charged = i64::try_from(owed.days.len()).unwrap_or(i64::MAX);
        let frame = Frame {
            grid,
            cell: &obligation.cell,
            measure: Measure::new(self.contract.proration, grid, &obligation.cell, charged),
            exponent,
            line: self.line,
            is_one_off: obligation.component == "one_off",
            owed,
        };
        let factors = (!obligation.billed.is_empty()).then(|| frame.factors(&obligation.billed));
        let draw = self.draws.get(&(self.line.id.clone(), obligation.period.start));
        let (balance, drawn) = match draw {
            Some((_, None)) => return,
            Some((balance, Some(drawn))) => (balance.clone(), *drawn),
            None => (String::new(), 0),
        };
        self.balance = balance;
        let steps = steps(owed, factors.as_ref(), drawn, exponent);
        self.concerned = match self.line.accepted.filter(|_| frame.is_one_off) {
            Some(accepted) => vec![accepted],
            None => owed.days.clone(),
        };
        if let Some(factors) = &factors {
            let code = if factors.error > 0 { "E1" } else { "O2" };
            self.found(obligation, code, "E0", factors.error, String::new());
            self.late(obligation);
        }
        self.coverage(obligation, owed, factors.as_ref(), steps, &frame);
        let case = Case {
            contract: self.contract,
            prior: self.prior,
            line: self.line,
            owed,
            factors: factors.as_ref(),
            is_typed_over: obligation.billed.iter().any(|billed| billed.line.is_override),
            is_converted: obligation.billed.iter().any(|billed| billed.is_converted),
            as_of: self.as_of,
        };
        let (short, low) = (case.quantity(), case.price());
        self.quantity(obligation, short, steps);
        self.price(obligation, (low, &owed.kinds), steps);
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
            currency: self.contract.currency,
            waived: 0,
            days: self.concerned.clone(),
            absorbed: 0,
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
        owed: &Owed<'_>,
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
        if obligation.component != "charge" {
            let is_one_off = obligation.component == "one_off";
            let is_ours = |billed: &&Billed<'_>| is_one_off || obligation.cell.contains(&billed.line.start);
            let withheld = self.standing.withheld.iter().filter(is_ours).max_by_key(|billed| billed.rank());
            let (code, subject) = match (withheld, is_one_off) {
                (Some(withheld), _) => ("C12", withheld.invoice.id.clone()),
                (None, true) => ("C7", String::new()),
                (None, false) if self.balance.is_empty() => ("Q3", String::new()),
                (None, false) => ("Q5", self.balance.clone()),
            };
            self.found(obligation, code, "S1", step, subject);
            return;
        }
        let misjudged = match factors {
            _ if covered.is_empty() => 0,
            _ if uncovered.is_empty() => step,
            None => 0,
            Some(factors) => {
                let measured: i64 = covered.iter().map(|day| frame.measure.day(*day)).sum();
                let share = Fraction::new(i128::from(measured), i128::from(frame.measure.whole()));
                let net = Fraction::decimal(factors.net, frame.exponent);
                let (units, billed) = if rating::is_rated(self.line) {
                    (Fraction::ONE, factors.fraction)
                } else {
                    (factors.quantity, factors.billed)
                };
                let surplus = share - billed.over(units);
                (units * net * surplus).over(billed).minor(frame.exponent).clamp(0, step)
            }
        };
        self.concerned = covered;
        self.found(obligation, "C10", "S1", misjudged, String::new());
        for (code, subject, amount, days) in split(&self.standing, &self.known, &uncovered, step - misjudged) {
            self.concerned = days;
            self.found(obligation, code, "S1", amount, subject);
        }
        self.concerned.clone_from(&owed.days);
    }

    fn quantity(&mut self, obligation: &Obligation<'_>, code: &'static str, steps: Steps) {
        let step = steps.s2 - steps.s1;
        if step <= 0 {
            self.found(obligation, "O2", "S2", step, String::new());
            return;
        }
        // Seats in use come on top of the contracted ones.
        let beyond = (steps.s2 - steps.contracted).clamp(0, step);
        self.found(obligation, code, "S2", step - beyond, String::new());
        self.found(obligation, "Q1", "S2", beyond, String::new());
    }

    fn price(&mut self, obligation: &Obligation<'_>, (code, kinds): (&'static str, &[&'static str]), steps: Steps) {
        if steps.s3 < steps.s2 {
            self.found(obligation, "O2", "S3a", steps.s3 - steps.s2, String::new());
            return;
        }
        let (base, risen) = (steps.s3a - steps.s2, steps.s3 - steps.s3a);
        self.found(obligation, if base < 0 { "O2" } else { code }, "S3a", base, String::new());
        if let Some(code) = kinds.get(steps.rises) {
            self.found(obligation, if risen < 0 { "O2" } else { code }, "S3c", risen, String::new());
        }
    }

    fn discount(&mut self, obligation: &Obligation<'_>, owed: &Owed<'_>, factors: Option<&Factors>, steps: Steps) {
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
        let charged = std::mem::take(&mut self.concerned);
        self.concerned = if obligation.component == "one_off" { charged.clone() } else { owed.expired_days.clone() };
        self.found(obligation, "P1", "S4", first, String::new());
        self.concerned = charged;
        let code = if self.balance.is_empty() { "P2" } else { "Q5" };
        self.found(obligation, code, "S4", second, self.balance.clone());
    }

    /// The same days invoiced again.
    fn duplicates(&mut self, duplicates: &[Billed<'_>]) {
        let grid = Grid::new(self.contract);
        for billed in duplicates {
            let cell = grid.days(grid.cell_of(billed.line.start));
            let period = cell.start.max(self.known.life.start)..cell.end.min(self.known.life.end);
            let due = add_days(self.billable(&period), self.grace());
            if due > self.as_of || days_between(period.start, period.end) <= 0 {
                continue;
            }
            let obligation = Obligation { cell, period, component: "charge", billed: vec![billed], due };
            self.found(&obligation, "O1", "O1", -billed.line.amount, billed.invoice.id.clone());
        }
    }
}
