//! What happens to customers on purpose: the planted behaviour.
//!
//! An episode is drawn once, here; usage, seats, tickets, engagements, contacts and assessments all read the same
//! episodes, so the systems of the sample tell one story about an account.

use super::calendar::Day;
use super::draw::Draw;

/// The kinds of planted behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Usage falls by the magnitude and stays there until `to`.
    Decline,
    /// Usage falls for two weeks at most and comes back: not a reason to act.
    Dip,
    /// No use at all, by people or machines.
    Silence,
    /// Fewer people use the product; usage falls with them.
    SeatShrink,
    /// Usage rises by the magnitude.
    Growth,
    /// The champion leaves the customer; usage sags a little.
    ChampionDeparture,
    /// More tickets, escalated more often and solved more slowly.
    SupportSurge,
    /// The customer-success manager keeps reporting green while usage declines.
    GreenWhileDeclining,
    /// Nothing of the customer's use is recorded: it does not report, and is no silence.
    Untracked,
    /// The customer decides to leave, and leaves.
    Departure,
    /// The handoff form denies what was agreed; the magnitude is the discount.
    HandoffContradiction,
    /// The handoff form leaves out what was agreed; the magnitude is the discount.
    HandoffOmission,
}

impl Kind {
    /// As in `planted_behaviour.kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decline => "decline",
            Self::Dip => "dip",
            Self::Silence => "silence",
            Self::SeatShrink => "seat_shrink",
            Self::Growth => "growth",
            Self::ChampionDeparture => "champion_departure",
            Self::SupportSurge => "support_surge",
            Self::GreenWhileDeclining => "green_while_declining",
            Self::Untracked => "untracked",
            Self::Departure => "departure",
            Self::HandoffContradiction => "handoff_contradiction",
            Self::HandoffOmission => "handoff_omission",
        }
    }
}

/// One planted behaviour of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// What happens.
    pub kind: Kind,
    /// The first day on which it shows.
    pub from: Day,
    /// The day from which all of the magnitude is in force.
    pub full: Day,
    /// The day on which it begins to end; none while it lasts to the customer's end.
    pub to: Option<Day>,
    /// The change in percent of what it would have been otherwise (45 = 45 % less, or more for growth and surges).
    pub magnitude: u32,
}

/// How long usage takes to come back when a decline ends.
const RECOVERY_DAYS: i32 = 21;
/// A dip is over at once: people are simply back.
const DIP_RECOVERY_DAYS: i32 = 2;
/// An account meets at most one episode in so many days, so that each can be told from the next.
const SLOT_DAYS: i32 = 160;
/// No episode in the first months: adoption is still going on then.
const SETTLED_DAYS: i32 = 110;

impl Episode {
    /// How much of the magnitude is in force on `day`, from 0 to 1.
    pub fn depth(&self, day: Day) -> f64 {
        if day < self.from {
            return 0.0;
        }
        if day < self.full {
            return f64::from(day - self.from + 1) / f64::from(self.full - self.from + 1);
        }
        match self.to {
            Some(to) if day >= to => {
                let recovery = if self.kind == Kind::Dip { DIP_RECOVERY_DAYS } else { RECOVERY_DAYS };
                (1.0 - f64::from(day - to + 1) / f64::from(recovery)).max(0.0)
            }
            _ => 1.0,
        }
    }

    /// What usage of `day` is multiplied by.
    pub(crate) fn usage_factor(&self, day: Day) -> f64 {
        let change = f64::from(self.magnitude) / 100.0 * self.depth(day);
        match self.kind {
            Kind::Decline | Kind::Dip | Kind::Silence | Kind::ChampionDeparture => 1.0 - change,
            Kind::SeatShrink => 1.0 - 0.8 * change,
            Kind::Growth => 1.0 + change,
            _ => 1.0,
        }
    }

    /// What the number of people using the product on `day` is multiplied by.
    pub(crate) fn people_factor(&self, day: Day) -> f64 {
        let change = f64::from(self.magnitude) / 100.0 * self.depth(day);
        match self.kind {
            Kind::SeatShrink | Kind::Silence => 1.0 - change,
            Kind::Decline | Kind::Dip => 1.0 - 0.5 * change,
            _ => 1.0,
        }
    }

    fn lasting(kind: Kind, from: Day, ramp: i32, to: Option<Day>, magnitude: i32) -> Self {
        Self { kind, from, full: from + ramp, to, magnitude: magnitude.unsigned_abs() }
    }
}

