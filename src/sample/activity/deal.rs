//! The first deal of every customer: what was agreed, what was said, and what the handoff form tells of it.

use super::Activity;
use super::accounts::known_from;
use super::behaviour::Behaviour;
use super::bought::Concession;
use super::calendar::Day;
use super::contacts::{champion, contacts};
use super::draw::Draw;
use crate::sample::company::Account;

/// How honest the handoff form is about what was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It says what was agreed.
    Faithful,
    /// It leaves the concession out.
    Omits,
    /// It says there is none.
    Denies,
    /// Nobody filled it in.
    Missing,
}

/// What sales and the customer agreed, and when.
pub(super) struct Deal {
    /// `opp-00001-n` of the deal.
    pub opportunity_id: String,
    /// The day the opportunity was opened.
    pub opened: Day,
    /// The day it was won.
    pub won: Day,
    /// The discount that was given for a time.
    pub discount: Option<Concession>,
    /// Onboarding at no charge.
    pub is_onboarding_free: bool,
    /// Something promised that the product could not do yet.
    pub commitment: Option<&'static str>,
    /// What could go wrong, as sales saw it.
    pub risk: Option<&'static str>,
    /// The champion at the time.
    pub champion_id: Option<String>,
    /// What the form makes of it.
    pub form: Form,
    /// The day the form was submitted.
    pub submitted: Day,
}

const COMMITMENTS: [&str; 5] = [
    "single sign-on with their identity provider by the end of the quarter",
    "a connector to their ERP within 90 days of go-live",
    "migration of five years of records before kickoff",
    "a 99.9 % uptime SLA with monthly reports",
    "an export of the audit log, on the roadmap for the next release",
];
const RISKS: [&str; 5] = [
    "Two departments disagree on the process to automate.",
    "Budget owner changes at the end of the fiscal year.",
    "Last vendor failed on data quality; patience is short.",
    "IT is busy with an ERP migration until summer.",
    "Only one person drives this internally.",
];

/// The deal an account was won with.
pub(super) fn first_deal(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Deal {
    let mut draw = Draw::of(behaviour.customer.key, "deal", 0);
    let joined = behaviour.customer.joined;
    let bought = activity.bought();
    let won = bought.first_signed(account).unwrap_or(joined - 5);
    let is_onboarding_free = draw.chance(0.5) && !bought.has_onboarding_fee(account);
    let form = match draw.unit() {
        ..0.74 => Form::Faithful,
        ..0.86 => Form::Omits,
        ..0.94 => Form::Denies,
        _ => Form::Missing,
    };
    let late = draw.chance(0.15);
    let submitted = won + if late { draw.whole(8, 25) } else { draw.whole(0, 5) };
    let commitment = draw.chance(0.45).then(|| draw.pick(&COMMITMENTS, COMMITMENTS[0]));
    let risk = draw.chance(0.6).then(|| draw.pick(&RISKS, RISKS[0]));
    let people = contacts(account, behaviour);
    Deal {
        opportunity_id: format!("opp-{:05}-new", account.index + 1),
        opened: (known_from(behaviour) + draw.whole(2, 12)).min(won - 10),
        won,
        discount: bought.first_concession(account),
        is_onboarding_free,
        commitment,
        risk,
        champion_id: champion(&people, won).map(|contact| contact.id.clone()),
        form,
        submitted,
    }
}

/// What a form says of price where it does not state the thing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// That there is nothing.
    Denied,
    /// Nothing.
    Silent,
}

impl Deal {
    /// What the form says of price beyond what it states.
    pub(super) fn otherwise(&self) -> Otherwise {
        if self.concessions().as_deref() == Some("none") { Otherwise::Denied } else { Otherwise::Silent }
    }

    /// What the form says about concessions on price; none where it is silent.
    pub(super) fn concessions(&self) -> Option<String> {
        match (self.form, self.discount) {
            (Form::Missing | Form::Omits, _) => None,
            (Form::Denies, _) => Some("none".to_owned()),
            (Form::Faithful, None) if self.is_onboarding_free => {
                Some("Guided onboarding free of charge; list price otherwise.".to_owned())
            }
            (Form::Faithful, None) => Some("none".to_owned()),
            (Form::Faithful, Some(discount)) => {
                Some(format!("{} % off until {}, approved by the deal desk.", discount.percent_text(), discount.ends))
            }
        }
    }
}
