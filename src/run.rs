//! One run in one screen: lease -> extract -> land -> transform -> check -> publish -> record.

use crate::calendar::Clock;
use crate::check;
use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter, Stage};
use crate::finding::Finding;
use crate::job::{Job, SourceKind};
use crate::land::{self, Background, ReplayOf, Replayed, StaleSource};
use crate::model::text::nearest;
use crate::model::{Input, Layer, Model};
use crate::observe::records::{self, Outcome, RunRecord};
use crate::observe::{Ledger, Totals};
use crate::publish::{self, Manifest, Partition, Published, Staged, Stale, recover};
use crate::sample::{Sample, activity, planted};
use crate::store::{Holder, Lease, Store};
use crate::transform::{self, PartitionFile, Places, Public, Results, StagedFile, Transform};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The business date.
    pub as_of: NaiveDate,
    /// The tables to compute, with everything upstream of them; empty for all.
    pub select: Vec<String>,
    /// This run's name: its start and something that no other run has.
    pub run_id: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
}

impl Request {
    /// A run that starts now.
    pub fn new(as_of: NaiveDate, select: Vec<String>, clock: &Clock) -> Self {
        let started_at = clock.now();
        // Two runs may start in one second, and in containers they have the same process id.
        let unlike = RandomState::new().build_hasher().finish() & 0xffff_ffff;
        let run_id = format!("{}-{unlike:08x}", started_at.format("%Y%m%dT%H%M%SZ"));
        Request { as_of, select, run_id, started_at }
    }
}

/// What a run that ended well leaves behind.
#[derive(Debug)]
pub struct Done {
    /// The warehouse.
    pub store: Store,
    /// Every result, changed or not.
    pub published: Vec<Published>,
    /// What it said.
    pub totals: Totals,
    /// Later dates that rest on what it replaced.
    pub stale: Vec<Stale>,
}

/// Runs `job` once. `stop` ends it before the commit point; from there on a run is finished.
///
/// # Errors
/// Whatever stage failed; the warehouse then is as it was, but for the landing area and the run's own record.
pub async fn run(
    job: &Arc<Job>,
    request: &Request,
    clock: &Clock,
    (reporter, ledger): (&Reporter, &Ledger),
    stop: impl Future<Output = &'static str>,
) -> Result<Done> {
    let models = selected(job, &request.select)?;
    let store = Store::open(&job.warehouse)?;
    let lease_stage = Timed::start(reporter, Stage::Lease);
    let mut lease = Lease::acquire(&store, &holder(job, request))?;
    // From here on every outcome has its record.
    let recovered = recover(&store, &mut lease, reporter)
        .and_then(|recovery| records::write_dead(&store, &mut lease, &recovery))
        .map(|()| lease_stage.finish());
    let mut stopped = false;
    let computed = match recovered {
        Err(error) => Err(error),
        Ok(()) => tokio::select! {
            computed = compute(job, &store, request, &models, clock, reporter) => computed,
            signal = stop => {
                stopped = true;
                Err(Error::new(Class::TryAgain, format!("stopped by {signal} before anything was published"))
                    .help("start it again: what was landed is kept"))
            }
        },
    };
    let mut stale_sources = Vec::new();
    let published = match computed {
        Ok((staged, resting)) => {
            stale_sources = resting;
            stage(reporter, Stage::Publish, || publish::commit(&store, &mut lease, &request.run_id, &staged, reporter))
        }
        Err(error) => Err(error),
    };
    let recorded = stage(reporter, Stage::Record, || {
        record(job, &store, &lease, request, &models, clock, ledger, stopped, &published, stale_sources)
    });
    let published = published?;
    let stale = recorded?;
    lease.release()?;
    Ok(Done { store, published, totals: ledger.totals(), stale })
}

/// Lands kept answers again under the job's lease, so that no run lands beside it.
///
/// # Errors
/// Another run holds the job (73), or as [`land::replay`].
pub fn replay(job: &Job, asked: &ReplayOf, is_anew: bool, clock: &Clock, reporter: &Reporter) -> Result<Vec<Replayed>> {
    let store = Store::open(&job.warehouse)?;
    let request = Request::new(job.as_of(clock.now()), Vec::new(), clock);
    let mut lease = Lease::acquire(&store, &holder(job, &request))?;
    recover(&store, &mut lease, reporter).and_then(|recovery| records::write_dead(&store, &mut lease, &recovery))?;
    let replayed = land::replay(&store, job, asked, is_anew, clock.now(), reporter)?;
    lease.release()?;
    Ok(replayed)
}

