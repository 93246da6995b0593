//! Decides which contract lines the biller gets wrong, and which invoices go unpaid.
//!
//! The plan looks at the first eighteen months only, whatever the horizon, so that a later horizon changes nothing in it.

mod approvals;
mod pricing;
mod promises;
mod rates;
mod upkeep;

pub use approvals::{approve, reviews};

use super::agreed::is_plain;
use super::billing::{invoices, line_ids};
use super::company::Company;
use super::facts::{Charge, Contract, Invoice, Line};
use super::leaks::{Fault, Leaks, MoneyFault};
use super::meters::Meters;
use super::months::{add_days, add_months};
use super::periods::{Grid, KnownLine, each_day};
use super::random::Stream;
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::ops::Range;

/// Codes planted together on one line, how often for every 320 customers, and whether somebody approved the deviation.
type Plan = (&'static [&'static str], u32, bool);

/// Unpaid, short-paid and failing invoices for every 320 customers.
const NON_PAYMENTS: [(MoneyFault, u32); 8] = [
    (MoneyFault::Unpaid, 8),
    (MoneyFault::Short, 8),
    (MoneyFault::Failing, 7),
    (MoneyFault::Disputing, 7),
    (MoneyFault::GivenUp, 8),
    (MoneyFault::Credited, 4),
    (MoneyFault::CreditedTwice, 3),
    (MoneyFault::OverCredited, 2),
];

/// A contract line that faults can be planted on.
struct Candidate<'a> {
    contract: &'a Contract,
    line_id: &'a str,
    line: &'a Line,
    known: KnownLine<'a>,
    /// Service periods due well before the end of the planned time, in order.
    periods: Vec<Range<NaiveDate>>,
}

impl Candidate<'_> {
    /// Whether the line costs a quantity times a price by its versions alone.
    fn is_plain(&self) -> bool {
        self.line.product.charge == Charge::Recurring && is_plain(self.contract, self.line)
    }

    /// The period at which something goes wrong, leaving so many before and after it.
    fn at(&self, before: usize, after: usize, draw: &mut Stream) -> Option<&Range<NaiveDate>> {
        let width = self.periods.len().checked_sub(before + after)?.checked_sub(1)?;
        self.periods.get(before + usize::try_from(draw.below(width as u64 + 1)).unwrap_or(0))
    }
}

/// What a fault may look at beyond its line.
#[derive(Clone, Copy)]
struct Scene<'a> {
    contracts: &'a [Contract],
    meters: &'a Meters,
    /// The first day that invoices are planned from.
    first: NaiveDate,
    /// The last day of the plan.
    until: NaiveDate,
}

/// Every plan, the scarcest lines first.
fn plans() -> impl Iterator<Item = &'static Plan> {
    upkeep::PLANS.iter().chain(&pricing::PLANS).chain(&rates::PLANS)
}

/// The fault behind a code; none where it does not fit the line.
fn fault(code: &str, candidate: &Candidate<'_>, scene: &Scene<'_>, draw: &mut Stream) -> Option<Fault> {
    rates::fault(code, candidate, scene, draw)
        .or_else(|| pricing::fault(code, candidate, scene, draw))
        .or_else(|| upkeep::fault(code, candidate, scene, draw))
}

/// The last day the plan looks at.
pub fn planned_until(company: &Company) -> NaiveDate {
    add_months(company.spec.start, 18)
}

/// Everything that is planted in a company, and the invoices it was planted among: paid as if nothing had been planted
/// in their payment.
pub fn plan(company: &Company, meters: &Meters, contracts: &[Contract]) -> (Leaks, Vec<Invoice>) {
    let until = planned_until(company);
    let candidates: Vec<Candidate<'_>> =
        contracts.iter().flat_map(|contract| candidates(contract, company, until)).collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|at| Stream::new(company.spec.seed, "leak order", *at as u64).below(u64::MAX));
    let mut leaks = Leaks::default();
    let mut used: BTreeSet<u32> = BTreeSet::new();
    let scale = (company.spec.accounts / 320).max(1);
    let scene = Scene { contracts, meters, first: company.spec.start, until };
    for (codes, count, is_approved) in plans() {
        let mut left = count * scale;
        // One faulty line a customer keeps the others plausible; a second one only where nobody else is left.
        for (at, is_last_resort) in order.iter().map(|at| (at, false)).chain(order.iter().map(|at| (at, true))) {
            let candidate = &candidates[*at];
            if left == 0 {
                break;
            }
            let is_taken = leaks.lines.contains_key(candidate.line_id);
            if is_taken || (used.contains(&candidate.contract.account) && !is_last_resort) {
                continue;
            }
            let mut draw = Stream::new(company.spec.seed, "leak", *at as u64);
            let faults: Option<Vec<Fault>> =
                codes.iter().map(|code| fault(code, candidate, &scene, &mut draw)).collect();
            if let Some(faults) = faults.filter(|faults| show_together(candidate, faults)) {
                used.insert(candidate.contract.account);
                leaks.lines.insert(candidate.line_id.to_owned(), faults);
                if *is_approved {
                    leaks.approved.insert(candidate.line_id.to_owned());
                }
                left -= 1;
            }
        }
    }
    promises::plan(company, &scene, scale, &mut used, &mut leaks);
    let billed = invoices(company, meters, contracts, &leaks, until);
    plan_non_payments(company, &billed, &mut leaks, until, scale);
    (leaks, billed)
}

fn is_domestic(company: &Company, invoice: &Invoice) -> bool {
    company.accounts.get(invoice.account as usize).is_some_and(|account| account.currency == invoice.currency)
}

fn plan_non_payments(company: &Company, billed: &[Invoice], leaks: &mut Leaks, until: NaiveDate, scale: u32) {
    let window = add_days(company.spec.start, 20)..add_days(until, -75);
    let mut open: Vec<&Invoice> = billed
        .iter()
        .filter(|invoice| invoice.issued.is_some_and(|issued| window.contains(&issued)))
        .filter(|invoice| invoice.voided.is_none() && invoice.replaces.is_none() && !invoice.id.ends_with("-r"))
        .filter(|invoice| {
            invoice.total() > 100
                && is_domestic(company, invoice)
                && invoice.lines.iter().all(|line| line.commitment.is_none())
                && invoice.credits.is_empty()
                && invoice.written_off.is_none()
        })
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
    // What is owed under two statements of one day nobody can say.
    let is_clear = !contract.versions.windows(2).any(|pair| pair[0].effective == pair[1].effective);
    // Sums in two currencies would leave a cent here and there.
    let is_clear = is_clear && contract.clauses.exchange.is_none();
    line_ids(contract)
        .into_iter()
        .filter(|_| is_clear)
        .filter_map(|line_id| {
            let known = KnownLine::new(contract, line_id, until)?;
            let line = known.segments.last()?.line;
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

/// Whether each fault still shows in a period that is billed, where another one ends the billing.
fn show_together(candidate: &Candidate<'_>, faults: &[Fault]) -> bool {
    let stop = faults.iter().find_map(|fault| if let Fault::StopsAt(date) = fault { Some(*date) } else { None });
    let Some(stop) = stop else { return true };
    let is_billed_from =
        |from: NaiveDate| candidate.periods.iter().any(|period| from <= period.start && period.end <= stop);
    faults.iter().all(|fault| match fault {
        Fault::LowQuantity(range, _) | Fault::LowPrice(range, _) => is_billed_from(range.start),
        Fault::KeepsDiscount => rates::own_discounts(candidate).filter_map(|discount| discount.end).all(is_billed_from),
        _ => true,
    })
}
