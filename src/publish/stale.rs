//! Which later dates rest on what a re-run of an earlier date has just replaced.

use super::{Manifest, Published, as_of_date};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Later partitions of one table that were computed from partitions this run has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The table.
    pub table: String,
    /// The earliest stale date.
    pub from_date: NaiveDate,
    /// How many dates are stale.
    pub partitions: u64,
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
                stale.insert(table.as_str(), Stale { table: table.clone(), from_date, partitions });
                replaced.insert(table.as_str());
            }
        }
        if stale.len() == before {
            return stale.into_values().collect();
        }
    }
}
