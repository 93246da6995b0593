//! Money given away after it was invoiced: credit notes and write-offs.

use super::Finding;
use crate::sample::facts::Invoice;
use crate::sample::fraction::divide_half_up;
use crate::sample::leaks::NonPayment;
use crate::sample::world::World;
use chrono::NaiveDate;

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
    let is_planted = world.leaks.invoices.get(&invoice.id) == Some(&NonPayment::GivenUp);
    let gap = without_tax(invoice, given_up.amount);
    Some(Finding { is_planted, gap, ..about_invoice(invoice, "A2", "leak", given_up.date) })
}
