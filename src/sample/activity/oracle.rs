//! The table of planted behaviour: what a test may hold usage signals and health bands against. No model reads it.

use super::Activity;
use super::behaviour::Behaviour;
use super::calendar::{Day, date_of};
use super::deal::{Form, first_deal};
use super::episode::Kind;
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
    /// The change in percent (45 = 45 % less, or more for growth and surges; 100 for silence).
    pub magnitude: u32,
}

/// Name, type and meaning of the columns.
const COLUMNS: [(&str, ColumnType, &str); 7] = [
    ("account_id", ColumnType::Text, "The customer"),
    (
        "kind",
        ColumnType::Text,
        "decline, dip, silence, seat_shrink, growth, champion_departure, support_surge, green_while_declining, \
         handoff_contradiction or handoff_omission",
    ),
    ("from_date", ColumnType::Date, "The first day on which it shows"),
    ("full_date", ColumnType::Date, "The day from which all of the magnitude is in force"),
    ("to_date", ColumnType::Date, "The day on which it begins to end; null while it lasts"),
    (
        "magnitude_pct",
        ColumnType::Decimal { precision: 9, scale: 4 },
        "The change against what would have been, percent points",
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
                magnitude: episode.magnitude,
            });
        }
        result.extend(planted_handoff(&activity, account, behaviour));
    }
    result
}

/// What a verification of the account's handoff must find, if anything.
fn planted_handoff(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Option<Planted> {
    let deal = first_deal(activity, account, behaviour);
    let discount = deal.discount?;
    let kind = match deal.form {
        Form::Denies => Kind::HandoffContradiction,
        Form::Omits => Kind::HandoffOmission,
        Form::Faithful | Form::Missing => return None,
    };
    let submitted = date_of(deal.submitted);
    (deal.submitted <= activity.horizon).then(|| Planted {
        account_id: account.id.clone(),
        kind,
        from: submitted,
        full: submitted,
        to: None,
        magnitude: u32::try_from(discount.percent / 10_000).unwrap_or(0),
    })
}

/// The contract of table `planted_behaviour`.
pub fn planted_behaviour_contract() -> Contract {
    let column = |(name, ty, doc): &(&str, ColumnType, &str)| Column {
        name: (*name).to_owned(),
        ty: *ty,
        doc: (*doc).to_owned(),
        required: !matches!(*name, "to_date"),
    };
    Contract {
        table: "planted_behaviour".to_owned(),
        columns: COLUMNS.iter().map(column).collect(),
        grain: ["account_id", "kind", "from_date", "as_of_date"].map(str::to_owned).to_vec(),
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
            planted.from.into(),
            planted.full.into(),
            planted.to.into(),
            Cell::Decimal(i128::from(planted.magnitude), 0),
            as_of.into(),
        ]);
    }
    rows.batches(&planted_behaviour_contract())
}
