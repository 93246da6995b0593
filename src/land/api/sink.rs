//! What is read of one request stream and of the streams inside it becomes files, and a checkpoint makes them exist: rows,
//! kept answers and progress change in one conditional replacement of one object.

use super::super::state;
use super::super::writer::QuarantineWriter;
use super::evolve::{evolve, may_be_whole};
use super::index::{self, Entry, Index};
use super::raw::{self, SegmentWriter};
use super::rows::RowWriter;
use super::shape::Shape;
use super::state::{GroupState, PassQuarantine, StreamState};
use super::{Landing, gone};
use crate::error::{Error, Result};
use crate::event::{Event, Stage};
use crate::extract::Quarantined;
use crate::extract::api::{PassEnd, Progress, RawPage, Sink};
use crate::model::plan;
use crate::model::source::stream::StreamSpec;
use crate::store::ETag;
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Bytes of answers after which a checkpoint is committed: a second's work of a fast source.
const COMMIT_BYTES: u64 = 32 << 20;

/// Time after which one is, so that a run that is killed loses no more.
const COMMIT_AFTER: Duration = Duration::from_secs(5);

/// Time after which a run's first one is.
const FIRST_COMMIT_AFTER: Duration = Duration::from_millis(500);

/// How many files of seen keys are kept side by side.
const SEEN_FILES: usize = 32;

/// How many days rows that could not be read are shown, where later passes do not read them again.
const QUARANTINE_DAYS: u64 = 30;

/// Takes one request stream's rows.
pub(super) struct GroupSink<'a> {
    pub(super) landing: &'a Landing<'a>,
    pub(super) state: GroupState,
    etag: Option<ETag>,
    pub(super) streams: BTreeMap<String, StreamWriter>,
    segment: Option<SegmentWriter>,
    keeps_raw: bool,
    /// The landing sequence of the open checkpoint.
    sequence: Option<u64>,
    bytes: u64,
    committed: Instant,
    has_committed: bool,
    /// Keys that no state lists yet.
    written: Vec<String>,
    /// Keys that no state will list any more after the next commit.
    pub(super) retired: Vec<String>,
    /// Rows landed by this run.
    landed: BTreeMap<String, u64>,
}

/// One stream of the group.
pub(super) struct StreamWriter {
    pub rows: RowWriter,
    pub index: Index,
    pub prefix: String,
    quarantine: Option<QuarantineWriter>,
    /// Keys of the open checkpoint, where missing ones will be deleted.
    seen: Option<BTreeSet<u128>>,
    /// Rows of the pass so far, readable or not.
    read: u64,
    /// Rows that could not be read, by the column at fault, with one of them.
    bad: BTreeMap<String, (u64, Quarantined)>,
}

