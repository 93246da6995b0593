//! The manifest of a job: which version of which public object belongs together.

use super::table_of;
use crate::error::{Class, Error, Result};
use crate::store::{ETag, Precondition, Store, keys};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The column whose value dates a partition.
const AS_OF: &str = "as_of_date";

/// One public object as a reader should find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its table.
    pub table: String,
    /// The values of its partition columns.
    pub partition: BTreeMap<String, String>,
    /// Lower-case hex sha256 of its bytes.
    pub sha256: String,
    /// The store's tag; in a folder the sha256.
    pub etag: ETag,
    /// The store's version id, where the store keeps versions.
    pub version_id: Option<String>,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The commit that wrote these bytes.
    pub commit: String,
}

impl Object {
    /// The date of its partition, where the table is partitioned by `as_of_date`.
    pub fn as_of_date(&self) -> Option<NaiveDate> {
        self.partition.get(AS_OF)?.parse().ok()
    }
}

/// `_tailwater/manifests/<job>.json`: all public objects of a job, swapped once per commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The job that writes these objects.
    pub job: String,
    /// The last commit of results.
    pub commit: String,
    /// The objects by key.
    pub objects: BTreeMap<String, Object>,
    #[serde(skip)]
    read: Option<ETag>,
}

/// One file of a published table and what its path stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its key.
    pub key: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// (column, value) in the order of the path.
    pub values: Vec<(String, String)>,
}

impl Manifest {
    /// The manifest of `job`; empty where the job has published nothing yet.
    ///
    /// # Errors
    /// It cannot be read (75) or was written by another version (70).
    pub fn read(store: &Store, job: &str) -> Result<Manifest> {
        let found: Option<(Manifest, ETag)> = store.get_json(&keys::manifest(job))?;
        Ok(match found {
            Some((manifest, etag)) => Manifest { read: Some(etag), ..manifest },
            None => Manifest { job: job.to_owned(), commit: String::new(), objects: BTreeMap::new(), read: None },
        })
    }

    /// What must lie in its place for a swap: the version that was read.
    pub fn precondition(&self) -> Precondition {
        Precondition::unchanged_since(self.read.clone())
    }

    /// Replaces the manifest that was read by this one.
    ///
    /// # Errors
    /// Another one lies there (73); the write failed (75).
    pub(crate) fn swap(&mut self, store: &Store, precondition: &Precondition) -> Result<()> {
        self.read = Some(store.put_json(&keys::manifest(&self.job), self, precondition)?);
        Ok(())
    }

    /// The tables that have at least one public object.
    pub fn tables(&self) -> BTreeSet<&str> {
        self.objects.values().map(|object| object.table.as_str()).collect()
    }

    /// The partition folders of `table`, e.g. `usage_month=2026-01-01`, sorted. A run that computes the whole of a
    /// table writes a zero-row file for each of them that has become empty.
    pub fn folders(&self, table: &str) -> Vec<String> {
        let inside = |key: &String| {
            let rest = key.strip_prefix(table)?.strip_prefix('/')?;
            Some(rest.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned()))
        };
        self.objects.keys().filter_map(inside).collect()
    }

    /// The rows of `published.<table>` for a run of `as_of`: partitions with an `as_of_date` strictly before it, oldest first.
    ///
    /// # Errors
    /// A file that the manifest lists is gone or has another size: somebody else changed it (73).
    pub fn published(&self, store: &Store, table: &str, as_of: NaiveDate) -> Result<Vec<Partition>> {
        let is_before = |object: &Object| object.as_of_date().is_some_and(|date| date < as_of);
        self.select(store, table, is_before)
    }

    /// All partitions of `table`, by key.
    ///
    /// # Errors
    /// As [`Manifest::published`].
    pub fn partitions(&self, store: &Store, table: &str) -> Result<Vec<Partition>> {
        self.select(store, table, |_| true)
    }

    fn select(&self, store: &Store, table: &str, wanted: impl Fn(&Object) -> bool) -> Result<Vec<Partition>> {
        let mut found = Vec::new();
        for (key, object) in self.objects.iter().filter(|(_, object)| object.table == table && wanted(object)) {
            let size = store.size(key)?;
            if size != Some(object.bytes) {
                let what = if size.is_none() { "was removed" } else { "was changed" };
                return Err(Error::new(
                    Class::Conflict,
                    format!("{key} {what} by somebody else since it was published"),
                )
                .help(format!(
                    "put the file with sha256 {} back; or, if its rows are not needed any more, remove the entry \
                         {key} from {}",
                    object.sha256,
                    keys::manifest(&self.job)
                )));
            }
            let values = keys::partition_values(key);
            found.push(Partition { key: key.clone(), path: store.path(key)?, rows: object.rows, values });
        }
        Ok(found)
    }

    /// Adds objects that were written outside a commit of results, such as the tables about runs.
    ///
    /// # Errors
    /// Somebody else replaced the manifest (73); the write failed (75).
    pub fn add(&mut self, store: &Store, objects: Vec<(String, Object)>) -> Result<()> {
        if objects.is_empty() {
            return Ok(());
        }
        self.objects.extend(objects);
        let precondition = self.precondition();
        self.swap(store, &precondition)
    }
}

/// The manifest's entry for an object in a folder.
pub fn entry(key: &str, sha256: &str, rows: u64, bytes: u64, commit: &str) -> Object {
    Object {
        table: table_of(key).to_owned(),
        partition: keys::partition_values(key).into_iter().collect(),
        sha256: sha256.to_owned(),
        etag: ETag::new(sha256),
        version_id: None,
        rows,
        bytes,
        commit: commit.to_owned(),
    }
}

/// The job, other than `job`, whose manifest lists `key`.
pub(super) fn other_owner(store: &Store, job: &str, key: &str) -> Result<Option<String>> {
    for listed in store.list(&format!("{}/manifests", keys::INTERNAL))? {
        let Some(name) = listed.key.rsplit('/').next().and_then(|file| file.strip_suffix(".json")) else { continue };
        if name != job && Manifest::read(store, name)?.objects.contains_key(key) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}
