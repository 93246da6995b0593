//! The summary as people see it, and the questions behind it.

use super::*;
use crate::event::Stage;
use crate::finding::{Finding, Severity};
use crate::model::engine::{EngineConfig, session};
use crate::observe::ledger::TableTotal;
use crate::observe::paint::Paint;
use std::collections::BTreeMap;

fn texts<T: Copy>(pairs: &[(&str, T)]) -> Vec<(String, T)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

fn kind(class: &str, findings: u64, reporting: i128, by_currency: &[(&str, i128)]) -> Kind {
    let by_currency = texts(by_currency);
    Kind { class: class.to_owned(), findings, reporting, unconverted: 0, by_currency }
}

fn top(account: &str, code: &str, amount: i128, currency: &str, reason: &str) -> TopFinding {
    TopFinding {
        account: account.to_owned(),
        class: "leak".to_owned(),
        code: code.to_owned(),
        amount,
        currency: currency.to_owned(),
        reason: reason.to_owned(),
    }
}

fn example_answers() -> Answers {
    let leak = [("EUR", 80_000_000), ("GBP", 5_000_000), ("JPY", 1_200_000_000), ("USD", 123_456_000)];
    let discount = "The 15 % discount ended on 1 Mar 2026 and invoices of April to November still take it off: \
                    8 x 390.00 not billed.";
    Answers {
        money: Some(vec![
            kind("exposure", 17, 800_000_000, &[("USD", 800_000_000)]),
            Kind { unconverted: 1, ..kind("leak", 42, 210_041_100, &leak) },
        ]),
        rate: Some(Rate { currency: "USD".to_owned(), underbilled: 209_000_000, billable: 11_403_221_000 }),
        top: vec![
            top("Northwind Traders", "P1", 31_200_000, "USD", discount),
            top("株式会社アオイ", "C3", 1_200_000_000, "JPY", "Nothing billed since 1 Sep 2026."),
        ],
        health: Some(texts(&[("red", 12), ("yellow", 40), ("green", 250), ("insufficient_data", 18)])),
        unverified: Some(Unverified {
            obligations: 118,
            due: 11_238,
            blocked: texts(&[("EUR", 1_000_000_000), ("USD", 2_301_120_000)]),
            missing_terms: texts(&[("usage", 80), ("unit_price", 38)]),
        }),
        quarantined: Some(Quarantined { rows: 12, money: texts(&[("USD", 4_000_000)]) }),
    }
}

fn example_totals() -> Totals {
    let total =
        |rows, partitions, changed, bytes| TableTotal { rows, partitions, changed, bytes, ..TableTotal::default() };
    let finding = Finding {
        code: "sql-check".to_owned(),
        severity: Severity::Warn,
        table: "source_coverage".to_owned(),
        check: "late_source".to_owned(),
        observed: "1 source is 3 days old".to_owned(),
        expected: "newest row at most 1 day old".to_owned(),
        rows: 1,
        sample: Vec::new(),
    };
    let stages = [
        (Stage::Lease, 3),
        (Stage::Extract, 812),
        (Stage::Land, 1_204),
        (Stage::Transform, 3_649),
        (Stage::Publish, 402),
    ];
    Totals {
        landed_rows: 1_203_113,
        quarantined_rows: 12,
        findings: vec![finding],
        tables: BTreeMap::from([
            ("account_health".to_owned(), total(320, 1, 1, 18_200)),
            ("contract_drift".to_owned(), total(62, 1, 1, 21_999)),
            ("obligation".to_owned(), total(11_238, 1, 0, 412_000)),
            ("revenue_leakage".to_owned(), total(4_100, 1, 1, 55_000)),
            ("source_coverage".to_owned(), total(38, 1, 1, 5_800)),
            ("usage_daily".to_owned(), total(512_044, 23, 1, 3_912_345)),
        ]),
        stages: stages.map(|(stage, ms)| (stage, Duration::from_millis(ms))).into(),
        ..Totals::default()
    }
}

