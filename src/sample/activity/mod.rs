//! What customers do: usage, people, support and engagement.
//!
//! Everything is drawn by address (see [`draw`]), so a day is a function of (seed, account, day) and the horizon only cuts. All
//! systems read one list of episodes per account ([`episode`]), which is what was planted.

mod accounts;
mod behaviour;
mod bought;
mod calendar;
mod catalogue;
mod climate;
mod columns;
mod contacts;
mod deal;
mod draw;
mod episode;
mod oracle;
mod reference;
mod sales;
mod sentences;
mod staff;
mod success;
mod support;
mod talk;
mod usage;
mod words;

#[cfg(test)]
mod entity_tests;
#[cfg(test)]
mod tests;

pub use catalogue::BillableMetric;
pub use episode::Kind;
pub use oracle::{Planted, planted_behaviour, planted_behaviour_batches, planted_behaviour_contract};

use super::company::{Account, Company};
use crate::error::Result;
use crate::model::contract::Contract;
use arrow::array::RecordBatch;
use behaviour::{Behaviour, Customer};
use bought::Bought;
use calendar::{Day, date_of, day_of, weekday_of};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use climate::Climate;
use draw::{Draw, address, named};
use episode::episodes;
use staff::Person;
use std::ops::Range;
use std::sync::OnceLock;
use usage::UsageEvents;

/// The small entities made here.
pub const ENTITIES: &[&str] = &[
    "account",
    "account_event",
    "account_xref",
    "contact",
    "csm_assessment",
    "engagement",
    "feature",
    "handoff",
    "holiday",
    "milestone",
    "opportunity",
    "outage",
    "outcome",
    "person",
    "seat_snapshot",
    "survey_response",
    "ticket",
    "usage_daily",
    "utterance",
];

/// The customers' behaviour as it can be known at the end of a horizon.
pub struct Activity<'a> {
    company: &'a Company,
    key: u64,
    behaviours: Vec<Behaviour>,
    people: Vec<Person>,
    climate: Climate,
    bought: OnceLock<Bought>,
    start: Day,
    horizon: Day,
}

impl<'a> Activity<'a> {
    /// The behaviour of the company's customers, for questions about days up to and including `horizon`.
    pub fn new(company: &'a Company, horizon: NaiveDate) -> Self {
        let (start, horizon) = (day_of(company.spec.start), day_of(horizon));
        let key = named(company.spec.seed, "activity");
        let countries = company.accounts.iter().map(|account| account.country);
        let climate = Climate::new(key, countries, start, horizon.max(start));
        let behaviours = company
            .accounts
            .iter()
            .map(|account| Behaviour::new(customer(company, account, key, &climate), start, horizon + 1))
            .collect();
        let people = staff::people(company, key, start);
        Self { company, key, behaviours, people, climate, bought: OnceLock::new(), start, horizon }
    }

    /// Whether `account` uses `metric` at all, and so has or should have a contract line for it.
    pub fn uses(&self, account: &Account, metric: BillableMetric) -> bool {
        self.behaviour(account).is_some_and(|behaviour| behaviour.uses(metric))
    }

    /// The quantity of `metric` that `account` uses on `date`, as the usage events of that day sum to; 0 before the company's first day
    /// of usage, after the horizon and when it is no customer.
    pub fn billable_quantity(&self, account: &Account, metric: BillableMetric, date: NaiveDate) -> i64 {
        let day = day_of(date);
        if day < self.start || day > self.horizon {
            return 0;
        }
        self.behaviour(account).map_or(0, |behaviour| behaviour.billable(&self.climate, metric, day))
    }

    /// The sum of [`Self::billable_quantity`] over the days of `dates`.
    pub fn billable_between(&self, account: &Account, metric: BillableMetric, dates: Range<NaiveDate>) -> i64 {
        let first = day_of(dates.start).max(self.start);
        let end = day_of(dates.end).min(self.horizon + 1);
        (first..end).map(|day| self.billable_quantity(account, metric, date_of(day))).sum()
    }

    /// What an ordinary month of `metric` is for `account` at the size it came with: what sales goes by, whatever happens later.
    pub fn usual_month(&self, account: &Account, metric: BillableMetric) -> i64 {
        self.behaviour(account).map_or(0, |behaviour| behaviour.usual_month(metric))
    }

    /// The seats of `account` that are in use or have a person's name on them, on each day they were counted.
    pub fn seat_counts(&self, account: &Account) -> Vec<(NaiveDate, u32)> {
        let Some(behaviour) = self.behaviour(account) else { return Vec::new() };
        let mondays = (self.start..=self.horizon).filter(|day| weekday_of(*day) == 0);
        mondays.filter(|day| behaviour.is_customer(*day)).map(|day| (date_of(day), behaviour.assigned(day))).collect()
    }

    /// The service's outages: begin and end.
    pub fn outages(&self) -> Vec<(NaiveDateTime, NaiveDateTime)> {
        let at = |day, minute| self.instant(day, minute * 60);
        self.climate.outages.iter().map(|out| (at(out.day, out.begins), at(out.day, out.ends))).collect()
    }

    fn behaviour(&self, account: &Account) -> Option<&Behaviour> {
        self.behaviours.get(usize::try_from(account.index).ok()?)
    }

