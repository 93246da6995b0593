//! `[sources.<name>]` with a described system: its settings, what the job adds to it and what it does without.

use super::secret::{self, Value};
use super::{EntitySql, files};
use crate::error::{Error, Place};
use crate::model::Models;
use crate::model::document::{Item, Table, suggestion};
use crate::model::source::stream::{Origin, StreamSpec};
use crate::model::source::template::{Part, Template};
use crate::model::source::{Additions, Folder, JOB_KEYS, Setting, SourceEntity, SourceSpec};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use toml::de::DeValue;

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
    /// How many days old landed data may be while the source is down; the policy says it where none. With 0 a source that is
    /// down stops the run.
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

/// Reads a source whose system `folder` describes; problems go to the table's report.
pub(super) fn source(
    item: &Item<'_>,
    table: &Table<'_>,
    folder: &Folder,
    models: &Models,
    here: &Path,
) -> Option<ApiSource> {
    let written = table.items().into_iter().filter(|item| !JOB_KEYS.contains(&item.key.as_str()));
    let written = written.filter_map(|item| match item.value {
        DeValue::String(text) => Some((item.key.clone(), text.to_string())),
        _ => None,
    });
    let additions = Additions { written: written.collect(), streams: table.get("streams") };
    let spec = match folder.read(models, &additions) {
        Ok(spec) => spec?,
        Err(error) => {
            error.parts().iter().for_each(|part| table.report().add(part.clone()));
            return None;
        }
    };
    let settings = settings(item, table, &spec, here);
    let skip = skipped(table, &spec);
    let start_date = start_date(item, table, &spec, &skip);
    let days = |key: &str| {
        let days = table.get(key).and_then(|item| item.integer(0, 36_500));
        days.and_then(|days| u32::try_from(days).ok())
    };
    let (max_age_days, keep_raw_days) = (days("max_age_days"), days("keep_raw_days").unwrap_or(KEEP_RAW_DAYS));
    let entities = entities(table, &spec, models, here);
    let (spec, settings) = at_base_url(table, spec, settings?, here);
    Some(ApiSource {
        spec: Arc::new(spec),
        settings,
        start_date: start_date?,
        skip,
        max_age_days,
        keep_raw_days,
        entities,
    })
}

/// What every setting stands for: the job's values, else the defaults.
fn settings(item: &Item<'_>, table: &Table<'_>, spec: &SourceSpec, here: &Path) -> Option<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    let mut is_right = true;
    for said in table.items() {
        if !spec.settings.contains_key(&said.key) && !JOB_KEYS.contains(&said.key.as_str()) {
            let known = spec.settings.keys().map(String::as_str).chain(JOB_KEYS);
            let told = format!("unknown setting of {}: `{}`", spec.title, said.key);
            said.report().add(Error::usage(told).at(without_value(&said)).help(suggestion(&said.key, known)));
        }
    }
    for (name, setting) in &spec.settings {
        match (table.get(name), &setting.default) {
            (Some(said), _) => match setting_value(&said, setting, here) {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => is_right = false,
            },
            (None, Some(default)) => {
                let text = setting.choices.get(default).unwrap_or(default).clone();
                values.insert(name.clone(), Value::Text(text));
            }
            (None, None) if spec.used.contains(name) => {
                let example = if setting.is_secret { "{ env = \"…\" }" } else { "\"…\"" };
                table.report().error_with_help(
                    &item.key_span,
                    format!("{} needs the setting `{name}`: {}", spec.title, setting.doc),
                    format!("add {name} = {example}"),
                );
                is_right = false;
            }
            (None, None) => {}
        }
    }
    is_right.then_some(values)
}

/// Where a key stands, with its line up to there only: what follows may be a secret, written out by mistake.
fn without_value(item: &Item<'_>) -> Place {
    let mut place = item.report().place(&item.key_span);
    let shown = place.text.chars().take(place.column.saturating_sub(1) + place.width).collect::<String>();
    place.text = format!("{shown} = …");
    place
}

