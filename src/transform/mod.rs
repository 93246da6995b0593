//! Landing and models become result files outside every public path.
//!
//! Each model of a run's closure is computed once, after all that it reads; independent ones run side by side. What a
//! result's bytes are depends on the rows alone, whatever the number of cores ([`write`]).

pub mod conform;
mod events;
mod exec;
mod files;
pub mod inputs;
mod keep;
mod landed;
mod months;
pub mod published;
mod rollup;
pub mod write;

pub use events::land_events;
pub use exec::{TableResult, contract_hash, failed, plan};
pub use files::PartitionFile;
pub use inputs::Landed;
pub use keep::Kept;
pub use landed::Raw;
pub use write::StagedFile;

use crate::error::{Error, Result};
use crate::event::Reporter;
use crate::job::Job;
use crate::land::Catalog;
use crate::model::contract::Contract;
use crate::model::params::Params;
use crate::model::{Input, Layer, Model, engine};
use chrono::NaiveDate;
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use keep::Budget;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Most models that run side by side.
const SIDE_BY_SIDE: usize = 4;

/// Memory that each of them is given room for: sorts and hash tables of several operators.
const ROOM_BYTES: usize = 96 << 20;

/// What a run computes and from what.
pub struct Transform {
    job: Arc<Job>,
    params: Params,
    as_of: NaiveDate,
    /// The date whose landing is read: the run's own, but for a look back.
    seen: NaiveDate,
    catalog: Catalog,
    public: Public,
    staging: PathBuf,
    scratch: PathBuf,
    reporter: Reporter,
    budget: Arc<Budget>,
}

/// What is public before the run, as the manifest lists it.
#[derive(Debug, Default)]
pub struct Public {
    /// By table: the files with an `as_of_date` before the run's.
    pub earlier: BTreeMap<String, Vec<PartitionFile>>,
    /// By table: every partition folder, e.g. `usage_month=2026-01-01`.
    pub folders: BTreeMap<String, Vec<String>>,
}

/// Where results wait and what may be thrown away afterwards.
#[derive(Debug, Clone)]
pub struct Places {
    /// Result files, laid out as their public keys.
    pub staging: PathBuf,
    /// Intermediate tables and what operators spill; exists and is private to the run.
    pub scratch: PathBuf,
}

/// Every table of a run, and a session in which they can be asked.
pub struct Results {
    /// The session: models by bare name, beside `provided`, `published`, `landed` and `run`.
    pub session: SessionContext,
    /// By name.
    pub tables: BTreeMap<String, TableResult>,
}

/// How one attempt at a model ended.
enum Attempt {
    Built(String, TableResult),
    Starved(Box<Model>),
}

impl Transform {
    /// Prepares a run for `as_of` over what `catalog` says was landed.
    pub fn new(
        job: &Arc<Job>,
        as_of: NaiveDate,
        catalog: Catalog,
        public: Public,
        places: Places,
        reporter: &Reporter,
    ) -> Self {
        Transform {
            job: Arc::clone(job),
            params: job.params(as_of),
            as_of,
            seen: as_of,
            catalog,
            public,
            staging: places.staging,
            scratch: places.scratch,
            reporter: reporter.clone(),
            budget: Arc::new(Budget::new(job.engine.memory_bytes / 4)),
        }
    }

    /// Reads what was landed by the end of `seen`, whatever date is computed. Queries look at dated facts only up to their
    /// own date; what has no date of its own is as it was landed.
    #[must_use]
    pub fn seeing(mut self, seen: NaiveDate) -> Self {
        self.seen = seen;
        self
    }

    /// The values of the run's queries.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Computes `models`, which are closed upstream and in order, checks excepted.
    ///
    /// # Errors
    /// A query fails, a value does not fit its contract, or the disk fails. Nothing public has been touched.
    pub async fn run(self: &Arc<Self>, models: &[&Model]) -> Result<Results> {
        let config = engine::EngineConfig { spill_dir: Some(self.scratch.clone()), ..self.job.engine.clone() };
        let session = engine::session(&config)?;
        let tables = self.run_in(&session, models).await?;
        Ok(Results { session, tables })
    }

    /// Computes `models` in a session that holds every other table they read.
    ///
    /// # Errors
    /// As [`Transform::run`].
    pub async fn run_in(
        self: &Arc<Self>,
        session: &SessionContext,
        models: &[&Model],
    ) -> Result<BTreeMap<String, TableResult>> {
        self.register_inputs(session, models).await?;
        let mut tables = BTreeMap::new();
        let models: Vec<&Model> = models.iter().copied().filter(|model| model.layer != Layer::Check).collect();
        self.roll_up(session, &models, &mut tables).await?;
        self.build_all(session, &models, &mut tables).await?;
        Ok(tables)
    }

