//! What Finance has agreed to let go: approved exceptions by the days they cover, reviews whole.

use super::Finding;
use crate::sample::company::Company;
use crate::sample::facts::Exception;
use crate::sample::fraction::divide_half_up;
use crate::sample::leaks::Review;
use crate::sample::rows_terms::account_id;
use crate::sample::world::World;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Everything that was agreed to by a day.
pub(super) struct Waivers<'a> {
    company: &'a Company,
    exceptions: Vec<&'a Exception>,
    /// The latest review of each finding.
    reviews: BTreeMap<&'a [String; 6], &'a Review>,
    as_of: NaiveDate,
}

impl<'a> Waivers<'a> {
    /// What counts at the end of `as_of`.
    pub(super) fn new(company: &'a Company, world: &'a World, as_of: NaiveDate) -> Self {
        let exceptions = world.contracts.iter().flat_map(|contract| &contract.exceptions);
        let exceptions = exceptions.filter(|exception| exception.approved_at.date() <= as_of).collect();
        let mut reviews: BTreeMap<&[String; 6], &Review> = BTreeMap::new();
        for review in world.reviews.iter().filter(|review| review.decided.date() <= as_of) {
            let kept = reviews.entry(&review.key).or_insert(review);
            if kept.decided <= review.decided {
                *kept = review;
            }
        }
        Waivers { company, exceptions, reviews, as_of }
    }

    /// Puts down what is waived of each finding.
    pub(super) fn apply(&self, findings: &mut [Finding]) {
        for finding in findings {
            finding.waived = self.of(finding);
        }
    }

    /// Whether an exception names the finding's code and covers its first day.
    pub(super) fn excuses(&self, finding: &Finding) -> bool {
        self.exceptions.iter().any(|exception| {
            let covers = exception.start <= finding.start && exception.end.is_none_or(|end| finding.start < end);
            covers && exception.check_code == Some(finding.code) && fits(exception, finding)
        })
    }

    /// What is waived of a finding, in minor units.
    pub(super) fn of(&self, finding: &Finding) -> i128 {
        if finding.gap <= 0 {
            return 0;
        }
        let key = [
            finding.code,
            &account_id(self.company, finding.account),
            &finding.contract,
            &finding.line,
            finding.product,
            &finding.subject,
        ]
        .map(str::to_owned);
        let is_let_go = self.reviews.get(&key).is_some_and(|review| {
            review.decision == "waived" && review.expires.is_none_or(|expires| expires > self.as_of)
        });
        if is_let_go { finding.gap } else { by_days(&self.exceptions, finding) }
    }
}

fn fits(exception: &Exception, finding: &Finding) -> bool {
    let names = exception.check_code.map_or(!finding.step.is_empty(), |code| code == finding.code);
    names
        && exception.account.is_none_or(|account| account == finding.account)
        && exception.contract.as_ref().is_none_or(|contract| *contract == finding.contract)
        && exception.line.as_ref().is_none_or(|line| *line == finding.line)
}

fn by_days(exceptions: &[&Exception], finding: &Finding) -> i128 {
    let fitting: Vec<&&Exception> = exceptions.iter().filter(|exception| fits(exception, finding)).collect();
    let covers = |day: &&NaiveDate| {
        fitting.iter().any(|exception| exception.start <= **day && exception.end.is_none_or(|end| **day < end))
    };
    let covered = finding.days.iter().filter(covers).count();
    let share = |days: usize| i128::try_from(days).unwrap_or(0);
    divide_half_up(finding.gap * share(covered), share(finding.days.len())).min(finding.gap)
}
