//! Record batches become typed Parquet in the landing area, each row exactly once: a file exists only if its stream's
//! state lists it, and the state is one object that is replaced conditionally.

mod api;
mod background;
mod catalog;
mod connect;
mod events;
mod quarantine;
mod rollup;
mod state;
mod stream;
mod usage;
mod writer;

#[cfg(test)]
mod tests;

pub use api::{Files, ReplayOf, Replayed, StaleSource, Versions};
pub use background::Background;
pub use catalog::{Catalog, StreamView};
pub use connect::try_system;
pub use events::Events;
pub use quarantine::quarantine_findings;
pub use rollup::Rollup;

use crate::calendar;
use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter, Stage};
use crate::extract::api::Asked;
use crate::extract::files::{self, Found};
use crate::extract::shape::PROVENANCE;
use crate::extract::{self, Quarantined, Receiver, Seen, postgres, singer};
use crate::job::{FileInput, FilesSource, Job, SampleSpec, Source, SourceKind, Target};
use crate::model::contract::Contract;
use crate::model::{Model, plan};
use crate::sample::Sample;
use crate::store::{Store, sha256, sha256_file};
use arrow::record_batch::RecordBatch;
use background::Stop;
use chrono::{DateTime, NaiveDate, Utc};
use state::{Area, State};
use std::sync::atomic::AtomicU64;
use stream::{Identity, Keeping, Stream, USAGE_EVENT};

/// Part of what a file's landing depends on besides its bytes: raised when this module reads files differently.
const READING: u32 = 1;

/// Extracts and lands every source of `job`, and says what can be read now. What was landed before is not landed
/// again. The states are replaced after every source was read, so that an input that cannot be read leaves the landing
/// area as it was.
///
/// `now` decides since when file rows are known; the sample is a function of the date and is landed as of `as_of`.
///
/// # Errors
/// An input is missing or unreadable (69) or is not what the job says (64); the warehouse cannot be written (75);
/// somebody else changed a state (73).
pub fn land(store: &Store, job: &Job, now: DateTime<Utc>, as_of: NaiveDate, reporter: &Reporter) -> Result<Catalog> {
    land_unless(&Stop::default(), store, job, now, as_of, reporter)
}

fn land_unless(
    stop: &Stop,
    store: &Store,
    job: &Job,
    now: DateTime<Utc>,
    as_of: NaiveDate,
    reporter: &Reporter,
) -> Result<Catalog> {
    let area = Area { store, job: &job.name };
    let today = calendar::as_of_for_tick(now, job.timezone);
    let mut landing =
        Landing { area, job, today, as_of, reporter, stop, next: next_sequence(area)?, streams: Vec::new() };
    for source in &job.sources {
        match &source.kind {
            SourceKind::Files(files) => {
                for input in &files.inputs {
                    landing.input(&source.name, files, input)?;
                }
            }
            SourceKind::Sample(spec) => landing.sample(&source.name, spec)?,
            // Systems commit as they go, so they come once every input was readable.
            SourceKind::Api(_) | SourceKind::Postgres(_) | SourceKind::Singer(_) => {}
        }
    }
    stop.check()?;
    for stream in &mut landing.streams {
        // A run for a date long past still needs the versions around that date.
        stream.commit(today.min(as_of), job.landing.history_days)?;
    }
    let stale = systems(stop, area, job, (now, landing.next), reporter)?;
    Ok(Catalog::read(store, job)?.with_stale(stale))
}

/// Streams of a system that could not be read, each with the age that its source's data may have.
type Unread = Vec<(api::Ended, Option<u32>)>;