impl<'a> GroupSink<'a> {
    /// Opens a request stream as it was left, for a pass that begins or goes on; what no state lists is removed.
    pub fn open(landing: &'a Landing<'a>, stream: &StreamSpec) -> Result<GroupSink<'a>> {
        let mut sink = GroupSink::open_beside(landing, stream)?;
        sink.sweep()?;
        sink.begin(stream);
        Ok(sink)
    }

    /// Opens a request stream as it was left, to change what was landed outside a pass.
    pub fn open_beside(landing: &'a Landing<'a>, stream: &StreamSpec) -> Result<GroupSink<'a>> {
        let area = landing.area;
        let read = GroupState::read(area.store, &area.api_state_key(landing.source, &stream.name))?;
        let (state, etag) = match read {
            Some((state, etag)) => (state, Some(etag)),
            None => (GroupState::new(landing.source, &stream.name), None),
        };
        let members = landing.members(&stream.name);
        let keeps_raw = landing.keep_raw_days > 0 && raw::may_be_kept(members.iter().copied());
        Ok(GroupSink {
            landing,
            state,
            etag,
            streams: BTreeMap::new(),
            segment: None,
            keeps_raw,
            sequence: None,
            bytes: 0,
            committed: Instant::now(),
            has_committed: false,
            written: Vec::new(),
            retired: Vec::new(),
            landed: BTreeMap::new(),
        })
    }

    /// Settles what is counted over the pass that begins or goes on.
    fn begin(&mut self, stream: &StreamSpec) {
        let goes_on = self.state.progress.pass().is_some();
        if !goes_on {
            self.state.counted_pass = None;
            for stream in self.state.streams.values_mut() {
                self.retired.extend(stream.seen.drain(..).map(|file| file.key));
                stream.pass_rows = 0;
                for quarantine in &mut stream.quarantine {
                    quarantine.is_open = false;
                }
            }
        }
        // The first pass's keys are all that there are; later ones count where the whole list may be read.
        let is_counted = self.state.read_at.is_some() && may_be_whole(stream);
        if is_counted && self.state.counted_pass.is_none() && !goes_on {
            self.state.counted_pass = Some(String::new());
        }
    }

    fn sweep(&self) -> Result<()> {
        let (area, listed) = (self.landing.area, self.state.keys());
        let names = self.landing.members(&self.state.stream).into_iter().map(|stream| stream.name.as_str());
        let names: BTreeSet<&str> = names.chain(self.state.streams.keys().map(String::as_str)).collect();
        for name in names {
            state::sweep(area.store, &area.api_landing(&self.state.source, name), &listed)?;
        }
        state::sweep(area.store, &area.api_raw(&self.state.source, &self.state.stream), &listed)?;
        Ok(())
    }

    /// The landing sequence of what is written now.
    pub(super) fn sequence(&mut self) -> u64 {
        *self.sequence.get_or_insert_with(|| self.landing.next_sequence())
    }

    fn writer(&mut self, stream: &str) -> Result<&mut StreamWriter> {
        self.streams.get_mut(stream).ok_or_else(|| Error::bug(format!("rows of {stream} came before its shape")))
    }

    /// Ends the open files; their keys go into the state, which is not written yet.
    pub(super) fn collect(&mut self) -> Result<()> {
        let Some(sequence) = self.sequence.take() else { return Ok(()) };
        self.state.sequence = self.state.sequence.max(sequence);
        let today = self.landing.now.date_naive();
        for (name, writer) in &mut self.streams {
            let stream = self.state.streams.entry(name.clone()).or_default();
            let added = writer.rows.flush(sequence, &mut self.written)?;
            stream.rows = stream.rows.saturating_add_signed(added.rows);
            for file in added.base.iter().chain(&added.delta) {
                stream.newest = stream.newest.max(file.newest);
                *self.landed.entry(name.clone()).or_default() += file.rows;
            }
            stream.base.extend(added.base);
            stream.deltas.extend(added.delta);
            let before: Vec<String> = stream.index.iter().map(|file| file.key.clone()).collect();
            stream.index = writer.index.flush(sequence, &mut self.written)?;
            let is_listed = |key: &String| stream.index.iter().any(|file| file.key == *key);
            self.retired.extend(before.into_iter().filter(|key| !is_listed(key)));
            writer.flush_seen(self.landing, stream, sequence, &mut self.written, &mut self.retired)?;
            if let Some(quarantine) = writer.quarantine.take()
                && let Some(file) = quarantine.finish(sequence)?
            {
                self.written.push(file.key.clone());
                stream.quarantine.push(PassQuarantine { file, fetched: today, is_open: true });
            }
            stream.pass_rows = writer.read;
        }
        if let Some(segment) = self.segment.take() {
            let prefix = self.landing.area.api_raw(&self.state.source, &self.state.stream);
            let segment = segment.finish(self.landing.area.store, &prefix, sequence, today)?;
            self.written.push(segment.key.clone());
            self.state.segments.push(segment);
        }
        Ok(())
    }

    /// Makes everything that was collected exist.
    pub(super) fn commit(&mut self, progress: &Progress) -> Result<()> {
        self.collect()?;
        self.expire();
        self.count_for(progress);
        self.state.progress = progress.clone();
        if self.state.read_at.is_none() {
            self.state.first_landed = Some(self.landing.today);
        }
        self.etag = Some(self.state.commit(self.landing.area, self.etag.take())?);
        let listed = self.state.keys();
        // Files that were merged away before they were ever listed go with those that are not any more.
        let gone = self.retired.drain(..).chain(self.written.drain(..));
        for key in gone.filter(|key| !listed.contains(key.as_str())) {
            self.landing.area.store.discard(&key)?;
        }
        self.bytes = 0;
        self.committed = Instant::now();
        self.has_committed = true;
        for (stream, rows) in &self.landed {
            let what = format!("{}.{stream}", self.state.source);
            self.landing.reporter.say(Event::Progress { stage: Stage::Land, what, done: *rows, total: None });
        }
        Ok(())
    }

    /// Keys are counted for one pass: where another has begun in its place, what was counted proves nothing.
    fn count_for(&mut self, progress: &Progress) {
        let (Some(counted), Some(pass)) = (&mut self.state.counted_pass, progress.pass()) else { return };
        if counted.is_empty() {
            pass.clone_into(counted);
        } else if counted != pass {
            self.state.counted_pass = None;
            for stream in self.state.streams.values_mut() {
                self.retired.extend(stream.seen.drain(..).map(|file| file.key));
            }
            for writer in self.streams.values_mut() {
                writer.seen = None;
            }
        }
    }

    /// Forgets answers and unreadable rows that were kept long enough.
    fn expire(&mut self) {
        let today = self.landing.now.date_naive();
        let is_old = |day: chrono::NaiveDate, days: u64| day + chrono::Days::new(days) < today;
        let keep = u64::from(self.landing.keep_raw_days);
        for segment in self.state.segments.extract_if(.., |segment| is_old(segment.fetched, keep)) {
            self.retired.push(segment.key);
        }
        for stream in self.state.streams.values_mut() {
            for old in stream.quarantine.extract_if(.., |pass| !pass.is_open && is_old(pass.fetched, QUARANTINE_DAYS)) {
                self.retired.push(old.file.key);
            }
        }
    }

    /// Ends as a kill does: files stay that nobody lists.
    #[cfg(test)]
    pub(super) fn killed(mut self) {
        self.written.clear();
    }

    /// As [`GroupSink::commit`], with reading where it stood.
    pub(super) fn commit_as_it_was(&mut self) -> Result<()> {
        self.collect()?;
        for stream in self.state.streams.values_mut() {
            stream.quarantine.iter_mut().for_each(|pass| pass.is_open = false);
        }
        let progress = self.state.progress.clone();
        self.commit(&progress)
    }

    /// Forgets the rows that could not be read since a day: they are read again.
    pub(super) fn drop_quarantine(&mut self, stream: &str, since: chrono::NaiveDate) {
        let Some(stream) = self.state.streams.get_mut(stream) else { return };
        for old in stream.quarantine.extract_if(.., |pass| pass.fetched >= since) {
            self.retired.push(old.file.key);
        }
    }

    /// Rows that were landed through this sink.
    pub(super) fn landed_rows(&self) -> u64 {
        self.landed.values().sum()
    }

    /// Remembers files that the next commit will list.
    pub(super) fn note_written(&mut self, keys: Vec<String>) {
        self.written.extend(keys);
    }

    /// Says what became of every stream of the group.
    fn say(&self) {
        for (name, stream) in &self.state.streams {
            let landed = self.landed.get(name).copied().unwrap_or(0);
            self.landing.reporter.say(Event::Landed {
                source: self.state.source.clone(),
                entity: name.clone(),
                rows: landed,
                quarantined: stream.quarantine.iter().filter(|pass| pass.is_open).map(|pass| pass.file.rows).sum(),
                files: (stream.base.len() + stream.deltas.len()) as u64,
                unchanged: landed == 0,
            });
        }
    }
}

