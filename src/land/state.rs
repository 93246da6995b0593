//! The state of one stream: the one object that says which landed files exist.

use crate::error::{Error, Result};
use crate::model::contract::ColumnType;
use crate::store::{ETag, Precondition, Store};
use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a job's streams lie. Jobs that share a warehouse hold leases of their own, so each has its own landing area:
/// none can sweep what another is about to list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area<'a> {
    pub store: &'a Store,
    pub job: &'a str,
}

impl Area<'_> {
    /// The prefix of the job's stream states.
    pub fn states(&self) -> String {
        format!("_tailwater/state/{}/streams", self.job)
    }

    /// The prefix of the job's roll-up states.
    pub fn rollups(&self) -> String {
        format!("_tailwater/state/{}/rollups", self.job)
    }

    /// The key of a stream's state.
    pub fn state_key(&self, source: &str, stream: &str) -> String {
        format!("{}/{source}/{stream}.json", self.states())
    }

    /// The prefix of a stream's landed files.
    pub fn landing(&self, source: &str, stream: &str) -> String {
        format!("_tailwater/landing/{}/{source}/{stream}", self.job)
    }
}

/// The layout of the state object; a newer one is refused rather than misread.
const FORMAT: u32 = 1;

/// One stream's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub format: u32,
    pub source: String,
    pub stream: String,
    /// The entity its rows belong to; none for raw inputs.
    pub entity: Option<String>,
    /// What was landed and is still kept, in the order it was landed.
    pub versions: Vec<Version>,
}

/// One origin (a source file, a snapshot) as it was landed once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    /// What it was made from: a file's path relative to the source's root, or a name for a snapshot.
    pub origin: String,
    /// SHA-256 of the origin's bytes, or what stands for it.
    pub origin_sha256: String,
    /// SHA-256 of how it was read: mapping, contract, time zone.
    pub reading: String,
    /// The day since whose end its rows are known.
    pub seen_from: NaiveDate,
    /// Its place in the order of all landings of the warehouse.
    pub sequence: u64,
    pub rows: u64,
    /// Column names and types, in order.
    pub columns: Vec<(String, String)>,
    pub files: Vec<LandedFile>,
    pub quarantine: Option<QuarantineFile>,
    /// The usage days a snapshot stands for, first and last; none for whole files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<(NaiveDate, NaiveDate)>,
}

/// One landed Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LandedFile {
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    /// Events per usage day; empty for streams other than usage_event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<NaiveDate, u64>,
}

/// The rows of a version that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuarantineFile {
    pub key: String,
    pub rows: u64,
    /// Money by currency, in units of 0.0001; the currency is empty where it could not be read.
    pub money: BTreeMap<String, i128>,
}

impl Version {
    /// Every key that this version lists.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().map(|file| file.key.as_str());
        files.chain(self.quarantine.iter().map(|file| file.key.as_str()))
    }

    /// The schema of its files.
    ///
    /// # Errors
    /// A type that no version of this program writes (70).
    pub fn schema(&self) -> Result<SchemaRef> {
        let field = |(name, ty): &(String, String)| {
            let ty = ColumnType::parse(ty)
                .ok_or_else(|| Error::bug(format!("a landed column {name} has the unknown type {ty}")))?;
            Ok(Field::new(name, ty.arrow(), true))
        };
        Ok(Arc::new(Schema::new(self.columns.iter().map(field).collect::<Result<Vec<_>>>()?)))
    }

    fn age(&self) -> (NaiveDate, u64) {
        (self.seen_from, self.sequence)
    }
}

impl State {
    pub fn new(source: &str, stream: &str, entity: Option<&str>) -> State {
        State {
            format: FORMAT,
            source: source.to_owned(),
            stream: stream.to_owned(),
            entity: entity.map(str::to_owned),
            versions: Vec::new(),
        }
    }

    /// Reads the state under `key`; none where the stream was never landed.
    ///
    /// # Errors
    /// It cannot be read (75) or is of another layout (70).
    pub fn read(store: &Store, key: &str) -> Result<Option<(State, ETag)>> {
        let read: Option<(State, ETag)> = store.get_json(key)?;
        match read {
            Some((state, _)) if state.format != FORMAT => {
                Err(Error::bug(format!("{key} has layout {}, this version knows {FORMAT}", state.format))
                    .help("use the version of tailwater that wrote it"))
            }
            read => Ok(read),
        }
    }

    /// Replaces the state that was read as `etag`.
    ///
    /// # Errors
    /// Somebody else changed it (73), or the write failed (75).
    pub fn commit(&self, area: Area<'_>, etag: Option<ETag>) -> Result<ETag> {
        let key = area.state_key(&self.source, &self.stream);
        area.store.put_json(&key, self, &Precondition::unchanged_since(etag))
    }

