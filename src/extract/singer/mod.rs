//! Any Singer tap as a source: a child process whose SCHEMA, RECORD and STATE messages are landed.
//!
//! A STATE is kept only after everything before it is; what a tap gives again after that is landed once, by its key.

mod config;
mod message;
mod process;
mod shape;

use super::api::{Destination, Outcome, PassEnd, Progress, Sink, StreamEnd};
use super::pushed::Pushed;
use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter, Stage};
use crate::extract::scrub::Scrub;
use crate::job::secret::Value as Reference;
use crate::job::singer::TapSource;
use crate::model::source::stream::{BodyFormat, Origin, StreamSpec};
use crate::store::sha256;
use chrono::{DateTime, Utc};
use message::Message;
use process::{Process, Start};
use serde_json::Value;
use serde_json::value::RawValue;
use shape::{DELETED_AT, Filled, Shape};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The stream whose progress is the tap's state. It has no rows.
const STATE_STREAM: &str = "tap_state";

/// Between two commits of what a tap gives.
const COMMIT_EVERY: Duration = Duration::from_secs(10);

/// Messages between two words about progress and two checks whether to stop.
const STEP: u64 = 10_000;

/// What is asked, and by whom.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The source's name in the job.
    pub name: &'a str,
    /// The tap.
    pub source: &'a TapSource,
    /// The run's instant.
    pub now: DateTime<Utc>,
    /// Told what it logs and how far it is.
    pub reporter: &'a Reporter,
    /// Fails once the run was asked to end.
    pub stop: &'a (dyn Fn() -> Result<()> + Sync),
}

/// Runs the tap to its end. All its streams share its end.
///
/// # Errors
/// It cannot be started or its catalogue lacks a stream (64), it dies or breaks the protocol (69). What it gave up to its last
/// STATE is landed.
pub fn read(asked: Asked<'_>, destination: &dyn Destination) -> Result<Vec<StreamEnd>> {
    let private = Private::create(asked.name)?;
    let folder = private.0.as_path();
    let scrub = Scrub::default();
    let configured = config::resolved(&asked.source.config, &scrub)?;
    let file = config::write(folder, "config.json", &configured)?;
    let mut arguments = vec!["--config".to_owned(), file.to_string_lossy().into_owned()];
    if let Some(catalog) = catalog(asked, folder, &arguments, &scrub)? {
        arguments.extend(["--catalog".to_owned(), catalog]);
    }
    let (progress, keeper) = destination.open(&state_stream())?;
    drop(keeper);
    if let Some(state) = progress.state().filter(|state| !state.is_null()) {
        let file = config::write(folder, "state.json", state)?;
        arguments.extend(["--state".to_owned(), file.to_string_lossy().into_owned()]);
    }
    let (process, mut pipe) = Process::start(start(asked, arguments, &scrub))?;
    let mut target = Target {
        asked,
        destination,
        scrub: &scrub,
        streams: BTreeMap::new(),
        state: None,
        committed: Instant::now(),
        rows: 0,
    };
    let listened = target.listen(&process, &mut pipe);
    // A protocol that is broken ends the tap; a tap that is dead explains a protocol that ends.
    let ended = match listened {
        Ok(()) => process.finished(),
        Err(error) => Err(error),
    };
    target.commit(ended.is_ok())?;
    ended?;
    Ok(target.streams.into_keys().map(|stream| StreamEnd { stream, outcome: Ok(Outcome::Read) }).collect())
}

/// Whether the tap can be started and says what it has, for `check --connect`.
///
/// # Errors
/// As [`read`].
pub fn probe(name: &str, source: &TapSource, now: DateTime<Utc>) -> Result<String> {
    let private = Private::create(name)?;
    let scrub = Scrub::default();
    let configured = config::resolved(&source.config, &scrub)?;
    let file = config::write(&private.0, "config.json", &configured)?;
    let arguments = ["--config".to_owned(), file.to_string_lossy().into_owned()];
    let reporter = Reporter::silent();
    let asked = Asked { name, source, now, reporter: &reporter, stop: &|| Ok(()) };
    let catalog = catalog(asked, &private.0, &arguments, &scrub)?;
    Ok(match catalog {
        Some(_) => format!("{} gives its catalogue", source.command.join(" ")),
        None => format!("{} is not asked before it runs", source.command.join(" ")),
    })
}

