//! One stream read from where it stands to the run's instant: slices side by side, their pages taken apart in order,
//! progress after each.

use super::fetch::{self, Asked, FetchedPage, Item};
use super::mark::{Marks, of_progress};
use super::page::Taking;
use super::slices::{Slice, Slices};
use super::typed::{Rows, Taker};
use super::window;
use super::{Destination, Mark, OpenPass, Outcome, PageAt, PassEnd, Progress, RawPage, Sink};
use crate::error::{Error, Result};
use crate::extract::{BATCH_ROWS, Quarantined};
use crate::model::source::stream::Cursor;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Slices of one stream that are fetched side by side.
const MOST_SLICES: usize = 8;

/// Answers' bytes between two checkpoints.
const CHECKPOINT_BYTES: u64 = 8 << 20;

/// Time between two checkpoints.
const CHECKPOINT_TIME: Duration = Duration::from_secs(1);

/// How often a waiting stream asks whether the run was stopped.
const LISTEN: Duration = Duration::from_millis(200);

/// What reading a stream needs beside the stream.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub destination: &'a dyn Destination,
    pub runtime: &'a Handle,
    pub now: DateTime<Utc>,
    /// Where the first read begins, in microseconds.
    pub start: i64,
    pub stop: &'a (dyn Fn() -> Result<()> + Sync),
    pub concurrency: usize,
}

/// Hands rows on and watches the cursor.
pub(super) struct Hands<'a> {
    pub sink: Box<dyn Sink + 'a>,
    pub marks: Marks,
    pub rows: u64,
}

impl Taker for Hands<'_> {
    fn batch(&mut self, stream: &str, batch: RecordBatch) -> Result<()> {
        self.marks.see(stream, &batch);
        self.rows += batch.num_rows() as u64;
        self.sink.rows(stream, batch)
    }

    fn aside(&mut self, stream: &str, row: Quarantined) -> Result<()> {
        self.sink.quarantine(stream, row)
    }
}

/// A slice under way.
struct Ahead {
    slice: Slice,
    items: Receiver<Result<Item>>,
    task: JoinHandle<()>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Reading<'a> {
    around: Around<'a>,
    asked: Arc<Asked>,
    hands: Hands<'a>,
    rows: Vec<Rows>,
    progress: Progress,
    pass: OpenPass,
    /// Since the last checkpoint.
    bytes: u64,
    since: Instant,
    fresh: u64,
    token: Option<String>,
}

/// Reads one stream and those inside its answers.
pub(super) fn read(
    around: Around<'_>,
    asked: &Arc<Asked>,
    shapes: &[&crate::model::source::stream::StreamSpec],
) -> Result<Outcome> {
    let (progress, mut sink) = around.destination.open(&asked.stream)?;
    for shape in shapes {
        sink.declare(shape)?;
    }
    let was_open = progress.pass.is_some();
    let mut reading = Reading {
        around,
        rows: asked.plan.rows(),
        hands: Hands { sink, marks: Marks::new(&asked.stream, &asked.requests), rows: 0 },
        asked: Arc::clone(asked),
        pass: OpenPass::default(),
        progress,
        bytes: 0,
        since: Instant::now(),
        fresh: 0,
        token: None,
    };
    let outcome = reading.pass()?;
    // A pass that an earlier run began ends at that run's instant; what came since is read as well.
    if was_open && outcome == Outcome::Read && reading.asked.requests.cursor.is_some() {
        return reading.pass();
    }
    Ok(outcome)
}

