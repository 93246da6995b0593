//! What the biller charges for a stretch of days: gross, discounts, net.

use super::facts::{Discount, DiscountValue, PricePeriod};
use super::fraction::Fraction;
use super::periods::each_day;
use chrono::NaiveDate;
use std::ops::Range;

/// Exact money of some days of one line, in major units.
#[derive(Debug, Clone)]
pub struct Charged {
    /// Before discounts.
    pub gross: Fraction,
    /// After them.
    pub net: Fraction,
    /// What each discount took off, by position in the list given.
    pub parts: Vec<(usize, Fraction)>,
}

impl Charged {
    /// Takes so much of everything.
    pub fn scale(&mut self, share: Fraction) {
        self.gross = self.gross * share;
        self.net = self.net * share;
        for (_, part) in &mut self.parts {
            *part = *part * share;
        }
    }
}

/// The terms that hold on all days of the stretch.
#[derive(Clone, Copy)]
pub struct Rate<'a> {
    /// What a whole period costs before discounts, in major units.
    pub whole: Fraction,
    /// What amounts off are per.
    pub price_period: PricePeriod,
    /// Months of a whole period.
    pub months: i32,
    /// What each day weighs.
    pub weigh: &'a dyn Fn(NaiveDate) -> i64,
    /// What a whole period weighs.
    pub weight: i64,
}

/// An amount discount for a whole billing period, in major units: restated like a price, to 8 digits.
pub fn amount_per_period(minor: i128, exponent: u32, price_period: PricePeriod, months: i32) -> Fraction {
    let amount = Fraction::decimal(minor, exponent);
    match price_period {
        PricePeriod::Month => amount * Fraction::whole(i128::from(months)),
        PricePeriod::Year => (amount * Fraction::new(i128::from(months), 12)).rounded(8),
        PricePeriod::BillingPeriod | PricePeriod::Once => amount,
    }
}

/// Whether a discount applies to a day of a period invoiced on `billable`.
fn applies(discount: &Discount, day: NaiveDate, billable: NaiveDate) -> bool {
    let decisive = if discount.is_by_invoice_date { billable } else { day };
    discount.start <= decisive && discount.end.is_none_or(|end| decisive < end)
}

/// Charges `days` of a period, all of which cost money.
pub fn charge(
    rate: Rate<'_>,
    discounts: &[Discount],
    days: &Range<NaiveDate>,
    (billable, exponent): (NaiveDate, u32),
) -> Charged {
    // Days with the same discounts are charged together; the bits of a number are the discounts of a day.
    let mut stretches: Vec<(u64, i64)> = Vec::new();
    for day in each_day(days) {
        let active = discounts
            .iter()
            .zip(0_u32..64)
            .filter(|(discount, _)| applies(discount, day, billable))
            .fold(0_u64, |active, (_, bit)| active | 1 << bit);
        let weight = (rate.weigh)(day);
        match stretches.last_mut() {
            Some((same, length)) if *same == active => *length += weight,
            _ => stretches.push((active, weight)),
        }
    }
    let mut charged = Charged { gross: Fraction::ZERO, net: Fraction::ZERO, parts: Vec::new() };
    for (active, length) in stretches {
        let share = Fraction::new(i128::from(length), i128::from(rate.weight));
        let base = rate.whole * share;
        let mut net = base;
        // Percents first, amounts after them, each in the order of the list.
        let is_active = |(at, _): &(usize, &Discount)| active >> at & 1 == 1;
        let of_kind = |amounts: bool| {
            let kind = move |discount: &Discount| matches!(discount.value, DiscountValue::Amount(_)) == amounts;
            discounts.iter().enumerate().filter(is_active).filter(move |(_, discount)| kind(discount))
        };
        for (at, discount) in of_kind(false).chain(of_kind(true)) {
            let part = match discount.value {
                DiscountValue::Percent(points) if discount.is_additive => base * Fraction::decimal(points, 6),
                DiscountValue::Percent(points) => net * Fraction::decimal(points, 6),
                DiscountValue::Amount(minor) => {
                    amount_per_period(minor, exponent, rate.price_period, rate.months) * share
                }
            };
            net = net - part;
            charged.parts.push((at, part));
        }
        charged.gross = charged.gross + base;
        charged.net = charged.net + net;
    }
    charged
}
