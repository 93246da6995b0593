//! Compaction: where newer versions have piled up beside the base, they take the place of what they supersede.
//!
//! It costs a pass over the base, and happens once newer versions are a quarter of it (or lie in many files), so that a
//! row is rewritten a few times at most. What was superseded goes to the history, with the day on which it ended, for as
//! long as a kept date may ask for it.

use super::super::writer::raw_schema;
use super::evolve::columns_of;
use super::hash;
use super::read::{Stamps, batches, project};
use super::rows::{Part, Place, finish, write_part};
use super::shape::{DELETED, UNTIL, with_field};
use super::sink::GroupSink;
use super::state::{DataFile, HistoryFile, StreamState};
use crate::error::{Error, Result};
use arrow::array::{ArrayRef, BooleanArray, Date32Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Days, NaiveDate};
use std::collections::HashMap;
use std::sync::Arc;

/// Most delta files beside a base.
const DELTA_FILES: usize = 32;

/// Most base files; the small ones are joined then.
const BASE_FILES: usize = 128;

/// Rows of a file that is large enough to be left alone.
const LARGE_ROWS: u64 = 500_000;

/// Newer versions that are held in memory at once, some hundred bytes each: of more, the base is read several times.
const HELD_ROWS: u64 = 1_000_000;

/// The newest version of a key among the deltas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newest {
    pub landed: i64,
    pub day: i32,
    pub is_deleted: bool,
    /// The oldest one's number and day: what ends the version in the base.
    first: (i64, i32),
}

/// The versions among the deltas, by key.
#[derive(Debug, Default)]
struct Later {
    newest: HashMap<u128, Newest>,
    /// Number and day of every version of the keys that have several.
    several: HashMap<u128, Vec<(i64, i32)>>,
}

impl Later {
    /// The day on which another version took the place of the one with this number; none where it holds still.
    fn end_of(&self, key: u128, landed: i64) -> Option<i32> {
        let newest = self.newest.get(&key)?;
        if landed >= newest.landed {
            return None;
        }
        if landed < newest.first.0 {
            return Some(newest.first.1);
        }
        let later = self.several.get(&key).into_iter().flatten().filter(|version| version.0 > landed);
        later.min().map(|version| version.1).or(Some(newest.day))
    }
}

/// The newest version of every key in delta files, of those known on `last` that `is_asked`; `each` sees all of them.
///
/// # Errors
/// A file cannot be read (75).
pub(super) fn newest_of(
    place: &Place,
    deltas: &[DataFile],
    key: &[String],
    schema: &SchemaRef,
    last: i32,
    is_asked: impl Fn(u128) -> bool,
    mut each: impl FnMut(u128, i64, i32),
) -> Result<HashMap<u128, Newest>> {
    // Rows without a key are told apart by all they say.
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let stamps = ["_seen_from", "_landed", DELETED];
    let wanted = project(
        schema,
        names.filter(|name| key.is_empty() || key.iter().any(|key| key == name) || stamps.contains(name)),
    )?;
    let mut newest: HashMap<u128, Newest> = HashMap::new();
    for file in deltas {
        for batch in batches(&place.store, &file.key, &wanted)? {
            let batch = batch?;
            let (keys, stamps) = (keys_of(&batch, key)?, Stamps::of(&batch)?);
            for (row, key) in keys.iter().enumerate().filter(|(_, key)| is_asked(**key)) {
                let (day, landed, is_deleted) = stamps.at(row);
                if day > last {
                    continue;
                }
                each(*key, landed, day);
                let known = newest.get(key).copied();
                let first = known.map_or((landed, day), |known| known.first.min((landed, day)));
                match known {
                    Some(known) if known.landed >= landed => newest.insert(*key, Newest { first, ..known }),
                    _ => newest.insert(*key, Newest { landed, day, is_deleted, first }),
                };
            }
        }
    }
    Ok(newest)
}

