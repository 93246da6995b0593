//! Big answers do not make a big process.

use super::{Acme, START, spec_with};
use crate::server::paged::rows;
use crate::server::{Body, Fault, Reply, Server};
use std::io::{BufRead, BufReader};

/// Megabytes of the one answer.
const MEGABYTES: u64 = 200;

/// One row of the same length whatever its number.
fn wide(at: u64) -> String {
    let filler = "0123456789abcdef".repeat(48);
    format!(
        "{{\"id\":\"r-{at:06}\",\"updated\":{START},\"deleted\":false,\"name\":\"{filler}\",\"version\":{:07}}}",
        at + 1_000_000
    )
}

/// The greatest resident size of a process so far, in kilobytes.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn one_big_answer_is_read_in_little_memory() {
    let count = MEGABYTES * 1_000_000 / (wide(0).len() as u64 + 1);
    let server = Server::start(move |_| {
        let (head, tail) = ("{\"data\":[", "],\"meta\":{\"next\":null}}");
        let length = head.len() as u64 + tail.len() as u64 + count * wide(0).len() as u64 + count - 1;
        let write = move |out: &mut dyn std::io::Write| {
            out.write_all(head.as_bytes())?;
            for at in 0..count {
                if at > 0 {
                    out.write_all(b",")?;
                }
                out.write_all(wide(at).as_bytes())?;
            }
            out.write_all(tail.as_bytes())
        };
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Reply { status: 200, headers, body: Body::Made(length, Box::new(write)), fault: Fault::None }
    });
    let spec = spec_with(&[("total_timeout = \"6s\"", "total_timeout = \"10m\"")]);
    let acme = Acme::of(rows(0, START), &spec);
    acme.world.file(
        "job.toml",
        super::job(&server.url(), "").replace("[company]", "[engine]\nmemory = \"512MiB\"\n\n[company]"),
    );
    // What is held while the answer comes; the queries after it have memory of their own ([engine] memory).
    let mut child = acme.run().spawn_heard();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let landed = lines.find(|line| line.contains("stage_finished stage=land"));
    let most = peak(child.id()).unwrap();
    assert!(landed.is_some());
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{}", rest.join("\n"));
    let query = "select count(*) as rows, count(distinct id) as ids, sum(version) as versions from latest.seen";
    let answer = acme.world.tailwater(&["sql", "job.toml", query, "--format", "csv"]).run();
    let versions = (0..count).map(|at| at + 1_000_000).sum::<u64>();
    assert!(answer.stdout.ends_with(&format!("{count},{count},{versions}\n")), "{} of {count}", answer.stdout);
    // The program itself takes 115 MB; an answer that were held would come on top of it whole.
    let limit = 260_000;
    assert!(most < limit, "{most} kB while an answer of {MEGABYTES} MB came");
}
