//! Lines that are invoiced in another rhythm than the contract says.

use super::Finding;
use super::service::about_contract;
use super::waiver::Waivers;
use crate::sample::facts::{Charge, Contract, Invoice, InvoiceLine, LineKind};
use crate::sample::periods::{Grid, KnownLine};
use chrono::{Datelike, NaiveDate};

/// An invoice line as it was invoiced.
pub(super) type Invoiced<'a> = (&'a Invoice, &'a InvoiceLine);

/// The finding C6 of a contract line: about the first period that is out of rhythm.
pub(super) fn finding(
    contract: &Contract,
    id: &str,
    lines: &[Invoiced<'_>],
    waivers: &Waivers<'_>,
    as_of: NaiveDate,
) -> Option<Finding> {
    let known = KnownLine::new(contract, id, as_of)?;
    let product = known.segments.last()?.line.product;
    if product.charge != Charge::Recurring {
        return None;
    }
    let posted: Vec<&Invoiced<'_>> = lines
        .iter()
        .filter(|(invoice, line)| invoice.is_posted(as_of) && line.amount > 0 && line.kind != LineKind::Credit)
        .filter(|(invoice, line)| !is_taken_back(invoice, line, as_of))
        .collect();
    let grid = Grid::new(contract);
    let ends: Vec<NaiveDate> = posted.iter().map(|(_, line)| line.end).collect();
    let found = |(invoice, line): &&Invoiced<'_>| {
        let cell = grid.days(grid.cell_of(line.start));
        let start = cell.start.max(known.life.start);
        Finding {
            line: id.to_owned(),
            product: product.id,
            end: Some(cell.end.min(known.life.end)),
            holds_from: invoice.issued.unwrap_or(start),
            ..about_contract(contract, "C6", "timing", start)
        }
    };
    let out = posted.into_iter().filter(|(_, line)| is_out(&known, grid, line, &ends));
    let first = out.filter(|line| !waivers.excuses(&found(line)));
    let first = first.min_by_key(|(invoice, line)| (line.start, invoice.issued, &line.id))?;
    Some(found(&first))
}

fn is_taken_back(invoice: &Invoice, line: &InvoiceLine, as_of: NaiveDate) -> bool {
    let notes = invoice.credits.iter().filter(|note| note.is_known(as_of));
    notes.into_iter().any(|note| note.line.as_deref() == Some(line.id.as_str()) && note.amount == line.amount)
}

/// Whether a line bills several whole periods, or months of one that nothing else explains.
fn is_out(known: &KnownLine<'_>, grid: Grid, line: &InvoiceLine, ends: &[NaiveDate]) -> bool {
    let is_boundary = |day: NaiveDate| grid.boundary(grid.cell_of(day)) == day;
    let (first, last) = (grid.cell_of(line.start), grid.cell_of(line.end.pred_opt().unwrap_or(line.start)));
    if line.kind == LineKind::Proration {
        return false;
    }
    if last > first {
        return is_boundary(line.start) && is_boundary(line.end);
    }
    let cell = grid.days(first);
    let anchor = grid.boundary(0).day();
    let is_month = |day: NaiveDate| {
        let last = crate::sample::months::add_months(day.with_day(1).unwrap_or(day), 1).pred_opt().unwrap_or(day);
        day.day() == anchor.min(last.day())
    };
    let is_part = grid.months() > 1 && line.end < cell.end && is_month(line.start) && is_month(line.end);
    let follows = line.start == cell.start || ends.contains(&line.start);
    let uncharged = known.free.iter().chain(&known.pauses).flat_map(|days| [days.start, days.end]);
    let changes = known.segments.iter().map(|segment| segment.to).chain(uncharged);
    is_part && follows && !changes.into_iter().any(|day| day == line.end)
}
