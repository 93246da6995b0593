//! Rows of the contract side, cut at a horizon.

use super::company::{Company, Frequency};
use super::drift::{self, Drift, copies};
use super::facts::{Anchor, Charge, Contract, DiscountValue, Line, PricePeriod, Proration, Seats, Timing, Version};
use super::leaks::Review;
use super::months::add_days;
use super::products;
use super::rows_pricing::{pricing_name, seat_rule_name};
use super::table::{Cell, Rows};
use chrono::{NaiveDate, NaiveTime};

pub(super) fn known(contract: &Contract, horizon: NaiveDate) -> impl Iterator<Item = &Version> {
    contract.versions.iter().filter(move |version| version.signed <= horizon)
}

pub(super) fn is_known(contract: &Contract, horizon: NaiveDate) -> bool {
    known(contract, horizon).next().is_some()
}

fn status(contract: &Contract, end: Option<NaiveDate>, horizon: NaiveDate) -> &'static str {
    let is_terminated = contract.terminated.is_some_and(|(date, recorded)| recorded <= horizon && date <= horizon);
    let goes_on = contract.is_holdover || contract.auto_renew;
    if is_terminated {
        "terminated"
    } else if !goes_on && end.is_some_and(|end| end <= horizon) {
        "expired"
    } else {
        "active"
    }
}

fn timing_name(timing: Timing) -> &'static str {
    match timing {
        Timing::Advance => "advance",
        Timing::Arrears => "arrears",
    }
}

fn proration_name(method: Proration) -> &'static str {
    match method {
        Proration::ActAct => "act_act",
        Proration::Act365 => "act_365",
        Proration::Thirty360 => "30_360",
        Proration::None => "none",
    }
}

/// The id of a customer, known or not.
pub(super) fn account_id(company: &Company, index: u32) -> String {
    let account = usize::try_from(index).ok().and_then(|at| company.accounts.get(at));
    account.map_or_else(|| format!("acc-{:05}", index + 1), |account| account.id.clone())
}

/// Entity `contract`.
pub(super) fn contract(company: &Company, contracts: &[Contract], horizon: NaiveDate) -> Rows<32> {
    let mut rows = Rows::new([
        "contract_id",
        "version",
        "effective_date",
        "account_id",
        "term_source",
        "status",
        "signed_date",
        "start_date",
        "end_date",
        "terminated_date",
        "terminated_recorded_at",
        "term_type",
        "renewal_date",
        "renews_contract_id",
        "notice_days",
        "auto_renew",
        "billing_frequency",
        "bill_timing",
        "billing_anchor",
        "commencement",
        "service_start_basis",
        "go_live_date",
        "payment_terms_days",
        "issue_grace_days",
        "currency",
        "proration_method",
        "holdover_rule",
        "fx_rule",
        "fx_fixed_rate",
        "late_fee_pct",
        "late_fee_after_days",
        "source_ref",
    ]);
    for contract in contracts {
        let account_id = account_id(company, contract.account);
        for source in copies(contract) {
            for version in known(contract, horizon) {
                rows.push(contract_row(contract, version, &account_id, source, horizon));
            }
        }
    }
    rows
}

fn contract_row(
    contract: &Contract,
    version: &Version,
    account_id: &str,
    source: &str,
    horizon: NaiveDate,
) -> [Cell; 32] {
    let terminated = contract.terminated.filter(|(_, recorded)| *recorded <= horizon);
    let late_fee = contract.clauses.late_fee;
    let drift = drift::of(contract, source);
    let end = version.end.map(|end| if drift == Some(Drift::End) { add_days(end, 31) } else { end });
    let notice_days = contract.notice_days.map(|days| if drift == Some(Drift::Notice) { days + 30 } else { days });
    let frequency = match contract.frequency {
        Frequency::Monthly if drift == Some(Drift::Frequency) => Frequency::Quarterly,
        _ if drift == Some(Drift::Frequency) => Frequency::Monthly,
        frequency => frequency,
    };
    let anchor = contract.anchor.map(|anchor| if anchor == Anchor::Calendar { "calendar" } else { "anniversary" });
    [
        (&contract.id).into(),
        version.number.into(),
        version.effective.into(),
        account_id.into(),
        source.into(),
        status(contract, version.end, horizon).into(),
        version.signed.into(),
        contract.start.into(),
        end.into(),
        terminated.map(|(date, _)| date).into(),
        terminated.map(|(_, recorded)| recorded.and_time(morning())).into(),
        if version.end.is_some() { "termed" } else { "evergreen" }.into(),
        end.into(),
        contract.renews.as_deref().into(),
        notice_days.into(),
        (contract.auto_renew != (drift == Some(Drift::AutoRenew))).into(),
        frequency.name().into(),
        contract.timing.map(timing_name).into(),
        anchor.into(),
        contract.is_first_full_period.then_some("first_full_period").into(),
        if contract.go_live.is_some() { "go_live" } else { "contract" }.into(),
        contract.go_live.into(),
        contract.payment_terms_days.into(),
        contract.issue_grace_days.into(),
        contract.currency.code().into(),
        contract.proration.map(proration_name).into(),
        if contract.is_holdover { "evergreen" } else { "none" }.into(),
        contract.clauses.exchange.map(|_| "fixed").into(),
        contract.clauses.exchange.map_or(Cell::Null, |exchange| Cell::Decimal(exchange.rate, 8)),
        late_fee.map_or(Cell::Null, |fee| Cell::Decimal(fee.percent, 4)),
        late_fee.and_then(|fee| fee.after_days).into(),
        format!("{}-v{}.pdf", contract.id, version.number).into(),
    ]
}