/// The hashes of landed rows' keys: stamps are no part of them.
pub(super) fn keys_of(batch: &RecordBatch, key: &[String]) -> Result<Vec<u128>> {
    if !key.is_empty() {
        return hash::keys(batch, key);
    }
    let schema = batch.schema();
    let own = (0..schema.fields().len()).filter(|at| !schema.field(*at).name().starts_with('_')).collect::<Vec<_>>();
    let own = batch.project(&own).map_err(|error| Error::bug("landed rows lose their stamps").caused_by(error))?;
    hash::keys(&own, key)
}

/// The schemas of a stream's files, all its columns included: base and delta.
pub(super) fn schemas(state: &StreamState) -> Result<(SchemaRef, SchemaRef)> {
    let columns = columns_of(state)?;
    let own: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(name, ty.arrow(), true)).collect();
    let base = raw_schema(&Schema::new(own));
    let delta = with_field(&base, Field::new(DELETED, DataType::Boolean, true));
    Ok((base, delta))
}

impl GroupSink<'_> {
    /// Compacts the streams that are worth it. The new files are listed by the next commit.
    pub(super) fn compact(&mut self) -> Result<()> {
        let landing = self.landing;
        let names: Vec<String> = self.state.streams.keys().cloned().collect();
        for name in names {
            let Some(stream) = self.state.streams.get_mut(&name) else { continue };
            let base_rows: u64 = stream.base.iter().map(|file| file.rows).sum();
            let has_many = stream.delta_rows() * 4 > base_rows.max(1) || stream.deltas.len() > DELTA_FILES;
            let place = landing.place(&name);
            let before: Vec<String> = data_keys(stream);
            if !stream.deltas.is_empty() && has_many {
                let mut compaction = Compaction::new(place, stream, landing.next_sequence(), landing.history_days)?;
                compaction.merge(stream)?;
                let written = compaction.finish(stream)?;
                self.note_written(written);
            } else if stream.base.len() > BASE_FILES {
                let mut compaction = Compaction::new(place, stream, landing.next_sequence(), landing.history_days)?;
                compaction.join(stream)?;
                let written = compaction.finish(stream)?;
                self.note_written(written);
            }
            if let Some(stream) = self.state.streams.get_mut(&name) {
                forget(stream, landing.today, landing.history_days);
                let after = data_keys(stream);
                self.retired.extend(before.into_iter().filter(|key| !after.contains(key)));
            }
        }
        Ok(())
    }
}

fn data_keys(stream: &StreamState) -> Vec<String> {
    let data = stream.base.iter().chain(&stream.deltas).map(|file| file.key.clone());
    data.chain(stream.history.iter().map(|file| file.key.clone())).collect()
}

/// Forgets history that no kept date can ask for.
fn forget(stream: &mut StreamState, today: NaiveDate, history_days: u32) {
    let oldest = oldest(today, history_days);
    stream.history.retain(|file| file.until > oldest);
    if stream.history.is_empty() && stream.history_before.is_some_and(|before| before <= oldest) {
        stream.history_before = None;
    }
}

fn oldest(today: NaiveDate, history_days: u32) -> NaiveDate {
    today.checked_sub_days(Days::new(u64::from(history_days))).unwrap_or(NaiveDate::MIN)
}

struct Compaction {
    place: Place,
    key: Vec<String>,
    base_schema: SchemaRef,
    delta_schema: SchemaRef,
    history_schema: SchemaRef,
    sequence: u64,
    /// Days since 1970: versions that ended by then are not kept.
    oldest: i32,
    base: Vec<DataFile>,
    deltas: Vec<DataFile>,
    history: Vec<HistoryFile>,
    open_base: Option<Part>,
    open_base_rows: u64,
    open_delta: Option<Part>,
    open_history: Option<Part>,
    history_until: i32,
    /// The newest day of a version that took another's place.
    last_merged: i32,
    written: Vec<String>,
    parts: usize,
}

