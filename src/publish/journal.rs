//! What a commit is going to change, written down before anything public is touched.

use super::manifest::{self, Manifest, other_owner};
use super::{Published, Staged, table_of};
use crate::error::{Class, Error, Result};
use crate::store::{ETag, Precondition, Store, keys, short};
use serde::{Deserialize, Serialize};

/// How many keys a message names before it only counts.
const NAMED: usize = 5;

/// One object of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub key: String,
    /// Where its bytes wait; none where they are public already.
    pub staged: Option<String>,
    pub sha256: String,
    pub rows: u64,
    pub bytes: u64,
    /// What lay under the key when the commit was prepared.
    pub precondition: Precondition,
}

impl Entry {
    pub fn published(&self) -> Published {
        Published {
            table: table_of(&self.key).to_owned(),
            key: self.key.clone(),
            rows: self.rows,
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            changed: self.staged.is_some(),
        }
    }
}

/// `_tailwater/commits/<commit>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    pub job: String,
    pub commit: String,
    /// The fencing token of the lease it was prepared under.
    pub token: u64,
    /// What lay in the manifest's place when the commit was prepared.
    pub manifest: Precondition,
    pub objects: Vec<Entry>,
}

impl Journal {
    /// Compares what is public with the manifest and plans each object. Touches nothing.
    pub fn plan(store: &Store, job: &str, token: u64, commit: &str, staged: &[Staged]) -> Result<Journal> {
        let manifest = Manifest::read(store, job)?;
        let mut objects = Vec::with_capacity(staged.len());
        let mut foreign = Vec::new();
        for file in staged {
            let found = store.etag(&file.key)?;
            let is_same = found.as_ref().is_some_and(|etag| etag.as_str() == file.sha256);
            let listed = manifest.objects.get(&file.key).map(|object| &object.etag);
            // A removed file may be written again; any other difference is somebody else's work.
            if found.is_some() && found.as_ref() != listed && !is_same {
                foreign.push((file.key.as_str(), found.clone()));
            }
            objects.push(Entry {
                key: file.key.clone(),
                staged: if is_same { None } else { Some(store.key_of(&file.path)?) },
                sha256: file.sha256.clone(),
                rows: file.rows,
                bytes: file.bytes,
                precondition: Precondition::unchanged_since(found),
            });
        }
        if !foreign.is_empty() {
            return Err(refuse(store, &manifest, &foreign)?);
        }
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        if let Some([twice, _]) = objects.array_windows().find(|[a, b]| a.key == b.key) {
            return Err(Error::bug(format!("two results were staged for {}", twice.key)));
        }
        let precondition = manifest.precondition();
        Ok(Journal { job: job.to_owned(), commit: commit.to_owned(), token, manifest: precondition, objects })
    }

    pub fn key(&self) -> String {
        keys::journal(&self.commit)
    }

    pub fn published(&self) -> Vec<Published> {
        self.objects.iter().map(Entry::published).collect()
    }

    /// Brings one object to the state that the journal says. Repeating it is harmless.
    pub fn complete(&self, store: &Store, entry: &Entry) -> Result<()> {
        let found = store.etag(&entry.key)?;
        if found.as_ref().is_some_and(|etag| etag.as_str() == entry.sha256) {
            return Ok(());
        }
        if let Some(staged) = &entry.staged
            && store.size(staged)?.is_some()
            && entry.precondition.holds(found.as_ref())
        {
            return store.rename_into_place(staged, &entry.key, &entry.precondition);
        }
        Err(self.stuck(store, entry, found))
    }

    fn stuck(&self, store: &Store, entry: &Entry, found: Option<ETag>) -> Error {
        let found = Precondition::unchanged_since(found);
        let error = Error::new(
            Class::Conflict,
            format!(
                "{} was changed by somebody else while commit {} of job {} was being written: expected {}, found {found}; \
                 it was left as it is, and the commit waits to be finished",
                entry.key, self.commit, self.job, entry.precondition
            ),
        );
        let root = store.root().display();
        match &entry.staged {
            Some(staged) if store.size(staged).is_ok_and(|size| size.is_some()) => error.help(format!(
                "look at the file; to let the commit have its way: mv '{root}/{staged}' '{root}/{}', then start the job again",
                entry.key
            )),
            _ => error.help(format!("put back the file with sha256 {}, then start the job again", entry.sha256)),
        }
    }

    /// Swaps the manifest for one that lists this commit. Repeating it is harmless.
    pub fn swap_manifest(&self, store: &Store) -> Result<()> {
        let mut manifest = Manifest::read(store, &self.job)?;
        if manifest.commit == self.commit {
            return Ok(());
        }
        for entry in &self.objects {
            let unchanged = manifest.objects.get(&entry.key).is_some_and(|listed| listed.sha256 == entry.sha256);
            // An entry names the commit that wrote the bytes.
            if !unchanged {
                let listed = manifest::entry(&entry.key, &entry.sha256, entry.rows, entry.bytes, &self.commit);
                manifest.objects.insert(entry.key.clone(), listed);
            }
        }
        self.commit.clone_into(&mut manifest.commit);
        manifest.swap(store, &self.manifest).map_err(|error| {
            error.help(format!(
                "nothing but tailwater may write {}: restore it, then start again",
                keys::manifest(&self.job)
            ))
        })
    }
}

fn refuse(store: &Store, manifest: &Manifest, foreign: &[(&str, Option<ETag>)]) -> Result<Error> {
    let mut lines = Vec::new();
    for (key, found) in foreign.iter().take(NAMED) {
        let found = found.as_ref().map_or("nothing", |etag| short(etag.as_str()));
        lines.push(match (manifest.objects.get(*key), other_owner(store, &manifest.job, key)?) {
            (Some(listed), _) => format!("{key}: published {}, found {found}", short(&listed.sha256)),
            (None, Some(owner)) => format!("{key}: belongs to job {owner}"),
            (None, None) => format!("{key}: found {found}, not written by this job"),
        });
    }
    if foreign.len() > NAMED {
        lines.push(format!("and {} more", foreign.len() - NAMED));
    }
    let what = if foreign.len() == 1 { "a public file is" } else { "public files are" };
    let error = Error::new(
        Class::Conflict,
        format!("nothing was published: {what} not what job {} wrote there, and would be overwritten", manifest.job),
    );
    let error = lines.into_iter().fold(error, |error, line| error.caused_by(line));
    Ok(error.help("move those files away (or give the job another warehouse), then start again"))
}
