//! Which date a run computes.

use crate::calendar::Clock;
use crate::job::Job;
use chrono::NaiveDate;

/// The date that was asked for, else that of the schedule's last tick: the last calendar day, in the job's zone, that
/// had fully ended then.
pub fn as_of(job: &Job, clock: &Clock, asked: Option<NaiveDate>) -> NaiveDate {
    asked.unwrap_or_else(|| job.as_of(clock.now()))
}
