//! Service beyond what is paid for: use after a line's end, and use of what nobody bought.

use super::Finding;
use crate::sample::billing::line_ids;
use crate::sample::company::{Account, Company};
use crate::sample::facts::{Charge, Contract, LineKind, Pricing};
use crate::sample::fraction::Fraction;
use crate::sample::lapses::{self, Afterlife};
use crate::sample::months::{add_days, add_months, days_between, month_start};
use crate::sample::periods::{Grid, KnownLine, each_day};
use crate::sample::rating;
use crate::sample::rows_reference::list_price;
use crate::sample::schedule;
use crate::sample::world::World;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Customers, products and months for which a posted line bills a service day.
type Billed = BTreeSet<(u32, &'static str, NaiveDate)>;

/// The last line of a customer's product.
struct Last<'a> {
    contract: &'a Contract,
    known: KnownLine<'a>,
    id: &'a str,
}

/// Findings of service without pay: C5 and Q7.
pub(super) fn findings(company: &Company, world: &World, as_of: NaiveDate) -> Vec<Finding> {
    let billed = billed(world, as_of);
    let mut lines: BTreeMap<u32, Vec<Last<'_>>> = BTreeMap::new();
    for contract in &world.contracts {
        for id in line_ids(contract) {
            if let Some(known) = KnownLine::new(contract, id, as_of) {
                lines.entry(contract.account).or_default().push(Last { contract, known, id });
            }
        }
    }
    let mut findings = Vec::new();
    for account in &company.accounts {
        let lines = lines.get(&account.index).map_or(&[][..], Vec::as_slice);
        let after = lapses::afterlife(company, account);
        for last in last_lines(lines).into_iter().filter(|last| last.known.life.end <= as_of) {
            findings.extend(after_end(world, account, last, after, (&billed, as_of)));
        }
        findings.extend(unentitled(company, account, lines, &billed, as_of));
    }
    findings
}

fn billed(world: &World, as_of: NaiveDate) -> Billed {
    let mut billed = Billed::new();
    for invoice in world.invoices.iter().filter(|invoice| invoice.is_posted(as_of)) {
        for line in invoice.lines.iter().filter(|line| line.kind != LineKind::Credit) {
            let mut month = month_start(line.start);
            while month < line.end {
                billed.insert((invoice.account, line.product.id, month));
                month = add_months(month, 1);
            }
        }
    }
    billed
}

/// Of each product the line that ends last, of several the one with the smallest id.
fn last_lines<'a, 'b>(lines: &'b [Last<'a>]) -> Vec<&'b Last<'a>> {
    let mut by_product: BTreeMap<&str, &Last<'_>> = BTreeMap::new();
    for line in lines {
        let Some(product) = line.known.segments.last().map(|segment| segment.line.product) else { continue };
        if product.charge == Charge::OneOff {
            continue;
        }
        let is_later = by_product.get(product.id).is_none_or(|before| {
            (before.known.life.end, std::cmp::Reverse(before.id)) < (line.known.life.end, std::cmp::Reverse(line.id))
        });
        if is_later {
            by_product.insert(product.id, line);
        }
    }
    by_product.into_values().collect()
}

/// A calendar month of use after the end.
struct Use {
    month: NaiveDate,
    /// At 6 digits.
    units: i128,
    last_day: NaiveDate,
}

fn after_end(
    world: &World,
    account: &Account,
    last: &Last<'_>,
    after: Option<Afterlife>,
    (billed, as_of): (&Billed, NaiveDate),
) -> Vec<Finding> {
    let (known, end) = (&last.known, last.known.life.end);
    let charged = known
        .segments
        .iter()
        .rev()
        .flat_map(|segment| each_day(&(segment.from..segment.to)).collect::<Vec<_>>().into_iter().rev());
    let Some(day) = charged.into_iter().find(|day| known.is_charged(*day)) else { return Vec::new() };
    let Some(line) = known.on(day).map(|segment| segment.line) else { return Vec::new() };
    let months = Grid::new(last.contract).months();
    let is_seat = line.product.charge == Charge::Recurring;
    let uses = match (line.product.charge, line.product.unit) {
        (Charge::Usage, _) if line.pricing != Pricing::Flat => {
            usage(world, account, line, after, end..add_days(as_of, 1))
        }
        (Charge::Recurring, Some("seat")) => seats(world, after, end..add_days(as_of, 1)),
        _ => return Vec::new(),
    };
    let price = schedule::price(last.contract, line, months, day, as_of);
    let is_rated = rating::is_rated(line);
    if line.lacks_price || !price.is_known || (is_rated && is_seat) {
        return Vec::new();
    }
    let (exponent, last_day) = (last.contract.currency.exponent(), uses.iter().map(|used| used.last_day).max());
    let mut findings = Vec::new();
    for used in uses {
        let next = add_months(used.month, 1);
        let start = used.month.max(end);
        let units = Fraction::decimal(used.units, 6);
        let value = if is_rated {
            rating::gross(line, units, rating::included(line, months, (1, 1)), months, exponent)
        } else {
            units * Fraction::decimal(price.last(), 8)
        };
        let share = if is_seat {
            let until = last_day.map_or(next, |last| add_days(last, 1).min(next));
            let of = i128::from(months) * i128::from(days_between(used.month, next));
            Fraction::new(i128::from(days_between(start, until)), of)
        } else {
            Fraction::ONE
        };
        let gap = (value * share).minor(exponent);
        if gap <= 0 || billed.contains(&(account.index, line.product.id, used.month)) {
            continue;
        }
        findings.push(Finding {
            is_planted: after.is_some(),
            line: last.id.to_owned(),
            product: line.product.id,
            end: Some(next.min(add_days(as_of, 1))),
            gap,
            ..about_contract(last.contract, "C5", "exposure", start)
        });
    }
    findings
}