/// Reads the job's systems side by side. What was landed of one stays, whatever becomes of the others.
fn systems(
    stop: &Stop,
    area: Area<'_>,
    job: &Job,
    (now, next): (DateTime<Utc>, u64),
    reporter: &Reporter,
) -> Result<Vec<StaleSource>> {
    let sequences = AtomicU64::new(next);
    let check = || stop.check();
    let read = |source: &Source| -> Result<Unread> {
        let what = match &source.kind {
            SourceKind::Api(api) => (api.streams().cloned().collect(), api.keep_raw_days),
            // They know their streams when they run, and there is nothing raw to keep.
            _ => (Vec::new(), 0),
        };
        let landing = api::Landing::new(area, job, &source.name, what, (now, &sequences), reporter)?;
        let ended = api::land(&landing, |scratch, destination| {
            let (name, stop): (&str, &(dyn Fn() -> Result<()> + Sync)) = (&source.name, &check);
            match &source.kind {
                SourceKind::Api(source) => {
                    extract::api::extract(Asked { name, source, now, scratch, reporter, stop }, destination)
                }
                SourceKind::Postgres(source) => {
                    postgres::read(postgres::Asked { name, source, now, reporter, stop }, destination)
                }
                SourceKind::Singer(source) => {
                    singer::read(singer::Asked { name, source, now, reporter, stop }, destination)
                }
                SourceKind::Sample(_) | SourceKind::Files(_) => Ok(Vec::new()),
            }
        })?;
        Ok(ended.into_iter().map(|ended| (ended, source.kind.max_age_days())).collect())
    };
    let ended: Vec<Result<Unread>> = std::thread::scope(|scope| {
        let systems = job.sources.iter().filter(|source| source.kind.is_streamed());
        let systems = systems.map(|source| scope.spawn(|| read(source)));
        let running: Vec<_> = systems.collect();
        let crashed = || Err(Error::bug("landing a system failed unexpectedly"));
        running.into_iter().map(|system| system.join().unwrap_or_else(|_| crashed())).collect()
    });
    stop.check()?;
    api::settle(job, ended.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Lands the kept answers of the job's systems again, without asking the systems.
///
/// # Errors
/// There is no such source or stream, or an answer no longer fits its description (64); the warehouse cannot be read or
/// written (75).
pub fn replay(
    store: &Store,
    job: &Job,
    asked: &ReplayOf,
    is_anew: bool,
    now: DateTime<Utc>,
    reporter: &Reporter,
) -> Result<Vec<Replayed>> {
    let area = Area { store, job: &job.name };
    let sequences = AtomicU64::new(next_sequence(area)?);
    let mut replayed = Vec::new();
    let mut is_known = false;
    for source in job.sources.iter().filter(|source| asked.source.as_ref().is_none_or(|name| source.name == *name)) {
        let SourceKind::Api(system) = &source.kind else { continue };
        is_known = true;
        let what = (system.streams().cloned().collect(), system.keep_raw_days);
        let landing = api::Landing::new(area, job, &source.name, what, (now, &sequences), reporter)?;
        for outer in api::groups_of(&landing, asked)? {
            if is_anew {
                api::forget_group(&landing, outer)?;
            } else {
                replayed.push(api::replay_group(&landing, system, outer, asked)?);
            }
        }
    }
    match (&asked.source, is_known) {
        (Some(source), false) => Err(Error::usage(format!("{} has no described system {source}", job.name))),
        _ => Ok(replayed),
    }
}

/// The first sequence number that no landing of this job has used.
fn next_sequence(area: Area<'_>) -> Result<u64> {
    let mut last = 0;
    for object in area.store.list(&area.states())? {
        if let Some((state, _)) = State::read(area.store, &object.key)? {
            last = state.versions.iter().map(|version| version.sequence).fold(last, u64::max);
        }
    }
    Ok(last.max(api::last_sequence(area)?) + 1)
}

struct Landing<'a> {
    area: Area<'a>,
    job: &'a Job,
    today: NaiveDate,
    as_of: NaiveDate,
    reporter: &'a Reporter,
    stop: &'a Stop,
    next: u64,
    streams: Vec<Stream<'a>>,
}

impl Landing<'_> {
    fn sequence(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn keeping(&self, entity: Option<&Model>) -> Result<Keeping> {
        let quarantine = plan::run_schema("quarantine").ok_or_else(|| Error::bug("run.quarantine has no columns"))?;
        Ok(Keeping { entity: entity.map(plan::provided_schema), quarantine, zone: self.job.timezone })
    }

    fn entity(&self, name: &str) -> Result<&Model> {
        let models = &self.job.models;
        models.entity(name).ok_or_else(|| Error::bug(format!("there is no entity {name}")))
    }

    fn input(&mut self, source: &str, files: &FilesSource, input: &FileInput) -> Result<()> {
        let entity = match &input.target {
            Target::Entity { entity, .. } => Some(self.entity(entity)?),
            Target::Raw { .. } => None,
        };
        let contract = entity.map(own_contract);
        let keeping = self.keeping(entity)?;
        let reading = reading(input, contract.as_ref(), self.job);
        let found = files::find(&files.root, input)?;
        let mut stream = Stream::open(self.area, source, &input.name, entity.map(|model| model.name.as_str()))?;
        let what = format!("{source}.{}", input.name);
        let mut landed = 0;
        let total = Some(found.len() as u64);
        for (done, file) in (1_u64..).zip(&found) {
            self.stop.check()?;
            let before = stamp_of(file)?;
            let (sha256, _) = sha256_file(&file.path).map_err(|error| unreadable(file, &error))?;
            if !stream.state().holds(&file.name, &sha256, &reading) {
                let identity = Identity {
                    origin: &file.name,
                    sha256: &sha256,
                    reading: &reading,
                    seen_from: self.today,
                    sequence: self.sequence(),
                    covers: None,
                };
                // Keys are compared within a file: whether its neighbours are landed today must not decide over its rows.
                let mut seen = Seen::default();
                let scratch = self.area.store.draft("_tailwater/landing/unpacked")?;
                stream.land(&identity, &keeping, |receiver| {
                    let mut counted =
                        Counted { receiver, reporter: self.reporter, stop: self.stop, what: &what, rows: 0 };
                    files::read(file, input, contract.as_ref(), scratch.path(), &mut seen, &mut counted)
                })?;
                landed += 1;
                if stamp_of(file)? != before {
                    return Err(Error::new(Class::Unavailable, format!("{} changed while it was read", file.name))
                        .help("run again when the export has finished"));
                }
            }
            self.reporter.say(Event::Progress { stage: Stage::Land, what: what.clone(), done, total });
        }
        self.done(stream, landed == 0);
        Ok(())
    }

    fn sample(&mut self, source: &str, spec: &SampleSpec) -> Result<()> {
        let sample = Sample::new(spec, self.as_of);
        for name in sample.entities() {
            let entity = self.entity(name)?;
            let contract = own_contract(entity);
            let keeping = self.keeping(Some(entity))?;
            let reading = sample_reading(spec, &contract, self.job);
            let mut stream = Stream::open(self.area, source, name, Some(name))?;
            // Another seed or size is another company: nothing of the old one stays.
            stream.drop_versions(|version| version.reading != reading);
            let origin = self.as_of.to_string();
            let is_known = stream.state().versions.iter().any(|version| version.seen_from == self.as_of);
            if !is_known {
                let identity = Identity {
                    origin: "snapshot",
                    sha256: &origin,
                    reading: &reading,
                    seen_from: self.as_of,
                    sequence: self.sequence(),
                    covers: None,
                };
                stream.land(&identity, &keeping, |receiver| {
                    sample.batches(name, &contract)?.into_iter().try_for_each(|batch| receiver.rows(batch))
                })?;
            }
            self.done(stream, is_known);
        }
        self.sample_usage(source, spec, &sample)
    }

    /// Usage events of the days up to the run's date that were not landed yet: a past day never changes.
    fn sample_usage(&mut self, source: &str, spec: &SampleSpec, sample: &Sample) -> Result<()> {
        let entity = self.entity(USAGE_EVENT)?;
        let contract = own_contract(entity);
        let keeping = self.keeping(Some(entity))?;
        let reading = sample_reading(spec, &contract, self.job);
        let mut stream = Stream::open(self.area, source, USAGE_EVENT, Some(USAGE_EVENT))?;
        stream.drop_versions(|version| version.reading != reading);
        let last = stream.state().versions.iter().filter_map(|version| version.covers).map(|(_, last)| last).max();
        let first = last.and_then(|day| day.succ_opt()).unwrap_or(spec.start);
        let end = self.as_of.succ_opt().unwrap_or(self.as_of);
        let is_known = first >= end;
        if !is_known {
            let origin = format!("{first}..{}", self.as_of);
            let identity = Identity {
                origin: &origin,
                sha256: &origin,
                reading: &reading,
                seen_from: self.as_of,
                sequence: self.sequence(),
                covers: Some((first, self.as_of)),
            };
            let what = format!("{source}.{USAGE_EVENT}");
            stream.land(&identity, &keeping, |receiver| {
                let mut counted = Counted { receiver, reporter: self.reporter, stop: self.stop, what: &what, rows: 0 };
                sample.usage_events(first..end, &contract).try_for_each(|batch| counted.rows(batch?))
            })?;
        }
        self.done(stream, is_known);
        Ok(())
    }
}

impl<'a> Landing<'a> {
    fn done(&mut self, stream: Stream<'a>, unchanged: bool) {
        let state = stream.state();
        let current = state.current();
        self.reporter.say(Event::Landed {
            source: state.source.clone(),
            entity: state.entity.clone().unwrap_or_else(|| state.stream.clone()),
            rows: current.iter().map(|version| version.rows).sum(),
            quarantined: current.iter().filter_map(|version| version.quarantine.as_ref()).map(|file| file.rows).sum(),
            files: current.len() as u64,
            unchanged,
        });
        self.streams.push(stream);
    }
}

/// Says how many rows have come.
struct Counted<'a> {
    receiver: &'a mut dyn Receiver,
    reporter: &'a Reporter,
    stop: &'a Stop,
    what: &'a str,
    rows: u64,
}

