//! A source that is down fails its own streams: whether the run may go on with what was landed before.

use super::Landing;
use super::evolve::state_of;
use crate::calendar;
use crate::error::{Class, Error, Result};
use crate::finding::{Finding, Severity};
use crate::job::Job;
use chrono::NaiveDate;

/// The policy value that says how old landed data may be, in days, while its source cannot be read.
const MAX_AGE: &str = "source_max_age_days";

/// A request stream that could not be read to its end.
pub(in crate::land) struct Ended {
    source: String,
    /// The streams that are had with it.
    streams: Vec<String>,
    /// The last day that had ended when it was read to its end; none where it never was.
    landed_date: Option<NaiveDate>,
    /// How many days that is ago.
    age_days: Option<i64>,
    error: Error,
}

/// Streams of a source that the run reads as they were landed earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleSource {
    /// The source's name in the job.
    pub source: String,
    /// Its streams that are not up to date.
    pub streams: Vec<String>,
    /// The last day that had ended when they were read to their end.
    pub landed_date: NaiveDate,
    /// Why they could not be read now, in one sentence.
    pub why: String,
}

impl StaleSource {
    /// The warning about it.
    pub fn finding(&self) -> Finding {
        Finding {
            code: "stale-source".to_owned(),
            severity: Severity::Warn,
            table: self.source.clone(),
            check: "read_to_its_end".to_owned(),
            observed: format!("{} as landed for {}: {}", self.streams.join(", "), self.landed_date, self.why),
            expected: "every stream read to its end".to_owned(),
            rows: 0,
            sample: Vec::new(),
        }
    }
}

impl Landing<'_> {
    /// What is left of a stream that failed.
    pub(super) fn failed(&self, group: &str, error: Error) -> Result<Ended> {
        let read_at = state_of(self.area, self.source, group)?.and_then(|state| state.read_at);
        let landed_date = read_at.map(|at| calendar::as_of_for_tick(at, self.zone));
        Ok(Ended {
            source: self.source.to_owned(),
            streams: self.members(group).into_iter().map(|stream| stream.name.clone()).collect(),
            landed_date,
            age_days: landed_date.map(|date| (self.today - date).num_days()),
            error,
        })
    }
}

/// Decides over what could not be read: it may be as old as the job, or else the policy, says.
///
/// # Errors
/// Something is older, or was never read: what went wrong with it.
pub(in crate::land) fn settle(job: &Job, ended: Vec<(Ended, Option<u32>)>) -> Result<Vec<StaleSource>> {
    let usual = job.policy.integer(MAX_AGE).ok_or_else(|| Error::bug(format!("the policy has no number {MAX_AGE}")))?;
    let (mut stale, mut errors): (Vec<StaleSource>, Vec<Error>) = (Vec::new(), Vec::new());
    for (ended, own) in ended {
        let most = own.map_or(usual, i64::from);
        match (ended.landed_date, ended.age_days) {
            (Some(landed_date), Some(age)) if most > 0 && age <= most => {
                let why = ended.error.message().to_owned();
                let known = stale.iter_mut().find(|known: &&mut StaleSource| {
                    known.source == ended.source && known.landed_date == landed_date && known.why == why
                });
                match known {
                    Some(known) => known.streams.extend(ended.streams),
                    None => {
                        stale.push(StaleSource { source: ended.source, streams: ended.streams, landed_date, why });
                    }
                }
            }
            (landed, _) => errors.push(too_old(&ended, landed, most)),
        }
    }
    if errors.is_empty() {
        return Ok(stale);
    }
    // A source that is down decides over the exit code: it is tried again.
    errors.sort_by_key(|error| error.class() != Class::Unavailable);
    Err(Error::all(errors))
}

fn too_old(ended: &Ended, landed: Option<NaiveDate>, most: i64) -> Error {
    let name = format!("{}.{}", ended.source, ended.streams.first().map_or("", String::as_str));
    match landed {
        Some(date) => {
            let allowed = format!("{most} days are allowed (max_age_days of the source, {MAX_AGE} of the policy)");
            ended.error.clone().help(format!("{name} was read to its end last for {date}; {allowed}"))
        }
        None => {
            ended.error.clone().help(format!("{name} was never read to its end, so there is nothing to go on with"))
        }
    }
}
