//! Records of runs, written and read back.

use super::history::render;
use super::paint::Paint;
use super::records::{self, Outcome, RunRecord};
use super::*;
use crate::error::{Class, Error};
use crate::event::{Event, Reporter, Stage};
use crate::finding::{Finding, Severity};
use crate::publish::{Manifest, Published, Stale, recover};
use crate::store::{Holder, Lease, Store};
use chrono::{DateTime, Utc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::time::Duration;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn lease(store: &Store, run: &str) -> Lease {
    let holder = Holder {
        job: "nightly".to_owned(),
        run_id: run.to_owned(),
        started_at: "2026-11-22T05:00:00Z".to_owned(),
        as_of_date: "2026-11-21".to_owned(),
    };
    Lease::acquire(store, &holder).unwrap()
}

fn record(run: &str, started_at: &str, error: Option<&Error>) -> RunRecord {
    RunRecord {
        run_id: run.to_owned(),
        job: "nightly".to_owned(),
        as_of: "2026-11-21".parse().ok(),
        started_at: Some(instant(started_at)),
        finished_at: Some(instant(started_at) + Duration::from_millis(6_400)),
        outcome: Outcome::of(error, false),
        exit_code: Some(error.map_or(0, |error| error.class().exit_code())),
        is_published: error.is_none(),
        selection: Vec::new(),
        parameters: BTreeMap::from([("as_of".to_owned(), "2026-11-21".to_owned())]),
        sql_hashes: BTreeMap::new(),
        job_hash: Some("ab".to_owned()),
        error_class: error.map(Error::class),
        error_message: error.map(|error| error.message().to_owned()),
    }
}

fn finding(code: &str, severity: Severity) -> Finding {
    Finding {
        code: code.to_owned(),
        severity,
        table: "obligation".to_owned(),
        check: "amount".to_owned(),
        observed: "2 rows".to_owned(),
        expected: "none".to_owned(),
        rows: 2,
        sample: vec![vec![("obligation_id".to_owned(), "x".to_owned())]],
    }
}

fn said() -> Ledger {
    let ledger = Ledger::new();
    let reporter = Reporter::new(vec![Box::new(ledger.clone())]);
    let key = "obligation/as_of_date=2026-11-21/part-0.parquet".to_owned();
    for event in [
        Event::StageFinished { stage: Stage::Transform, elapsed: Duration::from_millis(1_234) },
        Event::Built { table: "obligation".to_owned(), rows: 7, elapsed: Duration::from_millis(20) },
        Event::Built { table: "line_grid".to_owned(), rows: 9, elapsed: Duration::from_millis(5) },
        Event::Checked(finding("not-null", Severity::Pass)),
        Event::Checked(finding("expect", Severity::Warn)),
        Event::Published { table: "obligation".to_owned(), key, rows: 7, bytes: 99, changed: true },
    ] {
        reporter.say(event);
    }
    ledger
}

fn published() -> Vec<Published> {
    vec![Published {
        table: "obligation".to_owned(),
        key: "obligation/as_of_date=2026-11-21/part-0.parquet".to_owned(),
        rows: 7,
        bytes: 99,
        sha256: "cd".to_owned(),
        changed: true,
    }]
}

/// The rows of one table about runs as text, the run first.
fn rows(store: &Store, table: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for listed in store.list(table).unwrap() {
        let file = std::fs::File::open(store.path(&listed.key).unwrap()).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let value =
                    |column: &arrow::array::ArrayRef| arrow::util::display::array_value_to_string(column, row).unwrap();
                rows.push(batch.columns().iter().map(value).collect::<Vec<_>>().join("|"));
            }
        }
    }
    rows
}

