//! Killed at any moment, the next run goes on, and in the end everything is there once.

use super::{Acme, START, spec_with};
use crate::server::paged::{row, rows};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng as _;
use std::time::{Duration, Instant};

/// How often: 50 in full size.
fn kills() -> u32 {
    std::env::var("TAILWATER_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[test]
fn killed_at_random_moments_and_run_to_the_end() {
    let clean = Acme::new(600);
    let started = Instant::now();
    clean.run().run();
    let whole = started.elapsed();
    clean.assert_equal();

    let acme = Acme::new(600);
    let mut random = Pcg64Mcg::new(0x5eed);
    for kill in 0..kills() {
        let mut child = acme.run().spawn();
        std::thread::sleep(whole.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX)));
        // Already over is fine: late moments are meant to hit the commit.
        let _ = child.kill();
        child.wait().unwrap();
        let at = usize::try_from(kill).unwrap();
        // The server keeps its rows in the order of their changes, so that places move.
        acme.api.change(|rows| {
            let changed = row(at * 7, START + 100_000 + i64::from(kill), 1);
            let found = rows.iter_mut().find(|row| row.id == changed.id).unwrap();
            *found = changed;
        });
    }
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_killed_run_goes_on_at_its_page() {
    let spec = spec_with(&[("[limits]", "[limits]\nrate = [{ requests = 10, per = \"1s\" }]")]);
    let acme = Acme::of(rows(1000, START), &spec);
    // Ten pages a second, and a commit every five seconds: eight seconds leave at least half behind them.
    let mut child = acme.run().spawn();
    let waiting = Instant::now();
    while acme.pages() < 80 && waiting.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = acme.pages();
    acme.run().run();
    acme.assert_equal();
    let again = acme.pages() - before;
    assert!(again < 70, "all {again} pages were read again");
}