/// Everything before the commit: nothing public is touched.
async fn compute(
    job: &Arc<Job>,
    store: &Store,
    request: &Request,
    models: &[&Model],
    clock: &Clock,
    reporter: &Reporter,
) -> Result<(Vec<Staged>, Vec<Stale>)> {
    let land_stage = Timed::start(reporter, Stage::Land);
    let landing = Background::start(store.clone(), Arc::clone(job), clock.now(), request.as_of, reporter.clone())?;
    let catalog = landing.finished().await?;
    land_stage.finish();

    let transform_stage = Timed::start(reporter, Stage::Transform);
    let scratch = Scratch::create(job, &request.run_id)?;
    let places = Places { staging: store.staging_dir(&request.run_id)?, scratch: scratch.path.clone() };
    let catalog = transform::land_events(job, store, catalog, (clock.now(), request.as_of), &places).await?;
    let resting = publish::resting_on(job, models, request.as_of, catalog.stale());
    let mut quarantined = land::quarantine_findings(&catalog, request.as_of, &job.policy)?;
    quarantined.extend(catalog.stale().iter().map(StaleSource::finding));
    let public = public(store, job, models, request.as_of)?;
    let transform = Arc::new(Transform::new(job, request.as_of, catalog, public, places, reporter));
    let results = transform.run(models).await?;
    let mut files: Vec<StagedFile> = results.tables.values().flat_map(|table| table.files.clone()).collect();
    files.extend(stage_planted(job, &transform, &results, request).await?);
    transform_stage.finish();

    let check_stage = Timed::start(reporter, Stage::Check);
    let findings = findings(&transform, &results, models, quarantined, reporter).await?;
    check::gate(&findings)?;
    check_stage.finish();
    Ok((files.into_iter().map(staged).collect(), resting))
}

/// Every check of every table, each said as it is found.
async fn findings(
    transform: &Transform,
    results: &Results,
    models: &[&Model],
    mut found: Vec<Finding>,
    reporter: &Reporter,
) -> Result<Vec<Finding>> {
    for model in models {
        if model.layer == Layer::Check {
            found.push(check::question(&results.session, model, transform.params()).await?);
        } else if let Some(table) = results.tables.get(&model.name)
            && (table.rows.is_some() || model.each)
        {
            // Events that stay a view are checked through what is rolled up from them.
            let rows = table.rows.as_ref();
            found.extend(check::contract(&results.session, model, rows, transform.params()).await?);
        }
    }
    for finding in &found {
        reporter.say(Event::Checked(finding.clone()));
    }
    Ok(found)
}

/// The lists of what was planted in the made-up company, beside the marts and read by none.
async fn stage_planted(
    job: &Job,
    transform: &Transform,
    results: &Results,
    request: &Request,
) -> Result<Vec<StagedFile>> {
    let (mut files, as_of) = (Vec::new(), request.as_of);
    let is_asked = |table: &str| request.select.is_empty() || request.select.iter().any(|name| name == table);
    if !planted_tables(job).any(|table| is_asked(&table)) {
        return Ok(files);
    }
    for source in &job.sources {
        let SourceKind::Sample(spec) = &source.kind else { continue };
        let sample = Sample::new(spec, as_of);
        let behaviour = activity::planted_behaviour_batches(sample.company(), as_of)?;
        for (contract, rows) in
            [(planted::contract(), sample.planted(as_of)?), (activity::planted_behaviour_contract(), behaviour)]
        {
            if is_asked(&contract.table) {
                files.extend(transform.stage(&results.session, &contract, rows).await?);
            }
        }
    }
    Ok(files)
}

/// The tables that a made-up company adds to those of the models.
fn planted_tables(job: &Job) -> impl Iterator<Item = String> {
    let has_sample = job.sources.iter().any(|source| matches!(source.kind, SourceKind::Sample(_)));
    let tables = [planted::contract().table, activity::planted_behaviour_contract().table];
    tables.into_iter().filter(move |_| has_sample)
}

/// The models of a run in order: those selected and all upstream, and the checks that ask nothing else.
///
/// # Errors
/// A selected table is no table of the job (64).
pub fn selected<'a>(job: &'a Job, select: &[String]) -> Result<Vec<&'a Model>> {
    if select.is_empty() {
        return Ok(job.models.in_order());
    }
    let planted: Vec<String> = planted_tables(job).collect();
    let select: Vec<String> = select.iter().filter(|table| !planted.contains(table)).cloned().collect();
    for table in &select {
        if job.models.get(table).is_none() {
            let mut error = Error::usage(format!("job {} has no table {table}", job.name));
            if let Some(near) = nearest(table, job.models.iter().map(|model| model.name.as_str())) {
                error = error.help(format!("did you mean {near}?"));
            }
            return Err(error);
        }
    }
    let closure: BTreeSet<&str> = job.models.closure(&select).iter().map(|model| model.name.as_str()).collect();
    let is_asked = |model: &&Model| {
        closure.contains(model.name.as_str())
            || (model.layer == Layer::Check && model.reads().all(|input| closure.contains(input)))
    };
    Ok(job.models.in_order().into_iter().filter(is_asked).collect())
}

/// What the models read of earlier runs, as the manifest lists it.
///
/// # Errors
/// A listed file is gone or was changed by somebody else (73).
pub fn public(store: &Store, job: &Job, models: &[&Model], as_of: NaiveDate) -> Result<Public> {
    let manifest = Manifest::read(store, &job.name)?;
    let mut public = Public::default();
    for input in models.iter().flat_map(|model| &model.inputs) {
        if let Input::Published(table) = input {
            let partitions = manifest.published(store, table, as_of)?;
            public.earlier.insert(table.clone(), partition_files(&partitions));
        }
    }
    for model in models.iter().filter(|model| model.publish) {
        public.folders.insert(model.name.clone(), manifest.folders(&model.name));
    }
    Ok(public)
}

