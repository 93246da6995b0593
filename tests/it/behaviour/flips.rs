//! Would anybody notice? Rules of health, signals and handoffs are flipped one at a time, and what was planted must no longer be
//! what is found.
//!
//! `TAILWATER_TEST_MUTATIONS=all` tries each; otherwise one is tried.

use super::{
    Share, World, champions_who_leave_show, dips_with_an_action, evaluate, green_ratings_over_a_decline,
    handoffs_are_verified_exactly, job, loud_and_loyal, quiet_declines, the_unmeasured_have_no_colour,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const SEED: u64 = 1;

/// One rule, how it is flipped, and who must notice.
struct Flip {
    rule: &'static str,
    /// The model, below `sql/`.
    model: &'static str,
    /// Text that stands there exactly once.
    from: &'static str,
    to: &'static str,
    /// Fails where what was planted is not what is found.
    seen: fn(&World),
}

fn at_least(share: Share, pct: f64) {
    assert!(share.of >= 1.0 && share.pct() >= pct, "{share:?}");
}

const FLIPS: [Flip; 7] = [
    Flip {
        rule: "a fall of use has a negative z",
        model: "intermediate/usage_test.sql",
        from: "round((x1 - r * x0) / sqrt",
        to: "round((r * x0 - x1) / sqrt",
        seen: |world| at_least(quiet_declines(world), 90.0),
    },
    Flip {
        rule: "what is negated is not promised",
        model: "intermediate/handoff_match.sql",
        from: "else has_negation_before or has_negation_after",
        to: "else false",
        seen: |world| handoffs_are_verified_exactly(world, SEED),
    },
    Flip {
        rule: "who left is a champion's loss",
        model: "intermediate/health_contacts.sql",
        from: "where contact.role = 'champion'",
        to: "where contact.role = 'nobody'",
        seen: |world| champions_who_leave_show(world, SEED),
    },
    Flip {
        rule: "little data has no colour",
        model: "intermediate/health_score.sql",
        from: "covered.coverage_pct >= cast($health_min_coverage_pct",
        to: "covered.coverage_pct + 100 >= cast($health_min_coverage_pct",
        seen: |world| the_unmeasured_have_no_colour(world, SEED),
    },
    Flip {
        rule: "an action needs the tier a week before too",
        model: "marts/usage_signal.sql",
        from: "when 'flag' then prior_tier in ('escalate', 'flag')",
        to: "when 'flag' then true",
        seen: |world| assert!(dips_with_an_action(world, SEED).pct() <= 40.0),
    },
    Flip {
        rule: "a green rating over falling use is said",
        model: "marts/sentiment_divergence.sql",
        from: "and (is_sustained_drop or is_declining_90d or",
        to: "and (false or",
        seen: |world| at_least(green_ratings_over_a_decline(world), 75.0),
    },
    Flip {
        rule: "tickets count for support",
        model: "intermediate/health_support.sql",
        from: "            else excess\n",
        to: "            else cast(0 as decimal(18,4))\n",
        seen: |world| at_least(loud_and_loyal(world, SEED), 100.0),
    },
];

fn flipped(flip: &Flip) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(flip.model);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(flip.from).count(), 1, "{:?} stands not exactly once in {}", flip.from, flip.model);
    text.replace(flip.from, flip.to)
}

#[test]
fn every_flipped_rule_of_health_is_noticed() {
    let tried = if std::env::var("TAILWATER_TEST_MUTATIONS").as_deref() == Ok("all") { FLIPS.len() } else { 1 };
    let mut unseen = Vec::new();
    for (number, flip) in FLIPS.iter().enumerate() {
        let text = flipped(flip);
        if number >= tried {
            continue;
        }
        let world = job(SEED, "2026-01-01");
        world.file(&format!("own/{}", flip.model), text);
        evaluate(&world);
        if catch_unwind(AssertUnwindSafe(|| (flip.seen)(&world))).is_ok() {
            unseen.push(flip.rule);
        }
    }
    assert!(unseen.is_empty(), "nobody notices when these are flipped: {unseen:?}");
}