/// One setting as the job says it: a secret by reference, a choice written out.
fn setting_value(item: &Item<'_>, setting: &Setting, here: &Path) -> Option<Value> {
    if setting.is_secret && !matches!(item.value, DeValue::Table(_)) {
        let told = Error::usage(format!("`{}` is secret, and this file is not", item.key)).at(without_value(item));
        item.report().add(told.help("write { env = \"NAME\" } or { file = \"path\" }"));
        return None;
    }
    // Numbers are settings too, such as an account's.
    let value = match (item.value, item.scalar_text()) {
        (DeValue::Integer(_), Some(digits)) => Value::Text(digits),
        _ => secret::value(item, here)?,
    };
    let Value::Text(text) = &value else {
        if !setting.choices.is_empty() {
            item.report().error(&item.span, format!("`{}` must be written out, since it chooses", item.key));
            return None;
        }
        return Some(value);
    };
    if setting.choices.is_empty() {
        return Some(value);
    }
    let chosen = setting.choices.get(text);
    if chosen.is_none() {
        item.report().unknown(&item.span, &item.key, text, setting.choices.keys().map(String::as_str));
    }
    chosen.map(|meaning| Value::Text(meaning.clone()))
}

/// The address that the job says instead of the system's own.
fn at_base_url(
    table: &Table<'_>,
    mut spec: SourceSpec,
    mut settings: BTreeMap<String, Value>,
    here: &Path,
) -> (SourceSpec, BTreeMap<String, Value>) {
    const BASE_URL: &str = "base_url";
    if let Some(item) = table.get(BASE_URL)
        && let Some(value) = secret::value(&item, here)
    {
        let value = match value {
            Value::Text(text) => Value::Text(text.trim_end_matches('/').to_owned()),
            other => other,
        };
        settings.insert(BASE_URL.to_owned(), value);
        spec.base_url = Template { parts: vec![Part::Value(BASE_URL.to_owned())] };
    }
    (spec, settings)
}

/// The streams that the job names, and all that cannot be had without them.
fn skipped(table: &Table<'_>, spec: &SourceSpec) -> BTreeSet<String> {
    let mut skip = BTreeSet::new();
    for (name, span) in table.texts("skip") {
        if !spec.streams.iter().any(|stream| stream.name == name) {
            let known = spec.streams.iter().map(|stream| stream.name.as_str());
            table.report().unknown(&span, "stream", name, known);
        }
        skip.insert(name.to_owned());
    }
    // Parents stand before their children.
    for stream in &spec.streams {
        if stream.needs().is_some_and(|needed| skip.contains(needed)) {
            skip.insert(stream.name.clone());
        }
    }
    skip
}

/// The day that the first read begins with, which streams that are read by time cannot do without.
fn start_date(item: &Item<'_>, table: &Table<'_>, spec: &SourceSpec, skip: &BTreeSet<String>) -> Option<NaiveDate> {
    if let Some(said) = table.get("start_date") {
        return said.date();
    }
    let by_time = |stream: &&StreamSpec| match &stream.origin {
        Origin::Requests(requests) => {
            let has_first = requests.cursor.as_ref().is_some_and(|cursor| cursor.first.is_some());
            (requests.window.is_some() || requests.cursor.is_some()) && !has_first
        }
        Origin::Inside(_) | Origin::Files(_) | Origin::Pushed => false,
    };
    let Some(stream) = spec.streams.iter().filter(|stream| !skip.contains(&stream.name)).find(by_time) else {
        return Some(NaiveDate::default());
    };
    table.report().error_with_help(
        &item.key_span,
        format!("{} needs `start_date`: where the first read of `{}` begins", spec.title, stream.name),
        "add start_date = \"2024-01-01\"",
    );
    None
}

/// The folder's queries, with the job's in their place or beside them.
fn entities(table: &Table<'_>, spec: &SourceSpec, models: &Models, here: &Path) -> Vec<EntitySql> {
    let own = table.table("entities").map(|table| files::entities(&table, models, here)).unwrap_or_default();
    for query in &own {
        spec.unknown_streams(&query.model).into_iter().for_each(|error| table.report().add(error));
    }
    let is_replaced = |entity: &SourceEntity| own.iter().any(|query| query.entity == entity.entity);
    let kept = spec.entities.iter().filter(|entity| !is_replaced(entity)).cloned();
    let mut entities: Vec<EntitySql> =
        kept.map(|entity| EntitySql { entity: entity.entity, model: entity.model }).collect();
    entities.extend(own.iter().cloned());
    entities.sort_by(|a, b| a.entity.cmp(&b.entity));
    entities
}
