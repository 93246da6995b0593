//! Usage events, streamed day by day in constant memory.

use super::Activity;
use super::behaviour::Behaviour;
use super::calendar::{Day, date_of};
use super::catalogue::{ACTIONS, BillableMetric, FEATURES, LOGINS, PLATFORM};
use super::columns::{Columns, What};
use super::draw::{Draw, count};
use crate::error::Result;
use crate::model::contract::Contract;
use arrow::array::RecordBatch;

/// Rows after which a batch is handed over: large enough to amortise its cost, small enough to stay in the cache of two cores.
const BATCH_ROWS: usize = 65_536;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// One session in so many is by somebody who is never seen again: invited to look at one thing.
const ONE_TIME_SESSIONS: u64 = 60;

const LOGIN: What =
    What { name: "session.started", feature: None, metric: LOGINS, product_id: PLATFORM, is_billable: false };

/// The share of a day's sessions that begin in each hour of the office clock, in 64ths.
const HOURS: [u8; 24] = [0, 0, 0, 0, 0, 0, 1, 2, 6, 9, 8, 6, 3, 5, 7, 6, 5, 3, 1, 1, 1, 0, 0, 0];

/// An iterator over the batches of the events of a span of days, oldest day first.
pub(crate) struct UsageEvents<'a> {
    activity: Activity<'a>,
    contract: &'a Contract,
    scale: f64,
    day: Day,
    end: Day,
    account: usize,
    columns: Columns,
    hours: [u8; 64],
}

impl<'a> UsageEvents<'a> {
    /// The events from `from` until before `end`. `scale` multiplies how many there are, not what is billed for them.
    pub(crate) fn new(activity: Activity<'a>, contract: &'a Contract, scale: f64, from: Day, end: Day) -> Self {
        let hours = slots(HOURS.iter().enumerate().map(|(hour, weight)| (small(hour), u32::from(*weight))));
        let day = from.max(activity.start);
        Self { activity, contract, scale, day, end, account: 0, columns: Columns::default(), hours }
    }

    /// Adds the events of the next account and day; false when there are none left.
    fn advance(&mut self) -> bool {
        if self.day >= self.end {
            return false;
        }
        let Some((account, behaviour)) = self.activity.customer(self.account) else {
            self.account = 0;
            self.day += 1;
            return true;
        };
        self.account += 1;
        let day = self.day;
        if !behaviour.is_customer(day) {
            return true;
        }
        let climate = &self.activity.climate;
        let mut writer = Writer {
            columns: &mut self.columns,
            account_id: &account.id,
            day_starts: i64::from(day) * SECONDS_PER_DAY,
            prefix: prefix(account.index, day),
            sequence: 0,
        };
        let actions = behaviour.actions(climate, day, self.scale);
        if actions > 0 {
            writer.people(behaviour, day, actions, &self.hours);
        }
        for metric in BillableMetric::ALL {
            if behaviour.uses(metric) {
                writer.metered(behaviour.customer.key, day, metric, behaviour.billable(climate, metric, day));
            }
        }
        let date = date_of(day);
        if let Some(add_on) = self.activity.company.lapses.add_on_use(account.index).filter(|add_on| add_on.is_on(date))
        {
            let feature = Some(add_on.feature.name);
            let what =
                What { name: add_on.feature.event, feature, metric: ACTIONS, product_id: PLATFORM, is_billable: false };
            writer.event(&what, 1, 15 * 3600, 0, None);
        }
        true
    }
}

impl Iterator for UsageEvents<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.columns.len() < BATCH_ROWS && self.advance() {}
        (self.columns.len() > 0).then(|| self.columns.finish(self.contract))
    }
}

/// Writes the events of one account and day.
struct Writer<'a> {
    columns: &'a mut Columns,
    account_id: &'a str,
    day_starts: i64,
    prefix: [u8; 8],
    sequence: u32,
}

/// A person's visit.
#[derive(Clone, Copy)]
struct Session {
    user: u32,
    number: u32,
}

