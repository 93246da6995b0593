//! A folder as a warehouse: conditional writes by flock, compare, temporary file, fsync, rename.

use super::keys::{INTERNAL, is_internal};
use super::{ETag, Listed, Precondition, sha256, sha256_file};
use crate::error::{Class, Error, Result};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// One folder. The tag of an object is the sha256 of its bytes.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Tells this process's temporary files from those of others; process ids repeat between containers.
    process: u64,
    temporaries: AtomicU64,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Folder> {
        for part in ["locks", "tmp"] {
            let path = root.join(INTERNAL).join(part);
            fs::create_dir_all(&path).map_err(|error| {
                let class = match error.kind() {
                    ErrorKind::PermissionDenied
                    | ErrorKind::ReadOnlyFilesystem
                    | ErrorKind::NotADirectory
                    | ErrorKind::AlreadyExists => Class::Usage,
                    _ => Class::TryAgain,
                };
                Error::io("create the warehouse's folder", &path, &error)
                    .class_as(class)
                    .help("the job's `warehouse` must be a folder that this user may write to")
            })?;
        }
        Folder::existing(root)
            .ok_or_else(|| Error::usage(format!("the warehouse {} is not a folder that can be read", root.display())))
    }

    pub(super) fn existing(root: &Path) -> Option<Folder> {
        let root = fs::canonicalize(root).ok().filter(|path| path.is_dir())?;
        let process = std::hash::RandomState::new().build_hasher().finish();
        Some(Folder { root, process, temporaries: AtomicU64::new(0) })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    pub(super) fn key_of(&self, path: &Path) -> Result<String> {
        let outside = || Error::bug(format!("{} lies outside the warehouse", path.display()));
        let inside = path.strip_prefix(&self.root).map_err(|_| outside())?;
        let mut segments = Vec::new();
        for component in inside.components() {
            match component {
                Component::Normal(segment) => segments.push(segment.to_str().ok_or_else(outside)?),
                _ => return Err(outside()),
            }
        }
        Ok(segments.join("/"))
    }

    /// Creates the folder of `prefix` so that it survives a power cut, and returns its path.
    pub(super) fn create_dir(&self, prefix: &str) -> Result<PathBuf> {
        let path = self.path(prefix);
        let mut missing: Vec<&Path> = path.ancestors().take_while(|at| !at.is_dir()).collect();
        while let Some(at) = missing.pop() {
            match fs::create_dir(at) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(Error::io("create", at, &error));
                }
                _ => sync_parent(at)?,
            }
        }
        Ok(path)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<(Vec<u8>, ETag)>> {
        let path = self.path(key);
        match fs::read(&path) {
            Ok(bytes) => {
                let etag = ETag::new(sha256(&bytes));
                Ok(Some((bytes, etag)))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Error::io("read", &path, &error)),
        }
    }

    pub(super) fn etag(&self, key: &str) -> Result<Option<ETag>> {
        let path = self.path(key);
        match sha256_file(&path) {
            Ok((hash, _)) => Ok(Some(ETag::new(hash))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Error::io("read", &path, &error)),
        }
    }

    pub(super) fn put(&self, key: &str, bytes: &[u8], precondition: &Precondition) -> Result<ETag> {
        let (temporary, mut file) = self.create_temporary()?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let placed = written
            .map_err(|error| Error::io("write", self.path(key), &error))
            .and_then(|()| self.rename_into_place(&temporary, key, precondition));
        if placed.is_err() {
            // What cannot be removed now is swept at the next start.
            let _ = fs::remove_file(&temporary);
        }
        placed.map(|()| ETag::new(sha256(bytes)))
    }

    /// Renames the durable file `from` to `key` under the write lock of its table, after the compare.
    pub(super) fn rename_into_place(&self, from: &Path, key: &str, precondition: &Precondition) -> Result<()> {
        let target = self.path(key);
        if let Some((parent, _)) = key.rsplit_once('/') {
            self.create_dir(parent)?;
        }
        let _lock = self.write_lock(key)?;
        self.compare(key, precondition)?;
        fs::rename(from, &target).map_err(|error| Error::io("write", &target, &error))?;
        sync_parent(&target)
    }

    pub(super) fn delete(&self, key: &str, precondition: &Precondition) -> Result<()> {
        let path = self.path(key);
        let _lock = self.write_lock(key)?;
        if self.etag(key)?.is_none() {
            return Ok(());
        }
        self.compare(key, precondition)?;
        fs::remove_file(&path).map_err(|error| Error::io("remove", &path, &error))?;
        sync_parent(&path)
    }

    pub(super) fn discard(&self, key: &str) -> Result<()> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Err(error) if !is_missing(&error) => Err(Error::io("remove", &path, &error)),
            _ => Ok(()),
        }
    }

    fn compare(&self, key: &str, precondition: &Precondition) -> Result<()> {
        let found = self.etag(key)?;
        if precondition.holds(found.as_ref()) {
            return Ok(());
        }
        let found = Precondition::unchanged_since(found);
        Err(Error::new(
            Class::Conflict,
            format!("{key} was changed by somebody else: expected {precondition}, found {found}; it was left as it is"),
        ))
    }

    pub(super) fn sync_all(&self, keys: &[&str]) -> Result<()> {
        let mut folders = BTreeSet::new();
        for key in keys {
            let path = self.path(key);
            synchronise(&path)?;
            folders.extend(path.ancestors().skip(1).take_while(|at| at.starts_with(&self.root)).map(Path::to_owned));
        }
        // A folder counts only once the one that lists it is durable too; in which order does not matter.
        folders.iter().try_for_each(|folder| synchronise(folder))
    }

    pub(super) fn size(&self, key: &str) -> Result<Option<u64>> {
        let path = self.path(key);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Error::io("read", &path, &error)),
        }
    }

    pub(super) fn remove_tree(&self, prefix: &str) -> Result<()> {
        let path = self.path(prefix);
        match fs::remove_dir_all(&path) {
            Err(error) if !is_missing(&error) => Err(Error::io("remove", &path, &error)),
            _ => Ok(()),
        }
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let mut found = Vec::new();
        let start = if prefix.is_empty() { self.root.clone() } else { self.path(prefix) };
        let mut pending = vec![start];
        while let Some(folder) = pending.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(Error::io("list", &folder, &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| Error::io("list", &folder, &error))?;
                match entry.metadata() {
                    Ok(metadata) if metadata.is_dir() => pending.push(entry.path()),
                    Ok(metadata) => {
                        found.push(Listed { key: self.key_of(&entry.path())?, bytes: metadata.len() });
                    }
                    // Removed while we looked.
                    Err(error) if is_missing(&error) => {}
                    Err(error) => return Err(Error::io("list", entry.path(), &error)),
                }
            }
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// A new file outside every public path, locked for as long as the returned handle or a clone of it lives.
    pub(super) fn create_temporary(&self) -> Result<(PathBuf, File)> {
        let folder = self.root.join(INTERNAL).join("tmp");
        loop {
            let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{:016x}-{number}", self.process));
            let created = File::options().read(true).write(true).create_new(true).open(&path);
            let file = match created {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) if is_missing(&error) => {
                    fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, &error))?;
                    continue;
                }
                Err(error) => return Err(Error::io("create", &path, &error)),
            };
            file.lock().map_err(|error| unlockable(&path, &error))?;
            // A sweeper may have taken it for dead between its creation and its lock.
            if path.exists() {
                return Ok((path, file));
            }
        }
    }

    pub(super) fn sweep_temporaries(&self) -> Result<()> {
        let folder = self.root.join(INTERNAL).join("tmp");
        let entries = fs::read_dir(&folder).map_err(|error| Error::io("list", &folder, &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                // Somebody else may sweep at the same time: gone is gone.
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// The lock that every conditional write to `key`'s table holds: one per table, so that locks stay few. Its dot
    /// keeps it apart from the locks of jobs, whose names have none.
    fn write_lock(&self, key: &str) -> Result<File> {
        let mut segments = key.split('/');
        let first = segments.next().unwrap_or_default();
        let name = match segments.next() {
            Some(second) if is_internal(key) => format!("write.{first}.{second}"),
            _ => format!("write.{first}"),
        };
        let (path, file) = self.open_lock(&name)?;
        file.lock().map_err(|error| unlockable(&path, &error))?;
        Ok(file)
    }

    /// Opens `_tailwater/locks/<name>.flock`, creating it; lock files are never deleted, or two processes could hold
    /// locks on two files of one name.
    pub(super) fn open_lock(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.root.join(INTERNAL).join("locks").join(format!("{name}.flock"));
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        opened.map(|file| (path.clone(), file)).map_err(|error| Error::io("open", &path, &error))
    }
}

/// The error of a file system that cannot lock.
pub(super) fn unlockable(path: &Path, error: &std::io::Error) -> Error {
    let error_of_lock = Error::io("lock", path, error);
    if error.kind() == ErrorKind::Unsupported {
        return error_of_lock
            .class_as(Class::Usage)
            .help("the warehouse must lie on a file system with locks (flock), or runs could overwrite each other");
    }
    error_of_lock
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// A rename or a new file is durable once the folder that lists it is.
fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), synchronise)
}

fn synchronise(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::io("make durable", path, &error))
}
