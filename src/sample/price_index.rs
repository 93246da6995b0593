//! Consumer price indices that contracts refer to: the same for every company, as in the world.

use super::months::add_months;
use chrono::{Datelike, NaiveDate};
use std::sync::OnceLock;

/// Indices that are published.
pub const NAMES: [&str; 2] = ["CPI-U", "HICP"];
/// An index some contract names although nobody publishes it.
pub const UNPUBLISHED: &str = "PPI-services";

/// Months from the first value on that are ever asked for.
const MONTHS: i32 = 300;

fn first_month() -> NaiveDate {
    NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default()
}

/// Values at 3 digits, month by month: they rise by up to half a percent, and fall a little in some months.
fn series() -> &'static [Vec<i128>; 2] {
    static SERIES: OnceLock<[Vec<i128>; 2]> = OnceLock::new();
    SERIES.get_or_init(|| {
        [7_i128, 23].map(|salt| {
            let mut value = 100_000 + salt * 1_370;
            (0..MONTHS)
                .map(|month| {
                    let spread = (i128::from(month) * 37 + salt * 11 + i128::from(month / 5) * 53) % 71 - 14;
                    value += value * spread / 10_000;
                    value
                })
                .collect()
        })
    })
}

/// The value for a month, at 8 digits; none for an index or month that has no value.
pub fn value(name: &str, month: NaiveDate) -> Option<i128> {
    let at = NAMES.iter().position(|known| *known == name)?;
    let first = first_month();
    let months = (month.year() - first.year()) * 12 + month.month0().cast_signed() - first.month0().cast_signed();
    series().get(at)?.get(usize::try_from(months).ok()?).map(|value| value * 100_000)
}

/// The day on which a month's value is published: about the middle of the next month.
pub fn published(month: NaiveDate) -> NaiveDate {
    let next = add_months(month.with_day(1).unwrap_or(month), 1);
    next.with_day(11 + next.month() % 5).unwrap_or(next)
}

/// Every month with a value published by `horizon`, per index.
pub fn months(horizon: NaiveDate) -> impl Iterator<Item = (&'static str, NaiveDate, i128)> {
    NAMES.into_iter().flat_map(move |name| {
        (0..MONTHS)
            .map(|month| add_months(first_month(), month))
            .take_while(move |month| published(*month) <= horizon)
            .filter_map(move |month| value(name, month).map(|value| (name, month, value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_the_index_rises_by_some_percent() {
        let (then, now) = (NaiveDate::from_ymd_opt(2025, 3, 1).unwrap(), NaiveDate::from_ymd_opt(2026, 3, 1).unwrap());
        for name in NAMES {
            let (then, now) = (value(name, then).unwrap(), value(name, now).unwrap());
            assert!(now * 100 > then * 101 && now * 100 < then * 107, "{name}: {then} {now}");
        }
        assert_eq!(value(UNPUBLISHED, then), None);
    }
}
