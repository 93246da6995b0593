//! All streams of a source: parents before their children, independent ones side by side.

use super::ask::{Asker, Fetched, Keeping, Question};
use super::auth::Authority;
use super::budget::Budget;
use super::build::Asking;
use super::fetch;
use super::fill::Scope;
use super::http::Sender;
use super::page::{PagePlan, Taking};
use super::pass::{self, Around};
use super::slices::times;
use super::told::Told;
use super::typed::Taker;
use super::{Asked, Destination, OpenPass, Outcome, RawPage, Sink, StreamEnd, files, inspect, mark, paging};
use crate::error::{Class, Error, Result};
use crate::extract::Quarantined;
use crate::extract::scrub::Scrub;
use crate::job::api::ApiSource;
use crate::model::source::stream::{Origin, Requests, StreamSpec};
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

/// Streams that are taken apart side by side; their requests share the source's budget.
const MOST_WORKERS: usize = 4;

/// A source that can be asked.
struct Source<'a> {
    asked: Asked<'a>,
    destination: &'a dyn Destination,
    runtime: Runtime,
    asker: Arc<Asker>,
    scope: Scope,
    streams: Vec<&'a StreamSpec>,
}

impl<'a> Source<'a> {
    fn new(asked: Asked<'a>, destination: &'a dyn Destination) -> Result<(Self, UnboundedReceiver<Keeping>)> {
        let spec = Arc::clone(&asked.source.spec);
        let scrub = Scrub::default();
        let scope = Scope::new(asked.source, &scrub)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(format!("ask-{}", asked.name))
            .enable_all()
            .build()
            .map_err(|error| Error::new(Class::TryAgain, "no thread could be started").caused_by(error))?;
        let kept = destination.credential()?;
        let (keeper, keeping) = unbounded_channel();
        // Timers belong to the runtime.
        let entered = runtime.enter();
        let asker = Asker {
            sender: Sender::new(&spec.limits)?,
            budget: Budget::new(&spec.limits),
            authority: Authority::new(&spec.auth, &scope, &scrub, kept.as_deref(), asked.now)?,
            told: Told::new(asked.name.to_owned(), asked.reporter, &scrub),
            scratch: asked.scratch.to_owned(),
            now: asked.now,
            started: Instant::now(),
            spec,
            scrub,
            keeper,
        };
        drop(entered);
        let streams = asked.source.streams().collect();
        Ok((Source { asked, destination, runtime, asker: Arc::new(asker), scope, streams }, keeping))
    }

    fn stream(&self, name: &str) -> Option<&'a StreamSpec> {
        self.streams.iter().find(|stream| stream.name == name).copied()
    }

    fn told(&self, stream: &StreamSpec) -> Told {
        Told::new(format!("{}.{}", self.asked.name, stream.name), self.asked.reporter, &self.asker.scrub)
    }

    fn scope(&self, stream: &StreamSpec) -> Scope {
        let today = self.asked.now.date_naive().to_string();
        let fields = stream.fields();
        let mut scope = self.scope.with([("today".to_owned(), today), ("fields".to_owned(), fields.join(","))]);
        scope.lists.insert("fields".to_owned(), fields);
        scope
    }

    /// The stream whose requests bring `name`.
    fn asking(&self, name: &str) -> Option<&'a StreamSpec> {
        let stream = self.stream(name)?;
        match &stream.origin {
            Origin::Inside(outer) => self.asking(outer),
            _ => Some(stream),
        }
    }

    /// The streams that ask for themselves.
    fn askers(&self) -> Vec<&'a StreamSpec> {
        let asks = |stream: &&&StreamSpec| matches!(stream.origin, Origin::Requests(_) | Origin::Files(_));
        self.streams.iter().filter(asks).copied().collect()
    }

    fn prepared(&self, stream: &StreamSpec, requests: &Requests) -> fetch::Asked {
        fetch::Asked {
            asker: Arc::clone(&self.asker),
            plan: PagePlan::new(stream, &self.streams, &self.asker.spec.minor_digits),
            scope: self.scope(stream),
            told: self.told(stream),
            stream: stream.clone(),
            requests: requests.clone(),
        }
    }

    fn read(&self, stream: &StreamSpec) -> Result<Outcome> {
        (self.asked.stop)()?;
        let start = self.asked.source.start_date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros();
        let around = Around {
            destination: self.destination,
            runtime: self.runtime.handle(),
            now: self.asked.now,
            start,
            stop: self.asked.stop,
            concurrency: self.asked.source.spec.limits.concurrency,
        };
        let is_inside = |other: &&&StreamSpec| matches!(&other.origin, Origin::Inside(outer) if *outer == stream.name);
        let mut shapes = vec![stream];
        shapes.extend(self.streams.iter().filter(is_inside).copied());
        match &stream.origin {
            Origin::Requests(requests) => pass::read(around, &Arc::new(self.prepared(stream, requests)), &shapes),
            Origin::Files(listing) => {
                let plan = PagePlan::new(stream, &self.streams, &self.asker.spec.minor_digits);
                let folder = files::Folder { listing, plan, scope: self.scope(stream), told: self.told(stream) };
                files::read(around, stream, &shapes, &folder)
            }
            Origin::Inside(_) | Origin::Pushed => Err(Error::bug(format!("{} asks for nothing", stream.name))),
        }
    }
}

