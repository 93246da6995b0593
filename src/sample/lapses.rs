//! What goes wrong beside the billing of contract lines: tax that is not charged, payment terms that are too long, service
//! after the end or without a contract, charges nobody agreed to.
//!
//! Everything here is a function of the company alone; no horizon enters.

use super::activity::is_silent_in;
use super::company::{Account, Company, Segment};
use super::facts::{Charge, Pricing, Product};
use super::months::{add_days, add_months};
use super::random::Stream;
use chrono::{Datelike, NaiveDate, Weekday};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A charge that no contract has.
pub const TRAVEL: Product = Product {
    id: "travel",
    name: "Travel expenses",
    charge: Charge::OneOff,
    pricing: Pricing::Flat,
    unit: None,
    metric: None,
    list_cents: 48_700,
};

/// A feature that belongs to an add-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddOnFeature {
    /// As in `feature.feature`.
    pub name: &'static str,
    /// The add-on.
    pub product: &'static str,
    /// As in `feature.entitlement`: only what is paid for can be used without being paid.
    pub entitlement: &'static str,
    /// The name of its events.
    pub event: &'static str,
}

/// The add-ons' features.
pub const ADD_ON_FEATURES: [AddOnFeature; 5] = [
    AddOnFeature { name: "insights", product: "analytics", entitlement: "paid", event: "insights.opened" },
    AddOnFeature { name: "archive", product: "data_retention", entitlement: "paid", event: "archive.searched" },
    AddOnFeature { name: "directory", product: "single_sign_on", entitlement: "paid", event: "directory.synced" },
    AddOnFeature { name: "test_space", product: "sandbox", entitlement: "trial", event: "test_space.opened" },
    AddOnFeature { name: "priority_chat", product: "premium_support", entitlement: "bundled", event: "chat.opened" },
];

/// A customer that uses an add-on's feature on one day of every week, whether it bought the add-on or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddOnUse {
    /// The feature.
    pub feature: AddOnFeature,
    /// First day and first day after.
    pub days: Range<NaiveDate>,
    /// The day of the week.
    pub weekday: Weekday,
}

impl AddOnUse {
    /// Whether the feature is used on `day`.
    pub fn is_on(&self, day: NaiveDate) -> bool {
        self.days.contains(&day) && day.weekday() == self.weekday
    }
}

/// Use that goes on after a customer has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Afterlife {
    /// The day the customer left.
    pub from: NaiveDate,
    /// The first day without use.
    pub to: NaiveDate,
    /// Seats still in use.
    pub seats: u32,
    /// Metered units a day.
    pub units: i64,
}

/// Tax that is not charged, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Untaxed {
    days: Range<NaiveDate>,
    /// Permille of the right tax that is charged.
    kept: i128,
}

/// A charge nobody agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stray {
    /// It is on the first invoice made from this day on.
    pub from: NaiveDate,
    /// Permille of the product's list price.
    pub permille: i64,
}

/// What goes wrong, by the customer's index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lapses {
    untaxed: BTreeMap<u32, Untaxed>,
    longer_terms: BTreeMap<u32, i64>,
    strays: BTreeMap<u32, Stray>,
    add_on_use: BTreeMap<u32, AddOnUse>,
    signed_twice: BTreeSet<u32>,
    gives_credit: BTreeSet<u32>,
}

/// Customers in an order that depends on the purpose.
pub fn ranked<'a>(company: &'a Company, purpose: &str) -> Vec<&'a Account> {
    let mut accounts: Vec<&Account> = company.accounts.iter().collect();
    accounts.sort_by_key(|account| {
        (Stream::new(company.spec.seed, purpose, u64::from(account.index)).below(u64::MAX), account.index)
    });
    accounts
}

/// `count` for every 320 customers.
pub fn scaled(company: &Company, count: u32) -> usize {
    usize::try_from(count * (company.spec.accounts / 320).max(1)).unwrap_or(0)
}

/// Tax on sales in the customer's country, in permille.
pub fn tax_permille(account: &Account) -> i128 {
    match account.country {
        "CA" => 130,
        "GB" | "FR" => 200,
        "DE" => 190,
        "NL" => 210,
        "IE" => 230,
        "JP" | "AU" => 100,
        _ => 0,
    }
}

/// Whether the customer is exempt from tax: charities, authorities.
pub fn is_tax_exempt(company: &Company, account: &Account) -> bool {
    Stream::new(company.spec.seed, "tax exempt", u64::from(account.index)).chance(45)
}

/// Tax that the customer has to be charged, in permille; none where nobody has said.
pub fn expected_tax_permille(company: &Company, account: &Account) -> Option<i128> {
    match tax_permille(account) {
        _ if is_tax_exempt(company, account) => Some(0),
        0 => None,
        permille => Some(permille),
    }
}

/// Use after the customer has left, where there is any.
pub fn afterlife(company: &Company, account: &Account) -> Option<Afterlife> {
    let from = account.churn_date?;
    let mut draw = Stream::new(company.spec.seed, "after the end", u64::from(account.index));
    let seats = account.seats_on(add_days(from, -1));
    let left = i64::from(seats) * draw.between(15, 60) / 100;
    let is_used = draw.chance(600);
    let to = add_days(from, draw.between(20, 75));
    is_used.then(|| Afterlife {
        from,
        to,
        seats: u32::try_from(left).unwrap_or(1).max(1),
        units: draw.between(40, 900),
    })
}

