//! Measures the health score against what customers decided: the score is computed again for a grid of past dates, each
//! of which sees the dates before it as published, and is then compared with the recorded outcomes.
//!
//! Nothing is published. Tables that do not depend on the date are computed once for all dates.

mod grid;
mod report;

pub use grid::Asked;
pub use report::{Page, Report, collect, render};

use crate::calendar::Clock;
use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter, Stage};
use crate::job::Job;
use crate::land::{Background, Catalog};
use crate::model::{Input, Layer, Model, engine};
use crate::observe::{format, records};
use crate::publish::recover;
use crate::run::{self, Request, Scratch};
use crate::store::{Lease, Store};
use crate::transform::{PartitionFile, Places, Public, TableResult, Transform, forget};
use chrono::NaiveDate;
use datafusion::prelude::SessionContext;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The tables whose past is computed.
const HISTORY: [&str; 2] = ["account_health", "health_component"];

/// The tables that compare it with the outcomes.
const MEASURES: [&str; 2] = ["health_backtest", "signal_evidence"];

/// What a look back leaves behind: a session that holds the measures, and the dates they rest on.
pub struct Measured {
    /// The session; `health_backtest` and `signal_evidence` by bare name.
    pub session: SessionContext,
    /// The dates for which health was computed, in order.
    pub dates: Vec<NaiveDate>,
    // Tables of the session may lie in it.
    _scratch: Scratch,
}

/// Computes health for the dates of `asked` and compares it with what was decided up to the request's date.
///
/// # Errors
/// A source or a query fails, nothing was decided (64), or another run holds the job (73).
pub async fn measure(
    job: &Arc<Job>,
    request: &Request,
    asked: &Asked,
    clock: &Clock,
    reporter: &Reporter,
) -> Result<Measured> {
    for table in HISTORY.iter().chain(&MEASURES) {
        if job.models.get(table).is_none() {
            return Err(Error::usage(format!(
                "{} has no table {table}, so there is nothing to look back on",
                job.name
            )));
        }
    }
    let scratch = Scratch::create(job, &request.run_id)?;
    let config = engine::EngineConfig { spill_dir: Some(scratch.path.clone()), ..job.engine.clone() };
    let session = engine::session(&config)?;
    let store = Store::open(&job.warehouse)?;
    let mut lease = Lease::acquire(&store, &run::holder(job, request))?;
    let recovery = recover(&store, &mut lease, reporter)?;
    records::write_dead(&store, &mut lease, &recovery)?;
    let landing = Background::start(store, Arc::clone(job), clock.now(), request.as_of, reporter.clone())?;
    let catalog = landing.finished().await?;
    let back = LookBack { job, as_of: request.as_of, session, reporter, catalog, scratch: &scratch.path };
    let (timeless, _) = back.split();
    // Usage that is rolled up for the first time becomes landing state, so this belongs under the lease; what follows
    // writes nothing that anybody else reads, and a nightly run need not wait for it.
    let known = back.compute(request.as_of, &timeless, &BTreeMap::new(), &Reporter::silent()).await?;
    lease.release()?;
    let dates = back.dates(asked).await?;
    back.run(&dates).await?;
    drop(known);
    Ok(Measured { session: back.session, dates, _scratch: scratch })
}

/// The work of one look back.
struct LookBack<'a> {
    job: &'a Arc<Job>,
    as_of: NaiveDate,
    session: SessionContext,
    reporter: &'a Reporter,
    catalog: Catalog,
    scratch: &'a Path,
}

