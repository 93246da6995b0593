//! What people and pipes get to see.

use crate::dsl::World;

const AS_OF: [&str; 2] = ["--as-of", "2026-06-30"];

#[test]
fn plan_shows_everything_and_touches_nothing() {
    let world = World::small_company();
    let plan = |world: &World| world.tailwater(&["plan", "job.toml"]).arg(AS_OF[0]).arg(AS_OF[1]).run().stdout;
    let text = plan(&world);
    for wanted in ["files", "account.csv", "account_health", "as_of", "2026-06-30", "quarantine_max_share_pct", "new"] {
        assert!(text.contains(wanted), "{wanted:?} is missing\n{text}");
    }
    assert!(!world.path("warehouse").exists());
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let before = crate::dsl::files_under(&world.path("warehouse"));
    let text = plan(&world);
    assert!(text.contains("replace"), "{text}");
    assert_eq!(before, crate::dsl::files_under(&world.path("warehouse")));
}

#[test]
fn check_reads_every_model_and_tries_the_sources_when_asked() {
    let world = World::small_company();
    world.tailwater(&["check", "job.toml"]).stdout("account").run();
    world.tailwater(&["check", "job.toml", "--connect"]).run();
    std::fs::remove_file(world.path("data/ticket.csv")).unwrap();
    world.tailwater(&["check", "job.toml"]).run();
    let answer = world.tailwater(&["check", "job.toml", "--connect"]).any_status().stderr("ticket.csv").run();
    assert!(matches!(answer.status, Some(64 | 69)), "{}", answer.stderr);
    assert!(!world.path("warehouse").exists());
}

#[test]
fn the_warehouse_answers_as_table_csv_and_json() {
    let world = World::small_company();
    world.tailwater(&["sql", "job.toml", "select 1"]).status(64).stderr("tailwater run").run();
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-29"]).run();
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let dates = "select distinct as_of_date from source_coverage order by as_of_date";
    world
        .tailwater(&["sql", "job.toml", dates, "--format", "csv"])
        .stdout("as_of_date\n2026-06-29\n2026-06-30\n")
        .run();
    let latest = "select distinct as_of_date from latest.source_coverage";
    world.tailwater(&["sql", "job.toml", latest, "--format", "json"]).stdout("{\"as_of_date\":\"2026-06-30\"}\n").run();
    world.tailwater(&["sql", "job.toml", "select nothing from account_health"]).status(64).stderr("nothing").run();
    world.tailwater(&["sql", "job.toml", "drop table account_health"]).status(64).run();
    world.tailwater(&["history", "job.toml"]).stdout("29 Jun 2026").stdout("30 Jun 2026").run();
}

#[test]
fn the_log_is_one_json_object_a_line_when_asked() {
    let world = World::small_company();
    let answer = world.tailwater(&["run", "job.toml", "--log", "json", "--as-of", "2026-06-30"]).run();
    let lines: Vec<serde_json::Value> = answer
        .stderr
        .lines()
        .chain(answer.stdout.lines())
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 10, "{}", answer.stderr);
}

#[test]
fn a_query_can_be_pasted_into_duckdb() {
    let world = World::small_company();
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let show = |arguments: &[&str]| world.tailwater(arguments).run().stdout;
    let one = show(&["show", "source_coverage", "job.toml", "--dialect", "duckdb", "--as-of", "2026-06-30"]);
    assert!(one.contains("date '2026-06-30'") && one.contains("read_parquet("), "{one}");
    let all = show(&["show", "--all", "job.toml", "--dialect", "duckdb", "--as-of", "2026-06-30"]);
    assert!(all.contains("create table \"account_health\""), "{all}");
    assert!(!all.contains("$as_of"), "a parameter was not filled in");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let world = World::small_company();
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30"]).run();
    let script = format!(
        "'{}' show --all job.toml --as-of 2026-06-30 | head -c 10; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_tailwater")
    );
    let output = std::process::Command::new("bash")
        .arg("-c")
        .arg(script)
        .current_dir(world.path("."))
        .env("TAILWATER_NOW", "2026-07-01T06:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_sample_can_be_written_as_files() {
    let world = World::new();
    world
        .tailwater(&["sample", "out", "--seed", "5", "--accounts", "10", "--start", "2026-05-01", "--to", "2026-06-30"])
        .run();
    let files = crate::dsl::files_under(&world.path("out"));
    assert!(files.len() > 10, "{files:?}");
}