#[test]
fn a_record_is_written_for_every_outcome_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let lease = lease(&store, "r1");
    let stale = Stale {
        table: "obligation".to_owned(),
        from_date: "2026-11-22".parse().unwrap(),
        partitions: 1,
        rests_on: None,
    };
    let totals = said().totals();
    records::write(&store, &lease, &record("r1", "2026-11-22T05:00:00Z", None), &totals, &published(), &[stale])
        .unwrap();
    let blocked = Error::new(Class::Blocked, "2 checks blocked publishing");
    let second = record("r2", "2026-11-23T05:00:00Z", Some(&blocked));
    records::write(&store, &lease, &second, &totals, &[], &[]).unwrap();

    assert_eq!(
        rows(&store, "table_history"),
        [
            "line_grid|nightly|2026-11-21|false|9|||0|false|false||5",
            "obligation|nightly|2026-11-21|true|7|99|cd|1|true|true|2026-11-22|20",
            "line_grid|nightly|2026-11-21|false|9|||0|false|false||5",
            "obligation|nightly|2026-11-21|false|7|||0|false|false||20",
        ]
    );
    let checks = rows(&store, "check_result");
    assert_eq!(
        checks[0],
        "obligation|amount|nightly|2026-11-21|not-null|pass|2 rows|none|2|[{\"obligation_id\":\"x\"}]"
    );
    assert!(checks[1].starts_with("obligation|amount (expect)|nightly|2026-11-21|expect|warn|"), "{}", checks[1]);

    let runs = history(&store, "nightly").unwrap();
    assert_eq!(runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), ["r2", "r1"]);
    assert_eq!((runs[0].outcome.as_str(), runs[0].exit_code, runs[0].published_rows), ("blocked", Some(65), 0));
    assert_eq!((runs[1].outcome.as_str(), runs[1].published_rows, runs[1].checks_warned), ("success", 7, 1));
    assert!(history(&store, "other").unwrap().is_empty());
    let expected = "\
run  as of        started (UTC)            took  outcome              rows  checks
r2   21 Nov 2026  23 Nov 2026 05:00       6.4 s  blocked                 0  1 warning
  2 checks blocked publishing
r1   21 Nov 2026  22 Nov 2026 05:00       6.4 s  success                 7  1 warning
";
    assert_eq!(render(&runs, Paint::PLAIN), expected);

    let manifest = Manifest::read(&store, "nightly").unwrap();
    assert_eq!(manifest.objects.len(), 6, "the manifest lists the tables about runs too");
    assert_eq!(manifest.partitions(&store, "table_history").unwrap().iter().map(|p| p.rows).sum::<u64>(), 4);
}

#[test]
fn a_killed_run_is_recorded_by_its_successor_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    lease(&store, "dead").die();
    for run in ["next", "after"] {
        let mut lease = lease(&store, run);
        let recovery = recover(&store, &mut lease, &Reporter::silent()).unwrap();
        records::write_dead(&store, &mut lease, &recovery).unwrap();
        assert!(lease.dead().is_empty());
        let runs = history(&store, "nightly").unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(
            (runs[0].run_id.as_str(), runs[0].outcome.as_str(), runs[0].exit_code),
            ("dead", "interrupted", None)
        );
        assert_eq!(runs[0].started_at, Some(instant("2026-11-22T05:00:00Z")));
    }
}

#[test]
fn columns_and_contracts_of_the_tables_about_runs_agree() {
    for contract in contracts::all() {
        assert!(contract.columns.iter().all(|column| !column.doc.is_empty()));
        assert!(contract.grain.iter().all(|name| contract.column(name).is_some_and(|column| column.required)));
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let lease = lease(&store, "r1");
    records::write(&store, &lease, &record("r1", "2026-11-22T05:00:00Z", None), &said().totals(), &published(), &[])
        .unwrap();
    for contract in contracts::all() {
        let inside = contract.columns.len() - contract.partition_by.len();
        // A value that had no column, or not its type, would be missing here.
        let key = &store.list(&contract.table).unwrap()[0].key;
        let file = std::fs::File::open(store.path(key).unwrap()).unwrap();
        let schema = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().clone();
        assert_eq!(schema.fields().len(), inside);
        for field in schema.fields() {
            assert_eq!(field.data_type(), &contract.column(field.name()).unwrap().ty.arrow(), "{}", field.name());
        }
    }
    let run = &rows(&store, "run_history")[0];
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        *run,
        format!(
            "nightly|2026-11-21|2026-11-22T05:00:00Z|2026-11-22T05:00:06.400Z|success|0|true|{version}||||1234|||0|0|7|1|1|0|||\
             {{\"as_of\":\"2026-11-21\"}}||ab||"
        )
        .replace("||{", "|{")
    );
}