fn morning() -> NaiveTime {
    NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default()
}

fn charge_name(charge: Charge) -> &'static str {
    match charge {
        Charge::Recurring => "recurring",
        Charge::Usage => "usage",
        Charge::OneOff => "one_off",
    }
}

fn price_period_name(period: PricePeriod) -> &'static str {
    match period {
        PricePeriod::Month => "month",
        PricePeriod::Year => "year",
        PricePeriod::BillingPeriod => "billing_period",
        PricePeriod::Once => "once",
    }
}

/// Entity `contract_line`.
pub(super) fn contract_line(contracts: &[Contract], horizon: NaiveDate) -> Rows<25> {
    let mut rows = Rows::new([
        "contract_line_id",
        "version",
        "contract_id",
        "term_source",
        "product_id",
        "product_name",
        "charge_type",
        "pricing_model",
        "quantity",
        "unit_price",
        "price_period",
        "price_decimals",
        "unit",
        "unit_size",
        "metric",
        "included_quantity",
        "is_included_prorated",
        "package_size",
        "seat_rule",
        "seat_settlement",
        "seat_grace_pct",
        "start_date",
        "end_date",
        "accepted_date",
        "due_basis",
    ]);
    for contract in contracts {
        for source in copies(contract) {
            for version in known(contract, horizon) {
                for line in &version.lines {
                    rows.push(line_row(contract, version, line, source, horizon));
                }
            }
        }
    }
    rows
}

fn line_row(contract: &Contract, version: &Version, line: &Line, source: &str, horizon: NaiveDate) -> [Cell; 25] {
    let is_metered = line.product.charge == Charge::Usage;
    let is_one_off = line.product.charge == Charge::OneOff;
    let has_price = !line.lacks_price && line.unit_price != 0;
    let is_seat = line.product.id == products::PLATFORM.id;
    let forward = |seats: Seats| if seats.is_forward { "true_forward" } else { "true_up" };
    let drift = drift::of(contract, source);
    let units = if drift == Some(Drift::Units) { line.quantity + 1 } else { line.quantity };
    let is_repriced = drift == Some(Drift::Price) && drift::is_repriced(line);
    let unit_price = if is_repriced { line.unit_price * 21 / 20 } else { line.unit_price };
    [
        (&line.id).into(),
        version.number.into(),
        (&contract.id).into(),
        source.into(),
        line.product.id.into(),
        line.product.name.into(),
        charge_name(line.product.charge).into(),
        pricing_name(line.pricing).into(),
        (!is_metered).then_some(units).into(),
        if has_price { Cell::Decimal(unit_price, 8) } else { Cell::Null },
        price_period_name(line.price_period).into(),
        line.price_decimals.into(),
        line.product.unit.into(),
        is_metered.then_some(line.rating.unit_size).into(),
        line.product.metric.into(),
        line.rating.included.map(|included| included.quantity).into(),
        line.rating.included.map(|included| included.is_prorated).into(),
        line.rating.package_size.into(),
        line.seats.map(|seats| seat_rule_name(seats.rule)).or(is_seat.then_some("none")).into(),
        line.seats.map(forward).into(),
        line.seats.filter(|seats| seats.grace_pct > 0).map(|seats| seats.grace_pct).into(),
        line.start.into(),
        line.end.into(),
        line.accepted.filter(|accepted| *accepted <= horizon).into(),
        is_one_off.then_some("acceptance").into(),
    ]
}

