//! What customer success records: assessments, surveys, onboarding milestones, events at the customer.

use super::Activity;
use super::accounts::{first_day, last_day};
use super::behaviour::Behaviour;
use super::calendar::{Day, add_working_days, date_of, day_of, is_weekend};
use super::contacts::{contacts, somebody};
use super::draw::{Draw, named, whole_part};
use super::episode::Kind;
use super::support::{pressure, score};
use super::talk::mood;
use crate::sample::company::Account;
use crate::sample::table::{Cell, Rows};

/// The customer success managers' own judgement, which follows what customers do late, or not at all.
pub(super) fn assessments(activity: &Activity<'_>) -> Rows<6> {
    let mut rows = Rows::new(["assessment_id", "account_id", "person_id", "rating", "assessed_at", "reason"]);
    for (account, behaviour) in activity.customers() {
        let every = match behaviour.seats(behaviour.customer.joined) {
            280.. => 28,
            40.. => 42,
            _ => 84,
        };
        let (first, last) = (first_day(activity, behaviour), last_day(activity, behaviour));
        for number in 0.. {
            let mut draw = Draw::of(behaviour.customer.key, "assessment", i64::from(number));
            let mut day = behaviour.customer.joined + 30 + number * every + draw.whole(0, 6);
            while is_weekend(day) {
                day += 1;
            }
            if day > last {
                break;
            }
            if day < first || draw.chance(0.08) {
                continue;
            }
            let (rating, reason) = judgement(behaviour, day, &mut draw);
            rows.push([
                format!("asm-{:05}-{:03}", account.index + 1, number).into(),
                (&account.id).into(),
                activity.acting(&account.csm_id, day).into(),
                rating.into(),
                activity.working_time(day, behaviour, &mut draw).into(),
                reason.into(),
            ]);
        }
    }
    rows
}

const GREEN: [&str; 4] = [
    "Good relationship, champion is happy.",
    "Rollout goes on, no open issues.",
    "Strong sponsor, renewal looks safe.",
    "Positive feedback in the last call.",
];
const YELLOW: [&str; 4] = [
    "Fewer active users than planned.",
    "Champion hard to reach lately.",
    "Several tickets open; waiting for a fix.",
    "Budget discussion expected.",
];
const RED: [&str; 3] =
    ["Usage has fallen a lot; no plan yet.", "Customer mentioned alternatives.", "No answer for weeks."];

