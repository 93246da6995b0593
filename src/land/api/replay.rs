//! Kept answers are taken apart again, without asking the source: a column that was added, or a value that is read another
//! way now, gets into rows that were landed before.
//!
//! Answers are read newest first and of every key the newest one counts, so that no older version comes back and no row
//! that is gone. What changes is landed as a version of the same day as the one it replaces.

use super::Landing;
use super::raw::SegmentReader;
use super::sink::GroupSink;
use super::state::GroupState;
use crate::error::{Error, Result};
use crate::event::{Event, Stage};
use crate::extract::Quarantined;
use crate::extract::api::{Body, PassEnd, Progress, RawPage, Sink, replay};
use crate::job::api::ApiSource;
use crate::model::source::stream::StreamSpec;
use crate::store::Precondition;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What is landed again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayOf {
    /// The source; all described systems where none is named.
    pub source: Option<String>,
    /// The stream; all where none is named.
    pub stream: Option<String>,
    /// Only answers that came on this day (UTC) or later.
    pub since: Option<NaiveDate>,
}

/// What became of one request stream's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The source's name in the job.
    pub source: String,
    /// The request stream; the streams inside it were landed with it.
    pub stream: String,
    /// Answers that were read.
    pub pages: u64,
    /// Rows that say something else now.
    pub rows: u64,
    /// The day of the oldest answer; none where none is kept.
    pub oldest: Option<NaiveDate>,
}

/// Lands the kept answers of a request stream again.
///
/// # Errors
/// An answer no longer fits the description (64), or the warehouse cannot be read or written (75).
pub(in crate::land) fn replay_group(
    landing: &Landing<'_>,
    api: &ApiSource,
    outer: &StreamSpec,
    asked: &ReplayOf,
) -> Result<Replayed> {
    let mut sink = GroupSink::open_beside(landing, outer)?;
    let segments = sink.state.segments.clone();
    let is_asked = |day: NaiveDate| asked.since.is_none_or(|since| day >= since);
    let chosen: Vec<_> = segments.iter().filter(|segment| is_asked(segment.fetched)).collect();
    let oldest = chosen.first().map(|segment| segment.fetched);
    let mut again = Again {
        sink: &mut sink,
        only: asked.stream.clone(),
        held: BTreeMap::new(),
        seen: BTreeMap::new(),
        unread: oldest,
    };
    let total = chosen.iter().map(|segment| segment.pages).sum();
    let mut pages = 0;
    for segment in chosen.iter().rev() {
        let mut reader = SegmentReader::open(landing.area.store, segment)?;
        let list = std::mem::take(&mut reader.pages);
        for page in list.iter().rev() {
            let body = Body::of(reader.body(page)?);
            replay(api, &RawPage { head: &page.head, body: &body }, &mut again)?;
            again.end_page()?;
            pages += 1;
        }
        let what = format!("{}.{}", landing.source, outer.name);
        landing.reporter.say(Event::Progress { stage: Stage::Land, what, done: pages, total: Some(total) });
        again.sink.commit_as_it_was()?;
    }
    let rows = sink.landed_rows();
    let (source, stream) = (landing.source.to_owned(), outer.name.clone());
    Ok(Replayed { source, stream, pages, rows, oldest })
}

/// Forgets all that was landed of a request stream, and where reading stood: the next run reads it from its beginning.
///
/// # Errors
/// The warehouse cannot be written (75), or somebody else changed the state (73).
pub(in crate::land) fn forget_group(landing: &Landing<'_>, outer: &StreamSpec) -> Result<()> {
    let (area, store) = (landing.area, landing.area.store);
    let key = area.api_state_key(landing.source, &outer.name);
    if let Some((_, etag)) = GroupState::read(store, &key)? {
        store.delete(&key, &Precondition::Etag(etag))?;
    }
    for stream in landing.members(&outer.name) {
        store.remove_tree(&area.api_landing(landing.source, &stream.name))?;
    }
    store.remove_tree(&area.api_raw(landing.source, &outer.name))
}

/// Takes the rows of kept answers, newest answer first.
struct Again<'s, 'a> {
    sink: &'s mut GroupSink<'a>,
    /// The one stream that counts, where one was named.
    only: Option<String>,
    /// Rows of the answer that is read.
    held: BTreeMap<String, Vec<RecordBatch>>,
    /// Keys that came already: some thirty bytes each.
    seen: BTreeMap<String, HashSet<u128>>,
    /// Rows that could not be read since this day are read again, until that was settled for every stream.
    unread: Option<NaiveDate>,
}

impl Again<'_, '_> {
    fn counts(&self, stream: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == stream)
    }

    fn end_page(&mut self) -> Result<()> {
        for (stream, batches) in std::mem::take(&mut self.held) {
            let sequence = self.sink.sequence();
            let seen = self.seen.entry(stream.clone()).or_default();
            let Some(writer) = self.sink.streams.get_mut(&stream) else { continue };
            for batch in batches.iter().rev() {
                writer.rows.push_again(&mut writer.index, sequence, batch, |key| seen.insert(key))?;
            }
        }
        Ok(())
    }
}

impl Sink for Again<'_, '_> {
    fn declare(&mut self, stream: &StreamSpec) -> Result<()> {
        let is_new = !self.sink.streams.contains_key(&stream.name);
        self.sink.declare(stream)?;
        if let (true, true, Some(since)) = (is_new, self.counts(&stream.name), self.unread) {
            self.sink.drop_quarantine(&stream.name, since);
        }
        Ok(())
    }

    fn page(&mut self, _: &RawPage<'_>) -> Result<()> {
        Ok(())
    }

    fn rows(&mut self, stream: &str, batch: RecordBatch) -> Result<()> {
        if self.counts(stream) {
            self.held.entry(stream.to_owned()).or_default().push(batch);
        }
        Ok(())
    }

    fn quarantine(&mut self, stream: &str, row: Quarantined) -> Result<()> {
        if self.counts(stream) { self.sink.quarantine(stream, row) } else { Ok(()) }
    }

    fn checkpoint(&mut self, _: &Progress) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Progress, _: PassEnd) -> Result<()> {
        Ok(())
    }
}

/// The request streams of a system that hold what is asked for.
///
/// # Errors
/// The system has no such stream (64).
pub(in crate::land) fn groups_of<'s>(landing: &'s Landing<'_>, asked: &ReplayOf) -> Result<Vec<&'s StreamSpec>> {
    if let Some(stream) = &asked.stream
        && !landing.streams.iter().any(|known| known.name == *stream)
    {
        return Err(Error::usage(format!("{} has no stream {stream}", landing.source)));
    }
    let wanted = landing.streams.iter().filter(|known| asked.stream.as_ref().is_none_or(|name| known.name == *name));
    let groups: BTreeSet<&str> = wanted.map(|stream| landing.group_of(&stream.name)).collect();
    Ok(landing.streams.iter().filter(|stream| groups.contains(stream.name.as_str())).collect())
}
