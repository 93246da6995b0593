//! A tap's process: what it may see, who reads its outputs, and how it ends.

use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter};
use crate::extract::scrub::Scrub;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What every program needs of its surroundings.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// Lines of a tap's log that are shown with its death.
const LAST_LINES: usize = 12;

/// Between the request to end and the end.
const GRACE: Duration = Duration::from_secs(10);

/// Between two looks at a tap.
const LOOK: Duration = Duration::from_millis(100);

/// A running tap.
pub(super) struct Process {
    child: Child,
    /// Milliseconds since its start at which it last said something.
    spoke: Arc<AtomicU64>,
    started: Instant,
    is_over: Arc<AtomicBool>,
    was_quiet: Arc<AtomicBool>,
    log: Arc<Mutex<VecDeque<String>>>,
    threads: Vec<JoinHandle<()>>,
    shown: String,
}

/// What a tap is started with.
pub(super) struct Start<'a> {
    /// The program and its own arguments.
    pub command: &'a [String],
    /// The protocol's arguments.
    pub arguments: Vec<String>,
    /// Where it runs.
    pub folder: &'a Path,
    /// Names of further environment variables it may see, with their values.
    pub environment: Vec<(String, String)>,
    /// How long it may say nothing.
    pub quiet: Duration,
    /// What is never shown.
    pub scrub: &'a Scrub,
    /// The source's name.
    pub name: &'a str,
    /// Told what the tap logs.
    pub reporter: &'a Reporter,
}

impl Process {
    /// Starts a tap; its messages come from the pipe.
    ///
    /// # Errors
    /// There is no such program (64), or it cannot be started (75).
    pub fn start(start: Start<'_>) -> Result<(Process, BufReader<ChildStdout>)> {
        let Some((program, own)) = start.command.split_first() else {
            return Err(Error::usage(format!("source {} has an empty command", start.name)));
        };
        let mut command = Command::new(program);
        command.args(own).args(&start.arguments).current_dir(start.folder).env_clear().envs(start.environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            let told = format!("source {}: the tap {program} could not be started", start.name);
            let class = if error.kind() == std::io::ErrorKind::NotFound { Class::Usage } else { Class::TryAgain };
            Error::new(class, told)
                .caused_by(error)
                .help("install it in the image, or write its whole path in `command`")
        })?;
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::bug("a tap was started without pipes"));
        };
        let mut process = Process {
            child,
            spoke: Arc::default(),
            started: Instant::now(),
            is_over: Arc::default(),
            was_quiet: Arc::default(),
            log: Arc::default(),
            threads: Vec::new(),
            shown: program.clone(),
        };
        process.follow_log(err, start.name, start.scrub, start.reporter)?;
        process.watch(start.quiet)?;
        Ok((process, BufReader::with_capacity(1 << 16, out)))
    }

    /// Its log lines become ours: a pipe that nobody reads would stop it.
    fn follow_log(
        &mut self,
        pipe: std::process::ChildStderr,
        name: &str,
        scrub: &Scrub,
        reporter: &Reporter,
    ) -> Result<()> {
        let (log, scrub, reporter, name) = (self.log.clone(), scrub.clone(), reporter.clone(), name.to_owned());
        let (spoke, started) = (self.spoke.clone(), self.started);
        let work = move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(pipe.read_until(b'\n', &mut line), Ok(read) if read > 0) {
                spoke.store(millis(started), Ordering::Relaxed);
                let text = scrub.clean(String::from_utf8_lossy(&line).trim_end());
                line.clear();
                if text.is_empty() {
                    continue;
                }
                reporter.say(Event::Note { text: format!("{name}: {text}") });
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                if log.len() == LAST_LINES {
                    log.pop_front();
                }
                log.push_back(text);
            }
        };
        self.spawn("tap log", work)
    }

    /// Ends it where it says nothing for too long, or where we are over with it.
    fn watch(&mut self, quiet: Duration) -> Result<()> {
        let (spoke, started, is_over, was_quiet) =
            (self.spoke.clone(), self.started, self.is_over.clone(), self.was_quiet.clone());
        let id = self.child.id();
        let work = move || {
            while !is_over.load(Ordering::Relaxed) {
                let silence = millis(started).saturating_sub(spoke.load(Ordering::Relaxed));
                if Duration::from_millis(silence) > quiet {
                    was_quiet.store(true, Ordering::Relaxed);
                    signal(id, Signal::KILL);
                    return;
                }
                std::thread::sleep(LOOK);
            }
        };
        self.spawn("tap watch", work)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads
            .push(thread.map_err(|error| Error::new(Class::TryAgain, "no thread could be started").caused_by(error))?);
        Ok(())
    }

    /// It has said something.
    pub fn heard(&self) {
        self.spoke.store(millis(self.started), Ordering::Relaxed);
    }

    /// Waits for its end, after its output has ended.
    ///
    /// # Errors
    /// It failed, or said nothing for too long (69), with the last lines of its log.
    pub fn finished(mut self) -> Result<()> {
        let status = self.child.wait();
        self.close();
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let last = log.iter().cloned().collect::<Vec<_>>().join("\n");
        let last = if last.is_empty() { "it logged nothing".to_owned() } else { last };
        let told = if self.was_quiet.load(Ordering::Relaxed) {
            format!("the tap {} said nothing for too long and was ended", self.shown)
        } else {
            match status {
                Ok(status) if status.success() => return Ok(()),
                Ok(status) => format!("the tap {} failed ({status})", self.shown),
                Err(error) => format!("the tap {} was lost ({error})", self.shown),
            }
        };
        Err(Error::new(Class::Unavailable, told)
            .caused_by(last)
            .help("what it gave up to its last STATE is landed; the next run goes on from there"))
    }

    /// Ends its threads, which end with its pipes.
    fn close(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that failed has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Drop for Process {
    /// Asks it to end, and ends it where it does not.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(self.child.id(), Signal::TERM);
            let asked = Instant::now();
            while asked.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(LOOK);
            }
            // It may have ended by itself meanwhile.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.close();
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn signal(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // A process that is gone needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// The names of the environment variables that a tap may see.
pub(super) fn environment(further: &[String]) -> impl Iterator<Item = &str> {
    ENVIRONMENT.into_iter().chain(further.iter().map(String::as_str))
}
