//! Roll-ups of usage events are landing state: one file a month and table, rewritten only for days that changed.

use super::catalog::Catalog;
use super::state::{self, Area};
use super::writer::{FileWriter, ROW_GROUP_ROWS, properties};
use crate::error::{Class, Error, Result};
use crate::store::{ETag, Precondition, Store};
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Date32Type, SchemaRef};
use chrono::{Datelike, Days, Months, NaiveDate};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// The layout of the state object.
const FORMAT: u32 = 1;

/// Rows of a written batch, so that a file's bytes do not depend on how its rows arrived.
const CHUNK_ROWS: usize = 8_192;

/// The state of one rolled table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RollupState {
    format: u32,
    table: String,
    /// The hash of the query that made the rows: another query makes all days anew.
    model_hash: String,
    sequence: u64,
    /// First day of a month to its file.
    months: BTreeMap<NaiveDate, Month>,
    /// The landed files whose events are counted, each with its days as runs of first and last.
    inputs: BTreeMap<String, Vec<(NaiveDate, NaiveDate)>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Month {
    key: String,
    rows: u64,
}

/// A rolled table while its changed days are replaced.
#[derive(Debug)]
pub struct Rollup {
    store: Store,
    key: String,
    prefix: String,
    schema: SchemaRef,
    state: RollupState,
    etag: Option<ETag>,
    /// The month that is being put together, and what replaces its days.
    open: Option<OpenMonth>,
    is_changed: bool,
}

#[derive(Debug)]
struct OpenMonth {
    month: NaiveDate,
    replaced: BTreeSet<NaiveDate>,
    rows: Vec<RecordBatch>,
}

impl Rollup {
    /// Opens the table as it was left; `schema` has a date column `usage_date`. Rows made by a query with another
    /// `model_hash` are not used.
    ///
    /// # Errors
    /// Its state cannot be read (75) or is of another layout (70).
    pub fn open(catalog: &Catalog, table: &str, model_hash: &str, schema: SchemaRef) -> Result<Rollup> {
        let Area { store, .. } = catalog.area();
        let area = catalog.area();
        let key = format!("{}/{table}.json", area.rollups());
        let prefix = area.landing("_rollups", table);
        let read: Option<(RollupState, ETag)> = store.get_json(&key)?;
        let (mut state, etag) =
            read.map_or_else(|| (RollupState::default(), None), |(state, etag)| (state, Some(etag)));
        if etag.is_some() && state.format != FORMAT {
            return Err(Error::bug(format!("{key} has layout {}, this version knows {FORMAT}", state.format))
                .help("use the version of tailwater that wrote it"));
        }
        sweep(store, &prefix, &state)?;
        if state.model_hash != model_hash {
            let sequence = state.sequence;
            let (table, model_hash) = (table.to_owned(), model_hash.to_owned());
            state = RollupState { format: FORMAT, table, model_hash, sequence, ..RollupState::default() };
        }
        state.sequence += 1;
        Ok(Rollup { store: store.clone(), key, prefix, schema, state, etag, open: None, is_changed: false })
    }

    /// The days whose events are not those that were rolled up last, with the events they hold now: none for a day
    /// whose events are all gone.
    pub fn changed_days(&self, catalog: &Catalog) -> BTreeMap<NaiveDate, u64> {
        let inputs = catalog.usage_inputs();
        let mut changed: BTreeSet<NaiveDate> = BTreeSet::new();
        for (_, days) in inputs.iter().filter(|(key, _)| !self.state.inputs.contains_key(**key)) {
            changed.extend(days.keys());
        }
        for (_, runs) in self.state.inputs.iter().filter(|(key, _)| !inputs.contains_key(key.as_str())) {
            for (first, last) in runs {
                changed.extend(first.iter_days().take_while(|day| day <= last));
            }
        }
        let held = catalog.usage_days();
        changed.into_iter().map(|day| (day, held.get(&day).copied().unwrap_or(0))).collect()
    }

