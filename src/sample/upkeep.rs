//! Faults of a biller that nobody keeps up to date: old terms, wrong shares, late and repeated invoices.

use super::biller::{Draft, begins_in};
use super::facts::Contract;
use super::leaks::Fault;
use super::months::{add_days, days_between};
use super::periods::{Grid, KnownLine, Segment};
use chrono::NaiveDate;
use std::ops::Range;

/// The terms of a day as somebody keyed them in: an amendment that nobody keyed in leaves the line as it was.
pub(super) fn keyed_in<'k>(faults: &[Fault], known: &KnownLine<'k>, segment: &Segment<'k>) -> Segment<'k> {
    let missed = faults.iter().find_map(|fault| match fault {
        Fault::OldTerms(date) if segment.version.effective >= *date => Some(*date),
        _ => None,
    });
    let before = missed.and_then(|date| known.segments.iter().rfind(|earlier| earlier.version.effective < date));
    Segment { line: before.map_or(segment.line, |before| before.line), ..*segment }
}

/// The periods that the biller invoices.
pub(super) fn grid(contract: &Contract, faults: &[Fault]) -> Grid {
    let months =
        faults.iter().find_map(|fault| if let Fault::OtherRhythm(months) = fault { Some(*months) } else { None });
    months.map_or(Grid::new(contract), |months| Grid::new(contract).every(months))
}

/// Whether units added on `day` are never billed.
pub(super) fn misses(faults: &[Fault], day: NaiveDate) -> bool {
    faults.iter().any(|fault| match fault {
        Fault::OldTerms(date) => *date <= day,
        Fault::LeavesOut(range, _) => range.contains(&day),
        _ => false,
    })
}

/// Permille of its share that a part of a period is charged at.
pub(super) fn wrong_share(faults: &[Fault], period: &Range<NaiveDate>) -> Option<i64> {
    faults.iter().find_map(|fault| match fault {
        Fault::WrongShare(range, permille) if begins_in(range, period) => Some(*permille),
        _ => None,
    })
}

/// The invoice line as it is posted in the end: with a price typed over, later than it should be, or twice.
pub(super) fn posted(
    faults: &[Fault],
    contract: &Contract,
    (billable, period): (NaiveDate, &Range<NaiveDate>),
    mut draft: Draft,
) -> Vec<Draft> {
    let mut again = None;
    for fault in faults {
        match fault {
            Fault::TypesOver(range, _) if begins_in(range, period) => draft.line.is_override = true,
            Fault::PostsLate(range, days) if begins_in(range, period) => {
                let late = days_between(billable, draft.created).max(contract.issue_grace_days.unwrap_or(5) + days);
                draft.created = add_days(billable, late);
            }
            Fault::Repeats(range, days) if begins_in(range, period) => again = Some(*days),
            _ => {}
        }
    }
    let second = again.map(|days| Draft { created: add_days(draft.created, days), ..draft.clone() });
    [Some(draft), second].into_iter().flatten().collect()
}
