//! Answers that are none, and sources that cannot be trusted.

use super::{Acme, START, spec_with};
use crate::server::paged::{Bad, rows};
use std::time::{Duration, Instant};

fn status(status: u16) -> Bad {
    Bad::Status(status, Vec::new(), "{\"error\":\"not now\"}")
}

fn retry_after(text: String) -> Bad {
    Bad::Status(429, vec![("Retry-After".to_owned(), text)], "{\"error\":\"slow down\"}")
}

#[test]
fn too_many_requests_are_waited_for() {
    let acme = Acme::new(60);
    acme.api.bad(2, 1, retry_after("2".to_owned())).bad(3, 2, status(429));
    let started = Instant::now();
    acme.run().run();
    assert!(started.elapsed() >= Duration::from_secs(2), "did not wait as long as it was told to");
    acme.assert_equal();
}

#[test]
fn a_retry_after_that_is_a_date_is_waited_for() {
    let acme = Acme::new(30);
    let when = chrono::Utc::now() + chrono::TimeDelta::seconds(3);
    acme.api.bad(2, 1, retry_after(when.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_source_that_wants_to_be_waited_for_too_long_fails_its_stream() {
    let acme = Acme::new(30);
    acme.api.bad(2, 99, retry_after("86400".to_owned()));
    let started = Instant::now();
    acme.run().status(69).stderr("acme").run();
    assert!(started.elapsed() < Duration::from_secs(60));
    acme.api.heal();
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn bursts_of_server_errors_are_survived() {
    let acme = Acme::new(60);
    for (page, code) in [(1, 500), (2, 502), (3, 503), (4, 504), (5, 408)] {
        acme.api.bad(page, 3, status(code));
    }
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn answers_that_break_off_are_asked_for_again() {
    let acme = Acme::new(90);
    for (page, bad) in
        [Bad::Cut, Bad::CutChunks, Bad::Silence, Bad::Half, Bad::LyingGzip, Bad::HalfGzip, Bad::Html, Bad::Broken]
            .into_iter()
            .enumerate()
    {
        acme.api.bad(page as u64 + 1, 2, bad);
    }
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_page_that_stays_broken_fails_the_stream_and_keeps_what_came_before() {
    let acme = Acme::new(400);
    acme.api.bad(37, 99, Bad::Broken);
    let answer = acme.run().status(69).run();
    assert!(answer.stderr.contains("37"), "the page is named\n{}", answer.stderr);
    acme.api.heal();
    let before = acme.pages();
    acme.run().run();
    acme.assert_equal();
    let again = acme.pages() - before;
    assert!(again <= 10, "{again} pages were read after page 36 had been landed");
}

#[test]
fn a_page_for_people_with_status_200_is_told_as_such() {
    let acme = Acme::new(30);
    acme.api.bad(2, 99, Bad::Html);
    acme.run().status(69).stderr("We will be back soon").run();
    acme.api.heal();
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_page_that_repeats_for_ever_ends_the_stream() {
    let acme = Acme::new(60);
    acme.api.bad(3, usize::MAX, Bad::Repeats);
    acme.run().status(69).run();
    assert!(acme.pages() < 20, "{} pages", acme.pages());
    acme.api.heal();
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_cursor_that_goes_backwards_ends_the_stream() {
    let acme = Acme::new(60);
    acme.api.bad(4, usize::MAX, Bad::Backwards);
    acme.run().status(69).run();
    assert!(acme.pages() < 20, "{} pages", acme.pages());
    acme.api.heal();
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_field_that_changes_type_costs_its_row_and_says_so() {
    let acme = Acme::new(30);
    acme.api.bad(2, 99, Bad::OtherType);
    let answer = acme.run().any_status().run();
    let told = answer.stderr.contains("big") || answer.stdout.contains("quarantine");
    assert!(told, "exit code {:?}\n{}\n{}", answer.status, answer.stdout, answer.stderr);
    if answer.status == Some(0) {
        let mut expected = acme.api.landed();
        expected.remove(15);
        super::same(&acme.seen(), &expected);
    }
}

#[test]
fn a_column_that_changes_type_in_every_row_stops_the_stream() {
    let acme = Acme::new(60);
    acme.run().run();
    let before = acme.seen();
    acme.api.change(|rows| {
        for row in rows {
            row.members = row.members.replace("\"big\":", "\"big\":\"many\",\"was\":");
            row.updated += 1_000_000;
        }
    });
    let answer = acme.run_on("2026-07-01").any_status().run();
    assert_ne!(answer.status, Some(0), "{}", answer.stderr);
    assert!(
        answer.stderr.contains("big") && answer.stderr.contains("many"),
        "the difference is shown\n{}",
        answer.stderr
    );
    super::same(&acme.seen(), &before);
}

#[test]
fn a_token_that_expires_in_mid_run_is_renewed() {
    let spec = spec_with(&[
        ("[settings]", "[settings]\nlogin_url = { doc = \"Where tokens are given\" }"),
        (
            "kind = \"bearer\"\ntoken = \"{api_key}\"",
            "kind = \"oauth\"\ngrant = \"client_credentials\"\ntoken_url = \"{login_url}/oauth/token\"\nclient_id = \"tailwater\"\n\
             client_secret = \"{api_key}\"",
        ),
    ]);
    let acme = Acme::of(rows(60, START), &spec);
    let login = format!("login_url = \"{}\"", acme.server.url());
    acme.world.file("job.toml", super::job(&acme.server.url(), &login));
    acme.api.only("nobody has this yet");
    // Every new token makes the one before it worthless.
    acme.api.bad(4, 1, status(401)).bad(6, 1, status(401));
    acme.run().run();
    acme.assert_equal();
    let tokens = acme.server.requests().iter().filter(|request| request.path == "/oauth/token").count();
    assert_eq!(tokens, 3, "one at the beginning, one for each refusal");
}

#[test]
fn a_key_that_is_refused_is_an_error_that_names_the_source() {
    let acme = Acme::new(30);
    acme.api.only("another key");
    acme.run().status(69).stderr("acme").run();
    assert!(acme.pages() <= 3, "{} requests with a key that is refused", acme.pages());
}

#[test]
fn a_server_that_dribbles_is_given_up_in_time() {
    let acme = Acme::new(30);
    acme.api.bad(2, 99, Bad::Dribble(Duration::from_secs(1)));
    let started = Instant::now();
    acme.run().status(69).run();
    // Five attempts of six seconds, and the waits between them.
    assert!(started.elapsed() < Duration::from_secs(90), "{:?}", started.elapsed());
    acme.api.heal();
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_server_that_is_only_slow_is_waited_for() {
    let acme = Acme::of(rows(12, START), &spec_with(&[("total_timeout = \"6s\"", "total_timeout = \"60s\"")]));
    acme.api.bad(2, 1, Bad::Dribble(Duration::from_millis(2)));
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_server_that_is_down_stops_the_run_with_69_and_what_was_landed_stays() {
    let acme = Acme::new(30);
    acme.run().run();
    let down = super::job("http://127.0.0.1:9", "max_age_days = 0");
    acme.world.file("job.toml", down);
    acme.run_on("2026-07-01").status(69).stderr("acme").run();
    acme.assert_equal();
    let patient = super::job("http://127.0.0.1:9", "max_age_days = 3");
    acme.world.file("job.toml", patient);
    acme.run_on("2026-07-01").run();
    acme.assert_equal();
    acme.run_on("2026-07-09").status(69).run();
}