    fn customer(&self, place: usize) -> Option<(&'a Account, &Behaviour)> {
        Some((self.company.accounts.get(place)?, self.behaviours.get(place)?))
    }

    /// The instant `second` seconds after the beginning of `day`.
    fn instant(&self, day: Day, second: i32) -> NaiveDateTime {
        date_of(day).and_time(NaiveTime::MIN) + TimeDelta::seconds(i64::from(second))
    }

    /// A moment of `day` in the office hours of a customer, turned to UTC within the same day.
    fn working_time(&self, day: Day, behaviour: &Behaviour, draw: &mut Draw) -> NaiveDateTime {
        let second = draw.whole(8 * 3600 + 1800, 17 * 3600 + 1800) - behaviour.customer.utc_offset * 3600;
        self.instant(day, second.rem_euclid(86_400))
    }

    /// Whether what happened at `at` is known at the end of the horizon.
    fn is_known(&self, at: NaiveDateTime) -> bool {
        day_of(at.date()) <= self.horizon
    }

    /// `at`, if it is known at the end of the horizon.
    fn known(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        Some(at).filter(|at| self.is_known(*at))
    }

    /// What the customers bought; worked out when first asked for, because usage never asks.
    fn bought(&self) -> &Bought {
        self.bought.get_or_init(|| Bought::new(self))
    }

    fn customers(&self) -> impl Iterator<Item = (&'a Account, &Behaviour)> {
        self.company.accounts.iter().zip(&self.behaviours)
    }
}

/// What the behaviour of an account depends on.
fn customer(company: &Company, account: &Account, key: u64, climate: &Climate) -> Customer {
    Customer {
        key: address(key, u64::from(account.index)),
        joined: day_of(account.joined_date),
        left: account.churn_date.map(day_of),
        country: climate.holidays.index_of(account.country),
        utc_offset: utc_offset(account.timezone),
        is_metered: company.lapses.add_on_use(account.index).is_some(),
        seats: account.seat_steps.iter().map(|(from, seats)| (day_of(*from), *seats)).collect(),
    }
}

/// Whether a time in which nobody of the customer uses the product touches `days`.
pub fn is_silent_in(company: &Company, account: &Account, days: &Range<NaiveDate>) -> bool {
    let key = address(named(company.spec.seed, "activity"), u64::from(account.index));
    let (first, end) = (day_of(days.start), day_of(days.end));
    episodes(key, day_of(account.joined_date), account.churn_date.map(day_of), end)
        .iter()
        .any(|episode| episode.kind == Kind::Silence && episode.to.is_none_or(|to| to > first))
}

/// Hours east of UTC in winter. Summer time would move nobody's working day by more than the hour that habits vary.
fn utc_offset(timezone: &str) -> i32 {
    match timezone {
        "America/Los_Angeles" => -8,
        "America/New_York" | "America/Toronto" => -5,
        "Europe/Berlin" | "Europe/Paris" | "Europe/Amsterdam" => 1,
        "Asia/Kuwait" => 3,
        "Asia/Tokyo" => 9,
        "Australia/Sydney" => 10,
        _ => 0,
    }
}

/// One small entity's rows dated on or before `horizon`; empty where it is not made here.
///
/// # Errors
/// A bug where the entity's contract lacks a column.
pub fn batches(company: &Company, horizon: NaiveDate, entity: &str, contract: &Contract) -> Result<Vec<RecordBatch>> {
    let activity = Activity::new(company, horizon);
    match entity {
        "account" => accounts::rows(&activity).batches(contract),
        "account_event" => success::account_events(&activity).batches(contract),
        "account_xref" => accounts::xrefs(&activity).batches(contract),
        "contact" => contacts::rows(&activity).batches(contract),
        "csm_assessment" => success::assessments(&activity).batches(contract),
        "engagement" => talk::engagements(&activity).batches(contract),
        "feature" => reference::features(&activity).batches(contract),
        "handoff" => sales::handoffs(&activity).batches(contract),
        "holiday" => reference::holidays(&activity).batches(contract),
        "milestone" => success::milestones(&activity).batches(contract),
        "opportunity" => sales::opportunities(&activity).batches(contract),
        "outage" => reference::outages(&activity).batches(contract),
        "outcome" => sales::outcomes(&activity).batches(contract),
        "person" => staff::rows(&activity).batches(contract),
        "seat_snapshot" => reference::seat_snapshots(&activity).batches(contract),
        "survey_response" => success::survey_responses(&activity).batches(contract),
        "ticket" => support::tickets(&activity).batches(contract),
        "usage_daily" => reference::usage_daily(&activity).batches(contract),
        "utterance" => talk::utterances(&activity).batches(contract),
        _ => Ok(Vec::new()),
    }
}

/// Usage events of `days`, in bounded batches.
pub fn usage_events<'a>(
    company: &'a Company,
    days: Range<NaiveDate>,
    contract: &'a Contract,
) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
    let last = date_of(day_of(days.end) - 1);
    let scale = f64::from(company.spec.usage_permille) / 1000.0;
    UsageEvents::new(Activity::new(company, last), contract, scale, day_of(days.start), day_of(days.end))
}
