//! The table of planted behaviour: what a test may hold usage signals and health bands against. No model reads it.

use super::Activity;
use super::behaviour::Behaviour;
use super::calendar::{Day, date_of};
use super::deal::{Deal, Form, Otherwise, first_deal};
use super::episode::Kind;
use super::sales::{decided, written};
use crate::error::Result;
use crate::model::contract::{Column, ColumnType, Contract};
use crate::sample::company::{Account, Company};
use crate::sample::table::{Cell, Rows};
use arrow::array::RecordBatch;
use chrono::NaiveDate;

/// One planted behaviour of one account, as far as it had shown by the horizon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Whose behaviour it is.
    pub account_id: String,
    /// What happens.
    pub kind: Kind,
    /// The first day on which it shows.
    pub from: NaiveDate,
    /// The day from which all of the magnitude is in force.
    pub full: NaiveDate,
    /// The day on which it begins to end, or the customer's last day has passed; none while it lasts.
    pub to: Option<NaiveDate>,
    /// The change in percent (45 = 45 % less, or more for growth and surges; 100 for silence); none where nothing changes by a part.
    pub magnitude: Option<u32>,
    /// What of the handoff it is about; empty for all else.
    pub claim: &'static str,
}

/// Name, type and meaning of the columns.
const COLUMNS: [(&str, ColumnType, &str); 8] = [
    ("account_id", ColumnType::Text, "The customer"),
    (
        "kind",
        ColumnType::Text,
        "decline, dip, silence, seat_shrink, growth, champion_departure, support_surge, green_while_declining, \
         untracked, departure, handoff_contradiction or handoff_omission",
    ),
    (
        "claim",
        ColumnType::Text,
        "discount, free_period, free_scope, technical_commitment or champion for handoffs; else empty",
    ),
    ("from_date", ColumnType::Date, "The first day on which it shows"),
    ("full_date", ColumnType::Date, "The day from which all of the magnitude is in force"),
    ("to_date", ColumnType::Date, "The day on which it begins to end; null while it lasts"),
    (
        "magnitude_pct",
        ColumnType::Decimal { precision: 9, scale: 4 },
        "The change against what would have been, percent points; null where nothing changes by a part",
    ),
    ("as_of_date", ColumnType::Date, "The date the list is for"),
];

/// What had been planted into the customers' behaviour and shown between the first day of usage and `horizon`, ordered by account and
/// day.
pub fn planted_behaviour(company: &Company, horizon: NaiveDate) -> Vec<Planted> {
    let activity = Activity::new(company, horizon);
    let mut result = Vec::new();
    for (account, behaviour) in activity.customers() {
        for episode in &behaviour.episodes {
            let end: Option<Day> = match (episode.to, behaviour.customer.left) {
                (Some(to), Some(left)) => Some(to.min(left)),
                (to, left) => to.or(left),
            };
            if end.is_some_and(|end| end <= activity.start) {
                continue;
            }
            result.push(Planted {
                account_id: account.id.clone(),
                kind: episode.kind,
                from: date_of(episode.from),
                full: date_of(episode.full),
                to: end.filter(|end| *end <= activity.horizon).map(date_of),
                magnitude: Some(episode.magnitude),
                claim: "",
            });
        }
        result.extend(untracked(&activity, account, behaviour));
        result.extend(departure(&activity, account, behaviour));
        result.extend(planted_handoff(&activity, account, behaviour));
    }
    result
}