fn start<'a>(asked: Asked<'a>, arguments: Vec<String>, scrub: &'a Scrub) -> Start<'a> {
    let seen = process::environment(&asked.source.environment);
    // What is not set here is not set there.
    let set = |name: &str| Some((name.to_owned(), Reference::Env(name.to_owned()).resolve().ok()?.reveal().to_owned()));
    let environment = seen.filter_map(set).collect();
    Start {
        command: &asked.source.command,
        arguments,
        folder: &asked.source.folder,
        environment,
        quiet: asked.source.quiet,
        scrub,
        name: asked.name,
        reporter: asked.reporter,
    }
}

/// A folder that only this user can enter; gone with what holds it.
struct Private(PathBuf);

impl Private {
    fn create(source: &str) -> Result<Private> {
        let path = std::env::temp_dir().join(format!("tailwater-tap-{source}-{}", std::process::id()));
        // What a process of the same number left there is worth nothing.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| Error::io("create", &path, &error))?;
        Ok(Private(path))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The stream that holds the tap's state.
fn state_stream() -> StreamSpec {
    StreamSpec {
        name: STATE_STREAM.to_owned(),
        origin: Origin::Pushed,
        records: crate::model::source::path::JsonPath::default(),
        format: BodyFormat::Json,
        key: Vec::new(),
        columns: Vec::new(),
        deleted_flag: None,
        only: Vec::new(),
        full_scan_days: None,
        deleted_by: None,
        is_optional: false,
        fields_under: None,
    }
}

/// The file of the catalogue that the tap is run with; none where it takes none.
fn catalog(asked: Asked<'_>, folder: &Path, arguments: &[String], scrub: &Scrub) -> Result<Option<String>> {
    let source = asked.source;
    let found = match &source.catalog {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Error::usage(format!("could not read {}", file.display())).caused_by(error))?;
            let malformed =
                |error| Error::usage(format!("the catalogue {} is no JSON", file.display())).caused_by(error);
            let catalog: Value = serde_json::from_str(&text).map_err(malformed)?;
            // What somebody has selected by hand stays as it is.
            if source.streams.is_empty() { catalog } else { config::select(catalog, &source.streams)? }
        }
        None if !source.is_discovered => return Ok(None),
        None => {
            let mut arguments = arguments.to_vec();
            arguments.push("--discover".to_owned());
            let (process, mut pipe) = Process::start(start(asked, arguments, scrub))?;
            let mut text = String::new();
            let read = pipe.read_to_string(&mut text);
            process.finished().map_err(|error| error.help("where it cannot discover, set discover = false"))?;
            read.map_err(|error| {
                Error::new(Class::Unavailable, "the tap's catalogue could not be read").caused_by(error)
            })?;
            let malformed =
                |error| Error::new(Class::Unavailable, "what the tap discovered is no JSON").caused_by(error);
            config::select(serde_json::from_str(&text).map_err(malformed)?, &source.streams)?
        }
    };
    Ok(Some(config::write(folder, "catalog.json", &found)?.to_string_lossy().into_owned()))
}

/// One stream on its way.
struct Open<'a> {
    shape: Shape,
    pushed: Pushed,
    /// Where its rows go; none since its last commit.
    sink: Option<Box<dyn Sink + 'a>>,
    rows: u64,
    /// The version of a full-table replacement under way.
    version: Option<i64>,
}

impl Open<'_> {
    fn progress(&self) -> Progress {
        Progress::own(Value::Null, self.version.map(|version| format!("version-{version}")))
    }
}

/// Takes messages.
struct Target<'a> {
    asked: Asked<'a>,
    destination: &'a dyn Destination,
    scrub: &'a Scrub,
    streams: BTreeMap<String, Open<'a>>,
    /// The last STATE, not committed yet.
    state: Option<Value>,
    committed: Instant,
    rows: u64,
}

