//! How one customer uses the product: the rate at which things happen on a day, as a function of the day.

use super::calendar::Day;
use super::catalogue::{BillableMetric, FEATURES};
use super::climate::Climate;
use super::draw::{Draw, address, count, named, whole_part};
use super::episode::{Episode, Kind, episodes};

/// Days until a new customer uses the product as much as it ever will at its size.
const ADOPTION_DAYS: f64 = 75.0;

/// How many of the customers that use nothing metered report no use at all.
const UNTRACKED_SHARE: f64 = 0.12;

/// What has to be known about a customer before its behaviour can be drawn.
pub(crate) struct Customer {
    /// The address below which everything about the customer is drawn.
    pub key: u64,
    /// First day as a customer.
    pub joined: Day,
    /// First day no longer a customer.
    pub left: Option<Day>,
    /// The country's place in the climate's holidays.
    pub country: usize,
    /// Hours between UTC and the customer's office clock.
    pub utc_offset: i32,
    /// Whether some of its use must be recorded, whatever else is not.
    pub is_metered: bool,
    /// Contracted seats and the day each number holds from, oldest first.
    pub seats: Vec<(Day, u32)>,
}

/// Days until a change of contracted seats has become a change of people at work.
const SEAT_CHANGE_DAYS: i32 = 90;

/// One customer's habits and episodes.
pub(crate) struct Behaviour {
    /// Who it is.
    pub customer: Customer,
    /// What was planted, oldest first.
    pub episodes: Vec<Episode>,
    /// The share of seats whose holders use the product at all.
    pub active_share: f64,
    /// Nothing of what its people do reaches us: an installation of its own, or tracking switched off.
    pub is_untracked: bool,
    /// The first day each feature is used, by the feature's place; none if never.
    pub adopted: [Option<Day>; FEATURES.len()],
    actions_per_person: f64,
    weekend: f64,
    trend: f64,
    metered_per_seat: [f64; 3],
}

impl Behaviour {
    /// Draws the habits of `customer` and its episodes that begin before `until`; `start` is the company's first day.
    pub(crate) fn new(customer: Customer, start: Day, until: Day) -> Self {
        let mut draw = Draw::of(customer.key, "habits", 0);
        let active_share = draw.between(0.66, 0.94);
        // Squared: most customers click a little, few a lot.
        let appetite = draw.unit();
        let actions_per_person = 0.35 + 1.1 * appetite * appetite;
        let weekend = if draw.chance(0.12) { draw.between(0.3, 0.6) } else { draw.between(0.03, 0.14) };
        let trend = draw.between(-0.00015, 0.0006);
        let metered_per_seat = BillableMetric::ALL.map(|metric| {
            let uses = draw.chance(metric.reach());
            let appetite = draw.unit();
            let skewed = 0.3 + 4.5 * appetite * appetite * appetite;
            if uses { metric.per_seat() * skewed } else { 0.0 }
        });
        let adopted = adoption(&customer, start);
        let episodes = episodes(customer.key, customer.joined, customer.left, until);
        let is_metered = customer.is_metered || metered_per_seat.iter().any(|base| *base > 0.0);
        let is_untracked = !is_metered && Draw::of(customer.key, "untracked", 0).chance(UNTRACKED_SHARE);
        Self {
            customer,
            episodes,
            active_share,
            is_untracked,
            adopted,
            actions_per_person,
            weekend,
            trend,
            metered_per_seat,
        }
    }

    /// Whether the customer is one on `day`.
    pub(crate) fn is_customer(&self, day: Day) -> bool {
        day >= self.customer.joined && self.customer.left.is_none_or(|left| day < left)
    }

    /// Contracted seats on `day`; the first number before that, so that onboarding has a size.
    pub(crate) fn seats(&self, day: Day) -> u32 {
        let steps = &self.customer.seats;
        steps.iter().rev().find(|(from, _)| *from <= day).or(steps.first()).map_or(0, |(_, seats)| *seats)
    }

    /// Seats as people follow them: new ones fill, and given-up ones empty, over a quarter.
    fn settled_seats(&self, day: Day) -> f64 {
        let mut before = 0.0;
        let mut settled = 0.0;
        for (from, seats) in &self.customer.seats {
            if *from > day {
                break;
            }
            let seats = f64::from(*seats);
            // The first number holds from the start: adoption has its own curve.
            let share = if before > 0.0 { (f64::from(day - from) / f64::from(SEAT_CHANGE_DAYS)).min(1.0) } else { 1.0 };
            settled = before + (seats - before) * share;
            before = settled;
        }
        settled
    }

    /// Seats in use or with a person's name on them on `day`. Some customers let more people in than they have bought seats.
    pub(crate) fn assigned(&self, day: Day) -> u32 {
        let assigned = self.named_seats(day).max(self.people(day));
        let mut draw = Draw::of(self.customer.key, "guests", 0);
        let is_generous = draw.chance(0.5);
        let from = self.customer.joined + draw.whole(60, 150);
        if !is_generous || day < from {
            return assigned;
        }
        // How many more depends on the week.
        let percent = draw.whole(5, 16) + Draw::of(self.customer.key, "guests", i64::from(day)).whole(-2, 4);
        let seats = self.seats(day);
        assigned.max(seats + (seats * percent.max(0).unsigned_abs() / 100).max(1))
    }