impl Lapses {
    /// The lapses of a company.
    pub fn new(company: &Company) -> Self {
        let start = company.spec.start;
        let is_early = |account: &&&Account| account.joined_date < add_months(start, 9);
        let draw = |purpose: &str, account: &Account| {
            Stream::new(company.spec.seed, &format!("{purpose} draw"), u64::from(account.index))
        };
        let first = |purpose: &'static str, count: u32, fits: &dyn Fn(&Account) -> bool| {
            let ranked = ranked(company, purpose);
            let chosen = ranked.iter().filter(is_early).filter(|account| fits(account)).take(scaled(company, count));
            chosen.map(|account| (account.index, draw(purpose, account), (*account).clone())).collect::<Vec<_>>()
        };
        let stays = |account: &Account| account.churn_date.is_none_or(|churn| churn > add_months(start, 18));
        let is_taxed = |account: &Account| expected_tax_permille(company, account).is_some_and(|tax| tax > 0);
        let untaxed = first("untaxed", 9, &|account| stays(account) && is_taxed(account)).into_iter();
        let longer = first("longer terms", 12, &stays).into_iter();
        let strays = first("strays", 9, &stays).into_iter();
        let signed_twice = first("signed twice", 6, &stays).into_iter();
        let gives_credit = |account: &&Account| draw("uptime credit", account).chance(400);
        // Longer than any use of an add-on goes on: a customer who is silent is silent in all features.
        let at_work = |account: &Account| {
            let first = account.joined_date.max(start);
            !is_silent_in(company, account, &(first..add_days(first, 420)))
        };
        let using =
            first("add-on use", 34, &|account| stays(account) && account.segment != Segment::Smb && at_work(account))
                .into_iter();
        Lapses {
            signed_twice: signed_twice.map(|(index, ..)| index).collect(),
            gives_credit: company.accounts.iter().filter(gives_credit).map(|account| account.index).collect(),
            untaxed: untaxed
                .map(|(index, mut draw, account)| {
                    let from = add_days(account.joined_date.max(start), draw.between(10, 150));
                    let to = if draw.chance(300) { NaiveDate::MAX } else { add_days(from, draw.between(100, 400)) };
                    (index, Untaxed { days: from..to, kept: draw.weighted((0, 70), &[(500, 30)]) })
                })
                .collect(),
            longer_terms: longer.map(|(index, mut draw, _)| (index, draw.weighted((15, 50), &[(30, 50)]))).collect(),
            strays: strays
                .map(|(index, mut draw, account)| {
                    let from = add_days(account.joined_date.max(start), draw.between(20, 120));
                    (index, Stray { from, permille: draw.between(300, 1_900) })
                })
                .collect(),
            add_on_use: using
                .enumerate()
                .map(|(at, (index, mut draw, account))| {
                    let from = add_days(account.joined_date.max(start), draw.between(15, 160));
                    let days = from..add_days(from, draw.between(25, 260));
                    let feature =
                        ADD_ON_FEATURES.get(at % ADD_ON_FEATURES.len()).copied().unwrap_or(ADD_ON_FEATURES[0]);
                    let weekday =
                        Weekday::try_from(u8::try_from(draw.between(0, 4)).unwrap_or(0)).unwrap_or(Weekday::Mon);
                    (index, AddOnUse { feature, days, weekday })
                })
                .collect(),
        }
    }

    /// Tax charged to the customer on invoices made on `day`, in permille.
    pub fn billed_tax_permille(&self, company: &Company, account: &Account, day: NaiveDate) -> i128 {
        if is_tax_exempt(company, account) {
            return 0;
        }
        let tax = tax_permille(account);
        match self.untaxed.get(&account.index).filter(|untaxed| untaxed.days.contains(&day)) {
            Some(untaxed) => tax * untaxed.kept / 1_000,
            None => tax,
        }
    }

    /// Whether tax is kept from the customer's invoices at some time (X1).
    pub fn is_untaxed(&self, account: u32) -> bool {
        self.untaxed.contains_key(&account)
    }

    /// Days that the customer's invoices give beyond the contract's payment terms (R6).
    pub fn longer_terms(&self, account: u32) -> i64 {
        self.longer_terms.get(&account).copied().unwrap_or(0)
    }

    /// The charge nobody agreed to, if the customer gets one (D2).
    pub fn stray(&self, account: u32) -> Option<Stray> {
        self.strays.get(&account).copied()
    }

    /// Whether the customer's first contract was signed in two statements of one day (D3).
    pub fn is_signed_twice(&self, account: u32) -> bool {
        self.signed_twice.contains(&account)
    }

    /// Whether the customer is given the credits it is owed for missed uptime; others wait for them (O3).
    pub fn gives_credit(&self, account: u32) -> bool {
        self.gives_credit.contains(&account)
    }

    /// The customers that use a feature of an add-on.
    pub fn add_on_use(&self, account: u32) -> Option<&AddOnUse> {
        self.add_on_use.get(&account)
    }
}
