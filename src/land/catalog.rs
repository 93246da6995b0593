//! What was landed, as readers see it: for a date, which files of which stream.

use super::api::state::{GroupState, StreamState};
use super::api::{StaleSource, Versions, group_of};
use super::state::{Area, QuarantineFile, State, Version};
use super::stream::USAGE_EVENT;
use super::writer::raw_schema;
use crate::calendar;
use crate::error::{Error, Result};
use crate::job::{Job, SourceKind, Target};
use crate::model::plan;
use crate::model::source::stream::StreamSpec;
use crate::store::Store;
use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The landed streams of a job, at one moment.
#[derive(Debug, Clone)]
pub struct Catalog {
    store: Store,
    job: String,
    streams: Vec<Entry>,
    systems: Vec<System>,
    stale: Vec<StaleSource>,
}

/// A described system's streams.
#[derive(Debug, Clone)]
struct System {
    source: String,
    /// Those that the description names, each with the request stream it is read with; none of those left out.
    declared: Vec<(StreamSpec, String)>,
    groups: BTreeMap<String, GroupState>,
    zone: Tz,
}

#[derive(Debug, Clone)]
struct Entry {
    state: State,
    /// The schema that readers want; older files may lack columns of it.
    schema: SchemaRef,
}

/// One stream as a date sees it.
#[derive(Debug, Clone)]
pub struct StreamView {
    /// The source's name in the job.
    pub source: String,
    /// The input's name; the entity's for the sample.
    pub stream: String,
    /// The entity its rows belong to; none for raw inputs, which are read as `landed.<stream>`.
    pub entity: Option<String>,
    /// The Parquet files to read, oldest landing first; none where it has no rows.
    pub files: Vec<PathBuf>,
    /// `provided.<entity>`, or a raw input's columns with `_seen_from` and `_landed`. A file that lacks a column holds
    /// null in it.
    pub schema: SchemaRef,
    /// Of a system's stream: what the view is made of, in place of `files`.
    pub versions: Option<Versions>,
    /// Rows in these files.
    pub rows: u64,
    /// Source files, or snapshots, that they were made from.
    pub origins: u64,
    /// Rows of these origins that could not be read.
    pub quarantined: u64,
    /// The money in them by currency, in units of 0.0001; the currency is empty where it could not be read.
    pub quarantined_money: BTreeMap<String, i128>,
    /// Parquet files in the columns of `run.quarantine`.
    pub quarantine_files: Vec<PathBuf>,
    /// The day since whose end the newest of these rows is known.
    pub landed_date: Option<NaiveDate>,
    /// Whether some origin was not known on the date, so that its newest landing stands in.
    pub is_backdated: bool,
}

impl Catalog {
    /// Reads the states of the job's streams.
    ///
    /// # Errors
    /// A state cannot be read (75, 70), or versions of a raw input disagree on a column's type (64).
    pub fn read(store: &Store, job: &Job) -> Result<Catalog> {
        let area = Area { store, job: &job.name };
        let mut streams = Vec::new();
        for (source, stream, entity) in streams_of(area, job)? {
            let Some((state, _)) = State::read(store, &area.state_key(&source, &stream))? else { continue };
            if state.entity != entity {
                continue;
            }
            let schema = match entity {
                Some(name) => {
                    let model = job.models.entity(&name);
                    plan::provided_schema(model.ok_or_else(|| Error::bug(format!("there is no entity {name}")))?)
                }
                None => union_schema(&state)?,
            };
            streams.push(Entry { state, schema });
        }
        let systems = systems_of(area, job)?;
        Ok(Catalog { store: store.clone(), job: job.name.clone(), streams, systems, stale: Vec::new() })
    }

    /// The same, with what could not be read in this run and is as it was landed earlier.
    #[must_use]
    pub fn with_stale(mut self, stale: Vec<StaleSource>) -> Catalog {
        self.stale = stale;
        self
    }

    /// The states as they are now, after more was landed.
    ///
    /// # Errors
    /// As [`Catalog::read`].
    pub fn read_again(self, job: &Job) -> Result<Catalog> {
        let Catalog { store, stale, .. } = self;
        Ok(Catalog::read(&store, job)?.with_stale(stale))
    }

