//! Spending that customers promised: its periods, and what the biller makes of it.

use super::biller::Draft;
use super::facts::{Commitment, CommitmentPeriod, Contract, InvoiceLine, LineKind};
use super::fraction::{Fraction, divide_half_up};
use super::leaks::Fault;
use super::months::{add_months, days_between};
use super::periods::service_end;
use super::products::TRUE_UP;
use super::schedule;
use chrono::NaiveDate;
use std::ops::Range;

/// Periods of a commitment are followed for no longer than this.
const MOST_PERIODS: i32 = 240;

/// A period of a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its days.
    pub days: Range<NaiveDate>,
    /// Its end, had nothing cut it short.
    pub whole_end: NaiveDate,
}

/// The periods of a commitment that began by `as_of`, as known then.
pub fn periods(contract: &Contract, commitment: &Commitment, as_of: NaiveDate) -> Vec<Period> {
    let Some((stated, served)) = service_end(contract, as_of) else { return Vec::new() };
    let start = commitment.start;
    let months = match commitment.period {
        CommitmentPeriod::Month => 1,
        CommitmentPeriod::Quarter => 3,
        CommitmentPeriod::Year => 12,
        CommitmentPeriod::Term => {
            let whole_end = commitment.end.unwrap_or(stated);
            let days = start..whole_end.min(served);
            let has_begun = days.start <= as_of && days.start < days.end;
            return if has_begun { vec![Period { days, whole_end }] } else { Vec::new() };
        }
    };
    let end = commitment.end.unwrap_or(NaiveDate::MAX).min(served);
    (0..MOST_PERIODS)
        .map(|number| (add_months(start, number * months), add_months(start, (number + 1) * months)))
        .take_while(|(from, _)| *from < end && *from <= as_of)
        .map(|(from, whole_end)| Period { days: from..whole_end.min(end), whole_end })
        .collect()
}

/// Whether a contract line counts towards a commitment. A prepaid one that lists none has the metered lines.
pub fn counts(commitment: &Commitment, line_id: &str, is_metered: bool) -> bool {
    if commitment.lines.is_empty() {
        return is_metered || !commitment.is_prepaid;
    }
    commitment.lines.iter().any(|line| line == line_id)
}

/// The days of a period as a share of the whole one; one unless the commitment shrinks with a period that is cut short.
fn share(commitment: &Commitment, period: &Period) -> Fraction {
    if !commitment.is_prorated || period.days.end == period.whole_end {
        return Fraction::ONE;
    }
    let days = |end| i128::from(days_between(period.days.start, end));
    Fraction::new(days(period.days.end), days(period.whole_end))
}

/// Minor units committed for a period; none where units are.
pub fn amount(contract: &Contract, commitment: &Commitment, period: &Period) -> Option<i128> {
    let ramped = contract
        .ramps
        .iter()
        .filter(|step| counts(commitment, &step.line, true) && step.start <= period.days.start)
        .filter_map(|step| step.commit.map(|amount| (step.start, amount)))
        .max_by_key(|(start, _)| *start);
    let whole = ramped.map(|(_, amount)| amount).or(commitment.amount)?;
    let share = share(commitment, period);
    Some((Fraction::whole(whole) * share).minor(0))
}

/// What a period falls short by, in minor units, after so much was spent and used.
pub fn shortfall(
    contract: &Contract,
    commitment: &Commitment,
    period: &Period,
    (spent, used): (i128, Fraction),
) -> i128 {
    let exponent = contract.currency.exponent();
    match amount(contract, commitment, period) {
        Some(amount) => (amount - spent).max(0),
        None => {
            let committed = Fraction::whole(i128::from(commitment.quantity.unwrap_or(0)));
            let missing = (committed * share(commitment, period)).rounded(6) - used;
            let price = Fraction::decimal(commitment.overage_unit_price.unwrap_or(0), 8);
            if missing.is_positive() { (missing * price).minor(exponent) } else { 0 }
        }
    }
}

/// The part of an amount that falls into a period of the commitment, by calendar days; the period of the last day takes the
/// remainder of rounding.
pub fn portion(amount: i128, days: &Range<NaiveDate>, period: &Range<NaiveDate>) -> i128 {
    let inside = days_between(days.start.max(period.start), days.end.min(period.end)).max(0);
    let all = days_between(days.start, days.end);
    if inside == all {
        return amount;
    }
    let part = |days: i64| divide_half_up(amount * i128::from(days), i128::from(all));
    if inside > 0 && days.end <= period.end { amount - part(all - inside) } else { part(inside) }
}

/// Whether any day of `days` lies in `period`.
pub fn touches(days: &Range<NaiveDate>, period: &Range<NaiveDate>) -> bool {
    days.start < period.end && period.start < days.end
}

