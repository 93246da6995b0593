//! The state of one request stream and of the streams inside its answers: the one object that says which of their files
//! exist, and where reading goes on.

use super::super::state::{Area, QuarantineFile};
use crate::error::{Error, Result};
use crate::extract::api::Progress;
use crate::store::{ETag, Precondition, Store};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The layout of the state object; a newer one is refused rather than misread.
const FORMAT: u32 = 1;

impl Area<'_> {
    /// The prefix of the states of systems that are asked.
    pub(in crate::land) fn api_states(&self) -> String {
        format!("_tailwater/state/{}/api", self.job)
    }

    /// The key of a request stream's state.
    pub(super) fn api_state_key(&self, source: &str, stream: &str) -> String {
        format!("{}/{source}/{stream}.json", self.api_states())
    }

    /// The prefix of a stream's landed files.
    pub(super) fn api_landing(&self, source: &str, stream: &str) -> String {
        format!("_tailwater/landing/{}/{source}/api/{stream}", self.job)
    }

    /// The prefix of the answers kept of a request stream.
    pub(super) fn api_raw(&self, source: &str, stream: &str) -> String {
        format!("_tailwater/raw/{}/{source}/{stream}", self.job)
    }

    /// The key of the credential that a source replaced.
    pub(super) fn api_credential(&self, source: &str) -> String {
        format!("_tailwater/state/{}/credentials/{source}.json", self.job)
    }
}

/// A request stream with the streams inside it, as the last checkpoint left them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct GroupState {
    pub format: u32,
    pub source: String,
    pub stream: String,
    /// Where reading goes on; landing does not look into it.
    pub progress: Progress,
    /// When the newest pass that came to its end did so.
    pub read_at: Option<DateTime<Utc>>,
    /// The last ended day of the first pass's end (of now, while there was none): for earlier dates the earliest version
    /// of a row stands in.
    pub first_landed: Option<NaiveDate>,
    /// The pass whose keys are counted in the streams' `seen`, where missing keys will be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_pass: Option<String>,
    /// The greatest landing sequence that was used here.
    pub sequence: u64,
    /// Kept answers, oldest first.
    pub segments: Vec<Segment>,
    pub streams: BTreeMap<String, StreamState>,
}

/// One stream's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct StreamState {
    /// Names and types of the columns that were ever landed and still count.
    pub columns: Vec<(String, String)>,
    /// The columns that tell its rows from each other.
    pub key: Vec<String>,
    /// Rows whose keys are unique over all these files; none is deleted.
    pub base: Vec<DataFile>,
    /// Newer versions of rows, and deletions, in the order they came.
    pub deltas: Vec<DataFile>,
    /// Versions that compaction found superseded, each with the day `_until` which it held.
    pub history: Vec<HistoryFile>,
    /// For a date before this one the history has to be asked; none where base and deltas tell everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_before: Option<NaiveDate>,
    /// What tells whether a row is new: oldest first, a newer run's entry wins.
    pub index: Vec<IndexFile>,
    /// Keys that came in the open full pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<IndexFile>,
    pub quarantine: Vec<PassQuarantine>,
    /// Keys that are there now.
    pub rows: u64,
    /// Rows that the pass under way, or the last one, brought: what quarantine is measured against.
    pub pass_rows: u64,
    /// The greatest `_landed` of the stream.
    pub newest: i64,
    /// The greatest `_landed` of the stream of deletions that was applied.
    #[serde(default)]
    pub deletions_until: i64,
    /// Members of its records that no column reads, as far as they were told already.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unread: BTreeSet<String>,
}

/// A landed Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct DataFile {
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    /// The smallest and the greatest `_seen_from` in it.
    pub seen: (NaiveDate, NaiveDate),
    /// The greatest `_landed` in it.
    pub newest: i64,
}

/// A file of superseded versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct HistoryFile {
    pub key: String,
    pub rows: u64,
    /// The greatest `_until` in it: once no kept date lies before it, the file can go.
    pub until: NaiveDate,
}

/// A sorted file of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct IndexFile {
    pub key: String,
    pub entries: u64,
}

/// Kept answers of one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct Segment {
    pub key: String,
    pub pages: u64,
    pub bytes: u64,
    /// Where the list of pages begins.
    pub index_at: u64,
    /// The day they were fetched, UTC.
    pub fetched: NaiveDate,
}

/// Rows of one pass that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::land) struct PassQuarantine {
    pub file: QuarantineFile,
    /// The day they were read, UTC.
    pub fetched: NaiveDate,
    /// Whether the open pass brought them.
    pub is_open: bool,
}

impl GroupState {
    pub fn new(source: &str, stream: &str) -> Self {
        GroupState {
            format: FORMAT,
            source: source.to_owned(),
            stream: stream.to_owned(),
            progress: Progress::default(),
            read_at: None,
            first_landed: None,
            counted_pass: None,
            sequence: 0,
            segments: Vec::new(),
            streams: BTreeMap::new(),
        }
    }

    /// Reads the state under `key`; none where the stream was never read.
    ///
    /// # Errors
    /// It cannot be read (75) or is of another layout (70).
    pub fn read(store: &Store, key: &str) -> Result<Option<(GroupState, ETag)>> {
        let read: Option<(GroupState, ETag)> = store.get_json(key)?;
        match read {
            Some((state, _)) if state.format != FORMAT => {
                Err(Error::bug(format!("{key} has layout {}, this version knows {FORMAT}", state.format))
                    .help("use the version of tailwater that wrote it"))
            }
            read => Ok(read),
        }
    }

    /// Replaces the state that was read as `etag`.
    ///
    /// # Errors
    /// Somebody else changed it (73), or the write failed (75).
    pub fn commit(&self, area: Area<'_>, etag: Option<ETag>) -> Result<ETag> {
        let key = area.api_state_key(&self.source, &self.stream);
        area.store.put_json(&key, self, &Precondition::unchanged_since(etag))
    }

    /// Every key that the state lists.
    pub fn keys(&self) -> BTreeSet<&str> {
        let segments = self.segments.iter().map(|segment| segment.key.as_str());
        segments.chain(self.streams.values().flat_map(StreamState::keys)).collect()
    }
}

impl StreamState {
    /// Every key that the stream lists.
    fn keys(&self) -> impl Iterator<Item = &str> {
        let data = self.base.iter().chain(&self.deltas).map(|file| file.key.as_str());
        let history = self.history.iter().map(|file| file.key.as_str());
        let index = self.index.iter().chain(&self.seen).map(|file| file.key.as_str());
        let quarantine = self.quarantine.iter().map(|pass| pass.file.key.as_str());
        data.chain(history).chain(index).chain(quarantine)
    }

    /// Rows in its deltas.
    pub fn delta_rows(&self) -> u64 {
        self.deltas.iter().map(|file| file.rows).sum()
    }
}
