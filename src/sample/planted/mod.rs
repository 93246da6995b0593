//! The truth about the made-up company: every finding a run must report, computed without any SQL.
//!
//! Contracts, invoices and payments are taken as typed facts and cut at as_of; amounts are exact fractions, rounded half away
//! from zero where the rules round. Whatever follows from the facts is listed, whether it was planted or not.

mod billed;
mod commitment;
mod coverage;
mod credit;
mod invoicing;
mod obligation;
mod opportunity;
mod price_code;
mod receivable;
mod registry;
mod rhythm;
mod service;
mod service_level;
mod terms;
#[cfg(test)]
mod tests;
mod waiver;
mod waterfall;

use super::company::Company;
use super::facts::Contract;
use super::money::Currency;
use super::rows_terms::account_id;
use super::table::{Cell, Rows};
use super::world::World;
use crate::error::Result;
use crate::model::contract::{Column, ColumnType, Contract as TableContract};
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

const MONEY: ColumnType = ColumnType::Decimal { precision: 18, scale: 4 };

/// Name, type and meaning of the columns of table `planted`.
const COLUMNS: [(&str, ColumnType, &str); 19] = [
    ("kind", ColumnType::Text, "planted: put there on purpose; natural: follows from the facts"),
    ("check_code", ColumnType::Text, "The code a run must report"),
    ("account_id", ColumnType::Text, "The customer"),
    ("contract_id", ColumnType::Text, "The contract"),
    ("contract_line_id", ColumnType::Text, "The contract line; empty for receivables"),
    ("product_id", ColumnType::Text, "The line's product; empty for receivables"),
    ("subject_id", ColumnType::Text, "The invoice for receivables, duplicates and unposted drafts; else empty"),
    ("component", ColumnType::Text, "charge, usage, one_off or true_up; empty for receivables"),
    ("step", ColumnType::Text, "The waterfall's step; empty for receivables and late invoices"),
    (
        "period_start_date",
        ColumnType::Date,
        "First day of the service period; the invoice's issue date for receivables",
    ),
    ("period_end_date", ColumnType::Date, "First day after the service period; null for receivables"),
    ("gap_amount", MONEY, "Money of the finding, ex tax, in its currency"),
    ("waived_amount", MONEY, "The part inside an approved exception"),
    ("absorbed_amount", MONEY, "The part that a commitment's true-up has made up for; signed like the gap"),
    ("currency", ColumnType::Text, "ISO 4217"),
    ("class", ColumnType::Text, "leak, liability, exposure or timing"),
    (
        "holds_from_date",
        ColumnType::Date,
        "The first as_of on which the money is missing, under this code or one it had before",
    ),
    ("note", ColumnType::Text, "What happened, in words"),
    ("as_of_date", ColumnType::Date, "The date the list is for"),
];

