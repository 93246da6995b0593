//! Rows of reference data: exchange rates and price lists.

use super::company::{Company, Segment};
use super::facts::Charge;
use super::fraction::divide_half_up;
use super::money::Currency;
use super::months::{add_days, add_months, days_between};
use super::products::{self, price};
use super::random::Stream;
use super::table::{Cell, Rows};
use chrono::NaiveDate;

/// What a unit of the currency costs in US dollars at 8 digits, before it moves.
fn base_rate(currency: Currency) -> i128 {
    match currency {
        Currency::Usd => 100_000_000,
        Currency::Eur => 108_400_000,
        Currency::Gbp => 127_100_000,
        Currency::Jpy => 671_000,
        Currency::Kwd => 325_300_000,
    }
}

/// Exchange rates: a walk that drifts back to its base, every day from the first to a horizon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    first: NaiveDate,
    /// What a unit of each currency costs in US dollars at 8 digits, day by day.
    days: Vec<[i128; Currency::ALL.len()]>,
}

impl Rates {
    /// The rates until the end of `horizon`.
    pub fn new(company: &Company, horizon: NaiveDate) -> Self {
        let first = add_months(company.spec.start, -20);
        let mut drift = [0_i64; Currency::ALL.len()];
        let mut days = Vec::new();
        for offset in 0..=days_between(first, horizon) {
            let mut draw = Stream::new(company.spec.seed, "fx", offset.unsigned_abs());
            let mut rates = Currency::ALL.map(base_rate);
            for ((currency, drift), rate) in Currency::ALL.iter().zip(&mut drift).zip(&mut rates) {
                if *currency != Currency::Usd {
                    *drift = *drift * 996 / 1_000 + draw.between(-4_500, 4_500);
                    *rate += *rate * i128::from(*drift) / 1_000_000;
                }
            }
            days.push(rates);
        }
        Rates { first, days }
    }

    /// What a unit of `from` costs in `to` on a day, at 8 digits; none before the first day and after the horizon.
    pub fn rate(&self, from: Currency, to: Currency, day: NaiveDate) -> Option<i128> {
        let rates = self.days.get(usize::try_from(days_between(self.first, day)).ok()?)?;
        let of =
            |currency| Currency::ALL.iter().zip(rates).find(|(other, _)| **other == currency).map(|(_, rate)| *rate);
        Some(divide_half_up(of(from)? * 100_000_000, of(to)?))
    }
}

/// Entity `fx_rate`: from every currency to dollar, euro and pound.
pub(super) fn fx_rate(company: &Company, horizon: NaiveDate) -> Rows<4> {
    let mut rows = Rows::new(["rate_date", "from_currency", "to_currency", "rate"]);
    let rates = Rates::new(company, horizon);
    for offset in 0..=days_between(rates.first, horizon) {
        let date = add_days(rates.first, offset);
        for to in Currency::ALL.into_iter().take(3) {
            for from in Currency::ALL.into_iter().filter(|from| *from != to) {
                let rate = rates.rate(from, to, date).map_or(Cell::Null, |rate| Cell::Decimal(rate, 8));
                rows.push([date.into(), from.code().into(), to.code().into(), rate]);
            }
        }
    }
    rows
}

/// The price lists: from when each holds, and its permille of the first.
fn lists(company: &Company) -> [(NaiveDate, i64); 2] {
    [(add_months(company.spec.start, -18), 1_000), (add_months(company.spec.start, 12), 1_040)]
}

/// The list price of a product's month on a day, at 8 digits; none where it is not on the list.
pub(super) fn list_price(company: &Company, product_id: &str, currency: Currency, day: NaiveDate) -> Option<i128> {
    let product = products::all().into_iter().find(|product| product.id == product_id)?;
    let (_, permille) = lists(company).into_iter().rfind(|(valid_from, _)| *valid_from <= day)?;
    (product.charge == Charge::Recurring).then(|| price(product.list_cents, currency, permille))
}

/// Entity `price_book`: two lists, the second four percent dearer.
pub(super) fn price_book(company: &Company, horizon: NaiveDate) -> Rows<7> {
    let columns = ["product_id", "segment", "currency", "list_price", "unit", "price_period", "valid_from_date"];
    let mut rows = Rows::new(columns);
    for (valid_from, permille) in lists(company).into_iter().filter(|(valid_from, _)| *valid_from <= horizon) {
        for product in products::all().into_iter().filter(|product| product.charge != Charge::Usage) {
            for segment in [Segment::Smb, Segment::MidMarket, Segment::Enterprise] {
                for currency in Currency::ALL {
                    let is_once = product.charge == Charge::OneOff;
                    rows.push([
                        product.id.into(),
                        segment.name().into(),
                        currency.code().into(),
                        Cell::Decimal(price(product.list_cents, currency, permille), 8),
                        product.unit.unwrap_or("flat").into(),
                        if is_once { "once" } else { "month" }.into(),
                        valid_from.into(),
                    ]);
                }
            }
        }
    }
    rows
}
