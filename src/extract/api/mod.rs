//! Systems described as data, read over HTTP or from files: requests under one budget a credential, pages spooled whole
//! before a row is taken from them, progress that names the next page.

mod ask;
mod auth;
mod budget;
mod build;
mod doc;
mod export;
mod fetch;
mod fields;
mod files;
mod fill;
mod http;
mod inspect;
mod jwt;
mod mark;
mod minor;
mod page;
mod paging;
mod pass;
mod rules;
mod scan;
mod seal;
mod slices;
mod source;
mod spool;
mod told;
mod typed;
mod unpack;
mod walk;
mod window;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;

pub use spool::Body;

use inspect::Broken;

use super::Quarantined;
use crate::error::Result;
use crate::event::Reporter;
use crate::job::api::ApiSource;
use crate::model::source::stream::StreamSpec;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Where a stream's reading stands: kept with its landed rows, so that both move together. Whoever keeps it need not
/// understand it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Up to where everything has been read and landed.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<Mark>,
    /// The page token that the next pass continues with.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The day on which the whole list was read last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_full: Option<NaiveDate>,
    /// The landing sequence of the newest parent whose children were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    parents_until: Option<u64>,
    /// The files that were read: size and time of change by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, String>,
    /// The pass under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<OpenPass>,
    /// What a reader of its own (a database's, a tap's) goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<serde_json::Value>,
}

impl Progress {
    /// Where a reader of its own stands: what it goes on with, and the id of the full pass under way, if it is in one.
    pub fn own(state: serde_json::Value, pass: Option<String>) -> Progress {
        let pass = pass.map(|id| OpenPass { id, is_full: true, ..OpenPass::default() });
        Progress { pass, own: Some(state), ..Progress::default() }
    }

    /// What a reader of its own goes on with; none before its first checkpoint.
    pub fn state(&self) -> Option<&serde_json::Value> {
        self.own.as_ref()
    }

    /// The pass under way: an id that stays the same until the pass is finished, over however many runs. Keys that are
    /// missing from a full pass are counted over all that was landed under its id.
    pub fn pass(&self) -> Option<&str> {
        self.pass.as_ref().map(|pass| pass.id.as_str())
    }
}

/// A place in a stream's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Mark {
    /// Microseconds since 1970-01-01 UTC.
    Instant(i64),
    /// A counting number.
    Number(i64),
    /// A text that sorts.
    Text(String),
}

/// A pass that has begun and not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct OpenPass {
    id: String,
    is_full: bool,
    /// Bounds of what is asked, in microseconds since 1970-01-01 UTC.
    start: Option<i64>,
    end: i64,
    /// The lower bound where it is no instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The token that the last pass ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The landing sequence up to which parents are asked for.
    parents_until: Option<u64>,
    /// Whether a slice was left out, so that missing keys prove nothing.
    has_gaps: bool,
    /// The slice that comes next, or is under way.
    slice: SliceAt,
    /// The page that comes next in that slice; none for its first.
    page: Option<PageAt>,
    /// How many pages came so far.
    pages: u64,
    /// The greatest cursor value so far.
    greatest: Option<Mark>,
}

/// Which slice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SliceAt {
    /// The key of the last parent that is done.
    parent: Option<Vec<String>>,
    /// The key of the first parent that is under way.
    group: Option<Vec<String>>,
    /// The position among the values.
    value: usize,
    /// The window's start, in microseconds since 1970-01-01 UTC.
    window: Option<i64>,
}

/// Which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct PageAt {
    /// What asks for it: the token, address, page number or offset; empty for the first.
    token: String,
    /// The bounds of its (perhaps halved) window, in microseconds.
    window: Option<(i64, i64)>,
    /// Values of the export it belongs to.
    job: BTreeMap<String, String>,
}

/// A whole answer, as it came.
#[derive(Debug)]
pub struct RawPage<'a> {
    /// What it answers.
    pub head: &'a PageHead,
    /// Its bytes, after the transport's own compression.
    pub body: &'a Body,
}

/// What an answer answers, without secrets: with it and the bytes the rows can be made again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageHead {
    /// The stream that asked; the streams inside it are read from the same answer.
    pub stream: String,
    /// Its number in the pass, from 1.
    pub number: u64,
    /// Method and address (a file's name), values of secret parameters replaced.
    pub request: String,
    /// Values that columns may take from outside the body: `parent.id`, `window.start`, `slice`, `header.date`.
    pub given: BTreeMap<String, String>,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassEnd {
    /// Everything the source has was read: keys that did not come in this pass are gone.
    Full,
    /// What is new was read.
    Incremental,
}

/// Takes what is read of one request stream and of the streams inside it, in order. Its owner commits rows, raw bytes and
/// progress together.
pub trait Sink: Send {
    /// A stream's shape, before its first row; again where it has changed.
    ///
    /// # Errors
    /// The shape cannot be landed beside what was landed before.
    fn declare(&mut self, stream: &StreamSpec) -> Result<()>;

