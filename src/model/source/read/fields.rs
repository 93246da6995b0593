//! The values that a `source.toml` is made of: templates, paths, times, choices.

use crate::model::document::{Item, Table};
use crate::model::source::Setting;
use crate::model::source::path::{JsonPath, PathStart};
use crate::model::source::template::Template;
use crate::model::text::is_time_pattern;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// Stands for every `{auth.<name>}` where the way in could not be read, which is told already.
pub(super) const ANY_OF_AUTH: &str = "auth.*";

/// What a template may name.
pub(super) struct Scope<'s> {
    /// Settings, which may be named everywhere.
    settings: &'s BTreeMap<String, Setting>,
    /// Every other place that has a value here.
    places: BTreeSet<String>,
    /// The settings that somebody named.
    used: &'s RefCell<BTreeSet<String>>,
}

impl<'s> Scope<'s> {
    /// Settings only.
    pub fn new(settings: &'s BTreeMap<String, Setting>, used: &'s RefCell<BTreeSet<String>>) -> Self {
        Scope { settings, places: BTreeSet::new(), used }
    }

    /// The same with further places.
    pub fn with(&self, places: impl IntoIterator<Item = String>) -> Scope<'s> {
        let places = self.places.iter().cloned().chain(places).collect();
        Scope { settings: self.settings, places, used: self.used }
    }

    fn knows(&self, name: &str) -> bool {
        if self.settings.contains_key(name) {
            self.used.borrow_mut().insert(name.to_owned());
            return true;
        }
        let is_unsure = name.starts_with("auth.") && self.places.contains(ANY_OF_AUTH);
        self.places.contains(name) || is_unsure
    }

    fn known(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().chain(&self.places).map(String::as_str)
    }
}

/// The bytes of `len` characters of a text value from `at`; all of it where escapes make the two differ.
fn within(item: &Item<'_>, text: &str, at: usize, len: usize) -> Range<usize> {
    if item.span.len() != text.len() + 2 {
        return item.span.clone();
    }
    let start = item.span.start + 1 + at.min(text.len());
    start..(start + len.max(1)).min(item.span.end)
}

/// The text of an item as a template; numbers and booleans are taken as they are written.
pub(super) fn template(item: &Item<'_>, scope: &Scope<'_>) -> Option<Template> {
    let Some(text) = item.scalar_text() else {
        item.wrong("one value");
        return None;
    };
    let template = match Template::parse(&text) {
        Ok(template) => template,
        Err((at, told)) => {
            item.report().error(&within(item, &text, at, 1), told);
            return None;
        }
    };
    for name in template.names().filter(|name| !scope.knows(name)) {
        let at = text.find(&format!("{{{name}}}")).unwrap_or_default();
        item.report().unknown(&within(item, &text, at, name.len() + 2), "place", name, scope.known());
    }
    Some(template)
}

/// The template at `key`, whose absence is a problem.
pub(super) fn need_template(table: &Table<'_>, key: &str, scope: &Scope<'_>) -> Option<Template> {
    table.need(key).and_then(|item| template(&item, scope))
}

/// Names with one template each, or several.
pub(super) fn pairs(table: &Table<'_>, key: &str, scope: &Scope<'_>) -> Vec<(String, Template)> {
    let mut pairs = Vec::new();
    for item in table.table(key).map(|table| table.items()).unwrap_or_default() {
        match item.value {
            toml::de::DeValue::Array(_) => {
                let values = item.list().unwrap_or_default();
                pairs.extend(
                    values.iter().filter_map(|value| template(value, scope)).map(|value| (item.key.clone(), value)),
                );
            }
            _ => pairs.extend(template(&item, scope).map(|value| (item.key.clone(), value))),
        }
    }
    pairs
}

/// The text of an item as a path.
pub(super) fn path(item: &Item<'_>) -> Option<JsonPath> {
    let text = item.text()?;
    match JsonPath::parse(text) {
        Ok(path) => Some(path),
        Err((at, told)) => {
            item.report().error_with_help(
                &within(item, text, at, 1),
                told,
                "a path is a.b, a[0].b, a[*].b or a[name=x].b",
            );
            None
        }
    }
}

/// A path that stands for one value of an answer.
pub(super) fn single(item: &Item<'_>) -> Option<JsonPath> {
    let path = path(item)?;
    if path.is_many() {
        item.report()
            .error(&item.span, "this path stands for many values, and one is wanted; write a position such as [0]");
        return None;
    }
    if !matches!(path.start, PathStart::Here | PathStart::Root) {
        item.report().error(&item.span, "only a column's path may begin with ^, #, @ or $");
        return None;
    }
    Some(path)
}

/// The path of one value at `key`, whose absence is a problem.
pub(super) fn need_single(table: &Table<'_>, key: &str) -> Option<JsonPath> {
    table.need(key).and_then(|item| single(&item))
}

/// Names with one path each.
pub(super) fn paths(table: &Table<'_>, key: &str) -> Vec<(String, JsonPath)> {
    let items = table.table(key).map(|table| table.items()).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.key.clone(), single(item)?))).collect()
}

/// `30s`, `5m`, `2h`, `7d`.
pub(super) fn duration(item: &Item<'_>) -> Option<Duration> {
    let text = item.text()?;
    let parsed = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)].iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds).filter(|seconds| *seconds <= 36_500 * 86_400).map(Duration::from_secs)
    });
    if parsed.is_none() {
        item.report().error(&item.span, format!("`{}` must be a time such as 30s, 5m, 2h or 7d", item.key));
    }
    parsed
}

/// The time at `key`, or `default`.
pub(crate) fn duration_or(table: &Table<'_>, key: &str, default: Duration) -> Duration {
    table.get(key).and_then(|item| duration(&item)).unwrap_or(default)
}

/// A time above nothing at `key`, or `default`.
pub(super) fn some_time(table: &Table<'_>, key: &str, default: Duration) -> Duration {
    let Some(item) = table.get(key) else { return default };
    match duration(&item) {
        Some(Duration::ZERO) => {
            item.report().error(&item.span, format!("`{key}` must be longer than nothing"));
            default
        }
        Some(duration) => duration,
        None => default,
    }
}

/// An instant: `2026-01-01T00:00:00Z`, or a day that begins with it.
pub(super) fn instant(item: &Item<'_>) -> Option<DateTime<Utc>> {
    let text = item.scalar_text().unwrap_or_default();
    let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let instant = DateTime::parse_from_rfc3339(&text).ok().map(|instant| instant.with_timezone(&Utc)).or_else(day);
    if instant.is_none() {
        item.report().error(&item.span, format!("`{}` must be an instant such as 2026-01-01T00:00:00Z", item.key));
    }
    instant
}

/// One of several words.
pub(super) fn choice<T: Copy>(item: &Item<'_>, known: &[(&str, T)]) -> Option<T> {
    let text = item.text()?;
    let found = known.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        item.report().unknown(&item.span, &item.key, text, known.iter().map(|(name, _)| *name));
    }
    found.map(|(_, value)| *value)
}

/// A `strftime` pattern.
pub(super) fn time_pattern(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    if !is_time_pattern(text) {
        let help = "write %Y, %m, %d, %H, %M, %S, as in %d.%m.%Y; or unix, or unix_ms";
        item.report().error_with_help(&item.span, format!("`{text}` is not a date format"), help);
        return None;
    }
    Some(text.to_owned())
}

/// A whole number from `low` on at `key`, or `default`.
pub(super) fn count(table: &Table<'_>, key: &str, low: i64, default: u32) -> u32 {
    let number = table.get(key).and_then(|item| item.integer(low, i64::from(u32::MAX)));
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
}
