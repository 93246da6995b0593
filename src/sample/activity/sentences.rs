//! What is said in calls and mails. All sentences are made up; the ones about concessions follow what a deal really contains.

use super::deal::Deal;
use super::draw::Draw;

/// Who says a sentence, and the sentence.
pub(super) type Line = (Side, String);

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The made-up company's.
    Ours,
    /// The customer's.
    Customer,
}

impl Side {
    /// As in `utterance.side`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Customer => "customer",
        }
    }
}

const SELLING: [&str; 6] = [
    "Let me share my screen and walk you through the workflow builder.",
    "The rollout usually takes four to six weeks.",
    "I will send the security questionnaire this afternoon.",
    "Your data stays in the region you pick.",
    "Most teams of your size start with two departments.",
    "The order form lists seats and modules line by line.",
];
const BUYING: [&str; 6] = [
    "Who else in our industry uses this?",
    "Our finance team wants to see the total over the whole term.",
    "We need this live before the next audit.",
    "How does the import deal with duplicates?",
    "Legal will get back to us by Friday.",
    "Could you show the approval steps again?",
];
const CONTENT: [&str; 7] = [
    "The team is using approvals every day now.",
    "Reporting has become a lot easier for us.",
    "We rolled it out to the second site last week.",
    "People like the new dashboards.",
    "Thanks for the quick help with the import.",
    "We would like to try the scheduling module.",
    "Nothing urgent from our side this month.",
];
const STRAINED: [&str; 8] = [
    "To be honest, fewer people log in than we planned.",
    "We are disappointed with how long the last ticket took.",
    "If this is not fixed we will have to escalate.",
    "A competitor has offered us a trial.",
    "We may have to cancel some of the seats.",
    "Our new director is questioning the spend.",
    "The team went back to spreadsheets for part of this.",
    "We would like a refund for the days it was down.",
];
const LOOKING_AFTER: [&str; 6] = [
    "Let us look at the adoption report together.",
    "I will set up a training for the new colleagues.",
    "Shall we review your goals for the quarter?",
    "I have noted that and will come back to you on Thursday.",
    "The new release is out next week; I will send the notes.",
    "Let me bring in our support lead.",
];

/// The sentences of one of `count` conversations before a deal is won, the one at `number`. The last one settles the price.
pub(super) fn before_the_deal(deal: &Deal, number: i32, count: i32, draw: &mut Draw) -> Vec<Line> {
    let mut lines = vec![
        (Side::Ours, draw.pick(&SELLING, SELLING[0]).to_owned()),
        (Side::Customer, draw.pick(&BUYING, BUYING[0]).to_owned()),
    ];
    if number == count - 2 {
        let asked = deal.discount.map_or(10, |discount| discount.percent / 10_000 + 5);
        lines.push((Side::Customer, format!("Could you do {asked}% off if we sign this month?")));
        if deal.discount.is_none() {
            lines.push((Side::Ours, format!("We can't offer a {asked}% discount on the seats.")));
        }
    }
    if number == count - 1 {
        if let Some(discount) = deal.discount {
            lines.push((Side::Ours, format!("We can do {}% off until {}.", discount.percent_text(), discount.ends)));
            lines.push((Side::Customer, "That works for us, please put it in the order form.".to_owned()));
        }
        if deal.is_onboarding_free {
            lines.push((Side::Ours, "Guided onboarding is included at no additional cost.".to_owned()));
        }
        if let Some(commitment) = deal.commitment {
            lines.push((Side::Ours, format!("We'll deliver {commitment}.")));
        }
    }
    lines.push((Side::Ours, draw.pick(&SELLING, SELLING[1]).to_owned()));
    lines
}

/// The sentences of a conversation with a customer whose mood is between -1 and 1.
pub(super) fn with_a_customer(mood: f64, sentences: i32, draw: &mut Draw) -> Vec<Line> {
    (0..sentences)
        .map(|number| {
            if number % 2 == 0 {
                return (Side::Ours, draw.pick(&LOOKING_AFTER, LOOKING_AFTER[0]).to_owned());
            }
            let is_strained = draw.unit() * 1.6 - 0.8 > mood;
            let said = if is_strained { draw.pick(&STRAINED, STRAINED[0]) } else { draw.pick(&CONTENT, CONTENT[0]) };
            (Side::Customer, said.to_owned())
        })
        .collect()
}

/// The sentences of a conversation about a renewal: how it goes, what more they need, what would keep them from renewing.
pub(super) fn about_a_renewal(mood: f64, draw: &mut Draw) -> Vec<Line> {
    let mut answer = |lines: usize| with_a_customer(mood, 2, draw).into_iter().skip(1).take(lines);
    let mut lines = vec![(Side::Ours, "How is it going so far, seen from your side?".to_owned())];
    lines.extend(answer(1));
    lines.push((Side::Ours, "Which teams could use it next year?".to_owned()));
    lines.extend(answer(1));
    lines.push((Side::Ours, "What would keep you from renewing?".to_owned()));
    lines.extend(answer(1));
    lines
}

/// What one side writes in a mail.
pub(super) fn mail(side: Side, mood: f64, draw: &mut Draw) -> Vec<Line> {
    let text = match side {
        Side::Ours => draw.pick(&LOOKING_AFTER, LOOKING_AFTER[3]),
        Side::Customer if draw.unit() * 1.6 - 0.8 > mood => draw.pick(&STRAINED, STRAINED[0]),
        Side::Customer => draw.pick(&CONTENT, CONTENT[6]),
    };
    vec![(side, text.to_owned())]
}
