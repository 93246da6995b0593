//! What the company measures at its customers: metered use day by day, and seats as they are counted.

use super::activity::{Activity, BillableMetric};
use super::company::{Account, Company};
use super::facts::Product;
use super::months::days_between;
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::BTreeMap;
use std::ops::Range;

/// Everything measured from the first day of usage to a horizon.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Meters {
    first: NaiveDate,
    /// Per customer and product: units used before each day, from the first on.
    used: BTreeMap<(u32, &'static str), Vec<i64>>,
    /// Per customer: seats on the days they were counted.
    seats: BTreeMap<u32, Vec<(NaiveDate, u32)>>,
    /// Begin and end of each outage.
    outages: Vec<(NaiveDateTime, NaiveDateTime)>,
}

/// The meter behind a product.
pub(super) fn metric(product: &Product) -> Option<BillableMetric> {
    match product.id {
        "api" => Some(BillableMetric::ApiCalls),
        "documents" => Some(BillableMetric::Documents),
        "messaging" => Some(BillableMetric::Messages),
        _ => None,
    }
}

impl Meters {
    /// Reads the meters of every customer until the end of `horizon`.
    pub fn new(company: &Company, activity: &Activity<'_>, horizon: NaiveDate) -> Self {
        let first = company.spec.start;
        let days = days_between(first, horizon) + 1;
        let mut used = BTreeMap::new();
        for account in &company.accounts {
            for metric in BillableMetric::ALL.into_iter().filter(|metric| activity.uses(account, *metric)) {
                used.insert((account.index, metric.product_id()), running(activity, account, metric, (first, days)));
            }
        }
        let seats = company.accounts.iter().map(|account| (account.index, activity.seat_counts(account))).collect();
        Meters { first, used, seats, outages: activity.outages() }
    }

    /// Units of a product that a customer used on `days`.
    pub fn used(&self, account: u32, product: &Product, days: &Range<NaiveDate>) -> i64 {
        let Some(running) = self.used.get(&(account, product.id)) else { return 0 };
        let before = |date: NaiveDate| {
            let at = usize::try_from(days_between(self.first, date).max(0)).unwrap_or(0);
            running.get(at).or(running.last()).copied().unwrap_or(0)
        };
        before(days.end) - before(days.start)
    }

    /// Whether a customer uses a metered product at all.
    pub fn counts(&self, account: u32, product: &Product) -> bool {
        self.used.contains_key(&(account, product.id))
    }

    /// Begin and end of each outage of the service, oldest first.
    pub fn outages(&self) -> &[(NaiveDateTime, NaiveDateTime)] {
        &self.outages
    }

    /// The first day that is measured.
    pub fn first(&self) -> NaiveDate {
        self.first
    }

    /// The seats of a customer as counted on `days`, oldest first.
    pub fn seats(&self, account: u32, days: &Range<NaiveDate>) -> impl Iterator<Item = u32> {
        let counts = self.seats.get(&account).map_or(&[][..], Vec::as_slice);
        let days = days.clone();
        counts.iter().filter(move |(day, _)| days.contains(day)).map(|(_, seats)| *seats)
    }
}

fn running(
    activity: &Activity<'_>,
    account: &Account,
    metric: BillableMetric,
    (first, days): (NaiveDate, i64),
) -> Vec<i64> {
    let mut sum = 0;
    let mut running = vec![0];
    for day in super::periods::each_day(&(first..super::months::add_days(first, days))) {
        sum += activity.billable_quantity(account, metric, day);
        running.push(sum);
    }
    running
}
