//! The calendar the made-up company's customers work by: weekends, national holidays, the winter break and the seasons.
//!
//! Days are counted from 1970-01-01, because usage is drawn once per account and day and a plain number is the cheapest
//! key a day can have.

use chrono::{Datelike, NaiveDate, Weekday};

/// Days since 1970-01-01.
pub(crate) type Day = i32;

/// The number of `date`.
pub(crate) fn day_of(date: NaiveDate) -> Day {
    date.to_epoch_days()
}

/// The date of `day`; every day a sample can reach has one.
pub(crate) fn date_of(day: Day) -> NaiveDate {
    NaiveDate::from_epoch_days(day).unwrap_or_default()
}

/// 0 for Monday to 6 for Sunday.
pub(crate) fn weekday_of(day: Day) -> u32 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7).unsigned_abs()
}

/// Whether `day` is a Saturday or a Sunday.
pub(crate) fn is_weekend(day: Day) -> bool {
    weekday_of(day) >= 5
}

/// `days` working days after `day` (weekends skipped; holidays are not, as in the terms of a support contract).
pub(crate) fn add_working_days(day: Day, days: i32) -> Day {
    let mut result = day;
    let mut left = days;
    while left > 0 {
        result += 1;
        if !is_weekend(result) {
            left -= 1;
        }
    }
    result
}

/// How a holiday's date follows from the year.
#[derive(Clone, Copy)]
enum Rule {
    /// The same month and day every year.
    Fixed(u32, u32),
    /// The n-th such weekday of a month.
    Nth(u32, Weekday, u8),
    /// The last Monday of a month.
    LastMonday(u32),
    /// Days after Easter Sunday of the western churches.
    Easter(i32),
    /// Days after the n-th such weekday of a month.
    After(u32, Weekday, u8, i32),
}

/// Days on which every country of the sample rests. Only days that people really take off: a longer list would leave too
/// few comparable days in the eight weeks around new year.
const WINTER: [(Rule, &str); 5] = [
    (Rule::Fixed(12, 24), "Winter break"),
    (Rule::Fixed(12, 25), "Christmas Day"),
    (Rule::Fixed(12, 26), "Winter break"),
    (Rule::Fixed(12, 31), "New Year's Eve"),
    (Rule::Fixed(1, 1), "New Year's Day"),
];

const UNITED_STATES: [(Rule, &str); 8] = [
    (Rule::Nth(1, Weekday::Mon, 3), "Martin Luther King Jr. Day"),
    (Rule::Nth(2, Weekday::Mon, 3), "Presidents' Day"),
    (Rule::LastMonday(5), "Memorial Day"),
    (Rule::Fixed(6, 19), "Juneteenth"),
    (Rule::Fixed(7, 4), "Independence Day"),
    (Rule::Nth(9, Weekday::Mon, 1), "Labor Day"),
    (Rule::Nth(11, Weekday::Thu, 4), "Thanksgiving"),
    (Rule::After(11, Weekday::Thu, 4, 1), "Day after Thanksgiving"),
];
const CANADA: [(Rule, &str); 6] = [
    (Rule::Easter(-2), "Good Friday"),
    (Rule::Fixed(7, 1), "Canada Day"),
    (Rule::Nth(8, Weekday::Mon, 1), "Civic Holiday"),
    (Rule::Nth(9, Weekday::Mon, 1), "Labour Day"),
    (Rule::Fixed(9, 30), "National Day for Truth and Reconciliation"),
    (Rule::Nth(10, Weekday::Mon, 2), "Thanksgiving"),
];
const UNITED_KINGDOM: [(Rule, &str); 5] = [
    (Rule::Easter(-2), "Good Friday"),
    (Rule::Easter(1), "Easter Monday"),
    (Rule::Nth(5, Weekday::Mon, 1), "Early May bank holiday"),
    (Rule::LastMonday(5), "Spring bank holiday"),
    (Rule::LastMonday(8), "Summer bank holiday"),
];
const GERMANY: [(Rule, &str); 6] = [
    (Rule::Easter(-2), "Karfreitag"),
    (Rule::Easter(1), "Ostermontag"),
    (Rule::Fixed(5, 1), "Tag der Arbeit"),
    (Rule::Easter(39), "Christi Himmelfahrt"),
    (Rule::Easter(50), "Pfingstmontag"),
    (Rule::Fixed(10, 3), "Tag der Deutschen Einheit"),
];
const FRANCE: [(Rule, &str); 9] = [
    (Rule::Easter(1), "Lundi de Pâques"),
    (Rule::Fixed(5, 1), "Fête du Travail"),
    (Rule::Fixed(5, 8), "Victoire 1945"),
    (Rule::Easter(39), "Ascension"),
    (Rule::Easter(50), "Lundi de Pentecôte"),
    (Rule::Fixed(7, 14), "Fête nationale"),
    (Rule::Fixed(8, 15), "Assomption"),
    (Rule::Fixed(11, 1), "Toussaint"),
    (Rule::Fixed(11, 11), "Armistice 1918"),
];
const NETHERLANDS: [(Rule, &str); 5] = [
    (Rule::Easter(-2), "Goede Vrijdag"),
    (Rule::Easter(1), "Tweede Paasdag"),
    (Rule::Fixed(4, 27), "Koningsdag"),
    (Rule::Easter(39), "Hemelvaartsdag"),
    (Rule::Easter(50), "Tweede Pinksterdag"),
];
const SWEDEN: [(Rule, &str); 5] = [
    (Rule::Fixed(1, 6), "Trettondedag jul"),
    (Rule::Easter(-2), "Långfredagen"),
    (Rule::Easter(1), "Annandag påsk"),
    (Rule::Fixed(5, 1), "Första maj"),
    (Rule::Fixed(6, 6), "Sveriges nationaldag"),
];
const JAPAN: [(Rule, &str); 10] = [
    (Rule::Fixed(1, 2), "Bank holiday"),
    (Rule::Fixed(2, 11), "National Foundation Day"),
    (Rule::Fixed(2, 23), "The Emperor's Birthday"),
    (Rule::Fixed(4, 29), "Showa Day"),
    (Rule::Fixed(5, 3), "Constitution Memorial Day"),
    (Rule::Fixed(5, 4), "Greenery Day"),
    (Rule::Fixed(5, 5), "Children's Day"),
    (Rule::Fixed(8, 11), "Mountain Day"),
    (Rule::Fixed(11, 3), "Culture Day"),
    (Rule::Fixed(11, 23), "Labour Thanksgiving Day"),
];
const AUSTRALIA: [(Rule, &str); 4] = [
    (Rule::Fixed(1, 26), "Australia Day"),
    (Rule::Easter(-2), "Good Friday"),
    (Rule::Easter(1), "Easter Monday"),
    (Rule::Fixed(4, 25), "Anzac Day"),
];
const KUWAIT: [(Rule, &str); 2] = [(Rule::Fixed(2, 25), "National Day"), (Rule::Fixed(2, 26), "Liberation Day")];