    /// The greatest landing number of a system's stream; 0 where it has no rows.
    pub fn newest(&self, source: &str, stream: &str) -> i64 {
        let groups =
            self.systems.iter().filter(|system| system.source == source).flat_map(|system| system.groups.values());
        groups.filter_map(|group| group.streams.get(stream)).map(|stream| stream.newest).max().unwrap_or(0)
    }

    /// What could not be read in this run and is as it was landed earlier.
    pub fn stale(&self) -> &[StaleSource] {
        &self.stale
    }

    /// Every stream as the end of `as_of` sees it, in the order of the job.
    ///
    /// # Errors
    /// A state lists a malformed key (70).
    pub fn view(&self, as_of: NaiveDate) -> Result<Vec<StreamView>> {
        let mut views: Vec<StreamView> =
            self.streams.iter().map(|entry| self.stream_view(entry, as_of)).collect::<Result<_>>()?;
        for system in &self.systems {
            views.extend(self.system_views(system, as_of)?);
        }
        Ok(views)
    }

    fn system_views(&self, system: &System, as_of: NaiveDate) -> Result<Vec<StreamView>> {
        let mut views = Vec::new();
        for (stream, group) in &system.declared {
            let group = system.groups.get(group);
            let landed = group.and_then(|group| Some((group, group.streams.get(&stream.name)?)));
            views.push(match landed {
                Some((group, landed)) => {
                    self.versions_view(group, (&stream.name, landed), Some(stream), system, as_of)?
                }
                None => {
                    let versions = Versions::none(stream, as_of);
                    empty_view(&system.source, &stream.name, versions)
                }
            });
        }
        for group in system.groups.values() {
            let is_declared = |name: &str| system.declared.iter().any(|(stream, _)| stream.name == name);
            // A reader that knows its streams only when it runs declares none beforehand.
            for landed in group.streams.iter().filter(|(name, _)| system.declared.is_empty() && !is_declared(name)) {
                views.push(self.versions_view(group, landed, None, system, as_of)?);
            }
        }
        Ok(views)
    }

    fn versions_view(
        &self,
        group: &GroupState,
        (name, landed): (&String, &StreamState),
        declared: Option<&StreamSpec>,
        system: &System,
        as_of: NaiveDate,
    ) -> Result<StreamView> {
        let versions = Versions::of(&self.store, landed, declared, group.first_landed, as_of)?;
        let mut view = empty_view(&group.source, name, versions);
        view.rows = landed.rows;
        view.origins = (landed.base.len() + landed.deltas.len()) as u64;
        view.landed_date = group.read_at.map(|at| calendar::as_of_for_tick(at, system.zone));
        for pass in &landed.quarantine {
            self.add_quarantine(&mut view, &pass.file)?;
        }
        Ok(view)
    }

    fn stream_view(&self, entry: &Entry, as_of: NaiveDate) -> Result<StreamView> {
        let (versions, is_backdated) = entry.state.view(as_of);
        let mut view = StreamView {
            source: entry.state.source.clone(),
            stream: entry.state.stream.clone(),
            entity: entry.state.entity.clone(),
            files: Vec::new(),
            schema: Arc::clone(&entry.schema),
            versions: None,
            rows: 0,
            origins: versions.len() as u64,
            quarantined: 0,
            quarantined_money: BTreeMap::new(),
            quarantine_files: Vec::new(),
            landed_date: versions.iter().map(|version| version.seen_from).max(),
            is_backdated,
        };
        for version in versions {
            self.add(&mut view, version)?;
        }
        Ok(view)
    }

    fn add(&self, view: &mut StreamView, version: &Version) -> Result<()> {
        view.rows += version.rows;
        for file in &version.files {
            view.files.push(self.store.path(&file.key)?);
        }
        version.quarantine.iter().try_for_each(|quarantine| self.add_quarantine(view, quarantine))
    }

    fn add_quarantine(&self, view: &mut StreamView, quarantine: &QuarantineFile) -> Result<()> {
        view.quarantined += quarantine.rows;
        view.quarantine_files.push(self.store.path(&quarantine.key)?);
        for (currency, money) in &quarantine.money {
            let sum = view.quarantined_money.entry(currency.clone()).or_default();
            *sum = sum.saturating_add(*money);
        }
        Ok(())
    }