/// A customer of whose use nothing is recorded.
fn untracked(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Option<Planted> {
    let from = behaviour.customer.joined.max(activity.start);
    let ended = behaviour.customer.left.filter(|left| *left <= activity.horizon);
    let is_shown = from <= activity.horizon && ended.is_none_or(|left| left > activity.start);
    (behaviour.is_untracked && is_shown).then(|| Planted {
        account_id: account.id.clone(),
        kind: Kind::Untracked,
        from: date_of(from),
        full: date_of(from),
        to: ended.map(date_of),
        magnitude: None,
        claim: "",
    })
}

/// The customer's end, from the day it decides to the day it is none any more.
fn departure(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Option<Planted> {
    let left = behaviour.customer.left?;
    let decides = decided(behaviour, left);
    (decides <= activity.horizon && left > activity.start).then(|| Planted {
        account_id: account.id.clone(),
        kind: Kind::Departure,
        from: date_of(decides),
        full: date_of(left),
        to: (left <= activity.horizon).then(|| date_of(left)),
        magnitude: None,
        claim: "",
    })
}

/// What a verification of the account's handoff must find, if anything.
fn planted_handoff(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Vec<Planted> {
    let deal = first_deal(activity, account, behaviour);
    let is_missing = is_missing(activity, &deal);
    // Nobody misses a form that may still come in time.
    let shows = if is_missing { deal.won + HANDOFF_DAYS + 1 } else { deal.submitted };
    if shows > activity.horizon {
        return Vec::new();
    }
    let planted = |claim, kind| Planted {
        account_id: account.id.clone(),
        kind,
        from: date_of(shows),
        full: date_of(shows),
        to: None,
        magnitude: deal
            .discount
            .filter(|_| claim == "discount")
            .and_then(|told| u32::try_from(told.percent / 10_000).ok()),
        claim,
    };
    let price = match deal.otherwise() {
        Otherwise::Denied if !is_missing => Kind::HandoffContradiction,
        _ => Kind::HandoffOmission,
    };
    let untold = untold(activity, account, behaviour, &deal);
    let about_price = untold.iter().filter(|claim| PRICE_CLAIMS.contains(claim)).map(|claim| planted(claim, price));
    let others = untold.iter().filter(|claim| !PRICE_CLAIMS.contains(claim));
    about_price.chain(others.map(|claim| planted(claim, Kind::HandoffOmission))).collect()
}

/// Days after a deal is won within which sales hands it over.
const HANDOFF_DAYS: Day = 5;
/// What the form's word on price is about.
const PRICE_CLAIMS: [&str; 3] = ["discount", "free_period", "free_scope"];

/// Nobody has handed the deal over by the horizon.
fn is_missing(activity: &Activity<'_>, deal: &Deal) -> bool {
    deal.form == Form::Missing || deal.submitted > activity.horizon
}

/// What was agreed and does not stand in the form.
fn untold(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour, deal: &Deal) -> Vec<&'static str> {
    let (bought, written) = (activity.bought(), written(activity, behaviour, deal));
    let is_missing = is_missing(activity, deal);
    let is_faithful = deal.form == Form::Faithful && !is_missing;
    let has_discount = deal.discount.is_some() || bought.begins_discounted(account, date_of(activity.horizon));
    let tells_discount = is_faithful && deal.discount.is_some();
    let tells_scope = is_faithful && deal.discount.is_none();
    let tells_commitment = !is_missing && written.tells_commitment;
    [
        ("discount", has_discount && !tells_discount),
        ("free_period", bought.begins_free(account)),
        ("free_scope", deal.is_onboarding_free && !tells_scope),
        ("technical_commitment", deal.commitment.is_some() && !tells_commitment),
        ("champion", deal.champion_id.is_some() && !is_missing && !written.has_champion),
    ]
    .into_iter()
    .filter_map(|(claim, is_untold)| is_untold.then_some(claim))
    .collect()
}

/// The contract of table `planted_behaviour`.
pub fn planted_behaviour_contract() -> Contract {
    let column = |(name, ty, doc): &(&str, ColumnType, &str)| Column {
        name: (*name).to_owned(),
        ty: *ty,
        doc: (*doc).to_owned(),
        required: !matches!(*name, "to_date" | "magnitude_pct"),
    };
    Contract {
        table: "planted_behaviour".to_owned(),
        columns: COLUMNS.iter().map(column).collect(),
        grain: ["account_id", "kind", "claim", "from_date", "as_of_date"].map(str::to_owned).to_vec(),
        partition_by: vec!["as_of_date".to_owned()],
    }
}

/// The rows of table `planted_behaviour` for `as_of`.
///
/// # Errors
/// A bug where a row does not fit the contract.
pub fn planted_behaviour_batches(company: &Company, as_of: NaiveDate) -> Result<Vec<RecordBatch>> {
    let mut rows = Rows::new(COLUMNS.map(|(name, _, _)| name));
    for planted in planted_behaviour(company, as_of) {
        rows.push([
            planted.account_id.into(),
            planted.kind.name().into(),
            planted.claim.into(),
            planted.from.into(),
            planted.full.into(),
            planted.to.into(),
            planted.magnitude.map_or(Cell::Null, |percent| Cell::Decimal(i128::from(percent), 0)),
            as_of.into(),
        ]);
    }
    rows.batches(&planted_behaviour_contract())
}
