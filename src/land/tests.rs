use super::{Background, Catalog, Rollup, StreamView, land, quarantine_findings};
use crate::error::{Error, Result};
use crate::event::Reporter;
use crate::finding::Severity;
use crate::job::Job;
use crate::model::contract::ColumnType;
use crate::store::Store;
use arrow::array::{Date32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use chrono::{DateTime, NaiveDate, Utc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

struct Bench {
    folder: tempfile::TempDir,
    job: Job,
    store: Store,
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

impl Bench {
    fn new(inputs: &str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = folder.path().join("warehouse");
        let text = format!(
            "name = \"test\"\ntimezone = \"America/New_York\"\nwarehouse = \"{}\"\n[company]\ncurrency = \"USD\"\n\
             [sources.files]\nsystem = \"files\"\n{inputs}",
            warehouse.display()
        );
        let file = folder.path().join("job.toml");
        std::fs::write(&file, text).unwrap();
        let job = Job::read(&file).unwrap_or_else(|error| panic!("{error}"));
        let store = Store::open(&warehouse).unwrap();
        Bench { folder, job, store }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Lands at noon of `today`, when the day before has ended.
    fn land(&self, today: &str) -> Result<Catalog> {
        let now: DateTime<Utc> = format!("{today}T16:00:00Z").parse().unwrap();
        land(&self.store, &self.job, now, day(today), &Reporter::silent())
    }

    /// Every object of the landing area with its bytes, so that two moments can be compared.
    fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let listed = self.store.list("_tailwater").unwrap();
        let kept = listed.into_iter().filter(|object| !object.key.starts_with("_tailwater/locks/"));
        kept.map(|object| (object.key.clone(), self.store.get(&object.key).unwrap().unwrap().0)).collect()
    }
}

fn read(files: &[PathBuf]) -> Vec<RecordBatch> {
    let open =
        |path: &PathBuf| ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    files.iter().flat_map(open).map(|batch| batch.unwrap()).collect()
}

/// Some columns of some files as `a|b|c` lines.
fn lines(files: &[PathBuf], columns: &[&str]) -> Vec<String> {
    let pick = |batch: RecordBatch| {
        let at: Vec<usize> = columns.iter().map(|name| batch.schema().index_of(name).unwrap()).collect();
        batch.project(&at).unwrap()
    };
    let batches: Vec<RecordBatch> = read(files).into_iter().map(pick).collect();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(1);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|")).collect()
}

fn only(catalog: &Catalog, as_of: &str) -> StreamView {
    catalog.view(day(as_of)).unwrap().remove(0)
}

const INVOICES: &str = "[[sources.files.inputs]]\nentity = \"invoice\"\npath = \"invoices*.csv\"\n";
const HEADER: &str = "invoice_id,account_id,status,currency,total\n";

#[test]
fn a_file_lands_once_and_a_changed_one_is_a_new_version_from_its_day_on() {
    let bench = Bench::new(INVOICES);
    bench.write("invoices-1.csv", &format!("{HEADER}i1,a,open,USD,10\ni2,a,open,USD,20\n"));
    bench.write("invoices-2.csv", &format!("{HEADER}i3,a,open,USD,30\n"));
    let first = bench.land("2026-03-02").unwrap();
    let view = only(&first, "2026-03-01");
    assert_eq!((view.rows, view.origins, view.is_backdated), (3, 2, false));
    assert_eq!(
        lines(&view.files, &["invoice_id", "total", "source", "_seen_from"]),
        ["i1|10.0000|files|2026-03-01", "i2|20.0000|files|2026-03-01", "i3|30.0000|files|2026-03-01"]
    );
    let before = bench.objects();
    bench.land("2026-03-03").unwrap();
    assert_eq!(bench.objects(), before, "nothing is landed again");

    bench.write("invoices-1.csv", &format!("{HEADER}i1,a,paid,USD,10\n"));
    let second = bench.land("2026-03-06").unwrap();
    let status = |as_of: &str| lines(&only(&second, as_of).files, &["invoice_id", "status"]).join(" ");
    assert_eq!(status("2026-03-04"), "i1|open i2|open i3|open", "as it was known then");
    assert_eq!(status("2026-03-05"), "i3|open i1|paid", "the new version replaces the whole file");
    let early = only(&second, "2026-02-01");
    assert_eq!((early.rows, early.is_backdated), (2, true), "before the first landing: the newest");
    let mut numbers = lines(&only(&second, "2026-03-04").files, &["_landed"]);
    numbers.extend(lines(&only(&second, "2026-03-05").files, &["_landed"]));
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 4, "_landed is unique over files and versions");
}

#[test]
fn a_crash_between_data_and_state_lands_nothing_twice() {
    let bench = Bench::new(INVOICES);
    bench.write("invoices.csv", &format!("{HEADER}i1,a,open,USD,10\n"));
    bench.land("2026-03-02").unwrap();
    let (state, landed): (Vec<_>, Vec<_>) = bench.objects().into_iter().partition(|(key, _)| key.contains("/state/"));
    // The data is there and the state is not: what a kill between the two leaves behind.
    std::fs::remove_file(bench.store.path(&state[0].0).unwrap()).unwrap();
    let orphan = "_tailwater/landing/test/files/invoice/00000099-00000000.parquet";
    std::fs::write(bench.store.path(orphan).unwrap(), "half a file").unwrap();
    let catalog = bench.land("2026-03-02").unwrap();
    assert_eq!(only(&catalog, "2026-03-02").rows, 1);
    let after = bench.objects();
    assert_eq!(after.into_iter().collect::<Vec<_>>(), [landed, state].concat(), "the same landing, nothing else");
}

#[test]
fn an_input_that_cannot_be_read_leaves_everything_as_it_was() {
    let inputs = format!("{INVOICES}[[sources.files.inputs]]\nentity = \"payment\"\npath = \"payments.csv\"\n");
    let bench = Bench::new(&inputs);
    bench.write("invoices.csv", &format!("{HEADER}i1,a,open,USD,10\n"));
    bench.write("payments.csv", "");
    let error: Error = bench.land("2026-03-02").err().unwrap();
    assert!(error.to_string().contains("payments.csv is empty"), "{error}");
    assert_eq!(bench.objects(), BTreeMap::new());
    bench.write("payments.csv", "payment_id,account_id,attempted_at,amount,currency,status\n");
    let catalog = bench.land("2026-03-02").unwrap();
    let rows: Vec<u64> = catalog.view(day("2026-03-02")).unwrap().iter().map(|view| view.rows).collect();
    assert_eq!(rows, [1, 0], "a file with a header only has no rows");
}

#[test]
fn quarantine_stays_with_its_file_and_counts_against_the_policy() {
    let bench = Bench::new(INVOICES);
    let good = "i,a,open,USD,1\n".repeat(99);
    bench.write("invoices.csv", &format!("{HEADER}{good}i2,a,open,USD,x\ni3,,open,EUR,7.5\ni4,,open,EUR,2.5\n"));
    bench.land("2026-03-02").unwrap();
    let catalog = bench.land("2026-03-03").unwrap();
    let view = only(&catalog, "2026-03-03");
    assert_eq!((view.rows, view.quarantined), (99, 3));
    assert_eq!(view.quarantined_money, BTreeMap::from([("EUR".to_owned(), 100_000)]));
    assert_eq!(
        lines(
            &view.quarantine_files,
            &["entity", "file_name", "line_number", "column_name", "raw_value", "reason", "money"]
        ),
        [
            "invoice|invoices.csv|101|total|x|is not a number|",
            "invoice|invoices.csv|102|account_id||is missing|7.5000",
            "invoice|invoices.csv|103|account_id||is missing|2.5000",
        ]
    );
    let finding = quarantine_findings(&catalog, day("2026-03-03"), &bench.job.policy).unwrap().remove(0);
    assert_eq!((finding.severity, finding.rows), (Severity::Block, 3));
    assert_eq!(finding.observed, "3 of 102 rows could not be read (2.94 %), with 10 EUR in them");
    assert_eq!(finding.sample.len(), 3);
    let landed = pretty_format_batches(&[catalog.run_landed(day("2026-03-03")).unwrap()]).unwrap().to_string();
    assert!(landed.contains("| files  | invoice | 99          | 1            | 3 "), "{landed}");
    bench.write("invoices.csv", &format!("{HEADER}{good}"));
    let mended = bench.land("2026-03-04").unwrap();
    assert_eq!(only(&mended, "2026-03-03").quarantined, 0, "the mended file has none");
    let finding = quarantine_findings(&mended, day("2026-03-03"), &bench.job.policy).unwrap().remove(0);
    assert_eq!(finding.severity, Severity::Pass);
}

const EVENTS: &str = "[[sources.files.inputs]]\nentity = \"usage_event\"\npath = \"events*.csv\"\n";
const EVENT_HEADER: &str = "event_id,account_id,name,occurred_at\n";

fn rolled(days: &[(&str, i64)]) -> RecordBatch {
    let dates: Date32Array = days.iter().map(|(text, _)| Some(day(text).to_epoch_days())).collect();
    let counts: Int64Array = days.iter().map(|(_, count)| Some(*count)).collect();
    let fields = vec![
        Field::new("usage_date", ColumnType::Date.arrow(), true),
        Field::new("events", ColumnType::Integer.arrow(), true),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(dates), Arc::new(counts)]).unwrap()
}

fn shown(days: &BTreeMap<NaiveDate, u64>) -> String {
    days.iter().map(|(day, events)| format!("{day}={events}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_are_landed_by_day_and_only_changed_days_are_rolled_up_again() {
    let bench = Bench::new(EVENTS);
    bench.write(
        "events-1.csv",
        &format!(
            "{EVENT_HEADER}e3,b,x,2026-02-01T12:00:00Z\ne1,b,x,2026-02-01 04:59:59\ne2,a,x,2026-02-01T12:00:00Z\n"
        ),
    );
    let catalog = bench.land("2026-03-02").unwrap();
    assert_eq!(shown(&catalog.usage_days()), "2026-01-31=1 2026-02-01=2");
    let files = catalog.usage_files(day("2026-02-01"), day("2026-02-02")).unwrap();
    assert_eq!(lines(&files, &["usage_date", "event_id"]), ["2026-01-31|e1", "2026-02-01|e2", "2026-02-01|e3"]);
    assert_eq!(catalog.usage_files(day("2026-02-02"), day("2026-03-01")).unwrap().len(), 0);

    let schema = rolled(&[]).schema();
    let open =
        |catalog: &Catalog, hash: &str| Rollup::open(catalog, "rolled_usage_daily", hash, Arc::clone(&schema)).unwrap();
    let mut rollup = open(&catalog, "h");
    assert_eq!(shown(&rollup.changed_days(&catalog)), "2026-01-31=1 2026-02-01=2");
    rollup
        .replace_days(day("2026-01-31"), day("2026-02-02"), &[rolled(&[("2026-01-31", 1), ("2026-02-01", 2)])])
        .unwrap();
    rollup.commit(&catalog).unwrap();
    assert_eq!(lines(&rollup.files().unwrap(), &["usage_date", "events"]), ["2026-01-31|1", "2026-02-01|2"]);
    let (whole, before) = (bench.objects(), rollup.files().unwrap());

    let mut again = open(&catalog, "h");
    assert_eq!(shown(&again.changed_days(&catalog)), "");
    again.commit(&catalog).unwrap();
    assert_eq!(bench.objects(), whole, "nothing changed, nothing is written");

    bench.write("events-2.csv", &format!("{EVENT_HEADER}e4,a,x,2026-02-03T12:00:00Z\ne5,a,x,2026-02-01T13:00:00Z\n"));
    let catalog = bench.land("2026-03-03").unwrap();
    let mut rollup = open(&catalog, "h");
    assert_eq!(shown(&rollup.changed_days(&catalog)), "2026-02-01=3 2026-02-03=1");
    rollup.replace_days(day("2026-02-01"), day("2026-02-02"), &[rolled(&[("2026-02-01", 3)])]).unwrap();
    // A kill here leaves the old months in place.
    drop(rollup);
    let mut rollup = open(&catalog, "h");
    assert_eq!(rollup.files().unwrap(), before);
    rollup.replace_days(day("2026-02-01"), day("2026-02-02"), &[rolled(&[("2026-02-01", 3)])]).unwrap();
    assert!(rollup.replace_days(day("2026-02-01"), day("2026-02-02"), &[]).is_err(), "days come once, in order");
    rollup.replace_days(day("2026-02-03"), day("2026-02-04"), &[rolled(&[("2026-02-03", 1)])]).unwrap();
    rollup.commit(&catalog).unwrap();
    assert_eq!(
        lines(&rollup.files().unwrap(), &["usage_date", "events"]),
        ["2026-01-31|1", "2026-02-01|3", "2026-02-03|1"]
    );
    assert_eq!(
        shown(&open(&catalog, "another query").changed_days(&catalog)),
        "2026-01-31=1 2026-02-01=3 2026-02-03=1"
    );

    bench.write("events-2.csv", EVENT_HEADER);
    let catalog = bench.land("2026-03-04").unwrap();
    assert_eq!(
        shown(&open(&catalog, "h").changed_days(&catalog)),
        "2026-02-01=2 2026-02-03=0",
        "days that lost events"
    );
}

#[test]
fn a_stopped_landing_leaves_nothing_and_no_thread() {
    let bench = Bench::new(INVOICES);
    bench.write("invoices.csv", &format!("{HEADER}{}", "i1,a,open,USD,10\n".repeat(400_000)));
    let now = "2026-03-02T16:00:00Z".parse().unwrap();
    let job = Arc::new(bench.job.clone());
    let start = || {
        Background::start(bench.store.clone(), Arc::clone(&job), now, day("2026-03-01"), Reporter::silent()).unwrap()
    };
    drop(start());
    assert_eq!(bench.objects(), BTreeMap::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let catalog = runtime.block_on(start().finished()).unwrap();
    assert_eq!(only(&catalog, "2026-03-01").rows, 400_000);
}

#[test]
fn another_reading_of_the_same_bytes_is_a_new_version() {
    let bench = Bench::new(INVOICES);
    bench.write("invoices.csv", &format!("{HEADER}i1,a,open,USD,10\n"));
    bench.land("2026-03-02").unwrap();
    let text = std::fs::read_to_string(&bench.job.file).unwrap();
    std::fs::write(&bench.job.file, format!("{text}[sources.files.inputs.map]\nstatus = {{ value = \"paid\" }}\n"))
        .unwrap();
    let job = Job::read(&bench.job.file).unwrap();
    let bench = Bench { job, ..bench };
    let catalog = bench.land("2026-03-05").unwrap();
    assert_eq!(lines(&only(&catalog, "2026-03-05").files, &["status"]), ["paid"]);
    assert_eq!(lines(&only(&catalog, "2026-03-02").files, &["status"]), ["open"], "history keeps what was seen");
}

#[test]
fn raw_inputs_land_their_columns_and_may_gain_some() {
    let bench = Bench::new(
        "[[sources.files.inputs]]\nname = \"subs\"\npath = \"subs*.csv\"\ncolumns = { mrr = \"decimal(18,4)\" }\n",
    );
    bench.write("subs-1.csv", "id,mrr\n7,1.5\n");
    bench.write("subs-2.csv", "id,mrr,plan\n8,2,pro\n");
    let view = only(&bench.land("2026-03-02").unwrap(), "2026-03-02");
    assert_eq!(view.entity, None);
    let names: Vec<&str> = view.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "mrr", "plan", "_seen_from", "_landed"]);
    assert_eq!(lines(&view.files, &["id", "mrr"]), ["7|1.5000", "8|2.0000"]);
}

#[test]
fn the_sample_lands_as_its_date_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.toml");
    let text = "name = \"test\"\nwarehouse = \"w\"\n[company]\ncurrency = \"USD\"\n[sources.demo]\nsystem = \"sample\"\naccounts = 20\nstart = 2026-01-01\n";
    std::fs::write(&file, text).unwrap();
    let job = Job::read(&file).unwrap_or_else(|error| panic!("{error}"));
    let store = Store::open(folder.path().join("w")).unwrap();
    let bench = Bench { folder, job, store };
    let events = |catalog: &Catalog| catalog.usage_days().into_iter().next_back().map(|(day, _)| day.to_string());
    let first = bench.land("2026-02-10").unwrap();
    let days = first.usage_days();
    let second = bench.land("2026-02-20").unwrap();
    assert!(events(&second) > events(&first));
    let kept: BTreeMap<NaiveDate, u64> =
        second.usage_days().into_iter().filter(|(day, _)| days.contains_key(day)).collect();
    assert_eq!(kept, days, "a landed day is not landed again");
    let whole = bench.objects();
    let third = bench.land("2026-02-10").unwrap();
    assert_eq!(bench.objects(), whole, "a date that was landed is not landed again");
    let files = |catalog: &Catalog, as_of: &str| {
        catalog
            .view(day(as_of))
            .unwrap()
            .into_iter()
            .map(|view| (view.stream, view.files, view.is_backdated))
            .collect::<Vec<_>>()
    };
    let small = |mut all: Vec<(String, Vec<PathBuf>, bool)>| {
        all.retain(|(stream, ..)| stream != "usage_event");
        all
    };
    assert_eq!(small(files(&third, "2026-02-10")), small(files(&first, "2026-02-10")));
    assert!(files(&third, "2026-02-20").iter().all(|(_, _, is_backdated)| !is_backdated));
}