/// Draws prepaid balances down, and adds the true-ups of the other commitments, to everything the biller has made for a contract.
pub fn settle<'a>(
    contract: &Contract,
    drafts: Vec<Draft>,
    faults: impl Fn(&str) -> &'a [Fault],
    until: NaiveDate,
) -> Vec<Draft> {
    let mut drafts = drafts;
    for commitment in &contract.commitments {
        let faults = faults(&commitment.id);
        for period in periods(contract, commitment, until) {
            if commitment.is_prepaid {
                draw(contract, commitment, &period, faults, &mut drafts);
            } else if period.days.end <= until {
                let draft = true_up(contract, commitment, &period, faults, &drafts);
                drafts.extend(draft);
            }
        }
    }
    drafts
}

fn is_metered(draft: &Draft) -> bool {
    draft.line.kind == LineKind::Usage
}

/// Takes the balance off what its lines were charged, in order.
fn draw(contract: &Contract, commitment: &Commitment, period: &Period, faults: &[Fault], drafts: &mut Vec<Draft>) {
    let mut left = amount(contract, commitment, period).unwrap_or(0);
    let mut order: Vec<usize> = (0..drafts.len())
        .filter(|at| {
            drafts.get(*at).is_some_and(|draft| {
                counts(commitment, &draft.line.contract_line, is_metered(draft))
                    && period.days.contains(&draft.line.start)
            })
        })
        .collect();
    order.sort_by_key(|at| drafts.get(*at).map(|draft| (draft.line.start, draft.line.contract_line.clone())));
    let mut gone: Vec<usize> = Vec::new();
    for at in order {
        let Some(draft) = drafts.get_mut(at) else { continue };
        let covered = draft.line.amount.min(left).max(0);
        left -= covered;
        let rest = draft.line.amount - covered;
        let forgiven = faults.iter().fold(0, |sum, fault| match fault {
            Fault::ForgetsOverdraw => rest,
            Fault::ForgivesOverdraw(permille) => rest * i128::from(*permille) / 1_000,
            _ => sum,
        });
        draft.line.discount += covered + forgiven;
        draft.line.amount -= covered + forgiven;
        // What the balance covers is shown by some, and left out by others.
        let shows = contract.account.is_multiple_of(2) && !faults.contains(&Fault::ForgetsOverdraw);
        if draft.line.amount == 0 && covered + forgiven > 0 && !shows {
            gone.push(at);
        }
    }
    let mut at = 0;
    drafts.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
}

fn true_up(
    contract: &Contract,
    commitment: &Commitment,
    period: &Period,
    faults: &[Fault],
    drafts: &[Draft],
) -> Option<Draft> {
    let ours = drafts.iter().filter(|draft| {
        !draft.is_stuck
            && draft.created <= period.days.end
            && draft.line.kind != LineKind::TrueUp
            && counts(commitment, &draft.line.contract_line, is_metered(draft))
            && touches(&(draft.line.start..draft.line.end), &period.days)
    });
    let (mut spent, mut used) = (0, Fraction::ZERO);
    for draft in ours {
        let days = draft.line.start..draft.line.end;
        spent += portion(draft.line.amount, &days, &period.days);
        let size = schedule::unit_size(contract, &draft.line.contract_line);
        let units = Fraction::decimal(draft.line.quantity, 6) * Fraction::new(i128::from(draft.line.unit_size), size);
        used = used + units;
    }
    let due = shortfall(contract, commitment, period, (spent, used));
    let amount = faults.iter().fold(due, |amount, fault| match fault {
        Fault::ForgetsTrueUp => 0,
        Fault::ShortTrueUp(permille) => amount * i128::from(*permille) / 1_000,
        _ => amount,
    });
    let exponent = contract.currency.exponent();
    let line = InvoiceLine {
        id: String::new(),
        contract_line: String::new(),
        commitment: Some(commitment.id.clone()),
        product: TRUE_UP,
        kind: LineKind::TrueUp,
        quantity: 1_000_000,
        unit_size: 1,
        unit_price: amount * 10_i128.pow(8 - exponent),
        gross: amount,
        discount: 0,
        amount,
        tax: 0,
        start: period.days.start,
        end: period.days.end,
        is_override: false,
        applied: Vec::new(),
    };
    (amount > 0).then_some(Draft { created: period.days.end, is_stuck: false, is_prompt: false, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100.00 for 31 days from 15 January: 17 of them in January, 54.84; the rest of it in February.
    #[test]
    fn amounts_are_split_by_days_and_lose_no_cent() {
        let date = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
        let days = date(1, 15)..date(2, 15);
        let (january, february) = (date(1, 1)..date(2, 1), date(2, 1)..date(3, 1));
        assert_eq!((portion(10_000, &days, &january), portion(10_000, &days, &february)), (5_484, 4_516));
    }
}
