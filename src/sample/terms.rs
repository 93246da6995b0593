//! The contracts of a customer: terms, lines, amendments and renewals.

use super::activity::Activity;
use super::agreed;
use super::clauses;
use super::company::{Account, Company, Frequency, Segment};
use super::concessions;
use super::facts::{Anchor, Charge, Clauses, Contract, Line, Proration, Timing, Version};
use super::months::{add_days, add_months};
use super::offer::{Extra, Item, items};
use super::periods::Grid;
use super::promised;
use super::random::Stream;
use chrono::{Datelike, NaiveDate};

/// How a customer's contracts follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Succession {
    /// A new contract every term.
    Renewed,
    /// One contract, extended by amendment.
    Extended,
    /// One contract without an end.
    Evergreen,
    /// A new contract that comes two months late, service going on meanwhile.
    Holdover,
}

/// What all contracts of a customer share.
#[derive(Debug, Clone)]
struct Habits {
    succession: Succession,
    timing: Option<Timing>,
    anchor: Option<Anchor>,
    proration: Option<Proration>,
    payment_terms_days: Option<i64>,
    issue_grace_days: Option<i64>,
    is_first_full_period: bool,
    go_live_after: Option<i64>,
    auto_renew: bool,
    notice_days: Option<i64>,
}

/// All contracts signed by `until`, of every customer.
pub fn contracts(company: &Company, activity: &Activity<'_>, until: NaiveDate) -> Vec<Contract> {
    let mut contracts: Vec<Contract> =
        company.accounts.iter().flat_map(|account| account_contracts(company, activity, account, until)).collect();
    clauses::settle_in_dollars(company, &mut contracts);
    contracts
}

/// Whether the customer leaves, if at all, on the first day of a billing period.
fn leaves_on_boundary(account: &Account, is_calendar: bool) -> bool {
    let months = account.frequency.months();
    account.churn_date.is_none_or(|churn| {
        if is_calendar {
            churn.day() == 1 && churn.month0().cast_signed() % months == 0
        } else {
            (0..400).any(|period| add_months(account.joined_date, period * months) == churn)
        }
    })
}

fn habits(company: &Company, account: &Account) -> Habits {
    let mut draw = Stream::new(company.spec.seed, "habits", u64::from(account.index));
    let is_small_monthly = account.segment == Segment::Smb && account.frequency == Frequency::Monthly;
    let mut succession = match draw.below(100) {
        0..=17 if is_small_monthly => Succession::Evergreen,
        18..=43 => Succession::Extended,
        44..=51 if account.frequency == Frequency::Monthly => Succession::Holdover,
        _ => Succession::Renewed,
    };
    let mut timing = draw.weighted((Some(Timing::Advance), 72), &[(Some(Timing::Arrears), 20), (None, 8)]);
    let is_calendar = draw.chance(180) && account.frequency != Frequency::Annual;
    if !leaves_on_boundary(account, is_calendar) {
        // Leaving inside a prepaid period would need a refund; such customers pay afterwards.
        timing = Some(Timing::Arrears);
    }
    if is_calendar && succession != Succession::Renewed {
        succession = Succession::Renewed;
    }
    let anniversary = draw.weighted((Some(Anchor::Anniversary), 60), &[(None, 40)]);
    let methods = [
        (Some(Proration::ActAct), 45),
        (Some(Proration::Thirty360), 10),
        (Some(Proration::Act365), 8),
        (Some(Proration::None), 7),
    ];
    // Where terms change inside a period everybody counts real days.
    let has_whole_changes = !is_calendar && account.frequency != Frequency::Annual;
    let proration = draw.weighted((None, 30), if has_whole_changes { &methods } else { &methods[..1] });
    let go_live_after = (draw.chance(50) && !is_calendar).then(|| draw.between(9, 45));
    Habits {
        succession,
        timing,
        anchor: if is_calendar { Some(Anchor::Calendar) } else { anniversary },
        proration,
        payment_terms_days: draw
            .weighted((Some(30), 55), &[(Some(14), 12), (Some(45), 10), (Some(60), 10), (None, 13)]),
        issue_grace_days: draw.weighted((None, 55), &[(Some(5), 25), (Some(3), 10), (Some(10), 10)]),
        is_first_full_period: is_calendar && draw.chance(280),
        go_live_after,
        auto_renew: !is_calendar && account.churn_date.is_none() && draw.chance(600),
        notice_days: draw.weighted((Some(30), 40), &[(Some(60), 30), (Some(90), 20), (None, 10)]),
    }
}

/// First day and first day after the term with this number, counted from 0.
fn term(account: &Account, habits: &Habits, number: i32) -> (NaiveDate, NaiveDate) {
    let at = |term: i32| add_months(account.joined_date, term * account.term_months);
    let late = if habits.succession == Succession::Holdover && number > 0 { 2 } else { 0 };
    (add_months(at(number), late), at(number + 1))
}

