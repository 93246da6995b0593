//! What sales gave away: discounts, free periods.

use super::company::{Account, Company, Frequency};
use super::facts::{Anchor, Charge, Contract, Discount, DiscountValue, FreePeriod, Line, Pricing, Version};
use super::months::{add_days, add_months};
use super::periods::Grid;
use super::random::Stream;
use chrono::NaiveDate;

/// Percent points at 4 digits of the discounts sales people give.
const PERCENTS: [(i128, u64); 6] =
    [(50_000, 10), (100_000, 30), (125_000, 10), (150_000, 25), (200_000, 15), (75_000, 8)];

struct Grant<'a> {
    contract: &'a mut Contract,
    draw: Stream,
    until: NaiveDate,
    first_signed: NaiveDate,
    first_change: Option<NaiveDate>,
    churn: Option<NaiveDate>,
    /// Numbers given to discounts, those signed for later included, so that no id depends on what is signed by now.
    numbers: i64,
}

/// Adds discounts and free periods to a contract whose first term has just been written; `changes` are the dates on which
/// the term is amended for other reasons.
pub(super) fn grant(
    company: &Company,
    account: &Account,
    contract: &mut Contract,
    number: i32,
    (changes, until): (&[NaiveDate], NaiveDate),
) {
    let key = u64::from(account.index) * 100 + u64::from(number.unsigned_abs());
    let draw = Stream::new(company.spec.seed, "concessions", key);
    let first_signed = contract.versions.first().map_or(contract.start, |version| version.signed);
    let lines: Vec<Line> = contract.versions.first().map(|version| version.lines.clone()).unwrap_or_default();
    let first_change = changes.iter().copied().find(|date| *date > contract.start);
    let mut grant = Grant { contract, draw, until, first_signed, first_change, churn: account.churn_date, numbers: 0 };
    let rated: Vec<&Line> =
        lines.iter().filter(|line| line.product.charge == Charge::Recurring && !line.lacks_price).collect();
    for (at, line) in rated.iter().enumerate() {
        let roll = grant.draw.below(100);
        // First contracts are bought with discounts; renewals less so.
        let appetite = if number == 0 { 100 } else { 55 };
        if roll >= appetite {
            continue;
        }
        grant.discount(line, at);
        grant.free_period(line);
    }
    let is_partner = grant.draw.chance(110);
    if is_partner {
        let percent = grant.percent();
        let is_additive = grant.draw.chance(300);
        grant.add(None, DiscountValue::Percent(percent), is_additive, (0, None), "partner margin");
    }
}

impl Grant<'_> {
    fn percent(&mut self) -> i128 {
        self.draw.weighted(PERCENTS[0], &PERCENTS[1..])
    }

    fn add(
        &mut self,
        line: Option<&Line>,
        value: DiscountValue,
        is_additive: bool,
        (from, to): (i32, Option<NaiveDate>),
        reason: &'static str,
    ) {
        self.numbers += 1;
        let (id, sequence) = (format!("{}-d{}", self.contract.id, self.numbers), self.numbers);
        self.contract.discounts.push(Discount {
            id,
            line: line.map(|line| line.id.clone()),
            version: None,
            value,
            is_additive,
            sequence,
            start: add_months(self.contract.start, from),
            end: to,
            is_by_invoice_date: false,
            reason,
            signed: self.first_signed,
        });
    }

    fn discount(&mut self, line: &Line, position: usize) {
        let start = self.contract.start;
        let months = self.draw.weighted((3, 35), &[(6, 40), (9, 10), (4, 15)]);
        let aligned = add_months(start, months);
        let percent = DiscountValue::Percent(self.percent());
        let straddling = add_days(aligned, self.draw.between(4, 24));
        match self.draw.below(100) {
            0..=23 => self.add(Some(line), percent, false, (0, Some(aligned)), "launch offer"),
            24..=30 => self.add(Some(line), percent, false, (0, Some(straddling)), "launch offer"),
            31..=35 => {
                self.add(Some(line), percent, false, (0, Some(straddling)), "launch offer");
                if let Some(discount) = self.contract.discounts.last_mut() {
                    discount.is_by_invoice_date = true;
                }
            }
            36..=43 if line.product.pricing == Pricing::Flat => self.amount(line, aligned),
            44..=49 => {
                let second = DiscountValue::Percent(self.percent());
                let is_additive = self.draw.chance(400);
                self.add(Some(line), percent, is_additive, (0, Some(aligned)), "launch offer");
                self.add(Some(line), second, is_additive, (0, None), "multi-year commitment");
            }
            50..=56 if position == 0 => self.extended(line, aligned),
            _ => {}
        }
    }

    /// An amount off per price period: about a tenth of the price, in round money.
    fn amount(&mut self, line: &Line, end: NaiveDate) {
        let exponent = self.contract.currency.exponent();
        let minor = line.unit_price * 12 / 100 / 10_i128.pow(8 - exponent);
        let step = 10_i128.pow(exponent);
        let value = DiscountValue::Amount((minor / step * step).max(step));
        self.add(Some(line), value, false, (0, Some(end)), "competitive displacement");
    }

    /// A discount that an amendment prolongs: the first one's end is not the end.
    fn extended(&mut self, line: &Line, end: NaiveDate) {
        let percent = self.percent();
        self.add(Some(line), DiscountValue::Percent(percent), false, (0, Some(end)), "launch offer");
        let signed = add_days(end, -12);
        // Prolonging a discount inside a prepaid period would need a refund.
        let grid = Grid::new(self.contract);
        let versions = &mut self.contract.versions;
        let Some(before) = versions.iter().rfind(|version| version.effective <= end).cloned() else { return };
        let is_boundary = grid.boundary(grid.cell_of(end)) == end;
        let is_served = before.end.is_none_or(|term_end| end < term_end) && self.churn.is_none_or(|churn| end < churn);
        if !is_served || !is_boundary {
            return;
        }
        // Whether version 1 is the one that ends here must not depend on what is signed by now.
        if let Some(first) = self.contract.discounts.last_mut() {
            first.version = self.first_change.is_none_or(|change| change > end).then_some(1);
        }
        if signed > self.until {
            self.numbers += 1;
            return;
        }
        if before.effective < end {
            let at = versions.iter().take_while(|version| version.effective < end).count();
            versions.insert(at, Version { effective: end, signed, ..before });
            for (version, number) in versions.iter_mut().zip(1..) {
                version.number = number;
            }
        }
        self.add(
            Some(line),
            DiscountValue::Percent(percent),
            false,
            (0, Some(add_months(end, 6))),
            "extension by amendment",
        );
        if let Some(second) = self.contract.discounts.last_mut() {
            second.start = end;
            second.signed = signed;
        }
    }

    fn free_period(&mut self, line: &Line) {
        // Units that are added inside a prepaid period with free days in it would be anybody's sum.
        let has_whole_changes =
            self.contract.frequency != Frequency::Annual && self.contract.anchor != Some(Anchor::Calendar);
        if line.product.pricing != Pricing::Flat && !has_whole_changes {
            return;
        }
        let start = self.contract.start;
        let (from, to) = match self.draw.below(100) {
            0..=3 => (start, add_months(start, 1)),
            4..=6 => (start, add_days(start, 14)),
            7..=10 => (add_months(start, 5), add_months(start, 6)),
            _ => return,
        };
        self.contract.free_periods.push(FreePeriod { line: line.id.clone(), start: from, end: to });
    }
}
