//! Streams read from a server in this process.

use super::*;
use crate::error::Class;
use crate::job::secret::Value;
use crate::model::contract::ColumnType;
use crate::model::source::SourceSpec;
use crate::model::source::access::{Auth, ErrorAction, ErrorRule, Limits};
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{
    BodyFormat, Cursor, More, Origin, Paging, Parent, Personal, Request, Requests, SourceColumn, SourceType,
    TimeFormat, TokenTarget,
};
use crate::model::source::template::Template;
use arrow::array::AsArray;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

pub(super) fn path(text: &str) -> JsonPath {
    JsonPath::parse(text).unwrap()
}

/// A stream of JSON records at the root's `data`, with columns `name: type`.
pub(super) fn stream(name: &str, columns: &[(&str, ColumnType, &str)]) -> StreamSpec {
    let column = |(name, ty, path): &(&str, ColumnType, &str)| SourceColumn {
        name: (*name).to_owned(),
        ty: SourceType::Plain(*ty),
        paths: vec![JsonPath::parse(path).unwrap()],
        format: None,
        minor_of: None,
        is_required: false,
        values: BTreeMap::new(),
        empty_is_null: false,
        personal: Personal::Keep,
    };
    StreamSpec {
        name: name.to_owned(),
        origin: Origin::Requests(Box::new(requests(&format!("/{name}")))),
        records: path("data"),
        format: BodyFormat::Json,
        key: vec!["id".to_owned()],
        columns: columns.iter().map(column).collect(),
        deleted_flag: None,
        full_scan_days: None,
        deleted_by: None,
        is_optional: false,
        fields_under: None,
        only: Vec::new(),
    }
}

fn requests(path: &str) -> Requests {
    Requests {
        request: Request { path: template(path), ..Request::default() },
        paging: Paging::None,
        window: None,
        cursor: None,
        parent: None,
        values: Vec::new(),
        export: None,
    }
}

pub(super) fn own(stream: &mut StreamSpec) -> &mut Requests {
    match &mut stream.origin {
        Origin::Requests(requests) => requests,
        _ => panic!("asks for nothing"),
    }
}

pub(super) fn source(base: &str, streams: Vec<StreamSpec>) -> ApiSource {
    let second = Duration::from_secs(1);
    let setting = |is_secret| crate::model::source::Setting {
        doc: String::new(),
        is_secret,
        default: None,
        choices: BTreeMap::new(),
    };
    let spec = SourceSpec {
        system: "acme".to_owned(),
        title: "Acme".to_owned(),
        settings: BTreeMap::from([("root".to_owned(), setting(false)), ("api_key".to_owned(), setting(true))]),
        base_url: template("{root}"),
        auth: Auth::Bearer { token: template("{api_key}") },
        auth_by: None,
        headers: Vec::new(),
        limits: Limits {
            concurrency: 4,
            rates: Vec::new(),
            signals: Vec::new(),
            attempts: 4,
            connect_timeout: second,
            read_timeout: second,
            total_timeout: second * 5,
            longest_wait: second * 3,
        },
        errors: Vec::new(),
        streams,
        entities: Vec::new(),
        hash: String::new(),
        minor_digits: BTreeMap::new(),
        used: BTreeSet::new(),
    };
    let settings = [("root", base), ("api_key", "sk-very-secret")];
    ApiSource {
        spec: Arc::new(spec),
        settings: settings.iter().map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned()))).collect(),
        start_date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        skip: BTreeSet::new(),
        max_age_days: None,
        keep_raw_days: 1,
        entities: Vec::new(),
    }
}

/// What a server answers to the request of that number (from 0), given its first line.
pub(super) type Answers = dyn Fn(usize, &str) -> Vec<u8> + Send + Sync;

pub(super) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

pub(super) fn status(line: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

pub(super) struct Server {
    pub base: String,
    pub asked: Arc<Mutex<Vec<String>>>,
    /// Whether somebody came with credentials.
    pub let_in: Arc<Mutex<bool>>,
}

pub(super) fn serve(answers: Box<Answers>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    let let_in: Arc<Mutex<bool>> = Arc::default();
    let seen = Arc::clone(&let_in);
    let answers: Arc<Answers> = Arc::from(answers);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (log, answers, seen) = (Arc::clone(&log), Arc::clone(&answers), Arc::clone(&seen));
            std::thread::spawn(move || answer(stream, &log, &seen, &*answers));
        }
    });
    Server { base, asked, let_in }
}