    /// An answer that came whole; its rows follow.
    ///
    /// # Errors
    /// It cannot be kept.
    fn page(&mut self, page: &RawPage<'_>) -> Result<()>;

    /// Rows of `stream` in the shape it was declared in: one column each, by name, without those that landing adds.
    ///
    /// # Errors
    /// They cannot be kept.
    fn rows(&mut self, stream: &str, batch: RecordBatch) -> Result<()>;

    /// A row of `stream` that could not be read: `file` is the request, `line` the record's number on the page.
    ///
    /// # Errors
    /// It cannot be kept.
    fn quarantine(&mut self, stream: &str, row: Quarantined) -> Result<()>;

    /// Everything handed on so far belongs to `progress`; whether it is committed now is for the sink to decide.
    ///
    /// # Errors
    /// It cannot be committed.
    fn checkpoint(&mut self, progress: &Progress) -> Result<()>;

    /// The pass is over; everything is committed.
    ///
    /// # Errors
    /// It cannot be committed.
    fn finish(&mut self, progress: &Progress, end: PassEnd) -> Result<()>;
}

/// Which of a parent's rows a stream asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentQuery<'a> {
    /// The parent stream.
    pub stream: &'a str,
    /// The columns wanted, in this order.
    pub columns: &'a [String],
    /// Only rows in which this boolean column is true.
    pub only_where: Option<&'a str>,
    /// Only keys whose newest version has a greater landing sequence than this.
    pub after: Option<u64>,
    /// Only keys whose newest version has no greater landing sequence than this.
    pub until: Option<u64>,
    /// Only rows whose key, as texts, comes after this one.
    pub after_key: Option<&'a [String]>,
}

/// One parent: its key and the values asked for, as texts (instants in RFC 3339); none for null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRow {
    /// Its key columns' texts.
    pub key: Vec<String>,
    /// The columns asked for.
    pub values: Vec<Option<String>>,
}

/// Rows of a parent, in the order of their keys as texts (compared by bytes, column by column).
pub type ParentRows = Box<dyn Iterator<Item = Result<ParentRow>> + Send>;

/// Where what is read goes, and what was landed before. Streams are read side by side, so it is asked from several
/// threads.
pub trait Destination: Sync {
    /// Opens a request stream's (or file stream's) state: where reading stands, and who takes what comes next. Called when
    /// the stream is about to be read, after its parent was finished.
    ///
    /// # Errors
    /// The state cannot be read.
    fn open(&self, stream: &StreamSpec) -> Result<(Progress, Box<dyn Sink + '_>)>;

    /// Current rows of a parent.
    ///
    /// # Errors
    /// They cannot be read.
    fn parents(&self, query: &ParentQuery<'_>) -> Result<ParentRows>;

    /// The greatest landing sequence of a stream; none where nothing of it was landed.
    ///
    /// # Errors
    /// The state cannot be read.
    fn sequence(&self, stream: &str) -> Result<Option<u64>>;

    /// A credential that the source replaced in an earlier run, sealed; none where it did not.
    ///
    /// # Errors
    /// It cannot be read.
    fn credential(&self) -> Result<Option<String>>;

    /// Keeps a replaced credential, sealed with what the job knows, at once: the old one is worth nothing any more.
    ///
    /// # Errors
    /// It cannot be kept.
    fn keep_credential(&self, sealed: &str) -> Result<()>;
}

/// What is asked, and by whom.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The source's name in the job.
    pub name: &'a str,
    /// The system and what the job says about it.
    pub source: &'a ApiSource,
    /// The run's instant: nothing after it is asked for.
    pub now: DateTime<Utc>,
    /// An empty folder for answers on their way.
    pub scratch: &'a Path,
    /// Told what is waited for and how far it is.
    pub reporter: &'a Reporter,
    /// Fails once the run was asked to end.
    pub stop: &'a (dyn Fn() -> Result<()> + Sync),
}

/// How one stream's reading ended.
#[derive(Debug)]
pub struct StreamEnd {
    /// The request stream (those inside it share its end).
    pub stream: String,
    /// What came of it.
    pub outcome: Result<Outcome>,
}

/// What came of a stream that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was read to its end.
    Read,
    /// It was left out, and why: the source does not have it or does not let it be read.
    Skipped(String),
}

/// Reads every stream of a source that the job wants, parents before their children, independent ones side by side. One
/// stream's failure is its own (and its children's): the others go on.
///
/// # Errors
/// The source cannot be asked at all: a setting cannot be resolved (64), or there is no HTTP client (75).
pub fn extract(asked: Asked<'_>, destination: &dyn Destination) -> Result<Vec<StreamEnd>> {
    source::extract(asked, destination)
}

/// Takes an answer apart again, as it was taken apart when it came: declarations, rows and quarantine, no checkpoint.
///
/// # Errors
/// The answer no longer fits the description, or the sink fails.
pub fn replay(source: &ApiSource, page: &RawPage<'_>, sink: &mut dyn Sink) -> Result<()> {
    source::replay(source, page, sink)
}

/// Asks for a little of every stream that asks for itself, and says by its name what may be read of it, or why not. The
/// destination only keeps credentials that the source replaces.
///
/// # Errors
/// As [`extract`].
pub fn connect(asked: Asked<'_>, destination: &dyn Destination) -> Result<Vec<(String, Result<String>)>> {
    source::connect(asked, destination)
}
