//! A job file becomes a valid [`Job`]: what runs when, from where, to where.

pub mod api;
mod files;
mod load;
mod mapping;
pub mod postgres;
pub mod secret;
pub mod singer;

use crate::calendar::{self, Schedule};
use crate::error::Error;
use crate::model::contract::ColumnType;
use crate::model::engine::EngineConfig;
use crate::model::params::Params;
use crate::model::policy::Policy;
use crate::model::{Model, Models};
use api::ApiSource;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A job that can run: every name resolved, every value typed.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name: lower-case letters, digits and dashes, at most 52, as Kubernetes takes it.
    pub name: String,
    /// The job file.
    pub file: PathBuf,
    /// SHA-256 of the job file's text, lower-case hex, for the run record.
    pub hash: String,
    /// When it is due.
    pub schedule: Schedule,
    /// In which zone days begin and end.
    pub timezone: Tz,
    /// The folder that results are published to.
    pub warehouse: PathBuf,
    /// The currency that amounts are reported in, ISO 4217.
    pub currency: String,
    /// Where rows come from, in the order of their names.
    pub sources: Vec<Source>,
    /// Thresholds.
    pub policy: Policy,
    /// The SQL files, the job's own among them.
    pub models: Arc<Models>,
    /// What the engine may use.
    pub engine: EngineConfig,
    /// How landing behaves.
    pub landing: LandingConfig,
    /// What is legal but probably not meant, each with its place.
    pub warnings: Vec<Error>,
}

impl Job {
    /// The date a run started at `now` computes: that of the last tick at or before `now`, in the job's zone.
    pub fn as_of(&self, now: DateTime<Utc>) -> NaiveDate {
        let tick = self.schedule.last_tick(now, self.timezone).unwrap_or(now);
        calendar::as_of_for_tick(tick, self.timezone)
    }

    /// The values of this job's queries for `as_of`.
    pub fn params(&self, as_of: NaiveDate) -> Params {
        Params::new(&self.policy, as_of, calendar::day_end(as_of, self.timezone), &self.currency)
    }
}

/// How landing behaves (`[landing]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LandingConfig {
    /// How many days superseded versions of a row are kept, so that a past date can be computed as it was seen.
    pub history_days: u32,
}

impl Default for LandingConfig {
    /// 400 days: a year and the run-up to it.
    fn default() -> Self {
        LandingConfig { history_days: 400 }
    }
}

/// One source of a job (`[sources.<name>]`).
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in the job; the `source` column of every row it gives.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
}

/// The systems this version reads.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// The made-up company.
    Sample(SampleSpec),
    /// Files in a folder.
    Files(FilesSource),
    /// A PostgreSQL database.
    Postgres(postgres::PostgresSource),
    /// A Singer tap.
    Singer(Box<singer::TapSource>),
    /// A system that a `source.toml` describes.
    Api(Box<ApiSource>),
}

impl SourceKind {
    /// Whether its rows come in streams that are landed as they come, newer versions beside older ones.
    pub fn is_streamed(&self) -> bool {
        matches!(self, SourceKind::Api(_) | SourceKind::Postgres(_) | SourceKind::Singer(_))
    }

    /// The queries that turn what is landed into entities.
    pub fn queries(&self) -> &[EntitySql] {
        match self {
            SourceKind::Sample(_) => &[],
            SourceKind::Files(files) => &files.entities,
            SourceKind::Api(api) => &api.entities,
            SourceKind::Postgres(postgres) => &postgres.entities,
            SourceKind::Singer(tap) => &tap.entities,
        }
    }

    /// How many days old landed data may be while the source is down; none where the job does not say.
    pub fn max_age_days(&self) -> Option<u32> {
        match self {
            SourceKind::Sample(_) | SourceKind::Files(_) => None,
            SourceKind::Api(api) => api.max_age_days,
            SourceKind::Postgres(postgres) => postgres.max_age_days,
            SourceKind::Singer(tap) => tap.max_age_days,
        }
    }
}

/// The made-up company's parameters; its rows are a function of them, and the run's date only cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSpec {
    /// Every draw depends on it.
    pub seed: u64,
    /// How many customers the company ever has.
    pub accounts: u32,
    /// The first day of usage. Contracts and billing of older customers reach back further.
    pub start: NaiveDate,
    /// Usage events as permille of the normal volume: 1,000 is the demo, more makes a benchmark.
    pub usage_permille: u32,
}

