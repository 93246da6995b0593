//! What readers of sources ask of landing: where reading stands, who takes what comes next, which parents there are.

use super::compact::schemas;
use super::evolve::state_of;
use super::gone::{current, told};
use super::read::{Stamps, project};
use super::rows::Place;
use super::sink::GroupSink;
use super::state::{GroupState, StreamState};
use super::{Landing, gone};
use crate::error::{Error, Result};
use crate::extract::api::{Destination, ParentQuery, ParentRow, ParentRows, Progress, Sink};
use crate::model::source::stream::StreamSpec;
use crate::store::Precondition;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

/// A credential that the source replaced, sealed by whoever may open it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credential {
    sealed: String,
}

impl Destination for Landing<'_> {
    fn open(&self, stream: &StreamSpec) -> Result<(Progress, Box<dyn Sink + '_>)> {
        let sink = GroupSink::open(self, stream)?;
        Ok((sink.state.progress.clone(), Box::new(sink)))
    }

    fn parents(&self, query: &ParentQuery<'_>) -> Result<ParentRows> {
        let group = state_of(self.area, self.source, self.group_of(query.stream))?;
        let Some(stream) = group.and_then(|mut group| group.streams.remove(query.stream)) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let mut rows = self.parent_rows(&stream, query)?;
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(Box::new(rows.into_iter().map(Ok)))
    }

    fn sequence(&self, stream: &str) -> Result<Option<u64>> {
        let group = state_of(self.area, self.source, self.group_of(stream))?;
        let newest = group.and_then(|group| group.streams.get(stream).map(|stream| stream.newest));
        Ok(newest.and_then(|newest| u64::try_from(newest).ok()).filter(|newest| *newest > 0))
    }

    fn credential(&self) -> Result<Option<String>> {
        let read: Option<(Credential, _)> = self.area.store.get_json(&self.area.api_credential(self.source))?;
        Ok(read.map(|(credential, _)| credential.sealed))
    }

    fn keep_credential(&self, sealed: &str) -> Result<()> {
        let key = self.area.api_credential(self.source);
        let etag = self.area.store.etag(&key)?;
        let credential = Credential { sealed: sealed.to_owned() };
        self.area.store.put_json(&key, &credential, &Precondition::unchanged_since(etag)).map(|_| ())
    }
}

