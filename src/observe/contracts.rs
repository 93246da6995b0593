//! The tables a run writes about itself: their contracts, declared once.

use crate::model::contract::{Column, ColumnType, Contract};

/// One row per run, whatever its outcome.
pub const RUN_HISTORY: &str = "run_history";
/// One row per run and table that it computed.
pub const TABLE_HISTORY: &str = "table_history";
/// One row per run and check.
pub const CHECK_RESULT: &str = "check_result";

type Declared = (&'static str, ColumnType, &'static str);

use ColumnType::{Boolean, Date, Integer, Text, Timestamp};

const RUN_COLUMNS: [Declared; 27] = [
    ("run_id", Text, "Names the run; unique in the warehouse"),
    ("job", Text, "The job's name"),
    ("as_of_date", Date, "The business date the run computed"),
    ("started_at", Timestamp, "When the run started, by the run's clock"),
    ("finished_at", Timestamp, "When the run ended; null for a run that was killed, whose record its successor wrote"),
    ("outcome", Text, "success, blocked (by checks), failed, or interrupted (stopped or killed)"),
    ("exit_code", Integer, "The exit code of the process; null where it was killed"),
    ("is_published", Boolean, "Whether the run's results are public: it passed its commit point"),
    ("program_version", Text, "Version of tailwater"),
    ("lease_ms", Integer, "Recovering and taking the lease, in milliseconds; null where the stage did not end"),
    ("extract_ms", Integer, "Reading sources, in milliseconds; null where the stage did not end"),
    ("land_ms", Integer, "Writing the landing area, in milliseconds; null where the stage did not end"),
    ("transform_ms", Integer, "Running the SQL models, in milliseconds; null where the stage did not end"),
    ("check_ms", Integer, "Contracts, expectations and SQL checks, in milliseconds; null where the stage did not end"),
    ("publish_ms", Integer, "Making results public, in milliseconds; null where the stage did not end"),
    ("landed_rows", Integer, "Rows landed by this run"),
    ("quarantined_rows", Integer, "Rows this run put into quarantine"),
    ("published_rows", Integer, "Rows of all tables that the run made public, unchanged ones included"),
    ("checks_passed", Integer, "Checks that found nothing"),
    ("checks_warned", Integer, "Checks that found something and let the run go on"),
    ("checks_blocked", Integer, "Checks that blocked publishing"),
    ("selection", Text, "The tables chosen by --select, joined by \"; \"; null for all"),
    ("parameters", Text, "The values of all query parameters, as a JSON object of texts"),
    ("sql_hashes", Text, "The sha256 of every SQL file used, as a JSON object by table"),
    ("job_hash", Text, "The sha256 of the job file"),
    ("error_class", Text, "usage, blocked, unavailable, bug, conflict or try_again; null for a success"),
    ("error_message", Text, "Why the run did not succeed, without secrets; null for a success"),
];

const TABLE_COLUMNS: [Declared; 13] = [
    ("run_id", Text, "The run"),
    ("table_name", Text, "The table"),
    ("job", Text, "The job's name"),
    ("as_of_date", Date, "The business date the run computed"),
    (
        "is_published",
        Boolean,
        "Whether the run made the table public; false for tables that stay inside and blocked runs",
    ),
    ("rows", Integer, "Rows of the result"),
    ("bytes", Integer, "Size of the published files; null where none were"),
    (
        "sha256",
        Text,
        "sha256 of the published file, of the sorted list of \"key sha256\" lines where there are several; null where none",
    ),
    ("partitions", Integer, "Published partitions"),
    ("is_changed", Boolean, "Whether any byte differs from what was public before"),
    (
        "is_stale",
        Boolean,
        "Whether later dates of this table were computed from what this run replaced and want rebuilding, in order, or this date rests on a source that could not be read",
    ),
    ("stale_from_date", Date, "The earliest of those dates; null where none is stale"),
    ("elapsed_ms", Integer, "Time to compute the table, in milliseconds; null where it was not computed"),
];

const CHECK_COLUMNS: [Declared; 11] = [
    ("run_id", Text, "The run"),
    ("table_name", Text, "The table that was checked"),
    ("check", Text, "The check's name within its table"),
    ("job", Text, "The job's name"),
    ("as_of_date", Date, "The business date the run computed"),
    ("code", Text, "The kind of check, e.g. not-null, grain-unique, expect, sql-check, quarantine-share"),
    ("severity", Text, "pass, warn or block: what the gate did with it"),
    ("observed", Text, "What was found"),
    ("expected", Text, "What was wanted"),
    ("failing_rows", Integer, "How many rows fail"),
    ("sample", Text, "Up to ten failing rows, as a JSON array of objects; null where none fail"),
];

/// The contracts of all tables about runs.
pub fn all() -> [Contract; 3] {
    [
        contract(RUN_HISTORY, &RUN_COLUMNS, &["run_id"]),
        contract(TABLE_HISTORY, &TABLE_COLUMNS, &["run_id", "table_name"]),
        contract(CHECK_RESULT, &CHECK_COLUMNS, &["run_id", "table_name", "check"]),
    ]
}

fn contract(table: &str, columns: &[Declared], grain: &[&str]) -> Contract {
    let column = |(name, ty, doc): &Declared| Column {
        name: (*name).to_owned(),
        ty: *ty,
        doc: (*doc).to_owned(),
        required: grain.contains(name),
    };
    Contract {
        table: table.to_owned(),
        columns: columns.iter().map(column).collect(),
        grain: grain.iter().map(|name| (*name).to_owned()).collect(),
        partition_by: vec!["run_id".to_owned()],
    }
}
