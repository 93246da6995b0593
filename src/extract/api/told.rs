//! What a stream says about itself while it is read.

use super::fill::Scrub;
use crate::event::{Event, Reporter, Stage};

/// A stream's name and whom it tells.
#[derive(Clone)]
pub(super) struct Told {
    what: String,
    reporter: Reporter,
    scrub: Scrub,
}

impl Told {
    pub fn new(what: String, reporter: &Reporter, scrub: &Scrub) -> Self {
        Told { what, reporter: reporter.clone(), scrub: scrub.clone() }
    }

    #[cfg(test)]
    pub fn silent(what: &str) -> Self {
        Told::new(what.to_owned(), &Reporter::silent(), &Scrub::default())
    }

    /// `<source>.<stream>`.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Says what is waited for.
    pub fn waiting(&self, text: &str) {
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
