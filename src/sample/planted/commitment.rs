//! Commitments: what they owe beyond what was spent, what prepaid balances cover, and which leaks a true-up has made up for.

use super::Finding;
use super::billed::Billed;
use super::terms::Ask;
use super::waiver::Waivers;
use crate::sample::commitments::{Period, amount, counts, periods, portion, shortfall, touches};
use crate::sample::facts::{Charge, Commitment, Contract};
use crate::sample::fraction::Fraction;
use crate::sample::meters::Meters;
use crate::sample::months::{add_days, days_between};
use crate::sample::periods::{Grid, KnownLine};
use crate::sample::schedule;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a line owes for one of its periods.
#[derive(Debug, Clone)]
struct Spend {
    line: String,
    is_metered: bool,
    days: Range<NaiveDate>,
    /// Minor units and units; none where a term is missing.
    owed: Option<(i128, Fraction)>,
}

/// What balances cover: commitment and minor units, by line and first day of its period; none where nobody can tell.
pub(super) type Draws = BTreeMap<(String, NaiveDate), (String, Option<i128>)>;

/// Everything the lines of a contract owe for periods that began by `as_of`.
fn spends(contract: &Contract, meters: &Meters, as_of: NaiveDate) -> Vec<Spend> {
    let mut spends = Vec::new();
    for line_id in crate::sample::billing::line_ids(contract) {
        let Some(known) = KnownLine::new(contract, line_id, as_of) else { continue };
        let Some(line) = known.segments.last().map(|segment| segment.line) else { continue };
        let discounts = schedule::discounts(contract, line_id, as_of);
        let grid = Grid::new(contract);
        let is_metered = line.product.charge == Charge::Usage;
        if line.product.charge == Charge::OneOff {
            let days = line.start..add_days(line.start, 1);
            let exponent = contract.currency.exponent();
            let owed = line.accepted.map(|_| (Fraction::decimal(line.unit_price, 8).minor(exponent), Fraction::ONE));
            spends.push(Spend { line: line_id.to_owned(), is_metered, days, owed });
            continue;
        }
        let last_day = add_days(known.life.end, -1).min(as_of);
        for cell in grid.cell_of(known.life.start)..=grid.cell_of(last_day) {
            let cell = grid.days(cell);
            let period = cell.start.max(known.life.start)..cell.end.min(known.life.end);
            let billable = if is_metered { period.end } else { known.billable_date(&period) };
            let (cell, period) = (&cell, &period);
            let ask = Ask { known: &known, meters, as_of, cell, period, billable, is_one_off: false };
            let owed = ask.owed(&discounts).map(|owed| {
                let units = owed.units.over(Fraction::whole(i128::from(owed.whole)));
                (owed.expected.minor(contract.currency.exponent()), units.rounded(6))
            });
            // Use that is not measured yet stands in nobody's way.
            let owed = owed.or((is_metered && period.end > as_of).then_some((0, Fraction::ZERO)));
            spends.push(Spend { line: line_id.to_owned(), is_metered, days: period.clone(), owed });
        }
    }
    spends
}

/// A contract's commitments on as_of.
pub(super) struct Promises<'a> {
    contract: &'a Contract,
    as_of: NaiveDate,
    spends: Vec<Spend>,
    waivers: &'a Waivers<'a>,
}

impl<'a> Promises<'a> {
    /// None where the contract promises nothing.
    pub(super) fn new(
        contract: &'a Contract,
        meters: &Meters,
        waivers: &'a Waivers<'a>,
        as_of: NaiveDate,
    ) -> Option<Self> {
        if contract.commitments.is_empty() {
            return None;
        }
        Some(Promises { contract, as_of, spends: spends(contract, meters, as_of), waivers })
    }

    fn within(&self, commitment: &Commitment, period: &Period) -> Vec<&Spend> {
        let ours = self
            .spends
            .iter()
            .filter(|spend| counts(commitment, &spend.line, spend.is_metered) && touches(&spend.days, &period.days));
        let mut ours: Vec<&Spend> = ours.collect();
        ours.sort_by(|a, b| (a.days.start, &a.line).cmp(&(b.days.start, &b.line)));
        ours
    }

    /// What prepaid balances cover.
    pub(super) fn draws(&self) -> Draws {
        let mut draws = Draws::new();
        for commitment in self.contract.commitments.iter().filter(|commitment| commitment.is_prepaid) {
            for period in periods(self.contract, commitment, self.as_of) {
                let mut left = amount(self.contract, commitment, &period);
                for spend in self.within(commitment, &period) {
                    let owed = spend.owed.map(|(amount, _)| portion(amount, &spend.days, &period.days));
                    let drawn = left.map(|left| owed.unwrap_or(0).min(left).max(0));
                    // Of an obligation that straddles two periods each balance covers its days.
                    let draw = draws.entry((spend.line.clone(), spend.days.start));
                    let draw = draw.or_insert_with(|| (commitment.id.clone(), Some(0)));
                    draw.1 = draw.1.zip(drawn).map(|(before, more)| before + more);
                    // What cannot be rated leaves the balance unknown for whatever draws after it.
                    left = left.zip(drawn).zip(owed).map(|((left, drawn), _)| left - drawn);
                }
            }
        }
        draws
    }

