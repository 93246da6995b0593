//! Invoice lines as obligations see them: in the contract's currency, one for every billing period that they touch.

use crate::sample::billing::line_ids;
use crate::sample::facts::{Charge, Contract, Invoice, InvoiceLine};
use crate::sample::fraction::{Fraction, divide_half_up};
use crate::sample::months::days_between;
use crate::sample::periods::Grid;
use crate::sample::world::World;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// An invoice line, or the part of one that lies in one billing period, with its invoice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Billed<'a> {
    pub(super) invoice: &'a Invoice,
    pub(super) line: &'a InvoiceLine,
    /// Its money follows from another amount, not from its own quantity and price.
    pub(super) is_derived: bool,
    /// It is a part of a line that touches several billing periods.
    pub(super) is_split: bool,
    /// It was invoiced in another currency than the contract's.
    pub(super) is_converted: bool,
}

impl Billed<'_> {
    /// Of several invoices that were not posted or were voided, the one issued last speaks.
    pub(super) fn rank(&self) -> (Option<NaiveDate>, &str) {
        (self.invoice.issued, &self.invoice.id)
    }
}

/// One part of an invoice line.
#[derive(Debug)]
pub(super) struct Part {
    invoice: usize,
    line: InvoiceLine,
    is_split: bool,
    is_converted: bool,
}

/// All invoice lines of contract lines, in parts.
pub(super) fn parts(world: &World) -> Vec<Part> {
    let mut owners: BTreeMap<&str, &Contract> = BTreeMap::new();
    for contract in &world.contracts {
        owners.extend(line_ids(contract).into_iter().map(|id| (id, contract)));
    }
    let mut parts = Vec::new();
    for (invoice, place) in world.invoices.iter().zip(0..) {
        for line in &invoice.lines {
            let contract = owners.get(line.contract_line.as_str()).copied();
            let (line, is_converted) =
                contract.map_or((line.clone(), false), |contract| converted(invoice, line, contract));
            let pieces = match contract.filter(|_| line.product.charge == Charge::Recurring) {
                Some(contract) => split(&line, Grid::new(contract)),
                None => vec![line],
            };
            let is_split = pieces.len() > 1;
            parts.extend(pieces.into_iter().map(|line| Part { invoice: place, line, is_split, is_converted }));
        }
    }
    parts
}

/// The parts of each contract line.
pub(super) fn by_line<'a>(world: &'a World, parts: &'a [Part]) -> BTreeMap<&'a str, Vec<Billed<'a>>> {
    let mut billed: BTreeMap<&str, Vec<Billed<'_>>> = BTreeMap::new();
    for part in parts {
        let Some(invoice) = world.invoices.get(part.invoice) else { continue };
        let Part { line, is_split, is_converted, .. } = part;
        let (is_split, is_converted) = (*is_split, *is_converted);
        let is_derived = is_split || is_converted;
        let entry = billed.entry(&line.contract_line).or_default();
        entry.push(Billed { invoice, line, is_derived, is_split, is_converted });
    }
    billed
}

/// The line in the contract's currency, at the rate that the contract fixes; each amount is rounded for itself.
fn converted(invoice: &Invoice, line: &InvoiceLine, contract: &Contract) -> (InvoiceLine, bool) {
    let Some(exchange) = contract.clauses.exchange.filter(|_| invoice.currency != contract.currency) else {
        return (line.clone(), false);
    };
    let (from, to) = (invoice.currency.exponent(), contract.currency.exponent());
    let rate = Fraction::decimal(exchange.rate, 8);
    let money = |minor: i128| Fraction::decimal(minor, from).over(rate).minor(to);
    let (gross, amount) = (money(line.gross), money(line.amount));
    let unit_price = Fraction::decimal(line.unit_price, 8).over(rate).digits(8);
    (InvoiceLine { gross, amount, discount: gross - amount, unit_price, ..line.clone() }, true)
}

/// Spreads a line over the periods it touches, by calendar days; the last takes the rounding remainder.
pub(super) fn split(line: &InvoiceLine, grid: Grid) -> Vec<InvoiceLine> {
    let (first, last) = (grid.cell_of(line.start), grid.cell_of(line.end.pred_opt().unwrap_or(line.start)));
    if first >= last {
        return vec![line.clone()];
    }
    let whole = i128::from(days_between(line.start, line.end));
    let mut left = (line.gross, line.amount);
    let mut parts = Vec::new();
    for cell in first..=last {
        let days = grid.days(cell);
        let (start, end) = (days.start.max(line.start), days.end.min(line.end));
        let length = i128::from(days_between(start, end));
        let share = |value: i128, left: i128| if cell == last { left } else { divide_half_up(value * length, whole) };
        let (gross, amount) = (share(line.gross, left.0), share(line.amount, left.1));
        left = (left.0 - gross, left.1 - amount);
        parts.push(InvoiceLine { gross, amount, discount: gross - amount, start, end, ..line.clone() });
    }
    parts
}