impl StreamWriter {
    fn flush_seen(
        &mut self,
        landing: &Landing<'_>,
        stream: &mut StreamState,
        sequence: u64,
        written: &mut Vec<String>,
        retired: &mut Vec<String>,
    ) -> Result<()> {
        let Some(seen) = self.seen.as_mut().filter(|seen| !seen.is_empty()) else { return Ok(()) };
        let store = landing.area.store;
        let prefix = format!("{}/seen", self.prefix);
        let entries = std::mem::take(seen).into_iter().map(|key| Ok(Entry { key, row: 1, day: 0 }));
        stream.seen.push(index::write(store, &prefix, sequence, entries, written)?);
        if stream.seen.len() >= SEEN_FILES {
            let entries = index::keys_of(store, &stream.seen)?.map(|key| Ok(Entry { key: key?, row: 1, day: 0 }));
            let whole = index::write(store, &prefix, sequence, entries, written)?;
            retired.extend(std::mem::replace(&mut stream.seen, vec![whole]).into_iter().map(|file| file.key));
        }
        Ok(())
    }

    /// Fails where one column of most rows cannot be read any more: the source means something else by it now.
    fn check_fit(&self, stream: &str, most: (i128, i8)) -> Result<()> {
        let (share, scale) = most;
        let unit = 10_i128.pow(u32::from(scale.unsigned_abs()));
        for (column, (bad, example)) in &self.bad {
            let is_over = i128::from(*bad) * 100 * unit > share * i128::from(self.read);
            if !is_over || (*bad < FEW_BAD && *bad < self.read) {
                continue;
            }
            let columns = &self.rows.shape().columns;
            let ty = columns
                .iter()
                .find(|(name, _)| name == column)
                .map_or_else(|| "a value".to_owned(), |(_, ty)| ty.to_string());
            let value = example.value.as_ref().filter(|_| self.rows.shape().may_show(Some(column)));
            let shown = value.map_or_else(String::new, |value| format!(", such as {value:?}"));
            return Err(Error::usage(format!(
                "{bad} of {} rows of {stream} do not fit: {column} {}{shown}, and it was landed as {ty}",
                self.read, example.reason
            ))
            .help("if the source changed it, change its column in source.toml and land the kept answers again: tailwater replay")
            .help("what was landed before stays"));
        }
        Ok(())
    }
}

/// Fewer unreadable rows than this stop a stream only where no row can be read.
const FEW_BAD: u64 = 20;

