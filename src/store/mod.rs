//! The only door to bytes at rest. A warehouse holds objects under keys; every write says what it expects to replace.
//!
//! Today a warehouse is a folder. Nothing in this interface says so except [`Store::path`] and [`Store::staging_dir`]:
//! keys, opaque ETags, preconditions, drafts and the lease object are those of an object store.

mod draft;
mod folder;
pub mod keys;
pub mod lease;

pub use draft::Draft;
pub use lease::{DeadRun, Holder, Lease, Phase};

use crate::error::{Error, Result};
use folder::Folder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which version of an object lies under a key. Opaque: equal tags mean the same object, nothing else follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ETag(String);

impl ETag {
    /// A tag as it was read from a store, a journal or a manifest.
    pub fn new(text: impl Into<String>) -> Self {
        ETag(text.into())
    }

    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must lie under a key for a write or a delete to happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// Nothing (`If-None-Match: *`).
    Absent,
    /// Exactly this version (`If-Match`).
    Etag(ETag),
}

impl Precondition {
    /// What was read, as the condition for replacing it: its tag, or that there was nothing.
    pub fn unchanged_since(read: Option<ETag>) -> Self {
        read.map_or(Precondition::Absent, Precondition::Etag)
    }

    /// Whether `found` is what the condition asks for.
    pub fn holds(&self, found: Option<&ETag>) -> bool {
        match self {
            Precondition::Absent => found.is_none(),
            Precondition::Etag(wanted) => found == Some(wanted),
        }
    }
}

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Precondition::Absent => f.write_str("nothing"),
            Precondition::Etag(etag) => write!(f, "version {}", short(etag.as_str())),
        }
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A warehouse. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    folder: Arc<Folder>,
}

impl Store {
    /// Opens the warehouse at `root`, creating the folder where it is missing.
    ///
    /// # Errors
    /// The folder cannot be created or written (64 where it is a file or read-only, else 75).
    pub fn open(root: impl AsRef<Path>) -> Result<Store> {
        Ok(Store { folder: Arc::new(Folder::open(root.as_ref())?) })
    }

    /// Opens the warehouse at `root` for reading only: nothing is created; `None` where there is none yet.
    pub fn open_existing(root: impl AsRef<Path>) -> Option<Store> {
        Folder::existing(root.as_ref()).map(|folder| Store { folder: Arc::new(folder) })
    }

    /// The warehouse's folder, absolute.
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// Where the object under `key` can be read from by a reader of local files. The object need not exist.
    ///
    /// # Errors
    /// The key is malformed (70).
    pub fn path(&self, key: &str) -> Result<PathBuf> {
        keys::check(key)?;
        Ok(self.folder.path(key))
    }

    /// The key of a path inside the warehouse.
    ///
    /// # Errors
    /// The path lies outside the warehouse (70).
    pub fn key_of(&self, path: &Path) -> Result<String> {
        self.folder.key_of(path)
    }

    /// The local folder for one run's results, outside every public path; created, empty where the run is new.
    ///
    /// # Errors
    /// The folder cannot be created (75).
    pub fn staging_dir(&self, run_id: &str) -> Result<PathBuf> {
        let prefix = keys::staging(run_id);
        keys::check(&prefix)?;
        self.folder.create_dir(&prefix)
    }

    /// The object under `key` and its tag; `None` where there is none.
    ///
    /// # Errors
    /// It exists and cannot be read (75).
    pub fn get(&self, key: &str) -> Result<Option<(Vec<u8>, ETag)>> {
        keys::check(key)?;
        self.folder.get(key)
    }

    /// The tag of the object under `key`; `None` where there is none. Reads the whole object in a folder.
    ///
    /// # Errors
    /// It exists and cannot be read (75).
    pub fn etag(&self, key: &str) -> Result<Option<ETag>> {
        keys::check(key)?;
        self.folder.etag(key)
    }

    /// Writes `bytes` under `key` if `precondition` holds: atomic and durable when this returns.
    ///
    /// # Errors
    /// Something else lies there (73, nothing written); the write failed (75).
    pub fn put(&self, key: &str, bytes: &[u8], precondition: &Precondition) -> Result<ETag> {
        keys::check(key)?;
        self.folder.put(key, bytes, precondition)
    }