/// The episodes of an account with the address `key`, who is a customer from `joined` until `left`, as far as they begin before
/// `until`. Each stretch of time is drawn by its own address, so a later `until` only adds.
pub(crate) fn episodes(key: u64, joined: Day, left: Option<Day>, until: Day) -> Vec<Episode> {
    let mut result = Vec::new();
    let mut quiet_from = Day::MAX;
    if let Some(left) = left {
        before_churn(&mut Draw::of(key, "before churn", 0), joined, left, &mut result);
        quiet_from = result.iter().map(|episode| episode.from).min().unwrap_or(left - 60);
    }
    let first = joined + SETTLED_DAYS;
    for slot in 0.. {
        let opens = first + slot * SLOT_DAYS;
        if opens >= until || opens + SLOT_DAYS > quiet_from {
            break;
        }
        in_slot(&mut Draw::of(key, "episode", i64::from(slot)), opens, &mut result);
    }
    result.retain(|episode| episode.from < until);
    result.sort_by_key(|episode| (episode.from, episode.kind));
    result
}

/// What leads to a customer's end: mostly a decline five to eight months long, sometimes silence, sometimes nothing that shows.
fn before_churn(draw: &mut Draw, joined: Day, left: Day, result: &mut Vec<Episode>) {
    let room = left - joined - 45;
    if room < 50 {
        return;
    }
    let lead = draw.whole(150, 240).min(room);
    let from = left - lead;
    let style = draw.unit();
    let magnitude = draw.whole(40, 60);
    if style < 0.18 {
        return;
    }
    if style < 0.30 {
        let silent = draw.whole(40, 80).min(room);
        result.push(Episode::lasting(Kind::Silence, left - silent, 0, None, 100));
        return;
    }
    let ramp = draw.whole(10, 24);
    result.push(Episode::lasting(Kind::Decline, from, ramp, None, magnitude));
    if style > 0.85 {
        result.push(Episode::lasting(Kind::Silence, left - 30, 0, None, 100));
    }
    if draw.chance(0.35) {
        result.push(Episode::lasting(Kind::GreenWhileDeclining, from, ramp, None, magnitude));
    }
    if draw.chance(0.3) {
        let leaves = from + draw.whole(-15, 20);
        result.push(Episode::lasting(Kind::ChampionDeparture, leaves, 14, None, draw.whole(5, 12)));
    }
    if draw.chance(0.55) {
        let surge = left - draw.whole(85, 110).min(lead);
        let calm = left - draw.whole(15, 30);
        result.push(Episode::lasting(Kind::SupportSurge, surge, 14, Some(calm), draw.whole(120, 260)));
    }
}

/// What may happen to a customer in one stretch of time, at most one thing.
fn in_slot(draw: &mut Draw, opens: Day, result: &mut Vec<Episode>) {
    let from = opens + draw.whole(0, 45);
    let kind = draw.unit();
    let magnitude = draw.whole(40, 60);
    if kind < 0.08 {
        let ramp = draw.whole(7, 18);
        let to = draw.chance(0.7).then(|| from + ramp + draw.whole(35, 60));
        result.push(Episode::lasting(Kind::Decline, from, ramp, to, magnitude));
        if draw.chance(0.4) {
            result.push(Episode::lasting(Kind::GreenWhileDeclining, from, ramp, to, magnitude));
        }
    } else if kind < 0.17 {
        let to = from + draw.whole(8, 12);
        result.push(Episode::lasting(Kind::Dip, from, 0, Some(to), magnitude));
    } else if kind < 0.19 {
        let to = from + draw.whole(40, 75);
        result.push(Episode::lasting(Kind::Silence, from, 0, Some(to), 100));
    } else if kind < 0.23 {
        let ramp = draw.whole(10, 25);
        let to = draw.chance(0.4).then(|| from + ramp + 60);
        result.push(Episode::lasting(Kind::SeatShrink, from, ramp, to, draw.whole(30, 50)));
    } else if kind < 0.29 {
        result.push(Episode::lasting(Kind::Growth, from, 40, None, draw.whole(25, 60)));
    } else if kind < 0.34 {
        result.push(Episode::lasting(Kind::ChampionDeparture, from, 14, Some(from + 60), draw.whole(4, 10)));
    } else if kind < 0.38 {
        let to = from + draw.whole(30, 60);
        result.push(Episode::lasting(Kind::SupportSurge, from, 7, Some(to), draw.whole(100, 220)));
    }
}
