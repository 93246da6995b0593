//! Streams are landed, killed, read again and looked at from every date, against a plain model of what should be there.

use super::sink::GroupSink;
use super::state::GroupState;
use super::view::{Files, Versions};
use super::*;
use crate::extract::Quarantined;
use crate::extract::api::{PassEnd, Progress, Sink};
use crate::model::contract::ColumnType;
use crate::model::engine::{EngineConfig, session};
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{BodyFormat, Cursor, Personal, Requests, SourceColumn, SourceType, TimeFormat};
use crate::store::Store;
use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Int64Type, Schema};
use datafusion::catalog::MemTable;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

struct World {
    _folder: tempfile::TempDir,
    store: Store,
    sequences: AtomicU64,
    reporter: Reporter,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("warehouse")).unwrap();
        World { _folder: folder, store, sequences: AtomicU64::new(1), reporter: Reporter::silent() }
    }

    fn landing(&self, streams: Vec<StreamSpec>, today: &str) -> Landing<'_> {
        let today: NaiveDate = today.parse().unwrap();
        Landing {
            area: Area { store: &self.store, job: "test" },
            source: "crm",
            streams,
            zone: Tz::UTC,
            today,
            now: today.succ_opt().unwrap().and_hms_opt(5, 0, 0).unwrap().and_utc(),
            keep_raw_days: 7,
            history_days: 400,
            most_unreadable: (20_000, 4),
            sequences: &self.sequences,
            reporter: &self.reporter,
        }
    }

    fn state(&self) -> GroupState {
        let area = Area { store: &self.store, job: "test" };
        GroupState::read(&self.store, &area.api_state_key("crm", "account")).unwrap().unwrap().0
    }

    /// The current view of `account` at the end of a date: id and value.
    fn view(&self, stream: &StreamSpec, as_of: &str) -> BTreeMap<String, Option<i64>> {
        let state = self.state();
        let as_of = as_of.parse().unwrap();
        let versions =
            Versions::of(&self.store, &state.streams["account"], Some(stream), state.first_landed, as_of).unwrap();
        let batches = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let session = session(&EngineConfig { partitions: 1, ..EngineConfig::default() }).unwrap();
            for (name, files) in [("b", &versions.base), ("d", &versions.deltas), ("h", &versions.history)] {
                session.register_table(format!("landed.{name}"), self.table(files)).unwrap();
            }
            let frame = session.sql(&versions.sql("landed.b", "landed.d", "landed.h")).await.unwrap();
            frame.collect().await.unwrap()
        });
        let mut rows = BTreeMap::new();
        for batch in batches {
            let ids = batch.column_by_name("id").unwrap().as_string::<i32>();
            let values = batch.column_by_name("value").unwrap().as_primitive::<Int64Type>();
            for (id, value) in ids.iter().zip(values) {
                assert!(rows.insert(id.unwrap().to_owned(), value).is_none(), "{id:?} twice at {as_of}");
            }
        }
        rows
    }

    fn table(&self, files: &Files) -> Arc<MemTable> {
        let keys = files.paths.iter().map(|path| self.store.key_of(path).unwrap());
        let read = |key: String| read::batches(&self.store, &key, &files.schema).unwrap().map(Result::unwrap);
        let batches: Vec<RecordBatch> = keys.flat_map(read).collect();
        Arc::new(MemTable::try_new(Arc::clone(&files.schema), vec![batches]).unwrap())
    }

    /// Every object of the landing area.
    fn objects(&self) -> Vec<String> {
        self.store.list("_tailwater/landing").unwrap().into_iter().map(|object| object.key).collect()
    }
}

fn column(name: &str, ty: ColumnType, personal: Personal) -> SourceColumn {
    SourceColumn {
        name: name.to_owned(),
        ty: SourceType::Plain(ty),
        paths: vec![JsonPath::default()],
        format: None,
        minor_of: None,
        is_required: false,
        values: BTreeMap::new(),
        empty_is_null: false,
        personal,
    }
}

fn requests(cursor: Option<&str>) -> Requests {
    let cursor = cursor.map(|column| Cursor {
        column: Some(column.to_owned()),
        is_token: false,
        is_inclusive: true,
        lookback: Duration::ZERO,
        lag: Duration::ZERO,
        format: TimeFormat::Unix,
        is_ordered: false,
        retention: None,
        first: None,
    });
    Requests {
        request: crate::model::source::stream::Request::default(),
        paging: crate::model::source::stream::Paging::None,
        window: None,
        cursor,
        parent: None,
        values: Vec::new(),
        export: None,
    }
}