    /// Builds what is not built yet, each model as soon as all that it reads is there.
    async fn build_all(
        self: &Arc<Self>,
        session: &SessionContext,
        models: &[&Model],
        tables: &mut BTreeMap<String, TableResult>,
    ) -> Result<()> {
        let names: BTreeSet<&str> = models.iter().map(|model| model.name.as_str()).collect();
        let mut waiting: Vec<&Model> =
            models.iter().copied().filter(|model| !tables.contains_key(&model.name)).collect();
        let (mut done, total) = ((models.len() - waiting.len()) as u64, models.len() as u64);
        let memory = self.job.engine.memory_bytes;
        let side_by_side = (memory / ROOM_BYTES).clamp(1, SIDE_BY_SIDE);
        let (mut running, mut starved) = (JoinSet::new(), Vec::new());
        loop {
            let ready = |model: &Model| model.reads().all(|input| tables.contains_key(input) || !names.contains(input));
            // A model that its share of memory does not suffice waits until it can have all of it, alone.
            let alone = starved.pop_if(|_| running.is_empty());
            let shared = alone.is_none() && starved.is_empty();
            if let Some(model) = alone {
                running.spawn(Arc::clone(self).attempt_alone(session.clone(), model));
            }
            while shared
                && running.len() < side_by_side
                && let Some(at) = waiting.iter().position(|model| ready(model))
            {
                let model = waiting.remove(at).clone();
                running.spawn(Arc::clone(self).attempt(session.clone(), model, memory / side_by_side));
            }
            let Some(finished) = running.join_next().await else { break };
            match finished.map_err(|e| Error::bug("a model's computation panicked").caused_by(e))?? {
                Attempt::Built(name, result) => {
                    done += 1;
                    self.progress(&name, done, total);
                    tables.insert(name, result);
                }
                Attempt::Starved(model) => starved.push(*model),
            }
        }
        match waiting.first() {
            Some(model) => Err(Error::bug(format!("{} waits for a table that is not part of the run", model.name))),
            None => Ok(()),
        }
    }

    /// Builds a model within `memory` bytes, beside others; that may turn out too little.
    async fn attempt(self: Arc<Self>, session: SessionContext, model: Model, memory: usize) -> Result<Attempt> {
        let own = engine::with_own_memory(&session, memory, self.job.engine.partitions)?;
        match self.build_or_view(&own, &model).await {
            Ok(result) => Ok(Attempt::Built(model.name, result)),
            Err(error) if exec::is_starved(&error) => Ok(Attempt::Starved(Box::new(model))),
            Err(error) => Err(error),
        }
    }

    /// Builds a model with all the memory the job has: side by side first, then in one part, since sorts that run beside
    /// each other keep from one another what the merge of their spilled rows needs.
    async fn attempt_alone(self: Arc<Self>, session: SessionContext, model: Model) -> Result<Attempt> {
        let memory = self.job.engine.memory_bytes;
        let own = engine::with_own_memory(&session, memory, self.job.engine.partitions)?;
        let result = match self.build_or_view(&own, &model).await {
            Err(error) if exec::is_starved(&error) && self.job.engine.partitions > 1 => {
                let own = engine::with_own_memory(&session, memory, 1)?;
                self.build_or_view(&own, &model).await?
            }
            other => other?,
        };
        Ok(Attempt::Built(model.name, result))
    }

    async fn build_or_view(&self, session: &SessionContext, model: &Model) -> Result<TableResult> {
        if self.is_view(model)? {
            return self.view(session, model).await;
        }
        let result = self.build(session, model).await?;
        if let Some(rows) = &result.rows {
            register(session, TableReference::bare(model.name.as_str()), rows.provider()?)?;
        }
        Ok(result)
    }

    /// The partitions that a table's result consists of at least: those that are public already, for tables that are
    /// computed as a whole, else those of the run's date.
    fn expected_partitions(&self, contract: &Contract) -> Vec<String> {
        let own_date = format!("as_of_date={}", self.as_of);
        match &contract.partition_by[..] {
            [] => vec![String::new()],
            [only] if only == "as_of_date" => vec![own_date],
            columns => {
                let is_dated = columns.iter().any(|column| column == "as_of_date");
                let mut folders = self.public.folders.get(&contract.table).cloned().unwrap_or_default();
                folders.retain(|folder| !is_dated || folder.split('/').any(|segment| segment == own_date));
                folders
            }
        }
    }
}

/// Takes `models` and what only they read out of a session, so that they can be computed again for another date.
///
/// # Errors
/// A bug only (70).
pub fn forget(session: &SessionContext, models: &[&Model]) -> Result<()> {
    let inputs = models.iter().flat_map(|model| &model.inputs).filter_map(|input| match input {
        Input::Published(table) => Some(TableReference::partial("published", table.as_str())),
        Input::Run(table) => Some(TableReference::partial("run", table.as_str())),
        Input::Provided(table) => Some(TableReference::partial("provided", table.as_str())),
        Input::Landed(table) => Some(TableReference::partial("landed", table.as_str())),
        Input::Model(_) => None,
    });
    let own = models.iter().map(|model| TableReference::bare(model.name.as_str()));
    for name in inputs.chain(own) {
        session
            .deregister_table(name.clone())
            .map_err(|e| Error::bug(format!("could not forget {name}")).caused_by(e))?;
    }
    Ok(())
}

/// Makes a table known to a session under `name`.
///
/// # Errors
/// The name is taken: a bug (70).
pub fn register(
    session: &SessionContext,
    name: TableReference,
    table: Arc<dyn datafusion::catalog::TableProvider>,
) -> Result<()> {
    session
        .register_table(name.clone(), table)
        .map(|_| ())
        .map_err(|e| Error::bug(format!("could not register {name}")).caused_by(e))
}
