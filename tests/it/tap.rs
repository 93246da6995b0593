//! Singer taps as sources: a small one of our own that dies and stutters on cue, and a real one.

use crate::dsl::{Call, World};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// A tap in a few lines of Python. What it does beside its rows is asked for in its configuration.
const TAP: &str = r#"
import json, os, sys, time
arguments = dict(zip(sys.argv[1::1], sys.argv[2::1]))
config = json.load(open(arguments["--config"]))
def say(**message):
    print(json.dumps(message, ensure_ascii=False), flush=True)
SCHEMA = {"type": "object", "properties": {
    "id": {"type": "string"}, "customer": {"type": ["null", "string"]}, "opened": {"type": "string", "format": "date-time"},
    "amount": {"type": ["null", "number"], "multipleOf": 0.01}, "more": {"type": ["null", "object"]}}}
if "--discover" in sys.argv:
    print(json.dumps({"streams": [{"stream": name, "tap_stream_id": name, "schema": SCHEMA} for name in ("ticket", "other")]}))
    sys.exit(0)
selected = {s["stream"] for s in json.load(open(arguments["--catalog"]))["streams"] if s["schema"].get("selected")}
state = json.load(open(arguments["--state"])) if "--state" in arguments else {"seen": 0}
print("INFO the key is " + config["key"], file=sys.stderr, flush=True)
open(config["trace"], "a").write(json.dumps({"state": state, "selected": sorted(selected), "mode": oct(os.stat(arguments["--config"]).st_mode & 0o777)}) + "\n")
if config.get("stray"):
    print("loading plugins ...", flush=True)
say(type="SCHEMA", stream="ticket", schema=SCHEMA, key_properties=["id"])
rows = config["rows"]
for at, row in enumerate(rows):
    if at < state["seen"] - 1:  # the bookmark is inclusive
        continue
    if at == config.get("dies_at"):
        print("ERROR connection lost", file=sys.stderr, flush=True)
        os._exit(3)
    if at == config.get("sleeps_at"):
        time.sleep(600)
    say(type="RECORD", stream="ticket", record=row, time_extracted="2026-06-30T09:00:00Z")
    say(type="STATE", value={"seen": at + 1})
"#;

const TICKET: &str = "/*---\ntitle = \"Tickets\"\nowner = \"data\"\n---*/\n\
    select\n    id as ticket_id,\n    customer as account_id,\n    opened as created_at,\n    cast(amount as varchar) as priority,\n    \
    more as status\nfrom landed.ticket\n";

const ACCOUNT: &str = "account_id,name,currency\na-1,Ada,USD\n";

const ROWS: &str = r#"[
    { id = "t-1", customer = "a-1", opened = "2026-06-01T10:00:00+02:00", amount = 0.1 },
    { id = "t-2", customer = "a-1", opened = "2026-06-02T10:00:00Z", amount = 12.34 },
    { id = "t-3", customer = "a-1", opened = "2026-06-03T10:00:00Z" },
    { id = "ü-4", customer = "a-1", opened = "2026-06-04T10:00:00.123456Z", amount = 9.99 },
]"#;

fn world(more: &str, settings: &str) -> World {
    let world = World::new();
    let trace = world.path("trace.jsonl");
    // An inline array may not span lines in every reader of TOML.
    let rows = ROWS.replace('\n', " ").replace("},     ]", "} ]").replace("},  ]", "} ]");
    let job = format!(
        "name = \"taps\"\nwarehouse = \"warehouse\"\n[company]\ncurrency = \"USD\"\n\
         [sources.files]\nsystem = \"files\"\n[[sources.files.inputs]]\npath = \"account.csv\"\nentity = \"account\"\n\
         [sources.help]\nsystem = \"singer\"\ncommand = [\"python3\", \"{}\"]\nstreams = [\"ticket\"]\n{settings}\n\
         [sources.help.config]\nkey = {{ env = \"TAP_KEY\" }}\ntrace = \"{}\"\nrows = {rows}\n{more}\n\
         [sources.help.entities]\nticket = \"ticket.sql\"\n",
        world.path("tap.py").display(),
        trace.display()
    );
    world.file("job.toml", job).file("ticket.sql", TICKET).file("account.csv", ACCOUNT).file("tap.py", TAP);
    world
}

fn run(world: &World) -> Call {
    let key = ("TAP_KEY".to_owned(), "s3cr3t-of-the-tap".to_owned());
    world.tailwater(&["run", "job.toml", "--as-of", "2026-06-30", "--select", "source_coverage"]).envs(&[key])
}

/// How many rows the coverage table counts for a stream.
fn landed(world: &World) -> String {
    let key = ("TAP_KEY".to_owned(), "x".to_owned());
    let query = "select landed_rows from latest.source_coverage where source = 'help' and entity = 'ticket'";
    world.tailwater(&["sql", "job.toml", query, "--format", "csv"]).envs(&[key]).run().stdout
}