    /// The findings of true-ups, and what they have made up for among `findings`, which are the contract's own.
    pub(super) fn settle(&self, billed: &[Billed<'_>], findings: &mut Vec<Finding>) {
        let mut commitments: Vec<&Commitment> =
            self.contract.commitments.iter().filter(|commitment| !commitment.is_prepaid).collect();
        commitments.sort_by(|a, b| a.id.cmp(&b.id));
        for commitment in commitments {
            for period in periods(self.contract, commitment, self.as_of) {
                let ours: Vec<&Billed<'_>> = billed
                    .iter()
                    .filter(|billed| billed.line.commitment.as_deref() == Some(&commitment.id))
                    .filter(|billed| period.days.contains(&add_days(billed.line.end, -1)))
                    .collect();
                self.true_up((commitment, &period), &ours, findings);
            }
        }
    }

    fn true_up(
        &self,
        (commitment, period): (&Commitment, &Period),
        billed: &[&Billed<'_>],
        findings: &mut Vec<Finding>,
    ) {
        let due = add_days(period.days.end, crate::sample::seats::grace(self.contract));
        if due > self.as_of {
            return;
        }
        let (mut spent, mut used) = (0, Fraction::ZERO);
        for spend in self.within(commitment, period) {
            let Some((amount, units)) = spend.owed else { return };
            spent += portion(amount, &spend.days, &period.days);
            used = used + units_within(units, &spend.days, &period.days);
        }
        let expected = shortfall(self.contract, commitment, period, (spent, used));
        let posted: Vec<&&Billed<'_>> = billed.iter().filter(|billed| billed.invoice.is_posted(self.as_of)).collect();
        let first = posted.iter().filter_map(|billed| billed.invoice.issued).min();
        let last = posted.iter().filter_map(|billed| billed.invoice.issued).max();
        let sum: i128 = posted.iter().filter(|billed| !is_credited(billed, self.as_of)).map(|b| b.line.amount).sum();
        let gap = expected - sum;
        let withheld = billed
            .iter()
            .filter(|billed| billed.invoice.created <= self.as_of && !billed.invoice.is_posted(self.as_of))
            .max_by_key(|billed| billed.rank());
        let (code, line, subject) = match withheld {
            _ if gap < 0 => ("O2", commitment.id.clone(), String::new()),
            Some(withheld) if posted.is_empty() => ("C12", commitment.id.clone(), withheld.invoice.id.clone()),
            _ => ("Q4", String::new(), commitment.id.clone()),
        };
        let class = if gap < 0 { "liability" } else { "leak" };
        let mut finding = Finding {
            is_planted: false,
            code,
            account: self.contract.account,
            contract: self.contract.id.clone(),
            line,
            product: "",
            subject,
            component: "true_up",
            step: "S1",
            start: period.days.start,
            end: Some(period.days.end),
            gap,
            waived: 0,
            days: vec![period.days.end],
            absorbed: 0,
            currency: self.contract.currency,
            class,
            holds_from: last.map_or(due, |last| last.max(due)),
        };
        finding.waived = self.waivers.of(&finding);
        if gap != 0 {
            self.absorb((commitment, period), &mut finding, findings);
            findings.push(finding.clone());
        }
        if first.is_some_and(|first| first > due) {
            let line = commitment.id.clone();
            let late =
                Finding { code: "C11", step: "", class: "timing", gap: 0, waived: 0, absorbed: 0, line, ..finding };
            findings.push(Finding { subject: String::new(), ..late });
        }
    }

    /// What was billed here too much, or too little, makes up for gaps of the lines the other way round.
    fn absorb(&self, (commitment, period): (&Commitment, &Period), true_up: &mut Finding, findings: &mut [Finding]) {
        let sign = if true_up.gap < 0 { 1 } else { -1 };
        let mut pool = true_up.gap.abs() - true_up.waived;
        let spends = self.within(commitment, period);
        let mut order: Vec<usize> = (0..findings.len()).collect();
        order.sort_by_key(|at| findings.get(*at).map(|finding| (finding.start, finding.line.clone(), *at)));
        for at in order {
            let Some(finding) = findings.get_mut(at) else { continue };
            let is_leak = !matches!(finding.step, "" | "O1") && finding.component != "true_up";
            let spend = spends.iter().find(|spend| spend.line == finding.line && spend.days.start == finding.start);
            let Some(spend) = spend.filter(|_| is_leak && finding.gap * sign > 0) else { continue };
            let whole = (finding.gap - finding.waived).abs();
            let open = whole - finding.absorbed.abs();
            let taken = portion(whole, &spend.days, &period.days).min(open).min(pool).max(0);
            pool -= taken;
            finding.absorbed += sign * taken;
            true_up.absorbed -= sign * taken;
        }
    }
}

/// The part of a quantity that falls into a period, at 6 digits, as [`portion`] has it for money.
fn units_within(units: Fraction, days: &Range<NaiveDate>, period: &Range<NaiveDate>) -> Fraction {
    let inside = days_between(days.start.max(period.start), days.end.min(period.end)).max(0);
    let all = days_between(days.start, days.end);
    if inside == all {
        return units;
    }
    let part = |days: i64| (units * Fraction::new(i128::from(days), i128::from(all))).rounded(6);
    if inside > 0 && days.end <= period.end { units - part(all - inside) } else { part(inside) }
}

/// Whether the line was taken back together with its whole invoice.
fn is_credited(billed: &Billed<'_>, as_of: NaiveDate) -> bool {
    let credits = billed.invoice.credits.iter().filter(|credit| credit.issued <= as_of);
    let whole = [billed.invoice.total(), billed.invoice.subtotal()];
    credits.filter(|credit| credit.line.is_none()).any(|credit| whole.contains(&credit.amount))
}
