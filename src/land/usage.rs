//! Usage events: stamped with their day, buffered, sorted by day and account, written so that a day's reader skips the rest.

use super::state::{self, LandedFile};
use super::writer::{FileWriter, Stamp, properties};
use crate::error::{Error, Result};
use crate::extract::value::DAY_MICROS;
use crate::store::Store;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Date32Type, SchemaRef, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use parquet::file::metadata::SortingColumn;
use parquet::schema::types::ColumnPath;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Rows sorted together into one file. Two buffers are alive at a time: one fills while the other is written.
const BUFFER_ROWS: usize = 1_000_000;

/// Bytes sorted together at most, for events with long texts.
const BUFFER_BYTES: usize = 192 << 20;

/// Rows of a row group: a day's reader decodes at most two groups too many per file.
const ROW_GROUP_ROWS: usize = 16_384;

/// Rows of a written batch.
const CHUNK_ROWS: usize = 8_192;

/// Which calendar day of a zone an instant falls on; remembers the last quarter of an hour, in which no zone changes
/// its offset.
pub(super) struct DayOf {
    zone: Tz,
    quarter: i64,
    day: i32,
}

const QUARTER_MICROS: i64 = 15 * 60 * 1_000_000;

impl DayOf {
    pub fn new(zone: Tz) -> DayOf {
        DayOf { zone, quarter: i64::MIN, day: 0 }
    }

    pub fn day(&mut self, micros: i64) -> i32 {
        let quarter = micros.div_euclid(QUARTER_MICROS);
        if quarter != self.quarter {
            self.quarter = quarter;
            self.day = if self.zone == Tz::UTC || self.zone == Tz::Etc__UTC {
                i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX)
            } else {
                let instant = DateTime::from_timestamp_micros(micros).unwrap_or_default();
                instant.with_timezone(&self.zone).date_naive().to_epoch_days()
            };
        }
        self.day
    }

    /// `usage_date` of every row: its `occurred_at` in the zone.
    pub fn stamp(&mut self, batch: &RecordBatch) -> Result<ArrayRef> {
        let occurred = batch
            .column_by_name("occurred_at")
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
            .ok_or_else(|| Error::bug("usage events have no occurred_at"))?;
        let days: Date32Array = occurred.iter().map(|at| at.map(|at| self.day(at))).collect();
        Ok(Arc::new(days))
    }
}

/// Collects stamped events of one version and writes a sorted file whenever the buffer is full.
pub(super) struct UsageWriter {
    store: Store,
    prefix: String,
    schema: SchemaRef,
    stamp: Stamp,
    buffer: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    written: u64,
    parts: usize,
    pending: Option<JoinHandle<Result<LandedFile>>>,
    files: Vec<LandedFile>,
}

impl UsageWriter {
    pub fn new(store: &Store, prefix: String, schema: SchemaRef, stamp: Stamp) -> UsageWriter {
        UsageWriter {
            store: store.clone(),
            prefix,
            schema,
            stamp,
            buffer: Vec::new(),
            rows: 0,
            bytes: 0,
            written: 0,
            parts: 0,
            pending: None,
            files: Vec::new(),
        }
    }

    /// Takes events that carry their `usage_date`.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.buffer.push(batch);
        if self.rows >= BUFFER_ROWS || self.bytes >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            return Ok(());
        }
        self.join()?;
        let part = format!("-{:04}", self.parts);
        self.parts += 1;
        let (store, prefix, schema) = (self.store.clone(), self.prefix.clone(), Arc::clone(&self.schema));
        let (stamp, first_row) = (self.stamp.clone(), self.written);
        self.written += self.rows as u64;
        (self.rows, self.bytes) = (0, 0);
        let write = move || write_sorted(&store, &prefix, &schema, &stamp, first_row, &buffer, &part);
        self.pending = Some(std::thread::Builder::new().name("land".to_owned()).spawn(write).map_err(|error| {
            Error::new(crate::error::Class::TryAgain, "no thread could be started").caused_by(error)
        })?);
        Ok(())
    }

    fn join(&mut self) -> Result<()> {
        if let Some(pending) = self.pending.take() {
            let file = pending.join().map_err(|_| Error::bug("writing usage events failed unexpectedly"))??;
            self.files.push(file);
        }
        Ok(())
    }

    /// Writes the rest; the files of this version, and its rows.
    pub fn finish(mut self) -> Result<(Vec<LandedFile>, u64)> {
        self.flush()?;
        self.join()?;
        Ok((std::mem::take(&mut self.files), self.written))
    }
}

impl Drop for UsageWriter {
    fn drop(&mut self) {
        // A version that failed leaves neither a thread that still writes nor files that nobody lists; what cannot be
        // removed now is swept at the next start.
        let _ = self.join();
        for file in &self.files {
            let _ = state::remove(&self.store, &file.key);
        }
    }
}

