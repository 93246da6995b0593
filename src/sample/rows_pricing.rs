//! Rows of what lines cost beyond a quantity and a price, cut at a horizon.

use super::drift::copies;
use super::facts::{CommitmentPeriod, Contract, Pricing, SeatRule, Uplift};
use super::months::add_days;
use super::price_index;
use super::rows_terms::{is_known, known};
use super::table::{Cell, Rows};
use chrono::{NaiveDate, NaiveTime};

/// As tables spell a pricing model.
pub(super) fn pricing_name(pricing: Pricing) -> &'static str {
    match pricing {
        Pricing::Flat => "flat",
        Pricing::PerUnit => "per_unit",
        Pricing::Graduated => "graduated",
        Pricing::Volume => "volume",
        Pricing::Package => "package",
        Pricing::Overage => "overage",
        Pricing::Percentage => "percentage",
    }
}

/// As tables spell a seat rule.
pub(super) fn seat_rule_name(rule: SeatRule) -> &'static str {
    match rule {
        SeatRule::HighWater => "high_water",
        SeatRule::Average => "average",
        SeatRule::EndOfMonth => "end_of_month",
    }
}

fn period_name(period: CommitmentPeriod) -> &'static str {
    match period {
        CommitmentPeriod::Month => "month",
        CommitmentPeriod::Quarter => "quarter",
        CommitmentPeriod::Year => "year",
        CommitmentPeriod::Term => "term",
    }
}

/// Entity `price_tier`.
pub(super) fn price_tier(contracts: &[Contract], horizon: NaiveDate) -> Rows<7> {
    let mut rows = Rows::new(["contract_line_id", "version", "term_source", "tier", "up_to", "unit_price", "flat_fee"]);
    for contract in contracts {
        for (source, version) in copies(contract)
            .into_iter()
            .flat_map(|source| known(contract, horizon).map(move |version| (source, version)))
        {
            for line in &version.lines {
                for (tier, number) in line.rating.tiers.iter().zip(1_u32..) {
                    rows.push([
                        (&line.id).into(),
                        version.number.into(),
                        source.into(),
                        number.into(),
                        tier.up_to.into(),
                        Cell::Decimal(tier.price, 8),
                        (tier.flat_fee != 0).then(|| contract.currency.cell(tier.flat_fee)).into(),
                    ]);
                }
            }
        }
    }
    rows
}

/// Entity `escalator`.
pub(super) fn escalator(contracts: &[Contract], horizon: NaiveDate) -> Rows<14> {
    let mut rows = Rows::new([
        "contract_line_id",
        "term_source",
        "kind",
        "pct",
        "index_name",
        "lag_months",
        "margin_pct",
        "cap_pct",
        "floor_pct",
        "is_compounding",
        "first_date",
        "every_months",
        "is_mandatory",
        "notice_given_date",
    ]);
    let percent = |points: Option<i128>| points.map(|points| Cell::Decimal(points, 4));
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        for source in copies(contract) {
            for escalator in &contract.escalators {
                let (kind, pct, index, lag, margin, cap, floor) = match escalator.uplift {
                    Uplift::Fixed(points) => ("fixed", Some(points), None, None, None, None, None),
                    Uplift::Index { name, lag_months, margin, cap, floor } => {
                        ("index", None, Some(name), lag_months, margin, cap, floor)
                    }
                };
                rows.push([
                    (&escalator.line).into(),
                    source.into(),
                    kind.into(),
                    percent(pct).into(),
                    index.into(),
                    lag.into(),
                    percent(margin).into(),
                    percent(cap).into(),
                    percent(floor).into(),
                    escalator.is_compounding.into(),
                    escalator.first.into(),
                    escalator.every_months.into(),
                    escalator.is_mandatory.into(),
                    escalator.notice.filter(|notice| *notice <= horizon).into(),
                ]);
            }
        }
    }
    rows
}

/// Entity `ramp_step`.
pub(super) fn ramp_step(contracts: &[Contract], horizon: NaiveDate) -> Rows<7> {
    let mut rows = Rows::new([
        "contract_line_id",
        "term_source",
        "start_date",
        "quantity",
        "unit_price",
        "discount_pct",
        "commit_amount",
    ]);
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        for source in copies(contract) {
            for step in &contract.ramps {
                rows.push([
                    (&step.line).into(),
                    source.into(),
                    step.start.into(),
                    step.quantity.into(),
                    step.unit_price.map(|price| Cell::Decimal(price, 8)).into(),
                    step.percent.map(|points| Cell::Decimal(points, 4)).into(),
                    step.commit.map(|amount| contract.currency.cell(amount)).into(),
                ]);
            }
        }
    }
    rows
}

/// Entity `commitment`.
pub(super) fn commitment(contracts: &[Contract], horizon: NaiveDate) -> Rows<11> {
    let mut rows = Rows::new([
        "commitment_id",
        "contract_id",
        "term_source",
        "amount",
        "quantity",
        "period",
        "is_prepaid",
        "is_prorated",
        "overage_unit_price",
        "start_date",
        "end_date",
    ]);
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        for source in copies(contract) {
            for commitment in &contract.commitments {
                rows.push([
                    (&commitment.id).into(),
                    (&contract.id).into(),
                    source.into(),
                    commitment.amount.map(|amount| contract.currency.cell(amount)).into(),
                    commitment.quantity.into(),
                    period_name(commitment.period).into(),
                    commitment.is_prepaid.into(),
                    commitment.is_prorated.into(),
                    commitment.overage_unit_price.map(|price| Cell::Decimal(price, 8)).into(),
                    commitment.start.into(),
                    commitment.end.into(),
                ]);
            }
        }
    }
    rows
}

/// Entity `commitment_line`.
pub(super) fn commitment_line(contracts: &[Contract], horizon: NaiveDate) -> Rows<3> {
    let mut rows = Rows::new(["commitment_id", "contract_line_id", "term_source"]);
    for contract in contracts.iter().filter(|contract| is_known(contract, horizon)) {
        for source in copies(contract) {
            for commitment in &contract.commitments {
                for line in &commitment.lines {
                    rows.push([(&commitment.id).into(), line.into(), source.into()]);
                }
            }
        }
    }
    rows
}

/// Entity `price_index`: two years before the first day of the data are enough for every lag.
pub(super) fn price_index(first: NaiveDate, horizon: NaiveDate) -> Rows<4> {
    let mut rows = Rows::new(["index_name", "month_date", "value", "published_at"]);
    let noon = NaiveTime::from_hms_opt(12, 30, 0).unwrap_or_default();
    for (name, month, value) in price_index::months(horizon).filter(|(_, month, _)| *month >= add_days(first, -1_300)) {
        rows.push([
            name.into(),
            month.into(),
            Cell::Decimal(value, 8),
            price_index::published(month).and_time(noon).into(),
        ]);
    }
    rows
}
