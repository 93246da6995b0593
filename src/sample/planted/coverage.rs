//! Why days of a period were not billed.

use super::billed::Billed;
use crate::sample::fraction::divide_half_up;
use crate::sample::periods::KnownLine;
use chrono::NaiveDate;
use std::ops::Range;

/// The invoice lines of one contract line as they stand on as_of.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    /// Posted, neither reversed nor duplicates.
    pub(super) posted: Vec<Billed<'a>>,
    /// Drafts, and lines of void invoices.
    pub(super) withheld: Vec<Billed<'a>>,
}

impl Standing<'_> {
    /// Whether a posted line bills the day.
    pub(super) fn covers(&self, day: NaiveDate) -> bool {
        self.posted.iter().any(|billed| billed.line.start <= day && day < billed.line.end)
    }

    fn first_covered(&self) -> Option<NaiveDate> {
        self.posted.iter().map(|billed| billed.line.start).min()
    }

    fn last_covered(&self) -> Option<NaiveDate> {
        self.posted.iter().map(|billed| billed.line.end).max()
    }

    /// The invoice that should have billed the day but was not posted or was voided: the one issued last.
    fn withheld_on(&self, day: NaiveDate) -> Option<&str> {
        self.withheld
            .iter()
            .filter(|billed| billed.line.start <= day && day < billed.line.end)
            .max_by_key(|billed| (billed.invoice.issued, &billed.invoice.id))
            .map(|billed| billed.invoice.id.as_str())
    }

    fn code(&self, known: &KnownLine<'_>, day: NaiveDate) -> (&'static str, String) {
        if let Some(invoice) = self.withheld_on(day) {
            return ("C12", invoice.to_owned());
        }
        let code = match (self.first_covered(), self.last_covered()) {
            (Some(_), Some(_)) if self.is_after(&known.free, known.life.start, day) => "C8",
            (Some(_), Some(_)) if self.is_after(&known.pauses, known.life.start, day) => "C9",
            (Some(first), _) if day < first => "C4",
            (_, Some(last)) if day >= last => "C3",
            (Some(_), Some(_)) => "C2",
            _ => "C1",
        };
        (code, String::new())
    }

    /// Whether one of the stretches without charge ended by `day` and nothing from its end to `day` was billed.
    fn is_after(&self, uncharged: &[Range<NaiveDate>], begin: NaiveDate, day: NaiveDate) -> bool {
        uncharged.iter().filter(|days| begin < days.end).any(|days| {
            days.end <= day && !self.posted.iter().any(|billed| billed.line.start <= day && days.end < billed.line.end)
        })
    }
}

/// A code, its subject, its share of the money, and the days it is about.
pub(super) type Share = (&'static str, String, i128, Vec<NaiveDate>);

/// Splits `amount` over the uncovered days, by code and subject; the last day's code takes the rounding remainder.
pub(super) fn split(
    standing: &Standing<'_>,
    known: &KnownLine<'_>,
    uncovered: &[NaiveDate],
    amount: i128,
) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for day in uncovered {
        let (code, subject) = standing.code(known, *day);
        match shares.iter_mut().find(|(same, about, ..)| *same == code && *about == subject) {
            Some((.., days)) => days.push(*day),
            None => shares.push((code, subject, 0, vec![*day])),
        }
    }
    let total = i128::try_from(uncovered.len()).unwrap_or(i128::MAX);
    // The code of the last day comes last.
    shares.sort_by_key(|(.., days)| days.last().copied());
    let mut left = amount;
    let last = shares.len().saturating_sub(1);
    for (at, (.., share, days)) in shares.iter_mut().enumerate() {
        let length = i128::try_from(days.len()).unwrap_or(0);
        *share = if at == last { left } else { divide_half_up(amount * length, total) };
        left -= *share;
    }
    shares
}
