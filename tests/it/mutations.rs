//! Would anybody notice? Every rule of `tests/mutations.toml` is flipped in the SQL, one at a time, and each flip must show: the
//! found no longer equals the planted, or a check blocks the run.
//!
//! `TAILWATER_TEST_MUTATIONS` says how many of the list are tried, spread evenly over it (8 where it says nothing); `all` tries each.

use crate::dsl::World;
use crate::planted::{KEY, apart, company};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The seed and the date that all flips are tried on.
const SEED: u64 = 3;
const AS_OF: &str = "2026-10-31";

/// One rule and how it is flipped.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    /// The check whose rule it is.
    code: String,
    /// The rule, in words.
    rule: String,
    /// The model, below `sql/`.
    model: String,
    /// Text that stands there exactly once.
    from: String,
    /// What takes its place.
    to: String,
}

#[derive(Debug, Deserialize)]
struct Mutations {
    mutation: Vec<Mutation>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mutations() -> Vec<Mutation> {
    let text = std::fs::read_to_string(root().join("tests/mutations.toml")).unwrap();
    toml::from_str::<Mutations>(&text).unwrap().mutation
}

/// The model's text with the rule flipped.
fn flipped(mutation: &Mutation) -> String {
    let text = std::fs::read_to_string(root().join("sql").join(&mutation.model)).unwrap();
    assert_eq!(
        text.matches(&mutation.from).count(),
        1,
        "{}: {:?} stands not exactly once in {}",
        mutation.code,
        mutation.from,
        mutation.model
    );
    text.replace(&mutation.from, &mutation.to)
}

/// Those of the list that are tried in this run, spread evenly over it.
fn chosen(all: Vec<Mutation>) -> Vec<Mutation> {
    let wanted = match std::env::var("TAILWATER_TEST_MUTATIONS").as_deref() {
        Ok("all") => all.len(),
        Ok(number) => number.parse().unwrap(),
        Err(_) => 8,
    };
    let (total, wanted) = (all.len(), wanted.clamp(1, all.len()));
    (0..wanted).map(|place| all[place * total / wanted].clone()).collect()
}

/// Whether a run with the rule flipped gives itself away.
fn is_noticed(world: &World, mutation: &Mutation) -> bool {
    let folder = format!("flipped/{}", mutation.model);
    world.file(&folder, flipped(mutation));
    let answer = world
        .tailwater(&["run", "flipped.toml", "--as-of", AS_OF, "--select", "contract_drift_period"])
        .any_status()
        .run();
    let ended = matches!(answer.status, Some(0 | 65));
    assert!(ended, "{mutation:?} ended with {:?}\n{}", answer.status, answer.stderr);
    let noticed = answer.status == Some(65) || !apart(world, "flipped.toml").is_empty();
    std::fs::remove_file(world.path(&folder)).unwrap();
    noticed
}

#[test]
fn every_flipped_rule_is_noticed() {
    let world = company(SEED, AS_OF);
    assert!(apart(&world, "job.toml").is_empty(), "the rules as they are must find what is planted ({KEY})");
    let job = std::fs::read_to_string(world.path("job.toml")).unwrap();
    world.file("flipped.toml", job.replacen("warehouse =", "sql = \"flipped\"\nwarehouse =", 1));
    let unnoticed: Vec<String> = chosen(mutations())
        .iter()
        .filter(|mutation| !is_noticed(&world, mutation))
        .map(|mutation| format!("{}: {} ({})", mutation.code, mutation.rule, mutation.model))
        .collect();
    assert!(unnoticed.is_empty(), "nobody would notice:\n{}", unnoticed.join("\n"));
}

#[test]
fn every_code_that_is_planted_has_a_rule_to_flip() {
    let codes: BTreeSet<String> = mutations().into_iter().map(|mutation| mutation.code).collect();
    let missing: Vec<&str> = crate::planted::PLANTED_CODES.into_iter().filter(|code| !codes.contains(*code)).collect();
    assert!(missing.is_empty(), "no mutation for {missing:?}");
}
