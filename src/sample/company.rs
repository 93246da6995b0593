//! The made-up company and its customers: who they are, when they came, how they grow and when they leave.
//!
//! Everything here is a function of the spec alone; no horizon date enters.

use super::SampleSpec;
use super::lapses::Lapses;
use super::money::Currency;
use super::months::{add_months, month_start};
use super::names;
use super::random::Stream;
use chrono::{Datelike, NaiveDate};

/// How large a customer is, as the company's own sales team cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Up to some 40 seats.
    Smb,
    /// Some 40 to 300 seats.
    MidMarket,
    /// More.
    Enterprise,
}

impl Segment {
    /// As tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Segment::Smb => "smb",
            Segment::MidMarket => "mid_market",
            Segment::Enterprise => "enterprise",
        }
    }
}

/// How often a customer is invoiced for recurring lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frequency {
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every twelve months.
    Annual,
}

impl Frequency {
    /// Months of one billing period.
    pub fn months(self) -> i32 {
        match self {
            Frequency::Monthly => 1,
            Frequency::Quarterly => 3,
            Frequency::Annual => 12,
        }
    }

    /// As tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Frequency::Monthly => "monthly",
            Frequency::Quarterly => "quarterly",
            Frequency::Annual => "annual",
        }
    }
}

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Position in the company's list, from 0.
    pub index: u32,
    /// `acc-00001` and so on.
    pub id: String,
    /// The customer's name.
    pub name: String,
    /// Its internet domain, under the reserved top-level domain `example`.
    pub domain: String,
    /// Size class.
    pub segment: Segment,
    /// Its business.
    pub industry: &'static str,
    /// ISO 3166 country code.
    pub country: &'static str,
    /// IANA time zone.
    pub timezone: &'static str,
    /// What it is invoiced in.
    pub currency: Currency,
    /// Its staff.
    pub employee_count: u32,
    /// The first day of its first contract.
    pub joined_date: NaiveDate,
    /// The first day without service, for those that leave.
    pub churn_date: Option<NaiveDate>,
    /// Months of one contract term.
    pub term_months: i32,
    /// How often it is invoiced.
    pub frequency: Frequency,
    /// Contracted seats from each date on, the first entry at `joined_date`. Steps fall on whole months after it.
    pub seat_steps: Vec<(NaiveDate, u32)>,
    /// Customer success manager.
    pub csm_id: String,
    /// Account manager.
    pub account_manager_id: String,
    /// Whoever sold it.
    pub sales_owner_id: String,
}

impl Account {
    /// Seats contracted on `date`; 0 outside the customer's life.
    pub fn seats_on(&self, date: NaiveDate) -> u32 {
        if !self.is_customer_on(date) {
            return 0;
        }
        self.seat_steps.iter().rev().find(|(from, _)| *from <= date).map_or(0, |(_, seats)| *seats)
    }

    /// Whether `date` lies between joining and leaving.
    pub fn is_customer_on(&self, date: NaiveDate) -> bool {
        self.joined_date <= date && self.churn_date.is_none_or(|churn| date < churn)
    }
}

/// The company: its customers and how many people look after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// What it was made from.
    pub spec: SampleSpec,
    /// Its customers, by index.
    pub accounts: Vec<Account>,
    /// Customer success managers, `csm-01` to this number.
    pub csm_count: u32,
    /// Account managers, `am-01` to this number.
    pub account_manager_count: u32,
    /// Sales people, `ae-01` to this number.
    pub sales_count: u32,
    /// What goes wrong beside the billing of contract lines.
    pub lapses: Lapses,
}

impl Company {
    /// The company of a spec.
    pub fn new(spec: &SampleSpec) -> Self {
        let csm_count = (spec.accounts / 40).clamp(2, 99);
        let account_manager_count = (spec.accounts / 80).clamp(2, 99);
        let sales_count = (spec.accounts / 45).clamp(3, 99);
        let accounts =
            (0..spec.accounts).map(|index| account(spec, index, [csm_count, account_manager_count, sales_count]));
        let accounts = accounts.collect();
        let lapses = Lapses::default();
        let company = Company { spec: spec.clone(), accounts, csm_count, account_manager_count, sales_count, lapses };
        Company { lapses: Lapses::new(&company), ..company }
    }
}

