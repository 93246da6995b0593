//! What all customers have in common on a day: weekday, season, holidays, outages.

use super::calendar::{Day, Holidays, date_of, is_weekend, weekday_of};
use super::draw::Draw;
use chrono::Datelike;

/// A failure of the made-up company's own service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outage {
    /// The day it falls on; outages end the same day.
    pub day: Day,
    /// Minute of the day at which it begins.
    pub begins: i32,
    /// Minute of the day at which it ends.
    pub ends: i32,
    /// The share of a day's usage that is lost.
    pub lost: f64,
}

/// Days and their common effects on usage, from the company's start to the horizon.
pub(crate) struct Climate {
    /// Holidays of the customers' countries.
    pub holidays: Holidays,
    /// Outages of the whole service, oldest first.
    pub outages: Vec<Outage>,
}

/// Usage of people by weekday, relative to an ordinary working day; the weekend is each account's own.
const WEEKDAYS: [f64; 7] = [0.97, 1.06, 1.05, 1.03, 0.89, 1.0, 0.8];

/// Usage in the middle of each month, relative to the year's mean; days between are interpolated, so that no month begins
/// with a step.
const SEASON: [f64; 12] = [0.98, 1.01, 1.02, 1.01, 1.0, 0.98, 0.91, 0.89, 1.02, 1.05, 1.04, 0.99];

/// Usage between the winter holidays and around them, when many offices run on a skeleton crew.
const WINTER_LULL: f64 = 0.55;

impl Climate {
    /// The climate of a company with the address `key` in these countries, from `first` to `last`, both included.
    pub(crate) fn new<'a>(key: u64, countries: impl IntoIterator<Item = &'a str>, first: Day, last: Day) -> Self {
        let holidays = Holidays::new(countries, first - 1, last + 1);
        let mut outages = Vec::new();
        for stretch in 0.. {
            let opens = first + 70 + stretch * 170;
            if opens > last {
                break;
            }
            let mut draw = Draw::of(key, "outage", i64::from(stretch));
            let mut day = opens + draw.whole(0, 120);
            while is_weekend(day) {
                day += 1;
            }
            let begins = draw.whole(6 * 60, 11 * 60);
            let lasts = draw.whole(4 * 60, 11 * 60);
            if day <= last {
                let lost = f64::from(lasts) / 800.0;
                outages.push(Outage { day, begins, ends: begins + lasts, lost });
            }
        }
        Self { holidays, outages }
    }

    /// How much people use the product on `day` in the country at `country`, relative to an ordinary working day.
    pub(crate) fn people(&self, country: usize, weekend: f64, day: Day) -> f64 {
        let weekday = WEEKDAYS.get(weekday_of(day) as usize).copied().unwrap_or(1.0);
        let resting = if is_weekend(day) { weekday * weekend } else { weekday };
        let holiday = if self.holidays.is_holiday(country, day) { resting.min(0.12) } else { resting };
        holiday * season(day) * self.lull(country, day) * self.service(day)
    }

    /// The same for machines, which rest less.
    pub(crate) fn machines(&self, country: usize, weekend: f64, day: Day) -> f64 {
        let resting = if is_weekend(day) { weekend } else { 1.0 };
        let holiday = if self.holidays.is_holiday(country, day) { resting.min(0.4) } else { resting };
        holiday * (0.5 + 0.5 * self.lull(country, day)) * self.service(day)
    }

    fn lull(&self, country: usize, day: Day) -> f64 {
        let date = date_of(day);
        let in_lull = (date.month() == 12 && date.day() >= 22) || (date.month() == 1 && date.day() <= 3);
        if in_lull && !self.holidays.is_holiday(country, day) { WINTER_LULL } else { 1.0 }
    }

    fn service(&self, day: Day) -> f64 {
        self.outages.iter().find(|outage| outage.day == day).map_or(1.0, |outage| 1.0 - outage.lost)
    }
}

/// The season's effect on `day`.
fn season(day: Day) -> f64 {
    let date = date_of(day);
    let month = date.month0() as usize;
    let at = |month: usize| SEASON.get(month % 12).copied().unwrap_or(1.0);
    let from_middle = f64::from(date.day()) - 15.0;
    let (near, far) = if from_middle < 0.0 { (at(month + 11), at(month)) } else { (at(month), at(month + 1)) };
    let share = if from_middle < 0.0 { (from_middle + 30.4) / 30.4 } else { from_middle / 30.4 };
    near + (far - near) * share
}
