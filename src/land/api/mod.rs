//! Landing what systems answer: every row once, whatever kills the run; newer versions beside older ones; answers kept for
//! a while.
//!
//! A request stream and the streams inside its answers share one state object ([`state`]). Rows come through a
//! [`sink`], which compares them with an [`index`] of what was landed last, so that a row that says nothing new costs no
//! byte. New keys are base rows, later versions and ends are delta rows ([`rows`]); a [`view`] puts them together for a
//! date, and [`compact`] folds deltas into the base before they grow.

mod compact;
mod destination;
mod evolve;
mod gone;
mod hash;
mod index;
mod outcome;
mod raw;
mod read;
mod replay;
mod rows;
mod shape;
mod sink;
pub(super) mod state;
mod view;

#[cfg(test)]
mod tests;

pub(super) use destination::last_sequence;
pub use outcome::StaleSource;
pub(super) use outcome::{Ended, settle};
pub use replay::{ReplayOf, Replayed};
pub(super) use replay::{forget_group, groups_of, replay_group};
pub use view::{Files, Versions};

use super::state::Area;
use crate::calendar;
use crate::error::{Class, Error, Result};
use crate::event::{Event, Reporter};
use crate::extract::api::{Destination, Outcome, StreamEnd};
use crate::job::Job;
use crate::model::source::stream::{Origin, StreamSpec};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use state::GroupState;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The policy value that says how many percent of a stream's rows may be unreadable.
const MOST_UNREADABLE: &str = "quarantine_max_share_pct";

/// One source's landing in one run. It is what readers of sources hand their rows to
/// ([`Destination`]); several streams may be open at once.
pub(crate) struct Landing<'a> {
    area: Area<'a>,
    source: &'a str,
    streams: Vec<StreamSpec>,
    zone: Tz,
    /// The last calendar day that has ended.
    today: NaiveDate,
    now: DateTime<Utc>,
    keep_raw_days: u32,
    history_days: u32,
    most_unreadable: (i128, i8),
    /// The next landing sequence of the warehouse.
    sequences: &'a AtomicU64,
    reporter: &'a Reporter,
}

impl<'a> Landing<'a> {
    /// The landing of the source `source`, whose `streams` are known beforehand as far as a description names them.
    ///
    /// # Errors
    /// The policy lacks the share of unreadable rows: a bug (70).
    pub(super) fn new(
        area: Area<'a>,
        job: &Job,
        source: &'a str,
        (streams, keep_raw_days): (Vec<StreamSpec>, u32),
        (now, sequences): (DateTime<Utc>, &'a AtomicU64),
        reporter: &'a Reporter,
    ) -> Result<Landing<'a>> {
        let most = job.policy.decimal(MOST_UNREADABLE);
        Ok(Landing {
            area,
            source,
            streams,
            zone: job.timezone,
            today: calendar::as_of_for_tick(now, job.timezone),
            now,
            keep_raw_days,
            history_days: job.landing.history_days,
            most_unreadable: most.ok_or_else(|| Error::bug(format!("the policy has no decimal {MOST_UNREADABLE}")))?,
            sequences,
            reporter,
        })
    }

    fn next_sequence(&self) -> u64 {
        self.sequences.fetch_add(1, Ordering::Relaxed)
    }

    /// The request stream that `stream` is read with: itself, unless it stands inside another's answers.
    fn group_of<'s>(&'s self, stream: &'s str) -> &'s str {
        group_of(&self.streams, stream)
    }

    /// A request stream and the streams inside it, in their order.
    fn members(&self, group: &str) -> Vec<&StreamSpec> {
        self.streams.iter().filter(|stream| self.group_of(&stream.name) == group).collect()
    }
}

/// The request stream that `stream` is read with.
pub(super) fn group_of<'s>(streams: &'s [StreamSpec], stream: &'s str) -> &'s str {
    let mut at = stream;
    // As many steps as there are streams, so that a circle ends.
    for _ in 0..streams.len() {
        let outer = streams.iter().find(|spec| spec.name == at).map(|spec| &spec.origin);
        match outer {
            Some(Origin::Inside(outer)) => at = outer,
            _ => break,
        }
    }
    at
}

/// Reads a source and lands what it gives; how each of its streams ended. `read` is given an empty folder and whom to hand
/// the rows to.
///
/// # Errors
/// The job is wrong (64), the warehouse cannot be written (75), somebody else changed a state (73). That the source is
/// down is no error here.
pub(super) fn land(
    landing: &Landing<'_>,
    read: impl FnOnce(&Path, &dyn Destination) -> Result<Vec<StreamEnd>>,
) -> Result<Vec<Ended>> {
    let key = format!("_tailwater/scratch/{}/{}", landing.area.job, landing.source);
    let store = landing.area.store;
    // What a run that was killed left there is worth nothing.
    store.remove_tree(&key)?;
    let scratch = store.path(&key)?;
    std::fs::create_dir_all(&scratch).map_err(|error| Error::io("create", &scratch, &error))?;
    let ends = read(&scratch, landing as &dyn Destination);
    store.remove_tree(&key)?;
    let ended = match ends {
        Ok(ends) => each_end(landing, ends)?,
        Err(error) if error.class() == Class::Unavailable => all_down(landing, &error)?,
        Err(error) => return Err(error),
    };
    landing.apply_deletions()?;
    Ok(ended)
}

fn each_end(landing: &Landing<'_>, ends: Vec<StreamEnd>) -> Result<Vec<Ended>> {
    let mut ended = Vec::new();
    for StreamEnd { stream, outcome } in ends {
        match outcome {
            Ok(Outcome::Read) => {}
            Ok(Outcome::Skipped(why)) => {
                let text = format!("{}.{stream} was left out: {why}", landing.source);
                landing.reporter.say(Event::Note { text });
            }
            // The machine's, the job's lease's or our own failures are no source's.
            Err(error) if !matches!(error.class(), Class::Unavailable | Class::Usage) => return Err(error),
            Err(error) => ended.push(landing.failed(&stream, error)?),
        }
    }
    Ok(ended)
}

fn all_down(landing: &Landing<'_>, error: &Error) -> Result<Vec<Ended>> {
    let mut groups: BTreeSet<String> =
        landing.streams.iter().map(|stream| landing.group_of(&stream.name).to_owned()).collect();
    if landing.streams.is_empty() {
        // What such a source has is only known by what was landed of it.
        for object in landing.area.store.list(&format!("{}/{}", landing.area.api_states(), landing.source))? {
            groups.extend(GroupState::read(landing.area.store, &object.key)?.map(|(state, _)| state.stream));
        }
    }
    if groups.is_empty() {
        groups.insert(landing.source.to_owned());
    }
    groups.into_iter().map(|group| landing.failed(&group, error.clone())).collect()
}
