//! Bad days: the real binary reads a server that misbehaves, and what is landed equals the server's rows, once each.

mod faults;
mod growth;
mod kills;
mod secrets;
mod values;

use crate::dsl::{Answer, Call, World};
use crate::server::Server;
use crate::server::paged::{Api, Row, rows};
use serde_json::Value;

/// 2026-06-01T00:00:00Z, when the first row was changed.
pub const START: i64 = 1_780_272_000;

/// What the system's job needs to know, never to be seen anywhere.
pub const KEY: &str = "sk_live_51TheKeyThatNobodyMaySee";

const COLUMNS: &str = r#"
id = { type = "text", doc = "Key" }
name = { type = "text", doc = "Letters of many alphabets" }
note = { type = "text", doc = "Null in every third row" }
big = { type = "integer", doc = "Past 2^53" }
exact = { type = "decimal(18,4)", doc = "More digits than a double has" }
money = { type = "decimal(18,4)", doc = "From minor units" }
currency = { type = "text", doc = "Its currency" }
at = { type = "timestamp", doc = "An instant from some zone" }
day = { type = "date", doc = "A day" }
flag = { type = "boolean", doc = "A truth value" }
version = { type = "integer", doc = "How often the row was changed" }
"#;

const SPEC: &str = r#"
title = "Acme"
base_url = "http://acme.example"
headers = { Acme-Version = "2026-06-01" }

[settings]
api_key = { doc = "A key that may read", secret = true }

[auth]
kind = "bearer"
token = "{api_key}"

[limits]
concurrency = 2
attempts = 5
connect_timeout = "2s"
read_timeout = "2s"
total_timeout = "6s"
longest_wait = "5s"

[streams.row]
path = "/v1/rows"
params = { limit = "10", updated_after = "{cursor}" }
records = "data"
key = ["id"]
deleted_flag = "deleted"

[streams.row.columns]
id = { type = "text", required = true }
name = "text"
note = "text"
big = "integer"
exact = "decimal(18,4)"
money = { type = "decimal(18,4)", path = "amount", minor_of = "currency" }
currency = "text"
at = "timestamp"
day = "date"
flag = "boolean"
version = "integer"
deleted = "boolean"
updated_at = { type = "timestamp", path = "updated", format = "unix" }

[streams.row.paging]
kind = "token"
path = "meta.next"
param = "after"

[streams.row.cursor]
column = "updated_at"
inclusive = true
format = "unix"
ordered = true
"#;

/// A server with rows, and a job that reads it.
pub struct Acme {
    pub api: Api,
    pub server: Server,
    pub world: World,
}

impl Acme {
    /// So many rows in pages of ten.
    pub fn new(count: usize) -> Self {
        Acme::of(rows(count, START), SPEC)
    }

    /// These rows, read as a source is described.
    pub fn of(rows: Vec<Row>, spec: &str) -> Self {
        let api = Api::new(rows, 10);
        let answering = api.clone();
        let server = Server::start(move |request| answering.answer(request));
        let world = World::new();
        let columns: String = COLUMNS
            .lines()
            .filter_map(|line| line.split(" =").next())
            .filter(|name| !name.is_empty())
            .fold(String::new(), |list, name| format!("{list}{}    {name}", if list.is_empty() { "" } else { ",\n" }));
        let head = "title = \"Rows\"\nowner = \"data\"\n";
        world
            .file("models/sources/acme/source.toml", spec)
            .file(
                "models/sources/acme/acme_row.sql",
                format!("/*---\n{head}---*/\nselect\n{columns}\nfrom landed.row\n"),
            )
            .file(
                "models/entities/acme_row.sql",
                format!("/*---\n{head}grain = [\"id\"]\n\n[columns]{COLUMNS}---*/\nselect\n{columns}\nfrom provided.acme_row\n"),
            )
            .file(
                "models/marts/seen.sql",
                format!(
                    "/*---\n{head}grain = [\"id\", \"as_of_date\"]\npartition_by = [\"as_of_date\"]\n\n[columns]{COLUMNS}\
                     as_of_date = {{ type = \"date\", doc = \"The run's date\" }}\n---*/\n\
                     select\n{columns},\n    cast($as_of as date) as as_of_date\nfrom acme_row\n"
                ),
            )
            .file("job.toml", job(&server.url(), ""));
        Acme { api, server, world }
    }

    /// The run, at six in the morning after `as_of`.
    pub fn run_on(&self, as_of: &str) -> Call {
        let now = chrono::NaiveDate::parse_from_str(as_of, "%Y-%m-%d").unwrap().succ_opt().unwrap();
        let environment = [("ACME_KEY", KEY.to_owned()), ("TAILWATER_NOW", format!("{now}T06:00:00Z"))];
        let environment = environment.map(|(name, value)| (name.to_owned(), value));
        self.world.tailwater(&["run", "job.toml", "--as-of", as_of, "--select", "seen"]).envs(&environment)
    }

    /// The run of 30 June.
    pub fn run(&self) -> Call {
        self.run_on("2026-06-30")
    }

    /// Every landed row, by id.
    pub fn seen(&self) -> Vec<Value> {
        let names: Vec<&str> =
            COLUMNS.lines().filter_map(|line| line.split(" =").next()).filter(|n| !n.is_empty()).collect();
        let query = format!("select {} from latest.seen order by id", names.join(", "));
        let answer: Answer = self.world.tailwater(&["sql", "job.toml", &query, "--format", "json"]).run();
        answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Landed is what the server has, once each.
    #[track_caller]
    pub fn assert_equal(&self) {
        same(&self.seen(), &self.api.landed());
    }

    /// Requests for rows so far.
    pub fn pages(&self) -> usize {
        self.server.requests().iter().filter(|request| request.path == "/v1/rows").count()
    }
}

/// Compares rows and shows the first that differ.
#[track_caller]
pub fn same(found: &[Value], expected: &[Value]) {
    let lines = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<Vec<_>>();
    let (found, expected) = (lines(found), lines(expected));
    let missing: Vec<&String> = expected.iter().filter(|row| !found.contains(row)).take(3).collect();
    let extra: Vec<&String> = found.iter().filter(|row| !expected.contains(row)).take(3).collect();
    assert!(
        missing.is_empty() && extra.is_empty() && found.len() == expected.len(),
        "{} rows found, {} expected\nmissing {missing:#?}\ntoo many {extra:#?}",
        found.len(),
        expected.len()
    );
}

/// A job over the server, with more keys of the source.
pub fn job(address: &str, more: &str) -> String {
    format!(
        "name = \"acme\"\nschedule = \"0 5 * * *\"\ntimezone = \"Etc/UTC\"\nwarehouse = \"warehouse\"\nsql = \"models\"\n\n\
         [company]\ncurrency = \"USD\"\n\n[sources.acme]\nsystem = \"acme\"\nbase_url = \"{address}\"\n\
         api_key = {{ env = \"ACME_KEY\" }}\nstart_date = \"2024-01-01\"\n{more}\n"
    )
}

/// The description with some of its text replaced.
pub fn spec_with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SPEC.to_owned(), |spec, (from, to)| {
        assert!(spec.contains(from), "{from}");
        spec.replace(from, to)
    })
}
