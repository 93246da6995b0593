//! What the made-up company must be, whatever the seed.

mod look_alikes;

use super::leaks::Fault;
use super::planning::planned_until;
use super::planted::{Finding, findings};
use super::world::World;
use super::*;
use crate::sample::months::add_months;
use std::collections::{BTreeMap, BTreeSet};

/// The codes that every company must hold at least five times.
const PLANTED: [&str; 45] = [
    "P1", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "C1", "C2",
    "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "E1", "O1", "O2", "O3", "A1", "A2", "R1", "R2",
    "R3", "R4", "R5", "R6", "X1", "D1", "D2", "D3",
];

fn company(seed: u64) -> Company {
    Company::new(&SampleSpec { seed, ..SampleSpec::default() })
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// The facts of a company after its first eighteen months, and what must be found in them.
fn found(seed: u64) -> (Company, World, NaiveDate, Vec<Finding>) {
    let company = company(seed);
    let as_of = planned_until(&company);
    let world = World::new(&company, as_of);
    let findings = findings(&company, &world, as_of);
    (company, world, as_of, findings)
}

/// Fails without printing thousands of rows.
macro_rules! same_rows {
    ($left:expr, $right:expr) => {
        assert!($left == $right, "rows dated up to the horizon differ")
    };
}

#[test]
fn the_same_spec_gives_the_same_facts_and_another_seed_gives_others() {
    let until = date(2026, 7, 1);
    assert_eq!(World::new(&company(3), until), World::new(&company(3), until));
    assert_ne!(World::new(&company(3), until).invoices, World::new(&company(4), until).invoices);
}

#[test]
fn a_later_horizon_changes_no_row_of_an_earlier_one() {
    let company = company(5);
    let (near, far) = (World::new(&company, date(2026, 8, 20)), World::new(&company, date(2027, 5, 31)));
    for cut in [date(2025, 9, 30), date(2026, 7, 1), date(2026, 8, 20)] {
        let (contracts, later) = (&near.contracts, &far.contracts);
        same_rows!(rows_terms::contract(&company, contracts, cut), rows_terms::contract(&company, later, cut));
        same_rows!(rows_terms::contract_line(contracts, cut), rows_terms::contract_line(later, cut));
        same_rows!(rows_terms::discount(contracts, cut), rows_terms::discount(later, cut));
        same_rows!(rows_terms::free_period(contracts, cut), rows_terms::free_period(later, cut));
        same_rows!(
            rows_terms::billing_exception(&company, contracts, cut),
            rows_terms::billing_exception(&company, later, cut)
        );
        let (invoices, later) = (&near.invoices, &far.invoices);
        same_rows!(rows_billing::invoice(&company, invoices, cut), rows_billing::invoice(&company, later, cut));
        same_rows!(rows_billing::invoice_line(invoices, cut), rows_billing::invoice_line(later, cut));
        same_rows!(rows_billing::payment(&company, invoices, cut), rows_billing::payment(&company, later, cut));
        same_rows!(rows_billing::payment_event(invoices, cut), rows_billing::payment_event(later, cut));
        same_rows!(rows_billing::credit_note(&company, invoices, cut), rows_billing::credit_note(&company, later, cut));
        same_rows!(rows_billing::write_off(invoices, cut), rows_billing::write_off(later, cut));
    }
}

#[test]
fn the_truth_of_a_date_does_not_depend_on_the_horizon() {
    let company = company(6);
    let (near, far) = (World::new(&company, date(2026, 7, 1)), World::new(&company, date(2027, 3, 1)));
    for as_of in [date(2025, 6, 30), date(2026, 2, 14), date(2026, 7, 1)] {
        assert_eq!(findings(&company, &near, as_of), findings(&company, &far, as_of));
    }
}

#[test]
fn every_fault_shows_each_code_five_times_and_three_lines_in_ten_for_several_causes() {
    for seed in 1..=20 {
        let mut silent = Vec::new();
        let (_, world, _, findings) = found(seed);
        let mut subjects: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.is_planted) {
            let subject = (finding.account, &finding.contract, &finding.line, finding.product, &finding.subject);
            subjects.entry(finding.code).or_default().insert(subject);
        }
        for code in PLANTED {
            assert!(subjects.get(code).is_some_and(|lines| lines.len() >= 5), "seed {seed}: {code} {subjects:?}");
        }
        let mut causes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        // Causes share a line's money only where they are steps of it.
        let is_step = |finding: &&Finding| finding.class == "leak" && !finding.step.is_empty();
        let on_lines = findings.iter().filter(|finding| finding.is_planted && !finding.line.is_empty());
        // A rate that is wrong is wrong for all lines of its contract: what is planted line by line is what shares them.
        let is_own = |finding: &&Finding| world.leaks.lines.contains_key(&finding.line);
        for finding in on_lines.filter(is_step).filter(is_own) {
            causes.entry(&finding.line).or_default().insert(finding.code);
        }
        let several = causes.values().filter(|codes| codes.len() >= 2).count();
        assert!(several * 10 >= causes.len() * 3, "seed {seed}: {several} of {} leaking lines", causes.len());
        for (line, faults) in &world.leaks.lines {
            for fault in faults {
                let is_ours = |finding: &&Finding| finding.line == *line || finding.subject == *line;
                // Use that nobody bills draws nothing from a balance that is paid ahead: then it is Q5.
                let is_it = |code: &str| code == fault.code() || matches!(fault, Fault::SkipsUse(_)) && code == "Q5";
                let shows = findings.iter().filter(is_ours).any(|finding| is_it(finding.code));
                if !shows {
                    silent.push(format!("seed {seed}: {fault:?} of {line}"));
                }
            }
        }
        for (invoice, how) in &world.leaks.invoices {
            // What is credited too much stands on the note, which bears its invoice's number.
            let note = format!("cn-{}-", &invoice[3..]);
            let is_about = |finding: &&Finding| finding.subject == *invoice || finding.subject.starts_with(&note);
            let shows = findings.iter().filter(is_about).any(|finding| finding.code == how.code());
            if !shows {
                silent.push(format!("seed {seed}: {how:?} of {invoice}"));
            }
        }
        // What a balance paid ahead covers, or another cause of the same step takes whole, cannot be seen.
        let planted = world.leaks.lines.len() + world.leaks.invoices.len();
        assert!(silent.len() * 50 <= planted, "seed {seed}: {silent:?} do not show, of {planted}");
    }
}

