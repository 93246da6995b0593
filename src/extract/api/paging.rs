//! What asks for the page after this one, and whether a source goes round in circles.

use super::ask::Page;
use super::inspect::Inspected;
use crate::error::{Class, Error, Result};
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{More, Paging, TokenTarget};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What comes after a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    /// The token of the next page; none at the end.
    pub next: Option<String>,
    /// The token that came, whether or not there is a next page.
    pub token: Option<String>,
}

impl After {
    /// The same, without a parameter of the next address: a key that the source repeats there is a secret, and is added to
    /// every request anyway.
    pub fn without(self, name: &str) -> Self {
        let without = |address: String| match address.split_once('?') {
            Some((path, query)) => {
                let kept = query.split('&').filter(|pair| pair.split('=').next() != Some(name));
                format!("{path}?{}", kept.collect::<Vec<_>>().join("&"))
            }
            None => address,
        };
        After { next: self.next.map(without), token: self.token.map(without) }
    }
}

/// How the first page is asked for.
pub(super) fn first(paging: &Paging) -> Option<String> {
    match paging {
        Paging::Page { first, .. } => Some(first.to_string()),
        Paging::Offset { .. } => Some("0".to_owned()),
        _ => None,
    }
}

/// Where a token goes; none where it is an address.
pub(super) fn target(paging: &Paging) -> Option<&TokenTarget> {
    match paging {
        Paging::Token { target, .. }
        | Paging::TokenHeader { target, .. }
        | Paging::LastId { target, .. }
        | Paging::Page { target, .. }
        | Paging::Offset { target, .. } => Some(target),
        Paging::None | Paging::NextUrl { .. } | Paging::LinkHeader => None,
    }
}

/// The path in the last record that the next page is asked with.
pub(super) fn last(paging: &Paging) -> Option<&JsonPath> {
    match paging {
        Paging::LastId { path, .. } => Some(path),
        _ => None,
    }
}

/// Whether the answer says that there is more; none where it says nothing.
fn says_more(more: Option<&More>, inspected: &Inspected) -> Option<bool> {
    let more = more?;
    let said = inspected.value(&more.path)?;
    let is_true = !matches!(said.trim(), "" | "0") && !said.trim().eq_ignore_ascii_case("false");
    Some(is_true != more.is_end)
}

/// What comes after `page`, which was asked for with `token`.
pub(super) fn after(paging: &Paging, page: &Page, token: Option<&str>) -> After {
    let Some(inspected) = &page.inspected else { return After::default() };
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let counted = |step: u64| token.and_then(|token| token.parse::<u64>().ok()).map(|at| (at + step).to_string());
    let (token, more) = match paging {
        Paging::None => (None, None),
        Paging::NextUrl { path, more } | Paging::Token { path, more, .. } => {
            (given(inspected.value(path)), says_more(more.as_ref(), inspected))
        }
        Paging::TokenHeader { header, end, .. } => {
            (given(page.answer.header(header)).filter(|token| Some(token) != end.as_ref()), None)
        }
        Paging::LastId { more, .. } => {
            let more = says_more(more.as_ref(), inspected).unwrap_or(inspected.count > 0);
            (given(inspected.last.clone()), Some(more))
        }
        Paging::Page { size, more, .. } => {
            let is_full = inspected.count > 0 && size.is_none_or(|size| inspected.count >= size);
            (counted(1), Some(says_more(more.as_ref(), inspected).unwrap_or(is_full)))
        }
        Paging::Offset { size, more, .. } => {
            let is_full = inspected.count >= *size;
            let more = says_more(more.as_ref(), inspected).unwrap_or(is_full) && inspected.count > 0;
            (counted(inspected.count), Some(more))
        }
        Paging::LinkHeader => (page.answer.header("link").and_then(|link| next_link(&link)), None),
    };
    After { next: token.clone().filter(|_| more != Some(false)), token }
}

/// The target of the link whose relation is `next` (RFC 8288).
fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, link)) = rest.split_once('<') {
        let (target, after) = link.split_once('>')?;
        let parameters = after.split_once(",<").or_else(|| after.split_once(", <")).map_or(after, |(own, _)| own);
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let relations = value.trim().trim_end_matches(',').trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && relations.split_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = after;
    }
    None
}

/// Remembers what a slice's pages began with, to notice a source that would be read for ever.
#[derive(Debug, Default)]
pub(super) struct Guard {
    tokens: HashSet<u64>,
    firsts: HashSet<u64>,
}

impl Guard {
    /// Takes note of a page and what comes after it; none where an empty page with a known token means the end.
    ///
    /// # Errors
    /// The page, or the next one's token, was there before (69).
    pub fn passes(&mut self, paging: &Paging, first: Option<&str>, next: Option<&str>, what: &str) -> Result<bool> {
        if let Some(first) = first
            && !self.firsts.insert(hash(first))
        {
            let shown: String = first.chars().filter(|c| !c.is_control()).take(100).collect();
            return Err(circle(what, &format!("a page that begins with the row {shown} came twice in one pass")));
        }
        let is_new = next.is_none_or(|next| self.tokens.insert(hash(next)));
        match (is_new, paging) {
            (true, _) => Ok(true),
            // A scroll keeps its token; its end is an empty page, and its rows are watched.
            (false, Paging::Token { repeats: true, .. }) => Ok(first.is_some()),
            (false, _) => Err(circle(what, "the next page is one that was read before")),
        }
    }
}

fn circle(what: &str, why: &str) -> Error {
    Error::new(Class::Unavailable, format!("{what}: {why}"))
        .help("the source goes round in circles; rows that came before it are landed")
        .help("if this is the source's way, describe another way of paging in its source.toml")
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_apart_by_their_relation() {
        let header =
            r#"<https://x.example/a?page=1>; rel="first", <https://x.example/a?page=3>; title="x"; rel="next""#;
        assert_eq!(next_link(header).as_deref(), Some("https://x.example/a?page=3"));
        assert_eq!(next_link(r#"<https://x.example/a?page=1>; rel="last""#), None);
        assert_eq!(next_link(r#"</a?after=x>; rel=next"#).as_deref(), Some("/a?after=x"));
    }

    #[test]
    fn a_key_in_the_next_address_is_not_kept() {
        let next = Some("https://x.example/a?page=2&api_key=s3cret&x=1".to_owned());
        let after = After { next, token: None }.without("api_key");
        assert_eq!(after.next.as_deref(), Some("https://x.example/a?page=2&x=1"));
    }

    #[test]
    fn circles_are_noticed() {
        let paging = Paging::LinkHeader;
        let mut guard = Guard::default();
        assert!(guard.passes(&paging, Some("1"), Some("b"), "x").unwrap());
        assert!(guard.passes(&paging, Some("1"), Some("c"), "x").is_err());
        assert!(guard.passes(&paging, Some("2"), Some("b"), "x").is_err());
        let scroll = Paging::Token {
            path: JsonPath::default(),
            target: TokenTarget::Param("s".to_owned()),
            more: None,
            repeats: true,
        };
        let mut guard = Guard::default();
        assert!(guard.passes(&scroll, Some("1"), Some("same"), "x").unwrap());
        assert!(guard.passes(&scroll, Some("2"), Some("same"), "x").unwrap());
        assert!(!guard.passes(&scroll, None, Some("same"), "x").unwrap());
    }
}
