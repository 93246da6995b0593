//! What customers bought, as their contracts say it: sales and customer success quote the same terms that are billed.

use super::Activity;
use super::calendar::{Day, date_of, day_of};
use crate::sample::company::Account;
use crate::sample::facts::{Charge, Contract, DiscountValue, PricePeriod, Version};
use crate::sample::months::add_months;
use crate::sample::products::ONBOARDING;
use crate::sample::terms;
use chrono::NaiveDate;

/// Terms are looked at no further than this beyond the horizon: the longest time from an open renewal to its start.
const AHEAD_DAYS: i32 = 140;

/// The contracts of all customers.
pub(super) struct Bought(Vec<Vec<Contract>>);

/// A discount that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Concession {
    /// Percent points with 4 digits behind the point.
    pub percent: i128,
    /// First day without it.
    pub ends: NaiveDate,
}

impl Concession {
    /// The percent points as people write them: 12.5, 10.
    pub(super) fn percent_text(self) -> String {
        let (whole, rest) = (self.percent / 10_000, self.percent % 10_000);
        if rest == 0 { whole.to_string() } else { format!("{whole}.{}", format!("{rest:04}").trim_end_matches('0')) }
    }
}

impl Bought {
    /// Everything signed until shortly after the horizon, and every customer's first contract.
    pub(super) fn new(activity: &Activity<'_>) -> Self {
        let company = activity.company;
        let last_joined = company.accounts.iter().map(|account| account.joined_date).max();
        let until = date_of(activity.horizon + AHEAD_DAYS).max(last_joined.unwrap_or_default());
        let mut by_account: Vec<Vec<Contract>> = company.accounts.iter().map(|_| Vec::new()).collect();
        for contract in terms::contracts(company, activity, until) {
            if let Some(contracts) = usize::try_from(contract.account).ok().and_then(|at| by_account.get_mut(at)) {
                contracts.push(contract);
            }
        }
        Self(by_account)
    }

    fn of(&self, account: &Account) -> &[Contract] {
        usize::try_from(account.index).ok().and_then(|at| self.0.get(at)).map_or(&[], Vec::as_slice)
    }

    /// The contract an account became a customer with.
    pub(super) fn first(&self, account: &Account) -> Option<&Contract> {
        self.of(account).first()
    }

    /// The contract and the version of it that hold on `date`.
    pub(super) fn in_force(&self, account: &Account, date: NaiveDate) -> Option<(&Contract, &Version)> {
        let contract = self.of(account).iter().rev().find(|contract| contract.start <= date)?;
        let version = contract.versions.iter().rev().find(|version| version.effective <= date)?;
        Some((contract, version))
    }

    /// A year of the recurring lines that hold on `date` before discounts, in minor units; 0 when it is no customer.
    pub(super) fn annual_value(&self, account: &Account, date: NaiveDate) -> i128 {
        if !account.is_customer_on(date) {
            return 0;
        }
        let Some((contract, version)) = self.in_force(account, date) else { return 0 };
        let lines = version.lines.iter().filter(|line| {
            line.product.charge == Charge::Recurring && line.start <= date && line.end.is_none_or(|end| date < end)
        });
        let at_eight_digits: i128 = lines
            .map(|line| {
                let a_year = match line.price_period {
                    PricePeriod::Month => 12,
                    PricePeriod::Year | PricePeriod::Once => 1,
                    PricePeriod::BillingPeriod => 12 / contract.frequency.months(),
                };
                i128::from(line.quantity) * line.unit_price * i128::from(a_year)
            })
            .sum();
        at_eight_digits / 10_i128.pow(8 - contract.currency.exponent())
    }

    /// The ends of an account's terms while it is a customer, the one it leaves at included; none where its contract has no end.
    pub(super) fn term_ends(&self, account: &Account) -> Vec<NaiveDate> {
        let has_terms = self
            .first(account)
            .and_then(|contract| contract.versions.first())
            .is_some_and(|version| version.end.is_some());
        if !has_terms {
            return Vec::new();
        }
        (1..40)
            .map(|term| add_months(account.joined_date, term * account.term_months))
            .take_while(|end| account.churn_date.is_none_or(|churn| *end <= churn))
            .collect()
    }

    /// The day the first contract was signed.
    pub(super) fn first_signed(&self, account: &Account) -> Option<Day> {
        self.first(account).and_then(|contract| contract.versions.first()).map(|version| day_of(version.signed))
    }

    /// The deepest discount of the first contract that ends.
    pub(super) fn first_concession(&self, account: &Account) -> Option<Concession> {
        let contract = self.first(account)?;
        let ending = contract.discounts.iter().filter(|discount| discount.start == contract.start);
        ending
            .filter_map(|discount| match discount.value {
                DiscountValue::Percent(percent) => Some(Concession { percent, ends: discount.end? }),
                DiscountValue::Amount(_) => None,
            })
            .max_by_key(|concession| (concession.percent, concession.ends))
    }

    /// The first contract, as far as more than the biller's word for it exists.
    fn first_on_paper(&self, account: &Account) -> Option<&Contract> {
        self.first(account).filter(|contract| contract.term_source != "billing")
    }

    /// Whether any discount of the first contract was signed by `by` and begins within its first month, ending or not.
    pub(super) fn begins_discounted(&self, account: &Account, by: NaiveDate) -> bool {
        self.first_on_paper(account).is_some_and(|contract| {
            let mut early = contract.discounts.iter().filter(|discount| discount.signed <= by);
            early.any(|discount| is_in_first_month(contract, discount.start))
        })
    }

    /// Whether a line of the first contract is free at first.
    pub(super) fn begins_free(&self, account: &Account) -> bool {
        self.first_on_paper(account)
            .is_some_and(|contract| contract.free_periods.iter().any(|free| is_in_first_month(contract, free.start)))
    }

    /// Whether the first contract charges for guided onboarding.
    pub(super) fn has_onboarding_fee(&self, account: &Account) -> bool {
        let version = self.first(account).and_then(|contract| contract.versions.first());
        version.is_some_and(|version| version.lines.iter().any(|line| line.product.id == ONBOARDING.id))
    }
}

fn is_in_first_month(contract: &Contract, start: NaiveDate) -> bool {
    (start - contract.start).num_days() <= 31
}
