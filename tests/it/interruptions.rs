//! Killed at any moment, every partition is whole, and the next run ends in the bytes of a run that was never killed.

use crate::dsl::World;
use crate::same_bytes::sample_job;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const RUN: [&str; 4] = ["run", "job.toml", "--as-of", "2026-06-30"];

fn clean_run() -> (BTreeMap<String, String>, Duration) {
    let world = World::new();
    world.file("job.toml", sample_job("killed", "warehouse", ""));
    let started = Instant::now();
    world.tailwater(&RUN).run();
    (world.public_files("warehouse"), started.elapsed())
}

#[test]
fn killed_at_many_moments_and_started_again() {
    let (clean, whole) = clean_run();
    let world = World::new();
    world.file("job.toml", sample_job("killed", "warehouse", ""));
    let moments = 12;
    for moment in 1..=moments {
        let mut child = world.tailwater(&RUN).spawn();
        std::thread::sleep(whole.mul_f64(f64::from(moment) / f64::from(moments)));
        // Already finished is fine: the last moments are meant to hit the commit.
        let _ = child.kill();
        child.wait().unwrap();
        for (name, hash) in world.public_files("warehouse") {
            assert_eq!(clean.get(&name), Some(&hash), "{name} is not whole after a kill at {moment}/{moments}");
        }
    }
    world.tailwater(&RUN).run();
    assert_eq!(clean, world.public_files("warehouse"));
    let left = crate::dsl::files_under(&world.path("warehouse/_tailwater/staging"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_orderly_stop_ends_with_75_and_leaves_the_warehouse_as_it_was() {
    let world = World::new();
    world.file("job.toml", sample_job("stopped", "warehouse", ""));
    let mut child = world.tailwater(&RUN).spawn();
    // Long enough to have taken the lease, short enough not to be done.
    let lock = world.path("warehouse/_tailwater/locks/stopped.json");
    let waiting = Instant::now();
    while !lock.exists() && waiting.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert_eq!(world.public_files("warehouse"), BTreeMap::new());
    world.tailwater(&RUN).run();
    world.tailwater(&["history", "job.toml"]).stdout("interrupted").run();
}

#[test]
fn a_second_run_meets_the_first() {
    let world = World::new();
    world.file("job.toml", sample_job("busy", "warehouse", ""));
    let store = tailwater::store::Store::open(world.path("warehouse")).unwrap();
    let holder = tailwater::store::Holder {
        job: "busy".to_owned(),
        run_id: "other".to_owned(),
        started_at: "2026-07-01T05:00:00Z".to_owned(),
        as_of_date: "2026-06-30".to_owned(),
    };
    let lease = tailwater::store::Lease::acquire(&store, &holder).unwrap();
    world.tailwater(&RUN).status(73).stderr("run other").run();
    drop(lease);
    world.tailwater(&RUN).run();
}