fn account(cursor: Option<&str>) -> StreamSpec {
    StreamSpec {
        name: "account".to_owned(),
        origin: Origin::Requests(Box::new(requests(cursor))),
        records: JsonPath::default(),
        fields_under: None,
        format: BodyFormat::Json,
        key: vec!["id".to_owned()],
        columns: vec![
            column("id", ColumnType::Text, Personal::Keep),
            column("value", ColumnType::Integer, Personal::Keep),
            column("updated_at", ColumnType::Timestamp, Personal::Keep),
            column("email", ColumnType::Text, Personal::Hash),
        ],
        deleted_flag: None,
        full_scan_days: None,
        deleted_by: None,
        is_optional: false,
        only: Vec::new(),
    }
}

/// Rows of (id, value, day of the last change).
fn rows(rows: &[(&str, i64, &str)]) -> RecordBatch {
    let micros = |day: &str| {
        let day: Option<NaiveDate> = day.parse().ok();
        day.map(|day| day.and_hms_opt(3, 0, 0).unwrap().and_utc().timestamp_micros())
    };
    let fields = [("id", ColumnType::Text), ("value", ColumnType::Integer), ("updated_at", ColumnType::Timestamp)];
    let schema = Schema::new(fields.map(|(name, ty)| Field::new(name, ty.arrow(), true)).to_vec());
    let changed: TimestampMicrosecondArray = rows.iter().map(|row| micros(row.2)).collect();
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(changed.with_data_type(ColumnType::Timestamp.arrow())),
        ],
    )
    .unwrap()
}

fn open_pass(id: &str) -> Progress {
    serde_json::from_value(serde_json::json!({ "pass": { "id": id } })).unwrap()
}

/// One whole pass.
fn land(world: &World, stream: &StreamSpec, today: &str, batch: &[(&str, i64, &str)], end: PassEnd) {
    let landing = world.landing(vec![stream.clone()], today);
    let mut sink = GroupSink::open(&landing, stream).unwrap();
    sink.declare(stream).unwrap();
    sink.rows("account", rows(batch)).unwrap();
    sink.finish(&Progress::default(), end).unwrap();
}

