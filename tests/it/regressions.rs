//! What once went wrong, by name.

use crate::dsl::{World, files_job};

fn at(now: &str) -> Vec<(String, String)> {
    vec![("TAILWATER_NOW".to_owned(), now.to_owned())]
}

fn events(days: std::ops::RangeInclusive<u32>) -> String {
    let mut text = String::from("event_id,account_id,user_id,name,metric,occurred_at\n");
    for day in days {
        text.push_str(&format!("e-{day},a-1,u-1,open,actions,2026-05-{day:02}T09:00:00Z\n"));
    }
    text
}

fn usage_company(usage: &str) -> World {
    let world = World::new();
    world
        .file("data/account.csv", "account_id,name\na-1,Ada\n")
        .file("data/usage_event.csv", usage)
        .file("job.toml", files_job("usage", &["account", "usage_event"], ""));
    world
}

#[test]
fn late_events_were_lost_when_an_older_date_was_run_first() {
    let world = usage_company(&events(1..=10));
    let old = ["run", "job.toml", "--as-of", "2026-05-10"];
    world.tailwater(&old).envs(&at("2026-05-11T06:00:00Z")).run();
    // The file grows, and the next run is one of the older date: it lands the new rows without being about them.
    world.file("data/usage_event.csv", events(1..=20));
    world.tailwater(&old).envs(&at("2026-05-21T06:00:00Z")).run();
    let new = ["run", "job.toml", "--as-of", "2026-05-20"];
    world.tailwater(&new).envs(&at("2026-05-21T07:00:00Z")).run();

    let fresh = usage_company(&events(1..=20));
    fresh.tailwater(&new).envs(&at("2026-05-21T07:00:00Z")).run();
    let usage = |world: &World| {
        let mut files = world.public_files("warehouse");
        files.retain(|name, _| name.starts_with("usage_daily/"));
        files
    };
    assert_eq!(usage(&world).len(), 1);
    assert_eq!(usage(&world), usage(&fresh));
}

#[test]
fn a_mart_of_the_users_own_replaced_another_date() {
    let world = World::small_company();
    world.file(
        "job.toml",
        files_job("small", &["account", "ticket", "usage_event"], "")
            .replace("[company]", "sql = \"own\"\n\n[company]"),
    );
    world.file(
        "own/marts/yesterday.sql",
        "/*---\ntitle = \"Yesterday\"\nowner = \"data\"\ngrain = [\"account_id\", \"as_of_date\"]\npartition_by = [\"as_of_date\"]\n\n\
         [columns]\naccount_id = { type = \"text\", doc = \"The account\" }\nas_of_date = { type = \"date\", doc = \"A day too early\" }\n---*/\n\
         select\n    account_id,\n    cast($as_of as date) - 1 as as_of_date\nfrom account\n",
    );
    let run = world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]);
    run.status(64).stderr("a run replaces its own date only").run();
    assert!(world.public_files("warehouse").is_empty());
}

#[test]
fn milliseconds_read_as_seconds_stopped_the_run() {
    let world = World::new();
    let map = "\n[sources.files.inputs.map]\ncreated_at = { column = \"created\", format = \"unix\" }\n";
    world
        .file("data/account.csv", "account_id,name\na-1,Ada\n")
        .file("data/ticket.csv", "ticket_id,account_id,created\nt-1,a-1,1780000000\nt-2,a-1,1780000000000\n")
        .file(
            "job.toml",
            files_job("small", &["account", "ticket"], "[policy]\nquarantine_max_share_pct = 60\n\n") + map,
        );
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let asked = "select raw_value, reason from latest.quarantine";
    world.tailwater(&["sql", "job.toml", asked]).stdout("1780000000000").stdout("years 1 to 9999").run();
}