/// The id of a member of staff: `role` is csm, am or ae, `number` counts from 0.
pub fn staff_id(role: &str, number: u64) -> String {
    format!("{role}-{:02}", number + 1)
}

/// ISO code, time zone, currency and share (of 100) of the countries customers come from.
const COUNTRIES: [(&str, &str, Currency, u64); 11] = [
    ("US", "America/New_York", Currency::Usd, 34),
    ("US", "America/Los_Angeles", Currency::Usd, 16),
    ("CA", "America/Toronto", Currency::Usd, 6),
    ("GB", "Europe/London", Currency::Gbp, 13),
    ("DE", "Europe/Berlin", Currency::Eur, 10),
    ("FR", "Europe/Paris", Currency::Eur, 6),
    ("NL", "Europe/Amsterdam", Currency::Eur, 4),
    ("IE", "Europe/Dublin", Currency::Eur, 3),
    ("JP", "Asia/Tokyo", Currency::Jpy, 5),
    ("KW", "Asia/Kuwait", Currency::Kwd, 1),
    ("AU", "Australia/Sydney", Currency::Usd, 2),
];

fn account(spec: &SampleSpec, index: u32, staff: [u32; 3]) -> Account {
    let key = u64::from(index);
    let mut who = Stream::new(spec.seed, "account", key);
    let segment = who.weighted((Segment::Smb, 54), &[(Segment::MidMarket, 34), (Segment::Enterprise, 12)]);
    let place = COUNTRIES.map(|(country, zone, currency, share)| ((country, zone, currency), share));
    let (country, timezone, currency) = who.weighted(place[0], &place[1..]);
    let seats = first_seats(segment, &mut who);
    let joined_date = joined_date(spec, index);
    let term_months = term_months(segment, &mut who);
    let frequency = frequency(segment, &mut who);
    let churn_date = churn_date(segment, joined_date, term_months, &mut Stream::new(spec.seed, "churn", key));
    let growth = &mut Stream::new(spec.seed, "growth", key);
    let seat_steps = seat_steps(joined_date, churn_date, term_months, seats, growth);
    let (name, domain) = names::customer(spec.seed, index);
    Account {
        index,
        id: format!("acc-{:05}", index + 1),
        name,
        domain,
        segment,
        industry: names::industry(&mut who),
        country,
        timezone,
        currency,
        employee_count: u32::try_from(i64::from(seats) * who.between(12, 60) / 10 + 3).unwrap_or(seats),
        joined_date,
        churn_date,
        term_months,
        frequency,
        seat_steps,
        csm_id: staff_id("csm", who.below(u64::from(staff[0]))),
        account_manager_id: staff_id("am", who.below(u64::from(staff[1]))),
        sales_owner_id: staff_id("ae", who.below(u64::from(staff[2]))),
    }
}

/// Skewed inside each segment: the product of two uniform draws crowds the small end, and one enterprise in eight is a giant.
fn first_seats(segment: Segment, who: &mut Stream) -> u32 {
    let (low, width) = match segment {
        Segment::Smb => (3, 40),
        Segment::MidMarket => (40, 260),
        Segment::Enterprise if who.chance(125) => (2_500, 6_000),
        Segment::Enterprise => (280, 1_700),
    };
    let skew = who.between(0, 1000) * who.between(0, 1000) / 1000;
    let exact = low + width * skew / 1000;
    // Large deals are signed in round numbers.
    let step = if exact > 1000 {
        50
    } else if exact > 200 {
        10
    } else if exact > 40 {
        5
    } else {
        1
    };
    u32::try_from(exact / step * step).unwrap_or(1).max(1)
}

/// Customers came from eighteen months before the first day of the data to sixteen months after it, more of them every
/// quarter, with peaks in January and at quarter ends.
fn joined_date(spec: &SampleSpec, index: u32) -> NaiveDate {
    let mut when = Stream::new(spec.seed, "joined", u64::from(index));
    let first = add_months(month_start(spec.start), -18);
    let months: Vec<(NaiveDate, u64)> = (0..34)
        .map(|offset| {
            let month = add_months(first, offset);
            let season = match month.month() {
                1 => 15,
                3 | 6 | 9 => 13,
                7 | 8 => 7,
                12 => 8,
                _ => 10,
            };
            (month, season * (30 + u64::from(offset.unsigned_abs())))
        })
        .collect();
    let month = when.weighted(months[0], &months[1..]);
    let day = match when.below(100) {
        0..=54 => 1,
        55..=69 => 15,
        70..=75 => 31,
        _ => u32::try_from(when.between(2, 30)).unwrap_or(2),
    };
    // A day the month lacks becomes its last one.
    (0..4).find_map(|less| month.with_day(day - less)).unwrap_or(month)
}

