//! `tailwater history JOB`: past runs, newest first.

use crate::cli::{output, warehouse};
use crate::error::Result;
use crate::job::Job;
use crate::observe::{history, paint::Paint};
use crate::store::Store;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The job file
    job: PathBuf,
    /// How many runs
    #[arg(long, default_value_t = 20)]
    last: usize,
}

/// Prints the runs.
///
/// # Errors
/// The job is wrong (64) or has never run.
pub fn run(arguments: &Arguments) -> Result<()> {
    let job = Job::read(&arguments.job)?;
    let store = Store::open_existing(&job.warehouse).ok_or_else(|| warehouse::nothing(&job))?;
    let mut runs = history(&store, &job.name)?;
    runs.truncate(arguments.last);
    output::bytes(history::render(&runs, Paint::stdout()).as_bytes())
}
