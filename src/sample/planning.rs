//! Decides which contract lines the biller gets wrong, and which invoices go unpaid.
//!
//! The plan looks at the first eighteen months only, whatever the horizon, so that a later horizon changes nothing in it.

use super::activity::Activity;
use super::billing::{invoices, line_ids};
use super::company::Company;
use super::facts::{Charge, Contract, Discount, Exception, Invoice, Line};
use super::leaks::{Fault, Leaks, NonPayment};
use super::months::{add_days, add_months};
use super::periods::{Grid, KnownLine, each_day};
use super::random::Stream;
use super::terms::beyond_rates_from;
use chrono::{NaiveDate, NaiveTime};
use std::collections::BTreeSet;
use std::ops::Range;

/// Codes planted together on one line, how often for every 320 customers, and whether somebody approved the deviation.
const PLANS: [(&[&str], u32, bool); 27] = [
    (&["P1", "P6", "Q2"], 2, false),
    (&["O2 discount", "Q2"], 2, false),
    (&["P1", "Q2"], 2, false),
    (&["C4", "P1"], 2, false),
    (&["C3", "P1"], 1, false),
    (&["C2", "P1"], 1, false),
    (&["E1", "P1"], 1, false),
    (&["P1", "P6"], 2, false),
    (&["P1"], 1, true),
    (&["P1"], 4, false),
    (&["O2 after end"], 2, false),
    (&["C4", "P6"], 1, false),
    (&["C4"], 4, false),
    (&["C1"], 7, false),
    (&["E1", "Q2"], 2, false),
    (&["C3", "Q2"], 2, false),
    (&["C2", "P6"], 2, false),
    (&["P6", "Q2"], 2, false),
    (&["Q2"], 1, true),
    (&["Q2"], 3, false),
    (&["C2"], 1, true),
    (&["C2"], 4, false),
    (&["C3"], 4, false),
    (&["E1"], 4, false),
    (&["O2 price"], 3, false),
    (&["P6"], 4, false),
    (&["C12"], 2, false),
];

/// Unpaid, short-paid and failing invoices for every 320 customers.
const NON_PAYMENTS: [(NonPayment, u32); 3] =
    [(NonPayment::Unpaid, 8), (NonPayment::Short, 8), (NonPayment::Failing, 7)];

/// A contract line that faults can be planted on.
struct Candidate<'a> {
    contract: &'a Contract,
    line_id: &'a str,
    line: &'a Line,
    known: KnownLine<'a>,
    /// Service periods due well before the end of the planned time, in order.
    periods: Vec<Range<NaiveDate>>,
}

/// The last day the plan looks at.
pub fn planned_until(company: &Company) -> NaiveDate {
    add_months(company.spec.start, 18)
}

/// Everything that is planted in a company, and the invoices it was planted among: paid as if nothing had been planted
/// in their payment.
pub fn plan(company: &Company, activity: &Activity<'_>, contracts: &[Contract]) -> (Leaks, Vec<Invoice>) {
    let until = planned_until(company);
    let candidates: Vec<Candidate<'_>> =
        contracts.iter().flat_map(|contract| candidates(contract, company, until)).collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|at| Stream::new(company.spec.seed, "leak order", *at as u64).below(u64::MAX));
    let mut leaks = Leaks::default();
    let mut used: BTreeSet<u32> = BTreeSet::new();
    let scale = (company.spec.accounts / 320).max(1);
    for (codes, count, is_approved) in PLANS {
        let mut left = count * scale;
        for at in &order {
            let candidate = &candidates[*at];
            if left == 0 {
                break;
            }
            // One faulty line a customer keeps the others plausible.
            if used.contains(&candidate.contract.account) {
                continue;
            }
            let mut draw = Stream::new(company.spec.seed, "leak", *at as u64);
            let first = company.spec.start;
            let faults: Option<Vec<Fault>> =
                codes.iter().map(|code| fault(code, candidate, contracts, (first, until), &mut draw)).collect();
            if let Some(faults) = faults.filter(|faults| show_together(candidate, faults)) {
                used.insert(candidate.contract.account);
                leaks.lines.insert(candidate.line_id.to_owned(), faults);
                if is_approved {
                    leaks.approved.insert(candidate.line_id.to_owned());
                }
                left -= 1;
            }
        }
    }
    let billed = invoices(company, activity, contracts, &leaks, until);
    plan_non_payments(company, &billed, &mut leaks, until, scale);
    (leaks, billed)
}

fn plan_non_payments(company: &Company, billed: &[Invoice], leaks: &mut Leaks, until: NaiveDate, scale: u32) {
    let window = add_days(company.spec.start, 20)..add_days(until, -75);
    let mut open: Vec<&Invoice> = billed
        .iter()
        .filter(|invoice| invoice.issued.is_some_and(|issued| window.contains(&issued)))
        .filter(|invoice| invoice.voided.is_none() && invoice.replaces.is_none() && !invoice.id.ends_with("-r"))
        .filter(|invoice| invoice.total() > 100 && invoice.credits.is_empty() && invoice.written_off.is_none())
        .collect();
    open.sort_by_key(|invoice| {
        let key = invoice.id.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte)));
        Stream::new(company.spec.seed, "dunning order", key).below(u64::MAX)
    });
    let mut next = open.into_iter();
    for (kind, count) in NON_PAYMENTS {
        for invoice in next.by_ref().take(usize::try_from(count * scale).unwrap_or(0)) {
            leaks.invoices.insert(invoice.id.clone(), kind);
        }
    }
}

