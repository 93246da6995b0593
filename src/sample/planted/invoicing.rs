//! What is wrong with invoices as a whole: fees for late payment, terms of payment, tax.

use super::Finding;
use super::credit::{about_invoice, without_tax};
use crate::sample::company::Company;
use crate::sample::facts::{Contract, Invoice};
use crate::sample::fraction::Fraction;
use crate::sample::lapses::expected_tax_permille;
use crate::sample::months::{add_days, days_between};
use crate::sample::world::World;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Findings about posted invoices: R5, R6 and X1.
pub(super) fn findings(
    company: &Company,
    world: &World,
    by_id: &BTreeMap<&str, &Contract>,
    as_of: NaiveDate,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for invoice in world.invoices.iter().filter(|invoice| invoice.is_posted(as_of)) {
        let contract = by_id.get(invoice.contract.as_str()).copied().filter(|contract| is_known(contract, as_of));
        if let Some(contract) = contract {
            findings.extend(late_fee(contract, invoice, as_of));
            findings.extend(longer_terms(contract, invoice));
        }
    }
    findings.extend(too_little_tax(company, world, as_of));
    findings
}

fn is_known(contract: &Contract, as_of: NaiveDate) -> bool {
    contract.versions.iter().any(|version| version.signed <= as_of)
}

/// A share of what was not paid in time, where the contract grants one.
fn late_fee(contract: &Contract, invoice: &Invoice, as_of: NaiveDate) -> Option<Finding> {
    let fee = contract.clauses.late_fee?;
    let free_until = add_days(invoice.due?, fee.after_days.unwrap_or(0));
    let is_in_dispute = invoice.disputes.iter().any(|dispute| dispute.is_open(as_of));
    if free_until >= as_of || is_in_dispute {
        return None;
    }
    let given_up = invoice.written_off.filter(|given_up| given_up.date <= free_until);
    let settled = invoice.paid(free_until) + given_up.map_or(0, |given_up| given_up.amount);
    let late = invoice.total() - invoice.credited(as_of) - settled;
    let exponent = invoice.currency.exponent();
    let gap = Fraction::decimal(without_tax(invoice, late), exponent) * Fraction::decimal(fee.percent, 6);
    let gap = gap.minor(exponent);
    let holds_from = add_days(free_until, 1);
    let row = about_invoice(invoice, "R5", "opportunity", invoice.issued?);
    (late > 0 && gap > 0).then_some(Finding { is_planted: true, gap, holds_from, ..row })
}

/// More days to pay than the contract gives.
fn longer_terms(contract: &Contract, invoice: &Invoice) -> Option<Finding> {
    let (issued, due) = (invoice.issued?, invoice.due?);
    let is_longer = days_between(issued, due) > contract.payment_terms_days?;
    is_longer.then(|| Finding { is_planted: true, ..about_invoice(invoice, "R6", "timing", issued) })
}

/// Tax that invoices lack, by customer and day of issue.
fn too_little_tax(company: &Company, world: &World, as_of: NaiveDate) -> Vec<Finding> {
    let mut missing: BTreeMap<(u32, NaiveDate, &str), Finding> = BTreeMap::new();
    for invoice in world.invoices.iter().filter(|invoice| invoice.is_posted(as_of)) {
        let account = usize::try_from(invoice.account).ok().and_then(|at| company.accounts.get(at));
        let expected = account.and_then(|account| expected_tax_permille(company, account));
        let (Some(expected), Some(issued)) = (expected, invoice.issued) else { continue };
        let exponent = invoice.currency.exponent();
        let due = (Fraction::decimal(invoice.subtotal(), exponent) * Fraction::decimal(expected, 3)).minor(exponent);
        let tolerance = i128::try_from(invoice.lines.len()).unwrap_or(0);
        if due > invoice.tax() + tolerance {
            let row = missing.entry((invoice.account, issued, invoice.currency.code())).or_insert_with(|| Finding {
                is_planted: company.lapses.is_untaxed(invoice.account),
                subject: account
                    .filter(|account| account.currency != invoice.currency)
                    .map_or_else(String::new, |_| invoice.currency.code().to_owned()),
                contract: String::new(),
                ..about_invoice(invoice, "X1", "liability", issued)
            });
            row.gap += invoice.tax() - due;
        }
    }
    missing.into_values().collect()
}
