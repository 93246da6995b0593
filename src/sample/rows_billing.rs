//! Rows of the billing side, cut at a horizon: status and open amounts are those of that day.

use super::billing::kind_name;
use super::company::Company;
use super::facts::{DiscountValue, Invoice, LineKind};
use super::table::{Cell, Rows};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

fn at(date: NaiveDate, hour: u32) -> NaiveDateTime {
    date.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default())
}

fn account_id<'a>(company: &'a Company, invoice: &Invoice) -> Option<&'a str> {
    company.accounts.get(invoice.account as usize).map(|account| account.id.as_str())
}

fn made(invoices: &[Invoice], horizon: NaiveDate) -> impl Iterator<Item = &Invoice> {
    invoices.iter().filter(move |invoice| invoice.created <= horizon)
}

fn status(invoice: &Invoice, horizon: NaiveDate) -> &'static str {
    if invoice.is_void(horizon) {
        "void"
    } else if !invoice.is_posted(horizon) {
        "draft"
    } else if invoice.open(horizon) <= 0 {
        "paid"
    } else {
        "open"
    }
}

/// Entity `invoice`.
pub(super) fn invoice(company: &Company, invoices: &[Invoice], horizon: NaiveDate) -> Rows<17> {
    let mut rows = Rows::new([
        "invoice_id",
        "account_id",
        "contract_id",
        "number",
        "status",
        "created_at",
        "issued_date",
        "finalized_at",
        "due_date",
        "currency",
        "subtotal",
        "tax",
        "total",
        "amount_paid",
        "amount_due",
        "voided_at",
        "replaces_invoice_id",
    ]);
    for invoice in made(invoices, horizon) {
        let issued = invoice.issued.filter(|issued| *issued <= horizon);
        let money = |minor: i128| invoice.currency.cell(minor);
        let is_void = invoice.is_void(horizon);
        rows.push([
            (&invoice.id).into(),
            account_id(company, invoice).into(),
            (&invoice.contract).into(),
            issued.map(|_| invoice.id.to_uppercase()).into(),
            status(invoice, horizon).into(),
            at(invoice.created, 2).into(),
            issued.into(),
            issued.map(|issued| at(issued, 7)).into(),
            issued.and(invoice.due).into(),
            invoice.currency.code().into(),
            money(invoice.subtotal()),
            money(invoice.tax()),
            money(invoice.total()),
            money(invoice.paid(horizon)),
            money(if is_void { 0 } else { invoice.open(horizon) }),
            invoice.voided.filter(|_| is_void).map(|voided| at(voided, 11)).into(),
            invoice.replaces.as_deref().into(),
        ]);
    }
    rows
}

/// Entity `invoice_line`.
pub(super) fn invoice_line(invoices: &[Invoice], horizon: NaiveDate) -> Rows<19> {
    let mut rows = Rows::new([
        "invoice_line_id",
        "invoice_id",
        "contract_line_id",
        "commitment_id",
        "product_id",
        "description",
        "kind",
        "quantity",
        "unit",
        "unit_size",
        "unit_price",
        "gross_amount",
        "discount_amount",
        "amount",
        "tax_amount",
        "is_tax_inclusive",
        "service_start_date",
        "service_end_date",
        "is_manual_override",
    ]);
    for invoice in made(invoices, horizon) {
        let money = |minor: i128| invoice.currency.cell(minor);
        for line in &invoice.lines {
            rows.push([
                (&line.id).into(),
                (&invoice.id).into(),
                Some(line.contract_line.as_str()).filter(|id| !id.is_empty()).into(),
                line.commitment.as_deref().into(),
                Some(line.product.id).filter(|id| !id.is_empty()).into(),
                format!("{}, {} to {}", line.product.name, line.start, line.end).into(),
                kind_name(line.kind).into(),
                Cell::Decimal(line.quantity, 6),
                line.product.unit.into(),
                (line.kind == LineKind::Usage).then_some(line.unit_size).into(),
                Cell::Decimal(line.unit_price, 8),
                money(line.gross),
                money(line.discount),
                money(line.amount),
                money(line.tax),
                false.into(),
                line.start.into(),
                line.end.into(),
                line.is_override.into(),
            ]);
        }
    }
    rows
}

