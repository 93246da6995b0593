//! The record of a run: three small tables, written for every outcome, a killed run's by its successor.

use super::contracts::{self, CHECK_RESULT, RUN_HISTORY, TABLE_HISTORY};
use super::ledger::Totals;
use crate::error::{Class, Error, Result};
use crate::event::Stage;
use crate::finding::{Finding, Severity};
use crate::model::contract::{ColumnType, Contract};
use crate::publish::manifest::entry;
use crate::publish::{Manifest, Object, Published, Recovery, Stale};
use crate::store::{Lease, Phase, Precondition, Store, keys, sha256, sha256_file};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, NaiveDate, Utc};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its results are public.
    Success,
    /// Checks blocked publishing.
    Blocked,
    /// It failed.
    Failed,
    /// It was stopped or killed.
    Interrupted,
}

impl Outcome {
    /// The outcome of a run that ended with `error`, or well. `is_stopped` says that the process was told to stop.
    pub fn of(error: Option<&Error>, is_stopped: bool) -> Outcome {
        match error {
            None => Outcome::Success,
            Some(_) if is_stopped => Outcome::Interrupted,
            Some(error) if error.class() == Class::Blocked => Outcome::Blocked,
            Some(_) => Outcome::Failed,
        }
    }

    /// As records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Blocked => "blocked",
            Outcome::Failed => "failed",
            Outcome::Interrupted => "interrupted",
        }
    }
}

/// What is recorded of a run beside what it said.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// The run's id.
    pub run_id: String,
    /// The job's name.
    pub job: String,
    /// The business date; none where a killed run did not say it.
    pub as_of: Option<NaiveDate>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; none for a killed run.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of its process; none for a killed run.
    pub exit_code: Option<u8>,
    /// Whether its results are public.
    pub is_published: bool,
    /// The tables chosen by `--select`; empty for all.
    pub selection: Vec<String>,
    /// The values of all query parameters, as text.
    pub parameters: BTreeMap<String, String>,
    /// The sha256 of every SQL file used, by table.
    pub sql_hashes: BTreeMap<String, String>,
    /// The sha256 of the job file.
    pub job_hash: Option<String>,
    /// The class of its failure.
    pub error_class: Option<Class>,
    /// The sentence that says what failed.
    pub error_message: Option<String>,
}

/// Writes the record of a run: what it was, what it said, what it made public, and what that made stale. Then the
/// manifest lists the three files, unless a commit waits to be finished.
///
/// # Errors
/// The record exists already (73) or the disk failed (75).
pub fn write(
    store: &Store,
    lease: &Lease,
    run: &RunRecord,
    totals: &Totals,
    published: &[Published],
    stale: &[Stale],
) -> Result<()> {
    let tables = table_rows(run, totals, published, stale);
    // The run itself comes last: a record that is there is complete.
    put(store, run, CHECK_RESULT, &check_rows(run, &totals.findings))?;
    put(store, run, TABLE_HISTORY, &tables)?;
    put(store, run, RUN_HISTORY, &[run_row(run, totals)])?;
    list(store, lease, &[run.run_id.as_str()])
}

/// Writes the records that killed runs could not write, and forgets those runs.
///
/// # Errors
/// The disk failed (75), or somebody else replaced the lease object or the manifest (73).
pub fn write_dead(store: &Store, lease: &mut Lease, recovery: &Recovery) -> Result<()> {
    let mut runs = Vec::new();
    for dead in &recovery.dead {
        let became = if dead.is_committed { "its results are public" } else { "none of its results is public" };
        let run = RunRecord {
            run_id: dead.run.run_id.clone(),
            job: lease.job().to_owned(),
            as_of: dead.run.as_of_date.parse().ok(),
            started_at: DateTime::parse_from_rfc3339(&dead.run.started_at).ok().map(|at| at.to_utc()),
            finished_at: None,
            outcome: Outcome::Interrupted,
            exit_code: None,
            is_published: dead.is_committed,
            selection: Vec::new(),
            parameters: BTreeMap::new(),
            sql_hashes: BTreeMap::new(),
            job_hash: None,
            error_class: None,
            error_message: Some(format!("the process was killed before it could say how it ended; {became}")),
        };
        let key = key(RUN_HISTORY, &run.run_id);
        if store.size(&key)?.is_none() {
            let totals = Totals::default();
            let tables = table_rows(&run, &totals, &dead.published, &[]);
            for (table, rows) in
                [(CHECK_RESULT, Vec::new()), (TABLE_HISTORY, tables), (RUN_HISTORY, vec![run_row(&run, &totals)])]
            {
                // It may have died between its own records.
                if store.size(&self::key(table, &run.run_id))?.is_none() {
                    put(store, &run, table, &rows)?;
                }
            }
        }
        runs.push(run.run_id);
    }
    list(store, lease, &runs.iter().map(String::as_str).collect::<Vec<_>>())?;
    lease.forget_dead()
}

