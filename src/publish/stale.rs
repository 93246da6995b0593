//! Which later dates rest on what a re-run of an earlier date has just replaced.

use super::{Manifest, Published, as_of_date};
use crate::job::{Job, SourceKind};
use crate::land::StaleSource;
use crate::model::{Input, Model};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Partitions of one table that are not what a run of today would make of all it should know: later ones that were
/// computed from partitions this run has replaced, or the run's own where a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The table.
    pub table: String,
    /// The earliest stale date.
    pub from_date: NaiveDate,
    /// How many dates are stale.
    pub partitions: u64,
    /// What the run's own partition rests on, in words, where a source could not be read; none for later partitions.
    pub rests_on: Option<String>,
}

/// The tables whose later partitions are stale after a run of `as_of` that published `published`.
///
/// `reads_published` says for each table which tables' earlier partitions it rests on, directly or through tables of its
/// own date. A re-run that wrote the same bytes makes nothing stale.
pub fn stale(
    manifest: &Manifest,
    as_of: NaiveDate,
    published: &[Published],
    reads_published: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<Stale> {
    let is_of_run = |object: &&Published| object.changed && as_of_date(&object.key) == Some(as_of);
    let mut replaced: BTreeSet<&str> = published.iter().filter(is_of_run).map(|object| object.table.as_str()).collect();
    let mut stale = BTreeMap::new();
    // A stale table's own history is read by others in turn: until nothing is added.
    loop {
        let before = stale.len();
        for (table, reads) in reads_published {
            if stale.contains_key(table.as_str()) || !reads.iter().any(|read| replaced.contains(read.as_str())) {
                continue;
            }
            let later = |date: &NaiveDate| *date > as_of;
            let of_table = manifest.objects.values().filter(|object| object.table == *table);
            let dates: BTreeSet<NaiveDate> = of_table.filter_map(|object| object.as_of_date()).filter(later).collect();
            if let Some(&from_date) = dates.first() {
                let partitions = dates.len() as u64;
                stale.insert(table.as_str(), Stale { table: table.clone(), from_date, partitions, rests_on: None });
                replaced.insert(table.as_str());
            }
        }
        if stale.len() == before {
            return stale.into_values().collect();
        }
    }
}

/// The public tables of a run of `as_of` among `models` that rest on sources which could not be read, through whatever
/// lies between.
pub fn resting_on(job: &Job, models: &[&Model], as_of: NaiveDate, sources: &[StaleSource]) -> Vec<Stale> {
    let mut resting: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in &job.sources {
        let SourceKind::Api(api) = &source.kind else { continue };
        for stale in sources.iter().filter(|stale| stale.source == source.name) {
            let is_read = |input: &Input| matches!(input, Input::Landed(name) if stale.streams.contains(name));
            for query in api.entities.iter().filter(|query| query.model.inputs.iter().any(is_read)) {
                let what = format!("{} as landed for {}", stale.source, stale.landed_date);
                resting.entry(query.entity.as_str()).or_default().insert(what);
            }
        }
    }
    let provided = std::mem::take(&mut resting);
    for model in models {
        let mut on: BTreeSet<String> = BTreeSet::new();
        for input in &model.inputs {
            match input {
                Input::Provided(entity) => on.extend(provided.get(entity.as_str()).into_iter().flatten().cloned()),
                Input::Model(name) => on.extend(resting.get(name.as_str()).into_iter().flatten().cloned()),
                _ => {}
            }
        }
        resting.insert(&model.name, on);
    }
    let public = models.iter().filter(|model| model.publish);
    let stale = public.filter_map(|model| {
        let on = resting.get(model.name.as_str()).filter(|on| !on.is_empty())?;
        let rests_on = on.iter().cloned().collect::<Vec<_>>().join(" and ");
        Some(Stale { table: model.name.clone(), from_date: as_of, partitions: 1, rests_on: Some(rests_on) })
    });
    stale.collect()
}
