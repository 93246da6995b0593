//! What one customer buys over its life: products, quantities, prices, and when they change.

use super::activity::Activity;
use super::company::{Account, Company, Frequency, Segment};
use super::facts::{Charge, PricePeriod, Pricing, Product, SeatRule, Seats};
use super::meters::metric;
use super::months::add_months;
use super::products::{ADD_ONS, FIELD_APP, LOCATIONS, METERED, ONBOARDING, PLATFORM, price};
use super::random::Stream;
use chrono::NaiveDate;

/// What is agreed for a product beyond a quantity and a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    /// Nothing.
    None,
    /// The signed copy leaves the price out.
    LacksPrice,
    /// Steps agreed in advance; the number decides which.
    Ramp(u64),
    /// Price rises; the number decides which.
    Rises(u64),
    /// A ramp of the price, and rises after it.
    RampAndRises(u64),
    /// Tiers, packages, included units; the number decides which.
    Rated(u64),
    /// Seats beyond the contracted ones.
    Seats(Seats),
}

impl Extra {
    /// Whether prices follow a schedule, so that renewals leave them alone.
    fn is_scheduled(self) -> bool {
        matches!(self, Extra::Ramp(_) | Extra::Rises(_) | Extra::RampAndRises(_))
    }
}

/// One product in a customer's basket.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// What it is.
    pub(super) product: Product,
    /// What its price is for.
    pub(super) price_period: PricePeriod,
    /// What is agreed beyond a quantity and a price.
    pub(super) extra: Extra,
    /// The first day on which seats are counted.
    pub(super) counted_from: NaiveDate,
    /// Permille of list price.
    level: i64,
    /// Permille added at each renewal.
    uplift: i64,
    /// Units where they are not the customer's seats.
    units: u32,
    /// Months after joining at which it is added.
    added: i32,
    /// Months after joining at which it is dropped.
    dropped: Option<i32>,
    /// Months after joining at which the price falls by a tenth.
    cheaper: Option<i32>,
    /// Months after joining at which the units fall by a third.
    fewer: Option<i32>,
}

impl Item {
    /// Whether every invoice line of it is a whole period.
    pub(super) fn is_whole(&self) -> bool {
        let is_rated = matches!(self.extra, Extra::Rated(_)) && self.product.charge == Charge::Recurring;
        !is_rated && !matches!(self.extra, Extra::Seats(_))
    }

    /// First day in the basket.
    pub(super) fn begins(&self, account: &Account) -> NaiveDate {
        add_months(account.joined_date, self.added)
    }

    /// Dates on which its terms change.
    pub(super) fn changes(&self, account: &Account) -> impl Iterator<Item = NaiveDate> {
        let joined = account.joined_date;
        [Some(self.added), self.dropped, self.cheaper, self.fewer]
            .into_iter()
            .flatten()
            .map(move |months| add_months(joined, months))
    }

    /// Whether it is in the basket on `date`.
    pub(super) fn is_sold_on(&self, account: &Account, date: NaiveDate) -> bool {
        self.begins(account) <= date && self.dropped.is_none_or(|months| date < add_months(account.joined_date, months))
    }

    fn has_passed(account: &Account, months: Option<i32>, date: NaiveDate) -> bool {
        months.is_some_and(|months| add_months(account.joined_date, months) <= date)
    }

    /// Units from `date` on.
    pub(super) fn quantity(&self, account: &Account, date: NaiveDate) -> u32 {
        let fewer =
            |units: u32| if Self::has_passed(account, self.fewer, date) { (units * 2 / 3).max(1) } else { units };
        match self.product.pricing {
            Pricing::Flat => 1,
            _ if self.product.id == PLATFORM.id => account.seats_on(date),
            _ => fewer(self.units),
        }
    }

    /// Price from `date` on, at 8 digits: raised at every renewal, for whole terms.
    pub(super) fn unit_price(&self, account: &Account, date: NaiveDate) -> i128 {
        let terms = (0..12).rev().find(|term| add_months(account.joined_date, term * account.term_months) <= date);
        let mut level = self.level;
        let uplift = if self.extra.is_scheduled() { 0 } else { self.uplift };
        for _ in 0..terms.unwrap_or(0) {
            level = level * (1_000 + uplift) / 1_000;
        }
        if Self::has_passed(account, self.cheaper, date) {
            level = level * 900 / 1_000;
        }
        let months = match self.price_period {
            PricePeriod::Year => 12,
            PricePeriod::BillingPeriod => i64::from(account.frequency.months()),
            PricePeriod::Month | PricePeriod::Once => 1,
        };
        price(self.product.list_cents * months, account.currency, level)
    }
}

