//! Opportunities, handoffs and what customers decided at the end of a term.

use super::Activity;
use super::accounts::shown;
use super::behaviour::Behaviour;
use super::calendar::{Day, date_of, day_of};
use super::deal::{Deal, Form, first_deal};
use super::draw::Draw;
use crate::sample::company::Account;
use crate::sample::table::{Cell, Rows};
use chrono::{NaiveDate, NaiveDateTime};

/// One opportunity as it will have turned out.
struct Opportunity {
    id: String,
    kind: &'static str,
    opened: Day,
    closes: Day,
    is_won: bool,
    amount: i128,
    /// Percent points with 4 digits behind the point.
    discount: Option<i128>,
}

/// The opportunities opened by the horizon, as they stand then.
pub(super) fn opportunities(activity: &Activity<'_>) -> Rows<14> {
    let mut rows = Rows::new([
        "opportunity_id",
        "account_id",
        "kind",
        "stage",
        "amount",
        "currency",
        "close_date",
        "is_closed",
        "is_won",
        "owner_id",
        "discount_pct",
        "forecast_category",
        "stage_changed_at",
        "created_at",
    ]);
    for (account, behaviour) in activity.customers() {
        for opportunity in all(activity, account, behaviour) {
            if opportunity.opened <= activity.horizon {
                rows.push(opportunity_row(activity, account, behaviour, &opportunity));
            }
        }
    }
    rows
}