/// Metered units after the end, by month.
fn usage(
    world: &World,
    account: &Account,
    line: &crate::sample::facts::Line,
    after: Option<Afterlife>,
    days: Range<NaiveDate>,
) -> Vec<Use> {
    let mut months: BTreeMap<NaiveDate, (i64, NaiveDate)> = BTreeMap::new();
    for day in each_day(&days) {
        let metered = world.meters.used(account.index, &line.product, &(day..add_days(day, 1)));
        let still = after.filter(|after| after.from <= day && day < after.to).map_or(0, |after| after.units);
        let uses = world.meters.counts(account.index, &line.product);
        let used = metered + if uses { still } else { 0 };
        if used > 0 {
            let month = months.entry(month_start(day)).or_insert((0, day));
            *month = (month.0 + used, day);
        }
    }
    let size = i128::from(line.rating.unit_size);
    let units = |used: i64| crate::sample::fraction::divide_half_up(i128::from(used) * 1_000_000, size);
    months.into_iter().map(|(month, (used, last_day))| Use { month, units: units(used), last_day }).collect()
}

/// Seats counted after the end, the most of each month.
fn seats(world: &World, after: Option<Afterlife>, days: Range<NaiveDate>) -> Vec<Use> {
    let mut months: BTreeMap<NaiveDate, (u32, NaiveDate)> = BTreeMap::new();
    let first = world.meters.first();
    for day in each_day(&days).filter(|day| *day >= first && chrono::Datelike::weekday(day) == chrono::Weekday::Mon) {
        let still = after.filter(|after| after.from <= day && day < after.to).map_or(0, |after| after.seats);
        if still > 0 {
            let month = months.entry(month_start(day)).or_insert((0, day));
            *month = (month.0.max(still), day);
        }
    }
    let units = |seats: u32| i128::from(seats) * 1_000_000;
    months.into_iter().map(|(month, (seats, last_day))| Use { month, units: units(seats), last_day }).collect()
}

/// A finding about a contract as a whole.
pub(super) fn about_contract(
    contract: &Contract,
    code: &'static str,
    class: &'static str,
    start: NaiveDate,
) -> Finding {
    Finding {
        is_planted: false,
        code,
        account: contract.account,
        contract: contract.id.clone(),
        line: String::new(),
        product: "",
        subject: String::new(),
        component: "",
        step: "",
        start,
        end: start.succ_opt(),
        gap: 0,
        waived: 0,
        days: vec![start],
        absorbed: 0,
        currency: contract.currency,
        class,
        holds_from: start,
    }
}

/// Months in which a customer uses a paid feature whose product it has neither bought nor been billed for.
fn unentitled(
    company: &Company,
    account: &Account,
    lines: &[Last<'_>],
    billed: &Billed,
    as_of: NaiveDate,
) -> Vec<Finding> {
    let Some(contract) = lines.first().map(|line| line.contract) else { return Vec::new() };
    let using = company.lapses.add_on_use(account.index).filter(|using| using.feature.entitlement == "paid");
    let is_on = |day: NaiveDate| day >= company.spec.start && account.is_customer_on(day);
    let mut findings = Vec::new();
    let mut month = month_start(company.spec.start);
    while add_months(month, 1) <= as_of {
        let days = month..add_months(month, 1);
        let add_on = using.filter(|using| each_day(&days).any(|day| using.is_on(day) && is_on(day)));
        if let Some(product) = add_on.map(|using| using.feature.product) {
            let is_bought = lines.iter().any(|line| {
                let sold = line.known.segments.first().map(|segment| segment.line.product.id);
                sold == Some(product) && line.known.life.start < days.end && days.start < line.known.life.end
            });
            if is_bought || billed.contains(&(account.index, product, month)) {
                month = days.end;
                continue;
            }
            let price = list_price(company, product, account.currency, add_days(days.end, -1));
            findings.push(Finding {
                is_planted: price.is_some(),
                contract: String::new(),
                product,
                gap: price.map_or(0, |price| Fraction::decimal(price, 8).minor(account.currency.exponent())),
                end: Some(days.end),
                ..about_contract(contract, "Q7", "opportunity", month)
            });
        }
        month = days.end;
    }
    findings
}