impl SampleSpec {
    /// The normal volume of usage times `scale`, in whole permille; at most a million-fold.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1e9 and whole")]
    pub fn permille(scale: f64) -> u32 {
        (scale.clamp(0.0, 1e6) * 1_000.0).round() as u32
    }
}

impl Default for SampleSpec {
    fn default() -> Self {
        let start = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap_or_default();
        SampleSpec { seed: 7, accounts: 320, start, usage_permille: 1_000 }
    }
}

/// A `files` source.
#[derive(Debug, Clone)]
pub struct FilesSource {
    /// The folder that input paths are relative to.
    pub root: PathBuf,
    /// What is read.
    pub inputs: Vec<FileInput>,
    /// Queries of the user's that turn raw inputs into entities.
    pub entities: Vec<EntitySql>,
}

/// One set of files with one shape.
#[derive(Debug, Clone)]
pub struct FileInput {
    /// Its name within the source; `landed.<name>` for raw inputs. Defaults to the entity's name.
    pub name: String,
    /// A file, a folder or a pattern with `*`, under the source's root.
    pub pattern: PathBuf,
    /// How the bytes are read, after decompression (gzip and zstd are recognised by their first bytes).
    pub format: Format,
    /// What the rows become.
    pub target: Target,
    /// Landed columns that identify a row: a later row of one landing that repeats a key is quarantined; none if empty.
    pub key: Vec<String>,
    /// How numbers and dates are written, where a column does not say otherwise.
    pub defaults: ValueFormat,
    /// Texts that mean null, beside the empty one.
    pub nulls: Vec<String>,
}

/// The format of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Csv(CsvFormat),
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

/// How delimited text is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvFormat {
    /// Between fields; one byte.
    pub delimiter: u8,
    /// Around fields; none where quotes have no meaning.
    pub quote: Option<u8>,
    /// Starts a line that is no record.
    pub comment: Option<u8>,
    /// The column names, where the first line does not hold them.
    pub names: Option<Vec<String>>,
}

impl Default for CsvFormat {
    /// Commas, double quotes, names in the first line.
    fn default() -> Self {
        CsvFormat { delimiter: b',', quote: Some(b'"'), comment: None, names: None }
    }
}

/// What the rows of an input become.
#[derive(Debug, Clone)]
pub enum Target {
    /// Rows of an entity.
    Entity {
        /// The entity's name.
        entity: String,
        /// Its columns that do not come from the equally named column of the file.
        mapping: Vec<ColumnMapping>,
    },
    /// `landed.<name>`, read by a query of the user's.
    Raw {
        /// The columns that are typed at landing; every other column of the file is text.
        columns: Vec<RawColumn>,
    },
}

/// Where one column of an entity comes from.
#[derive(Debug, Clone)]
pub struct ColumnMapping {
    /// The entity's column.
    pub column: String,
    /// Its type.
    pub ty: ColumnType,
    /// What fills it.
    pub from: MappedFrom,
    /// How its text is read.
    pub format: ValueFormat,
}

/// What fills a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappedFrom {
    /// A column of the file.
    Column(String),
    /// The same text in every row.
    Constant(String),
}

/// A typed column of a raw input.
#[derive(Debug, Clone)]
pub struct RawColumn {
    /// Its name in the file.
    pub name: String,
    /// The type it lands in.
    pub ty: ColumnType,
    /// How its text is read.
    pub format: ValueFormat,
}

/// How values are written in a file; what is absent is read the plain way (ISO dates, decimal point).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueFormat {
    /// A `strftime` pattern of dates and timestamps, e.g. `%d.%m.%Y`.
    pub date: Option<String>,
    /// The decimal separator.
    pub decimal: Option<char>,
    /// The separator between thousands.
    pub thousands: Option<char>,
    /// Texts that are replaced before anything else, e.g. `Active` by `active`.
    pub values: BTreeMap<String, String>,
}

/// A query of the user's that provides one entity.
#[derive(Debug, Clone)]
pub struct EntitySql {
    /// The entity.
    pub entity: String,
    /// The query, in the layer [`Layer::Source`](crate::model::Layer::Source): columns by name, missing ones null.
    pub model: Model,
}

#[cfg(test)]
mod tests;
