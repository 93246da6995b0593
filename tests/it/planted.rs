//! What the made-up company planted against what the run found, seed by seed: all of it, nothing else, to the cent.
//!
//! `TAILWATER_TEST_SEEDS` says how many seeds (20 where it says nothing). Each seed is run at a date of its own.

use crate::dsl::World;

/// The codes that the sample plants on purpose.
pub const PLANTED_CODES: [&str; 45] = [
    "P1", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "C1", "C2",
    "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "E1", "O1", "O2", "O3", "A1", "A2", "R1", "R2",
    "R3", "R4", "R5", "R6", "X1", "D1", "D2", "D3",
];

/// What both sides say of a finding; amounts are compared as decimals.
pub const KEY: &str = "check_code, class, account_id, contract_id, contract_line_id, product_id, subject_id, \
                   component, step, period_start_date, gap_amount, waived_amount, absorbed_amount, currency";

fn seeds() -> u64 {
    std::env::var("TAILWATER_TEST_SEEDS").ok().map_or(20, |text| text.parse().unwrap())
}

fn ask(world: &World, job: &str, query: &str) -> Vec<String> {
    let answer = world.tailwater(&["sql", job, query, "--format", "csv"]).run();
    answer.stdout.lines().skip(1).map(str::to_owned).collect()
}

/// A made-up company of that seed, run once; usage beyond what is metered is thinned out, it plays no part here.
pub fn company(seed: u64, as_of: &str) -> World {
    let world = World::new();
    world.file(
        "job.toml",
        format!(
            "name = \"seed\"\nwarehouse = \"warehouse\"\n\n[company]\ncurrency = \"USD\"\n\n\
             [sources.demo]\nsystem = \"sample\"\nseed = {seed}\nstart = 2025-01-01\nusage_scale = 0.05\n"
        ),
    );
    world.tailwater(&["run", "job.toml", "--as-of", as_of, "--select", "contract_drift_period,planted"]).run();
    world
}

/// Rows that are found and not planted, or planted and not found.
pub fn apart(world: &World, job: &str) -> Vec<String> {
    ask(
        world,
        job,
        &format!(
            "with found as (select {KEY} from latest.contract_drift_period), \
             planted as (select {KEY} from latest.planted) \
             select 'missed' as side, * from (select * from planted except all select * from found) \
             union all select 'not planted' as side, * from (select * from found except all select * from planted) \
             order by 4, 6, 11, 1"
        ),
    )
}

#[test]
fn everything_planted_is_found_and_nothing_else() {
    for seed in 1..=seeds() {
        // Over the seeds the date walks through fifteen months, so that every kind of day comes up.
        let as_of =
            (chrono::NaiveDate::from_ymd_opt(2026, 1, 31).unwrap() + chrono::Days::new(seed * 23 % 330)).to_string();
        let world = company(seed, &as_of);
        let apart = apart(&world, "job.toml");
        assert!(apart.is_empty(), "seed {seed}, as of {as_of}: {} rows apart\n{}", apart.len(), apart.join("\n"));
    }
}

#[test]
fn every_seed_plants_enough_of_each_code_and_several_causes_on_one_line() {
    for seed in 1..=seeds().min(3) {
        let world = company(seed, "2026-10-31");
        let counts = ask(
            &world,
            "job.toml",
            "select check_code, count(distinct concat_ws('|', account_id, contract_id, contract_line_id, product_id, subject_id)) from latest.planted where kind = 'planted' group by 1 order by 1",
        );
        for code in PLANTED_CODES {
            let found = counts.iter().find_map(|row| row.strip_prefix(&format!("{code},")));
            let count: u64 = found.unwrap_or("0").parse().unwrap();
            assert!(count >= 5, "seed {seed} plants {code} {count} times; all counts: {counts:?}");
        }
        let shares = ask(
            &world,
            "job.toml",
            "with line as (select contract_line_id, count(distinct check_code) as causes from latest.planted \
             where kind = 'planted' and contract_line_id <> '' and class = 'leak' and step <> '' group by 1) \
             select count(*) filter (where causes > 1) * 100 / count(*) from line",
        );
        let share: u64 = shares[0].parse().unwrap();
        assert!(share >= 30, "seed {seed}: {share} % of the leaking lines have two causes or more");
    }
}