fn example() -> Summary {
    Summary {
        job: "demo".to_owned(),
        run_id: "demo-20261122T050001Z-1".to_owned(),
        as_of: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
        currency: "USD".to_owned(),
        elapsed: Duration::from_millis(6_420),
        is_published: true,
        warehouse: PathBuf::from("/data/warehouse"),
        totals: example_totals(),
        stale: vec![Stale {
            table: "contract_drift".to_owned(),
            from_date: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
            partitions: 2,
            rests_on: None,
        }],
        answers: example_answers(),
    }
}

const EXAMPLE: &str = "\
demo as of 21 Nov 2026                                                         done in 6.4 s

MONEY FOUND
  leak                     USD 21,004.11  42 findings   due and not billed
                   EUR 8,000.00 · GBP 500.00 · JPY 120,000 · USD 12,345.60
                   without 1 finding, for want of a rate
  liability                            -  none          billed and not due
  unpaid                   USD 80,000.00  17 findings   billed and overdue
  leakage rate                    1.83 %  USD 20,900.00 of USD 1,140,322.10 billable

LARGEST FINDINGS
  1.       USD 3,120.00  Northwind Traders  leak P1
                         The 15 % discount ended on 1 Mar 2026 and invoices of April to
                         November still take it off: 8 x 390.00 not billed.
  2.        JPY 120,000  株式会社アオイ  leak C3
                         Nothing billed since 1 Sep 2026.

ACCOUNT HEALTH  320 accounts
  red                   12  ██
  yellow                40  █████
  green                250  ███████████████████████████████
  insufficient data     18  ██

COULD NOT BE VERIFIED  118 of 11,238 obligations due
  money in them    EUR 100,000.00 · USD 230,112.00
  missing terms    usage 80 · unit_price 38

LOOK AT
  quarantine       12 rows · USD 400.00
  check            source_coverage.late_source: 1 source is 3 days old
  stale            contract_drift: 2 later dates from 22 Nov 2026 rest on what was replaced

TABLES
  account_health         320 rows    18.2 kB
  contract_drift          62 rows    22.0 kB
  obligation          11,238 rows   412.0 kB  unchanged
  revenue_leakage      4,100 rows    55.0 kB
  source_coverage         38 rows     5.8 kB
  usage_daily        512,044 rows     3.9 MB  23 partitions, 1 changed

TIME  extract 0.8 s · land 1.2 s · transform 3.6 s · publish 0.4 s

WAREHOUSE  /data/warehouse

Paste into DuckDB:
from '/data/warehouse/contract_drift/*/*.parquet' where as_of_date = '2026-11-21' order by leak_amount_reporting desc limit 20;
";

#[test]
fn the_summary_of_a_good_run() {
    let text = render(&example(), Paint::PLAIN);
    assert_eq!(text, EXAMPLE, "\n{text}");
    let widest = text.lines().filter(|line| !line.starts_with("from ")).map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
}

#[test]
fn a_run_of_some_tables_says_what_it_knows() {
    let mut few = example();
    few.totals.tables.retain(|table, _| table == "usage_daily");
    let text = render(&few, Paint::PLAIN);
    // The warehouse holds the other tables, from another run: this one did not look.
    assert!(!text.contains("MONEY FOUND") && !text.contains("ACCOUNT HEALTH"), "{text}");
    assert!(text.contains("from '/data/warehouse/usage_daily/*/*.parquet' limit 20;"), "{text}");
    let summary = Summary { answers: Answers::default(), stale: Vec::new(), totals: Totals::default(), ..example() };
    let text = render(&Summary { is_published: false, ..summary }, Paint::PLAIN);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.ends_with("nothing published in 6.4 s\n"), "{text}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let painted = render(&example(), Paint::COLOUR);
    let mut plain = String::new();
    let mut rest = painted.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, EXAMPLE.lines().collect::<Vec<_>>());
}

#[test]
fn the_summary_for_machines_keeps_every_digit() {
    let value = json(&example());
    assert_eq!(value["money"][1]["amount"]["USD"], "12345.6000");
    assert_eq!(value["tables"]["usage_daily"]["rows"], 512_044);
    assert_eq!(value["health"]["red"], 12);
    assert!(!value.to_string().contains('\n'));
}