/// The national holidays of `country` (ISO 3166 alpha-2), beside the winter days that all countries share.
fn national(country: &str) -> &'static [(Rule, &'static str)] {
    match country {
        "US" => &UNITED_STATES,
        "CA" => &CANADA,
        "GB" | "IE" => &UNITED_KINGDOM,
        "DE" | "AT" | "CH" => &GERMANY,
        "FR" | "BE" => &FRANCE,
        "NL" => &NETHERLANDS,
        "SE" | "DK" | "NO" | "FI" => &SWEDEN,
        "JP" => &JAPAN,
        "AU" | "NZ" => &AUSTRALIA,
        "KW" => &KUWAIT,
        _ => &[],
    }
}

impl Rule {
    fn date(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::Fixed(month, day) => NaiveDate::from_ymd_opt(year, month, day),
            Self::Nth(month, weekday, n) => NaiveDate::from_weekday_of_month_opt(year, month, weekday, n),
            Self::LastMonday(month) => NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Mon, 5)
                .or_else(|| NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Mon, 4)),
            Self::Easter(offset) => easter(year).map(|sunday| date_of(day_of(sunday) + offset)),
            Self::After(month, weekday, n, offset) => {
                NaiveDate::from_weekday_of_month_opt(year, month, weekday, n).map(|date| date_of(day_of(date) + offset))
            }
        }
    }
}

/// Easter Sunday of the western churches by the anonymous Gregorian computus (Meeus, "Astronomical Algorithms", ch. 8).
fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let correction = (century + 8) / 25;
    let epact = (19 * golden + century - century / 4 - (century - correction + 1) / 3 + 15) % 30;
    let letter = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * letter) / 451;
    let position = epact + letter - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(position / 31).ok()?, u32::try_from(position % 31).ok()? + 1)
}

/// What is celebrated in `country` on `date`, if anything.
pub(crate) fn holiday_name(country: &str, date: NaiveDate) -> Option<&'static str> {
    WINTER.iter().chain(national(country)).find(|(rule, _)| rule.date(date.year()) == Some(date)).map(|(_, name)| *name)
}

/// Which days of a span are holidays, per country: asked once per account and day, so looked up rather than worked out.
pub(crate) struct Holidays {
    first: Day,
    countries: Vec<(String, Vec<bool>)>,
}

impl Holidays {
    /// The holidays of `countries` from `first` to `last`, both included.
    pub(crate) fn new<'a>(countries: impl IntoIterator<Item = &'a str>, first: Day, last: Day) -> Self {
        let mut names: Vec<&str> = countries.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let countries = names
            .into_iter()
            .map(|country| {
                let days = (first..=last).map(|day| holiday_name(country, date_of(day)).is_some()).collect();
                (country.to_owned(), days)
            })
            .collect();
        Self { first, countries }
    }

    /// The countries, in alphabetical order.
    pub(crate) fn countries(&self) -> impl Iterator<Item = &str> {
        self.countries.iter().map(|(country, _)| country.as_str())
    }

    /// The place of `country` in [`Self::countries`], to ask [`Self::is_holiday`] with.
    pub(crate) fn index_of(&self, country: &str) -> usize {
        self.countries.partition_point(|(known, _)| known.as_str() < country)
    }

    /// Whether `day` is a holiday in the country at `index`; false outside the span.
    pub(crate) fn is_holiday(&self, index: usize, day: Day) -> bool {
        let offset = usize::try_from(day - self.first).unwrap_or(usize::MAX);
        self.countries.get(index).and_then(|(_, days)| days.get(offset)).copied().unwrap_or(false)
    }
}
