//! One stream between two checkpoints: rows that say something new are written, each with the day since which it is known.

use super::super::usage::DayOf;
use super::super::writer::{FileWriter, ROW_GROUP_ROWS, properties};
use super::hash::{self, GONE};
use super::index::{Entry, Index};
use super::shape::{DELETED, Shape};
use super::state::DataFile;
use crate::error::{Error, Result};
use crate::store::Store;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Date32Type, Field, SchemaRef, TimestampMicrosecondType};
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::sync::Arc;

/// What of a stream's rows a checkpoint adds.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub base: Option<DataFile>,
    pub delta: Option<DataFile>,
    /// Keys that are there now and were not before, less those that are gone.
    pub rows: i64,
}

/// Where and when rows are landed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub store: Store,
    /// The prefix of the stream's files.
    pub prefix: String,
    pub zone: Tz,
    /// The last calendar day that has ended.
    pub today: NaiveDate,
}

/// Takes the rows of one stream.
pub(super) struct RowWriter {
    place: Place,
    shape: Shape,
    day_of: DayOf,
    base: Option<Part>,
    delta: Option<Part>,
    /// Rows of the open checkpoint: their numbers within the landing.
    number: u32,
    rows: i64,
}

/// A file that is being written, with what the state will say of it.
pub(super) struct Part {
    writer: FileWriter,
    seen: (i32, i32),
    newest: i64,
}

/// What becomes of the rows of a batch.
struct Verdict {
    is_base: Vec<bool>,
    is_delta: Vec<bool>,
    is_deleted: Vec<bool>,
    days: Vec<i32>,
}

impl RowWriter {
    pub fn new(place: Place, shape: Shape) -> RowWriter {
        let day_of = DayOf::new(place.zone);
        RowWriter { place, shape, day_of, base: None, delta: None, number: 0, rows: 0 }
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Takes rows; those that say what was landed last are left out. The keys of all of them.
    pub fn push(&mut self, index: &mut Index, sequence: u64, batch: &RecordBatch) -> Result<Vec<u128>> {
        let rows = self.shape.keep(batch)?;
        let keys = hash::keys(&rows, &self.shape.key)?;
        let verdict = self.judge(index, &rows, &keys)?;
        self.write(sequence, &rows, verdict)?;
        Ok(keys)
    }

    /// Lands rows of a kept answer as what their keys are now: versions of the same day as those they replace. Keys that
    /// are gone stay gone; `is_asked` says which rows count.
    pub fn push_again(
        &mut self,
        index: &mut Index,
        sequence: u64,
        batch: &RecordBatch,
        mut is_asked: impl FnMut(u128) -> bool,
    ) -> Result<()> {
        let rows = self.shape.keep(batch)?;
        let keys = hash::keys(&rows, &self.shape.key)?;
        let (hashes, found, changed) = (hash::rows(&rows)?, index.find(&keys)?, self.changed(&rows)?);
        let is_deleted = self.deleted(&rows);
        let today = self.place.today.to_epoch_days();
        // A page's later rows are the newer ones.
        let mut asked: Vec<bool> = keys.iter().rev().map(|key| is_asked(*key)).collect();
        asked.reverse();
        let mut verdict = Verdict::of(rows.num_rows());
        for (row, ((key, hash), known)) in keys.iter().zip(hashes).zip(found).enumerate() {
            let is_left_out = !asked.get(row).copied().unwrap_or(false) || is_deleted(row);
            match index.pending(*key).or(known) {
                _ if is_left_out => verdict.skip(),
                Some(known) if known.row == GONE || known.row == hash => verdict.skip(),
                Some(known) => {
                    index.set(Entry { key: *key, row: hash, day: known.day });
                    verdict.newer(known.day, false);
                }
                // It could not be read when it came.
                None => {
                    let day = changed.get(row).copied().flatten().map_or(today, |day| day.min(today));
                    index.set(Entry { key: *key, row: hash, day });
                    verdict.new_key(day);
                    self.rows += 1;
                }
            }
        }
        self.write(sequence, &rows, verdict)
    }

    /// Lands the end of rows that are there: `rows` needs their key columns only.
    pub fn delete(
        &mut self,
        index: &mut Index,
        sequence: u64,
        rows: &RecordBatch,
        days: Option<&[i32]>,
    ) -> Result<u64> {
        let keys = hash::keys(rows, &self.shape.key)?;
        let found = index.find(&keys)?;
        let mut verdict = Verdict::of(rows.num_rows());
        let today = self.place.today.to_epoch_days();
        let mut deleted = 0;
        for (row, (key, known)) in keys.iter().zip(found).enumerate() {
            let known = index.pending(*key).or(known);
            let day = days.and_then(|days| days.get(row)).copied().unwrap_or(today);
            match known {
                // A row that changed after it was deleted was restored.
                Some(known) if known.row != GONE && (days.is_none() || day >= known.day) => {
                    let day = day.max(known.day);
                    index.set(Entry { key: *key, row: GONE, day });
                    verdict.newer(day, true);
                    self.rows -= 1;
                    deleted += 1;
                }
                _ => verdict.skip(),
            }
        }
        self.write(sequence, rows, verdict)?;
        Ok(deleted)
    }

    fn judge(&mut self, index: &mut Index, rows: &RecordBatch, keys: &[u128]) -> Result<Verdict> {
        let hashes = hash::rows(rows)?;
        let found = index.find(keys)?;
        let changed = self.changed(rows)?;
        let flagged = self.deleted(rows);
        let today = self.place.today.to_epoch_days();
        let mut verdict = Verdict::of(rows.num_rows());
        for (row, ((key, hash), known)) in keys.iter().zip(hashes).zip(found).enumerate() {
            let is_deleted = flagged(row);
            let hash = if is_deleted { GONE } else { hash };
            let changed = changed.get(row).copied().flatten();
            match index.pending(*key).or(known) {
                // What was never here needs no end.
                None if is_deleted => verdict.skip(),
                None => {
                    // The first version of a row is known since it was first seen, whatever it says of itself.
                    let day = changed.map_or(today, |day| day.min(today));
                    index.set(Entry { key: *key, row: hash, day });
                    verdict.new_key(day);
                    self.rows += 1;
                }
                Some(known) if known.row == hash => verdict.skip(),
                Some(known) => {
                    // Versions of a row follow each other in time even where the source's clock went back.
                    let day = changed.unwrap_or(today).max(known.day);
                    index.set(Entry { key: *key, row: hash, day });
                    verdict.newer(day, is_deleted);
                    self.rows += i64::from(known.row == GONE) - i64::from(is_deleted);
                }
            }
        }
        Ok(verdict)
    }

    /// Which rows say that they are gone.
    fn deleted(&self, rows: &RecordBatch) -> impl Fn(usize) -> bool + use<> {
        let column = self.shape.deleted_flag.as_ref().and_then(|name| rows.column_by_name(name));
        let flag = column.and_then(|column| column.as_boolean_opt()).cloned();
        move |row| flag.as_ref().is_some_and(|flag| flag.is_valid(row) && flag.value(row))
    }

    /// The day on which each row changed, as far as it says.
    fn changed(&mut self, rows: &RecordBatch) -> Result<Vec<Option<i32>>> {
        let Some(name) = &self.shape.changed_at else { return Ok(Vec::new()) };
        let column = rows.column_by_name(name).ok_or_else(|| Error::bug(format!("rows lack {name}")))?;
        if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            return Ok(instants.iter().map(|at| at.map(|at| self.day_of.day(at))).collect());
        }
        Ok(column.as_primitive_opt::<Date32Type>().map(|days| days.iter().collect()).unwrap_or_default())
    }

