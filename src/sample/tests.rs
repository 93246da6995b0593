//! What the made-up company must be, whatever the seed.

use super::planning::planned_until;
use super::planted::{Finding, findings};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn spec(seed: u64) -> SampleSpec {
    SampleSpec { seed, ..SampleSpec::default() }
}

fn found(seed: u64) -> (Sample, Vec<Finding>) {
    let spec = spec(seed);
    let company = Company::new(&spec);
    let as_of = planned_until(&company);
    let sample = Sample::new(&spec, as_of);
    let findings = findings(&sample.world, as_of);
    (sample, findings)
}

#[test]
#[ignore = "prints what a few seeds hold"]
fn counts() {
    for seed in 1..=3 {
        let begun = std::time::Instant::now();
        let (sample, findings) = found(seed);
        println!(
            "seed {seed}: contracts {} invoices {} lines {} in {:?}",
            sample.world.contracts.len(),
            sample.world.invoices.len(),
            sample.world.invoices.iter().map(|invoice| invoice.lines.len()).sum::<usize>(),
            begun.elapsed()
        );
        let mut counts: BTreeMap<(&str, &str, bool), (usize, BTreeSet<&str>)> = BTreeMap::new();
        for finding in &findings {
            let entry = counts.entry((finding.code, finding.step, finding.is_planted)).or_default();
            entry.0 += 1;
            entry.1.insert(if finding.line.is_empty() { &finding.subject } else { &finding.line });
        }
        for (key, (rows, subjects)) in &counts {
            println!("  {key:?}: {rows} rows, {} subjects", subjects.len());
        }
        println!("  planted lines {} approved {}", sample.world.leaks.lines.len(), sample.world.leaks.approved.len());
        for finding in findings
            .iter()
            .filter(|finding| {
                !finding.is_planted
                    && !finding.code.starts_with('R')
                    && finding.code != "C11"
                    && !sample.world.leaks.approved.contains(&finding.line)
            })
            .take(40)
        {
            println!(
                "    natural {} {} {} {} {} faults {:?}",
                finding.code,
                finding.step,
                finding.line,
                finding.start,
                finding.gap,
                sample.world.leaks.lines.get(&finding.line)
            );
        }
    }
}

#[test]
#[ignore = "prints one line's facts"]
fn explain() {
    for (seed, id) in [
        (2, "ct-00131-3-l1"),
        (2, "ct-00139-1-l1"),
        (2, "ct-00093-2-l1"),
        (3, "ct-00020-1-l1"),
        (3, "ct-00113-1-l1"),
        (2, "ct-00042-1-l1"),
    ] {
        let (sample, findings) = found(seed);
        let contract =
            sample.world.contracts.iter().find(|contract| id.starts_with(&format!("{}-", contract.id))).unwrap();
        println!(
            "==== {seed} {id} start {} freq {:?} timing {:?} anchor {:?} pror {:?} term {:?} golive {:?} churn {:?}",
            contract.start,
            contract.frequency,
            contract.timing,
            contract.anchor,
            contract.proration,
            contract.terminated,
            contract.go_live,
            sample.company.accounts[contract.account as usize].churn_date
        );
        for version in &contract.versions {
            let line = version.lines.iter().find(|line| line.id == id);
            println!(
                "  v{} eff {} signed {} end {:?} line {:?}",
                version.number,
                version.effective,
                version.signed,
                version.end,
                line.map(|line| (line.quantity, line.unit_price, line.price_period))
            );
        }
        for discount in
            contract.discounts.iter().filter(|discount| discount.line.as_deref().is_none_or(|line| line == id))
        {
            println!("  {discount:?}");
        }
        for free in contract.free_periods.iter().filter(|free| free.line == id) {
            println!("  {free:?}");
        }
        for invoice in &sample.world.invoices {
            for line in invoice.lines.iter().filter(|line| line.contract_line == id) {
                println!(
                    "  {} {:?} {:?} {}..{} q {} p {} gross {} disc {} amount {}",
                    invoice.id,
                    invoice.issued,
                    line.kind,
                    line.start,
                    line.end,
                    line.quantity,
                    line.unit_price,
                    line.gross,
                    line.discount,
                    line.amount
                );
            }
        }
        for finding in findings.iter().filter(|finding| finding.line == id) {
            println!("  found {} {} {} {}", finding.code, finding.step, finding.start, finding.gap);
        }
    }
}