impl Writer<'_> {
    /// The sessions of people: who comes, when, and what they do.
    fn people(&mut self, behaviour: &Behaviour, day: Day, actions: u32, hours: &[u8; 64]) {
        let features = feature_slots(behaviour, day);
        let people = u64::from(behaviour.people(day).max(1));
        let mut draw = Draw::of(behaviour.customer.key, "sessions", i64::from(day));
        let sessions = (1 + actions / 9).min(actions);
        for number in 0..sessions {
            // The product of two uniform numbers: a few power users, and a long tail of people who rarely come.
            let user = if draw.below(ONE_TIME_SESSIONS) == 0 {
                100_000 + (day.rem_euclid(10_000).unsigned_abs()) * 8 + number % 8
            } else {
                let (first, second) = (draw.unit(), draw.unit());
                count(people as f64 * first * (0.3 + 0.7 * second))
            };
            let session = Some(Session { user, number });
            let begins = session_start(draw.bits(), hours, behaviour.customer.utc_offset);
            self.event(&LOGIN, 1, begins, draw.below(1000), session);
            let (first, last) = (number * actions / sessions, (number + 1) * actions / sessions);
            let mut at = begins;
            for _ in first..last {
                let bits = draw.bits();
                at = (at + 5 + (bits >> 8 & 0xff) as i64).min(SECONDS_PER_DAY - 1);
                let place = features.get((bits & 63) as usize).copied().unwrap_or(0);
                self.event(&action(place, bits >> 16 & 3), 1, at, (bits >> 20 & 0x3ff) % 1000, session);
            }
        }
    }

    /// The events that report a metered quantity: a few a day, which sum to it exactly.
    fn metered(&mut self, key: u64, day: Day, metric: BillableMetric, quantity: i64) {
        if quantity <= 0 {
            return;
        }
        let what = What {
            name: metric.event(),
            feature: Some(metric.feature()),
            metric: metric.name(),
            product_id: metric.product_id(),
            is_billable: true,
        };
        let events = i64::from(quantity.ilog2() / 5).clamp(1, 2);
        let mut draw = Draw::of(key, metric.feature(), i64::from(day));
        let mut left = quantity;
        for number in 0..events {
            let remaining = events - number;
            let part = if remaining == 1 {
                left
            } else {
                let even = left / remaining;
                (even / 2 + draw.below(even.unsigned_abs() + 1) as i64).min(left)
            };
            left -= part;
            let at = (number * SECONDS_PER_DAY + draw.below(SECONDS_PER_DAY as u64) as i64) / events;
            self.event(&what, part, at, draw.below(1000), None);
        }
    }

    fn event(&mut self, what: &What, quantity: i64, second: i64, millis: u64, session: Option<Session>) {
        let mut digits = [0_u8; 10];
        self.columns.event_id.push2(&self.prefix, base36::<5>(self.sequence, &mut digits));
        self.columns.account_id.push(self.account_id);
        match session {
            Some(session) => {
                self.columns.user_id.push3(self.account_id, b"-u", decimal(session.user, &mut digits));
                let number = base36::<4>(session.number, &mut digits);
                self.columns.session_id.push2(&self.prefix, number);
            }
            None => {
                self.columns.user_id.push_null();
                self.columns.session_id.push_null();
            }
        }
        let micros = (self.day_starts + second) * MICROS_PER_SECOND + millis as i64 * 1000;
        self.columns.push(what, quantity, micros);
        self.sequence += 1;
    }
}

/// One of the three things a feature's event can be; the first is as frequent as the others together.
fn action(place: u8, kind: u64) -> What {
    let (name, feature) = FEATURES.get(usize::from(place)).map_or(("", None), |feature| {
        (feature.events.get((kind % 3) as usize).copied().unwrap_or(""), Some(feature.name))
    });
    What { name, feature, metric: ACTIONS, product_id: PLATFORM, is_billable: false }
}

