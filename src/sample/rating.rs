//! What a number of units costs: tiers, packages, included units, percentages.

use super::facts::{Charge, Line, PricePeriod, Pricing, Tier};
use super::fraction::Fraction;
use chrono::NaiveDate;
use std::ops::Range;

/// Whether a line's money is more than quantity times price.
pub fn is_rated(line: &Line) -> bool {
    !matches!(line.pricing, Pricing::Flat | Pricing::PerUnit) || line.rating.included.is_some()
}

/// Months of the period a price is for; none where it is the billing period's own.
fn price_months(period: PricePeriod) -> Option<i128> {
    match period {
        PricePeriod::Month => Some(1),
        PricePeriod::Year => Some(12),
        PricePeriod::BillingPeriod | PricePeriod::Once => None,
    }
}

/// A value of the price period for a billing period of so many months.
fn restate(value: Fraction, line: &Line, months: i32) -> Fraction {
    price_months(line.price_period).map_or(value, |per| value * Fraction::new(i128::from(months), per))
}

/// Units included in a period of which so many calendar days, of all its days, are charged for. Those of a recurring line are
/// a stock like its quantity: as many whatever the period.
pub fn included(line: &Line, months: i32, (charged, days): (i64, i64)) -> Fraction {
    let Some(included) = line.rating.included else { return Fraction::ZERO };
    if line.product.charge == Charge::Recurring {
        return Fraction::whole(i128::from(included.quantity));
    }
    let whole = restate(Fraction::whole(i128::from(included.quantity)), line, months);
    if included.is_prorated {
        let share = Fraction::new(i128::from(charged), i128::from(days)).rounded(12);
        return (whole * share).rounded(6);
    }
    whole.rounded(6)
}

/// Days of a range that pass a test, and all of them.
pub fn share(cell: &Range<NaiveDate>, is_charged: impl Fn(NaiveDate) -> bool) -> (i64, i64) {
    super::periods::each_day(cell).fold((0, 0), |(some, all), day| (some + i64::from(is_charged(day)), all + 1))
}

/// Gross of `units` for a whole billing period, in major units; `included` of them cost nothing.
pub fn gross(line: &Line, units: Fraction, included: Fraction, months: i32, exponent: u32) -> Fraction {
    let rest = units - included;
    if !rest.is_positive() {
        return Fraction::ZERO;
    }
    let is_recurring = line.product.charge == Charge::Recurring;
    let price = |digits: i128| {
        let price = Fraction::decimal(digits, 8);
        if is_recurring { restate(price, line, months).rounded(8) } else { price }
    };
    let fee = |tier: &Tier| restate(Fraction::decimal(tier.flat_fee, exponent), line, months).rounded(8);
    let beyond = price(line.unit_price);
    match line.pricing {
        Pricing::Flat => beyond,
        Pricing::Percentage => rest * beyond * Fraction::new(1, 100),
        Pricing::Package => {
            let size = Fraction::whole(i128::from(line.rating.package_size.unwrap_or(1)));
            beyond * rest.over(size).ceiling()
        }
        Pricing::Volume => volume(&line.rating.tiers, rest, price, fee).unwrap_or(rest * beyond),
        Pricing::Graduated | Pricing::Overage if !line.rating.tiers.is_empty() => {
            graduated(&line.rating.tiers, rest, beyond, price, fee)
        }
        Pricing::Graduated | Pricing::Overage | Pricing::PerUnit => rest * beyond,
    }
}

/// All units at the price of the tier they reach; none beyond the last bound.
fn volume(
    tiers: &[Tier],
    units: Fraction,
    price: impl Fn(i128) -> Fraction,
    fee: impl Fn(&Tier) -> Fraction,
) -> Option<Fraction> {
    let reached = tiers
        .iter()
        .find(|tier| tier.up_to.is_none_or(|up_to| !Fraction::whole(i128::from(up_to)).less_than(units)))?;
    Some(units * price(reached.price) + fee(reached))
}

/// Each unit at its tier's price, those beyond the last bound at `beyond`.
fn graduated(
    tiers: &[Tier],
    units: Fraction,
    beyond: Fraction,
    price: impl Fn(i128) -> Fraction,
    fee: impl Fn(&Tier) -> Fraction,
) -> Fraction {
    let mut lower = Fraction::ZERO;
    let mut sum = Fraction::ZERO;
    for tier in tiers {
        if !lower.less_than(units) {
            return sum;
        }
        let bound = tier.up_to.map(|up_to| Fraction::whole(i128::from(up_to)));
        let upper = bound.filter(|bound| bound.less_than(units)).unwrap_or(units);
        sum = sum + (upper - lower) * price(tier.price) + fee(tier);
        lower = upper;
    }
    sum + (units - lower) * beyond
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::facts::{Included, Rating};
    use crate::sample::products::METERED;

    fn line(pricing: Pricing) -> Line {
        let tier = |up_to, price| Tier { up_to, price, flat_fee: 0 };
        let tiers = vec![tier(Some(1_000), 10_000_000), tier(Some(10_000), 5_000_000), tier(None, 1_000_000)];
        Line {
            id: "l".into(),
            product: METERED[0],
            quantity: 0,
            unit_price: 2_000_000,
            price_period: PricePeriod::Month,
            price_decimals: None,
            start: NaiveDate::default(),
            end: None,
            accepted: None,
            pricing,
            rating: Rating { tiers, ..Rating::default() },
            seats: None,
            lacks_price: false,
        }
    }

    fn cents(line: &Line, units: i128, included: i128) -> i128 {
        gross(line, Fraction::whole(units), Fraction::whole(included), 1, 2).minor(2)
    }

    /// 15,000 units on tiers to 1,000 at 0.10, to 10,000 at 0.05, beyond at 0.01: graduated 600.00, volume 150.00.
    #[test]
    fn tiers_are_climbed_or_reached() {
        assert_eq!(cents(&line(Pricing::Graduated), 15_000, 0), 60_000);
        assert_eq!(cents(&line(Pricing::Volume), 15_000, 0), 15_000);
        assert_eq!(cents(&line(Pricing::Volume), 10_000, 0), 50_000);
        assert_eq!(cents(&line(Pricing::Volume), 0, 0), 0);
        assert_eq!(cents(&line(Pricing::Graduated), 16_000, 1_000), 60_000);
    }

    /// 2,501 units in packages of 1,000 at 0.02 a package: three of them. 3 % of 2,000.00.
    #[test]
    fn packages_are_whole_and_percentages_of_money() {
        let mut package = line(Pricing::Package);
        package.rating.package_size = Some(1_000);
        assert_eq!(cents(&package, 2_501, 0), 6);
        assert_eq!(cents(&package, 3_000, 1_000), 4);
        let mut percentage = line(Pricing::Percentage);
        percentage.unit_price = 300_000_000;
        assert_eq!(cents(&percentage, 2_000, 0), 6_000);
    }

    /// 1,000 units a month are 3,000 a quarter, and 15 of 30 days' share of them where they shrink.
    #[test]
    fn included_units_follow_the_period() {
        let mut overage = line(Pricing::Overage);
        overage.rating =
            Rating { included: Some(Included { quantity: 1_000, is_prorated: true }), ..Rating::default() };
        assert_eq!(included(&overage, 3, (90, 90)), Fraction::whole(3_000));
        assert_eq!(included(&overage, 1, (15, 30)), Fraction::whole(500));
        assert_eq!(cents(&overage, 1_500, 1_000), 1_000);
    }
}