fn candidates<'a>(contract: &'a Contract, company: &Company, until: NaiveDate) -> Vec<Candidate<'a>> {
    let grid = Grid::new(contract);
    let last = add_days(until, -25);
    line_ids(contract)
        .into_iter()
        .filter_map(|line_id| {
            let known = KnownLine::new(contract, line_id, until)?;
            let line = known.segments.last()?.line;
            if line.product.charge != Charge::Recurring || beyond_rates_from(contract, line).is_some() {
                return None;
            }
            let mut periods = Vec::new();
            for cell in grid.cell_of(known.life.start.max(company.spec.start)).. {
                let days = grid.days(cell);
                let period = days.start.max(known.life.start)..days.end.min(known.life.end);
                if period.start >= known.life.end || known.billable_date(&period) > last || period.start > last {
                    break;
                }
                let has_free = each_day(&period).any(|day| known.is_free(day));
                if period.start >= company.spec.start && period == days && !has_free {
                    periods.push(period);
                }
            }
            Some(Candidate { contract, line_id, line, known, periods })
        })
        .collect()
}

fn fault(
    code: &str,
    candidate: &Candidate<'_>,
    contracts: &[Contract],
    (first, until): (NaiveDate, NaiveDate),
    draw: &mut Stream,
) -> Option<Fault> {
    let periods = &candidate.periods;
    let count = periods.len();
    // The period at which something goes wrong, leaving so many before and after it.
    let mut at = |before: usize, after: usize| {
        let width = count.checked_sub(before + after)?.checked_sub(1)?;
        periods.get(before + usize::try_from(draw.below(width as u64 + 1)).unwrap_or(0))
    };
    let is_new = candidate.known.life.start >= first;
    let has_free = !candidate.known.free.is_empty();
    match code {
        "P1" => keeps_discount(candidate),
        "P6" => {
            let from = at(0, 2)?.start;
            let permille = draw.between(861, 968);
            is_unlike_other_prices(candidate, contracts, permille)
                .then_some(Fault::LowPrice(from..NaiveDate::MAX, permille))
        }
        "C1" => (is_new && count >= 2).then_some(Fault::NeverBills),
        "C2" => {
            let period = at(1, 2)?.clone();
            (!has_free).then_some(Fault::Skips(period))
        }
        "C3" => {
            let period = at(1, 1)?.clone();
            let inside = if draw.chance(300) { draw.between(3, 20) } else { 0 };
            (!has_free).then(|| Fault::StopsAt(add_days(period.start, inside)))
        }
        "C4" => {
            let period = at(1, 2)?.clone();
            let inside = if draw.chance(400) { draw.between(3, 20) } else { 0 };
            (is_new && !has_free).then(|| Fault::StartsAt(add_days(period.start, inside)))
        }
        "Q2" => low_quantity(candidate, at(0, 2)?.start, draw),
        "C12" => (!has_free).then_some(Fault::NeverPosts(at(1, 1)?.clone())),
        "E1" => {
            let period = at(0, 1)?.clone();
            (!has_free && is_uniform(candidate, &period)).then(|| Fault::MisAdds(period, draw.between(20, 180)))
        }
        "O2 price" => {
            let period = at(0, 1)?.clone();
            let to = if draw.chance(500) { NaiveDate::MAX } else { period.end };
            Some(Fault::HighPrice(period.start..to, draw.between(1_030, 1_190)))
        }
        "O2 discount" => forgets_discount(candidate),
        "O2 after end" => bills_on(candidate, until),
        _ => None,
    }
}

/// Discounts of the line itself.
fn own_discounts<'a>(candidate: &'a Candidate<'_>) -> impl Iterator<Item = &'a Discount> {
    candidate.contract.discounts.iter().filter(|discount| discount.line.as_deref() == Some(candidate.line_id))
}

/// One discount of the line must have ended with at least a whole period after it; none may have been prolonged.
fn keeps_discount(candidate: &Candidate<'_>) -> Option<Fault> {
    let mut ended = own_discounts(candidate).filter_map(|discount| discount.end);
    let end = ended.next()?;
    let is_only = ended.next().is_none();
    let after = candidate.periods.iter().filter(|period| period.start >= end).count();
    let last_end = candidate.periods.last()?.end;
    // With yearly invoices the one period that is there must contain the end.
    let is_by_day = own_discounts(candidate).all(|discount| !discount.is_by_invoice_date);
    let is_inside = is_by_day && candidate.periods.iter().any(|period| period.contains(&end));
    let shows = after >= 2 || (candidate.periods.len() == 1 && is_inside && end < last_end);
    (is_only && shows).then_some(Fault::KeepsDiscount)
}