impl Target<'_> {
    fn listen(&mut self, process: &Process, pipe: &mut impl BufRead) -> Result<()> {
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            let read = pipe.read_until(b'\n', &mut line);
            let read = read.map_err(|error| broken("its output cannot be read").caused_by(error))?;
            if read == 0 {
                return Ok(());
            }
            number += 1;
            process.heard();
            if number.is_multiple_of(STEP) {
                (self.asked.stop)()?;
                let (what, done) = (self.asked.name.to_owned(), self.rows);
                self.asked.reporter.say(Event::Progress { stage: Stage::Land, what, done, total: None });
            }
            let text = std::str::from_utf8(&line).map_err(|_| broken(&format!("line {number} is not UTF-8")))?;
            if text.trim().is_empty() {
                continue;
            }
            match message::parse(text) {
                Ok(message) => self.take(message)?,
                Err(_) if self.asked.source.skips_stray_lines && !text.trim_start().starts_with('{') => {}
                Err(why) => {
                    let shown: String = self.scrub.clean(text.trim()).chars().take(200).collect();
                    return Err(broken(&format!("line {number} {why}: {shown}"))
                        .help("where it prints other things between its messages, set skip_stray_lines = true"));
                }
            }
        }
    }

    fn take(&mut self, message: Message<'_>) -> Result<()> {
        match message {
            Message::Schema { stream, schema, key } => self.schema(&stream, &schema, &key),
            Message::Record { stream, record, whole, version } => self.record(&stream, &record, whole, version),
            Message::State { value } => {
                self.state = Some(value);
                if self.committed.elapsed() >= COMMIT_EVERY { self.commit(false) } else { Ok(()) }
            }
            Message::ActivateVersion { stream, version } => self.activate(&stream, version),
            Message::Batch => {
                Err(broken("it sends BATCH messages").help("switch them off in its configuration (batch_config)"))
            }
            Message::Other => Ok(()),
        }
    }

    fn schema(&mut self, stream: &str, schema: &Value, key: &[String]) -> Result<()> {
        let before = self.streams.get(stream).map(|open| &open.shape);
        let shape = shape::shape(self.asked.source, stream, schema, key, before);
        if let Some(open) = self.streams.get_mut(stream) {
            if let Some(sink) = &mut open.sink {
                open.pushed.flush(sink.as_mut())?;
                sink.declare(&shape.stream)?;
            }
            open.pushed = Pushed::new(&shape.stream, stream);
            open.shape = shape;
            return Ok(());
        }
        let pushed = Pushed::new(&shape.stream, stream);
        self.streams.insert(stream.to_owned(), Open { shape, pushed, sink: None, rows: 0, version: None });
        Ok(())
    }

    fn record(
        &mut self,
        stream: &str,
        record: &BTreeMap<Cow<'_, str>, &RawValue>,
        whole: &str,
        version: Option<i64>,
    ) -> Result<()> {
        let Some(open) = self.streams.get_mut(stream) else {
            return Err(broken(&format!("a RECORD of {stream} comes before its SCHEMA")));
        };
        if open.sink.is_none() {
            let (_, mut sink) = self.destination.open(&open.shape.stream)?;
            sink.declare(&open.shape.stream)?;
            open.sink = Some(sink);
        }
        if version.is_some() && open.version != version {
            open.version = version;
        }
        let values: Vec<Option<Cow<'_, str>>> = open
            .shape
            .members
            .iter()
            .map(|filled| match filled {
                Filled::Member(name) => record.get(name.as_str()).and_then(|value| message::text(value)),
                Filled::RecordHash => Some(Cow::Owned(sha256(whole.as_bytes()))),
                Filled::IsDeleted => {
                    let is_deleted = record.get(DELETED_AT).is_some_and(|at| message::text(at).is_some());
                    Some(Cow::Borrowed(if is_deleted { "true" } else { "false" }))
                }
            })
            .collect();
        open.rows += 1;
        self.rows += 1;
        let Some(sink) = &mut open.sink else { return Ok(()) };
        open.pushed.push(open.rows, &values, sink.as_mut())
    }

    /// Everything of the stream has come under this version: what did not is gone.
    fn activate(&mut self, stream: &str, version: i64) -> Result<()> {
        let Some(open) = self.streams.get_mut(stream) else { return Ok(()) };
        // A version that is announced before its records says nothing about them yet.
        if open.version != Some(version) {
            return Ok(());
        }
        if let Some(mut sink) = open.sink.take() {
            open.pushed.flush(sink.as_mut())?;
            sink.finish(&open.progress(), PassEnd::Full)?;
        }
        open.version = None;
        Ok(())
    }

    /// Lands what has come, then keeps the state that covers it. A replacement under way holds the state back: half of it
    /// is no whole table. `is_end` says that the tap ended well, after which nothing more comes.
    fn commit(&mut self, is_end: bool) -> Result<()> {
        let is_held = self.streams.values().any(|open| open.version.is_some() && open.sink.is_some());
        if is_held && !is_end {
            return Ok(());
        }
        for open in self.streams.values_mut() {
            if let Some(mut sink) = open.sink.take() {
                open.pushed.flush(sink.as_mut())?;
                open.version = None;
                sink.finish(&open.progress(), PassEnd::Incremental)?;
            }
        }
        if let Some(state) = self.state.take() {
            let (_, mut keeper) = self.destination.open(&state_stream())?;
            keeper.finish(&Progress::own(state, None), PassEnd::Incremental)?;
        }
        self.committed = Instant::now();
        Ok(())
    }
}

fn broken(what: &str) -> Error {
    Error::new(Class::Unavailable, format!("the tap does not keep to the protocol: {what}"))
}
