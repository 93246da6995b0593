//! Days on which a source behaves badly, and ways of asking that take several steps.

use super::tests::*;
use super::*;
use crate::error::Class;
use crate::model::contract::ColumnType;
use crate::model::source::access::{Auth, ErrorAction, ErrorRule, Grant, OAuth};
use crate::model::source::stream::{BodyFormat, Export, Paging, Request, TimeFormat, TokenTarget, Window};
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn one_page() -> StreamSpec {
    let mut stream = invoices();
    own(&mut stream).paging = Paging::None;
    stream
}

fn failure(source: &ApiSource) -> crate::error::Error {
    run(source, &Kept::default()).remove(0).outcome.unwrap_err()
}

#[test]
fn a_wait_that_is_too_long_fails_and_names_it() {
    let server = serve(Box::new(|_, _| {
        status(
            "429 Too Many Requests",
            "date: Mon, 23 Nov 2026 10:00:00 GMT\r\nretry-after: Mon, 23 Nov 2026 13:00:00 GMT\r\n",
            "",
        )
    }));
    let error = failure(&source(&server.base, vec![one_page()]));
    assert_eq!(error.class(), Class::Unavailable);
    assert!(error.to_string().contains("wants 3 h of waiting"), "{error}");
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[test]
fn what_fails_for_good_says_what_was_tried_how_often_and_why() {
    let server = serve(Box::new(|_, _| status("502 Bad Gateway", "", "<html>oh no</html>")));
    let mut described = source(&server.base, vec![one_page()]);
    Arc::get_mut(&mut described.spec).unwrap().limits.attempts = 2;
    let shown = failure(&described).to_string();
    assert!(shown.contains("tried 2 times") && shown.contains("502") && shown.contains("oh no"), "{shown}");
    assert_eq!(server.asked.lock().unwrap().len(), 2);
}

#[test]
fn a_dribbling_answer_ends_at_the_total_time_limit() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // An answer before its question is another mistake.
                let _ = stream.read(&mut [0; 4_096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    let mut described = source(&base, vec![one_page()]);
    let limits = &mut Arc::get_mut(&mut described.spec).unwrap().limits;
    (limits.attempts, limits.total_timeout) = (1, Duration::from_millis(400));
    let started = Instant::now();
    let shown = failure(&described).to_string();
    assert!(shown.contains("total_timeout"), "{shown}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_stopped_run_does_not_wait_for_the_source() {
    let server = serve(Box::new(|_, _| status("429 Too Many Requests", "retry-after: 3\r\n", "")));
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let stop = || match began.elapsed() {
        passed if passed > Duration::from_millis(500) => Err(crate::error::Error::new(Class::TryAgain, "stopped")),
        _ => Ok(()),
    };
    let described = source(&server.base, vec![one_page()]);
    let asked = Asked {
        name: "billing",
        source: &described,
        now: DateTime::from_timestamp(1_795_428_000, 0).unwrap(),
        scratch: folder.path(),
        reporter: &Reporter::silent(),
        stop: &stop,
    };
    let kept = Kept::default();
    let ends = extract(asked, &kept).unwrap();
    assert_eq!(ends[0].outcome.as_ref().unwrap_err().class(), Class::TryAgain);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_token_is_had_once_and_again_when_it_is_refused() {
    let server = serve(Box::new(|_, line| match line {
        line if line.starts_with("POST /token") => {
            ok(r#"{"access_token":"sk-very-secret-2","refresh_token":"next-one","instance":"v9"}"#)
        }
        _ => ok(&page(0..1, false)),
    }));
    let refusing = Arc::new(Mutex::new(true));
    let told = Arc::clone(&refusing);
    let guarded = serve(Box::new(move |_, line| {
        if std::mem::take(&mut *told.lock().unwrap()) {
            return status("401 Unauthorized", "", "expired");
        }
        assert_eq!(line, "GET /v9/invoice");
        ok(&page(0..1, false))
    }));
    let mut described = source(&guarded.base, vec![one_page()]);
    let spec = Arc::get_mut(&mut described.spec).unwrap();
    spec.base_url = template("{root}/{auth.instance}");
    spec.auth = Auth::OAuth(Box::new(OAuth {
        token_url: template(&format!("{}/token", server.base)),
        grant: Grant::RefreshToken {
            client_id: template("client"),
            client_secret: template("{api_key}"),
            refresh_token: template("first-one"),
            is_basic: false,
        },
        form: Vec::new(),
        token_path: path("access_token"),
        expires_path: path("expires_in"),
        lifetime: Duration::from_secs(3_600),
        outputs: vec![("instance".to_owned(), path("instance"))],
    }));
    let kept = Kept::default();
    run(&described, &kept)[0].outcome.as_ref().unwrap();
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("refresh_token=first-one") && asked[1].contains("refresh_token=next-one"));
    let sealed = kept.credential.lock().unwrap().clone().unwrap();
    assert!(!sealed.contains("next-one"));
    // The next run begins with the token that was kept.
    *refusing.lock().unwrap() = false;
    run(&described, &kept)[0].outcome.as_ref().unwrap();
    assert!(server.asked.lock().unwrap()[2].contains("refresh_token=next-one"));
}

#[test]
fn an_export_is_made_waited_for_fetched_and_taken_away() {
    let polls = Mutex::new(0);
    let server = serve(Box::new(move |_, line| match line {
        line if line.starts_with("POST /jobs") => {
            assert!(line.contains(r#"{"query":"select id,n from x"}"#), "{line}");
            ok(r#"{"id":"j1"}"#)
        }
        "GET /jobs/j1" => {
            *polls.lock().unwrap() += 1;
            ok(if *polls.lock().unwrap() < 2 { r#"{"state":"InProgress"}"# } else { r#"{"state":"Done"}"# })
        }
        "GET /jobs/j1/rows" => status("200 OK", "next: two\r\n", "id,n\r\na,1\r\n\"b\nb\",2\r\n"),
        "GET /jobs/j1/rows?at=two" => status("200 OK", "next: null\r\n", "id,n\r\nc,\r\n"),
        "DELETE /jobs/j1" => status("204 No Content", "", ""),
        other => panic!("{other}"),
    }));
    let mut stream = one_page();
    stream.format = BodyFormat::Csv;
    stream.records = path("");
    let requests = own(&mut stream);
    let request = |is_post, path: &str| Request { is_post, path: template(path), ..Request::default() };
    requests.request = request(false, "/jobs/{job.id}/rows");
    requests.paging = Paging::TokenHeader {
        header: "Next".to_owned(),
        end: Some("null".to_owned()),
        target: TokenTarget::Param("at".to_owned()),
    };
    let json = serde_json::json!({"query": "select {fields} from x"});
    requests.export = Some(Export {
        create: Request { body: Some(crate::model::source::stream::RequestBody::Json(json)), ..request(true, "/jobs") },
        values: vec![("id".to_owned(), path("id"))],
        poll: request(false, "/jobs/{job.id}"),
        status: path("state"),
        done: vec!["Done".to_owned()],
        failed: vec!["Failed".to_owned()],
        poll_values: Vec::new(),
        wait: Duration::from_millis(5),
        timeout: Duration::from_secs(5),
        delete: Some(request(false, "/jobs/{job.id}")),
    });
    let kept = Kept::default();
    run(&source(&server.base, vec![stream]), &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["a|1", "b\nb|2", "c|"]);
    assert_eq!(server.asked.lock().unwrap().last().unwrap(), "DELETE /jobs/j1");
}

#[test]
fn a_window_that_is_too_much_is_halved() {
    let server = serve(Box::new(|_, line| match line {
        "GET /invoice?from=2026-11-21&to=2026-11-23" => status("504 Gateway Timeout", "", "too much"),
        "GET /invoice?from=2026-11-21&to=2026-11-22" => ok(&page(0..1, false)),
        "GET /invoice?from=2026-11-22&to=2026-11-23" => ok(&page(1..3, false)),
        other => panic!("{other}"),
    }));
    let mut stream = one_page();
    let day = Duration::from_secs(86_400);
    own(&mut stream).window = Some(Window {
        step: day * 7,
        format: TimeFormat::Pattern("%Y-%m-%d".to_owned()),
        end_gap: Duration::ZERO,
        align: Some(day),
        least: day,
    });
    own(&mut stream).request.params =
        vec![("from".to_owned(), template("{window.start}")), ("to".to_owned(), template("{window.end}"))];
    let mut described = source(&server.base, vec![stream]);
    described.start_date = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    Arc::get_mut(&mut described.spec).unwrap().errors.push(ErrorRule {
        status: vec![504],
        body: None,
        contains: Some("TOO MUCH".to_owned()),
        action: ErrorAction::Halve,
        message: None,
    });
    let kept = Kept::default();
    run(&described, &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["i0|0", "i1|1", "i2|2"]);
}

#[test]
fn packed_lines_are_unpacked_by_what_they_are() {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(b"{\"id\":\"a\",\"n\":9007199254740993}\n\n{\"id\":\"b\",\"n\":\"x\"}\n{\"id\":\"c\"").unwrap();
    let cut = zip.finish().unwrap();
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(b"{\"id\":\"a\",\"n\":9007199254740993}\n\n{\"id\":\"b\",\"n\":\"x\"}\n").unwrap();
    let whole = zip.finish().unwrap();
    let server = serve(Box::new(move |number, _| {
        let body = if number == 0 { &cut } else { &whole };
        let mut answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        answer
    }));
    let mut stream = one_page();
    (stream.format, stream.records) = (BodyFormat::JsonLines, path(""));
    stream.columns[1].ty = crate::model::source::stream::SourceType::Plain(ColumnType::Integer);
    let kept = Kept::default();
    run(&source(&server.base, vec![stream]), &kept)[0].outcome.as_ref().unwrap();
    assert_eq!(rows(&kept, "invoice"), ["a|9007199254740993"]);
    assert_eq!(kept.quarantined.lock().unwrap()[0].line, 3);
    assert_eq!(server.asked.lock().unwrap().len(), 2);
}

/// Keeps what was committed, and dies after so many calls.
#[derive(Default)]
struct Mortal {
    left: Mutex<u32>,
    rows: Mutex<Vec<i64>>,
    progress: Mutex<Progress>,
    is_done: Mutex<bool>,
}

struct MortalSink<'a> {
    kept: &'a Mortal,
    /// Handed on and not committed.
    fresh: Vec<i64>,
}

impl MortalSink<'_> {
    fn live(&self) -> Result<()> {
        let mut left = self.kept.left.lock().unwrap();
        *left = left.saturating_sub(1);
        if *left == 0 { Err(crate::error::Error::new(Class::TryAgain, "died")) } else { Ok(()) }
    }
}

impl Sink for MortalSink<'_> {
    fn declare(&mut self, _: &StreamSpec) -> Result<()> {
        Ok(())
    }
    fn page(&mut self, _: &RawPage<'_>) -> Result<()> {
        self.live()
    }
    fn rows(&mut self, _: &str, batch: RecordBatch) -> Result<()> {
        use arrow::array::AsArray;
        self.live()?;
        let numbers = batch.column_by_name("n").unwrap().as_primitive::<arrow::datatypes::Int64Type>();
        self.fresh.extend(numbers.values().iter());
        Ok(())
    }
    fn quarantine(&mut self, _: &str, row: Quarantined) -> Result<()> {
        panic!("{row:?}")
    }
    fn checkpoint(&mut self, progress: &Progress) -> Result<()> {
        self.live()?;
        self.kept.rows.lock().unwrap().append(&mut self.fresh);
        *self.kept.progress.lock().unwrap() = progress.clone();
        Ok(())
    }
    fn finish(&mut self, progress: &Progress, end: PassEnd) -> Result<()> {
        assert_eq!(end, PassEnd::Full);
        self.checkpoint(progress)?;
        *self.kept.is_done.lock().unwrap() = true;
        Ok(())
    }
}

impl Destination for Mortal {
    fn open(&self, _: &StreamSpec) -> Result<(Progress, Box<dyn Sink + '_>)> {
        Ok((self.progress.lock().unwrap().clone(), Box::new(MortalSink { kept: self, fresh: Vec::new() })))
    }
    fn parents(&self, _: &ParentQuery<'_>) -> Result<ParentRows> {
        Ok(Box::new(std::iter::empty()))
    }
    fn sequence(&self, _: &str) -> Result<Option<u64>> {
        Ok(None)
    }
    fn credential(&self) -> Result<Option<String>> {
        Ok(None)
    }
    fn keep_credential(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

#[test]
fn however_often_it_dies_every_row_is_kept_once() {
    const PAGES: u64 = 40;
    let server = serve(Box::new(|_, line| {
        let number: u64 = line.rsplit_once("after=i").map_or(0, |(_, id)| id.parse::<u64>().unwrap() + 1);
        ok(&page(number..number + 1_000, number + 1_000 < PAGES * 1_000))
    }));
    let described = source(&server.base, vec![invoices()]);
    let folder = tempfile::tempdir().unwrap();
    let kept = Mortal::default();
    let mut lives = 0_u32;
    while !*kept.is_done.lock().unwrap() {
        // Some lives are too short for a checkpoint, none is long enough for all.
        *kept.left.lock().unwrap() = 3 + lives * 7 % 23;
        lives += 1;
        let asked = Asked {
            name: "billing",
            source: &described,
            now: DateTime::from_timestamp(1_795_428_000, 0).unwrap(),
            scratch: folder.path(),
            reporter: &Reporter::silent(),
            stop: &|| Ok(()),
        };
        extract(asked, &kept).unwrap();
        assert!(lives < 200);
    }
    assert!(lives > 4);
    let rows = kept.rows.lock().unwrap();
    assert!(rows.iter().copied().eq(0..i64::try_from(PAGES * 1_000).unwrap()), "{} rows", rows.len());
}
