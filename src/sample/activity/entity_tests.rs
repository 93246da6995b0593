use super::*;
use crate::model::Models;
use crate::model::contract::ColumnType;
use crate::sample::SampleSpec;
use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::{BTreeMap, BTreeSet};

const EARLY: &str = "2026-03-31";
const LATE: &str = "2026-11-22";
/// Dates that are plans, and so may lie after the horizon.
const PLANS: [&str; 4] = ["due_date", "close_date", "effective_date", "discount_end_date"];
/// Entities whose rows stand for good once written; of the others only keys do.
const FINAL: [&str; 9] = [
    "account_event",
    "csm_assessment",
    "engagement",
    "holiday",
    "outage",
    "outcome",
    "seat_snapshot",
    "survey_response",
    "utterance",
];

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Rows as text, by their key.
fn rows(company: &Company, horizon: NaiveDate, entity: &str, models: &Models) -> BTreeMap<Vec<String>, Vec<String>> {
    let contract = &models.entity(entity).unwrap().contract;
    let mut result = BTreeMap::new();
    for batch in batches(company, horizon, entity, contract).unwrap() {
        let options = FormatOptions::default();
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            let key =
                contract.grain.iter().map(|name| values[batch.schema().index_of(name).unwrap()].clone()).collect();
            assert!(result.insert(key, values).is_none(), "{entity} repeats a key");
        }
    }
    result
}

#[test]
fn every_entity_has_rows_with_unique_keys_and_a_later_horizon_only_adds() {
    let models = Models::load(None).unwrap();
    let company = Company::new(&SampleSpec { seed: 11, ..SampleSpec::default() });
    for entity in ENTITIES {
        let early = rows(&company, date(EARLY), entity, &models);
        let late = rows(&company, date(LATE), entity, &models);
        eprintln!("{entity}: {} rows, {} eight months before", late.len(), early.len());
        assert!(!early.is_empty(), "{entity}");
        for (key, row) in &early {
            let later = late.get(key);
            assert!(later.is_some(), "{entity} lost {key:?}");
            if FINAL.contains(entity) {
                assert_eq!(later, Some(row));
            }
        }
    }
}

#[test]
fn nothing_is_dated_after_the_horizon() {
    let models = Models::load(None).unwrap();
    let company = Company::new(&SampleSpec::default());
    let last = day_of(date(EARLY));
    for entity in ENTITIES {
        let contract = &models.entity(entity).unwrap().contract;
        for batch in batches(&company, date(EARLY), entity, contract).unwrap() {
            for column in contract.columns.iter().filter(|column| !PLANS.contains(&column.name.as_str())) {
                let array = batch.column_by_name(&column.name).unwrap();
                let newest = match column.ty {
                    ColumnType::Date => array.as_primitive::<Date32Type>().iter().flatten().max(),
                    ColumnType::Timestamp => {
                        let newest = array.as_primitive::<TimestampMicrosecondType>().iter().flatten().max();
                        newest.map(|micros| i32::try_from(micros.div_euclid(86_400_000_000)).unwrap())
                    }
                    _ => None,
                };
                assert!(newest.is_none_or(|newest| newest <= last), "{entity}.{}", column.name);
            }
        }
    }
}

/// The values of one column, in the order of the rows' keys.
fn column(rows: &BTreeMap<Vec<String>, Vec<String>>, models: &Models, entity: &str, name: &str) -> Vec<String> {
    let contract = &models.entity(entity).unwrap().contract;
    let place = contract.columns.iter().position(|column| column.name == name).unwrap();
    rows.values().map(|row| row[place].clone()).collect()
}

#[test]
fn references_between_entities_hold() {
    let models = Models::load(None).unwrap();
    let company = Company::new(&SampleSpec { seed: 4, ..SampleSpec::default() });
    let of = |entity: &str, name: &str| column(&rows(&company, date(LATE), entity, &models), &models, entity, name);
    let keys = |entity: &str, name: &str| of(entity, name).into_iter().collect::<BTreeSet<String>>();
    let references = [
        ("account", "account_id", vec!["contact", "ticket", "engagement", "opportunity", "outcome", "seat_snapshot"]),
        ("contact", "contact_id", vec!["ticket", "engagement", "survey_response"]),
        ("person", "person_id", vec!["engagement", "csm_assessment"]),
        ("opportunity", "opportunity_id", vec!["handoff", "engagement"]),
        ("engagement", "engagement_id", vec!["utterance"]),
    ];
    for (entity, name, users) in references {
        let known = keys(entity, name);
        for user in users {
            let unknown: Vec<_> =
                keys(user, name).into_iter().filter(|key| !key.is_empty() && !known.contains(key)).collect();
            assert!(unknown.is_empty(), "{user}.{name}: {unknown:?}");
        }
    }
    let people = keys("person", "person_id");
    for name in ["csm_id", "account_manager_id", "sales_owner_id"] {
        assert!(keys("account", name).iter().all(|key| key.is_empty() || people.contains(key)), "{name}");
    }
}