fn shown(view: &BTreeMap<String, Option<i64>>) -> String {
    view.iter().map(|(id, value)| format!("{id}={}", value.unwrap_or(-1))).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_date_sees_the_newest_version_known_at_its_end() {
    let (world, stream) = (World::new(), account(Some("updated_at")));
    let new = PassEnd::Incremental;
    land(&world, &stream, "2026-03-01", &[("a", 1, "2025-12-24"), ("b", 1, "2026-03-02"), ("c", 1, "")], new);
    // Before the first landing the earliest version stands in; the first one is never later than its landing.
    assert_eq!(shown(&world.view(&stream, "2026-02-01")), "a=1 b=1 c=1");
    assert_eq!(shown(&world.view(&stream, "2026-03-01")), "a=1 b=1 c=1");
    land(&world, &stream, "2026-03-02", &[("a", 2, "2026-03-03"), ("b", 1, "2026-03-02"), ("d", 1, "2026-03-02")], new);
    assert_eq!(shown(&world.view(&stream, "2026-03-02")), "a=1 b=1 c=1 d=1", "a changed on the day that had not ended");
    assert_eq!(shown(&world.view(&stream, "2026-03-03")), "a=2 b=1 c=1 d=1");
    assert_eq!(shown(&world.view(&stream, "2026-03-01")), "a=1 b=1 c=1", "d was not there yet");
    assert_eq!(shown(&world.view(&stream, "2026-02-01")), "a=1 b=1 c=1");
    let state = &world.state().streams["account"];
    assert_eq!((state.rows, state.base.iter().map(|file| file.rows).sum::<u64>(), state.delta_rows()), (4, 4, 1));
    // The same again costs nothing.
    let before = world.objects();
    land(&world, &stream, "2026-03-03", &[("a", 2, "2026-03-03"), ("c", 1, ""), ("d", 1, "2026-03-02")], new);
    assert_eq!(world.view(&stream, "2026-03-03").len(), 4);
    assert!(world.objects().len() <= before.len(), "at most a compaction");
}

#[test]
fn what_was_not_committed_is_landed_by_the_next_run_and_only_then() {
    let (world, stream) = (World::new(), account(None));
    let landing = world.landing(vec![stream.clone()], "2026-03-01");
    let mut sink = GroupSink::open(&landing, &stream).unwrap();
    sink.declare(&stream).unwrap();
    sink.rows("account", rows(&[("a", 1, "")])).unwrap();
    sink.commit(&open_pass("p")).unwrap();
    sink.rows("account", rows(&[("b", 1, "")])).unwrap();
    sink.collect().unwrap();
    // As a kill leaves it: files that nobody lists.
    sink.killed();
    assert_eq!(shown(&world.view(&stream, "2026-03-01")), "a=1");
    let mut sink = GroupSink::open(&landing, &stream).unwrap();
    assert_eq!(sink.state.progress.pass(), Some("p"));
    sink.declare(&stream).unwrap();
    sink.rows("account", rows(&[("b", 1, ""), ("a", 1, ""), ("b", 2, "")])).unwrap();
    sink.finish(&Progress::default(), PassEnd::Full).unwrap();
    assert_eq!(shown(&world.view(&stream, "2026-03-01")), "a=1 b=2");
    let state = world.state();
    let mut listed: Vec<String> = state.keys().into_iter().map(str::to_owned).collect();
    listed.sort();
    assert_eq!(world.objects(), listed);
}

#[test]
fn a_full_pass_ends_rows_that_did_not_come_over_several_runs_too() {
    let (world, stream) = (World::new(), account(None));
    land(&world, &stream, "2026-03-01", &[("a", 1, ""), ("b", 1, ""), ("c", 1, "")], PassEnd::Full);
    let landing = world.landing(vec![stream.clone()], "2026-03-02");
    let mut sink = GroupSink::open(&landing, &stream).unwrap();
    sink.declare(&stream).unwrap();
    sink.rows("account", rows(&[("a", 1, "")])).unwrap();
    sink.commit(&open_pass("q")).unwrap();
    drop(sink);
    let mut sink = GroupSink::open(&landing, &stream).unwrap();
    sink.declare(&stream).unwrap();
    sink.rows("account", rows(&[("c", 2, "")])).unwrap();
    sink.finish(&Progress::default(), PassEnd::Full).unwrap();
    assert_eq!(shown(&world.view(&stream, "2026-03-01")), "a=1 b=1 c=1");
    assert_eq!(shown(&world.view(&stream, "2026-03-02")), "a=1 c=2");
    assert_eq!(world.state().streams["account"].rows, 2);
    land(&world, &stream, "2026-03-03", &[("a", 1, ""), ("b", 1, ""), ("c", 2, "")], PassEnd::Full);
    assert_eq!(shown(&world.view(&stream, "2026-03-02")), "a=1 c=2");
    assert_eq!(shown(&world.view(&stream, "2026-03-03")), "a=1 b=1 c=2", "it came back");
}

/// A small generator, so that a failure can be repeated.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn every_date_sees_what_a_plain_model_says_whatever_was_killed_and_compacted() {
    for seed in 1..=4_u64 {
        let (world, stream, mut dice) = (World::new(), account(None), seed);
        let mut truth: BTreeMap<String, i64> = BTreeMap::new();
        let mut dates: Vec<(String, String)> = Vec::new();
        for day in 1..=12 {
            let today = format!("2026-03-{day:02}");
            for _ in 0..next(&mut dice) % 40 {
                let id = format!("k{}", next(&mut dice) % 60);
                if next(&mut dice).is_multiple_of(4) {
                    truth.remove(&id);
                } else {
                    truth.insert(id, i64::try_from(next(&mut dice) % 5).unwrap());
                }
            }
            let all: Vec<(&str, i64, &str)> = truth.iter().map(|(id, value)| (id.as_str(), *value, "")).collect();
            let landing = world.landing(vec![stream.clone()], &today);
            let mut at = 0;
            loop {
                let mut sink = GroupSink::open(&landing, &stream).unwrap();
                sink.declare(&stream).unwrap();
                let pass = open_pass(&today);
                for (number, page) in all.chunks(7).enumerate().skip(at) {
                    sink.rows("account", rows(page)).unwrap();
                    if next(&mut dice).is_multiple_of(3) {
                        sink.commit(&pass).unwrap();
                        at = number + 1;
                    }
                    if next(&mut dice).is_multiple_of(6) {
                        break;
                    }
                    if (number + 1) * 7 >= all.len() {
                        at = usize::MAX;
                    }
                }
                // The last page may have been committed just before the kill.
                if at.saturating_mul(7) >= all.len() {
                    sink.finish(&Progress::default(), PassEnd::Full).unwrap();
                    break;
                }
                sink.killed();
            }
            let now = truth.iter().map(|(id, value)| (id.clone(), Some(*value))).collect();
            dates.push((today.clone(), shown(&now)));
            assert_eq!(world.state().streams["account"].rows, truth.len() as u64, "{seed} {today}");
            for (date, expected) in &dates {
                assert_eq!(shown(&world.view(&stream, date)), *expected, "seed {seed}, {date} on {today}");
            }
        }
        assert!(world.state().streams["account"].history.len() > 1, "something was compacted");
    }
}