/// The files of a manifest's partitions as tables read them.
pub fn partition_files(partitions: &[Partition]) -> Vec<PartitionFile> {
    let file = |partition: &Partition| PartitionFile {
        path: partition.path.clone(),
        rows: partition.rows,
        values: partition.values.iter().map(|(_, value)| value.clone()).collect(),
    };
    partitions.iter().map(file).collect()
}

fn stage<T>(reporter: &Reporter, stage: Stage, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let timed = Timed::start(reporter, stage);
    let done = work()?;
    timed.finish();
    Ok(done)
}

/// A stage that has begun. Only one that ends well says that it has finished.
struct Timed<'a> {
    reporter: &'a Reporter,
    stage: Stage,
    started: Instant,
}

impl<'a> Timed<'a> {
    fn start(reporter: &'a Reporter, stage: Stage) -> Self {
        reporter.say(Event::StageStarted { stage });
        Timed { reporter, stage, started: Instant::now() }
    }

    fn finish(self) {
        self.reporter.say(Event::StageFinished { stage: self.stage, elapsed: self.started.elapsed() });
    }
}

/// Who holds the job's lease while `request` runs.
pub fn holder(job: &Job, request: &Request) -> Holder {
    Holder {
        job: job.name.clone(),
        run_id: request.run_id.clone(),
        started_at: request.started_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        as_of_date: request.as_of.to_string(),
    }
}

fn staged(file: StagedFile) -> Staged {
    Staged { key: file.key, path: file.path, rows: file.rows, bytes: file.bytes, sha256: file.sha256 }
}

#[expect(clippy::too_many_arguments, reason = "a record is about everything a run was")]
fn record(
    job: &Job,
    store: &Store,
    lease: &Lease,
    request: &Request,
    models: &[&Model],
    clock: &Clock,
    ledger: &Ledger,
    stopped: bool,
    published: &Result<Vec<Published>>,
    resting: Vec<Stale>,
) -> Result<Vec<Stale>> {
    let error = published.as_ref().err();
    let params = job.params(request.as_of);
    let text = |(name, value): (&str, &datafusion::scalar::ScalarValue)| (name.to_owned(), value.to_string());
    let run = RunRecord {
        run_id: request.run_id.clone(),
        job: job.name.clone(),
        as_of: Some(request.as_of),
        started_at: Some(request.started_at),
        finished_at: Some(clock.now()),
        outcome: Outcome::of(error, stopped),
        exit_code: Some(error.map_or(0, |error| error.class().exit_code())),
        is_published: published.is_ok(),
        selection: request.select.clone(),
        parameters: params.iter().filter(|(name, _)| !name.starts_with("span_")).map(text).collect(),
        sql_hashes: models.iter().map(|model| (model.name.clone(), model.hash.clone())).collect(),
        job_hash: Some(job.hash.clone()),
        error_class: error.map(Error::class),
        error_message: error.map(|error| error.message().to_owned()),
    };
    let (published, mut stale) = match published {
        Ok(published) => {
            let manifest = Manifest::read(store, &job.name)?;
            (published.as_slice(), publish::stale(&manifest, request.as_of, published, &history_readers(job)))
        }
        Err(_) => (&[][..], Vec::new()),
    };
    stale.extend(resting);
    records::write(store, lease, &run, &ledger.totals(), published, &stale)?;
    Ok(stale)
}

/// For each public table, the tables whose earlier partitions it rests on, directly or through others of its date.
fn history_readers(job: &Job) -> BTreeMap<String, BTreeSet<String>> {
    let mut readers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for model in job.models.in_order() {
        let mut reads: BTreeSet<String> = BTreeSet::new();
        for input in &model.inputs {
            match input {
                Input::Published(table) => {
                    reads.insert(table.clone());
                }
                Input::Model(name) => reads.extend(readers.get(name).into_iter().flatten().cloned()),
                _ => {}
            }
        }
        readers.insert(model.name.clone(), reads);
    }
    readers.retain(|table, reads| !reads.is_empty() && job.models.get(table).is_some_and(|model| model.publish));
    readers
}

/// A folder for what need not survive the run; removed with it.
pub struct Scratch {
    /// Where it is.
    pub path: PathBuf,
}

impl Scratch {
    /// Creates it where the job lets operators spill, else among the system's temporary files.
    ///
    /// # Errors
    /// The disk fails.
    pub fn create(job: &Job, run_id: &str) -> Result<Self> {
        let base = job.engine.spill_dir.clone().unwrap_or_else(std::env::temp_dir);
        let path = base.join(format!("tailwater-{run_id}"));
        std::fs::create_dir_all(&path).map_err(|e| Error::io("create", &path, &e))?;
        Ok(Scratch { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
