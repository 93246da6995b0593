//! What happens to an invoice after it was made: void and replacement, credit and rebill, payment.

use super::company::{Account, Company, Segment};
use super::facts::{Contract, CreditNote, Dispute, Invoice, Payment, WriteOff};
use super::leaks::MoneyFault;
use super::money::Currency;
use super::months::add_days;
use super::random::Stream;
use chrono::{NaiveDate, NaiveTime, TimeDelta};

const FAILURES: [&str; 4] = ["card_declined", "insufficient_funds", "expired_card", "authentication_required"];

fn stream(company: &Company, purpose: &str, invoice: &Invoice) -> Stream {
    let key = invoice.id.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte)));
    Stream::new(company.spec.seed, purpose, key)
}

/// The invoice with its fate, and whatever replaces it.
pub(super) fn collect(company: &Company, account: &Account, contract: &Contract, mut invoice: Invoice) -> Vec<Invoice> {
    let Some(issued) = invoice.issued else { return vec![invoice] };
    let mut draw = stream(company, "fate", &invoice);
    let lag = (issued - invoice.created).num_days();
    let is_prompt = lag == 0 && contract.issue_grace_days.unwrap_or(5) >= 3;
    // What a true-up settles is settled once.
    let is_plain = invoice.lines.iter().all(|line| line.commitment.is_none());
    if invoice.total() > 0 && is_plain {
        let fate = draw.below(1_000);
        let again = match fate {
            // Found the same week, or only when the customer asked.
            0..=9 if is_prompt => Some(draw.between(1, 2)),
            10..=12 => Some(draw.between(18, 40)),
            13..=19 if is_prompt => Some(draw.between(1, 2)),
            _ => None,
        };
        if let Some(days) = again {
            let day = add_days(issued, days);
            let mut second = again_on(&invoice, contract, day);
            if fate <= 12 {
                invoice.voided = Some(day);
                second.replaces = Some(invoice.id.clone());
            } else {
                invoice.credits.push(credit(&invoice, 1, day, invoice.subtotal(), "rebill"));
            }
            pay(company, account, &mut second, None);
            return vec![invoice, second];
        }
    }
    pay(company, account, &mut invoice, None);
    vec![invoice]
}

/// Lets the customer fail to pay an invoice that would have been paid.
pub(super) fn fail(company: &Company, account: &Account, invoice: &mut Invoice, how: MoneyFault) {
    invoice.payments.clear();
    invoice.credits.clear();
    invoice.disputes.clear();
    invoice.written_off = None;
    pay(company, account, invoice, Some(how));
    over_credit(company, invoice, how);
}

/// Credit notes that no policy allows.
fn over_credit(company: &Company, invoice: &mut Invoice, how: MoneyFault) {
    let Some(issued) = invoice.issued else { return };
    let mut draw = stream(company, "over-credit", invoice);
    let day = add_days(issued, draw.between(12, 35));
    let net = invoice.subtotal();
    let part = (net * i128::from(draw.between(80, 400)) / 1_000).max(1);
    let mut notes = match how {
        MoneyFault::Credited => vec![credit(invoice, 5, day, part, "goodwill")],
        MoneyFault::CreditedTwice => {
            let again = add_days(day, draw.between(1, 9));
            vec![credit(invoice, 5, day, part, "goodwill"), credit(invoice, 6, again, part, "goodwill")]
        }
        MoneyFault::OverCredited => vec![credit(invoice, 5, day, net + part, "goodwill")],
        _ => return,
    };
    if how == MoneyFault::Credited {
        // Above the limit nobody agreed; below it nobody said why.
        let is_large = is_major(invoice.currency) && part > 50_000;
        let has_reason = draw.chance(500) && is_large;
        for note in &mut notes {
            note.is_approved = !has_reason;
            note.reason = note.reason.filter(|_| has_reason);
        }
    }
    invoice.credits.extend(notes);
}

/// Whether a unit of the currency is worth about a dollar, so that amounts compare with the credit limit as they are.
fn is_major(currency: Currency) -> bool {
    matches!(currency, Currency::Usd | Currency::Eur | Currency::Gbp)
}

/// The same lines once more, on another invoice.
fn again_on(invoice: &Invoice, contract: &Contract, day: NaiveDate) -> Invoice {
    let mut second = invoice.clone();
    second.id = format!("{}-r", invoice.id);
    for (line, position) in second.lines.iter_mut().zip(1_u32..) {
        line.id = format!("{}-{position}", second.id);
    }
    second.created = day;
    second.issued = Some(day);
    second.due = Some(add_days(day, contract.payment_terms_days.unwrap_or(30)));
    second
}

/// An approved credit note on the whole invoice.
pub(super) fn credit(
    invoice: &Invoice,
    number: u32,
    issued: NaiveDate,
    amount: i128,
    reason: &'static str,
) -> CreditNote {
    CreditNote {
        id: format!("cn-{}-{number}", &invoice.id[3..]),
        line: None,
        issued,
        amount,
        reason: Some(reason),
        is_approved: true,
        voided: None,
    }
}

