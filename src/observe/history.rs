//! Past runs of a job, newest first.

use super::contracts::RUN_HISTORY;
use super::format::{count, counted, cut, date, duration};
use super::paint::{Ink, Paint};
use crate::error::{Class, Error, Result};
use crate::store::{Store, keys};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, Utc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// One run of `run_history`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub run_id: String,
    /// The business date it computed.
    pub as_of: Option<NaiveDate>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; none where it was killed.
    pub finished_at: Option<DateTime<Utc>>,
    /// success, blocked, failed or interrupted.
    pub outcome: String,
    /// The exit code; none where it was killed.
    pub exit_code: Option<i64>,
    /// Whether its results became public.
    pub is_published: bool,
    /// Rows landed.
    pub landed_rows: u64,
    /// Rows put into quarantine.
    pub quarantined_rows: u64,
    /// Rows made public.
    pub published_rows: u64,
    /// Checks that warned.
    pub checks_warned: u64,
    /// Checks that blocked.
    pub checks_blocked: u64,
    /// Why it did not succeed.
    pub error_message: Option<String>,
}

/// All recorded runs of `job`, newest first. Runs of a commit that waits to be finished are among them.
///
/// # Errors
/// A record cannot be read (75).
pub fn history(store: &Store, job: &str) -> Result<Vec<RunRow>> {
    let mut runs = Vec::new();
    for listed in store.list(RUN_HISTORY)? {
        let path = store.path(&listed.key)?;
        let Some((_, run_id)) = keys::partition_values(&listed.key).into_iter().find(|(column, _)| column == "run_id")
        else {
            continue;
        };
        for batch in read(&path)? {
            runs.extend((0..batch.num_rows()).filter_map(|row| run_row(&batch, row, job, &run_id)));
        }
    }
    runs.sort_by(|a, b| (b.started_at, &b.run_id).cmp(&(a.started_at, &a.run_id)));
    Ok(runs)
}

fn read(path: &Path) -> Result<Vec<RecordBatch>> {
    let file = File::open(path).map_err(|error| Error::io("read", path, &error))?;
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(error)
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let reader = reader.map_err(|error| unreadable(&error))?;
    reader.collect::<Result<_, _>>().map_err(|error| unreadable(&error))
}

fn run_row(batch: &RecordBatch, row: usize, job: &str, run_id: &str) -> Option<RunRow> {
    // A column that an older version did not write is unknown.
    let column = |name: &str| batch.column_by_name(name).filter(|column| column.is_valid(row));
    let text = |name: &str| Some(column(name)?.as_string_opt::<i32>()?.value(row).to_owned());
    let number = |name: &str| Some(column(name)?.as_primitive_opt::<Int64Type>()?.value(row));
    let counted = |name: &str| number(name).and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    let instant = |name: &str| {
        let micros = column(name)?.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
        DateTime::from_timestamp_micros(micros)
    };
    let day = || NaiveDate::from_epoch_days(column("as_of_date")?.as_primitive_opt::<Date32Type>()?.value(row));
    let is_published = || Some(column("is_published")?.as_boolean_opt()?.value(row));
    if text("job").as_deref() != Some(job) {
        return None;
    }
    Some(RunRow {
        run_id: run_id.to_owned(),
        as_of: day(),
        started_at: instant("started_at"),
        finished_at: instant("finished_at"),
        outcome: text("outcome").unwrap_or_default(),
        exit_code: number("exit_code"),
        is_published: is_published().unwrap_or_default(),
        landed_rows: counted("landed_rows"),
        quarantined_rows: counted("quarantined_rows"),
        published_rows: counted("published_rows"),
        checks_warned: counted("checks_warned"),
        checks_blocked: counted("checks_blocked"),
        error_message: text("error_message"),
    })
}

/// The runs as a table for people; the reason of a run that did not succeed stands under it.
pub fn render(runs: &[RunRow], paint: Paint) -> String {
    if runs.is_empty() {
        return "No runs are recorded yet.\n".to_owned();
    }
    let width = runs.iter().map(|run| run.run_id.chars().count()).max().unwrap_or_default().max(3);
    let head = format!(
        "{:<width$}  {:<11}  {:<17}  {:>10}  {:<11}  {:>12}  checks",
        "run", "as of", "started (UTC)", "took", "outcome", "rows"
    );
    let mut text = format!("{}\n", paint.ink(Ink::Bold, &head));
    for run in runs {
        let unknown = || "-".to_owned();
        let took = match (run.started_at, run.finished_at) {
            (Some(from), Some(to)) => (to - from).to_std().map(duration).unwrap_or_else(|_| unknown()),
            _ => unknown(),
        };
        let ink = match run.outcome.as_str() {
            "success" => Ink::Green,
            "interrupted" => Ink::Yellow,
            _ => Ink::Red,
        };
        text.push_str(&format!(
            "{:<width$}  {:>11}  {:>17}  {took:>10}  {}  {:>12}  {}\n",
            run.run_id,
            run.as_of.map_or_else(unknown, date),
            run.started_at.map_or_else(unknown, |at| at.format("%-d %b %Y %H:%M").to_string()),
            paint.ink(ink, &format!("{:<11}", run.outcome)),
            count(run.published_rows),
            checks(run),
        ));
        if let Some(reason) = &run.error_message {
            let reason = reason.lines().next().unwrap_or_default();
            text.push_str(&format!("{}\n", paint.ink(Ink::Dim, &format!("  {}", cut(reason, 96)))));
        }
    }
    text
}

fn checks(run: &RunRow) -> String {
    let mut words = Vec::new();
    if run.checks_blocked > 0 {
        words.push(format!("{} blocked", count(run.checks_blocked)));
    }
    if run.checks_warned > 0 {
        words.push(counted(run.checks_warned, "warning"));
    }
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}
