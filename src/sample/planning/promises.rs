//! Faults of commitments: true-ups nobody bills, balances that never end.

use super::Scene;
use crate::sample::billing::drafts;
use crate::sample::company::Company;
use crate::sample::facts::{Commitment, Contract, LineKind};
use crate::sample::leaks::{Fault, Leaks};
use crate::sample::months::add_days;
use crate::sample::random::Stream;
use std::collections::BTreeSet;

/// Commitments of each kind whose true-up or overdraw goes wrong, for every 320 customers.
const EACH: u32 = 7;

/// Plants them, on customers without another fault as far as there are any.
pub(super) fn plan(company: &Company, scene: &Scene<'_>, scale: u32, used: &mut BTreeSet<u32>, leaks: &mut Leaks) {
    for is_prepaid in [false, true] {
        let mut left = EACH * scale;
        for is_last_resort in [false, true] {
            for (contract, commitment) in commitments(scene.contracts, is_prepaid) {
                let is_taken = leaks.lines.contains_key(&commitment.id);
                if left == 0 || is_taken || (used.contains(&contract.account) && !is_last_resort) {
                    continue;
                }
                let mut draw = Stream::new(company.spec.seed, "promise leak", u64::from(contract.account));
                // Two statements of one day leave nothing to be held against.
                let is_unclear = contract.versions.windows(2).any(|pair| match pair {
                    [before, after] => before.effective == after.effective,
                    _ => false,
                });
                if is_unclear || !matters(contract, commitment, scene, leaks) {
                    continue;
                }
                let fault = match (is_prepaid, draw.chance(600)) {
                    (false, true) => Fault::ForgetsTrueUp,
                    (false, false) => Fault::ShortTrueUp(draw.between(300, 900)),
                    (true, true) => Fault::ForgetsOverdraw,
                    (true, false) => Fault::ForgivesOverdraw(draw.between(300, 800)),
                };
                leaks.lines.insert(commitment.id.clone(), vec![fault]);
                used.insert(contract.account);
                left -= 1;
            }
        }
    }
}

fn commitments(contracts: &[Contract], is_prepaid: bool) -> impl Iterator<Item = (&Contract, &Commitment)> {
    let all = contracts.iter().flat_map(|contract| contract.commitments.iter().map(move |one| (contract, one)));
    all.filter(move |(_, commitment)| commitment.is_prepaid == is_prepaid)
}

/// Whether the true-up, or what goes beyond the balance, is money worth missing by the end of the plan.
fn matters(contract: &Contract, commitment: &Commitment, scene: &Scene<'_>, leaks: &Leaks) -> bool {
    let step = 10_i128.pow(contract.currency.exponent());
    let last = add_days(scene.until, -25);
    drafts(contract, scene.meters, leaks, scene.until).iter().any(|draft| {
        let line = &draft.line;
        let is_ours = if commitment.is_prepaid {
            commitment.lines.contains(&line.contract_line)
        } else {
            line.kind == LineKind::TrueUp && line.commitment.as_deref() == Some(&commitment.id)
        };
        is_ours && draft.created <= last && draft.created >= scene.first && line.amount > 5 * step
    })
}