fn account_contracts(company: &Company, activity: &Activity<'_>, account: &Account, until: NaiveDate) -> Vec<Contract> {
    let habits = habits(company, account);
    let items = items(company, activity, account, habits.anchor == Some(Anchor::Calendar));
    let mut contracts: Vec<Contract> = Vec::new();
    for number in 0..12 {
        let (start, end) = term(account, &habits, number);
        let mut draw =
            Stream::new(company.spec.seed, "term", u64::from(account.index) * 100 + u64::from(number.unsigned_abs()));
        let notice = if number == 0 { draw.between(4, 30) } else { draw.between(12, 40) };
        let signed = add_days(start, -notice);
        if signed > until || account.churn_date.is_some_and(|churn| start >= churn) {
            break;
        }
        let goes_into_first = matches!(habits.succession, Succession::Extended | Succession::Evergreen);
        if goes_into_first && let Some(contract) = contracts.first_mut() {
            extend(contract, account, &habits, &items, (start, end, signed), until);
            continue;
        }
        if let Some(previous) = contracts.last_mut() {
            previous.renewed = Some((start, signed));
        }
        let renews = contracts.last().map(|previous| previous.id.clone());
        let mut contract = contract(account, &habits, number, (start, end));
        contract.renews = renews;
        schedules(&mut contract, account, &items);
        let own_end =
            (habits.succession != Succession::Evergreen && habits.succession != Succession::Extended).then_some(end);
        promise(company, activity, account, &mut contract, &items, (number, own_end));
        extend(&mut contract, account, &habits, &items, (start, end, signed), until);
        let changes = change_dates(account, &items, (start, end));
        concessions::grant(company, account, &mut contract, number, (&changes, until));
        clauses::agree(company, account, &mut contract, number);
        let is_plain = items.iter().all(Item::is_whole);
        contract.clauses.exchange = clauses::exchange(company, account, &contract, is_plain);
        if number == 0 && company.lapses.is_signed_twice(account.index) {
            sign_twice(&mut contract, until);
        }
        contracts.push(contract);
    }
    if let (Some(last), Some(churn)) = (contracts.last_mut(), account.churn_date) {
        let is_inside = last.versions.last().is_some_and(|version| version.end.is_none_or(|end| churn < end));
        let recorded = add_days(churn, -35);
        if is_inside && recorded <= until {
            last.terminated = Some((churn, recorded));
        }
    }
    contracts
}

/// A second statement that takes effect on the first one's day: nobody can say which of them holds.
fn sign_twice(contract: &mut Contract, until: NaiveDate) {
    let Some(first) = contract.versions.first().cloned() else { return };
    let mut second = Version { number: 2, signed: add_days(first.signed, 21), ..first };
    for line in &mut second.lines {
        line.quantity += 1;
    }
    if second.signed > until {
        return;
    }
    contract.versions.insert(1, second);
    for (version, number) in contract.versions.iter_mut().zip(1..) {
        version.number = number;
    }
}

/// Contracts that somebody filed under a customer nobody knows; nothing is sold in them yet.
pub fn orphans(company: &Company, contracts: &[Contract], until: NaiveDate) -> Vec<Contract> {
    let Some(like) = contracts.first() else { return Vec::new() };
    let number = |at: u32| 90_000 + at;
    (0..2_u32)
        .map(|at| {
            let start = add_days(company.spec.start, 70 + i64::from(at) * 120);
            let signed = add_days(start, -9);
            let version = Version { number: 1, effective: start, signed, end: None, lines: Vec::new() };
            let mut contract = Contract {
                id: format!("ct-{:05}-1", number(at) + 1),
                account: number(at),
                start,
                versions: vec![version],
                ..like.clone()
            };
            contract.term_source = "signed";
            (contract.terminated, contract.renews, contract.renewed, contract.go_live) = (None, None, None, None);
            contract.discounts.clear();
            contract.free_periods.clear();
            contract.exceptions.clear();
            contract.ramps.clear();
            contract.escalators.clear();
            contract.commitments.clear();
            contract.clauses = Clauses::default();
            contract
        })
        .filter(|contract| contract.versions.iter().all(|version| version.signed <= until))
        .collect()
}

fn contract(account: &Account, habits: &Habits, number: i32, (start, end): (NaiveDate, NaiveDate)) -> Contract {
    Contract {
        id: format!("ct-{:05}-{}", account.index + 1, number + 1),
        account: account.index,
        // Some contracts nobody has signed copies of.
        term_source: match account.index % 41 {
            11 => "crm",
            23 => "billing",
            _ => "signed",
        },
        start,
        terminated: None,
        renews: None,
        renewed: None,
        auto_renew: habits.auto_renew && habits.succession == Succession::Renewed,
        // Nobody keeps serving a customer who has said no.
        is_holdover: habits.succession == Succession::Holdover && account.churn_date.is_none_or(|churn| churn > end),
        notice_days: habits.notice_days,
        frequency: account.frequency,
        timing: habits.timing,
        anchor: habits.anchor,
        is_first_full_period: habits.is_first_full_period && number == 0,
        go_live: if number == 0 { habits.go_live_after.map(|days| add_days(start, days)) } else { None },
        payment_terms_days: habits.payment_terms_days,
        issue_grace_days: habits.issue_grace_days,
        proration: habits.proration,
        currency: account.currency,
        versions: Vec::new(),
        discounts: Vec::new(),
        free_periods: Vec::new(),
        exceptions: Vec::new(),
        ramps: Vec::new(),
        escalators: Vec::new(),
        commitments: Vec::new(),
        clauses: Clauses::default(),
    }
}

