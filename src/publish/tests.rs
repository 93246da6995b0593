//! The commit, killed after every step; and whoever else writes where we do.

use super::*;
use crate::error::{Class, Result};
use crate::event::Reporter;
use crate::store::{Holder, Lease, Precondition, Store, sha256};
use std::collections::{BTreeMap, BTreeSet};

const JOB: &str = "nightly";

struct Warehouse {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Warehouse {
    fn new() -> Warehouse {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("warehouse")).unwrap();
        Warehouse { _folder: folder, store }
    }

    fn lease(&self, run: &str) -> Lease {
        let holder = Holder {
            job: JOB.to_owned(),
            run_id: run.to_owned(),
            started_at: "2026-11-23T05:00:00Z".to_owned(),
            as_of_date: "2026-11-22".to_owned(),
        };
        Lease::acquire(&self.store, &holder).unwrap()
    }

    fn stage(&self, run: &str, results: &[(&str, &str)]) -> Vec<Staged> {
        let folder = self.store.staging_dir(run).unwrap();
        let stage = |(key, text): &(&str, &str)| {
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            let bytes = text.len() as u64;
            Staged { key: (*key).to_owned(), path, rows: bytes, bytes, sha256: sha256(text.as_bytes()) }
        };
        results.iter().map(stage).collect()
    }

    fn publish(&self, run: &str, results: &[(&str, &str)]) -> Result<Vec<Published>> {
        let mut lease = self.lease(run);
        recover(&self.store, &mut lease, &Reporter::silent())?;
        let staged = self.stage(run, results);
        commit(&self.store, &mut lease, run, &staged, &Reporter::silent())
    }

    fn recover(&self, run: &str) -> Result<Recovery> {
        recover(&self.store, &mut self.lease(run), &Reporter::silent())
    }

    /// Every public object with its text.
    fn public(&self) -> BTreeMap<String, String> {
        let listed = self.store.list("").unwrap();
        let public = listed.into_iter().filter(|object| !keys::is_internal(&object.key));
        public.map(|object| (object.key.clone(), self.text(&object.key))).collect()
    }

    fn text(&self, key: &str) -> String {
        String::from_utf8(self.store.get(key).unwrap().unwrap().0).unwrap()
    }

    fn manifest(&self) -> Manifest {
        Manifest::read(&self.store, JOB).unwrap()
    }

    /// The manifest lists exactly what is public, and nothing of any commit is left over.
    fn assert_whole(&self) {
        let manifest = self.manifest();
        let listed: BTreeMap<_, _> = manifest.objects.iter().map(|(key, o)| (key.clone(), o.sha256.clone())).collect();
        let public = self.public().into_iter().map(|(key, text)| (key, sha256(text.as_bytes()))).collect();
        assert_eq!(listed, public);
        for scratch in ["staging", "commits", "tmp"] {
            assert_eq!(self.store.list(&format!("_tailwater/{scratch}")).unwrap(), [], "{scratch}");
        }
    }
}

const OLD: [(&str, &str); 3] = [
    ("drift/as_of_date=2026-11-21/part-0.parquet", "drift of the 21st"),
    ("drift/as_of_date=2026-11-22/part-0.parquet", "drift of the 22nd, old"),
    ("health/as_of_date=2026-11-22/part-0.parquet", "health, the same in both"),
];
const NEW: [(&str, &str); 3] = [
    ("drift/as_of_date=2026-11-22/part-0.parquet", "drift of the 22nd, new"),
    ("health/as_of_date=2026-11-22/part-0.parquet", "health, the same in both"),
    ("usage/usage_month=2026-11-01/part-0.parquet", "usage, which was not there"),
];