/// What is done and what waits.
#[derive(Default)]
struct Board {
    waiting: Vec<usize>,
    ended: BTreeMap<usize, Ended>,
    ends: Vec<StreamEnd>,
}

#[derive(Clone, PartialEq, Eq)]
enum Ended {
    Read,
    Skipped,
    Failed,
}

/// As [`super::extract`].
pub(super) fn extract(asked: Asked<'_>, destination: &dyn Destination) -> Result<Vec<StreamEnd>> {
    let (source, keeping) = Source::new(asked, destination)?;
    let askers = source.askers();
    let needs: Vec<Option<usize>> = askers
        .iter()
        .map(|stream| {
            let owner = source.asking(stream.needs()?)?;
            askers.iter().position(|asker| asker.name == owner.name)
        })
        .collect();
    let board = Mutex::new(Board { waiting: (0..askers.len()).collect(), ..Board::default() });
    let moved = Condvar::new();
    std::thread::scope(|threads| {
        threads.spawn(|| keep(keeping, destination));
        std::thread::scope(|workers| {
            for _ in 0..askers.len().clamp(1, MOST_WORKERS) {
                workers.spawn(|| work(&source, &askers, &needs, &board, &moved));
            }
        });
        // The keeper goes home when nobody can hand it anything any more.
        drop(source);
    });
    Ok(board.into_inner().unwrap_or_else(PoisonError::into_inner).ends)
}

fn keep(mut keeping: UnboundedReceiver<Keeping>, destination: &dyn Destination) {
    while let Some((sealed, told)) = keeping.blocking_recv() {
        // Who asked has given up where nobody hears the answer.
        let _ = told.send(destination.keep_credential(&sealed));
    }
}

/// Reads streams until none waits.
fn work(source: &Source<'_>, askers: &[&StreamSpec], needs: &[Option<usize>], board: &Mutex<Board>, moved: &Condvar) {
    loop {
        let mut state = board.lock().unwrap_or_else(PoisonError::into_inner);
        let next = loop {
            let ready =
                |at: &usize| needs.get(*at).copied().flatten().is_none_or(|need| state.ended.contains_key(&need));
            if let Some(position) = state.waiting.iter().position(ready) {
                break state.waiting.remove(position);
            }
            if state.waiting.is_empty() {
                return;
            }
            state = moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        let need = needs.get(next).copied().flatten();
        let parent = need.and_then(|need| Some((askers.get(need)?, state.ended.get(&need)?.clone())));
        drop(state);
        let Some(stream) = askers.get(next) else { return };
        // Whatever happens to this stream, those that wait for it must hear of it.
        let mut told = Teller { board, moved, at: next, stream: &stream.name, outcome: None };
        told.outcome = Some(match parent {
            Some((parent, Ended::Failed)) => Err(Error::new(
                Class::Unavailable,
                format!("{}.{} was not read, because {} failed", source.asked.name, stream.name, parent.name),
            )),
            Some((parent, Ended::Skipped)) => Ok(Outcome::Skipped(format!("its parent {} is left out", parent.name))),
            _ => source.read(stream),
        });
    }
}

/// Says how a stream ended when it is dropped, even by a thread that fails.
struct Teller<'a> {
    board: &'a Mutex<Board>,
    moved: &'a Condvar,
    at: usize,
    stream: &'a str,
    outcome: Option<Result<Outcome>>,
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        let outcome = self
            .outcome
            .take()
            .unwrap_or_else(|| Err(Error::bug(format!("reading {} ended unexpectedly", self.stream))));
        let ended = match &outcome {
            Ok(Outcome::Read) => Ended::Read,
            Ok(Outcome::Skipped(_)) => Ended::Skipped,
            Err(_) => Ended::Failed,
        };
        let mut state = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended.insert(self.at, ended);
        state.ends.push(StreamEnd { stream: self.stream.to_owned(), outcome });
        self.moved.notify_all();
    }
}

/// Hands everything on.
struct Straight<'a>(&'a mut dyn Sink);

impl Taker for Straight<'_> {
    fn batch(&mut self, stream: &str, batch: RecordBatch) -> Result<()> {
        self.0.rows(stream, batch)
    }

    fn aside(&mut self, stream: &str, row: Quarantined) -> Result<()> {
        self.0.quarantine(stream, row)
    }
}