/// The start of a term and every date inside it on which something changes.
fn change_dates(account: &Account, items: &[Item], (start, end): (NaiveDate, NaiveDate)) -> Vec<NaiveDate> {
    let mut dates: Vec<NaiveDate> = account
        .seat_steps
        .iter()
        .map(|(date, _)| *date)
        .chain(items.iter().flat_map(|item| item.changes(account)))
        .filter(|date| start < *date && *date < end && account.churn_date.is_none_or(|churn| *date < churn))
        .collect();
    dates.push(start);
    dates.sort_unstable();
    dates.dedup();
    dates
}

/// Adds the versions of one term: its start, and every change inside it.
fn extend(
    contract: &mut Contract,
    account: &Account,
    habits: &Habits,
    items: &[Item],
    (start, end, signed): (NaiveDate, NaiveDate, NaiveDate),
    until: NaiveDate,
) {
    let dates = change_dates(account, items, (start, end));
    let end = (habits.succession != Succession::Evergreen).then_some(end);
    let grid = Grid::new(contract);
    for effective in dates {
        let is_inside = grid.boundary(grid.cell_of(effective)) != effective;
        let is_prepaid = contract.timing != Some(Timing::Arrears);
        let signed = match (effective == start, is_inside && is_prepaid) {
            (true, _) => signed,
            // A change inside a prepaid period is signed and invoiced on the day it takes effect.
            (false, true) => effective,
            (false, false) => add_days(effective, -i64::from(5 + account.index % 16)),
        };
        if signed > until {
            continue;
        }
        let lines = lines(contract, account, items, effective);
        let number = u32::try_from(contract.versions.len()).unwrap_or(0) + 1;
        if contract.versions.last().is_none_or(|previous| previous.lines != lines || previous.end != end) {
            contract.versions.push(Version { number, effective, signed, end, lines });
        }
    }
}

/// The lines as they hold from `date` on.
fn lines(contract: &Contract, account: &Account, items: &[Item], date: NaiveDate) -> Vec<Line> {
    let number = contract.id.rsplit('-').next().and_then(|part| part.parse::<i32>().ok()).unwrap_or(1);
    items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.is_sold_on(account, date) && (item.product.charge != Charge::OneOff || number == 1))
        .map(|(at, item)| {
            let begins = item.begins(account).max(contract.start);
            let is_one_off = item.product.charge == Charge::OneOff;
            let digits = contract.currency.exponent();
            let quantity = agreed::quantity(item, item.quantity(account, date), number == 1);
            let stated = agreed::unit_price(item, item.unit_price(account, date), number == 1, digits);
            let (pricing, rating, unit_price) = agreed::rating(item, contract, (quantity, stated));
            Line {
                id: line_id(contract, at),
                product: item.product,
                quantity,
                unit_price,
                price_period: agreed::price_period(item),
                price_decimals: agreed::price_decimals(item, digits),
                start: begins,
                end: None,
                accepted: is_one_off.then(|| add_days(begins, i64::from(10 + account.index % 25))),
                pricing,
                rating,
                seats: match item.extra {
                    Extra::Seats(seats) if contract.start >= item.counted_from => Some(seats),
                    _ => None,
                },
                lacks_price: item.extra == Extra::LacksPrice,
            }
        })
        .collect()
}

fn line_id(contract: &Contract, at: usize) -> String {
    format!("{}-l{}", contract.id, at + 1)
}

/// Adds the ramps and price rises of every line that the contract has or will have.
fn schedules(contract: &mut Contract, account: &Account, items: &[Item]) {
    for (at, item) in items.iter().enumerate() {
        let (id, begins) = (line_id(contract, at), item.begins(account).max(contract.start));
        let full = (item.quantity(account, begins), item.unit_price(account, begins));
        agreed::schedule(contract, item, &id, begins, full);
    }
}

/// Adds the commitment of a contract whose schedules are known.
fn promise(
    company: &Company,
    activity: &Activity<'_>,
    account: &Account,
    contract: &mut Contract,
    items: &[Item],
    (number, end): (i32, Option<NaiveDate>),
) {
    let metered = items.iter().find(|item| item.product.charge == Charge::Usage);
    let Some(metered_from) = metered.map(|item| item.begins(account).max(contract.start)) else { return };
    // Promises are counted over whole billing periods.
    let grid = Grid::new(contract);
    let cell = grid.cell_of(add_days(metered_from, -1));
    let begins = grid.boundary(cell + 1);
    let lines = lines(contract, account, items, begins);
    let mut draw =
        Stream::new(company.spec.seed, "promise", u64::from(account.index) * 100 + u64::from(number.unsigned_abs()));
    promised::promise(activity, account, contract, (begins, end), &lines, &mut draw);
}
