//! The accounts as the CRM knows them, and their ids in the other systems.

use super::Activity;
use super::behaviour::Behaviour;
use super::calendar::{Day, date_of, day_of};
use super::contacts::{contacts, primary};
use super::draw::Draw;
use crate::sample::company::{Account, Segment};
use crate::sample::lapses::expected_tax_permille;
use crate::sample::table::{Cell, Rows};

/// The day the CRM first knew of a customer: a lead, weeks to months before the contract.
pub(super) fn known_from(behaviour: &Behaviour) -> Day {
    behaviour.customer.joined - Draw::of(behaviour.customer.key, "lead", 0).whole(35, 150)
}

/// The accounts known by the horizon.
pub(super) fn rows(activity: &Activity<'_>) -> Rows<20> {
    let mut rows = Rows::new([
        "account_id",
        "name",
        "domain",
        "parent_account_id",
        "segment",
        "industry",
        "country",
        "employee_count",
        "currency",
        "timezone",
        "lifecycle_stage",
        "status",
        "csm_id",
        "account_manager_id",
        "sales_owner_id",
        "primary_contact_id",
        "started_date",
        "is_internal",
        "expected_tax_pct",
        "created_at",
    ]);
    for (account, behaviour) in activity.customers() {
        let known = known_from(behaviour);
        if known > activity.horizon {
            continue;
        }
        let contacts = contacts(account, behaviour);
        let (status, stage) = standing(activity, account, behaviour);
        let is_signed = behaviour.customer.joined <= activity.horizon;
        let mut draw = Draw::of(behaviour.customer.key, "account", 0);
        // A few accounts nobody has taken over: they must show up somewhere all the same.
        let has_csm = is_signed && !draw.chance(0.03);
        rows.push([
            (&account.id).into(),
            (&account.name).into(),
            (&account.domain).into(),
            parent(activity, account).map_or(Cell::Null, Into::into),
            account.segment.name().into(),
            account.industry.into(),
            account.country.into(),
            account.employee_count.into(),
            account.currency.code().into(),
            account.timezone.into(),
            stage.into(),
            status.into(),
            if has_csm { (&account.csm_id).into() } else { Cell::Null },
            if is_signed { (&account.account_manager_id).into() } else { Cell::Null },
            (&account.sales_owner_id).into(),
            primary(&contacts, activity.horizon).map_or(Cell::Null, |contact| (&contact.id).into()),
            if is_signed { account.joined_date.into() } else { Cell::Null },
            false.into(),
            expected_tax_permille(activity.company, account).map_or(Cell::Null, |tax| Cell::Decimal(tax, 1)),
            activity.working_time(known, behaviour, &mut draw).into(),
        ]);
    }
    rows
}

/// Status and lifecycle stage as of the horizon.
fn standing(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> (&'static str, &'static str) {
    let horizon = activity.horizon;
    let customer = &behaviour.customer;
    if horizon < customer.joined {
        return ("prospect", "evaluation");
    }
    if customer.left.is_some_and(|left| left <= horizon) {
        return ("churned", "former");
    }
    let since = horizon - customer.joined;
    let renews_soon =
        activity.bought().term_ends(account).iter().any(|end| (0..=90).contains(&(day_of(*end) - horizon)));
    let stage = match since {
        0..90 => "onboarding",
        _ if renews_soon => "renewal",
        90..270 => "adoption",
        _ => "mature",
    };
    ("active", stage)
}

/// One small account in thirty belongs to an enterprise: a subsidiary with a contract of its own.
fn parent<'a>(activity: &Activity<'a>, account: &Account) -> Option<&'a str> {
    let mut draw = Draw::of(activity.key, "parent", i64::from(account.index));
    if account.segment != Segment::Smb || !draw.chance(0.03) {
        return None;
    }
    let parents: Vec<&Account> =
        activity.company.accounts.iter().filter(|parent| parent.segment == Segment::Enterprise).collect();
    let place = usize::try_from(draw.below(parents.len() as u64)).ok()?;
    let parent = parents.get(place)?;
    (day_of(parent.joined_date) <= activity.horizon).then_some(parent.id.as_str())
}

/// The accounts' ids in the other systems. Support knows a few only by their e-mail domain, and some not at all.
pub(super) fn xrefs(activity: &Activity<'_>) -> Rows<5> {
    let mut rows = Rows::new(["account_id", "system", "external_id", "method", "confidence"]);
    for (account, behaviour) in activity.customers() {
        let mut draw = Draw::of(behaviour.customer.key, "xref", 0);
        let signed = behaviour.customer.joined <= activity.horizon;
        if known_from(behaviour) > activity.horizon {
            continue;
        }
        let crm = format!("0015f{:013x}", draw.bits() >> 12);
        let billing = format!("cus_{:012x}", draw.bits() >> 16);
        let product = format!("org-{:08x}", draw.bits() >> 32);
        let support = format!("{}", 360_000_000 + draw.below(90_000_000));
        let (by_domain, unknown) = (draw.chance(0.15), draw.chance(0.08));
        let mut add = |system: &str, external_id: String, method: &str, confidence: i128| {
            let confidence = Cell::Decimal(confidence, 2);
            rows.push([(&account.id).into(), system.into(), external_id.into(), method.into(), confidence]);
        };
        add("crm", crm, "explicit", 100);
        if signed {
            add("billing", billing, "explicit", 100);
            add("product", product, "explicit", 100);
        }
        if signed && !unknown {
            let (method, confidence) = if by_domain { ("domain", 90) } else { ("explicit", 100) };
            add("support", support, method, confidence);
        }
    }
    rows
}

/// The first day that a customer's events can fall on: the company's first day of usage, or the customer's own.
pub(super) fn first_day(activity: &Activity<'_>, behaviour: &Behaviour) -> Day {
    behaviour.customer.joined.max(activity.start)
}

/// The last day that events can fall on: the horizon, or the last day as a customer.
pub(super) fn last_day(activity: &Activity<'_>, behaviour: &Behaviour) -> Day {
    behaviour.customer.left.map_or(activity.horizon, |left| activity.horizon.min(left - 1))
}

/// A day as a date, if it is known by the horizon.
pub(super) fn shown(day: Option<Day>, horizon: Day) -> Cell {
    day.filter(|day| *day <= horizon).map_or(Cell::Null, |day| date_of(day).into())
}