/// Entity `applied_discount`.
pub(super) fn applied_discount(invoices: &[Invoice], horizon: NaiveDate) -> Rows<6> {
    let columns = ["applied_discount_id", "invoice_line_id", "discount_id", "kind", "value", "amount"];
    let mut rows = Rows::new(columns);
    for invoice in made(invoices, horizon) {
        for line in &invoice.lines {
            for ((discount, value, amount), number) in line.applied.iter().zip(1_u32..) {
                let (kind, value) = match value {
                    DiscountValue::Percent(points) => ("percent", Cell::Decimal(*points, 4)),
                    DiscountValue::Amount(minor) => ("amount", invoice.currency.cell(*minor)),
                };
                rows.push([
                    format!("{}-{number}", line.id).into(),
                    (&line.id).into(),
                    discount.into(),
                    kind.into(),
                    value,
                    invoice.currency.cell(*amount),
                ]);
            }
        }
    }
    rows
}

/// Entity `payment`.
pub(super) fn payment(company: &Company, invoices: &[Invoice], horizon: NaiveDate) -> Rows<10> {
    let mut rows = Rows::new([
        "payment_id",
        "account_id",
        "invoice_id",
        "attempted_at",
        "amount",
        "currency",
        "status",
        "failure_code",
        "attempt",
        "is_final_attempt",
    ]);
    for invoice in made(invoices, horizon) {
        for payment in invoice.payments.iter().filter(|payment| payment.attempted.date() <= horizon) {
            rows.push([
                (&payment.id).into(),
                account_id(company, invoice).into(),
                (&invoice.id).into(),
                payment.attempted.into(),
                invoice.currency.cell(payment.amount),
                invoice.currency.code().into(),
                if payment.failure.is_none() { "succeeded" } else { "failed" }.into(),
                payment.failure.into(),
                payment.attempt.into(),
                payment.is_final.into(),
            ]);
        }
    }
    rows
}

/// Entity `payment_event`: succeeded payments are applied at once; what is disputed comes back or not.
pub(super) fn payment_event(invoices: &[Invoice], horizon: NaiveDate) -> Rows<6> {
    let mut rows = Rows::new(["event_id", "payment_id", "invoice_id", "kind", "amount", "occurred_at"]);
    for invoice in made(invoices, horizon) {
        let paid = invoice.payments.iter().filter(|payment| payment.failure.is_none());
        for payment in paid.filter(|payment| payment.attempted.date() <= horizon) {
            rows.push([
                format!("{}-applied", payment.id).into(),
                (&payment.id).into(),
                (&invoice.id).into(),
                "applied".into(),
                invoice.currency.cell(payment.amount),
                payment.attempted.into(),
            ]);
        }
        for dispute in &invoice.disputes {
            let outcome = if dispute.is_lost { "dispute_lost" } else { "dispute_won" };
            for (kind, at) in [("dispute", dispute.opened), (outcome, dispute.decided)] {
                if at.date() <= horizon {
                    rows.push([
                        format!("{}-{kind}", dispute.payment).into(),
                        (&dispute.payment).into(),
                        (&invoice.id).into(),
                        kind.into(),
                        invoice.currency.cell(dispute.amount),
                        at.into(),
                    ]);
                }
            }
        }
    }
    rows
}

/// Entity `credit_note`.
pub(super) fn credit_note(company: &Company, invoices: &[Invoice], horizon: NaiveDate) -> Rows<10> {
    let mut rows = Rows::new([
        "credit_note_id",
        "account_id",
        "invoice_id",
        "invoice_line_id",
        "issued_date",
        "amount",
        "currency",
        "reason_code",
        "approved_by",
        "voided_at",
    ]);
    for invoice in made(invoices, horizon) {
        for credit in invoice.credits.iter().filter(|credit| credit.issued <= horizon) {
            rows.push([
                (&credit.id).into(),
                account_id(company, invoice).into(),
                (&invoice.id).into(),
                credit.line.as_deref().into(),
                credit.issued.into(),
                invoice.currency.cell(credit.amount),
                invoice.currency.code().into(),
                credit.reason.into(),
                credit.is_approved.then_some("fin-01").into(),
                credit.voided.filter(|voided| *voided <= horizon).map(|voided| at(voided, 12)).into(),
            ]);
        }
    }
    rows
}

/// Entity `write_off`.
pub(super) fn write_off(invoices: &[Invoice], horizon: NaiveDate) -> Rows<6> {
    let mut rows = Rows::new(["write_off_id", "invoice_id", "amount", "written_off_date", "approved_by", "reason"]);
    for invoice in made(invoices, horizon) {
        if let Some(given_up) = invoice.written_off.filter(|given_up| given_up.date <= horizon) {
            rows.push([
                format!("wo-{}", &invoice.id[3..]).into(),
                (&invoice.id).into(),
                invoice.currency.cell(given_up.amount),
                given_up.date.into(),
                given_up.is_approved.then_some("fin-01").into(),
                given_up.reason.into(),
            ]);
        }
    }
    rows
}
