//! What a stream says about itself while it is read.

use crate::event::{Event, Reporter, Stage};
use crate::extract::scrub::Scrub;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A stream's name and whom it tells.
#[derive(Clone)]
pub(super) struct Told {
    what: String,
    reporter: Reporter,
    scrub: Scrub,
    /// When a wait was last worth a line of its own.
    noted: Arc<Mutex<Option<Instant>>>,
}

/// A wait that is worth a line of its own, and the time between two such lines.
const LONG: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_secs(60);

impl Told {
    pub fn new(what: String, reporter: &Reporter, scrub: &Scrub) -> Self {
        Told { what, reporter: reporter.clone(), scrub: scrub.clone(), noted: Arc::default() }
    }

    #[cfg(test)]
    pub fn silent(what: &str) -> Self {
        Told::new(what.to_owned(), &Reporter::silent(), &Scrub::default())
    }

    /// `<source>.<stream>`.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Says what is waited for; `long` is how long it takes or took. Progress comes and goes, so that a long wait is also
    /// told in a line that stays.
    pub fn waiting(&self, text: &str, long: Duration) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if long >= LONG && noted.is_none_or(|at| at.elapsed() >= BETWEEN) {
            *noted = Some(Instant::now());
            self.note(text);
        }
        drop(noted);
        let what = self.scrub.clean(&format!("{}: {text}", self.what));
        self.reporter.say(Event::Progress { stage: Stage::Extract, what, done: 0, total: None });
    }

    /// Says how many rows have come.
    pub fn rows(&self, rows: u64) {
        let what = self.what.clone();
        self.reporter.say(Event::Progress { stage: Stage::Extract, what, done: rows, total: None });
    }

    /// Says something worth a line of its own.
    pub fn note(&self, text: &str) {
        let text = self.scrub.clean(&format!("{}: {text}", self.what));
        self.reporter.say(Event::Note { text });
    }
}
