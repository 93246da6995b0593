//! Invoices that are past due.

use super::Finding;
use super::credit::without_tax;
use crate::sample::facts::{Invoice, Payment};
use crate::sample::months::{add_days, days_between};
use crate::sample::world::World;
use chrono::NaiveDate;

/// Days after the due date before an open invoice is past due.
const GRACE_DAYS: i64 = 5;
/// Days past due after which what is open counts as lost.
const LEAK_DAYS: i64 = 90;

/// The finding of one invoice on as_of, if anything is open past its grace.
pub(super) fn finding(world: &World, invoice: &Invoice, as_of: NaiveDate) -> Option<Finding> {
    let (issued, due) = (invoice.issued?, invoice.due?);
    let holds_from = add_days(due, GRACE_DAYS);
    let open = invoice.open(as_of);
    if !invoice.is_posted(as_of) || open <= 0 || holds_from > as_of {
        return None;
    }
    let attempts = || invoice.payments.iter().filter(|payment| payment.attempted.date() <= as_of);
    let last_failed =
        attempts().max_by_key(|payment: &&Payment| payment.attempted).is_some_and(|last| last.failure.is_some());
    let code = if invoice.disputes.iter().any(|dispute| dispute.is_lost(as_of)) {
        "R4"
    } else if last_failed {
        "R3"
    } else if invoice.paid(as_of) > 0 {
        "R2"
    } else {
        "R1"
    };
    let is_in_dispute = invoice.disputes.iter().any(|dispute| dispute.is_open(as_of));
    let kind = world.leaks.invoices.get(&invoice.id);
    Some(Finding {
        is_planted: kind.is_some_and(|kind| kind.code() == code),
        code,
        account: invoice.account,
        contract: invoice.contract.clone(),
        line: String::new(),
        product: "",
        subject: invoice.id.clone(),
        component: "",
        step: "",
        start: issued,
        end: None,
        // The tax in what is open is not the company's money.
        gap: without_tax(invoice, open),
        waived: 0,
        days: vec![issued],
        absorbed: 0,
        currency: invoice.currency,
        class: if days_between(due, as_of) > LEAK_DAYS && !is_in_dispute { "leak" } else { "exposure" },
        holds_from,
    })
}
