//! What Finance has agreed to, and what it has decided about findings.

use crate::sample::company::Company;
use crate::sample::facts::{Contract, Exception};
use crate::sample::leaks::{Leaks, Review};
use crate::sample::months::{add_days, add_months};
use crate::sample::random::Stream;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

fn afternoon(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::from_hms_opt(15, 30, 0).unwrap_or_default())
}

/// The faulty lines that nobody approved as such, in an order of their own, with the contract of each.
fn faulty<'a>(company: &Company, contracts: &'a [Contract], leaks: &'a Leaks) -> Vec<(&'a str, &'static str, usize)> {
    let of = |line: &str| {
        let owns =
            |contract: &Contract| line.strip_prefix(contract.id.as_str()).is_some_and(|rest| rest.starts_with('-'));
        contracts.iter().position(owns)
    };
    let lines = leaks.lines.iter().filter(|(line, _)| !leaks.approved.contains(*line));
    let mut faulty: Vec<(&str, &'static str, usize)> =
        lines.filter_map(|(line, faults)| Some((line.as_str(), faults.first()?.code(), of(line)?))).collect();
    faulty.sort_by_key(|(line, ..)| {
        let key = line.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte)));
        Stream::new(company.spec.seed, "approval order", key).below(u64::MAX)
    });
    faulty
}

/// Writes what was agreed into the contracts: deviations approved from the start, and others late, for a while, or for more
/// than one line.
pub fn approve(company: &Company, contracts: &mut [Contract], leaks: &Leaks) {
    let start = company.spec.start;
    let mut granted: Vec<(usize, Exception)> = Vec::new();
    for (at, contract) in contracts.iter().enumerate() {
        for (line, faults) in leaks.lines.iter().filter(|(line, _)| leaks.approved.contains(*line)) {
            let is_ours = line.strip_prefix(contract.id.as_str()).is_some_and(|rest| rest.starts_with('-'));
            let Some(fault) = faults.first().filter(|_| is_ours) else { continue };
            granted.push((at, exception(line, fault.code(), contract, contract.start)));
        }
    }
    for (position, (line, code, at)) in faulty(company, contracts, leaks).into_iter().take(15).enumerate() {
        let Some(contract) = contracts.get(at) else { continue };
        let from = contract.start.max(start);
        let exception = exception(line, code, contract, from);
        granted.push((
            at,
            match position % 5 {
                // Approved long after it began.
                0 => Exception { approved_at: afternoon(add_months(from, 13)), ..exception },
                // For some months only, some of them not whole.
                1 => Exception { start: add_days(from, 100), end: Some(add_days(from, 200)), ..exception },
                // Everything about a contract for two months.
                2 => Exception {
                    line: None,
                    contract: Some(contract.id.clone()),
                    check_code: None,
                    start: add_months(from, 6),
                    end: Some(add_months(from, 8)),
                    ..exception
                },
                // One check of a customer.
                3 => Exception { line: None, end: Some(add_months(from, 12)), ..exception },
                // Whatever is wrong with a line.
                _ => Exception { account: None, check_code: None, end: Some(add_months(from, 10)), ..exception },
            },
        ));
    }
    for (at, exception) in granted {
        if let Some(contract) = contracts.get_mut(at) {
            contract.exceptions.push(exception);
        }
    }
}

fn exception(line: &str, code: &'static str, contract: &Contract, from: NaiveDate) -> Exception {
    Exception {
        id: format!("ex-{line}"),
        account: Some(contract.account),
        contract: None,
        line: Some(line.to_owned()),
        check_code: Some(code),
        start: from,
        end: None,
        approved_at: afternoon(add_days(from, 3)),
        reason: match code {
            "P1" => "discount grandfathered by the head of sales",
            "Q2" => "seats of the pilot team are free",
            _ => "agreed with the customer",
        },
    }
}

/// What was decided about some findings.
pub fn reviews(company: &Company, contracts: &[Contract], leaks: &Leaks) -> Vec<Review> {
    let mut reviews = Vec::new();
    for (position, (line, code, at)) in faulty(company, contracts, leaks).into_iter().skip(15).take(24).enumerate() {
        let Some(contract) = contracts.get(at) else { continue };
        let stated = contract.versions.iter().flat_map(|version| &version.lines).find(|stated| stated.id == line);
        let (Some(stated), Some(account)) = (stated, company.accounts.get(contract.account as usize)) else { continue };
        let day = add_days(company.spec.start, 420 + i64::try_from(position).unwrap_or(0) * 11);
        let key = [code, &account.id, &contract.id, line, stated.product.id, ""].map(str::to_owned);
        let review = |decision, day, expires| Review { key: key.clone(), decision, decided: afternoon(day), expires };
        match position % 6 {
            0 => reviews.push(review("waived", day, None)),
            1 => reviews.push(review("waived", day, Some(add_days(day, 80)))),
            2 => reviews.push(review("confirmed", day, None)),
            3 => reviews.push(review("disputed", day, None)),
            4 => reviews.extend([review("waived", day, None), review("confirmed", add_days(day, 60), None)]),
            _ => reviews.extend([review("disputed", day, None), review("waived", add_days(day, 45), None)]),
        }
    }
    reviews
}
