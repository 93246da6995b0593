//! The sums of the rules page, worked by hand, against this implementation.

use super::super::company::Frequency;
use super::super::facts::{
    Clauses, Contract, Discount, DiscountValue, Invoice, InvoiceLine, Line, LineKind, PricePeriod, Pricing, Rating,
    Timing, Version,
};
use super::super::meters::Meters;
use super::super::money::Currency;
use super::super::products::PLATFORM;
use super::billed::Billed;
use super::obligation::findings;
use chrono::NaiveDate;
use std::collections::BTreeMap;

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn contract(
    frequency: Frequency,
    start: NaiveDate,
    units: u32,
    price: i128,
    percent: i128,
    until: Option<NaiveDate>,
) -> Contract {
    let line = Line {
        id: "c-l1".into(),
        product: PLATFORM,
        quantity: units,
        unit_price: price * 100_000_000,
        price_period: PricePeriod::BillingPeriod,
        start,
        end: None,
        accepted: None,
        pricing: Pricing::PerUnit,
        rating: Rating::default(),
        seats: None,
        lacks_price: false,
        price_decimals: None,
    };
    let discount = Discount {
        id: "d".into(),
        line: Some("c-l1".into()),
        version: None,
        value: DiscountValue::Percent(percent * 10_000),
        is_additive: false,
        sequence: 1,
        start,
        end: until,
        is_by_invoice_date: false,
        reason: "launch offer",
        signed: start,
    };
    Contract {
        id: "c".into(),
        account: 0,
        term_source: "signed",
        start,
        terminated: None,
        renews: None,
        renewed: None,
        auto_renew: false,
        is_holdover: false,
        notice_days: None,
        frequency,
        timing: Some(Timing::Advance),
        anchor: None,
        is_first_full_period: false,
        go_live: None,
        payment_terms_days: None,
        issue_grace_days: None,
        proration: None,
        currency: Currency::Usd,
        versions: vec![Version { number: 1, effective: start, signed: start, end: None, lines: vec![line] }],
        discounts: vec![discount],
        free_periods: Vec::new(),
        exceptions: Vec::new(),
        ramps: Vec::new(),
        escalators: Vec::new(),
        commitments: Vec::new(),
        clauses: Clauses::default(),
    }
}

fn invoice(issued: NaiveDate, end: NaiveDate, kind: LineKind, units: i128, price: i128, money: [i128; 2]) -> Invoice {
    let [gross, amount] = money;
    let line = InvoiceLine {
        id: "i-1".into(),
        contract_line: "c-l1".into(),
        commitment: None,
        product: PLATFORM,
        kind,
        quantity: units * 1_000_000,
        unit_size: 1,
        unit_price: price * 100_000_000,
        gross,
        discount: gross - amount,
        amount,
        tax: 0,
        start: issued,
        end,
        is_override: false,
        applied: Vec::new(),
    };
    Invoice {
        id: "i".into(),
        account: 0,
        contract: "c".into(),
        created: issued,
        issued: Some(issued),
        due: Some(end),
        voided: None,
        replaces: None,
        written_off: None,
        disputes: Vec::new(),
        currency: Currency::Usd,
        lines: vec![line],
        payments: Vec::new(),
        credits: Vec::new(),
    }
}

fn found(contract: &Contract, invoice: &Invoice, as_of: NaiveDate) -> Vec<(&'static str, &'static str, i128)> {
    let billed = [Billed { invoice, line: &invoice.lines[0], is_derived: false, is_split: false, is_converted: false }];
    let found = findings(contract, None, ("c-l1", &Meters::default(), &BTreeMap::new()), &billed, as_of);
    found.iter().map(|finding| (finding.code, finding.step, finding.gap)).collect()
}

/// 100 x 10.00, 10 % off = 900.00 due; billed 100 x 9.00, 20 % off = 720.00.
/// The right price makes 800.00 of it (P6 80.00), the right discount 900.00 (P2 100.00).
#[test]
fn a_low_price_and_a_deep_discount_are_told_apart() {
    let start = date(2026, 1, 1);
    let contract = contract(Frequency::Monthly, start, 100, 10, 10, None);
    let invoice = invoice(start, date(2026, 2, 1), LineKind::Recurring, 100, 9, [90_000, 72_000]);
    assert_eq!(found(&contract, &invoice, date(2026, 1, 20)), [("P6", "S3a", 8_000), ("P2", "S4", 10_000)]);
}

/// A quarter in advance, 50 seats x 120.00, 15 % off until 1 April: 5,696.74 due. Billed 45 x 120.00 for 46 of 92 days,
/// 15 % off: 2,295.00. The other 46 days 2,295.00 (C3), five seats 510.00 (Q2), 61 days without discount 596.74 (P1).
#[test]
fn three_causes_on_one_line_share_the_gap() {
    let start = date(2026, 3, 1);
    let contract = contract(Frequency::Quarterly, start, 50, 120, 15, Some(date(2026, 4, 1)));
    let invoice = invoice(start, date(2026, 4, 16), LineKind::Proration, 45, 120, [270_000, 229_500]);
    assert_eq!(
        found(&contract, &invoice, date(2026, 5, 1)),
        [("C3", "S1", 229_500), ("Q2", "S2", 51_000), ("P1", "S4", 59_674)]
    );
}

/// Nothing is due before the contractual invoice date and its grace of five days.
#[test]
fn what_is_not_billable_is_not_missing() {
    let start = date(2026, 3, 1);
    let contract = contract(Frequency::Quarterly, start, 50, 120, 15, None);
    let invoice = invoice(date(2027, 1, 1), date(2027, 4, 1), LineKind::Recurring, 50, 120, [600_000, 510_000]);
    assert_eq!(found(&contract, &invoice, date(2026, 3, 5)), []);
    assert_eq!(found(&contract, &invoice, date(2026, 3, 6)), [("C1", "S1", 510_000)]);
}