fn write_sorted(
    store: &Store,
    prefix: &str,
    schema: &SchemaRef,
    stamp: &Stamp,
    first_row: u64,
    buffer: &[RecordBatch],
    part: &str,
) -> Result<LandedFile> {
    let order = order(buffer)?;
    let sorting = ["usage_date", "account_id"].iter().filter_map(|name| {
        let column = i32::try_from(schema.index_of(name).ok()?).ok()?;
        Some(SortingColumn { column_idx: column, descending: false, nulls_first: false })
    });
    let properties = properties(ROW_GROUP_ROWS)
        .set_sorting_columns(Some(sorting.collect()))
        .set_column_dictionary_enabled(ColumnPath::from("event_id"), false)
        .set_column_dictionary_enabled(ColumnPath::from("occurred_at"), false)
        .build();
    let mut writer = FileWriter::create(store, prefix, Arc::clone(schema), properties)?;
    let batches: Vec<&RecordBatch> = buffer.iter().collect();
    let mut days: BTreeMap<NaiveDate, u64> = BTreeMap::new();
    let mut row = first_row;
    for chunk in order.chunks(CHUNK_ROWS) {
        let rows = interleave_record_batch(&batches, chunk)
            .map_err(|error| Error::bug("usage events cannot be sorted").caused_by(error))?;
        count_days(&rows, &mut days)?;
        writer.write(&stamp.complete(&rows, schema, row)?)?;
        row += chunk.len() as u64;
    }
    let mut file = writer.finish(store, prefix, stamp.sequence, part)?;
    file.days = days;
    Ok(file)
}

/// Positions (batch, row) by day, account and arrival, so that of two events with one id the later stays behind.
fn order(buffer: &[RecordBatch]) -> Result<Vec<(usize, usize)>> {
    let missing = || Error::bug("usage events lack a column that orders them");
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut columns = Vec::with_capacity(buffer.len());
    for batch in buffer {
        let accounts =
            batch.column_by_name("account_id").and_then(|column| column.as_string_opt::<i32>()).ok_or_else(missing)?;
        let dates = batch
            .column_by_name("usage_date")
            .and_then(|column| column.as_primitive_opt::<Date32Type>())
            .ok_or_else(missing)?;
        for account in accounts.iter().flatten() {
            let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            ids.entry(account).or_insert(next);
        }
        columns.push((accounts, dates));
    }
    let mut names: Vec<(&str, u32)> = ids.iter().map(|(name, id)| (*name, *id)).collect();
    names.sort_unstable();
    let mut rank_of = vec![0_u32; names.len()];
    for (rank, (_, id)) in (1_u32..).zip(&names) {
        if let Some(slot) = rank_of.get_mut(*id as usize) {
            *slot = rank;
        }
    }
    let mut keys: Vec<(u64, u32, u32)> = Vec::with_capacity(buffer.iter().map(RecordBatch::num_rows).sum());
    for (at, (accounts, dates)) in (0_u32..).zip(&columns) {
        for row in 0..accounts.len() {
            let rank = if accounts.is_null(row) {
                0
            } else {
                ids.get(accounts.value(row)).and_then(|id| rank_of.get(*id as usize)).copied().unwrap_or(0)
            };
            let day = dates.values().get(row).copied().unwrap_or(i32::MIN);
            // Flipping the sign bit makes days before 1970 sort first.
            let day = u64::from(day.cast_unsigned() ^ 0x8000_0000);
            keys.push(((day << 32) | u64::from(rank), at, u32::try_from(row).unwrap_or(u32::MAX)));
        }
    }
    keys.sort_unstable();
    Ok(keys.into_iter().map(|(_, batch, row)| (batch as usize, row as usize)).collect())
}

fn count_days(rows: &RecordBatch, days: &mut BTreeMap<NaiveDate, u64>) -> Result<()> {
    let column = rows.column_by_name("usage_date").and_then(|column| column.as_primitive_opt::<Date32Type>());
    let dates = column.ok_or_else(|| Error::bug("usage events lack usage_date"))?;
    let (mut last, mut count) = (None, 0_u64);
    // The rows are sorted by day, so days come in runs.
    for day in dates.values() {
        if last != Some(*day) {
            add(days, last, count);
            (last, count) = (Some(*day), 0);
        }
        count += 1;
    }
    add(days, last, count);
    Ok(())
}

fn add(days: &mut BTreeMap<NaiveDate, u64>, day: Option<i32>, count: u64) {
    if let Some(day) = day.and_then(NaiveDate::from_epoch_days) {
        *days.entry(day).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_that_of_the_jobs_zone_also_across_a_change_of_clocks() {
        let mut day_of = DayOf::new(chrono_tz::America::New_York);
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap().to_epoch_days();
        assert_eq!(day_of.day(at("2026-03-08T04:59:59Z")), day("2026-03-07"));
        assert_eq!(day_of.day(at("2026-03-08T05:00:00Z")), day("2026-03-08"));
        assert_eq!(day_of.day(at("2026-03-09T03:59:59Z")), day("2026-03-08"), "summer time began");
        assert_eq!(day_of.day(at("2026-03-09T04:00:00Z")), day("2026-03-09"));
        assert_eq!(DayOf::new(Tz::UTC).day(at("1969-12-31T23:59:59Z")), -1);
    }
}