/// As [`super::replay`].
pub(super) fn replay(source: &ApiSource, page: &RawPage<'_>, sink: &mut dyn Sink) -> Result<()> {
    let streams: Vec<&StreamSpec> = source.streams().collect();
    let named = streams.iter().find(|stream| stream.name == page.head.stream);
    let stream = named.ok_or_else(|| {
        Error::usage(format!("{} has no stream {}, whose answers are kept", source.spec.system, page.head.stream))
    })?;
    let plan = PagePlan::new(stream, &streams, &source.spec.minor_digits);
    let is_inside = |other: &&&StreamSpec| matches!(&other.origin, Origin::Inside(outer) if *outer == stream.name);
    sink.declare(stream)?;
    streams.iter().filter(is_inside).try_for_each(|inside| sink.declare(inside))?;
    let inspected = inspect::inspect(page.body, &plan, None).map_err(|broken| {
        Error::new(Class::Unavailable, format!("the kept answer to {} {}", page.head.request, broken.why))
    })?;
    let mut rows = plan.rows();
    let mut straight = Straight(sink);
    Taking { plan: &plan, head: page.head, rows: &mut rows, taker: &mut straight }.all(&inspected.seen)?;
    rows.iter_mut().try_for_each(|rows| rows.flush(&mut straight))
}

/// As [`super::connect`].
pub(super) fn connect(asked: Asked<'_>, destination: &dyn Destination) -> Result<Vec<(String, Result<String>)>> {
    let (source, keeping) = Source::new(asked, destination)?;
    let mut found = Vec::new();
    std::thread::scope(|threads| {
        threads.spawn(|| keep(keeping, destination));
        let mut seen = BTreeSet::new();
        for stream in source.askers() {
            if seen.insert(&stream.name) {
                let tried = match source.tried(stream) {
                    Err(error) if stream.is_optional && error.class() == Class::Unavailable => {
                        Ok(format!("is left out of every run: {}", error.message()))
                    }
                    tried => tried,
                };
                found.push((stream.name.clone(), tried));
            }
        }
        drop(source);
    });
    Ok(found)
}

impl Source<'_> {
    /// What one small request says about what may be read.
    fn tried(&self, stream: &StreamSpec) -> Result<String> {
        (self.asked.stop)()?;
        let told = self.told(stream);
        let scope = self.scope(stream);
        let requests = match &stream.origin {
            Origin::Requests(requests) => requests,
            Origin::Files(listing) => {
                let root = std::path::PathBuf::from(scope.need(&listing.root)?);
                return Ok(format!("{} files", files::listing(&root, &listing.pattern, &told)?.len()));
            }
            Origin::Inside(_) | Origin::Pushed => return Ok("is read with another stream".to_owned()),
        };
        if let Some(parent) = &requests.parent {
            return Ok(format!("is asked for with rows of {}", parent.stream));
        }
        if requests.export.is_some() {
            return Ok("is an export, which is made only when it is read".to_owned());
        }
        let prepared = self.prepared(stream, requests);
        // The latest stretch of time is mostly the smallest.
        let now = self.asked.now.timestamp_micros();
        let day = crate::extract::value::DAY_MICROS;
        let progress = super::Progress { cursor: Some(super::Mark::Instant(now - day)), ..super::Progress::default() };
        let bounds = mark::of_progress(&progress, requests, now - day, self.asked.now, false);
        let pass = OpenPass { start: Some(bounds.start), end: bounds.end, ..OpenPass::default() };
        let window = requests.window.as_ref().map(|window| {
            let end = super::window::aligned(bounds.end, window);
            (end - super::window::micros(window.least.min(window.step)).max(1), end)
        });
        let mut scope = prepared.scope.with(times(requests, &pass, window));
        if let Some(value) = requests.values.first() {
            scope.local.insert("slice".to_owned(), scope.fill(value).text);
        }
        let token = paging::first(&requests.paging);
        let question = Question {
            asking: Asking {
                request: &requests.request,
                scope: &scope,
                token: paging::target(&requests.paging).zip(token.as_deref()),
                address: None,
                is_delete: false,
            },
            plan: Some(&prepared.plan),
            last: None,
            is_safe: true,
            is_optional: false,
            told: &told,
        };
        match self.runtime.block_on(self.asker.ask(&question))? {
            Fetched::Page(page) => {
                let count = page.inspected.map_or(0, |inspected| inspected.count);
                Ok(format!("may be read: {count} rows in the first answer"))
            }
            Fetched::Empty => Ok("may be read: no rows in the first answer".to_owned()),
            Fetched::Restart(why) | Fetched::Halve(why) => Ok(format!("may be read, and the source says: {why}")),
            Fetched::SkipStream(why) | Fetched::SkipSlice(why) => {
                Err(Error::new(Class::Unavailable, format!("{} may not be read", told.what()))
                    .caused_by(self.asker.scrub.clean(&why)))
            }
            Fetched::Refused(error) => Err(error),
        }
    }
}
