//! Trying a described system's credentials without landing a row.

use super::api;
use super::state::Area;
use crate::error::{Error, Result};
use crate::event::Reporter;
use crate::extract::api::{Asked, connect};
use crate::job::api::ApiSource;
use crate::job::{Job, Source};
use crate::store::Store;
use chrono::{DateTime, Utc};
use std::sync::atomic::AtomicU64;

/// Asks for a little of every stream of a system, and says by its name what may be read of it, or why not. A credential
/// that the system replaces on use is kept in the warehouse, since the old one is worth nothing then; nothing else is.
///
/// # Errors
/// The system cannot be asked at all: a setting cannot be resolved (64), or the warehouse cannot be written (75).
pub fn try_system(
    job: &Job,
    source: &Source,
    described: &ApiSource,
    now: DateTime<Utc>,
) -> Result<Vec<(String, Result<String>)>> {
    let store = Store::open(&job.warehouse)?;
    let area = Area { store: &store, job: &job.name };
    let (sequences, reporter) = (AtomicU64::new(0), Reporter::silent());
    let what = (described.streams().cloned().collect(), described.keep_raw_days);
    let landing = api::Landing::new(area, job, &source.name, what, (now, &sequences), &reporter)?;
    // A run may be under way, which has a folder of its own.
    let key = format!("_tailwater/scratch/{}/check-{}", job.name, source.name);
    store.remove_tree(&key)?;
    let scratch = store.path(&key)?;
    std::fs::create_dir_all(&scratch).map_err(|error| Error::io("create", &scratch, &error))?;
    let stop = || Ok(());
    let asked =
        Asked { name: &source.name, source: described, now, scratch: &scratch, reporter: &reporter, stop: &stop };
    let tried = connect(asked, &landing);
    store.remove_tree(&key)?;
    tried
}
