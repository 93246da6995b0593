//! A session over what a job has published: `<table>` is every partition, `latest.<table>` the newest date alone.

use crate::error::{Error, Result};
use crate::job::Job;
use crate::model::engine;
use crate::publish::{Manifest, Partition};
use crate::run::partition_files;
use crate::store::Store;
use crate::transform::{published, register};
use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Opens the job's warehouse for reading.
///
/// # Errors
/// There is none yet (64), or a file of it cannot be read.
pub fn open(job: &Job) -> Result<(Store, Manifest)> {
    let store = Store::open_existing(&job.warehouse).ok_or_else(|| nothing(job))?;
    let manifest = Manifest::read(&store, &job.name)?;
    if manifest.objects.is_empty() {
        return Err(nothing(job));
    }
    Ok((store, manifest))
}

/// The error of asking a job that has no warehouse yet.
pub fn nothing(job: &Job) -> Error {
    Error::usage(format!("{} has published nothing to {} yet", job.name, job.warehouse.display()))
        .help(format!("start it: tailwater run {}", job.file.display()))
}

/// A session with every public table of the job.
///
/// # Errors
/// A public file cannot be read.
pub fn session(job: &Job, store: &Store, manifest: &Manifest) -> Result<SessionContext> {
    let session = engine::session(&job.engine)?;
    let catalog = session.catalog("datafusion").ok_or_else(|| Error::bug("the session has no catalog"))?;
    catalog
        .register_schema("latest", Arc::new(MemorySchemaProvider::new()))
        .map_err(|e| Error::bug("could not create the schema latest").caused_by(e))?;
    for table in manifest.tables() {
        let partitions = manifest.partitions(store, table)?;
        let newest = partitions.iter().filter_map(as_of).max();
        let latest: Vec<Partition> =
            partitions.iter().filter(|partition| as_of(partition) == newest).cloned().collect();
        register(&session, TableReference::bare(table), provider(job, table, &partitions)?)?;
        register(&session, TableReference::partial("latest", table), provider(job, table, &latest)?)?;
    }
    Ok(session)
}

fn provider(job: &Job, table: &str, partitions: &[Partition]) -> Result<Arc<dyn TableProvider>> {
    let files = partition_files(partitions);
    match job.models.get(table) {
        Some(model) => published::of_contract(&model.contract, &files),
        None => {
            let columns: Vec<String> = partitions
                .first()
                .map(|partition| partition.values.iter().map(|(column, _)| column.clone()).collect())
                .unwrap_or_default();
            published::of_files(table, &columns, &files)
        }
    }
}

fn as_of(partition: &Partition) -> Option<&str> {
    partition.values.iter().find(|(column, _)| column == "as_of_date").map(|(_, value)| value.as_str())
}