/// The second of the day at which a session begins: by the office clock, turned to UTC within the same day.
fn session_start(bits: u64, hours: &[u8; 64], utc_offset: i32) -> i64 {
    let hour = hours.get((bits & 63) as usize).copied().unwrap_or(9);
    let utc = (i64::from(hour) - i64::from(utc_offset)).rem_euclid(24);
    utc * 3600 + (bits >> 6 & 0xfff) as i64 * 3600 / 4096
}

/// The features in use on `day`, as often among 64 as they are used. A customer that declines gives up features too, but
/// divides its time between the core and the rest as before, so that core usage falls by as much as all usage.
fn feature_slots(behaviour: &Behaviour, day: Day) -> [u8; 64] {
    let kept = match behaviour.planted_factor(day) {
        ..0.6 => 6,
        ..0.8 => 9,
        _ => FEATURES.len(),
    };
    // What is given up differs by customer; records and search, which everybody has, never are.
    let favourite = usize::try_from(behaviour.customer.key % 13).unwrap_or(0);
    let mut in_use = [(0, 0); FEATURES.len()];
    let mut sums = [[0_u32; 2]; 2];
    for (place, (feature, adopted)) in FEATURES.iter().zip(&behaviour.adopted).enumerate() {
        if adopted.is_none_or(|first| first > day) {
            continue;
        }
        let rank = (place * 5 + favourite) % FEATURES.len();
        let is_kept = feature.reach >= 1.0 || rank < kept;
        let [all, left] = &mut sums[usize::from(feature.is_core)];
        *all += feature.weight;
        if is_kept {
            *left += feature.weight;
            in_use[place] = (small(place), feature.weight);
        }
    }
    slots(in_use.into_iter().filter(|(_, weight)| *weight > 0).map(|(place, weight)| {
        let is_core = FEATURES.get(usize::from(place)).is_some_and(|feature| feature.is_core);
        let [all, left] = sums[usize::from(is_core)];
        (place, weight * 100 * all / left.max(1))
    }))
}

/// A place in one of the short lists here.
fn small(place: usize) -> u8 {
    u8::try_from(place).unwrap_or(0)
}

/// Choices spread over 64 slots by weight; all zero without choices.
fn slots(choices: impl Iterator<Item = (u8, u32)> + Clone) -> [u8; 64] {
    let total: u32 = choices.clone().map(|(_, weight)| weight).sum();
    let mut result = [0_u8; 64];
    let (mut filled, mut seen) = (0_usize, 0_u32);
    for (choice, weight) in choices {
        seen += weight;
        let end = (seen * 64).checked_div(total).unwrap_or(0) as usize;
        for slot in result.iter_mut().take(end).skip(filled) {
            *slot = choice;
        }
        filled = end;
    }
    result
}

const DIGITS: [u8; 36] = *b"0123456789abcdefghijklmnopqrstuvwxyz";

/// `value` as exactly N digits of base 36.
fn base36<const N: usize>(mut value: u32, buffer: &mut [u8; 10]) -> &[u8] {
    for place in buffer.iter_mut().take(N).rev() {
        *place = DIGITS.get((value % 36) as usize).copied().unwrap_or(b'0');
        value /= 36;
    }
    buffer.get(..N).unwrap_or_default()
}

/// `value` in decimal, without leading zeros.
fn decimal(mut value: u32, buffer: &mut [u8; 10]) -> &[u8] {
    let mut begins = buffer.len();
    for place in buffer.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        begins -= 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    buffer.get(begins..).unwrap_or_default()
}

/// What all ids of an account and day begin with; unique for 1.6 million accounts and all days until 2097.
fn prefix(account: u32, day: Day) -> [u8; 8] {
    let (mut high, mut low) = ([0_u8; 10], [0_u8; 10]);
    let account = base36::<4>(account, &mut high);
    let day = base36::<3>(day.unsigned_abs(), &mut low);
    let mut result = [b'e'; 8];
    for (place, digit) in result.iter_mut().skip(1).zip(account.iter().chain(day)) {
        *place = *digit;
    }
    result
}
