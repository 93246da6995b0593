//! Usage events that a system's own query makes of its landed rows are landed like any others, so that they are rolled
//! up day by day and late ones open their own days only. Each run adds those of the rows that came since the last one.

use super::state::Area;
use super::stream::{Identity, Keeping, Stream, USAGE_EVENT, VersionWriter};
use crate::calendar;
use crate::error::{Error, Result};
use crate::extract::Receiver;
use crate::job::Job;
use crate::model::plan;
use crate::store::Store;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};

/// One source's usage events while new ones are added.
pub struct Events<'a> {
    stream: Stream<'a>,
    keeping: Keeping,
    reading: String,
    sequence: u64,
    today: NaiveDate,
    history_days: u32,
    until: i64,
    writer: Option<VersionWriter>,
}

impl<'a> Events<'a> {
    /// Opens the events of `source` as they were left. `reading` stands for how rows become events: where it changed,
    /// all rows are asked again.
    ///
    /// # Errors
    /// The state cannot be read (75, 70).
    pub fn open(store: &'a Store, job: &'a Job, source: &str, reading: &str, now: DateTime<Utc>) -> Result<Events<'a>> {
        let area = Area { store, job: &job.name };
        let model = job.models.entity(USAGE_EVENT).ok_or_else(|| Error::bug("there is no entity usage_event"))?;
        let quarantine = plan::run_schema("quarantine").ok_or_else(|| Error::bug("run.quarantine has no columns"))?;
        let keeping = Keeping { entity: Some(plan::provided_schema(model)), quarantine, zone: job.timezone };
        let mut stream = Stream::open(area, source, USAGE_EVENT, Some(USAGE_EVENT))?;
        stream.drop_versions(|version| version.reading != reading);
        // A version's origin ends with the greatest landing number of the rows that it was made of.
        let until = |origin: &str| origin.rsplit(' ').next().and_then(|number| number.parse::<i64>().ok());
        let known = stream.state().versions.iter().filter_map(|version| until(&version.origin)).max();
        Ok(Events {
            stream,
            keeping,
            reading: reading.to_owned(),
            sequence: super::next_sequence(area)?,
            today: calendar::as_of_for_tick(now, job.timezone),
            history_days: job.landing.history_days,
            until: known.unwrap_or(0),
            writer: None,
        })
    }

    /// The greatest landing number of the rows whose events are here.
    pub fn until(&self) -> i64 {
        self.until
    }

    /// Takes events in the columns of `provided.usage_event`, without those that landing fills.
    ///
    /// # Errors
    /// The disk fails (75).
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(self.stream.writer(self.today, self.sequence, &self.keeping)),
        };
        writer.rows(batch)
    }

    /// Makes the events exist; `until` is the greatest landing number of the rows that they were made of.
    ///
    /// # Errors
    /// Somebody else changed the state (73), or the write failed (75).
    pub fn commit(mut self, stream: &str, until: i64) -> Result<()> {
        let writer = self.writer.take();
        let writer = writer.unwrap_or_else(|| self.stream.writer(self.today, self.sequence, &self.keeping));
        let origin = format!("{stream} {until}");
        let identity = Identity {
            origin: &origin,
            sha256: &origin,
            reading: &self.reading,
            seen_from: self.today,
            sequence: self.sequence,
            covers: None,
        };
        self.stream.add(writer, &identity)?;
        self.stream.commit(self.today, self.history_days)
    }
}
