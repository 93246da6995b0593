//! What an answer means, by the description's rules.

use super::doc::{Index, Kind, Value};
use super::http::Answer;
use super::inspect::{self, Inspected};
use super::page::PagePlan;
use super::walk;
use crate::model::source::access::ErrorRule;
use crate::model::source::path::JsonPath;

/// How much of an answer is searched for a rule's words: what means something stands at its beginning or at its end.
const SEARCHED: usize = 64 << 10;

/// The first rule that fits an answer.
pub(super) fn first<'r>(
    rules: &'r [ErrorRule],
    answer: &Answer,
    inspected: Option<&Inspected>,
) -> Option<&'r ErrorRule> {
    rules.iter().find(|rule| fits(rule, answer, inspected))
}

fn fits(rule: &ErrorRule, answer: &Answer, inspected: Option<&Inspected>) -> bool {
    let is_good = (200..300).contains(&answer.status);
    // A rule without statuses and without words would turn every answer into an error.
    let has_words = rule.body.is_some() || rule.contains.is_some();
    if !rule.status.contains(&answer.status) && !(rule.status.is_empty() && (has_words || !is_good)) {
        return false;
    }
    let contains = rule.contains.as_ref().is_none_or(|words| {
        let ends = [answer.body.head(SEARCHED), answer.body.tail(SEARCHED)];
        let words = words.to_lowercase();
        ends.iter().flatten().any(|text| String::from_utf8_lossy(text).to_lowercase().contains(&words))
    });
    contains
        && rule.body.as_ref().is_none_or(|(path, words)| {
            let found = match inspected {
                Some(inspected) => inspected.seen.iter().find_map(|seen| at(inspect::root(seen)?, path)),
                None => answer.body.in_memory().and_then(|text| {
                    let mut index = Index::default();
                    at(index.parse(text).ok()?, path)
                }),
            };
            found.is_some_and(|found| found.to_lowercase().contains(&words.to_lowercase()))
        })
}

/// What stands at a path, as text.
fn at(root: Value<'_>, path: &JsonPath) -> Option<String> {
    walk::first(root, &path.steps).map(|value| match value.scalar() {
        Some(text) => text.into_owned(),
        None => String::from_utf8_lossy(value.json()).into_owned(),
    })
}

/// Whether an answer without records has nothing where they should be, and an error beside.
pub(super) fn speaks_of_error(inspected: &Inspected, plan: &PagePlan) -> bool {
    let Some(root) = inspected.seen.first().and_then(inspect::root) else { return false };
    let names = plan.own().names().unwrap_or_default();
    let mut place = Some(root);
    for name in &names {
        place = place.and_then(|value| value.member(name));
    }
    if names.is_empty() || place.is_some() {
        return false;
    }
    ["error", "errors", "fault", "exception"].iter().any(|name| {
        root.member(name).is_some_and(|value| match value.kind() {
            Kind::Null => false,
            Kind::Object | Kind::Array => value.raw().len() > 2,
            _ => !value.is("false") && !value.raw().is_empty(),
        })
    })
}
