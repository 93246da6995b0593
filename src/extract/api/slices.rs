//! The slices of a pass in their order: parents, then values, then stretches of time.

use super::fill::Scope;
use super::window;
use super::{Destination, OpenPass, ParentQuery, ParentRow, ParentRows, SliceAt};
use crate::error::Result;
use crate::model::source::stream::{Cursor, Parent, Requests, TimeFormat};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// One question's part of a pass.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    /// Where it stands, so that reading can go on here.
    pub at: SliceAt,
    /// Where the one after it stands.
    pub next: SliceAt,
    /// Bounds in microseconds.
    pub window: Option<(i64, i64)>,
    /// What templates and columns can name.
    pub local: BTreeMap<String, String>,
    pub lists: BTreeMap<String, Vec<String>>,
}

/// Makes slices one by one.
pub(super) struct Slices<'a> {
    requests: &'a Requests,
    scope: Scope,
    start: Option<i64>,
    end: i64,
    parents: Option<ParentRows>,
    /// The parents under way.
    group: Vec<ParentRow>,
    at: SliceAt,
    /// Hashes of the parents' values that were asked for.
    seen: HashSet<u64>,
    is_done: bool,
}

impl<'a> Slices<'a> {
    /// The slices of `pass` from where it stands.
    pub fn new(
        requests: &'a Requests,
        scope: &Scope,
        pass: &OpenPass,
        after: Option<u64>,
        destination: &dyn Destination,
    ) -> Result<Self> {
        let mut slices = Slices {
            requests,
            scope: scope.clone(),
            start: pass.start,
            end: pass.end,
            parents: None,
            group: Vec::new(),
            at: pass.slice.clone(),
            seen: HashSet::new(),
            is_done: false,
        };
        if let Some(parent) = &requests.parent {
            let columns: Vec<String> = parent.values.iter().map(|(_, column)| column.clone()).collect();
            slices.parents = Some(destination.parents(&ParentQuery {
                stream: &parent.stream,
                columns: &columns,
                only_where: parent.only_where.as_deref(),
                after,
                until: pass.parents_until.filter(|_| after.is_some()),
                after_key: pass.slice.parent.as_deref(),
            })?);
            slices.next_group(parent)?;
            // Where other parents come now than when the pass was left, their first page is asked for.
            if slices.at.group != pass.slice.group && pass.slice.group.is_some() {
                slices.at.value = 0;
                slices.at.window = None;
            }
        }
        Ok(slices)
    }

    /// Whether the first slice is the one that the pass was left in.
    pub fn goes_on(&self, pass: &OpenPass) -> bool {
        self.at == pass.slice
    }

    fn next_group(&mut self, parent: &Parent) -> Result<()> {
        self.group.clear();
        while let Some(row) = self.parents.as_mut().and_then(Iterator::next) {
            let row = row?;
            // Parents with the same values are one question; one without any is none.
            if row.values.iter().all(Option::is_none) || !self.seen.insert(hash(&row.values)) {
                continue;
            }
            self.group.push(row);
            if self.group.len() >= parent.group.max(1) {
                break;
            }
        }
        self.at.group = self.group.first().map(|row| row.key.clone());
        self.is_done |= self.group.is_empty();
        Ok(())
    }

    /// The next slice; none at the end.
    pub fn next(&mut self) -> Result<Option<Slice>> {
        while !self.is_done {
            let window = match &self.requests.window {
                Some(window) => {
                    let start = self.start.map(|start| window::aligned(start, window)).unwrap_or_default();
                    let end = window::aligned(self.end, window);
                    Some(window::slice(self.at.window.unwrap_or(start), end, window))
                }
                None => None,
            };
            let at = self.at.clone();
            match window {
                // The stretch of time is over: the next value or parent begins with its first slice.
                Some(None) => self.step_value()?,
                Some(Some(bounds)) => {
                    self.at.window = Some(bounds.1);
                    let slice = self.slice(at, Some(bounds));
                    return Ok(Some(slice));
                }
                None => {
                    let mut slice = self.slice(at, None);
                    self.step_value()?;
                    slice.next = self.at.clone();
                    return Ok(Some(slice));
                }
            }
        }
        Ok(None)
    }

    fn step_value(&mut self) -> Result<()> {
        self.at.window = None;
        self.at.value += 1;
        if self.at.value < self.requests.values.len() {
            return Ok(());
        }
        self.at.value = 0;
        match &self.requests.parent {
            None => self.is_done = true,
            Some(parent) => {
                self.at.parent = self.group.last().map(|row| row.key.clone()).or_else(|| self.at.parent.clone());
                self.next_group(parent)?;
            }
        }
        Ok(())
    }

    fn slice(&self, at: SliceAt, window: Option<(i64, i64)>) -> Slice {
        let (mut local, mut lists) = (BTreeMap::new(), BTreeMap::new());
        if let Some(parent) = &self.requests.parent {
            for (position, (name, _)) in parent.values.iter().enumerate() {
                let values = self.group.iter().filter_map(|row| row.values.get(position)?.clone());
                let values: Vec<String> = values.collect();
                let name = format!("parent.{name}");
                if !values.is_empty() {
                    local.insert(name.clone(), values.join(","));
                }
                if parent.group > 1 {
                    lists.insert(name, values);
                }
            }
        }
        if let Some(value) = self.requests.values.get(at.value) {
            local.insert("slice".to_owned(), self.scope.fill(value).text);
        }
        Slice { next: self.at.clone(), at, window, local, lists }
    }
}

fn hash(values: &[Option<String>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.hash(&mut hasher);
    hasher.finish()
}

/// What templates can name of a stretch of time: `cursor`, `window.start`, `window.end`. Of a stream that is continued by
/// its token, these are the beginning only.
pub(super) fn times(requests: &Requests, pass: &OpenPass, window: Option<(i64, i64)>) -> BTreeMap<String, String> {
    let plain = TimeFormat::Iso { has_millis: false };
    let cursor = requests.cursor.as_ref();
    let mut times = BTreeMap::new();
    if let (Some(cursor), Some(start)) = (cursor, pass.start) {
        let bound = window::lower_bound(start, &cursor.format, cursor.is_inclusive);
        times.insert("cursor".to_owned(), window::written(bound, &cursor.format));
    }
    if let (Some(_), Some(text)) = (cursor, &pass.from) {
        times.insert("cursor".to_owned(), text.clone());
    }
    let format = requests.window.as_ref().map(|window| &window.format);
    let format = format.or(cursor.map(|cursor: &Cursor| &cursor.format)).unwrap_or(&plain);
    let gap = requests.window.as_ref().map_or(0, |window| window::micros(window.end_gap));
    let (start, end) = match window {
        Some((start, end)) => (Some(start), end),
        None => (pass.start, pass.end),
    };
    if let Some(start) = start {
        // A cursor alone gives its own bound.
        let start = match (&requests.window, cursor) {
            (None, Some(cursor)) => window::lower_bound(start, &cursor.format, cursor.is_inclusive),
            _ => start,
        };
        times.insert("window.start".to_owned(), window::written(start, format));
    }
    times.insert("window.end".to_owned(), window::written(end - gap, format));
    times
}