/// The basket of a customer. Terms that change inside a prepaid period would need a refund, so only customers whose billing
/// periods follow the day they joined see lower prices, fewer units or dropped lines before a renewal.
pub(super) fn items(company: &Company, activity: &Activity<'_>, account: &Account, is_calendar: bool) -> Vec<Item> {
    let mut draw = Stream::new(company.spec.seed, "basket", u64::from(account.index));
    let level = match account.segment {
        Segment::Smb => draw.between(950, 1_050),
        Segment::MidMarket => draw.between(860, 1_000),
        Segment::Enterprise => draw.between(640, 900),
    };
    let uplift = draw.weighted((0, 30), &[(30, 40), (50, 30)]);
    let price_period = match draw.below(100) {
        0..=13 => PricePeriod::Year,
        14..=21 => PricePeriod::BillingPeriod,
        _ => PricePeriod::Month,
    };
    let counted_from = company.spec.start;
    let is_aligned = !is_calendar && account.frequency != Frequency::Annual;
    let mut basket = Basket { draw, level, uplift, price_period, items: Vec::new(), account, is_aligned, counted_from };
    basket.add(PLATFORM, 1);
    basket.seat_rule();
    basket.fill();
    for product in METERED {
        if metric(&product).is_some_and(|metric| activity.uses(account, metric)) {
            basket.add_metered(product, company.spec.start);
        }
    }
    if account.segment != Segment::Smb && basket.draw.chance(550) {
        basket.add(ONBOARDING, 1);
    }
    basket.items
}

struct Basket<'a> {
    draw: Stream,
    level: i64,
    uplift: i64,
    price_period: PricePeriod,
    items: Vec<Item>,
    account: &'a Account,
    is_aligned: bool,
    counted_from: NaiveDate,
}

impl Basket<'_> {
    fn add(&mut self, product: Product, units: u32) {
        let (level, uplift, price_period) = (self.level, self.uplift, self.price_period);
        let (extra, added, dropped, cheaper, fewer) = (Extra::None, 0, None, None, None);
        self.items.push(Item {
            product,
            price_period,
            extra,
            counted_from: self.counted_from,
            level,
            uplift,
            units,
            added,
            dropped,
            cheaper,
            fewer,
        });
    }

    fn fill(&mut self) {
        let (devices, locations, extras) = match self.account.segment {
            Segment::Smb => (150, 40, 350),
            Segment::MidMarket => (300, 120, 600),
            Segment::Enterprise => (450, 300, 850),
        };
        let seats = self.account.seats_on(self.account.joined_date);
        if self.draw.chance(devices) {
            let percent = self.draw.between(15, 70);
            self.add(FIELD_APP, u32::try_from(i64::from(seats) * percent / 100).unwrap_or(3).max(3));
            self.vary_units();
        }
        if self.draw.chance(locations) {
            let units = u32::try_from(self.draw.between(3, 9 + i64::from(seats) / 15)).unwrap_or(3);
            self.add(LOCATIONS, units);
            self.vary_units();
        }
        for product in ADD_ONS {
            if self.draw.chance(extras / 2) {
                self.add(product, 1);
                self.vary_add_on();
            }
        }
    }

    /// Some contracts say what happens when more people come than there are seats.
    fn seat_rule(&mut self) {
        let roll = self.draw.below(100);
        let rule =
            self.draw.weighted((SeatRule::HighWater, 50), &[(SeatRule::Average, 28), (SeatRule::EndOfMonth, 22)]);
        let seats = Seats {
            rule,
            is_forward: self.draw.chance(220),
            grace_pct: self.draw.weighted((0, 60), &[(5, 25), (10, 15)]),
        };
        if let Some(item) = self.items.last_mut().filter(|_| roll < 45 && self.is_aligned) {
            item.extra = Extra::Seats(seats);
        }
    }

    /// Metered products are sold from the day the meters run.
    fn add_metered(&mut self, product: Product, meters_from: NaiveDate) {
        let joined = self.account.joined_date;
        let added = (0..60).find(|months| add_months(joined, *months) >= meters_from).unwrap_or(0);
        self.add(product, 1);
        if let Some(item) = self.items.last_mut() {
            item.extra = Extra::Rated(self.draw.below(100));
            item.added = added;
        }
    }

    fn vary_units(&mut self) {
        let (roll, which) = (self.draw.below(100), self.draw.below(1_000));
        let is_aligned = self.is_aligned;
        if let Some(item) = self.items.last_mut() {
            match roll {
                0..=9 if is_aligned => item.fewer = Some(6),
                10..=33 => item.extra = Extra::Ramp(which),
                34..=49 => item.extra = Extra::Rises(which),
                50..=66 if is_aligned => {
                    item.extra = Extra::Rated(which);
                    // Bounds count the units of a billing period.
                    item.price_period = PricePeriod::BillingPeriod;
                }
                _ => {}
            }
        }
    }

    fn vary_add_on(&mut self) {
        let (roll, which) = (self.draw.below(100), self.draw.below(1_000));
        let month = i32::try_from(self.draw.between(1, 3)).unwrap_or(1) * 3;
        let is_aligned = self.is_aligned;
        if let Some(item) = self.items.last_mut() {
            match roll {
                0..=13 => item.added = month,
                14..=19 if is_aligned => item.dropped = Some(month + 6),
                20..=27 if is_aligned => item.cheaper = Some(month),
                28..=51 => item.extra = Extra::Rises(which),
                52..=53 => item.extra = Extra::LacksPrice,
                54..=67 => item.extra = Extra::Ramp(which),
                68..=70 => item.extra = Extra::RampAndRises(which),
                _ => {}
            }
        }
    }
}