impl Reading<'_> {
    /// One pass, begun or gone on with.
    fn pass(&mut self) -> Result<Outcome> {
        let asked = Arc::clone(&self.asked);
        self.pass = match self.progress.pass.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        self.hands.marks.greatest = self.pass.greatest.clone();
        self.token = None;
        let after = self.progress.parents_until.filter(|_| self.asks_new_parents());
        let mut slices = Slices::new(&asked.requests, &asked.scope, &self.pass, after, self.around.destination)?;
        let mut resume = self.pass.page.take().filter(|_| slices.goes_on(&self.pass));
        let width = if asked.requests.cursor.as_ref().is_some_and(|cursor| cursor.is_token) {
            1
        } else {
            self.around.concurrency.clamp(1, MOST_SLICES)
        };
        let mut ahead: VecDeque<Ahead> = VecDeque::new();
        loop {
            while ahead.len() < width
                && let Some(slice) = slices.next()?
            {
                ahead.push_back(self.start(slice, resume.take()));
            }
            let Some(mut first) = ahead.pop_front() else { break };
            if let Some(why) = self.slice(&mut first)? {
                return Ok(Outcome::Skipped(why));
            }
        }
        self.finish()?;
        Ok(Outcome::Read)
    }

    fn start(&self, slice: Slice, resume: Option<PageAt>) -> Ahead {
        let (send, items) = channel(1);
        let fetching = fetch::slice(Arc::clone(&self.asked), self.pass.clone(), slice.clone(), resume, send);
        Ahead { slice, items, task: self.around.runtime.spawn(fetching) }
    }

    /// Whether only parents that are new since the last pass are asked for.
    fn asks_new_parents(&self) -> bool {
        !self.pass.is_full && self.asked.requests.parent.as_ref().is_some_and(|parent| parent.is_incremental)
    }

    /// Takes the pages of a slice; says why, where the stream is left out.
    fn slice(&mut self, ahead: &mut Ahead) -> Result<Option<String>> {
        loop {
            let item = match self.item(&mut ahead.items) {
                Ok(item) => item,
                Err(error) => {
                    // What came before the failure is whole: the next run need not ask for it again.
                    self.checkpoint(true)?;
                    return Err(error);
                }
            };
            match item {
                Item::Page(page) => self.page(&ahead.slice, *page)?,
                Item::Skip(why) => return Ok(Some(why)),
                Item::Gap(why) => {
                    self.pass.has_gaps = true;
                    self.asked.told.note(&format!("a slice is left out: {why}"));
                    break;
                }
                Item::End => break,
            }
        }
        self.pass.slice = ahead.slice.next.clone();
        self.pass.page = None;
        if let (Some((_, end)), Some(Cursor { column: None, is_token: false, .. })) =
            (ahead.slice.window, &self.asked.requests.cursor)
            && self.is_one_line()
        {
            self.flush()?;
            let end = Some(Mark::Instant(end));
            self.progress.cursor = self.progress.cursor.take().max(end);
        }
        self.checkpoint(false)?;
        Ok(None)
    }

    /// Whether slices follow each other in time and nothing else.
    fn is_one_line(&self) -> bool {
        self.asked.requests.parent.is_none() && self.asked.requests.values.len() < 2
    }

    /// What comes next of a slice; the run's end is heard while it is waited for.
    fn item(&self, items: &mut Receiver<Result<Item>>) -> Result<Item> {
        loop {
            (self.around.stop)()?;
            match self.around.runtime.block_on(async { timeout(LISTEN, items.recv()).await }) {
                Ok(Some(item)) => return item,
                Ok(None) => return Err(Error::bug(format!("{} ended without a word", self.asked.told.what()))),
                Err(_) => {}
            }
        }
    }

    fn page(&mut self, slice: &Slice, page: FetchedPage) -> Result<()> {
        let FetchedPage { mut head, body, inspected, after, token } = page;
        self.pass.pages += 1;
        head.number = self.pass.pages;
        self.hands.sink.page(&RawPage { head: &head, body: &body })?;
        let asked = Arc::clone(&self.asked);
        let mut taking = Taking { plan: &asked.plan, head: &head, rows: &mut self.rows, taker: &mut self.hands };
        taking.all(&inspected.seen)?;
        self.bytes += body.len();
        self.fresh += inspected.count;
        self.token = token.or(self.token.take());
        match after {
            Some(after) => {
                self.pass.slice = slice.at.clone();
                self.pass.page = Some(after);
            }
            None => {
                self.pass.slice = slice.next.clone();
                self.pass.page = None;
            }
        }
        self.checkpoint(false)
    }

    fn flush(&mut self) -> Result<()> {
        self.rows.iter_mut().try_for_each(|rows| rows.flush(&mut self.hands))
    }

    fn checkpoint(&mut self, is_last: bool) -> Result<()> {
        let is_due = self.fresh >= BATCH_ROWS as u64
            || self.bytes >= CHECKPOINT_BYTES
            || self.since.elapsed() >= CHECKPOINT_TIME;
        if !is_due && !is_last {
            return Ok(());
        }
        self.flush()?;
        self.asked.told.rows(self.hands.rows);
        (self.fresh, self.bytes, self.since) = (0, 0, Instant::now());
        self.pass.greatest = self.hands.marks.greatest.clone();
        if let Some(cursor) = &self.asked.requests.cursor
            && cursor.is_ordered
            && self.is_one_line()
        {
            self.progress.cursor = self.progress.cursor.take().max(self.hands.marks.reached(self.pass.end));
        }
        self.progress.pass = Some(self.pass.clone());
        self.hands.sink.checkpoint(&self.progress)
    }

    fn begin(&self) -> Result<OpenPass> {
        let asked = &self.asked;
        let today = self.around.now.date_naive();
        let due = |days: u32| self.progress.last_full.is_none_or(|last| (today - last).num_days() >= i64::from(days));
        let is_due = asked.stream.full_scan_days.is_some_and(due);
        let requests = &asked.requests;
        let remembers = requests.cursor.is_some()
            || requests.window.is_some()
            || requests.parent.as_ref().is_some_and(|parent| parent.is_incremental);
        let bounds = of_progress(&self.progress, requests, self.around.start, self.around.now, is_due);
        if bounds.is_too_old {
            asked.told.note("its cursor is older than the source can tell changes of: it is read from the beginning");
        }
        let parents_until = match &requests.parent {
            Some(parent) => self.around.destination.sequence(&parent.stream)?,
            None => None,
        };
        Ok(OpenPass {
            id: super::mark::pass_id(self.around.now),
            is_full: is_due || !remembers,
            start: Some(bounds.start),
            end: bounds.end,
            from: bounds.from,
            token: self.progress.token.clone().filter(|_| !is_due && !bounds.is_too_old),
            parents_until,
            ..OpenPass::default()
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.flush()?;
        let requests = &self.asked.requests;
        if let Some(cursor) = &requests.cursor {
            let covered = match &requests.window {
                Some(window) => window::aligned(self.pass.end, window),
                None => self.pass.end,
            };
            let reached = match (&cursor.column, &requests.window) {
                (None, _) => Some(Mark::Instant(covered)),
                (Some(_), None) => self.hands.marks.reached(self.pass.end),
                // Slices of time that brought nothing were asked all the same.
                (Some(_), Some(_)) => self.hands.marks.reached(self.pass.end).or(Some(Mark::Instant(covered))),
            };
            if cursor.is_token {
                self.progress.token = self.token.take().or_else(|| self.pass.token.take());
            } else {
                self.progress.cursor = self.progress.cursor.take().max(reached);
            }
        }
        let is_full = self.pass.is_full && !self.pass.has_gaps;
        if is_full {
            self.progress.last_full = Some(self.around.now.date_naive());
        }
        if requests.parent.is_some() {
            self.progress.parents_until = self.pass.parents_until;
        }
        self.progress.pass = None;
        let end = if is_full { PassEnd::Full } else { PassEnd::Incremental };
        self.asked.told.rows(self.hands.rows);
        self.hands.sink.finish(&self.progress, end)
    }
}