impl Landing<'_> {
    /// Where a stream's files lie.
    pub(super) fn place(&self, stream: &str) -> Place {
        Place {
            store: self.area.store.clone(),
            prefix: self.area.api_landing(self.source, stream),
            zone: self.zone,
            today: self.today,
        }
    }

    /// The parents asked for, in no order: some hundred bytes each are held in memory.
    fn parent_rows(&self, stream: &StreamState, query: &ParentQuery<'_>) -> Result<Vec<ParentRow>> {
        let (_, schema) = schemas(stream)?;
        let mut names: Vec<&str> = stream.key.iter().map(String::as_str).collect();
        let wanted = query.columns.iter().map(String::as_str).chain(query.only_where);
        for name in wanted.chain(["_seen_from", "_landed", super::shape::DELETED]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if let Some(name) = names.iter().find(|name| schema.index_of(name).is_err()) {
            return Err(Error::usage(format!(
                "{}.{} has no column {name} for its children",
                self.source, query.stream
            )));
        }
        let wanted = project(&schema, names.into_iter())?;
        let mut rows = Vec::new();
        current(&self.place(query.stream), stream, &wanted, |batch| {
            let stamps = Stamps::of(batch)?;
            let flag = query.only_where.and_then(|name| batch.column_by_name(name));
            // A boolean that is true, or any other value that is there.
            let says_so = |column: &ArrayRef, row: usize| {
                column.is_valid(row) && column.as_boolean_opt().is_none_or(|flags| flags.value(row))
            };
            let key = texts_of(batch, &stream.key)?;
            let values = texts_of(batch, query.columns)?;
            for row in 0..batch.num_rows() {
                let landed = u64::try_from(stamps.at(row).1).unwrap_or(0);
                let is_asked = query.after.is_none_or(|after| landed > after)
                    && query.until.is_none_or(|until| landed <= until)
                    && (query.only_where.is_none() || flag.is_some_and(|column| says_so(column, row)));
                if !is_asked {
                    continue;
                }
                let key: Vec<String> =
                    key.iter().map(|column| text(column, row).map(Option::unwrap_or_default)).collect::<Result<_>>()?;
                if query.after_key.is_none_or(|after| key.as_slice() > after) {
                    let values = values.iter().map(|column| text(column, row)).collect::<Result<_>>()?;
                    rows.push(ParentRow { key, values });
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Ends the rows that other streams say are gone, as far as that was not done yet.
    ///
    /// # Errors
    /// Landed files cannot be read or written (75).
    pub(super) fn apply_deletions(&self) -> Result<()> {
        for stream in &self.streams {
            let Some((teller, columns)) = &stream.deleted_by else { continue };
            let Some(mut told_by) = state_of(self.area, self.source, self.group_of(teller))? else { continue };
            let Some(teller) = told_by.streams.remove(teller) else { continue };
            let group = self.group_of(&stream.name);
            let Some(state) = state_of(self.area, self.source, group)? else { continue };
            let Some(own) = state.streams.get(&stream.name) else { continue };
            let deletions = told(&self.place(&stream.name), &teller, columns, &own.key, own.deletions_until)?;
            if deletions.until > own.deletions_until {
                self.delete_told(group, stream, &deletions)?;
            }
        }
        Ok(())
    }

    fn delete_told(&self, group: &str, stream: &StreamSpec, deletions: &gone::Deletions) -> Result<()> {
        let members = self.members(group);
        let outer = members.iter().find(|member| member.name == group).copied().unwrap_or(stream);
        let mut sink = GroupSink::open_beside(self, outer)?;
        sink.declare(stream)?;
        let sequence = sink.sequence();
        if let Some(writer) = sink.streams.get_mut(&stream.name) {
            for (rows, days) in &deletions.rows {
                writer.rows.delete(&mut writer.index, sequence, rows, Some(days))?;
            }
        }
        sink.collect()?;
        if let Some(state) = sink.state.streams.get_mut(&stream.name) {
            state.deletions_until = deletions.until;
        }
        let progress = sink.state.progress.clone();
        sink.commit(&progress)
    }
}

const OPTIONS: FormatOptions<'static> = FormatOptions::new();

/// A column whose values can be written out.
struct Texts<'a> {
    column: &'a ArrayRef,
    formatter: ArrayFormatter<'a>,
}

fn texts_of<'a>(batch: &'a RecordBatch, names: &[String]) -> Result<Vec<Texts<'a>>> {
    let column = |name: &String| {
        let column = batch.column_by_name(name).ok_or_else(|| Error::bug(format!("parents lack {name}")))?;
        let formatter = ArrayFormatter::try_new(column.as_ref(), &OPTIONS)
            .map_err(|error| Error::bug(format!("{name} cannot be written out")).caused_by(error))?;
        Ok(Texts { column, formatter })
    };
    names.iter().map(column).collect()
}

/// A value as requests write it: instants in RFC 3339.
fn text(texts: &Texts<'_>, row: usize) -> Result<Option<String>> {
    if texts.column.is_null(row) {
        return Ok(None);
    }
    if let Some(instants) = texts.column.as_primitive_opt::<TimestampMicrosecondType>() {
        let instant = DateTime::from_timestamp_micros(instants.value(row)).unwrap_or_default();
        return Ok(Some(instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
    }
    Ok(Some(texts.formatter.value(row).to_string()))
}

/// The greatest landing sequence that any system's stream has used.
///
/// # Errors
/// A state cannot be read (75, 70).
pub(in crate::land) fn last_sequence(area: super::Area<'_>) -> Result<u64> {
    let mut last = 0;
    for object in area.store.list(&area.api_states())? {
        if let Some((state, _)) = GroupState::read(area.store, &object.key)? {
            last = last.max(state.sequence);
        }
    }
    Ok(last)
}
