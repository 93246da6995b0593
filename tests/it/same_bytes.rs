//! Same inputs, same date: the same bytes, whatever the number of cores and however often.

use crate::dsl::{World, files_job};

const SAMPLE: &str = "[sources.demo]\nsystem = \"sample\"\nseed = 3\naccounts = 24\nstart = 2026-01-01\n";

/// A job over a small made-up company.
pub fn sample_job(name: &str, warehouse: &str, more: &str) -> String {
    format!(
        "name = \"{name}\"\nschedule = \"0 5 * * *\"\ntimezone = \"Etc/UTC\"\nwarehouse = \"{warehouse}\"\n\n\
         [company]\ncurrency = \"USD\"\n\n{more}\n{SAMPLE}"
    )
}

#[test]
fn the_number_of_partitions_and_a_pool_that_spills_do_not_show() {
    let world = World::new();
    let mut all = Vec::new();
    let engines = ["partitions = 1", "partitions = 2", "partitions = 7", "partitions = 2\nmemory = \"64MiB\""];
    for (at, engine) in engines.iter().enumerate() {
        let warehouse = format!("warehouse-{at}");
        world.file("job.toml", sample_job("same", &warehouse, &format!("[engine]\n{engine}\n")));
        world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
        all.push(world.public_files(&warehouse));
    }
    assert!(all[0].len() > 5, "{:?}", all[0]);
    for (files, engine) in all.iter().zip(engines) {
        assert_eq!(&all[0], files, "with {engine}");
    }
}

#[test]
fn a_second_run_of_a_date_changes_nothing() {
    let world = World::small_company();
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let first = world.public_files("warehouse");
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    assert_eq!(first, world.public_files("warehouse"));
}

#[test]
fn a_run_replaces_its_own_date_and_no_other() {
    let world = World::small_company();
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-29"]).run();
    let before = world.public_files("warehouse");
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let both = world.public_files("warehouse");
    for (name, hash) in before.iter().filter(|(name, _)| name.contains("as_of_date=2026-06-29")) {
        assert_eq!(both.get(name), Some(hash), "{name}");
    }
    // A new account arrives; the later date is computed again, the earlier one stays as it was.
    world.file("data/account.csv", "account_id,name,currency\na-1,Ada,USD\na-2,Bob,USD\na-3,Cid,USD\n");
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let after = world.public_files("warehouse");
    let of = |files: &std::collections::BTreeMap<String, String>, date: &str| {
        files.iter().filter(|(name, _)| name.contains(date)).map(|(n, h)| (n.clone(), h.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of(&both, "as_of_date=2026-06-29"), of(&after, "as_of_date=2026-06-29"));
    assert_ne!(of(&both, "as_of_date=2026-06-30"), of(&after, "as_of_date=2026-06-30"));
}

#[test]
fn an_empty_input_gives_empty_tables_with_every_column() {
    let world = World::new();
    world.file("data/account.csv", "account_id,name\n").file("job.toml", files_job("empty", &["account"], ""));
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    world
        .tailwater(&["sql", "job.toml", "select count(*) as rows_there from source_coverage", "--format", "csv"])
        .stdout("rows_there\n")
        .run();
    let files = world.public_files("warehouse");
    assert!(files.contains_key("contract_drift/as_of_date=2026-06-30/part-0.parquet"), "{files:?}");
}