impl Sink for GroupSink<'_> {
    fn declare(&mut self, stream: &StreamSpec) -> Result<()> {
        let shape = Shape::of(stream);
        let state = self.state.streams.entry(stream.name.clone()).or_default();
        let name = format!("{}.{}", self.state.source, stream.name);
        for note in evolve(&name, state, &shape)? {
            self.landing.reporter.say(Event::Note { text: note });
        }
        if self.streams.get(&stream.name).is_some_and(|writer| writer.rows.shape().base == shape.base) {
            return Ok(());
        }
        // Files of the old shape end before rows of the new one come.
        self.collect()?;
        let landing = self.landing;
        let prefix = landing.area.api_landing(&self.state.source, &stream.name);
        let state = self.state.streams.entry(stream.name.clone()).or_default();
        let index = Index::open(landing.area.store, &prefix, &state.index)?;
        let place = landing.place(&stream.name);
        let writer = StreamWriter {
            rows: RowWriter::new(place, shape),
            index,
            prefix,
            quarantine: None,
            seen: self.state.counted_pass.is_some().then(BTreeSet::new),
            read: state.pass_rows,
            bad: BTreeMap::new(),
        };
        self.streams.insert(stream.name.clone(), writer);
        Ok(())
    }

    fn page(&mut self, page: &RawPage<'_>) -> Result<()> {
        self.bytes += page.body.len();
        self.sequence();
        if !self.keeps_raw {
            return Ok(());
        }
        let prefix = self.landing.area.api_raw(&self.state.source, &self.state.stream);
        let segment = match &mut self.segment {
            Some(segment) => segment,
            none => none.insert(SegmentWriter::create(self.landing.area.store, &prefix)?),
        };
        segment.push(page, self.landing.now)
    }

    fn rows(&mut self, stream: &str, batch: RecordBatch) -> Result<()> {
        let sequence = self.sequence();
        let writer = self.writer(stream)?;
        writer.read += batch.num_rows() as u64;
        let keys = writer.rows.push(&mut writer.index, sequence, &batch)?;
        if let Some(seen) = &mut writer.seen {
            seen.extend(keys);
        }
        Ok(())
    }

    fn quarantine(&mut self, stream: &str, mut row: Quarantined) -> Result<()> {
        self.sequence();
        let (landing, source) = (self.landing, self.state.source.clone());
        let writer = self.writer(stream)?;
        writer.read += 1;
        if !writer.rows.shape().may_show(row.column.as_deref()) {
            row.value = None;
        }
        let column = row.column.clone().unwrap_or_default();
        writer.bad.entry(column).or_insert_with(|| (0, row.clone())).0 += 1;
        let quarantine = match &mut writer.quarantine {
            Some(quarantine) => quarantine,
            none => {
                let schema =
                    plan::run_schema("quarantine").ok_or_else(|| Error::bug("run.quarantine has no columns"))?;
                none.insert(QuarantineWriter::new(landing.area.store, &writer.prefix, &source, stream, schema))
            }
        };
        quarantine.push(row)
    }

    fn checkpoint(&mut self, progress: &Progress) -> Result<()> {
        // The first one comes soon, so that a run which is killed over and over gets on all the same.
        let wait = if self.has_committed { COMMIT_AFTER } else { FIRST_COMMIT_AFTER };
        if self.bytes < COMMIT_BYTES && self.committed.elapsed() < wait {
            return Ok(());
        }
        for (name, writer) in &self.streams {
            if writer.read >= FEW_BAD {
                writer.check_fit(name, self.landing.most_unreadable)?;
            }
        }
        self.commit(progress)
    }

    fn finish(&mut self, progress: &Progress, end: PassEnd) -> Result<()> {
        for (name, writer) in &self.streams {
            writer.check_fit(name, self.landing.most_unreadable)?;
        }
        self.collect()?;
        if end == PassEnd::Full {
            if self.state.counted_pass.is_some() {
                gone::delete_missing(self)?;
            }
            // Everything was read again: what could not be read before is there now, or in quarantine again.
            for stream in self.state.streams.values_mut() {
                for old in stream.quarantine.extract_if(.., |pass| !pass.is_open) {
                    self.retired.push(old.file.key);
                }
            }
        }
        for stream in self.state.streams.values_mut() {
            self.retired.extend(stream.seen.drain(..).map(|file| file.key));
        }
        self.compact()?;
        self.state.first_landed.get_or_insert(self.landing.today);
        let is_first = self.state.read_at.is_none();
        self.state.read_at = Some(self.landing.now);
        if is_first {
            self.state.first_landed = Some(self.landing.today);
        }
        self.state.counted_pass = None;
        self.commit(progress)?;
        self.say();
        Ok(())
    }
}

impl Drop for GroupSink<'_> {
    fn drop(&mut self) {
        // Open files go with their writers; what cannot be removed now is swept at the next start.
        for key in &self.written {
            let _ = self.landing.area.store.discard(key);
        }
    }
}