    fn named_seats(&self, day: Day) -> u32 {
        let since = f64::from(day - self.customer.joined);
        let filled = (0.55 + 0.45 * since / 60.0).min(1.0) * (0.5 + 0.5 * self.active_share.min(1.0) / 0.9).min(1.0);
        let shrunk = self.factor(day, |episode| match episode.kind {
            Kind::SeatShrink => episode.people_factor(day),
            _ => 1.0,
        });
        count(self.settled_seats(day) * filled * shrunk + 0.5)
    }

    /// The people who use the product in the weeks around `day`; at least one for a customer that uses it at all.
    pub(crate) fn people(&self, day: Day) -> u32 {
        if !self.is_customer(day) {
            return 0;
        }
        let since = f64::from(day - self.customer.joined);
        let arrived = (0.4 + 0.6 * since / ADOPTION_DAYS).min(1.0);
        let share = self.active_share * arrived * self.factor(day, |episode| episode.people_factor(day));
        let people = count(self.settled_seats(day) * share + 0.5);
        if share > 0.0 { people.max(1) } else { 0 }
    }

    /// Usage on `day` against what this customer would have at its full size and habits, before the day's own effects.
    /// 0 when it is no customer.
    pub(crate) fn level(&self, day: Day) -> f64 {
        if !self.is_customer(day) {
            return 0.0;
        }
        let since = f64::from(day - self.customer.joined);
        let adoption = (0.3 + 0.7 * since / ADOPTION_DAYS).min(1.0);
        let trend = (1.0 + self.trend * since).clamp(0.7, 1.5);
        adoption * trend * self.factor(day, |episode| episode.usage_factor(day))
    }

    /// What planted behaviour alone does to usage on `day` (1 = nothing).
    pub(crate) fn planted_factor(&self, day: Day) -> f64 {
        self.factor(day, |episode| episode.usage_factor(day))
    }

    /// The episode of that kind that is in force on `day`.
    pub(crate) fn during(&self, kind: Kind, day: Day) -> Option<&Episode> {
        self.episodes.iter().find(|episode| {
            episode.kind == kind && episode.from <= day && episode.to.is_none_or(|to| day < to) && self.is_customer(day)
        })
    }

    /// How many actions people take on `day`, times `scale`.
    pub(crate) fn actions(&self, climate: &Climate, day: Day, scale: f64) -> u32 {
        let level = self.level(day);
        if level <= 0.0 || self.is_untracked {
            return 0;
        }
        let mut draw = Draw::of(self.customer.key, "actions", i64::from(day));
        // The root keeps a giant from being most of the company's events: what is recorded thins out as customers grow.
        let crowd = (3.0 + 0.85 * self.settled_seats(day).sqrt()) * self.actions_per_person;
        let common = climate.people(self.customer.country, self.weekend, day);
        let mood = self.week_mood(day, 0.05) * (1.0 + 0.1 * draw.normal());
        draw.poisson((crowd * level * common * mood * scale).max(0.0))
    }

    /// Whether the customer uses `metric` at all.
    pub(crate) fn uses(&self, metric: BillableMetric) -> bool {
        self.metered_per_seat.get(metric.place()).is_some_and(|base| *base > 0.0)
    }

    /// The quantity of `metric` in a month of the customer's first size.
    pub(crate) fn usual_month(&self, metric: BillableMetric) -> i64 {
        let base = self.metered_per_seat.get(metric.place()).copied().unwrap_or(0.0);
        whole_part(base * f64::from(self.seats(self.customer.joined)) * self.active_share * 22.0)
    }

    /// The quantity of `metric` used on `day`: what its events of that day sum to, whatever the scale.
    pub(crate) fn billable(&self, climate: &Climate, metric: BillableMetric, day: Day) -> i64 {
        let base = self.metered_per_seat.get(metric.place()).copied().unwrap_or(0.0);
        if base <= 0.0 {
            return 0;
        }
        let level = self.level(day);
        if level <= 0.0 {
            return 0;
        }
        let mut draw = Draw::at(address(named(self.customer.key, metric.name()), i64::from(day).cast_unsigned()));
        let common = climate.machines(self.customer.country, metric.weekend(), day);
        let mood = self.week_mood(day, 0.05) * (1.0 + 0.12 * draw.normal());
        let expected = (2.0 + self.settled_seats(day)) * base * level * common * mood;
        whole_part((expected + draw.unit()).max(0.0))
    }

    /// Good and bad weeks: what one week has more or less than the next for no reason anyone could name.
    fn week_mood(&self, day: Day, spread: f64) -> f64 {
        let week = (day + 3).div_euclid(7);
        1.0 + spread * Draw::of(self.customer.key, "week", i64::from(week)).normal()
    }

    fn factor(&self, day: Day, of: impl Fn(&Episode) -> f64) -> f64 {
        self.episodes.iter().take_while(|episode| episode.from <= day).map(of).product()
    }
}

/// When the customer takes up each feature: the basics at once, the rest over its first half year, or after its launch.
fn adoption(customer: &Customer, start: Day) -> [Option<Day>; FEATURES.len()] {
    let mut place = 0_i64;
    FEATURES.each_ref().map(|feature| {
        let mut draw = Draw::of(customer.key, "feature", place);
        place += 1;
        let available = customer.joined.max(start + feature.launched);
        let wait = if feature.reach >= 1.0 { 0 } else { draw.whole(0, 200) };
        draw.chance(feature.reach).then_some(available + wait)
    })
}