impl LookBack<'_> {
    /// The models of both steps: those that are the same for every date, and the others.
    fn split(&self) -> (Vec<&Model>, Vec<&Model>) {
        let tables: Vec<String> = HISTORY.iter().chain(&MEASURES).map(|table| (*table).to_owned()).collect();
        let mut timeless: BTreeSet<&str> = BTreeSet::new();
        let (mut same, mut dated) = (Vec::new(), Vec::new());
        for model in self.job.models.closure(&tables) {
            let asks_date = ["as_of", "as_of_end"].iter().any(|name| model.parameters.contains(*name));
            let asks_others = model.inputs.iter().any(|input| matches!(input, Input::Published(_) | Input::Run(_)));
            let reads_timeless = model.reads().all(|read| timeless.contains(read));
            if model.layer != Layer::Mart && !asks_date && !asks_others && reads_timeless {
                timeless.insert(&model.name);
                same.push(model);
            } else {
                dated.push(model);
            }
        }
        (same, dated)
    }

    /// The dates to look back on, told from the decisions and the use that are known on the last date.
    async fn dates(&self, asked: &Asked) -> Result<Vec<NaiveDate>> {
        let (_, dated) = self.split();
        let tables = grid::READS.map(str::to_owned);
        let closure: BTreeSet<&str> = self.job.models.closure(&tables).iter().map(|m| m.name.as_str()).collect();
        let read: Vec<&Model> = dated.into_iter().filter(|model| closure.contains(model.name.as_str())).collect();
        let computed = self.compute(self.as_of, &read, &BTreeMap::new(), &Reporter::silent()).await?;
        let dates = grid::dates(&self.session, self.as_of, asked).await?;
        forget(&self.session, &read)?;
        drop(computed);
        Ok(dates)
    }

    /// Computes the past, date by date, and then the measures over it.
    async fn run(&self, dates: &[NaiveDate]) -> Result<()> {
        let (_, dated) = self.split();
        let of = |tables: &[&str]| -> Vec<&Model> {
            let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
            let closure: BTreeSet<&str> = self.job.models.closure(&tables).iter().map(|m| m.name.as_str()).collect();
            dated.iter().copied().filter(|model| closure.contains(model.name.as_str())).collect()
        };
        let history = of(&HISTORY);
        let mut earlier: BTreeMap<String, Vec<PartitionFile>> = BTreeMap::new();
        for (done, date) in (0_u64..).zip(dates) {
            let (what, total) = (format!("health as of {}", format::date(*date)), Some(dates.len() as u64));
            self.reporter.say(Event::Progress { stage: Stage::Transform, what, done, total });
            let tables = self.compute(*date, &history, &earlier, &Reporter::silent()).await?;
            keep(*date, &tables, &mut earlier);
            forget(&self.session, &history)?;
            drop(tables);
            let folder = self.folder(*date, "kept");
            std::fs::remove_dir_all(&folder).map_err(|e| Error::io("remove", &folder, &e))?;
        }
        self.compute(self.as_of, &of(&MEASURES), &earlier, self.reporter).await?;
        Ok(())
    }

    /// Computes `models` for one date into the session.
    async fn compute(
        &self,
        date: NaiveDate,
        models: &[&Model],
        earlier: &BTreeMap<String, Vec<PartitionFile>>,
        reporter: &Reporter,
    ) -> Result<BTreeMap<String, TableResult>> {
        let places = Places { staging: self.folder(date, "past"), scratch: self.folder(date, "kept") };
        for folder in [&places.staging, &places.scratch] {
            std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, &e))?;
        }
        let public = Public { earlier: earlier.clone(), folders: BTreeMap::new() };
        let transform = Transform::new(self.job, date, self.catalog.clone(), public, places, reporter);
        Arc::new(transform.seeing(self.as_of)).run_in(&self.session, models).await
    }

    fn folder(&self, date: NaiveDate, what: &str) -> PathBuf {
        self.scratch.join(format!("{what}-{date}"))
    }
}

/// Adds a date's results to the past that later dates see.
fn keep(date: NaiveDate, tables: &BTreeMap<String, TableResult>, earlier: &mut BTreeMap<String, Vec<PartitionFile>>) {
    for (name, table) in tables.iter().filter(|(name, _)| HISTORY.contains(&name.as_str())) {
        let values = vec![date.to_string()];
        let file = |file: &crate::transform::StagedFile| PartitionFile {
            path: file.path.clone(),
            rows: file.rows,
            values: values.clone(),
        };
        earlier.entry(name.clone()).or_default().extend(table.files.iter().map(file));
    }
}

/// A measure that was asked of tables that do not hold it.
fn broken(what: &str, error: impl std::fmt::Display) -> Error {
    Error::new(Class::Bug, what.to_owned()).caused_by(error)
}
