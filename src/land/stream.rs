//! One stream while it is landed: versions are written first, and exist once its state is committed.

use super::state::{self, Area, LandedFile, State, Version};
use super::usage::{DayOf, UsageWriter};
use super::writer::{FileWriter, QuarantineWriter, ROW_GROUP_ROWS, Stamp, properties, raw_schema};
use crate::error::{Error, Result};
use crate::extract::{Quarantined, Receiver};
use crate::model::contract::ColumnType;
use crate::store::{ETag, Store};
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::sync::Arc;

/// The entity whose events are landed by day.
pub(super) const USAGE_EVENT: &str = "usage_event";

/// A stream that is being landed.
pub(super) struct Stream<'a> {
    area: Area<'a>,
    prefix: String,
    state: State,
    etag: Option<ETag>,
    /// What this landing has written and no state lists yet.
    unlisted: Vec<String>,
    is_changed: bool,
}

/// What identifies a version before it is read.
pub(super) struct Identity<'a> {
    pub origin: &'a str,
    pub sha256: &'a str,
    pub reading: &'a str,
    pub seen_from: NaiveDate,
    pub sequence: u64,
    pub covers: Option<(NaiveDate, NaiveDate)>,
}

/// How rows are kept: the schema of an entity, or whatever a raw input has.
pub(super) struct Keeping {
    /// `provided.<entity>`; none for raw inputs.
    pub entity: Option<SchemaRef>,
    /// `run.quarantine`.
    pub quarantine: SchemaRef,
    pub zone: Tz,
}