fn texts(results: &[&[(&str, &str)]]) -> BTreeMap<String, String> {
    results.iter().flat_map(|some| some.iter()).map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

/// A warehouse with OLD published and the commit of NEW as run `dead`, killed after `steps` steps beyond `prepare`.
fn killed_after(steps: usize) -> (Warehouse, bool) {
    let warehouse = Warehouse::new();
    warehouse.publish("first", &OLD).unwrap();
    let mut lease = warehouse.lease("dead");
    let staged = warehouse.stage("dead", &NEW);
    let mut commit = Commit::prepare(&warehouse.store, &mut lease, "dead", &staged).unwrap();
    let mut is_more = true;
    for _ in 0..steps {
        is_more = commit.advance().unwrap();
    }
    lease.die();
    (warehouse, is_more)
}

#[test]
fn killed_after_any_step_the_next_start_ends_in_one_of_the_two_states() {
    let mut steps = 0;
    loop {
        let (warehouse, is_more) = killed_after(steps);
        let recovery = warehouse.recover("next").unwrap();
        warehouse.assert_whole();
        // Only the journal had been written: the commit is undone. From the commit point on it is finished.
        let expected = if steps == 0 { texts(&[&OLD]) } else { texts(&[&OLD, &NEW]) };
        assert_eq!(warehouse.public(), expected, "after {steps} steps");
        let [dead] = &recovery.dead[..] else { panic!("one run died: {recovery:?}") };
        assert_eq!((dead.run.run_id.as_str(), dead.is_committed), ("dead", steps > 0));
        let changed = dead.published.iter().filter(|object| object.changed).map(|object| object.key.as_str());
        let expected = if steps == 0 { Vec::new() } else { vec![NEW[0].0, NEW[2].0] };
        assert_eq!(changed.collect::<Vec<_>>(), expected, "after {steps} steps");

        warehouse.publish("again", &NEW).unwrap();
        warehouse.assert_whole();
        assert_eq!(warehouse.public(), texts(&[&OLD, &NEW]), "after {steps} steps and a run");
        if !is_more {
            assert!(steps > 8, "{steps} steps");
            return;
        }
        steps += 1;
    }
}

#[test]
fn a_start_that_dies_while_it_recovers_is_recovered_too() {
    for steps in 1..=6 {
        let (warehouse, _) = killed_after(steps);
        let mut second = warehouse.lease("second");
        let key = second.journal().unwrap().to_owned();
        let (journal, _) = warehouse.store.get_json(&key).unwrap().unwrap();
        let mut resumed = Commit::resume(&warehouse.store, &mut second, journal);
        for _ in 0..(steps % 3) + 1 {
            resumed.advance().unwrap();
        }
        second.die();
        let recovery = warehouse.recover("third").unwrap();
        warehouse.assert_whole();
        assert_eq!(warehouse.public(), texts(&[&OLD, &NEW]));
        assert_eq!(recovery.dead.len(), 2);
    }
}

#[test]
fn a_run_that_dies_before_its_journal_leaves_nothing() {
    let warehouse = Warehouse::new();
    warehouse.publish("first", &OLD).unwrap();
    let lease = warehouse.lease("dead");
    warehouse.stage("dead", &NEW);
    lease.die();
    let recovery = warehouse.recover("next").unwrap();
    warehouse.assert_whole();
    assert_eq!(warehouse.public(), texts(&[&OLD]));
    assert!(!recovery.dead[0].is_committed);
    // Nobody wrote its record: it is still owed one. Then it is forgotten.
    let mut lease = warehouse.lease("after");
    assert_eq!(lease.dead().len(), 1);
    lease.forget_dead().unwrap();
    drop(lease);
    assert!(warehouse.recover("later").unwrap().dead.is_empty());
}

#[test]
fn objects_that_did_not_change_are_listed_and_not_rewritten() {
    use std::os::unix::fs::MetadataExt;
    let warehouse = Warehouse::new();
    warehouse.publish("first", &OLD).unwrap();
    let inode = |key: &str| std::fs::metadata(warehouse.store.path(key).unwrap()).unwrap().ino();
    let before = inode(NEW[1].0);
    let published = warehouse.publish("second", &NEW).unwrap();
    assert_eq!(published.iter().map(|object| object.changed).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(inode(NEW[1].0), before);
    let manifest = warehouse.manifest();
    assert_eq!(manifest.commit, "second");
    assert_eq!(manifest.objects[NEW[1].0].commit, "first", "an entry names the commit that wrote its bytes");
    assert_eq!(manifest.objects[NEW[0].0].commit, "second");
    assert_eq!(manifest.folders("usage"), ["usage_month=2026-11-01"]);
}

#[test]
fn a_public_file_that_somebody_else_changed_is_not_overwritten() {
    let warehouse = Warehouse::new();
    warehouse.publish("first", &OLD).unwrap();
    std::fs::write(warehouse.store.path(NEW[0].0).unwrap(), "edited by hand").unwrap();
    std::fs::create_dir_all(warehouse.store.path("usage/usage_month=2026-11-01").unwrap()).unwrap();
    std::fs::write(warehouse.store.path(NEW[2].0).unwrap(), "somebody's").unwrap();
    let error = warehouse.publish("second", &NEW).unwrap_err();
    assert_eq!(error.class(), Class::Conflict);
    let text = error.to_string();
    assert!(text.contains(NEW[0].0) && text.contains("not written by this job"), "{text}");
    assert!(text.contains("help: move those files away"), "{text}");
    assert_eq!(warehouse.text(NEW[0].0), "edited by hand");
    assert_eq!(warehouse.text(NEW[2].0), "somebody's");

    // The way out that the message names.
    for key in [NEW[0].0, NEW[2].0] {
        std::fs::remove_file(warehouse.store.path(key).unwrap()).unwrap();
    }
    warehouse.publish("third", &NEW).unwrap();
    warehouse.assert_whole();
}

#[test]
fn a_file_changed_between_commit_point_and_rename_stops_every_start_until_it_is_settled() {
    let (warehouse, _) = killed_after(1);
    let path = warehouse.store.path(NEW[0].0).unwrap();
    std::fs::write(&path, "edited by hand").unwrap();
    for run in ["next", "after"] {
        let error = warehouse.recover(run).unwrap_err();
        assert_eq!(error.class(), Class::Conflict);
        assert!(error.to_string().contains("mv '"), "{error}");
        assert_eq!(warehouse.text(NEW[0].0), "edited by hand");
    }
    let staged = warehouse.store.path(&format!("_tailwater/staging/dead/{}", NEW[0].0)).unwrap();
    std::fs::rename(staged, path).unwrap();
    warehouse.recover("last").unwrap();
    warehouse.assert_whole();
    assert_eq!(warehouse.public(), texts(&[&OLD, &NEW]));
}

#[test]
fn a_replaced_manifest_is_a_conflict() {
    let (warehouse, _) = killed_after(4);
    let key = keys::manifest(JOB);
    let (bytes, etag) = warehouse.store.get(&key).unwrap().unwrap();
    let edited = [bytes.as_slice(), b"\n"].concat();
    let edited = warehouse.store.put(&key, &edited, &Precondition::Etag(etag)).unwrap();
    assert_eq!(warehouse.recover("next").unwrap_err().class(), Class::Conflict);
    warehouse.store.put(&key, &bytes, &Precondition::Etag(edited)).unwrap();
    warehouse.recover("after").unwrap();
    warehouse.assert_whole();
}

#[test]
fn a_second_job_does_not_take_over_a_table_unasked() {
    let warehouse = Warehouse::new();
    warehouse.publish("first", &OLD).unwrap();
    let holder = Holder {
        job: "weekly".to_owned(),
        run_id: "weekly-1".to_owned(),
        started_at: String::new(),
        as_of_date: String::new(),
    };
    let mut lease = Lease::acquire(&warehouse.store, &holder).unwrap();
    let staged = warehouse.stage("weekly-1", &NEW);
    let error = commit(&warehouse.store, &mut lease, "weekly-1", &staged, &Reporter::silent()).unwrap_err();
    assert!(error.to_string().contains("belongs to job nightly"), "{error}");
}

#[test]
fn published_tables_are_what_the_manifest_lists_strictly_before_a_date() {
    let warehouse = Warehouse::new();
    warehouse.publish("first", &OLD).unwrap();
    let unlisted = warehouse.store.path("drift/as_of_date=2026-11-20/part-0.parquet").unwrap();
    std::fs::create_dir_all(unlisted.parent().unwrap()).unwrap();
    std::fs::write(&unlisted, "not ours").unwrap();
    let manifest = warehouse.manifest();
    let date = |text: &str| text.parse().unwrap();
    let before = |day: &str| manifest.published(&warehouse.store, "drift", date(day)).unwrap();
    let keys_of = |partitions: Vec<Partition>| partitions.into_iter().map(|p| p.key).collect::<Vec<_>>();
    assert_eq!(keys_of(before("2026-11-22")), [OLD[0].0]);
    assert_eq!(keys_of(before("2026-11-23")), [OLD[0].0, OLD[1].0]);
    assert!(before("2026-11-21").is_empty());
    std::fs::write(warehouse.store.path(OLD[0].0).unwrap(), "cut").unwrap();
    let error = manifest.published(&warehouse.store, "drift", date("2026-11-23")).unwrap_err();
    assert_eq!(error.class(), Class::Conflict);
}

#[test]
fn re_running_an_old_date_makes_later_dates_of_history_dependent_tables_stale() {
    let warehouse = Warehouse::new();
    let day = |table: &str, day: u32| format!("{table}/as_of_date=2026-11-{day}/part-0.parquet");
    let tables = ["drift", "health", "list"];
    for d in [20, 21, 22] {
        let keys: Vec<String> = tables.iter().map(|table| day(table, d)).collect();
        let results: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "first")).collect();
        warehouse.publish(&format!("run-{d}"), &results).unwrap();
    }
    let reads: BTreeMap<String, BTreeSet<String>> = [("drift", "drift"), ("list", "drift")]
        .into_iter()
        .map(|(table, read)| (table.to_owned(), BTreeSet::from([read.to_owned()])))
        .collect();
    let rerun = |run: &str, text: &str| {
        let published = warehouse.publish(run, &[(&day("drift", 20), text), (&day("health", 20), text)]).unwrap();
        stale(&warehouse.manifest(), "2026-11-20".parse().unwrap(), &published, &reads)
    };
    assert!(rerun("same", "first").is_empty(), "the same bytes make nothing stale");
    let stale = rerun("other", "second");
    let named: Vec<_> = stale.iter().map(|s| (s.table.as_str(), s.from_date.to_string(), s.partitions)).collect();
    assert_eq!(named, [("drift", "2026-11-21".to_owned(), 2), ("list", "2026-11-21".to_owned(), 2)]);
}
