//! Calls, meetings and mails with customers, and what was said in them.

use super::Activity;
use super::accounts::{first_day, last_day};
use super::behaviour::Behaviour;
use super::calendar::{Day, day_of, is_weekend, weekday_of};
use super::contacts::{Contact, contacts, primary, somebody};
use super::deal::first_deal;
use super::draw::Draw;
use super::sentences::{Line, Side, about_a_renewal, before_the_deal, mail, with_a_customer};
use super::support::{after, hundredths, pressure};
use crate::sample::company::Account;
use crate::sample::table::{Cell, Rows};
use chrono::NaiveDateTime;

/// One engagement with its sentences.
struct Talk {
    id: String,
    opportunity_id: Option<String>,
    kind: &'static str,
    side: Side,
    at: NaiveDateTime,
    contact_id: Option<String>,
    person_id: String,
    thread_id: Option<String>,
    replied_to_id: Option<String>,
    subject: &'static str,
    /// Hundredths from -100 to 100.
    sentiment: Option<f64>,
    is_automated: bool,
    lines: Vec<Line>,
}

/// Engagements up to the horizon.
pub(super) fn engagements(activity: &Activity<'_>) -> Rows<13> {
    let mut rows = Rows::new([
        "engagement_id",
        "account_id",
        "opportunity_id",
        "kind",
        "direction",
        "occurred_at",
        "contact_id",
        "person_id",
        "thread_id",
        "replied_to_id",
        "subject",
        "sentiment",
        "is_automated",
    ]);
    for (account, behaviour) in activity.customers() {
        for talk in all(activity, account, behaviour) {
            rows.push([
                talk.id.into(),
                (&account.id).into(),
                talk.opportunity_id.into(),
                talk.kind.into(),
                if talk.side == Side::Ours { "outbound" } else { "inbound" }.into(),
                talk.at.into(),
                talk.contact_id.into(),
                talk.person_id.into(),
                talk.thread_id.into(),
                talk.replied_to_id.into(),
                talk.subject.into(),
                talk.sentiment.map_or(Cell::Null, hundredths),
                talk.is_automated.into(),
            ]);
        }
    }
    rows
}

/// The sentences of all engagements up to the horizon.
pub(super) fn utterances(activity: &Activity<'_>) -> Rows<4> {
    let mut rows = Rows::new(["engagement_id", "sequence", "side", "text"]);
    for (account, behaviour) in activity.customers() {
        for talk in all(activity, account, behaviour) {
            for (sequence, (side, text)) in (1_i64..).zip(talk.lines) {
                rows.push([(&talk.id).into(), sequence.into(), side.name().into(), text.into()]);
            }
        }
    }
    rows
}

/// All engagements with an account that are known by the horizon.
fn all(activity: &Activity<'_>, account: &Account, behaviour: &Behaviour) -> Vec<Talk> {
    let contacts = contacts(account, behaviour);
    let room = Room { activity, account, behaviour, contacts: &contacts };
    let mut result = room.deal();
    result.extend(room.meetings());
    result.extend(room.renewals());
    for day in first_day(activity, behaviour)..=last_day(activity, behaviour) {
        if !is_weekend(day) {
            room.mails(day, &mut result);
        }
    }
    result.retain(|talk| activity.is_known(talk.at));
    result
}

/// How a customer feels about us on `day`, between -1 and 1: what it does, not what it says it does.
pub(super) fn mood(behaviour: &Behaviour, day: Day) -> f64 {
    let usage = behaviour.planted_factor(day - 7).min(1.15);
    let strain = (pressure(behaviour, day) - 1.0).clamp(0.0, 2.0);
    (0.55 + 1.1 * (usage - 1.0) - 0.3 * strain).clamp(-1.0, 1.0)
}

/// Where engagements with one account come from.
struct Room<'a> {
    activity: &'a Activity<'a>,
    account: &'a Account,
    behaviour: &'a Behaviour,
    contacts: &'a [Contact],
}

