//! Answers as they came, kept for a while: one zstd frame an answer, the answers of a checkpoint in one segment, which ends
//! with the list of what they answer.

use super::index::settle;
use super::state::Segment;
use crate::error::{Class, Error, Result};
use crate::extract::api::{PageHead, RawPage};
use crate::model::source::stream::{Personal, StreamSpec};
use crate::store::{Draft, Store};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// As the landed files: read rarely, and level 3 costs a third more time for a tenth of the size.
const LEVEL: i32 = 1;

/// Whether answers that hold `streams` may be kept: not where landing drops or hashes a personal value of theirs, since the
/// answer would still hold it.
pub(super) fn may_be_kept<'a>(mut streams: impl Iterator<Item = &'a StreamSpec>) -> bool {
    streams.all(|stream| stream.columns.iter().all(|column| column.personal == Personal::Keep))
}

/// One answer of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptPage {
    pub head: PageHead,
    /// Where its frame begins.
    pub at: u64,
    /// Its bytes as they came.
    pub bytes: u64,
    /// When it was landed.
    pub landed_at: DateTime<Utc>,
}

/// A segment that is being written.
pub(super) struct SegmentWriter {
    draft: Draft,
    file: File,
    pages: Vec<KeptPage>,
    at: u64,
}

impl SegmentWriter {
    pub fn create(store: &Store, prefix: &str) -> Result<SegmentWriter> {
        let draft = store.draft(&format!("{prefix}/draft"))?;
        let file = draft.file()?;
        Ok(SegmentWriter { draft, file, pages: Vec::new(), at: 0 })
    }

    /// Takes an answer.
    pub fn push(&mut self, page: &RawPage<'_>, now: DateTime<Utc>) -> Result<()> {
        self.pages.push(KeptPage { head: page.head.clone(), at: self.at, bytes: page.body.len(), landed_at: now });
        match page.body.in_memory() {
            Some(bytes) => self.frame(bytes),
            None => self.frame(page.body.open()?),
        }
    }

    fn frame(&mut self, mut bytes: impl Read) -> Result<()> {
        let path = self.draft.path();
        let mut write = || -> std::io::Result<u64> {
            let mut encoder = zstd::stream::write::Encoder::new(&mut self.file, LEVEL)?;
            std::io::copy(&mut bytes, &mut encoder)?;
            encoder.finish()?;
            self.file.stream_position()
        };
        self.at = write().map_err(|error| Error::io("write", path, &error))?;
        Ok(())
    }

    /// Finishes the segment.
    pub fn finish(mut self, store: &Store, prefix: &str, sequence: u64, today: NaiveDate) -> Result<Segment> {
        let index_at = self.at;
        let list = serde_json::to_vec(&self.pages)
            .map_err(|error| Error::bug("the list of kept answers cannot be written").caused_by(error))?;
        self.frame(&list[..])?;
        let (pages, bytes) = (self.pages.len() as u64, self.at);
        let key = settle(store, self.draft, prefix, sequence, "zst")?;
        Ok(Segment { key, pages, bytes, index_at, fetched: today })
    }
}

/// A kept segment.
pub(super) struct SegmentReader {
    file: File,
    key: String,
    /// What it holds, in the order it came.
    pub pages: Vec<KeptPage>,
}

impl SegmentReader {
    pub fn open(store: &Store, segment: &Segment) -> Result<SegmentReader> {
        let path = store.path(&segment.key)?;
        let file = File::open(&path).map_err(|error| Error::io("open", &path, &error))?;
        let mut reader = SegmentReader { file, key: segment.key.clone(), pages: Vec::new() };
        let list = reader.frame(segment.index_at)?;
        reader.pages = serde_json::from_slice(&list)
            .map_err(|error| Error::bug(format!("{} has no list of answers", segment.key)).caused_by(error))?;
        Ok(reader)
    }

    /// The bytes of an answer.
    pub fn body(&mut self, page: &KeptPage) -> Result<Vec<u8>> {
        self.frame(page.at)
    }

    fn frame(&mut self, at: u64) -> Result<Vec<u8>> {
        let mut read = || -> std::io::Result<Vec<u8>> {
            self.file.seek(SeekFrom::Start(at))?;
            let mut bytes = Vec::new();
            zstd::stream::read::Decoder::new(&mut self.file)?.single_frame().read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| Error::new(Class::TryAgain, format!("could not read {}", self.key)).caused_by(error))
    }
}
