//! Invoices: the biller's lines gathered by day, posted, voided, rebilled and paid.

use super::biller::{Draft, bill};
use super::collection;
use super::commitments;
use super::company::{Account, Company};
use super::facts::{Contract, Exchange, Invoice, InvoiceLine, LineKind};
use super::fraction::Fraction;
use super::lapses::TRAVEL;
use super::leaks::Leaks;
use super::metering;
use super::meters::Meters;
use super::money::Currency;
use super::months::add_days;
use super::products::price;
use super::random::Stream;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// All invoices created by `until`, of every customer, in order of account, date and id; each paid as its customer would.
pub fn invoices(
    company: &Company,
    meters: &Meters,
    contracts: &[Contract],
    leaks: &Leaks,
    until: NaiveDate,
) -> Vec<Invoice> {
    let mut by_account: BTreeMap<u32, Vec<&Contract>> = BTreeMap::new();
    for contract in contracts {
        by_account.entry(contract.account).or_default().push(contract);
    }
    company
        .accounts
        .iter()
        .filter_map(|account| by_account.get(&account.index).map(|contracts| (account, contracts)))
        .flat_map(|(account, contracts)| account_invoices((company, meters), account, contracts, leaks, until))
        .collect()
}

/// Lets the invoices go unpaid that are planned to.
pub fn fail(company: &Company, invoices: &mut [Invoice], leaks: &Leaks) {
    for invoice in invoices {
        let account = usize::try_from(invoice.account).ok().and_then(|at| company.accounts.get(at));
        if let (Some(how), Some(account)) = (leaks.invoices.get(&invoice.id), account) {
            collection::fail(company, account, invoice, *how);
        }
    }
}