impl Room<'_> {
    fn draw(&self, purpose: &str, number: Day) -> Draw {
        Draw::of(self.behaviour.customer.key, purpose, i64::from(number))
    }

    /// An engagement by the customer success manager, without sentences.
    fn talk(&self, purpose: &str, day: Day, kind: &'static str, draw: &mut Draw) -> Talk {
        let mood = mood(self.behaviour, day);
        let sentiment = (100.0 * mood + 22.0 * draw.normal()).clamp(-99.0, 99.0);
        Talk {
            id: format!("eng-{:05}-{purpose}-{day}", self.account.index + 1),
            opportunity_id: None,
            kind,
            side: Side::Ours,
            at: self.activity.working_time(day, self.behaviour, draw),
            contact_id: somebody(self.contacts, day, draw).map(|contact| contact.id.clone()),
            person_id: self.activity.acting(&self.account.csm_id, day).to_owned(),
            thread_id: None,
            replied_to_id: None,
            subject: "Check-in",
            sentiment: draw.chance(0.7).then_some(sentiment),
            is_automated: false,
            lines: Vec::new(),
        }
    }

    /// The last four weeks before the first deal: calls with sales, some of them not recorded.
    fn deal(&self) -> Vec<Talk> {
        let deal = first_deal(self.activity, self.account, self.behaviour);
        let mut draw = self.draw("deal talks", 0);
        let count = draw.whole(3, 5);
        let mut result = Vec::new();
        for number in 0..count {
            let mut day = deal.won - 27 + (number + 1) * 26 / count;
            while is_weekend(day) {
                day -= 1;
            }
            let kind = draw.pick(&["call", "call", "meeting", "email"], "call");
            let lines = before_the_deal(&deal, number, count, &mut draw);
            let mut talk = self.talk("deal", day, kind, &mut draw);
            talk.opportunity_id = Some(deal.opportunity_id.clone());
            talk.contact_id = deal.champion_id.clone();
            talk.person_id.clone_from(&self.account.sales_owner_id);
            talk.subject = "Evaluation";
            talk.sentiment = Some(draw.between(5.0, 80.0));
            talk.lines = lines;
            result.push(talk);
        }
        result
    }

    /// Regular meetings: every other week with the largest customers, every eleven weeks with the smallest.
    fn meetings(&self) -> Vec<Talk> {
        let every = match self.behaviour.seats(self.behaviour.customer.joined) {
            280.. => 14,
            40.. => 30,
            _ => 77,
        };
        let (first, last) = (first_day(self.activity, self.behaviour), last_day(self.activity, self.behaviour));
        let mut result = Vec::new();
        for number in 0.. {
            let mut draw = self.draw("meeting", number);
            let mut day = self.behaviour.customer.joined + 12 + number * every + draw.whole(0, 4);
            while is_weekend(day) {
                day += 1;
            }
            if day > last {
                break;
            }
            let mood = mood(self.behaviour, day);
            // Meetings are the first thing an unhappy customer cancels.
            if day < first || draw.chance(0.1 + if mood < 0.1 { 0.45 } else { 0.0 }) {
                continue;
            }
            let kind = draw.pick(&["meeting", "meeting", "call"], "meeting");
            let mut talk = self.talk("csm", day, kind, &mut draw);
            talk.lines = if draw.chance(0.6) { with_a_customer(mood, draw.whole(3, 6), &mut draw) } else { Vec::new() };
            result.push(talk);
        }
        result
    }

    /// The conversation about the next term, in most cases.
    fn renewals(&self) -> Vec<Talk> {
        let mut result = Vec::new();
        for (number, end) in (1..).zip(self.activity.bought().term_ends(self.account)) {
            let mut draw = self.draw("renewal talk", number);
            let is_last = self.account.churn_date == Some(end);
            let mut day = day_of(end) - draw.whole(35, 85);
            while is_weekend(day) {
                day -= 1;
            }
            if day < self.activity.start || !draw.chance(if is_last { 0.5 } else { 0.82 }) {
                continue;
            }
            let mut talk = self.talk("renewal", day, "meeting", &mut draw);
            talk.opportunity_id = Some(format!("opp-{:05}-renewal-{number}", self.account.index + 1));
            talk.subject = "Renewal conversation";
            talk.lines = about_a_renewal(mood(self.behaviour, day), &mut draw);
            result.push(talk);
        }
        result
    }

    /// The mails of one working day: newsletters, a thread now and then, complaints when support is slow.
    fn mails(&self, day: Day, result: &mut Vec<Talk>) {
        let mut draw = self.draw("mail", day);
        let is_newsletter =
            weekday_of(day) == 1 && super::calendar::date_of(day).format("%d").to_string().as_str() < "08";
        if is_newsletter {
            let mut talk = self.talk("news", day, "email", &mut draw);
            talk.contact_id = primary(self.contacts, day).map(|contact| contact.id.clone());
            talk.subject = "What is new this month";
            talk.is_automated = true;
            talk.sentiment = None;
            result.push(talk);
        }
        let mood = mood(self.behaviour, day);
        let size = f64::from(self.behaviour.seats(day)).sqrt().min(30.0);
        if draw.chance(0.03 + 0.004 * size) {
            self.thread(day, mood, &mut draw, result);
        }
        if draw.chance(0.02 * (pressure(self.behaviour, day) - 1.0).max(0.0)) {
            let mut talk = self.talk("complaint", day, "email", &mut draw);
            talk.side = Side::Customer;
            talk.subject = "Open tickets";
            talk.sentiment = Some(draw.between(-85.0, -20.0));
            talk.lines = mail(Side::Customer, -1.0, &mut draw);
            result.push(talk);
        }
    }

    /// A mail of ours and perhaps the answer. Who is about to leave answers later, and less often.
    fn thread(&self, day: Day, mood: f64, draw: &mut Draw, result: &mut Vec<Talk>) {
        let thread = format!("thr-{:05}-{day}", self.account.index + 1);
        let mut first = self.talk("mail", day, "email", draw);
        first.subject = draw.pick(&["Your question", "Next steps", "Training dates", "Adoption report"], "Next steps");
        first.thread_id = Some(thread.clone());
        first.lines = mail(Side::Ours, mood, draw);
        let cold = (0.55 - mood).clamp(0.0, 1.2);
        if draw.chance(0.72 - 0.4 * cold) {
            // Each customer has a habit of its own, and a reply is as late as that habit, give or take.
            let habit = self.draw("reply habit", 0).between(2.0, 20.0);
            let hours = habit * draw.between(0.3, 1.9) * (1.0 + 2.2 * cold);
            let mut reply = self.talk("reply", day, "email", draw);
            reply.side = Side::Customer;
            reply.at = after(first.at, hours);
            reply.contact_id.clone_from(&first.contact_id);
            reply.subject = first.subject;
            reply.thread_id = Some(thread);
            reply.replied_to_id = Some(first.id.clone());
            reply.lines = mail(Side::Customer, mood, draw);
            result.push(first);
            result.push(reply);
        } else {
            result.push(first);
        }
    }
}