/// Whether a finding takes a share of the money of `line`.
fn is_step_of(finding: &Finding, line: &str) -> bool {
    finding.line == line && !finding.step.is_empty()
}

#[test]
fn lines_without_a_fault_are_billed_to_the_cent_but_for_rounding() {
    for seed in 1..=10 {
        let (_, world, _, findings) = found(seed);
        for finding in &findings {
            let has_fault = |id: &String| world.leaks.lines.contains_key(id);
            let is_step = !finding.step.is_empty() && finding.component != "true_up";
            // What one line draws too little, the lines after it draw too much of the same balance.
            let lines = format!("{}-l", finding.contract);
            let is_of_balance = finding.code == "Q5" || finding.component == "usage" && finding.step == "S4";
            let is_balance = is_of_balance && world.leaks.lines.keys().any(|line| line.starts_with(&lines));
            let is_faulty = |line: &String| findings.iter().any(|other| other.is_planted && is_step_of(other, line));
            let is_own = has_fault(&finding.line) || has_fault(&finding.subject) || is_faulty(&finding.line);
            let is_clean = is_step && !finding.is_planted && !is_own && !is_balance;
            // Several lines of one period are rounded one by one: at most a minor unit moves between two steps.
            assert!(!is_clean || finding.gap.abs() <= 1, "seed {seed}: {finding:?}");
        }
    }
}

#[test]
fn nothing_planted_is_an_approved_deviation_and_approved_ones_are_waived_whole() {
    let (_, world, _, findings) = found(2);
    assert!(!world.leaks.approved.is_empty());
    for finding in findings.iter().filter(|finding| world.leaks.approved.contains(&finding.line)) {
        let is_theirs = world.leaks.lines[&finding.line].iter().any(|fault| fault.code() == finding.code);
        assert!(!is_theirs || !finding.is_planted, "{finding:?}");
        assert!(!is_theirs || finding.waived == finding.gap, "{finding:?}");
    }
}

#[test]
fn more_customers_have_more_leaks() {
    let spec = SampleSpec { accounts: 960, ..SampleSpec::default() };
    let company = Company::new(&spec);
    let world = World::new(&company, planned_until(&company));
    assert!(world.leaks.lines.len() > 150);
    assert!(add_months(spec.start, 18) == planned_until(&company));
}

#[test]
fn the_company_bills_in_every_currency_and_by_every_rhythm() {
    let (_, world, _, _) = found(1);
    let currencies: BTreeSet<_> = world.invoices.iter().map(|invoice| invoice.currency).collect();
    assert!(currencies.len() >= 4, "{currencies:?}");
    for frequency in [company::Frequency::Monthly, company::Frequency::Quarterly, company::Frequency::Annual] {
        assert!(world.contracts.iter().any(|contract| contract.frequency == frequency));
    }
    assert!(world.contracts.iter().any(|contract| contract.versions.len() > 2));
    assert!(world.contracts.iter().any(|contract| contract.is_first_full_period));
    assert!(world.contracts.iter().any(|contract| contract.is_holdover));
    assert!(world.contracts.iter().any(|contract| contract.timing == Some(facts::Timing::Arrears)));
}