/// Adds what the customer pays and when.
fn pay(company: &Company, account: &Account, invoice: &mut Invoice, fault: Option<MoneyFault>) {
    let (Some(issued), Some(due)) = (invoice.issued, invoice.due) else { return };
    let total = invoice.total();
    if total <= 0 {
        return;
    }
    let mut draw = stream(company, "payment", invoice);
    let late = add_days(due, draw.between(9, 48));
    let usual = if draw.chance(880) { add_days(due, draw.between(-9, 3)).max(add_days(issued, 1)) } else { late };
    let is_card = account.segment == Segment::Smb && draw.chance(750);
    match fault {
        Some(MoneyFault::Unpaid) => {}
        Some(MoneyFault::Short) => {
            let part = total * i128::from(draw.between(550, 960)) / 1_000;
            let day = add_days(due, draw.between(-9, 3)).max(issued);
            attempt(&mut draw, invoice, day, part.max(1).min(total - 1), true);
        }
        Some(MoneyFault::Failing) => {
            for days in [0, 3, 7] {
                attempt(&mut draw, invoice, add_days(due, days), total, false);
            }
        }
        Some(MoneyFault::Disputing) => {
            attempt(&mut draw, invoice, usual, total, true);
            dispute(&mut draw, invoice, true);
        }
        Some(MoneyFault::GivenUp) => {
            let unhappy = (false, Some("customer unhappy"));
            let (is_approved, reason) = draw.weighted((unhappy, 50), &[((true, None), 25), ((false, None), 25)]);
            let date = add_days(due, draw.between(40, 70));
            invoice.written_off = Some(WriteOff { date, amount: total, is_approved, reason });
        }
        None | Some(MoneyFault::Credited | MoneyFault::CreditedTwice | MoneyFault::OverCredited) if is_card => {
            pay_by_card(&mut draw, invoice, due);
        }
        None | Some(MoneyFault::Credited | MoneyFault::CreditedTwice | MoneyFault::OverCredited) => {
            pay_as_usual(&mut draw, invoice, due, usual);
        }
    }
    if let Some(last) = invoice.payments.last_mut() {
        last.is_final = true;
    }
}

/// A card is charged on the due date, and again some days later where that fails.
fn pay_by_card(draw: &mut Stream, invoice: &mut Invoice, due: NaiveDate) {
    let total = invoice.total();
    let failures = draw.weighted((0, 900), &[(1, 70), (2, 30)]);
    let gap = draw.between(2, 7);
    for number in 0..failures {
        attempt(draw, invoice, add_days(due, number * gap), total, false);
    }
    attempt(draw, invoice, add_days(due, failures * gap), total, true);
}

/// A transfer that settles the invoice on the day `usual`, or one of the ways in which that goes otherwise without
/// anything being wrong.
fn pay_as_usual(draw: &mut Stream, invoice: &mut Invoice, due: NaiveDate, usual: NaiveDate) {
    let total = invoice.total();
    match draw.below(1_000) {
        // Two instalments.
        0..=24 => {
            let first = total * 6 / 10;
            attempt(draw, invoice, usual, first, true);
            attempt(draw, invoice, add_days(usual, 2), total - first, true);
        }
        // Never paid, and given up after four months.
        40..=44 => {
            let (date, reason) = (add_days(due, 120), Some("uncollectible after four months"));
            invoice.written_off = Some(WriteOff { date, amount: total, is_approved: true, reason });
        }
        // Disputed: won, or lost and paid once more.
        45..=51 => {
            attempt(draw, invoice, usual, total, true);
            dispute(draw, invoice, false);
        }
        52..=56 => {
            attempt(draw, invoice, usual, total, true);
            let decided = dispute(draw, invoice, true);
            attempt(draw, invoice, add_days(decided, 1), total, true);
        }
        // Short by a little, and settled by a credit.
        25..=39 if total > 1_000 && invoice.lines.iter().all(|line| line.commitment.is_none()) => {
            let short = invoice.subtotal() / 100;
            let mut settled = credit(invoice, 2, add_days(usual, 1), short, "goodwill");
            // Small enough that nobody has to agree.
            settled.is_approved = short > 30_000 || !is_major(invoice.currency);
            invoice.credits.push(settled);
            let rest = total - invoice.credited(NaiveDate::MAX);
            attempt(draw, invoice, usual, rest, true);
        }
        _ => attempt(draw, invoice, usual, total, true),
    }
}

/// The last payment is disputed; returns the day of the decision.
fn dispute(draw: &mut Stream, invoice: &mut Invoice, is_lost: bool) -> NaiveDate {
    let Some(payment) = invoice.payments.last() else { return invoice.created };
    let opened = payment.attempted + TimeDelta::days(draw.between(4, 15));
    let decided = opened + TimeDelta::days(draw.between(10, 25));
    let (payment, amount) = (payment.id.clone(), payment.amount);
    invoice.disputes.push(Dispute { payment, amount, opened, decided, is_lost });
    decided.date()
}

fn attempt(draw: &mut Stream, invoice: &mut Invoice, day: NaiveDate, amount: i128, succeeds: bool) {
    let minute = u32::try_from(draw.between(6 * 60, 20 * 60)).unwrap_or(720);
    let time = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap_or_default();
    let number = invoice.payments.len() + 1;
    invoice.payments.push(Payment {
        id: format!("pay-{}-{number}", &invoice.id[3..]),
        attempted: day.and_time(time),
        amount,
        failure: (!succeeds).then(|| draw.pick(&FAILURES, FAILURES[0])),
        attempt: i64::try_from(number).unwrap_or(1),
        is_final: false,
    });
}
