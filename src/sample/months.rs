//! Month arithmetic of terms and periods.

use chrono::{Datelike, Months, NaiveDate};

/// `date` moved by `months`; a day the month lacks becomes its last one (31 January + 1 = 28 February).
pub fn add_months(date: NaiveDate, months: i32) -> NaiveDate {
    let step = Months::new(months.unsigned_abs());
    let moved = if months < 0 { date.checked_sub_months(step) } else { date.checked_add_months(step) };
    moved.unwrap_or(date)
}

/// `date` moved by whole days.
pub fn add_days(date: NaiveDate, days: i64) -> NaiveDate {
    chrono::Duration::try_days(days).and_then(|step| date.checked_add_signed(step)).unwrap_or(date)
}

/// Days from `start` to `end`, negative where `end` is earlier.
pub fn days_between(start: NaiveDate, end: NaiveDate) -> i64 {
    (end - start).num_days()
}

/// The first day of the date's month.
pub fn month_start(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}
