//! Whole answers on their way: small ones in memory, large ones in a file that goes with them.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A whole answer's bytes.
#[derive(Debug, Clone)]
pub struct Body(Kept);

#[derive(Debug, Clone)]
enum Kept {
    Memory(Arc<Vec<u8>>),
    File(Arc<Scratch>, u64),
}

impl Body {
    /// Bytes in memory.
    pub fn of(bytes: Vec<u8>) -> Self {
        Body(Kept::Memory(Arc::new(bytes)))
    }

    /// The bytes of a file that somebody else owns.
    ///
    /// # Errors
    /// The file is not there.
    pub fn file(path: &Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_err(|error| Error::io("read", path, &error))?.len();
        Ok(Body(Kept::File(Arc::new(Scratch { path: path.to_owned(), is_ours: false }), length)))
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kept::Memory(bytes) => bytes.len() as u64,
            Kept::File(_, length) => *length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes, where they are in memory.
    pub fn in_memory(&self) -> Option<&[u8]> {
        match &self.0 {
            Kept::Memory(bytes) => Some(bytes),
            Kept::File(..) => None,
        }
    }

    /// Reads the bytes from the beginning.
    ///
    /// # Errors
    /// The file cannot be opened (75).
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        match &self.0 {
            Kept::Memory(bytes) => Ok(Box::new(Cursor::new(Shared(Arc::clone(bytes))))),
            Kept::File(scratch, _) => {
                let file = File::open(&scratch.path).map_err(|error| Error::io("open", &scratch.path, &error))?;
                Ok(Box::new(BufReader::with_capacity(256 << 10, file)))
            }
        }
    }
}

/// Bytes that several readers share.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A file that is gone when nobody reads it any more.
#[derive(Debug)]
struct Scratch {
    path: PathBuf,
    is_ours: bool,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_ours {
            // What is left behind goes with its folder.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