    /// An invisible file that becomes the object under `key` when it is committed; dropped, it leaves nothing behind.
    ///
    /// # Errors
    /// The file cannot be created (75).
    pub fn draft(&self, key: &str) -> Result<Draft> {
        keys::check(key)?;
        Draft::create(self.clone(), key)
    }

    /// Moves the object under `staged` to `key` if `precondition` holds for `key`: atomic and durable when this returns.
    ///
    /// # Errors
    /// Something else lies under `key` (73, nothing moved); the move failed (75).
    pub fn rename_into_place(&self, staged: &str, key: &str, precondition: &Precondition) -> Result<()> {
        keys::check(staged)?;
        keys::check(key)?;
        self.folder.rename_into_place(&self.folder.path(staged), key, precondition)
    }

    /// Makes objects that were written through their paths durable, with every folder on the way to them.
    ///
    /// # Errors
    /// One is missing or cannot be synchronised (75).
    pub fn sync_all(&self, keys: &[&str]) -> Result<()> {
        for key in keys {
            keys::check(key)?;
        }
        self.folder.sync_all(keys)
    }

    /// The size in bytes of the object under `key`; `None` where there is none.
    ///
    /// # Errors
    /// The key is malformed (70), or the folder cannot be read (75).
    pub fn size(&self, key: &str) -> Result<Option<u64>> {
        keys::check(key)?;
        self.folder.size(key)
    }

    /// Removes the object under `key` if `precondition` holds. Absent is success: somebody wanted it gone.
    ///
    /// # Errors
    /// Something else lies there (73, nothing removed); the removal failed (75).
    pub fn delete(&self, key: &str, precondition: &Precondition) -> Result<()> {
        keys::check(key)?;
        self.folder.delete(key, precondition)
    }

    /// Removes an object of ours that no state lists any more, whatever lies there; absent is success. Nothing is read.
    ///
    /// # Errors
    /// The key is public (70) or the removal failed (75).
    pub fn discard(&self, key: &str) -> Result<()> {
        keys::check(key)?;
        if !keys::is_internal(key) {
            return Err(Error::bug(format!("refused to discard the public object {key}")));
        }
        self.folder.discard(key)
    }

    /// Removes everything under a prefix of ours, whatever it is. Only for scratch such as a dead run's staging.
    ///
    /// # Errors
    /// The prefix is public (70) or the removal failed (75).
    pub fn remove_tree(&self, prefix: &str) -> Result<()> {
        keys::check(prefix)?;
        if !keys::is_internal(prefix) {
            return Err(Error::bug(format!("refused to remove the public prefix {prefix}")));
        }
        self.folder.remove_tree(prefix)
    }

    /// All objects whose key starts with `prefix` followed by `/`, sorted by key; everything for an empty prefix.
    ///
    /// # Errors
    /// A folder cannot be read (75).
    pub fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        if !prefix.is_empty() {
            keys::check(prefix)?;
        }
        self.folder.list(prefix)
    }

    /// The JSON object under `key` and its tag; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read (75), or is not what this version of the program writes (70).
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, ETag)>> {
        let Some((bytes, etag)) = self.get(key)? else { return Ok(None) };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some((value, etag))),
            Err(error) => Err(Error::bug(format!("{key} in the warehouse is not what this version writes"))
                .caused_by(error)
                .help("if a newer version of tailwater wrote it, use that version")),
        }
    }

    /// Writes `value` as JSON under `key` if `precondition` holds.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_json<T: Serialize>(&self, key: &str, value: &T, precondition: &Precondition) -> Result<ETag> {
        let mut bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::bug(format!("could not spell {key} as JSON")).caused_by(error))?;
        bytes.push(b'\n');
        self.put(key, &bytes, precondition)
    }

    /// Removes what processes that died left half-written. Files that a live process is writing are locked and stay.
    ///
    /// # Errors
    /// The folder of temporary files cannot be read (75).
    pub fn sweep_temporaries(&self) -> Result<()> {
        self.folder.sweep_temporaries()
    }

    fn folder(&self) -> &Folder {
        &self.folder
    }
}

/// The lower-case hexadecimal sha256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The lower-case hexadecimal sha256 of the file at `path`, and its size in bytes.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut size = 0_u64;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex(&hasher.finalize()), size));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        size += read as u64;
    }
}

/// Lower-case hex, as hashes are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first twelve characters of a tag or hash: enough for a person to compare.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests;
