//! Money given away after it was invoiced: credit notes and write-offs.

use super::Finding;
use super::billed::split;
use super::service_level::Settled;
use crate::sample::facts::{Charge, Contract, CreditNote, Invoice, InvoiceLine, LineKind};
use crate::sample::fraction::{Fraction, divide_half_up};
use crate::sample::leaks::MoneyFault;
use crate::sample::money::Currency;
use crate::sample::periods::{Grid, KnownLine};
use crate::sample::world::World;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// What may be credited without anybody's approval, in the reporting currency.
const LIMIT: i128 = 500;
/// The currency that the limit is in.
const REPORTING: Currency = Currency::Usd;

/// A finding about an invoice as a whole, without a waterfall step.
pub(super) fn about_invoice(invoice: &Invoice, code: &'static str, class: &'static str, start: NaiveDate) -> Finding {
    Finding {
        is_planted: false,
        code,
        account: invoice.account,
        contract: invoice.contract.clone(),
        line: String::new(),
        product: "",
        subject: invoice.id.clone(),
        component: "",
        step: "",
        start,
        end: start.succ_opt(),
        gap: 0,
        waived: 0,
        days: vec![start],
        absorbed: 0,
        currency: invoice.currency,
        class,
        holds_from: start,
    }
}

/// Minor units of `amount` without the tax in it.
pub(super) fn without_tax(invoice: &Invoice, amount: i128) -> i128 {
    amount - divide_half_up(amount * invoice.tax(), invoice.total())
}

/// What was given up although nobody entitled to agreed, or nobody said why.
pub(super) fn written_off(world: &World, invoice: &Invoice, as_of: NaiveDate) -> Option<Finding> {
    let given_up = invoice.written_off.filter(|given_up| given_up.date <= as_of)?;
    if given_up.is_approved && given_up.reason.is_some() {
        return None;
    }
    let is_planted = world.leaks.invoices.get(&invoice.id) == Some(&MoneyFault::GivenUp);
    let gap = without_tax(invoice, given_up.amount);
    Some(Finding { is_planted, gap, ..about_invoice(invoice, "A2", "leak", given_up.date) })
}

/// Everything that decides whether a credit note is within policy.
pub(super) struct Credits<'a> {
    pub(super) world: &'a World,
    pub(super) by_id: &'a BTreeMap<&'a str, &'a Contract>,
    /// Notes that took a line back before it was billed again.
    pub(super) reversing: &'a BTreeSet<String>,
    /// What notes pay of what is owed for uptime.
    pub(super) settled: &'a Settled,
    pub(super) as_of: NaiveDate,
}

/// Contract line and first day of a service period.
type Period = (String, NaiveDate);