impl Compaction {
    fn new(place: Place, stream: &StreamState, sequence: u64, history_days: u32) -> Result<Compaction> {
        let (base_schema, delta_schema) = schemas(stream)?;
        Ok(Compaction {
            history_schema: with_field(&base_schema, Field::new(UNTIL, DataType::Date32, true)),
            oldest: oldest(place.today, history_days).to_epoch_days(),
            place,
            key: stream.key.clone(),
            base_schema,
            delta_schema,
            sequence,
            base: Vec::new(),
            deltas: Vec::new(),
            history: stream.history.clone(),
            open_base: None,
            open_base_rows: 0,
            open_delta: None,
            open_history: None,
            history_until: i32::MIN,
            last_merged: i32::MIN,
            written: Vec::new(),
            parts: 0,
        })
    }

    /// Puts newer versions in the place of what they supersede. Versions of days that have not ended stay deltas.
    fn merge(&mut self, stream: &StreamState) -> Result<()> {
        let shares = u128::from(stream.delta_rows().div_ceil(HELD_ROWS).max(1));
        let today = self.place.today.to_epoch_days();
        for share in 0..shares {
            let is_asked = |key: u128| key % shares == share;
            let later = self.later(stream, today, is_asked)?;
            for file in &stream.base {
                self.merge_base(file, &later, is_asked, shares == 1)?;
            }
            for file in &stream.deltas {
                for batch in batches(&self.place.store, &file.key, &self.delta_schema)? {
                    self.merge_delta(&batch?, &later, is_asked, today)?;
                }
            }
            self.last_merged = later.newest.values().map(|newest| newest.day).fold(self.last_merged, i32::max);
        }
        Ok(())
    }

    /// The versions that were known by `today`, of the keys that `is_asked`.
    fn later(&self, stream: &StreamState, today: i32, is_asked: impl Fn(u128) -> bool) -> Result<Later> {
        let mut firsts: HashMap<u128, (i64, i32)> = HashMap::new();
        let mut several: HashMap<u128, Vec<(i64, i32)>> = HashMap::new();
        let each = |key: u128, landed: i64, day: i32| {
            if let Some(first) = firsts.insert(key, (landed, day)) {
                let versions = several.entry(key).or_default();
                versions.push(first);
                versions.push((landed, day));
            }
        };
        let newest = newest_of(&self.place, &stream.deltas, &stream.key, &self.delta_schema, today, is_asked, each)?;
        Ok(Later { newest, several })
    }

    fn merge_base(
        &mut self,
        file: &DataFile,
        later: &Later,
        is_asked: impl Fn(u128) -> bool,
        may_stay: bool,
    ) -> Result<()> {
        if may_stay && file.rows >= LARGE_ROWS / 8 && !self.holds_any(file, &later.newest)? {
            self.base.push(file.clone());
            return Ok(());
        }
        for batch in batches(&self.place.store, &file.key, &self.base_schema)? {
            let batch = batch?;
            let keys = keys_of(&batch, &self.key)?;
            let ends: Vec<Option<i32>> = keys.iter().map(|key| later.end_of(*key, i64::MIN)).collect();
            let stays = keys.iter().zip(&ends).map(|(key, end)| Some(is_asked(*key) && end.is_none()));
            self.keep(&chosen(&batch, &stays.collect())?)?;
            let goes: BooleanArray = ends.iter().map(|end| Some(end.is_some_and(|end| end > self.oldest))).collect();
            let ends: Vec<i32> = ends.into_iter().flatten().filter(|end| *end > self.oldest).collect();
            self.supersede(&chosen(&batch, &goes)?, ends)?;
        }
        Ok(())
    }