fn judgement(behaviour: &Behaviour, day: Day, draw: &mut Draw) -> (&'static str, Option<&'static str>) {
    // What a manager knows is two weeks old.
    let usage = behaviour.planted_factor(day - 14);
    let strain = pressure(behaviour, day - 7) - 1.0;
    let (green, yellow) = if behaviour.during(Kind::GreenWhileDeclining, day).is_some() {
        (1.0, 1.0)
    } else if usage < 0.6 {
        (0.12, 0.6)
    } else if usage < 0.85 || strain > 0.8 {
        (0.4, 0.93)
    } else {
        (0.87, 0.99)
    };
    let place = draw.unit();
    let has_reason = draw.chance(0.8);
    let (rating, reasons): (_, &[&'static str]) = if place < green {
        ("green", &GREEN)
    } else if place < yellow {
        ("yellow", &YELLOW)
    } else {
        ("red", &RED)
    };
    (rating, has_reason.then(|| draw.pick(reasons, "")))
}

/// Answers to surveys. Most of those asked do not answer, and some answer without saying who they are.
pub(super) fn survey_responses(activity: &Activity<'_>) -> Rows<6> {
    let mut rows = Rows::new(["response_id", "account_id", "contact_id", "kind", "score", "responded_at"]);
    for (account, behaviour) in activity.customers() {
        let contacts = contacts(account, behaviour);
        let (first, last) = (first_day(activity, behaviour), last_day(activity, behaviour));
        let offset = Draw::of(behaviour.customer.key, "survey", 0).whole(45, 90);
        for round in 0.. {
            let asked = behaviour.customer.joined + offset + round * 91;
            if asked > last {
                break;
            }
            let people = 1 + behaviour.seats(asked).max(1).ilog2() / 4;
            for person in 0..people {
                let number = i64::from(round) * 8 + i64::from(person);
                let mut draw = Draw::of(behaviour.customer.key, "nps", number);
                let day = asked + draw.whole(0, 9);
                let mood = mood(behaviour, day);
                // Whoever does not care any more does not answer.
                let answers = draw.chance(0.42 + 0.1 * mood) && day >= first && day <= last;
                let contact = somebody(&contacts, day, &mut draw).filter(|_| draw.chance(0.9));
                if answers {
                    rows.push([
                        format!("sur-{:05}-{number:03}", account.index + 1).into(),
                        (&account.id).into(),
                        contact.map_or(Cell::Null, |contact| (&contact.id).into()),
                        "nps".into(),
                        score(6.4 + 3.2 * mood + 1.7 * draw.normal(), 0, 10),
                        activity.working_time(day, behaviour, &mut draw).into(),
                    ]);
                }
            }
        }
        effort(activity, account, behaviour, &mut rows);
    }
    rows
}

/// How hard it was to get started, asked once, six weeks in (1 = very easy to 7 = very hard).
fn effort(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour, rows: &mut Rows<6>) {
    let mut draw = Draw::of(behaviour.customer.key, "ces", 0);
    let day = behaviour.customer.joined + draw.whole(40, 52);
    let is_due = day >= first_day(activity, behaviour) && day <= last_day(activity, behaviour);
    if is_due && draw.chance(0.4) {
        let contacts = contacts(account, behaviour);
        rows.push([
            format!("sur-{:05}-ces", account.index + 1).into(),
            (&account.id).into(),
            somebody(&contacts, day, &mut draw).map_or(Cell::Null, |contact| (&contact.id).into()),
            "ces".into(),
            score(3.0 + 1.3 * draw.normal(), 1, 7),
            activity.working_time(day, behaviour, &mut draw).into(),
        ]);
    }
}

/// The steps of onboarding and the day after the contract's start on which each is due.
const STEPS: [(&str, i32); 6] = [
    ("welcome", 1),
    ("kickoff_scheduled", 1),
    ("kickoff_held", 3),
    ("configured", 3),
    ("first_milestone", 7),
    ("checkin_30", 30),
];

/// The onboarding of every customer's first contract. How well it goes depends on who runs it.
pub(super) fn milestones(activity: &Activity<'_>) -> Rows<8> {
    let mut rows = Rows::new([
        "account_id",
        "contract_id",
        "step",
        "due_date",
        "done_at",
        "owner_id",
        "blocked_by",
        "is_applicable",
    ]);
    for (account, behaviour) in activity.customers() {
        let joined = behaviour.customer.joined;
        if joined > activity.horizon {
            continue;
        }
        let Some(contract) = activity.bought().first(account) else { continue };
        let diligence = Draw::of(named(activity.key, &account.csm_id), "diligence", 0).between(0.72, 0.97);
        let mut draw = Draw::of(behaviour.customer.key, "onboarding", 0);
        let mut slipped = 0;
        for (step, after) in STEPS {
            let due = joined + after;
            let is_late = !draw.chance(diligence);
            // Lost days are partly made up for later.
            slipped = slipped / 2 + if is_late { draw.whole(1, 9) } else { 0 };
            let done = add_working_days(joined + slipped, (after * 5 / 7).max(1)) - draw.whole(0, 2);
            // A step that comes very late is often skipped altogether.
            let is_skipped = slipped > 9 && draw.chance(0.4);
            let done_at = activity.working_time(done.max(joined), behaviour, &mut draw);
            let done_at = activity.known(done_at).filter(|_| !is_skipped);
            let blocked_by = if draw.chance(0.6) { "customer" } else { "us" };
            let is_blocked = slipped > 4 && done > due && activity.horizon >= due;
            // Small customers who import nothing have nothing to configure.
            let is_applicable = step != "configured" || behaviour.seats(joined) > 8 || draw.chance(0.5);
            rows.push([
                (&account.id).into(),
                (&contract.id).into(),
                step.into(),
                date_of(due).into(),
                if is_applicable { done_at.into() } else { Cell::Null },
                activity.acting(&account.csm_id, due).into(),
                if is_blocked { blocked_by.into() } else { Cell::Null },
                is_applicable.into(),
            ]);
        }
    }
    rows
}

/// Kinds of events at a customer, how likely each is, what is known of it.
const EVENTS: [(&str, f64, &str); 8] = [
    ("hiring", 0.34, "Open positions in operations"),
    ("new_product", 0.49, "Announced a new product line"),
    ("funding", 0.58, "Raised a round of funding"),
    ("new_location", 0.70, "Opened a new site"),
    ("leadership_change", 0.82, "New chief operating officer"),
    ("compliance", 0.89, "Works towards an ISO 27001 certificate"),
    ("layoffs", 0.95, "Reduced its staff"),
    ("ownership_change", 1.01, "Was acquired"),
];

/// What happened at customers, as the press and job boards tell it.
pub(super) fn account_events(activity: &Activity<'_>) -> Rows<7> {
    let mut rows = Rows::new(["event_id", "account_id", "kind", "occurred_at", "quantity", "detail", "source_ref"]);
    for (account, behaviour) in activity.customers() {
        let (first, last) = (first_day(activity, behaviour), last_day(activity, behaviour));
        let mut add = |day: Day, tag: &str, fixed: Option<usize>| {
            let mut draw = Draw::of(behaviour.customer.key, "account event", i64::from(day));
            let drawn = draw.unit();
            let place = fixed.or_else(|| EVENTS.iter().position(|(_, up_to, _)| drawn < *up_to)).unwrap_or(0);
            let Some((kind, _, detail)) = EVENTS.get(place).filter(|_| (first..=last).contains(&day)) else {
                return;
            };
            let staff = f64::from(account.employee_count);
            let quantity = match *kind {
                "hiring" => Some(2.0 + staff * draw.between(0.01, 0.08)),
                "layoffs" => Some(1.0 + staff * draw.between(0.03, 0.15)),
                "new_location" => Some(1.0),
                _ => None,
            };
            rows.push([
                format!("evt-{:05}-{tag}{day}", account.index + 1).into(),
                (&account.id).into(),
                (*kind).into(),
                activity.working_time(day, behaviour, &mut draw).into(),
                quantity.map_or(Cell::Null, |quantity| Cell::Int(whole_part(quantity))),
                (*detail).into(),
                draw.pick(&["press", "job board", "company register"], "press").into(),
            ]);
        };
        // Seats are added because people were hired.
        for (date, _) in account.seat_steps.iter().skip(1) {
            let mut draw = Draw::of(behaviour.customer.key, "hired", i64::from(day_of(*date)));
            if draw.chance(0.45) {
                add(day_of(*date) - draw.whole(20, 70), "h", Some(0));
            }
        }
        for month in 0..=(last - behaviour.customer.joined).max(0) / 30 {
            let mut draw = Draw::of(behaviour.customer.key, "news", i64::from(month));
            if draw.chance(0.07) {
                add(behaviour.customer.joined + month * 30 + draw.whole(0, 29), "", None);
            }
        }
    }
    rows
}