#[test]
fn trouble_shows_before_customers_leave() {
    let models = Models::load(None).unwrap();
    let (mut troubled, mut calm) = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0));
    for seed in 1..4 {
        let company = Company::new(&SampleSpec { seed, ..SampleSpec::default() });
        let horizon = date(LATE);
        let activity = Activity::new(&company, horizon);
        let tickets = rows(&company, horizon, "ticket", &models);
        let contract = &models.entity("ticket").unwrap().contract;
        let place = |name: &str| contract.columns.iter().position(|column| column.name == name).unwrap();
        for row in tickets.values() {
            let account = company.accounts.iter().find(|account| account.id == row[place("account_id")]).unwrap();
            let day = day_of(date(&row[place("created_at")][..10]));
            let behaviour = activity.behaviour(account).unwrap();
            let surging = behaviour.during(Kind::SupportSurge, day).is_some();
            let side = if surging { &mut troubled } else { &mut calm };
            side.0 += 1.0;
            side.1 += f64::from(u8::from(!row[place("escalated_at")].is_empty()));
            side.2 += f64::from(u8::from(row[place("is_sla_breached")] == "true"));
        }
    }
    assert!(troubled.0 > 300.0 && calm.0 > 10_000.0);
    assert!(troubled.1 / troubled.0 > 2.0 * calm.1 / calm.0, "escalations {troubled:?} {calm:?}");
    assert!(troubled.2 / troubled.0 > 1.5 * calm.2 / calm.0, "breaches {troubled:?} {calm:?}");
}

#[test]
fn planted_stories_are_told_by_the_entities() {
    let models = Models::load(None).unwrap();
    let company = Company::new(&SampleSpec { seed: 6, ..SampleSpec::default() });
    let horizon = date(LATE);
    let place = |entity: &str, name: &str| {
        let contract = &models.entity(entity).unwrap().contract;
        contract.columns.iter().position(|column| column.name == name).unwrap()
    };
    let handoffs = rows(&company, horizon, "handoff", &models);
    let assessments = rows(&company, horizon, "csm_assessment", &models);
    let utterances = rows(&company, horizon, "utterance", &models);
    let (mut denied, mut omitted, mut green) = (0, 0, 0);
    for planted in planted_behaviour(&company, horizon) {
        let number = &planted.account_id[4..];
        let Some(magnitude) = planted.magnitude else { continue };
        let said = format!("We can do {magnitude}");
        let is_said = || {
            let calls = utterances.iter().filter(|(key, _)| key[0].starts_with(&format!("eng-{number}-deal")));
            calls.into_iter().any(|(_, row)| {
                row[place("utterance", "text")].starts_with(&said)
                    && row[place("utterance", "text")].contains("% off until")
            })
        };
        let price = place("handoff", "pricing_concessions");
        let form = || handoffs.get(&vec![format!("ho-{number}")]).map_or("", |row| &row[price]);
        match planted.kind {
            Kind::HandoffContradiction => {
                assert!(form() == "none" && is_said(), "{planted:?}");
                denied += 1;
            }
            Kind::HandoffOmission => {
                assert!(form().is_empty() && is_said(), "{planted:?}");
                omitted += 1;
            }
            Kind::GreenWhileDeclining => {
                let end = planted.to.unwrap_or(horizon);
                for row in
                    assessments.values().filter(|row| row[place("csm_assessment", "account_id")] == planted.account_id)
                {
                    let at = date(&row[place("csm_assessment", "assessed_at")][..10]);
                    if (planted.from..end).contains(&at) {
                        assert_eq!(row[place("csm_assessment", "rating")], "green", "{planted:?}");
                        green += 1;
                    }
                }
            }
            _ => {}
        }
    }
    assert!(denied >= 5 && omitted >= 5 && green >= 10, "{denied} {omitted} {green}");
}