#[test]
fn records_land_once_and_the_state_comes_back() {
    let world = world("", "");
    run(&world).run();
    let first = landed(&world);
    run(&world).run();
    assert_eq!(landed(&world), first, "the inclusive bookmark's row must not count twice");
    let trace = std::fs::read_to_string(world.path("trace.jsonl")).unwrap();
    let starts: Vec<serde_json::Value> = trace.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(starts[0]["state"]["seen"], 0);
    assert_eq!(starts[1]["state"]["seen"], 4, "the state is the last one, as it was");
    assert_eq!(starts[0]["selected"], serde_json::json!(["ticket"]));
    assert_eq!(starts[0]["mode"], "0o600", "nobody else reads the configuration");
}

#[test]
fn a_tap_that_dies_keeps_what_it_gave_and_goes_on_from_its_state() {
    let world = world("dies_at = 2", "");
    let answer = run(&world).status(69).stderr("connection lost").run();
    assert!(!answer.stderr.contains("s3cr3t-of-the-tap"), "{}", answer.stderr);
    let job = std::fs::read_to_string(world.path("job.toml")).unwrap();
    world.file("job.toml", job.replace("dies_at = 2", ""));
    run(&world).run();
    let trace = std::fs::read_to_string(world.path("trace.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(trace.lines().last().unwrap()).unwrap();
    assert_eq!(last["state"]["seen"], 2);
    for path in crate::dsl::files_under(&world.path("warehouse")) {
        let bytes = std::fs::read(&path).unwrap();
        let shows = bytes.windows(17).any(|window| window == b"s3cr3t-of-the-tap");
        assert!(!shows, "{} holds the key", path.display());
    }
}

#[test]
fn a_tap_that_says_nothing_is_ended() {
    let world = world("sleeps_at = 1", "quiet = \"2s\"");
    run(&world).status(69).stderr("said nothing for too long").run();
}

#[test]
fn stray_lines_are_an_error_unless_they_are_expected() {
    let world = world("stray = true", "");
    run(&world).status(69).stderr("loading plugins").stderr("skip_stray_lines").run();
    let job = std::fs::read_to_string(world.path("job.toml")).unwrap();
    world.file("job.toml", job.replace("streams = [\"ticket\"]", "streams = [\"ticket\"]\nskip_stray_lines = true"));
    run(&world).run();
}

#[test]
fn a_stream_that_the_tap_lacks_is_said_with_those_it_has() {
    let world = world("", "");
    let job = std::fs::read_to_string(world.path("job.toml")).unwrap();
    world.file("job.toml", job.replace("streams = [\"ticket\"]", "streams = [\"tickets\"]"));
    run(&world).status(64).stderr("tickets").stderr("other, ticket").run();
}

/// A tap from PyPI, where `TAILWATER_TEST_TAP` says where it is installed: pages of a server of ours.
#[test]
fn a_real_tap_lands_what_its_server_has() {
    let Ok(tap) = std::env::var("TAILWATER_TEST_TAP") else {
        eprintln!("TAILWATER_TEST_TAP does not say where tap-rest-api-msdk is: the tap of our own stands for it");
        return records_land_once_and_the_state_comes_back();
    };
    let address = pages();
    let world = world("", "");
    let job = std::fs::read_to_string(world.path("job.toml")).unwrap();
    let (front, back) =
        (job.split("[sources.help.config]").next().unwrap(), "[sources.help.entities]\nticket = \"ticket.sql\"\n");
    let config = format!(
        "[sources.help.config]\napi_url = \"{}\"\npagination_request_style = \"single_page_paginator\"\n\
         [[sources.help.config.streams]]\nname = \"ticket\"\npath = \"/tickets\"\nprimary_keys = [\"id\"]\nrecords_path = \"$.results[*]\"\n\
         [sources.help.config.streams.schema]\ntype = \"object\"\n\
         [sources.help.config.streams.schema.properties]\nid = {{ type = \"string\" }}\ncustomer = {{ type = \"string\" }}\n\
         opened = {{ type = \"string\", format = \"date-time\" }}\namount = {{ type = [\"number\", \"null\"] }}\nmore = {{ type = [\"object\", \"null\"] }}\n",
        address
    );
    let python = format!("command = [\"python3\", \"{}\"]", world.path("tap.py").display());
    let front = front.replace(&python, &format!("command = [\"{tap}\"]"));
    world.file("job.toml", format!("{front}{config}{back}"));
    run(&world).run();
    assert!(landed(&world).contains("25"), "{}", landed(&world));
}

/// A server with one page of 25 tickets, whatever is asked; its address.
fn pages() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let row =
                |at| format!("{{\"id\": \"t-{at}\", \"customer\": \"a-1\", \"opened\": \"2026-06-01T10:00:00Z\"}}");
            let body = format!("{{\"results\": [{}]}}", (0..25).map(row).collect::<Vec<_>>().join(","));
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            // A tap that has read enough may have gone.
            let _ = write!(connection, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}
