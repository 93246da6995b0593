//! Jobs over data that other people published: see tests/real/README.md. They need `TAILWATER_PUBLIC_DATA`.

use crate::dsl::World;
use std::path::{Path, PathBuf};

/// The folder of public data, or a printed reason why the test has nothing to read.
fn public_data(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("TAILWATER_PUBLIC_DATA") else {
        eprintln!("skipped: TAILWATER_PUBLIC_DATA is not set, so there is no {name} to read");
        return None;
    };
    let root = PathBuf::from(root);
    assert!(root.join(name).is_dir(), "TAILWATER_PUBLIC_DATA names {}, which holds no {name}", root.display());
    Some(root)
}

/// The job of tests/real, run over the public data into a private warehouse.
fn run(job: &str, data: &Path, as_of: &str) -> (World, Vec<(String, String)>) {
    let world = World::new();
    let settings = vec![
        ("TAILWATER_PUBLIC_DATA".to_owned(), data.display().to_string()),
        ("TAILWATER_REAL_WAREHOUSE".to_owned(), world.path("warehouse").display().to_string()),
    ];
    let file = job_file(job);
    world.tailwater(&["run", &file, "--as-of", as_of]).envs(&settings).run();
    (world, settings)
}

fn job_file(job: &str) -> String {
    format!("{}/tests/real/{job}/job.toml", env!("CARGO_MANIFEST_DIR"))
}

fn ask(world: &World, job: &str, settings: &[(String, String)], query: &str) -> Vec<String> {
    let answer = world.tailwater(&["sql", &job_file(job), query, "--format", "csv"]).envs(settings).run();
    answer.stdout.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn leak_omkar_is_found_as_its_author_describes_it() {
    let Some(data) = public_data("leak_omkar") else { return };
    let (world, settings) = run("leak_omkar", &data, "2025-01-31");
    let by_kind = ask(
        &world,
        "leak_omkar",
        &settings,
        "select case when check_code in ('C1', 'C2', 'C3', 'C4') then 'month without invoice' when check_code = 'R1' then 'never paid' \
         when check_code = 'R2' then 'short paid' else check_code end as kind, class, count(*), sum(gap_amount) \
         from latest.contract_drift_period group by 1, 2 order by 1, 2",
    );
    // Read off the files by hand: 179 months of active subscriptions have no invoice (13,670.00 at plan prices); 209 invoices have no payment
    // (16,570.00); 327 were paid 1,368.15 short. At 31 January 2025 all of them are 30 days past due, the author's own line.
    assert_eq!(
        by_kind,
        [
            "month without invoice,leak,179,13670.0000",
            "never paid,leak,209,16570.0000",
            "short paid,leak,327,1368.1500"
        ]
    );
    let totals = ask(
        &world,
        "leak_omkar",
        &settings,
        "select sum(invoiced), sum(collected), sum(underbilled), sum(collection_leak) from latest.revenue_leakage",
    );
    assert_eq!(totals, ["911490.0000,893551.8500,13670.0000,17938.1500"]);
}

#[test]
fn ravenstack_lands_with_its_dirt_and_gives_health_where_there_is_data() {
    let Some(data) = public_data("ravenstack") else { return };
    let (world, settings) = run("ravenstack", &data, "2024-12-31");
    let quarantined = ask(
        &world,
        "ravenstack",
        &settings,
        "select entity, count(*), min(reason) like 'repeats key usage_id%' from latest.quarantine group by 1",
    );
    assert_eq!(quarantined, ["feature_usage,21,true"], "21 usage ids stand on two rows");
    let accounts = ask(
        &world,
        "ravenstack",
        &settings,
        "select count(*), count(distinct account_id), count(*) filter (where band = 'green' and coverage_pct < 70) from latest.account_health",
    );
    assert_eq!(accounts, ["500,500,0"], "every account has a row, and none is green on too little data");
    let said = ask(
        &world,
        "ravenstack",
        &settings,
        "select count(*) from latest.account_health where band is null or (band = 'insufficient_data' and reasons = '')",
    );
    assert_eq!(said, ["0"], "who has too little data is told what is missing");
    let judged = ask(
        &world,
        "ravenstack",
        &settings,
        "select count(*) from latest.account_health health where (band = 'insufficient_data') <> exists ( \
         select 1 from latest.health_component usage where usage.account_id = health.account_id and usage.component = 'usage' and usage.points is null)",
    );
    assert_eq!(
        judged,
        ["0"],
        "whose use is too little to judge has no band, and nobody else: nothing else is missing that the files could give"
    );
    let verdicts =
        ask(&world, "ravenstack", &settings, "select distinct verdict, missing_term from latest.obligation order by 1");
    assert_eq!(
        verdicts,
        ["not_due,", "unverifiable,invoices"],
        "without a single invoice nothing can be called unbilled"
    );
}