    fn write(&mut self, sequence: u64, rows: &RecordBatch, verdict: Verdict) -> Result<()> {
        let Verdict { is_base, is_delta, is_deleted, days } = verdict;
        if is_base.contains(&true) {
            let stamped = self.stamped(sequence, rows, &is_base, &days, None)?;
            let schema = Arc::clone(&self.shape.base);
            write_part(&self.place, &mut self.base, schema, &stamped)?;
        }
        if is_delta.contains(&true) {
            let stamped = self.stamped(sequence, rows, &is_delta, &days, Some(&is_deleted))?;
            let schema = Arc::clone(&self.shape.delta);
            write_part(&self.place, &mut self.delta, schema, &stamped)?;
        }
        Ok(())
    }

    fn stamped(
        &mut self,
        sequence: u64,
        rows: &RecordBatch,
        is_kept: &[bool],
        days: &[i32],
        is_deleted: Option<&[bool]>,
    ) -> Result<RecordBatch> {
        let malformed = |error| Error::bug("rows cannot be stamped for landing").caused_by(error);
        let kept = if is_kept.contains(&false) {
            filter_record_batch(rows, &BooleanArray::from(is_kept.to_vec())).map_err(malformed)?
        } else {
            rows.clone()
        };
        let chosen = |at: usize| is_kept.get(at).copied().unwrap_or(false);
        let days: Date32Array =
            days.iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, day)| Some(*day)).collect();
        let count = u32::try_from(kept.num_rows()).unwrap_or(u32::MAX);
        let first = self.number;
        self.number = first.checked_add(count).ok_or_else(|| Error::bug("one checkpoint has too many rows"))?;
        let landed = (first..self.number).map(|row| landed(sequence, row)).collect::<Result<Vec<i64>>>()?;
        let flags = is_deleted.map(|flags| {
            let flags = flags.iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, flag)| Some(*flag));
            flags.collect::<BooleanArray>()
        });
        let schema = if flags.is_some() { &self.shape.delta } else { &self.shape.base };
        let column = |field: &Arc<Field>| -> ArrayRef {
            match (field.name().as_str(), &flags) {
                ("_seen_from", _) => Arc::new(days.clone()),
                ("_landed", _) => Arc::new(Int64Array::from(landed.clone())),
                (DELETED, Some(flags)) => Arc::new(flags.clone()),
                (name, _) => match kept.column_by_name(name) {
                    Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
                    // Keys that another stream names may be of another type there.
                    Some(column) => arrow::compute::cast(column, field.data_type())
                        .unwrap_or_else(|_| arrow::array::new_null_array(field.data_type(), kept.num_rows())),
                    None => arrow::array::new_null_array(field.data_type(), kept.num_rows()),
                },
            }
        };
        RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect()).map_err(malformed)
    }

    /// Ends the checkpoint's files; `written` takes their keys.
    pub fn flush(&mut self, sequence: u64, written: &mut Vec<String>) -> Result<Added> {
        let base = finish(&self.place, self.base.take(), sequence, "", written)?;
        let delta = finish(&self.place, self.delta.take(), sequence, "-delta", written)?;
        self.number = 0;
        Ok(Added { base, delta, rows: std::mem::take(&mut self.rows) })
    }
}

