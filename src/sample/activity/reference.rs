//! Tables that describe rather than happen: features, holidays, outages, and the weekly count of seats.

use super::Activity;
use super::calendar::{date_of, day_of, holiday_name, weekday_of};
use super::catalogue::{BillableMetric, FEATURES, PLATFORM};
use crate::sample::company::Account;
use crate::sample::lapses::{ADD_ON_FEATURES, Afterlife, afterlife};
use crate::sample::table::{Cell, Rows};

/// The feature catalogue, without features that have not been launched by the horizon.
pub(super) fn features(activity: &Activity<'_>) -> Rows<4> {
    let mut rows = Rows::new(["feature", "is_core", "product_id", "entitlement"]);
    for feature in FEATURES.iter().filter(|feature| activity.start + feature.launched <= activity.horizon) {
        rows.push([feature.name.into(), feature.is_core.into(), PLATFORM.into(), feature.entitlement.into()]);
    }
    for feature in ADD_ON_FEATURES {
        rows.push([feature.name.into(), false.into(), feature.product.into(), feature.entitlement.into()]);
    }
    for metric in BillableMetric::ALL {
        // Paid by use, not by entitlement.
        rows.push([metric.feature().into(), false.into(), metric.product_id().into(), Cell::Null]);
    }
    rows
}

/// The holidays of every customer's country, from the first day of usage to the horizon.
pub(super) fn holidays(activity: &Activity<'_>) -> Rows<3> {
    let mut rows = Rows::new(["country", "holiday_date", "name"]);
    for country in activity.climate.holidays.countries() {
        for day in activity.start..=activity.horizon {
            if let Some(name) = holiday_name(country, date_of(day)) {
                rows.push([country.into(), date_of(day).into(), name.into()]);
            }
        }
    }
    rows
}

/// The service's own outages; each is published when it is over.
pub(super) fn outages(activity: &Activity<'_>) -> Rows<5> {
    let mut rows = Rows::new(["outage_id", "start_at", "end_at", "scope", "published_at"]);
    for outage in &activity.climate.outages {
        rows.push([
            format!("out-{}", date_of(outage.day).format("%Y%m%d")).into(),
            activity.instant(outage.day, outage.begins * 60).into(),
            activity.instant(outage.day, outage.ends * 60).into(),
            "all".into(),
            activity.instant(outage.day, outage.ends * 60 + 1800).into(),
        ]);
    }
    rows
}

/// Seats assigned and in use, counted every Monday.
pub(super) fn seat_snapshots(activity: &Activity<'_>) -> Rows<5> {
    let mut rows = Rows::new(["account_id", "product_id", "snapshot_date", "assigned", "active"]);
    let mondays = (activity.start..=activity.horizon).filter(|day| weekday_of(*day) == 0);
    for day in mondays {
        for (account, behaviour) in activity.customers().filter(|(_, behaviour)| behaviour.is_customer(day)) {
            let (assigned, active) = (behaviour.assigned(day), behaviour.people(day));
            rows.push([(&account.id).into(), PLATFORM.into(), date_of(day).into(), assigned.into(), active.into()]);
        }
        for (account, after) in afterlives(activity).filter(|(_, after)| (after.from..after.to).contains(&date_of(day)))
        {
            let seats = after.seats;
            rows.push([(&account.id).into(), PLATFORM.into(), date_of(day).into(), seats.into(), seats.into()]);
        }
    }
    rows
}

fn afterlives<'a>(activity: &'a Activity<'_>) -> impl Iterator<Item = (&'a Account, Afterlife)> + 'a {
    let company = activity.company;
    company.accounts.iter().filter_map(|account| Some((account, afterlife(company, account)?)))
}

/// Metered use of customers that have left: nobody sends events for them any more, the meter still counts.
pub(super) fn usage_daily(activity: &Activity<'_>) -> Rows<5> {
    let mut rows = Rows::new(["account_id", "usage_date", "metric", "product_id", "quantity"]);
    for (account, after) in afterlives(activity) {
        for metric in BillableMetric::ALL.into_iter().filter(|metric| activity.uses(account, *metric)) {
            for day in day_of(after.from).max(activity.start)..=(day_of(after.to) - 1).min(activity.horizon) {
                rows.push([
                    (&account.id).into(),
                    date_of(day).into(),
                    metric.name().into(),
                    metric.product_id().into(),
                    after.units.into(),
                ]);
            }
        }
    }
    rows
}
