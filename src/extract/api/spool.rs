//! Whole answers on their way: small ones in memory, large ones in a file that goes with them.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers up to this size stay in memory.
pub(super) const MOST_IN_MEMORY: usize = 1 << 20;

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

    /// Reads `length` bytes from `start` on.
    pub(super) fn range(&self, start: u64, length: u64) -> Result<Box<dyn Read + Send>> {
        match &self.0 {
            Kept::Memory(bytes) => {
                let mut cursor = Cursor::new(Shared(Arc::clone(bytes)));
                cursor.set_position(start);
                Ok(Box::new(cursor.take(length)))
            }
            Kept::File(scratch, _) => {
                let failed = |error| Error::io("read", &scratch.path, &error);
                let mut file = File::open(&scratch.path).map_err(failed)?;
                file.seek(SeekFrom::Start(start)).map_err(failed)?;
                Ok(Box::new(BufReader::with_capacity(256 << 10, file).take(length)))
            }
        }
    }

    /// The first bytes, at most `most`.
    pub(super) fn head(&self, most: usize) -> Result<Vec<u8>> {
        let mut head = Vec::with_capacity(most);
        let read = self.open()?.take(most as u64).read_to_end(&mut head);
        read.map_err(|error| Error::bug("an answer on its way could not be read again").caused_by(error))?;
        Ok(head)
    }
}

impl Body {
    /// The last bytes, at most `most`.
    pub(super) fn tail(&self, most: usize) -> Result<Vec<u8>> {
        let length = self.len().min(most as u64);
        let mut tail = Vec::new();
        let read = self.range(self.len() - length, length)?.read_to_end(&mut tail);
        read.map_err(|error| Error::bug("an answer on its way could not be read again").caused_by(error))?;
        Ok(tail)
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

/// Takes an answer as it comes.
#[derive(Debug)]
pub(super) struct Spool<'a> {
    folder: &'a Path,
    memory: Vec<u8>,
    file: Option<(File, Arc<Scratch>)>,
    length: u64,
}

/// Numbers the files of one process.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl<'a> Spool<'a> {
    /// Nothing yet; a file, where one is needed, is made in `folder`.
    pub fn new(folder: &'a Path) -> Self {
        Spool { folder, memory: Vec::new(), file: None, length: 0 }
    }

    /// How many bytes have come.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Everything that came.
    pub fn finish(self) -> std::io::Result<Body> {
        match self.file {
            None => Ok(Body::of(self.memory)),
            Some((mut file, scratch)) => {
                file.flush()?;
                Ok(Body(Kept::File(scratch, self.length)))
            }
        }
    }
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.length += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() > MOST_IN_MEMORY {
            let path = self.folder.join(format!("answer-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
            let mut file = File::create_new(&path)?;
            let scratch = Arc::new(Scratch { path, is_ours: true });
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some((file, scratch));
        }
        match &mut self.file {
            Some((file, _)) => file.write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
