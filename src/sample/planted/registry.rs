//! What nobody can tell from the records: systems that disagree, lines and contracts that belong to nobody, statements that
//! contradict each other.

use super::Finding;
use super::credit::about_invoice;
use super::service::about_contract;
use crate::sample::company::Company;
use crate::sample::drift;
use crate::sample::facts::{Contract, LineKind};
use crate::sample::world::World;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// Findings D1, D2 and D3.
pub(super) fn findings(company: &Company, world: &World, as_of: NaiveDate) -> Vec<Finding> {
    let is_known = |contract: &&Contract| contract.versions.iter().any(|version| version.signed <= as_of);
    let mut findings = Vec::new();
    for contract in world.contracts.iter().filter(is_known) {
        let row = |code, start| Finding { is_planted: true, ..about_contract(contract, code, "unverifiable", start) };
        if drift::shows(contract, as_of) {
            findings.push(row("D1", contract.start));
        }
        if usize::try_from(contract.account).is_ok_and(|at| at >= company.accounts.len()) {
            findings.push(row("D2", contract.start));
        }
        findings.extend(doubles(contract, as_of).into_iter().map(|start| row("D3", start)));
    }
    findings.extend(strays(world, as_of));
    findings
}

/// Days on which more than one statement takes effect.
fn doubles(contract: &Contract, as_of: NaiveDate) -> BTreeSet<NaiveDate> {
    let known: Vec<_> = contract.versions.iter().filter(|version| version.signed <= as_of).collect();
    let later = known.iter().skip(1);
    known
        .iter()
        .zip(later)
        .filter(|(one, next)| one.effective == next.effective)
        .map(|(one, _)| one.effective)
        .collect()
}

/// Posted lines that belong to no contract line.
fn strays(world: &World, as_of: NaiveDate) -> Vec<Finding> {
    let mut findings = Vec::new();
    for invoice in world.invoices.iter().filter(|invoice| invoice.is_posted(as_of)) {
        let Some(issued) = invoice.issued else { continue };
        for line in invoice.lines.iter().filter(|line| line.contract_line.is_empty() && line.kind != LineKind::TrueUp) {
            let row = about_invoice(invoice, "D2", "unverifiable", issued);
            findings.push(Finding { is_planted: true, subject: line.id.clone(), ..row });
        }
    }
    findings
}
