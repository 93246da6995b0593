use super::*;
use crate::model::contract::{Column, ColumnType};
use crate::sample::SampleSpec;
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

const MICROS_PER_DAY: i64 = 86_400_000_000;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn company(seed: u64, usage_permille: u32) -> Company {
    Company::new(&SampleSpec { seed, usage_permille, ..SampleSpec::default() })
}

fn usage_contract() -> Contract {
    let quantity = ColumnType::Decimal { precision: 18, scale: 6 };
    let columns = [
        ("event_id", ColumnType::Text),
        ("account_id", ColumnType::Text),
        ("user_id", ColumnType::Text),
        ("name", ColumnType::Text),
        ("feature", ColumnType::Text),
        ("metric", ColumnType::Text),
        ("product_id", ColumnType::Text),
        ("quantity", quantity),
        ("session_id", ColumnType::Text),
        ("is_billable", ColumnType::Boolean),
        ("occurred_at", ColumnType::Timestamp),
        ("usage_date", ColumnType::Date),
    ];
    let columns = columns.map(|(name, ty)| Column { name: name.into(), ty, doc: String::new(), required: false });
    Contract { table: "usage_event".into(), columns: columns.to_vec(), grain: Vec::new(), partition_by: Vec::new() }
}

/// (account, metric, day) to (quantity, events).
type Daily = BTreeMap<(String, String, Day), (i64, u32)>;

fn daily(company: &Company, days: Range<NaiveDate>) -> Daily {
    let contract = usage_contract();
    let mut result = Daily::new();
    for batch in usage_events(company, days, &contract) {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>();
        let quantity = batch.column_by_name("quantity").unwrap().as_primitive::<Decimal128Type>();
        let at = batch.column_by_name("occurred_at").unwrap().as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let day = Day::try_from(at.value(row).div_euclid(MICROS_PER_DAY)).unwrap();
            let key = (text("account_id").value(row).to_owned(), text("metric").value(row).to_owned(), day);
            let entry = result.entry(key).or_default();
            entry.0 += i64::try_from(quantity.value(row) / 1_000_000).unwrap();
            entry.1 += 1;
        }
    }
    result
}

#[test]
fn events_of_a_metered_metric_sum_to_what_is_billed() {
    let company = company(7, 1000);
    let days = date("2025-11-20")..date("2025-12-10");
    let events = daily(&company, days.clone());
    let activity = Activity::new(&company, days.end);
    let mut asked = 0;
    for account in &company.accounts {
        for metric in BillableMetric::ALL {
            for day in day_of(days.start)..day_of(days.end) {
                let billed = activity.billable_quantity(account, metric, date_of(day));
                let key = (account.id.clone(), metric.name().to_owned(), day);
                assert_eq!(events.get(&key).map_or(0, |entry| entry.0), billed, "{key:?}");
                asked += i64::from(billed > 0);
            }
        }
    }
    assert!(asked > 1000);
}

#[test]
fn speed_of_usage_events_is_printed() {
    let contract = usage_contract();
    let company = company(1, 10_000);
    let begun = Instant::now();
    let days = date("2026-03-01")..date("2026-06-01");
    let rows: usize = usage_events(&company, days, &contract).map(|batch| batch.unwrap().num_rows()).sum();
    eprintln!("{rows} usage events, {:.0} a second", rows as f64 / begun.elapsed().as_secs_f64());
    assert!(rows > 1_000_000);
}

#[test]
fn a_later_horizon_only_adds_events() {
    let company = company(3, 1000);
    let contract = usage_contract();
    let rows = |days: Range<NaiveDate>| -> Vec<String> {
        let batches: Vec<_> = usage_events(&company, days, &contract).map(Result::unwrap).collect();
        let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        text.lines().filter(|line| line.contains("| acc-") || line.contains("| e0")).map(str::to_owned).collect()
    };
    let march = date("2025-03-10")..date("2025-03-17");
    let whole = rows(date("2025-03-03")..date("2025-03-24"));
    let part = rows(march.clone());
    assert!(part.len() > 2000);
    assert_eq!(part, rows(march));
    let first = whole.iter().position(|row| *row == part[0]).unwrap();
    assert_eq!(&whole[first..first + part.len()], &part[..]);
}

