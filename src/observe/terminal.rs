//! Progress on a terminal: one living line for the stage at work, one quiet line for each that is done.

use super::format::{bytes, count, counted, cut, duration, rate};
use super::paint::{Ink, Paint};
use crate::event::{Event, Sink, Stage};
use crate::finding::{Finding, Severity};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The living line is renewed at most this often; the eye sees no more.
const RENEW_EVERY: Duration = Duration::from_millis(60);
/// Warnings of checks that are shown while the run works; the summary has the rest.
const WARNINGS_SHOWN: u64 = 5;

/// Draws on standard error.
pub struct Terminal {
    paint: Paint,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    /// What is being counted, since when, and from which number on.
    counting: Option<(String, Instant, u64)>,
    renewed: Option<Instant>,
    tally: Tally,
    warnings: u64,
}

/// What the stage at work has said.
#[derive(Default)]
struct Tally {
    rows: u64,
    things: u64,
    flawed: u64,
    unchanged: u64,
    bytes: u64,
}

impl Terminal {
    /// A terminal on standard error.
    pub fn new() -> Terminal {
        Terminal { paint: Paint::stderr(), state: Mutex::new(State::default()) }
    }

    fn warning(&self, state: &mut State, finding: &Finding) {
        state.warnings += 1;
        if state.warnings > WARNINGS_SHOWN {
            return;
        }
        let ink = if finding.severity == Severity::Block { Ink::Red } else { Ink::Yellow };
        let what = format!("{}.{}: {} (expected {})", finding.table, finding.check, finding.observed, finding.expected);
        state.say(&format!("{} {}", self.paint.ink(ink, "  !"), cut(&what, 110)));
    }

    fn finished(&self, state: &mut State, stage: Stage, elapsed: Duration) {
        state.clear();
        let tally = std::mem::take(&mut state.tally);
        let said = tally.words(stage);
        // A stage that had nothing to do and took no time is not worth a line.
        if said.is_empty() && elapsed < Duration::from_millis(100) {
            return;
        }
        let done = self.paint.ink(Ink::Green, "✓");
        let time = self.paint.ink(Ink::Dim, &format!("{:>10}", duration(elapsed)));
        state.say(&format!("{done} {:<10} {said:<62} {time}", stage.name()));
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Terminal::new()
    }
}

impl Sink for Terminal {
    fn emit(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match event {
            Event::StageStarted { stage } => state.begin(*stage),
            Event::StageFinished { stage, elapsed } => self.finished(state, *stage, *elapsed),
            Event::Progress { what, done, total, .. } => state.progress(what, *done, *total),
            Event::Landed { rows, quarantined, unchanged, .. } => {
                state.tally.things += 1;
                if *unchanged {
                    state.tally.unchanged += 1;
                } else {
                    state.tally.rows += rows;
                    state.tally.flawed += quarantined;
                }
            }
            Event::Built { rows, .. } => {
                state.tally.rows += rows;
                state.tally.things += 1;
            }
            Event::Checked(finding) => {
                state.tally.things += 1;
                if finding.severity != Severity::Pass {
                    state.tally.flawed += 1;
                    self.warning(state, finding);
                }
            }
            Event::Published { rows, bytes, changed, .. } => {
                state.tally.rows += rows;
                state.tally.bytes += bytes;
                state.tally.things += 1;
                state.tally.unchanged += u64::from(!changed);
            }
            Event::Note { text } => state.say(&format!("  {text}")),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A stage that failed leaves its living line: the error comes after it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Tally {
    fn words(&self, stage: Stage) -> String {
        if self.things == 0 {
            return String::new();
        }
        let mut words = match stage {
            Stage::Land | Stage::Extract => vec![count_rows(self.rows), counted(self.things, "stream")],
            Stage::Check => vec![counted(self.things, "check")],
            Stage::Publish => vec![counted(self.things, "file"), count_rows(self.rows), bytes(self.bytes)],
            _ => vec![counted(self.things, "table"), count_rows(self.rows)],
        };
        if self.flawed > 0 {
            words.push(match stage {
                Stage::Check => format!("{} did not pass", count(self.flawed)),
                _ => format!("{} in quarantine", count(self.flawed)),
            });
        }
        if self.unchanged > 0 {
            words.push(format!("{} unchanged", count(self.unchanged)));
        }
        words.join(" · ")
    }
}

fn count_rows(rows: u64) -> String {
    counted(rows, "row")
}

impl State {
    fn begin(&mut self, stage: Stage) {
        self.clear();
        self.tally = Tally::default();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // The template is a constant that parses; a plain spinner is no loss should it not.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<10} {wide_msg} {elapsed:>6}") {
            bar.set_style(style);
        }
        bar.set_prefix(stage.name());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.bar = Some(bar);
    }

    fn progress(&mut self, what: &str, done: u64, total: Option<u64>) {
        let now = Instant::now();
        let is_same = self.counting.as_ref().is_some_and(|(counted, _, from)| counted == what && *from <= done);
        if !is_same {
            self.counting = Some((what.to_owned(), now, done));
        }
        if is_same && self.renewed.is_some_and(|at| now - at < RENEW_EVERY) {
            return;
        }
        self.renewed = Some(now);
        let mut words = match total {
            Some(total) => format!("{what}  {} of {}", count(done), count(total)),
            None => format!("{what}  {}", count(done)),
        };
        let speed = self.counting.as_ref().and_then(|(_, since, from)| rate(done - from, now - *since));
        if let Some(speed) = speed {
            words.push_str(&format!("  {speed}"));
        }
        if let Some(bar) = &self.bar {
            bar.set_message(words);
        }
    }

    fn clear(&mut self) {
        self.counting = None;
        self.renewed = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // A terminal that went away must not fail the run.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_stage_says_what_it_did() {
        let tally = |rows, things, flawed, unchanged, bytes| Tally { rows, things, flawed, unchanged, bytes };
        assert_eq!(tally(1_203_113, 46, 12, 0, 0).words(Stage::Land), "1,203,113 rows · 46 streams · 12 in quarantine");
        assert_eq!(tally(9_000, 14, 0, 0, 0).words(Stage::Transform), "14 tables · 9,000 rows");
        assert_eq!(tally(0, 120, 1, 0, 0).words(Stage::Check), "120 checks · 1 did not pass");
        assert_eq!(tally(1, 1, 0, 1, 2_000).words(Stage::Publish), "1 file · 1 row · 2.0 kB · 1 unchanged");
        assert_eq!(tally(0, 0, 0, 0, 0).words(Stage::Lease), "");
    }
}