fn answer(mut stream: TcpStream, log: &Mutex<Vec<String>>, let_in: &Mutex<bool>, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line.contains("sk-very-secret") {
            *let_in.lock().unwrap() = true;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut line = first.trim().trim_end_matches(" HTTP/1.1").to_owned();
    if length > 0 {
        line = format!("{line} {}", String::from_utf8_lossy(&body));
    }
    let number = {
        let mut log = log.lock().unwrap();
        log.push(line.clone());
        log.len() - 1
    };
    // A client that has heard enough has hung up.
    let _ = stream.write_all(&answers(number, &line));
}

/// Keeps everything in memory.
#[derive(Default)]
pub(super) struct Kept {
    rows: Mutex<BTreeMap<String, Vec<String>>>,
    pub quarantined: Mutex<Vec<Quarantined>>,
    pub credential: Mutex<Option<String>>,
    progress: Mutex<BTreeMap<String, Progress>>,
    ends: Mutex<BTreeMap<String, PassEnd>>,
    pages: Mutex<Vec<String>>,
    parents: Vec<Vec<String>>,
}

struct KeptSink<'a>(&'a Kept, String);

impl Sink for KeptSink<'_> {
    fn declare(&mut self, _: &StreamSpec) -> Result<()> {
        Ok(())
    }
    fn page(&mut self, page: &RawPage<'_>) -> Result<()> {
        self.0.pages.lock().unwrap().push(format!("{} {}", page.head.number, page.head.request));
        Ok(())
    }
    fn rows(&mut self, stream: &str, batch: RecordBatch) -> Result<()> {
        let texts: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| {
                let is_instant = matches!(column.data_type(), arrow::datatypes::DataType::Timestamp(..));
                let whole = arrow::datatypes::DataType::Int64;
                let plain = if is_instant { arrow::compute::cast(column, &whole).unwrap() } else { Arc::clone(column) };
                arrow::compute::cast(&plain, &arrow::datatypes::DataType::Utf8).unwrap()
            })
            .collect();
        for row in 0..batch.num_rows() {
            let shown: Vec<&str> = texts.iter().map(|column| column.as_string::<i32>().value(row)).collect();
            self.0.rows.lock().unwrap().entry(stream.to_owned()).or_default().push(shown.join("|"));
        }
        Ok(())
    }
    fn quarantine(&mut self, _: &str, row: Quarantined) -> Result<()> {
        self.0.quarantined.lock().unwrap().push(row);
        Ok(())
    }
    fn checkpoint(&mut self, progress: &Progress) -> Result<()> {
        let text = serde_json::to_string(progress).unwrap();
        let read: Progress = serde_json::from_str(&text).unwrap();
        assert_eq!(read, *progress);
        self.0.progress.lock().unwrap().insert(self.1.clone(), read);
        Ok(())
    }
    fn finish(&mut self, progress: &Progress, end: PassEnd) -> Result<()> {
        self.0.ends.lock().unwrap().insert(self.1.clone(), end);
        self.checkpoint(progress)
    }
}

impl Destination for Kept {
    fn open(&self, stream: &StreamSpec) -> Result<(Progress, Box<dyn Sink + '_>)> {
        let progress = self.progress.lock().unwrap().get(&stream.name).cloned().unwrap_or_default();
        Ok((progress, Box::new(KeptSink(self, stream.name.clone()))))
    }
    fn parents(&self, query: &ParentQuery<'_>) -> Result<ParentRows> {
        let after = query.after_key.map(<[String]>::to_vec);
        let rows = self.parents.clone().into_iter().filter(move |key| after.as_ref().is_none_or(|after| key > after));
        let rows = rows.map(|key| Ok(ParentRow { values: vec![key.first().cloned()], key }));
        Ok(Box::new(rows.collect::<Vec<_>>().into_iter()))
    }
    fn sequence(&self, _: &str) -> Result<Option<u64>> {
        Ok(Some(1))
    }
    fn credential(&self) -> Result<Option<String>> {
        Ok(self.credential.lock().unwrap().clone())
    }
    fn keep_credential(&self, sealed: &str) -> Result<()> {
        *self.credential.lock().unwrap() = Some(sealed.to_owned());
        Ok(())
    }
}

pub(super) fn run(source: &ApiSource, kept: &Kept) -> Vec<StreamEnd> {
    let folder = tempfile::tempdir().unwrap();
    let asked = Asked {
        name: "billing",
        source,
        now: DateTime::parse_from_rfc3339("2026-11-23T10:00:00Z").unwrap().with_timezone(&Utc),
        scratch: folder.path(),
        reporter: &Reporter::silent(),
        stop: &|| Ok(()),
    };
    extract(asked, kept).unwrap()
}

pub(super) fn rows(kept: &Kept, stream: &str) -> Vec<String> {
    kept.rows.lock().unwrap().get(stream).cloned().unwrap_or_default()
}