/// Lists the records of `runs` in the manifest.
fn list(store: &Store, lease: &Lease, runs: &[&str]) -> Result<()> {
    if lease.phase() == Phase::Committing {
        // The waiting commit's journal expects the manifest as it is.
        return Ok(());
    }
    let mut manifest = Manifest::read(store, lease.job())?;
    let mut missing: Vec<(String, Object)> = Vec::new();
    for run in runs {
        for table in [CHECK_RESULT, TABLE_HISTORY, RUN_HISTORY] {
            let key = key(table, run);
            if !manifest.objects.contains_key(&key) && store.size(&key)?.is_some() {
                let path = store.path(&key)?;
                let unreadable = |error: &dyn std::fmt::Display| {
                    Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(error)
                };
                let (hash, bytes) = sha256_file(&path).map_err(|error| unreadable(&error))?;
                let file = File::open(&path).map_err(|error| unreadable(&error))?;
                let parquet = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(&error))?;
                let rows = u64::try_from(parquet.metadata().file_metadata().num_rows()).unwrap_or_default();
                missing.push((key.clone(), entry(&key, &hash, rows, bytes, run)));
            }
        }
    }
    manifest.add(store, missing)
}

fn key(table: &str, run_id: &str) -> String {
    keys::partition(table, &[("run_id".to_owned(), run_id.to_owned())])
}

/// A value of a row about a run.
enum Value {
    Null,
    Text(String),
    Boolean(bool),
    Integer(i64),
    Date(NaiveDate),
    Timestamp(DateTime<Utc>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Boolean(value)
    }
}
impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<Duration> for Value {
    fn from(value: Duration) -> Value {
        Value::from(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }
}
impl From<NaiveDate> for Value {
    fn from(value: NaiveDate) -> Value {
        Value::Date(value)
    }
}
impl From<DateTime<Utc>> for Value {
    fn from(value: DateTime<Utc>) -> Value {
        Value::Timestamp(value)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// One value per column of the contract but `run_id`, which is the path's.
type Row = Vec<Value>;

fn run_row(run: &RunRecord, totals: &Totals) -> Row {
    let stage = |stage: Stage| Value::from(totals.stages.get(&stage).copied());
    let json = |texts: &BTreeMap<String, String>| Value::from((!texts.is_empty()).then(|| json!(texts).to_string()));
    let published = if run.is_published { totals.published_rows() } else { 0 };
    vec![
        run.job.as_str().into(),
        run.as_of.into(),
        run.started_at.into(),
        run.finished_at.into(),
        run.outcome.name().into(),
        run.exit_code.map(u64::from).into(),
        run.is_published.into(),
        env!("CARGO_PKG_VERSION").into(),
        stage(Stage::Lease),
        stage(Stage::Extract),
        stage(Stage::Land),
        stage(Stage::Transform),
        stage(Stage::Check),
        stage(Stage::Publish),
        totals.landed_rows.into(),
        totals.quarantined_rows.into(),
        published.into(),
        totals.checks(Severity::Pass).into(),
        totals.checks(Severity::Warn).into(),
        totals.checks(Severity::Block).into(),
        (!run.selection.is_empty()).then(|| run.selection.join("; ")).into(),
        json(&run.parameters),
        json(&run.sql_hashes),
        run.job_hash.clone().into(),
        run.error_class.map(class_name).into(),
        run.error_message.clone().into(),
    ]
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Usage => "usage",
        Class::Blocked => "blocked",
        Class::Unavailable => "unavailable",
        Class::Bug => "bug",
        Class::Conflict => "conflict",
        Class::TryAgain => "try_again",
    }
}

fn table_rows(run: &RunRecord, totals: &Totals, published: &[Published], stale: &[Stale]) -> Vec<Row> {
    let names = totals.tables.keys().map(String::as_str);
    let names = names.chain(published.iter().map(|object| object.table.as_str()));
    let names: BTreeSet<&str> = names.chain(stale.iter().map(|stale| stale.table.as_str())).collect();
    let row = |name: &str| {
        let files: Vec<&Published> = published.iter().filter(|object| object.table == name).collect();
        let is_public = run.is_published && !files.is_empty();
        let stale = stale.iter().find(|stale| stale.table == name);
        let built = totals.tables.get(name);
        let rows = built.map_or_else(|| files.iter().map(|file| file.rows).sum(), |total| total.rows);
        vec![
            name.into(),
            run.job.as_str().into(),
            run.as_of.into(),
            is_public.into(),
            rows.into(),
            is_public.then(|| files.iter().map(|file| file.bytes).sum::<u64>()).into(),
            is_public.then(|| hash_of(&files)).into(),
            (if is_public { files.len() as u64 } else { 0 }).into(),
            (is_public && files.iter().any(|file| file.changed)).into(),
            stale.is_some().into(),
            stale.map(|stale| stale.from_date).into(),
            built.map(|total| total.elapsed).filter(|elapsed| !elapsed.is_zero()).into(),
        ]
    };
    names.into_iter().map(row).collect()
}

fn hash_of(files: &[&Published]) -> String {
    if let [only] = files {
        return only.sha256.clone();
    }
    let lines: BTreeSet<String> = files.iter().map(|file| format!("{} {}\n", file.key, file.sha256)).collect();
    sha256(lines.into_iter().collect::<String>().as_bytes())
}

fn check_rows(run: &RunRecord, findings: &[Finding]) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    let mut sorted: Vec<(String, String, &Finding)> = Vec::new();
    for finding in findings {
        let mut check = finding.check.clone();
        // Two kinds of check may share a name, such as a column's; the key stays unique.
        if !seen.insert((finding.table.clone(), check.clone())) {
            check = format!("{check} ({})", finding.code);
            let mut number = 2;
            while !seen.insert((finding.table.clone(), check.clone())) {
                check = format!("{} ({} {number})", finding.check, finding.code);
                number += 1;
            }
        }
        sorted.push((finding.table.clone(), check, finding));
    }
    sorted.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let row = |(table, check, finding): (String, String, &Finding)| {
        vec![
            table.into(),
            check.into(),
            run.job.as_str().into(),
            run.as_of.into(),
            finding.code.as_str().into(),
            severity_name(finding.severity).into(),
            finding.observed.as_str().into(),
            finding.expected.as_str().into(),
            finding.rows.into(),
            sample(finding).into(),
        ]
    };
    sorted.into_iter().map(row).collect()
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Pass => "pass",
        Severity::Warn => "warn",
        Severity::Block => "block",
    }
}

