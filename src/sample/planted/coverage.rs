//! Why days of a period were not billed.

use super::obligation::Billed;
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
            (Some(_), Some(_)) if self.is_after(&known.free, day) => "C8",
            (Some(_), Some(_)) if self.is_after(&known.pauses, day) => "C9",
            (Some(first), _) if day < first => "C4",
            (_, Some(last)) if day >= last => "C3",
            (Some(_), Some(_)) => "C2",
            _ => "C1",
        };
        (code, String::new())
    }

    /// Whether one of the stretches without charge ended by `day` and nothing from its end to `day` was billed.
    fn is_after(&self, uncharged: &[Range<NaiveDate>], day: NaiveDate) -> bool {
        uncharged.iter().any(|days| {
            days.end <= day && !self.posted.iter().any(|billed| billed.line.start <= day && days.end < billed.line.end)
        })
    }
}

/// Splits `amount` over the uncovered days, by code and subject; the last day's code takes the rounding remainder.
pub(super) fn split(
    standing: &Standing<'_>,
    known: &KnownLine<'_>,
    uncovered: &[NaiveDate],
    amount: i128,
) -> Vec<(&'static str, String, i128)> {
    let mut parts: Vec<((&'static str, String), i128)> = Vec::new();
    for day in uncovered {
        let key = standing.code(known, *day);
        match parts.iter_mut().find(|(same, _)| *same == key) {
            Some((_, days)) => *days += 1,
            None => parts.push((key, 1)),
        }
    }
    let Some(last) = uncovered.last().map(|day| standing.code(known, *day)) else { return Vec::new() };
    let total: i128 = parts.iter().map(|(_, days)| days).sum();
    let mut left = amount;
    let mut shares = Vec::new();
    for ((code, subject), days) in parts.into_iter().filter(|(key, _)| *key != last) {
        let share = divide_half_up(amount * days, total);
        left -= share;
        shares.push((code, subject, share));
    }
    shares.push((last.0, last.1, left));
    shares
}