/// Entity `discount`.
pub(super) fn discount(contracts: &[Contract], horizon: NaiveDate) -> Rows<15> {
    let mut rows = Rows::new([
        "discount_id",
        "contract_id",
        "contract_line_id",
        "version",
        "term_source",
        "kind",
        "value",
        "amount_per",
        "stacking",
        "sequence",
        "start_date",
        "end_date",
        "end_basis",
        "code",
        "reason",
    ]);
    for contract in contracts {
        for source in copies(contract) {
            for discount in contract.discounts.iter().filter(|discount| discount.signed <= horizon) {
                let (kind, value, amount_per) = match discount.value {
                    DiscountValue::Percent(points) => ("percent", Cell::Decimal(points, 4), None),
                    DiscountValue::Amount(minor) => ("amount", contract.currency.cell(minor), Some("period")),
                };
                let is_default = discount.sequence == 1 && !discount.is_additive && !discount.is_by_invoice_date;
                rows.push([
                    (&discount.id).into(),
                    (&contract.id).into(),
                    discount.line.as_deref().into(),
                    discount.version.into(),
                    source.into(),
                    kind.into(),
                    value,
                    amount_per.into(),
                    if is_default {
                        None
                    } else {
                        Some(if discount.is_additive { "additive" } else { "multiplicative" })
                    }
                    .into(),
                    discount.sequence.into(),
                    discount.start.into(),
                    discount.end.into(),
                    if is_default {
                        None
                    } else {
                        Some(if discount.is_by_invoice_date { "invoice" } else { "service" })
                    }
                    .into(),
                    format!("{}-{}", kind.to_uppercase(), discount.sequence).into(),
                    discount.reason.into(),
                ]);
            }
        }
    }
    rows
}

/// Entity `free_period`.
pub(super) fn free_period(contracts: &[Contract], horizon: NaiveDate) -> Rows<4> {
    let mut rows = Rows::new(["contract_line_id", "term_source", "start_date", "end_date"]);
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        for source in copies(contract) {
            for free in &contract.free_periods {
                rows.push([(&free.line).into(), source.into(), free.start.into(), free.end.into()]);
            }
        }
    }
    rows
}

/// Entity `sla_term`.
pub(super) fn sla_term(contracts: &[Contract], horizon: NaiveDate) -> Rows<7> {
    let columns = ["contract_id", "term_source", "metric", "target_pct", "credit_pct", "cap_pct", "claim_days"];
    let mut rows = Rows::new(columns);
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        let Some(promise) = contract.clauses.service_level else { continue };
        for source in copies(contract) {
            rows.push([
                (&contract.id).into(),
                source.into(),
                promise.metric.into(),
                Cell::Decimal(promise.target, 4),
                Cell::Decimal(promise.credit, 4),
                promise.cap.map_or(Cell::Null, |cap| Cell::Decimal(cap, 4)),
                promise.claim_days.into(),
            ]);
        }
    }
    rows
}

/// Entity `pause`.
pub(super) fn pause(contracts: &[Contract], horizon: NaiveDate) -> Rows<4> {
    let mut rows = Rows::new(["contract_line_id", "term_source", "start_date", "end_date"]);
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        for source in copies(contract) {
            for pause in &contract.clauses.pauses {
                rows.push([(&pause.line).into(), source.into(), pause.start.into(), pause.end.into()]);
            }
        }
    }
    rows
}

/// Entity `billing_exception`.
pub(super) fn billing_exception(company: &Company, contracts: &[Contract], horizon: NaiveDate) -> Rows<10> {
    let mut rows = Rows::new([
        "exception_id",
        "account_id",
        "contract_id",
        "contract_line_id",
        "check_code",
        "start_date",
        "end_date",
        "approved_by",
        "approved_at",
        "reason",
    ]);
    for contract in contracts {
        for exception in contract.exceptions.iter().filter(|exception| exception.approved_at.date() <= horizon) {
            rows.push([
                (&exception.id).into(),
                exception.account.map(|index| account_id(company, index)).into(),
                exception.contract.as_deref().into(),
                exception.line.as_deref().into(),
                exception.check_code.into(),
                exception.start.into(),
                exception.end.into(),
                "fin-01".into(),
                exception.approved_at.into(),
                exception.reason.into(),
            ]);
        }
    }
    rows
}

/// Entity `finding_review`.
pub(super) fn finding_review(reviews: &[Review], horizon: NaiveDate) -> Rows<6> {
    let columns = ["finding_id", "decision", "decided_by", "decided_at", "expires_date", "note"];
    let mut rows = Rows::new(columns);
    for review in reviews.iter().filter(|review| review.decided.date() <= horizon) {
        rows.push([
            review.finding_id().into(),
            review.decision.into(),
            "fin-01".into(),
            review.decided.into(),
            review.expires.into(),
            format!("{} of {}", review.key[0], review.key[3]).into(),
        ]);
    }
    rows
}
