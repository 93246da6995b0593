//! The customers' people: who champions, who buys, who leaves.

use super::Activity;
use super::behaviour::Behaviour;
use super::calendar::{Day, date_of};
use super::draw::{Draw, named};
use super::episode::Kind;
use super::words::{person_name, title};
use crate::sample::company::Account;
use crate::sample::table::{Cell, Rows};

/// One person at a customer.
#[derive(Debug, Clone)]
pub(super) struct Contact {
    /// `con-00001-01` and so on.
    pub id: String,
    role: &'static str,
    /// The first day we know of them.
    pub known: Day,
    /// The day they leave the customer.
    pub departs: Option<Day>,
}

impl Contact {
    /// Whether they are there, and known, on `day`.
    pub(super) fn is_there(&self, day: Day) -> bool {
        self.known <= day && self.departs.is_none_or(|departs| day < departs)
    }
}

/// The people of an account, in the order we came to know them by role: champions first, each the successor of the one before.
pub(super) fn contacts(account: &Account, behaviour: &Behaviour) -> Vec<Contact> {
    let customer = &behaviour.customer;
    let mut result = Vec::new();
    let mut add = |role, known, departs| {
        let id = format!("con-{:05}-{:02}", account.index + 1, result.len() + 1);
        result.push(Contact { id, role, known, departs });
    };
    let others = 2 + (behaviour.seats(customer.joined).max(1).ilog2() / 2).min(5);
    for place in 0..=others {
        let mut draw = Draw::of(customer.key, "contact", i64::from(place));
        let role = match place {
            0 => "economic_buyer",
            1 => "admin",
            2 | 3 => "user",
            _ => draw.pick(&["user", "other", "user"], "user"),
        };
        let known =
            if place < 2 { customer.joined - draw.whole(5, 60) } else { customer.joined + draw.whole(-20, 160) };
        let departs = draw.chance(0.22).then(|| customer.joined + draw.whole(150, 1100));
        add(role, known, departs.filter(|departs| *departs > known));
    }
    let mut draw = Draw::of(customer.key, "champion", 0);
    let mut known = Some(customer.joined - draw.whole(30, 90));
    for episode in behaviour.episodes.iter().filter(|episode| episode.kind == Kind::ChampionDeparture) {
        if let Some(known) = known {
            add("champion", known, Some(episode.from));
        }
        // A customer that stays finds a successor; one on its way out does not.
        known = episode.to.map(|_| episode.from + draw.whole(25, 70));
    }
    if let Some(known) = known {
        add("champion", known, None);
    }
    result
}

/// The champion who is there on `day`.
pub(super) fn champion(contacts: &[Contact], day: Day) -> Option<&Contact> {
    contacts.iter().find(|contact| contact.role == "champion" && contact.is_there(day))
}

/// Somebody who is there on `day`: the champion half of the time.
pub(super) fn somebody<'a>(contacts: &'a [Contact], day: Day, draw: &mut Draw) -> Option<&'a Contact> {
    if draw.chance(0.5)
        && let Some(champion) = champion(contacts, day)
    {
        return Some(champion);
    }
    let there: Vec<&Contact> = contacts.iter().filter(|contact| contact.is_there(day)).collect();
    let place = usize::try_from(draw.below(there.len() as u64)).ok()?;
    there.get(place).copied()
}

/// Whom we talk to first on `day`: the champion, else whoever buys or administers.
pub(super) fn primary(contacts: &[Contact], day: Day) -> Option<&Contact> {
    champion(contacts, day).or_else(|| contacts.iter().find(|contact| contact.is_there(day)))
}

/// The contacts known by the horizon.
pub(super) fn rows(activity: &Activity<'_>) -> Rows<11> {
    let mut rows = Rows::new([
        "contact_id",
        "account_id",
        "name",
        "email_domain",
        "email_hash",
        "title",
        "role",
        "is_primary",
        "is_active",
        "departed_date",
        "created_at",
    ]);
    for (account, behaviour) in activity.customers() {
        let contacts = contacts(account, behaviour);
        let first = primary(&contacts, activity.horizon).map(|contact| &contact.id);
        for contact in contacts.iter().filter(|contact| contact.known <= activity.horizon) {
            let mut draw = Draw::of(named(behaviour.customer.key, &contact.id), "who", 0);
            let (given, family) = person_name(&mut draw);
            let departed = contact.departs.filter(|departs| *departs <= activity.horizon);
            let created = activity.working_time(contact.known, behaviour, &mut draw);
            // A private address is somebody's who signed up before the company knew of it; it must never match an account.
            let is_private = contact.role == "user" && draw.chance(0.04);
            rows.push([
                (&contact.id).into(),
                (&account.id).into(),
                format!("{given} {family}").into(),
                if is_private { "freemail.example".into() } else { (&account.domain).into() },
                format!("{:016x}{:016x}", draw.bits(), draw.bits()).into(),
                title(contact.role, &mut draw).into(),
                contact.role.into(),
                (first == Some(&contact.id)).into(),
                departed.is_none().into(),
                departed.map_or(Cell::Null, |day| date_of(day).into()),
                created.into(),
            ]);
        }
    }
    rows
}