    /// Whether this very origin was landed in this very way and is still the newest of its name.
    pub fn holds(&self, origin: &str, sha256: &str, reading: &str) -> bool {
        let newest =
            self.versions.iter().filter(|version| version.origin == origin).max_by_key(|version| version.age());
        newest.is_some_and(|version| version.origin_sha256 == sha256 && version.reading == reading)
    }

    /// The newest version of every origin known at the end of `as_of`, or, where an origin was not known then, its
    /// newest at all; with whether that happened.
    pub fn view(&self, as_of: NaiveDate) -> (Vec<&Version>, bool) {
        let mut known: BTreeMap<&str, &Version> = BTreeMap::new();
        let mut newest: BTreeMap<&str, &Version> = BTreeMap::new();
        for version in &self.versions {
            keep_newer(&mut newest, version);
            if version.seen_from <= as_of {
                keep_newer(&mut known, version);
            }
        }
        let is_backdated = newest.keys().any(|origin| !known.contains_key(origin));
        newest.extend(known);
        let mut versions: Vec<&Version> = newest.into_values().collect();
        versions.sort_by_key(|version| version.sequence);
        (versions, is_backdated)
    }

    /// The newest version of every origin.
    pub fn current(&self) -> Vec<&Version> {
        self.view(NaiveDate::MAX).0
    }

    /// Forgets versions that no date of the last `history_days` before `today` can ask for: those with a successor
    /// that was already known by then, or on the same day.
    pub fn forget(&mut self, today: NaiveDate, history_days: u32) {
        let oldest = today.checked_sub_days(Days::new(u64::from(history_days))).unwrap_or(NaiveDate::MIN);
        let ages: Vec<(String, (NaiveDate, u64))> =
            self.versions.iter().map(|version| (version.origin.clone(), version.age())).collect();
        self.versions.retain(|version| {
            !ages.iter().any(|(origin, age)| {
                *origin == version.origin && *age > version.age() && (age.0 <= oldest || age.0 == version.seen_from)
            })
        });
    }

    /// Every key that the state lists.
    pub fn keys(&self) -> BTreeSet<&str> {
        self.versions.iter().flat_map(Version::keys).collect()
    }
}

fn keep_newer<'a>(versions: &mut BTreeMap<&'a str, &'a Version>, version: &'a Version) {
    let slot = versions.entry(&version.origin).or_insert(version);
    if slot.age() < version.age() {
        *slot = version;
    }
}

/// Removes landed files that no state lists: what a run that died left behind, and what was forgotten.
///
/// # Errors
/// The landing area cannot be listed or changed (75).
pub(super) fn sweep(store: &Store, prefix: &str, listed: &BTreeSet<&str>) -> Result<u64> {
    let mut swept = 0;
    for object in store.list(prefix)? {
        if !listed.contains(object.key.as_str()) {
            remove(store, &object.key)?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Removes what no state lists; only the job that holds the lease writes here.
pub(super) fn remove(store: &Store, key: &str) -> Result<()> {
    store.discard(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn version(origin: &str, sha: &str, seen_from: &str, sequence: u64) -> Version {
        Version {
            origin: origin.to_owned(),
            origin_sha256: sha.to_owned(),
            reading: "r".to_owned(),
            seen_from: day(seen_from),
            sequence,
            rows: 1,
            columns: Vec::new(),
            files: Vec::new(),
            quarantine: None,
            covers: None,
        }
    }

    #[test]
    fn the_view_of_a_date_takes_what_was_known_then() {
        let mut state = State::new("s", "t", None);
        state.versions = vec![
            version("a", "1", "2026-01-10", 1),
            version("b", "2", "2026-01-10", 2),
            version("a", "3", "2026-01-20", 3),
        ];
        let shas = |as_of: &str| {
            let (versions, is_backdated) = state.view(day(as_of));
            (versions.iter().map(|version| version.origin_sha256.clone()).collect::<Vec<_>>().join(","), is_backdated)
        };
        assert_eq!(shas("2026-01-15"), ("1,2".to_owned(), false));
        assert_eq!(shas("2026-01-20"), ("2,3".to_owned(), false));
        assert_eq!(shas("2026-01-09"), ("2,3".to_owned(), true), "before the first landing: the newest of each file");
        assert!(state.holds("a", "3", "r"));
        assert!(!state.holds("a", "1", "r"), "a file that went back to old bytes is new again");
        assert!(!state.holds("b", "2", "other"));
    }

    #[test]
    fn only_versions_that_a_kept_date_can_ask_for_are_kept() {
        let mut state = State::new("s", "t", None);
        state.versions = vec![
            version("a", "1", "2026-01-01", 1),
            version("a", "2", "2026-01-05", 2),
            version("a", "3", "2026-01-05", 3),
            version("a", "4", "2026-02-01", 4),
        ];
        state.forget(day("2026-02-01"), 10);
        let left: Vec<u64> = state.versions.iter().map(|version| version.sequence).collect();
        assert_eq!(left, [3, 4], "1 was replaced before the window, 2 on the same day");
    }
}