/// The contract of table `planted`.
pub fn contract() -> TableContract {
    let column = |(name, ty, doc): &(&str, ColumnType, &str)| Column {
        name: (*name).to_owned(),
        ty: *ty,
        doc: (*doc).to_owned(),
        required: *name != "period_end_date",
    };
    let grain = [
        "check_code",
        "account_id",
        "contract_id",
        "contract_line_id",
        "product_id",
        "subject_id",
        "component",
        "step",
        "period_start_date",
        "as_of_date",
    ];
    TableContract {
        table: "planted".to_owned(),
        columns: COLUMNS.iter().map(column).collect(),
        grain: grain.map(str::to_owned).to_vec(),
        partition_by: vec!["as_of_date".to_owned()],
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Put there on purpose, rather than following from the facts.
    pub is_planted: bool,
    /// Its code.
    pub code: &'static str,
    /// The customer's index.
    pub account: u32,
    /// The contract.
    pub contract: String,
    /// The contract line; empty for receivables.
    pub line: String,
    /// The product; empty for receivables.
    pub product: &'static str,
    /// The invoice, where the finding is about one.
    pub subject: String,
    /// charge or one_off; empty for receivables.
    pub component: &'static str,
    /// The waterfall's step.
    pub step: &'static str,
    /// First day of the service period, or the invoice's issue date.
    pub start: NaiveDate,
    /// First day after the service period.
    pub end: Option<NaiveDate>,
    /// Minor units.
    pub gap: i128,
    /// Minor units inside an approved exception.
    pub waived: i128,
    /// The days it is about.
    pub days: Vec<NaiveDate>,
    /// Minor units that a commitment's true-up has made up for; signed like the gap.
    pub absorbed: i128,
    /// Currency of the amounts.
    pub currency: Currency,
    /// leak, liability, exposure, opportunity, timing or unverifiable.
    pub class: &'static str,
    /// From when on it holds.
    pub holds_from: NaiveDate,
}

/// Every finding of a run for `as_of`, by line, period and step; receivables by invoice.
pub fn findings(company: &Company, world: &World, as_of: NaiveDate) -> Vec<Finding> {
    let by_id: BTreeMap<&str, &Contract> =
        world.contracts.iter().map(|contract| (contract.id.as_str(), contract)).collect();
    let parts = billed::parts(world);
    let billed = billed::by_line(world, &parts);
    let mut invoiced: BTreeMap<&str, Vec<rhythm::Invoiced<'_>>> = BTreeMap::new();
    for invoice in &world.invoices {
        for line in &invoice.lines {
            invoiced.entry(&line.contract_line).or_default().push((invoice, line));
        }
    }
    let waivers = waiver::Waivers::new(company, world, as_of);
    let mut findings = Vec::new();
    let mut reversing = BTreeSet::new();
    for contract in &world.contracts {
        let prior = contract.renews.as_deref().and_then(|id| by_id.get(id).copied());
        let promises = commitment::Promises::new(contract, &world.meters, &waivers, as_of);
        let draws = promises.as_ref().map(commitment::Promises::draws).unwrap_or_default();
        let mut own = Vec::new();
        for line in super::billing::line_ids(contract) {
            let billed = billed.get(line).map_or(&[][..], Vec::as_slice);
            own.extend(obligation::findings(contract, prior, (line, &world.meters, &draws), billed, as_of));
            reversing.extend(obligation::reversing(billed, as_of));
            let invoiced = invoiced.get(line).map_or(&[][..], Vec::as_slice);
            findings.extend(rhythm::finding(contract, line, invoiced, &waivers, as_of));
        }
        // What is waived cannot be absorbed any more.
        waivers.apply(&mut own);
        if let Some(promises) = promises {
            promises.settle(billed.get("").map_or(&[][..], Vec::as_slice), &mut own);
        }
        findings.extend(own);
    }
    for finding in &mut findings {
        let of = |id: &str| world.leaks.lines.get(id).map_or(&[][..], Vec::as_slice);
        let faults = if matches!(finding.code, "Q4" | "Q5") { of(&finding.subject) } else { of(&finding.line) };
        let is_approved = world.leaks.approved.contains(&finding.line);
        let is_foreign = finding.code == "P10";
        finding.is_planted = is_foreign || (!is_approved && faults.iter().any(|fault| fault.code() == finding.code));
    }
    findings.extend(world.invoices.iter().filter_map(|invoice| receivable::finding(world, invoice, as_of)));
    findings.extend(world.invoices.iter().filter_map(|invoice| credit::written_off(world, invoice, as_of)));
    findings.extend(invoicing::findings(company, world, &by_id, as_of));
    findings.extend(service::findings(company, world, as_of));
    let opportunities = world.contracts.iter().flat_map(|contract| opportunity::findings(company, contract, as_of));
    findings.extend(opportunities);
    findings.extend(registry::findings(company, world, as_of));
    let (owed, settled) = service_level::findings(company, world, as_of);
    findings.extend(owed);
    let credits = credit::Credits { world, by_id: &by_id, reversing: &reversing, settled: &settled, as_of };
    let beyond = credits.findings(&findings);
    findings.extend(beyond);
    waivers.apply(&mut findings);
    findings
}

/// Why the finding is there, in words.
fn note(finding: &Finding) -> &'static str {
    match finding.code {
        "P1" => "the biller still grants a discount that has ended",
        "P2" => "the biller grants more discount than is in force",
        "P6" => "the biller has a lower price than the contract",
        "P11" => "somebody typed the price over",
        "P9" => "the biller still has the price of the contract before",
        "Q2" => "the biller has fewer units than the contract",
        "Q6" => "the biller still has what the contract said before an amendment",
        "C1" => "the line was never set up at the biller",
        "C2" => "a period between invoiced ones was left out",
        "C3" => "billing stopped before the contract did",
        "C4" => "billing began after the contract did",
        "C8" => "billing did not resume after a free period",
        "C9" => "billing did not resume after a pause",
        "C10" => "a part of a period was charged at another share of its price",
        "C11" => "the invoice came later than the contract says",
        "C12" => "the invoice is an unposted draft, or void without a replacement",
        "C7" => "a one-off was never invoiced",
        "E1" => "the invoice line does not add up",
        "O1" => "the same days were invoiced twice",
        "O2" => "more was invoiced than the contract says",
        "R1" => "past due and unpaid",
        "R2" => "paid in part",
        "R3" => "every attempt to collect has failed",
        "R4" => "the payment was disputed and lost",
        "A1" => "credited beyond what policy allows",
        "A2" => "written off without approval or reason",
        "C5" => "used after the end and not invoiced",
        "C6" => "invoiced in another rhythm than the contract's",
        "D1" => "another system states other terms than were signed",
        "D2" => "belongs to no contract or customer that is known",
        "D3" => "two statements of the contract take effect on one day",
        "O3" => "uptime was missed and the credit not issued",
        "P7" => "a higher price could be asked for",
        "P10" => "invoiced in another currency at a rate below the contract's",
        "Q7" => "used without being on a contract",
        "R5" => "paid late without the late fee that the contract grants",
        "R6" => "given more days to pay than the contract",
        "X1" => "less tax charged than the customer owes",
        _ => "",
    }
}

/// The truth for `as_of`.
///
/// # Errors
/// A bug where a row does not fit the contract.
pub fn batches(company: &Company, world: &World, as_of: NaiveDate) -> Result<Vec<RecordBatch>> {
    let mut rows = Rows::new(COLUMNS.map(|(name, _, _)| name));
    for finding in findings(company, world, as_of) {
        rows.push([
            if finding.is_planted { "planted" } else { "natural" }.into(),
            finding.code.into(),
            account_id(company, finding.account).into(),
            (&finding.contract).into(),
            (&finding.line).into(),
            finding.product.into(),
            (&finding.subject).into(),
            finding.component.into(),
            finding.step.into(),
            finding.start.into(),
            finding.end.map_or(Cell::Null, Cell::Date),
            finding.currency.cell(finding.gap),
            finding.currency.cell(finding.waived),
            finding.currency.cell(finding.absorbed),
            finding.currency.code().into(),
            finding.class.into(),
            finding.holds_from.into(),
            note(&finding).into(),
            as_of.into(),
        ]);
    }
    rows.batches(&contract())
}