impl Credits<'_> {
    /// Notes beyond policy, given every other finding (A1).
    pub(super) fn findings(&self, others: &[Finding]) -> Vec<Finding> {
        let corrected = self.corrected(others);
        let mut findings = Vec::new();
        for invoice in &self.world.invoices {
            let notes = self.notes(invoice);
            let mut before = 0;
            for (at, note) in notes.iter().enumerate() {
                let earlier = notes.get(..at).unwrap_or_default();
                let left = if invoice.is_posted(self.as_of) { (invoice.subtotal() - before).max(0) } else { 0 };
                before += note.amount;
                let corrected = corrected.get(&note.id).copied().unwrap_or(0);
                let settled = self.settled.get(&note.id).copied().unwrap_or(0);
                let allowed = if self.reversing.contains(&note.id) {
                    note.amount
                } else if is_repeated(note, earlier) {
                    0
                } else if self.is_allowed(invoice, note) {
                    note.amount.min(left)
                } else {
                    note.amount.min(corrected + settled).min(left)
                };
                if allowed != note.amount {
                    let fault = self.world.leaks.invoices.get(&invoice.id);
                    let row = about_invoice(invoice, "A1", "leak", note.issued);
                    findings.push(Finding {
                        is_planted: fault.is_some_and(|fault| fault.code() == "A1"),
                        subject: note.id.clone(),
                        gap: note.amount - allowed,
                        ..row
                    });
                }
            }
        }
        findings
    }

    /// The notes of an invoice that are known, in order.
    fn notes<'b>(&self, invoice: &'b Invoice) -> Vec<&'b CreditNote> {
        let mut notes: Vec<&CreditNote> = invoice.credits.iter().filter(|note| note.is_known(self.as_of)).collect();
        notes.sort_by(|a, b| (a.issued, &a.id).cmp(&(b.issued, &b.id)));
        notes
    }

    /// Whether a note has a reason, and an approval or no need of one.
    fn is_allowed(&self, invoice: &Invoice, note: &CreditNote) -> bool {
        let is_small = || {
            let rate = self.world.rates.rate(invoice.currency, REPORTING, note.issued)?;
            let amount = Fraction::decimal(note.amount, invoice.currency.exponent());
            let reporting = if invoice.currency == REPORTING { amount } else { amount * Fraction::decimal(rate, 8) };
            Some(!Fraction::whole(LIMIT).less_than(reporting))
        };
        note.reason.is_some() && (note.is_approved || is_small().unwrap_or(false))
    }

    /// What each note gives back of too much that was billed, in order of the notes of each service period.
    fn corrected(&self, others: &[Finding]) -> BTreeMap<String, i128> {
        let mut wrong: BTreeMap<Period, i128> = BTreeMap::new();
        for finding in others.iter().filter(|finding| finding.gap < 0 && !finding.step.is_empty()) {
            *wrong.entry((finding.line.clone(), finding.start)).or_insert(0) -= finding.gap;
        }
        let mut shares: BTreeMap<Period, Vec<(NaiveDate, String, i128)>> = BTreeMap::new();
        for invoice in self.world.invoices.iter().filter(|invoice| invoice.is_posted(self.as_of)) {
            let notes = self.notes(invoice);
            for (at, note) in notes.iter().enumerate() {
                if self.reversing.contains(&note.id) || is_repeated(note, notes.get(..at).unwrap_or_default()) {
                    continue;
                }
                for (line, amount) in spread(invoice, note) {
                    for (period, amount) in self.periods(invoice, line, amount) {
                        shares.entry(period).or_default().push((note.issued, note.id.clone(), amount));
                    }
                }
            }
        }
        let mut corrected: BTreeMap<String, i128> = BTreeMap::new();
        for (period, mut notes) in shares {
            let Some(mut left) = wrong.get(&period).copied() else { continue };
            notes.sort();
            for (_, note, amount) in notes {
                *corrected.entry(note).or_insert(0) += amount.min(left.max(0));
                left -= amount;
            }
        }
        corrected
    }

    /// The service periods that a line was for, each with its part of `amount` given back.
    fn periods(&self, invoice: &Invoice, line: &InvoiceLine, amount: i128) -> Vec<(Period, i128)> {
        let Some(contract) = self.by_id.get(invoice.contract.as_str()) else { return Vec::new() };
        if let Some(commitment) = &line.commitment {
            return vec![((commitment.clone(), line.start), amount)];
        }
        if line.kind == LineKind::OneOff {
            return vec![((line.contract_line.clone(), line.start), amount)];
        }
        let Some(known) = KnownLine::new(contract, &line.contract_line, self.as_of) else { return Vec::new() };
        let grid = Grid::new(contract);
        let given = InvoiceLine { amount, gross: amount, ..line.clone() };
        let parts = if line.product.charge == Charge::Recurring { split(&given, grid) } else { vec![given] };
        let place = |part: &InvoiceLine| {
            let cell = grid.days(grid.cell_of(part.start));
            let start = cell.start.max(known.life.start);
            if start < cell.end.min(known.life.end) { start } else { cell.start }
        };
        parts.iter().map(|part| ((line.contract_line.clone(), place(part)), part.amount)).collect()
    }
}

/// Whether an earlier note says the same.
fn is_repeated(note: &CreditNote, earlier: &[&CreditNote]) -> bool {
    let key = |note: &CreditNote| (note.line.clone(), note.amount, note.reason);
    earlier.iter().any(|other| key(other) == key(note))
}

/// A note's amount over the lines it is about: by their amounts, half up, the remainder to the line with the last id.
fn spread<'a>(invoice: &'a Invoice, note: &CreditNote) -> Vec<(&'a InvoiceLine, i128)> {
    let about = |line: &&InvoiceLine| note.line.as_ref().is_none_or(|id| *id == line.id);
    let mut lines: Vec<&InvoiceLine> =
        invoice.lines.iter().filter(|line| line.kind != LineKind::Credit).filter(about).collect();
    lines.sort_by(|a, b| a.id.cmp(&b.id));
    let total: i128 = lines.iter().map(|line| line.amount).sum();
    let (mut left, last) = (note.amount, lines.len().saturating_sub(1));
    let mut shares = Vec::new();
    for (at, line) in lines.into_iter().enumerate() {
        let share = if at == last { left } else { divide_half_up(note.amount * line.amount, total) };
        left -= share;
        shares.push((line, share));
    }
    shares
}