/// Every opportunity an account ever is: the first deal, renewals, and what was or might have been added.
fn all(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Vec<Opportunity> {
    let deal = first_deal(activity, account, behaviour);
    let bought = activity.bought();
    let mut result = vec![Opportunity {
        id: deal.opportunity_id,
        kind: "new",
        opened: deal.opened,
        closes: deal.won,
        is_won: true,
        amount: bought.annual_value(account, account.joined_date),
        discount: deal.discount.map(|discount| discount.percent),
    }];
    for (number, end) in (1..).zip(bought.term_ends(account)) {
        let mut draw = Draw::of(behaviour.customer.key, "renewal", number);
        let is_won = account.churn_date != Some(end);
        result.push(Opportunity {
            id: format!("opp-{:05}-renewal-{number}", account.index + 1),
            kind: "renewal",
            opened: day_of(end) - draw.whole(100, 130),
            closes: decided(behaviour, day_of(end)),
            is_won,
            amount: bought.annual_value(account, date_of((day_of(end) - 1).min(activity.horizon))),
            discount: draw.chance(0.2).then(|| i128::from(draw.whole(3, 12)) * 10_000),
        });
    }
    result.extend(expansions(activity, account, behaviour));
    result
}

/// The part of a year's recurring money on `date` that `seats` of the account's seats stand for.
fn seats_value(activity: &Activity<'_>, account: &Account, date: NaiveDate, seats: u32) -> i128 {
    let all = i128::from(account.seats_on(date).max(1));
    activity.bought().annual_value(account, date) * i128::from(seats) / all
}

fn expansions(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Vec<Opportunity> {
    let mut result = Vec::new();
    let pairs = account.seat_steps.iter().zip(account.seat_steps.iter().skip(1));
    for ((_, before), (date, after)) in pairs.filter(|((_, before), (_, after))| after > before) {
        let mut draw = Draw::of(behaviour.customer.key, "expansion", i64::from(day_of(*date)));
        result.push(Opportunity {
            id: format!("opp-{:05}-expansion-{}", account.index + 1, date.format("%Y%m%d")),
            kind: "expansion",
            opened: day_of(*date) - draw.whole(25, 60),
            closes: day_of(*date) - draw.whole(1, 8),
            is_won: true,
            amount: seats_value(activity, account, *date, after - before),
            discount: None,
        });
    }
    // Not every hope comes true: one lost expansion in some half-years.
    for half in 1..12 {
        let mut draw = Draw::of(behaviour.customer.key, "hope", i64::from(half));
        let opened = behaviour.customer.joined + half * 182 + draw.whole(0, 120);
        if draw.chance(0.16) && behaviour.is_customer(opened) {
            result.push(Opportunity {
                id: format!("opp-{:05}-lost-{half}", account.index + 1),
                kind: "expansion",
                opened,
                closes: opened + draw.whole(30, 110),
                is_won: false,
                amount: seats_value(activity, account, date_of(opened), behaviour.seats(opened) / 6 + 1),
                discount: None,
            });
        }
    }
    result
}

/// The day a customer decides about the term that ends on `end`.
pub(super) fn decided(behaviour: &Behaviour, end: Day) -> Day {
    end - Draw::of(behaviour.customer.key, "decided", i64::from(end)).whole(12, 65)
}

fn opportunity_row(
    activity: &Activity<'_>,
    account: &Account,
    behaviour: &Behaviour,
    opportunity: &Opportunity,
) -> [Cell; 14] {
    let mut draw = Draw::of(behaviour.customer.key, &opportunity.id, 0);
    let is_closed = opportunity.closes <= activity.horizon;
    let length = (opportunity.closes - opportunity.opened).max(1);
    // Four open stages of equal length.
    let step = ((activity.horizon - opportunity.opened) * 4 / length).clamp(0, 3);
    let (stage, category) = match (is_closed, opportunity.is_won, step) {
        (true, true, _) => ("closed_won", "closed"),
        (true, false, _) => ("closed_lost", "omitted"),
        (false, _, 0) => ("discovery", "pipeline"),
        (false, _, 1) => ("evaluation", "pipeline"),
        (false, _, 2) => ("proposal", "best_case"),
        (false, _, _) => ("negotiation", "commit"),
    };
    let changed = if is_closed { opportunity.closes } else { opportunity.opened + step * length / 4 };
    // Before it closes, the date is sales' hope: it is pushed a month whenever it comes too near.
    let expected = opportunity.closes - draw.whole(0, 25);
    let close_date = if is_closed { opportunity.closes } else { expected.max(activity.horizon + 7) };
    let owner = if opportunity.kind == "new" { &account.sales_owner_id } else { &account.account_manager_id };
    [
        (&opportunity.id).into(),
        (&account.id).into(),
        opportunity.kind.into(),
        stage.into(),
        account.currency.cell(opportunity.amount),
        account.currency.code().into(),
        date_of(close_date).into(),
        is_closed.into(),
        (is_closed && opportunity.is_won).into(),
        activity.acting(owner, changed).into(),
        opportunity.discount.map_or(Cell::Null, |percent| Cell::Decimal(percent, 4)),
        category.into(),
        activity.working_time(changed, behaviour, &mut draw).into(),
        activity.working_time(opportunity.opened, behaviour, &mut draw).into(),
    ]
}

/// The handoffs from sales to customer success submitted by the horizon.
pub(super) fn handoffs(activity: &Activity<'_>) -> Rows<17> {
    let mut rows = Rows::new([
        "handoff_id",
        "opportunity_id",
        "account_id",
        "submitted_at",
        "submitted_by",
        "accepted_at",
        "accepted_by",
        "rejected_reason",
        "pricing_concessions",
        "has_custom_pricing",
        "discount_pct",
        "discount_end_date",
        "technical_commitments",
        "risk_flags",
        "champion_contact_id",
        "champion_notes",
        "goals",
    ]);
    for (account, behaviour) in activity.customers() {
        let deal = first_deal(activity, account, behaviour);
        if deal.form != Form::Missing && deal.submitted <= activity.horizon {
            rows.push(handoff(activity, account, behaviour));
        }
    }
    rows
}

const GOALS: [&str; 4] = [
    "Approvals in one day instead of five by the second quarter.",
    "Replace three spreadsheets and a shared mailbox.",
    "One set of records for all sites before the audit.",
    "Field reports in the system the same day.",
];

/// What the handoff form of a deal says beyond price.
pub(super) struct Written {
    submitted: NaiveDateTime,
    accepted: Option<NaiveDateTime>,
    is_rejected: bool,
    /// Whether it names a champion.
    pub has_champion: bool,
    /// Whether it tells of the commitment, where one was made.
    pub tells_commitment: bool,
    goals: &'static str,
}

/// The form as it was filled in, whether or not anybody did.
pub(super) fn written(activity: &Activity<'_>, behaviour: &Behaviour, deal: &Deal) -> Written {
    let mut draw = Draw::of(behaviour.customer.key, "handoff", 0);
    let submitted = activity.working_time(deal.submitted, behaviour, &mut draw);
    let is_rejected = draw.chance(0.08);
    let accepted =
        (!is_rejected).then(|| activity.working_time(deal.submitted + draw.whole(1, 5), behaviour, &mut draw));
    let has_champion = draw.chance(0.85);
    let tells_commitment = deal.commitment.is_some() && draw.chance(0.8);
    Written { submitted, accepted, is_rejected, has_champion, tells_commitment, goals: draw.pick(&GOALS, GOALS[0]) }
}

fn handoff(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> [Cell; 17] {
    let deal = first_deal(activity, account, behaviour);
    let written = written(activity, behaviour, &deal);
    let accepted = written.accepted.and_then(|at| activity.known(at));
    let told = (deal.form == Form::Faithful).then_some(deal.discount).flatten();
    let optional = |text: Option<&str>| text.map_or(Cell::Null, Into::into);
    let champion = |text: Option<&str>| if written.has_champion { optional(text) } else { Cell::Null };
    [
        format!("ho-{:05}", account.index + 1).into(),
        deal.opportunity_id.as_str().into(),
        (&account.id).into(),
        written.submitted.into(),
        (&account.sales_owner_id).into(),
        accepted.into(),
        if accepted.is_some() { (&account.csm_id).into() } else { Cell::Null },
        optional(written.is_rejected.then_some("No champion named")),
        deal.concessions().into(),
        (told.is_some() || (deal.form == Form::Faithful && deal.is_onboarding_free)).into(),
        told.map_or(Cell::Null, |discount| Cell::Decimal(discount.percent, 4)),
        told.map(|discount| discount.ends).into(),
        match deal.commitment {
            Some(commitment) if written.tells_commitment => format!("We committed to {commitment}.").into(),
            Some(_) => Cell::Null,
            None => "none".into(),
        },
        optional(deal.risk),
        champion(deal.champion_id.as_deref()),
        champion(Some("Drove the evaluation; reports to the economic buyer.")),
        written.goals.into(),
    ]
}

/// What customers decided about a term, or about their seats, by the horizon.
pub(super) fn outcomes(activity: &Activity<'_>) -> Rows<10> {
    let mut rows = Rows::new([
        "outcome_id",
        "account_id",
        "contract_id",
        "kind",
        "decided_date",
        "effective_date",
        "arr_before",
        "arr_after",
        "currency",
        "reason",
    ]);
    let bought = activity.bought();
    for (account, behaviour) in activity.customers() {
        let mut add = |end: NaiveDate, kind: &'static str| {
            let day = day_of(end);
            let decided = decided(behaviour, day);
            if decided > activity.horizon || day < activity.start {
                return;
            }
            let last = date_of(day - 1);
            let contract = bought.in_force(account, last).map(|(contract, _)| contract.id.as_str());
            rows.push([
                format!("dec-{:05}-{}", account.index + 1, end.format("%Y%m%d")).into(),
                (&account.id).into(),
                contract.into(),
                kind.into(),
                shown(Some(decided), activity.horizon),
                end.into(),
                account.currency.cell(bought.annual_value(account, last)),
                account.currency.cell(bought.annual_value(account, end)),
                account.currency.code().into(),
                reason(behaviour, kind, day).into(),
            ]);
        };
        for end in bought.term_ends(account).into_iter().filter(|end| account.churn_date != Some(*end)) {
            let (before, after) = (account.seats_on(date_of(day_of(end) - 1)), account.seats_on(end));
            add(
                end,
                if after < before {
                    "contracted"
                } else if after > before {
                    "expanded"
                } else {
                    "renewed"
                },
            );
        }
        if let Some(churn) = account.churn_date {
            add(churn, "churned");
        }
    }
    rows
}

/// Why, in the words of whoever recorded it; unknown for some of those who leave.
fn reason(behaviour: &Behaviour, kind: &str, day: Day) -> Option<&'static str> {
    let mut draw = Draw::of(behaviour.customer.key, "reason", i64::from(day));
    match kind {
        "churned" if draw.chance(0.2) => None,
        "churned" => Some(draw.pick(
            &["Low adoption", "Price", "Champion left", "Competitor", "Service quality", "Went out of business"],
            "Low adoption",
        )),
        "contracted" => Some("Fewer users than planned"),
        "expanded" => Some("More teams onboarded"),
        _ => None,
    }
}