    /// Replaces all rows of the days from `from` up to but not including `to` by those of `batches`. Spans come in
    /// ascending order and do not overlap; rows are in the order they are kept in, days ascending.
    ///
    /// # Errors
    /// A span comes out of order, or a row lies outside its span (70); a file cannot be read or written (75).
    pub fn replace_days(&mut self, from: NaiveDate, to: NaiveDate, batches: &[RecordBatch]) -> Result<()> {
        self.is_changed = true;
        let mut start = from;
        let mut placed = 0;
        while start < to {
            let month = first_of_month(start);
            let end = to.min(month.checked_add_months(Months::new(1)).unwrap_or(to));
            if self.open.as_ref().is_some_and(|open| open.month != month) {
                self.close_month()?;
            }
            let open =
                self.open.get_or_insert_with(|| OpenMonth { month, replaced: BTreeSet::new(), rows: Vec::new() });
            let days = start.iter_days().take_while(|day| *day < end);
            for day in days {
                if open.replaced.last().is_some_and(|last| *last >= day) {
                    return Err(Error::bug(format!("day {day} of {} was rolled up out of order", self.state.table)));
                }
                open.replaced.insert(day);
            }
            for batch in batches {
                let batch = conform(batch, &self.schema)?;
                let kept = keep(&batch, |day| day >= start.to_epoch_days() && day < end.to_epoch_days())?;
                placed += kept.num_rows();
                if kept.num_rows() > 0 {
                    open.rows.push(kept);
                }
            }
            start = end;
        }
        if placed != batches.iter().map(RecordBatch::num_rows).sum::<usize>() {
            return Err(Error::bug(format!("{} was rolled up with rows outside {from} to {to}", self.state.table)));
        }
        Ok(())
    }

    fn close_month(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let mut by_day: BTreeMap<i32, Vec<RecordBatch>> = BTreeMap::new();
        let replaced: BTreeSet<i32> = open.replaced.iter().map(Datelike::num_days_from_ce).map(from_ce).collect();
        if let Some(month) = self.state.months.get(&open.month) {
            for batch in self.read(&month.key)? {
                split(&keep(&batch, |day| !replaced.contains(&day))?, &mut by_day)?;
            }
        }
        for batch in &open.rows {
            split(batch, &mut by_day)?;
        }
        let rows: Vec<RecordBatch> = by_day.into_values().flatten().collect();
        if rows.is_empty() {
            self.state.months.remove(&open.month);
            return Ok(());
        }
        let whole = concat_batches(&self.schema, &rows)
            .map_err(|error| Error::bug("rolled days do not make a month").caused_by(error))?;
        drop(rows);
        let properties = properties(ROW_GROUP_ROWS).build();
        let mut writer = FileWriter::create(&self.store, &self.prefix, Arc::clone(&self.schema), properties)?;
        for start in (0..whole.num_rows()).step_by(CHUNK_ROWS) {
            writer.write(&whole.slice(start, CHUNK_ROWS.min(whole.num_rows() - start)))?;
        }
        let part = format!("-{}", open.month.format("%Y-%m"));
        let file = writer.finish(&self.store, &self.prefix, self.state.sequence, &part)?;
        self.state.months.insert(open.month, Month { key: file.key, rows: file.rows });
        Ok(())
    }

