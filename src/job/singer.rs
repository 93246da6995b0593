//! `[sources.<name>]` with `system = "singer"`: any Singer tap, run as a child process.

use super::secret::{self, Value};
use super::{EntitySql, postgres};
use crate::model::Models;
use crate::model::document::{Item, Table};
use crate::model::source::duration_or;
use crate::model::source::stream::{Personal, SourceType};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeValue;

/// How long a tap may say nothing, where the job does not say: taps sleep where their system asks them to.
const QUIET: Duration = Duration::from_secs(1_800);

/// A Singer tap.
#[derive(Debug, Clone)]
pub struct TapSource {
    /// The program and its arguments, without those of the protocol.
    pub command: Vec<String>,
    /// Where it runs: the job's folder, which relative paths in its command and configuration are meant from.
    pub folder: PathBuf,
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

/// Reads a `singer` source; problems go to the table's report.
pub(super) fn source(table: &Table<'_>, models: &Models, here: &Path) -> Option<TapSource> {
    let command = table.need("command").map(|item| texts(&item)).filter(|command| !command.is_empty());
    if command.is_none() {
        table.report().error(table.span(), "`command` must name the tap: [\"tap-name\"]");
    }
    let config = match table.get("config") {
        Some(item) => value(&item, here),
        None => Some(TapValue::Table(BTreeMap::new())),
    };
    let (mut types, mut personal) = (BTreeMap::new(), BTreeMap::new());
    for item in table.table("columns").map(|columns| columns.items()).unwrap_or_default() {
        let Some(stream) = item.table() else { continue };
        types.insert(item.key.clone(), postgres::types(&stream, "types"));
        personal.insert(item.key.clone(), postgres::kept(&stream, "personal"));
        stream.finish();
    }
    let list = |key: &str| table.get(key).map(|item| texts(&item)).unwrap_or_default();
    Some(TapSource {
        command: command?,
        // A job file named without a folder lies in the working directory.
        folder: if here.as_os_str().is_empty() { PathBuf::from(".") } else { here.to_owned() },
        config: config?,
        catalog: table.text("catalog").map(|file| here.join(file)),
        is_discovered: table.boolean("discover").unwrap_or(true),
        streams: list("streams").into_iter().collect(),
        types,
        personal,
        environment: list("env"),
        quiet: duration_or(table, "quiet", QUIET),
        skips_stray_lines: table.boolean("skip_stray_lines").unwrap_or(false),
        max_age_days: postgres::max_age_days(table),
        entities: postgres::entities(table, models, here, None),
    })
}

fn texts(item: &Item<'_>) -> Vec<String> {
    item.texts().into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// A value of the configuration: a table with the one key `env` or `file` is a reference.
fn value(item: &Item<'_>, here: &Path) -> Option<TapValue> {
    Some(match &item.value {
        DeValue::String(_) => TapValue::Text(secret::value(item, here)?),
        DeValue::Boolean(flag) => TapValue::Plain(serde_json::Value::Bool(*flag)),
        DeValue::Integer(_) | DeValue::Float(_) => {
            let written = item.scalar_text()?;
            match written.parse::<serde_json::Number>() {
                Ok(number) => TapValue::Plain(serde_json::Value::Number(number)),
                Err(_) => {
                    item.wrong("a number that JSON has");
                    return None;
                }
            }
        }
        DeValue::Datetime(_) => TapValue::Plain(serde_json::Value::String(item.scalar_text()?)),
        DeValue::Array(_) => TapValue::List(item.list()?.iter().filter_map(|item| value(item, here)).collect()),
        DeValue::Table(table) => {
            let is_reference = table.len() == 1 && ["env", "file"].iter().any(|key| table.contains_key(*key));
            if is_reference {
                return Some(TapValue::Text(secret::value(item, here)?));
            }
            let members = item.table()?;
            let read = members.items().into_iter().filter_map(|item| Some((item.key.clone(), value(&item, here)?)));
            TapValue::Table(read.collect())
        }
    })
}
