//! What a warehouse promises, tried on a folder.

use super::*;
use crate::error::Class;
use std::sync::Barrier;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("warehouse")).unwrap();
    (folder, store)
}

#[test]
fn a_write_happens_only_where_its_precondition_holds() {
    let (_folder, store) = store();
    let key = "t/as_of_date=2026-11-22/part-0.parquet";
    let first = store.put(key, b"one", &Precondition::Absent).unwrap();
    assert_eq!(store.put(key, b"two", &Precondition::Absent).unwrap_err().class(), Class::Conflict);
    let wrong = Precondition::Etag(ETag::new(sha256(b"zero")));
    assert_eq!(store.put(key, b"two", &wrong).unwrap_err().class(), Class::Conflict);
    let second = store.put(key, b"two", &Precondition::Etag(first.clone())).unwrap();
    assert_eq!(store.get(key).unwrap(), Some((b"two".to_vec(), second.clone())));
    assert_eq!(store.delete(key, &Precondition::Etag(first)).unwrap_err().class(), Class::Conflict);
    store.delete(key, &Precondition::Etag(second)).unwrap();
    assert_eq!(store.etag(key).unwrap(), None);
    store.delete(key, &Precondition::Absent).unwrap();
    assert!(store.list("_tailwater/tmp").unwrap().is_empty(), "refused writes leave nothing behind");
}

#[test]
fn of_two_stores_racing_for_one_key_exactly_one_wins() {
    let (folder, _) = store();
    for round in 0..50 {
        let key = format!("_tailwater/state/demo/stream-{round}.json");
        let barrier = Barrier::new(2);
        let wins: Vec<bool> = std::thread::scope(|scope| {
            let race = |name: &'static str| {
                let (barrier, key, root) = (&barrier, &key, folder.path().join("warehouse"));
                scope.spawn(move || {
                    let store = Store::open(root).unwrap();
                    barrier.wait();
                    store.put(key, name.as_bytes(), &Precondition::Absent).is_ok()
                })
            };
            let racers = [race("left"), race("right")];
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(wins.iter().filter(|won| **won).count(), 1);
        let (bytes, _) = Store::open(folder.path().join("warehouse")).unwrap().get(&key).unwrap().unwrap();
        let winner: &[u8] = if wins == [true, false] { b"left" } else { b"right" };
        assert_eq!(bytes, winner);
    }
}

#[test]
fn a_draft_is_invisible_until_it_is_committed() {
    use std::io::Write;
    let (_folder, store) = store();
    let draft = store.draft("_tailwater/landing/demo/account/1.parquet").unwrap();
    draft.file().unwrap().write_all(b"rows").unwrap();
    assert!(store.list("_tailwater/landing").unwrap().is_empty());
    store.sweep_temporaries().unwrap();
    assert!(draft.path().exists(), "a live process's file is locked and stays");
    let (etag, bytes) = draft.commit(&Precondition::Absent).unwrap();
    assert_eq!((etag.as_str(), bytes), (sha256(b"rows").as_str(), 4));
    let listed = store.list("_tailwater/landing").unwrap();
    let expected = Listed { key: "_tailwater/landing/demo/account/1.parquet".to_owned(), bytes: 4 };
    assert_eq!(listed, [expected]);

    drop(store.draft("x").unwrap());
    std::fs::write(store.root().join("_tailwater/tmp/left-by-the-dead"), "half").unwrap();
    store.sweep_temporaries().unwrap();
    assert!(store.list("_tailwater/tmp").unwrap().is_empty());
}

#[test]
fn paths_and_keys_name_the_same_object() {
    let (_folder, store) = store();
    let staged = store.staging_dir("run-1").unwrap().join("t").join("part-0.parquet");
    assert_eq!(store.key_of(&staged).unwrap(), "_tailwater/staging/run-1/t/part-0.parquet");
    assert!(store.key_of(Path::new("/elsewhere")).is_err());
    assert!(store.put("../x", b"", &Precondition::Absent).is_err());
    assert!(store.remove_tree("contract_drift").is_err());
}

#[test]
fn a_file_in_the_warehouses_place_is_the_users_to_mend() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(Store::open(folder.path().join("file")).unwrap_err().class(), Class::Usage);
    assert!(Store::open_existing(folder.path().join("none")).is_none());
}