    fn holds_any(&self, file: &DataFile, newest: &HashMap<u128, Newest>) -> Result<bool> {
        let names = self.base_schema.fields().iter().map(|field| field.name().as_str());
        let is_key = |name: &&str| self.key.is_empty() || self.key.iter().any(|key| key == name);
        let wanted = project(&self.base_schema, names.filter(is_key))?;
        for batch in batches(&self.place.store, &file.key, &wanted)? {
            if keys_of(&batch?, &self.key)?.iter().any(|key| newest.contains_key(key)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn merge_delta(
        &mut self,
        batch: &RecordBatch,
        later: &Later,
        is_asked: impl Fn(u128) -> bool,
        today: i32,
    ) -> Result<()> {
        let (keys, stamps) = (keys_of(batch, &self.key)?, Stamps::of(batch)?);
        let (mut to_base, mut to_history, mut to_delta, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, key) in keys.iter().enumerate() {
            let (day, landed, is_deleted) = stamps.at(row);
            let newest = later.newest.get(key).filter(|_| day <= today);
            let is_newest = newest.is_some_and(|newest| newest.landed == landed);
            // What ended before every kept date need not be kept, nor an end that another version ended.
            let end = newest.and_then(|_| later.end_of(*key, landed)).filter(|end| *end > self.oldest && !is_deleted);
            to_base.push(is_newest && !is_deleted);
            to_history.push(end.is_some());
            to_delta.push(is_asked(*key) && day > today);
            ends.extend(end);
        }
        self.keep(&super::read::in_shape(&chosen(batch, &to_base.into())?, &self.base_schema)?)?;
        self.supersede(&super::read::in_shape(&chosen(batch, &to_history.into())?, &self.base_schema)?, ends)?;
        let later = chosen(batch, &to_delta.into())?;
        if later.num_rows() > 0 {
            write_part(&self.place, &mut self.open_delta, Arc::clone(&self.delta_schema), &later)?;
        }
        Ok(())
    }

    /// Joins small base files.
    fn join(&mut self, stream: &StreamState) -> Result<()> {
        self.deltas.clone_from(&stream.deltas);
        for file in &stream.base {
            if file.rows >= LARGE_ROWS {
                self.base.push(file.clone());
                continue;
            }
            for batch in batches(&self.place.store, &file.key, &self.base_schema)? {
                self.keep(&batch?)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        write_part(&self.place, &mut self.open_base, Arc::clone(&self.base_schema), rows)?;
        self.open_base_rows += rows.num_rows() as u64;
        if self.open_base_rows >= LARGE_ROWS * 2 { self.close_base() } else { Ok(()) }
    }

    fn close_base(&mut self) -> Result<()> {
        let part = format!("-{:04}", self.parts);
        self.parts += 1;
        self.open_base_rows = 0;
        let file = finish(&self.place, self.open_base.take(), self.sequence, &part, &mut self.written)?;
        self.base.extend(file);
        Ok(())
    }

    /// Moves rows to the history; `ends` says for each until when it held.
    fn supersede(&mut self, rows: &RecordBatch, ends: Vec<i32>) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.history_until = ends.iter().copied().fold(self.history_until, i32::max);
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns.push(Arc::new(Date32Array::from(ends)));
        let rows = RecordBatch::try_new(Arc::clone(&self.history_schema), columns)
            .map_err(|error| Error::bug("superseded rows do not make a batch").caused_by(error))?;
        write_part(&self.place, &mut self.open_history, Arc::clone(&self.history_schema), &rows)
    }

    /// Ends all files and puts them into the state; the keys that were written.
    fn finish(mut self, stream: &mut StreamState) -> Result<Vec<String>> {
        self.close_base()?;
        let delta = finish(&self.place, self.open_delta.take(), self.sequence, "-delta", &mut self.written)?;
        self.deltas.extend(delta);
        let history = finish(&self.place, self.open_history.take(), self.sequence, "-history", &mut self.written)?;
        if let Some(file) = history {
            let until = NaiveDate::from_epoch_days(self.history_until).unwrap_or(self.place.today);
            self.history.push(HistoryFile { key: file.key, rows: file.rows, until });
        }
        let merged = NaiveDate::from_epoch_days(self.last_merged).filter(|_| self.last_merged != i32::MIN);
        stream.history_before = stream.history_before.max(merged);
        stream.base = self.base;
        stream.deltas = self.deltas;
        stream.history = self.history;
        Ok(self.written)
    }
}

fn chosen(batch: &RecordBatch, is_chosen: &BooleanArray) -> Result<RecordBatch> {
    filter_record_batch(batch, is_chosen).map_err(|error| Error::bug("landed rows cannot be chosen").caused_by(error))
}
