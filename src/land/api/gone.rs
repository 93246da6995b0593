//! Rows that are no longer there: keys that did not come in a full pass, and keys that another stream says are gone.

use super::compact::{keys_of, newest_of, schemas};
use super::hash;
use super::index::keys_of as counted_keys;
use super::read::{Stamps, batches, project};
use super::rows::Place;
use super::sink::{GroupSink, StreamWriter};
use super::state::StreamState;
use crate::error::{Error, Result};
use crate::event::Event;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::collections::HashSet;
use std::sync::Arc;

/// Ends the rows whose keys did not come in the full pass that is over.
///
/// # Errors
/// Landed files cannot be read or written (75).
pub(super) fn delete_missing(sink: &mut GroupSink<'_>) -> Result<()> {
    let sequence = sink.sequence();
    let store = &sink.landing.area.store;
    for (name, writer) in &mut sink.streams {
        let Some(state) = sink.state.streams.get(name) else { continue };
        let mut seen = counted_keys(store, &state.seen)?.peekable();
        let mut missing: HashSet<u128> = HashSet::new();
        for entry in writer.index.live()? {
            let key = entry?.key;
            while seen.peek().is_some_and(|seen| seen.as_ref().is_ok_and(|seen| *seen < key)) {
                seen.next();
            }
            match seen.peek() {
                Some(Ok(seen)) if *seen == key => {}
                Some(Err(error)) => return Err(error.clone()),
                _ => {
                    missing.insert(key);
                }
            }
        }
        let gone = delete(writer, state, store, sequence, missing)?;
        if gone > 0 {
            let text = format!("{gone} rows of {}.{name} are gone from the source", sink.landing.source);
            sink.landing.reporter.say(Event::Note { text });
        }
    }
    sink.collect()
}

/// Ends the rows with these keys; how many.
fn delete(
    writer: &mut StreamWriter,
    state: &StreamState,
    store: &crate::store::Store,
    sequence: u64,
    mut missing: HashSet<u128>,
) -> Result<u64> {
    let (_, schema) = schemas(state)?;
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let is_key =
        |name: &&str| !name.starts_with('_') && (state.key.is_empty() || state.key.iter().any(|key| key == name));
    let wanted = project(&schema, names.filter(is_key))?;
    let mut gone = 0;
    for file in state.base.iter().chain(&state.deltas) {
        if missing.is_empty() {
            break;
        }
        for batch in batches(store, &file.key, &wanted)? {
            let batch = batch?;
            let is_gone: BooleanArray =
                hash::keys(&batch, &state.key)?.iter().map(|key| Some(missing.remove(key))).collect();
            let rows = filter_record_batch(&batch, &is_gone)
                .map_err(|error| Error::bug("rows that are gone cannot be chosen").caused_by(error))?;
            if rows.num_rows() > 0 {
                gone += writer.rows.delete(&mut writer.index, sequence, &rows, None)?;
            }
        }
    }
    Ok(gone)
}

/// What a stream of deletions says since it was asked last: its keys under the names of the other stream's, and the day
/// of each.
pub(super) struct Deletions {
    pub rows: Vec<(RecordBatch, Vec<i32>)>,
    /// The greatest `_landed` of the stream that says so.
    pub until: i64,
}

/// Reads the rows of `teller` that were landed after `after`; its `columns` stand for the key `key`.
///
/// # Errors
/// Landed files cannot be read (75), or the stream lacks a column (64).
pub(super) fn told(
    place: &Place,
    teller: &StreamState,
    columns: &[String],
    key: &[String],
    after: i64,
) -> Result<Deletions> {
    let mut deletions = Deletions { rows: Vec::new(), until: teller.newest };
    if teller.newest <= after {
        return Ok(deletions);
    }
    let (_, schema) = schemas(teller)?;
    for column in columns {
        if schema.index_of(column).is_err() {
            return Err(Error::usage(format!("deleted_by names the column {column}, which that stream lacks")));
        }
    }
    let stamps = ["_seen_from", "_landed", super::shape::DELETED];
    let mut names: Vec<&str> = columns.iter().map(String::as_str).collect();
    names.extend(stamps);
    let wanted = project(&schema, names.into_iter())?;
    for file in teller.base.iter().chain(&teller.deltas).filter(|file| file.newest > after) {
        for batch in batches(&place.store, &file.key, &wanted)? {
            let batch = batch?;
            let stamps = Stamps::of(&batch)?;
            let is_new = |row: usize| {
                let (_, landed, is_deleted) = stamps.at(row);
                landed > after && !is_deleted
            };
            let is_new: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_new(row))).collect();
            let rows = filter_record_batch(&batch, &is_new)
                .map_err(|error| Error::bug("deletions cannot be chosen").caused_by(error))?;
            let days = Stamps::of(&rows)?.days.values().to_vec();
            deletions.rows.push((renamed(&rows, columns.len(), key)?, days));
        }
    }
    Ok(deletions)
}

/// The first columns of a batch under other names.
fn renamed(rows: &RecordBatch, count: usize, names: &[String]) -> Result<RecordBatch> {
    let schema = rows.schema();
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .take(count)
        .zip(names)
        .map(|(field, name)| field.as_ref().clone().with_name(name.as_str()))
        .collect();
    let columns = rows.columns().iter().take(fields.len()).map(Arc::clone).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::bug("deletions cannot be named").caused_by(error))
}

/// The keys that are there now among landed files, with what a reader asks of them; see
/// [`Destination::parents`](crate::extract::api::Destination::parents).
pub(super) fn current(
    place: &Place,
    state: &StreamState,
    wanted: &SchemaRef,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let (_, schema) = schemas(state)?;
    let newest = newest_of(place, &state.deltas, &state.key, &schema, i32::MAX, |_| true, |_, _, _| {})?;
    for (file, is_delta) in
        state.base.iter().map(|file| (file, false)).chain(state.deltas.iter().map(|file| (file, true)))
    {
        for batch in batches(&place.store, &file.key, wanted)? {
            let batch = batch?;
            let (keys, stamps) = (keys_of(&batch, &state.key)?, Stamps::of(&batch)?);
            let is_current = |(row, key): (usize, &u128)| match newest.get(key) {
                Some(newest) => Some(is_delta && !newest.is_deleted && newest.landed == stamps.at(row).1),
                None => Some(!is_delta),
            };
            let is_current: BooleanArray = keys.iter().enumerate().map(is_current).collect();
            let rows = filter_record_batch(&batch, &is_current)
                .map_err(|error| Error::bug("current rows cannot be chosen").caused_by(error))?;
            if rows.num_rows() > 0 {
                take(&rows)?;
            }
        }
    }
    Ok(())
}