/// The number of a row within its checkpoint, as `_landed` says it: larger is newer, and unique within the stream.
fn landed(sequence: u64, row: u32) -> Result<i64> {
    i64::try_from((sequence << 32) | u64::from(row)).map_err(|_| Error::bug("the landing sequence has run out"))
}

impl Verdict {
    fn of(rows: usize) -> Verdict {
        let flags = || Vec::with_capacity(rows);
        Verdict { is_base: flags(), is_delta: flags(), is_deleted: flags(), days: Vec::with_capacity(rows) }
    }

    fn push(&mut self, is_base: bool, is_delta: bool, is_deleted: bool, day: i32) {
        self.is_base.push(is_base);
        self.is_delta.push(is_delta);
        self.is_deleted.push(is_deleted);
        self.days.push(day);
    }

    fn skip(&mut self) {
        self.push(false, false, false, 0);
    }

    fn new_key(&mut self, day: i32) {
        self.push(true, false, false, day);
    }

    fn newer(&mut self, day: i32, is_deleted: bool) {
        self.push(false, true, is_deleted, day);
    }
}

pub(super) fn write_part(place: &Place, part: &mut Option<Part>, schema: SchemaRef, rows: &RecordBatch) -> Result<()> {
    let part = match part {
        Some(part) => part,
        none => {
            let properties = properties(ROW_GROUP_ROWS).build();
            let writer = FileWriter::create(&place.store, &place.prefix, schema, properties)?;
            none.insert(Part { writer, seen: (i32::MAX, i32::MIN), newest: i64::MIN })
        }
    };
    part.writer.write(rows)?;
    (part.seen, part.newest) = span(rows, part.seen, part.newest);
    Ok(())
}

/// The smallest and greatest `_seen_from` and the greatest `_landed`, with those of `rows`.
pub(super) fn span(rows: &RecordBatch, mut seen: (i32, i32), mut newest: i64) -> ((i32, i32), i64) {
    let days = rows.column_by_name("_seen_from").and_then(|column| column.as_primitive_opt::<Date32Type>());
    for day in days.into_iter().flat_map(|days| days.values()) {
        seen = (seen.0.min(*day), seen.1.max(*day));
    }
    let landed = rows.column_by_name("_landed");
    let landed = landed.and_then(|column| column.as_primitive_opt::<arrow::datatypes::Int64Type>());
    for number in landed.into_iter().flat_map(|landed| landed.values()) {
        newest = newest.max(*number);
    }
    (seen, newest)
}

pub(super) fn finish(
    place: &Place,
    part: Option<Part>,
    sequence: u64,
    name: &str,
    written: &mut Vec<String>,
) -> Result<Option<DataFile>> {
    let Some(Part { writer, seen, newest }) = part else { return Ok(None) };
    let file = writer.finish(&place.store, &place.prefix, sequence, name)?;
    written.push(file.key.clone());
    Ok(Some(DataFile { key: file.key, rows: file.rows, bytes: file.bytes, seen: days(seen), newest }))
}

/// Days since 1970 as dates.
pub(super) fn days((first, last): (i32, i32)) -> (NaiveDate, NaiveDate) {
    let date = |day: i32| NaiveDate::from_epoch_days(day).unwrap_or_default();
    (date(first), date(last))
}