impl<'a> Stream<'a> {
    /// Opens a stream as it was left.
    pub fn open(area: Area<'a>, source: &str, stream: &str, entity: Option<&str>) -> Result<Stream<'a>> {
        let read = State::read(area.store, &area.state_key(source, stream))?;
        let (mut state, etag) = match read {
            Some((state, etag)) => (state, Some(etag)),
            None => (State::new(source, stream, entity), None),
        };
        let prefix = area.landing(source, stream);
        // What no state lists was left by a run that died.
        state::sweep(area.store, &prefix, &state.keys())?;
        // An input that changed its target starts over: its old rows have another shape.
        let is_changed = state.entity.as_deref() != entity;
        if is_changed {
            state = State::new(source, stream, entity);
        }
        Ok(Stream { area, prefix, state, etag, unlisted: Vec::new(), is_changed })
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Forgets the versions that `is_stale`.
    pub fn drop_versions(&mut self, is_stale: impl Fn(&Version) -> bool) {
        let before = self.state.versions.len();
        self.state.versions.retain(|version| !is_stale(version));
        self.is_changed |= self.state.versions.len() != before;
    }

    /// Lands one version: `fill` reads its origin.
    pub fn land(
        &mut self,
        identity: &Identity<'_>,
        keeping: &Keeping,
        fill: impl FnOnce(&mut dyn Receiver) -> Result<()>,
    ) -> Result<()> {
        let mut writer = self.writer(identity.seen_from, identity.sequence, keeping);
        fill(&mut writer)?;
        self.add(writer, identity)
    }

    /// What takes the rows of a new version.
    pub fn writer(&self, seen_from: NaiveDate, sequence: u64, keeping: &Keeping) -> VersionWriter {
        let stamp = Stamp { source: self.state.source.clone(), seen_from, sequence };
        VersionWriter::new(self.area.store, &self.prefix, &self.state, stamp, keeping)
    }

    /// Adds a version whose rows have been taken.
    pub fn add(&mut self, writer: VersionWriter, identity: &Identity<'_>) -> Result<()> {
        let version = writer.finish(identity, &mut self.unlisted)?;
        self.state.versions.push(version);
        self.is_changed = true;
        Ok(())
    }

    /// Makes what was landed exist: the state is replaced if it is still the one that was read.
    pub fn commit(&mut self, today: NaiveDate, history_days: u32) -> Result<()> {
        if !self.is_changed && self.etag.is_some() {
            return Ok(());
        }
        self.state.forget(today, history_days);
        self.etag = Some(self.state.commit(self.area, self.etag.take())?);
        self.is_changed = false;
        self.unlisted.clear();
        state::sweep(self.area.store, &self.prefix, &self.state.keys()).map(|_| ())
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        for key in &self.unlisted {
            // What cannot be removed now is swept at the next start.
            let _ = state::remove(self.area.store, key);
        }
    }
}

enum Rows {
    None,
    Plain(Box<FileWriter>),
    Usage(Box<UsageWriter>, DayOf),
}

/// Takes the rows of one version.
pub(super) struct VersionWriter {
    store: Store,
    prefix: String,
    stamp: Stamp,
    entity: Option<SchemaRef>,
    is_usage: bool,
    zone: Tz,
    schema: Option<SchemaRef>,
    rows: Rows,
    count: u64,
    quarantine: QuarantineWriter,
}

impl VersionWriter {
    fn new(store: &Store, prefix: &str, state: &State, stamp: Stamp, keeping: &Keeping) -> VersionWriter {
        let entity = state.entity.as_deref().unwrap_or(&state.stream);
        VersionWriter {
            store: store.clone(),
            prefix: prefix.to_owned(),
            stamp,
            entity: keeping.entity.clone(),
            is_usage: state.entity.as_deref() == Some(USAGE_EVENT),
            zone: keeping.zone,
            schema: None,
            rows: Rows::None,
            count: 0,
            quarantine: QuarantineWriter::new(store, prefix, &state.source, entity, Arc::clone(&keeping.quarantine)),
        }
    }

    fn schema_for(&mut self, batch: &RecordBatch) -> SchemaRef {
        let entity = self.entity.clone();
        Arc::clone(self.schema.get_or_insert_with(|| entity.unwrap_or_else(|| raw_schema(&batch.schema()))))
    }

    fn finish(self, identity: &Identity<'_>, unlisted: &mut Vec<String>) -> Result<Version> {
        let files: Vec<LandedFile> = match self.rows {
            Rows::None => Vec::new(),
            Rows::Plain(writer) => vec![writer.finish(&self.store, &self.prefix, identity.sequence, "")?],
            Rows::Usage(writer, _) => writer.finish()?.0,
        };
        unlisted.extend(files.iter().map(|file| file.key.clone()));
        let quarantine = self.quarantine.finish(identity.sequence)?;
        unlisted.extend(quarantine.iter().map(|file| file.key.clone()));
        let schema = self.schema.or(self.entity).unwrap_or_else(|| raw_schema(&Schema::empty()));
        let columns = schema.fields().iter().map(|field| Ok((field.name().clone(), type_name(field)?)));
        Ok(Version {
            origin: identity.origin.to_owned(),
            origin_sha256: identity.sha256.to_owned(),
            reading: identity.reading.to_owned(),
            seen_from: identity.seen_from,
            sequence: identity.sequence,
            rows: self.count,
            columns: columns.collect::<Result<_>>()?,
            files,
            quarantine,
            covers: identity.covers,
        })
    }
}

impl Receiver for VersionWriter {
    fn rows(&mut self, batch: RecordBatch) -> Result<()> {
        let schema = self.schema_for(&batch);
        if let Rows::None = self.rows {
            self.rows = if self.is_usage {
                let writer =
                    UsageWriter::new(&self.store, self.prefix.clone(), Arc::clone(&schema), self.stamp.clone());
                Rows::Usage(Box::new(writer), DayOf::new(self.zone))
            } else {
                let properties = properties(ROW_GROUP_ROWS).build();
                Rows::Plain(Box::new(FileWriter::create(&self.store, &self.prefix, Arc::clone(&schema), properties)?))
            };
        }
        let rows = batch.num_rows() as u64;
        match &mut self.rows {
            Rows::None => {}
            Rows::Plain(writer) => writer.write(&self.stamp.complete(&batch, &schema, self.count)?)?,
            Rows::Usage(writer, day_of) => writer.push(with_usage_date(&batch, day_of)?)?,
        }
        self.count += rows;
        Ok(())
    }

    fn quarantine(&mut self, row: Quarantined) -> Result<()> {
        self.quarantine.push(row)
    }
}

fn with_usage_date(batch: &RecordBatch, day_of: &mut DayOf) -> Result<RecordBatch> {
    let days = day_of.stamp(batch)?;
    let own = batch.schema();
    let kept = own.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != "usage_date");
    let (mut fields, mut columns): (Vec<Field>, Vec<_>) =
        kept.map(|(field, column)| (field.as_ref().clone(), Arc::clone(column))).unzip();
    fields.push(Field::new("usage_date", ColumnType::Date.arrow(), true));
    columns.push(days);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::bug("usage events cannot be stamped").caused_by(error))
}

/// The spelling in the state of a landed column's type.
fn type_name(field: &Field) -> Result<String> {
    use arrow::datatypes::DataType as D;
    let ty = match field.data_type() {
        D::Utf8 => ColumnType::Text,
        D::Boolean => ColumnType::Boolean,
        D::Int64 => ColumnType::Integer,
        D::Date32 => ColumnType::Date,
        D::Timestamp(..) => ColumnType::Timestamp,
        D::Decimal128(precision, scale) => ColumnType::Decimal { precision: *precision, scale: *scale },
        D::Float64 => ColumnType::Float,
        other => return Err(Error::bug(format!("column {} was landed as {other}", field.name()))),
    };
    Ok(ty.to_string())
}
