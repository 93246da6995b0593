//! The look back: what the score would have said before every decision, and that nothing is published for it.

use crate::dsl::{World, files_job};
use chrono::{Days, NaiveDate};
use std::fmt::Write as _;

/// Accounts 0 to 4 leave, three weeks apart; the others renew on the same days.
const LOSSES: u64 = 5;
const ACCOUNTS: u64 = 40;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn decided(account: u64) -> NaiveDate {
    day("2026-03-15") + Days::new(21 * (account % LOSSES))
}

/// Use of a day: about a hundred, weekdays alike; of those who leave it falls from 140 days before the decision on, to a fifth within
/// a hundred days.
fn quantity(account: u64, date: NaiveDate) -> i64 {
    let wobble = i64::try_from((account * 7 + u64::from(date.to_epoch_days().unsigned_abs()) * 5) % 11).unwrap() - 5;
    let into_decline = (date - decided(account)).num_days() + 140;
    let lost = if account < LOSSES { into_decline.clamp(0, 100) * 8 / 10 } else { 0 };
    100 - lost + wobble
}

fn world() -> World {
    let world = World::new();
    let (mut accounts, mut outcomes) = (
        String::from("account_id,name,currency,started_date\n"),
        String::from("outcome_id,account_id,kind,decided_date\n"),
    );
    let mut usage = String::from("account_id,usage_date,metric,quantity,events,core_actions\n");
    for account in 0..ACCOUNTS {
        writeln!(accounts, "a-{account},Account {account},USD,2024-01-01").unwrap();
        let kind = if account < LOSSES { "churned" } else { "renewed" };
        writeln!(outcomes, "o-{account},a-{account},{kind},{}", decided(account)).unwrap();
        for date in day("2025-09-01").iter_days().take_while(|date| *date <= day("2026-06-30")) {
            let uses = quantity(account, date);
            writeln!(usage, "a-{account},{date},actions,{uses},{uses},{uses}").unwrap();
        }
    }
    world
        .file("data/account.csv", accounts)
        .file("data/outcome.csv", outcomes)
        .file("data/usage_daily.csv", usage)
        .file(
            "job.toml",
            files_job("small", &["account", "outcome", "usage_daily"], "[policy]\nbacktest_min_losses = 5\n\n"),
        );
    world
}

#[test]
fn the_score_is_measured_against_decisions_and_nothing_is_published() {
    let world = world();
    world
        .tailwater(&["backtest", "job.toml", "--as-of", "2026-06-30", "--every", "14", "--from", "2025-12-01"])
        .stdout("Yes: 90 days before a decision the score tells who will leave.")
        .stdout("5 decisions: lost")
        .stdout("35 decisions: kept")
        .stdout("1.        usage: losses scored lower than renewals in ")
        .run();
    assert!(world.public_files("warehouse").is_empty(), "nothing is published");
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30", "--select", "health_backtest,signal_evidence"]).run();
    let nightly = world
        .tailwater(&[
            "sql",
            "job.toml",
            "select measure, bucket, value from health_backtest where measure = 'decisions'",
            "--format",
            "csv",
        ])
        .run();
    assert!(nightly.stdout.contains("decisions,lost,5.0000"), "a run counts the decisions too: {}", nightly.stdout);
    assert!(
        !nightly.stdout.contains("auc"),
        "without a published past there is nothing to measure: {}",
        nightly.stdout
    );
}

#[test]
fn without_outcomes_there_is_nothing_to_compare() {
    World::small_company()
        .tailwater(&["backtest", "job.toml", "--as-of", "2026-06-30"])
        .status(64)
        .stderr("no outcome is recorded up to 2026-06-30")
        .run();
}