    /// How many usage events each day holds, over all streams.
    pub fn usage_days(&self) -> BTreeMap<NaiveDate, u64> {
        let mut days = BTreeMap::new();
        for file in self.usage_versions().flat_map(|version| version.files.iter()) {
            for (day, events) in &file.days {
                *days.entry(*day).or_default() += events;
            }
        }
        days
    }

    /// The files that hold usage events of the days from `from` up to but not including `to`. A file may hold other
    /// days too; it is sorted by `usage_date`, so a filter reads few of its rows.
    ///
    /// # Errors
    /// A state lists a malformed key (70).
    pub fn usage_files(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<PathBuf>> {
        let files = self.usage_versions().flat_map(|version| version.files.iter());
        let holding = files.filter(|file| from < to && file.days.range(from..to).next().is_some());
        holding.map(|file| self.store.path(&file.key)).collect()
    }

    /// The days of every landed file of usage events, by key.
    pub(super) fn usage_inputs(&self) -> BTreeMap<&str, &BTreeMap<NaiveDate, u64>> {
        let files = self.usage_versions().flat_map(|version| version.files.iter());
        files.map(|file| (file.key.as_str(), &file.days)).collect()
    }

    fn usage_versions(&self) -> impl Iterator<Item = &Version> {
        let events = self.streams.iter().filter(|entry| entry.state.entity.as_deref() == Some(USAGE_EVENT));
        events.flat_map(|entry| entry.state.current())
    }

    /// The rows of `run.landed`: one a stream, and one more for every further currency with money in quarantine.
    ///
    /// # Errors
    /// The rows do not make a batch (70).
    pub fn run_landed(&self, as_of: NaiveDate) -> Result<RecordBatch> {
        let views = self.view(as_of)?;
        let mut rows = Vec::new();
        for view in &views {
            let mut money = view.quarantined_money.iter();
            rows.push((view, true, money.next()));
            rows.extend(money.map(|more| (view, false, Some(more))));
        }
        let count = |of: &dyn Fn(&StreamView) -> u64| -> ArrayRef {
            let counts =
                rows.iter().map(|(view, is_first, _)| if *is_first { i64::try_from(of(view)).ok() } else { Some(0) });
            Arc::new(counts.collect::<Int64Array>())
        };
        let text = |of: &dyn Fn(&StreamView) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(view, ..)| of(view))))
        };
        let money: Decimal128Array = rows.iter().map(|(_, _, money)| money.map(|(_, sum)| *sum)).collect();
        let currency =
            rows.iter().map(|(_, _, money)| money.map(|(code, _)| code.clone()).filter(|code| !code.is_empty()));
        let dates = rows.iter().map(|(view, ..)| view.landed_date.map(|date| date.to_epoch_days()));
        let malformed = |error| Error::bug("run.landed does not make a batch").caused_by(error);
        let columns: Vec<ArrayRef> = vec![
            text(&|view| view.source.clone()),
            text(&|view| view.entity.clone().unwrap_or_else(|| view.stream.clone())),
            count(&|view| view.rows),
            count(&|view| view.origins),
            count(&|view| view.quarantined),
            Arc::new(money.with_precision_and_scale(18, 4).map_err(malformed)?),
            Arc::new(currency.collect::<StringArray>()),
            Arc::new(dates.collect::<Date32Array>()),
            Arc::new(rows.iter().map(|(view, ..)| Some(view.is_backdated)).collect::<BooleanArray>()),
        ];
        let schema = plan::run_schema("landed").ok_or_else(|| Error::bug("run.landed has no columns"))?;
        RecordBatch::try_new(schema, columns).map_err(malformed)
    }

    /// The Parquet files whose rows make `run.quarantine`; there may be none.
    ///
    /// # Errors
    /// A state lists a malformed key (70).
    pub fn quarantine_files(&self, as_of: NaiveDate) -> Result<Vec<PathBuf>> {
        Ok(self.view(as_of)?.into_iter().flat_map(|view| view.quarantine_files).collect())
    }

    /// The store the files lie in.
    pub(super) fn area(&self) -> Area<'_> {
        Area { store: &self.store, job: &self.job }
    }
}