    fn read(&self, key: &str) -> Result<Vec<RecordBatch>> {
        let path = self.store.path(key)?;
        let broken = |error: &dyn std::fmt::Display| {
            Error::new(Class::TryAgain, format!("could not read {}", path.display())).caused_by(error)
        };
        let file = File::open(&path).map_err(|error| Error::io("open", &path, &error))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| broken(&error))?;
        reader.map(|batch| conform(&batch.map_err(|error| broken(&error))?, &self.schema)).collect()
    }

    /// Makes the replaced days count: the state is replaced if it is still the one that was read.
    ///
    /// # Errors
    /// Somebody else changed it (73), or a file cannot be written (75).
    pub fn commit(&mut self, catalog: &Catalog) -> Result<()> {
        self.close_month()?;
        let inputs = catalog.usage_inputs();
        if self.etag.is_some()
            && !self.is_changed
            && inputs.keys().copied().eq(self.state.inputs.keys().map(String::as_str))
        {
            return Ok(());
        }
        self.state.inputs = inputs.into_iter().map(|(key, days)| (key.to_owned(), runs(days.keys()))).collect();
        let precondition = Precondition::unchanged_since(self.etag.take());
        self.etag = Some(self.store.put_json(&self.key, &self.state, &precondition)?);
        self.is_changed = false;
        sweep(&self.store, &self.prefix, &self.state)
    }

    /// The first day of every month that has rows, with its file; as committed.
    ///
    /// # Errors
    /// The state lists a malformed key (70).
    pub fn months(&self) -> Result<Vec<(NaiveDate, PathBuf)>> {
        self.state.months.iter().map(|(month, file)| Ok((*month, self.store.path(&file.key)?))).collect()
    }

    /// The files of all months.
    ///
    /// # Errors
    /// The state lists a malformed key (70).
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(self.months()?.into_iter().map(|(_, path)| path).collect())
    }

    /// Rows in all months.
    pub fn rows(&self) -> u64 {
        self.state.months.values().map(|month| month.rows).sum()
    }
}

fn sweep(store: &Store, prefix: &str, state: &RollupState) -> Result<()> {
    let listed: BTreeSet<&str> = state.months.values().map(|month| month.key.as_str()).collect();
    state::sweep(store, prefix, &listed).map(|_| ())
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Days since 1970 from days since the first day of year 1, which is day 1.
fn from_ce(day: i32) -> i32 {
    day - 719_163
}

/// Consecutive days as runs of first and last.
fn runs<'a>(days: impl Iterator<Item = &'a NaiveDate>) -> Vec<(NaiveDate, NaiveDate)> {
    let mut runs: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for day in days {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add_days(Days::new(1)) == Some(*day) => *last = *day,
            _ => runs.push((*day, *day)),
        }
    }
    runs
}

/// The columns of `schema` by name, whatever their nullability or order.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        let column = column.ok_or_else(|| Error::bug(format!("rolled rows lack the column {}", field.name())))?;
        arrow::compute::cast(column, field.data_type())
            .map_err(|error| Error::bug(format!("rolled column {} has another type", field.name())).caused_by(error))
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?)
        .map_err(|error| Error::bug("rolled rows do not make a batch").caused_by(error))
}

fn usage_dates(batch: &RecordBatch) -> Result<&arrow::array::Date32Array> {
    let column = batch.column_by_name("usage_date").and_then(|column| column.as_primitive_opt::<Date32Type>());
    column.filter(|column| column.null_count() == 0).ok_or_else(|| Error::bug("rolled rows lack a usage_date"))
}

fn keep(batch: &RecordBatch, is_kept: impl Fn(i32) -> bool) -> Result<RecordBatch> {
    let kept: BooleanArray = usage_dates(batch)?.values().iter().map(|day| Some(is_kept(*day))).collect();
    filter_record_batch(batch, &kept).map_err(|error| Error::bug("rolled days cannot be picked").caused_by(error))
}

/// Sorts the rows of a batch into days, keeping their order within a day.
fn split(batch: &RecordBatch, by_day: &mut BTreeMap<i32, Vec<RecordBatch>>) -> Result<()> {
    let days = usage_dates(batch)?.values();
    let mut start = 0;
    while let Some(day) = days.get(start) {
        let length = days.iter().skip(start).take_while(|other| *other == day).count();
        by_day.entry(*day).or_default().push(batch.slice(start, length));
        start += length;
    }
    Ok(())
}
