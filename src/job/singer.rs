//! `[sources.<name>]` with `system = "singer"`: any Singer tap, run as a child process.

use super::EntitySql;
use super::secret::Value;
use crate::model::source::stream::{Personal, SourceType};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// A Singer tap.
#[derive(Debug, Clone)]
pub struct TapSource {
    /// The program and its arguments, without those of the protocol.
    pub command: Vec<String>,
    /// Its configuration.
    pub config: TapValue,
    /// A catalogue of one's own; without it the tap is asked for one and the streams are selected in it.
    pub catalog: Option<PathBuf>,
    /// Whether the tap is asked for a catalogue where none is given.
    pub is_discovered: bool,
    /// The streams that are wanted; all where empty.
    pub streams: BTreeSet<String>,
    /// Types of columns, by stream and column, where the tap's own are not what is wanted.
    pub types: BTreeMap<String, BTreeMap<String, SourceType>>,
    /// What landing keeps of columns with personal values, by stream and column.
    pub personal: BTreeMap<String, BTreeMap<String, Personal>>,
    /// Environment variables that the tap may see, beside PATH, HOME, LANG and TZ.
    pub environment: Vec<String>,
    /// How long it may say nothing.
    pub quiet: Duration,
    /// Whether lines of its output that are no JSON are passed over.
    pub skips_stray_lines: bool,
    /// How many days old landed data may be while the tap fails; none where that stops the run.
    pub max_age_days: Option<u32>,
    /// The queries that turn its streams into entities.
    pub entities: Vec<EntitySql>,
}

/// A value of a tap's configuration: JSON with references in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TapValue {
    /// A text, written out or referred to.
    Text(Value),
    /// A number, true or false, as JSON.
    Plain(serde_json::Value),
    /// A list.
    List(Vec<TapValue>),
    /// An object.
    Table(BTreeMap<String, TapValue>),
}
