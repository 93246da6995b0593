//! Tickets: what customers complain about, how fast they are answered, and what it does to them.

use super::Activity;
use super::accounts::{first_day, last_day};
use super::behaviour::Behaviour;
use super::calendar::Day;
use super::contacts::{contacts, somebody};
use super::draw::{Draw, whole_part};
use super::episode::Kind;
use crate::sample::company::Account;
use crate::sample::table::{Cell, Rows};
use chrono::{NaiveDateTime, TimeDelta};

/// What a priority promises and gets.
struct Priority {
    name: &'static str,
    /// Hours within which we promise to answer.
    answer_sla: f64,
    /// Hours within which we promise to solve.
    solve_sla: f64,
    /// Hours in which a ticket like this is usually solved.
    usual: f64,
}

const URGENT: Priority = Priority { name: "urgent", answer_sla: 1.0, solve_sla: 24.0, usual: 7.0 };
const HIGH: Priority = Priority { name: "high", answer_sla: 4.0, solve_sla: 72.0, usual: 20.0 };
const NORMAL: Priority = Priority { name: "normal", answer_sla: 24.0, solve_sla: 168.0, usual: 40.0 };
const LOW: Priority = Priority { name: "low", answer_sla: 48.0, solve_sla: 336.0, usual: 80.0 };

/// A customer in its first weeks asks more.
const LEARNING_DAYS: i32 = 60;

/// How many times the usual number of tickets a customer opens on `day`, for planted reasons.
pub(super) fn pressure(behaviour: &Behaviour, day: Day) -> f64 {
    let mut factor = 1.0;
    for episode in &behaviour.episodes {
        let is_over = episode.to.is_some_and(|to| day >= to);
        factor *= match episode.kind {
            // Whoever has given up does not complain any more.
            Kind::SupportSurge if is_over && behaviour.customer.left.is_some_and(|left| left - day < 60) => 0.25,
            Kind::SupportSurge => 1.0 + f64::from(episode.magnitude) / 100.0 * episode.depth(day),
            Kind::Silence => 1.0 - 0.85 * episode.depth(day),
            _ => 1.0,
        };
    }
    factor
}

/// The tickets opened by the horizon, as they stand then.
pub(super) fn tickets(activity: &Activity<'_>) -> Rows<13> {
    let mut rows = Rows::new([
        "ticket_id",
        "account_id",
        "contact_id",
        "created_at",
        "first_replied_at",
        "resolved_at",
        "priority",
        "status",
        "escalated_at",
        "reopen_count",
        "is_sla_breached",
        "csat_score",
        "tone",
    ]);
    for (account, behaviour) in activity.customers() {
        let contacts = contacts(account, behaviour);
        for day in first_day(activity, behaviour)..=last_day(activity, behaviour) {
            let mut draw = Draw::of(behaviour.customer.key, "tickets", i64::from(day));
            let count = draw.poisson(rate(activity, behaviour, day));
            for number in 0..count {
                let contact = somebody(&contacts, day, &mut draw).filter(|_| draw.chance(0.92));
                let contact_id = contact.map_or(Cell::Null, |contact| (&contact.id).into());
                rows.push(ticket(activity, account, behaviour, (day, number), contact_id));
            }
        }
    }
    rows
}

/// Tickets expected of an account on a day.
fn rate(activity: &Activity<'_>, behaviour: &Behaviour, day: Day) -> f64 {
    let size = 0.016 + 0.011 * f64::from(behaviour.seats(day)).sqrt();
    let common = activity.climate.people(behaviour.customer.country, 0.1, day).max(0.05);
    let learning = if day - behaviour.customer.joined < LEARNING_DAYS { 1.8 } else { 1.0 };
    let outage = activity.climate.outages.iter().any(|outage| day == outage.day || day == outage.day + 1);
    size * common * learning * pressure(behaviour, day) * if outage { 5.0 } else { 1.0 }
}

fn ticket(
    activity: &Activity<'_>,
    account: &Account,
    behaviour: &Behaviour,
    (day, number): (Day, u32),
    contact_id: Cell,
) -> [Cell; 13] {
    let mut draw = Draw::of(behaviour.customer.key, "ticket", i64::from(day) * 64 + i64::from(number));
    let strain = (pressure(behaviour, day) - 1.0).clamp(0.0, 1.5);
    let priority = match draw.unit() - 0.08 * strain {
        ..0.05 => URGENT,
        ..0.23 => HIGH,
        ..0.75 => NORMAL,
        _ => LOW,
    };
    let created = activity.working_time(day, behaviour, &mut draw);
    let slowness = (1.0 + 0.9 * strain) * (0.15 + draw.between(0.0, 1.3) * draw.between(0.2, 1.5));
    let answer_hours = priority.answer_sla * 1.15 * (0.03 + draw.unit() * draw.unit()) * (1.0 + 0.8 * strain);
    let solve_hours = (priority.usual * slowness).max(answer_hours + 0.2);
    let is_escalated = draw.chance(0.02 + 0.11 * strain + if priority.name == "urgent" { 0.12 } else { 0.0 });
    let escalated =
        is_escalated.then(|| after(created, answer_hours + (solve_hours - answer_hours) * draw.between(0.1, 0.7)));
    let reopened = u32::from(draw.chance(0.06 + 0.13 * strain)) + u32::from(draw.chance(0.02 * strain));
    let solve_hours = solve_hours * (1.0 + 0.6 * f64::from(reopened));
    let (answered, solved) = (after(created, answer_hours), after(created, solve_hours));
    let breached = |hours: f64, sla: f64| hours > sla && activity.is_known(after(created, sla));
    let is_breached = breached(answer_hours, priority.answer_sla) || breached(solve_hours, priority.solve_sla);
    let is_solved = activity.is_known(solved);
    let rated = after(solved, draw.between(1.0, 40.0));
    let has_score = draw.chance(0.34) && activity.is_known(rated);
    let mood = 4.6 - 0.7 * strain - if is_breached { 1.3 } else { 0.0 } + 0.8 * draw.normal();
    let tone = (22.0 - 45.0 * strain - if is_escalated { 25.0 } else { 0.0 } + 24.0 * draw.normal()).clamp(-98.0, 98.0);
    let status = match () {
        () if !activity.is_known(answered) => "new",
        () if !is_solved => draw.pick(&["open", "open", "pending"], "open"),
        () if activity.is_known(solved + TimeDelta::days(4)) => "closed",
        () => "solved",
    };
    [
        format!("tic-{:05}-{:05}-{number}", account.index + 1, day).into(),
        (&account.id).into(),
        contact_id,
        created.into(),
        activity.known(answered).into(),
        activity.known(solved).into(),
        priority.name.into(),
        status.into(),
        escalated.and_then(|at| activity.known(at)).into(),
        if is_solved { reopened.into() } else { 0_u32.into() },
        is_breached.into(),
        if has_score { score(mood, 1, 5) } else { Cell::Null },
        hundredths(tone),
    ]
}

/// `hours` after `at`, to the second.
pub(super) fn after(at: NaiveDateTime, hours: f64) -> NaiveDateTime {
    at + TimeDelta::seconds(whole_part(hours * 3600.0))
}

/// A score on a scale of whole numbers.
pub(super) fn score(value: f64, low: i128, high: i128) -> Cell {
    Cell::Decimal(i128::from(whole_part(value + 0.5)).clamp(low, high), 0)
}

/// A number of hundredths as a table's value: -35 is -0.35.
pub(super) fn hundredths(value: f64) -> Cell {
    Cell::Decimal(i128::from(whole_part(value)), 2)
}