pub(super) fn invoices() -> StreamSpec {
    let mut stream = stream("invoice", &[("id", ColumnType::Text, "id"), ("n", ColumnType::Integer, "n")]);
    let more = Some(More { path: path("has_more"), is_end: false });
    own(&mut stream).paging = Paging::LastId { path: path("id"), target: TokenTarget::Param("after".to_owned()), more };
    stream
}

pub(super) fn page(ids: std::ops::Range<u64>, has_more: bool) -> String {
    let data: Vec<String> = ids.map(|id| format!(r#"{{"id":"i{id}","n":{id}}}"#)).collect();
    format!(r#"{{"data":[{}],"has_more":{has_more}}}"#, data.join(","))
}

#[test]
fn pages_follow_each_other_and_a_full_pass_ends_full() {
    let server = serve(Box::new(|_, line| match line {
        "GET /invoice" => ok(&page(0..2, true)),
        "GET /invoice?after=i1" => ok(&page(2..4, true)),
        _ => ok(&page(4..5, false)),
    }));
    let kept = Kept::default();
    let ends = run(&source(&server.base, vec![invoices()]), &kept);
    assert_eq!(ends[0].outcome.as_ref().unwrap(), &Outcome::Read);
    assert_eq!(rows(&kept, "invoice"), ["i0|0", "i1|1", "i2|2", "i3|3", "i4|4"]);
    assert_eq!(kept.ends.lock().unwrap()["invoice"], PassEnd::Full);
    assert_eq!(kept.pages.lock().unwrap().len(), 3);
}

#[test]
fn bad_answers_are_asked_for_again() {
    let broken = Mutex::new(0);
    let server = serve(Box::new(move |number, line| {
        if line == "GET /invoice" {
            return ok(&page(0..2, true));
        }
        *broken.lock().unwrap() += 1;
        match number {
            1 => ok("<html>busy</html>"),
            2 => b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{\"data\":[".to_vec(),
            3 => status("429 Too Many Requests", "retry-after: 1\r\n", ""),
            _ => ok(&page(2..3, false)),
        }
    }));
    let kept = Kept::default();
    let ends = run(&source(&server.base, vec![invoices()]), &kept);
    ends[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["i0|0", "i1|1", "i2|2"]);
}

#[test]
fn a_lying_encoding_is_asked_for_plainly() {
    let server = serve(Box::new(|number, _| match number {
        0 => status("200 OK", "content-encoding: gzip\r\n", &page(0..1, false)),
        _ => ok(&page(0..1, false)),
    }));
    let kept = Kept::default();
    run(&source(&server.base, vec![invoices()]), &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["i0|0"]);
}

#[test]
fn a_killed_pass_goes_on_at_its_page_and_a_circle_is_an_error() {
    let fails = Arc::new(Mutex::new(true));
    let told = Arc::clone(&fails);
    let server = serve(Box::new(move |_, line| match line {
        "GET /invoice" => ok(&page(0..2, true)),
        _ if *told.lock().unwrap() => status("418 Teapot", "", "sk-very-secret short and stout"),
        _ => ok(&page(2..3, false)),
    }));
    let kept = Kept::default();
    let described = source(&server.base, vec![invoices()]);
    let ends = run(&described, &kept);
    let error = ends[0].outcome.as_ref().unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    let shown = error.to_string();
    assert!(shown.contains("418") && shown.contains("short and stout") && !shown.contains("very-secret"), "{shown}");
    *fails.lock().unwrap() = false;
    server.asked.lock().unwrap().clear();
    run(&described, &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(*server.asked.lock().unwrap(), ["GET /invoice?after=i1"]);
    assert_eq!(rows(&kept, "invoice"), ["i0|0", "i1|1", "i2|2"]);

    let circle = serve(Box::new(|_, _| ok(&page(0..2, true))));
    let ends = run(&source(&circle.base, vec![invoices()]), &Kept::default());
    assert!(ends[0].outcome.as_ref().unwrap_err().to_string().contains("circles"));
}

#[test]
fn an_unreadable_row_is_set_aside_with_its_place() {
    let server = serve(Box::new(|_, _| ok(r#"{"data":[{"id":"a","n":1},{"id":"b","n":"x"},{"id":"c","n":{}}]}"#)));
    let kept = Kept::default();
    let mut stream = invoices();
    own(&mut stream).paging = Paging::None;
    run(&source(&server.base, vec![stream]), &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["a|1"]);
    let aside = kept.quarantined.lock().unwrap();
    assert_eq!((aside[0].line, aside[0].column.as_deref(), aside[0].value.as_deref()), (2, Some("n"), Some("x")));
    assert_eq!(aside[1].line, 3);
}

fn cursor() -> Cursor {
    Cursor {
        column: Some("at".to_owned()),
        first: None,
        is_token: false,
        is_inclusive: true,
        lookback: Duration::ZERO,
        lag: Duration::ZERO,
        format: TimeFormat::Unix,
        is_ordered: false,
        retention: None,
    }
}

#[test]
fn a_cursor_moves_after_the_pass_and_children_follow_their_parents() {
    let server = serve(Box::new(|_, line| match line {
        "GET /ticket?since=1767225600" => ok(r#"{"data":[{"id":"t2","at":1780000000},{"id":"t1","at":1770000000}]}"#),
        "GET /ticket?since=1780000000" => ok(r#"{"data":[{"id":"t0","at":1760000000}]}"#),
        "GET /ticket/p1/notes" => ok(r#"{"data":[{"id":"n1"}]}"#),
        "GET /ticket/p2/notes" => ok(r#"{"data":[{"id":"n2"}]}"#),
        other => status("404 Not Found", "", other),
    }));
    let mut tickets = stream("ticket", &[("id", ColumnType::Text, "id"), ("at", ColumnType::Timestamp, "at")]);
    tickets.columns[1].format = Some("unix".to_owned());
    own(&mut tickets).cursor = Some(cursor());
    own(&mut tickets).request.params = vec![("since".to_owned(), template("{cursor}"))];
    let mut notes = stream("note", &[("id", ColumnType::Text, "id"), ("ticket", ColumnType::Text, "$parent.id")]);
    own(&mut notes).request.path = template("/ticket/{parent.id}/notes");
    own(&mut notes).parent = Some(Parent {
        stream: "ticket".to_owned(),
        values: vec![("id".to_owned(), "id".to_owned())],
        group: 1,
        is_incremental: false,
        only_where: None,
    });
    let kept = Kept { parents: vec![vec!["p1".to_owned()], vec!["p2".to_owned()]], ..Kept::default() };
    let described = source(&server.base, vec![tickets, notes]);
    for end in run(&described, &kept) {
        end.outcome.unwrap();
    }
    assert_eq!(rows(&kept, "note"), ["n1|p1", "n2|p2"]);
    assert_eq!(kept.ends.lock().unwrap()["ticket"], PassEnd::Incremental);
    // The second run asks from the greatest value, and a value that goes backwards does not move it.
    for _ in 0..2 {
        run(&described, &kept)[0].outcome.as_ref().unwrap();
    }
    assert_eq!(rows(&kept, "ticket").len(), 4);
}

#[test]
fn rules_say_what_an_answer_means() {
    let server = serve(Box::new(|_, line| match line {
        "GET /invoice" => status("404 Not Found", "", r#"{"error":{"code":"nothing"}}"#),
        _ => status("403 Forbidden", "", "not yours"),
    }));
    let mut described = source(&server.base, vec![invoices(), stream("extra", &[("id", ColumnType::Text, "id")])]);
    let spec = Arc::get_mut(&mut described.spec).unwrap();
    spec.errors.push(ErrorRule {
        status: vec![404],
        body: Some((path("error.code"), "nothing".to_owned())),
        contains: None,
        action: ErrorAction::Empty,
        message: None,
    });
    spec.streams[1].is_optional = true;
    let ends = run(&described, &Kept::default());
    assert!(ends.iter().any(|end| matches!(&end.outcome, Ok(Outcome::Skipped(why)) if why.contains("not yours"))));
    assert!(ends.iter().any(|end| matches!(&end.outcome, Ok(Outcome::Read))));
}

#[test]
fn credentials_never_go_to_another_host() {
    let other = serve(Box::new(|_, _| ok(&page(0..1, false))));
    let elsewhere = format!("location: {}/x\r\n", other.base);
    let server = serve(Box::new(move |_, _| status("302 Found", &elsewhere, "")));
    let kept = Kept::default();
    run(&source(&server.base, vec![invoices()]), &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["i0|0"]);
    assert!(*server.let_in.lock().unwrap() && !*other.let_in.lock().unwrap());
}

#[test]
fn a_document_larger_than_memory_passes_by() {
    let count = 120_000_u64;
    let server = serve(Box::new(move |_, _| ok(&page(0..count, false).replace("\"n\":", "\"n\":  \n "))));
    let kept = Kept::default();
    let mut inside = stream("number", &[("n", ColumnType::Integer, "n"), ("more", ColumnType::Boolean, "/has_more")]);
    inside.origin = Origin::Inside("invoice".to_owned());
    run(&source(&server.base, vec![invoices(), inside]), &kept)[0].outcome.as_ref().unwrap();
    let (found, numbers) = (rows(&kept, "invoice"), rows(&kept, "number"));
    assert_eq!((found.len(), numbers.len()), (120_000, 120_000));
    assert_eq!((found[119_999].as_str(), numbers[1].as_str()), ("i119999|119999", "1|false"));
}
