//! Nobody gets to see a secret.

use super::{Acme, KEY, START, spec_with};
use crate::dsl::files_under;
use crate::server::paged::{Bad, rows};
use std::time::Duration;

/// Files below the job's folder that hold a text, as it stands or inside zstd.
fn files_with(acme: &Acme, secret: &str) -> Vec<String> {
    let root = acme.world.path("");
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    let mut found = Vec::new();
    for path in files_under(&root) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let inside = zstd_frames(&bytes);
        if holds(&bytes) || holds(&inside) {
            found.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

/// What zstd frames at the beginning of some bytes hold.
fn zstd_frames(bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(bytes).unwrap_or_default() } else { Vec::new() }
}

/// Every command line and, where they can be read, nothing else of a process.
fn command_line(pid: u32) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).into_owned()
}

fn searched(spec: &str, break_it: impl Fn(&Acme)) {
    let acme = Acme::of(rows(60, START), spec);
    break_it(&acme);
    let mut child = acme.run().spawn();
    let mut lines = String::new();
    while child.try_wait().unwrap().is_none() {
        lines.push_str(&command_line(child.id()));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!lines.contains(KEY), "the process list shows the key");
    for log in ["plain", "json"] {
        let answer = acme.run().arg("--log").arg(log).any_status().run();
        assert!(!answer.stdout.contains(KEY), "standard output shows the key\n{}", answer.stdout);
        assert!(!answer.stderr.contains(KEY), "standard error shows the key\n{}", answer.stderr);
    }
    for command in [["plan", "job.toml"], ["check", "job.toml"], ["history", "job.toml"]] {
        let environment = [("ACME_KEY".to_owned(), KEY.to_owned())];
        let answer = acme.world.tailwater(&command).envs(&environment).any_status().run();
        assert!(!format!("{}{}", answer.stdout, answer.stderr).contains(KEY), "{command:?} shows the key");
    }
    let found = files_with(&acme, KEY);
    assert!(found.is_empty(), "the key stands in {found:?}");
    let sent = acme.server.requests().iter().filter(|request| format!("{request:?}").contains(KEY)).count();
    assert!(sent > 0, "the key was never used, so that this shows nothing");
}

#[test]
fn a_bearer_token_is_seen_nowhere() {
    searched(super::SPEC, |_| {});
}

#[test]
fn a_key_in_the_query_is_seen_nowhere() {
    let query = "kind = \"key\"\nname = \"api_key\"\nvalue = \"{api_key}\"\nin = \"query\"";
    searched(&spec_with(&[("kind = \"bearer\"\ntoken = \"{api_key}\"", query)]), |_| {});
}

#[test]
fn a_key_in_the_query_is_not_in_errors_either() {
    let query = "kind = \"key\"\nname = \"api_key\"\nvalue = \"{api_key}\"\nin = \"query\"";
    searched(&spec_with(&[("kind = \"bearer\"\ntoken = \"{api_key}\"", query)]), |acme| {
        acme.api.bad(3, usize::MAX, Bad::Html).bad(2, 1, Bad::Cut);
    });
}

#[test]
fn a_password_and_an_answer_that_repeats_it_are_seen_nowhere() {
    let basic = "kind = \"basic\"\nuser = \"tailwater\"\npassword = \"{api_key}\"";
    let acme = Acme::of(rows(30, START), &spec_with(&[("kind = \"bearer\"\ntoken = \"{api_key}\"", basic)]));
    let said = "{\"error\":\"the key sk_live_51TheKeyThatNobodyMaySee is not known here\"}";
    acme.api.bad(2, usize::MAX, Bad::Status(400, Vec::new(), said));
    let answer = acme.run().status(69).run();
    assert!(!answer.stderr.contains(KEY), "{}", answer.stderr);
    let found = files_with(&acme, KEY);
    assert!(found.is_empty(), "the key stands in {found:?}");
}