/// Rows between two words about progress.
const PROGRESS_ROWS: u64 = 262_144;

impl Receiver for Counted<'_> {
    fn rows(&mut self, batch: RecordBatch) -> Result<()> {
        self.stop.check()?;
        let before = self.rows;
        self.rows += batch.num_rows() as u64;
        if before / PROGRESS_ROWS != self.rows / PROGRESS_ROWS {
            let what = self.what.to_owned();
            self.reporter.say(Event::Progress { stage: Stage::Land, what, done: self.rows, total: None });
        }
        self.receiver.rows(batch)
    }

    fn quarantine(&mut self, row: Quarantined) -> Result<()> {
        self.receiver.quarantine(row)
    }
}

/// What a source must bring of an entity: its contract without the columns that landing or the entity itself fills.
fn own_contract(entity: &Model) -> Contract {
    let mut contract = entity.contract.clone();
    contract
        .columns
        .retain(|column| !entity.derived.contains(&column.name) && !PROVENANCE.contains(&column.name.as_str()));
    contract
}

/// A hash of all that decides how a file's bytes become rows: where it changes, files are read again.
fn reading(input: &FileInput, contract: Option<&Contract>, job: &Job) -> String {
    let columns = contract.map(columns_of);
    let zone = contract.filter(|contract| contract.table == USAGE_EVENT).map(|_| job.timezone.name());
    let FileInput { name: _, pattern: _, format, target, defaults, nulls, key } = input;
    sha256(format!("{READING} {format:?} {target:?} {defaults:?} {nulls:?} {key:?} {columns:?} {zone:?}").as_bytes())
}

fn sample_reading(spec: &SampleSpec, contract: &Contract, job: &Job) -> String {
    let zone = (contract.table == USAGE_EVENT).then(|| job.timezone.name());
    let version = env!("CARGO_PKG_VERSION");
    sha256(format!("{READING} {version} {spec:?} {:?} {zone:?}", columns_of(contract)).as_bytes())
}

fn columns_of(contract: &Contract) -> Vec<(String, String, bool)> {
    contract.columns.iter().map(|column| (column.name.clone(), column.ty.to_string(), column.required)).collect()
}

/// Size and time of change: equal before and after means that one version of the file was read.
fn stamp_of(file: &Found) -> Result<(u64, Option<std::time::SystemTime>)> {
    let metadata = std::fs::metadata(&file.path).map_err(|error| unreadable(file, &error))?;
    Ok((metadata.len(), metadata.modified().ok()))
}

fn unreadable(file: &Found, error: &std::io::Error) -> Error {
    Error::new(Class::Unavailable, format!("{} could not be read", file.name))
        .caused_by(error)
        .help("check that it is still there and that this user may read it")
}
