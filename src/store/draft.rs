//! A file that is written invisibly and becomes an object in one step.

use super::{ETag, Precondition, Store, sha256_file};
use crate::error::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A file outside every public and listed path that becomes the object under its key by [`Draft::commit`].
/// Its lock tells sweepers that its process is alive.
#[derive(Debug)]
pub struct Draft {
    store: Store,
    key: String,
    path: PathBuf,
    file: File,
    is_done: bool,
}

impl Draft {
    pub(super) fn create(store: Store, key: &str) -> Result<Draft> {
        let (path, file) = store.folder().create_temporary()?;
        Ok(Draft { store, key: key.to_owned(), path, file, is_done: false })
    }

    /// Where to write: an empty local file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A handle to write through. All handles share one position.
    ///
    /// # Errors
    /// The process has too many open files (75).
    pub fn file(&self) -> Result<File> {
        self.file.try_clone().map_err(|error| Error::io("open", &self.path, &error))
    }

    /// The key it will have.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Makes the file the object under its key if `precondition` holds; returns its tag and size in bytes.
    ///
    /// # Errors
    /// Something else lies there (73, nothing replaced); the write failed (75).
    pub fn commit(mut self, precondition: &Precondition) -> Result<(ETag, u64)> {
        let (hash, bytes) = sha256_file(&self.path).map_err(|error| Error::io("read", &self.path, &error))?;
        self.finish(precondition)?;
        Ok((ETag::new(hash), bytes))
    }

    /// As [`Draft::commit`], under a key that could only be chosen after writing, such as one with a hash in it.
    ///
    /// # Errors
    /// As [`Draft::commit`].
    pub fn commit_as(mut self, key: &str, precondition: &Precondition) -> Result<(ETag, u64)> {
        super::keys::check(key)?;
        key.clone_into(&mut self.key);
        self.commit(precondition)
    }

    fn finish(&mut self, precondition: &Precondition) -> Result<()> {
        self.file.sync_all().map_err(|error| Error::io("write", &self.path, &error))?;
        self.store.folder().rename_into_place(&self.path, &self.key, precondition)?;
        self.is_done = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_done {
            // What cannot be removed now is swept at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
