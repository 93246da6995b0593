//! What is landed is what was sent, to the last digit.

use super::{Acme, START, spec_with};
use crate::server::paged::{row, rows};

#[test]
fn rows_of_every_kind_arrive_exactly() {
    let acme = Acme::new(97);
    acme.run().run();
    acme.assert_equal();
    assert_eq!(acme.pages(), 10);
}

#[test]
fn what_did_not_change_is_not_asked_for_again() {
    let acme = Acme::new(95);
    acme.run().run();
    acme.run_on("2026-07-01").run();
    acme.assert_equal();
    assert_eq!(acme.pages(), 11, "the second day asks for the rows at the cursor only");
}

#[test]
fn a_row_on_two_pages_is_landed_once() {
    let acme = Acme::new(60);
    acme.api.bad(3, 1, crate::server::paged::Bad::Overlap);
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn rows_that_share_the_cursors_value_across_pages_all_arrive() {
    let mut all = rows(45, START);
    for row in &mut all[5..40] {
        row.updated = START + 300;
    }
    let acme = Acme::of(all, super::SPEC);
    acme.run().run();
    acme.assert_equal();
    acme.api.change(|rows| rows.push(row(90, START + 300, 0)));
    acme.run_on("2026-07-01").run();
    acme.api.change(|rows| rows.push(row(91, START + 44 * 60, 0)));
    acme.run_on("2026-07-02").run();
    // The row that came in behind the cursor is not to be known; the one at the cursor is.
    acme.api.change(|rows| rows.retain(|row| row.id != "r-000090"));
    acme.assert_equal();
}

#[test]
fn a_row_updated_while_paging_is_landed_in_its_newest_version() {
    let acme = Acme::new(80);
    // A row already read and one not yet read change while page 4 is made.
    acme.api.change_at(4, |rows| {
        for at in [3, 70] {
            let found = rows.iter_mut().find(|row| row.id == format!("r-{at:06}")).unwrap();
            *found = row(at, START + 200_000, 1);
        }
    });
    acme.run().run();
    acme.assert_equal();
}

#[test]
fn a_row_that_says_it_is_deleted_is_gone() {
    let acme = Acme::new(30);
    acme.run().run();
    acme.api.change(|rows| {
        rows[7].is_deleted = true;
        rows[7].updated = START + 2_500_000;
    });
    acme.run_on("2026-07-01").run();
    acme.assert_equal();
    assert_eq!(acme.seen().len(), 29);
}

#[test]
fn a_row_that_is_missing_from_a_whole_list_is_gone() {
    let cursor = super::SPEC.split("[streams.row.cursor]").nth(1).unwrap();
    let cursor = format!("[streams.row.cursor]{cursor}");
    let spec = spec_with(&[(cursor.as_str(), ""), (", updated_after = \"{cursor}\"", "")]);
    let acme = Acme::of(rows(30, START), &spec);
    acme.run().run();
    acme.api.change(|rows| drop(rows.remove(11)));
    acme.run_on("2026-07-01").run();
    acme.assert_equal();
    assert_eq!(acme.seen().len(), 29);
}

#[test]
fn yesterday_stays_as_it_was_known_yesterday() {
    let acme = Acme::new(20);
    acme.run().run();
    let before = acme.seen();
    let changed = chrono::DateTime::parse_from_rfc3339("2026-07-01T12:00:00Z").unwrap().timestamp();
    acme.api.change(|rows| rows[4] = row(4, changed, 1));
    acme.run_on("2026-07-01").run();
    acme.assert_equal();
    // A day computed again knows what was known at its end.
    acme.run_on("2026-06-30").any_status().run();
    let again = "select id, version from seen where as_of_date = date '2026-06-30' order by id";
    let answer = acme.world.tailwater(&["sql", "job.toml", again, "--format", "json"]).run();
    for (line, row) in answer.stdout.lines().zip(&before) {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&found["id"], &found["version"]), (&row["id"], &row["version"]));
    }
}