fn term_months(segment: Segment, who: &mut Stream) -> i32 {
    match segment {
        Segment::Smb => 12,
        Segment::MidMarket => who.weighted((12, 80), &[(24, 20)]),
        Segment::Enterprise => who.weighted((12, 50), &[(24, 20), (36, 30)]),
    }
}

fn frequency(segment: Segment, who: &mut Stream) -> Frequency {
    let (monthly, quarterly, annual) = match segment {
        Segment::Smb => (80, 12, 8),
        Segment::MidMarket => (55, 30, 15),
        Segment::Enterprise => (30, 40, 30),
    };
    who.weighted((Frequency::Monthly, monthly), &[(Frequency::Quarterly, quarterly), (Frequency::Annual, annual)])
}

/// Customers decide at the end of a term; a few small ones are let go on a month's end inside it.
fn churn_date(segment: Segment, joined: NaiveDate, term_months: i32, fate: &mut Stream) -> Option<NaiveDate> {
    let (at_end, early) = match segment {
        Segment::Smb => (200, 60),
        Segment::MidMarket => (110, 20),
        Segment::Enterprise => (60, 0),
    };
    // Twelve terms reach far beyond any horizon a sample is asked for.
    for term in 0..12 {
        if fate.chance(early) {
            let months = i32::try_from(fate.between(4, 11)).unwrap_or(6);
            return Some(add_months(joined, term * term_months + months));
        }
        if fate.chance(at_end) {
            return Some(add_months(joined, (term + 1) * term_months));
        }
    }
    None
}

/// Seats change at quarters after joining: mostly up, sometimes down at the end of a term.
fn seat_steps(
    joined: NaiveDate,
    churn: Option<NaiveDate>,
    term_months: i32,
    first: u32,
    growth: &mut Stream,
) -> Vec<(NaiveDate, u32)> {
    let mut steps = vec![(joined, first)];
    let mut seats = i64::from(first);
    let appetite = growth.weighted((60, 45), &[(160, 35), (300, 20)]);
    for quarter in 1..40 {
        let months = quarter * 3;
        let date = add_months(joined, months);
        if churn.is_some_and(|churn| date >= churn) {
            break;
        }
        let is_renewal = months % term_months == 0;
        let percent = if is_renewal && growth.chance(150) {
            -growth.between(5, 30)
        } else if growth.chance(appetite) {
            growth.between(5, 25)
        } else {
            0
        };
        let change = if percent == 0 { 0 } else { (seats * percent / 100).abs().max(1) * percent.signum() };
        if change != 0 && seats + change >= 1 {
            seats += change;
            steps.push((date, u32::try_from(seats).unwrap_or(first)));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_has_a_few_giants_many_small_and_all_within_eighteen_months() {
        let spec = SampleSpec::default();
        let company = Company::new(&spec);
        let seats: Vec<u32> = company.accounts.iter().map(|account| account.seat_steps[0].1).collect();
        assert!(seats.iter().filter(|seats| **seats >= 2_000).count() >= 1);
        assert!(seats.iter().filter(|seats| **seats <= 40).count() > 120);
        let end = add_months(spec.start, 18);
        assert!(company.accounts.iter().all(|account| account.joined_date < end));
        assert!(company.accounts.iter().any(|account| account.joined_date.day() == 31));
    }

    #[test]
    fn seats_are_zero_after_leaving() {
        let company = Company::new(&SampleSpec::default());
        let leaver = company.accounts.iter().find(|account| account.churn_date.is_some()).unwrap();
        assert_eq!(leaver.seats_on(leaver.churn_date.unwrap()), 0);
        assert!(leaver.seats_on(leaver.joined_date) > 0);
    }
}
