//! Rows of what lines cost beyond a quantity and a price, cut at a horizon.

use super::facts::{BeyondRates, Charge, Contract, Line};
use super::metering::tier_price;
use super::months::add_months;
use super::products::{TIERS, price};
use super::rows_terms::{copies, known};
use super::table::{Cell, Rows};
use super::terms::escalator_date;
use chrono::NaiveDate;

/// Entity `price_tier`.
pub(super) fn price_tier(contracts: &[Contract], horizon: NaiveDate) -> Rows<6> {
    let mut rows = Rows::new(["contract_line_id", "version", "term_source", "tier", "up_to", "unit_price"]);
    for contract in contracts {
        for (source, version) in copies(contract)
            .into_iter()
            .flat_map(|source| known(contract, horizon).map(move |version| (source, version)))
        {
            for line in version.lines.iter().filter(|line| line.product.charge == Charge::Usage) {
                for ((up_to, millionths), tier) in TIERS.into_iter().zip(1_u32..) {
                    rows.push([
                        (&line.id).into(),
                        version.number.into(),
                        source.into(),
                        tier.into(),
                        up_to.into(),
                        Cell::Decimal(tier_price(contract, millionths), 8),
                    ]);
                }
            }
        }
    }
    rows
}

/// The lines of each contract's first known statement that need more than a rate.
fn beyond(contract: &Contract, kind: BeyondRates, horizon: NaiveDate) -> Vec<&Line> {
    let mut lines: Vec<&Line> = Vec::new();
    for line in known(contract, horizon).flat_map(|version| &version.lines) {
        if line.beyond_rates == Some(kind) && lines.iter().all(|seen| seen.id != line.id) {
            lines.push(line);
        }
    }
    lines
}

/// Entity `escalator`: five percent once, half a year into the contract.
pub(super) fn escalator(contracts: &[Contract], horizon: NaiveDate) -> Rows<7> {
    let columns = ["contract_line_id", "term_source", "kind", "pct", "first_date", "every_months", "is_mandatory"];
    let mut rows = Rows::new(columns);
    for contract in contracts {
        for line in beyond(contract, BeyondRates::Escalator, horizon) {
            rows.push([
                (&line.id).into(),
                contract.term_source.into(),
                "fixed".into(),
                Cell::Decimal(5, 0),
                escalator_date(contract).into(),
                12_i64.into(),
                true.into(),
            ]);
        }
    }
    rows
}

/// Entity `ramp_step`: units grow by a tenth every half year.
pub(super) fn ramp_step(contracts: &[Contract], horizon: NaiveDate) -> Rows<4> {
    let mut rows = Rows::new(["contract_line_id", "term_source", "start_date", "quantity"]);
    for contract in contracts {
        for line in beyond(contract, BeyondRates::Ramp, horizon) {
            for step in 0..2_u32 {
                let units = line.quantity + line.quantity * step / 10;
                let start = add_months(contract.start, step.cast_signed() * 6);
                rows.push([(&line.id).into(), contract.term_source.into(), start.into(), units.into()]);
            }
        }
    }
    rows
}

/// Contracts with a minimum commitment, and their metered lines.
fn committed(contracts: &[Contract], horizon: NaiveDate) -> impl Iterator<Item = (&Contract, Vec<&Line>)> {
    contracts
        .iter()
        .filter(|contract| contract.account % 9 == 3)
        .map(move |contract| (contract, beyond(contract, BeyondRates::Tiers, horizon)))
        .filter(|(_, lines)| !lines.is_empty())
}

/// Entity `commitment`.
pub(super) fn commitment(contracts: &[Contract], horizon: NaiveDate) -> Rows<8> {
    let mut rows = Rows::new([
        "commitment_id",
        "contract_id",
        "term_source",
        "amount",
        "period",
        "is_prepaid",
        "start_date",
        "end_date",
    ]);
    for (contract, _) in committed(contracts, horizon) {
        let amount = price(250_000, contract.currency, 1_000) / 10_i128.pow(8 - contract.currency.exponent());
        rows.push([
            format!("{}-m1", contract.id).into(),
            (&contract.id).into(),
            contract.term_source.into(),
            contract.currency.cell(amount),
            "year".into(),
            false.into(),
            contract.start.into(),
            contract.versions.first().and_then(|version| version.end).into(),
        ]);
    }
    rows
}

/// Entity `commitment_line`.
pub(super) fn commitment_line(contracts: &[Contract], horizon: NaiveDate) -> Rows<3> {
    let mut rows = Rows::new(["commitment_id", "contract_line_id", "term_source"]);
    for (contract, lines) in committed(contracts, horizon) {
        for line in lines {
            rows.push([format!("{}-m1", contract.id).into(), (&line.id).into(), contract.term_source.into()]);
        }
    }
    rows
}