/// (source, stream, entity) of every stream that the job reads, in its order; the sample's as they were landed.
fn streams_of(area: Area<'_>, job: &Job) -> Result<Vec<(String, String, Option<String>)>> {
    let mut streams = Vec::new();
    for source in &job.sources {
        match &source.kind {
            SourceKind::Files(files) => streams.extend(files.inputs.iter().map(|input| {
                let entity = match &input.target {
                    Target::Entity { entity, .. } => Some(entity.clone()),
                    Target::Raw { .. } => None,
                };
                (source.name.clone(), input.name.clone(), entity)
            })),
            SourceKind::Api(_) | SourceKind::Postgres(_) | SourceKind::Singer(_) => {
                let is_events = source.kind.queries().iter().any(|query| query.entity == USAGE_EVENT);
                let events = Some(USAGE_EVENT.to_owned());
                streams.extend(is_events.then(|| (source.name.clone(), USAGE_EVENT.to_owned(), events)));
            }
            SourceKind::Sample(_) => {
                let prefix = format!("{}/{}", area.states(), source.name);
                let names: BTreeSet<String> = area
                    .store
                    .list(&prefix)?
                    .iter()
                    .filter_map(|object| object.key.rsplit('/').next()?.strip_suffix(".json").map(str::to_owned))
                    .collect();
                let known = names.into_iter().filter(|name| job.models.entity(name).is_some());
                streams.extend(known.map(|name| (source.name.clone(), name.clone(), Some(name))));
            }
        }
    }
    Ok(streams)
}

/// The landed streams of every system that the job asks.
fn systems_of(area: Area<'_>, job: &Job) -> Result<Vec<System>> {
    let mut systems = Vec::new();
    for source in &job.sources {
        if !source.kind.is_streamed() {
            continue;
        }
        let described = if let SourceKind::Api(api) = &source.kind { Some(api) } else { None };
        let streams = described.map(|api| api.spec.streams.as_slice()).unwrap_or_default();
        let declared: Vec<(StreamSpec, String)> =
            streams.iter().map(|stream| (stream.clone(), group_of(streams, &stream.name).to_owned())).collect();
        let mut groups = BTreeMap::new();
        for object in area.store.list(&format!("{}/{}", area.api_states(), source.name))? {
            if let Some((state, _)) = GroupState::read(area.store, &object.key)? {
                groups.insert(state.stream.clone(), state);
            }
        }
        // What the job does without now is empty, whatever was landed of it.
        groups.retain(|group, _| described.is_none_or(|api| !api.skip.contains(group)));
        systems.push(System { source: source.name.clone(), declared, groups, zone: job.timezone });
    }
    Ok(systems)
}

/// A system's stream without what its state says.
fn empty_view(source: &str, stream: &str, versions: Versions) -> StreamView {
    StreamView {
        source: source.to_owned(),
        stream: stream.to_owned(),
        entity: None,
        files: Vec::new(),
        schema: Arc::clone(&versions.schema),
        rows: 0,
        origins: 0,
        quarantined: 0,
        quarantined_money: BTreeMap::new(),
        quarantine_files: Vec::new(),
        landed_date: None,
        is_backdated: versions.is_backdated(),
        versions: Some(versions),
    }
}

/// All columns that any kept version of a raw input has.
fn union_schema(state: &State) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::new();
    for version in &state.versions {
        let schema = version.schema()?;
        for field in schema.fields().iter().filter(|field| !field.name().starts_with('_')) {
            match fields.iter().find(|known| known.name() == field.name()) {
                None => fields.push(field.as_ref().clone()),
                Some(known) if known.data_type() == field.data_type() => {}
                Some(known) => {
                    return Err(Error::usage(format!(
                        "column {} of input {} is {} in one file and {} in another ({})",
                        field.name(),
                        state.stream,
                        known.data_type(),
                        field.data_type(),
                        version.origin
                    ))
                    .help(format!("declare its type: columns = {{ {} = \"text\" }}", field.name())));
                }
            }
        }
    }
    Ok(raw_schema(&Schema::new(fields)))
}
