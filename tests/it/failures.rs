//! What is wrong is said with its place, has its exit code, and leaves the warehouse as it was.

use crate::dsl::{World, files_job};

const RUN: [&str; 4] = ["run", "job.toml", "--as-of", "2026-06-30"];

/// A warehouse after one good run, and the hash of every public file in it.
fn after_a_good_run() -> (World, std::collections::BTreeMap<String, String>) {
    let world = World::small_company();
    world.tailwater(&RUN).run();
    let files = world.public_files("warehouse");
    assert!(!files.is_empty());
    (world, files)
}

#[test]
fn a_mistyped_key_names_the_line_and_the_right_name() {
    let world = World::small_company();
    let job = files_job("small", &["account"], "").replace("schedule", "shedule");
    world.file("job.toml", job);
    for command in ["run", "check", "plan"] {
        let answer = world.tailwater(&[command, "job.toml"]).status(64).stderr("job.toml:2").stderr("schedule").run();
        assert!(answer.stdout.is_empty(), "{}", answer.stdout);
    }
    assert!(!world.path("warehouse").exists());
}

#[test]
fn a_missing_job_and_a_wrong_argument_are_usage_errors() {
    let world = World::new();
    world.tailwater(&["run", "nothing.toml"]).status(64).stderr("nothing.toml").run();
    world.tailwater(&["run"]).status(64).run();
    world.tailwater(&["rum", "job.toml"]).status(64).run();
    world.tailwater(&["run", "job.toml", "--as-of", "yesterday"]).status(64).run();
    world.tailwater(&["--version"]).stdout("tailwater ").run();
}

#[test]
fn an_error_in_a_sql_file_points_into_it() {
    let world = World::small_company();
    let mart = "/*---\ntitle = \"Mine\"\nowner = \"data\"\ngrain = [\"account_id\", \"as_of_date\"]\npartition_by = [\"as_of_date\"]\n\n\
                [columns]\naccount_id = { type = \"text\", doc = \"The account\" }\n\
                as_of_date = { type = \"date\", doc = \"The run's date\" }\n---*/\n\
                select\n    acount_id as account_id,\n    cast($as_of as date) as as_of_date\nfrom account\n";
    world.file("models/marts/mine.sql", mart);
    let job = files_job("small", &["account"], "").replace("warehouse =", "sql = \"models\"\nwarehouse =");
    world.file("job.toml", &job);
    world.tailwater(&RUN).status(64).stderr("mine.sql:12").stderr("acount_id").run();
    assert!(world.public_files("warehouse").is_empty());
    world.file("models/marts/mine.sql", mart.replace("acount_id as account_id", "account_id"));
    world.tailwater(&RUN).run();
    world
        .tailwater(&["sql", "job.toml", "select account_id from mine order by account_id", "--format", "csv"])
        .stdout("account_id\na-1\na-2\n")
        .run();
}

#[test]
fn a_blocked_check_publishes_nothing_and_shows_the_rows() {
    let (world, before) = after_a_good_run();
    let check = "/*---\ntitle = \"No account is called Bob\"\nowner = \"data\"\nseverity = \"block\"\n\n[columns]\n\
                 account_id = { type = \"text\", doc = \"The account\" }\nname = { type = \"text\", doc = \"Its name\" }\n---*/\n\
                 select\n    account_id,\n    name\nfrom account\nwhere name = 'Bob'\n";
    world.file("models/checks/no_bob.sql", check);
    let job = files_job("small", &["account", "ticket", "usage_event"], "");
    world.file("job.toml", job.replace("warehouse =", "sql = \"models\"\nwarehouse ="));
    world.file("data/account.csv", "account_id,name,currency\na-1,Ada,USD\na-2,Bob,USD\na-3,Cid,USD\n");
    world.tailwater(&RUN).status(65).stderr("no_bob").stderr("a-2").stderr("the warehouse is as it was").run();
    assert_eq!(before, world.public_files("warehouse"));
    world.tailwater(&["history", "job.toml"]).stdout("blocked").run();
    world.file("models/checks/no_bob.sql", check.replace("\"block\"", "\"warn\""));
    world.tailwater(&RUN).run();
    assert_ne!(before, world.public_files("warehouse"));
}

#[test]
fn an_input_that_is_not_what_it_says_leaves_the_warehouse_as_it_was() {
    let (world, before) = after_a_good_run();
    let gzip = {
        use std::io::Write;
        let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        whole.write_all("account_id,name\na-1,Ada\n".repeat(500).as_bytes()).unwrap();
        whole.finish().unwrap()
    };
    let junk: Vec<u8> = (0..1024_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let cases: [(&str, &[u8]); 4] = [
        ("a truncated gzip", &gzip[..gzip.len() / 2]),
        ("an empty file", b""),
        ("binary junk", &junk),
        ("a page instead of a table", b"<!doctype html>\n<html><body>503</body></html>\n"),
    ];
    for (what, content) in cases {
        world.file("data/account.csv", content);
        let answer = world.tailwater(&RUN).any_status().stderr("account.csv").run();
        assert!(matches!(answer.status, Some(64 | 65 | 69)), "{what}: {:?}\n{}", answer.status, answer.stderr);
        assert_eq!(before, world.public_files("warehouse"), "{what}");
    }
    world.file("data/account.csv", "account_id,name,currency\na-1,Ada,USD\na-2,Bob,USD\n");
    world.tailwater(&RUN).run();
    assert_eq!(before, world.public_files("warehouse"));
}

#[test]
fn rows_that_cannot_be_read_are_counted_and_too_many_block() {
    let world = World::small_company();
    let row = |number: usize, amount: &str| format!("i-{number},a-1,open,2026-06-01,USD,{amount}\n");
    let good: String = (0..99).map(|number| row(number, "10.00")).collect();
    let header = "invoice_id,account_id,status,issued_date,currency,subtotal\n";
    world.file("job.toml", files_job("small", &["account", "invoice"], ""));
    world.file("data/invoice.csv", format!("{header}{good}{}", row(99, "ten")));
    world.tailwater(&RUN).run();
    world
        .tailwater(&[
            "sql",
            "job.toml",
            "select line_number, column_name, raw_value from quarantine",
            "--format",
            "csv",
        ])
        .stdout("line_number,column_name,raw_value\n101,subtotal,ten\n")
        .run();
    let before = world.public_files("warehouse");
    let bad: String = (100..110).map(|number| row(number, "ten")).collect();
    world.file("data/invoice.csv", format!("{header}{good}{bad}"));
    world.tailwater(&RUN).status(65).stderr("quarantine").stderr("invoice").run();
    assert_eq!(before, world.public_files("warehouse"));
}