fn forgets_discount(candidate: &Candidate<'_>) -> Option<Fault> {
    let period = candidate.periods.iter().find(|period| {
        own_discounts(candidate).any(|discount| {
            discount.start <= period.start
                && discount.end.is_none_or(|end| period.end <= end)
                && !discount.is_by_invoice_date
        })
    })?;
    (candidate.periods.len() >= 3).then_some(Fault::ForgetsDiscount(period.start..period.end))
}

fn low_quantity(candidate: &Candidate<'_>, from: NaiveDate, draw: &mut Stream) -> Option<Fault> {
    if !super::biller::is_per_unit(candidate.line) {
        return None;
    }
    let stated: Vec<u32> = candidate
        .contract
        .versions
        .iter()
        .flat_map(|version| &version.lines)
        .filter(|line| line.id == candidate.line_id)
        .map(|line| line.quantity)
        .collect();
    let least = *stated.iter().min()?;
    let fewer = u32::try_from(i64::from(least) * draw.between(6, 24) / 100).unwrap_or(0).max(1);
    // A number some earlier version stated would be another fault: an amendment that was never keyed in.
    let is_new_number = stated.iter().all(|units| !stated.contains(&(units - fewer.min(*units))));
    (least >= 4 && is_new_number).then_some(Fault::LowQuantity(from..NaiveDate::MAX, fewer))
}

/// A price that some other version or the contract before stated would be another fault: a change that was never keyed in.
fn is_unlike_other_prices(candidate: &Candidate<'_>, contracts: &[Contract], permille: i64) -> bool {
    let prior = candidate.contract.renews.as_ref().and_then(|id| contracts.iter().find(|contract| contract.id == *id));
    let stated = |contract: &Contract| -> Vec<i128> {
        let lines = contract.versions.iter().flat_map(|version| &version.lines);
        lines.filter(|line| line.product == candidate.line.product).map(|line| line.unit_price).collect()
    };
    let own = stated(candidate.contract);
    let others: Vec<i128> = own.iter().copied().chain(prior.map(stated).unwrap_or_default()).collect();
    own.iter().all(|price| {
        let low = price * i128::from(permille) / 1_000;
        others.iter().all(|other| (low - other).abs() * 200 > *other)
    })
}

/// Customers who left on a boundary, with room for an invoice or two after it.
fn bills_on(candidate: &Candidate<'_>, until: NaiveDate) -> Option<Fault> {
    let (contract, grid) = (candidate.contract, Grid::new(candidate.contract));
    let end = candidate.periods.last()?.end;
    let has_ended = end == candidate.known.life.end && contract.renewed.is_none();
    let next = grid.days(grid.cell_of(end));
    let shows = add_days(candidate.known.billable_date(&next), 15) <= until;
    (has_ended && shows && candidate.periods.len() >= 2).then_some(Fault::BillsOn(1))
}

/// Whether one quantity and price hold for the whole period.
fn is_uniform(candidate: &Candidate<'_>, period: &Range<NaiveDate>) -> bool {
    let mut terms = candidate
        .known
        .segments
        .iter()
        .filter(|segment| segment.from < period.end && period.start < segment.to)
        .map(|segment| (segment.line.quantity, segment.line.unit_price));
    let first = terms.next();
    terms.all(|other| Some(other) == first)
}

/// Whether each fault still shows in a period that is billed, where another one ends the billing.
fn show_together(candidate: &Candidate<'_>, faults: &[Fault]) -> bool {
    let stop = faults.iter().find_map(|fault| if let Fault::StopsAt(date) = fault { Some(*date) } else { None });
    let Some(stop) = stop else { return true };
    let is_billed_from =
        |from: NaiveDate| candidate.periods.iter().any(|period| from <= period.start && period.end <= stop);
    faults.iter().all(|fault| match fault {
        Fault::LowQuantity(range, _) | Fault::LowPrice(range, _) => is_billed_from(range.start),
        Fault::KeepsDiscount => own_discounts(candidate).filter_map(|discount| discount.end).all(is_billed_from),
        _ => true,
    })
}

/// Writes the approval of the deviations that somebody approved into their contracts.
pub fn approve(contracts: &mut [Contract], leaks: &Leaks) {
    for contract in contracts {
        for (line, faults) in leaks.lines.iter().filter(|(line, _)| leaks.approved.contains(*line)) {
            let is_ours = line.strip_prefix(contract.id.as_str()).is_some_and(|rest| rest.starts_with('-'));
            let Some(fault) = faults.first().filter(|_| is_ours) else { continue };
            let start = contract.start;
            contract.exceptions.push(Exception {
                id: format!("ex-{line}"),
                line: line.clone(),
                check_code: fault.code(),
                start,
                end: None,
                approved_at: add_days(start, 3).and_time(NaiveTime::from_hms_opt(15, 30, 0).unwrap_or_default()),
                reason: match fault.code() {
                    "P1" => "discount grandfathered by the head of sales",
                    "Q2" => "seats of the pilot team are free",
                    _ => "month waived after an outage",
                },
            });
        }
    }
}