const TABLES: [&str; 5] = [
    "create view contract_drift as
        select column1 as finding_id, column2 as class, column3 as check_code, column4 as account_name, 'a1' as account_id,
            cast(column5 as decimal(18, 4)) as leak_amount, column6 as currency,
            cast(column7 as decimal(18, 4)) as leak_amount_reporting, 'why' as explanation,
            cast(column8 as date) as as_of_date
        from (values
            ('f1', 'leak', 'P1', 'Ann', 100.5, 'EUR', 120.6, '2026-11-21'),
            ('f2', 'leak', 'C3', null, 70, 'USD', 70, '2026-11-21'),
            ('f3', 'leak', 'C1', 'Cid', 5, 'XXX', null, '2026-11-21'),
            ('f4', 'exposure', 'R1', 'Dan', 900, 'USD', 900, '2026-11-21'),
            ('f5', 'liability', 'O2', 'Eve', -80, 'USD', -80, '2026-11-21'),
            ('f6', 'timing', 'C11', 'Fay', 0, 'USD', 0, '2026-11-21'),
            ('f1', 'leak', 'P1', 'Ann', 100.5, 'EUR', 120.6, '2026-11-20'))",
    "create view revenue_leakage as
        select cast(3.5 as decimal(18, 4)) as underbilled_reporting, cast(100 as decimal(18, 4)) as billable_reporting,
            cast('2026-11-21' as date) as as_of_date",
    "create view obligation as
        select column1 as verdict, column2 as missing_term, 'USD' as currency,
            cast(column3 as decimal(18, 4)) as blocked_amount, cast('2026-11-21' as date) as as_of_date
        from (values ('verified', null, null), ('unverifiable', 'unit_price; quantity', 10), ('unverifiable', 'quantity', 5),
            ('not_due', null, null))",
    "create view account_health as
        select column1 as band, false as is_churned, cast('2026-11-21' as date) as as_of_date from (values ('red'), ('green'), ('green'))",
    "create view source_coverage as
        select column1 as quarantined_currency, column2 as quarantined_rows, cast(column3 as decimal(18, 4)) as quarantined_money,
            cast('2026-11-21' as date) as as_of_date
        from (values ('EUR', 3, 12.5), (null, 2, null), ('USD', 0, null))",
];

#[tokio::test]
async fn the_tables_are_asked_as_of_the_date() {
    let session = session(&EngineConfig::default()).unwrap();
    let date = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    assert_eq!(collect(&session, date, "USD").await.unwrap(), Answers::default(), "no table, no answer");
    for table in TABLES {
        session.sql(table).await.unwrap();
    }
    let answers = collect(&session, date, "USD").await.unwrap();
    let kinds = answers.money.unwrap();
    let leak =
        Kind { unconverted: 1, ..kind("leak", 3, 1_906_000, &[("EUR", 1_005_000), ("USD", 700_000), ("XXX", 50_000)]) };
    assert_eq!(kinds.iter().find(|kind| kind.class == "leak"), Some(&leak));
    assert_eq!(kinds.len(), 3, "a finding without money is no money found");
    let named: Vec<(&str, &str)> = answers.top.iter().map(|top| (top.code.as_str(), top.account.as_str())).collect();
    assert_eq!(named, [("P1", "Ann"), ("O2", "Eve"), ("C3", "a1"), ("C1", "Cid"), ("R1", "Dan")]);
    assert_eq!(answers.rate, Some(Rate { currency: "USD".to_owned(), underbilled: 35_000, billable: 1_000_000 }));
    assert_eq!(answers.health.unwrap(), texts(&[("red", 1), ("yellow", 0), ("green", 2), ("insufficient_data", 0)]));
    assert_eq!(answers.quarantined, Some(Quarantined { rows: 5, money: texts(&[("EUR", 125_000)]) }));
    let unverified = answers.unverified.unwrap();
    assert_eq!((unverified.obligations, unverified.due), (2, 3));
    assert_eq!(unverified.blocked, texts(&[("USD", 150_000)]));
    assert_eq!(unverified.missing_terms, texts(&[("quantity", 2), ("unit_price", 1)]));
}