#[test]
fn a_new_column_is_told_and_null_before_and_a_changed_type_stops_the_stream() {
    let (world, stream) = (World::new(), account(None));
    land(&world, &stream, "2026-03-01", &[("a", 1, "")], PassEnd::Full);
    let mut wider = stream.clone();
    wider.columns.push(column("region", ColumnType::Text, Personal::Keep));
    land(&world, &wider, "2026-03-02", &[("a", 1, ""), ("b", 1, "")], PassEnd::Full);
    assert_eq!(shown(&world.view(&wider, "2026-03-02")), "a=1 b=1");
    assert_eq!(world.state().streams["account"].deltas.len(), 0, "a column that is null changes no row");
    let mut other = stream.clone();
    other.columns[1].ty = SourceType::Plain(ColumnType::Text);
    let landing = world.landing(vec![other.clone()], "2026-03-03");
    let error = GroupSink::open(&landing, &other).unwrap().declare(&other).unwrap_err();
    assert!(error.to_string().contains("column value of crm.account was landed as integer and is text now"), "{error}");
    let mut unkeyed = stream;
    unkeyed.key = vec!["id".to_owned(), "value".to_owned()];
    let error = GroupSink::open(&landing, &unkeyed).unwrap().declare(&unkeyed).unwrap_err();
    assert!(error.to_string().contains("the key of crm.account was (id) and is (id, value) now"), "{error}");
}

#[test]
fn rows_that_do_not_fit_any_more_stop_the_stream_and_personal_values_are_not_shown() {
    let (world, stream) = (World::new(), account(None));
    land(&world, &stream, "2026-03-01", &[("a", 1, "")], PassEnd::Full);
    let landing = world.landing(vec![stream.clone()], "2026-03-02");
    let bad = |column: &str| Quarantined {
        file: "GET /accounts".to_owned(),
        line: 1,
        column: Some(column.to_owned()),
        value: Some("x@acme.example".to_owned()),
        reason: "is not a whole number".to_owned(),
        money: None,
        currency: None,
    };
    let mut sink = GroupSink::open(&landing, &stream).unwrap();
    sink.declare(&stream).unwrap();
    sink.quarantine("account", bad("email")).unwrap();
    let error = sink.finish(&Progress::default(), PassEnd::Full).unwrap_err();
    assert!(!error.to_string().contains("acme"), "{error}");
    let mut sink = GroupSink::open(&landing, &stream).unwrap();
    sink.declare(&stream).unwrap();
    sink.quarantine("account", bad("value")).unwrap();
    let error = sink.finish(&Progress::default(), PassEnd::Full).unwrap_err();
    let expected = "1 of 1 rows of account do not fit: value is not a whole number, such as \"x@acme.example\"";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(shown(&world.view(&stream, "2026-03-02")), "a=1", "what was landed stays");
}

#[test]
fn parents_come_in_the_order_of_their_keys_between_two_landing_sequences() {
    let (world, stream) = (World::new(), account(None));
    land(&world, &stream, "2026-03-01", &[("b", 1, ""), ("a", 2, ""), ("c", 3, "")], PassEnd::Incremental);
    let landing = world.landing(vec![stream.clone()], "2026-03-02");
    let before = landing.sequence("account").unwrap();
    land(&world, &stream, "2026-03-02", &[("c", 4, "2026-03-02"), ("b", 1, ""), ("d", 5, "")], PassEnd::Incremental);
    let columns = ["value".to_owned(), "updated_at".to_owned()];
    let ask = |after: Option<u64>, until: Option<u64>, after_key: Option<&[String]>| -> String {
        let query = crate::extract::api::ParentQuery {
            stream: "account",
            columns: &columns,
            only_where: None,
            after,
            until,
            after_key,
        };
        let rows = landing.parents(&query).unwrap().map(Result::unwrap);
        rows.map(|row| format!("{} {:?}", row.key[0], row.values)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(ask(before, None, None), "c [Some(\"4\"), Some(\"2026-03-02T03:00:00Z\")]; d [Some(\"5\"), None]");
    assert_eq!(ask(None, before, Some(&["a".to_owned()])), "b [Some(\"1\"), None]");
}
