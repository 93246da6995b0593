//! `[sources.<name>]` with a described system: its settings, what the job adds to it and what it does without.

use super::EntitySql;
use super::secret::Value;
use crate::model::source::SourceSpec;
use crate::model::source::stream::StreamSpec;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long raw answers are kept, in days, where the job does not say.
pub const KEEP_RAW_DAYS: u32 = 7;

/// A system that a `source.toml` describes, as one job reads it.
#[derive(Debug, Clone)]
pub struct ApiSource {
    /// The description, with the columns and streams that the job adds, the base address and the way in that it chose.
    pub spec: Arc<SourceSpec>,
    /// What every template's setting stands for: the job's values and the defaults, choices replaced by what they mean.
    /// Secrets are references until a request needs them.
    pub settings: BTreeMap<String, Value>,
    /// Where the first read begins.
    pub start_date: NaiveDate,
    /// Streams that this job does without, those that need one of them included.
    pub skip: BTreeSet<String>,
    /// How many days old landed data may be while the source is down; none where a source that is down stops the run.
    pub max_age_days: Option<u32>,
    /// How many days raw answers are kept.
    pub keep_raw_days: u32,
    /// The queries that turn its streams into entities: the folder's own, and the job's in their place or beside them.
    pub entities: Vec<EntitySql>,
}

impl ApiSource {
    /// The streams that are read, those that others need first.
    pub fn streams(&self) -> impl Iterator<Item = &StreamSpec> {
        self.spec.streams.iter().filter(|stream| !self.skip.contains(&stream.name))
    }
}