fn sample(finding: &Finding) -> Option<String> {
    let object = |row: &Vec<(String, String)>| {
        row.iter().map(|(column, value)| (column.clone(), json!(value))).collect::<Map<_, _>>()
    };
    let rows: Vec<_> = finding.sample.iter().map(object).collect();
    (!rows.is_empty()).then(|| json!(rows).to_string())
}

fn put(store: &Store, run: &RunRecord, table: &str, rows: &[Row]) -> Result<()> {
    let contract = contracts::all().into_iter().find(|contract| contract.table == table);
    let contract = contract.ok_or_else(|| Error::bug(format!("{table} is no table about runs")))?;
    let key = key(table, &run.run_id);
    let draft = store.draft(&key)?;
    let broken =
        |error: &dyn std::fmt::Display| Error::new(Class::TryAgain, format!("could not write {key}")).caused_by(error);
    let batch = batch(&contract, rows).map_err(|error| broken(&error))?;
    let level = ZstdLevel::try_new(3).map_err(|error| broken(&error))?;
    let model = KeyValue::new("tailwater.model".to_owned(), table.to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_key_value_metadata(Some(vec![model]))
        .build();
    let mut writer =
        ArrowWriter::try_new(draft.file()?, batch.schema(), Some(properties)).map_err(|error| broken(&error))?;
    writer.write(&batch).and_then(|()| writer.close()).map_err(|error| broken(&error))?;
    draft.commit(&Precondition::Absent).map(|_| ())
}

fn batch(contract: &Contract, rows: &[Row]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = contract.columns.iter().filter(|column| !contract.partition_by.contains(&column.name));
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (at, column) in columns.enumerate() {
        fields.push(Field::new(&column.name, column.ty.arrow(), true));
        arrays.push(array(column.ty, rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null))));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn array<'a>(ty: ColumnType, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    match ty {
        ColumnType::Text => {
            Arc::new(values.map(|v| if let Value::Text(text) = v { Some(text) } else { None }).collect::<StringArray>())
        }
        ColumnType::Boolean => Arc::new(
            values.map(|v| if let Value::Boolean(is) = v { Some(*is) } else { None }).collect::<BooleanArray>(),
        ),
        ColumnType::Integer => {
            Arc::new(values.map(|v| if let Value::Integer(n) = v { Some(*n) } else { None }).collect::<Int64Array>())
        }
        ColumnType::Date => {
            let days = values.map(|v| if let Value::Date(date) = v { Some(date.to_epoch_days()) } else { None });
            Arc::new(days.collect::<Date32Array>())
        }
        ColumnType::Timestamp => {
            let micros = values.map(|v| if let Value::Timestamp(at) = v { Some(at.timestamp_micros()) } else { None });
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        // No table about runs has these; a column of them would be all null and the writer would refuse its type.
        ColumnType::Decimal { .. } => Arc::new(values.map(|_| None::<i128>).collect::<Decimal128Array>()),
        ColumnType::Float => Arc::new(values.map(|_| None::<f64>).collect::<Float64Array>()),
    }
}