/// Ids of the lines a contract has in any version, in order.
pub fn line_ids(contract: &Contract) -> Vec<&str> {
    let mut ids: Vec<&str> =
        contract.versions.iter().flat_map(|version| version.lines.iter().map(|line| line.id.as_str())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Lines that go on one invoice.
struct Group<'a> {
    contract: &'a Contract,
    created: NaiveDate,
    is_stuck: bool,
    is_prompt: bool,
    lines: Vec<InvoiceLine>,
}

/// Everything the biller makes for a contract by `until`.
pub fn drafts(contract: &Contract, meters: &Meters, leaks: &Leaks, until: NaiveDate) -> Vec<Draft> {
    let faults = |id: &str| leaks.lines.get(id).map_or(&[][..], Vec::as_slice);
    let mut drafts = Vec::new();
    for id in line_ids(contract) {
        drafts.extend(bill(contract, id, meters, faults(id), until));
        drafts.extend(metering::bill(contract, id, meters, faults(id), until));
    }
    commitments::settle(contract, drafts, faults, until)
}

fn account_invoices(
    (company, meters): (&Company, &Meters),
    account: &Account,
    contracts: &[&Contract],
    leaks: &Leaks,
    until: NaiveDate,
) -> Vec<Invoice> {
    // A stuck draft stays apart from the lines that are posted that day.
    let mut groups: BTreeMap<(NaiveDate, &str, bool), Group<'_>> = BTreeMap::new();
    for contract in contracts {
        for Draft { created, is_stuck, is_prompt, line } in drafts(contract, meters, leaks, until) {
            let group = groups.entry((created, &contract.id, is_stuck)).or_insert_with(|| Group {
                contract,
                created,
                is_stuck,
                is_prompt: false,
                lines: Vec::new(),
            });
            group.is_prompt |= is_prompt;
            group.lines.push(line);
        }
    }
    stray(company, account, &mut groups);
    let mut invoices = Vec::new();
    for (number, group) in (1_u32..).zip(groups.into_values()) {
        let id = format!("in-{:05}-{number:04}", account.index + 1);
        let contract = group.contract;
        let invoice = invoice(company, account, id, group);
        invoices.extend(collection::collect(company, account, contract, invoice));
    }
    invoices
}

/// The charge nobody agreed to: on the customer's first invoice from its day on that bills more than one line's contract.
fn stray(company: &Company, account: &Account, groups: &mut BTreeMap<(NaiveDate, &str, bool), Group<'_>>) {
    let Some(stray) = company.lapses.stray(account.index) else { return };
    let has_lines = |contract: &Contract| line_ids(contract).len() > 1;
    let group =
        groups.values_mut().find(|group| group.created >= stray.from && !group.is_stuck && has_lines(group.contract));
    let Some(group) = group else { return };
    let unit_price = price(TRAVEL.list_cents, group.contract.currency, stray.permille);
    let amount = Fraction::decimal(unit_price, 8).minor(group.contract.currency.exponent());
    group.lines.push(InvoiceLine {
        id: String::new(),
        contract_line: String::new(),
        commitment: None,
        product: TRAVEL,
        kind: LineKind::OneOff,
        quantity: 1_000_000,
        unit_size: 1,
        unit_price,
        gross: amount,
        discount: 0,
        amount,
        tax: 0,
        start: group.created,
        end: add_days(group.created, 1),
        is_override: false,
        applied: Vec::new(),
    });
}

/// A line in the currency of the invoice, price first, so that the line still adds up.
fn exchanged(line: &mut InvoiceLine, from: Currency, exchange: Exchange) {
    let rate = Fraction::decimal(exchange.billed_rate, 8);
    let (old, new) = (from.exponent(), exchange.invoiced.exponent());
    let product = |line: &InvoiceLine| Fraction::decimal(line.quantity, 6) * Fraction::decimal(line.unit_price, 8);
    let adds_up = line.gross == product(line).minor(old);
    let money = |minor: i128| (Fraction::decimal(minor, old) * rate).minor(new);
    line.unit_price = (Fraction::decimal(line.unit_price, 8) * rate).digits(8);
    line.gross = if adds_up { product(line).minor(new) } else { money(line.gross) };
    line.discount = money(line.discount);
    line.amount = line.gross - line.discount;
    let mut left = line.discount;
    let last = line.applied.len().saturating_sub(1);
    for (at, (_, _, amount)) in line.applied.iter_mut().enumerate() {
        *amount = if at == last { left } else { money(*amount) };
        left -= *amount;
    }
}

fn invoice(company: &Company, account: &Account, id: String, group: Group<'_>) -> Invoice {
    let Group { contract, created, is_stuck, is_prompt, mut lines } = group;
    let number = id.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte)));
    let mut draw = Stream::new(company.spec.seed, "posting", number);
    let lag = if is_prompt { 0 } else { draw.weighted((0, 80), &[(1, 15), (2, 5)]) };
    let issued = (!is_stuck).then(|| add_days(created, lag));
    let tax = company.lapses.billed_tax_permille(company, account, created);
    // What the contract does not say cannot be missed.
    let more = if contract.payment_terms_days.is_some() { company.lapses.longer_terms(account.index) } else { 0 };
    let mut currency = contract.currency;
    if let Some(exchange) = contract.clauses.exchange {
        currency = exchange.invoiced;
        for line in &mut lines {
            exchanged(line, contract.currency, exchange);
        }
    }
    for (line, position) in lines.iter_mut().zip(1_u32..) {
        line.id = format!("{id}-{position}");
        line.tax = super::fraction::divide_half_up(line.amount * tax, 1_000);
    }
    Invoice {
        id,
        account: account.index,
        contract: contract.id.clone(),
        created,
        issued,
        due: issued.map(|issued| add_days(issued, contract.payment_terms_days.unwrap_or(30) + more)),
        voided: None,
        replaces: None,
        written_off: None,
        disputes: Vec::new(),
        currency,
        lines,
        payments: Vec::new(),
        credits: Vec::new(),
    }
}

/// As tables spell a line's kind.
pub fn kind_name(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Recurring => "recurring",
        LineKind::Proration => "proration",
        LineKind::OneOff => "one_off",
        LineKind::Usage => "usage",
        LineKind::Credit => "credit",
        LineKind::TrueUp => "true_up",
    }
}
