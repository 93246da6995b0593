//! Metered lines: tiered usage, invoiced after the period.

use super::activity::{Activity, BillableMetric};
use super::biller::Draft;
use super::company::Account;
use super::facts::{Charge, Contract, InvoiceLine, LineKind, Pricing, Product};
use super::fraction::Fraction;
use super::periods::{Grid, KnownLine};
use super::products::{TIERS, price};
use chrono::NaiveDate;

/// Metered lines of one contract line by `until`.
pub(super) fn bill(
    activity: &Activity<'_>,
    account: &Account,
    contract: &Contract,
    line_id: &str,
    until: NaiveDate,
) -> Vec<Draft> {
    let Some(known) = KnownLine::new(contract, line_id, until) else { return Vec::new() };
    let Some(product) = known.segments.first().map(|segment| segment.line.product) else { return Vec::new() };
    if product.charge != Charge::Usage {
        return Vec::new();
    }
    let grid = Grid::new(contract);
    let first = grid.cell_of(known.life.start);
    let mut drafts = Vec::new();
    for cell in first.. {
        let days = grid.days(cell);
        let period = days.start.max(known.life.start)..days.end.min(known.life.end);
        if period.start >= known.life.end || period.end > until {
            break;
        }
        let units = metric(&product).map_or(0, |metric| activity.billable_between(account, metric, period.clone()));
        let amount = rated(units, &product, contract).minor(contract.currency.exponent());
        let line = InvoiceLine {
            id: String::new(),
            contract_line: line_id.to_owned(),
            commitment: None,
            product,
            kind: LineKind::Usage,
            quantity: i128::from(units) * 1_000_000,
            unit_size: 1,
            unit_price: Fraction::new(amount, i128::from(units.max(1)) * 10_i128.pow(contract.currency.exponent()))
                .digits(8),
            gross: amount,
            discount: 0,
            amount,
            tax: 0,
            start: period.start,
            end: period.end,
            applied: Vec::new(),
        };
        drafts.push(Draft { created: period.end, is_stuck: false, is_prompt: false, line });
    }
    drafts
}

/// The meter behind a product.
pub(super) fn metric(product: &Product) -> Option<BillableMetric> {
    match product.id {
        "api" => Some(BillableMetric::ApiCalls),
        "documents" => Some(BillableMetric::Documents),
        "messaging" => Some(BillableMetric::Messages),
        _ => None,
    }
}

/// Price of a tier at 8 digits.
pub(super) fn tier_price(contract: &Contract, millionths: i64) -> i128 {
    price(1, contract.currency, 1_000) * i128::from(millionths) / 10_000
}

/// Graduated: each unit at its tier's price. Volume: all at the price of the tier reached. Bounds are inclusive.
fn rated(units: i64, product: &Product, contract: &Contract) -> Fraction {
    let mut below = 0;
    let mut sum = Fraction::ZERO;
    for (up_to, millionths) in TIERS {
        let bound = up_to.unwrap_or(i64::MAX).min(units);
        let unit_price = Fraction::decimal(tier_price(contract, millionths), 8);
        if product.pricing == Pricing::Volume {
            sum = unit_price * Fraction::whole(i128::from(units));
        } else {
            sum = sum + unit_price * Fraction::whole(i128::from((bound - below).max(0)));
        }
        if units <= bound {
            break;
        }
        below = bound;
    }
    sum
}