#[test]
fn event_ids_are_unique_whatever_the_scale() {
    for scale in [1000, 20_000] {
        let company = company(5, scale);
        let contract = usage_contract();
        let mut ids = HashSet::new();
        let mut rows = 0;
        for batch in usage_events(&company, date("2025-10-01")..date("2025-10-15"), &contract) {
            let batch = batch.unwrap();
            rows += batch.num_rows();
            ids.extend(batch.column(0).as_string::<i32>().iter().map(|id| id.unwrap().to_owned()));
        }
        assert_eq!(ids.len(), rows);
    }
}

#[test]
fn usage_has_working_days_weekends_holidays_and_outages() {
    let company = company(1, 1000);
    let activity = Activity::new(&company, date("2026-11-01"));
    let mut per_day = BTreeMap::<Day, u32>::new();
    for ((_, metric, day), (_, events)) in daily(&company, date("2025-01-01")..date("2026-11-01")) {
        if metric == catalogue::ACTIONS {
            *per_day.entry(day).or_default() += events;
        }
    }
    let mean = |of: &dyn Fn(Day) -> bool| {
        let days: Vec<u32> = per_day.iter().filter(|(day, _)| of(**day)).map(|(_, events)| *events).collect();
        f64::from(days.iter().sum::<u32>()) / days.len() as f64
    };
    let working = mean(&|day| !calendar::is_weekend(day));
    assert!(mean(&calendar::is_weekend) < working * 0.25);
    let (christmas, week_before) = (day_of(date("2025-12-25")), day_of(date("2025-12-18")));
    assert!(f64::from(per_day[&christmas]) < f64::from(per_day[&week_before]) * 0.25);
    let outage = activity.climate.outages[0];
    assert!(per_day[&outage.day] < per_day[&(outage.day - 7)]);
    let half_year = |from: &str, end: &str| {
        let (from, end) = (day_of(date(from)), day_of(date(end)));
        mean(&|day| (from..end).contains(&day))
    };
    assert!(half_year("2026-02-01", "2026-07-01") > 1.3 * half_year("2025-02-01", "2025-07-01"));
}

#[test]
fn planted_declines_show_in_the_events() {
    let company = company(2, 1000);
    let horizon = date("2026-11-01");
    let events = daily(&company, date("2025-01-01")..date("2026-11-02"));
    let count = |account: &str, first: Day| -> u32 {
        let of = |day: Day| events.get(&(account.to_owned(), catalogue::ACTIONS.to_owned(), day));
        (first..first + 28).filter_map(of).map(|entry| entry.1).sum()
    };
    let (mut before, mut after, mut expected, mut silent) = (0.0, 0.0, 0.0, 0);
    for planted in planted_behaviour(&company, horizon) {
        let (from, full) = (day_of(planted.from), day_of(planted.full));
        if from < day_of(company.spec.start) + 28 || full + 28 > planted.to.map_or(day_of(horizon), day_of) {
            continue;
        }
        let (was, is) = (count(&planted.account_id, from - 28), count(&planted.account_id, full));
        match planted.kind {
            Kind::Decline => {
                before += f64::from(was);
                after += f64::from(is);
                expected += f64::from(was) * (1.0 - f64::from(planted.magnitude.unwrap()) / 100.0);
            }
            Kind::Silence => {
                assert_eq!(is, 0, "{planted:?}");
                silent += 1;
            }
            _ => {}
        }
    }
    assert!(silent > 3 && before > 5000.0);
    assert!((after / expected - 1.0).abs() < 0.1, "{after} events where {expected} were planted, from {before}");
}
